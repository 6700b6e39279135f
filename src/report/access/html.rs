//! The report as one page that stands alone: no script, no network, in the look of the night's.
//!
//! What must not be stands first and in red: uses without a valid approval, then emergencies.

use jiff::tz::TimeZone;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{
    AccessReport, Emergency, HandedOver, Head, OneRecording, Pending, Person, TurnAround,
    Unfinished, Unused, WrongUse, span_words,
    table::{Cell, heading, ids, moment, number, request, section, short, span, table, text, time},
};
use crate::{
    base::text::bytes_human,
    custody::access::AccessState,
    report::wording::{self, count, grouped, printable},
};

const STYLE: &str = include_str!("../night.css");
const OWN_STYLE: &str = include_str!("access.css");

/// The page.
#[must_use]
pub fn access_html(report: &AccessReport) -> String {
    let zone = wording::zone(&report.time_zone);
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
                title { "Access to recordings · " (report.made_at.day_in_zone(&zone)) }
                style { (PreEscaped(STYLE)) (PreEscaped(OWN_STYLE)) }
            }
            body {
                (head(report, &zone))
                main .lists {
                    (uncovered(report, &zone))
                    (emergencies(&report.break_glass, &zone))
                    (totals(report))
                    (outstanding(&report.outstanding, &zone))
                    (pending(&report.pending, &zone))
                    (unused(&report.unused, &zone))
                    (unfinished(&report.unfinished, &zone))
                    (turn_arounds(report))
                    (people(&report.people))
                    (recordings(&report.recordings, &zone))
                    (requests(report, &zone))
                }
                footer {
                    p {
                        "Judged again from the events of the log, at " (report.made_at.in_zone(&zone)) " ("
                        (printable(&report.time_zone)) "). A request belongs to a period when anything happened to it in it."
                    }
                    p {
                        "This page holds no picture and no sound of any recording. It names people: hand it on as little as you must. "
                        span lang="zh" { "本页不含任何录像内容，但含个人信息，请妥善保管。" }
                    }
                }
            }
        }
    };
    page.into_string()
}

fn head(report: &AccessReport, zone: &TimeZone) -> Markup {
    let good = report.wrong.is_empty();
    html! {
        header {
            h1 { "Access to recordings" span .zh lang="zh" { "录像查阅报告" } }
            p .headline { (headline(report)) "." }
            p .ending .good[good] .bad[!good] {
                @if good {
                    b { "Every use had its approval." } " " span .zh lang="zh" { "每次使用均经批准" }
                } @else {
                    b { "Not every use had its approval." } " " span .zh lang="zh" { "存在未经批准的使用" }
                }
            }
            p .soft {
                (printable(&about(report))) ", as of " (report.made_at.in_zone(zone)) ". "
                "Access under clause 4.7 " span lang="zh" { "（第4.7条：未经市场管理处批准不得查阅）" }
            }
        }
    }
}

/// What the report is about, as the beginning of a sentence.
fn about(report: &AccessReport) -> String {
    let about = report.about();
    let mut chars = about.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => about,
    }
}

fn headline(report: &AccessReport) -> String {
    let c = &report.counts;
    let mut parts = vec![
        count(c.requests, "request", "requests"),
        count(c.uses, "use", "uses"),
        format!("{} outstanding", count(c.packages, "package", "packages")),
    ];
    if c.break_glass > 0 {
        parts.push(format!("{} break-glass", grouped(c.break_glass)));
    }
    parts.join(", ")
}

/// Purpose and recipient, as asked.
fn wish(head: &Head) -> Cell {
    let cell = html! { (printable(&head.purpose)) small { "for " (printable(&head.recipient)) } };
    ("", cell)
}

