//! Silent and clipped stretches of the sound track. The level of a window is half the distance between its
//! highest and its lowest sample, so that a constant offset, which some recorders have without
//! a microphone, counts as the silence that it is.

use super::{CheckSettings, Stretches, stretch::tell};
use crate::recording::{Finding, FindingKind, Span};

/// Length of a window: a whole wave of mains hum fits in.
const WINDOW_MS: u64 = 20;
/// As loud as can be written, less what a codec takes off a wave that was cut off there.
const RAIL: f32 = 0.985;
/// Stretches of clipped sound with at most so much between them are one: speech is loud word by word.
const CLIPPED_MERGE_MS: i64 = 500;
/// Channels that are told apart; more are folded onto these.
const CHANNELS_MAX: usize = 8;
/// A track silent throughout is said to be so from this length on, however short the recording.
const WHOLE_MS_MIN: i64 = 1_000;

/// Interleaved samples.
#[derive(Clone, Copy, Debug)]
pub enum Samples<'a> {
    /// Signed 16-bit.
    S16(&'a [i16]),
    /// Floating point, full scale ±1.
    F32(&'a [f32]),
}

impl Samples<'_> {
    fn len(&self) -> usize {
        match self {
            Self::S16(s) => s.len(),
            Self::F32(s) => s.len(),
        }
    }

    /// Sample `i` with full scale ±1; what is no number is silence.
    fn get(&self, i: usize) -> f32 {
        match self {
            Self::S16(s) => f32::from(s[i]) / 32_768.0,
            Self::F32(s) if s[i].is_finite() => s[i].clamp(-8.0, 8.0),
            Self::F32(_) => 0.0,
        }
    }
}

/// One window of sound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// Where it is.
    pub span: Span,
    /// Mean of the squared samples, all channels together; 1 is a full-scale square wave.
    pub mean_square: f64,
}

/// Watches sound for silent and for clipped stretches. Fed in the order of time.
#[derive(Clone, Debug)]
pub struct SoundWatch {
    silent_below: f32,
    silent: Stretches,
    silent_begin_ms: i64,
    clipped_permille: u64,
    clipped: Stretches,
    whole: Option<Span>,
    heard: bool,
    low: [f32; CHANNELS_MAX],
    high: [f32; CHANNELS_MAX],
    squares: f64,
    /// Sample frames of the window in which a channel is as loud as can be.
    railed: u64,
    /// Sample frames in the window so far, and where it began.
    frames: u64,
    window_ms: i64,
}

impl SoundWatch {
    /// A watch over one sound track.
    #[must_use]
    pub fn new(settings: &CheckSettings) -> Self {
        Self {
            silent_below: 10f64.powf(settings.silent_below_dbfs / 20.0) as f32,
            silent: Stretches::new(settings.silent_ms_min, settings.merge_ms),
            silent_begin_ms: settings.silent_begin_ms,
            clipped_permille: settings.clipped_permille.into(),
            clipped: Stretches::new(settings.clipped_ms_min, CLIPPED_MERGE_MS),
            whole: None,
            heard: false,
            low: [f32::INFINITY; CHANNELS_MAX],
            high: [f32::NEG_INFINITY; CHANNELS_MAX],
            squares: 0.0,
            railed: 0,
            frames: 0,
            window_ms: 0,
        }
    }

    /// Listens to a block that begins at `begin_ms`, with `channels` interleaved channels at
    /// `rate_hz`, and calls `each` with every full window, for a time line. Nothing happens for
    /// no channels or no rate.
    pub fn block(
        &mut self,
        begin_ms: i64,
        samples: Samples<'_>,
        channels: usize,
        rate_hz: u32,
        mut each: impl FnMut(Window),
    ) {
        if channels == 0 || rate_hz == 0 {
            return;
        }
        let rate = u64::from(rate_hz);
        let window_frames = (rate * WINDOW_MS / 1_000).max(1);
        let frames = samples.len() / channels;
        let at_ms = |frame: usize| {
            begin_ms.saturating_add(i64::try_from(frame as u64 * 1_000 / rate).unwrap_or(i64::MAX))
        };
        for frame in 0..frames {
            if self.frames == 0 {
                self.window_ms = at_ms(frame);
            }
            let mut railed = false;
            for channel in 0..channels {
                let sample = samples.get(frame * channels + channel);
                let c = channel % CHANNELS_MAX;
                self.low[c] = self.low[c].min(sample);
                self.high[c] = self.high[c].max(sample);
                self.squares += f64::from(sample * sample) / channels as f64;
                railed |= sample.abs() >= RAIL;
            }
            self.railed += u64::from(railed);
            self.frames += 1;
            if self.frames >= window_frames {
                each(self.close(at_ms(frame + 1)));
            }
        }
    }

