//! Where everything stands. The canvas is the picture, padded to what every codec carries, and
//! the band; the code stands in its bottom right corner at a place that follows from the width.
//!
//! ```text
//! ┌───────────────────────────────┐      ┌───────────────┐
//! │                               │      │    picture    │
//! │            picture            │      ├───────────────┤
//! │                               │      │ text          │
//! ├──────────────────────┬────────┤      │ text          │
//! │ text                 │  code  │      ├──────┬────────┤
//! └──────────────────────┴────────┘      │      │  code  │
//!          480 and wider                 └──────┴────────┘ narrower
//! ```

use serde::{Deserialize, Serialize};

use super::{BandError, Symbol};
use crate::recording::{Finding, FindingKind};

/// Smallest picture that every codec carries, across and down: SVT-AV1 refuses less.
const PICTURE_MIN: usize = 64;
/// Smallest canvas: the short code is 152 pixels wide.
const CANVAS_WIDTH_MIN: usize = 160;
/// Largest side of a picture: what AV1 and HEVC levels end at, and no sum below can overflow.
const SIDE_MAX: usize = 16_384;
/// From this width on the long code fits: 50 cells of 4 pixels.
const LONG_CODE_FROM: usize = 208;
/// From this width on text and code stand side by side.
/// Below it two lines at the left of the code would be smaller than 12 pixels.
const BESIDE_FROM: usize = 480;
/// From this width on the stacked text needs two lines instead of four.
const TWO_LINES_FROM: usize = 320;
/// Pixels of a module at least. Less does not survive a second encoding at archive quality.
const CELL_MIN: usize = 4;
/// A module has a pixel for each of these many pixels of width, so that a large frame still shows
/// its code after it was shrunk for the web.
const CELL_PER_WIDTH: usize = 384;

/// Where the band goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BandMode {
    /// Below the picture; no pixel of it is covered.
    #[default]
    Below,
    /// Over the bottom rows of the picture, half transparent; the frame keeps its size.
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

/// Rows and columns that repeat the picture's edge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Padding {
    /// Columns to the right of the picture.
    pub right: usize,
    /// Rows below the picture, the band not counted.
    pub bottom: usize,
}

/// Where the code stands in a frame, its quiet zone included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodePlace {
    /// Which symbol.
    pub symbol: Symbol,
    /// Pixels of a module, across and down.
    pub cell: usize,
    /// The plate that it stands on: the symbol and one module of light around it.
    pub plate: Rect,
}

impl CodePlace {
    /// Where a frame of this size has its code; nothing when it is too small to carry one. This
    /// is all that a reader has to know.
    #[must_use]
    pub fn in_frame(width: usize, height: usize) -> Option<Self> {
        let symbol = if width < LONG_CODE_FROM {
            Symbol::Short
        } else {
            Symbol::Long
        };
        let cell = CELL_MIN.max(width / CELL_PER_WIDTH);
        let (across, down) = ((symbol.columns() + 2) * cell, (symbol.rows() + 2) * cell);
        Some(Self {
            symbol,
            cell,
            plate: Rect {
                x: width.checked_sub(across)?,
                y: height.checked_sub(down)?,
                width: across,
                height: down,
            },
        })
    }
}