fn uncovered(report: &AccessReport, zone: &TimeZone) -> Markup {
    let row = |w: &WrongUse| {
        let said = html! { @for wrong in &w.wrong {
            div { b { (wrong.words()) } " " span lang="zh" { (wrong.zh()) } }
        } };
        let cells = vec![
            request(&w.request, false),
            number(w.number.into()),
            time(w.at, zone),
            text(&w.operator),
            ids(&w.recordings, None),
            ("", said),
        ];
        (false, cells)
    };
    let rows: Vec<_> = report.wrong.iter().map(row).collect();
    let heads = [
        ("Request", "申请"),
        ("Use", "次数"),
        ("When", "时间"),
        ("Run by", "操作人"),
        ("Recordings", "录像"),
        ("What was wrong", "问题"),
    ];
    html! {
        section .loud[!rows.is_empty()] {
            (heading("Uses without a valid approval", "无有效批准的使用", rows.len()))
            @if rows.is_empty() {
                p .calm { "None: no use without approval, after its time, or more often than approved. All requests there are were looked at. " span .zh lang="zh" { "无" } }
            } @else {
                p { "These must not exist. Find out who ran them and how; whatever this report is otherwise about, they stand here. " span lang="zh" { "此类使用不应存在，请立即查明。" } }
                (table(&heads, rows))
            }
        }
    }
}

fn emergencies(all: &[Emergency], zone: &TimeZone) -> Markup {
    let row = |e: &Emergency| {
        let used = html! {
            @if e.used.is_empty() { "not used" }
            @for (at, who) in &e.used { (moment(*at, zone)) small { "by " (printable(who)) } }
        };
        let cells = vec![
            request(&e.head.request, false),
            time(e.head.asked_at, zone),
            text(&e.head.requester),
            text(&names(&e.head.approvers)),
            wish(&e.head),
            ids(&e.head.recordings, Some(e.head.bytes)),
            ("t", used),
        ];
        (false, cells)
    };
    let heads = [
        ("Request", "申请"),
        ("Asked", "申请时间"),
        ("By", "申请人"),
        ("Signed by", "签署人"),
        ("Purpose", "用途"),
        ("Recordings", "录像"),
        ("Used", "使用"),
    ];
    html! {
        @if !all.is_empty() {
            section .loud {
                (heading("Break-glass", "紧急查阅", all.len()))
                p { "Opened in an emergency by two people, and to be accounted for afterwards. " span lang="zh" { "紧急情况下由两人签署开启，事后须说明。" } }
                (table(&heads, all.iter().map(row).collect()))
            }
        }
    }
}

fn names(people: &[String]) -> String {
    match people.is_empty() {
        true => "nobody".to_owned(),
        false => people.join(", "),
    }
}

fn totals(report: &AccessReport) -> Markup {
    let c = &report.counts;
    let fact = |en: &str, zh: &str, value: String, detail: String| {
        html! { div { dt { (en) " " span lang="zh" { (zh) } } dd .v { (value) } dd .d { (detail) } } }
    };
    let decided = format!(
        "{} approved, {} used up, {} denied",
        grouped(c.approved),
        grouped(c.used_up),
        grouped(c.denied)
    );
    let over = format!(
        "{} pending, {} expired, {} cancelled",
        grouped(c.pending),
        grouped(c.expired),
        grouped(c.cancelled)
    );
    html! {
        section {
            (heading("Totals", "合计", 0))
            dl .facts {
                (fact("Requests", "申请", grouped(c.requests), format!("{decided}, {over}")))
                (fact("Uses", "使用", grouped(c.uses), format!("{} without an end", grouped(report.unfinished.len() as u64))))
                (fact("Packages", "交付包", grouped(c.packages), bytes_human(c.package_bytes)))
                (fact("Unused approvals", "未使用的批准", grouped(report.unused.len() as u64), unused_detail(&report.unused)))
            }
        }
    }
}

fn unused_detail(unused: &[Unused]) -> String {
    let open = unused.iter().filter(|u| u.left_ms.is_some()).count() as u64;
    let over = (unused.len() as u64).saturating_sub(open);
    format!("{} still good, {} over", grouped(open), grouped(over))
}

fn outstanding(all: &[HandedOver], zone: &TimeZone) -> Markup {
    let row = |h: &HandedOver| {
        let package = html! {
            (h.form.word()) ", " (count(h.copies, "marked copy", "marked copies")) ", " (bytes_human(h.bytes))
            small { "by " (printable(&h.operator)) }
        };
        let cells = vec![
            text(&h.recipient),
            time(h.at, zone),
            request(&h.request, h.break_glass),
            ids(&h.recordings, None),
            ("", package),
            ("d", html! { span .mono { (h.tag_manifest) } }),
        ];
        (h.break_glass, cells)
    };
    section(
        ("Copies outstanding", "在外副本"),
        "No package was handed over.",
        &[
            ("For", "接收人"),
            ("Day", "日期"),
            ("Request", "申请"),
            ("Recordings", "录像"),
            ("Package", "交付包"),
            ("Tag manifest, SHA-256", "清单摘要"),
        ],
        all.iter().map(row).collect(),
    )
}

