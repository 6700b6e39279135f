//! A night over real camera files, some of them broken on purpose.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;

use crate::{
    case::{Case, files_below, real_media, sha256},
    night::Presented,
};

/// Every one of the files: what it is, what became of it, and what was found.
pub const TABLE: &str = include_str!("real.txt");

/// Goal: every original bit-exact in the vault, every decodable video with a rendition whose
/// presented frames are the source's, every other file with its kind or the finding that says why.
#[test]
fn real_files_are_all_vaulted_and_every_video_keeps_its_frames() {
    // SVT-AV1 takes its memory by the size of the picture; one of these is 4K.
    night_over(QUICK, 2_200_000_000, |name| {
        !name.ends_with("long_1080p_lowbitrate.mp4")
    });
}

/// Goal: at 1080p a worker stays under a gigabyte.
#[test]
fn a_worker_at_1080p_stays_under_a_gigabyte() {
    night_over(SHIPPED, 1_000_000_000, |name| {
        ["sample-5s.mp4", "sowt-with-video.mov"]
            .iter()
            .any(|n| name.ends_with(n))
    });
}

/// The profile as it is shipped.
pub const SHIPPED: &str = "";
/// What reading shows is the same whatever encodes it.
const QUICK: &str =
    "[archive]\nprofile = \"archive-h264\"\n[archive.params]\npreset = \"ultrafast\"\n";

/// Runs a night over the real files whose name is `wanted`; no worker may take more memory.
pub fn night_over(profile: &str, worker_bytes_max: u64, wanted: impl Fn(&str) -> bool) {
    let Some(media) = real_media() else { return };
    let case = Case::new().configure(&format!("[inbox]\nsettle_s = 0\n{profile}"));
    let mut went_in = BTreeMap::new();
    for path in files_below(&media) {
        let name = path
            .strip_prefix(&media)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        if !wanted(&name) {
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        went_in.insert(sha256(&bytes), (name.clone(), path));
        let to = case.store().join("inbox").join(&name);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, bytes).unwrap();
    }
    assert!(!went_in.is_empty());
    let night = case.store_command(&["batch", "--json"]).json();
    assert_eq!(night["summary"]["ending"], "complete");
    let peak = night["summary"]["totals"]["worker_peak_bytes"]
        .as_u64()
        .unwrap();
    assert!(peak < worker_bytes_max, "a worker held {peak} bytes");

    let all = case.list();
    assert_eq!(all.len(), went_in.len());
    let mut wrong = Vec::new();
    for recording in &all {
        let digest = recording["digest"].as_str().unwrap();
        let (name, source) = &went_in[digest];
        let vaulted = fs::read(case.original(recording)).unwrap();
        assert_eq!(sha256(&vaulted), digest, "{name}");
        if let Err(why) = judge(&case, recording, source) {
            wrong.push(format!("{name}: {why}"));
        }
        let told = row(name, recording);
        let expected = TABLE.lines().find(|l| l.split(" | ").next() == Some(name));
        if expected != Some(&told) {
            wrong.push(format!(
                "expected {}, found\n{told}",
                expected.unwrap_or("nothing")
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A line of the table: the file, what became of it, what it is, and what was found, by tenths of a second.
fn row(name: &str, recording: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let media = &recording["media"];
    let track = |t: &Value| match t["kind"].as_str() {
        Some("video") => format!("{} {}x{}", text(&t["codec"]), t["width"], t["height"]),
        Some("audio") => format!(
            "{} {} Hz {}",
            text(&t["codec"]),
            t["rate_hz"],
            t["channels"]
        ),
        _ => text(&t["codec"]),
    };
    let tracks = media["tracks"].as_array().cloned().unwrap_or_default();
    let tracks: Vec<String> = tracks.iter().map(track).collect();
    let tenths = |ms: &Value| ms.as_f64().unwrap_or(0.0) / 1_000.0;
    let found = recording["findings"].as_array().unwrap().iter().map(|f| {
        let code = text(&f["kind"]);
        let at = f.get("at").or_else(|| f.get("span"));
        at.map_or(code.clone(), |at| {
            let (begin, end) = (tenths(&at["begin_ms"]), tenths(&at["end_ms"]));
            format!("{code} {begin:.1}-{end:.1}")
        })
    });
    // Of all of them alike: these files bear nobody's name.
    let found: Vec<String> = found.filter(|f| f != "attribution.missing").collect();
    let row = format!(
        "{name} | {} {} | {}: {} | {} pictures, {:.1} s | {}",
        text(&recording["state"]),
        text(&recording["kind"]),
        text(&media["container"]),
        tracks.join(", "),
        media["frames"].as_u64().unwrap_or(0),
        tenths(&media["presented_ms"]),
        found.join(", "),
    );
    row.trim_end().to_owned()
}

fn judge(case: &Case, recording: &Value, source: &Path) -> Result<(), String> {
    let (kind, state) = (
        recording["kind"].as_str().unwrap(),
        recording["state"].as_str().unwrap(),
    );
    let findings = recording["findings"].as_array().unwrap();
    let codes: Vec<&str> = findings
        .iter()
        .map(|f| f["kind"].as_str().unwrap())
        .collect();
    if state == "kept" {
        let said = kind != "video" && kind != "audio"
            || codes.iter().any(|c| {
                [
                    "container.no_index",
                    "container.unreadable",
                    "file.empty",
                    "duration.zero",
                    "codec.unsupported",
                    "decode.error",
                    "video.missing",
                ]
                .contains(c)
            });
        return if said {
            Ok(())
        } else {
            Err(format!("kept without a reason: {codes:?}"))
        };
    }
    if state != "archived" {
        return Err(format!("{state}: {findings:?}"));
    }
    if kind != "video" {
        return Ok(());
    }
    let (ours, theirs) = (
        Presented::of(&case.renditions(recording)[0]),
        Presented::of(source),
    );
    if ours.frames != theirs.frames {
        return Err(format!(
            "{} frames, its source presents {}; {codes:?}",
            ours.frames, theirs.frames
        ));
    }
    // Where the source's clock begins again in the middle, one part is presented behind the other.
    if !theirs.timed || codes.contains(&"time.jump") {
        return Ok(());
    }
    if (ours.seconds - theirs.seconds).abs() > theirs.frame + 0.002 {
        return Err(format!(
            "{} s, its source {} s",
            ours.seconds, theirs.seconds
        ));
    }
    Ok(())
}
