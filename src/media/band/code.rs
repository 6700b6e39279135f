//! The block code: fifteen bytes as an ISO Data Matrix, so that any standard reader can read it
//! too. Version and flags, the recording's id, the second of its start; error correction for seven
//! codewords of thirty-three (8×48, ISO/IEC 21471) or nine of forty (12×36, ISO/IEC 16022). It is
//! the same in every frame of a recording; the seconds since its start run beside it.

use datamatrix::{
    DataMatrix, DataMatrixBuilder, SymbolSize, data::EncodationType, placement::MatrixMap,
};

use super::{BandError, seconds};
use crate::base::RecordingId;

/// Bytes in a payload.
const PAYLOAD_BYTES: usize = 15;
/// Upper half of the first byte.
const VERSION: u8 = 2;
/// Lower half of the first byte: the start is not proven and stands as zero.
const ELAPSED: u8 = 0b0001;

/// What the codes of one frame say: the block code the first three, the seconds the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload {
    /// The recording.
    pub id: RecordingId,
    /// The second that it began in, since 1970 UTC; zero where `elapsed`.
    pub start: u32,
    /// The recorder's clock is not proven; seconds count from the recording's beginning.
    pub elapsed: bool,
    /// Seconds since the start.
    pub since: u32,
}

impl Payload {
    /// Seconds since 1970 UTC, or since the recording began where `elapsed`.
    #[must_use]
    pub const fn second(self) -> u32 {
        self.start.saturating_add(self.since)
    }

    /// The same as the codes carry it: it stands still where they have no later one.
    #[must_use]
    pub fn coded_second(self) -> u32 {
        self.start.saturating_add(self.since.min(seconds::LAST))
    }

    /// As the block code carries it.
    #[must_use]
    pub fn to_bytes(self) -> [u8; PAYLOAD_BYTES] {
        let mut bytes = [0; PAYLOAD_BYTES];
        bytes[0] = VERSION << 4 | if self.elapsed { ELAPSED } else { 0 };
        bytes[1..11].copy_from_slice(self.id.as_bytes());
        bytes[11..].copy_from_slice(&self.start.to_be_bytes());
        bytes
    }

    /// Back from the block code, at the recording's start; nothing when the bytes are not a payload
    /// of this version.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; PAYLOAD_BYTES] = bytes.try_into().ok()?;
        let [head, id @ .., a, b, c, d] = *bytes;
        (head & !ELAPSED == VERSION << 4).then(|| Self {
            id: RecordingId::new(id),
            start: u32::from_be_bytes([a, b, c, d]),
            elapsed: head & ELAPSED != 0,
            since: 0,
        })
    }

    /// Modules of the symbol, row by row, dark is true; finder pattern included, quiet zone not.
    ///
    /// # Errors
    /// [`BandError::Code`], which would be a defect: a payload always fits.
    pub fn modules(self, symbol: Symbol) -> Result<Vec<bool>, BandError> {
        let code = DataMatrixBuilder::new()
            .with_symbol_list(symbol.size())
            .with_encodation_types(EncodationType::Base256)
            .encode(&self.to_bytes())
            .map_err(|_| BandError::Code)?;
        Ok(code.bitmap().bits().to_vec())
    }
}

/// Which symbol a frame carries; its width decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symbol {
    /// 48 modules across and 8 down.
    Long,
    /// 36 across and 12 down, for frames narrower than 240 pixels.
    Short,
}

impl Symbol {
    /// Modules across.
    #[must_use]
    pub const fn columns(self) -> usize {
        match self {
            Self::Long => 48,
            Self::Short => 36,
        }
    }

    /// Modules down.
    #[must_use]
    pub const fn rows(self) -> usize {
        match self {
            Self::Long => 8,
            Self::Short => 12,
        }
    }

    fn size(self) -> SymbolSize {
        match self {
            Self::Long => SymbolSize::Rect8x48,
            Self::Short => SymbolSize::Rect12x36,
        }
    }

    /// Per module: its value where every symbol of this size has the same one there (the finder
    /// pattern), nothing where data is.
    pub(super) fn finder(self) -> Vec<Option<bool>> {
        // A finder module is one that all-zero and all-one codewords agree on.
        let bits = |byte: u8| {
            let words = vec![byte; self.codewords()];
            MatrixMap::new_with_codewords(&words, self.size())
                .bitmap()
                .bits()
                .to_vec()
        };
        let (zeros, ones) = (bits(0x00), bits(0xff));
        zeros
            .into_iter()
            .zip(ones)
            .map(|(z, o)| (z == o).then_some(z))
            .collect()
    }

