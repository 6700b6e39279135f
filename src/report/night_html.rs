//! The night as one page that stands alone: no script, no network, no picture of any recording.
//!
//! It is for a person who was not there: what came in, what needs attention, and then every
//! recording. The page forbids scripts and the network to itself (a content security policy), so
//! a name that slipped through every escape would still do nothing. Long nights stay small:
//! time lines for the first [`TIME_LINES_MAX`], and where a list is cut the page says so.

use std::cmp::Reverse;

use jiff::tz::TimeZone;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{
    emergency, svg,
    wording::{self, Attention, count, grouped, length, printable},
};
use crate::{
    base::text::bytes_human,
    intake::summary::{Ending, Item, NightSummary},
    recording::{Finding, Severity},
};

/// Recordings drawn with a time line. At about 3 kB each, the drawings stay under a megabyte.
pub const TIME_LINES_MAX: usize = 300;

/// Lines in the list of what needs attention. Nobody reads more on a page; the JSON has all.
pub const ATTENTION_LINES_MAX: usize = 1_000;

/// Findings listed below one time line.
const FINDINGS_A_CARD_MAX: usize = 20;

const STYLE: &str = include_str!("night.css");

/// The page. `json_name` is the file beside it that holds everything as data.
#[must_use]
pub fn night_html(night: &NightSummary, json_name: &str) -> String {
    let zone = wording::zone(&night.time_zone);
    let attention = wording::attention(night);
    let cards = cards(&night.items);
    let mut has_card = vec![false; night.items.len()];
    for i in &cards {
        has_card[*i] = true;
    }
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                meta name="robots" content="noindex";
                title { "Night of " (printable(&night.date)) " · " (printable(&night.office)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (head(night, &zone))
                main {
                    (emergency::section(night, &zone))
                    (totals(night))
                    (attention_list(night, &attention, &has_card, json_name))
                    (recordings(night, &cards, &zone, json_name))
                    (everything(night, &has_card, &zone))
                    (notes(night))
                }
                (foot(night, json_name))
            }
        }
    };
    page.into_string()
}

fn heading(en: &str, zh: &str, n: Option<usize>) -> Markup {
    html! {
        h2 {
            (en) " " span .zh lang="zh" { (zh) }
            @if let Some(n) = n { " " span .n { "· " (grouped(n as u64)) } }
        }
    }
}

fn head(night: &NightSummary, zone: &TimeZone) -> Markup {
    let (sentence, zh) = wording::ending(night.ending);
    let good = night.ending == Ending::Complete;
    html! {
        header {
            p .office { (printable(&night.office)) }
            h1 { "Night of " (printable(&night.date)) span .zh lang="zh" { "夜间报告" } }
            p .headline { (wording::headline(night)) "." }
            p .ending .good[good] .bad[!good] { b { (sentence) } " " span .zh lang="zh" { (zh) } }
            p .soft {
                (night.started_at.in_zone(zone)) " to " (night.ended_at.in_zone(zone))
                " (" (printable(&night.time_zone)) "), profile " (printable(&night.profile)) ". "
                "Stored daily under clause 4.6 " span lang="zh" { "（第4.6条：每日集中存储）" }
            }
        }
    }
}

fn totals(night: &NightSummary) -> Markup {
    html! {
        section {
            (heading("Totals", "合计", None))
            dl .facts {
                @for f in wording::facts(night) {
                    div {
                        dt { (f.label) " " span lang="zh" { (f.zh) } }
                        dd .v { (f.value) }
                        dd .d { (f.detail) }
                    }
                }
            }
        }
    }
}

fn badge(severity: Severity) -> Markup {
    html! {
        span class={ "badge " (severity.word()) } { (severity.word()) " " span lang="zh" { (wording::severity_zh(severity)) } }
    }
}

/// The item's name, leading to its drawing or else to its row.
fn name_link(item: &Item, index: usize, has_card: &[bool]) -> Markup {
    let to = if has_card.get(index) == Some(&true) {
        'r'
    } else {
        't'
    };
    html! { a href={ "#" (to) (index + 1) } { (printable(&item.name)) } }
}

