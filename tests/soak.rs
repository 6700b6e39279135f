//! The long trials: `./x soak NAME`.

use std::fs;

use crate::{
    case::{files_below, real_media},
    check, expert, history, killed, mutated,
    mutation::Seed,
    real, witness,
};

/// 50 kills at random moments of nights over 2 s clips.
#[test]
#[ignore = "takes several minutes: ./x soak kill_fifty"]
fn kill_fifty() {
    for _ in 0..10 {
        killed::kill_trial(5, 12);
    }
}

/// The six-minute real recording.
#[test]
#[ignore = "takes a few minutes: ./x soak six_minutes"]
fn six_minutes() {
    real::night_over(real::SHIPPED, 1_000_000_000, |name| {
        name.ends_with("long_1080p_lowbitrate.mp4")
    });
}

/// Every black, frozen or silent stretch of the real recordings, held against ffmpeg's detectors.
#[test]
#[ignore = "takes a minute: ./x soak false_alarms_on_real_recordings"]
fn false_alarms_on_real_recordings() {
    crate::alarms::held_against_other_detectors();
}

/// Every change that the tests know, in every file of a log, judged by recvault and by
/// `docs/verify.py` alike.
#[test]
#[ignore = "takes several minutes: ./x soak every_change_is_judged_alike"]
fn every_change_is_judged_alike() {
    expert::change_trial(37, 1);
}

/// A history with any one event written anew by the holder of the log's key.
#[test]
#[ignore = "takes a minute: ./x soak every_event_rewritten_is_refused"]
fn every_event_rewritten_is_refused() {
    witness::rewrite_trial(1);
}

/// Ten thousand histories, or as many as `CASES` says, about a tenth of a second each.
#[test]
#[ignore = "takes a quarter of an hour: ./x soak histories"]
fn histories() {
    let cases = std::env::var("CASES").ok().and_then(|n| n.parse().ok());
    history::trial(cases.unwrap_or(10_000));
}

/// Ten thousand forged approvals.
#[test]
#[ignore = "about two minutes"]
fn ten_thousand_forgeries() {
    crate::forgery::trial(10_000);
}

/// Ten thousand changes of a larger store, each of one file or row.
#[test]
#[ignore = "takes a quarter of an hour: ./x soak ten_thousand_changes"]
fn ten_thousand_changes() {
    check::tamper_trial(10_000);
}

/// 20,000 media files changed at random and by structure, or as many as `CASES` says; files that stop
/// a worker are kept in `RECVAULT_KEEP`.
#[test]
#[ignore = "takes an hour and a half: ./x soak twenty_thousand_mutations"]
fn twenty_thousand_mutations() {
    let cases = std::env::var("CASES").ok().and_then(|n| n.parse().ok());
    let real = real_media()
        .map(|dir| files_below(&dir))
        .unwrap_or_default();
    let small = real.iter().filter_map(|path| {
        let bytes = fs::read(path)
            .ok()
            .filter(|b| (13..300_000).contains(&b.len()))?;
        Some(Seed::of(path.extension()?.to_str()?, bytes))
    });
    mutated::trial(cases.unwrap_or(20_000), small.collect());
}

/// A thousand small files, with and without one whose worker stands still.
#[test]
#[ignore = "takes ten minutes: ./x soak a_poisoned_file"]
fn a_poisoned_file() {
    mutated::poison_trial();
}

/// An hour of flashes and clicks, at an even and at an uneven rate of pictures.
#[test]
#[ignore = "takes a quarter of an hour: ./x soak an_hour_in_sync"]
fn an_hour_in_sync() {
    crate::sync::trial(3_600);
}

/// Recordings of each container, real ones among them, cut at ten places each.
#[test]
#[ignore = "takes three minutes: ./x soak salvage_of_cut_recordings"]
fn salvage_of_cut_recordings() {
    crate::salvage::trial();
}
