//! `show`: everything that is known of one recording, but no picture and no sound of it.

use jiff::tz::TimeZone;

use super::{Style, bare, cell, flush_left, keep_whole, text, word};
use crate::{
    base::{
        Moment,
        text::{bytes_human, duration_human, name_human},
    },
    recording::{
        Attribution, MediaInfo, Record, Rendition, Severity, Timeline, Track, TrackKind, Value,
    },
    report::wording::grouped,
    retention::Verdict,
};

/// Characters of a drawn strip of light or sound.
const STRIP_WIDTH: usize = 48;

/// The recording as text in sections, times in `zone`. Each attributed value says where it came
/// from, each finding where it is.
#[must_use]
pub fn show(record: &Record, verdict: Option<&Verdict>, zone: &TimeZone, style: Style) -> String {
    let mut sections = vec![
        identity(record, zone, style),
        attribution(&record.attribution, zone, style),
    ];
    sections.extend(verdict.map(|v| keeping(v, zone, style)));
    if let Some(media) = &record.media {
        sections.push(media_section(media, record.timeline.as_ref(), zone, style));
    }
    sections.push(findings(record, style));
    sections.push(renditions(&record.renditions, zone, style));
    sections.push(sightings(record, zone, style));
    sections.join("\n")
}

/// A heading and lines of label and value; a missing value is not a line.
fn section(style: Style, title: &str, lines: Vec<(String, String)>) -> String {
    let mut heading = bare(style);
    heading.add_row([word(style, title, None, true)]);
    flush_left(&mut heading);
    let mut out = bare(style);
    for (label, value) in &lines {
        out.add_row([cell(&format!("  {label}")), cell(value)]);
    }
    flush_left(&mut out);
    keep_whole(&mut out, &[0]);
    text(&heading)
        + &if lines.is_empty() {
            String::new()
        } else {
            text(&out)
        }
}

fn line(label: &str, value: impl Into<String>) -> (String, String) {
    (label.to_owned(), value.into())
}

fn identity(r: &Record, zone: &TimeZone, style: Style) -> String {
    let mut lines = vec![
        line("name", name_human(r.name())),
        line("kind", r.kind.word()),
        line(
            "state",
            format!("{}, since {}", r.state.word(), r.changed_at.in_zone(zone)),
        ),
        line("vaulted", r.admitted_at.in_zone(zone)),
        line("size", exact_bytes(r.bytes)),
        line("SHA-256", r.digest.to_string()),
        line("chunk root", r.chunk_root.to_string()),
        line("events", grouped(r.events)),
    ];
    if r.attempts > 0 {
        lines.push(line(
            "attempts",
            format!("{} without an answer from a worker", r.attempts),
        ));
    }
    section(style, &format!("Recording {}", r.id), lines)
}

/// Until when it is kept and why, or since when it is due.
fn keeping(verdict: &Verdict, zone: &TimeZone, style: Style) -> String {
    let first = match verdict {
        Verdict::Keep { until, .. } => line(
            "kept",
            match until {
                Some(until) => format!("at least until {}", until.in_zone(zone)),
                None => "without an expiry".to_owned(),
            },
        ),
        Verdict::Due { since, .. } => line("due", format!("since {}", since.in_zone(zone))),
    };
    let reasons = verdict.reasons().iter();
    let reasons = reasons.map(|reason| line("because", reason.short(zone)));
    let lines = std::iter::once(first).chain(reasons).collect();
    section(style, "How long it is kept", lines)
}

fn exact_bytes(n: u64) -> String {
    if n < 1_000 {
        bytes_human(n)
    } else {
        format!("{} ({} bytes)", bytes_human(n), grouped(n))
    }
}

fn attribution(a: &Attribution, zone: &TimeZone, style: Style) -> String {
    fn said<T>(v: &Option<Value<T>>, show: impl Fn(&T) -> String) -> Option<String> {
        v.as_ref()
            .map(|v| format!("{}  (from {})", show(&v.value), v.source.words()))
    }
    let when = |m: &Moment| m.in_zone(zone);
    let unknown = || Some("unknown".to_owned());
    let lines = [
        ("recorder", said(&a.device, String::clone).or_else(unknown)),
        ("officer", said(&a.officer, String::clone).or_else(unknown)),
        ("began", said(&a.started_at, when).or_else(unknown)),
        ("ended", said(&a.ended_at, when)),
        ("file number", said(&a.sequence, u64::to_string)),
        ("mark", said(&a.mark, String::clone)),
        ("case code", said(&a.case_code, String::clone)),
        ("remark", said(&a.remark, String::clone)),
    ];
    section(
        style,
        "Whose it is",
        lines
            .into_iter()
            .filter_map(|(l, v)| v.map(|v| line(l, v)))
            .collect(),
    )
}

