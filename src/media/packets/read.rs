//! Reads a rendition packet by packet.

use std::{
    os::fd::RawFd,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use crate::media::{
    graph::{Graph, fault},
    mute::Mute,
    protocol::{Fault, Side},
};

/// Packets that wait to be counted.
const PACKETS_WAITING_MAX: u32 = 64;

/// Stands for the number of open tracks before there was any.
const NO_TRACK_YET: i64 = -1;

/// One picture, still encoded.
pub struct Packet(gst::Sample);

impl Packet {
    /// The sample itself.
    pub fn sample(&self) -> &gst::Sample {
        &self.0
    }
    /// Whether it can be decoded without any other.
    pub fn is_key(&self) -> bool {
        self.0
            .buffer()
            .is_some_and(|b| !b.flags().contains(gst::BufferFlags::DELTA_UNIT))
    }
    /// When it is presented, in nanoseconds; what the decoder gives back has the same.
    pub fn pts_ns(&self) -> Option<u64> {
        let pts = self.0.buffer().and_then(gst::BufferRef::pts);
        pts.map(gst::ClockTime::nseconds)
    }
    /// When it is presented.
    pub fn begin_ms(&self) -> i64 {
        let pts = self.0.buffer().and_then(gst::BufferRef::pts);
        pts.and_then(|t| i64::try_from(t.mseconds()).ok())
            .unwrap_or(0)
    }
    /// For how long.
    pub fn length_ms(&self) -> i64 {
        let length = self.0.buffer().and_then(gst::BufferRef::duration);
        length
            .and_then(|t| i64::try_from(t.mseconds()).ok())
            .unwrap_or(0)
    }
}

/// The packet with the instants at which it is presented: MP4 counts from the first packet in the order
/// of coding, and says by an edit list from where on it is shown. Matroska says when it is shown; what its
/// demuxer counts from is the first block of the file until it meets one that is shown before.
fn as_presented(sample: gst::Sample) -> gst::Sample {
    let segment = sample
        .segment()
        .and_then(|s| s.downcast_ref::<gst::ClockTime>());
    let (Some(segment), Some(buffer)) = (segment, sample.buffer()) else {
        return sample;
    };
    let Some(pts) = segment.to_running_time(buffer.pts()) else {
        return sample;
    };
    let dts = segment.to_running_time(buffer.dts());
    let mut moved = buffer.copy();
    if let Some(moved) = moved.get_mut() {
        moved.set_pts(pts);
        moved.set_dts(dts);
    }
    match sample.caps_owned() {
        Some(caps) => gst::Sample::builder().buffer(&moved).caps(&caps).build(),
        None => gst::Sample::builder().buffer(&moved).build(),
    }
}

/// Reads a rendition packet by packet.
pub struct Packets {
    graph: Graph,
    picture: Arc<Mutex<Option<gst_app::AppSink>>>,
    sound: Arc<(AtomicI64, AtomicI64)>,
    open: Arc<AtomicI64>,
    mute: Mute,
    /// Whether instants are those of presentation as they stand.
    matroska: Arc<AtomicBool>,
}

impl Packets {
    /// Starts to read.
    ///
    /// # Errors
    /// When the pipeline does not start.
    pub fn open(fd: RawFd) -> Result<Self, Fault> {
        let graph = Graph::new(Side::Decode)?;
        let file = graph.add("filesrc")?;
        file.set_property("location", format!("/proc/self/fd/{fd}"));
        let parse = graph.add("parsebin")?;
        graph.link(&file, &parse)?;
        let picture: Arc<Mutex<Option<gst_app::AppSink>>> = Arc::default();
        let sound = Arc::new((AtomicI64::new(i64::MAX), AtomicI64::new(0)));
        let open = Arc::new(AtomicI64::new(NO_TRACK_YET));
        let (seen, heard, ends) = (Arc::clone(&picture), Arc::clone(&sound), Arc::clone(&open));
        let pipeline = graph.pipeline().downgrade();
        parse.connect_pad_added(move |_, pad| {
            let Some(pipeline) = pipeline.upgrade() else {
                return;
            };
            if let Err(e) = attach(&pipeline, pad, &seen, &heard, &ends) {
                gst::element_error!(pipeline, gst::CoreError::Pad, ("{}", e));
            }
        });
        let mute = Mute::watch(&parse);
        let matroska = Arc::new(AtomicBool::new(false));
        if let Some(bin) = parse.dynamic_cast_ref::<gst::Bin>() {
            let seen = Arc::clone(&matroska);
            bin.connect_deep_element_added(move |_, _, element| {
                let is_it = element
                    .factory()
                    .is_some_and(|f| f.name() == "matroskademux");
                seen.fetch_or(is_it, Ordering::SeqCst);
            });
        }
        graph.play()?;
        Ok(Self {
            graph,
            picture,
            sound,
            open,
            mute,
            matroska,
        })
    }

    /// The next picture; none at the end, when all sound was read, too.
    ///
    /// # Errors
    /// What the demuxer or a parser says.
    pub fn next_picture(&mut self) -> Result<Option<Packet>, Fault> {
        loop {
            let sink = self
                .picture
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            if let Some(sink) = &sink
                && let Some(sample) = sink.try_pull_sample(gst::ClockTime::from_mseconds(20))
            {
                let as_it_stands = self.matroska.load(Ordering::SeqCst);
                let packet = if as_it_stands {
                    sample
                } else {
                    as_presented(sample)
                };
                return Ok(Some(Packet(packet)));
            }
            let ended = sink.as_ref().is_none_or(gst_app::AppSink::is_eos);
            // All tracks appear together, so where one has ended none is still to come.
            if ended && self.open.load(Ordering::SeqCst) == 0 {
                return Ok(None);
            }
            // A sink at its end answers at once, so the bus is where waiting happens then.
            let wait = if sink.is_some() && !ended { 0 } else { 20 };
            let mut wait = gst::ClockTime::from_mseconds(wait);
            while let Some(message) = self.graph.bus().timed_pop(wait) {
                wait = gst::ClockTime::ZERO;
                if message.type_() == gst::MessageType::Error {
                    return Err(self.graph.fault_of(&message));
                }
            }
            if self.open.load(Ordering::SeqCst) == NO_TRACK_YET
                && let Some(lost) = self.mute.fault()
            {
                return Err(lost);
            }
        }
    }

    /// When the sound begins and ends.
    pub fn sound_ms(&self) -> (i64, i64) {
        (
            self.sound.0.load(Ordering::Relaxed),
            self.sound.1.load(Ordering::Relaxed),
        )
    }
}

fn attach(
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    picture: &Mutex<Option<gst_app::AppSink>>,
    sound: &Arc<(AtomicI64, AtomicI64)>,
    open: &Arc<AtomicI64>,
) -> Result<(), gst::glib::BoolError> {
    let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
    let is_picture = caps
        .structure(0)
        .is_some_and(|s| s.name().starts_with("video/"));
    let mut held = picture.lock().unwrap_or_else(PoisonError::into_inner);
    let sink: gst::Element = if is_picture && held.is_none() {
        let sink = gst_app::AppSink::builder()
            .max_buffers(PACKETS_WAITING_MAX)
            .drop(false)
            .sync(false)
            .build();
        *held = Some(sink.clone());
        sink.upcast()
    } else {
        let heard = Arc::clone(sound);
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            if let Some(b) = info.buffer() {
                let begin = b.pts().map_or(0, gst::ClockTime::mseconds);
                let end = begin.saturating_add(b.duration().map_or(0, gst::ClockTime::mseconds));
                heard
                    .0
                    .fetch_min(i64::try_from(begin).unwrap_or(i64::MAX), Ordering::Relaxed);
                heard
                    .1
                    .fetch_max(i64::try_from(end).unwrap_or(i64::MAX), Ordering::Relaxed);
            }
            gst::PadProbeReturn::Ok
        });
        gst::ElementFactory::make("fakesink")
            .property("sync", false)
            .build()?
    };
    drop(held);
    sink.set_property("async", false);
    // Sound may run far ahead of pictures that are being decoded.
    let queue = gst::ElementFactory::make("queue")
        .property("max-size-buffers", 0_u32)
        .property("max-size-time", 0_u64)
        .property("max-size-bytes", 64 * 1024 * 1024_u32)
        .build()?;
    pipeline.add_many([&queue, &sink])?;
    queue.link(&sink)?;
    sink.sync_state_with_parent()?;
    queue.sync_state_with_parent()?;
    // The first track takes away the mark that there is none.
    if open
        .compare_exchange(NO_TRACK_YET, 1, Ordering::SeqCst, Ordering::SeqCst)
        .is_err()
    {
        open.fetch_add(1, Ordering::SeqCst);
    }
    let ends = Arc::clone(open);
    let ended = AtomicBool::new(false);
    let exit = queue
        .static_pad("src")
        .ok_or_else(|| gst::glib::bool_error!("a queue without an exit"))?;
    exit.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        if info
            .event()
            .is_some_and(|e| e.type_() == gst::EventType::Eos)
            && !ended.swap(true, Ordering::SeqCst)
        {
            ends.fetch_sub(1, Ordering::SeqCst);
        }
        gst::PadProbeReturn::Ok
    });
    let entry = queue
        .static_pad("sink")
        .ok_or_else(|| gst::glib::bool_error!("a queue without an entry"))?;
    pad.link(&entry)
        .map_err(|e| gst::glib::bool_error!("{}", e))?;
    Ok(())
}

/// A fault of the reading half.
pub fn broken(what: &str, why: &dyn std::fmt::Display) -> Fault {
    fault(Side::Decode, what, &why.to_string())
}
