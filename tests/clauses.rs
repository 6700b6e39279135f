//! Clauses of the regulation, each as one test of what recvault makes of it. `docs/regulation.md`
//! lists them all, those of other files too; the last test here holds page and tests together.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::case::{Case, files_below};

fn of_kind(case: &Case, kind: &str) -> Vec<Value> {
    let events = case.events().into_iter();
    let events = events.map(|line| serde_json::from_str::<Value>(&line).unwrap());
    events.filter(|e| e["kind"] == kind).collect()
}

/// Goal: who held a recorder when a recording began wore it, where nothing else says so.
#[test]
fn clause_3_1_the_register_says_who_wore_the_recorder() {
    let case = Case::new().fleet(1);
    let case = case.file(
        "BWC-0001_20260302_100000_0009.log",
        "no officer in the name",
    );
    let _ = case.batch();
    let all = case.list();
    let named = |r: &&Value| r["name"] == "BWC-0001_20260302_100000_0009.log";
    let officer = &all.iter().find(named).unwrap()["attribution"]["officer"];
    assert_eq!(officer["value"], "1003");
    assert_eq!(officer["source"]["from"], "register");
}

/// Goal: recorders, officers and who was given what are events, so that no entry appears or
/// vanishes unseen.
#[test]
fn clause_3_3_registration_stands_in_the_ledger() {
    let case = Case::new().fleet(1);
    for kind in ["device.registered", "officer.registered", "device.issued"] {
        assert_eq!(of_kind(&case, kind).len(), 3, "{kind}");
    }
    let shown = case.store_command(&["registry", "show"]).code(0);
    let _ = shown.says("BWC-0001").says("1003");
}

/// Goal: the whole process, sound and picture: a recording without sound, or in the dark, or whose
/// picture stands still, is found by the night.
#[test]
fn clause_4_1_missing_sound_and_a_dark_or_frozen_picture_are_found() {
    let case = Case::new();
    let clip = |name: &str, picture: &str, sound: Option<&str>| {
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "error", "-f", "lavfi", "-i", picture]);
        if let Some(sound) = sound {
            ffmpeg.args(["-f", "lavfi", "-i", sound]);
        }
        ffmpeg.args(["-t", "7", "-c:v", "libx264", "-preset", "ultrafast"]);
        let made = ffmpeg.arg(case.store().join("inbox").join(name)).status();
        assert!(made.unwrap().success());
    };
    let moving = "testsrc=size=320x240:rate=10";
    clip("mute.mp4", moving, None);
    clip("dark.mp4", "color=black:size=320x240:rate=10", Some("sine"));
    clip("frozen.mp4", "smptebars=size=320x240:rate=10", Some("sine"));
    clip("silent.mp4", moving, Some("anullsrc"));
    let _ = case.batch().code(1);
    for (finding, name) in [
        ("audio.missing", "mute.mp4"),
        ("video.black", "dark.mp4"),
        ("video.frozen", "frozen.mp4"),
        ("audio.silent", "silent.mp4"),
    ] {
        let found = case.store_command(&["list", "--finding", finding, "--json"]);
        let found = found.code(0).json();
        let found = found["recordings"].as_array().unwrap();
        let names: Vec<_> = found.iter().map(|r| r["name"].as_str().unwrap()).collect();
        assert!(names.contains(&name), "{finding}: {names:?}");
    }
}

/// Goal: a day on which nothing came in has its record as every other.
#[test]
fn clause_4_6_a_day_without_files_has_its_record() {
    let case = Case::new();
    let _ = case.batch().code(0).says("No files came in");
    let ended = of_kind(&case, "night.ended");
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0]["body"]["files_seen"], 0);
}

/// Goal: what is classed under a clause proposes what the same unit recorded at the same time, and
/// classes nothing by itself.
#[test]
fn clause_4_6_2_what_the_same_unit_recorded_then_is_proposed() {
    let case = Case::new().fleet(1);
    let case = case
        .file("BWC-0001_1003_20260302_200000_0011.log", "here")
        .file(
            "BWC-0002_1007_20260302_200003_0012.log",
            "there, three seconds later",
        )
        .file("BWC-0002_1007_20260302_210000_0013.log", "an hour later");
    let _ = case.batch();
    let all = case.list();
    let id = |number: u64| {
        let found = all
            .iter()
            .find(|r| r["attribution"]["sequence"]["value"] == number);
        found.unwrap()["id"].as_str().unwrap()
    };
    let (here, there, later) = (id(11), id(12), id(13));
    let classify = ["classify", here, "--clause", "4.6.2", "--note", "a crowd"];
    let said = case.store_command(&classify).code(0);
    let said = said.says("is kept long-term under clause 4.6.2");
    let _ = said
        .says(&format!("{there} was recorded by unit North Gate"))
        .says_not(later);
    let _ = case
        .store_command(&["why", there])
        .code(0)
        .says_not("4.6.2");
}

