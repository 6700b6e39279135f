//! One recording, made. Runs in the child process.
//!
//! ```text
//! scene ─ appsrc ─ encoder ─ queue ─┐
//!                                   ├─ mux ─ filesink  .part ── cut ── creation time ── its name
//! voice ─ appsrc ─ encoder ─ queue ─┘
//! ```
//!
//! Two threads feed the two sources, each of which blocks when its encoder is behind.

use std::{
    fs::{self, OpenOptions},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use gstreamer as gst;
use gstreamer::{glib, prelude::*};
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;

use super::{Container, GenerateError, Sound, Spec, Video, clock, scene::Scene, voice::Voice};
use crate::media::{
    graph::{Graph, fault},
    protocol::Side,
};

/// Samples of sound a second.
const RATE_HZ: u32 = 48_000;
/// Samples that are made at once.
const BLOCK_SAMPLES: u64 = 4_800;
/// Raw pictures that wait for the encoder.
const PICTURES_WAITING_MAX: u64 = 4;
/// Bytes of encoded data that wait for the other track.
const QUEUE_BYTES_MAX: u32 = 64 * 1024 * 1024;
/// Seconds without a picture or a sample after which something is stuck.
const PATIENCE_S: u32 = 60;

/// Makes one recording. GStreamer must have been initialised in this process.
///
/// # Errors
/// [`GenerateError`]; then there is no such file, nor a half of it.
pub fn make(spec: &Spec) -> Result<(), GenerateError> {
    spec.check()?;
    let part = Part::beside(&spec.path)?;
    run(spec, &part.0)?;
    let disk = |e| GenerateError::disk(&spec.path)(e);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(&part.0)
        .map_err(disk)?;
    if matches!(spec.container, Container::Mp4 | Container::Mov) {
        clock::stamp(&mut file, spec.start).map_err(disk)?;
    }
    if let Some(percent) = spec.cut_to_percent {
        let bytes = file.metadata().map_err(disk)?.len();
        let kept = bytes.saturating_mul(u64::from(percent)) / 100;
        file.set_len(kept).map_err(disk)?;
    }
    // A link, unlike a renaming, does not take the place of a file that came meanwhile.
    fs::hard_link(&part.0, &spec.path).map_err(disk)
}

/// The file while it is being made; gone when dropped.
struct Part(PathBuf);

impl Part {
    fn beside(path: &Path) -> Result<Self, GenerateError> {
        let name = path
            .file_name()
            .and_then(|n| n.to_str())
            .ok_or_else(|| GenerateError::spec("the path has no name that can be written"))?;
        if path.exists() {
            return Err(GenerateError::Exists(path.to_owned()));
        }
        let part = path.with_file_name(format!(".{name}.part"));
        let taken = OpenOptions::new().write(true).create_new(true).open(&part);
        taken.map_err(GenerateError::disk(&part))?;
        Ok(Self(part))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn run(spec: &Spec, to: &Path) -> Result<(), GenerateError> {
    let graph = Graph::new(Side::Encode)?;
    let sink = graph.add("filesink")?;
    let location = to
        .to_str()
        .ok_or_else(|| GenerateError::spec("the path is not text"))?;
    sink.set_property("location", location);
    let end = match mux(spec, location)? {
        None => sink,
        Some(mux) => {
            graph.adopt(&mux)?;
            graph.link(&mux, &sink)?;
            mux
        }
    };
    let picture = match encoder(spec) {
        None => None,
        Some(text) => {
            let info = gst_video::VideoInfo::builder(
                gst_video::VideoFormat::I420,
                spec.width,
                spec.height,
            )
            .fps(gst::Fraction::new(i32::try_from(spec.fps).unwrap_or(25), 1))
            .build();
            let caps = info.and_then(|i| i.to_caps()).map_err(unable)?;
            let bytes = u64::from(spec.width) * u64::from(spec.height) * 3 / 2;
            Some(source(
                &graph,
                &caps,
                bytes * PICTURES_WAITING_MAX,
                &text,
                &end,
            )?)
        }
    };
    let sound = match spec.sound {
        _ if spec.container == Container::Jpeg => None,
        Sound::None => None,
        Sound::Speech | Sound::Silent => {
            let caps = gst::Caps::builder("audio/x-raw")
                .field("format", "S16LE")
                .field("layout", "interleaved")
                .field("rate", i32::try_from(RATE_HZ).unwrap_or(48_000))
                .field("channels", 1)
                .build();
            // AAC is not what recorders put into AVI.
            let text = match spec.container {
                Container::Avi => "audioconvert",
                _ => "audioconvert ! avenc_aac bitrate=64000 ! aacparse",
            };
            Some(source(&graph, &caps, 2 * u64::from(RATE_HZ), text, &end)?)
        }
    };
    graph.play()?;
    let moved = AtomicU64::new(0);
    thread::scope(|scope| {
        if let Some(source) = &picture {
            let moved = &moved;
            scope.spawn(move || draw(spec, source, moved));
        }
        if let Some(source) = &sound {
            let moved = &moved;
            scope.spawn(move || speak(spec, source, moved));
        }
        let done = wait(&graph, &moved);
        // Whoever still feeds comes back.
        graph.stop();
        done
    })
}

/// Waits for the end of the file.
fn wait(graph: &Graph, moved: &AtomicU64) -> Result<(), GenerateError> {
    let (mut before, mut still_s) = (0, 0);
    loop {
        let kinds = [gst::MessageType::Eos, gst::MessageType::Error];
        let seen = graph
            .bus()
            .timed_pop_filtered(gst::ClockTime::from_seconds(1), &kinds);
        match seen {
            Some(m) if m.type_() == gst::MessageType::Eos => return Ok(()),
            Some(m) => return Err(graph.fault_of(&m).into()),
            None => {}
        }
        let now = moved.load(Ordering::Relaxed);
        still_s = if now == before { still_s + 1 } else { 0 };
        before = now;
        if still_s > PATIENCE_S {
            return Err(fault(Side::Encode, "", "nothing moves any more").into());
        }
    }
}

fn draw(spec: &Spec, to: &gst_app::AppSrc, moved: &AtomicU64) {
    let scene = Scene::new(spec.seed, spec.width, spec.height, spec.fps);
    let fps = u64::from(spec.fps);
    let pictures = match spec.container {
        Container::Jpeg => 1,
        _ => fps * u64::from(spec.seconds),
    };
    let at = |n: u64| gst::ClockTime::from_nseconds(n * 1_000_000_000 / fps);
    for n in 0..pictures {
        let mut pixels = vec![0; scene.bytes()];
        let black = spec.black.is_some_and(|s| s.holds(n, spec.fps));
        let frozen = spec.frozen.filter(|s| s.holds(n, spec.fps));
        match frozen {
            _ if black => scene.black(&mut pixels),
            Some(since) => scene.draw(u64::from(since.begin_s) * fps, &mut pixels),
            None => scene.draw(n, &mut pixels),
        }
        let mut buffer = gst::Buffer::from_mut_slice(pixels);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(at(n));
            buffer.set_duration(at(n + 1) - at(n));
        }
        if to.push_buffer(buffer).is_err() {
            return;
        }
        moved.fetch_add(1, Ordering::Relaxed);
    }
    let _ = to.end_of_stream();
}

fn speak(spec: &Spec, to: &gst_app::AppSrc, moved: &AtomicU64) {
    let mut voice = Voice::new(spec.seed, RATE_HZ);
    let rate = u64::from(RATE_HZ);
    let all = rate * u64::from(spec.seconds);
    let at = |n: u64| gst::ClockTime::from_nseconds(n * 1_000_000_000 / rate);
    let mut n = 0;
    while n < all {
        let count = BLOCK_SAMPLES.min(all - n);
        let mut samples = vec![0_i16; usize::try_from(count).unwrap_or(0)];
        if spec.sound == Sound::Speech {
            voice.fill(&mut samples);
        }
        let bytes: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
        let mut buffer = gst::Buffer::from_mut_slice(bytes);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(at(n));
            buffer.set_duration(at(n + count) - at(n));
        }
        if to.push_buffer(buffer).is_err() {
            return;
        }
        n += count;
        moved.fetch_add(1, Ordering::Relaxed);
    }
    let _ = to.end_of_stream();
}

/// A source, its encoder and a queue, up to the container.
fn source(
    graph: &Graph,
    caps: &gst::Caps,
    bytes_max: u64,
    encoder: &str,
    end: &gst::Element,
) -> Result<gst_app::AppSrc, GenerateError> {
    let source = gst_app::AppSrc::builder()
        .caps(caps)
        .format(gst::Format::Time)
        .is_live(false)
        .block(true)
        .max_bytes(bytes_max)
        .build();
    graph.adopt(&source)?;
    let encoder = graph.add_text(encoder)?;
    let queue = graph.add("queue")?;
    queue.set_property("max-size-buffers", 0_u32);
    queue.set_property("max-size-time", 0_u64);
    queue.set_property("max-size-bytes", QUEUE_BYTES_MAX);
    graph.link(source.upcast_ref(), &encoder)?;
    graph.link(&encoder, &queue)?;
    graph.link(&queue, end)?;
    Ok(source)
}

/// The pictures' encoder; a key frame every two seconds.
fn encoder(spec: &Spec) -> Option<String> {
    let kbps =
        (u64::from(spec.width) * u64::from(spec.height) * u64::from(spec.fps) / 5_000).max(200);
    let keys = spec.fps * 2;
    let parse = match spec.container {
        Container::Ts => " config-interval=-1",
        _ => "",
    };
    if spec.container == Container::Jpeg {
        return Some("jpegenc quality=85".into());
    }
    Some(match spec.video {
        Video::H264 => format!(
            "x264enc speed-preset=ultrafast bitrate={kbps} key-int-max={keys} ! h264parse{parse}"
        ),
        Video::H265 => format!(
            "x265enc speed-preset=ultrafast bitrate={kbps} key-int-max={keys} ! h265parse{parse}"
        ),
        Video::Mjpeg => "jpegenc quality=60".into(),
        Video::Mpeg4 => format!(
            "avenc_mpeg4 bitrate={} gop-size={keys} ! mpeg4videoparse",
            kbps * 2_000
        ),
        Video::None => return None,
    })
}

/// The container's element.
fn mux(spec: &Spec, location: &str) -> Result<Option<gst::Element>, GenerateError> {
    let name = match spec.container {
        Container::Mp4 => "mp4mux",
        Container::Mov => "qtmux",
        Container::Avi => "avimux",
        Container::Ts => "mpegtsmux",
        Container::Mkv => "matroskamux",
        Container::Jpeg => return Ok(None),
    };
    let mux = gst::ElementFactory::make(name).build().map_err(|_| {
        fault(
            Side::Encode,
            name,
            "there is no such element on this machine",
        )
    })?;
    if matches!(spec.container, Container::Mp4 | Container::Mov) && spec.cut_to_percent.is_some() {
        // The index in front: what is left plays, and only the end is missing.
        mux.set_property("faststart", true);
        mux.set_property("faststart-file", format!("{location}.data"));
    }
    if spec.container == Container::Mkv {
        let began = glib::DateTime::from_unix_utc(spec.start.as_s()).map_err(unable)?;
        mux.set_property("creation-time", began);
    }
    Ok(Some(mux))
}

fn unable(error: glib::BoolError) -> GenerateError {
    fault(Side::Encode, "appsrc", &error.to_string()).into()
}
