//! A shape out of the recording's own stream: many recorders write the parameter sets before each key
//! picture. Pictures alone: nothing in a stream says how its sound is coded.

use h264_reader::rbsp::ByteReader;
use std::io::Read as _;

use super::{
    bytes::{BEAT_BYTES, Bytes},
    hevc::Hevc,
    index::{boxed, upright},
    units::{Unit, Units},
};
use crate::recording::{
    TrackKind,
    salvage::{Shape, TrackShape},
};

/// How far from the beginning parameter sets are looked for: a key picture and its like come sooner.
const LOOK_FOR_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes of a parameter set.
const SET_BYTES_MAX: usize = 512;
/// Bytes of the length before each unit; nobody who interleaves sound writes others.
const LENGTH: usize = 4;
/// Pictures a second where the sets do not say.
const USUAL: (u32, u32) = (25, 1);

/// What the stream says of itself, and where it says so; whether it says how long a picture lasts.
pub(super) fn shape(
    bytes: &mut Bytes<'_>,
    from: u64,
    beat: &mut dyn FnMut(),
) -> Option<(Shape, u64, bool)> {
    let end = bytes.end().min(from.saturating_add(LOOK_FOR_BYTES));
    let mut at = from;
    while at < end {
        if at.is_multiple_of(BEAT_BYTES) {
            beat();
        }
        let kind = bytes.at(at, LENGTH + 1);
        // Sizes of up to 64 KiB, which sets have, begin with two zeros.
        if kind.starts_with(&[0, 0]) {
            let sets = match kind.get(LENGTH).copied() {
                Some(first) if first & 0x9f == 7 => avc(bytes, at),
                Some(0x40) => hevc(bytes, at),
                _ => None,
            };
            if let Some((entry, size, step)) = sets {
                let (step, timescale) = step.unwrap_or((USUAL.1, USUAL.0));
                let track = TrackShape {
                    kind: TrackKind::Video,
                    entry,
                    timescale,
                    step,
                    largest: 0,
                    display: upright(size),
                };
                let shape = Shape {
                    tracks: vec![track],
                    others: 0,
                };
                let told = step_is_told(step, timescale);
                return Some((shape, at, told));
            }
        }
        at += 1;
    }
    None
}

const fn step_is_told(step: u32, timescale: u32) -> bool {
    step != USUAL.1 || timescale != USUAL.0
}

/// Sample description, size, and seconds that a picture lasts.
type Sets = (Vec<u8>, (u32, u32), Option<(u32, u32)>);

/// Whole units from there on, as long as each is one of these.
fn units(bytes: &mut Bytes<'_>, mut at: u64, kinds: &[fn(u8) -> bool]) -> Option<Vec<Vec<u8>>> {
    let mut all = Vec::new();
    for is_kind in kinds {
        let head = bytes.at(at, LENGTH + SET_BYTES_MAX);
        let size = u32::from_be_bytes(head.get(..LENGTH)?.try_into().ok()?);
        let size = usize::try_from(size)
            .ok()
            .filter(|n| (2..=SET_BYTES_MAX).contains(n))?;
        let unit = head.get(LENGTH..)?.get(..size)?;
        if !is_kind(*unit.first()?) {
            return None;
        }
        all.push(unit.to_vec());
        at += (LENGTH + size) as u64;
    }
    Some(all)
}

fn avc(bytes: &mut Bytes<'_>, at: u64) -> Option<Sets> {
    let sets = units(bytes, at, &[|b| b & 0x9f == 7, |b| b & 0x9f == 8])?;
    let [sequence, picture] = sets.as_slice() else {
        return None;
    };
    let size = |set: &[u8]| (set.len() as u16).to_be_bytes();
    let record = [
        &[
            1,
            *sequence.get(1)?,
            *sequence.get(2)?,
            *sequence.get(3)?,
            0xff,
            0xe1,
        ][..],
        &size(sequence),
        sequence,
        &[1],
        &size(picture),
        picture,
    ];
    let mut context = h264_reader::Context::default();
    let mut parsed = Units::Avc(Box::default());
    for set in &sets {
        (parsed.read(set, true)? == Unit::Before).then_some(())?;
    }
    if let Units::Avc(read) = parsed {
        context = *read;
    }
    let picture = context.sps().next()?.pixel_dimensions().ok()?;
    let step = Units::Avc(Box::new(context)).step();
    let entry = entry(b"avc1", picture, &boxed(b"avcC", &record));
    Some((entry, picture, step))
}

fn hevc(bytes: &mut Bytes<'_>, at: u64) -> Option<Sets> {
    let sets = units(bytes, at, &[|b| b == 0x40, |b| b == 0x42, |b| b == 0x44])?;
    let mut parsed = Hevc::default();
    for set in &sets {
        (parsed.read(set)? == Unit::Before).then_some(())?;
    }
    let size = parsed.size()?;
    let mut plain = Vec::new();
    let sequence = sets.get(1)?;
    let skip = std::num::NonZeroUsize::new(2)?;
    let _ = ByteReader::skipping_bytes(sequence.as_slice(), skip).read_to_end(&mut plain);
    // Profile, tier and level as they stand in the set (ITU-T H.265, 7.3.3; ISO/IEC 14496-15, 8.3.3.1).
    let mut record = [&[1][..], plain.get(1..13)?].concat();
    record.extend([0xf0, 0, 0xfc, 0xfd, 0xf8, 0xf8, 0, 0, 0x0f, 3]);
    for set in &sets {
        record.extend([0x80 | set.first()? >> 1, 0, 1]);
        record.extend((set.len() as u16).to_be_bytes());
        record.extend(set);
    }
    let entry = entry(b"hvc1", size, &boxed(b"hvcC", &[&record]));
    Some((entry, size, None))
}

/// A sample description of pictures (ISO/IEC 14496-12, 12.1.3).
fn entry(codec: &[u8; 4], size: (u32, u32), record: &[u8]) -> Vec<u8> {
    let side = |n: u32| u16::try_from(n).unwrap_or(u16::MAX).to_be_bytes();
    let parts: [&[u8]; 8] = [
        &[0, 0, 0, 0, 0, 0, 0, 1],
        &[0; 16],
        &side(size.0),
        &side(size.1),
        &[0, 0x48, 0, 0, 0, 0x48, 0, 0, 0, 0, 0, 0, 0, 1],
        &[0; 32],
        &[0, 0x18, 0xff, 0xff],
        record,
    ];
    boxed(codec, &parts)
}
