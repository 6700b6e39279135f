//! Pipelines as files: shipped, made up, broken.

use std::fs;

use crate::case::Case;

fn with_profile(profile: &str) -> Case {
    let case = Case::new().configure(&format!(
        "[inbox]\nsettle_s = 0\n[archive]\nprofile = \"{profile}\"\n"
    ));
    let inbox = case.store().join("inbox");
    let _ = case
        .command(&[
            "generate",
            "clips",
            inbox.to_str().unwrap(),
            "--count",
            "1",
            "--seconds",
            "2",
        ])
        .code(0);
    case
}

/// Goal: every shipped pipeline file makes a verified rendition.
#[test]
fn every_shipped_pipeline_runs() {
    for entry in fs::read_dir("pipelines").unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let case = with_profile(&name);
        let _ = case.batch();
        let all = case.list();
        assert_eq!(
            all[0]["state"], "archived",
            "{name}: {}",
            all[0]["findings"]
        );
        assert_eq!(all[0]["renditions"][0]["profile"], name.as_str());
        assert!(case.renditions(&all[0])[0].is_file());
    }
}

/// Goal: every picture of every shipped profile's rendition decodes, also where groups of pictures are given to
/// several decoders at once.
#[test]
fn every_picture_of_every_profile_decodes() {
    for entry in fs::read_dir("pipelines").unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let case = with_profile(&name).configure(&format!(
            "[inbox]\nsettle_s = 0\n[archive]\nprofile = \"{name}\"\nverify = \"full\"\n\
             [archive.params]\nkeyint = 7\n"
        ));
        let _ = case.batch();
        let all = case.list();
        let (state, findings) = (&all[0]["state"], &all[0]["findings"]);
        assert_eq!(state, "archived", "{name}: {findings}");
    }
}

/// Goal: a made-up profile dropped into the store works without recompiling.
#[test]
fn a_made_up_profile_works_without_recompiling() {
    let case = with_profile("evening-vp9");
    let profile = r#"
name = "evening-vp9"
title = "VP9 and Opus in WebM"
extension = "webm"
format = ["I420"]
[video]
codec = "VP9"
encode = "vp9enc deadline=1 cpu-used=8 target-bitrate={bitrate} keyframe-max-dist=50"
[audio]
codec = "Opus"
encode = "audioconvert ! opusenc"
[mux]
element = "webmmux"
[params.bitrate]
type = "int"
min = 10000
max = 5000000
default = 300000
note = "bits a second"
[requires]
vp9enc = "gstreamer1.0-plugins-good"
opusenc = "gstreamer1.0-plugins-base"
webmmux = "gstreamer1.0-plugins-good"
"#;
    fs::write(case.store().join("pipelines/evening-vp9.toml"), profile).unwrap();
    let _ = case.batch();
    let all = case.list();
    assert_eq!(all[0]["state"], "archived", "{}", all[0]["findings"]);
    assert!(case.renditions(&all[0])[0].extension().unwrap() == "webm");
}

/// Goal: a broken profile is refused before the night, with file, line and reason; a value cannot
/// bring launch syntax of its own.
#[test]
fn a_broken_profile_is_refused_with_file_line_and_reason() {
    let good = fs::read_to_string("pipelines/archive-h264.toml").unwrap();
    let broken = [
        (
            good.replace("extension =", "extention ="),
            "broken.toml:",
            "extention",
        ),
        (
            good.replace("type = \"int\"", "type = \"integer\""),
            "broken.toml:",
            "integer",
        ),
        (good.replace("{", "{no_such_"), "broken.toml:", "no_such_"),
        ("not toml at all [".to_owned(), "broken.toml:", ""),
    ];
    for (text, file, reason) in broken {
        let case = with_profile("archive-h264");
        fs::write(
            case.store().join("pipelines/broken.toml"),
            text.replace("archive-h264", "broken"),
        )
        .unwrap();
        let _ = case.batch().code(2).says(file).says(reason);
        assert_eq!(case.list().len(), 0, "the night did not begin");
    }
    let case = with_profile("archive-h264").configure(
        "[inbox]\nsettle_s = 0\n[archive]\nprofile = \"archive-h264\"\n[archive.params]\ncrf = \"24 ! filesink location=/tmp/x\"\n",
    );
    let _ = case.batch().code(2).says("crf");
}
