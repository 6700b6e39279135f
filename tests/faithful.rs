//! A rendition shows what the recorder saw: range of luma, and silence that stays silent.

use std::{fs, path::Path, process::Command};

use crate::{case::Case, night::Presented};

/// Three seconds of picture at full range, in a container whose colour box has no flag for it, and
/// of sound that is digital silence.
fn full_range_and_silent(path: &Path) {
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i"])
        .arg("testsrc=size=640x480:rate=25:duration=3,scale=out_range=full:out_color_matrix=bt709")
        .args(["-f", "lavfi", "-i", "anullsrc=r=44100:cl=mono", "-shortest"])
        .args([
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-pix_fmt",
            "yuvj420p",
        ])
        .args(["-color_range", "pc", "-colorspace", "bt709"])
        .args(["-color_primaries", "bt709", "-color_trc", "bt709"])
        .args(["-c:a", "aac", "-movflags", "+write_colr"])
        .arg(path)
        .status()
        .unwrap();
    assert!(made.success());
}

/// What ffprobe says of the first track of a kind.
fn probed(path: &Path, track: &str, entry: &str) -> String {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", track])
        .args(["-show_entries", entry, "-of", "csv=p=0"])
        .arg(path)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Goal: full range stays full range whatever the container says, and digital silence costs no
/// more than silence.
#[test]
fn full_range_and_silence_come_through() {
    let case = Case::new();
    let name = "BWC-0001_1003_20260301_080000_0001.mov";
    full_range_and_silent(&case.store().join("inbox").join(name));
    let _ = case.batch();
    let recording = &case.list()[0];
    let rendition = &case.renditions(recording)[0];
    let range = probed(rendition, "v:0", "stream=color_range");
    assert_eq!(range.trim().trim_matches(','), "pc", "range of {recording}");
    let packets = probed(rendition, "a:0", "packet=size");
    let sizes = packets
        .lines()
        .filter_map(|l| l.trim_matches(',').parse::<u64>().ok());
    let (count, bytes) = sizes.fold((0, 0), |(n, sum), size| (n + 1, sum + size));
    assert!(count >= 140, "{count} packets of sound");
    assert!(
        bytes <= 10 * count,
        "{bytes} bytes of silence in {count} packets"
    );
}

/// Goal: a Matroska file that says nothing of its colour but the range, at a small size and with a
/// clock that begins a month late, is a recording like any other.
#[test]
fn a_range_alone_and_a_late_clock_are_no_trouble() {
    let case = Case::new();
    let name = "BWC-0001_1003_20260301_080000_0001.mkv";
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i"])
        .arg("testsrc=size=320x240:rate=10:duration=2,format=yuv420p")
        .args(["-c:v", "libx264", "-color_range", "tv"])
        .args(["-output_ts_offset", "2592000"])
        .arg(case.store().join("inbox").join(name))
        .status()
        .unwrap();
    assert!(made.success());
    let _ = case.batch();
    let recording = &case.list()[0];
    assert_eq!(recording["state"], "archived", "{recording}");
    let frames = &recording["renditions"][0]["frames"];
    assert_eq!(frames, 20, "{recording}");
}

/// Goal: of a recording that was cut off (an empty battery, a pulled card), every picture before the
/// cut is in the rendition, also where the sound to it lay behind: the recorder here interleaves by
/// the second.
#[test]
fn every_picture_before_a_cut_comes_through() {
    let case = Case::new();
    let whole = case.beside("whole.mp4");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i"])
        .arg("testsrc=size=320x240:rate=25,format=yuv420p")
        .args(["-itsoffset", "0.2", "-f", "lavfi", "-i", "sine", "-t", "6"])
        .args(["-map", "0:v", "-map", "1:a", "-c:v", "libx264", "-g", "25"])
        .args(["-preset", "ultrafast", "-c:a", "aac", "-b:a", "256k"])
        .args(["-movflags", "+faststart", "-chunk_duration", "1000000"])
        .arg(&whole)
        .status()
        .unwrap();
    assert!(made.success());
    let bytes = fs::read(&whole).unwrap();
    for percent in [26, 38, 50, 59, 65, 80] {
        let cut = &bytes[..bytes.len() * percent / 100];
        let name = format!("inbox/cut-{percent}.mp4");
        fs::write(case.store().join(name), cut).unwrap();
    }
    let _ = case.batch().code(1).says("declared can be presented");
    let all = case.list();
    assert_eq!(all.len(), 6);
    for recording in all {
        let source = Presented::of(&case.original(&recording));
        let rendition = Presented::of(&case.renditions(&recording)[0]);
        assert!(source.frames > 20);
        assert_eq!(rendition.frames, source.frames, "{recording}");
    }
}
