//! The packets of a transport stream, which a demuxer does not show: whether its times can be believed,
//! and what there is beside the tracks that come out of it (ISO/IEC 13818-1, 2.4).
//!
//! A demuxer goes on where packets are lost, damaged or scrambled, and where tables change; where the
//! clock has a gap it shortens time. Then nobody can say which seconds some chunks show.

use std::{collections::HashMap, fs::File, io, os::unix::fs::FileExt};

use mpeg2ts_reader::{
    STUFFING_PID,
    packet::{ContinuityCounter, Packet},
};

use super::unreadable;
use crate::{base::limits::CHUNK_BYTES, media::packets::End};

/// From one packet to the next: plain, behind a time of four bytes, and before a check of sixteen.
const STEPS: [usize; 3] = [Packet::SIZE, Packet::SIZE + 4, Packet::SIZE + 16];

/// Packets that must begin as such, one step from another, before they are taken for packets.
const BEGINNINGS: usize = 8;

/// Packets that are read at once.
const PACKETS_AT_ONCE: usize = 4_096;

/// Between two clock references of a program lies less, in 90,000ths of a second: from a second on the
/// demuxer takes it for a gap.
const CLOCK_GAP: u64 = 90_000;

/// The base of a clock reference has 33 bits.
const CLOCK_MASK: u64 = (1 << 33) - 1;

/// `packet_start_code_prefix` of a packetized elementary stream.
const PACKET_BEGINS: [u8; 3] = [0, 0, 1];

/// `program_association_section` and `TS_program_map_section`.
const TABLES: [u8; 2] = [0, 2];

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// Its tables stand in the first chunk and never change, no packet is lost, damaged or scrambled, and
    /// no clock has a gap.
    pub steady: bool,
    /// Kinds of tables in the first chunk.
    tables: Vec<u8>,
    /// Bytes of each chunk that come out of no track, repetitions not counted.
    beside: Vec<u32>,
}

/// What is known of one sub-stream.
#[derive(Default)]
struct Substream {
    counter: Option<ContinuityCounter>,
    clock: Option<u64>,
    /// The last payload, where nothing comes out of it; and the last that begins a table.
    payload: Vec<u8>,
    table: Option<Vec<u8>>,
}

impl Look {
    /// Reads the whole file, and tells `on` as it goes on.
    ///
    /// # Errors
    /// When it cannot be read, or `on` says so.
    pub(super) fn over(
        file: &File,
        bytes: u64,
        tracks: &[u16],
        mut on: impl FnMut() -> Result<(), End>,
    ) -> Result<Self, End> {
        let chunks = usize::try_from(bytes.div_ceil(CHUNK_BYTES as u64)).unwrap_or(0);
        let mut look = Self {
            beside: vec![0; chunks],
            ..Self::default()
        };
        let Some((begin, step)) = grid(file, bytes).map_err(|e| unreadable(&e))? else {
            return Ok(look);
        };
        look.steady = true;
        let mut substreams = HashMap::new();
        let mut buffer = vec![0; step * PACKETS_AT_ONCE];
        let mut at = begin;
        while at < bytes {
            on()?;
            let length = usize::try_from(bytes - at).unwrap_or(usize::MAX);
            let length = length.min(buffer.len());
            let read = buffer.get_mut(..length).unwrap_or_default();
            file.read_exact_at(read, at).map_err(|e| unreadable(&e))?;
            let places = (at..).step_by(step);
            for (place, bytes) in places.zip(read.chunks(step)) {
                // What is left of a packet at the end of a file is none.
                if let Some(bytes) = bytes.get(..Packet::SIZE) {
                    let steady = look.packet(&mut substreams, tracks, place, bytes);
                    look.steady &= steady.is_some();
                }
            }
            at += length as u64;
        }
        look.steady &= TABLES.iter().all(|kind| look.tables.contains(kind));
        Ok(look)
    }

