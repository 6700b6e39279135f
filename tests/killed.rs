//! Killed anywhere, the next run finishes the work: nothing lost, nothing doubled.

use std::{
    collections::{BTreeMap, hash_map::RandomState},
    fs,
    hash::{BuildHasher, Hasher},
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use crate::case::{Case, Run, files_below, sha256};

/// Goal: five kills at random moments of a night, then a normal run.
#[test]
fn a_night_killed_five_times_loses_and_doubles_nothing() {
    kill_trial(5, 12);
}

/// Kills nights at random moments and compares what is there in the end with what went in.
pub fn kill_trial(kills: u32, clips: u32) {
    let case = Case::new();
    let inbox = case.store().join("inbox");
    let clips_text = clips.to_string();
    let make = |dir: &PathBuf| {
        let args = [
            "generate",
            "clips",
            dir.to_str().unwrap(),
            "--count",
            &clips_text,
            "--seconds",
            "2",
        ];
        let _ = case.command(&args).code(0);
    };
    make(&inbox);
    let went_in: BTreeMap<String, Vec<u8>> = files_below(&inbox)
        .into_iter()
        .map(|p| (sha256(fs::read(&p).unwrap()), fs::read(p).unwrap()))
        .collect();
    assert_eq!(went_in.len(), clips as usize);

    // How long an undisturbed night takes, so that kills fall all over it.
    let calm = Case::new();
    make(&calm.store().join("inbox"));
    let begun = Instant::now();
    let _ = calm.batch();
    let whole = begun.elapsed();

    for n in 0..kills {
        let night = case.start(&["batch"]);
        let part = random_part();
        thread::sleep(whole.mul_f64(part * 0.9));
        let pid = rustix::process::Pid::from_raw(i32::try_from(night.id()).unwrap()).unwrap();
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        let told = Run::of(night, "batch").told();
        eprintln!("kill {n} at {part:.3} of {whole:?}");
        assert!(!told.contains("panicked"), "{told}");
        if case.files_below("inbox").is_empty()
            && case.list().iter().all(|r| r["state"] == "archived")
        {
            // Everything is done: give the next kills something to do.
            break;
        }
    }
    // Workers die with their parent; the kernel may take a moment.
    thread::sleep(Duration::from_millis(200));
    let _ = case.batch();

    let all = case.list();
    let ids: Vec<&str> = all.iter().map(|r| r["digest"].as_str().unwrap()).collect();
    let mut unique = ids.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), ids.len(), "a recording is listed twice");
    assert_eq!(
        unique,
        went_in.keys().map(String::as_str).collect::<Vec<_>>(),
        "the same hashes"
    );
    for recording in &all {
        let digest = recording["digest"].as_str().unwrap();
        assert_eq!(
            &fs::read(case.original(recording)).unwrap(),
            &went_in[digest]
        );
        assert_eq!(recording["state"], "archived", "{recording}");
        assert_eq!(
            recording["renditions"].as_array().unwrap().len(),
            1,
            "one rendition: {recording}"
        );
        assert_eq!(
            recording["sightings"].as_array().unwrap().len(),
            1,
            "one sighting: {recording}"
        );
        let sidecar = case
            .original(recording)
            .with_file_name(format!("{}.jsonl", recording["id"].as_str().unwrap()));
        let lines = fs::read_to_string(sidecar).unwrap().lines().count();
        assert_eq!(
            lines as u64,
            recording["events"].as_u64().unwrap(),
            "its sidecar tells its life"
        );
    }
    for part in ["originals/.staging", "renditions/.staging"] {
        assert_eq!(
            case.files_below(part),
            Vec::<PathBuf>::new(),
            "an orphan in {part}"
        );
    }
    // The ledger is one unbroken chain, and every event is there once.
    let mut prev = "0".repeat(64);
    for (n, line) in case.events().iter().enumerate() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(event["n"], n);
        assert_eq!(event["prev"], prev.as_str(), "event {n}");
        prev = sha256(line);
    }
    let _ = case.store_command(&["ledger", "verify"]).code(0);
    // A second recovery is a no-op.
    let before = files_below(&case.store().join("originals"));
    let _ = case.batch().code(0).says_not("was cut off");
    assert_eq!(files_below(&case.store().join("originals")), before);
}

/// A random number from 0 to 1; each process draws its own.
fn random_part() -> f64 {
    let bits = RandomState::new().build_hasher().finish();
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}
