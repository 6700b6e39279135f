//! Chunks out of a tape.

use std::collections::VecDeque;

use super::{
    Head,
    tape::{Packet, Pull, Tape},
};
use crate::{
    base::limits::CHUNK_BYTES,
    custody::request::{DISCLOSED_MAX, Seconds},
    media::protocol::{ExcerptFacts, Part},
    proof::STRETCHES_MAX,
};

/// The chunks that show a part, and the seconds that those chunks disclose.
pub(super) fn select(
    tape: &Tape,
    head: Head,
    bytes: u64,
    part: Part,
) -> Result<ExcerptFacts, &'static str> {
    if tape.packets.is_empty() {
        return Err("nothing comes out of it");
    }
    let mut chunks = Marks::default();
    for pull in needed_anyway(tape, head) {
        chunks.mark(chunks_of(pull));
    }
    for pull in needed(tape, head, part) {
        chunks.mark(chunks_of(pull));
    }
    let second = |ms: u64| ms / 1_000;
    let (mut seconds, mut presented) = (Marks::default(), Marks::default());
    seconds.mark((second(part.from_ms), second(part.to_ms + 999)));
    let late_ms = if tape.by_decoding {
        REORDERED_MS_MAX
    } else {
        0
    };
    for packet in &tape.packets {
        let begin = second(packet.begin_ms.into());
        let end = second(u64::from(packet.end_ms) + late_ms + 999);
        let of_packet = (begin, end.max(begin + 1));
        presented.mark(of_packet);
        let mut pulls = stretch(tape, packet.first, packet.last).iter();
        if pulls.any(|pull| chunks.any(chunks_of(*pull))) {
            seconds.mark(of_packet);
        }
    }
    // Where nothing is presented, another reader may present what lies beside it.
    for pair in presented.stretches().windows(2) {
        let (before, after) = (pair[0].1, pair[1].0);
        if seconds.any((before - 1, after + 1)) {
            seconds.mark((before, after));
        }
    }
    let of_file = bytes.div_ceil(CHUNK_BYTES as u64);
    let chunks = chunks.stretches().into_iter();
    let chunks: Vec<(u64, u64)> = chunks
        .map(|(from, to)| (from, to.min(of_file)))
        .filter(|(from, to)| from < to)
        .collect();
    if chunks.len() > STRETCHES_MAX {
        return Err("what is needed of it lies too scattered");
    }
    let number = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    let discloses = few(seconds.stretches(), DISCLOSED_MAX).into_iter();
    let discloses = discloses.map(|(from, to)| Seconds {
        from: number(from),
        to: number(to),
    });
    Ok(ExcerptFacts {
        chunks,
        discloses: discloses.collect(),
    })
}

/// Bytes between two readings of which no more is made: in an AVI file each packet has eight before it
/// that nobody has to read who has the index.
const STEPPED_OVER_MAX: u64 = 16;

/// Bytes that are read whatever is shown.
pub(super) fn head_bytes(tape: &Tape, head: Head) -> u64 {
    match head {
        // A stream has no head but its beginning.
        Head::First => 0,
        head => {
            let all = merged(&needed_anyway(tape, head));
            all.iter().map(|(from, to)| to - from).sum()
        }
    }
}

/// What was read, as stretches of bytes in their order, none touching another.
fn merged(pulls: &[Pull]) -> Vec<(u64, u64)> {
    let stretch = |pull: &Pull| (pull.offset, pull.offset.saturating_add(pull.bytes));
    let mut all: Vec<(u64, u64)> = pulls.iter().map(stretch).collect();
    all.sort_unstable();
    let mut out: Vec<(u64, u64)> = Vec::new();
    for (from, to) in all {
        match out.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => out.push((from, to)),
        }
    }
    out
}

/// What is left of a stretch where others, in their order, are taken out.
fn without((mut at, to): (u64, u64), others: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let first = others.partition_point(|(_, end)| *end <= at);
    let mut out = Vec::new();
    for (begin, end) in others
        .iter()
        .skip(first)
        .take_while(|(begin, _)| *begin < to)
    {
        out.extend((at < *begin).then_some((at, *begin)));
        at = at.max(*end);
    }
    out.extend((at < to).then_some((at, to)));
    out
}

/// Milliseconds by which a picture may be shown later than it is decoded.
const REORDERED_MS_MAX: u64 = 500;