    /// The payload in a symbol, after error correction, and how many modules were wrong; nothing
    /// when too many were. The finder modules must already be right.
    pub(super) fn decode(self, modules: &[bool]) -> Option<(Vec<u8>, usize)> {
        let bytes = DataMatrix::decode(modules, self.columns()).ok()?;
        let payload = Payload::from_bytes(&bytes);
        let wrong = payload
            .and_then(|p| p.modules(self).ok())
            .map_or(0, |right| {
                right.iter().zip(modules).filter(|(a, b)| a != b).count()
            });
        Some((bytes, wrong))
    }

    /// Codewords in the symbol, error correction included.
    const fn codewords(self) -> usize {
        match self {
            Self::Long => 33,
            Self::Short => 40,
        }
    }

    /// Wrong codewords that can be corrected for certain.
    #[cfg(test)]
    pub(super) const fn correctable(self) -> usize {
        match self {
            Self::Long => 7,
            Self::Short => 9,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn payload(id: [u8; 10], start: u32, elapsed: bool) -> Payload {
        Payload {
            id: RecordingId::new(id),
            start,
            elapsed,
            since: 0,
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_format() {
        let p = payload(*b"0123456789", 0x0102_0304, true);
        assert_eq!(p.to_bytes(), *b"\x210123456789\x01\x02\x03\x04");
        assert_eq!(Payload::from_bytes(&p.to_bytes()), Some(p));
        for bad in [
            &b"\x200123"[..],
            b"\x310123456789abcd",
            b"\x220123456789abcd",
            b"",
        ] {
            assert_eq!(Payload::from_bytes(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_symbol_has_the_size_and_the_finder_of_its_standard() {
        for symbol in [Symbol::Long, Symbol::Short] {
            let (w, h) = (symbol.columns(), symbol.rows());
            let finder = symbol.finder();
            assert_eq!(finder.len(), w * h);
            assert_eq!(
                payload([7; 10], 1, false).modules(symbol).unwrap().len(),
                w * h
            );
            for (i, m) in finder.iter().enumerate() {
                let (x, y) = (i % w, i / w);
                if y == h - 1 || x == 0 || x == w / 2 {
                    assert_eq!(*m, Some(true), "solid sides at {x},{y}");
                }
            }
            // Two regions: two solid left sides, dashed right sides, dashed top, solid bottom.
            let fixed = finder.iter().flatten().count();
            assert!(fixed >= 2 * w + 4 * (h - 2), "{fixed} fixed modules");
            assert!(w * h - fixed >= symbol.codewords() * 8);
        }
    }

    proptest! {
        /// Whatever is written is read back, with as many modules wrong as the standard corrects.
        #[test]
        fn wrong_modules_up_to_the_correction_capacity_do_no_harm(
            id: [u8; 10], second: u32, elapsed: bool, long: bool,
            flips in proptest::collection::hash_set(0usize..384, 0..=9),
        ) {
            let symbol = if long { Symbol::Long } else { Symbol::Short };
            let p = payload(id, second, elapsed);
            let mut modules = p.modules(symbol).unwrap();
            let data: Vec<usize> = symbol.finder().iter().enumerate()
                .filter(|(_, m)| m.is_none()).map(|(i, _)| i).collect();
            let flips: std::collections::HashSet<_> = flips.into_iter()
                .take(symbol.correctable()).map(|f| data[f % data.len()]).collect();
            for at in &flips {
                modules[*at] = !modules[*at];
            }
            let (bytes, wrong) = symbol.decode(&modules).unwrap();
            prop_assert_eq!(Payload::from_bytes(&bytes), Some(p));
            prop_assert_eq!(wrong, flips.len());
        }

        /// Noise is an answer of "no", never a panic.
        #[test]
        fn noise_never_panics(bits in proptest::collection::vec(any::<bool>(), 432), long: bool) {
            let symbol = if long { Symbol::Long } else { Symbol::Short };
            let mut modules = bits[..symbol.columns() * symbol.rows()].to_vec();
            for (m, f) in modules.iter_mut().zip(symbol.finder()) {
                *m = f.unwrap_or(*m);
            }
            let _ = symbol.decode(&modules);
        }
    }
}
