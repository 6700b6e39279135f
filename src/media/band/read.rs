//! Reads the block code back out of a frame. The frame's size says where it stands; its own light
//! and dark modules say what is light and dark, so that range, fading and re-encoding do not matter.

use thiserror::Error;

use super::{CodePlace, Payload, Plane};
use crate::base::{ErrorKind, Explain, RecordingId};

/// Luma levels between light and dark modules at least. Below it there is no code, only picture.
const CONTRAST_MIN: u32 = 40;
/// Of a hundred finder modules, as many must be right before error correction is tried at all.
const FINDER_RIGHT_PERCENT: usize = 85;

/// What a frame's code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeRead {
    /// The recording.
    pub id: RecordingId,
    /// Seconds since 1970 UTC, or since the recording began where `elapsed`.
    pub second: u32,
    /// The second counts from the recording's beginning: the recorder's clock is not proven.
    pub elapsed: bool,
    /// Modules of the code that had to be corrected.
    pub wrong_modules: usize,
}

/// A frame's code cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ReadError {
    /// The frame is smaller than a code.
    #[error("a frame of {width}x{height} has no room for a block code")]
    TooSmall {
        /// Its width in pixels.
        width: usize,
        /// Its height in pixels.
        height: usize,
    },
    /// Nothing like a code stands where it should.
    #[error("the frame has no block code in its bottom right corner")]
    NotFound,
    /// A code stands there, and too much of it is damaged.
    #[error("the frame's block code is damaged beyond correction")]
    Damaged,
    /// A code stands there that is not one of ours, or of a later version.
    #[error("the frame's block code is not one that recvault writes")]
    Foreign,
}

impl Explain for ReadError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Fault
    }
}

/// Reads the code from a frame's luma.
///
/// # Errors
/// [`ReadError`], by how far it came.
pub fn read(luma: &Plane<'_>) -> Result<CodeRead, ReadError> {
    let (width, height) = (luma.width(), luma.height());
    let place = CodePlace::in_frame(width, height).ok_or(ReadError::TooSmall { width, height })?;
    let symbol = place.symbol;
    let levels = sample(luma, &place);
    let finder = symbol.finder();

    // Light and dark as the finder shows them; the threshold lies half way.
    let mean = |dark: bool| {
        let (sum, n) = finder
            .iter()
            .zip(&levels)
            .filter(|(f, _)| **f == Some(dark))
            .fold((0, 0), |(sum, n), (_, level)| (sum + level, n + 1));
        sum / u32::max(n, 1)
    };
    let (light, dark) = (mean(false), mean(true));
    if light < dark + CONTRAST_MIN {
        return Err(ReadError::NotFound);
    }
    let threshold = (light + dark) / 2;
    let mut modules: Vec<bool> = levels.iter().map(|level| *level < threshold).collect();

    // The finder is known, so a wrong module there costs nothing; many mean there is no code.
    let (mut known, mut wrong) = (0, 0);
    for (module, finder) in modules.iter_mut().zip(&finder) {
        if let Some(right) = finder {
            known += 1;
            wrong += usize::from(module != right);
            *module = *right;
        }
    }
    if wrong * 100 > known * (100 - FINDER_RIGHT_PERCENT) {
        return Err(ReadError::NotFound);
    }

    let (bytes, corrected) = symbol.decode(&modules).ok_or(ReadError::Damaged)?;
    let payload = Payload::from_bytes(&bytes).ok_or(ReadError::Foreign)?;
    Ok(CodeRead {
        id: payload.id,
        second: payload.second,
        elapsed: payload.elapsed,
        wrong_modules: wrong + corrected,
    })
}