/// Stretches of the disclosed chunks that were never read.
pub(super) fn unread(tape: &Tape, chunks: &[(u64, u64)], bytes: u64) -> Vec<(u64, u64)> {
    let read = merged(&tape.pulls);
    let place = |chunk: u64| chunk.saturating_mul(CHUNK_BYTES as u64).min(bytes);
    let chunks = chunks.iter().map(|(from, to)| (place(*from), place(*to)));
    let left = chunks.flat_map(|disclosed| without(disclosed, &read));
    left.filter(|(from, to)| from + STEPPED_OVER_MAX < *to)
        .collect()
}

/// Says that a file discloses all of the recording.
pub(super) fn disclose_all(tape: &Tape, facts: &mut ExcerptFacts) {
    let last = tape.packets.iter().map(|packet| packet.end_ms).max();
    let told = facts.discloses.iter().map(|some| some.to).max();
    let to = last.unwrap_or(0).div_ceil(1_000).max(told.unwrap_or(0));
    facts.discloses = vec![Seconds { from: 0, to }];
}

/// What is read of the packets that show a part. A stream is read in a row: needed is also what lies
/// between them, where its demuxer gives them out by tracks and not in their order; and up to what comes
/// out next, for it gives out nothing where tables change.
fn needed(tape: &Tape, head: Head, part: Part) -> Vec<Pull> {
    let all = |first, last| stretch(tape, first, last).iter().copied();
    let shown = shown(tape, head, part);
    if head != Head::First {
        return shown.iter().flat_map(|p| all(p.first, p.last)).collect();
    }
    let last = shown.iter().map(|p| p.last).max().unwrap_or(0);
    let is_next = |p: &&Packet| p.last > last && u64::from(p.begin_ms) >= part.to_ms;
    let next = tape.packets.iter().find(is_next);
    let first = shown.iter().map(|p| p.first).min().into_iter();
    let end = next.map_or(u32::MAX, |next| next.last);
    first.flat_map(|first| all(first, end)).collect()
}

/// What is read whatever is shown.
fn needed_anyway(tape: &Tape, head: Head) -> Vec<Pull> {
    let index = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    match head {
        Head::First => vec![Pull {
            offset: 0,
            bytes: CHUNK_BYTES as u64,
        }],
        // Of what is read before, some is the beginning of what is read again for packets.
        Head::Before => {
            let begun = tape.begun.saturating_sub(1);
            let last = tape.packets.iter().map(|p| index(p.last)).max();
            let before = merged(tape.pulls.get(..begun).unwrap_or_default());
            let packets = merged(
                tape.pulls
                    .get(begun..=last.unwrap_or(0))
                    .unwrap_or_default(),
            );
            let left = before.into_iter().flat_map(|all| without(all, &packets));
            let pull = |(from, to)| Pull {
                offset: from,
                bytes: to - from,
            };
            // Where a file begins and where its first packet does, its head is, however it was read.
            let first = tape.pulls.get(begun).map_or(0, |pull| pull.offset);
            left.chain([(0, 1), (first, first.saturating_add(1))])
                .map(pull)
                .collect()
        }
        Head::Scattered => {
            let mut is_of_packet = vec![false; tape.pulls.len()];
            for packet in &tape.packets {
                if let Some(of_packet) = is_of_packet.get_mut(index(packet.last)) {
                    *of_packet = true;
                }
            }
            let pulls = tape.pulls.iter().zip(is_of_packet);
            pulls.filter(|(_, of)| !of).map(|(pull, _)| *pull).collect()
        }
    }
}

/// Of each track what is shown, from the key frame before it on. Of a stream from the one before that:
/// it is read through, and what is left of a picture at the edge of a chunk makes decoders show wrong
/// pictures up to the next key frame (libavcodec 59, in several threads).
fn shown(tape: &Tape, head: Head, part: Part) -> Vec<Packet> {
    let keys = if head == Head::First || tape.by_decoding {
        2
    } else {
        1
    };
    let mut out = Vec::new();
    let tracks = tape.packets.iter().map(|p| p.track).max().unwrap_or(0);
    for track in 0..=tracks {
        let of_track = || tape.packets.iter().filter(|p| p.track == track);
        let begins = |p: &&Packet| p.key && u64::from(p.begin_ms) <= part.from_ms;
        // By their order in the file: packets are decoded in it.
        let mut before = VecDeque::new();
        for (at, _) in of_track().enumerate().filter(|(_, p)| begins(p)) {
            before.push_back(at);
            if before.len() > keys {
                before.pop_front();
            }
        }
        let begin = before.front().copied().unwrap_or(0);
        let inside = |p: &Packet| u64::from(p.begin_ms) < part.to_ms;
        let last = of_track().enumerate().filter(|(_, p)| inside(p)).last();
        let Some((end, _)) = last else {
            continue;
        };
        out.extend(of_track().take(end + 1).skip(begin));
    }
    out
}

