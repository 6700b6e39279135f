//! The sheet as rows of RGB: a title, and below it pictures in a grid, each with its time.

use gstreamer as gst;

use super::with_rows;
use crate::media::{
    band::{Rect, Typesetter},
    protocol::Fault,
};

/// A picture's box: as wide as five of them fill a page, and no taller than a portrait needs.
const CELL_MAX: (f64, f64) = (320.0, 480.0);
/// Pictures side by side.
const COLUMNS_MAX: usize = 5;
/// Ground between pictures.
const GAP: usize = 8;
/// Height of a line with a time.
const TIME: usize = 26;
/// Height of the title.
const TITLE: usize = 36;
/// Light of the ground.
const GROUND: u8 = 24;
/// Bytes of a pixel.
const PIXEL: usize = 3;

/// Where everything stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    cell: (usize, usize),
    /// Pictures side by side.
    pub columns: usize,
    /// Width of the sheet, a multiple of four.
    pub width: usize,
    /// Height of the sheet.
    pub height: usize,
}

/// A picture of this shape, as large as its box allows.
pub fn fitted(width: f64, height: f64) -> (usize, usize) {
    let scale = (CELL_MAX.0 / width).min(CELL_MAX.1 / height);
    // To even numbers: subsampled chroma has no half of a pixel.
    let side = |n: f64, max: f64| ((n * scale / 2.0).round().clamp(1.0, max / 2.0) * 2.0) as usize;
    (side(width, CELL_MAX.0), side(height, CELL_MAX.1))
}

impl Grid {
    /// For so many pictures of this size.
    pub fn new(cells: usize, cell: (usize, usize)) -> Self {
        let columns = cells.clamp(1, COLUMNS_MAX);
        let rows = cells.div_ceil(columns).max(1);
        let width = GAP + columns * (cell.0 + GAP);
        let height = TITLE + rows * (cell.1 + TIME + GAP);
        Self {
            cell,
            columns,
            width: width.next_multiple_of(4),
            height: height.next_multiple_of(2),
        }
    }

    /// The upper left corner of a picture.
    const fn corner(&self, n: usize) -> (usize, usize) {
        let (column, row) = (n % self.columns, n / self.columns);
        let (width, height) = self.cell;
        (
            GAP + column * (width + GAP),
            TITLE + row * (height + TIME + GAP),
        )
    }
}

/// The sheet being drawn.
pub struct Canvas {
    grid: Grid,
    typesetter: Typesetter,
    rows: Vec<u8>,
}

impl Canvas {
    /// An empty one.
    pub fn new(grid: Grid, typesetter: Typesetter) -> Self {
        Self {
            grid,
            typesetter,
            rows: vec![GROUND; grid.width * grid.height * PIXEL],
        }
    }

    /// Puts a picture in its place.
    ///
    /// # Errors
    /// When it is not what the decoder was told to give.
    pub fn picture(&mut self, n: usize, sample: &gst::Sample) -> Result<(), Fault> {
        let (left, top) = self.grid.corner(n);
        let (width, height) = self.grid.cell;
        let (bytes, stride) = (width * PIXEL, self.grid.width * PIXEL);
        let rows = &mut self.rows;
        with_rows(sample, |data, from_stride| {
            for y in 0..height {
                let at = (top + y) * stride + left * PIXEL;
                let from = data.get(y * from_stride..).and_then(|row| row.get(..bytes));
                if let (Some(to), Some(from)) = (rows.get_mut(at..at + bytes), from) {
                    to.copy_from_slice(from);
                }
            }
        })
    }

    /// Writes a picture's time below it.
    pub fn time(&mut self, n: usize, text: &str) {
        let (left, top) = self.grid.corner(n);
        let (width, height) = self.grid.cell;
        self.write(text, Rect::new(left, top + height, width, TIME));
    }

    /// Writes what stands above all pictures.
    pub fn title(&mut self, text: &str) {
        let width = self.grid.width.saturating_sub(2 * GAP);
        self.write(text, Rect::new(GAP, 0, width, TITLE));
    }

    /// Rows of three bytes a pixel, without gaps.
    pub fn rows(self) -> Vec<u8> {
        self.rows
    }

    fn write(&mut self, text: &str, room: Rect) {
        // Drawn on a strip of its own, as wide as the sheet.
        let mut light = vec![0; self.grid.width * room.height];
        let strip = Rect::new(room.x, 0, room.width, room.height);
        let lines = [text.to_owned()];
        let stride = self.grid.width;
        self.typesetter
            .draw(&lines, strip, 1, true, &mut light, stride);
        let from = room.y * stride * PIXEL;
        let pixels = self.rows.get_mut(from..).unwrap_or_default();
        for (pixel, light) in pixels.chunks_exact_mut(PIXEL).zip(light) {
            for part in pixel {
                *part = (*part).max(light);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_picture_has_a_place_of_its_own_on_the_sheet() {
        for (width, height, cell) in [
            (1_920.0, 1_120.0, (320, 186)),
            (1_080.0, 1_960.0, (264, 480)),
            (64.0, 104.0, (296, 480)),
            (20_000.0, 2.0, (320, 2)),
        ] {
            assert_eq!(fitted(width, height), cell);
            for cells in 1..=20 {
                let grid = Grid::new(cells, cell);
                let (left, top) = grid.corner(cells - 1);
                assert!(left + cell.0 < grid.width, "{cells}");
                assert!(top + cell.1 + TIME < grid.height, "{cells}");
                assert!(grid.width <= 1_652 && grid.height <= 2_100, "{grid:?}");
            }
        }
    }
}
