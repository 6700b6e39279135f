//! `report access`: who looked at what. What must not be stands first.

use jiff::tz::TimeZone;

use super::{Style, cell, flush_left, keep_whole, number, table, text, word};
use crate::{
    base::{Digest, Moment, RecordingId, text::bytes_human},
    recording::Severity,
    report::{
        access::{
            AccessReport, Emergency, HandedOver, OneRecording, Pending, Person, TurnAround,
            Unfinished, Unused, WrongUse, span_words, unused_words,
        },
        wording::{self, count, grouped, printable},
    },
};

/// Digits of a digest that tables show, enough to name it by.
const NAME_DIGITS: usize = 12;

/// The report as text. Sections without an entry are left out, but for the one that must be empty.
#[must_use]
pub fn access_report(report: &AccessReport, style: Style) -> String {
    let zone = &wording::zone(&report.time_zone);
    let c = &report.counts;
    let mut out = format!(
        "Access to recordings: {}, as of {}\n{}: {} pending, {} approved, {} used up, {} denied, {} expired, {} cancelled\n{}, {} ({})\n",
        printable(&report.about()),
        report.made_at.in_zone(zone),
        count(c.requests, "request", "requests"),
        grouped(c.pending),
        grouped(c.approved),
        grouped(c.used_up),
        grouped(c.denied),
        grouped(c.expired),
        grouped(c.cancelled),
        count(c.uses, "use", "uses"),
        count(c.packages, "package", "packages"),
        bytes_human(c.package_bytes),
    );
    match report.wrong.len() {
        0 => out.push_str("Uses without a valid approval: none.\n"),
        n => {
            let n = count(n as u64, "USE", "USES");
            out.push_str(&format!(
                "\n{n} WITHOUT A VALID APPROVAL (of all requests; must be none)\n"
            ));
            out.push_str(&wrong(&report.wrong, zone, style));
        }
    }
    let mut section = |title: &str, n: usize, text: &dyn Fn() -> String| {
        if n > 0 {
            out.push_str(&format!("\n{title} ({})\n{}", grouped(n as u64), text()));
        }
    };
    section(
        "BREAK-GLASS, in an emergency by two people",
        report.break_glass.len(),
        &|| emergencies(&report.break_glass, zone, style),
    );
    section("Copies outstanding", report.outstanding.len(), &|| {
        outstanding(&report.outstanding, zone, style)
    });
    section("Waiting for a decision", report.pending.len(), &|| {
        pending(&report.pending, zone, style)
    });
    section("Approvals unused", report.unused.len(), &|| {
        unused(&report.unused, style)
    });
    section("Uses cut off or failed", report.unfinished.len(), &|| {
        unfinished(&report.unfinished, zone, style)
    });
    section("By person", report.people.len(), &|| {
        people(&report.people, style)
    });
    section("By recording", report.recordings.len(), &|| {
        recordings(&report.recordings, zone, style)
    });
    out.push('\n');
    out.push_str(&turn_around("request to decision", &report.to_decision));
    out.push_str(&turn_around("approval to first use", &report.to_first_use));
    out
}

fn name(digest: &Digest) -> String {
    digest.to_string().chars().take(NAME_DIGITS).collect()
}

/// The first recording's id, and how many more there are.
fn ids(ids: &[RecordingId]) -> String {
    match ids {
        [] => "—".to_owned(),
        [only] => only.to_string(),
        [first, rest @ ..] => format!("{first} +{}", rest.len()),
    }
}

fn days(at: Moment, zone: &TimeZone) -> String {
    at.day_in_zone(zone)
}

fn wrong(all: &[WrongUse], zone: &TimeZone, style: Style) -> String {
    let head = ["Request", "Use", "When", "Run by", "Recordings", "Wrong"];
    let mut out = table(style, &head);
    for w in all {
        let words: Vec<&str> = w.wrong.iter().map(|wrong| wrong.words()).collect();
        out.add_row(vec![
            word(style, &name(&w.request), Some(Severity::Alarm), true),
            number(&w.number.to_string()),
            cell(&w.at.in_zone(zone)),
            cell(&w.operator),
            cell(&ids(&w.recordings)),
            word(style, &words.join("; "), Some(Severity::Alarm), false),
        ]);
    }
    finish(out, &[0])
}

fn finish(mut table: comfy_table::Table, whole: &[usize]) -> String {
    flush_left(&mut table);
    keep_whole(&mut table, whole);
    text(&table)
}

