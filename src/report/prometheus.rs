//! The last night as metrics, for node_exporter's textfile collector.
//!
//! Gauges named `recvault_night_*`, in base units (seconds, bytes), each with HELP and TYPE, no
//! timestamps (the collector refuses them). Every kind, outcome and ending stands with a 0 where
//! there was none, so that an alert never waits for a series that is absent.

use std::fmt::Write as _;

use crate::{
    intake::summary::{Ending, NightSummary, Outcome},
    recording::{FindingKind, Severity},
};

use super::wording::item_needs_attention;

const OUTCOMES: [(Outcome, &str); 6] = [
    (Outcome::Archived, "archived"),
    (Outcome::Kept, "kept"),
    (Outcome::Retry, "retry"),
    (Outcome::Waiting, "waiting"),
    (Outcome::SeenAgain, "seen_again"),
    (Outcome::LeftInInbox, "left_in_inbox"),
];

const ENDINGS: [(Ending, &str); 4] = [
    (Ending::Complete, "complete"),
    (Ending::Drained, "drained"),
    (Ending::Abandoned, "abandoned"),
    (Ending::DiskFull, "disk_full"),
];

/// The night in the Prometheus text format, version 0.0.4.
#[must_use]
pub fn night_prometheus(night: &NightSummary) -> String {
    let t = &night.totals;
    let mut out = Page::default();
    out.gauge("info", "What the last night was; always 1.");
    out.labelled(
        "info",
        &[
            ("office", &night.office),
            ("date", &night.date),
            ("profile", &night.profile),
        ],
        "1",
    );
    out.one(
        "start_timestamp_seconds",
        "When the night began.",
        &seconds(night.started_at.as_ms()),
    );
    out.one(
        "end_timestamp_seconds",
        "When the night ended.",
        &seconds(night.ended_at.as_ms()),
    );
    out.one(
        "duration_seconds",
        "Wall-clock time of the night.",
        &seconds(t.wall_ms),
    );
    out.gauge("ending", "How the night ended: 1 for the way it did.");
    for (ending, word) in ENDINGS {
        out.labelled("ending", &[("ending", word)], bit(night.ending == ending));
    }
    out.one(
        "needs_attention",
        "Whether somebody should look: the night's exit code, 0 or 1.",
        bit(night.needs_attention()),
    );
    out.one(
        "items_needing_attention",
        "Files and recordings that somebody should look at.",
        &night
            .items
            .iter()
            .filter(|i| item_needs_attention(i))
            .count()
            .to_string(),
    );
    out.gauge(
        "items",
        "Files and recordings touched, by what became of them.",
    );
    for (outcome, word) in OUTCOMES {
        let n = night.items.iter().filter(|i| i.outcome == outcome).count();
        out.labelled("items", &[("outcome", word)], &n.to_string());
    }
    let findings = || night.items.iter().flat_map(|i| &i.findings);
    out.gauge("findings", "Findings, by kind.");
    for kind in FindingKind::ALL {
        let n = findings().filter(|f| f.kind == *kind).count();
        out.labelled("findings", &[("kind", kind.code())], &n.to_string());
    }
    out.gauge("findings_by_severity", "Findings, by severity.");
    for severity in [Severity::Note, Severity::Warning, Severity::Alarm] {
        let n = findings().filter(|f| f.severity == severity).count();
        out.labelled(
            "findings_by_severity",
            &[("severity", severity.word())],
            &n.to_string(),
        );
    }
    for (name, help, value) in [
        (
            "files_seen",
            "Files seen in the inbox, known ones included.",
            t.files_seen,
        ),
        (
            "files_known",
            "Files recognised and not read again.",
            t.files_known,
        ),
        (
            "files_rehashed",
            "Known files that were read again as a sample.",
            t.files_rehashed,
        ),
        (
            "sources_removed",
            "Released sources removed from the inbox.",
            t.sources_removed,
        ),
        ("recordings_admitted", "New recordings vaulted.", t.admitted),
        (
            "recordings_archived",
            "Recordings that got a rendition.",
            t.archived,
        ),
        (
            "recordings_kept",
            "Recordings looked at without a rendition.",
            t.kept,
        ),
        (
            "recordings_retry",
            "Recordings whose worker failed.",
            t.retry,
        ),
        ("original_bytes", "Bytes read into the vault.", t.bytes_in),
        (
            "rendition_bytes",
            "Bytes of renditions written.",
            t.bytes_out,
        ),
        (
            "worker_peak_memory_bytes",
            "Largest resident memory of any worker.",
            t.worker_peak_bytes,
        ),
        (
            "own_peak_memory_bytes",
            "Largest resident memory of the night's own process.",
            t.own_peak_bytes,
        ),
        (
            "mirror_waiting",
            "Originals that wait for their copy on the mirror.",
            night.upkeep.waiting,
        ),
        (
            "copies_reread",
            "Copies of originals read again from their disks.",
            night.upkeep.reread,
        ),
        (
            "copies_repaired",
            "Copies that were bad and are sound again.",
            night.upkeep.repaired,
        ),
        (
            "recordings_damaged",
            "Recordings without a sound copy.",
            night.upkeep.damaged.len() as u64,
        ),
        (
            "store_free_bytes",
            "Bytes free for the store.",
            night.room.free_bytes,
        ),
        (
            "store_size_bytes",
            "Bytes of the store's file system.",
            night.room.total_bytes,
        ),
        (
            "ledger_events",
            "Events in the ledger after the night.",
            night.ledger_events,
        ),
    ] {
        out.one(name, help, &value.to_string());
    }
    out.one(
        "media_seconds",
        "Presented length of everything looked at.",
        &seconds(t.media_ms),
    );
    out.one(
        "cpu_seconds",
        "CPU time of the night and all its workers.",
        &seconds(i64::try_from(t.cpu_ms).unwrap_or(i64::MAX)),
    );
    out.gauge(
        "expiring_recordings",
        "Recordings that expire within so many days, holds aside.",
    );
    for expiring in &night.expiring {
        out.labelled(
            "expiring_recordings",
            &[("within_days", &expiring.within_days.to_string())],
            &expiring.recordings.to_string(),
        );
    }
    if let Some(days) = night.room.days_left {
        out.one(
            "store_until_full_seconds",
            "Time until the store's disk is full at the mean intake; absent while unknown.",
            &days.saturating_mul(86_400).to_string(),
        );
    }
    out.0
}

