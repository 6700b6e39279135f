//! Whether a recorder came to end its file, by the structure of the container alone. What a demuxer
//! makes of one that was cut it says nothing about: it ends there, as if it were the end.

use std::{fs::File, ops::Range, os::unix::fs::FileExt};

use super::without_index;
use crate::{media::boxes::boxes, recording::SalvageMethod};

/// Parts beside one another that are looked at.
const PARTS_MAX: usize = 10_000_000;
/// Packets of a transport stream, with what some recorders put before or behind each.
const PACKETS: [(u64, u64); 3] = [(188, 0), (192, 4), (204, 0)];
/// Packets by which one is known.
const PACKETS_LOOKED_AT: u64 = 5;

/// How a file ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::media) enum Ending {
    /// As its recorder ended it, or nothing tells otherwise.
    Whole,
    /// Before its recorder came to end it.
    Cut(Cut),
    /// So, and without the index that it takes to read it; where its media lie.
    NoIndex(Range<u64>),
}

/// A file that ends before its recorder came to end it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::media) struct Cut {
    /// How it is read.
    pub method: SalvageMethod,
    /// Bytes at the end that belong to nothing whole, where they can be counted.
    pub lost_bytes: Option<u64>,
    /// Where it is to be read to, if not to its end.
    pub up_to: Option<u64>,
}

impl Cut {
    const fn of(method: SalvageMethod, lost_bytes: Option<u64>) -> Ending {
        Ending::Cut(Self {
            method,
            lost_bytes,
            up_to: None,
        })
    }
}

/// How a file ends; in doubt it is whole.
pub(in crate::media) fn ending(file: &File) -> Ending {
    if let Some(media) = without_index(file) {
        return Ending::NoIndex(media);
    }
    let Ok(len) = file.metadata().map(|m| m.len()) else {
        return Ending::Whole;
    };
    let mut head = [0; 12];
    if file.read_exact_at(&mut head, 0).is_err() {
        return Ending::Whole;
    }
    let without_index = |lost| Cut::of(SalvageMethod::WithoutIndex, Some(lost));
    let cut = match &head {
        [b'R', b'I', b'F', b'F', .., b'A', b'V', b'I', b' '] => avi(file, len).map(|lost| {
            // With what is not whole all would end that comes behind it in time.
            Ending::Cut(Cut {
                method: SalvageMethod::WithoutIndex,
                lost_bytes: Some(lost),
                up_to: Some(len - lost),
            })
        }),
        [0x1a, 0x45, 0xdf, 0xa3, ..] => matroska(file, len).map(without_index),
        [.., b'f', b't', b'y', b'p', _, _, _, _] => mp4(file, len),
        _ => transport(file, len).map(without_index),
    };
    cut.unwrap_or(Ending::Whole)
}

/// An index in front, and media or a fragment that go on beyond the end.
fn mp4(file: &File, len: u64) -> Option<Ending> {
    let mut index = false;
    for found in boxes(file, 0..len) {
        if found.end > len && index {
            return match &found.kind {
                b"mdat" => Some(Cut::of(SalvageMethod::InARow, None)),
                b"moof" => Some(Cut::of(SalvageMethod::WithoutIndex, None)),
                _ => None,
            };
        }
        index |= &found.kind == b"moov";
    }
    None
}

/// Lists and chunks (Microsoft, AVI RIFF File Reference): what lies behind the last whole one in a file
/// whose head says more than there is, or nothing.
fn avi(file: &File, len: u64) -> Option<u64> {
    let mut at = 0;
    let mut whole = 0;
    let mut unended = false;
    for _ in 0..PARTS_MAX {
        let mut head = [0; 12];
        let have = usize::try_from((len - at).min(12)).ok()?;
        if have < 8 || file.read_exact_at(head.get_mut(..have)?, at).is_err() {
            break;
        }
        let [k, i, n, d, a, b, c, e, ..] = head;
        let size = u64::from(u32::from_le_bytes([a, b, c, e]));
        let end = (at + 8).saturating_add(size + size % 2);
        at = match &[k, i, n, d] {
            // Written as zero at first, and put right at the end: then nothing in it has to be looked at.
            b"RIFF" if size > 0 && end <= len + 1 => end,
            b"LIST" if head.get(8..) == Some(b"movi") && size > 0 && end <= len => end,
            b"RIFF" => {
                unended = true;
                at + 12
            }
            b"LIST" if matches!(head.get(8..), Some(b"movi" | b"rec ")) => at + 12,
            kind if !kind.iter().all(|b| b.is_ascii_graphic() || *b == b' ') => break,
            _ if at + 8 + size > len => break,
            // It is written last, whatever the head says.
            b"idx1" => return None,
            _ => end,
        };
        whole = at.min(len);
        if at >= len {
            break;
        }
    }
    unended.then(|| len - whole)
}

