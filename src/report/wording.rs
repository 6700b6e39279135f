//! The words of a report: one place, so that page, terminal and reader never disagree.
//!
//! Pure functions over a [`NightSummary`]: the headline, the facts of the totals, the list of what
//! needs attention, and the Chinese words that stand beside the English ones.

use std::borrow::Cow;

use jiff::tz::TimeZone;

use crate::{
    base::text::{bytes_human, duration_human},
    intake::{
        MirrorState,
        summary::{Ending, Item, NightSummary, Outcome, Room},
    },
    recording::{Finding, FindingKind, Kind, Severity},
};

/// Text that cannot move a cursor, colour a terminal or turn the reading direction: control,
/// direction-changing and invisible characters become `\u{…}`. Everything else stays as it is.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_harmful(c) {
            out.push_str(&c.escape_unicode().to_string());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Whether a character acts on its surroundings instead of standing there.
pub(crate) fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The zone of that IANA name; UTC where this machine does not know it. Every time is printed
/// with its offset, so a wrong zone cannot go unnoticed.
#[must_use]
pub fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// `1 file`, `2 files`, `10,000 files`.
#[must_use]
pub fn count(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(n), if n == 1 { one } else { many })
}

/// `1,234,567`.
#[must_use]
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// How the night ended, as a sentence and in Chinese.
#[must_use]
pub const fn ending(ending: Ending) -> (&'static str, &'static str) {
    match ending {
        Ending::Complete => ("The night is complete.", "当晚工作已完成"),
        Ending::Drained => (
            "Stopped on request after the running recordings; the next night goes on.",
            "按要求停止",
        ),
        Ending::Abandoned => (
            "Stopped at once on request; the next night finishes the work.",
            "按要求立即中止",
        ),
        Ending::DiskFull => (
            "Intake stopped because the disk is nearly full; nothing was deleted.",
            "磁盘将满，停止接收",
        ),
    }
}

/// A severity in Chinese.
#[must_use]
pub const fn severity_zh(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "提示",
        Severity::Warning => "警告",
        Severity::Alarm => "警报",
    }
}

/// An outcome in Chinese.
#[must_use]
pub const fn outcome_zh(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Archived => "已归档",
        Outcome::Kept => "已保存",
        Outcome::Retry => "待重试",
        Outcome::Waiting => "待处理",
        Outcome::SeenAgain => "重复出现",
        Outcome::LeftInInbox => "留在收件夹",
    }
}

/// A kind of file in Chinese.
#[must_use]
pub const fn kind_zh(kind: Kind) -> &'static str {
    match kind {
        Kind::Video => "视频",
        Kind::Audio => "音频",
        Kind::Photo => "照片",
        Kind::Log => "日志",
        Kind::Encrypted => "加密",
        Kind::Other => "其他",
    }
}

/// A few words for a kind of finding, as short as a label on a drawing; its code where there are
/// none yet.
#[must_use]
pub const fn finding_words(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::FileEmpty => "empty file",
        FindingKind::NotMedia => "not media",
        FindingKind::Encrypted => "encrypted",
        FindingKind::FileChanged => "changed while copied",
        FindingKind::FileUnreadable => "unreadable file",
        FindingKind::FileReplaced => "replaced file",
        FindingKind::ContainerUnreadable => "unreadable container",
        FindingKind::ContainerTruncated => "truncated",
        FindingKind::DurationZero => "no length",
        FindingKind::DecodeError => "decode errors",
        FindingKind::CodecUnsupported => "unknown codec",
        FindingKind::VideoMissing => "no picture",
        FindingKind::VideoBlack => "black picture",
        FindingKind::VideoFrozen => "frozen picture",
        FindingKind::Damaged => "no sound copy",
        FindingKind::Conflicts => "another of that number",
        FindingKind::Reappeared => "disposed of before",
        FindingKind::VideoResized => "picture size changed",
        FindingKind::AudioMissing => "no sound track",
        FindingKind::AudioSilent => "silence",
        FindingKind::TimeJump => "time jump",
        FindingKind::ClockSuspect => "suspect clock",
        FindingKind::Unattributed => "not attributed",
        FindingKind::AttributionDisagrees => "sources disagree",
        FindingKind::AttributionUnknown => "not in the register",
        FindingKind::WorkerDied => "worker died",
        FindingKind::WorkerStalled => "worker stalled",
        FindingKind::RenditionRejected => "rendition rejected",
        FindingKind::TrackNotCarried => "track left out",
        FindingKind::NormalisedRotation => "rotated upright",
        FindingKind::NormalisedPadding => "padded",
        FindingKind::NormalisedFormat => "colour format converted",
        FindingKind::NormalisedAspect => "pixel shape",
        FindingKind::NormalisedInterlace => "interlaced",
        FindingKind::SequenceHole => "files missing",
        FindingKind::SequenceGap => "gap between pieces",
        FindingKind::SequenceOverlap => "two at once",
        FindingKind::RecordingUnlike => "unlike its others",
        FindingKind::PreRecordMissing => "no pre-record",
        FindingKind::SidecarUnreadable => "unreadable sidecar",
        FindingKind::SidecarMismatch => "sidecar mismatch",
        other => other.code(),
    }
}

