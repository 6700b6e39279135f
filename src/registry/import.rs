//! Reading a register file: what would change, or everything that is wrong with the file.
//!
//! A file is a CSV table in UTF-8 (a byte order mark is taken), whose first line names the
//! columns, in any order: `record, device, model, officer, name, unit, price, from, to`. Lines
//! that begin with `#` are comments. `record` says what a line is:
//!
//! - `device`: the recorder `device`, its `model`, `unit` and `price` in yuan;
//! - `officer`: the officer `officer`, their `name` and `unit`;
//! - `assignment`: `device` was held by `officer` `from`, inclusive, `to`, exclusive; an empty
//!   `to` means still. Times are RFC 3339, or local to the office as `2026-01-05 09:30[:00]`.
//!
//! An empty cell leaves what the register has. A file need not be complete: what it does not
//! mention stays. History is not rewritten: an assignment that ended keeps its end, and two
//! holders at one instant are refused. Importing a file twice plans nothing the second time.
//! All errors are returned together, each with its line.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::line::{Header, Line, Row};
use super::{Assignment, Change, Device, Officer, Register, apply};
use crate::base::{ErrorKind, Explain, Moment, limits};

/// Errors that are returned one by one; the rest are counted. A file with more has one cause.
const ERRORS_MAX: usize = 100;

/// One thing that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {text}")]
pub struct ImportError {
    /// Line in the file, from 1.
    pub line: u64,
    /// What is wrong there.
    pub text: String,
}

impl ImportError {
    pub(super) fn new(line: u64, text: impl Into<String>) -> Self {
        Self {
            line,
            text: text.into(),
        }
    }
}

/// Everything that is wrong with a file, by line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}", lines(errors), if *more == 0 { String::new() } else { format!("\nand {more} more") })]
pub struct ImportErrors {
    /// The first hundred.
    pub errors: Vec<ImportError>,
    /// How many more there are.
    pub more: usize,
}

fn lines(errors: &[ImportError]) -> String {
    errors
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

impl Explain for ImportErrors {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<String> {
        Some("nothing was imported; correct the lines and import the file again".into())
    }
}

/// What an import would change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportPlan {
    /// The changes, in the order in which they apply.
    pub changes: Vec<Change>,
    /// Lines that state what the register already holds.
    pub unchanged: usize,
    /// Sentences about lines that a person should look at; they do not prevent the import.
    pub warnings: Vec<String>,
}

/// Plans the import of `csv` into `register`; local times are those of `zone`. Changes nothing.
pub fn plan_import(
    register: &Register,
    csv: &[u8],
    zone: &TimeZone,
) -> Result<ImportPlan, ImportErrors> {
    let mut planner = Planner::default();
    let rows = planner.read(csv, zone);
    planner.plan(register, rows);
    planner.errors.sort_by_key(|e| e.line);
    if planner.errors.is_empty() {
        return Ok(planner.plan);
    }
    let more = planner.errors.len().saturating_sub(ERRORS_MAX);
    planner.errors.truncate(ERRORS_MAX);
    Err(ImportErrors {
        errors: planner.errors,
        more,
    })
}

#[derive(Default)]
struct Planner {
    plan: ImportPlan,
    errors: Vec<ImportError>,
}

impl Planner {
    fn wrong(&mut self, line: u64, text: impl Into<String>) {
        self.errors.push(ImportError::new(line, text));
    }

