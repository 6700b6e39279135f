//! A table of what recorders write, each made here: containers, codecs, odd sizes, turned, stretched,
//! interlaced, deep, cut, with more tracks than one. Every picture of the rendition is held against
//! the source's by another decoder: which it is, how it looks, and when it is presented.

use std::{fs, path::Path, process::Command};

use gstreamer as gst;
use gstreamer::prelude::*;

use crate::{case::Case, excerpt::ffmpeg};

/// One kind of recording.
struct Kind {
    /// Name of the file, without the extension of what is made first.
    name: &'static str,
    /// How ffmpeg makes it of the inputs below.
    how: &'static str,
    /// How it is then copied, where the muxer is to do something more.
    copied: &'static str,
    /// What is presented: width, height.
    size: (usize, usize),
    /// What must be found, beside that nobody says whose it is; nothing else may be.
    found: &'static [&'static str],
    /// Whether there is sound.
    sound: bool,
}

const WIDTH: usize = 256;
const HEIGHT: usize = 192;

const fn kind(name: &'static str, how: &'static str, found: &'static [&'static str]) -> Kind {
    Kind {
        name,
        how,
        copied: "",
        size: (WIDTH, HEIGHT),
        found,
        sound: true,
    }
}

const fn of_size(mut kind: Kind, width: usize, height: usize) -> Kind {
    kind.size = (width, height);
    kind
}

const fn copied(mut kind: Kind, how: &'static str) -> Kind {
    kind.copied = how;
    kind
}

const fn mute(mut kind: Kind) -> Kind {
    kind.sound = false;
    kind
}

const X264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";

