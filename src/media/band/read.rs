//! Reads the codes back out of a frame. The frame's width says where they stand; the block code's
//! own light and dark modules say what is light and dark, so that range, fading and re-encoding do
//! not matter.

use thiserror::Error;

use super::{CodePlace, Payload, Plane, seconds};
use crate::base::{ErrorKind, Explain, RecordingId};

/// Luma levels between light and dark modules at least. Below it there is no code, only picture.
const CONTRAST_MIN: u32 = 40;
/// Of a hundred finder modules, as many must be right before error correction is tried at all.
const FINDER_RIGHT_PERCENT: usize = 85;

/// What a frame's codes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeRead {
    /// The recording.
    pub id: RecordingId,
    /// Seconds since 1970 UTC, or since the recording began where `elapsed`. From the twelfth day
    /// of a recording on it stands still.
    pub second: u32,
    /// The second counts from the recording's beginning: the recorder's clock is not proven.
    pub elapsed: bool,
    /// Modules of both codes that had to be corrected.
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
    #[error("the frame has no block code in its top right corner")]
    NotFound,
    /// A code stands there, and too much of it is damaged.
    #[error("the frame's block code is damaged beyond correction")]
    Damaged,
    /// The block code is whole, the seconds beside it are not.
    #[error("the frame names recording {id}, and its seconds are damaged beyond correction")]
    SecondsDamaged {
        /// The recording.
        id: RecordingId,
    },
    /// A code stands there that is not one of ours, or of a later version.
    #[error("the frame's block code is not one that recvault writes")]
    Foreign,
}

impl Explain for ReadError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Fault
    }
}

/// Reads the codes from a frame's luma.
///
/// # Errors
/// [`ReadError`], by how far it came.
pub fn read(luma: &Plane<'_>) -> Result<CodeRead, ReadError> {
    let (width, height) = (luma.width(), luma.height());
    let place = CodePlace::in_width(width)
        .filter(|place| place.band_rows <= height)
        .ok_or(ReadError::TooSmall { width, height })?;
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
    let id = payload.id;
    let light =
        std::array::from_fn(|i| level(luma, place.second_module(i), place.module) >= threshold);
    let (since, second_wrong) = seconds::decode(&light).ok_or(ReadError::SecondsDamaged { id })?;
    Ok(CodeRead {
        id,
        second: Payload { since, ..payload }.coded_second(),
        elapsed: payload.elapsed,
        wrong_modules: wrong + corrected + second_wrong,
    })
}

/// The level of each module of the block code.
fn sample(luma: &Plane<'_>, place: &CodePlace) -> Vec<u32> {
    let (cell, plate) = (place.cell, place.plate);
    let rows = 1..=place.symbol.rows();
    rows.flat_map(|row| (1..=place.symbol.columns()).map(move |column| (column, row)))
        .map(|(column, row)| level(luma, (plate.x + column * cell, plate.y + row * cell), cell))
        .collect()
}

/// Mean luma of the centre of a module: its edges are where encoders smear.
fn level(luma: &Plane<'_>, (x, y): (usize, usize), side: usize) -> u32 {
    let centre = side / 4..side - side / 4;
    let sum: u32 = centre
        .clone()
        .flat_map(|dy| &luma.row(y + dy)[x + centre.start..x + centre.end])
        .map(|p| u32::from(*p))
        .sum();
    // A centre has at least 2 × 2 pixels, because a module has at least 4 × 4.
    sum / (centre.len() * centre.len()) as u32
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::media::band::{BandMode, Layout};

    /// A frame with nothing but its codes on mid grey.
    fn frame(width: usize, payload: Payload, dark: u8, light: u8) -> (Vec<u8>, Layout) {
        let l = Layout::new(width, 64, BandMode::Above).unwrap();
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
        for (i, is_light) in seconds::modules(payload.since).into_iter().enumerate() {
            let (x, y) = l.code.second_module(i);
            for y in y..y + l.code.module {
                luma[y * l.width + x..][..l.code.module].fill(if is_light { light } else { dark });
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
            start: 0,
            elapsed: true,
            since: 7,
        };
        for width in [160, 238, 240, 480, 854, 1920, 3840, 8192] {
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
            start: 7,
            elapsed: false,
            since: 0,
        };
        let (mut luma, l) = frame(640, payload, 16, 235);
        let (w, plate) = (l.width, l.code.plate);
        for y in plate.y + 4..plate.y + 28 {
            luma[y * w + plate.x + 20..y * w + plate.x + 80].fill(235);
        }
        let plane = Plane::new(&luma, w, w, l.height).unwrap();
        assert_eq!(read(&plane), Err(ReadError::Damaged));
    }

    #[test]
    fn painted_out_seconds_are_damaged_and_still_name_the_recording() {
        let id = RecordingId::new(*b"abcdefghij");
        let payload = Payload {
            id,
            start: 1_000,
            elapsed: false,
            since: 1_234,
        };
        for (part, shade) in [(1, 16), (2, 16), (1, 235)] {
            let (mut luma, l) = frame(640, payload, 16, 235);
            let (w, seconds) = (l.width, l.code.seconds);
            for y in seconds.y..seconds.y + seconds.height / part {
                luma[y * w + seconds.x..][..seconds.width].fill(shade);
            }
            let plane = Plane::new(&luma, w, w, l.height).unwrap();
            assert_eq!(read(&plane), Err(ReadError::SecondsDamaged { id }));
        }
    }

    #[test]
    fn a_second_beyond_the_last_that_has_a_code_reads_as_that_one() {
        let payload = Payload {
            id: RecordingId::new(*b"abcdefghij"),
            start: 1_000,
            elapsed: false,
            since: seconds::LAST + 5,
        };
        let (luma, l) = frame(640, payload, 16, 235);
        let plane = Plane::new(&luma, l.width, l.width, l.height).unwrap();
        let second = read(&plane).unwrap().second;
        assert_eq!(second, 1_000 + seconds::LAST);
        assert_eq!(second, payload.coded_second());
    }

    proptest! {
        /// Noise of up to ±90 levels on every pixel averages out in the centres.
        #[test]
        fn noise_does_not_change_what_is_read(
            id: [u8; 10], start: u32, since in 0..=seconds::LAST, seed: u64,
        ) {
            let payload = Payload { id: RecordingId::new(id), start, elapsed: false, since };
            let (mut luma, l) = frame(640, payload, 16, 235);
            let mut state = seed | 1;
            for p in &mut luma {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let noise = (state >> 33) as i32 % 181 - 90;
                *p = (i32::from(*p) + noise).clamp(0, 255) as u8;
            }
            let plane = Plane::new(&luma, l.width, l.width, l.height).unwrap();
            let got = read(&plane).unwrap();
            prop_assert_eq!((got.id, got.second), (payload.id, payload.second()));
        }

        /// A frame of anything is an answer, never a panic.
        #[test]
        fn any_frame_gets_an_answer(w in 1usize..300, h in 1usize..120, seed: u8) {
            let luma: Vec<u8> = (0..w * h).map(|i| (i as u8).wrapping_mul(seed)).collect();
            let _ = read(&Plane::new(&luma, w, w, h).unwrap());
        }
    }
}
