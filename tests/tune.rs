//! How fast this machine could be: measured on recordings of its own, of which nothing is kept.

use std::fs;

use serde_json::Value;

use crate::case::Case;

const H264: &str =
    "# Ours.\n[inbox]\nsettle_s = 0\n[archive]\nprofile = \"archive-h264\"\nwhen = \"long-term\"\n";

/// Goal: every setting near the present one is measured on the same recordings; what is proposed looks good
/// enough and is written without touching anything else; nothing of it stays in the store.
#[test]
fn settings_are_measured_and_the_fastest_good_one_is_written() {
    let case = Case::new().configure(H264);
    let inbox = case.store().join("inbox");
    let clips = [
        "generate",
        "clips",
        inbox.to_str().unwrap(),
        "--count",
        "2",
        "--seconds",
        "3",
    ];
    let _ = case.command(&clips).code(0);
    let _ = case.batch();
    let config = case.store().join("recvault.toml");
    let configured = fs::read_to_string(&config).unwrap();
    let (events, files) = (case.events().len(), case.files_below("renditions").len());
    let tune = ["tune", "--recordings", "2", "--seconds", "2"];
    let answer = case
        .store_command(&[&tune[..], &["--json"]].concat())
        .code(0)
        .json();
    let all = answer["measured"].as_array().unwrap();
    let of = |m: &Value, key: &str| m[key].as_f64().unwrap();
    let presets: Vec<&str> = all.iter().map(|m| m["preset"].as_str().unwrap()).collect();
    for preset in ["ultrafast", "superfast", "veryfast", "faster", "fast"] {
        assert!(presets.contains(&preset), "{presets:?}");
    }
    let present: Vec<bool> = all.iter().map(|m| m["present"] == true).collect();
    assert_eq!(present.iter().filter(|p| **p).count(), 1);
    assert!(present[0]);
    assert!(of(&answer["proposed"], "ssim") >= answer["floor"].as_f64().unwrap());
    for m in all {
        assert!(of(m, "real_time") > 0.1 && of(m, "bytes") > 10_000.0, "{m}");
        assert!((0.8..1.0).contains(&of(m, "ssim")), "{m}");
    }
    // x264's fastest preset takes many more bytes for the same quality, whatever the machine.
    let bytes = |preset: &str| of(all.iter().find(|m| m["preset"] == preset).unwrap(), "bytes");
    assert!(bytes("ultrafast") > bytes("fast") * 1.1);
    let svg = fs::read_to_string(case.store().join("reports/tune.svg")).unwrap();
    assert_eq!(svg.matches("<circle").count(), all.len());
    assert_eq!(case.events().len(), events);
    assert_eq!(case.files_below("renditions").len(), files);
    assert_eq!(fs::read_to_string(&config).unwrap(), configured);

    // At any price in looks: the fastest of all.
    let any = [&tune[..], &["--floor", "0", "--apply"]].concat();
    let _ = case.store_command(&any).code(0).says("proposed");
    let written = fs::read_to_string(&config).unwrap();
    for line in [
        "# Ours.",
        "settle_s = 0",
        "workers = ",
        "encoder_threads = ",
        "preset = \"",
    ] {
        assert!(written.contains(line), "{line} in {written}");
    }
    let _ = case.batch();
    // Where nothing can be drawn what was measured is told all the same.
    let nowhere = [&tune[..], &["--svg", "/nowhere/a.svg"]].concat();
    let run = case
        .store_command(&nowhere)
        .says("× real time")
        .says("/nowhere/a.svg cannot be written");
    assert_ne!(run.ended(), Some(0));
    let refused = [&tune[..], &["--floor", "1.5"]].concat();
    let _ = case.store_command(&refused).code(2);
}

/// Goal: without recordings it says what to do.
#[test]
fn without_recordings_there_is_nothing_to_measure_on() {
    let _ = (Case::new().store_command(&["tune"]).code(2))
        .says("no recording of at least two seconds")
        .says("run a night");
}
