//! What a whole recording tells of how its recorder writes: what an index says once for all samples,
//! which a recording without an index needs and does not have.

use std::{
    fs::File,
    ops::Range,
    os::{
        fd::{AsRawFd, BorrowedFd},
        unix::fs::FileExt,
    },
};

use crate::{
    media::{
        boxes::{boxes, tracks, within},
        derive::Wire,
        graph::fault,
        protocol::{Message, ProtocolError, Side},
    },
    recording::{
        TrackKind,
        salvage::{DISPLAY_BYTES, ENTRY_BYTES_MAX, Shape, TrackShape},
    },
};

/// Durations and sizes of samples that are read of each table.
const ROWS_MAX: u64 = 100_000;

/// Answers how the recorder of a whole recording writes.
///
/// # Errors
/// When the parent is gone.
pub fn shape(input: BorrowedFd<'_>, wire: &mut Wire<'_>) -> Result<(), ProtocolError> {
    let file = File::open(format!("/proc/self/fd/{}", input.as_raw_fd()));
    let found = file.ok().and_then(|file| read(&file));
    wire.say(&match found {
        Some(shape) => Message::Shape(Box::new(shape)),
        None => {
            let text = "it has no index from which another could be made";
            Message::Fault(fault(Side::Decode, "shape", text))
        }
    })
}

/// The shape of a file that has an index.
pub(super) fn read(file: &File) -> Option<Shape> {
    let mut shape = Shape::default();
    for (handler, kind) in [(*b"vide", TrackKind::Video), (*b"soun", TrackKind::Audio)] {
        let first = tracks(file, handler).find_map(|(_, track)| track_shape(file, &track, kind));
        shape.tracks.extend(first);
    }
    let len = file.metadata().ok()?.len();
    let all = within(file, 0..len, *b"moov").flat_map(|index| within(file, index, *b"trak"));
    let others = all.count().saturating_sub(shape.tracks.len());
    shape.others = u32::try_from(others).unwrap_or(u32::MAX);
    shape.of(TrackKind::Video)?;
    Some(shape)
}

fn track_shape(file: &File, track: &Range<u64>, kind: TrackKind) -> Option<TrackShape> {
    let one = |room: &Range<u64>, kind: [u8; 4]| within(file, room.clone(), kind).next();
    let header = one(track, *b"tkhd")?;
    let wide = bytes(file, header.start, 1)?.first() == Some(&1);
    let display = bytes(
        file,
        header.start + if wide { 52 } else { 40 },
        DISPLAY_BYTES,
    )?;
    let media = one(track, *b"mdia")?;
    let clock = one(&media, *b"mdhd")?;
    let wide = bytes(file, clock.start, 1)?.first() == Some(&1);
    let timescale = number(file, clock.start + if wide { 20 } else { 12 })?;
    let tables = one(&one(&media, *b"minf")?, *b"stbl")?;
    let described = one(&tables, *b"stsd")?;
    let entry = boxes(file, described.start.checked_add(8)?..described.end).next()?;
    let begin = entry.body.checked_sub(8)?;
    let size = usize::try_from(entry.end.checked_sub(begin)?).ok()?;
    if entry.end > described.end || size > ENTRY_BYTES_MAX {
        return None;
    }
    Some(TrackShape {
        kind,
        entry: bytes(file, begin, size)?,
        timescale: Some(timescale).filter(|n| *n > 0)?,
        step: usual_step(file, &one(&tables, *b"stts")?)?,
        largest: largest(file, &one(&tables, *b"stsz")?)?,
        display,
    })
}

/// The duration that most samples have (8.6.1.2).
fn usual_step(file: &File, table: &Range<u64>) -> Option<u32> {
    let rows = u64::from(number(file, table.start.checked_add(4)?)?).min(ROWS_MAX);
    let mut counted = std::collections::BTreeMap::<u32, u64>::new();
    for n in 0..rows {
        let at = table.start.checked_add(8 + n * 8)?;
        let row = (at < table.end).then(|| Some((number(file, at)?, number(file, at + 4)?)));
        let (count, step) = row??;
        let total = counted.entry(step).or_default();
        *total = total.saturating_add(count.into());
    }
    let most = counted.into_iter().max_by_key(|(_, count)| *count);
    most.map(|(step, _)| step).filter(|step| *step > 0)
}

/// The size of the largest sample (8.7.3.2).
fn largest(file: &File, table: &Range<u64>) -> Option<u32> {
    let each = number(file, table.start.checked_add(4)?)?;
    if each > 0 {
        return Some(each);
    }
    let rows = u64::from(number(file, table.start + 8)?).min(ROWS_MAX);
    let rows = rows.min(table.end.saturating_sub(table.start + 12) / 4);
    let all = bytes(file, table.start + 12, usize::try_from(rows * 4).ok()?)?;
    let sizes = all.chunks_exact(4).filter_map(|four| four.try_into().ok());
    sizes.map(u32::from_be_bytes).max()
}

fn bytes(file: &File, at: u64, len: usize) -> Option<Vec<u8>> {
    let mut all = vec![0; len];
    file.read_exact_at(&mut all, at).ok()?;
    Some(all)
}

fn number(file: &File, at: u64) -> Option<u32> {
    let mut four = [0; 4];
    file.read_exact_at(&mut four, at).ok()?;
    Some(u32::from_be_bytes(four))
}