    /// Takes note of a packet; nothing where a demuxer could lose its way.
    fn packet(
        &mut self,
        substreams: &mut HashMap<u16, Substream>,
        tracks: &[u16],
        at: u64,
        bytes: &[u8],
    ) -> Option<()> {
        let packet = Packet::try_new(bytes)?;
        let pid = packet.pid();
        let substream = substreams.entry(u16::from(pid)).or_default();
        let payload = packet.payload();
        let is_track = tracks.contains(&u16::from(pid));
        if let Some(payload) = payload.filter(|p| !is_track && *p != substream.payload) {
            let chunk = usize::try_from(at / CHUNK_BYTES as u64).unwrap_or(usize::MAX);
            if let Some(beside) = self.beside.get_mut(chunk) {
                *beside = beside.saturating_add(u32::try_from(payload.len()).unwrap_or(u32::MAX));
            }
            payload.clone_into(&mut substream.payload);
        }
        if let Some(begun) = payload.filter(|_| packet.payload_unit_start_indicator()) {
            let is_packet = begun.starts_with(&PACKET_BEGINS);
            match table(begun).filter(|_| !is_track && !is_packet) {
                Some(_) if substream.table.as_ref().is_some_and(|t| t != begun) => return None,
                Some(kind) if substream.table.is_none() => {
                    substream.table = Some(begun.to_owned());
                    self.tables
                        .extend((at < CHUNK_BYTES as u64).then_some(kind));
                }
                // What the demuxer passes over, up to the next beginning.
                None if is_track && !is_packet => return None,
                _ => {}
            }
        }
        if pid == STUFFING_PID {
            return Some(());
        }
        whole(&packet).filter(|()| substream.goes_on(&packet))
    }

    /// Bytes of these chunks that come out of no track.
    pub(super) fn beside(&self, chunks: &[(u64, u64)]) -> u64 {
        let index = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        let of = chunks
            .iter()
            .filter_map(|(from, to)| self.beside.get(index(*from)..index(*to)));
        of.flatten().map(|bytes| u64::from(*bytes)).sum()
    }
}

impl Substream {
    /// Whether a packet follows the one before.
    fn goes_on(&mut self, packet: &Packet<'_>) -> bool {
        let counter = packet.continuity_counter();
        let before = self.counter.replace(counter);
        let follows = match packet.adaptation_control().has_payload() {
            true => before.is_none_or(|before| counter.follows(before)),
            false => before.is_none_or(|before| counter == before),
        };
        let Some(field) = packet.adaptation_field() else {
            return follows;
        };
        let clock = field.pcr().map(|clock| clock.base());
        let clock_before = match clock {
            Ok(clock) => self.clock.replace(clock).zip(Some(clock)),
            Err(_) => None,
        };
        let elapsed = clock_before.map(|(before, now)| now.wrapping_sub(before) & CLOCK_MASK);
        follows
            && elapsed.is_none_or(|elapsed| elapsed < CLOCK_GAP)
            && (before.is_none() || !field.discontinuity_indicator())
    }
}

/// A packet without a fault of its own.
fn whole(packet: &Packet<'_>) -> Option<()> {
    let control = packet.adaptation_control();
    let empty = packet.buffer().get(4) == Some(&0);
    let field = !control.has_adaptation_field() || empty || packet.adaptation_field().is_some();
    let whole = !packet.transport_error_indicator()
        && !packet.transport_scrambling_control().is_scrambled()
        && field
        && (packet.payload().is_some() == control.has_payload());
    whole.then_some(())
}

/// The kind of the table that a unit begins, if it is one that names the tracks.
fn table(unit: &[u8]) -> Option<u8> {
    let pointer = usize::from(*unit.first()?);
    let kind = *unit.get(pointer + 1)?;
    TABLES.contains(&kind).then_some(kind)
}

