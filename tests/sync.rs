//! Picture and sound stay together, and both stay on the recording's own clock, to the end.

use std::{fs, path::Path, process::Command};

use crate::{case::Case, excerpt::ffmpeg};

/// How far a flash or a click may be from its second.
const MS_MAX: f64 = 20.0;
const RATE: f64 = 8_000.0;

/// A flash and a click on every second.
fn make(path: &Path, seconds: u32, even: bool) {
    let picture = format!(
        "color=black:size=160x120:rate=25:duration={seconds},drawbox=color=white:t=fill:enable='eq(mod(n\\,25)\\,0)'"
    );
    let picture = match even {
        true => picture,
        // Every flash, and of all others some six in ten.
        false => format!("{picture},select='eq(mod(n\\,25)\\,0)+gt(random(1)\\,0.4)'"),
    };
    let sound =
        format!("aevalsrc='0.8*sin(2*PI*1000*t)*lt(mod(t\\,1)\\,0.02)':s=44100:d={seconds}");
    let inputs = ["-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &sound];
    let how = [
        "-fps_mode",
        "vfr",
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-g",
        "50",
    ];
    let _ = ffmpeg(
        &[&inputs[..], &how[..], &["-c:a", "aac"]].concat(),
        Some(path),
    );
}

/// What ffprobe says of each thing of a track.
fn probed(path: &Path, track: &str, entry: &str) -> Vec<f64> {
    let said = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", track, "-of", "csv=p=0"])
        .args(["-show_entries", entry])
        .arg(path)
        .output()
        .unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    let number = |line: &str| line.split(',').next()?.parse().ok();
    said.lines().filter_map(number).collect()
}

/// When the lower edge of the picture becomes white, in milliseconds.
fn flashes(path: &Path) -> Vec<f64> {
    let text = path.to_str().unwrap();
    let filter = "crop=160:120:0:in_h-120,scale=1:1:flags=area,format=gray";
    let args = [
        "-i",
        text,
        "-fps_mode",
        "passthrough",
        "-vf",
        filter,
        "-f",
        "rawvideo",
        "-",
    ];
    let light = ffmpeg(&args, None);
    let at = probed(path, "v:0", "frame=best_effort_timestamp_time");
    assert_eq!(light.len(), at.len());
    let mut dark = true;
    let mut found = Vec::new();
    for (light, at) in light.iter().zip(at) {
        if *light > 128 && dark {
            found.push(at * 1_000.0);
        }
        dark = *light <= 128;
    }
    found
}

/// When the silence ends, in milliseconds.
fn clicks(path: &Path) -> Vec<f64> {
    let text = path.to_str().unwrap();
    let raw = [
        "-map", "0:a:0", "-ac", "1", "-ar", "8000", "-f", "s16le", "-",
    ];
    let bytes = ffmpeg(&[&["-i", text][..], &raw[..]].concat(), None);
    // The first sample is presented when the track begins.
    let begin = probed(path, "a:0", "stream=start_time")[0];
    let mut silent = usize::MAX;
    let mut found = Vec::new();
    for (n, b) in bytes.chunks_exact(2).enumerate() {
        if i16::from_le_bytes([b[0], b[1]]).unsigned_abs() > 6_000 {
            if silent > 2_000 {
                found.push((begin + n as f64 / RATE) * 1_000.0);
            }
            silent = 0;
        }
        silent = silent.saturating_add(1);
    }
    found
}

/// Goal: after decode, band and encode every flash and every click is within 20 ms of where it was, and
/// of the other.
pub fn trial(seconds: u32) {
    let case = Case::new();
    let inbox = case.store().join("inbox");
    let mut sources = Vec::new();
    for (name, even) in [
        ("even.mp4", true),
        ("uneven.mp4", false),
        ("uneven.mkv", false),
    ] {
        let source = case.beside(name);
        make(&source, seconds, even);
        fs::copy(&source, inbox.join(name)).unwrap();
        sources.push((name, source));
    }
    let _ = case.batch();
    let all = case.list();
    for (name, source) in sources {
        let recording = all.iter().find(|r| r["name"] == name).unwrap();
        let rendition = &case.renditions(recording)[0];
        let (flashes_at, clicks_at) = (flashes(rendition), clicks(rendition));
        for (what, ours, theirs) in [
            ("flash", &flashes_at, &flashes(&source)),
            ("click", &clicks_at, &clicks(&source)),
            ("flash to click", &flashes_at, &clicks_at),
        ] {
            assert_eq!(ours.len(), seconds as usize, "{what} of {name}");
            assert_eq!(theirs.len(), seconds as usize, "{what} of {name}");
            let off = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs());
            let worst = off.fold(0.0, f64::max);
            eprintln!("{name} {what}: at most {worst:.1} ms off");
            assert!(worst <= MS_MAX, "{what} of {name}: {worst:.1} ms");
        }
    }
}

/// Goal: a minute, at an even and at an uneven rate of pictures.
#[test]
fn flashes_and_clicks_stay_on_their_seconds() {
    trial(60);
}
