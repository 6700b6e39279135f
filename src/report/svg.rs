//! The time line of one recording as inline SVG: light above the axis, sound mirrored below it,
//! findings as marked spans across both.
//!
//! Drawn from mean luma and sound level only. Positions are per cent of the width and heights are
//! pixels, so the same drawing is legible on a desk, a phone and paper; text is never stretched. A
//! span is told by number, words and hatching and not by its colour alone.

use maud::{Markup, html};

use super::wording::finding_words;
use crate::recording::{Finding, Severity, Span, Timeline};

/// Points drawn for a strip: more than most screens tell apart and a third of what is stored, so
/// that hundreds of drawings stay a small page.
const POINTS_DRAWN_MAX: usize = 240;

/// Rows of labels above the strip; what does not fit is drawn unlabelled and listed below.
const LANES_MAX: usize = 5;

/// Spans drawn in one time line. A recording with more has them in the list and the JSON.
const SPANS_DRAWN_MAX: usize = 40;

/// Heights in pixels: a lane of labels, the light above the axis, the sound below it, the scale.
const LANE_PX: usize = 18;
const LIGHT_PX: usize = 46;
const SOUND_PX: usize = 30;
const SCALE_PX: usize = 18;

/// Hundredths of a per cent: the unit of all positions.
const WHOLE: i64 = 10_000;

/// The patterns that the drawings of a page share; stands once, before the first.
pub(super) fn patterns() -> Markup {
    html! {
        svg .defs width="0" height="0" aria-hidden="true" focusable="false" {
            defs {
                pattern id="alarm" width="6" height="6" patternUnits="userSpaceOnUse" {
                    path .p-alarm d="M0 0L6 6M6 0L0 6" {}
                }
                pattern id="warning" width="6" height="6" patternUnits="userSpaceOnUse" {
                    path .p-warning d="M-1 7L7 -1M-1 1L1 -1M5 7L7 5" {}
                }
                pattern id="note" width="5" height="5" patternUnits="userSpaceOnUse" {
                    path .p-note d="M1 1h1v1h-1z" {}
                }
            }
        }
    }
}

/// The drawing. `findings` are numbered from 1 in the order given, as the list below it numbers
/// them; those without a place are not drawn.
pub(super) fn time_line(timeline: &Timeline, duration_ms: i64, findings: &[Finding]) -> Markup {
    let points = timeline.luma.len().max(timeline.level.len());
    let covered = i64::try_from(points)
        .unwrap_or(i64::MAX)
        .saturating_mul(i64::from(timeline.step_ms));
    // The last step is rarely a whole one, so the recording's own length is the better measure
    // unless it is plainly wrong.
    let total = duration_ms
        .max(covered.saturating_sub(timeline.step_ms.into()))
        .max(1);
    let spans = placed(findings, total);
    let lanes = spans
        .iter()
        .filter_map(|s| s.lane)
        .max()
        .map_or(0, |l| l + 1);
    let top = lanes * LANE_PX;
    let axis = top + LIGHT_PX;
    let bottom = axis + SOUND_PX;
    let drawn = per_cent((covered.max(1)).min(total.saturating_mul(2)), total);
    html! {
        svg .line width="100%" height=(bottom + SCALE_PX) role="img" aria-label=(label(timeline, total, &spans)) {
            rect .ground y=(top) width="100%" height=(LIGHT_PX + SOUND_PX) {}
            @if !timeline.luma.is_empty() {
                (area("light", &thin(&timeline.luma, mean), &drawn, top, LIGHT_PX, false))
            }
            @if !timeline.level.is_empty() {
                (area("sound", &thin(&timeline.level, loudest), &drawn, axis, SOUND_PX, true))
            }
            line .axis x1="0" x2="100%" y1=(axis) y2=(axis) {}
            @for s in &spans { (span(s, top, LIGHT_PX + SOUND_PX)) }
            @if timeline.luma.is_empty() { text .hush x="6" y=(axis - 8) { "no picture 无画面" } }
            @if timeline.level.is_empty() { text .hush x="6" y=(bottom - 9) { "no sound 无声音" } }
            @for (at, text) in ticks(total) {
                line .axis x1=(per_cent(at, total)) x2=(per_cent(at, total)) y1=(bottom) y2=(bottom + 4) {}
                text .tick x=(per_cent(at, total)) y=(bottom + 15)
                    text-anchor=(if at == 0 { "start" } else if at == total { "end" } else { "middle" }) { (text) }
            }
        }
    }
}

/// A strip as a filled area; a nested picture of its own so that only it is stretched.
fn area(class: &str, values: &[u8], width: &str, y: usize, height: usize, hanging: bool) -> Markup {
    // Sixty-four heights are as many as the strip has pixels, and half the digits of 256.
    let mut d = if hanging {
        String::from("M0 0")
    } else {
        String::from("M0 64")
    };
    let mut last: i32 = 0;
    for v in values {
        let v = i32::from(*v) / 4;
        let up = v - last;
        last = v;
        match (up, hanging) {
            (0, _) => d.push_str("h1"),
            (_, true) => d.push_str(&format!("v{up}h1")),
            (_, false) => d.push_str(&format!("v{}h1", -up)),
        }
    }
    d.push_str(if hanging { "V0z" } else { "V64z" });
    let view = format!("0 0 {} 64", values.len().max(1));
    html! {
        svg y=(y) width=(width) height=(height) viewBox=(view) preserveAspectRatio="none" {
            path class=(class) d=(d) {}
        }
    }
}