/// Where its first packet begins, and how far it is to the next.
fn grid(file: &File, bytes: u64) -> io::Result<Option<(u64, usize)>> {
    let most = STEPS.map(|step| step * (BEGINNINGS + 1));
    let most = most.into_iter().max().unwrap_or(0);
    let mut head = vec![0; most.min(usize::try_from(bytes).unwrap_or(usize::MAX))];
    file.read_exact_at(&mut head, 0)?;
    let found = STEPS.into_iter().find_map(|step| {
        let begins = |at: &usize| {
            let places = (*at..head.len()).step_by(step).take(BEGINNINGS);
            let mut bytes = places.filter_map(|place| head.get(place));
            bytes.all(|byte| Packet::is_sync_byte(*byte))
        };
        (0..step).find(begins).map(|at| (at as u64, step))
    });
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use super::*;

    const PICTURES: u16 = 0x100;

    /// A packet of a sub-stream, its payload filled with a byte behind these.
    fn packet(pid: u16, counter: u8, starts: bool, payload: &[u8]) -> Vec<u8> {
        let start = if starts { 0x40 } else { 0 };
        let [high, low] = pid.to_be_bytes();
        let mut bytes = vec![0x47, start | high, low, 0x10 | (counter & 15)];
        bytes.extend_from_slice(payload);
        bytes.resize(188, 0xff);
        bytes
    }

    /// One that holds nothing but a clock reference.
    fn clock(pid: u16, counter: u8, base: u64) -> Vec<u8> {
        let [high, low] = pid.to_be_bytes();
        let mut bytes = vec![0x47, high, low, 0x20 | (counter & 15), 183, 0x10];
        bytes.extend_from_slice(&(base << 15 | 0x7e00).to_be_bytes()[2..]);
        bytes.resize(188, 0xff);
        bytes
    }

    /// Three seconds: tables, pictures, and a clock that goes round in the middle.
    fn stream() -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        for n in 0..30_u8 {
            all.push(packet(0, n, true, &[0, 0, 0xb0, 13]));
            all.push(packet(0x20, n, true, &[0, 2, 0xb0, 23]));
            let now = (CLOCK_MASK - 135_000 + u64::from(n) * 9_000) & CLOCK_MASK;
            all.push(clock(PICTURES, n * 2 + 15, now));
            all.push(packet(PICTURES, n * 2, true, &[0, 0, 1, 0xe0, n]));
            all.push(packet(PICTURES, n * 2 + 1, false, &[n; 184]));
            all.push(packet(0x1fff, 0, false, &[]));
        }
        all
    }

    fn look(packets: &[Vec<u8>]) -> Look {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&packets.concat()).unwrap();
        let bytes = file.metadata().unwrap().len();
        Look::over(&file, bytes, &[PICTURES], || Ok(())).unwrap_or_else(|_| panic!())
    }

    #[test]
    fn a_whole_stream_is_steady() {
        let plain = look(&stream());
        assert!(plain.steady);
        assert_eq!(plain.tables, TABLES);
        // The tables once, and the stuffing once.
        assert_eq!(plain.beside(&[(0, 1)]), 3 * 184);
        // The same behind times of four bytes, and before checks of sixteen; and cut in a packet.
        let timed: Vec<_> = stream()
            .iter()
            .map(|p| [&[7; 4], &p[..]].concat())
            .collect();
        let checked: Vec<_> = stream()
            .iter()
            .map(|p| [&p[..], &[7; 16]].concat())
            .collect();
        let mut cut = stream();
        cut.last_mut().unwrap().truncate(100);
        for packets in [timed, checked, cut] {
            let look = look(&packets);
            assert!(look.steady, "{look:?}");
        }
    }

    #[test]
    fn what_makes_a_demuxer_lose_its_way_is_told() {
        type Change = fn(&mut Vec<Vec<u8>>);
        let changes: [(&str, Change); 13] = [
            ("lost", |p| drop(p.remove(70))),
            ("doubled", |p| p.insert(70, p[70].clone())),
            ("a byte too much", |p| p[70].push(0)),
            ("damaged", |p| p[70][1] |= 0x80),
            ("scrambled", |p| p[70][3] |= 0x80),
            ("no packet", |p| p[70][0] = 0x48),
            ("a field longer than its packet", |p| {
                (p[70][3], p[70][4]) = (p[70][3] | 0x20, 183);
            }),
            ("another table", |p| p[61][100] ^= 1),
            ("no beginning", |p| p[69][6] = 2),
            ("tables behind the first chunk", |p| {
                let more = p.iter().cycle().filter(|p| p[1] & 0x40 == 0);
                let more: Vec<_> = more.take(1_500).cloned().collect();
                let stuffing = more.into_iter().filter(|p| p[1] == 0x1f);
                let _ = p.splice(..0, stuffing.cycle().take(1_500));
            }),
            ("said to be broken", |p| p[62][5] |= 0x80),
            ("a clock with a gap", |p| {
                p.drain(30..126);
            }),
            ("a clock set back", |p| {
                p[92] = clock(PICTURES, 29, CLOCK_MASK - 50_000)
            }),
        ];
        for (what, change) in changes {
            let mut packets = stream();
            change(&mut packets);
            assert!(!look(&packets).steady, "{what}");
        }
        assert!(!look(&[vec![0; 4_000]]).steady);
        assert!(!look(&[]).steady);
    }

    #[test]
    fn what_comes_out_of_no_track_is_counted_where_it_lies() {
        let mut packets = stream();
        for n in 0..=CHUNK_BYTES / 188 {
            let n = u8::try_from(n & 15).unwrap();
            packets.push(packet(PICTURES, n + 12, false, &[n; 184]));
        }
        packets.push(packet(0x99, 0, true, &[0, 0, 1, 0xbd]));
        packets.push(packet(0x99, 1, false, &[1; 184]));
        packets.push(packet(0x99, 2, false, &[1; 184]));
        let look = look(&packets);
        assert!(look.steady);
        assert_eq!(look.beside(&[(0, 1)]), 3 * 184);
        assert_eq!(look.beside(&[(1, 2)]), 2 * 184);
        assert_eq!(look.beside(&[(0, 2), (7, 9)]), 5 * 184);
    }
}
