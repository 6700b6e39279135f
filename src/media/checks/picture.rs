//! Black and frozen stretches of the picture, from a sample of its luma: every eighth row, or more
//! where the picture is small. Whole rows, because a processor adds sixteen neighbours at a time;
//! for a mean over the picture they are as good as all of it.

use super::{
    CheckSettings, Stretches,
    stretch::{covered_ms, tell},
};
use crate::{
    media::band::Plane,
    recording::{Finding, FindingKind, Span},
};

/// Every how many rows luma is looked at, at most.
const ROW_STEP_MAX: usize = 8;
/// Pixels that are enough; a picture of fewer is looked at whole.
const ENOUGH_PIXELS: usize = 40_000;
/// Samples whose sum, or sum of differences, still fits 16 bits: 256 × 255.
const RUN: usize = 256;
/// Of ten parts of a frozen stretch, as many must be black for it to be called black only.
const BLACK_TENTHS: i64 = 9;

/// Watches pictures for black and frozen stretches. Fed in the order of presentation.
#[derive(Clone, Debug)]
pub struct PictureWatch {
    /// Luma up to this is dark.
    dark_max: u8,
    /// Black at most at this mean luma.
    mean_max: f64,
    bright_permille: u32,
    difference_milli: u32,
    full_range: bool,
    /// The sample of the picture just seen.
    sample: Vec<u8>,
    /// The sample of the picture that a frozen stretch began with.
    still: Vec<u8>,
    still_from_ms: i64,
    black: Stretches,
    frozen: Stretches,
    begin_ms: Option<i64>,
}

impl PictureWatch {
    /// A watch over pictures with luma of the given range.
    #[must_use]
    pub fn new(settings: &CheckSettings, full_range: bool) -> Self {
        let (black, span) = if full_range {
            (0.0, 255.0)
        } else {
            (16.0, 219.0)
        };
        let level = |permille: u32| black + span * f64::from(permille.min(1_000)) / 1_000.0;
        Self {
            dark_max: level(settings.black_pixel_permille) as u8,
            mean_max: level(settings.black_mean_permille),
            bright_permille: settings.black_bright_permille,
            difference_milli: settings.frozen_difference_milli,
            full_range,
            sample: Vec::new(),
            still: Vec::new(),
            still_from_ms: 0,
            black: Stretches::new(settings.black_ms_min, settings.merge_ms),
            frozen: Stretches::new(settings.frozen_ms_min, settings.merge_ms),
            begin_ms: None,
        }
    }

    /// Looks at the picture presented over `span` and gives its mean light, 0 (black) to 255
    /// (white), whatever the luma range. Give the picture itself, without band and padding.
    pub fn frame(&mut self, span: Span, luma: &Plane<'_>) -> u8 {
        self.begin_ms.get_or_insert(span.begin_ms);
        self.take_sample(luma);

        let n = self.sample.len().max(1) as u64;
        let (sum, bright) = light(&self.sample, self.dark_max);
        let mean = sum as f64 / n as f64;
        let few_bright = bright * 1_000 <= n * u64::from(self.bright_permille);
        self.black.push(few_bright && mean <= self.mean_max, span);

        // Compared with the first picture of the stretch, not with the one before: a slow change
        // is a change.
        let same_size = self.still.len() == self.sample.len();
        let still = same_size
            && difference(&self.still, &self.sample) * 1_000
                <= n * u64::from(self.difference_milli);
        if still {
            // The stretch begins with the picture that the others repeat.
            let begin_ms = self.still_from_ms.min(span.begin_ms);
            self.frozen.push(true, Span { begin_ms, ..span });
        } else {
            self.frozen.push(false, span);
            std::mem::swap(&mut self.still, &mut self.sample);
            self.still_from_ms = span.begin_ms;
        }

        if self.full_range {
            mean.round() as u8
        } else {
            ((mean - 16.0) * 255.0 / 219.0).round() as u8
        }
    }

    fn take_sample(&mut self, luma: &Plane<'_>) {
        let pixels = luma.width().saturating_mul(luma.height());
        let step = (pixels / ENOUGH_PIXELS).clamp(1, ROW_STEP_MAX);
        self.sample.clear();
        // From the middle of the first step, so that an edge line does not stand for all of it.
        for y in (step / 2..luma.height()).step_by(step) {
            self.sample.extend_from_slice(luma.row(y));
        }
    }

