//! The writing half: pictures and sound in, a file out.
//!
//! ```text
//! appsrc  pictures ─ profile's video ─ queue ─┐
//!                                             ├─ profile's mux ─ filesink
//! appsrc  sound    ─ profile's audio ─ queue ─┘
//! ```
//!
//! The queues hold encoded data only and are bounded by bytes, so that sound that comes ten
//! seconds late in a file finds its pictures waiting cheaply. The sources block: an encoder that
//! is slower than the decoder slows the decoder down.

use std::{
    os::fd::RawFd,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;

use super::{
    graph::{Graph, fault},
    protocol::{Fault, RenditionOrder, Side},
};

/// Bytes of encoded pictures that wait for sound. Lossless 1080p has some 60 MB a second.
const QUEUE_BYTES_MAX: u32 = 192 * 1024 * 1024;
/// Raw pictures that wait for the encoder.
const PICTURES_WAITING_MAX: u64 = 2;
/// Bytes of raw sound that wait: ten seconds of stereo are 2 MB.
const SOUND_BYTES_WAITING_MAX: u64 = 4 * 1024 * 1024;

/// A rendition being written.
#[derive(Debug)]
pub struct Encode {
    graph: Graph,
    /// Where pictures go in.
    pub picture: Option<gst_app::AppSrc>,
    /// Where sound goes in.
    pub sound: Option<gst_app::AppSrc>,
    frames: Arc<AtomicU64>,
}

/// What is to be written.
#[derive(Debug)]
pub struct Shape<'a> {
    /// The canvas, if there are pictures.
    pub canvas: Option<&'a gst_video::VideoInfo>,
    /// Pictures are two fields woven together.
    pub interlaced: bool,
    /// Channels of the sound, if there is any.
    pub channels: Option<u32>,
    /// Its recorder did not come to end the recording.
    pub salvaged: bool,
}

impl Encode {
    /// Starts to write to the file behind a descriptor, which must be seekable and empty.
    ///
    /// # Errors
    /// When the profile's text is not a pipeline, an element is missing, or it does not start.
    pub fn start(order: &RenditionOrder, shape: &Shape<'_>, fd: RawFd) -> Result<Self, Fault> {
        let graph = Graph::new(Side::Encode)?;
        let mux = gst::parse::launch(&order.plan.mux)
            .map_err(|e| fault(Side::Encode, &order.plan.mux, &e.to_string()))?;
        graph.adopt(&mux)?;
        set_tags(&mux, order, shape.salvaged);
        let file = graph.add("filesink")?;
        file.set_property("location", format!("/proc/self/fd/{fd}"));
        graph.link(&mux, &file)?;
        let frames = Arc::new(AtomicU64::new(0));
        let picture = match shape.canvas {
            None => None,
            Some(info) => {
                let caps = info
                    .to_caps()
                    .map_err(|e| fault(Side::Encode, "appsrc", &e.to_string()))?;
                let bytes = u64::try_from(info.size()).unwrap_or(u64::MAX);
                let source = appsrc(&caps, bytes.saturating_mul(PICTURES_WAITING_MAX));
                let end = branch(&graph, &source, &order.plan.video, &mux)?;
                watch_out(&end, &frames, shape.interlaced);
                Some(source)
            }
        };
        let sound = match shape.channels {
            None => None,
            Some(channels) => {
                let info = gstreamer_audio::AudioInfo::builder(
                    gstreamer_audio::AudioFormat::S16le,
                    48_000,
                    channels,
                )
                .build()
                .map_err(|e| fault(Side::Encode, "appsrc", &e.to_string()))?;
                let caps = info
                    .to_caps()
                    .map_err(|e| fault(Side::Encode, "appsrc", &e.to_string()))?;
                let source = appsrc(&caps, SOUND_BYTES_WAITING_MAX);
                branch(&graph, &source, &order.plan.audio, &mux)?;
                Some(source)
            }
        };
        graph.play()?;
        Ok(Self {
            graph,
            picture,
            sound,
            frames,
        })
    }

    /// Encoded pictures that reached the container.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    /// Stops it; whoever waits for room comes back.
    pub fn stop(&self) {
        self.graph.stop();
    }

