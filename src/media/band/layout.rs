//! Where everything stands. The canvas is the band and, below it, the picture, padded to what every
//! codec carries; where the codes stand follows from the frame's width.
//!
//! ```text
//! ┌─────────────────┬─────────┬────┐      ┌───────────────┐
//! │ text            │ seconds │ id │      │ text          │
//! ├─────────────────┴─────────┴────┤      │  seconds, id  │
//! │            picture             │      ├───────────────┤
//! │                                │      │    picture    │
//! └────────────────────────────────┘      └───────────────┘
//!          480 and wider                      narrower
//! ```
//!
//! Above the picture rather than below, and in whole superblocks (in narrow frames also half a one
//! more), because that is nearly free: hardly a block of an encoder holds both a still band and a
//! moving picture. Forty rows below the picture made an action camera's file a tenth larger and its picture worse; 64 rows above cost
//! one hundredth (854x480, SVT-AV1 1.4, preset 12).

use serde::{Deserialize, Serialize};

use super::{BandError, Symbol, seconds};
use crate::recording::{Finding, FindingKind};

/// Smallest picture that every codec carries, across and down: SVT-AV1 refuses less.
const PICTURE_MIN: usize = 64;
/// Smallest canvas: the seconds of a narrow frame are 160 pixels wide.
const CANVAS_WIDTH_MIN: usize = 160;
/// Largest side of a picture: what AV1 and HEVC levels end at, and no sum below can overflow.
const SIDE_MAX: usize = 16_384;
/// From this width on the long code fits beside the seconds: 50 cells of 4 pixels and 40 pixels.
const LONG_CODE_FROM: usize = 240;
/// From this width on text and codes stand side by side.
/// Below it two lines at the left of the codes would be smaller than 12 pixels.
const BESIDE_FROM: usize = 480;
/// Rows of the text above a long code: two lines.
const TWO_LINES: usize = 2 * 16;
/// Rows of the text above a short code: four lines.
const FOUR_LINES: usize = 4 * 14;
/// Pixels of a module of the block code at least. Less does not survive a second encoding at
/// archive quality.
const CELL_MIN: usize = 4;
/// Such a module has a pixel for each of these many pixels of width, so that a large frame still
/// shows its code after it was shrunk for the web.
const CELL_PER_WIDTH: usize = 384;
/// Rows and columns of an encoder's largest block: the superblock of AV1 and HEVC.
const SUPERBLOCK: usize = 64;
/// The grid of an encoder's smaller blocks. A module of the seconds is a multiple of it and stands
/// on it, so that one that changes touches no other.
const BLOCK: usize = 8;

/// Where the band goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BandMode {
    /// Above the picture; no pixel of it is covered.
    #[default]
    Above,
    /// Over the top rows of the picture, half transparent; the frame keeps its size.
    Overlay,
}

/// A rectangle in luma pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rect {
    /// Its left column.
    pub x: usize,
    /// Its top row.
    pub y: usize,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl Rect {
    /// From its upper left corner on.
    #[must_use]
    pub const fn new(x: usize, y: usize, width: usize, height: usize) -> Self {
        Self {
            x,
            y,
            width,
            height,
        }
    }

    /// Whether a pixel lies in it.
    pub(super) fn contains(&self, x: usize, y: usize) -> bool {
        (self.x..self.x + self.width).contains(&x) && (self.y..self.y + self.height).contains(&y)
    }
}

/// Rows and columns that repeat the picture's edge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Padding {
    /// Columns to the right of the picture.
    pub right: usize,
    /// Rows below the picture, the band not counted.
    pub bottom: usize,
}

/// Where the codes stand in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodePlace {
    /// Which symbol names the recording.
    pub symbol: Symbol,
    /// Pixels of its modules, across and down.
    pub cell: usize,
    /// The plate that it stands on: the symbol and one module of light around it.
    pub plate: Rect,
    /// Where the seconds stand.
    pub seconds: Rect,
    /// Pixels of their modules, across and down.
    pub module: usize,
    /// Rows of the band, from the frame's top on.
    pub band_rows: usize,
}

