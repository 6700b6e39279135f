//! Opens a recording: builds the reading pipeline while the demuxer finds its tracks, and turns
//! what the bus says into happenings.

mod elements;

use std::{
    fs::File,
    os::fd::RawFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use gstreamer as gst;
use gstreamer::{glib, prelude::*};
use gstreamer_app::{self as gst_app, gst_base, gst_base::prelude::BaseTransformExt as _};
use gstreamer_video as gst_video;

use elements::watch_elements;

use super::{PictureFormat, choose_format, patched};
use crate::{
    media::{
        boxes::{sound_ms, tracks_handled_by},
        graph::Graph,
        mute::Mute,
        protocol::{DeriveJob, Fault, Side, TRACKS_MAX, clean_text},
    },
    recording::{Finding, FindingKind, MediaInfo},
};

/// Decoded pictures that wait for the checks. Enough to let decoder threads run ahead over one
/// slow key frame of the encoder; a frame of 4K has 12 MB.
const PICTURES_WAITING_MAX: u32 = 4;
/// Decoded pieces of sound that wait; each has some 20 ms.
const SOUNDS_WAITING_MAX: u32 = 64;
/// Bytes of one undecoded track that wait while another is late in the file. Ten seconds of
/// 4K at 25 Mbit/s are 31 MB.
const TRACK_BYTES_WAITING_MAX: u32 = 48 * 1024 * 1024;

/// Containers whose index leads to the very picture. In a transport stream a demuxer guesses by bytes,
/// lands a second beside, and calls that the place.
const EXACT: [&str; 6] = ["MP4", "QuickTime", "3GP", "Matroska", "WebM", "AVI"];

/// What the reading pipeline knows by now; filled from its own threads.
#[derive(Debug, Default)]
pub struct Known {
    /// Container and tracks.
    pub media: MediaInfo,
    /// Findings about the tracks.
    pub findings: Vec<Finding>,
    /// Where pictures come out.
    pub picture: Option<gst_app::AppSink>,
    /// Where sound comes out.
    pub sound: Option<gst_app::AppSink>,
    /// All tracks have been seen.
    pub complete: bool,
    /// The interlaced flag of the source.
    pub interlaced: bool,
    /// Degrees or words of the rotation that was undone.
    pub rotation: Option<String>,
    /// How long the container says that its first track of sound is presented.
    pub sound_ms: Option<i64>,
    /// Channels of the sound as it is handed on.
    pub channels: u32,
    /// Why a track could not be presented although this machine decodes it: our own fault.
    pub defect: Option<String>,
    demuxed: bool,
    extra: (u32, u32),
    size: Option<(i32, i32)>,
    missing: Vec<String>,
}

/// How a file is read.
#[derive(Debug)]
pub enum Reading {
    /// As its demuxer likes.
    Anyhow,
    /// By place, from its beginning to its end.
    InARow,
    /// With this before it.
    Behind(Vec<u8>),
    /// Up to there.
    UpTo(u64),
}

/// Something that the reading pipeline said.
#[derive(Debug)]
pub enum Happening {
    /// It cannot go on.
    Broken(Fault),
    /// It goes on, but something was wrong.
    Complaint(Fault),
    /// Everything was read.
    End,
}

/// A recording being read.
#[derive(Debug)]
pub struct Source {
    graph: Graph,
    known: Arc<Mutex<Known>>,
    tags: gst::TagList,
    mute: Mute,
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Source {
    /// Starts to read the file behind a descriptor. The file must be seekable.
    ///
    /// # Errors
    /// When an element is missing or the pipeline does not start.
    pub fn open(fd: RawFd, job: &DeriveJob, read: Reading) -> Result<Self, Fault> {
        let source = Self::built(fd, job, read)?;
        source.graph.play()?;
        Ok(source)
    }

    fn built(fd: RawFd, job: &DeriveJob, read: Reading) -> Result<Self, Fault> {
        let graph = Graph::new(Side::Decode)?;
        let in_a_row = matches!(read, Reading::InARow);
        let patched = match read {
            Reading::Behind(head) => Some(patched::source(head, fd, None)?),
            Reading::UpTo(end) => Some(patched::source(Vec::new(), fd, Some(end))?),
            Reading::Anyhow | Reading::InARow => None,
        };
        let file = if let Some(file) = patched {
            graph.adopt(&file)?;
            file
        } else {
            let file = graph.add("filesrc")?;
            file.set_property("location", format!("/proc/self/fd/{fd}"));
            file
        };
        let decode = graph.add("decodebin")?;
        decode.set_property("force-sw-decoders", true);
        decode.set_property("max-size-bytes", TRACK_BYTES_WAITING_MAX);
        decode.set_property("max-size-buffers", 1_000_000_u32);
        decode.set_property("max-size-time", 600 * 1_000_000_000_u64);
        if in_a_row {
            let queue = graph.add("queue")?;
            graph.link(&file, &queue)?;
            graph.link(&queue, &decode)?;
        } else {
            graph.link(&file, &decode)?;
        }
        let known = Arc::new(Mutex::new(said_by_boxes(fd)));
        watch_elements(&decode, &known, job.decode_threads);
        let mut offered: Vec<_> = job
            .formats
            .iter()
            .filter_map(|f| PictureFormat::named(f))
            // `videoflip` turns none of these, and whether it has to is known when it is too late.
            .filter(|f| *f != PictureFormat::Y42B)
            .collect();
        if offered.is_empty() {
            offered.push(PictureFormat::I420);
        }
        let pipeline = graph.pipeline().downgrade();
        let seen = Arc::clone(&known);
        decode.connect_pad_added(move |_, pad| {
            let Some(pipeline) = pipeline.upgrade() else {
                return;
            };
            if let Err(e) = attach(&pipeline, pad, &offered, &seen) {
                gst::element_error!(pipeline, gst::CoreError::Pad, ("{}", e));
            }
        });
        let seen = Arc::clone(&known);
        decode.connect_no_more_pads(move |_| lock(&seen).complete = true);
        Ok(Self {
            graph,
            known,
            tags: gst::TagList::new(),
            mute: Mute::watch(&decode),
        })
    }

    /// What is known by now.
    pub fn known(&self) -> MutexGuard<'_, Known> {
        lock(&self.known)
    }

    /// Tags of the container and its tracks that came by so far.
    #[must_use]
    pub fn tags(&self) -> &gst::TagListRef {
        &self.tags
    }

    /// Length as the demuxer tells it.
    #[must_use]
    pub fn duration_ms(&self) -> Option<i64> {
        let length = self.graph.pipeline().query_duration::<gst::ClockTime>()?;
        i64::try_from(length.mseconds()).ok()
    }

    /// Goes on from one instant of the recording to another, exactly; false when the file cannot be
    /// sought in to the picture, and then it goes on from where it is.
    #[must_use]
    pub fn seek(&self, from_ns: u64, to_ns: u64) -> bool {
        if !EXACT.contains(&self.known().media.container.as_str()) {
            return false;
        }
        let pipeline = self.graph.pipeline();
        let mut can = gst::query::Seeking::new(gst::Format::Time);
        if !pipeline.query(&mut can) || !can.result().0 {
            return false;
        }
        let at = |ns: u64| gst::ClockTime::from_nseconds(ns);
        let flags = gst::SeekFlags::FLUSH | gst::SeekFlags::ACCURATE;
        let (from, to) = (at(from_ns), at(to_ns));
        let set = gst::SeekType::Set;
        pipeline.seek(1.0, flags, set, from, set, to).is_ok()
    }

    /// Stops it; whoever waits for pictures or sound comes back.
    pub fn stop(&self) {
        self.graph.stop();
    }

    /// The next thing it says, waiting at most `wait`.
    pub fn happening(&mut self, wait: gst::ClockTime) -> Option<Happening> {
        let mut wait = wait;
        loop {
            let Some(message) = self.graph.bus().timed_pop(wait) else {
                let complete = self.known().complete;
                let lost = (!complete).then(|| self.mute.fault()).flatten();
                return lost.map(Happening::Broken);
            };
            wait = gst::ClockTime::ZERO;
            match message.view() {
                gst::MessageView::Error(_) => {
                    return Some(Happening::Broken(self.graph.fault_of(&message)));
                }
                gst::MessageView::Warning(_) => {
                    return Some(Happening::Complaint(self.graph.fault_of(&message)));
                }
                gst::MessageView::Eos(_) => return Some(Happening::End),
                gst::MessageView::Tag(tag) => {
                    let tags = tag.tags();
                    if let Some(turn) = tags.get::<gst::tags::ImageOrientation>() {
                        let turn = turn.get().to_owned();
                        if turn != "rotate-0" {
                            lock(&self.known).rotation = Some(turn);
                        }
                    }
                    self.tags.make_mut().insert(&tags, gst::TagMergeMode::Keep);
                }
                gst::MessageView::Element(e) => {
                    if let Some(s) = e.structure().filter(|s| s.name() == "missing-plugin") {
                        let codec = s.get::<&str>("name").unwrap_or("an unknown codec");
                        let detail = s.get::<gst::Caps>("detail").ok();
                        self.decoder_missing(codec, detail.as_deref());
                    }
                }
                _ => {}
            }
        }
    }

    fn decoder_missing(&self, codec: &str, detail: Option<&gst::CapsRef>) {
        let name = detail
            .and_then(|c| c.structure(0))
            .map_or("", |s| s.name().as_str());
        let mut known = lock(&self.known);
        let codec = clean_text(codec);
        if known.missing.contains(&codec) {
            return;
        }
        if name.starts_with("video/") || name.starts_with("audio/") || name.starts_with("image/") {
            known.findings.push(Finding::new(
                FindingKind::CodecUnsupported,
                format!("This machine has no decoder for a track ({name}): it lacks {codec}."),
            ));
        } else {
            known.findings.push(Finding::new(
                FindingKind::TrackNotCarried,
                format!(
                    "A track of other data ({}) is in the original only.",
                    if name.is_empty() { &codec } else { name }
                ),
            ));
        }
        known.missing.push(codec);
    }
}

/// What no demuxer tells of an MP4: a recorder's timecode becomes a note on each picture, and the length
/// of one track alone is nothing to it.
fn said_by_boxes(fd: RawFd) -> Known {
    let mut known = Known::default();
    if let Ok(file) = File::open(format!("/proc/self/fd/{fd}")) {
        let text = "A track of timecode is in the original only.";
        let finding = || Finding::new(FindingKind::TrackNotCarried, text);
        let count = tracks_handled_by(&file, *b"tmcd").min(TRACKS_MAX);
        known.findings = std::iter::repeat_with(finding).take(count).collect();
        known.sound_ms = sound_ms(&file).and_then(|ms| i64::try_from(ms).ok());
    }
    known
}

/// Gives a decoded track its end: the first picture and the first sound to the engine, the rest
/// to nobody.
fn attach(
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    offered: &[PictureFormat],
    known: &Arc<Mutex<Known>>,
) -> Result<(), glib::BoolError> {
    let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
    let kind = caps
        .structure(0)
        .map(|s| s.name().to_string())
        .unwrap_or_default();
    let mut guard = lock(known);
    let picture = kind == "video/x-raw" && guard.picture.is_none();
    let sound = kind == "audio/x-raw" && guard.sound.is_none();
    let chain: Vec<gst::Element> = if picture {
        let info = gst_video::VideoInfo::from_caps(&caps)?;
        let (format, lost) = choose_format(info.format(), offered);
        guard.findings.extend(lost);
        guard.interlaced = info.is_interlaced();
        guard.size = Some((
            i32::try_from(info.width()).unwrap_or(0),
            i32::try_from(info.height()).unwrap_or(0),
        ));
        // A picture that changes its size later is scaled into the first one's, bars and all.
        let fixed = gst::Caps::builder("video/x-raw")
            .field("format", format.name())
            .field("width", i32::try_from(info.width()).unwrap_or(0))
            .field("height", i32::try_from(info.height()).unwrap_or(0))
            .field("pixel-aspect-ratio", info.par())
            .build();
        watch_size(pad, known);
        let sink = appsink(PICTURES_WAITING_MAX);
        take_planes_anywhere(&sink);
        guard.picture = Some(sink.clone());
        vec![
            make("videoconvert")?,
            make("videoscale")?,
            gst::ElementFactory::make("capsfilter")
                .property("caps", fixed)
                .build()?,
            upright()?,
            sink.upcast(),
        ]
    } else if sound {
        let info = gstreamer_audio::AudioInfo::from_caps(&caps)?;
        let channels = i32::try_from(info.channels()).unwrap_or(2).clamp(1, 2);
        if info.channels() > 2 {
            guard.findings.push(Finding::new(
                FindingKind::NormalisedFormat,
                format!(
                    "Sound of {} channels was mixed down to two.",
                    info.channels()
                ),
            ));
        }
        let wanted = gst::Caps::builder("audio/x-raw")
            .field("format", "S16LE")
            .field("rate", 48_000_i32)
            .field("layout", "interleaved")
            .field("channels", channels)
            .build();
        guard.channels = info.channels().clamp(1, 2);
        let sink = appsink(SOUNDS_WAITING_MAX);
        guard.sound = Some(sink.clone());
        let convert = make("audioconvert")?;
        // Dither makes noise of digital silence, which costs an encoder a kilobyte a second.
        convert.set_property_from_str("dithering", "none");
        vec![
            convert,
            make("audioresample")?,
            gst::ElementFactory::make("capsfilter")
                .property("caps", wanted)
                .build()?,
            sink.upcast(),
        ]
    } else {
        let (pictures, sounds) = &mut guard.extra;
        let what = match kind.as_str() {
            "video/x-raw" => {
                *pictures = pictures.saturating_add(1);
                "picture"
            }
            "audio/x-raw" => {
                *sounds = sounds.saturating_add(1);
                "sound"
            }
            _ => "text or data",
        };
        guard.findings.push(Finding::new(
            FindingKind::TrackNotCarried,
            format!("A further track of {what} is in the original only."),
        ));
        vec![
            gst::ElementFactory::make("fakesink")
                .property("sync", false)
                .property("async", false)
                .build()?,
        ]
    };
    drop(guard);
    let attached = put_behind(pipeline, pad, &chain);
    if let Err(e) = &attached {
        // Whatever the recording is, this is no fault of its.
        lock(known).defect.get_or_insert(e.to_string());
    }
    attached
}

fn put_behind(
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    chain: &[gst::Element],
) -> Result<(), glib::BoolError> {
    for element in chain {
        pipeline.add(element)?;
    }
    gst::Element::link_many(chain)?;
    for element in chain.iter().rev() {
        element.sync_state_with_parent()?;
    }
    if let Some(entry) = chain.first().and_then(|e| e.static_pad("sink")) {
        pad.link(&entry)
            .map_err(|e| glib::bool_error!("a track cannot be linked: {}", e))?;
    }
    Ok(())
}

/// Notes when the decoder changes the size of its pictures.
fn watch_size(pad: &gst::Pad, known: &Arc<Mutex<Known>>) {
    let seen = Arc::clone(known);
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        if let Some(gst::EventView::Caps(caps)) = info.event().map(|e| e.view())
            && let Ok(now) = gst_video::VideoInfo::from_caps(caps.caps())
        {
            let size = (i32::try_from(now.width()).unwrap_or(0), i32::try_from(now.height()).unwrap_or(0));
            let mut known = lock(&seen);
            if let Some(first) = known.size.filter(|first| *first != size) {
                known.findings.push(Finding::new(
                    FindingKind::VideoResized,
                    format!(
                        "The picture changes from {}x{} to {}x{}; the rendition scales it into the first size.",
                        first.0, first.1, size.0, size.1
                    ),
                ));
                known.size = Some(size);
            }
        }
        gst::PadProbeReturn::Ok
    });
}