    /// The findings, with stretches that last to the end closed at `end_ms`.
    #[must_use]
    pub fn finish(self, end_ms: i64) -> Vec<Finding> {
        let whole = Span {
            begin_ms: self.begin_ms.unwrap_or(end_ms),
            end_ms,
        };
        let (black, black_more) = self.black.finish(end_ms);
        let (mut frozen, frozen_more) = self.frozen.finish(end_ms);
        // A black picture does not change either; saying so twice helps nobody.
        frozen.retain(|s| {
            let black_ms = covered_ms(s.span, &black);
            black_ms.saturating_mul(10) < s.span.len_ms().saturating_mul(BLACK_TENTHS)
        });
        let mut findings = tell(
            FindingKind::VideoBlack,
            "The picture is black",
            &black,
            black_more,
            whole,
        );
        findings.extend(tell(
            FindingKind::VideoFrozen,
            "The picture does not change",
            &frozen,
            frozen_more,
            whole,
        ));
        findings
    }
}

/// Sum of all samples, and how many are brighter than `dark_max`.
fn light(samples: &[u8], dark_max: u8) -> (u64, u64) {
    let (mut sum, mut bright) = (0, 0);
    // In runs that fit 16 bits, so that the compiler adds many samples at a time.
    for run in samples.chunks(RUN) {
        let (s, b) = run.iter().fold((0u16, 0u16), |(s, b), p| {
            (
                s.wrapping_add(u16::from(*p)),
                b.wrapping_add(u16::from(*p > dark_max)),
            )
        });
        sum += u64::from(s);
        bright += u64::from(b);
    }
    (sum, bright)
}

/// Sum of absolute differences; equal lengths.
fn difference(a: &[u8], b: &[u8]) -> u64 {
    let run = |(a, b): (&[u8], &[u8])| {
        let sum = a
            .iter()
            .zip(b)
            .fold(0u16, |s, (a, b)| s.wrapping_add(u16::from(a.abs_diff(*b))));
        u64::from(sum)
    };
    a.chunks(RUN).zip(b.chunks(RUN)).map(run).sum()
}

