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
    /// When the next is.
    pub end_ms: u32,
}

/// All of it, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tape {
    pub pulls: Vec<Pull>,
    pub packets: Vec<Packet>,
    /// Readings before the first packet came out; the last of them may hold it.
    pub begun: usize,
    tracks: Vec<Track>,
    overrun: bool,
}

/// Of each track, how many readings there were when its last packets came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Track {
    before: u32,
    last: u32,
    end_ms: u32,
    /// A parser stands behind the demuxer, and gives out one packet late.
    late: bool,
}

fn lock(tape: &Mutex<Tape>) -> MutexGuard<'_, Tape> {
    tape.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tape {
    /// Reads the file to its end.
    pub(super) fn record(fd: RawFd, cut: Cut, wire: &mut Wire<'_>) -> Result<Self, End> {
        let graph = Graph::new(Side::Decode)?;
        let file = graph.add("filesrc")?;
        file.set_property("location", format!("/proc/self/fd/{fd}"));
        let demuxer = graph.add(cut.demuxer)?;
        graph.link(&file, &demuxer)?;
        let tape: Arc<Mutex<Self>> = Arc::default();
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
        let mut tape = lock(&tape);
        Ok(std::mem::take(&mut *tape))
    }

    fn pulled(&mut self, buffer: &gst::BufferRef) {
        if self.pulls.len() >= PACKETS_MAX {
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

    fn add_track(&mut self, late: bool) -> Option<u8> {
        let number = u8::try_from(self.tracks.len()).ok();
        let number = number.filter(|n| usize::from(*n) < TRACKS_MAX)?;
        let read = self.read();
        self.tracks.push(Track {
            before: read,
            last: read,
            end_ms: 0,
            late,
        });
        Some(number)
    }

    fn came_out(&mut self, track: u8, begin_ms: Option<u32>, duration_ms: u32, key: bool) {
        let read = self.read();
        if self.packets.is_empty() {
            self.begun = self.pulls.len();
            // What was read before belongs to the head and to no packet.
            for track in &mut self.tracks {
                (track.before, track.last) = (read, read);
            }
        }
        if self.packets.len() >= PACKETS_MAX {
            self.overrun = true;
            return;
        }
        let Some(of) = self.tracks.get_mut(usize::from(track)) else {
            return;
        };
        let first = if of.late { of.before } else { of.last };
        let begin_ms = begin_ms.unwrap_or(of.end_ms);
        let end_ms = begin_ms.saturating_add(duration_ms);
        (of.before, of.last, of.end_ms) = (of.last, read, end_ms);
        self.packets.push(Packet {
            track,
            key,
            first: first.saturating_sub(1),
            last: read.saturating_sub(1),
            begin_ms,
            end_ms,
        });
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
    let Some(track) = lock(tape).add_track(parser.is_some()) else {
        return Err(glib::bool_error!("it has more tracks than {}", TRACKS_MAX));
    };
    let seen = Arc::clone(tape);
    last.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        if let Some(buffer) = info.buffer() {
            let key = !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
            let (begin_ms, duration_ms) =
                (presented_ms(pad, buffer), milliseconds(buffer.duration()));
            lock(&seen).came_out(track, begin_ms, duration_ms.unwrap_or(0), key);
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
