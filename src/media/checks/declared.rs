//! What was presented against what was declared, and a start against the calendar.

use super::Presented;
use crate::{
    base::{Moment, text::duration_human},
    recording::{Finding, FindingKind},
};

/// 2015-01-01T00:00:00Z: recorders in service are younger, and a clock that lost its battery
/// starts at 1970, 1980, 2000 or the firmware's date.
const CREDIBLE_FROM: Moment = Moment::from_s(1_420_070_400);
/// A start this far ahead of the present cannot be a time zone; a day covers every one of them.
const AHEAD_MS_MAX: i64 = 24 * 3_600 * 1_000;

/// Whether a recording falls short of what its container declares.
///
/// Tolerated are the larger of one frame and 0.5 % of frames (some recorders count the frame
/// that the battery's end cut off) and the larger of 250 ms and 1 % of duration (containers round,
/// and may declare the longer sound track). A length that is not declared says nothing.
#[must_use]
pub fn truncation(
    declared_ms: Option<i64>,
    presented_ms: i64,
    declared_frames: Option<u64>,
    frames: u64,
) -> Option<Finding> {
    let frames_short = declared_frames.filter(|declared| {
        let missing = declared.saturating_sub(frames);
        missing > 1 && missing > declared / 200
    });
    let short_ms = declared_ms.filter(|declared| is_short(*declared, presented_ms));
    let in_frames = frames_short.map(|declared| format!("{frames} of {declared} declared frames"));
    let in_time = short_ms.map(|declared| {
        format!(
            "{} of {} declared",
            duration_human(presented_ms),
            duration_human(declared)
        )
    });
    let text = match (in_time, in_frames) {
        (Some(time), Some(frames)) => format!("Only {time} can be presented, {frames}."),
        (Some(one), None) | (None, Some(one)) => format!("Only {one} can be presented."),
        (None, None) => return None,
    };
    Some(Finding::new(FindingKind::ContainerTruncated, text))
}

const fn is_short(declared_ms: i64, presented_ms: i64) -> bool {
    let missing = declared_ms.saturating_sub(presented_ms);
    missing > 250 && missing > declared_ms / 100
}

/// Whether the sound alone falls short of what the container declares of it, by the same tolerance.
/// GStreamer leaves out its end where an edit list begins within it (1.22: `qtdemux` holds an instant of
/// the track against one of the movie).
#[must_use]
pub fn sound_truncation(declared_ms: i64, presented_ms: i64) -> Option<Finding> {
    is_short(declared_ms, presented_ms).then(|| {
        let text = format!(
            "Only {} of {} of sound declared can be presented.",
            duration_human(presented_ms),
            duration_human(declared_ms)
        );
        Finding::new(FindingKind::ContainerTruncated, text)
    })
}

/// Whether nothing at all could be presented.
#[must_use]
pub fn duration_zero(presented: &Presented) -> Option<Finding> {
    let text = match (presented.frames, presented.presented_ms()) {
        (0, _) => "Not a single frame could be presented.".to_owned(),
        (1, 0) => "The recording is a single frame without a duration.".to_owned(),
        (n, 0) => format!("All {n} frames are presented at the same instant."),
        _ => return None,
    };
    Some(Finding::new(FindingKind::DurationZero, text))
}

/// Whether a recording's start cannot be right: before 2015, or more than a day in the future.
#[must_use]
pub fn clock_suspect(start: Moment, now: Moment) -> Option<Finding> {
    let text = if start < CREDIBLE_FROM {
        format!("The recorder's clock says {start}, which is before 2015.")
    } else if start.ms_since(now) > AHEAD_MS_MAX {
        format!("The recorder's clock says {start}, which is in the future.")
    } else {
        return None;
    };
    Some(Finding::new(FindingKind::ClockSuspect, text))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn sound_that_ends_early_is_told_like_a_recording_that_does() {
        assert!(sound_truncation(10_000, 9_750).is_none());
        assert!(sound_truncation(60_000, 59_400).is_none());
        let found = sound_truncation(1_480, 973).unwrap();
        assert_eq!(found.kind, FindingKind::ContainerTruncated);
        assert!(found.text.contains("of sound"), "{}", found.text);
    }

    #[test]
    fn truncation_begins_beyond_what_containers_round() {
        let text = |d, p, df, f| truncation(d, p, df, f).map(|found| found.text);
        for (declared_ms, ms, declared_frames, frames, truncated) in [
            (None, 0, None, 0, false),
            (Some(10_000), 10_000, Some(300), 300, false),
            (Some(10_000), 9_750, Some(300), 299, false),
            (Some(10_000), 9_749, None, 0, true),
            (Some(100_000), 99_001, None, 0, false),
            (Some(100_000), 98_999, None, 0, true),
            (None, 0, Some(300), 298, true), // 0.67 %
            (None, 0, Some(1_000), 995, false),
            (None, 0, Some(1_000), 994, true),
            (Some(10_000), 12_000, Some(300), 400, false),
            (Some(i64::MAX), i64::MIN, Some(u64::MAX), 0, true),
            (Some(i64::MIN), i64::MAX, Some(0), u64::MAX, false),
        ] {
            let found = truncation(declared_ms, ms, declared_frames, frames);
            assert_eq!(
                found.is_some(),
                truncated,
                "{declared_ms:?} {ms} {declared_frames:?} {frames}"
            );
        }
        assert_eq!(
            text(Some(10_000), 6_000, Some(300), 180).unwrap(),
            "Only 6.0 s of 10.0 s declared can be presented, 180 of 300 declared frames."
        );
        assert_eq!(
            text(Some(10_000), 10_000, Some(300), 180).unwrap(),
            "Only 180 of 300 declared frames can be presented."
        );
    }

    #[test]
    fn nothing_presented_is_said_in_one_of_three_ways() {
        let p = |frames, last_duration_ms| Presented {
            frames,
            last_duration_ms,
            ..Presented::default()
        };
        for (presented, expected) in [
            (p(0, 0), Some("Not a single frame could be presented.")),
            (
                p(1, 0),
                Some("The recording is a single frame without a duration."),
            ),
            (
                p(5, 0),
                Some("All 5 frames are presented at the same instant."),
            ),
            (p(1, 40), None),
        ] {
            assert_eq!(
                duration_zero(&presented).map(|f| f.text).as_deref(),
                expected
            );
        }
    }

    #[test]
    fn a_clock_is_suspect_before_2015_and_a_day_ahead() {
        let now = Moment::from_s(1_795_413_906);
        for (start, suspect) in [
            (Moment::from_s(0), true),
            (CREDIBLE_FROM.plus_ms(-1), true),
            (CREDIBLE_FROM, false),
            (now, false),
            (now.plus_ms(AHEAD_MS_MAX), false),
            (now.plus_ms(AHEAD_MS_MAX + 1), true),
            (Moment::from_ms(i64::MAX), true),
            (Moment::from_ms(i64::MIN), true),
        ] {
            assert_eq!(clock_suspect(start, now).is_some(), suspect, "{start}");
        }
    }
}