const fn bit(yes: bool) -> &'static str {
    if yes { "1" } else { "0" }
}

/// Milliseconds as seconds, exactly.
fn seconds(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    let n = ms.unsigned_abs();
    match n % 1_000 {
        0 => format!("{sign}{}", n / 1_000),
        rest => format!("{sign}{}.{rest:03}", n / 1_000),
    }
}

#[derive(Default)]
struct Page(String);

// Writing into a String cannot fail.
impl Page {
    fn gauge(&mut self, name: &str, help: &str) {
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        let _ = writeln!(self.0, "# HELP recvault_night_{name} {help}");
        let _ = writeln!(self.0, "# TYPE recvault_night_{name} gauge");
    }

    fn labelled(&mut self, name: &str, labels: &[(&str, &str)], value: &str) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(k, v)| format!("{k}=\"{}\"", escaped(v)))
            .collect();
        let _ = writeln!(
            self.0,
            "recvault_night_{name}{{{}}} {value}",
            labels.join(",")
        );
    }

    fn one(&mut self, name: &str, help: &str, value: &str) {
        self.gauge(name, help);
        let _ = writeln!(self.0, "recvault_night_{name} {value}");
    }
}

/// A label's value as the text format wants it.
fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::report::fixture;

    /// A reader of the text format as strict as the collector: `name{labels} value`, HELP and
    /// TYPE before the first sample, no series twice.
    fn read(text: &str) -> BTreeMap<String, f64> {
        assert!(text.ends_with('\n'), "the last line is ended");
        let (mut helped, mut typed, mut out) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').unwrap();
                assert!(!help.is_empty() && helped.insert(name.to_owned()), "{line}");
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, sort) = rest.split_once(' ').unwrap();
                assert!(
                    sort == "gauge" && helped.contains(name) && typed.insert(name.to_owned()),
                    "{line}"
                );
            } else {
                let (series, value) = line.rsplit_once(' ').unwrap();
                let name = series.split('{').next().unwrap();
                assert!(
                    name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
                    "{line}"
                );
                assert!(typed.contains(name), "{line}");
                if let Some(labels) = series[name.len()..].strip_prefix('{') {
                    read_labels(labels.strip_suffix('}').unwrap());
                }
                assert!(
                    out.insert(series.to_owned(), value.parse().unwrap())
                        .is_none(),
                    "{line}"
                );
            }
        }
        assert_eq!(helped, typed);
        out
    }

    fn read_labels(mut text: &str) {
        while !text.is_empty() {
            let (name, rest) = text.split_once("=\"").unwrap();
            assert!(
                name.trim_start_matches(',')
                    .bytes()
                    .all(|b| b.is_ascii_lowercase()),
                "{name}"
            );
            let mut end = None;
            let mut bytes = rest.bytes().enumerate();
            while let Some((i, b)) = bytes.next() {
                match b {
                    b'\\' => assert!(
                        matches!(bytes.next(), Some((_, b'\\' | b'"' | b'n'))),
                        "{rest}"
                    ),
                    b'"' => {
                        end = Some(i);
                        break;
                    }
                    _ => {}
                }
            }
            text = &rest[end.unwrap() + 1..];
        }
    }

    #[test]
    fn every_line_is_one_that_the_collector_reads() {
        let mut night = fixture::hostile();
        night.office = "a\"b\\c\nd 市场}".into();
        let m = read(&night_prometheus(&night));
        for (series, value) in [
            ("recvault_night_needs_attention", 1.0),
            ("recvault_night_items_needing_attention", 6.0),
            ("recvault_night_ending{ending=\"drained\"}", 1.0),
            ("recvault_night_ending{ending=\"complete\"}", 0.0),
            ("recvault_night_items{outcome=\"left_in_inbox\"}", 1.0),
            ("recvault_night_findings{kind=\"audio.silent\"}", 2.0),
            ("recvault_night_findings{kind=\"worker.died\"}", 0.0),
            (
                "recvault_night_findings_by_severity{severity=\"alarm\"}",
                2.0,
            ),
            ("recvault_night_end_timestamp_seconds", 1_795_444_330.0),
            ("recvault_night_media_seconds", 4_416.2),
            ("recvault_night_store_until_full_seconds", 64.0 * 86_400.0),
            (
                "recvault_night_info{office=\"a\\\"b\\\\c\\nd 市场}\",date=\"2026-11-23\",profile=\"archive-av1\"}",
                1.0,
            ),
        ] {
            assert_eq!(m.get(series), Some(&value), "{series}");
        }
    }

    #[test]
    fn a_quiet_night_has_the_same_series_but_for_what_is_not_known() {
        let names = |n| -> BTreeSet<String> {
            read(&night_prometheus(&n))
                .into_keys()
                .filter(|k| !k.contains("_info{"))
                .collect()
        };
        let missing: Vec<_> = names(fixture::hostile())
            .difference(&names(fixture::empty()))
            .cloned()
            .collect();
        assert_eq!(missing, ["recvault_night_store_until_full_seconds"]);
    }

    #[test]
    fn milliseconds_become_seconds_exactly() {
        for (ms, s) in [
            (0, "0"),
            (1, "0.001"),
            (-1_500, "-1.500"),
            (i64::MAX, "9223372036854775.807"),
        ] {
            assert_eq!(seconds(ms), s);
        }
    }
}