fn attention_list(
    night: &NightSummary,
    lines: &[Attention<'_>],
    has_card: &[bool],
    json_name: &str,
) -> Markup {
    html! {
        section {
            (heading("Needs attention", "需要关注", (!lines.is_empty()).then_some(lines.len())))
            @if lines.is_empty() {
                @if night.needs_attention() {
                    p .calm { (wording::ending(night.ending).0) " No finding asks for attention." }
                } @else {
                    p .calm { "Nothing. " span .zh lang="zh" { "无" } }
                }
            } @else {
                ul .attention {
                    @for a in lines.iter().take(ATTENTION_LINES_MAX) {
                        @if let Some(item) = night.items.get(a.item) {
                            li class=(a.severity.word()) {
                                (badge(a.severity))
                                " " span .name { (name_link(item, a.item, has_card)) }
                                " " span .place { (a.finding.map(place).unwrap_or_default()) }
                                " " span .what { (a.text) }
                            }
                        }
                    }
                }
                @if lines.len() > ATTENTION_LINES_MAX {
                    p .soft {
                        "The gravest " (grouped(ATTENTION_LINES_MAX as u64)) " lines stand here; the other "
                        (grouped((lines.len() - ATTENTION_LINES_MAX) as u64)) " are in " (printable(json_name)) "."
                    }
                }
            }
        }
    }
}

/// Where a finding is; `whole recording` where it has no place.
fn place(finding: &Finding) -> String {
    match finding.at {
        None => "whole file".into(),
        Some(_) => finding.place(),
    }
}

/// Which items are drawn, and in which order: those with the gravest findings first, then as the
/// night had them. An item without a time line has nothing to draw and stands in the table.
fn cards(items: &[Item]) -> Vec<usize> {
    let mut out: Vec<usize> = items
        .iter()
        .enumerate()
        .filter(|(_, i)| i.timeline.is_some())
        .map(|(n, _)| n)
        .collect();
    out.sort_by_key(|n| (Reverse(items.get(*n).and_then(Item::gravest)), *n));
    out.truncate(TIME_LINES_MAX);
    out
}

fn recordings(night: &NightSummary, cards: &[usize], zone: &TimeZone, json_name: &str) -> Markup {
    let drawable = night.items.iter().filter(|i| i.timeline.is_some()).count();
    html! {
        @if drawable > 0 {
            section {
                (heading("Recordings", "录像", Some(drawable)))
                (svg::patterns())
                p .legend {
                    span { i .swatch .light {} "light, mean of the picture 画面亮度" }
                    span { i .swatch .sound {} "sound level 声音强度" }
                    @for s in [Severity::Alarm, Severity::Warning, Severity::Note] {
                        span { (svg::sample(s)) (s.word()) " " (wording::severity_zh(s)) }
                    }
                }
                @for n in cards {
                    @if let Some(item) = night.items.get(*n) { (card(item, *n, zone, json_name)) }
                }
                @if drawable > cards.len() {
                    p .soft {
                        "Time lines are drawn for the first " (grouped(cards.len() as u64))
                        " recordings, those with findings first; the other "
                        (grouped((drawable - cards.len()) as u64)) " stand in the table below."
                    }
                }
            }
        }
    }
}

fn card(item: &Item, index: usize, zone: &TimeZone, json_name: &str) -> Markup {
    let grave = item.gravest().filter(|s| *s > Severity::Note);
    html! {
        article class={ "card " (grave.map_or("", Severity::word)) } id={ "r" (index + 1) } {
            h3 { (printable(&item.name)) }
            p .about { (about(item, zone)) }
            @if let Some(t) = &item.timeline { (svg::time_line(t, item.duration_ms, &item.findings)) }
            @if !item.findings.is_empty() {
                ol {
                    @for (i, f) in item.findings.iter().take(FINDINGS_A_CARD_MAX).enumerate() {
                        li {
                            span .k { (i + 1) }
                            (badge(f.severity))
                            " " span .place { (place(f)) }
                            " " span .what { (printable(&f.text)) }
                        }
                    }
                }
                @if item.findings.len() > FINDINGS_A_CARD_MAX {
                    p .soft {
                        "and " (count((item.findings.len() - FINDINGS_A_CARD_MAX) as u64, "more finding", "more findings"))
                        " in " (printable(json_name))
                    }
                }
            }
        }
    }
}

/// One line under a recording's name.
fn about(item: &Item, zone: &TimeZone) -> Markup {
    html! {
        @if let Some(t) = item.started_at { (t.in_zone(zone)) " · " }
        (who(item))
        @if item.duration_ms > 0 { " · " (length(item.duration_ms)) }
        @if !item.media.is_empty() { " · " (printable(&item.media)) }
        @if let Some(id) = item.id { " · " span .mono { (id) } }
        " · " (item.outcome.words()) " " span lang="zh" { (wording::outcome_zh(item.outcome)) }
    }
}

fn who(item: &Item) -> Markup {
    html! {
        @match &item.device { Some(d) => { "recorder " (printable(d)) } None => "recorder unknown" }
        ", "
        @match &item.officer { Some(o) => { "officer " (printable(o)) } None => "officer unknown" }
    }
}

fn everything(night: &NightSummary, has_card: &[bool], zone: &TimeZone) -> Markup {
    html! {
        section {
            (heading("Everything", "全部文件", Some(night.items.len())))
            @if night.items.is_empty() {
                p .calm { "No file was touched this night. " span .zh lang="zh" { "当夜没有文件" } }
            } @else {
                table {
                    thead {
                        tr {
                            th { "File and recording 文件" }
                            th { "When and who 时间与人员" }
                            th { "Material 内容" }
                            th { "Outcome 结果" }
                            th { "Findings 发现" }
                        }
                    }
                    tbody {
                        @for (n, item) in night.items.iter().enumerate() { (row(item, n, has_card, zone)) }
                    }
                }
            }
        }
    }
}

fn row(item: &Item, index: usize, has_card: &[bool], zone: &TimeZone) -> Markup {
    let mut codes: Vec<&str> = item
        .findings
        .iter()
        .map(|f| wording::finding_words(f.kind))
        .collect();
    codes.dedup();
    html! {
        tr id={ "t" (index + 1) } {
            td {
                @if has_card.get(index) == Some(&true) { (name_link(item, index, has_card)) } @else { (printable(&item.name)) }
                @if let Some(id) = item.id { small .mono { (id) } }
            }
            td {
                @match item.started_at { Some(t) => (t.in_zone(zone)), None => span .soft { "time unknown" } }
                small { (who(item)) }
            }
            td {
                @if let Some(k) = item.kind { (k.word()) " " span lang="zh" { (wording::kind_zh(k)) } } @else { span .soft { "not looked at" } }
                @if item.duration_ms > 0 { ", " (length(item.duration_ms)) }
                @if !item.media.is_empty() { small { (printable(&item.media)) } }
                small {
                    (bytes_human(item.bytes))
                    @if item.rendition_bytes > 0 { " → " (bytes_human(item.rendition_bytes)) }
                }
            }
            td { (item.outcome.words()) small lang="zh" { (wording::outcome_zh(item.outcome)) } }
            td {
                @if let Some(s) = item.gravest() {
                    (badge(s)) " " small { (codes.join(", ")) }
                } @else { span .soft { "none" } }
            }
        }
    }
}

fn notes(night: &NightSummary) -> Markup {
    html! {
        @if !night.notes.is_empty() {
            section {
                (heading("About the night itself", "备注", None))
                ul .notes { @for n in &night.notes { li { (printable(n)) } } }
            }
        }
    }
}

fn foot(night: &NightSummary, json_name: &str) -> Markup {
    html! {
        footer {
            p {
                "Ledger 日志链: " (count(night.ledger_events, "event", "events"))
                @if !night.ledger_root.is_empty() { ", root " span .mono { (printable(&night.ledger_root)) } }
                ". Write both down: every later ledger must begin with these events."
            }
            p {
                "This page holds no picture and no sound of any recording; looking at one takes an approval (clause 4.7) "
                span lang="zh" { "（第4.7条：未经批准不得查看）" }
                ". The same night as data: " (printable(json_name)) "."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn the_page_of_a_hostile_night_is_as_it_was_reviewed() {
        insta::assert_snapshot!(
            "night_hostile",
            night_html(&fixture::hostile(), "night.json")
                .replace(STYLE, "…")
                .replace("><", ">\n<")
        );
    }

    #[test]
    fn the_page_of_a_night_without_files_says_so() {
        insta::assert_snapshot!(
            "night_empty",
            night_html(&fixture::empty(), "night.json")
                .replace(STYLE, "…")
                .replace("><", ">\n<")
        );
    }

    #[test]
    fn no_page_reaches_out_runs_anything_or_lets_a_name_become_markup() {
        for night in [
            fixture::empty(),
            fixture::clean(),
            fixture::hostile(),
            fixture::many(10),
        ] {
            let page = night_html(&night, "night.json");
            for bad in [
                "<script", "<img", "<i>", "<em>", "<b>\\u", "http:", "https:", "//", "src=",
                "@import", "url(h", " on", "\u{202e}", "\u{1b}",
            ] {
                let body = match bad {
                    // Prose may say "on"; an attribute of that name may not stand in a tag.
                    " on" => tags(&page),
                    "src=" => tags(&page),
                    _ => page.clone(),
                };
                assert!(
                    !body.contains(bad),
                    "{bad:?} in the page of {}",
                    night.totals.files_seen
                );
            }
        }
    }

    /// Everything between `<` and `>`, attribute values in quotes left out.
    fn tags(page: &str) -> String {
        let (mut out, mut inside, mut quoted) = (String::new(), false, false);
        for c in page.chars() {
            match (c, inside, quoted) {
                ('<', false, _) => inside = true,
                ('>', true, false) => inside = false,
                ('"', true, _) => quoted = !quoted,
                (c, true, false) => out.push(c),
                _ => {}
            }
        }
        out
    }

    #[test]
    fn a_night_of_thousands_stays_small_and_says_what_is_not_drawn() {
        let page = night_html(&fixture::many(5_000), "night.json");
        assert_eq!(page.matches("<article").count(), TIME_LINES_MAX);
        assert_eq!(
            page.matches("<tr id=").count(),
            5_000,
            "the table holds everything"
        );
        assert!(page.contains("the other 4,700 stand in the table below"));
        assert!(page.contains("the other 667 are in night.json"));
        assert!(page.len() < 6_000_000, "{} bytes", page.len());
    }

    #[test]
    fn recordings_with_graver_findings_are_drawn_first() {
        let night = fixture::hostile();
        let order: Vec<_> = cards(&night.items)
            .into_iter()
            .map(|n| night.items[n].gravest())
            .collect();
        assert!(order.is_sorted_by_key(|g| Reverse(*g)), "{order:?}");
    }
}