impl CodePlace {
    /// Where a frame of this width has its codes; nothing when it is too narrow to carry them.
    /// This is all that a reader has to know.
    #[must_use]
    pub fn in_width(width: usize) -> Option<Self> {
        let symbol = if width < LONG_CODE_FROM {
            Symbol::Short
        } else {
            Symbol::Long
        };
        let cell = CELL_MIN.max(width / CELL_PER_WIDTH);
        let (across, down) = ((symbol.columns() + 2) * cell, (symbol.rows() + 2) * cell);
        let left = width.checked_sub(across)?;
        let on_grid = |x: usize| x / BLOCK * BLOCK;
        let (seconds, plate_y, module, band_rows) = match width {
            BESIDE_FROM.. => {
                let rows = down.next_multiple_of(SUPERBLOCK);
                let module = rows / seconds::BLOCK_MODULES;
                let wide = seconds::BLOCKS * module;
                let x = on_grid(left.checked_sub(wide + module)?);
                (Rect::new(x, 0, wide, rows), (rows - down) / 2, module, rows)
            }
            LONG_CODE_FROM.. => {
                let wide = seconds::BLOCKS * BLOCK;
                let x = on_grid(left.checked_sub(wide)?);
                let seconds = Rect::new(x, TWO_LINES, wide, SUPERBLOCK);
                let plate_y = TWO_LINES + (SUPERBLOCK - down) / 2;
                (seconds, plate_y, BLOCK, TWO_LINES + SUPERBLOCK)
            }
            _ => {
                let (wide, y) = (seconds::MODULES / 2 * BLOCK, FOUR_LINES + down);
                let x = on_grid(width.checked_sub(wide)?);
                let seconds = Rect::new(x, y, wide, 2 * BLOCK);
                (seconds, FOUR_LINES, BLOCK, y + 2 * BLOCK)
            }
        };
        Some(Self {
            symbol,
            cell,
            plate: Rect::new(left, plate_y, across, down),
            seconds,
            module,
            band_rows,
        })
    }

    /// Top left pixel of module `index` of the seconds. A block of them is a column, or four
    /// across and two down where they stand in two rows.
    pub(super) fn second_module(&self, index: usize) -> (usize, usize) {
        let across = self.seconds.width / self.module / seconds::BLOCKS;
        let (block, module) = (
            index / seconds::BLOCK_MODULES,
            index % seconds::BLOCK_MODULES,
        );
        (
            self.seconds.x + (block * across + module % across) * self.module,
            self.seconds.y + module / across * self.module,
        )
    }
}

/// Canvas and band for pictures of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Where the band goes.
    pub mode: BandMode,
    /// The picture, at the canvas's left edge, before padding.
    pub picture: Rect,
    /// What was added to it.
    pub padding: Padding,
    /// Width of the canvas, even.
    pub width: usize,
    /// Height of the canvas, even.
    pub height: usize,
    /// The band: full width, at the top, even in height.
    pub band: Rect,
    /// Where text may stand in the band.
    pub text: Rect,
    /// Lines that the text has room for.
    pub lines: usize,
    /// Where the codes stand.
    pub code: CodePlace,
}

impl Layout {
    /// The layout for pictures of `width` × `height` pixels.
    ///
    /// # Errors
    /// [`BandError::PictureSize`] for an empty picture or a side beyond 16,384 pixels.
    pub fn new(width: usize, height: usize, mode: BandMode) -> Result<Self, BandError> {
        let refuse = BandError::PictureSize { width, height };
        if width == 0 || height == 0 || width > SIDE_MAX || height > SIDE_MAX {
            return Err(refuse);
        }
        let canvas_width = width.next_multiple_of(2).max(CANVAS_WIDTH_MIN);
        let code = CodePlace::in_width(canvas_width).ok_or(refuse)?;
        let rows = code.band_rows;
        let padded = height.next_multiple_of(2).max(PICTURE_MIN);
        let (picture_y, canvas_height) = match mode {
            BandMode::Above => (rows, rows + padded),
            BandMode::Overlay => (0, padded.max(rows)),
        };
        let margin = 2 * code.cell;
        let (text, lines) = match canvas_width {
            BESIDE_FROM.. => (Rect::new(margin, 0, code.seconds.x - 2 * margin, rows), 2),
            LONG_CODE_FROM.. => (Rect::new(4, 0, canvas_width - 8, TWO_LINES), 2),
            _ => (Rect::new(4, 0, canvas_width - 8, FOUR_LINES), 4),
        };
        Ok(Self {
            mode,
            picture: Rect::new(0, picture_y, width, height),
            padding: Padding {
                right: canvas_width - width,
                bottom: canvas_height - picture_y - height,
            },
            width: canvas_width,
            height: canvas_height,
            band: Rect::new(0, 0, canvas_width, rows),
            text,
            lines,
            code,
        })
    }

