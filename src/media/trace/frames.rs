//! Pictures of a file of unknown origin, in grey, from wherever they are wanted.
//!
//! ```text
//!                       ┌─ videoconvert ─ videoflip ─ grey ─ appsink   the first track of pictures
//! filesrc ─ decodebin ──┤
//!                       └─ fakesink                                    all else
//! ```

use std::{
    os::fd::RawFd,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;

use crate::media::{
    band::Plane,
    graph::Graph,
    protocol::{Fault, Side, TraceJob},
};

/// How long a picture is waited for before a place is given up.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long at once.
const WAIT: gst::ClockTime = gst::ClockTime::from_mseconds(50);

/// A file whose pictures are decoded.
pub(super) struct Frames {
    graph: Graph,
    picture: Arc<Mutex<Option<gst_app::AppSink>>>,
    /// All tracks have been seen.
    complete: Arc<AtomicBool>,
}

impl Frames {
    /// Starts to read.
    ///
    /// # Errors
    /// When an element is missing or the pipeline does not start.
    pub(super) fn open(fd: RawFd, job: &TraceJob) -> Result<Self, Fault> {
        let graph = Graph::new(Side::Decode)?;
        let file = graph.add("filesrc")?;
        file.set_property("location", format!("/proc/self/fd/{fd}"));
        let decode = graph.add("decodebin")?;
        decode.set_property("force-sw-decoders", true);
        graph.link(&file, &decode)?;
        let picture: Arc<Mutex<Option<gst_app::AppSink>>> = Arc::default();
        let complete = Arc::new(AtomicBool::new(false));
        if let Some(bin) = decode.dynamic_cast_ref::<gst::Bin>() {
            let threads = i32::try_from(job.decode_threads).unwrap_or(1);
            bin.connect_deep_element_added(move |_, _, element| {
                if threads > 0 && element.find_property("max-threads").is_some() {
                    element.set_property("max-threads", threads);
                }
            });
        }
        let (pipeline, held) = (graph.pipeline().downgrade(), Arc::clone(&picture));
        decode.connect_pad_added(move |_, pad| {
            let Some(pipeline) = pipeline.upgrade() else {
                return;
            };
            if let Err(e) = attach(&pipeline, pad, &held) {
                gst::element_error!(pipeline, gst::CoreError::Pad, ("{}", e));
            }
        });
        let seen = Arc::clone(&complete);
        decode.connect_no_more_pads(move |_| seen.store(true, Ordering::SeqCst));
        graph.play()?;
        Ok(Self {
            graph,
            picture,
            complete,
        })
    }

    /// The next picture; none at the end, or where none comes.
    ///
    /// # Errors
    /// What a demuxer or a decoder says.
    pub(super) fn next(&self) -> Result<Option<gst::Sample>, Fault> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let complete = self.complete.load(Ordering::SeqCst);
            let sink = self.sink();
            if let Some(sink) = &sink {
                if let Some(sample) = sink.try_pull_sample(WAIT) {
                    return Ok(Some(sample));
                }
                if sink.is_eos() {
                    return Ok(None);
                }
            } else if complete {
                return Ok(None);
            }
            // Before there is a sink, the bus is where waiting happens.
            let mut wait = if sink.is_some() {
                gst::ClockTime::ZERO
            } else {
                WAIT
            };
            while let Some(message) = self.graph.bus().timed_pop(wait) {
                wait = gst::ClockTime::ZERO;
                if message.type_() == gst::MessageType::Error {
                    return Err(self.graph.fault_of(&message));
                }
            }
        }
        Ok(None)
    }

    /// Length, where the file tells one.
    pub(super) fn length_ms(&self) -> Option<u64> {
        let length = self.graph.pipeline().query_duration::<gst::ClockTime>()?;
        Some(length.mseconds())
    }

    /// Goes on from the key frame before this time; false where the file cannot be read so.
    pub(super) fn go_to(&self, at_ms: u64) -> bool {
        let how = gst::SeekFlags::FLUSH | gst::SeekFlags::KEY_UNIT | gst::SeekFlags::SNAP_BEFORE;
        let at = gst::ClockTime::from_mseconds(at_ms);
        self.sink()
            .is_some_and(|sink| sink.seek_simple(how, at).is_ok())
    }

    /// When a picture is presented, where it says.
    pub(super) fn at_ms(sample: &gst::Sample) -> Option<u64> {
        let at = sample.buffer().and_then(gst::BufferRef::pts);
        at.map(gst::ClockTime::mseconds)
    }

    fn sink(&self) -> Option<gst_app::AppSink> {
        let held = self.picture.lock();
        held.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Gives a decoded track its end.
fn attach(
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    picture: &Mutex<Option<gst_app::AppSink>>,
) -> Result<(), gst::glib::BoolError> {
    let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
    let is_picture = caps
        .structure(0)
        .is_some_and(|s| s.name().as_str() == "video/x-raw");
    let held = || picture.lock().unwrap_or_else(PoisonError::into_inner);
    let mut first = None;
    let chain: Vec<gst::Element> = if is_picture && held().is_none() {
        let grey = gst::Caps::builder("video/x-raw")
            .field("format", "GRAY8")
            .build();
        let sink = gst_app::AppSink::builder()
            .caps(&grey)
            .max_buffers(2)
            .drop(false)
            .sync(false)
            .build();
        sink.set_async(false);
        sink.set_property("enable-last-sample", false);
        first = Some(sink.clone());
        let convert = gst::ElementFactory::make("videoconvert").build()?;
        // A telephone leaves the picture lying, and says in a tag how it is to be turned.
        let flip = gst::ElementFactory::make("videoflip")
            .property_from_str("video-direction", "auto")
            .build()?;
        vec![convert, flip, sink.upcast()]
    } else {
        let sink = gst::ElementFactory::make("fakesink")
            .property("sync", false)
            .property("async", false)
            .build()?;
        vec![sink]
    };
    for element in &chain {
        pipeline.add(element)?;
    }
    gst::Element::link_many(&chain)?;
    for element in chain.iter().rev() {
        element.sync_state_with_parent()?;
    }
    if let Some(entry) = chain.first().and_then(|e| e.static_pad("sink")) {
        pad.link(&entry)
            .map_err(|e| gst::glib::bool_error!("a track cannot be linked: {}", e))?;
    }
    // Only now may it be asked: one that is not started says that it is at its end.
    if first.is_some() {
        *held() = first;
    }
    Ok(())
}

/// Shows the light of a picture; a picture that says nothing of itself is passed over.
pub(super) fn with_luma(sample: &gst::Sample, look: impl FnOnce(&Plane<'_>)) {
    let (Some(buffer), Some(caps)) = (sample.buffer(), sample.caps()) else {
        return;
    };
    let Ok(info) = gst_video::VideoInfo::from_caps(caps) else {
        return;
    };
    let Ok(frame) = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, &info) else {
        return;
    };
    let side = |n: u32| usize::try_from(n).unwrap_or(0);
    let stride = frame.plane_stride().first().copied().unwrap_or(0);
    let stride = usize::try_from(stride).unwrap_or(0);
    let Ok(data) = frame.plane_data(0) else {
        return;
    };
    if let Ok(luma) = Plane::new(data, stride, side(info.width()), side(info.height())) {
        look(&luma);
    }
}