fn kinds() -> Vec<Kind> {
    const NONE: &[&str] = &[];
    const MORE: &[&str] = &["track.not_carried"];
    vec![
        // Containers and codecs.
        kind("h264-aac.mp4", "X264 -bf 2 -c:a aac", NONE),
        kind("faststart.mp4", "X264 -c:a aac -movflags +faststart", NONE),
        kind(
            "fragmented.mp4",
            "X264 -g 5 -c:a aac -movflags +frag_keyframe+empty_moov",
            NONE,
        ),
        kind(
            "h265.mp4",
            "-c:v libx265 -x265-params log-level=none -pix_fmt yuv420p -c:a aac",
            NONE,
        ),
        kind("h264-pcm.mov", "X264 -c:a pcm_s16be", NONE),
        kind("h264-alaw.mov", "X264 -c:a pcm_alaw -ar 8000", NONE),
        kind(
            "mjpeg-pcm.avi",
            "-c:v mjpeg -q:v 3 -pix_fmt yuvj420p -c:a pcm_s16le",
            NONE,
        ),
        kind("h264-mulaw.avi", "X264 -bf 0 -c:a pcm_mulaw -ar 8000", NONE),
        kind("mpeg4-mp3.avi", "-c:v mpeg4 -q:v 3 -c:a libmp3lame", NONE),
        kind(
            "mjpeg-ima.avi",
            "-c:v mjpeg -q:v 3 -pix_fmt yuvj420p -c:a adpcm_ima_wav",
            &["time.jump"],
        ),
        kind(
            "mjpeg-adpcm.avi",
            "-c:v mjpeg -q:v 3 -pix_fmt yuvj420p -c:a adpcm_ms",
            &["time.jump"],
        ),
        kind("h264-aac.ts", "X264 -bf 2 -c:a aac", NONE),
        kind(
            "mpeg2-mp2.ts",
            "-c:v mpeg2video -q:v 3 -r 25 -c:a mp2",
            NONE,
        ),
        kind(
            "mpeg2-mp2.mpg",
            "-c:v mpeg2video -q:v 3 -r 25 -c:a mp2",
            NONE,
        ),
        kind(
            "h265.ts",
            "-c:v libx265 -x265-params log-level=none -pix_fmt yuv420p -c:a aac",
            NONE,
        ),
        kind("h264-opus.mkv", "X264 -c:a libopus", NONE),
        // Its first picture comes before its sound and is presented behind it.
        kind(
            "h265-aac.mkv",
            "-c:v libx265 -x265-params log-level=none -pix_fmt yuv420p -c:a aac",
            NONE,
        ),
        kind("mpeg4-aac.3gp", "-c:v mpeg4 -q:v 3 -c:a aac", NONE),
        mute(kind("silent.mp4", "X264 -an", &["audio.missing"])),
        // What is presented when.
        kind(
            "uneven.mkv",
            "-vf select='lt(n\\,5)+not(mod(n\\,3))' -fps_mode vfr X264 -c:a aac",
            NONE,
        ),
        kind(
            "uneven.mp4",
            "-vf select='lt(n\\,5)+not(mod(n\\,3))' -fps_mode vfr X264 -c:a aac",
            NONE,
        ),
        kind("ntsc.mp4", "-r 30000/1001 X264 -c:a aac", NONE),
        // GStreamer leaves out the end of its sound, and that is told.
        copied(
            mute(kind(
                "edit-list.mp4",
                "X264 -g 25 -c:a aac",
                &["container.truncated"],
            )),
            "-ss 0.52 -c copy",
        ),
        // How it looks.
        copied(
            of_size(
                kind("turned.mp4", "X264 -c:a aac", &["normalised.rotation"]),
                HEIGHT,
                WIDTH,
            ),
            "-c copy -metadata:s:v:0 rotate=90",
        ),
        copied(
            kind("upside-down.mov", "X264 -c:a aac", &["normalised.rotation"]),
            "-c copy -metadata:s:v:0 rotate=180",
        ),
        of_size(
            kind(
                "odd.avi",
                "-vf scale=255:191 -c:v mjpeg -q:v 2 -pix_fmt yuvj420p -c:a pcm_s16le",
                &["normalised.padding"],
            ),
            255,
            191,
        ),
        kind("stretched.mp4", "-vf setsar=4/3 X264 -c:a aac", NONE),
        kind(
            "interlaced.ts",
            "-r 25 -vf setfield=tff -c:v mpeg2video -q:v 3 -flags +ildct+ilme -top 1 -c:a mp2",
            &["normalised.interlace"],
        ),
        kind(
            "full-range.mp4",
            "-c:v libx264 -preset ultrafast -pix_fmt yuvj420p -c:a aac",
            NONE,
        ),
        kind(
            "deep.mp4",
            "-c:v libx265 -x265-params log-level=none -pix_fmt yuv420p10le -c:a aac",
            &["normalised.format"],
        ),
        kind(
            "rich.mkv",
            "-c:v libx264 -preset ultrafast -pix_fmt yuv422p -c:a aac",
            &["normalised.format"],
        ),
        copied(
            of_size(
                kind(
                    "rich-turned.mov",
                    "-c:v libx264 -preset ultrafast -pix_fmt yuv422p -c:a aac",
                    &["normalised.format", "normalised.rotation"],
                ),
                HEIGHT,
                WIDTH,
            ),
            "-c copy -metadata:s:v:0 rotate=90",
        ),
        // More tracks than one.
        kind(
            "two-pictures.mkv",
            "-map 0:v -map 0:v -map 1:a X264 -c:a aac",
            MORE,
        ),
        kind(
            "two-sounds.mp4",
            "-map 0:v -map 1:a -map 1:a X264 -c:a aac",
            MORE,
        ),
        kind("timecode.mov", "X264 -c:a aac -timecode 01:00:00:00", MORE),
        kind(
            "text.mp4",
            "-i SRT -map 0:v -map 1:a -map 2:s X264 -c:a aac -c:s mov_text",
            MORE,
        ),
        kind(
            "six-channels.mkv",
            "X264 -ac 6 -c:a aac",
            &["normalised.format"],
        ),
    ]
}

/// Two seconds of pictures of which no two are alike, and of a tone.
fn make(kind: &Kind, inbox: &Path, aside: &Path) {
    let text = aside.join("text.srt");
    fs::write(&text, "1\n00:00:00,200 --> 00:00:01,000\nOne\n").unwrap();
    let picture = format!("testsrc2=size={WIDTH}x{HEIGHT}:rate=25:duration=2");
    let sound = "sine=f=440:r=48000:d=2";
    let how = kind.how.replace("X264", X264);
    let how = how.replace("SRT", text.to_str().unwrap());
    let inputs = ["-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", sound];
    let (done, first) = (inbox.join(kind.name), aside.join(kind.name));
    let args: Vec<&str> = inputs.into_iter().chain(how.split(' ')).collect();
    let made = if kind.copied.is_empty() {
        &done
    } else {
        &first
    };
    let _ = ffmpeg(&args, Some(made));
    if !kind.copied.is_empty() {
        let (seek, rest) = match kind.copied.strip_prefix("-ss 0.52 ") {
            Some(rest) => (vec!["-ss", "0.52"], rest),
            None => (Vec::new(), kind.copied),
        };
        let input = ["-i", first.to_str().unwrap()];
        let args: Vec<&str> = seek
            .into_iter()
            .chain(input)
            .chain(rest.split(' '))
            .collect();
        let _ = ffmpeg(&args, Some(&done));
    }
}

