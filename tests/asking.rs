//! Looking and asking while a night runs, and two nights at once.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use crate::case::{Case, Run};

/// Goal: while a night runs, list, show and an import answer within a second, and what they
/// changed stands; a second night is told that one runs.
#[test]
fn others_are_answered_within_a_second_while_a_night_runs() {
    let case = Case::new().fleet(12);
    let night = case.start(&["batch"]);
    // The night has begun once a recording is in the list.
    let begun = Instant::now();
    while case.list().is_empty() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "the night does not begin"
        );
        thread::sleep(Duration::from_millis(50));
    }
    let within_a_second = |args: &[&str], code: i32| {
        let asked = Instant::now();
        let run = case.store_command(args).code(code);
        let took = asked.elapsed();
        assert!(took < Duration::from_secs(1), "{args:?} took {took:?}");
        run
    };
    let id = case.list()[0]["id"].as_str().unwrap().to_owned();
    let csv = case.beside("more.csv");
    fs::write(
        &csv,
        "record,device,model,officer,name,unit,from,to\ndevice,BWC-0099,M9,,,South,,\n",
    )
    .unwrap();
    let csv = csv.to_str().unwrap().to_owned();
    for _ in 0..3 {
        let _ = within_a_second(&["list"], 0).says(&id);
        let _ = within_a_second(&["show", &id], 0).says(&id);
        let _ = within_a_second(&["registry", "import", &csv], 0);
    }
    let _ = within_a_second(&["registry", "show"], 0).says("BWC-0099");
    let _ = within_a_second(&["batch"], 75).says("a night is running");
    let _ = Run::of(night, "batch").code(1);
    let _ = case
        .store_command(&["registry", "show"])
        .code(0)
        .says("BWC-0099");
}

/// Goal: of two nights started together exactly one runs, and the other says so by 75.
#[test]
fn of_two_nights_started_together_one_runs() {
    let case = Case::new().fleet(3);
    let both = [case.start(&["batch"]), case.start(&["batch"])];
    let mut codes: Vec<_> = both
        .map(|c| c.wait_with_output().unwrap().status.code().unwrap())
        .to_vec();
    codes.sort_unstable();
    assert_eq!(codes, [1, 75]);
}

/// Goal: `serve` owns the store, everybody else is served, and a signal ends it in order.
#[test]
fn a_served_store_answers_and_ends_in_order() {
    let case = Case::new().file("a.log", "x");
    let served = case.serve();
    let _ = case.batch().code(0);
    assert_eq!(case.list().len(), 1);
    let _ = case.store_command(&["serve"]).code(75);
    let pid = rustix::process::Pid::from_raw(i32::try_from(served.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let _ = Run::of(served, "serve").code(0);
    assert!(!case.store().join(".socket").exists());
}

/// Goal: Ctrl-C drains: what runs is finished, nothing is begun, and the next night does the rest.
#[test]
fn the_first_signal_drains_and_the_next_night_finishes() {
    let case = Case::new().fleet(8);
    let night = case.start(&["batch"]);
    let begun = Instant::now();
    while case.list().is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(60));
        thread::sleep(Duration::from_millis(20));
    }
    let pid = rustix::process::Pid::from_raw(i32::try_from(night.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let _ = Run::of(night, "batch").code(1).says("Stopped on request");
    let _ = case.batch().code(1);
    assert!(case.list().iter().all(|r| r["state"] != "admitted"));
}
