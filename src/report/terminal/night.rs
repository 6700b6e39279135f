//! The night: its table, what needs attention, the totals, and where to look.

use super::{
    Style, at_most, bare, cell, flush_left, gravest, keep_whole, number, table, tally, text, word,
};
use crate::{
    base::text::bytes_human,
    intake::summary::{Ending, NightSummary},
    report::{
        Written, emergency,
        wording::{self, Attention, count, length, printable},
    },
};

/// Rows of the table of the night on a terminal: a screenful can be scrolled, ten thousand lines
/// cannot. What needs attention comes first when rows must be left out.
const ROWS_MAX: usize = 200;

/// Lines of findings on a terminal.
const LINES_MAX: usize = 100;

/// The whole night: headline, table, what needs attention, totals, and where the report lies.
#[must_use]
pub fn night(night: &NightSummary, written: Option<&Written>, style: Style) -> String {
    let mut parts = vec![headline(night, style)];
    if !night.break_glass.is_empty() {
        parts.push(night_emergencies(night, style));
    }
    if !night.items.is_empty() {
        parts.push(night_table(night, style));
    }
    let findings = night_findings(night, style);
    if !findings.is_empty() {
        parts.push(findings);
    }
    parts.push(night_totals(night, style));
    if let Some(written) = written {
        parts.push(night_where(written, style));
    }
    parts.join("\n")
}

/// What two people opened in an emergency, a line each, before everything else.
fn night_emergencies(night: &NightSummary, style: Style) -> String {
    let zone = wording::zone(&night.time_zone);
    let mut out = bare(style);
    for e in &night.break_glass {
        let severity = Some(emergency::severity(e));
        out.add_row([
            word(style, "BREAK-GLASS", severity, true),
            cell(&emergency::name(e)),
            cell(&emergency::sentence(e, &zone)),
        ]);
    }
    flush_left(&mut out);
    keep_whole(&mut out, &[0, 1]);
    text(&out)
}

fn headline(night: &NightSummary, style: Style) -> String {
    let mut out = bare(style);
    out.add_row([word(
        style,
        &format!("Night of {}: {}.", night.date, wording::headline(night)),
        None,
        true,
    )]);
    if night.ending != Ending::Complete {
        out.add_row([word(
            style,
            wording::ending(night.ending).0,
            Some(crate::recording::Severity::Warning),
            false,
        )]);
    }
    for note in &night.notes {
        out.add_row([cell(note)]);
    }
    flush_left(&mut out);
    text(&out)
}

/// One row per file or recording; at most 200, those that need attention first when there
/// are more.
#[must_use]
pub fn night_table(night: &NightSummary, style: Style) -> String {
    let columns = style.columns();
    let (who, id, media) = (columns >= 100, columns >= 120, columns >= 150);
    let mut head = vec!["File"];
    if id {
        head.push("Recording");
    }
    if who {
        head.extend(["Recorder", "Officer"]);
    }
    if media {
        head.push("Media");
    }
    head.extend(["Outcome", "Length", "Size", "Findings"]);
    let mut out = table(style, &head);
    let mut order: Vec<usize> = (0..night.items.len()).collect();
    if order.len() > ROWS_MAX {
        order.sort_by_key(|n| {
            !night
                .items
                .get(*n)
                .is_some_and(wording::item_needs_attention)
        });
        order.truncate(ROWS_MAX);
    }
    for item in order.iter().filter_map(|n| night.items.get(*n)) {
        let mut row = vec![cell(&item.name)];
        if id {
            row.push(cell(&item.id.map_or_else(|| "—".into(), |i| i.to_string())));
        }
        if who {
            row.push(cell(item.device.as_deref().unwrap_or("unknown")));
            row.push(cell(item.officer.as_deref().unwrap_or("unknown")));
        }
        if media {
            row.push(cell(&item.media));
        }
        row.extend([
            cell(item.outcome.words()),
            number(&length(item.duration_ms)),
            number(&bytes_human(item.bytes)),
            if who {
                tally(style, &item.findings, 0)
            } else {
                gravest(style, &item.findings, 0)
            },
        ]);
        out.add_row(row);
    }
    flush_left(&mut out);
    if id {
        keep_whole(&mut out, &[1]);
    }
    let last = head.len() - 1;
    if columns >= 60 {
        keep_whole(&mut out, &[last - 2, last - 1]);
    }
    at_most(&mut out, last, 24);
    let mut out = text(&out);
    if night.items.len() > order.len() {
        let rest = (night.items.len() - order.len()) as u64;
        out.push_str(&format!(
            "and {} in the report\n",
            count(rest, "more row", "more rows")
        ));
    }
    out
}

/// What needs attention, one line each, the gravest first; empty when nothing does.
#[must_use]
pub fn night_findings(night: &NightSummary, style: Style) -> String {
    let lines = wording::attention(night);
    if lines.is_empty() {
        return String::new();
    }
    let mut out = bare(style);
    for a in lines.iter().take(LINES_MAX) {
        let Attention {
            severity, finding, ..
        } = a;
        let name = night.items.get(a.item).map_or("", |i| i.name.as_str());
        let place = finding.map(|f| f.place()).unwrap_or_default();
        let what = if place.is_empty() {
            a.text.to_string()
        } else {
            format!("{place}  {}", a.text)
        };
        out.add_row([
            word(style, severity.word(), Some(*severity), true),
            cell(name),
            cell(&what),
        ]);
    }
    flush_left(&mut out);
    keep_whole(&mut out, &[0]);
    at_most(&mut out, 1, style.columns() / 3);
    let mut page = format!(
        "Needs attention: {}\n",
        count(lines.len() as u64, "line", "lines")
    );
    page.push_str(&text(&out));
    if lines.len() > LINES_MAX {
        let rest = (lines.len() - LINES_MAX) as u64;
        page.push_str(&format!(
            "and {} in the report\n",
            count(rest, "more line", "more lines")
        ));
    }
    page
}

/// The totals in a few lines.
#[must_use]
pub fn night_totals(night: &NightSummary, style: Style) -> String {
    let mut out = bare(style);
    for f in wording::facts(night) {
        let value = if f.detail.is_empty() {
            f.value
        } else {
            format!("{}; {}", f.value, f.detail)
        };
        out.add_row([cell(f.label), cell(&value)]);
    }
    out.add_row([
        cell("Ledger"),
        cell(&format!(
            "{}, root {}",
            count(night.ledger_events, "event", "events"),
            night.ledger_root
        )),
    ]);
    flush_left(&mut out);
    keep_whole(&mut out, &[0]);
    text(&out)
}

/// Where the report lies. Paths stand alone on their lines and are never wrapped, so that they
/// can be copied.
#[must_use]
pub fn night_where(written: &Written, _style: Style) -> String {
    let line = |what: &str, path: &std::path::Path| {
        format!("{what:<8} {}\n", printable(&path.to_string_lossy()))
    };
    format!(
        "Where to look\n{}{}{}",
        line("page", &written.html),
        line("data", &written.json),
        line("metrics", &written.prom)
    )
}
