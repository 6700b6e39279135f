//! The order and distance of presented frames: jumps, and what was presented in all.

use super::CheckSettings;
use crate::{
    base::{limits, text::duration_human},
    recording::{Finding, FindingKind, Span},
};

/// What was presented of one track.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Presented {
    /// Frames.
    pub frames: u64,
    /// When the first was presented, in milliseconds.
    pub first_ms: i64,
    /// When the last began.
    pub last_ms: i64,
    /// How long the last was shown: its own duration, or the usual distance where it has none.
    pub last_duration_ms: i64,
}

impl Presented {
    /// When the last frame ended.
    #[must_use]
    pub fn end_ms(&self) -> i64 {
        self.last_ms.saturating_add(self.last_duration_ms)
    }

    /// From the beginning of the first frame to the end of the last.
    #[must_use]
    pub fn presented_ms(&self) -> i64 {
        self.end_ms().saturating_sub(self.first_ms).max(0)
    }
}

/// One jump, or several of one direction close together.
#[derive(Clone, Copy, Debug)]
struct Jump {
    span: Span,
    forwards: bool,
    count: u64,
}

/// Watches the presentation times of frames, in the order in which the decoder gives them.
#[derive(Clone, Debug)]
pub struct TimeWatch {
    jump_ms_min: i64,
    jump_distances: i64,
    merge_ms: i64,
    presented: Presented,
    /// The usual distance, in sixteenths of a millisecond; follows slowly.
    usual_16: Option<i64>,
    /// The first distance, which only the next can judge.
    first_gap: Option<Span>,
    jumps: Vec<Jump>,
    more: u64,
}

impl TimeWatch {
    /// A watch over one track. `distance_ms` is the distance of frames as the container declares
    /// it, where it does.
    #[must_use]
    pub fn new(settings: &CheckSettings, distance_ms: Option<i64>) -> Self {
        Self {
            jump_ms_min: settings.jump_ms_min,
            jump_distances: settings.jump_distances,
            merge_ms: settings.merge_ms,
            presented: Presented::default(),
            usual_16: distance_ms.filter(|d| *d > 0).map(|d| d.saturating_mul(16)),
            first_gap: None,
            jumps: Vec::new(),
            more: 0,
        }
    }

    /// A frame is presented at `pts_ms`, for `duration_ms` where that is known.
    pub fn frame(&mut self, pts_ms: i64, duration_ms: Option<i64>) {
        let presented = &mut self.presented;
        if presented.frames == 0 {
            *presented = Presented {
                frames: 1,
                first_ms: pts_ms,
                last_ms: pts_ms,
                last_duration_ms: 0,
            };
        } else {
            let gap = Span {
                begin_ms: presented.last_ms,
                end_ms: pts_ms,
            };
            presented.frames = presented.frames.saturating_add(1);
            presented.last_ms = pts_ms;
            self.judge(gap);
        }
        let usual_ms = self.usual_16.map_or(0, |u| u / 16);
        self.presented.last_duration_ms = duration_ms.filter(|d| *d > 0).unwrap_or(usual_ms);
    }

    fn judge(&mut self, gap: Span) {
        let distance = gap.end_ms.saturating_sub(gap.begin_ms);
        if distance < 0 {
            self.jump(gap, false);
        } else if let Some(usual_16) = self.usual_16 {
            if let Some(first) = self.first_gap.take()
                && self.is_jump(first.len_ms(), distance.saturating_mul(16))
            {
                self.jump(first, true);
                self.usual_16 = Some(distance.saturating_mul(16));
            } else if self.is_jump(distance, usual_16) {
                self.jump(gap, true);
            } else {
                // An eighth of the way each time: a change of rate is followed, a hiccup is not.
                let off = distance.saturating_mul(16).saturating_sub(usual_16) / 8;
                self.usual_16 = Some(usual_16.saturating_add(off));
            }
        } else if distance > 0 {
            self.usual_16 = Some(distance.saturating_mul(16));
            self.first_gap = Some(gap);
        }
    }

    fn is_jump(&self, distance_ms: i64, usual_16: i64) -> bool {
        let usual_ms = usual_16 / 16;
        distance_ms
            > self
                .jump_ms_min
                .max(usual_ms.saturating_mul(self.jump_distances))
    }

