//! Sound between pictures: how much of it there is. Nothing in a packet of AAC says where it ends, so a
//! decoder is asked how many there are in a stretch.

use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use gstreamer as gst;
use gstreamer::prelude::*;

use super::bytes::Bytes;
use crate::recording::salvage::TrackShape;

/// Bytes of sound that lie together; recorders write a second or two at once.
const TOGETHER_BYTES_MAX: u64 = 1024 * 1024;
/// Bytes of the packets of AMR by their first byte (RFC 4867, 5.3; 3GPP TS 26.101), that included.
const AMR: [u64; 16] = [13, 14, 16, 18, 20, 21, 27, 32, 6, 0, 0, 0, 0, 0, 0, 1];

/// How sound is written.
#[derive(Debug)]
pub(super) enum Sound {
    /// Samples of so many bytes, all channels.
    Samples(u32),
    /// Packets that only a decoder can tell apart, and it.
    Packets(Counter),
    /// Packets of AMR.
    Amr,
}

/// A stretch of sound, as an index has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub at: u64,
    pub bytes: u32,
    /// Ticks, or for samples their number.
    pub lasts: u32,
}

impl Sound {
    /// Out of a sample description (ISO/IEC 14496-12, 12.2.3; QuickTime's further fields included);
    /// nothing for what cannot be told apart.
    pub(super) fn described(entry: &[u8]) -> Option<Self> {
        let short = |at: usize| Some(u16::from_be_bytes(entry.get(at..at + 2)?.try_into().ok()?));
        let long = |at: usize| Some(u32::from_be_bytes(entry.get(at..at + 4)?.try_into().ok()?));
        let version = short(16)?;
        let (channels, bits) = (u32::from(short(24)?), u32::from(short(26)?));
        let inside = match version {
            0 => 36,
            1 => 52,
            2 => 72,
            _ => return None,
        };
        let each = |bytes: u32| {
            Some(bytes)
                .filter(|n| (1..=64).contains(n))
                .map(Self::Samples)
        };
        match entry.get(4..8)? {
            b"raw " | b"sowt" | b"twos" | b"lpcm" if version == 2 => each(long(64)?),
            b"raw " | b"sowt" | b"twos" => each(channels.checked_mul(bits / 8)?),
            b"in24" => each(channels.checked_mul(3)?),
            b"in32" | b"fl32" => each(channels.checked_mul(4)?),
            b"ulaw" | b"alaw" => each(channels),
            b"samr" => Some(Self::Amr),
            b"mp4a" => {
                let config = aac_config(entry.get(inside..)?)?;
                let rate = long(32)? >> 16;
                Counter::new(config, rate, channels).map(Self::Packets)
            }
            _ => None,
        }
    }

    /// Whether a stretch is written sample by sample.
    pub(super) const fn sample_bytes(&self) -> Option<u32> {
        match self {
            Self::Samples(bytes) => Some(*bytes),
            Self::Packets(_) | Self::Amr => None,
        }
    }

    /// The sound in a stretch; `step` is what one packet lasts.
    pub(super) fn piece(
        &self,
        bytes: &mut Bytes<'_>,
        room: &Range<u64>,
        step: u32,
    ) -> Option<Piece> {
        let long = room.end.checked_sub(room.start)?;
        let lasts = match self {
            Self::Samples(each) => u32::try_from(long / u64::from(*each)).ok()?,
            _ if long > TOGETHER_BYTES_MAX => return None,
            Self::Amr => step.checked_mul(amr_packets(bytes, room)?)?,
            Self::Packets(counter) => {
                let all = bytes.at(room.start, usize::try_from(long).ok()?).to_vec();
                step.checked_mul(counter.packets(all))?
            }
        };
        (lasts > 0).then_some(Piece {
            at: room.start,
            bytes: u32::try_from(long).ok()?,
            lasts,
        })
    }
}

fn amr_packets(bytes: &mut Bytes<'_>, room: &Range<u64>) -> Option<u32> {
    let (mut at, mut count) = (room.start, 0);
    while at < room.end {
        let mode = bytes.at(at, 1).first()? >> 3 & 0xf;
        let size = AMR.get(usize::from(mode)).copied().filter(|n| *n > 0)?;
        at = at.checked_add(size).filter(|at| *at <= room.end)?;
        count += 1;
    }
    Some(count)
}

