//! Clause 4.8.3 as software: a copy that leaked is known by the code in its picture, whatever was
//! done to it since.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::{
    case::Case,
    handover::{approve_by_hand, ask, export, package},
};

/// Runs ffmpeg.
fn ffmpeg(args: &[&str], to: &Path) {
    let done = Command::new("ffmpeg")
        .args(["-v", "error", "-y"])
        .args(args)
        .arg(to)
        .output()
        .unwrap();
    assert!(done.status.success(), "{args:?}: {done:?}");
}

/// A store with one recording of this size and length, without renditions.
fn with_recording(size: &str, rate: u32, seconds: u32) -> (Case, Value) {
    let case = Case::with_approvers().unarchived();
    let picture = format!("testsrc2=s={size}:r={rate}:d={seconds}");
    // Something that moves everywhere, so that the encoder has to save.
    let noise = "noise=alls=12:allf=t";
    let to = case.store().join("inbox/a.mp4");
    ffmpeg(
        &[
            "-f",
            "lavfi",
            "-i",
            &picture,
            "-vf",
            noise,
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
        ],
        &to,
    );
    let _ = case.batch();
    let recording = case.list().remove(0);
    assert_eq!(recording["kind"], "video");
    (case, recording)
}

/// A request for it, approved and used; gives back the request and the marked copy.
fn exported(case: &Case, recording: &Value, name: &str) -> (String, PathBuf) {
    let id = recording["id"].as_str().unwrap();
    let to = case.beside(name);
    fs::create_dir(&to).unwrap();
    let request = ask(case, id, "copy");
    let _ = approve_by_hand(case, &request, 1).code(0);
    let _ = export(case, &request, &to).code(0);
    let copy = package(&to).join(format!("data/{id}.mp4"));
    (request, copy)
}

/// Another file out of a copy, without its tags.
fn leak(case: &Case, copy: &Path, name: &str, how: &[&str]) -> PathBuf {
    let to = case.beside(name);
    let from = ["-i", copy.to_str().unwrap(), "-map_metadata", "-1"];
    ffmpeg(&[&from[..], how].concat(), &to);
    let bytes = fs::read(&to).unwrap();
    let tag = b"recvault";
    assert!(!bytes.windows(tag.len()).any(|w| w == tag), "{name}");
    to
}

/// Bits a second of the picture.
fn bit_rate(copy: &Path) -> u64 {
    let probed = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v:0"])
        .args(["-show_entries", "stream=bit_rate", "-of", "csv=p=0"])
        .arg(copy)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&probed.stdout).into_owned();
    text.trim().parse().unwrap()
}

/// It is traced to this request alone, by its picture alone, in nearly every frame.
fn is_known(case: &Case, leaked: &Path, request: &str) {
    let args = ["trace", leaked.to_str().unwrap(), "--json"];
    let told = case.store_command(&args).code(0).json();
    let found = told["found_by"].as_array().unwrap();
    let shown = told.to_string();
    assert_eq!(found.len(), 1, "{shown}");
    assert_eq!(found[0]["request"], request, "{shown}");
    assert_eq!(found[0]["bytes"], false);
    assert_eq!(found[0]["tags"], false);
    assert_eq!(told["with"]["accesses"].as_array().unwrap().len(), 1);
    let frames = told["picture"]["frames"].as_u64().unwrap();
    let agree = found[0]["frames"].as_u64().unwrap();
    assert!(agree * 10 >= frames * 8, "{shown}");
    assert_eq!(told["picture"]["codes"].as_array().unwrap().len(), 1);
    eprintln!("{}: {agree} of {frames}", leaked.display());
}