/// Elements (RFC 8794, 4): what lies behind the last whole one, where one goes beyond the end.
fn matroska(file: &File, len: u64) -> Option<u64> {
    const SEGMENT: u64 = 0x1853_8067;
    const CLUSTER: u64 = 0x1f43_b675;
    let mut at = 0;
    let mut beyond = false;
    for _ in 0..PARTS_MAX {
        if at >= len {
            break;
        }
        let Some((kind, size, body)) = element(file, at, len) else {
            // The head of an element is cut, or none.
            return (beyond || len - at < 12).then(|| len - at);
        };
        let end = size.map(|size| body.saturating_add(size));
        beyond |= end.is_some_and(|end| end > len);
        at = match (kind, end) {
            (_, Some(end)) if end <= len => end,
            (SEGMENT | CLUSTER, _) => body,
            _ => return Some(len - at),
        };
    }
    beyond.then_some(0)
}

/// An element's id, its size where it says one, and where its contents begin.
fn element(file: &File, at: u64, len: u64) -> Option<(u64, Option<u64>, u64)> {
    let mut head = [0; 12];
    let have = usize::try_from((len - at).min(12)).ok()?;
    file.read_exact_at(head.get_mut(..have)?, at).ok()?;
    let head = head.get(..have)?;
    let width = |first: u8| usize::try_from(first.leading_zeros()).unwrap_or(8) + 1;
    let ids = width(*head.first()?);
    let sizes = width(*head.get(ids)?);
    if ids > 4 || sizes > 8 {
        return None;
    }
    let number = |bytes: &[u8]| bytes.iter().fold(0, |n: u64, b| n << 8 | u64::from(*b));
    let kind = number(head.get(..ids)?);
    let size = number(head.get(ids..ids + sizes)?);
    let mask = (1_u64 << (7 * sizes)) - 1;
    let size = Some(size & mask).filter(|size| *size != mask);
    Some((kind, size, at + (ids + sizes) as u64))
}