fn emergencies(all: &[Emergency], zone: &TimeZone, style: Style) -> String {
    let head = [
        "Request",
        "Asked by",
        "Signed by",
        "Purpose",
        "Recordings",
        "Used",
    ];
    let mut out = table(style, &head);
    for e in all {
        let used: Vec<String> = e
            .used
            .iter()
            .map(|(at, who)| format!("{} by {who}", at.in_zone(zone)))
            .collect();
        let used = match used.is_empty() {
            true => "not used".to_owned(),
            false => used.join("; "),
        };
        out.add_row(vec![
            word(style, &name(&e.head.request), Some(Severity::Warning), true),
            cell(&e.head.requester),
            cell(&e.head.approvers.join(", ")),
            cell(&format!("{}; for {}", e.head.purpose, e.head.recipient)),
            cell(&ids(&e.head.recordings)),
            cell(&used),
        ]);
    }
    finish(out, &[0])
}

fn outstanding(all: &[HandedOver], zone: &TimeZone, style: Style) -> String {
    let head = [
        "For",
        "Day",
        "Request",
        "Recordings",
        "Form",
        "Size",
        "Manifest",
    ];
    let mut out = table(style, &head);
    for h in all {
        out.add_row(vec![
            cell(&h.recipient),
            cell(&days(h.at, zone)),
            cell(&name(&h.request)),
            cell(&ids(&h.recordings)),
            cell(h.form.word()),
            number(&bytes_human(h.bytes)),
            cell(&name(&h.tag_manifest)),
        ]);
    }
    finish(out, &[1, 2, 6])
}

fn pending(all: &[Pending], zone: &TimeZone, style: Style) -> String {
    let head = [
        "Request",
        "Waits for",
        "Asked by",
        "For",
        "Recordings",
        "Until",
    ];
    let mut out = table(style, &head);
    for p in all {
        out.add_row(vec![
            cell(&name(&p.head.request)),
            number(&span_words(p.age_ms)),
            cell(&p.head.requester),
            cell(&p.head.recipient),
            cell(&ids(&p.head.recordings)),
            cell(&days(p.head.expires, zone)),
        ]);
    }
    finish(out, &[0])
}

fn unused(all: &[Unused], style: Style) -> String {
    let head = [
        "Request",
        "Approved by",
        "Asked by",
        "For",
        "Recordings",
        "Stands",
    ];
    let mut out = table(style, &head);
    for u in all {
        out.add_row(vec![
            cell(&name(&u.head.request)),
            cell(&u.head.approvers.join(", ")),
            cell(&u.head.requester),
            cell(&u.head.recipient),
            cell(&ids(&u.head.recordings)),
            cell(&unused_words(u)),
        ]);
    }
    finish(out, &[0])
}

fn unfinished(all: &[Unfinished], zone: &TimeZone, style: Style) -> String {
    let mut out = table(
        style,
        &["Request", "Use", "When", "Run by", "What came of it"],
    );
    for u in all {
        let why = match &u.why {
            Some(why) => format!("came to nothing: {why}"),
            None => "no outcome: cut off, or running now".to_owned(),
        };
        out.add_row(vec![
            cell(&name(&u.request)),
            number(&u.number.to_string()),
            cell(&u.at.in_zone(zone)),
            cell(&u.operator),
            cell(&why),
        ]);
    }
    finish(out, &[0])
}

fn people(all: &[Person], style: Style) -> String {
    let head = [
        "Person",
        "Asked",
        "Approved",
        "Denied",
        "Uses",
        "Packages",
        "Break-glass",
    ];
    let mut out = table(style, &head);
    for p in all {
        let of = [
            p.asked,
            p.approved,
            p.denied,
            p.uses,
            p.packages,
            p.break_glass,
        ];
        let mut row = vec![cell(&p.who)];
        row.extend(of.iter().map(|n| number(&grouped(*n))));
        out.add_row(row);
    }
    finish(out, &[])
}

fn recordings(all: &[OneRecording], zone: &TimeZone, style: Style) -> String {
    let head = [
        "Recording",
        "Requests",
        "Uses",
        "Packages",
        "Last use",
        "Handed to",
    ];
    let mut out = table(style, &head);
    for r in all {
        out.add_row(vec![
            cell(&r.id.to_string()),
            number(&grouped(r.requests)),
            number(&grouped(r.uses)),
            number(&grouped(r.packages)),
            cell(&r.last_use.map_or("—".to_owned(), |at| days(at, zone))),
            cell(&r.recipients.join("; ")),
        ]);
    }
    finish(out, &[0])
}

fn turn_around(what: &str, t: &TurnAround) -> String {
    match (t.median_ms, t.worst_ms, &t.worst) {
        (Some(median), Some(worst), Some(request)) => format!(
            "From {what}: median {}, longest {} ({}), of {}\n",
            span_words(median),
            span_words(worst),
            name(request),
            grouped(t.count)
        ),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::access::tests::{clean, report};

    #[test]
    fn the_report_reads_as_it_was_reviewed_and_fits_its_terminal() {
        for (name, report) in [("loud", report()), ("clean", clean())] {
            let text = access_report(&report, Style::plain(120));
            assert!(!text.contains(|c: char| c != '\n' && wording::is_harmful(c)));
            insta::assert_snapshot!(format!("access_report_{name}"), text);
        }
    }
}