/// Goal: a copy that was encoded at half its bit rate, scaled to 480 lines, filmed down to 15
/// frames a second, or all of it, is known; and never as another's.
#[test]
fn clause_4_8_3_a_leaked_copy_is_known_after_re_encoding() {
    let (case, recording) = with_recording("1280x720", 30, 3);
    let (first, copy) = exported(&case, &recording, "first");
    let (second, other) = exported(&case, &recording, "second");
    assert_ne!(first, second);
    let half = (bit_rate(&copy) / 2).to_string();
    let x264 = ["-c:v", "libx264", "-preset", "veryfast", "-threads", "2"];
    let ways: [(&str, &[&str]); 8] = [
        ("half.mp4", &["-b:v", &half]),
        ("480p.mp4", &["-vf", "scale=-2:480"]),
        ("0.63.mp4", &["-vf", "scale=trunc(iw*0.315)*2:-2"]),
        ("15fps.mp4", &["-r", "15"]),
        (
            "all.mkv",
            &["-vf", "scale=-2:480", "-r", "15", "-b:v", &half],
        ),
        // Squeezed, cut at the left and at the bottom, between bars, and turned as in a mirror.
        (
            "squeezed.mkv",
            &[
                "-vf",
                "crop=iw*0.8:ih*0.9:iw*0.2:0,scale=720:576,pad=iw+40:ih+100:20:50,hflip",
            ],
        ),
        ("small.mp4", &["-vf", "scale=-2:320:flags=bilinear"]),
        ("fast.avi", &["-b:v", &half]),
    ];
    for (name, how) in ways {
        let codec: &[&str] = if name.ends_with("avi") {
            &["-c:v", "mpeg4"]
        } else {
            &x264
        };
        let leaked = leak(&case, &copy, name, &[codec, how].concat());
        is_known(&case, &leaked, &first);
    }
    let how = ["-vf", "scale=-2:480", "-r", "15", "-b:v", &half];
    let leaked = leak(&case, &other, "other.mp4", &[&x264[..], &how].concat());
    is_known(&case, &leaked, &second);
    let says = case.store_command(&["trace", leaked.to_str().unwrap()]);
    let _ = says.code(0).says("known by its picture (the code in ");
    // One picture of it is enough.
    let still = leak(&case, &copy, "still.png", &["-frames:v", "1"]);
    is_known(&case, &still, &first);
}

/// Goal: what is no copy of this store's exports names none: the original, a copy of another
/// store's, a text; and what cannot be decoded is still known by its bytes and its tags.
#[test]
fn what_is_no_copy_names_no_export() {
    let (case, recording) = with_recording("640x360", 10, 2);
    let (request, copy) = exported(&case, &recording, "ours");
    let (elsewhere, same) = with_recording("640x360", 10, 2);
    let (_, theirs) = exported(&elsewhere, &same, "theirs");
    let trace = |case: &Case, file: &Path| case.store_command(&["trace", file.to_str().unwrap()]);
    let none = "No export is known by the bytes, the tags or the picture of this file.";
    let _ = trace(&case, &case.original(&recording)).code(1).says(none);
    let leaked = leak(&case, &theirs, "theirs.mp4", &["-c:v", "libx264"]);
    let told = trace(&case, &leaked).code(1).says(none);
    let _ = told.says("which no export of this store has");
    let _ = trace(&elsewhere, &leaked).code(0);
    let text = case.beside("text.mp4");
    fs::write(&text, "no video").unwrap();
    let unread = "its picture could not be looked at";
    let _ = trace(&case, &text).code(1).says(none).says(unread);
    let told = trace(&case, &copy).code(0).says(&request);
    let _ = told.says("known by its bytes, its tags, its picture (the code in ");
    // The tags of the copy alone, in a file that nothing decodes.
    let told = case.store_command(&["trace", copy.to_str().unwrap(), "--json"]);
    let id = told.json()["found_by"][0]["use"].clone();
    fs::write(&text, format!("recvault:id:{}", id.as_str().unwrap())).unwrap();
    let told = trace(&case, &text).code(0).says(&request).says(unread);
    let _ = told.says("known by its tags.");
}

/// Goal: a long file is looked at in places spread over it, also one that has a single key frame,
/// and a file that breaks off is known by what came before.
#[test]
fn a_long_copy_is_looked_at_in_places() {
    let (case, recording) = with_recording("320x240", 10, 30);
    let (request, copy) = exported(&case, &recording, "handed");
    for (name, how) in [
        ("groups.mp4", &["-g", "20"]),
        ("one-group.mkv", &["-g", "9999"]),
    ] {
        let scaled = ["-vf", "scale=trunc(iw*0.315)*2:-2", "-preset", "ultrafast"];
        let leaked = leak(&case, &copy, name, &[&scaled[..], how].concat());
        is_known(&case, &leaked, &request);
        let bytes = fs::read(&leaked).unwrap();
        if name.ends_with("mkv") {
            fs::write(&leaked, &bytes[..bytes.len() / 2]).unwrap();
            is_known(&case, &leaked, &request);
        }
    }
}

/// Goal: a recorder's smallest pictures carry a code that survives, too.
#[test]
fn a_narrow_copy_is_known() {
    let (case, recording) = with_recording("176x144", 10, 2);
    let (request, copy) = exported(&case, &recording, "handed");
    let how = ["-vf", "scale=trunc(iw*0.315)*2:-2", "-r", "5"];
    is_known(&case, &leak(&case, &copy, "a.mp4", &how), &request);
}
