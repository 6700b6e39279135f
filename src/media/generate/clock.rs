//! The creation time in an MP4 or QuickTime file. GStreamer's muxers write the present there; a
//! recorder writes when it began, and so do we, which also makes two runs alike.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
};

use crate::base::Moment;

/// Seconds from 1904, where QuickTime begins to count, to 1970.
const SINCE_1904_S: i64 = 2_082_844_800;
/// An index of an hour's recording has some megabytes.
const MOOV_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Writes `start` as creation and modification time of the movie, its tracks and their media.
pub(super) fn stamp(file: &mut File, start: Moment) -> io::Result<()> {
    let seconds = u32::try_from(start.as_s().saturating_add(SINCE_1904_S)).unwrap_or(0);
    let (mut at, end) = (0_u64, file.metadata()?.len());
    while at.saturating_add(16) <= end {
        file.seek(SeekFrom::Start(at))?;
        let mut head = [0; 16];
        file.read_exact(&mut head)?;
        let short = u64::from(u32::from_be_bytes([head[0], head[1], head[2], head[3]]));
        let long = u64::from_be_bytes([
            head[8], head[9], head[10], head[11], head[12], head[13], head[14], head[15],
        ]);
        let length = match short {
            0 => end - at,
            1 => long,
            n => n,
        };
        if length < 8 || length > end - at {
            break;
        }
        if &head[4..8] == b"moov" && length <= MOOV_BYTES_MAX {
            let mut moov = vec![0; usize::try_from(length).unwrap_or(0)];
            file.seek(SeekFrom::Start(at))?;
            file.read_exact(&mut moov)?;
            stamp_boxes(&mut moov[8..], seconds);
            file.seek(SeekFrom::Start(at))?;
            return file.write_all(&moov);
        }
        at += length;
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "no index in it"))
}

fn stamp_boxes(mut boxes: &mut [u8], seconds: u32) {
    while boxes.len() >= 8 {
        let length = u32::from_be_bytes([boxes[0], boxes[1], boxes[2], boxes[3]]) as usize;
        if length < 8 || length > boxes.len() {
            return;
        }
        let (this, rest) = std::mem::take(&mut boxes).split_at_mut(length);
        match &this[4..8] {
            b"trak" | b"mdia" => stamp_boxes(&mut this[8..], seconds),
            b"mvhd" | b"tkhd" | b"mdhd" if length >= 28 => {
                // Version 1 has 64 bits for each time, version 0 has 32.
                if this[8] == 1 {
                    for at in [12, 20] {
                        this[at..at + 8].copy_from_slice(&u64::from(seconds).to_be_bytes());
                    }
                } else {
                    for at in [12, 16] {
                        this[at..at + 4].copy_from_slice(&seconds.to_be_bytes());
                    }
                }
            }
            _ => {}
        }
        boxes = rest;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 8).unwrap();
        [&length.to_be_bytes(), kind.as_slice(), body].concat()
    }

    #[test]
    fn every_clock_in_the_index_shows_the_start_and_nothing_else_changes() {
        let zeros = [0; 32];
        let one = [&[1][..], &[0; 39]].concat();
        let mdia = boxed(b"mdia", &boxed(b"mdhd", &one));
        let trak = boxed(b"trak", &[boxed(b"tkhd", &zeros), mdia].concat());
        let moov = boxed(b"moov", &[boxed(b"mvhd", &zeros), trak].concat());
        let mdat = boxed(b"mdat", b"mvhdtkhdmdhd");
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[mdat.clone(), moov.clone()].concat())
            .unwrap();
        stamp(&mut file, Moment::from_s(1)).unwrap();
        let mut after = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut after).unwrap();
        assert_eq!(after[..mdat.len()], mdat);
        let expected = (u32::try_from(SINCE_1904_S).unwrap() + 1).to_be_bytes();
        let stamps = after.windows(4).filter(|w| *w == expected).count();
        assert_eq!((after.len(), stamps), (mdat.len() + moov.len(), 6));
    }

    #[test]
    fn what_has_no_index_is_said_to_have_none() {
        for bytes in [&b""[..], b"not a movie, only a line of text", &[0xff; 64]] {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(bytes).unwrap();
            assert!(stamp(&mut file, Moment::default()).is_err());
        }
    }
}
