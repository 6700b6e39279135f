//! The night and the records as text for a terminal. Pure: the width and whether colour is wanted
//! are parameters, and nothing is printed here.
//!
//! Every line is at most as wide as asked (down to [`WIDTH_MIN`]). Narrow terminals get fewer
//! columns and wrapped cells; what a narrow table leaves out, `show` and the reports have.

mod access;
mod access_report;
mod events;
mod list;
mod night;
mod show;

use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, LineStyle, Table,
    TableStyle, Width,
};

pub use access::{access, accesses};
pub use access_report::access_report;
pub use events::events;
pub use list::{list, recorders, statements};
pub use night::{night, night_findings, night_table, night_totals, night_where};
pub use show::show;

use super::wording::{findings_by_severity, printable};
use crate::recording::{Finding, Severity};

/// Below this no table can be read; narrower terminals wrap by themselves.
pub const WIDTH_MIN: u16 = 40;

/// How text is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether severities are coloured. They are words in any case.
    pub color: bool,
    /// Columns of the terminal.
    pub width: u16,
}

impl Style {
    /// No colour, this wide.
    #[must_use]
    pub const fn plain(width: u16) -> Self {
        Self {
            color: false,
            width,
        }
    }

    fn columns(self) -> u16 {
        self.width.max(WIDTH_MIN)
    }
}

/// One rule below the header and nothing else: rows copy and search well.
const LINES: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// A table of this look.
fn table(style: Style, head: &[&str]) -> Table {
    let mut table = bare(style);
    table.set_header(head.iter().map(|h| word(style, h, None, true)));
    flush_left(&mut table);
    table
}

/// A table without a head, for labels and values.
fn bare(style: Style) -> Table {
    let mut table = Table::new();
    table
        .load_style(LINES)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(style.columns());
    if style.color {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table
}

/// Two blanks between columns and none before the first, so that a table stands flush with prose.
fn flush_left(table: &mut Table) {
    for column in table.column_iter_mut() {
        column.set_padding((0, 1));
    }
}

/// A cell of text from anywhere.
fn cell(text: &str) -> Cell {
    Cell::new(printable(text))
}

fn number(text: &str) -> Cell {
    cell(text).set_alignment(CellAlignment::Right)
}

fn word(style: Style, text: &str, severity: Option<Severity>, bold: bool) -> Cell {
    let mut out = cell(text);
    if style.color {
        if let Some(s) = severity {
            out = out.fg(match s {
                Severity::Alarm => Color::Red,
                Severity::Warning => Color::Yellow,
                Severity::Note => Color::Blue,
            });
        }
        if bold {
            out = out.add_attribute(Attribute::Bold);
        }
    }
    out
}

/// Keeps the words of a column whole; others give way.
fn keep_whole(table: &mut Table, columns: &[usize]) {
    for c in columns {
        if let Some(column) = table.column_mut(*c) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
}

fn at_most(table: &mut Table, column: usize, width: u16) {
    if let Some(c) = table.column_mut(column) {
        c.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(width)));
    }
}

/// `2 alarms, 1 note`, in the colour of the gravest; `—` without findings.
fn tally(style: Style, findings: &[Finding], uncounted: u64) -> Cell {
    let mut parts: Vec<String> = findings_by_severity(findings)
        .into_iter()
        .map(|(s, n)| format!("{n} {}{}", s.word(), if n == 1 { "" } else { "s" }))
        .collect();
    if uncounted > 0 {
        parts.push(format!("{uncounted} more"));
    }
    if parts.is_empty() {
        return cell("—");
    }
    word(
        style,
        &parts.join(", "),
        findings.iter().map(|f| f.severity).max(),
        false,
    )
}

/// The gravest severity in a word and how many findings stand behind it: `alarm +2`. For narrow
/// tables.
fn gravest(style: Style, findings: &[Finding], uncounted: u64) -> Cell {
    let worst = findings.iter().map(|f| f.severity).max();
    let rest = (findings.len().saturating_sub(1) as u64).saturating_add(uncounted);
    match (worst, rest) {
        (None, 0) => cell("—"),
        (None, n) => cell(&format!("{n} more")),
        (Some(s), 0) => word(style, s.word(), worst, false),
        (Some(s), n) => word(style, &format!("{} +{n}", s.word()), worst, false),
    }
}

/// The table's lines without the blanks that fill its last column.
fn text(table: &Table) -> String {
    let mut out = String::new();
    for line in table.lines() {
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::Moment,
        intake::summary::NightSummary,
        report::{fixture, wording},
    };

    fn everything(style: Style) -> Vec<(&'static str, String)> {
        let zone = wording::zone("Asia/Shanghai");
        let record = fixture::record();
        let mut other = record.clone();
        other.attribution = crate::recording::Attribution::default();
        other.findings.clear();
        other.findings_uncounted = 0;
        other.admitted_at = Moment::from_s(0);
        let nights: [(&str, NightSummary); 3] = [
            ("empty", fixture::empty()),
            ("clean", fixture::clean()),
            ("hostile", fixture::hostile()),
        ];
        let mut out: Vec<(&str, String)> = nights
            .iter()
            .map(|(name, n)| (*name, night(n, None, style)))
            .collect();
        out.push(("list", list(&[record.clone(), other], &zone, style)));
        out.push(("list_nothing", list(&[], &zone, style)));
        out.push((
            "show",
            show(&record, Some(&fixture::verdict()), &zone, style),
        ));
        out
    }

    /// Columns that a terminal gives to a text; wide characters take two.
    fn width(line: &str) -> usize {
        line.chars()
            .map(|c| {
                if ('\u{2e80}'..='\u{ffef}').contains(&c) {
                    2
                } else {
                    1
                }
            })
            .sum()
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_nothing_in_it_acts_on_it() {
        for columns in [40, 60, 80, 100, 120, 140, 200] {
            for (name, text) in everything(Style::plain(columns)) {
                for line in text.lines() {
                    assert!(
                        width(line) <= usize::from(columns),
                        "{name} at {columns}: {line}"
                    );
                    assert!(
                        !line.contains(wording::is_harmful),
                        "{name} at {columns}: {line:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn colour_is_there_only_when_asked_for_and_adds_nothing_else() {
        for ((name, colored), (_, plain)) in everything(Style {
            color: true,
            width: 100,
        })
        .into_iter()
        .zip(everything(Style::plain(100)))
        {
            let mut bare = String::new();
            let mut rest = colored.as_str();
            while let Some(at) = rest.find('\u{1b}') {
                bare.push_str(&rest[..at]);
                rest = &rest[at..];
                rest = &rest[rest.find('m').map_or(rest.len(), |m| m + 1)..];
            }
            bare.push_str(rest);
            let trim = |s: &str| {
                s.lines()
                    .map(|l| l.trim_end().to_owned())
                    .collect::<Vec<_>>()
            };
            assert_eq!(trim(&bare), trim(&plain), "{name}");
        }
    }

    #[test]
    fn what_a_terminal_shows_is_as_it_was_reviewed() {
        for columns in [80, 140] {
            for (name, text) in everything(Style::plain(columns)) {
                insta::assert_snapshot!(format!("{name}_{columns}"), text);
            }
        }
    }
}
