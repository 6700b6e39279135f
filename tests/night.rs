//! The night end to end, on a fleet's day made by recvault's own generator.

use std::{fs, process::Command};

use crate::case::{Case, files_below, sha256};

/// Goal: whatever lay in the inbox lies bit-exact in the vault, every recording that decodes has a
/// rendition, every other says why not, and the report says so.
#[test]
fn a_fleets_day_is_vaulted_looked_at_and_reported() {
    let case = Case::new().fleet(4);
    let before: Vec<(String, Vec<u8>)> = files_below(&case.store().join("inbox"))
        .into_iter()
        .map(|p| {
            (
                p.file_name().unwrap().to_str().unwrap().to_owned(),
                fs::read(p).unwrap(),
            )
        })
        .collect();
    assert!(before.len() >= 10, "{} files", before.len());

    let _ = case
        .batch()
        .code(1)
        .says("can be presented")
        .says("night.html");

    let all = case.list();
    for (name, bytes) in &before {
        let digest = sha256(bytes);
        let recording = all.iter().find(|r| r["digest"] == digest.as_str());
        let recording = recording.unwrap_or_else(|| panic!("{name} is not in the store"));
        assert_eq!(
            &fs::read(case.original(recording)).unwrap(),
            bytes,
            "{name}"
        );
        let (state, kind) = (
            recording["state"].as_str().unwrap(),
            recording["kind"].as_str().unwrap(),
        );
        match state {
            "archived" => assert!(!case.renditions(recording).is_empty()),
            "kept" => assert!(
                kind == "photo"
                    || kind == "log"
                    || !recording["findings"].as_array().unwrap().is_empty(),
                "{recording}"
            ),
            other => panic!("{name} is {other}"),
        }
        for rendition in case.renditions(recording) {
            assert!(rendition.is_file(), "{}", rendition.display());
        }
    }
    let archived = all.iter().filter(|r| r["state"] == "archived").count();
    assert!(archived >= 8, "{archived} archived");
    for code in ["container.truncated", "audio.silent"] {
        let with = all.iter().filter(|r| has(r, code)).count();
        assert_eq!(with, 1, "{code}");
    }
    assert_eq!(
        case.files_below("originals/.staging"),
        Vec::<std::path::PathBuf>::new()
    );
    assert_eq!(
        case.files_below("renditions/.staging"),
        Vec::<std::path::PathBuf>::new()
    );
    let reports: Vec<_> = case
        .files_below("reports")
        .iter()
        .map(|p| p.file_name().unwrap().to_owned())
        .collect();
    for name in ["night.html", "night.json", "recvault.prom"] {
        assert!(reports.iter().any(|r| r == name), "{reports:?}");
    }
}

/// Goal: a rendition has exactly the frames of its source and its length within one frame, by
/// the word of a decoder that is not ours.
#[test]
fn a_rendition_has_the_frames_and_the_length_of_its_source() {
    let case = Case::new().fleet(4);
    let _ = case.batch().code(1);
    let mut compared = 0;
    for recording in case.list() {
        if recording["kind"] != "video" || recording["state"] != "archived" {
            continue;
        }
        let (source, rendition) = (
            case.original(&recording),
            case.renditions(&recording).remove(0),
        );
        let (a, b) = (Presented::of(&source), Presented::of(&rendition));
        assert_eq!(a.frames, b.frames, "{recording}");
        assert!(
            (a.seconds - b.seconds).abs() <= a.frame + 0.002,
            "{} and {} s of {recording}",
            a.seconds,
            b.seconds
        );
        compared += 1;
    }
    assert!(compared >= 6, "{compared}");
}

/// Goal: a second night finds nothing to do, says so by exit code 0, and changes no recording.
#[test]
fn a_second_night_changes_nothing() {
    let case = Case::new().fleet(2);
    let _ = case.batch().code(1);
    let before = case.list();
    let files = case.files_below("originals");
    let _ = case.batch().code(0);
    assert_eq!(case.list(), before);
    assert_eq!(case.files_below("originals"), files);
}

/// Goal: what comes again under another name is one recording with another sighting.
#[test]
fn the_same_bytes_seen_again_are_one_recording() {
    let case = Case::new().file("a.log", "same");
    let _ = case.batch().code(0);
    let case = case.file("dock 2/b.log", "same");
    let _ = case.batch().code(0).says("seen again");
    let all = case.list();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0]["sightings"].as_array().unwrap().len(), 2);
}

