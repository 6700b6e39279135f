//! Something like a person talking: a glottal pulse through three formants, syllables at some four
//! a second, words with pauses of less than a second between them, and the faint hiss of a
//! microphone that is on. Nobody will understand it; level and rhythm are what checks look at.

use super::scene::Dice;

/// Formants of a few vowels, in hertz.
const VOWELS: [[f32; 3]; 6] = [
    [730.0, 1_090.0, 2_440.0],
    [530.0, 1_840.0, 2_480.0],
    [270.0, 2_290.0, 3_010.0],
    [570.0, 840.0, 2_410.0],
    [300.0, 870.0, 2_240.0],
    [490.0, 1_350.0, 1_690.0],
];
/// How wide each formant is, in hertz.
const WIDTHS: [f32; 3] = [80.0, 100.0, 140.0];
/// How much of each is heard.
const SHARES: [f32; 3] = [1.0, 0.6, 0.3];

/// A speaker, who goes on as long as samples are asked for.
#[derive(Clone, Debug)]
pub(super) struct Voice {
    dice: Dice,
    rate: f32,
    /// Hertz at rest.
    pitch: f32,
    /// Where in its period the glottis is, 0 to 1.
    phase: f32,
    formants: [Formant; 3],
    /// Samples of the present syllable or pause: done and all.
    done: u32,
    all: u32,
    speaking: bool,
    /// Syllables left in the word.
    left: u32,
    rise: f32,
}

/// A resonance of two poles.
#[derive(Clone, Copy, Debug, Default)]
struct Formant {
    gain: f32,
    a: f32,
    b: f32,
    y1: f32,
    y2: f32,
}

impl Formant {
    fn tune(&mut self, hz: f32, width: f32, rate: f32) {
        let r = (-std::f32::consts::PI * width / rate).exp();
        let angle = std::f32::consts::TAU * hz / rate;
        self.a = 2.0 * r * angle.cos();
        self.b = -r * r;
        // About one at the resonance itself, whatever its frequency.
        self.gain = (1.0 - r) * (1.0 - 2.0 * r * (2.0 * angle).cos() + r * r).sqrt();
    }

    fn pass(&mut self, x: f32) -> f32 {
        let y = self.gain * x + self.a * self.y1 + self.b * self.y2;
        (self.y2, self.y1) = (self.y1, y);
        y
    }
}

impl Voice {
    /// A speaker of their own for each seed.
    pub(super) fn new(seed: u64, rate_hz: u32) -> Self {
        let mut dice = Dice::new(seed ^ 0x0056_6f69_6365);
        let pitch = 100.0 + 110.0 * dice.share();
        let mut voice = Self {
            dice,
            rate: rate_hz as f32,
            pitch,
            phase: 0.0,
            formants: [Formant::default(); 3],
            done: 0,
            all: 0,
            speaking: false,
            left: 0,
            rise: 0.0,
        };
        voice.next();
        voice
    }

    /// The next syllable, or the pause between two words.
    fn next(&mut self) {
        self.done = 0;
        if self.speaking && self.left == 0 {
            self.speaking = false;
            self.all = self.samples(0.15, 0.6);
            return;
        }
        if !self.speaking {
            self.speaking = true;
            self.left = 2 + self.dice.below(6);
        }
        self.left -= 1;
        self.all = self.samples(0.17, 0.31);
        self.rise = self.dice.share() * 0.3 - 0.12;
        let vowel = VOWELS[self.dice.below(VOWELS.len() as u32) as usize];
        for (formant, (hz, width)) in self.formants.iter_mut().zip(vowel.into_iter().zip(WIDTHS)) {
            formant.tune(hz, width, self.rate);
        }
    }

    fn samples(&mut self, from_s: f32, to_s: f32) -> u32 {
        let seconds = from_s + (to_s - from_s) * self.dice.share();
        ((seconds * self.rate) as u32).max(1)
    }

    /// The next samples.
    pub(super) fn fill(&mut self, out: &mut [i16]) {
        for sample in out {
            if self.done >= self.all {
                self.next();
            }
            let at = self.done as f32 / self.all as f32;
            self.done += 1;
            let hiss = self.dice.share() - 0.5;
            let mut heard = hiss * 0.008;
            if self.speaking {
                let loud = (std::f32::consts::PI * at).sin().powf(0.6);
                let pitch = self.pitch * (1.0 + self.rise * at);
                self.phase = (self.phase + pitch / self.rate).fract();
                // Open for the first third of a period, shut abruptly.
                let glottis = if self.phase < 0.35 {
                    let open = self.phase / 0.35;
                    open * open * (1.0 - open) * 6.75
                } else {
                    0.0
                };
                let source = (glottis - 0.2 + hiss * 0.1) * loud;
                for (formant, share) in self.formants.iter_mut().zip(SHARES) {
                    heard += formant.pass(source) * share;
                }
            }
            // Loud places bend instead of breaking.
            *sample = ((heard * LOUDNESS).tanh() * 24_000.0) as i16;
        }
    }
}

/// Brings speech to some 20 dB under full scale.
const LOUDNESS: f32 = 1.6;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_voice_is_neither_silent_nor_broken_and_pauses_for_less_than_a_second() {
        for rate in [16_000, 48_000] {
            for seed in 0..8 {
                let mut samples = vec![0_i16; rate as usize * 20];
                Voice::new(seed, rate).fill(&mut samples);
                let level = |s: &[i16]| {
                    let squares: f64 = s.iter().map(|v| f64::from(*v) * f64::from(*v)).sum();
                    10.0 * (squares / s.len() as f64 / (32_768.0 * 32_768.0)).log10()
                };
                let whole = level(&samples);
                assert!((-28.0..-12.0).contains(&whole), "{rate} {seed}: {whole}");
                let peak = samples.iter().map(|s| s.unsigned_abs()).max().unwrap();
                assert!((6_000..=24_000).contains(&peak), "{rate} {seed}: {peak}");
                for second in samples.chunks(rate as usize) {
                    let level = level(second);
                    assert!(level > -40.0, "{rate} {seed}: a second at {level}");
                }
            }
        }
    }

    #[test]
    fn a_seed_is_a_speaker() {
        let said = |seed| {
            let mut out = vec![0; 4_800];
            Voice::new(seed, 48_000).fill(&mut out);
            out
        };
        assert_eq!(said(3), said(3));
        assert_ne!(said(3), said(4));
    }
}