fn media_section(
    m: &MediaInfo,
    timeline: Option<&Timeline>,
    zone: &TimeZone,
    style: Style,
) -> String {
    let mut length = duration_human(m.presented_ms);
    if m.frames > 0 {
        length.push_str(&format!(" in {} frames", grouped(m.frames)));
    }
    if let Some(declared) = m.declared_ms {
        length.push_str(&format!(
            "; the container declares {}",
            duration_human(declared)
        ));
    }
    let mut lines = vec![line("container", &*m.container)];
    for (i, t) in m.tracks.iter().enumerate() {
        lines.push(line(&format!("track {}", i + 1), track(t)));
    }
    lines.push(line("presented", length));
    lines.extend(m.salvage.as_ref().map(|s| line("cut off", s.words())));
    if let Some(s) = m.created_s {
        lines.push(line(
            "created",
            format!("{} by the container", Moment::from_s(s).in_zone(zone)),
        ));
    }
    if let Some(hint) = &m.device_hint {
        lines.push(line("made by", format!("{hint} by the container's tags")));
    }
    if let Some(t) = timeline {
        let width = usize::from(style.columns())
            .saturating_sub(16)
            .min(STRIP_WIDTH);
        for (label, values) in [("light", &t.luma), ("sound", &t.level)] {
            if !values.is_empty() {
                lines.push(line(label, strip(values, width)));
            }
        }
    }
    section(style, "What is in it", lines)
}

fn track(t: &Track) -> String {
    let mut out = format!(
        "{} {}",
        match t.kind {
            TrackKind::Video => "video",
            TrackKind::Audio => "sound",
            TrackKind::Other => "other",
        },
        t.codec
    );
    if let (Some(w), Some(h)) = (t.width, t.height) {
        out.push_str(&format!(", {w}×{h}"));
    }
    match t.fps {
        Some((0, _) | (_, 0)) => out.push_str(", variable frame rate"),
        Some((n, 1)) => out.push_str(&format!(", {n} frames/s")),
        Some((n, d)) => out.push_str(&format!(", {:.2} frames/s", f64::from(n) / f64::from(d))),
        None => {}
    }
    if let Some(hz) = t.rate_hz {
        out.push_str(&format!(", {hz} Hz"));
    }
    match t.channels {
        Some(1) => out.push_str(", 1 channel"),
        Some(n) => out.push_str(&format!(", {n} channels")),
        None => {}
    }
    if let Some(n) = t.declared_frames {
        out.push_str(&format!(", {} frames declared", grouped(n)));
    }
    out
}

/// Levels as a row of blocks, each the mean of its stretch.
fn strip(values: &[u8], width: usize) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let width = width.clamp(1, values.len().max(1));
    (0..width)
        .map(|i| {
            let part = values
                .get(i * values.len() / width..(i + 1) * values.len() / width)
                .unwrap_or(&[]);
            let sum: usize = part.iter().map(|v| usize::from(*v)).sum();
            let mean = sum / part.len().max(1);
            BLOCKS.get(mean / 32).copied().unwrap_or('█')
        })
        .collect()
}

fn findings(r: &Record, style: Style) -> String {
    if r.findings.is_empty() && r.findings_uncounted == 0 {
        return section(style, "Findings: none", Vec::new());
    }
    let mut heading = bare(style);
    heading.add_row([word(style, "Findings", None, true)]);
    flush_left(&mut heading);
    let mut out = bare(style);
    for f in &r.findings {
        let place = f.place();
        let what = if place.is_empty() {
            f.text.clone()
        } else {
            format!("{place}  {}", f.text)
        };
        out.add_row([
            word(
                style,
                &format!("  {}", f.severity.word()),
                Some(f.severity),
                f.severity == Severity::Alarm,
            ),
            cell(f.kind.code()),
            cell(&what),
        ]);
    }
    flush_left(&mut out);
    keep_whole(&mut out, if style.columns() >= 60 { &[0, 1] } else { &[0] });
    let mut page = text(&heading) + &text(&out);
    if r.findings_uncounted > 0 {
        page.push_str(&format!(
            "  and {} more, counted but not kept\n",
            grouped(r.findings_uncounted)
        ));
    }
    page
}

fn renditions(list: &[Rendition], zone: &TimeZone, style: Style) -> String {
    if list.is_empty() {
        return section(style, "Renditions: none", Vec::new());
    }
    let mut lines = Vec::new();
    for r in list {
        lines.push(line(
            &format!("part {}", r.part.saturating_add(1)),
            format!(
                "{}{} .{}, {}×{}, {} in {} frames, {}",
                if r.superseded { "superseded: " } else { "" },
                r.profile,
                r.extension,
                r.width,
                r.height,
                duration_human(r.duration_ms),
                grouped(r.frames),
                exact_bytes(r.bytes)
            ),
        ));
        lines.push(line("SHA-256", r.digest.to_string()));
        lines.push(line("profile", r.profile_digest.to_string()));
        lines.push(line(
            "made",
            format!(
                "{}, {} of CPU, with {}",
                r.made_at.in_zone(zone),
                duration_human(i64::try_from(r.cpu_ms).unwrap_or(i64::MAX)),
                if r.made_with.is_empty() {
                    "unnamed tools".into()
                } else {
                    r.made_with.join(", ")
                }
            ),
        ));
    }
    section(style, "Renditions", lines)
}

fn sightings(r: &Record, zone: &TimeZone, style: Style) -> String {
    let lines = r
        .sightings
        .iter()
        .enumerate()
        .map(|(i, s)| {
            line(
                &format!("{}.", i + 1),
                format!(
                    "{}  {}  (modified {})",
                    s.at.in_zone(zone),
                    name_human(&s.name),
                    s.modified_at.in_zone(zone)
                ),
            )
        })
        .collect();
    section(style, "Seen in the inbox", lines)
}
