//! Units of H.264 (ITU-T H.264, 7.3) and H.265 (ITU-T H.265, 7.3), as far as it takes to tell them from
//! anything else, to tell where a picture begins, and in which order pictures are shown.

use h264_reader::{
    Context,
    avcc::AvcDecoderConfigurationRecord,
    nal::{
        Nal, RefNal, UnitType,
        pps::PicParameterSet,
        slice::{FieldPic, PicOrderCountLsb, SliceHeader},
        sps::{PicOrderCntType, SeqParameterSet},
    },
    rbsp::{BitRead, BitReader, ByteReader},
};

use super::hevc::Hevc;

/// Bytes of a unit that are looked at: a slice's header, or a parameter set.
pub(super) const LOOK_BYTES: usize = 1_024;

/// A codec's units, with the parameter sets seen so far.
pub(super) enum Units {
    /// H.264.
    Avc(Box<Context>),
    /// H.265.
    Hevc(Box<Hevc>),
}

/// What a unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// A slice.
    Slice(Slice),
    /// What stands before the slices of a picture.
    Before,
    /// What stands behind them.
    Behind,
}

/// What a slice says of its picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Slice {
    /// The first of its picture, or of the second of its two fields.
    pub first: bool,
    /// The picture stands alone, and what follows is shown behind it.
    pub fresh: bool,
    /// A decoder can begin with it.
    pub key: bool,
    /// Others are made from it.
    pub reference: bool,
    /// Its number among those from which others are made, and how many numbers there are.
    pub number: Option<(u32, u32)>,
    /// The low bits of its place in the order of showing, and how many values they have.
    pub place: Option<(u32, u32)>,
    /// The second field of the picture before it.
    pub bottom: bool,
}

impl Units {
    /// Out of a sample description (ISO/IEC 14496-15): the parameter sets, and the bytes of a length.
    pub(super) fn described(entry: &[u8]) -> Option<(Self, usize)> {
        // Behind its fields an entry of pictures has boxes (14496-12, 12.1.3).
        let codec = entry.get(4..8)?;
        let inside = entry.get(86..)?;
        match codec {
            b"avc1" | b"avc3" => {
                let record = AvcDecoderConfigurationRecord::try_from(boxed(inside, *b"avcC")?);
                let record = record.ok()?;
                let context = record.create_context().ok()?;
                let length = usize::from(record.length_size_minus_one()) + 1;
                Some((Self::Avc(Box::new(context)), length))
            }
            b"hvc1" | b"hev1" => {
                let (hevc, length) = Hevc::described(boxed(inside, *b"hvcC")?)?;
                Some((Self::Hevc(Box::new(hevc)), length))
            }
            _ => None,
        }
    }

    /// What the unit is whose first bytes these are; nothing where it is none. `whole` says whether
    /// they are all of it.
    pub(super) fn read(&mut self, head: &[u8], whole: bool) -> Option<Unit> {
        match self {
            Self::Avc(context) => avc(context, head, whole),
            Self::Hevc(hevc) => hevc.read(head),
        }
    }

    /// Seconds that a picture lasts, as a fraction, by the parameter sets.
    pub(super) fn step(&self) -> Option<(u32, u32)> {
        match self {
            Self::Avc(context) => {
                let mut sets = context.sps();
                let told = sets.find_map(|s| s.vui_parameters.as_ref()?.timing_info.as_ref())?;
                // Ticks are of fields (ITU-T H.264, E.2.1).
                Some((told.num_units_in_tick.checked_mul(2)?, told.time_scale))
            }
            Self::Hevc(_) => None,
        }
        .filter(|(step, scale)| *step > 0 && (1..=240).contains(&(scale / step)))
    }
}

/// The contents of the first box of a type among those that stand there.
fn boxed(mut all: &[u8], kind: [u8; 4]) -> Option<&[u8]> {
    loop {
        let size = u32::from_be_bytes(all.get(..4)?.try_into().ok()?);
        let size = usize::try_from(size).ok().filter(|size| *size >= 8)?;
        let this = all.get(..size)?;
        if this.get(4..8)? == kind {
            return this.get(8..);
        }
        all = all.get(size..)?;
    }
}

fn avc(context: &mut Context, head: &[u8], whole: bool) -> Option<Unit> {
    let first = *head.first()?;
    if first & 0x80 != 0 || head.len() < 2 {
        return None;
    }
    let unit = RefNal::new(head, &[], whole);
    let header = unit.header().ok()?;
    let rules = header.nal_ref_idc();
    match header.nal_unit_type() {
        kind @ (UnitType::SliceLayerWithoutPartitioningIdr
        | UnitType::SliceLayerWithoutPartitioningNonIdr) => {
            let fresh = kind == UnitType::SliceLayerWithoutPartitioningIdr;
            if fresh && rules == 0 {
                return None;
            }
            let (slice, set, _) =
                SliceHeader::from_bits(context, &mut unit.rbsp_bits(), header, None).ok()?;
            let numbers = 1_u32 << (u32::from(set.log2_max_frame_num_minus4) + 4);
            let places = match set.pic_order_cnt {
                PicOrderCntType::TypeZero {
                    log2_max_pic_order_cnt_lsb_minus4: bits,
                } => Some(1_u32 << (u32::from(bits) + 4)),
                PicOrderCntType::TypeOne { .. } | PicOrderCntType::TypeTwo => None,
            };
            let place = match slice.pic_order_cnt_lsb {
                Some(
                    PicOrderCountLsb::Frame(place)
                    | PicOrderCountLsb::FieldsAbsolute {
                        pic_order_cnt_lsb: place,
                        ..
                    },
                ) => Some(place),
                Some(PicOrderCountLsb::FieldsDelta(_)) | None => None,
            };
            let key = fresh || slice.slice_type.family == h264_reader::nal::slice::SliceFamily::I;
            Some(Unit::Slice(Slice {
                first: slice.first_mb_in_slice == 0,
                fresh,
                key,
                reference: rules > 0,
                number: Some((u32::from(slice.frame_num), numbers)),
                place: place.zip(places),
                bottom: matches!(
                    slice.field_pic,
                    FieldPic::Field(h264_reader::nal::slice::Field::Bottom)
                ),
            }))
        }
        UnitType::SeqParameterSet => {
            let set = SeqParameterSet::from_bits(unit.rbsp_bits()).ok()?;
            context.put_seq_param_set(set);
            Some(Unit::Before)
        }
        UnitType::PicParameterSet => {
            let set = PicParameterSet::from_bits(context, unit.rbsp_bits()).ok()?;
            context.put_pic_param_set(set);
            Some(Unit::Before)
        }
        UnitType::SEI if rules == 0 => Some(Unit::Before),
        UnitType::AccessUnitDelimiter if rules == 0 && whole && head.len() == 2 => {
            Some(Unit::Before)
        }
        UnitType::EndOfSeq | UnitType::EndOfStream | UnitType::FillerData if rules == 0 => {
            Some(Unit::Behind)
        }
        _ => None,
    }
}

/// The bits behind a unit's header of so many bytes, without the bytes that keep start codes apart.
pub(super) fn bits(unit: &[u8], header: usize) -> Option<BitReader<ByteReader<&[u8]>>> {
    let skip = std::num::NonZeroUsize::new(header)?;
    Some(BitReader::new(ByteReader::skipping_bytes(unit, skip)))
}

/// Skips so many Exp-Golomb numbers.
pub(super) fn skip_numbers(bits: &mut impl BitRead, count: u32) -> Option<()> {
    for _ in 0..count {
        bits.read_ue("").ok()?;
    }
    Some(())
}
