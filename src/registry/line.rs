//! One line of a register file, read cell by cell. Each wrong cell is an error of its own.

use csv::ByteRecord;
use jiff::tz::TimeZone;

use super::{Assignment, Device, ImportError, Officer};
use crate::base::{Moment, civil::read_time, nearest::nearest};

/// Characters in an identifier.
const ID_CHARS_MAX: usize = 64;
/// Characters in any other cell.
const TEXT_CHARS_MAX: usize = 256;
/// Yuan that one recorder can cost, so that a price is not a telephone number.
const PRICE_YUAN_MAX: u64 = 10_000_000;

/// The columns, by name; their order in the file is free.
const COLUMNS: [&str; 9] = [
    "record", "device", "model", "officer", "name", "unit", "price", "from", "to",
];
/// The values of `record`, and the columns that each uses.
const RECORDS: [(&str, &[&str]); 3] = [
    ("device", &["record", "device", "model", "unit", "price"]),
    ("officer", &["record", "officer", "name", "unit"]),
    ("assignment", &["record", "device", "officer", "from", "to"]),
];

/// What a line states.
pub(super) enum Row {
    Device(Device),
    Officer(Officer),
    Assignment(Assignment),
}

/// Where each column stands.
pub(super) struct Header {
    at: [Option<usize>; COLUMNS.len()],
    width: usize,
}

impl Header {
    /// Reads the header line; a column that is unknown or stands twice is an error.
    pub(super) fn read(record: &ByteRecord, line: u64, errors: &mut Vec<ImportError>) -> Self {
        let mut at = [None; COLUMNS.len()];
        for (i, cell) in record.iter().enumerate() {
            let name = String::from_utf8_lossy(cell).trim().to_lowercase();
            match COLUMNS.iter().position(|c| *c == name) {
                Some(c) if at[c].is_none() => at[c] = Some(i),
                Some(_) => errors.push(ImportError::new(
                    line,
                    format!("column `{name}` stands twice"),
                )),
                None => {
                    let near = nearest(&name, COLUMNS);
                    let hint = near.map_or(String::new(), |n| format!(", did you mean `{n}`?"));
                    errors.push(ImportError::new(
                        line,
                        format!("unknown column `{name}`{hint}"),
                    ));
                }
            }
        }
        if at[0].is_none() && errors.is_empty() {
            errors.push(ImportError::new(
                line,
                "no column `record`; the first line names the columns",
            ));
        }
        Self {
            at,
            width: record.len(),
        }
    }
}

/// A line being read.
pub(super) struct Line<'a> {
    pub(super) header: &'a Header,
    pub(super) record: &'a ByteRecord,
    pub(super) number: u64,
    pub(super) zone: &'a TimeZone,
    pub(super) errors: &'a mut Vec<ImportError>,
    pub(super) warnings: &'a mut Vec<String>,
}