/// Goal: bad input of every sort is kept, said, and hurts nobody else.
#[test]
fn bad_input_is_kept_and_said_and_the_batch_goes_on() {
    let mut lying = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41".to_vec();
    lying.extend_from_slice(b"\xff\xff\xff\xffmoov");
    let case = Case::new()
        .file("empty.mp4", "")
        .file("text.mp4", "this is not a video, whatever its name says\n")
        .file("lying.mp4", lying)
        .file(
            "noise.avi",
            (0..100_000_u32)
                .flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes())
                .collect::<Vec<u8>>(),
        )
        .file("secret.mp4", b"Salted__0123456789abcdef")
        .file("photo.jpg", b"\xff\xd8\xff\xe0 not much of one")
        .file("setup.exe", b"MZ\x90\0");
    let hostile = case
        .store()
        .join("inbox")
        .join(std::ffi::OsStr::new("a'; rm -rf $HOME; \u{202e}4pm.log"));
    fs::write(hostile, "log").unwrap();
    use std::os::unix::ffi::OsStrExt;
    let bytes = case
        .store()
        .join("inbox")
        .join(std::ffi::OsStr::from_bytes(b"\xff\xfe.log"));
    fs::write(bytes, "log of another").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", case.store().join("inbox/link.mp4")).unwrap();

    let _ = case
        .batch()
        .code(1)
        .says("link")
        .says("%FF%FE.log")
        .says_not("\u{202e}");
    let all = case.list();
    assert_eq!(all.len(), 9, "everything but the link is vaulted");
    for recording in &all {
        assert_eq!(recording["state"], "kept", "{recording}");
        let logged = recording["kind"] == "log" || recording["kind"] == "photo";
        assert!(
            logged || !recording["findings"].as_array().unwrap().is_empty(),
            "{recording}"
        );
    }
    assert!(
        all.iter().any(|r| has(r, "file.empty")) && all.iter().any(|r| has(r, "file.encrypted"))
    );
}

/// Goal: a profile whose elements are not there is refused before the night begins.
#[test]
fn missing_elements_are_named_with_their_package_before_the_night() {
    let case = Case::new()
        .file("a.log", "x")
        .configure("[inbox]\nsettle_s = 0\n[archive]\nprofile = \"needs-more\"\n");
    let profile = fs::read_to_string("pipelines/archive-h264.toml").unwrap();
    let profile = profile
        .replace("name = \"archive-h264\"", "name = \"needs-more\"")
        .replace("x264enc", "nosuchenc");
    fs::write(case.store().join("pipelines/needs-more.toml"), profile).unwrap();
    let _ = case
        .batch()
        .code(2)
        .says("nosuchenc")
        .says("gstreamer1.0-plugins-ugly");
    assert_eq!(case.list().len(), 0);
    assert!(
        case.store().join("inbox/a.log").is_file(),
        "nothing was touched"
    );
}

fn has(recording: &serde_json::Value, code: &str) -> bool {
    recording["findings"]
        .as_array()
        .unwrap()
        .iter()
        .any(|f| f["kind"] == code)
}

/// What ffmpeg presents of a file.
pub struct Presented {
    pub frames: usize,
    /// Whether every frame says when it is presented.
    pub timed: bool,
    pub seconds: f64,
    /// The longest frame, in seconds.
    pub frame: f64,
}

impl Presented {
    /// Decodes the first video track and reads every presented frame's time.
    pub fn of(path: &std::path::Path) -> Self {
        let output = Command::new("ffprobe")
            .args([
                "-v",
                "error",
                "-select_streams",
                "v:0",
                "-show_entries",
                "frame=best_effort_timestamp_time,duration_time,pkt_duration_time",
            ])
            .args(["-of", "csv=p=0"])
            .arg(path)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        // A raw elementary stream has frames and no times.
        let frames = text.lines().filter(|l| !l.trim().is_empty()).count();
        let time = |l: &str| l.split(',').next().and_then(|t| t.parse().ok());
        let times: Vec<f64> = text.lines().filter_map(time).collect();
        let steps = times.windows(2).map(|w| w[1] - w[0]);
        let frame = steps.fold(0.0_f64, f64::max);
        let span = times.last().unwrap_or(&0.0) - times.first().unwrap_or(&0.0);
        Self {
            frames,
            timed: times.len() == frames,
            seconds: span,
            frame,
        }
    }
}

/// Goal: the same file number of the same recorder with other bytes is an alarm on the later one
/// and an event; another day's number, another recorder's and the same bytes again are none.
#[test]
fn clause_4_8_2_the_same_file_number_with_other_bytes_is_an_alarm() {
    let case = Case::new()
        .file(
            "a/BWC-0001_1003_20260302_060000_0001.log",
            "as it was recorded",
        )
        .file(
            "BWC-0002_1003_20260302_060000_0001.log",
            "another recorder's",
        )
        .file("BWC-0001_1003_20260303_060000_0001.log", "another day's")
        .file("BWC-0001_1003_20260302_060000_0002.log", "another number");
    let _ = case.batch().code(0);
    let case = case
        .file(
            "b/BWC-0001_1003_20260302_060000_0001.log",
            "as somebody wants it",
        )
        .file(
            "c/BWC-0001_1003_20260302_060000_0001.log",
            "as it was recorded",
        );
    let _ = case
        .batch()
        .code(1)
        .says("bears the same number of the same recorder");
    let listed = case.store_command(&["list", "--finding", "recording.conflicts", "--ids"]);
    let id = &sha256("as somebody wants it");
    let listed = listed.code(0).out();
    let found = case.list();
    let alarmed = found.iter().find(|r| r["digest"] == id.as_str()).unwrap();
    assert_eq!(listed.trim(), alarmed["id"].as_str().unwrap());
    // The event stands in the batch of the admission: no kill comes between.
    let all = case.events();
    let at = |what: &str| all.iter().position(|line| line.contains(what)).unwrap();
    assert_eq!(
        at(r#""kind":"recording.conflicts""#),
        at(&format!(r#""digest":"{id}""#)) + 1
    );
    let told = |line: &&String| line.contains(r#""kind":"recording.conflicts""#);
    assert_eq!(case.events().iter().filter(told).count(), 1);
    let _ = case.store_command(&["check"]).code(0);
}
