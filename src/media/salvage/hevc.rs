//! Parameter sets and slice headers of H.265 (ITU-T H.265, 7.3), as far as the order of showing.

use h264_reader::rbsp::BitRead;

use super::units::{Slice, Unit, bits, skip_numbers};

/// Bytes of a unit's header (7.3.1.2).
const HEADER: usize = 2;
/// Parameter sets of one kind that there can be (7.4.3.2, 7.4.3.3).
const SETS_MAX: u32 = 64;

/// The parameter sets seen so far.
#[derive(Default)]
pub(super) struct Hevc {
    sequences: Vec<Sequence>,
    pictures: Vec<PictureSet>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sequence {
    number: u32,
    separate_planes: bool,
    place_bits: u32,
    /// As they are shown.
    pub(super) size: (u32, u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PictureSet {
    number: u32,
    sequence: u32,
    output_flag: bool,
    extra_bits: u32,
}

impl Hevc {
    /// Out of `hvcC` (ISO/IEC 14496-15, 8.3.3.1): the sets, and the bytes of a length.
    pub(super) fn described(record: &[u8]) -> Option<(Self, usize)> {
        let length = usize::from(record.get(21)? & 3) + 1;
        let mut hevc = Self::default();
        let mut rest = record.get(23..)?;
        for _ in 0..*record.get(22)? {
            let count = u16::from_be_bytes(rest.get(1..3)?.try_into().ok()?);
            rest = rest.get(3..)?;
            for _ in 0..count {
                let size = usize::from(u16::from_be_bytes(rest.get(..2)?.try_into().ok()?));
                // What it cannot read there it may read in the stream.
                let _ = hevc.read(rest.get(2..)?.get(..size)?);
                rest = rest.get(2..)?.get(size..)?;
            }
        }
        Some((hevc, length))
    }

    /// The size by the first set.
    pub(super) fn size(&self) -> Option<(u32, u32)> {
        self.sequences.first().map(|s| s.size)
    }

    /// What the unit is whose first bytes these are.
    pub(super) fn read(&mut self, head: &[u8]) -> Option<Unit> {
        let [a, b, ..] = *head else {
            return None;
        };
        let (kind, layer, tier) = (a >> 1, (a & 1) << 5 | b >> 3, b & 7);
        if a & 0x80 != 0 || layer != 0 || tier == 0 {
            return None;
        }
        match kind {
            0..=9 | 16..=21 => self.slice(kind, tier, head).map(Unit::Slice),
            32 | 35 | 39 => Some(Unit::Before),
            33 => {
                let set = sequence(head)?;
                self.sequences.retain(|s| s.number != set.number);
                self.sequences.push(set);
                Some(Unit::Before)
            }
            34 => {
                let set = picture_set(head)?;
                self.pictures.retain(|p| p.number != set.number);
                self.pictures.push(set);
                Some(Unit::Before)
            }
            36..=38 | 40 => Some(Unit::Behind),
            _ => None,
        }
    }

    /// The beginning of a slice's header (7.3.6.1).
    fn slice(&self, kind: u8, tier: u8, head: &[u8]) -> Option<Slice> {
        let mut bits = bits(head, HEADER)?;
        let first = bits.read_bit("").ok()?;
        let random = (16..=23).contains(&kind);
        if random {
            bits.read_bit("").ok()?;
        }
        let number = bits.read_ue("").ok()?;
        let set = self.pictures.iter().find(|p| p.number == number)?;
        let sequence = (self.sequences.iter()).find(|s| s.number == set.sequence)?;
        let mut slice = Slice {
            first,
            fresh: matches!(kind, 16..=20),
            key: random,
            // What leading pictures and those that none is made from say of the place is theirs alone (8.3.1).
            reference: tier == 1 && (random || matches!(kind, 1 | 3 | 5)),
            ..Slice::default()
        };
        if first {
            bits.skip(set.extra_bits, "").ok()?;
            if bits.read_ue("").ok()? > 2 {
                return None;
            }
            if set.output_flag {
                bits.read_bit("").ok()?;
            }
            if sequence.separate_planes {
                bits.skip(2, "").ok()?;
            }
            let place = match kind {
                19 | 20 => 0,
                _ => bits.read_var(sequence.place_bits, "").ok()?,
            };
            slice.place = Some((place, 1 << sequence.place_bits));
        }
        Some(slice)
    }
}

/// A sequence's parameter set, up to the bits of the place (7.3.2.2.1).
fn sequence(unit: &[u8]) -> Option<Sequence> {
    let mut bits = bits(unit, HEADER)?;
    bits.skip(4, "").ok()?;
    let layers: u32 = bits.read_var(3, "").ok()?;
    bits.skip(1, "").ok()?;
    // Profile, tier and level (7.3.3).
    bits.skip(96, "").ok()?;
    let mut told = Vec::new();
    for _ in 0..layers {
        told.push((bits.read_bit("").ok()?, bits.read_bit("").ok()?));
    }
    if layers > 0 {
        bits.skip((8 - layers) * 2, "").ok()?;
    }
    for (profile, level) in told {
        bits.skip(if profile { 88 } else { 0 } + if level { 8 } else { 0 }, "")
            .ok()?;
    }
    let number = bits.read_ue("").ok().filter(|n| *n < SETS_MAX)?;
    let chroma = bits.read_ue("").ok().filter(|n| *n <= 3)?;
    let separate_planes = chroma == 3 && bits.read_bit("").ok()?;
    let (width, height) = (bits.read_ue("").ok()?, bits.read_ue("").ok()?);
    let mut cropped = (0_u32, 0_u32);
    if bits.read_bit("").ok()? {
        let mut side = || bits.read_ue("").ok().filter(|n| *n < 1 << 16);
        let (left, right, top, bottom) = (side()?, side()?, side()?, side()?);
        let across = if matches!(chroma, 1 | 2) { 2 } else { 1 };
        let down = if chroma == 1 { 2 } else { 1 };
        cropped = ((left + right) * across, (top + bottom) * down);
    }
    skip_numbers(&mut bits, 2)?;
    let place_bits = bits.read_ue("").ok().filter(|n| *n <= 12)? + 4;
    Some(Sequence {
        number,
        separate_planes,
        place_bits,
        size: (
            width.checked_sub(cropped.0)?,
            height.checked_sub(cropped.1)?,
        ),
    })
}

/// A picture's parameter set, up to what slice headers go by (7.3.2.3.1).
fn picture_set(unit: &[u8]) -> Option<PictureSet> {
    let mut bits = bits(unit, HEADER)?;
    let number = bits.read_ue("").ok().filter(|n| *n < SETS_MAX)?;
    let sequence = bits.read_ue("").ok().filter(|n| *n < SETS_MAX)?;
    bits.read_bit("").ok()?;
    Some(PictureSet {
        number,
        sequence,
        output_flag: bits.read_bit("").ok()?,
        extra_bits: bits.read_var(3, "").ok()?,
    })
}
