//! Frames as slices: 8-bit planar YUV that somebody else owns. Bounds are checked once, when the
//! view is made, so that painting a row afterwards cannot fail.

use super::BandError;

/// One plane to read from.
#[derive(Clone, Copy, Debug)]
pub struct Plane<'a> {
    data: &'a [u8],
    stride: usize,
    width: usize,
    height: usize,
}

/// One plane to write to.
#[derive(Debug)]
pub struct PlaneMut<'a> {
    data: &'a mut [u8],
    stride: usize,
    width: usize,
    height: usize,
}

fn check_plane(bytes: usize, stride: usize, width: usize, height: usize) -> Result<(), BandError> {
    let need = height
        .checked_sub(1)
        .and_then(|rows| rows.checked_mul(stride))
        .and_then(|n| n.checked_add(width));
    match need {
        Some(need) if width > 0 && stride >= width && bytes >= need => Ok(()),
        _ => Err(BandError::PlaneShort {
            width,
            height,
            stride,
            bytes,
        }),
    }
}

impl<'a> Plane<'a> {
    /// A view of `height` rows of `width` samples, `stride` bytes apart.
    ///
    /// # Errors
    /// [`BandError::PlaneShort`] when the bytes do not hold that.
    pub fn new(
        data: &'a [u8],
        stride: usize,
        width: usize,
        height: usize,
    ) -> Result<Self, BandError> {
        check_plane(data.len(), stride, width, height)?;
        Ok(Self {
            data,
            stride,
            width,
            height,
        })
    }

    /// Width in samples.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in rows.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// The samples of row `y`, which must be less than the height.
    #[must_use]
    pub fn row(&self, y: usize) -> &'a [u8] {
        &self.data[y * self.stride..][..self.width]
    }
}

impl<'a> PlaneMut<'a> {
    /// A view of `height` rows of `width` samples, `stride` bytes apart.
    ///
    /// # Errors
    /// [`BandError::PlaneShort`] when the bytes do not hold that.
    pub fn new(
        data: &'a mut [u8],
        stride: usize,
        width: usize,
        height: usize,
    ) -> Result<Self, BandError> {
        check_plane(data.len(), stride, width, height)?;
        Ok(Self {
            data,
            stride,
            width,
            height,
        })
    }

    /// Width in samples.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in rows.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// The samples of row `y`, which must be less than the height.
    pub fn row(&mut self, y: usize) -> &mut [u8] {
        &mut self.data[y * self.stride..][..self.width]
    }

    /// The same plane, to read.
    #[must_use]
    pub fn view(&self) -> Plane<'_> {
        Plane {
            data: self.data,
            stride: self.stride,
            width: self.width,
            height: self.height,
        }
    }

    /// Copies `from` to the left edge from row `top` on, and repeats its last column and row to the
    /// edges.
    fn fill_from(&mut self, from: &Plane<'_>, top: usize) {
        let width = from.width.min(self.width);
        let rows = from.height.min(self.height.saturating_sub(top));
        for y in 0..rows {
            let (picture, padding) = self.row(top + y).split_at_mut(width);
            picture.copy_from_slice(&from.row(y)[..width]);
            padding.fill(picture[width - 1]);
        }
        let Some(last) = (top + rows).checked_sub(1) else {
            return;
        };
        let last = last * self.stride;
        for y in top + rows..self.height {
            self.data
                .copy_within(last..last + self.width, y * self.stride);
        }
    }
}

/// A whole frame to read from.
#[derive(Clone, Copy, Debug)]
pub struct Planes<'a> {
    /// Luma.
    pub y: Plane<'a>,
    /// Blue difference.
    pub u: Plane<'a>,
    /// Red difference.
    pub v: Plane<'a>,
    /// How many times chroma is halved, across and down: (1, 1) is 4:2:0, (1, 0) 4:2:2, (0, 0) 4:4:4.
    pub chroma_shift: (u8, u8),
    /// Luma runs over 0–255 instead of 16–235.
    pub full_range: bool,
}

/// A whole frame to write to.
#[derive(Debug)]
pub struct PlanesMut<'a> {
    /// Luma.
    pub y: PlaneMut<'a>,
    /// Blue difference.
    pub u: PlaneMut<'a>,
    /// Red difference.
    pub v: PlaneMut<'a>,
    /// How many times chroma is halved, across and down: (1, 1) is 4:2:0, (1, 0) 4:2:2, (0, 0) 4:4:4.
    pub chroma_shift: (u8, u8),
    /// Luma runs over 0–255 instead of 16–235.
    pub full_range: bool,
}

/// Length of a chroma row or column for `luma` samples; an odd sample has chroma of its own.
pub(super) fn halved(luma: usize, shift: u8) -> usize {
    luma.div_ceil(1 << shift.min(1))
}

/// Copies a decoded picture to the left edge of a canvas, from luma row `top` on, which is even.
/// What the canvas has more, to the right and below, repeats the picture's edge; the rows above are
/// the painter's.
///
/// # Errors
/// [`BandError::PlanesDiffer`] when the chroma formats differ: this copies, it does not convert.
pub fn fit(picture: &Planes<'_>, top: usize, canvas: &mut PlanesMut<'_>) -> Result<(), BandError> {
    if picture.chroma_shift != canvas.chroma_shift {
        return Err(BandError::PlanesDiffer {
            expected: format!("chroma shift {:?}", picture.chroma_shift),
            got: format!("{:?}", canvas.chroma_shift),
        });
    }
    let chroma_top = halved(top, picture.chroma_shift.1);
    canvas.y.fill_from(&picture.y, top);
    canvas.u.fill_from(&picture.u, chroma_top);
    canvas.v.fill_from(&picture.v, chroma_top);
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_plane_shorter_than_it_claims_is_refused() {
        for (bytes, stride, width, height, good) in [
            (100, 10, 10, 10, true),
            (98, 10, 8, 10, true), // the last row needs no padding
            (97, 10, 8, 10, false),
            (100, 5, 10, 10, false),
            (100, 10, 0, 10, false),
            (100, 10, 10, 0, false),
            (100, usize::MAX, 10, 10, false),
        ] {
            let data = vec![0; bytes];
            let made = Plane::new(&data, stride, width, height);
            assert_eq!(made.is_ok(), good, "{bytes} {stride} {width}x{height}");
        }
    }

    #[test]
    fn what_the_canvas_has_more_repeats_the_picture_edge() {
        let source: Vec<u8> = (1..=6).collect(); // 3x2: 1 2 3 / 4 5 6
        let from = Plane::new(&source, 3, 3, 2).unwrap();
        let mut data = vec![0; 7 * 5];
        let mut canvas = PlaneMut::new(&mut data, 7, 5, 5).unwrap();
        canvas.fill_from(&from, 1);
        let rows: Vec<_> = data.chunks(7).map(|r| &r[..5]).collect();
        assert_eq!(
            rows,
            [
                [0, 0, 0, 0, 0], // the painter's
                [1, 2, 3, 3, 3],
                [4, 5, 6, 6, 6],
                [4, 5, 6, 6, 6],
                [4, 5, 6, 6, 6]
            ]
        );
        assert!(
            data.chunks(7).all(|r| r[5..] == [0, 0]),
            "bytes beyond the width are not ours"
        );
    }
}