    fn jump(&mut self, span: Span, forwards: bool) {
        if let Some(last) = self.jumps.last_mut()
            && last.forwards == forwards
            && span
                .begin_ms
                .saturating_sub(last.span.end_ms)
                .saturating_abs()
                <= self.merge_ms
        {
            last.span.end_ms = span.end_ms;
            last.count = last.count.saturating_add(1);
        } else if self.jumps.len() < limits::FINDINGS_MAX {
            self.jumps.push(Jump {
                span,
                forwards,
                count: 1,
            });
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    /// What was presented so far.
    #[must_use]
    pub fn presented(&self) -> Presented {
        self.presented
    }

    /// The findings and what was presented in all.
    #[must_use]
    pub fn finish(self) -> (Vec<Finding>, Presented) {
        let tell = |jump: &Jump| {
            let Span { begin_ms, end_ms } = jump.span;
            let length = duration_human(end_ms.saturating_sub(begin_ms).saturating_abs());
            let times = match jump.count {
                1 => String::new(),
                n => format!(", in {n} jumps"),
            };
            let text = if jump.forwards {
                format!("No picture for {length}: the timestamps jump forwards{times}.")
            } else {
                format!("The timestamps go back by {length}{times}.")
            };
            let at = Span {
                begin_ms: begin_ms.min(end_ms),
                end_ms: begin_ms.max(end_ms),
            };
            Finding::new(FindingKind::TimeJump, text).at(at)
        };
        let mut findings: Vec<Finding> = self.jumps.iter().map(tell).collect();
        if self.more > 0 {
            let text = format!("{} more jumps of the timestamps.", self.more);
            findings.push(Finding::new(FindingKind::TooMany, text));
        }
        (findings, self.presented)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn watch(times: &[i64], distance_ms: Option<i64>) -> (Vec<(i64, i64, String)>, Presented) {
        let mut watch = TimeWatch::new(&CheckSettings::default(), distance_ms);
        for t in times {
            watch.frame(*t, None);
        }
        let (findings, presented) = watch.finish();
        let told = |f: Finding| {
            (
                f.at.map_or(0, |s| s.begin_ms),
                f.at.map_or(0, |s| s.end_ms),
                f.text,
            )
        };
        (findings.into_iter().map(told).collect(), presented)
    }

    #[test]
    fn jumps_are_found_and_time_lapse_is_none() {
        let steady: Vec<i64> = (0..100).map(|i| i * 40).collect();
        let with = |at: usize, by: i64| -> Vec<i64> {
            steady
                .iter()
                .enumerate()
                .map(|(i, t)| if i >= at { t + by } else { *t })
                .collect()
        };
        let lapse: Vec<i64> = (0..20).map(|i| i * 5_000).collect();
        let forwards = |s: &str| format!("No picture for {s}: the timestamps jump forwards.");
        for (name, times, expected) in [
            ("steady", steady.clone(), None),
            ("hiccup", with(50, 900), None),
            (
                "cut",
                with(50, 2_000),
                Some((1_960, 4_000, forwards("2.0 s"))),
            ),
            (
                "cut after the first",
                with(1, 2_000),
                Some((0, 2_040, forwards("2.0 s"))),
            ),
            (
                "cut before the last",
                with(99, 2_000),
                Some((3_920, 5_960, forwards("2.0 s"))),
            ),
            (
                "back",
                with(50, -500),
                Some((1_500, 1_960, "The timestamps go back by 0.5 s.".into())),
            ),
            ("time lapse", lapse, None),
            ("one", vec![7], None),
            ("none", vec![], None),
        ] {
            let (found, presented) = watch(&times, None);
            assert_eq!(found, Vec::from_iter(expected), "{name}");
            assert_eq!(presented.frames, times.len() as u64);
        }
        let (found, _) = watch(&[0, 5_000, 5_040], Some(40));
        assert_eq!(
            found.len(),
            1,
            "a declared rate judges the first distance at once"
        );
    }

    #[test]
    fn several_jumps_close_together_are_one() {
        let times = [0, 40, 80, 120, 60, 20, 60, 100, 140];
        let (found, _) = watch(&times, None);
        assert_eq!(
            found,
            [(
                20,
                120,
                "The timestamps go back by 0.1 s, in 2 jumps.".to_owned()
            )]
        );
    }

    #[test]
    fn what_was_presented_includes_the_last_frame() {
        let (_, presented) = watch(&[1_000, 1_040, 1_080], None);
        let expected = Presented {
            frames: 3,
            first_ms: 1_000,
            last_ms: 1_080,
            last_duration_ms: 40,
        };
        assert_eq!((presented, presented.presented_ms()), (expected, 120));
        let mut one = TimeWatch::new(&CheckSettings::default(), None);
        one.frame(5, Some(500));
        assert_eq!(
            (one.presented().presented_ms(), one.presented().end_ms()),
            (500, 505)
        );
    }

    proptest! {
        /// Any times: an answer of bounded length, never a panic.
        #[test]
        fn any_times_get_an_answer(times in proptest::collection::vec(any::<(i64, Option<i64>)>(), 0..50), distance: Option<i64>) {
            let mut watch = TimeWatch::new(&CheckSettings::default(), distance);
            for (pts, duration) in times {
                watch.frame(pts, duration);
            }
            let (_, presented) = watch.finish();
            prop_assert!(presented.presented_ms() >= 0);
        }
    }
}
