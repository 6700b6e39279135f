//! What is refused, with its line and reason.

#![allow(clippy::unwrap_used)]
use super::*;

const GOOD: &str = r#"name = "office"
title = "For the office"
extension = "mkv"
format = ["I420"]
[video]
codec = "H.264"
encode = "x264enc speed-preset={preset} quantizer={crf} ! h264parse"
[audio]
codec = "Opus"
encode = "opusenc"
[mux]
element = "matroskamux"
[params.preset]
type = "choice"
choices = ["fast", "slow"]
default = "fast"
note = "slower is smaller"
[params.crf]
type = "int"
min = 1
max = 50
default = 24
note = "lower is better"
[requires]
x264enc = "gstreamer1.0-plugins-ugly"
"#;

#[test]
fn a_broken_profile_is_refused_with_its_line_and_reason() {
    let cases: [(&str, &str, usize, &str); 14] = [
        (
            "title = \"For the office\"\n",
            "titel = \"x\"\n",
            2,
            "unknown field",
        ),
        ("name = \"office\"", "name = \"../office\"", 1, "not a name"),
        (
            "extension = \"mkv\"",
            "extension = \"m/v\"",
            3,
            "not an extension",
        ),
        ("[\"I420\"]", "[\"I420\", \"RGB\"]", 4, "none of"),
        ("[\"I420\"]", "[]", 4, "lists nothing"),
        (
            "quantizer={crf}",
            "quantizer={cfr}",
            7,
            "has no [params.cfr]",
        ),
        ("quantizer={crf}", "quantizer={crf", 7, "without"),
        ("quantizer={crf} ", "", 18, "used nowhere"),
        ("default = 24", "default = 51", 22, "not within 1 to 50"),
        ("default = 24", "default = \"24\"", 22, "not a whole number"),
        ("max = 50", "max = 0", 18, "min not above max"),
        (
            "\"fast\", \"slow\"",
            "\"fast\", \"slow ! fakesink\"",
            15,
            "not a choice",
        ),
        ("type = \"int\"", "type = \"integer\"", 19, "none of int"),
        ("x264enc = \"gst", "x264enc = \"$(gst", 25, "not a package"),
    ];
    for (from, to, line, reason) in cases {
        let text = GOOD.replacen(from, to, 1);
        assert_ne!(text, GOOD, "{from}");
        match Profile::parse("office.toml", &text) {
            Err(ProfileError::Broken {
                file,
                line: at,
                reason: why,
            }) => {
                assert_eq!((file.as_str(), at), ("office.toml", line), "{to}: {why}");
                assert!(why.contains(reason), "{to}: {why}");
            }
            other => panic!("{to}: {other:?}"),
        }
    }
}

#[test]
fn settings_are_checked_and_change_the_digest() {
    let profile = Profile::parse("office.toml", GOOD).unwrap();
    let plan = profile.plan(&BTreeMap::new(), None).unwrap();
    assert_eq!(
        plan.video,
        "x264enc speed-preset=fast quantizer=24 ! h264parse"
    );
    let slow = BTreeMap::from([("preset".to_owned(), Setting::Word("slow".into()))]);
    let other = profile.plan(&slow, None).unwrap();
    assert_ne!(plan.digest, other.digest);
    assert_eq!(
        plan.digest,
        profile.plan(&BTreeMap::new(), None).unwrap().digest
    );
    for (name, value) in [("preset", "fast ! filesink"), ("speed", "fast")] {
        let bad = BTreeMap::from([(name.to_owned(), Setting::Word(value.into()))]);
        assert!(profile.plan(&bad, None).is_err(), "{name}");
    }
}
