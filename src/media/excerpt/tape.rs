//! What a demuxer reads from a file, and what it gives out between.

use std::{
    os::fd::RawFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use gstreamer as gst;
use gstreamer::{glib, prelude::*};

use super::Cut;
use crate::media::{
    derive::Wire,
    graph::{Graph, fault},
    packets::End,
    protocol::{Fault, Message, Progress, Side, TRACKS_MAX},
};

/// Packets that are taken note of: a day of 30 pictures and 50 pieces of sound a second has seven
/// millions, in 32 bytes each.
const PACKETS_MAX: usize = 8_000_000;

/// Bytes that are read at most, as a multiple of the file and beyond it: a demuxer may read some twice,
/// and an index that names the same place a million times is none.
const READ_FACTOR: u64 = 16;
const READ_BEYOND: u64 = 64 * 1024 * 1024;

/// Between two looks whether it still goes on.
const LOOK: gst::ClockTime = gst::ClockTime::from_mseconds(200);

/// A stretch of the file that was read at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pull {
    pub offset: u64,
    pub bytes: u64,
}

/// Something that came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packet {
    /// Number of its track.
    pub track: u8,
    /// Whether a decoder can begin with it.
    pub key: bool,
    /// The reading that holds its beginning, at the earliest.
    pub first: u32,
    /// The reading that was the last before it came out.
    pub last: u32,
    /// When it is presented, in milliseconds.
    pub begin_ms: u32,
    /// When its time is over; of one without a length, when the next of its track is presented.
    pub end_ms: u32,
}

/// All of it, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tape {
    pub pulls: Vec<Pull>,
    pub packets: Vec<Packet>,
    /// Readings before the first packet came out; the last of them may hold it.
    pub begun: usize,
    /// Some packets tell when they are decoded alone, as in AVI.
    pub by_decoding: bool,
    /// Of a transport stream: the numbers of the sub-streams that come out.
    pub pids: Vec<u16>,
    tracks: Vec<Track>,
    /// It is a stream, of which the demuxer keeps back what came before it knew the tracks.
    stream: bool,
    read_bytes: u64,
    read_bytes_max: u64,
    overrun: bool,
}

/// One track, and how many readings there were when something came out of the demuxer for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Track {
    /// The last time, the time before, and the one before that.
    came: [u32; 3],
    /// Before which of them the next packet of a stream does not begin.
    from: u32,
    end_ms: u32,
    /// Its last packet.
    last: Option<usize>,
    /// A parser stands behind the demuxer. It gives out a packet when it has seen the beginning of the
    /// one behind the next, at the latest; and one packet may take many readings, or many one.
    parsed: bool,
}