/// Mean luma of the centre of each module: its edges are where encoders smear.
fn sample(luma: &Plane<'_>, place: &CodePlace) -> Vec<u32> {
    let cell = place.cell;
    let inset = cell / 4;
    let centre = inset..cell - inset;
    let mut levels = Vec::with_capacity(place.symbol.columns() * place.symbol.rows());
    for row in 1..=place.symbol.rows() {
        for column in 1..=place.symbol.columns() {
            let x = place.plate.x + column * cell;
            let sum: u32 = centre
                .clone()
                .map(|dy| {
                    let line = &luma.row(place.plate.y + row * cell + dy)[x..x + cell];
                    line[centre.clone()]
                        .iter()
                        .map(|p| u32::from(*p))
                        .sum::<u32>()
                })
                .sum();
            // A centre has at least 2 × 2 pixels, because a cell has at least 4 × 4.
            levels.push(sum / (centre.len() * centre.len()) as u32);
        }
    }
    levels
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::media::band::{BandMode, Layout};

    /// A frame with nothing but a code on mid grey.
    fn frame(width: usize, payload: Payload, dark: u8, light: u8) -> (Vec<u8>, Layout) {
        let l = Layout::new(width, 64, BandMode::Below).unwrap();
        let mut luma = vec![128u8; l.width * l.height];
        let modules = payload.modules(l.code.symbol).unwrap();
        let columns = l.code.symbol.columns();
        for y in 0..l.code.plate.height {
            for x in 0..l.code.plate.width {
                let (column, row) = (x / l.code.cell, y / l.code.cell);
                let inside =
                    (1..=columns).contains(&column) && (1..=l.code.symbol.rows()).contains(&row);
                let is_dark = inside && modules[(row - 1) * columns + column - 1];
                luma[(l.code.plate.y + y) * l.width + l.code.plate.x + x] =
                    if is_dark { dark } else { light };
            }
        }
        (luma, l)
    }

    /// A box blur over `r` pixels to each side, as a bad scaler or a starved encoder leaves it.
    fn blur(luma: &[u8], w: usize, h: usize, r: isize) -> Vec<u8> {
        let at = |x: isize, y: isize| {
            let (x, y) = (x.clamp(0, w as isize - 1), y.clamp(0, h as isize - 1));
            u32::from(luma[y as usize * w + x as usize])
        };
        let n = ((2 * r + 1) * (2 * r + 1)) as u32;
        (0..w * h)
            .map(|i| {
                let (x, y) = ((i % w) as isize, (i / w) as isize);
                let sum: u32 = (-r..=r)
                    .flat_map(|dy| (-r..=r).map(move |dx| (dx, dy)))
                    .map(|(dx, dy)| at(x + dx, y + dy))
                    .sum();
                (sum / n) as u8
            })
            .collect()
    }

    #[test]
    fn a_code_is_read_through_range_fading_blur_and_coarse_levels() {
        let payload = Payload {
            id: RecordingId::new(*b"abcdefghij"),
            second: 7,
            elapsed: true,
        };
        for width in [160, 206, 208, 480, 854, 1920, 3840, 8192] {
            for (dark, light) in [(16, 235), (0, 255), (60, 140)] {
                let (luma, l) = frame(width, payload, dark, light);
                let blurred = blur(&luma, l.width, l.height, 1);
                let coarse: Vec<u8> = blurred.iter().map(|p| p / 24 * 24).collect();
                for (how, data) in [("clean", &luma), ("blurred", &blurred), ("coarse", &coarse)] {
                    let plane = Plane::new(data, l.width, l.width, l.height).unwrap();
                    let got = read(&plane).map(|r| (r.id, r.second, r.elapsed));
                    assert_eq!(
                        got,
                        Ok((payload.id, 7, true)),
                        "{width} {dark}-{light} {how}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_frame_without_a_code_says_so() {
        let grey = vec![128; 640 * 480];
        let stripes: Vec<u8> = (0..640 * 480)
            .map(|i| if i / 8 % 2 == 0 { 16 } else { 235 })
            .collect();
        for luma in [&grey, &stripes] {
            let plane = Plane::new(luma, 640, 640, 480).unwrap();
            assert_eq!(read(&plane), Err(ReadError::NotFound));
        }
        let plane = Plane::new(&grey, 100, 100, 100).unwrap();
        assert!(matches!(
            read(&plane),
            Err(ReadError::TooSmall {
                width: 100,
                height: 100
            })
        ));
    }

    #[test]
    fn a_painted_out_code_is_damaged_and_never_another_recording() {
        let payload = Payload {
            id: RecordingId::new(*b"abcdefghij"),
            second: 7,
            elapsed: false,
        };
        let (mut luma, l) = frame(640, payload, 16, 235);
        let (w, plate) = (l.width, l.code.plate);
        for y in plate.y + 4..plate.y + 28 {
            luma[y * w + plate.x + 20..y * w + plate.x + 80].fill(235);
        }
        let plane = Plane::new(&luma, w, w, l.height).unwrap();
        assert_eq!(read(&plane), Err(ReadError::Damaged));
    }

    proptest! {
        /// Noise of up to ±90 levels on every pixel averages out in the centres.
        #[test]
        fn noise_does_not_change_what_is_read(id: [u8; 10], second: u32, seed: u64) {
            let payload = Payload { id: RecordingId::new(id), second, elapsed: false };
            let (mut luma, l) = frame(640, payload, 16, 235);
            let mut state = seed | 1;
            for p in &mut luma {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let noise = (state >> 33) as i32 % 181 - 90;
                *p = (i32::from(*p) + noise).clamp(0, 255) as u8;
            }
            let plane = Plane::new(&luma, l.width, l.width, l.height).unwrap();
            let got = read(&plane).unwrap();
            prop_assert_eq!((got.id, got.second), (payload.id, second));
        }

        /// A frame of anything is an answer, never a panic.
        #[test]
        fn any_frame_gets_an_answer(w in 1usize..300, h in 1usize..120, seed: u8) {
            let luma: Vec<u8> = (0..w * h).map(|i| (i as u8).wrapping_mul(seed)).collect();
            let _ = read(&Plane::new(&luma, w, w, h).unwrap());
        }
    }
}
