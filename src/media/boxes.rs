//! The boxes of an MP4, MOV or 3GP (ISO/IEC 14496-12, 4.2), for what no demuxer tells.

use std::{fs::File, ops::Range, os::unix::fs::FileExt};

/// Boxes beside one another that are looked at; a recorder writes a handful.
pub const BOXES_MAX: usize = 1_000;

/// One box, by what it says of itself.
pub struct Found {
    /// Its type.
    pub kind: [u8; 4],
    /// Where its contents begin.
    pub body: u64,
    /// Where it ends; beyond the room that it lies in where it lies about that, or was cut.
    pub end: u64,
}

/// The boxes in a part of a file, up to the first that is none or that goes beyond it.
pub fn boxes(file: &File, room: Range<u64>) -> impl Iterator<Item = Found> + use<'_> {
    let mut at = room.start;
    std::iter::from_fn(move || {
        let left = room.end.checked_sub(at).filter(|left| *left >= 8)?;
        let mut head = [0; 16];
        let have = usize::try_from(left.min(16)).unwrap_or(16);
        file.read_exact_at(head.get_mut(..have)?, at).ok()?;
        let [a, b, c, d, k, i, n, e, large @ ..] = head;
        let (size, header) = match u32::from_be_bytes([a, b, c, d]) {
            // To the end, wherever that is.
            0 => (left, 8),
            1 if have == 16 => (u64::from_be_bytes(large), 16),
            size => (u64::from(size), 8),
        };
        if size < header {
            return None;
        }
        let found = Found {
            kind: [k, i, n, e],
            body: at + header,
            end: at.saturating_add(size),
        };
        // What goes beyond its room is the last.
        at = found.end;
        Some(found)
    })
    .take(BOXES_MAX)
}

/// The boxes of one type in a part of a file, by their contents.
pub fn within(file: &File, room: Range<u64>, kind: [u8; 4]) -> impl Iterator<Item = Range<u64>> {
    let end = room.end;
    let inside = boxes(file, room).filter(move |b| b.kind == kind && b.end <= end);
    inside.map(|b| b.body..b.end)
}

/// The tracks of this handler, such as `tmcd` (8.4.3), of each index: the index and the track.
pub fn tracks(file: &File, handler: [u8; 4]) -> impl Iterator<Item = (Range<u64>, Range<u64>)> {
    let len = file.metadata().map_or(0, |m| m.len());
    let is_handled = move |track: &Range<u64>| {
        within(file, track.clone(), *b"mdia")
            .flat_map(|media| within(file, media, *b"hdlr"))
            .any(|room| {
                let mut kind = [0; 4];
                // Behind version, flags and the type that QuickTime says first.
                file.read_exact_at(&mut kind, room.start + 8).is_ok() && kind == handler
            })
    };
    within(file, 0..len, *b"moov")
        .flat_map(move |index| {
            let all = within(file, index.clone(), *b"trak");
            all.map(move |track| (index.clone(), track))
        })
        .filter(move |(_, track)| is_handled(track))
}

/// How many tracks have this handler.
pub fn tracks_handled_by(file: &File, handler: [u8; 4]) -> usize {
    tracks(file, handler).count()
}

/// How long the first track of sound is presented, in milliseconds (8.2.2, 8.3.2); nothing where the
/// index does not say, as that of a fragmented file.
pub fn sound_ms(file: &File) -> Option<u64> {
    let (index, track) = tracks(file, *b"soun").next()?;
    let header = |room: Range<u64>, kind: [u8; 4]| within(file, room, kind).next();
    let number = |at: u64, wide: bool| {
        let mut bytes = [0; 8];
        let narrow = if wide { 0 } else { 4 };
        file.read_exact_at(bytes.get_mut(narrow..)?, at).ok()?;
        Some(u64::from_be_bytes(bytes))
    };
    let is_wide = |room: &Range<u64>| number(room.start, false).map(|n| n >> 24 == 1);
    let movie = header(index, *b"mvhd")?;
    let scale = number(movie.start + if is_wide(&movie)? { 20 } else { 12 }, false)?;
    let told = header(track, *b"tkhd")?;
    let wide = is_wide(&told)?;
    let length = number(told.start + if wide { 28 } else { 20 }, wide)?;
    let unknown = if wide { u64::MAX } else { u64::from(u32::MAX) };
    let said = length > 0 && length != unknown;
    said.then(|| length.checked_mul(1_000)?.checked_div(scale))
        .flatten()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use super::*;

    fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let size = u32::try_from(body.len() + 8).unwrap();
        [&size.to_be_bytes()[..], kind, body].concat()
    }

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn tracks_are_counted_by_their_handler_whatever_lies_around_them() {
        let track = |handler: &[u8; 4]| {
            let told = [&[0; 8][..], handler, &[0; 12]].concat();
            let media = [boxed(b"mdhd", &[0; 24]), boxed(b"hdlr", &told)].concat();
            boxed(
                b"trak",
                &[boxed(b"tkhd", &[0; 84]), boxed(b"mdia", &media)].concat(),
            )
        };
        let tracks = [track(b"vide"), track(b"tmcd"), track(b"tmcd")].concat();
        let whole = [boxed(b"ftyp", b"qt  "), boxed(b"moov", &tracks)].concat();
        let whole_file = file(&whole);
        assert_eq!(tracks_handled_by(&whole_file, *b"tmcd"), 2);
        assert_eq!(tracks_handled_by(&whole_file, *b"soun"), 0);
        for cut in 0..whole.len() {
            assert!(tracks_handled_by(&file(&whole[..cut]), *b"tmcd") <= 2);
        }
    }

    #[test]
    fn a_box_that_lies_about_its_length_is_the_last() {
        let small = boxed(b"free", b"....");
        for (size, count) in [(0_u32, 2), (7, 1), (8, 3), (u32::MAX, 2)] {
            let lying = [&size.to_be_bytes()[..], b"skip"].concat();
            let all = [&small[..], &lying, &small].concat();
            let len = all.len() as u64;
            assert_eq!(boxes(&file(&all), 0..len).count(), count, "{size}");
        }
    }
}