/// Speech as 3GP phones record it; ffmpeg has no encoder for it here.
fn make_amr(to: &Path) {
    gst::init().unwrap();
    let text = format!(
        "3gppmux name=m ! filesink location={} \
         videotestsrc num-buffers=50 pattern=ball ! video/x-raw,format=I420,width={WIDTH},height={HEIGHT},framerate=25/1 \
         ! x264enc speed-preset=ultrafast ! h264parse ! m. \
         audiotestsrc num-buffers=100 samplesperbuffer=160 freq=440 ! audio/x-raw,rate=8000,channels=1 ! amrnbenc ! m.",
        to.display()
    );
    let pipeline = gst::parse::launch(&text).unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let ends = [gst::MessageType::Eos, gst::MessageType::Error];
    let bus = pipeline.bus().unwrap();
    let end = bus.timed_pop_filtered(gst::ClockTime::from_seconds(60), &ends);
    let end = end.unwrap();
    assert_eq!(end.type_(), gst::MessageType::Eos, "{end:?}");
    pipeline.set_state(gst::State::Null).unwrap();
}

/// What a file presents, in grey, and when, in milliseconds after the first.
pub struct Shown {
    pub pictures: Vec<Vec<u8>>,
    pub at_ms: Vec<f64>,
}

impl Shown {
    /// The picture lies so many rows above the lower edge.
    pub fn of(path: &Path, (width, height): (usize, usize), rows: usize) -> Self {
        let crop = format!("format=gray,crop={width}:{height}:0:in_h-{rows}:exact=1");
        let path_text = path.to_str().unwrap();
        let args = [
            "-i",
            path_text,
            "-map",
            "0:v:0",
            "-fps_mode",
            "passthrough",
            "-vf",
            &crop,
        ];
        let raw = ["-f", "rawvideo", "-"];
        let bytes = ffmpeg(&[&args[..], &raw[..]].concat(), None);
        let pictures: Vec<Vec<u8>> = bytes.chunks(width * height).map(<[u8]>::to_vec).collect();
        let said = Command::new("ffprobe")
            .args(["-v", "error", "-select_streams", "v:0", "-of", "csv=p=0"])
            .args(["-show_entries", "frame=best_effort_timestamp_time"])
            .arg(path)
            .output()
            .unwrap();
        let said = String::from_utf8(said.stdout).unwrap();
        let number = |line: &str| line.split(',').next()?.parse::<f64>().ok();
        let seconds: Vec<f64> = said.lines().filter_map(number).collect();
        let first = seconds.first().copied().unwrap_or_default();
        Self {
            pictures,
            at_ms: seconds.iter().map(|s| (s - first) * 1_000.0).collect(),
        }
    }
}

/// How far two pictures are from each other, in grey levels a pixel.
pub fn far(a: &[u8], b: &[u8]) -> f64 {
    let sum: u64 = a
        .iter()
        .zip(b)
        .map(|(a, b)| u64::from(a.abs_diff(*b)))
        .sum();
    sum as f64 / a.len() as f64
}

