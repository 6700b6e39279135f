//! The ledger keeps every line, tells a torn one, and notices a changed one.
#![allow(clippy::unwrap_used)]

use sha2::{Digest as _, Sha256};

use super::*;

fn filled(dir: &Path, lines: &[&str]) -> Ledger {
    let mut ledger = Ledger::create(dir).unwrap();
    for line in lines {
        ledger.append(&[line.as_bytes()]).unwrap();
    }
    ledger.sync().unwrap();
    ledger
}

fn texts(ledger: &Ledger, from: u64, limit: u64) -> Vec<String> {
    ledger
        .read(from, limit)
        .unwrap()
        .map(|l| String::from_utf8(l.unwrap().1).unwrap())
        .collect()
}

#[test]
fn the_head_is_the_chain_as_documented_and_survives_opening() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::create(dir.path()).unwrap();
    assert_eq!(ledger.head(), Digest::new([0; 32]));
    ledger.append(&[b"one", b"two"]).unwrap();
    let mut head = [0; 32];
    for line in ["one", "two"] {
        let mut both = head.to_vec();
        both.extend_from_slice(&Sha256::digest(line));
        head = Sha256::digest(&both).into();
    }
    assert_eq!(ledger.head(), Digest::new(head));
    drop(ledger);
    let ledger = Ledger::open(dir.path()).unwrap();
    assert_eq!((ledger.len(), ledger.head()), (2, Digest::new(head)));
    assert_eq!(ledger.head_at(0).unwrap(), Digest::new([0; 32]));
    assert!(matches!(
        ledger.head_at(3),
        Err(LedgerError::Beyond {
            asked: 3,
            len: 2,
            ..
        })
    ));
    ledger.verify().unwrap();
}

#[test]
fn any_stretch_can_be_read_also_across_buffers() {
    let dir = tempfile::tempdir().unwrap();
    let lines: Vec<String> = (0..40)
        .map(|n| format!("{n}:{}", "x".repeat(n * 1_200)))
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let ledger = filled(dir.path(), &lines);
    for from in 0..=40_u64 {
        for limit in [0, 1, 7, u64::MAX] {
            let end = from.saturating_add(limit).min(40);
            assert_eq!(
                texts(&ledger, from, limit),
                lines[from as usize..end as usize]
            );
        }
    }
    assert!(ledger.read(41, 1).is_err());
}

#[test]
fn what_cannot_be_a_line_is_refused_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = filled(dir.path(), &["good"]);
    let long = vec![b'x'; EVENT_BYTES_MAX + 1];
    for bad in [b"".as_slice(), b"a\nb", &long] {
        assert!(matches!(
            ledger.append(&[b"fine", bad]),
            Err(LedgerError::Line { line: 2, .. })
        ));
    }
    assert_eq!(
        texts(&ledger, 0, 9),
        ["good"],
        "not even the fine one before it"
    );
    ledger.append(&[&long[1..]]).unwrap();
}

#[test]
fn killed_at_any_byte_of_an_append_the_whole_lines_remain() {
    let lines = ["first", "second", "the third"];
    let dir = tempfile::tempdir().unwrap();
    drop(filled(dir.path(), &lines));
    let whole = fs::read(dir.path().join(LINES)).unwrap();
    for cut in 0..=whole.len() {
        fs::write(dir.path().join(LINES), &whole[..cut]).unwrap();
        let kept = whole[..cut].iter().filter(|b| **b == b'\n').count();
        let mut ledger = Ledger::open(dir.path()).unwrap();
        assert_eq!(texts(&ledger, 0, 9), lines[..kept], "cut at {cut}");
        let torn = whole[..cut]
            .iter()
            .rev()
            .take_while(|b| **b != b'\n')
            .count() as u64;
        assert_eq!(ledger.torn_bytes(), torn, "cut at {cut}");
        if torn > 0 {
            assert!(matches!(
                ledger.append(&[b"x"]),
                Err(LedgerError::Torn { .. })
            ));
            ledger.cut_torn_line().unwrap();
        }
        for line in &lines[kept..] {
            ledger.append(&[line.as_bytes()]).unwrap();
        }
        ledger.verify().unwrap();
        assert_eq!(
            fs::read(dir.path().join(LINES)).unwrap(),
            whole,
            "cut at {cut}"
        );
    }
}

#[test]
fn a_chain_file_that_is_lost_short_or_nonsense_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let head = filled(dir.path(), &["a", "b", "c"]).head();
    let chain = dir.path().join(CHAIN);
    let good = fs::read(&chain).unwrap();
    let mut longer = good.clone();
    longer.extend_from_slice(&[0; 40]);
    for bytes in [
        &[][..],
        &good[..50],
        &good[..79],
        &[7; 120],
        &[0; 400],
        &longer,
    ] {
        fs::write(&chain, bytes).unwrap();
        let ledger = Ledger::open(dir.path()).unwrap();
        assert_eq!((ledger.len(), ledger.head()), (3, head));
        assert_eq!(fs::read(&chain).unwrap(), good);
    }
}

#[test]
fn a_changed_line_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let head = filled(dir.path(), &["aaaa", "bbbb", "cccc"]).head();
    let file = dir.path().join(LINES);
    fs::write(&file, "aaaa\nbXbb\ncccc\n").unwrap();
    let ledger = Ledger::open(dir.path()).unwrap();
    assert!(matches!(
        ledger.verify(),
        Err(LedgerError::Broken { line: 1, .. })
    ));
    drop(ledger);
    fs::remove_file(dir.path().join(CHAIN)).unwrap();
    let ledger = Ledger::open(dir.path()).unwrap();
    assert_ne!(
        ledger.head(),
        head,
        "who knows the head is not deceived by a new chain file"
    );
}
