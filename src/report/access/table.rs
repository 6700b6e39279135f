//! Tables of the page, and what stands in their cells. Text from people passes here and nowhere else.

use jiff::tz::TimeZone;
use maud::{Markup, html};

use super::span_words;
use crate::{
    base::{Digest, Moment, RecordingId, text::bytes_human},
    report::wording::{count, grouped, printable},
};

/// Recordings that one cell names; the CSV has all.
const IDS_A_CELL_MAX: usize = 3;

/// A section's heading, with how many there are.
pub(super) fn heading(en: &str, zh: &str, n: usize) -> Markup {
    html! {
        h2 { (en) " " span .zh lang="zh" { (zh) } @if n > 0 { " " span .n { "· " (grouped(n as u64)) } } }
    }
}

/// A cell with its class; `n` a number, `t` a time, `d` a digest.
pub(super) type Cell = (&'static str, Markup);

/// A table. On a phone, each cell says its own heading.
pub(super) fn table(heads: &[(&str, &str)], rows: Vec<(bool, Vec<Cell>)>) -> Markup {
    let right = |n: usize| {
        let class = rows.first().and_then(|(_, cells)| cells.get(n));
        class.is_some_and(|(class, _)| *class == "n")
    };
    html! {
        table {
            thead { tr { @for (n, (en, zh)) in heads.iter().enumerate() {
                th .n[right(n)] { (en) @if !zh.is_empty() { " " span lang="zh" { (zh) } } }
            } } }
            tbody { @for (alarm, cells) in &rows {
                tr .alarm[*alarm] { @for ((class, cell), (en, _)) in cells.iter().zip(heads) {
                    td class=[(!class.is_empty()).then_some(*class)] data-h=(en) { (cell) }
                } }
            } }
        }
    }
}

/// A section with a table, or the sentence for none.
pub(super) fn section(
    (en, zh): (&str, &str),
    none: &str,
    heads: &[(&str, &str)],
    rows: Vec<(bool, Vec<Cell>)>,
) -> Markup {
    html! {
        section {
            (heading(en, zh, rows.len()))
            @if rows.is_empty() { p .calm { (none) } } @else { (table(heads, rows)) }
        }
    }
}

/// Text from anywhere.
pub(super) fn text(text: &str) -> Cell {
    ("", html! { (printable(text)) })
}

/// A number.
pub(super) fn number(n: u64) -> Cell {
    ("n", html! { (grouped(n)) })
}

/// How long something took; a dash for nothing.
pub(super) fn span(ms: Option<i64>) -> Cell {
    ("n", html! { (ms.map_or("—".to_owned(), span_words)) })
}

/// An instant.
pub(super) fn time(at: Moment, zone: &TimeZone) -> Cell {
    ("t", moment(at, zone))
}

/// Day and time in two lines, so that tables stay narrow.
pub(super) fn moment(at: Moment, zone: &TimeZone) -> Markup {
    let whole = at.in_zone(zone);
    let (day, rest) = whole.split_once(' ').unwrap_or((&whole, ""));
    html! { (day) small { (rest) } }
}

/// Enough of a digest to name it by.
pub(super) fn short(digest: &Digest) -> String {
    digest.to_string().chars().take(12).collect()
}

/// A request by the beginning of its digest.
pub(super) fn request(digest: &Digest, break_glass: bool) -> Cell {
    let name = html! {
        span .mono title=(digest) { (short(digest)) }
        @if break_glass { " " span .badge.alarm { "break-glass" } }
    };
    ("", name)
}

/// Recordings, and how much their originals are.
pub(super) fn ids(ids: &[RecordingId], bytes: Option<u64>) -> Cell {
    let cell = html! {
        @for (n, id) in ids.iter().take(IDS_A_CELL_MAX).enumerate() {
            @if n > 0 { ", " } span .mono { (id) }
        }
        @if ids.len() > IDS_A_CELL_MAX { " and " (grouped((ids.len() - IDS_A_CELL_MAX) as u64)) " more" }
        @if let Some(bytes) = bytes { small { (count(ids.len() as u64, "original", "originals")) ", " (bytes_human(bytes)) } }
    };
    ("", cell)
}