/// A finding with its place in the drawing.
struct Placed<'a> {
    number: usize,
    finding: &'a Finding,
    span: Span,
    /// Left edge and right edge in hundredths of a per cent.
    from: i64,
    to: i64,
    /// Row of its label, if one was free.
    lane: Option<usize>,
    /// The label is set leftwards from the right edge of the drawing.
    flush_right: bool,
}

/// Gives every finding with a place its span, and its label the first row where it covers no other.
fn placed(findings: &[Finding], total: i64) -> Vec<Placed<'_>> {
    let mut out: Vec<Placed<'_>> = findings
        .iter()
        .enumerate()
        .filter_map(|(i, finding)| {
            let at = finding.at?;
            let begin = at.begin_ms.clamp(0, total);
            let end = at.end_ms.clamp(begin, total);
            Some(Placed {
                number: i + 1,
                finding,
                span: at,
                from: share(begin, total),
                to: share(end, total),
                lane: None,
                flush_right: false,
            })
        })
        .take(SPANS_DRAWN_MAX)
        .collect();
    let mut by_place: Vec<usize> = (0..out.len()).collect();
    by_place.sort_by_key(|i| (out[*i].from, out[*i].number));
    let mut taken: [Vec<(i64, i64)>; LANES_MAX] = Default::default();
    for i in by_place {
        let s = &mut out[i];
        // A character takes about 0.75 % of a page's width; numbers alone, as on a phone, less.
        let words = finding_words(s.finding.kind).chars().count() as i64 + 4;
        let width = (words * 75).min(WHOLE);
        s.flush_right = s.from + width > WHOLE;
        let (from, to) = if s.flush_right {
            (s.from.min(WHOLE - width), WHOLE)
        } else {
            (s.from, s.to.max(s.from + width))
        };
        for (lane, used) in taken.iter_mut().enumerate() {
            if used.iter().all(|(a, b)| to < *a || from > *b) {
                used.push((from, to));
                s.lane = Some(lane);
                break;
            }
        }
    }
    out
}

fn span(s: &Placed<'_>, top: usize, height: usize) -> Markup {
    let class = s.finding.severity.word();
    let (x, width) = (hundredths(s.from), hundredths(s.to - s.from));
    html! {
        g class=(class) {
            title { (s.number) ". " (finding_words(s.finding.kind)) " " (s.finding.place()) }
            @if s.span.len_ms() == 0 || s.to == s.from {
                line .point x1=(x) x2=(x) y1=(s.lane.map_or(top, |l| l * LANE_PX)) y2=(top + height) {}
            } @else {
                rect .tint x=(x) y=(top) width=(width) height=(height) {}
                rect x=(x) y=(top) width=(width) height=(height) fill=(format!("url(#{class})")) {}
            }
            @if let Some(lane) = s.lane {
                @let y = lane * LANE_PX;
                @if s.to > s.from { rect .bar x=(x) y=(y + 1) width=(width) height=(LANE_PX - 4) {} }
                text .label x=(if s.flush_right { "100%".into() } else { x.clone() })
                    y=(y + 12) dx=(if s.flush_right { "-4" } else { "4" })
                    text-anchor=(if s.flush_right { "end" } else { "start" }) {
                    (s.number) tspan .words { " " (finding_words(s.finding.kind)) }
                }
            }
        }
    }
}

