//! Known files: a night over an inbox full of them costs next to nothing.

use std::{fs, time::Instant};

use crate::case::Case;

/// Goal: a second night over 10,000 known files takes at most a second and 150 MB, and reads a
/// sample of them again.
#[test]
fn ten_thousand_known_files_cost_a_second_and_little_memory() {
    let case = Case::new().configure("[inbox]\nsettle_s = 0\nrelease = \"leave\"\n");
    let inbox = case.store().join("inbox");
    for folder in 0..100 {
        let dir = inbox.join(format!("dock {folder}"));
        fs::create_dir(&dir).unwrap();
        for n in 0..100 {
            fs::write(
                dir.join(format!("{n}.log")),
                format!("log {n} of dock {folder}\n"),
            )
            .unwrap();
        }
    }
    let _ = case.batch();
    assert_eq!(case.list().len(), 10_000);

    let begun = Instant::now();
    let night = case.store_command(&["batch", "--json"]);
    let took = begun.elapsed();
    let totals = &night.json()["summary"]["totals"];
    assert_eq!(totals["files_known"], 10_000, "{}", night.told());
    assert!(totals["files_rehashed"].as_u64().unwrap() > 0);
    assert!(took.as_secs_f64() <= 1.0, "{took:?}");
    assert!(
        totals["own_peak_bytes"].as_u64().unwrap() < 150_000_000,
        "{totals}"
    );
}

/// Goal: other bytes under a known name, size and time are found by the sample and taken in.
#[test]
fn a_file_replaced_behind_its_memo_is_found() {
    let case = Case::new()
        .configure("[inbox]\nsettle_s = 0\nrelease = \"leave\"\n")
        .file("a.log", "the first");
    let path = case.store().join("inbox/a.log");
    let _ = case.batch();
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&path, "a forgery").unwrap();
    fs::File::open(&path)
        .unwrap()
        .set_modified(modified)
        .unwrap();
    let _ = case.batch().code(1).says("other bytes");
    assert_eq!(case.list().len(), 2);
}
