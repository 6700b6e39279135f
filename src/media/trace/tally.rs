//! Which codes so many pictures carry, and how many of them carry each.
//!
//! A code is read from one picture, or from the mean of what stands in the same place of several,
//! where each alone is too damaged. Then every picture is asked whether its own modules are that
//! code's. One that fewer than two pictures carry is not told, but where there is one picture only.
//!
//! How likely a wrong name is: modules of pure chance pass the error correction once in 4·10¹²
//! times, and then have the form of a payload once in 10⁵ or less; a file is read some thousand
//! times. And the name must be one of 2⁸⁰ that an export of the store has.

use crate::media::{
    band::{Payload, Plane, Search, Sight, Symbol, agrees_with, payload_of},
    protocol::{CODES_MAX, CodeSeen, Traced},
};

/// Places that are remembered from picture to picture.
const PLACES_MAX: usize = 64;
/// Codes that are asked for in every picture.
const PAYLOADS_MAX: usize = 64;

/// What was seen so far.
#[derive(Default)]
pub(super) struct Tally {
    search: Search,
    frames: u32,
    /// Every symbol that was seen, by the number of its picture.
    sights: Vec<(u32, Sight)>,
    /// What was read.
    payloads: Vec<(Payload, Symbol)>,
}

/// What stands in one place of several pictures.
struct Place<'a> {
    first: &'a Sight,
    sum: Vec<f32>,
    sights: u32,
}

impl Tally {
    /// Looks at a picture.
    pub(super) fn look(&mut self, luma: &Plane<'_>) {
        let mut here = self.search.find(luma);
        // Where a code was read before, it is looked for also in a picture that hides its edge.
        let read_before = |sight: &&Sight| self.has_read(sight);
        if !here.iter().any(|sight| self.has_read(sight))
            && let Some(known) = self.sights.iter().map(|(_, s)| s).rfind(read_before)
        {
            here.extend(self.search.find_at(luma, &known.spot));
        }
        for sight in here {
            let symbol = sight.spot.symbol;
            if let Some(payload) = payload_of(symbol, &sight.modules) {
                self.keep(payload, symbol);
            }
            self.sights.push((self.frames, sight));
        }
        self.frames += 1;
    }

    /// What came of it.
    pub(super) fn traced(mut self) -> Traced {
        for (payload, symbol) in self.together() {
            self.keep(payload, symbol);
        }
        let least = self.frames.min(2);
        let mut codes: Vec<CodeSeen> = self
            .payloads
            .iter()
            .map(|(payload, symbol)| CodeSeen {
                id: payload.id,
                start_s: (!payload.elapsed).then_some(payload.start),
                frames: self.frames_with(*payload, *symbol),
            })
            .filter(|code| code.frames >= least)
            .collect();
        codes.sort_by_key(|code| std::cmp::Reverse(code.frames));
        codes.truncate(CODES_MAX);
        Traced {
            frames: self.frames,
            codes,
        }
    }

    fn has_read(&self, sight: &Sight) -> bool {
        let symbol = sight.spot.symbol;
        let mut read = self.payloads.iter().filter(|(_, of)| *of == symbol);
        read.any(|(payload, _)| agrees_with(*payload, symbol, &sight.modules))
    }

    fn keep(&mut self, payload: Payload, symbol: Symbol) {
        if self.payloads.len() < PAYLOADS_MAX && !self.payloads.contains(&(payload, symbol)) {
            self.payloads.push((payload, symbol));
        }
    }

    /// What is read from the means of places that several pictures have.
    fn together(&self) -> Vec<(Payload, Symbol)> {
        let mut places: Vec<Place<'_>> = Vec::new();
        for (_, sight) in &self.sights {
            let same = |place: &&mut Place<'_>| place.first.spot.is_near(&sight.spot);
            if let Some(place) = places.iter_mut().find(same) {
                for (sum, module) in place.sum.iter_mut().zip(&sight.modules) {
                    *sum += module;
                }
                place.sights += 1;
            } else if places.len() < PLACES_MAX {
                places.push(Place {
                    first: sight,
                    sum: sight.modules.clone(),
                    sights: 1,
                });
            }
        }
        let several = places.iter().filter(|place| place.sights > 1);
        several
            .filter_map(|place| {
                let n = place.sights as f32;
                let mean: Vec<f32> = place.sum.iter().map(|sum| sum / n).collect();
                let symbol = place.first.spot.symbol;
                payload_of(symbol, &mean).map(|payload| (payload, symbol))
            })
            .collect()
    }

    fn frames_with(&self, payload: Payload, symbol: Symbol) -> u32 {
        let mut frames: Vec<u32> = self
            .sights
            .iter()
            .filter(|(_, sight)| {
                sight.spot.symbol == symbol && agrees_with(payload, symbol, &sight.modules)
            })
            .map(|(frame, _)| *frame)
            .collect();
        frames.dedup();
        frames.len() as u32
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::base::RecordingId;

    const MODULE: usize = 3;
    const WIDTH: usize = 50 * MODULE + 40;
    const HEIGHT: usize = 60;

    fn payload(id: [u8; 10]) -> Payload {
        Payload {
            id: RecordingId::new(id),
            start: 7,
            elapsed: false,
            since: 0,
        }
    }

    /// A frame with this code, and noise of so many levels to each side; with no code where none.
    fn frame(code: Option<Payload>, noise: i32, seed: u64) -> Vec<u8> {
        let symbol = Symbol::Long;
        let modules = code.map(|p| p.modules(symbol).unwrap());
        let mut state = seed | 1;
        (0..WIDTH * HEIGHT)
            .map(|i| {
                let (x, y) = (i % WIDTH, i / WIDTH);
                let (column, row) = ((x / MODULE).wrapping_sub(4), (y / MODULE).wrapping_sub(3));
                let dark = match &modules {
                    Some(m) if column < 48 && row < 8 => m[row * 48 + column],
                    Some(_) => column > 48 && column != usize::MAX || row > 8 && row != usize::MAX,
                    None => true,
                };
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                let off = (state >> 33) as i32 % (2 * noise + 1) - noise;
                (if dark { 60 } else { 200 } + off).clamp(0, 255) as u8
            })
            .collect()
    }

    fn traced(frames: &[Vec<u8>]) -> Traced {
        let mut tally = Tally::default();
        for luma in frames {
            tally.look(&Plane::new(luma, WIDTH, WIDTH, HEIGHT).unwrap());
        }
        tally.traced()
    }

    #[test]
    fn a_code_is_told_with_the_number_of_its_pictures() {
        let (a, b) = (payload(*b"abcdefghij"), payload(*b"0123456789"));
        let frames = [Some(a), None, Some(a), Some(a), Some(b), Some(b), None];
        let frames: Vec<_> = (1..)
            .zip(frames)
            .map(|(n, code)| frame(code, 20, n))
            .collect();
        let told = traced(&frames);
        assert_eq!(told.frames, 7);
        let codes: Vec<_> = told.codes.iter().map(|c| (c.id, c.frames)).collect();
        assert_eq!(codes, [(a.id, 3), (b.id, 2)]);
        assert_eq!(told.codes[0].start_s, Some(7));
    }

    #[test]
    fn one_picture_of_several_names_nobody_and_a_picture_alone_does() {
        let a = payload(*b"abcdefghij");
        let one = frame(Some(a), 10, 1);
        assert_eq!(traced(&[one.clone(), frame(None, 10, 2)]).codes, []);
        assert_eq!(traced(&[one]).codes.len(), 1);
        assert_eq!(traced(&[]), Traced::default());
    }
}