    fn close(&mut self, end_ms: i64) -> Window {
        let span = Span {
            begin_ms: self.window_ms,
            end_ms,
        };
        // A channel that had no sample has nothing to say: −∞ − ∞ is below every threshold.
        let level = |(low, high): (&f32, &f32)| (high - low) / 2.0;
        let silent = self
            .low
            .iter()
            .zip(&self.high)
            .map(level)
            .all(|level| level < self.silent_below);
        self.silent.push(silent, span);
        let clipped = self.railed.saturating_mul(1_000)
            >= self.frames.saturating_mul(self.clipped_permille).max(1);
        self.clipped.push(clipped, span);
        self.heard |= !silent;
        let whole = self.whole.get_or_insert(span);
        whole.end_ms = whole.end_ms.max(end_ms);
        let mean_square = self.squares / self.frames.max(1) as f64;
        self.low = [f32::INFINITY; CHANNELS_MAX];
        self.high = [f32::NEG_INFINITY; CHANNELS_MAX];
        self.squares = 0.0;
        self.railed = 0;
        self.frames = 0;
        Window { span, mean_square }
    }

    /// The findings, with a stretch that lasts to the end closed at `end_ms`. A track without a
    /// sound in it is one finding, however short it is.
    #[must_use]
    pub fn finish(self, end_ms: i64) -> Vec<Finding> {
        let Some(whole) = self.whole else {
            return Vec::new();
        };
        if !self.heard && whole.len_ms() >= WHOLE_MS_MIN {
            let text = "The sound track is silent from beginning to end.";
            return vec![Finding::new(FindingKind::AudioSilent, text).at(whole)];
        }
        let end_ms = end_ms.min(whole.end_ms);
        let (mut silent, more) = self.silent.finish(end_ms);
        let begin_ms = whole.begin_ms.saturating_add(self.silent_begin_ms);
        silent.retain(|s| s.span.begin_ms > whole.begin_ms || s.span.end_ms > begin_ms);
        let mut found = tell(
            FindingKind::AudioSilent,
            "The sound track is silent",
            &silent,
            more,
            whole,
        );
        let (clipped, more) = self.clipped.finish(end_ms);
        found.extend(tell(
            FindingKind::AudioClipped,
            "The sound is louder than the recorder can write",
            &clipped,
            more,
            whole,
        ));
        found
    }
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use proptest::prelude::*;

    use super::*;

    const RATE: u32 = 8_000;

    /// A second per letter: `~` speech-like, `_` nothing, `n` −50 dBFS noise, `o` an offset,
    /// `h` −66 dBFS hum, `c` nothing but one click in the middle, `L`/`R` one channel only, `f` a tone of
    /// full scale, `F` one of which the top is cut off, in one channel.
    fn second(c: char, n: usize) -> Vec<f32> {
        (0..RATE as usize)
            .flat_map(|i| {
                let t = (n * RATE as usize + i) as f32 / RATE as f32;
                let tone = (t * 440.0 * TAU).sin();
                match c {
                    '~' => [tone * 0.2; 2],
                    'n' => [tone * 0.003; 2],
                    'h' => [(t * 50.0 * TAU).sin() * 0.0005; 2],
                    'o' => [0.1, -0.2],
                    'c' if i == RATE as usize / 2 => [0.5; 2],
                    'f' => [tone * 0.98; 2],
                    'F' => [tone * 0.2, (tone * 1.3).clamp(-1.0, 1.0)],
                    'L' => [tone * 0.2, 0.0],
                    'R' => [0.0, tone * 0.2],
                    _ => [0.0; 2],
                }
            })
            .collect()
    }

    /// Findings of a track, fed in blocks of an odd length.
    fn found(letters: &str, s16: bool) -> Vec<(i64, i64, String)> {
        found_by(&CheckSettings::default(), letters, s16)
    }