/// Mean luma of a plane, looked at sparsely, in its own range.
#[must_use]
pub fn mean_luma(luma: &Plane<'_>) -> u8 {
    let mut watch = PictureWatch::new(&CheckSettings::default(), true);
    watch.frame(Span::at(0), luma)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::print_stderr)]
    use proptest::prelude::*;

    use super::*;

    const W: usize = 320;
    const H: usize = 240;

    /// A picture of one level, with sensor noise of ± `noise` that `frame` makes different.
    fn picture(level: u8, noise: i32, frame: usize) -> Vec<u8> {
        let mut state = frame as u64 * 7_919 + 1;
        (0..W * H)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                let n = if noise > 0 {
                    (state >> 33) as i32 % (2 * noise + 1) - noise
                } else {
                    0
                };
                (i32::from(level) + n).clamp(0, 255) as u8
            })
            .collect()
    }

    /// Feeds 25 frames a second; each letter is a second of one kind of picture.
    fn found(seconds: &str, full_range: bool) -> Vec<(&'static str, i64, i64)> {
        let mut watch = PictureWatch::new(&CheckSettings::default(), full_range);
        let mut n = 0;
        for c in seconds.chars() {
            for i in 0..25 {
                let mut luma = match c {
                    'B' => picture(18, 2, n),                // covered lens
                    'b' => picture(18, 0, 0),                // black and lifeless
                    'n' => picture(52, 6, n),                // night
                    'F' => picture(120, 0, 0),               // frozen
                    'c' => picture(120, 0, 0),               // frozen, with a codec's rounding
                    'd' => picture(120, 3, n / 8),           // eight times the same, then the next
                    'f' if i % 5 == 0 => picture(121, 1, n), // not quite
                    'f' => picture(120, 0, 0),
                    _ => picture(120, 3, n), // an ordinary picture
                };
                if c == 'B' {
                    luma[..W * H / 100].fill(235); // the recorder's own time stamp
                }
                if c == 'c' {
                    luma.iter_mut()
                        .skip(i)
                        .step_by(10)
                        .for_each(|p| *p += (n % 2) as u8);
                }
                let begin_ms = n as i64 * 40;
                let plane = Plane::new(&luma, W, W, H).unwrap();
                watch.frame(
                    Span {
                        begin_ms,
                        end_ms: begin_ms + 40,
                    },
                    &plane,
                );
                n += 1;
            }
        }
        let place = |f: Finding| {
            let at = f.at.unwrap();
            (f.kind.code(), at.begin_ms, at.end_ms)
        };
        watch.finish(n as i64 * 40).into_iter().map(place).collect()
    }

    #[test]
    fn black_and_frozen_stretches_are_found_where_they_are() {
        for (seconds, expected) in [
            ("....", vec![]),
            ("nnnn", vec![]),
            (".B..", vec![]),
            ("..BB.", vec![("video.black", 2_000, 4_000)]),
            ("bbb", vec![("video.black", 0, 3_000)]),
            (".FFF.", vec![("video.frozen", 1_000, 4_000)]),
            (".ccc.", vec![("video.frozen", 1_000, 4_000)]),
            ("ffff", vec![]),
            ("dddd", vec![]),
            ("FFF", vec![("video.frozen", 0, 3_000)]),
            (
                ".bbb.FF.",
                vec![
                    ("video.black", 1_000, 4_000),
                    ("video.frozen", 5_000, 7_000),
                ],
            ),
        ] {
            assert_eq!(found(seconds, false), expected, "{seconds}");
        }
        // Full range starts at 0: level 26 is dark there, and 18 as well.
        assert_eq!(found("BBB", true), [("video.black", 0, 3_000)]);
    }

    #[test]
    fn a_recording_that_is_black_throughout_is_one_sentence() {
        let mut watch = PictureWatch::new(&CheckSettings::default(), false);
        let luma = picture(16, 0, 0);
        for i in 0..100 {
            let at = Span {
                begin_ms: i * 40,
                end_ms: i * 40 + 40,
            };
            assert_eq!(watch.frame(at, &Plane::new(&luma, W, W, H).unwrap()), 0);
        }
        let findings = watch.finish(4_000);
        assert_eq!(findings.len(), 1);
        assert_eq!(
            findings[0].text,
            "The picture is black from beginning to end."
        );
    }

    #[test]
    fn mean_light_does_not_depend_on_the_range() {
        for (level, full_range, light) in [
            (16, false, 0),
            (235, false, 255),
            (0, true, 0),
            (255, true, 255),
            (255, false, 255),
            (0, false, 0),
            (126, false, 128),
        ] {
            let luma = picture(level, 0, 0);
            let mut watch = PictureWatch::new(&CheckSettings::default(), full_range);
            let mean = watch.frame(Span::at(0), &Plane::new(&luma, W, W, H).unwrap());
            assert_eq!(mean, light, "{level} {full_range}");
        }
        let luma = picture(77, 0, 0);
        assert_eq!(mean_luma(&Plane::new(&luma, W, W, H).unwrap()), 77);
    }

    #[test]
    fn sums_do_not_overflow_on_the_brightest_picture() {
        assert_eq!(light(&[255; 1_000], 254), (255_000, 1_000));
        assert_eq!(difference(&[255; 1_000], &[0; 1_000]), 255_000);
    }

    /// Not a check: says what a full-HD frame costs.
    #[test]
    fn what_a_frame_costs() {
        if std::env::var("RECVAULT_LOOK").is_err() {
            return;
        }
        let luma: Vec<u8> = (0..1920 * 1080).map(|i| (i % 251) as u8).collect();
        let mut watch = PictureWatch::new(&CheckSettings::default(), false);
        let plane = Plane::new(&luma, 1920, 1920, 1080).unwrap();
        // The best of many: the mean measures what else the machine is doing.
        let mut best = std::time::Duration::MAX;
        for i in 0..500 {
            let clock = std::time::Instant::now();
            watch.frame(Span::at(i * 40), &plane);
            best = best.min(clock.elapsed());
        }
        eprintln!("luma statistics of a 1080p frame: {best:?}");
    }

    proptest! {
        /// Any sizes at any times: an answer, never a panic.
        #[test]
        fn any_pictures_get_an_answer(frames in proptest::collection::vec((1usize..30, 1usize..30, any::<u8>(), any::<i64>(), any::<i64>()), 0..20), end: i64) {
            let mut watch = PictureWatch::new(&CheckSettings::default(), false);
            for (w, h, level, begin_ms, end_ms) in frames {
                let luma = vec![level; w * h];
                watch.frame(Span { begin_ms, end_ms }, &Plane::new(&luma, w, w, h).unwrap());
            }
            let _ = watch.finish(end);
        }
    }
}