/// The decoder's configuration out of `esds` (ISO/IEC 14496-1, 7.2.6), wherever in the boxes it stands.
fn aac_config(inside: &[u8]) -> Option<&[u8]> {
    let at = inside.windows(4).position(|four| four == b"esds")?;
    let all = inside.get(at + 8..)?;
    let (_, stream) = descriptor(all, 3)?;
    // Behind its number its flags say what else stands there (7.2.6.5).
    let flags = *stream.get(2)?;
    let mut skip = 3;
    if flags & 0x80 != 0 {
        skip += 2;
    }
    if flags & 0x40 != 0 {
        skip += 1 + usize::from(*stream.get(skip)?);
    }
    if flags & 0x20 != 0 {
        skip += 2;
    }
    let (_, decoder) = descriptor(stream.get(skip..)?, 4)?;
    let (config, _) = descriptor(decoder.get(13..)?, 5)?;
    Some(config).filter(|c| (2..=64).contains(&c.len()))
}

/// The contents of a descriptor with this tag, and those with all that stands behind it.
fn descriptor(all: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    if *all.first()? != tag {
        return None;
    }
    let (mut size, mut at) = (0_usize, 1);
    loop {
        let byte = *all.get(at)?;
        at += 1;
        size = size << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
        if at > 4 {
            return None;
        }
    }
    let behind = all.get(at..)?;
    Some((behind.get(..size.min(behind.len()))?, behind))
}

/// A decoder of AAC that is asked how many packets there are.
#[derive(Debug)]
pub(super) struct Counter {
    element: gst::Element,
    into: gst::Pad,
    /// Keeps what comes out.
    _out: gst::Pad,
    seen: Arc<AtomicU32>,
}

impl Counter {
    fn new(config: &[u8], rate: u32, channels: u32) -> Option<Self> {
        let element = gst::ElementFactory::make("avdec_aac")
            // Whatever is no sound is that and nothing worse.
            .property("max-errors", -1_i32)
            .build()
            .ok()?;
        let seen = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&seen);
        let out = gst::Pad::builder(gst::PadDirection::Sink)
            .chain_function(move |_, _, _| {
                counted.fetch_add(1, Ordering::Relaxed);
                Ok(gst::FlowSuccess::Ok)
            })
            .event_function(|_, _, _| true)
            .build();
        let into = gst::Pad::builder(gst::PadDirection::Src).build();
        out.set_active(true).ok()?;
        into.set_active(true).ok()?;
        into.link(&element.static_pad("sink")?).ok()?;
        element.static_pad("src")?.link(&out).ok()?;
        element.set_state(gst::State::Playing).ok()?;
        let caps = gst::Caps::builder("audio/mpeg")
            .field("mpegversion", 4_i32)
            .field("stream-format", "raw")
            .field("framed", true)
            .field("rate", i32::try_from(rate).ok()?.max(8_000))
            .field("channels", i32::try_from(channels).ok()?.max(1))
            .field("codec_data", gst::Buffer::from_slice(config.to_vec()))
            .build();
        let events = [
            gst::event::StreamStart::new("sound"),
            gst::event::Caps::new(&caps),
            gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()),
        ];
        for event in events {
            into.push_event(event);
        }
        Some(Self {
            element,
            into,
            _out: out,
            seen,
        })
    }

    /// How many packets come out of a stretch.
    fn packets(&self, all: Vec<u8>) -> u32 {
        let before = self.seen.load(Ordering::Relaxed);
        let _ = self.into.push(gst::Buffer::from_slice(all));
        self.seen.load(Ordering::Relaxed).wrapping_sub(before)
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        let _ = self.element.set_state(gst::State::Null);
    }
}

/// What the index says of sound.
pub(super) fn pieces(
    bytes: &mut Bytes<'_>,
    between: &[Range<u64>],
    track: &TrackShape,
    sound: &Sound,
    beat: &mut dyn FnMut(),
) -> (Vec<Piece>, u64) {
    let (mut pieces, mut lost) = (Vec::new(), 0_u64);
    for room in between {
        beat();
        match sound.piece(bytes, room, track.step) {
            Some(piece) => pieces.push(piece),
            None => lost = lost.saturating_add(room.end.saturating_sub(room.start)),
        }
    }
    (pieces, lost)
}
