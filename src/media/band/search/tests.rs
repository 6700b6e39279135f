//! Frames that nobody filmed: a symbol scaled, blurred, noisy, or none at all.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::base::RecordingId;

/// A frame of light, and a plate in it.
struct Frame {
    luma: Vec<u8>,
    width: usize,
    height: usize,
}

/// Numbers that look like chance, the same in every run.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u32 {
        let step = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = step.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as u32
    }
    fn below(&mut self, end: u32) -> u32 {
        self.next() % end
    }
}

impl Frame {
    /// A symbol whose modules have so many pixels across and down, its upper left corner at x, y,
    /// on its plate; each pixel is the mean of what it covers, as a good scaler leaves it.
    fn with(p: Payload, symbol: Symbol, (across, down): (f32, f32), (x, y): (f32, f32)) -> Self {
        let (columns, rows) = (symbol.columns() as f32, symbol.rows() as f32);
        let modules = p.modules(symbol).unwrap();
        let dark = |px: f32, py: f32| {
            let (column, row) = ((px - x) / across, (py - y) / down);
            let on_plate = (-1.0..columns + 1.0).contains(&column);
            if !on_plate || !(-1.0..rows + 1.0).contains(&row) {
                return 50.0;
            }
            let inside = (0.0..columns).contains(&column) && (0.0..rows).contains(&row);
            let at = row as usize * symbol.columns() + column as usize;
            if inside && modules[at] { 45.0 } else { 225.0 }
        };
        let (width, height) = (
            (x + (columns + 3.0) * across) as usize,
            (y + (rows + 5.0) * down) as usize,
        );
        let luma = (0..width * height)
            .map(|i| {
                let (px, py) = ((i % width) as f32, (i / width) as f32);
                let parts = (0..16).map(|n| {
                    let (dx, dy) = ((n % 4) as f32, (n / 4) as f32);
                    dark(px + dx / 4.0 + 0.125, py + dy / 4.0 + 0.125)
                });
                (parts.sum::<f32>() / 16.0) as u8
            })
            .collect();
        Self {
            luma,
            width,
            height,
        }
    }

    fn plane(&self) -> Plane<'_> {
        Plane::new(&self.luma, self.width, self.width, self.height).unwrap()
    }

    fn noisy(mut self, by: u32, seed: u64) -> Self {
        let mut chance = Chance(seed);
        for p in &mut self.luma {
            let off = chance.below(2 * by + 1) as i32 - by as i32;
            *p = (i32::from(*p) + off).clamp(0, 255) as u8;
        }
        self
    }

    fn mirrored(mut self) -> Self {
        for row in self.luma.chunks_exact_mut(self.width) {
            row.reverse();
        }
        self
    }

    /// Each pixel the mean of its three by three.
    fn blurred(mut self) -> Self {
        let before = self.luma.clone();
        for y in 1..self.height - 1 {
            for x in 1..self.width - 1 {
                let rows = [y - 1, y, y + 1].map(|y| &before[y * self.width + x - 1..][..3]);
                let sum: u32 = rows.into_iter().flatten().map(|p| u32::from(*p)).sum();
                self.luma[y * self.width + x] = (sum / 9) as u8;
            }
        }
        self
    }
}

fn payload(id: [u8; 10]) -> Payload {
    Payload {
        id: RecordingId::new(id),
        start: 1_767_225_600,
        elapsed: false,
        since: 0,
    }
}

fn read(frame: &Frame) -> Option<Payload> {
    let sights = Search::default().find(&frame.plane());
    let mut read = sights
        .iter()
        .filter_map(|s| payload_of(s.spot.symbol, &s.modules));
    read.next()
}

/// Goal: any size from little more than a pixel a module on, any place between pixels, either
/// symbol, squeezed, noisy, and turned as in a mirror.
#[test]
fn a_symbol_is_found_at_any_size_and_place() {
    let p = payload(*b"abcdefghij");
    let mut chance = Chance(5);
    let mut part = |of: f32| chance.below(1_000) as f32 / 1_000.0 * of;
    for symbol in [Symbol::Long, Symbol::Short] {
        for n in 0..150_u64 {
            let across = 1.25 + n as f32 * 0.05;
            let down = (across * (0.75 + part(0.6))).max(1.25);
            let at = (20.0 + part(2.0), 10.0 + part(2.0));
            let frame = Frame::with(p, symbol, (across, down), at).noisy(12, n);
            let frame = if n.is_multiple_of(2) {
                frame.mirrored()
            } else {
                frame
            };
            assert_eq!(read(&frame), Some(p), "{symbol:?} {n}: {across} by {down}");
        }
    }
}

