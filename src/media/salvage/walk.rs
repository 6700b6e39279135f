//! The pictures in media without an index: each begins with a unit whose length stands before it, and
//! what lies between two pictures is sound or something else.

use std::ops::Range;

use super::{
    bytes::{BEAT_BYTES, Bytes},
    units::{LOOK_BYTES, Slice, Unit, Units},
};

/// Bytes of a unit, whatever the recorder's others have.
const UNIT_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Bytes of a unit that are believed of any recorder.
const UNIT_BYTES_USUAL: u64 = 1024 * 1024;
/// Numbers by which a picture may be ahead of the one before: some of a recorder's may be lost.
const AHEAD_MAX: u32 = 3;
/// Bytes without a picture behind which the next one need not go on where the last one ended.
const LOST_BYTES: u64 = 4 * 1024 * 1024;
/// Pictures, and stretches between them, of one recording: a shift at 60 a second, and a hundred megabytes.
const PIECES_MAX: usize = 2_000_000;

/// A picture, by where its bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Picture {
    pub at: u64,
    pub bytes: u32,
    pub slice: Slice,
}

/// What media consists of.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// In the order of the file.
    pub pictures: Vec<Picture>,
    /// What lies between them, in the order of the file.
    pub between: Vec<Range<u64>>,
    /// Bytes at the end that belong to a picture that is not whole.
    pub lost_bytes: u64,
}

/// Walks over media.
pub(super) struct Walk<'a> {
    bytes: Bytes<'a>,
    units: Units,
    length: usize,
    unit_max: u64,
    last: Option<Slice>,
}

/// What begins at a place.
enum There {
    Picture(Picture),
    /// A picture whose end is not in the file.
    Cut,
    Other,
}

struct Read {
    unit: Unit,
    size: u64,
}

impl<'a> Walk<'a> {
    /// With the parameter sets and the bytes of a length; `largest` is that of another recording of the
    /// same recorder.
    pub(super) fn new(bytes: Bytes<'a>, units: Units, length: usize, largest: Option<u32>) -> Self {
        let usual = u64::from(largest.unwrap_or(0)).saturating_mul(4);
        Self {
            bytes,
            units,
            length,
            unit_max: usual.clamp(UNIT_BYTES_USUAL, UNIT_BYTES_MAX),
            last: None,
        }
    }

    /// Walks from there to the end.
    pub(super) fn run(mut self, begin: u64, beat: &mut dyn FnMut()) -> (Found, Units) {
        let mut found = Found::default();
        let mut at = begin;
        let end = self.bytes.end();
        let mut there = self.there(at, false);
        while at < end && found.pictures.len() + found.between.len() < PIECES_MAX {
            beat();
            match there {
                There::Picture(picture) => {
                    at += u64::from(picture.bytes);
                    self.last = Some(picture.slice);
                    found.pictures.push(picture);
                    there = self.there(at, false);
                }
                There::Cut => {
                    found.lost_bytes = end - at;
                    break;
                }
                There::Other => {
                    let next;
                    (next, there) = self.next_picture(at, beat);
                    found.between.push(at..next);
                    at = next;
                }
            }
        }
        (found, self.units)
    }

    /// Where the next picture begins, and it; the end where there is none.
    fn next_picture(&mut self, from: u64, beat: &mut dyn FnMut()) -> (u64, There) {
        let end = self.bytes.end();
        let mut at = from;
        loop {
            at += 1;
            if at >= end {
                return (end, There::Other);
            }
            if at.is_multiple_of(BEAT_BYTES) {
                beat();
            }
            // What no length begins with is passed over without more ado.
            if !self.may_begin(at) {
                continue;
            }
            let lost = at - from > LOST_BYTES;
            match self.there(at, lost) {
                There::Other => {}
                there => return (at, there),
            }
        }
    }

    fn may_begin(&mut self, at: u64) -> bool {
        let length = self.length;
        let head = self.bytes.at(at, length + 1);
        let Some((size, first)) = head.split_at_checked(length) else {
            return false;
        };
        let size = number(size);
        size > 0 && size <= self.unit_max && first.first().is_some_and(|f| f & 0x80 == 0)
    }

    /// What begins there. A picture goes on where the last one ended, unless so much is `lost`.
    fn there(&mut self, begin: u64, lost: bool) -> There {
        let mut at = begin;
        let mut picture: Option<Slice> = None;
        let mut cut = false;
        while let Some(Read { unit, size }) = self.unit(at) {
            let begins = match unit {
                Unit::Slice(slice) => slice.first,
                Unit::Before => true,
                Unit::Behind => false,
            };
            let field = |slice: &Slice| match unit {
                Unit::Slice(next) => next.bottom && !slice.bottom && next.number == slice.number,
                Unit::Before | Unit::Behind => false,
            };
            if begins && picture.is_some_and(|p| !field(&p)) {
                break;
            }
            match (unit, &mut picture) {
                (Unit::Slice(slice), None) => {
                    if !slice.first || !(lost || self.goes_on(&slice)) {
                        return There::Other;
                    }
                    picture = Some(slice);
                }
                (Unit::Slice(slice), Some(picture)) => picture.key &= slice.key,
                (Unit::Behind, None) => return There::Other,
                _ => {}
            }
            let next = at.saturating_add(size);
            if next > self.bytes.end() {
                cut = true;
                break;
            }
            at = next;
        }
        match (picture, u32::try_from(at - begin)) {
            (Some(_), _) if cut => There::Cut,
            (Some(slice), Ok(bytes)) => There::Picture(Picture {
                at: begin,
                bytes,
                slice,
            }),
            // Parameter sets, and the slice behind them is not there any more.
            (None, _) if cut && at > begin => There::Cut,
            _ => There::Other,
        }
    }

    /// Whether its number follows the last picture's (ITU-T H.264, 7.4.3).
    fn goes_on(&self, slice: &Slice) -> bool {
        let Some((last, count)) = self.last.and_then(|l| l.number) else {
            return true;
        };
        match slice.number {
            Some((0, _)) if slice.fresh => true,
            Some((number, of)) if !slice.fresh && of == count => {
                number.wrapping_sub(last).wrapping_add(count) % count <= AHEAD_MAX
            }
            _ => false,
        }
    }

    fn unit(&mut self, at: u64) -> Option<Read> {
        let length = self.length;
        let head = self.bytes.at(at, length + LOOK_BYTES);
        let (size, unit) = head.split_at_checked(length)?;
        let size = number(size);
        if size == 0 || size > self.unit_max {
            return None;
        }
        let whole = usize::try_from(size)
            .ok()
            .filter(|size| *size <= unit.len());
        let unit = unit.get(..whole.unwrap_or(unit.len()))?;
        let unit = self.units.read(unit, whole.is_some())?;
        Some(Read {
            unit,
            size: size.saturating_add(length as u64),
        })
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b))
}