    /// What padding means for the rendition; nothing when the picture needed none.
    #[must_use]
    pub fn finding(&self) -> Option<Finding> {
        let Padding { right, bottom } = self.padding;
        (right > 0 || bottom > 0).then(|| {
            let Rect { width, height, .. } = self.picture;
            Finding::new(
                FindingKind::NormalisedPadding,
                format!(
                    "The picture of {width}x{height} was padded to {}x{} by repeating its edge.",
                    width + right,
                    height + bottom
                ),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_band_keeps_to_the_encoders_blocks_and_pads_only_what_must_be() {
        // width, height -> canvas, band rows, cell, module of the seconds, padding
        for (w, h, canvas, band, cell, module, padding) in [
            (1920, 1080, (1920, 1144), 64, 5, 8, (0, 0)),
            (854, 480, (854, 544), 64, 4, 8, (0, 0)),
            (3840, 2160, (3840, 2288), 128, 10, 16, (0, 0)),
            (2304, 1296, (2304, 1360), 64, 6, 8, (0, 0)),
            (320, 240, (320, 336), 96, 4, 8, (0, 0)),
            (176, 144, (176, 272), 128, 4, 8, (0, 0)),
            (641, 359, (642, 424), 64, 4, 8, (1, 1)),
            (16, 16, (160, 192), 128, 4, 8, (144, 48)),
        ] {
            let l = Layout::new(w, h, BandMode::Above).unwrap();
            assert_eq!((l.width, l.height), canvas, "{w}x{h}");
            assert_eq!((l.band.height, l.code.cell), (band, cell), "{w}x{h}");
            assert_eq!((l.picture.y, l.code.module), (band, module), "{w}x{h}");
            assert_eq!((l.padding.right, l.padding.bottom), padding, "{w}x{h}");
            assert_eq!(l.finding().is_some(), padding != (0, 0));
        }
        let over = Layout::new(1920, 1080, BandMode::Overlay).unwrap();
        assert_eq!((over.width, over.height, over.picture.y), (1920, 1080, 0));
    }

    #[test]
    fn an_impossible_picture_is_refused() {
        for (w, h) in [(0, 10), (10, 0), (16_385, 10), (10, usize::MAX)] {
            let refused = Layout::new(w, h, BandMode::Above);
            assert!(
                matches!(refused, Err(BandError::PictureSize { .. })),
                "{w}x{h}"
            );
        }
    }

    proptest! {
        /// For every size: all sides even, everything inside the canvas and apart, and the codes
        /// where a reader who knows only the frame looks for them.
        #[test]
        fn a_layout_holds_together(w in 1usize..=8_192, h in 1usize..=8_192, over: bool) {
            let mode = if over { BandMode::Overlay } else { BandMode::Above };
            let l = Layout::new(w, h, mode).unwrap();
            let right = |r: Rect| r.x + r.width;
            let bottom = |r: Rect| r.y + r.height;
            prop_assert!(l.width.is_multiple_of(2) && l.height.is_multiple_of(2));
            prop_assert!(l.band.height.is_multiple_of(32));
            prop_assert!(l.width >= 160 && l.height >= 64);
            prop_assert_eq!((l.band.y, right(l.band)), (0, l.width));
            prop_assert_eq!(Some(l.code), CodePlace::in_width(l.width));
            let (plate, seconds) = (l.code.plate, l.code.seconds);
            for part in [plate, seconds, l.text] {
                prop_assert!(right(part) <= l.width && bottom(part) <= l.band.height, "{part:?}");
            }
            let apart = |a: Rect, b: Rect| right(a) <= b.x || bottom(a) <= b.y;
            prop_assert!(apart(l.text, plate) && apart(l.text, seconds));
            prop_assert!(apart(seconds, plate) || apart(plate, seconds));
            prop_assert!(seconds.x.is_multiple_of(8) && seconds.y.is_multiple_of(8));
            prop_assert!(l.code.cell >= 4 && l.code.module >= 8);
            prop_assert!(l.text.width >= 150 && l.text.height / l.lines >= 14);
            prop_assert_eq!(l.picture.y + h + l.padding.bottom, l.height);
            prop_assert_eq!(w + l.padding.right, l.width);
            let corners: std::collections::HashSet<_> =
                (0..seconds::MODULES).map(|i| l.code.second_module(i)).collect();
            prop_assert_eq!(corners.len(), seconds::MODULES);
            for (x, y) in corners {
                prop_assert!(x >= seconds.x && x + l.code.module <= right(seconds));
                prop_assert!(y >= seconds.y && y + l.code.module <= bottom(seconds));
            }
        }
    }
}