fn lock(tape: &Mutex<Tape>) -> MutexGuard<'_, Tape> {
    tape.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tape {
    /// Reads the file to its end.
    pub(super) fn record(
        fd: RawFd,
        bytes: u64,
        cut: Cut,
        wire: &mut Wire<'_>,
    ) -> Result<Self, End> {
        let graph = Graph::new(Side::Decode)?;
        let file = graph.add("filesrc")?;
        file.set_property("location", format!("/proc/self/fd/{fd}"));
        let demuxer = graph.add(cut.demuxer)?;
        graph.link(&file, &demuxer)?;
        let tape = Arc::new(Mutex::new(Self {
            stream: cut.is_stream(),
            read_bytes_max: bytes
                .saturating_mul(READ_FACTOR)
                .saturating_add(READ_BEYOND),
            ..Self::default()
        }));
        let exit = file.static_pad("src");
        let exit = exit.ok_or_else(|| fault(Side::Decode, "filesrc", "it has no exit"))?;
        let seen = Arc::clone(&tape);
        let read = gst::PadProbeType::PULL | gst::PadProbeType::BUFFER;
        exit.add_probe(read, move |_, info| {
            if let Some(buffer) = info.buffer() {
                lock(&seen).pulled(buffer);
            }
            gst::PadProbeReturn::Ok
        });
        let (seen, pipeline) = (Arc::clone(&tape), graph.pipeline().downgrade());
        demuxer.connect_pad_added(move |_, pad| {
            let Some(pipeline) = pipeline.upgrade() else {
                return;
            };
            if let Err(e) = attach(&pipeline, pad, cut, &seen) {
                gst::element_error!(pipeline, gst::CoreError::Pad, ("{}", e));
            }
        });
        graph.play()?;
        wait(&graph, &tape, wire)?;
        drop(graph);
        let mut tape = std::mem::take(&mut *lock(&tape));
        tape.close();
        Ok(tape)
    }

    fn pulled(&mut self, buffer: &gst::BufferRef) {
        self.read_bytes = self.read_bytes.saturating_add(buffer.size() as u64);
        if self.pulls.len() >= PACKETS_MAX || self.read_bytes > self.read_bytes_max {
            self.overrun = true;
            return;
        }
        self.pulls.push(Pull {
            offset: buffer.offset(),
            bytes: buffer.size() as u64,
        });
    }

    /// Readings so far.
    fn read(&self) -> u32 {
        u32::try_from(self.pulls.len()).unwrap_or(u32::MAX)
    }

    /// Readings before the one by which the file is read from its beginning on.
    fn base(&self) -> u32 {
        let restart = self.pulls.iter().rposition(|pull| pull.offset == 0);
        u32::try_from(restart.map_or(0, |at| at + 1)).unwrap_or(u32::MAX)
    }

    fn add_track(&mut self, parsed: bool) -> Option<u8> {
        let number = u8::try_from(self.tracks.len()).ok();
        let number = number.filter(|n| usize::from(*n) < TRACKS_MAX)?;
        // What a stream's track begins with may have been kept back for as long as there is any.
        let read = self.base();
        self.tracks.push(Track {
            came: [read; 3],
            from: read,
            end_ms: 0,
            last: None,
            parsed,
        });
        Some(number)
    }

    /// Something came out of the demuxer for a track.
    fn came(&mut self, track: u8) {
        let read = self.read();
        if self.packets.is_empty() && self.begun == 0 {
            self.begun = self.pulls.len();
        }
        if let Some(of) = self.tracks.get_mut(usize::from(track)) {
            let [last, before, _] = of.came;
            of.came = [read, last, before];
        }
    }

    /// A packet of a track.
    fn packet(&mut self, track: u8, begin_ms: Option<u32>, duration_ms: u32, key: bool) {
        if self.packets.len() >= PACKETS_MAX {
            self.overrun = true;
            return;
        }
        let (read, at) = (self.read(), self.packets.len());
        let Some(of) = self.tracks.get_mut(usize::from(track)) else {
            return;
        };
        let begin_ms = begin_ms.unwrap_or(of.end_ms);
        let end_ms = begin_ms.saturating_add(duration_ms);
        // What is no stream is read packet by packet, each at once.
        let first = if self.stream { of.from } else { read };
        let before = of.last.replace(at);
        of.from = if of.parsed { of.came[2] } else { of.came[0] };
        of.end_ms = end_ms;
        let before = before.and_then(|at| self.packets.get_mut(at));
        if let Some(before) = before.filter(|packet| packet.end_ms == packet.begin_ms) {
            before.end_ms = before.end_ms.max(begin_ms);
        }
        self.packets.push(Packet {
            track,
            key,
            first: first.saturating_sub(1),
            last: read.saturating_sub(1),
            begin_ms,
            end_ms,
        });
    }

    /// The last packet of a track lasts until the file ends, where it has no length of its own: what
    /// follows it nobody knows.
    fn close(&mut self) {
        let end_ms = self.packets.iter().map(|p| p.end_ms).max().unwrap_or(0);
        for last in self.tracks.iter().filter_map(|track| track.last) {
            let packet = self.packets.get_mut(last);
            if let Some(packet) = packet.filter(|packet| packet.end_ms == packet.begin_ms) {
                packet.end_ms = end_ms;
            }
        }
    }
}

/// The parser that a transport stream's track needs: where its packets begin and which of them are key
/// frames, the container does not tell.
fn parser(caps: &gst::CapsRef) -> Option<&'static str> {
    let s = caps.structure(0)?;
    match s.name().as_str() {
        "video/x-h264" => Some("h264parse"),
        "video/x-h265" => Some("h265parse"),
        "video/mpeg" if s.get::<i32>("mpegversion") == Ok(4) => Some("mpeg4videoparse"),
        "video/mpeg" => Some("mpegvideoparse"),
        _ => None,
    }
}