/// What the drawing shows, for those who do not see it.
fn label(timeline: &Timeline, total: i64, spans: &[Placed<'_>]) -> String {
    let mut out = format!("Time line of {}", clock(total));
    out.push_str(
        match (timeline.luma.is_empty(), timeline.level.is_empty()) {
            (false, false) => ": light and sound level",
            (false, true) => ": light, no sound",
            (true, false) => ": sound level, no picture",
            (true, true) => ": nothing measured",
        },
    );
    for s in spans {
        out.push_str(&format!(
            "; {} {} at {}",
            s.finding.severity.word(),
            finding_words(s.finding.kind),
            s.finding.place()
        ));
    }
    out
}

/// At most [`POINTS_DRAWN_MAX`] values, each made of its neighbours.
fn thin(values: &[u8], of: fn(&[u8]) -> u8) -> Vec<u8> {
    if values.len() <= POINTS_DRAWN_MAX {
        return values.to_vec();
    }
    (0..POINTS_DRAWN_MAX)
        .map(|i| {
            let from = i * values.len() / POINTS_DRAWN_MAX;
            let to = (i + 1) * values.len() / POINTS_DRAWN_MAX;
            of(values.get(from..to.max(from + 1)).unwrap_or(&[]))
        })
        .collect()
}

fn mean(values: &[u8]) -> u8 {
    let sum: usize = values.iter().map(|v| usize::from(*v)).sum();
    u8::try_from(sum / values.len().max(1)).unwrap_or(u8::MAX)
}

fn loudest(values: &[u8]) -> u8 {
    values.iter().copied().max().unwrap_or(0)
}

fn share(ms: i64, total: i64) -> i64 {
    i64::try_from(i128::from(ms) * i128::from(WHOLE) / i128::from(total.max(1))).unwrap_or(WHOLE)
}

fn per_cent(ms: i64, total: i64) -> String {
    hundredths(share(ms, total))
}

fn hundredths(n: i64) -> String {
    if n % 100 == 0 {
        format!("{}%", n / 100)
    } else {
        format!("{}.{:02}%", n / 100, n % 100)
    }
}

/// At most six marks on round times, the beginning and the end among them.
fn ticks(total: i64) -> Vec<(i64, String)> {
    const STEPS_S: [i64; 19] = [
        1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200,
        86_400, 604_800,
    ];
    let step = STEPS_S
        .iter()
        .map(|s| s * 1_000)
        .find(|s| total / s <= 4)
        .unwrap_or(total);
    let mut out = Vec::new();
    let mut at = 0;
    // The end has a mark of its own, so a round one right before it would be written over it.
    while at < total && (at == 0 || share(total - at, total) > 1_100) {
        out.push((at, clock(at)));
        at = at.saturating_add(step);
    }
    out.push((total, clock(total)));
    out
}

/// `0:12`, `3:20`, `1:02:05`: a scale needs no tenths.
fn clock(ms: i64) -> String {
    let s = ms.saturating_add(500) / 1_000;
    let (h, m, s) = (s / 3_600, s / 60 % 60, s % 60);
    if h > 0 {
        format!("{h}:{m:02}:{s:02}")
    } else {
        format!("{m}:{s:02}")
    }
}

/// A sample of a severity's mark, for the legend.
pub(super) fn sample(severity: Severity) -> Markup {
    let class = severity.word();
    html! {
        svg .sample width="26" height="14" aria-hidden="true" focusable="false" {
            g class=(class) {
                rect .bar x=".5" y=".5" width="25" height="13" {}
                rect x="1" y="1" width="24" height="12" fill=(format!("url(#{class})")) {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{recording::FindingKind, report::fixture};

    fn at(begin_ms: i64, end_ms: i64) -> Finding {
        Finding::new(FindingKind::VideoBlack, "x").at(Span { begin_ms, end_ms })
    }

    #[test]
    fn labels_never_cover_one_another_and_stay_inside() {
        let findings: Vec<Finding> = (0..40).map(|i| at(i * 2_000, i * 2_000 + 9_000)).collect();
        let spans = placed(&findings, 100_000);
        for lane in 0..LANES_MAX {
            let mut row: Vec<_> = spans.iter().filter(|s| s.lane == Some(lane)).collect();
            row.sort_by_key(|s| s.from);
            assert!(!row.is_empty(), "lane {lane} is used");
            for pair in row.windows(2) {
                assert!(pair[0].to < pair[1].from, "lane {lane}");
            }
        }
        assert!(
            spans.iter().any(|s| s.lane.is_none()),
            "more than fits is drawn unlabelled"
        );
    }

    #[test]
    fn places_outside_the_recording_are_drawn_at_its_ends() {
        for (begin, end, from, to) in [
            (-5_000, 5_000, 0, 500),
            (i64::MIN, i64::MAX, 0, WHOLE),
            (95_000, 250_000, 9_500, WHOLE),
            (300_000, 100, WHOLE, WHOLE),
        ] {
            let findings = [at(begin, end)];
            let spans = placed(&findings, 100_000);
            assert_eq!((spans[0].from, spans[0].to), (from, to), "{begin}..{end}");
        }
    }

    #[test]
    fn a_time_line_of_anything_is_drawn_without_a_panic() {
        let odd = [
            Timeline::default(),
            Timeline {
                step_ms: u32::MAX,
                luma: vec![255; 480],
                level: vec![],
            },
            Timeline {
                step_ms: 0,
                luma: vec![],
                level: vec![0, 255],
            },
            fixture::timeline(480, 400, 10..20, 30..40),
        ];
        for t in &odd {
            for duration in [i64::MIN, -1, 0, 1, 192_000, i64::MAX] {
                let page =
                    time_line(t, duration, &[at(0, 10), at(i64::MIN, i64::MAX)]).into_string();
                assert!(page.starts_with("<svg"), "{duration}");
            }
        }
    }

    #[test]
    fn the_scale_has_round_marks_that_leave_room_for_the_end() {
        for (total, marks) in [
            (1, vec!["0:00", "0:00"]),
            (12_000, vec!["0:00", "0:05", "0:10", "0:12"]),
            (192_000, vec!["0:00", "1:00", "2:00", "3:12"]),
            (
                3_725_000,
                vec!["0:00", "15:00", "30:00", "45:00", "1:02:05"],
            ),
        ] {
            let texts: Vec<_> = ticks(total).into_iter().map(|t| t.1).collect();
            assert_eq!(texts, marks, "{total} ms");
        }
    }
}