/// One line of what needs attention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attention<'a> {
    /// Which item of the night, counted from 0.
    pub item: usize,
    /// How much it matters: never a note.
    pub severity: Severity,
    /// What was found; nothing where the outcome itself is the reason.
    pub finding: Option<&'a Finding>,
    /// The sentence, printable.
    pub text: Cow<'a, str>,
}

/// Whether somebody should look at this item; the same rule that decides the exit code.
#[must_use]
pub fn item_needs_attention(item: &Item) -> bool {
    item.gravest() >= Some(Severity::Warning)
        || matches!(item.outcome, Outcome::Retry | Outcome::Waiting)
}

/// Everything that needs attention, the gravest first, then in the night's order and by place.
/// An item that needs attention for its outcome alone has one line that says so.
#[must_use]
pub fn attention(night: &NightSummary) -> Vec<Attention<'_>> {
    let mut out = Vec::new();
    for (index, item) in night.items.iter().enumerate() {
        let before = out.len();
        for finding in &item.findings {
            if finding.severity >= Severity::Warning {
                out.push(Attention {
                    item: index,
                    severity: finding.severity,
                    finding: Some(finding),
                    text: printable(&finding.text),
                });
            }
        }
        if out.len() == before
            && let Some(text) = outcome_sentence(item.outcome)
        {
            out.push(Attention {
                item: index,
                severity: Severity::Warning,
                finding: None,
                text: Cow::Borrowed(text),
            });
        }
    }
    out.sort_by_key(|a| {
        (
            std::cmp::Reverse(a.severity),
            a.item,
            a.finding.and_then(|f| f.at),
        )
    });
    out
}

const fn outcome_sentence(outcome: Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Retry => {
            Some("its worker failed; the original is safe, the next night tries again")
        }
        Outcome::Waiting => {
            Some("the original is safe; the night ended before anybody looked inside")
        }
        _ => None,
    }
}

/// The night in one sentence: `8 files, 6 recordings archived, 2 need attention`.
#[must_use]
pub fn headline(night: &NightSummary) -> String {
    let t = &night.totals;
    let emergencies = night.break_glass.len() as u64;
    if t.files_seen == 0 && night.items.is_empty() {
        return match emergencies {
            0 => "No files came in".into(),
            n => format!("No files came in, {} break-glass", grouped(n)),
        };
    }
    let mut parts = vec![count(t.files_seen, "file", "files")];
    if t.files_known > 0 {
        parts.push(format!("{} known already", grouped(t.files_known)));
    }
    parts.push(format!(
        "{} archived",
        count(t.archived, "recording", "recordings")
    ));
    if t.kept > 0 {
        parts.push(format!("{} kept as they are", grouped(t.kept)));
    }
    if t.retry > 0 {
        parts.push(format!("{} to retry", grouped(t.retry)));
    }
    let n = night
        .items
        .iter()
        .filter(|i| item_needs_attention(i))
        .count() as u64;
    parts.push(match n {
        0 => "none needs attention".into(),
        1 => "1 needs attention".into(),
        n => format!("{} need attention", grouped(n)),
    });
    if emergencies > 0 {
        parts.push(format!("{} break-glass", grouped(emergencies)));
    }
    parts.join(", ")
}