/// Turns pictures as their tags say. One that was never told to turn copies every picture as it is,
/// so it is told to let them pass; it takes that back itself when a tag comes.
fn upright() -> Result<gst::Element, glib::BoolError> {
    let flip = gst::ElementFactory::make("videoflip")
        .property_from_str("video-direction", "auto")
        .build()?;
    if let Some(transform) = flip.downcast_ref::<gst_base::BaseTransform>() {
        transform.set_passthrough(true);
    }
    Ok(flip)
}

/// Lets a decoder hand over its own frames, whose rows are longer than the picture: without this it
/// copies every one of them into tight rows. `appsink` asks nobody before GStreamer 1.24.
fn take_planes_anywhere(sink: &gst_app::AppSink) {
    let Some(pad) = sink.static_pad("sink") else {
        return;
    };
    pad.add_probe(gst::PadProbeType::QUERY_DOWNSTREAM, |_, info| {
        match info.query_mut().map(gst::QueryRef::view_mut) {
            Some(gst::QueryViewMut::Allocation(query)) => {
                query.add_allocation_meta::<gst_video::VideoMeta>(None);
                gst::PadProbeReturn::Handled
            }
            _ => gst::PadProbeReturn::Ok,
        }
    });
}

fn make(factory: &str) -> Result<gst::Element, glib::BoolError> {
    gst::ElementFactory::make(factory).build()
}