    /// Reads the lines; errors are kept.
    fn read(&mut self, csv: &[u8], zone: &TimeZone) -> Vec<(u64, Row)> {
        let csv = csv.strip_prefix(b"\xef\xbb\xbf").unwrap_or(csv);
        if csv.len() > limits::COMMAND_BYTES_MAX {
            self.wrong(
                1,
                format!("the file has more than {} bytes", limits::COMMAND_BYTES_MAX),
            );
            return Vec::new();
        }
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .comment(Some(b'#'))
            .from_reader(csv);
        let (mut header, mut rows) = (None, Vec::new());
        for record in reader.byte_records() {
            let record = match record {
                Ok(record) => record,
                Err(e) => {
                    let line = e.position().map_or(1, csv::Position::line);
                    self.wrong(line, e.to_string());
                    break;
                }
            };
            let number = line_of(csv, &record);
            let Some(header) = &header else {
                header = Some(Header::read(&record, number, &mut self.errors));
                if !self.errors.is_empty() {
                    // With a wrong header every line would be wrong for the same reason.
                    return Vec::new();
                }
                continue;
            };
            // Spreadsheets end a table with lines of empty cells.
            if record.iter().all(|cell| cell.trim_ascii().is_empty()) {
                continue;
            }
            let row = Line {
                header,
                record: &record,
                number,
                zone,
                errors: &mut self.errors,
                warnings: &mut self.plan.warnings,
            }
            .read();
            rows.extend(row.map(|row| (number, row)));
        }
        if header.is_none() && self.errors.is_empty() {
            self.wrong(1, "the file is empty");
        }
        rows
    }

    fn plan(&mut self, register: &Register, rows: Vec<(u64, Row)>) {
        let mut after = register.clone();
        let (mut devices, mut officers, mut assignments) = (Vec::new(), Vec::new(), Vec::new());
        for (line, row) in rows {
            match row {
                Row::Device(device) => devices.push((line, device)),
                Row::Officer(officer) => officers.push((line, officer)),
                Row::Assignment(assignment) => assignments.push((line, assignment)),
            }
        }
        for (_, id, device) in self.distinct(devices, "device", |d: &Device| d.id.clone()) {
            let before = register.device(&id);
            let wanted = before.map_or(device.clone(), |b| Device {
                model: filled(&device.model, &b.model),
                unit: filled(&device.unit, &b.unit),
                price_fen: device.price_fen.or(b.price_fen),
                id: device.id.clone(),
            });
            let change = match before.cloned() {
                None => Change::DeviceAdded(wanted),
                Some(before) if before == wanted => {
                    self.plan.unchanged += 1;
                    continue;
                }
                Some(before) => Change::DeviceChanged {
                    before,
                    after: wanted,
                },
            };
            self.change(&mut after, change);
        }
        for (_, id, officer) in self.distinct(officers, "officer", |o: &Officer| o.id.clone()) {
            let before = register.officer(&id);
            let wanted = before.map_or(officer.clone(), |b| Officer {
                name: filled(&officer.name, &b.name),
                unit: filled(&officer.unit, &b.unit),
                id: officer.id.clone(),
            });
            let change = match before.cloned() {
                None => Change::OfficerAdded(wanted),
                Some(before) if before == wanted => {
                    self.plan.unchanged += 1;
                    continue;
                }
                Some(before) => Change::OfficerChanged {
                    before,
                    after: wanted,
                },
            };
            self.change(&mut after, change);
        }
        self.plan_assignments(register, &mut after, assignments);
    }