/// One fact of the totals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What it is about.
    pub label: &'static str,
    /// The same in Chinese.
    pub zh: &'static str,
    /// The figure.
    pub value: String,
    /// What makes the figure understood; may be empty.
    pub detail: String,
}

/// The totals of the night as facts to be laid out.
#[must_use]
pub fn facts(night: &NightSummary) -> Vec<Fact> {
    let t = &night.totals;
    let fact = |label, zh, value, detail| Fact {
        label,
        zh,
        value,
        detail,
    };
    let new = t.files_seen.saturating_sub(t.files_known);
    let mut files = format!("{} new", grouped(new));
    if t.files_known > 0 {
        files.push_str(&format!(
            ", {} known already, {} of them read again",
            grouped(t.files_known),
            grouped(t.files_rehashed)
        ));
    }
    if t.sources_removed > 0 {
        files.push_str(&format!(
            "; {} removed from the inbox",
            count(t.sources_removed, "released source", "released sources")
        ));
    }
    vec![
        fact("Files", "文件", grouped(t.files_seen), files),
        fact(
            "Recordings",
            "录像",
            format!("{} vaulted", grouped(t.admitted)),
            format!(
                "{} archived, {} kept as they are, {} to retry",
                grouped(t.archived),
                grouped(t.kept),
                grouped(t.retry)
            ),
        ),
        fact(
            "Material",
            "时长",
            hours(t.media_ms),
            format!("{} looked at", length(t.media_ms)),
        ),
        fact(
            "In and out",
            "存入与归档",
            format!("{} → {}", bytes_human(t.bytes_in), bytes_human(t.bytes_out)),
            match per_cent(t.bytes_out, t.bytes_in) {
                Some(p) => format!("renditions written are {p} of what was vaulted"),
                None => "nothing was vaulted".into(),
            },
        ),
        fact(
            "Speed",
            "速度",
            match quotient(t.media_ms, t.wall_ms) {
                Some(q) => format!("{q:.1} × real time"),
                None => "—".into(),
            },
            format!("the night took {}", length(t.wall_ms)),
        ),
        fact(
            "CPU",
            "处理器",
            length(i64::try_from(t.cpu_ms).unwrap_or(i64::MAX)),
            match quotient(i64::try_from(t.cpu_ms).unwrap_or(i64::MAX), t.media_ms) {
                Some(q) => format!("{q:.2} s for each second of material"),
                None => String::new(),
            },
        ),
        fact(
            "Peak memory",
            "内存峰值",
            format!("{} a worker", bytes_human(t.worker_peak_bytes)),
            format!("{} the night itself", bytes_human(t.own_peak_bytes)),
        ),
        fact(
            "Second copies",
            "镜像",
            match night.upkeep.mirror {
                MirrorState::None => "no mirror".into(),
                MirrorState::There => format!("{} made", grouped(night.upkeep.mirrored)),
                MirrorState::Away => "the mirror is not there".into(),
            },
            match night.upkeep.mirror {
                MirrorState::None => String::new(),
                _ => format!("{} waiting", grouped(night.upkeep.waiting)),
            },
        ),
        fact(
            "Read again",
            "复核",
            format!(
                "{}, {}",
                count(night.upkeep.reread, "copy", "copies"),
                bytes_human(night.upkeep.reread_bytes)
            ),
            format!(
                "{} repaired, {} without a sound copy",
                grouped(night.upkeep.repaired),
                grouped(night.upkeep.damaged.len() as u64)
            ),
        ),
        fact(
            "Expiring",
            "即将到期",
            match night.expiring.iter().map(|e| e.recordings).max() {
                None => "nothing while disposal is stopped".into(),
                Some(0) => "nothing within 30 days".into(),
                Some(n) => count(n, "recording", "recordings"),
            },
            expiring(night),
        ),
        fact(
            "Room on the disk",
            "磁盘空间",
            format!(
                "{} free of {}",
                bytes_human(night.room.free_bytes),
                bytes_human(night.room.total_bytes)
            ),
            days_left(night.room),
        ),
    ]
}