/// The readings from one to another.
fn stretch(tape: &Tape, first: u32, last: u32) -> &[Pull] {
    let index = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    let end = index(last).saturating_add(1).min(tape.pulls.len());
    tape.pulls.get(index(first)..end).unwrap_or_default()
}

/// Chunks that a reading touches, the end not included.
fn chunks_of(pull: Pull) -> (u64, u64) {
    let chunk = CHUNK_BYTES as u64;
    let end = pull.offset.saturating_add(pull.bytes);
    (pull.offset / chunk, end.div_ceil(chunk))
}

/// Numbers of which some are marked.
#[derive(Default)]
struct Marks(Vec<bool>);

/// The greatest number that is marked: chunks of a file of 16 TiB, seconds of two years.
const MARK_MAX: u64 = 1 << 26;

impl Marks {
    fn range((from, to): (u64, u64)) -> std::ops::Range<usize> {
        let index = |n: u64| usize::try_from(n.min(MARK_MAX)).unwrap_or(0);
        index(from)..index(to)
    }

    fn mark(&mut self, stretch: (u64, u64)) {
        let range = Self::range(stretch);
        if self.0.len() < range.end {
            self.0.resize(range.end, false);
        }
        if let Some(marks) = self.0.get_mut(range) {
            marks.fill(true);
        }
    }

    fn any(&self, stretch: (u64, u64)) -> bool {
        let range = Self::range(stretch);
        let end = range.end.min(self.0.len());
        let marks = self.0.get(range.start..end);
        marks.is_some_and(|marks| marks.contains(&true))
    }

    /// The marked ones, the ends not included, in order and none touching another.
    fn stretches(&self) -> Vec<(u64, u64)> {
        let mut out: Vec<(u64, u64)> = Vec::new();
        for (n, _) in self.0.iter().enumerate().filter(|(_, marked)| **marked) {
            let n = n as u64;
            match out.last_mut() {
                Some(last) if last.1 == n => last.1 = n + 1,
                _ => out.push((n, n + 1)),
            }
        }
        out
    }
}