    fn plan_assignments(
        &mut self,
        register: &Register,
        after: &mut Register,
        assignments: Vec<(u64, Assignment)>,
    ) {
        let key = |a: &Assignment| (a.device.clone(), a.from);
        let distinct = self.distinct(assignments, "assignment", key);
        let lines: BTreeMap<(String, Moment), u64> = distinct
            .iter()
            .map(|(line, key, _)| (key.clone(), *line))
            .collect();
        for (line, _, wanted) in distinct {
            let mut known = true;
            if after.device(&wanted.device).is_none() {
                self.wrong(
                    line,
                    format!("device {} is in neither file nor register", wanted.device),
                );
                known = false;
            }
            if after.officer(&wanted.officer).is_none() {
                self.wrong(
                    line,
                    format!("officer {} is in neither file nor register", wanted.officer),
                );
                known = false;
            }
            if !known {
                continue;
            }
            let held = register
                .assignments
                .get(&wanted.device)
                .and_then(|all| all.get(&wanted.from));
            match held {
                None => self.change(after, Change::AssignmentAdded(wanted)),
                Some(held) if held.officer != wanted.officer => {
                    self.wrong(
                        line,
                        format!(
                            "the register has device {} with officer {} from {}",
                            held.device, held.officer, held.from
                        ),
                    );
                }
                Some(held) if held.to == wanted.to => self.plan.unchanged += 1,
                Some(held) => match (held.to, wanted.to) {
                    (None, Some(to)) => {
                        let Assignment {
                            device,
                            officer,
                            from,
                            ..
                        } = wanted;
                        let change = Change::AssignmentClosed {
                            device,
                            officer,
                            from,
                            to,
                        };
                        self.change(after, change);
                    }
                    (Some(ended), None) => {
                        // An older file than the register; it must not hand the recorder out again.
                        self.plan.unchanged += 1;
                        self.plan.warnings.push(format!(
                            "line {line}: `to` is empty, but the assignment ended at {ended}; it stays so"
                        ));
                    }
                    (ended, _) => {
                        let ended = ended.map_or(String::new(), |m| m.to_string());
                        self.wrong(
                            line,
                            format!("the assignment ended at {ended}; its end does not move"),
                        );
                    }
                },
            }
        }
        for overlap in after.overlaps() {
            let line_of = |a: &Assignment| lines.get(&(a.device.clone(), a.from)).copied();
            let (first, second) = (line_of(&overlap.first), line_of(&overlap.second));
            let (line, other) = match (first, second) {
                (_, Some(line)) => (line, (&overlap.first, first)),
                (Some(line), None) => (line, (&overlap.second, None)),
                (None, None) => continue,
            };
            let (other, place) = other;
            let place = place.map_or("in the register".to_owned(), |n| format!("line {n}"));
            let until = other.to.map_or("now".to_owned(), |to| to.to_string());
            self.wrong(line, format!(
                "device {} is with officer {} from {} until {until} ({place}); one recorder has one holder",
                other.device, other.officer, other.from
            ));
        }
    }

    /// Takes what lines say twice once; lines that contradict each other are errors.
    fn distinct<T: PartialEq, K: Ord + Clone>(
        &mut self,
        rows: Vec<(u64, T)>,
        what: &str,
        key: impl Fn(&T) -> K,
    ) -> Vec<(u64, K, T)> {
        let mut out: BTreeMap<K, (u64, T)> = BTreeMap::new();
        for (line, row) in rows {
            match out.get(&key(&row)) {
                None => {
                    out.insert(key(&row), (line, row));
                }
                Some((_, held)) if *held == row => self.plan.unchanged += 1,
                Some((first, _)) => {
                    let first = *first;
                    self.wrong(
                        line,
                        format!("the same {what} stands differently on line {first}"),
                    );
                }
            }
        }
        out.into_iter()
            .map(|(k, (line, row))| (line, k, row))
            .collect()
    }

    fn change(&mut self, after: &mut Register, change: Change) {
        apply(after, &change);
        self.plan.changes.push(change);
    }
}

/// The file's cell, or what the register has where the cell is empty.
fn filled(cell: &str, held: &str) -> String {
    if cell.is_empty() {
        held.to_owned()
    } else {
        cell.to_owned()
    }
}

/// The line on which a record begins. The reader's own count stands at the end of the record
/// before it, in front of comments and empty lines.
fn line_of(csv: &[u8], record: &csv::ByteRecord) -> u64 {
    let Some(position) = record.position() else {
        return 1;
    };
    let (mut line, mut rest) = (position.line(), csv);
    rest = usize::try_from(position.byte())
        .ok()
        .and_then(|b| rest.get(b..))
        .unwrap_or_default();
    loop {
        let skipped = match rest.first() {
            Some(b'\r') => 1,
            Some(b'\n') => {
                line += 1;
                1
            }
            // The line feed itself is counted by the next turn.
            Some(b'#') => rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len()),
            _ => return line,
        };
        rest = &rest[skipped..];
    }
}

#[cfg(test)]
mod tests;