/// `12 within 30 days (3.1 GB), 4 within 14, 0 within 7`.
fn expiring(night: &NightSummary) -> String {
    let all = night.expiring.iter().filter(|e| e.recordings > 0);
    let all = all.map(|e| {
        format!(
            "{} within {} ({})",
            grouped(e.recordings),
            count(u64::from(e.within_days), "day", "days"),
            bytes_human(e.bytes)
        )
    });
    all.collect::<Vec<_>>().join(", ")
}

fn days_left(room: Room) -> String {
    match room.days_left {
        None => "no night yet to estimate by".into(),
        Some(0) => "full within a day at the mean intake".into(),
        Some(n) => format!(
            "full in about {} at the mean intake",
            count(n, "day", "days")
        ),
    }
}

/// A length for people: `0.0 s` as nothing is `—`.
#[must_use]
pub fn length(ms: i64) -> String {
    if ms == 0 {
        "—".into()
    } else {
        duration_human(ms)
    }
}

/// `2.4 hours`, or minutes while there is less than an hour.
fn hours(ms: i64) -> String {
    let minutes = ms as f64 / 60_000.0;
    if ms >= 3_600_000 {
        format!("{:.1} hours", minutes / 60.0)
    } else {
        format!("{minutes:.1} minutes")
    }
}

fn quotient(a: i64, b: i64) -> Option<f64> {
    (b > 0).then(|| a as f64 / b as f64)
}

fn per_cent(part: u64, whole: u64) -> Option<String> {
    (whole > 0).then(|| {
        let p = part as f64 * 100.0 / whole as f64;
        if p < 10.0 {
            format!("{p:.1} %")
        } else {
            format!("{p:.0} %")
        }
    })
}

/// `alarm 1, warning 2`: findings by severity, the gravest first; empty without findings.
#[must_use]
pub fn findings_by_severity(findings: &[Finding]) -> Vec<(Severity, usize)> {
    [Severity::Alarm, Severity::Warning, Severity::Note]
        .into_iter()
        .map(|s| (s, findings.iter().filter(|f| f.severity == s).count()))
        .filter(|(_, n)| *n > 0)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn what_acts_on_a_terminal_is_spelled_out_and_what_people_write_is_not() {
        for (text, shown) in [
            ("巡查 100 %, <b>", "巡查 100 %, <b>"),
            ("\u{1b}[2J", "\\u{1b}[2J"),
            (
                "a\u{202e}b\u{9b}31m\r\n",
                "a\\u{202e}b\\u{9b}31m\\u{d}\\u{a}",
            ),
        ] {
            assert_eq!(printable(text), shown);
        }
    }

    #[test]
    fn the_headline_says_what_came_what_became_of_it_and_what_to_look_at() {
        for (night, line) in [
            (fixture::empty(), "No files came in"),
            (
                fixture::clean(),
                "2 files, 2 recordings archived, none needs attention",
            ),
            (
                fixture::hostile(),
                "1,012 files, 1,003 known already, 4 recordings archived, 2 kept as they are, 1 to retry, 6 need attention",
            ),
        ] {
            assert_eq!(headline(&night), line);
        }
    }

    #[test]
    fn attention_is_gravest_first_leaves_notes_out_and_agrees_with_the_exit_code() {
        let night = fixture::hostile();
        let lines = attention(&night);
        assert!(lines.is_sorted_by_key(|a| std::cmp::Reverse(a.severity)));
        assert!(lines.iter().all(|a| a.severity > Severity::Note));
        for n in [fixture::empty(), fixture::clean(), night] {
            assert_eq!(n.needs_attention(), !attention(&n).is_empty(), "{}", n.date);
        }
    }

    #[test]
    fn nothing_is_divided_by_nothing() {
        for fact in facts(&fixture::empty()) {
            assert!(
                !fact.value.contains("NaN") && !fact.value.contains("inf"),
                "{fact:?}"
            );
        }
    }
}