/// Canvas and band for pictures of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Where the band goes.
    pub mode: BandMode,
    /// The picture, at the top left of the canvas, before padding.
    pub picture: Rect,
    /// What was added to it.
    pub padding: Padding,
    /// Width of the canvas, even.
    pub width: usize,
    /// Height of the canvas, even.
    pub height: usize,
    /// The band: full width, at the bottom, even in height and position.
    pub band: Rect,
    /// Where text may stand in the band.
    pub text: Rect,
    /// Lines that the text has room for.
    pub lines: usize,
    /// Where the code stands.
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
        // The height does not matter to the code's size; any that holds it will do.
        let code = CodePlace::in_frame(canvas_width, SIDE_MAX).ok_or(refuse.clone())?;
        let beside = canvas_width >= BESIDE_FROM;
        let (lines, text_rows) = match canvas_width {
            BESIDE_FROM.. => (2, code.plate.height),
            TWO_LINES_FROM.. => (2, 2 * 16),
            _ => (4, 4 * 15),
        };
        let band_rows = if beside {
            code.plate.height
        } else {
            text_rows + code.plate.height
        }
        .next_multiple_of(2);
        let padded = height.next_multiple_of(2).max(PICTURE_MIN);
        let (picture_rows, canvas_height) = match mode {
            BandMode::Below => (padded, padded + band_rows),
            BandMode::Overlay => (padded.max(band_rows), padded.max(band_rows)),
        };
        let code = CodePlace::in_frame(canvas_width, canvas_height).ok_or(refuse)?;
        let top = canvas_height - band_rows;
        let margin = 2 * code.cell;
        Ok(Self {
            mode,
            picture: Rect {
                x: 0,
                y: 0,
                width,
                height,
            },
            padding: Padding {
                right: canvas_width - width,
                bottom: picture_rows - height,
            },
            width: canvas_width,
            height: canvas_height,
            band: Rect {
                x: 0,
                y: top,
                width: canvas_width,
                height: band_rows,
            },
            text: if beside {
                Rect {
                    x: margin,
                    y: top,
                    width: code.plate.x - 2 * margin,
                    height: band_rows,
                }
            } else {
                Rect {
                    x: 4,
                    y: top,
                    width: canvas_width - 8,
                    height: text_rows,
                }
            },
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
    fn the_band_costs_no_more_rows_than_its_code_and_pads_only_what_must_be() {
        // width, height -> canvas, band rows, cell, padding
        for (w, h, canvas, band, cell, padding) in [
            (1920, 1080, (1920, 1130), 50, 5, (0, 0)),
            (854, 480, (854, 520), 40, 4, (0, 0)),
            (3840, 2160, (3840, 2260), 100, 10, (0, 0)),
            (2304, 1296, (2304, 1356), 60, 6, (0, 0)),
            (320, 240, (320, 312), 72, 4, (0, 0)),
            (176, 144, (176, 260), 116, 4, (0, 0)),
            (641, 359, (642, 400), 40, 4, (1, 1)),
            (16, 16, (160, 180), 116, 4, (144, 48)),
        ] {
            let l = Layout::new(w, h, BandMode::Below).unwrap();
            assert_eq!((l.width, l.height), canvas, "{w}x{h}");
            assert_eq!((l.band.height, l.code.cell), (band, cell), "{w}x{h}");
            assert_eq!((l.padding.right, l.padding.bottom), padding, "{w}x{h}");
            assert_eq!(l.finding().is_some(), padding != (0, 0));
        }
        let over = Layout::new(1920, 1080, BandMode::Overlay).unwrap();
        assert_eq!((over.width, over.height, over.band.y), (1920, 1080, 1030));
    }

    #[test]
    fn an_impossible_picture_is_refused() {
        for (w, h) in [(0, 10), (10, 0), (16_385, 10), (10, usize::MAX)] {
            let refused = Layout::new(w, h, BandMode::Below);
            assert!(
                matches!(refused, Err(BandError::PictureSize { .. })),
                "{w}x{h}"
            );
        }
    }

    proptest! {
        /// For every size: all sides even, everything inside the canvas and apart, and the code
        /// where a reader who knows only the frame looks for it.
        #[test]
        fn a_layout_holds_together(w in 1usize..=8_192, h in 1usize..=8_192, over: bool) {
            let mode = if over { BandMode::Overlay } else { BandMode::Below };
            let l = Layout::new(w, h, mode).unwrap();
            let right = |r: Rect| r.x + r.width;
            let bottom = |r: Rect| r.y + r.height;
            prop_assert!(l.width.is_multiple_of(2) && l.height.is_multiple_of(2));
            prop_assert!(l.band.y.is_multiple_of(2) && l.band.height.is_multiple_of(2));
            prop_assert!(l.width >= 160 && l.height >= 64);
            prop_assert_eq!((right(l.band), bottom(l.band)), (l.width, l.height));
            prop_assert_eq!(Some(l.code), CodePlace::in_frame(l.width, l.height));
            prop_assert_eq!((right(l.code.plate), bottom(l.code.plate)), (l.width, l.height));
            prop_assert!(l.code.plate.y >= l.band.y && l.code.cell >= 4);
            prop_assert!(right(l.text) <= l.width && bottom(l.text) <= l.height);
            prop_assert!(right(l.text) <= l.code.plate.x || bottom(l.text) <= l.code.plate.y);
            prop_assert!(l.text.width >= 150 && l.text.height / l.lines >= 15);
            let picture_rows = if over { l.height } else { l.band.y };
            prop_assert_eq!(h + l.padding.bottom, picture_rows);
            prop_assert_eq!(w + l.padding.right, l.width);
        }
    }
}