/// Goal: blur by as much as a module, and noise by a third of what light and dark differ.
#[test]
fn a_symbol_is_found_through_blur_and_noise() {
    let p = payload(*b"0123456789");
    for (across, noise) in [(2.1, 10), (2.5, 20), (4.0, 40), (6.1, 60)] {
        for seed in 1..6 {
            let frame = Frame::with(p, Symbol::Long, (across, across), (20.2, 9.9));
            let frame = frame.blurred().noisy(noise, seed);
            assert_eq!(read(&frame), Some(p), "{across} with {noise}");
        }
    }
}

/// Goal: chance names nothing: noise of pixels, of blocks as large as modules, and stripes.
#[test]
fn thousands_of_frames_of_chance_name_nothing() {
    const SIDES: (usize, usize) = (128, 48);
    let search = Search::default();
    let mut chance = Chance(1);
    let mut sights = 0;
    for n in 0..2_000 {
        let (width, height) = SIDES;
        let (across, down) = match n % 4 {
            0 => (1, 1),
            1 => (1 + n % 5, 1 + n % 5),
            2 => (width, 1 + n % 3),
            _ => (64 + n % 60, 1 + n % 4),
        };
        let blocks: Vec<u8> = (0..SIDES.0 * SIDES.1)
            .map(|_| chance.below(256) as u8)
            .collect();
        let luma = (0..width * height)
            .map(|i| blocks[i / width / down * width + i % width / across])
            .collect();
        let frame = Frame {
            luma,
            width,
            height,
        };
        for sight in search.find(&frame.plane()) {
            sights += 1;
            assert_eq!(payload_of(sight.spot.symbol, &sight.modules), None);
        }
    }
    // Nothing of all that even looks like a finder, or next to nothing.
    assert!(sights < 40, "{sights}");
}

/// Goal: a symbol with a right finder and data of chance is not a payload.
#[test]
fn modules_of_chance_are_no_payload() {
    let mut chance = Chance(3);
    for symbol in [Symbol::Long, Symbol::Short] {
        for _ in 0..20_000 {
            let modules: Vec<f32> = (0..symbol.columns() * symbol.rows())
                .map(|_| chance.below(1_000) as f32 / 500.0 - 1.0)
                .collect();
            assert_eq!(payload_of(symbol, &modules), None);
        }
    }
}

proptest! {
    /// Modules agree with the payload that they carry, some of them wrong, and with no other.
    #[test]
    fn modules_agree_with_their_own_payload_alone(a: [u8; 10], b: [u8; 10], long: bool, seed: u64) {
        prop_assume!(a != b);
        let symbol = if long { Symbol::Long } else { Symbol::Short };
        let mut chance = Chance(seed);
        let modules: Vec<f32> = payload(a).modules(symbol).unwrap().into_iter()
            .map(|dark| if dark != (chance.below(20) == 0) { 0.8 } else { -0.8 })
            .collect();
        prop_assert!(agrees_with(payload(a), symbol, &modules));
        let differ = a.iter().zip(b).filter(|(a, b)| **a != *b).count();
        prop_assert!(differ < 6 || !agrees_with(payload(b), symbol, &modules));
    }

    /// A frame of anything is an answer, never a panic.
    #[test]
    fn any_frame_gets_an_answer(w in 1usize..200, h in 1usize..60, seed: u64, block in 1usize..40) {
        let mut chance = Chance(seed);
        let row: Vec<u8> = (0..h * 8).map(|_| chance.below(256) as u8).collect();
        let luma: Vec<u8> = (0..w * h).map(|i| row[i / w * 8 + i % w / block % 8]).collect();
        let plane = Plane::new(&luma, w, w, h).unwrap();
        let _ = Search::default().find(&plane);
    }
}