impl Line<'_> {
    /// The row, or `None` when the line has an error (which then stands in `errors`).
    pub(super) fn read(&mut self) -> Option<Row> {
        let errors_before = self.errors.len();
        if self.record.len() != self.header.width {
            let (found, wanted) = (self.record.len(), self.header.width);
            self.wrong(format!("{found} cells, the header has {wanted}"));
            return None;
        }
        let kind = self.text("record")?.to_lowercase();
        let Some((_, used)) = RECORDS.iter().find(|(name, _)| *name == kind) else {
            let near = nearest(&kind, RECORDS.map(|(name, _)| name));
            let hint = near.map_or(String::new(), |n| format!(", did you mean `{n}`?"));
            self.wrong(format!(
                "record `{kind}` is none of device, officer, assignment{hint}"
            ));
            return None;
        };
        for column in COLUMNS.iter().filter(|c| !used.contains(c)) {
            if self.text(column).is_some_and(|t| !t.is_empty()) {
                let number = self.number;
                self.warnings.push(format!(
                    "line {number}: `{column}` means nothing for record `{kind}`"
                ));
            }
        }
        let row = match kind.as_str() {
            "device" => self.device().map(Row::Device),
            "officer" => self.officer().map(Row::Officer),
            _ => self.assignment().map(Row::Assignment),
        };
        // A later cell may have been wrong although the row could be built.
        row.filter(|_| self.errors.len() == errors_before)
    }

    fn device(&mut self) -> Option<Device> {
        let (id, price_fen) = (self.id("device"), self.price());
        let (model, unit) = (self.text("model"), self.text("unit"));
        Some(Device {
            id: id?,
            model: model?,
            unit: unit?,
            price_fen,
        })
    }

    fn officer(&mut self) -> Option<Officer> {
        let (id, name, unit) = (self.id("officer"), self.text("name"), self.text("unit"));
        Some(Officer {
            id: id?,
            name: name?,
            unit: unit?,
        })
    }

    fn assignment(&mut self) -> Option<Assignment> {
        let (device, officer) = (self.id("device"), self.id("officer"));
        let (from, to) = (self.time("from"), self.time("to"));
        if from == Some(None) {
            self.wrong("`from` is empty");
        }
        let (from, to) = (from??, to?);
        if to.is_some_and(|to| to <= from) {
            self.wrong("`to` is not after `from`");
        }
        Some(Assignment {
            device: device?,
            officer: officer?,
            from,
            to,
        })
    }

    fn wrong(&mut self, text: impl Into<String>) {
        self.errors.push(ImportError::new(self.number, text));
    }

    /// A cell, trimmed; empty when the file has no such column.
    fn text(&mut self, column: &str) -> Option<String> {
        let place = COLUMNS
            .iter()
            .position(|c| *c == column)
            .and_then(|c| self.header.at[c]);
        let Some(bytes) = place.and_then(|i| self.record.get(i)) else {
            return Some(String::new());
        };
        let Ok(text) = std::str::from_utf8(bytes) else {
            self.wrong(format!(
                "`{column}` is not UTF-8; save the table as \"CSV UTF-8\""
            ));
            return None;
        };
        let text = text.trim();
        if text.chars().any(char::is_control) {
            self.wrong(format!("`{column}` has a control character"));
            return None;
        }
        if text.chars().count() > TEXT_CHARS_MAX {
            self.wrong(format!(
                "`{column}` has more than {TEXT_CHARS_MAX} characters"
            ));
            return None;
        }
        Some(text.to_owned())
    }

    fn id(&mut self, column: &str) -> Option<String> {
        let id = self.text(column)?;
        let reason = if id.is_empty() {
            format!("`{column}` is empty")
        } else if id.chars().count() > ID_CHARS_MAX {
            format!("`{column}` has more than {ID_CHARS_MAX} characters")
        } else if id.chars().all(|c| matches!(c, '0' | '-')) {
            // Recordings with such a number claim nothing, so nobody could ever be found by it.
            format!("`{column}` is zeros only, which recorders write when nobody set it")
        } else {
            return Some(id);
        };
        self.wrong(reason);
        None
    }

    /// A time, `Some(None)` for an empty cell.
    fn time(&mut self, column: &str) -> Option<Option<Moment>> {
        let text = self.text(column)?;
        if text.is_empty() {
            return Some(None);
        }
        let Some((moment, doubt)) = read_time(&text, self.zone) else {
            self.wrong(format!(
                "`{column}` is no time: \"{text}\"; write 2026-01-05 09:30 or 2026-01-05T09:30:00+08:00"
            ));
            return None;
        };
        let doubt = doubt.words(&format!("`{column}` {text}"));
        self.warnings
            .extend(doubt.map(|d| format!("line {}: {d}", self.number)));
        Some(Some(moment))
    }

    /// A price in hundredths; `None` for an empty or wrong cell.
    fn price(&mut self) -> Option<u64> {
        let text = self.text("price")?;
        if text.is_empty() {
            return None;
        }
        let price = read_price(&text);
        if price.is_none() {
            self.wrong(format!(
                "`price` is no amount in yuan: \"{text}\"; write 1280 or 1280.50"
            ));
        }
        price
    }
}

/// `1280`, `1280.5` or `1280.50` in hundredths.
fn read_price(text: &str) -> Option<u64> {
    let (yuan, fraction) = text.split_once('.').unwrap_or((text, "00"));
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    if !digits(yuan) || !digits(fraction) || fraction.len() > 2 {
        return None;
    }
    let yuan = yuan.parse::<u64>().ok().filter(|y| *y <= PRICE_YUAN_MAX)?;
    let fen = fraction.parse::<u64>().ok()?;
    Some(yuan * 100 + if fraction.len() == 1 { fen * 10 } else { fen })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_whole_hundredths() {
        let cases = [
            ("1280", Some(128_000)),
            ("1280.5", Some(128_050)),
            ("1280.05", Some(128_005)),
            ("0", Some(0)),
            ("1280.555", None),
            ("1,280", None),
            ("-1", None),
            (".5", None),
            ("1.", None),
            ("99999999999999999999", None),
        ];
        for (text, expected) in cases {
            assert_eq!(read_price(text), expected, "{text}");
        }
    }
}