fn pending(all: &[Pending], zone: &TimeZone) -> Markup {
    let row = |p: &Pending| {
        let cells = vec![
            request(&p.head.request, p.head.break_glass),
            ("n", html! { (span_words(p.age_ms)) }),
            text(&p.head.requester),
            wish(&p.head),
            ids(&p.head.recordings, Some(p.head.bytes)),
            time(p.head.expires, zone),
        ];
        (p.head.break_glass, cells)
    };
    section(
        ("Waiting for a decision", "待批申请"),
        "No request waits.",
        &[
            ("Request", "申请"),
            ("Waits for", "等待"),
            ("Asked by", "申请人"),
            ("Purpose", "用途"),
            ("Recordings", "录像"),
            ("Until", "有效期至"),
        ],
        all.iter().map(row).collect(),
    )
}

/// How an approval without a use stands.
#[must_use]
pub fn unused_words(unused: &Unused) -> String {
    match unused.left_ms {
        Some(ms) => format!("{} left", span_words(ms)),
        None if unused.head.state == AccessState::Expired.word() => "expired unused".to_owned(),
        None => format!("{} unused", unused.head.state),
    }
}

fn unused(all: &[Unused], zone: &TimeZone) -> Markup {
    let row = |u: &Unused| {
        let cells = vec![
            request(&u.head.request, u.head.break_glass),
            text(&names(&u.head.approvers)),
            (
                "t",
                html! { @if let Some(at) = u.head.decided_at { (moment(at, zone)) } },
            ),
            text(&u.head.requester),
            wish(&u.head),
            ids(&u.head.recordings, Some(u.head.bytes)),
            text(&unused_words(u)),
        ];
        (u.head.break_glass, cells)
    };
    section(
        ("Approvals unused", "未使用的批准"),
        "Every approval was used.",
        &[
            ("Request", "申请"),
            ("Approved by", "批准人"),
            ("When", "时间"),
            ("Asked by", "申请人"),
            ("Purpose", "用途"),
            ("Recordings", "录像"),
            ("Stands", "状态"),
        ],
        all.iter().map(row).collect(),
    )
}

fn unfinished(all: &[Unfinished], zone: &TimeZone) -> Markup {
    let row = |u: &Unfinished| {
        let why = match &u.why {
            Some(why) => format!("came to nothing: {why}"),
            None => "spent, no outcome: cut off, or running now".to_owned(),
        };
        let cells = vec![
            request(&u.request, false),
            number(u.number.into()),
            time(u.at, zone),
            text(&u.operator),
            text(&why),
        ];
        (false, cells)
    };
    section(
        ("Uses cut off or failed", "中断或失败的使用"),
        "Every use came to its end.",
        &[
            ("Request", "申请"),
            ("Use", "次数"),
            ("When", "时间"),
            ("Run by", "操作人"),
            ("What came of it", "结果"),
        ],
        all.iter().map(row).collect(),
    )
}

fn turn_arounds(report: &AccessReport) -> Markup {
    let row = |what: &str, t: &TurnAround| {
        let worst = t.worst.as_ref();
        let cells = vec![
            text(what),
            number(t.count),
            span(t.median_ms),
            span(t.worst_ms),
            (
                "",
                html! { @if let Some(w) = worst { span .mono title=(w) { (short(w)) } } },
            ),
        ];
        (false, cells)
    };
    let heads = [
        ("From … to", "阶段"),
        ("Requests", "申请数"),
        ("Median", "中位数"),
        ("Longest", "最长"),
        ("Which", "申请"),
    ];
    let rows = vec![
        row("request to decision", &report.to_decision),
        row("approval to first use", &report.to_first_use),
    ];
    html! {
        section { (heading("Turn-around", "办理时间", 0)) (table(&heads, rows)) }
    }
}

