//! A disk that is full, at whatever step of the night: a clear word, nothing lost, nothing deleted
//! to make room, and the next night with room finishes the work.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::Write,
    path::Path,
};

use crate::case::{Case, files_below, sha256};

/// Room that is left for the night, in KiB: from not enough to open the store, over the first
/// event, a copy of an original, a rendition and the report, to nearly enough.
const ROOM_KIB: [u64; 13] = [
    0, 64, 256, 400, 600, 900, 1_200, 1_500, 1_800, 2_100, 2_400, 2_800, 4_000,
];

/// Goal: two new recordings every time, and a little more room.
#[test]
fn a_full_disk_stops_the_night_and_the_next_one_completes_it() {
    let Some(case) = Case::on_a_disk_of(160) else {
        return;
    };
    let case = case.configure("[inbox]\nsettle_s = 0\n[disk]\nmin_free_gb = 0\n");
    let _ = case.batch().code(0);
    let filler = case.store().join("filler");
    let mut went_in = BTreeSet::new();
    let (mut failed, mut stopped) = (0, 0);
    for (day, room) in ROOM_KIB.into_iter().enumerate() {
        let inbox = case.store().join("inbox");
        let date = format!("2026-03-{:02}", day + 1);
        let generate = ["generate", "clips", inbox.to_str().unwrap(), "--count", "2"];
        let args = [&generate[..], &["--seconds", "12", "--date", &date]].concat();
        let _ = case.command(&args).code(0);
        went_in.extend(digests_below(&inbox));
        fill(&filler, &case.store(), room);

        let night = case.batch();
        let told = night.told();
        assert!(!told.contains("panicked"), "{told}");
        let words = ["disk is nearly full", "No space left", "no room left"];
        let word = |line: &&str| words.iter().any(|w| line.contains(w));
        let word = told.lines().find(word);
        eprintln!("{room} KiB: {}", word.unwrap_or("enough"));
        if night.ended() != Some(0) {
            failed += 1;
            assert!(word.is_some(), "{room} KiB: {told}");
            stopped += u32::from(told.contains("Intake stopped"));
        }
        let there = &digests_below(&inbox) | &digests_below(&case.store().join("originals"));
        assert_eq!(&went_in - &there, BTreeSet::new(), "lost with {room} KiB");

        fs::remove_file(&filler).unwrap();
        let _ = case.batch().code(0);
        let listed: BTreeSet<String> = case
            .list()
            .iter()
            .map(|recording| {
                assert_eq!(recording["state"], "archived", "{room} KiB: {recording}");
                recording["digest"].as_str().unwrap().to_owned()
            })
            .collect();
        assert_eq!(listed, went_in, "after {room} KiB");
        for part in ["originals/.staging", "renditions/.staging"] {
            assert!(case.files_below(part).is_empty(), "an orphan in {part}");
        }
        let _ = case.store_command(&["check"]).code(0);
    }
    assert!(failed > 4 && stopped > 0, "{failed} nights had too little");
}

fn digests_below(dir: &Path) -> BTreeSet<String> {
    let all = files_below(dir).into_iter();
    let media = all.filter(|p| p.extension().is_none_or(|e| e != "jsonl"));
    media.map(|p| sha256(fs::read(p).unwrap())).collect()
}

/// Fills the disk but for so many KiB.
fn fill(filler: &Path, disk: &Path, room_kib: u64) {
    let space = rustix::fs::statvfs(disk).unwrap();
    let free = space.f_bavail * space.f_frsize;
    let mut file = File::create(filler).unwrap();
    let block = vec![0_u8; 4_096];
    for _ in 0..free.saturating_sub(room_kib * 1_024) / 4_096 {
        if file.write_all(&block).is_err() {
            break;
        }
    }
}