    /// Whether the file is complete by now.
    ///
    /// # Errors
    /// The first error of any element.
    pub fn complete(&self) -> Result<bool, Fault> {
        while let Some(m) = self.graph.bus().pop() {
            match m.type_() {
                gst::MessageType::Eos => return Ok(true),
                gst::MessageType::Error => return Err(self.graph.fault_of(&m)),
                _ => {}
            }
        }
        Ok(false)
    }
}

fn appsrc(caps: &gst::Caps, bytes_max: u64) -> gst_app::AppSrc {
    gst_app::AppSrc::builder()
        .caps(caps)
        .format(gst::Format::Time)
        .is_live(false)
        .block(true)
        .max_bytes(bytes_max)
        .build()
}

/// Source, encoder and queue up to the container; gives back the queue's end.
fn branch(
    graph: &Graph,
    source: &gst_app::AppSrc,
    text: &str,
    mux: &gst::Element,
) -> Result<gst::Pad, Fault> {
    graph.adopt(source)?;
    let encoder = graph.add_text(text)?;
    let queue = graph.add("queue")?;
    queue.set_property("max-size-buffers", 0_u32);
    queue.set_property("max-size-time", 0_u64);
    queue.set_property("max-size-bytes", QUEUE_BYTES_MAX);
    graph.link(source.upcast_ref(), &encoder)?;
    graph.link(&encoder, &queue)?;
    graph.link(&queue, mux)?;
    queue
        .static_pad("src")
        .ok_or_else(|| fault(Side::Encode, "queue", "has no end"))
}

/// Counts what reaches the container, and tells it of woven fields, which encoders for
/// progressive pictures do not pass on.
fn watch_out(end: &gst::Pad, frames: &Arc<AtomicU64>, interlaced: bool) {
    let count = Arc::clone(frames);
    end.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        count.fetch_add(1, Ordering::Relaxed);
        gst::PadProbeReturn::Ok
    });
    if !interlaced {
        return;
    }
    end.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, |_, info| {
        let flagged = match info.event().map(|e| e.view()) {
            Some(gst::EventView::Caps(caps)) => {
                let mut caps = caps.caps_owned();
                caps.make_mut().set("interlace-mode", "interleaved");
                Some(gst::event::Caps::new(&caps))
            }
            _ => None,
        };
        if let Some(event) = flagged {
            info.data = Some(gst::PadProbeData::Event(event));
        }
        gst::PadProbeReturn::Ok
    });
}

/// Whose recording it is, in the container itself, for whoever finds the file alone.
fn set_tags(mux: &gst::Element, order: &RenditionOrder, salvaged: bool) {
    let Some(setter) = mux.dynamic_cast_ref::<gst::TagSetter>() else {
        return;
    };
    let mark = &order.mark;
    let or_unknown = |v: &Option<String>| v.clone().unwrap_or_else(|| "unknown".into());
    let (device, officer) = (or_unknown(&mark.device), or_unknown(&mark.officer));
    let comment = format!(
        "recvault:id:{}/device:{}/officer:{}/original-sha256:{}{}",
        mark.id,
        plain(&device),
        plain(&officer),
        order.original,
        if salvaged { "/salvaged" } else { "" }
    );
    let officer = plain(&officer);
    let title = mark.id.to_string();
    setter.add_tag::<gst::tags::Title>(&title.as_str(), gst::TagMergeMode::Replace);
    setter.add_tag::<gst::tags::Artist>(&officer.as_str(), gst::TagMergeMode::Replace);
    setter.add_tag::<gst::tags::Comment>(&comment.as_str(), gst::TagMergeMode::Replace);
    setter.add_tag::<gst::tags::Encoder>(
        &concat!("recvault-", env!("CARGO_PKG_VERSION")),
        gst::TagMergeMode::Replace,
    );
}

/// The muxer writes anything but these characters with backslashes and quotes; `%XX` is what
/// every other program can read back.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for b in text.bytes() {
        match b {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'_' | b'.' => out.push(char::from(b)),
            _ => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_name_in_the_tags_reads_back_whatever_it_holds() {
        assert_eq!(plain("DSJ-2041"), "DSJ-2041");
        assert_eq!(plain("a b/李"), "a%20b%2F%E6%9D%8E");
    }
}