/// What a transport stream has behind its last whole packet (ISO/IEC 13818-1, 2.4.3.2).
fn transport(file: &File, len: u64) -> Option<u64> {
    let begins = |at: u64| {
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).is_ok() && byte == [0x47]
    };
    let size = PACKETS
        .into_iter()
        .find(|(size, before)| (0..PACKETS_LOOKED_AT).all(|n| begins(n * size + before)));
    let behind = len % size?.0;
    (behind > 0).then_some(behind)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use super::*;

    fn ends(bytes: &[u8]) -> Ending {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        ending(&file)
    }

    fn cut(lost: u64) -> Ending {
        Cut::of(SalvageMethod::WithoutIndex, Some(lost))
    }

    fn chunk(kind: &[u8], body: &[u8]) -> Vec<u8> {
        [kind, &(body.len() as u32).to_le_bytes(), body].concat()
    }

    #[test]
    fn an_avi_ends_where_its_head_says() {
        let movi = chunk(
            b"LIST",
            &[
                b"movi".to_vec(),
                chunk(b"00dc", &[7; 40]),
                chunk(b"01wb", &[7; 8]),
            ]
            .concat(),
        );
        let whole = chunk(
            b"RIFF",
            &[
                b"AVI ".to_vec(),
                chunk(b"LIST", b"hdrl...."),
                movi,
                chunk(b"idx1", &[0; 16]),
            ]
            .concat(),
        );
        assert_eq!(ends(&whole), Ending::Whole);
        let up_to = |end: usize, lost: u64| {
            Ending::Cut(Cut {
                method: SalvageMethod::WithoutIndex,
                lost_bytes: Some(lost),
                up_to: Some(end as u64),
            })
        };
        // Head, header list, the list's own head and the picture: then sound.
        let sound = 12 + 16 + 12 + 48;
        for at in [sound, sound + 3, sound + 15] {
            let lost = (at - sound) as u64;
            assert_eq!(ends(&whole[..at]), up_to(sound, lost), "{at}");
        }
        let index = sound + 16;
        assert_eq!(ends(&whole[..index]), up_to(index, 0));
        // Its index is not whole.
        assert_eq!(ends(&whole[..index + 4]), up_to(index, 4));
        // A recorder that never came to write how long it is.
        let mut unwritten = whole[..sound + 3].to_vec();
        unwritten[4..8].fill(0);
        assert_eq!(ends(&unwritten), up_to(sound, 3));
        // One that never does, and came to the end.
        let mut careless = whole;
        careless[4..8].fill(0);
        assert_eq!(ends(&careless), Ending::Whole);
    }

    #[test]
    fn a_matroska_ends_where_its_last_element_does() {
        let block = [&[0xa3, 0x88][..], &[7; 8]].concat();
        let cluster = [&[0x1f, 0x43, 0xb6, 0x75, 0x94][..], &block, &block].concat();
        let segment = [&[0x18, 0x53, 0x80, 0x67, 0x80 | 25][..], &cluster].concat();
        let whole = [&[0x1a, 0x45, 0xdf, 0xa3, 0x84][..], &[0; 4], &segment].concat();
        assert_eq!(ends(&whole), Ending::Whole);
        let last = whole.len() - block.len();
        for at in [last + 1, last + 5, whole.len() - 1] {
            assert_eq!(ends(&whole[..at]), cut((at - last) as u64), "{at}");
        }
        assert_eq!(ends(&whole[..last]), cut(0));
        // One that is written as it comes says nothing of its size.
        let live = [
            &[0x1a, 0x45, 0xdf, 0xa3, 0x84][..],
            &[0; 4],
            &[0x18, 0x53, 0x80, 0x67, 0xff],
            &cluster,
        ]
        .concat();
        assert_eq!(ends(&live), Ending::Whole);
        assert_eq!(ends(&live[..live.len() - 2]), cut(8));
    }

    #[test]
    fn a_transport_stream_ends_with_a_packet() {
        let packet = [&[0x47][..], &[0; 187]].concat();
        let all = packet.repeat(8);
        assert_eq!(ends(&all), Ending::Whole);
        assert_eq!(ends(&all[..188 * 6 + 20]), cut(20));
        assert_eq!(ends(&[0x47; 12]), Ending::Whole);
    }

    #[test]
    fn an_mp4_ends_with_its_last_box() {
        let boxed =
            |kind: &[u8], size: u32, body: &[u8]| [&size.to_be_bytes()[..], kind, body].concat();
        let (ftyp, moov) = (boxed(b"ftyp", 16, b"isom...."), boxed(b"moov", 12, b"...."));
        let (moof, mdat) = (boxed(b"moof", 12, b"...."), boxed(b"mdat", 24, &[7; 16]));
        let meta = boxed(b"meta", 12, b"....");
        let many = boxed(b"free", 8, b"").repeat(crate::media::boxes::BOXES_MAX);
        let some = &mdat[..20];
        for (parts, ends_so) in [
            (vec![&ftyp[..], &mdat, &moov], Ending::Whole),
            (vec![&ftyp, &moov, &mdat], Ending::Whole),
            (
                vec![&ftyp, &moov, some],
                Cut::of(SalvageMethod::InARow, None),
            ),
            (
                vec![&ftyp, &moov, &moof, some],
                Cut::of(SalvageMethod::InARow, None),
            ),
            (
                vec![&ftyp, &moov, &moof, &mdat, &moof[..10]],
                Cut::of(SalvageMethod::WithoutIndex, None),
            ),
            (vec![&ftyp, &moov, &moof, &mdat], Ending::Whole),
            (vec![&ftyp, some], Ending::NoIndex(24..36)),
            (vec![&ftyp, &mdat], Ending::NoIndex(24..40)),
            (vec![&ftyp, &mdat, &moov[..10]], Ending::NoIndex(24..40)),
            (vec![&ftyp, &mdat[..8]], Ending::Whole),
            // A picture file, and one whose index may come behind more than is looked at.
            (vec![&ftyp, &meta, &mdat], Ending::Whole),
            (vec![&ftyp, &mdat, &many], Ending::Whole),
        ] {
            assert_eq!(ends(&parts.concat()), ends_so, "{parts:?}");
        }
    }
}