/// What is wrong with a rendition of this source.
fn wrong(kind: &Kind, source: &Path, rendition: &Path) -> Option<String> {
    let (width, height) = kind.size;
    let theirs = Shown::of(source, kind.size, height);
    let ours = Shown::of(rendition, kind.size, height.next_multiple_of(2));
    if ours.pictures.len() != theirs.pictures.len() || theirs.pictures.len() < 20 {
        return Some(format!(
            "{} pictures of {}",
            ours.pictures.len(),
            theirs.pictures.len()
        ));
    }
    for (n, picture) in ours.pictures.iter().enumerate() {
        if picture.len() != width * height {
            return Some(format!("picture {n} has another size"));
        }
        let to = |m: usize| far(picture, &theirs.pictures[m]);
        let here = to(n);
        let others = [n.wrapping_sub(1), n + 1];
        let nearer = others
            .into_iter()
            .find(|m| *m < theirs.pictures.len() && to(*m) < here);
        if here > 1.5 || nearer.is_some() {
            return Some(format!("picture {n} is {here:.2} away; nearer: {nearer:?}"));
        }
    }
    if ours.at_ms.len() != theirs.at_ms.len() {
        return Some("pictures without an instant".into());
    }
    // Both are told in whole milliseconds, or less.
    let late = ours
        .at_ms
        .iter()
        .zip(&theirs.at_ms)
        .position(|(o, t)| (o - t).abs() > 1.01);
    if let Some(n) = late {
        let (ours, theirs) = (ours.at_ms[n], theirs.at_ms[n]);
        return Some(format!(
            "picture {n} at {ours:.3} ms instead of {theirs:.3}"
        ));
    }
    kind.sound.then(|| wrong_sound(source, rendition)).flatten()
}

/// What is wrong with its sound: a tone of 440 Hz, as long as the source's.
fn wrong_sound(source: &Path, rendition: &Path) -> Option<String> {
    let samples = |path: &Path| -> Vec<i16> {
        let args = [
            "-i",
            path.to_str().unwrap(),
            "-map",
            "0:a:0",
            "-ac",
            "1",
            "-ar",
            "48000",
        ];
        let raw = ["-f", "s16le", "-"];
        let bytes = ffmpeg(&[&args[..], &raw[..]].concat(), None);
        let pairs = bytes.chunks_exact(2);
        pairs.map(|b| i16::from_le_bytes([b[0], b[1]])).collect()
    };
    let (ours, theirs) = (samples(rendition), samples(source));
    if ours.len().abs_diff(theirs.len()) > 48_000 / 16 {
        return Some(format!("{} samples of {}", ours.len(), theirs.len()));
    }
    let second = ours.get(24_000..72_000)?;
    let rises = second.windows(2).filter(|w| w[0] < 0 && w[1] >= 0).count();
    (!(436..=444).contains(&rises)).then(|| format!("a tone of {rises} Hz"))
}

/// Goal: whatever the container, the codec, the shape and the tracks: each picture is there, is the one
/// that it should be, looks as it did and comes when it came; what is not carried is named.
#[test]
fn every_kind_of_recording_comes_through() {
    let case =
        Case::new().configure("[inbox]\nsettle_s = 0\n[archive]\nprofile = \"preserve-ffv1\"\n");
    let inbox = case.store().join("inbox");
    let (kept, aside) = (case.beside("kept"), case.beside("aside"));
    for dir in [&kept, &aside] {
        fs::create_dir(dir).unwrap();
    }
    let mut kinds = kinds();
    for kind in &kinds {
        make(kind, &inbox, &aside);
    }
    make_amr(&inbox.join("h264-amr.3gp"));
    kinds.push(kind("h264-amr.3gp", "", &[]));
    for kind in &kinds {
        fs::copy(inbox.join(kind.name), kept.join(kind.name)).unwrap();
    }
    let _ = case.batch();
    let all = case.list();
    let mut faults = Vec::new();
    for kind in &kinds {
        let recording = all.iter().find(|r| r["name"] == kind.name).unwrap();
        let codes = recording["findings"].as_array().unwrap().iter();
        let mut codes: Vec<&str> = codes.map(|f| f["kind"].as_str().unwrap()).collect();
        codes.retain(|code| *code != "attribution.missing");
        codes.dedup();
        if codes != kind.found {
            let findings = &recording["findings"];
            faults.push(format!(
                "{}: {codes:?}, not {:?}: {findings}",
                kind.name, kind.found
            ));
        }
        let tracks = recording["media"]["tracks"].as_array().unwrap();
        let pictures = tracks.iter().find(|t| t["kind"] == "video").unwrap();
        if pictures["width"].is_null() || pictures["codec"] == "MPEG-1" {
            faults.push(format!("{}: {pictures}", kind.name));
        }
        let why = match case.renditions(recording).first() {
            Some(rendition) => wrong(kind, &kept.join(kind.name), rendition),
            None => Some("no rendition".into()),
        };
        faults.extend(why.map(|why| format!("{}: {why}", kind.name)));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