    fn found_by(settings: &CheckSettings, letters: &str, s16: bool) -> Vec<(i64, i64, String)> {
        let mut watch = SoundWatch::new(settings);
        let all: Vec<f32> = letters
            .chars()
            .enumerate()
            .flat_map(|(n, c)| second(c, n))
            .collect();
        let mut frame = 0;
        for block in all.chunks(2 * 333) {
            let begin_ms = frame * 1_000 / i64::from(RATE);
            let ints: Vec<i16> = block.iter().map(|s| (s * 32_767.0) as i16).collect();
            let samples = if s16 {
                Samples::S16(&ints)
            } else {
                Samples::F32(block)
            };
            watch.block(begin_ms, samples, 2, RATE, |_| ());
            frame += block.len() as i64 / 2;
        }
        let told = |f: Finding| {
            (
                f.at.map_or(0, |s| s.begin_ms),
                f.at.map_or(0, |s| s.end_ms),
                f.text,
            )
        };
        watch
            .finish(letters.len() as i64 * 1_000)
            .into_iter()
            .map(told)
            .collect()
    }

    #[test]
    fn silence_and_clipped_sound_are_found_where_they_are() {
        let whole = "The sound track is silent from beginning to end.";
        let some = |s: &str| format!("The sound track is silent for {s}.");
        let loud = |s: &str| format!("The sound is louder than the recorder can write for {s}.");
        for (letters, expected) in [
            ("~~~~~~~", None),
            ("~____~~", None),
            ("~_____~", Some((1_000, 6_000, some("5.0 s")))),
            ("~~______", Some((2_000, 8_000, some("6.0 s")))),
            ("nnnnnnn", None),
            ("LLLRRRL", None),
            ("hhhhhhh", Some((0, 7_000, whole.to_owned()))),
            ("ooooooo", Some((0, 7_000, whole.to_owned()))),
            ("__", Some((0, 2_000, whole.to_owned()))),
            (
                "______c______",
                Some((
                    0,
                    13_000,
                    "The sound track is silent from beginning to end, but for one moment."
                        .to_owned(),
                )),
            ),
            ("", None),
            ("~fffff~", None),
            ("~F~~~~~", None),
            ("~FF~~~~", Some((1_000, 3_000, loud("2.0 s")))),
            ("~~~FFF~", Some((3_000, 6_000, loud("3.0 s")))),
        ] {
            for s16 in [false, true] {
                let found = found(letters, s16);
                let near = |a: i64, b: i64| (a - b).abs() <= 25; // within a window and a rounding
                let same = match (&expected, found.as_slice()) {
                    (None, []) => true,
                    (Some(e), [f]) => near(e.0, f.0) && near(e.1, f.1) && e.2 == f.2,
                    _ => false,
                };
                assert!(
                    same,
                    "{letters} s16={s16}: {found:?} instead of {expected:?}"
                );
            }
        }
    }

    #[test]
    fn a_recording_may_begin_in_silence_where_that_is_told() {
        let settings = CheckSettings {
            silent_begin_ms: 8_000,
            ..CheckSettings::default()
        };
        for (letters, stretches) in [
            ("________~~", 0),
            ("_________~", 1),
            ("~________~", 1),
            ("______~______~", 1),
            // Nothing but silence is no beginning.
            ("______", 1),
        ] {
            let found = found_by(&settings, letters, true);
            assert_eq!(found.len(), stretches, "{letters}: {found:?}");
        }
    }

    #[test]
    fn a_window_tells_its_loudness() {
        let mut watch = SoundWatch::new(&CheckSettings::default());
        let mut windows = Vec::new();
        let samples: Vec<f32> = (0..160)
            .flat_map(|i| [if i % 2 == 0 { 0.5 } else { -0.5 }; 2])
            .collect();
        watch.block(100, Samples::F32(&samples), 2, RATE, |w| windows.push(w));
        let expected = Window {
            span: Span {
                begin_ms: 100,
                end_ms: 120,
            },
            mean_square: 0.25,
        };
        assert_eq!(windows, [expected]);
    }

    proptest! {
        /// Any samples, channels, rates and times: an answer, never a panic.
        #[test]
        fn any_sound_gets_an_answer(
            blocks in proptest::collection::vec((any::<i64>(), proptest::collection::vec(any::<f32>(), 0..200), 0usize..40, any::<u32>()), 0..10),
            end: i64,
        ) {
            let mut watch = SoundWatch::new(&CheckSettings::default());
            for (begin, samples, channels, rate) in blocks {
                watch.block(begin, Samples::F32(&samples), channels, rate, |w| {
                    assert!(w.mean_square.is_finite());
                });
            }
            let _ = watch.finish(end);
        }
    }
}
