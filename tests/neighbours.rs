//! Recordings of one recorder held against one another: time between pieces that ought to touch, two at
//! once, what was kept from before the button was pressed, and how they are made.

use std::process::Command;

use serde_json::Value;

use crate::case::{Case, Run};

/// A recording of 12 s in the inbox, in which there is sound from a second on; `pitch` tells it from the others.
fn recorded(case: &Case, name: &str, sound_from_s: u32, pitch: u32) {
    let sound = format!("sine=frequency={pitch}:sample_rate=16000:duration=12");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i"])
        .arg("testsrc=size=160x120:rate=5:duration=12")
        .args(["-f", "lavfi", "-i", &sound, "-af"])
        .arg(format!("volume=0:enable='lt(t,{sound_from_s})'"))
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"])
        .arg(case.store().join("inbox").join(name))
        .status()
        .unwrap();
    assert!(made.success());
}

/// What the night's report says of each file, by name: the codes of its findings that begin so.
fn told(night: &Run, beginnings: &[&str]) -> Vec<String> {
    let json = night.json();
    let items = json["summary"]["items"].as_array().unwrap();
    let mut all = Vec::new();
    for item in items {
        let name = item["name"].as_str().unwrap();
        for finding in item["findings"].as_array().unwrap() {
            let code = finding["kind"].as_str().unwrap();
            if beginnings.iter().any(|b| code.starts_with(b)) {
                let number = name.rsplit('_').next().unwrap();
                all.push(format!("{number} {code}: {}", text(finding)));
            }
        }
    }
    all.sort_unstable();
    all
}

fn text(finding: &Value) -> &str {
    finding["text"].as_str().unwrap()
}

fn night(case: &Case) -> Run {
    case.store_command(&["batch", "--json"])
}

/// Goal: a recorder that cuts its recordings into pieces of 12 s lost 21 s between two of them, and wrote two
/// at once; and once that was told, a night that brings nothing of it tells nothing.
#[test]
fn clause_4_8_1_time_between_pieces_and_two_at_once_are_told() {
    let case = Case::new().unarchived();
    let begins = ["080000", "080012", "080024", "080057", "080100"];
    for (n, begin) in (1..).zip(begins) {
        let name = format!("BWC-0001_1003_20260302_{begin}_{n:04}.mp4");
        recorded(&case, &name, 0, 300 + 50 * n);
    }
    let all = told(&night(&case), &["sequence."]);
    assert_eq!(all.len(), 2, "{all:#?}");
    let gap = &all[0];
    assert!(
        gap.starts_with("0004.mp4 sequence.gap: 21.0 s between"),
        "{gap}"
    );
    let overlap = &all[1];
    assert!(
        overlap.starts_with("0005.mp4 sequence.overlap: "),
        "{overlap}"
    );
    assert!(overlap.contains(" begins 9.0 s before "), "{overlap}");
    recorded(&case, "BWC-0001_1003_20260302_090000_0006.mp4", 0, 900);
    assert_eq!(told(&night(&case), &["sequence."]), [""; 0]);
}

/// Goal: where recorders are known to keep 8 s without sound from before their button was pressed, a recording
/// without them is told, a piece that goes on is none, and their silence is no finding.
#[test]
fn clause_4_1_a_pre_record_that_is_not_there_is_told() {
    let fleet = |case: Case| {
        for (n, begin, sound_from_s) in [
            (1, "080000", 8),
            (2, "080012", 0),
            (3, "081000", 0),
            (4, "082000", 3),
        ] {
            let name = format!("BWC-0001_1003_20260302_{begin}_{n:04}.mp4");
            recorded(&case, &name, sound_from_s, 300 + 50 * n);
        }
        told(&night(&case), &["prerecord.", "audio."])
    };
    let [of_none, of_eight] = ["", "[checks]\npre_record_s = 8\n"].map(|checks| {
        let archive = "[archive]\nwhen = \"long-term\"\n";
        fleet(Case::new().configure(&format!("[inbox]\nsettle_s = 0\n{archive}{checks}")))
    });
    assert_eq!(of_none.len(), 1, "{of_none:#?}");
    assert!(
        of_none[0].starts_with("0001.mp4 audio.silent"),
        "{of_none:#?}"
    );
    assert_eq!(of_eight.len(), 2, "{of_eight:#?}");
    let begins = |n: usize, text: &str| assert!(of_eight[n].starts_with(text), "{of_eight:#?}");
    begins(
        0,
        "0003.mp4 prerecord.missing: There is sound from 0.0 s on",
    );
    begins(1, "0004.mp4 prerecord.missing: There is sound from ");
}

/// Goal: the one recording that is not made as the ten others of its recorder is told, as a hint.
#[test]
fn clause_4_8_2_a_recording_unlike_the_others_of_its_recorder_is_told() {
    let case = Case::new().unarchived();
    for n in 1..=10 {
        let name = format!("BWC-0001_1003_20260302_08{n:02}00_{n:04}.mp4");
        recorded(&case, &name, 0, 300 + 50 * n);
    }
    assert_eq!(told(&night(&case), &["recording.unlike"]), [""; 0]);
    recorded(&case, "BWC-0001_1003_20260302_090000_0011.mkv", 0, 900);
    let all = told(&night(&case), &["recording.unlike"]);
    assert_eq!(all.len(), 1, "{all:#?}");
    let text = "0011.mkv recording.unlike: It is Matroska with ";
    assert!(all[0].starts_with(text), "{all:#?}");
    assert!(
        all[0].contains("and 10 others of recorder BWC-0001 are MP4 with "),
        "{all:#?}"
    );
}