/// The same as at most so many stretches: those that lie closest become one.
fn few(stretches: Vec<(u64, u64)>, most: usize) -> Vec<(u64, u64)> {
    let gaps = stretches.windows(2).map(|two| two[1].0 - two[0].1);
    let mut widest: Vec<(u64, usize)> = gaps.zip(1..).collect();
    widest.sort_unstable_by(|a, b| b.cmp(a));
    let mut kept: Vec<usize> = widest.iter().map(|(_, at)| *at).take(most - 1).collect();
    kept.sort_unstable();
    let mut out: Vec<(u64, u64)> = Vec::new();
    for (at, stretch) in stretches.into_iter().enumerate() {
        match out.last_mut() {
            Some(last) if kept.binary_search(&at).is_err() => last.1 = stretch.1,
            _ => out.push(stretch),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const CHUNK: u64 = CHUNK_BYTES as u64;

    /// A file whose index is at its end, with a second of pictures a chunk and a key frame every two.
    fn tape() -> Tape {
        let mut tape = Tape::default();
        tape.begun = 3;
        let pull = |offset, bytes| Pull { offset, bytes };
        tape.pulls = vec![pull(0, 16), pull(20 * CHUNK, 900)];
        for n in 0..20_u32 {
            tape.pulls.push(pull(u64::from(n) * CHUNK + 16, 1_000));
            tape.packets.push(Packet {
                track: 0,
                key: n % 2 == 0,
                first: 2 + n,
                last: 2 + n,
                begin_ms: n * 1_000,
                end_ms: (n + 1) * 1_000,
            });
        }
        tape
    }

    fn part(from: u64, to: u64) -> Part {
        Part {
            from_ms: from * 1_000,
            to_ms: to * 1_000,
            in_a_row: false,
        }
    }

    fn told(tape: &Tape, head: Head, from: u64, to: u64) -> (Vec<(u64, u64)>, String) {
        let facts = select(tape, head, 20 * CHUNK + 900, part(from, to)).unwrap();
        (
            facts.chunks,
            crate::custody::request::stretches(&facts.discloses),
        )
    }

    #[test]
    fn head_and_index_and_all_from_the_key_frame_on_are_needed() {
        let seconds = |text: &str| text.to_owned();
        assert_eq!(
            told(&tape(), Head::Before, 5, 7),
            (vec![(0, 1), (4, 7), (20, 21)], seconds("0-1,4-7"))
        );
        assert_eq!(
            told(&tape(), Head::First, 5, 7),
            (vec![(0, 1), (2, 8)], seconds("0-1,2-8"))
        );
        // What was read for no packet is index, wherever it lies.
        let mut scattered = tape();
        scattered.pulls.push(Pull {
            offset: 12 * CHUNK,
            bytes: 16,
        });
        assert_eq!(
            told(&scattered, Head::Scattered, 5, 7),
            (
                vec![(0, 1), (4, 7), (12, 13), (20, 21)],
                seconds("0-1,4-7,12-13")
            )
        );
        assert_eq!(
            told(&tape(), Head::Before, 0, 20),
            (vec![(0, 21)], seconds("0-20"))
        );
    }

    #[test]
    fn the_head_is_needed_also_where_it_was_read_with_the_first_packet() {
        // As of a Matroska file with its index in front: one reading has it all.
        let mut tape = tape();
        tape.pulls.drain(..2);
        tape.begun = 1;
        for packet in &mut tape.packets {
            (packet.first, packet.last) = (packet.first - 2, packet.last - 2);
        }
        let (chunks, _) = told(&tape, Head::Before, 5, 7);
        assert_eq!(chunks, [(0, 1), (4, 7)]);
        // And where instants are those of decoding, a group more and half a second.
        tape.by_decoding = true;
        let (chunks, seconds) = told(&tape, Head::Before, 5, 7);
        assert_eq!((chunks, &*seconds), (vec![(0, 1), (2, 7)], "0-8"));
    }

    #[test]
    fn pictures_are_needed_in_the_order_of_the_file() {
        // The picture of second 6 is decoded behind that of second 7, and is still needed.
        let mut tape = tape();
        (tape.packets[6].begin_ms, tape.packets[7].begin_ms) = (7_000, 6_000);
        let (chunks, _) = told(&tape, Head::First, 5, 7);
        assert_eq!(chunks, [(0, 1), (2, 9)]);
    }

    #[test]
    fn seconds_of_nothing_are_told_with_their_neighbours() {
        let mut tape = tape();
        tape.packets.retain(|p| ![8, 9, 15].contains(&p.first));
        let (_, seconds) = told(&tape, Head::Before, 5, 6);
        assert_eq!(seconds, "0-1,4-8");
        let (_, seconds) = told(&tape, Head::Before, 9, 11);
        assert_eq!(seconds, "0-1,6-11");
    }

    #[test]
    fn what_was_never_read_of_what_is_disclosed_is_found() {
        let pull = |offset, bytes| Pull { offset, bytes };
        let mut tape = Tape::default();
        tape.pulls = vec![
            pull(0, 16),
            pull(CHUNK, CHUNK),
            pull(CHUNK + 5, 10),
            pull(2 * CHUNK + 70, 30),
            pull(2 * CHUNK + 116, 4),
            pull(5 * CHUNK - 8, 20),
        ];
        let all = unread(&tape, &[(0, 1), (1, 3), (5, 6)], 5 * CHUNK + 100);
        let expected = [
            (16, CHUNK),
            (2 * CHUNK, 2 * CHUNK + 70),
            (2 * CHUNK + 120, 3 * CHUNK),
            (5 * CHUNK + 12, 5 * CHUNK + 100),
        ];
        assert_eq!(all, expected);
        let mut facts = ExcerptFacts {
            discloses: vec![Seconds { from: 5, to: 7 }],
            ..ExcerptFacts::default()
        };
        disclose_all(&self::tape(), &mut facts);
        assert_eq!(facts.discloses, [Seconds { from: 0, to: 20 }]);
    }

    #[test]
    fn nothing_out_of_it_is_nothing_to_select() {
        assert!(select(&Tape::default(), Head::First, 9, part(0, 1)).is_err());
    }

    #[test]
    fn stretches_that_lie_closest_become_one() {
        let all = vec![(0, 1), (4, 5), (6, 7), (20, 21), (30, 31)];
        assert_eq!(few(all.clone(), 4), [(0, 1), (4, 7), (20, 21), (30, 31)]);
        assert_eq!(few(all.clone(), 2), [(0, 7), (20, 31)]);
        assert_eq!(few(all.clone(), 9), all);
    }
}
