//! The report's rows for a spreadsheet: one for each use, and one for each request without any.
//!
//! RFC 4180. Whoever asks writes purpose and recipient, so a cell that a spreadsheet would take for a
//! formula begins with an apostrophe, and characters that act on a terminal are spelt out.

use jiff::tz::TimeZone;

use super::{AccessReport, Row};
use crate::{
    base::Moment,
    report::wording::{self, printable},
};

const HEAD: [&str; 26] = [
    "request",
    "state",
    "break_glass",
    "form",
    "requester",
    "asked_at",
    "approvers",
    "decided_at",
    "expires",
    "uses_max",
    "purpose",
    "recipient",
    "recordings",
    "recording_ids",
    "original_bytes",
    "use",
    "use_id",
    "operator",
    "used_at",
    "ended_at",
    "outcome",
    "package_bytes",
    "tag_manifest",
    "wrong",
    "time_zone",
    "made_at",
];

/// The rows as CSV, a line with the names of the columns first.
///
/// # Errors
/// When there is no memory to write to.
pub fn access_csv(report: &AccessReport) -> Result<String, ::csv::Error> {
    let zone = wording::zone(&report.time_zone);
    let mut out = ::csv::WriterBuilder::new()
        .terminator(::csv::Terminator::CRLF)
        .from_writer(Vec::new());
    out.write_record(HEAD)?;
    for row in &report.rows {
        let mut cells = cells(row, &zone);
        cells.push(report.time_zone.clone());
        cells.push(report.made_at.in_zone(&zone));
        out.write_record(cells.iter().map(|cell| guarded(cell)))?;
    }
    let bytes = out.into_inner().map_err(|e| e.into_error())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn cells(row: &Row, zone: &TimeZone) -> Vec<String> {
    let time = |at: Moment| at.in_zone(zone);
    let head = &row.head;
    let used = row.used.as_ref();
    let text = |text: Option<String>| text.unwrap_or_default();
    let ids: Vec<String> = head.recordings.iter().map(ToString::to_string).collect();
    vec![
        head.request.to_string(),
        head.state.to_owned(),
        yes(head.break_glass).to_owned(),
        head.form.to_string(),
        head.requester.clone(),
        time(head.asked_at),
        head.approvers.join(" "),
        text(head.decided_at.map(time)),
        time(head.expires),
        head.uses_max.to_string(),
        head.purpose.clone(),
        head.recipient.clone(),
        head.recordings.len().to_string(),
        ids.join(" "),
        head.bytes.to_string(),
        text(used.map(|u| u.number.to_string())),
        text(used.map(|u| u.id.to_string())),
        text(used.map(|u| u.operator.clone())),
        text(used.map(|u| time(u.at))),
        text(used.and_then(|u| u.ended_at).map(time)),
        text(used.map(|u| u.outcome.to_owned())),
        text(used.and_then(|u| u.bytes).map(|b| b.to_string())),
        text(used.and_then(|u| u.tag_manifest).map(|d| d.to_string())),
        text(used.map(|u| wrong_words(&u.wrong))),
    ]
}

fn wrong_words(wrong: &[super::Wrong]) -> String {
    let words: Vec<&str> = wrong.iter().map(|w| w.words()).collect();
    words.join("; ")
}

const fn yes(it_is: bool) -> &'static str {
    if it_is { "yes" } else { "no" }
}

/// The cell as text and nothing else, for a terminal and for a spreadsheet, which also takes the
/// full-width signs, and overlooks blanks before them.
fn guarded(cell: &str) -> String {
    let plain = printable(cell);
    let begins = plain.trim_start().chars().next();
    match begins {
        Some('=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠') => format!("'{plain}"),
        _ => plain.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::report::access::tests::report;

    /// Goal: what people wrote stays in its cell, and is text there.
    #[test]
    fn no_cell_is_a_formula_and_every_row_has_all_columns() {
        for (given, cell) in [
            ("=1+1", "'=1+1"),
            ("+861", "'+861"),
            ("-1", "'-1"),
            ("@A1", "'@A1"),
            ("  =1", "'  =1"),
            ("＝1", "'＝1"),
            ("\t=1", "\\u{9}=1"),
            ("a=1", "a=1"),
            ("", ""),
            ("案件", "案件"),
        ] {
            assert_eq!(guarded(given), cell);
        }
        let text = access_csv(&report()).unwrap();
        let mut read = ::csv::Reader::from_reader(text.as_bytes());
        assert_eq!(read.headers().unwrap().len(), HEAD.len());
        let rows: Vec<_> = read.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), report().rows.len());
        let cell = |n: usize, name: &str| {
            let at = HEAD.iter().position(|h| *h == name).unwrap();
            rows[n][at].to_owned()
        };
        assert_eq!(
            cell(1, "purpose"),
            "'=HYPERLINK(\"x\";\"y\"), \"quoted\"\\u{a}line"
        );
        assert_eq!(cell(0, "outcome"), "packaged");
        assert!(text.ends_with("\r\n"));
        insta::assert_snapshot!("access_csv", text.replace('\r', ""));
    }
}