/// Goal: the mark that the wearer made at the recorder proposes 4.6.4 and decides nothing.
#[test]
fn clause_4_6_4_the_recorders_own_mark_is_proposed() {
    let case = Case::new().fleet(1);
    let _ = case.batch();
    let all = case.list();
    let marked = all.iter().find(|r| !r["attribution"]["mark"].is_null());
    let id = marked.unwrap()["id"].as_str().unwrap();
    let proposal = "at the recorder; it may belong under clause 4.6.4";
    let _ = case.store_command(&["why", id]).code(0).says(proposal);
    let classify = ["classify", id, "--clause", "4.6.4"];
    let _ = case.store_command(&classify).code(0);
    let _ = case.store_command(&["why", id]).code(0).says_not(proposal);
}

/// Goal: no picture and no sound lies outside originals and renditions, which their owner alone
/// can read; no report shows one, and no command gives one out without an approval.
#[test]
fn clause_4_7_no_picture_leaves_the_vault() {
    let case = Case::new().fleet(2);
    let _ = case.batch();
    for path in files_below(&case.store()) {
        let inside = path.strip_prefix(case.store()).unwrap();
        let part = inside.iter().next().unwrap();
        if part == "originals" || part == "renditions" {
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{}", inside.display());
            continue;
        }
        if inside.starts_with("inbox") {
            continue; // what the recorders gave, and the night has not removed yet
        }
        let bytes = fs::read(&path).unwrap();
        let has = |what: &[u8]| bytes.windows(what.len()).any(|w| w == what);
        for picture in [
            &b"\xff\xd8\xff"[..],
            b"\x89PNG",
            b"\x1a\x45\xdf\xa3",
            b"ftypisom",
        ] {
            assert!(!has(picture), "{}", inside.display());
        }
        assert!(!has(b"data:image") && !has(b"<img") && !has(b"<video"));
    }
    for part in ["originals", "renditions"] {
        let mode = fs::metadata(case.store().join(part))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700, "{part}");
    }
}

/// Every test that is named after a clause stands in the page, and the page names no other.
#[test]
fn the_page_of_clauses_names_every_test_of_one() {
    let mut tests = BTreeSet::new();
    let rust = |dir: &str| -> Vec<PathBuf> {
        let all = files_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join(dir));
        all.into_iter()
            .filter(|p| p.extension().is_some_and(|e| e == "rs"))
            .collect()
    };
    for path in rust("src").into_iter().chain(rust("tests")) {
        let text = fs::read_to_string(path).unwrap();
        let names = text
            .lines()
            .filter_map(|l| l.trim().strip_prefix("fn clause_"));
        tests.extend(names.map(|n| format!("clause_{}", n.split('(').next().unwrap())));
    }
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/regulation.md");
    let page = fs::read_to_string(page).unwrap();
    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    let named: BTreeSet<String> = page
        .split(word)
        .filter(|w| w.starts_with("clause_") && w.len() > 7)
        .map(str::to_owned)
        .collect();
    assert_eq!(named, tests);
    // And every clause that is a rule stands in it.
    for clause in [
        "3.1", "3.2", "3.3", "4.1", "4.2", "4.3", "4.4", "4.5", "4.6", "4.6.1", "4.6.2", "4.6.3",
        "4.6.4", "4.7", "4.8.1", "4.8.2", "4.8.3", "4.8.4", "4.8.5", "4.9.1", "4.9.2", "4.9.3",
        "4.9.4",
    ] {
        assert!(page.contains(&format!("| {clause} ")), "{clause}");
    }
}

/// Goal: a recording that never came is missed: the night tells of its number on the file that comes next,
/// and no more once it has come.
#[test]
fn clause_4_8_1_a_number_that_never_came_is_told() {
    let name = |number: u32| {
        format!(
            "BWC-0001_1003_20260302_{:02}0000_{number:04}.log",
            6 + number
        )
    };
    let come = |case: Case, number: u32| case.file(&name(number), format!("the {number}th"));
    let case = come(come(Case::new(), 1), 4);
    let _ = case
        .batch()
        .code(1)
        .says("Files 2 to 3 of recorder BWC-0001 never came");
    // One of them comes late, and the next night looks at its neighbours again.
    let case = come(case, 2);
    let night = case
        .batch()
        .code(1)
        .says("File 3 of recorder BWC-0001 never came");
    let _ = night.says_not("Files 2 to 3");
    let case = come(case, 3);
    let _ = case.batch().code(0).says_not("never came");
    let case = come(case, 5);
    let _ = case.batch().code(0).says_not("never came");
}

/// Goal: what still lies in the inbox has not failed to come.
#[test]
fn a_number_that_waits_in_the_inbox_is_not_missed() {
    let name = |number: u32| {
        format!(
            "BWC-0001_1003_20260302_{:02}0000_{number:04}.log",
            6 + number
        )
    };
    let mut case = Case::new().configure("[inbox]\nsettle_s = 3600\n");
    for number in 1..=3 {
        case = case.file(&name(number), format!("the {number}th"));
    }
    // The sender says of two of them that they are whole.
    for number in [1, 3] {
        case = case.file(&format!("{}.done", name(number)), "");
    }
    let _ = case.batch().code(0).says_not("never came");
    assert_eq!(case.list().len(), 2);
    fs::remove_file(case.store().join("inbox").join(name(2))).unwrap();
    // Somebody took it away; neither of its neighbours comes again.
    let case = case.file(&name(4), "the 4th");
    let case = case.file(&format!("{}.done", name(4)), "");
    let night = case.batch().code(1);
    let _ = night.says("File 2 of recorder BWC-0001 never came");
}