fn people(all: &[Person]) -> Markup {
    let row = |p: &Person| {
        let package_bytes = html! {
            (grouped(p.packages)) @if p.packages > 0 { small { (bytes_human(p.package_bytes)) } }
        };
        let cells = vec![
            text(&p.who),
            number(p.asked),
            number(p.approved),
            number(p.denied),
            number(p.cancelled),
            number(p.uses),
            ("n", package_bytes),
            number(p.break_glass),
        ];
        (p.break_glass > 0, cells)
    };
    section(
        ("By person", "按人员"),
        "Nobody had to do with any.",
        &[
            ("Person", "人员"),
            ("Asked", "申请"),
            ("Approved", "批准"),
            ("Denied", "拒绝"),
            ("Cancelled", "撤回"),
            ("Uses", "使用"),
            ("Packages", "交付包"),
            ("Break-glass", "紧急"),
        ],
        all.iter().map(row).collect(),
    )
}

fn recordings(all: &[OneRecording], zone: &TimeZone) -> Markup {
    let row = |r: &OneRecording| {
        let last = html! { @if let Some(at) = r.last_use { (moment(at, zone)) } @else { "—" } };
        let cells = vec![
            ("", html! { span .mono { (r.id) } }),
            number(r.requests),
            number(r.approved),
            number(r.uses),
            number(r.packages),
            number(r.break_glass),
            ("t", last),
            text(&r.recipients.join("; ")),
        ];
        (r.break_glass > 0, cells)
    };
    section(
        ("By recording", "按录像"),
        "No recording was asked for.",
        &[
            ("Recording", "录像"),
            ("Requests", "申请"),
            ("Approved", "批准"),
            ("Uses", "使用"),
            ("Packages", "交付包"),
            ("Break-glass", "紧急"),
            ("Last use", "最近使用"),
            ("Handed to", "接收人"),
        ],
        all.iter().map(row).collect(),
    )
}

fn requests(report: &AccessReport, zone: &TimeZone) -> Markup {
    // One row for each request; its uses stand above and in the CSV.
    let mut heads: Vec<&Head> = report.rows.iter().map(|row| &row.head).collect();
    heads.dedup_by_key(|head| head.request);
    let row = |h: &&Head| {
        let decided = html! {
            (names(&h.approvers))
            @if let Some(at) = h.decided_at { small { (at.in_zone(zone)) } }
        };
        let state = html! { (h.state) small { (count(h.uses_max, "use", "uses")) " asked, " (h.form.word()) } };
        let cells = vec![
            request(&h.request, h.break_glass),
            time(h.asked_at, zone),
            text(&h.requester),
            wish(h),
            ids(&h.recordings, Some(h.bytes)),
            ("", decided),
            ("", state),
        ];
        (h.break_glass, cells)
    };
    section(
        ("All requests", "全部申请"),
        "There is none.",
        &[
            ("Request", "申请"),
            ("Asked", "时间"),
            ("By", "申请人"),
            ("Purpose", "用途"),
            ("Recordings", "录像"),
            ("Approved by", "批准人"),
            ("Stands", "状态"),
        ],
        heads.iter().map(row).collect(),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::report::access::tests::{clean, report};

    #[test]
    fn the_page_is_as_it_was_reviewed_and_reaches_out_to_nothing() {
        for (name, report) in [("access_loud", report()), ("access_clean", clean())] {
            let page = access_html(&report);
            for bad in [
                "<script", "<img", "http:", "https:", "//", "@import", "\u{202e}",
            ] {
                assert!(!page.contains(bad), "{bad:?} in {name}");
            }
            let page = page.replace(STYLE, "…").replace(OWN_STYLE, "…");
            insta::assert_snapshot!(name, page.replace("><", ">\n<"));
        }
    }

    #[test]
    fn what_must_not_be_stands_before_everything_else() {
        let loud = access_html(&report());
        let at = |page: &str, text: &str| page.find(text).unwrap_or(usize::MAX);
        let order = [
            "Not every use had its approval",
            "Uses without a valid approval",
            "its time was over",
            "Break-glass",
            "Totals",
        ];
        let places: Vec<usize> = order.iter().map(|text| at(&loud, text)).collect();
        assert!(
            places.is_sorted() && places.iter().all(|p| *p < loud.len()),
            "{places:?}"
        );
        let calm = access_html(&clean());
        assert!(calm.contains("Every use had its approval.") && !calm.contains("class=\"loud\""));
    }
}