fn appsink(waiting_max: u32) -> gst_app::AppSink {
    let sink = gst_app::AppSink::builder()
        .max_buffers(waiting_max)
        .drop(false)
        .sync(false)
        .build();
    sink.set_async(false);
    sink.set_property("enable-last-sample", false);
    sink
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{io::Write, os::fd::AsRawFd};

    use super::*;
    use crate::base::Moment;

    /// What a file of nothing but two boxes comes to; deaf to what its demuxer says where that is lost.
    fn comes_to(lost: bool) -> Fault {
        gst::init().unwrap();
        let mut file = tempfile::tempfile().unwrap();
        let bytes = b"\0\0\0\x18ftypisom\0\0\x02\0isommp41\0\0\0\x08free\0\0\0\0mdat";
        file.write_all(bytes).unwrap();
        let job = DeriveJob {
            claims_media: true,
            decode_threads: 1,
            now: Moment::from_s(0),
            ..DeriveJob::default()
        };
        let mut source = Source::built(file.as_raw_fd(), &job, Reading::Anyhow).unwrap();
        source
            .graph
            .pipeline()
            .connect_deep_element_added(move |_, _, element| {
                if lost && element.name().starts_with("qtdemux") {
                    element.set_bus(None);
                }
            });
        source.graph.play().unwrap();
        for _ in 0..1_000 {
            let wait = gst::ClockTime::from_mseconds(20);
            if let Some(Happening::Broken(fault)) = source.happening(wait) {
                // Whoever asks what else there is comes to an end.
                while source.happening(gst::ClockTime::ZERO).is_some() {}
                return fault;
            }
        }
        panic!("it is waited for for ever");
    }

    #[test]
    fn a_demuxer_that_is_not_heard_is_not_waited_for() {
        let (heard, lost) = (comes_to(false), comes_to(true));
        assert_ne!(heard.text, lost.text);
        assert!(heard.element.starts_with("qtdemux"), "{heard:?}");
        assert!(lost.element.starts_with("qtdemux"), "{lost:?}");
        assert!(lost.text.contains("did not say why"), "{lost:?}");
    }
}
