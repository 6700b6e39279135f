//! Light and sound over the length of a recording, in a bounded number of equal steps. The length
//! need not be known beforehand: when all steps are used, neighbours are joined and a step lasts
//! twice as long.

use crate::{base::limits::TIMELINE_POINTS_MAX, recording::Timeline};

/// Length of a step at first: no finer than a page shows of two minutes.
const STEP_MS_FIRST: u32 = 250;
/// What a level of 0 stands for.
const LEVEL_FLOOR_DB: f64 = -80.0;

/// A sum and what it is a sum of.
#[derive(Clone, Copy, Debug, Default)]
struct Heap {
    sum: f64,
    weight: f64,
}

impl Heap {
    fn add(&mut self, value: f64, weight: f64) {
        self.sum += value * weight;
        self.weight += weight;
    }
    fn mean(&self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.sum / self.weight)
    }
}

/// Builds a [`Timeline`] from frames and windows of sound, in any order.
#[derive(Clone, Debug)]
pub struct TimelineBuilder {
    step_ms: u32,
    light: Vec<Heap>,
    sound: Vec<Heap>,
}

impl Default for TimelineBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl TimelineBuilder {
    /// An empty time line.
    #[must_use]
    pub fn new() -> Self {
        Self {
            step_ms: STEP_MS_FIRST,
            light: Vec::new(),
            sound: Vec::new(),
        }
    }

    /// A frame of mean `light` (0 black, 255 white) was presented at `at_ms`.
    pub fn light(&mut self, at_ms: i64, light: u8) {
        let step = self.step_of(at_ms);
        heap(&mut self.light, step).add(f64::from(light), 1.0);
    }

    /// Sound of this mean square (1 is full scale) was heard from `at_ms` for `length_ms`.
    pub fn sound(&mut self, at_ms: i64, length_ms: i64, mean_square: f64) {
        if mean_square.is_finite() && length_ms > 0 {
            let step = self.step_of(at_ms);
            heap(&mut self.sound, step).add(mean_square, length_ms as f64);
        }
    }

    /// The step that an instant falls into; joins steps until it is one of those allowed. What
    /// lies before the beginning falls into the first, and beyond all possible steps the last.
    fn step_of(&mut self, at_ms: i64) -> usize {
        let at = u64::try_from(at_ms).unwrap_or(0);
        loop {
            let step = at / u64::from(self.step_ms);
            match usize::try_from(step) {
                Ok(step) if step < TIMELINE_POINTS_MAX => return step,
                _ => {}
            }
            let Some(twice) = self.step_ms.checked_mul(2) else {
                return TIMELINE_POINTS_MAX - 1;
            };
            self.step_ms = twice;
            join(&mut self.light);
            join(&mut self.sound);
        }
    }

    /// The finished time line of a recording that ends at `end_ms`. A step in which no frame
    /// began shows the light of the one before, as the screen did; one without sound is silent.
    #[must_use]
    pub fn finish(mut self, end_ms: i64) -> Timeline {
        if end_ms > 0 {
            let steps = self.step_of(end_ms.saturating_sub(1)) + 1;
            for heaps in [&mut self.light, &mut self.sound] {
                if !heaps.is_empty() {
                    heaps.resize(steps.max(heaps.len()), Heap::default());
                }
            }
        }
        let mut last = 0.0;
        let luma = self.light.iter().map(|h| {
            last = h.mean().unwrap_or(last);
            last.round() as u8
        });
        let luma = luma.collect();
        let level = self
            .sound
            .iter()
            .map(|h| level(h.mean().unwrap_or(0.0)))
            .collect();
        Timeline {
            step_ms: self.step_ms,
            luma,
            level,
        }
    }
}

fn heap(heaps: &mut Vec<Heap>, step: usize) -> &mut Heap {
    if heaps.len() <= step {
        heaps.resize(step + 1, Heap::default());
    }
    &mut heaps[step]
}

fn join(heaps: &mut Vec<Heap>) {
    let joined = heaps.chunks(2).map(|pair| {
        pair.iter().fold(Heap::default(), |a, b| Heap {
            sum: a.sum + b.sum,
            weight: a.weight + b.weight,
        })
    });
    *heaps = joined.collect();
}

/// A mean square on the scale of [`Timeline::level`].
fn level(mean_square: f64) -> u8 {
    let db = 10.0 * mean_square.log10();
    // Rounded as a float: no sound at all is −∞ and becomes 0.
    ((db - LEVEL_FLOOR_DB) / -LEVEL_FLOOR_DB * 255.0)
        .round()
        .clamp(0.0, 255.0) as u8
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn steps_double_until_everything_fits() {
        for (seconds, step_ms, points) in [
            (1, 250, 4),
            (120, 250, 480),
            (121, 500, 242),
            (3_600, 8_000, 450),
            (86_400, 256_000, 338),
        ] {
            let mut line = TimelineBuilder::new();
            for s in 0..seconds {
                line.light(s * 1_000, 100);
                line.sound(s * 1_000, 1_000, 1.0);
            }
            let line = line.finish(seconds * 1_000);
            assert_eq!(
                (line.step_ms, line.luma.len(), line.level.len()),
                (step_ms, points, points),
                "{seconds} s"
            );
            assert!(
                line.luma.iter().all(|l| *l == 100),
                "light stays until the next frame"
            );
        }
    }

    #[test]
    fn values_are_means_and_levels_are_decibels() {
        let mut line = TimelineBuilder::new();
        line.light(0, 10);
        line.light(100, 20);
        line.light(500, 200);
        for (at, square) in [(0, 1.0), (250, 1e-4), (500, 1e-8), (750, 0.0)] {
            line.sound(at, 20, square);
        }
        let line = line.finish(1_000);
        assert_eq!(line.luma, [15, 15, 200, 200]);
        assert_eq!(line.level, [255, 128, 0, 0]); // 0, −40, −80 dBFS, nothing
        assert_eq!(line.sound_from_ms(-60.0), Some(0));
        assert_eq!(line.sound_from_ms(0.0), None);
        let empty = TimelineBuilder::new().finish(10_000);
        assert_eq!(empty.sound_from_ms(-60.0), None);
        assert!(empty.luma.is_empty() && empty.level.is_empty());
    }

    proptest! {
        /// Any times and values: bounded, never a panic.
        #[test]
        fn any_input_is_bounded(points in proptest::collection::vec(any::<(i64, u8, i64, f64)>(), 0..50), end: i64) {
            let mut line = TimelineBuilder::new();
            for (at, light, length, square) in points {
                line.light(at, light);
                line.sound(at, length, square);
            }
            let line = line.finish(end);
            prop_assert!(line.luma.len() <= TIMELINE_POINTS_MAX);
            prop_assert!(line.level.len() <= TIMELINE_POINTS_MAX);
        }
    }
}