/// The sub-stream that comes out of this pad of `tsdemux`: `video_0_0100` of 256.
fn pid(pad: &str) -> Option<u16> {
    let (_, pid) = pad.rsplit_once('_')?;
    u16::from_str_radix(pid, 16).ok()
}

fn attach(
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    cut: Cut,
    tape: &Arc<Mutex<Tape>>,
) -> Result<(), glib::BoolError> {
    let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
    let parser = parser(&caps).filter(|_| cut.is_stream());
    let sink = gst::ElementFactory::make("fakesink")
        .property("sync", false)
        .property("async", false)
        .build()?;
    let mut chain = vec![sink];
    if let Some(parser) = parser {
        chain.insert(0, gst::ElementFactory::make(parser).build()?);
    }
    pipeline.add_many(&chain)?;
    gst::Element::link_many(&chain)?;
    for element in chain.iter().rev() {
        element.sync_state_with_parent()?;
    }
    let entry = |element: Option<&gst::Element>| element.and_then(|e| e.static_pad("sink"));
    let (Some(first), Some(last)) = (entry(chain.first()), entry(chain.last())) else {
        return Err(glib::bool_error!("an element without an entry"));
    };
    let track = {
        let mut tape = lock(tape);
        tape.pids
            .extend(pid(&pad.name()).filter(|_| cut.is_stream()));
        tape.add_track(parser.is_some())
    };
    let Some(track) = track else {
        return Err(glib::bool_error!("it has more tracks than {}", TRACKS_MAX));
    };
    let seen = Arc::clone(tape);
    first.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        lock(&seen).came(track);
        gst::PadProbeReturn::Ok
    });
    let seen = Arc::clone(tape);
    last.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        if let Some(buffer) = info.buffer() {
            let key = !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
            let (begin_ms, duration_ms) =
                (presented_ms(pad, buffer), milliseconds(buffer.duration()));
            let mut tape = lock(&seen);
            tape.by_decoding |= buffer.pts().is_none();
            tape.packet(track, begin_ms, duration_ms.unwrap_or(0), key);
        }
        gst::PadProbeReturn::Ok
    });
    pad.link(&first)
        .map_err(|e| glib::bool_error!("a track cannot be linked: {}", e))?;
    Ok(())
}

fn milliseconds(time: Option<gst::ClockTime>) -> Option<u32> {
    u32::try_from(time?.mseconds()).ok()
}

/// When a packet is presented; what is cut off at the beginning counts as the beginning.
fn presented_ms(pad: &gst::Pad, buffer: &gst::BufferRef) -> Option<u32> {
    let segment = pad.sticky_event::<gst::event::Segment>(0)?;
    let segment = segment.segment().downcast_ref::<gst::ClockTime>()?;
    match segment.to_running_time_full(buffer.pts().or_else(|| buffer.dts()))? {
        gst::Signed::Positive(time) => milliseconds(Some(time)),
        gst::Signed::Negative(_) => Some(0),
    }
}

/// Waits for the end, and tells the parent as long as it goes on.
fn wait(graph: &Graph, tape: &Mutex<Tape>, wire: &mut Wire<'_>) -> Result<(), End> {
    let mut told = 0;
    loop {
        if let Some(message) = graph.bus().timed_pop(LOOK) {
            match message.view() {
                gst::MessageView::Eos(_) => return Ok(()),
                gst::MessageView::Error(_) => return Err(graph.fault_of(&message).into()),
                _ => {}
            }
        }
        let (read, position_ms) = {
            let tape = lock(tape);
            if tape.overrun {
                return Err(too_long().into());
            }
            let last = tape.packets.last().map_or(0, |p| p.begin_ms);
            (tape.pulls.len(), i64::from(last))
        };
        if read != told {
            told = read;
            wire.say(&Message::Progress(Progress {
                position_ms,
                ..Progress::default()
            }))?;
        }
    }
}

fn too_long() -> Fault {
    fault(Side::Decode, "excerpt", "it has too many packets")
}
