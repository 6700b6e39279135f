//! The log keeps every event, survives a kill anywhere, and opens without reading what is full.
#![allow(clippy::unwrap_used)]

use std::{fs, os::unix::fs::PermissionsExt, time::Instant};

use super::*;
use crate::{
    base::{
        limits::EVENT_BYTES_MAX,
        merkle::{EMPTY_ROOT, tree_root},
    },
    proof::{Algorithm, NoteKey},
};

/// In memory where there is such a folder: what a disk would keep is not tried here.
fn folder() -> tempfile::TempDir {
    let quick = tempfile::tempdir_in("/dev/shm");
    quick.or_else(|_| tempfile::tempdir()).unwrap()
}

fn key() -> LogKey {
    LogKey::from_seed("recvault/test", &[7; 32]).unwrap()
}

fn line(n: u64) -> Vec<u8> {
    format!("event {n}").into_bytes()
}

fn fill(ledger: &mut Ledger, to: u64) {
    let lines: Vec<Vec<u8>> = (ledger.len()..to).map(line).collect();
    let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
    assert_eq!(ledger.append(&lines).unwrap(), to);
}

fn filled(dir: &Path, to: u64) -> Ledger {
    let mut ledger = Ledger::create(dir).unwrap();
    fill(&mut ledger, to);
    ledger
}

fn root(count: u64) -> Digest {
    let leaves: Vec<Digest> = (0..count).map(|n| leaf_hash(&line(n))).collect();
    tree_root(&leaves)
}

fn numbers(ledger: &Ledger, from: u64, limit: u64) -> Vec<u64> {
    let read = ledger.read(from, limit).unwrap();
    read.map(|l| {
        let (n, text) = l.unwrap();
        assert_eq!(text, line(n));
        n
    })
    .collect()
}

fn files(dir: &Path) -> Vec<String> {
    let mut names = Vec::new();
    super::files::walk(dir, &mut |_, name| {
        names.push(name.to_owned());
        Ok(())
    })
    .unwrap();
    names.sort();
    names
}

fn verify(dir: &Path) -> Result<Verified, LedgerError> {
    super::verify(dir, &key().verifier(), &|_| {})
}

#[test]
fn roots_are_those_of_the_tree_at_every_length_open_or_opened_again() {
    let dir = folder();
    let mut ledger = Ledger::create(dir.path()).unwrap();
    assert_eq!(ledger.root().unwrap(), EMPTY_ROOT);
    for len in [1, 2, 3, 255, 256, 257, 511, 512, 513, 1_000] {
        fill(&mut ledger, len);
        assert_eq!(ledger.root().unwrap(), root(len), "{len}");
        let opened = Ledger::open(dir.path()).unwrap();
        assert_eq!((opened.len(), opened.root().unwrap()), (len, root(len)));
        for older in [0, 1, 77, 254, 255, 256, 400, 512] {
            if older <= len {
                assert_eq!(opened.root_at(older).unwrap(), root(older), "{older}");
            }
        }
    }
    assert!(matches!(
        ledger.root_at(1_001),
        Err(LedgerError::Beyond { asked: 1_001, .. })
    ));
}

/// 65,536 events and a few: a level above the first, and the moment at which it is full.
#[test]
fn levels_above_are_filled_and_every_proof_across_them_holds() {
    let dir = folder();
    let mut ledger = filled(dir.path(), 65_535);
    let sizes = [65_535, 65_536, 65_537, 65_793];
    for size in sizes {
        fill(&mut ledger, size);
        let opened = Ledger::open(dir.path()).unwrap();
        assert_eq!(opened.root().unwrap(), ledger.root().unwrap(), "{size}");
        assert_eq!(opened.root().unwrap(), root(size), "{size}");
        for n in [0, 255, 256, 32_768, 65_279, 65_280, size - 1] {
            let proof = ledger.inclusion(n, size).unwrap();
            proof.verify(&leaf_hash(&line(n)), &root(size)).unwrap();
        }
    }
    let all = files(dir.path());
    for (name, there) in [
        ("tile/0/255", true),
        ("tile/1/000", true),
        ("tile/1/001", false),
        ("tile/2/000", false),
        ("tile/entries/255", true),
    ] {
        assert_eq!(all.contains(&name.to_owned()), there, "{name}");
    }
    ledger.publish(&key()).unwrap();
    let all = files(dir.path());
    for name in ["tile/0/257.p/1", "tile/1/001.p/1", "tile/2/000.p/1"] {
        assert!(all.contains(&name.to_owned()), "{name}");
    }
    for old in [1, 256, 1_000, 65_280, 65_535, 65_536] {
        for new in sizes.into_iter().filter(|n| *n >= old) {
            let proof = ledger.consistency(old, new).unwrap();
            proof.verify(&root(old), &root(new)).unwrap();
        }
    }
    assert_eq!(verify(dir.path()).unwrap().events, 65_793);
    assert!(ledger.inclusion(5, 5).is_err() && ledger.consistency(6, 5).is_err());
}

#[test]
fn any_stretch_can_be_read_also_across_bundles() {
    let dir = folder();
    let ledger = filled(dir.path(), 600);
    for from in [0_u64, 1, 255, 256, 511, 512, 599, 600] {
        for limit in [0, 1, 2, 256, 257, u64::MAX] {
            let end = from.saturating_add(limit).min(600);
            let want: Vec<u64> = (from..end).collect();
            assert_eq!(numbers(&ledger, from, limit), want);
        }
    }
    assert!(ledger.read(601, 1).is_err());
}

#[test]
fn what_cannot_be_an_event_is_refused_whole() {
    let dir = folder();
    let mut ledger = filled(dir.path(), 1);
    let long = vec![b'x'; EVENT_BYTES_MAX + 1];
    for bad in [b"".as_slice(), b"a\nb", &long] {
        assert!(matches!(
            ledger.append(&[b"fine", bad]),
            Err(LedgerError::Line { event: 2, .. })
        ));
    }
    assert_eq!(
        numbers(&ledger, 0, 9),
        [0],
        "not even the fine one before it"
    );
    ledger.append(&[&long[1..]]).unwrap();
    assert_eq!(Ledger::open(dir.path()).unwrap().len(), 2);
}

#[test]
fn killed_at_any_byte_of_an_append_the_whole_events_remain() {
    let dir = folder();
    drop(filled(dir.path(), 4));
    let tail = dir.path().join(TAIL);
    let whole = fs::read(&tail).unwrap();
    let each = whole.len() / 4;
    for cut in 0..=whole.len() {
        fs::write(&tail, &whole[..cut]).unwrap();
        let mut ledger = Ledger::open(dir.path()).unwrap();
        assert_eq!(ledger.len(), (cut / each) as u64, "cut at {cut}");
        assert_eq!(ledger.torn_bytes(), (cut % each) as u64, "cut at {cut}");
        if ledger.torn_bytes() > 0 {
            for refused in [
                ledger.append(&[b"x"]).err(),
                ledger.publish(&key()).err(),
                verify(dir.path()).err(),
            ] {
                assert!(matches!(refused, Some(LedgerError::Torn { .. })));
            }
        }
        ledger.cut_torn_line().unwrap();
        fill(&mut ledger, 4);
        assert_eq!(fs::read(&tail).unwrap(), whole, "cut at {cut}");
    }
    // A power cut may also leave the length and not the bytes.
    fs::write(&tail, [&whole[..2 * each], &[0; 20]].concat()).unwrap();
    let ledger = Ledger::open(dir.path()).unwrap();
    assert_eq!((ledger.len(), ledger.torn_bytes()), (2, 20));
}

/// A full tail becomes a bundle in four steps on the disk. Killed after any of them, the log is
/// the same, and the next append finishes the rest.
#[test]
fn killed_at_any_step_of_turning_the_tail_nothing_is_lost_or_doubled() {
    let whole = folder();
    let mut ledger = filled(whole.path(), 512);
    ledger.publish(&key()).unwrap();
    fill(&mut ledger, 514);
    ledger.publish(&key()).unwrap();
    let want: Vec<(String, Vec<u8>)> = files(whole.path())
        .into_iter()
        .map(|name| (name.clone(), fs::read(whole.path().join(name)).unwrap()))
        .collect();
    for step in 0..5 {
        let dir = folder();
        let mut ledger = filled(dir.path(), 500);
        ledger.publish(&key()).unwrap();
        fill(&mut ledger, 512);
        let at = |name: &str| dir.path().join(name);
        // What the steps write, one after the other.
        if step >= 1 {
            fs::copy(whole.path().join("tile/0/001"), at("tile/0/001")).unwrap();
        }
        if step == 1 {
            // Half a tile, under the name that a tile has before it is whole.
            fs::rename(at("tile/0/001"), at(".new")).unwrap();
        }
        if step >= 3 {
            fs::rename(at(TAIL), at("tile/entries/001")).unwrap();
        }
        if step >= 4 {
            fs::write(at(TAIL), b"").unwrap();
        }
        drop(ledger);
        let before = files(dir.path());
        let ledger = Ledger::open(dir.path()).unwrap();
        assert_eq!((ledger.len(), ledger.root().unwrap()), (512, root(512)));
        assert_eq!(ledger.torn_bytes(), 0);
        assert_eq!(numbers(&ledger, 0, 999).len(), 512, "step {step}");
        assert_eq!(verify(dir.path()).unwrap().events, 512, "step {step}");
        assert_eq!(files(dir.path()), before, "opening writes nothing");
        let proof = ledger.inclusion(500, 512).unwrap();
        proof.verify(&leaf_hash(&line(500)), &root(512)).unwrap();
        drop(ledger);
        let mut ledger = Ledger::open(dir.path()).unwrap();
        fill(&mut ledger, 514);
        ledger.publish(&key()).unwrap();
        assert_eq!(verify(dir.path()).unwrap().events, 514, "step {step}");
        for (name, bytes) in &want {
            // The first log had a checkpoint at 512, this one at 500.
            if name != "tile/1/000.p/2" || step > 0 {
                let found = fs::read(dir.path().join(name)).unwrap();
                assert_eq!(&found, bytes, "{name} after step {step}");
            }
        }
    }
}

/// A checkpoint is written in steps, too; what was written for one that never came is a part of
/// what comes.
#[test]
fn killed_while_publishing_the_checkpoint_before_holds() {
    let dir = folder();
    let mut ledger = filled(dir.path(), 300);
    let before = ledger.publish(&key()).unwrap();
    let note = fs::read(dir.path().join(CHECKPOINT)).unwrap();
    fill(&mut ledger, 310);
    ledger.publish(&key()).unwrap();
    fs::write(dir.path().join(CHECKPOINT), note).unwrap();
    fs::write(dir.path().join(".new"), b"half a checkp").unwrap();
    // Of the partial files of 310 all are there, or one, or none.
    for gone in [None, Some("tile/0/001.p/54"), Some("tile/entries/001.p/54")] {
        if let Some(gone) = gone {
            fs::remove_file(dir.path().join(gone)).unwrap();
        }
        let verified = verify(dir.path()).unwrap();
        assert_eq!(verified.checkpoint, Some(before.clone()), "{gone:?}");
    }
    let mut ledger = Ledger::open(dir.path()).unwrap();
    assert_eq!(ledger.publish(&key()).unwrap().size, 310);
    assert_eq!(verify(dir.path()).unwrap().events, 310);
}

#[test]
fn a_checkpoint_says_what_is_there_and_partial_files_go_when_full_ones_come() {
    let dir = folder();
    let mut ledger = Ledger::create(dir.path()).unwrap();
    assert_eq!(ledger.checkpoint().unwrap(), None);
    let first = ledger.publish(&key()).unwrap();
    assert_eq!((first.size, first.root), (0, EMPTY_ROOT));
    fill(&mut ledger, 3);
    let second = ledger.publish(&key()).unwrap();
    assert_eq!((second.origin.as_str(), second.size), ("recvault/test", 3));
    let note = ledger.checkpoint().unwrap().unwrap();
    assert_eq!(
        Checkpoint::signed_by(&note, &key().verifier()).unwrap(),
        second
    );
    let partial = fs::read(dir.path().join("tile/entries/000.p/3")).unwrap();
    assert_eq!(partial, b"\0\x07event 0\0\x07event 1\0\x07event 2");
    let leaves = fs::read(dir.path().join("tile/0/000.p/3")).unwrap();
    assert_eq!(leaves[32..64], *leaf_hash(b"event 1").as_bytes());
    fill(&mut ledger, 5);
    ledger.publish(&key()).unwrap();
    assert_eq!(files(dir.path()).len(), 4, "of both checkpoints");
    fill(&mut ledger, 256);
    ledger.publish(&key()).unwrap();
    assert_eq!(
        files(dir.path()),
        ["tile/0/000", "tile/1/000.p/1", "tile/entries/000"],
        "a full tail is a bundle when it is published"
    );
    let mode = |name: &str| {
        let meta = fs::metadata(dir.path().join(name)).unwrap();
        meta.permissions().mode() & 0o777
    };
    assert_eq!(
        (mode("tile/0/000"), mode("tile/entries/000")),
        (0o400, 0o400)
    );
    assert_eq!(mode(TAIL), 0o600);
}

#[test]
fn publishing_again_changes_nothing_and_keeps_the_witnesses_word() {
    let dir = folder();
    let mut ledger = filled(dir.path(), 10);
    let checkpoint = ledger.publish(&key()).unwrap();
    let witness = NoteKey::from_seed("w", Algorithm::Cosignature, &[9; 32]).unwrap();
    let at = crate::base::Moment::from_s(1_800_000_000);
    let cosignature = witness.sign(&checkpoint.text(), at);
    let other = witness.sign("else\n", at);
    assert!(
        ledger
            .keep_cosignature(&other, &witness.verifier())
            .is_err()
    );
    let kept = ledger
        .keep_cosignature(&cosignature, &witness.verifier())
        .unwrap();
    assert_eq!(kept.signatures().len(), 2);
    let later = witness.sign(&checkpoint.text(), at.plus_ms(5_000));
    let again = ledger.keep_cosignature(&later, &witness.verifier());
    assert_eq!(again.unwrap(), kept, "since when is what counts");
    assert_eq!(ledger.publish(&key()).unwrap(), checkpoint);
    assert_eq!(ledger.checkpoint().unwrap(), Some(kept));
    verify(dir.path()).unwrap();
}

#[test]
fn nothing_is_signed_that_does_not_extend_what_was_signed() {
    let publish = |dir: &Path, key: &LogKey| {
        let mut ledger = Ledger::open(dir)?;
        ledger.append(&[b"one more"])?;
        ledger.publish(key)
    };
    let dir = folder();
    filled(dir.path(), 300).publish(&key()).unwrap();
    let good = fs::read(dir.path().join(TAIL)).unwrap();
    // Another key, also with the same name.
    for seed in [[8; 32], [9; 32]] {
        let stranger = LogKey::from_seed("recvault/test", &seed).unwrap();
        assert!(matches!(
            publish(dir.path(), &stranger),
            Err(LedgerError::Checkpoint { .. })
        ));
    }
    // An event under the checkpoint, changed in the tail.
    let mut bad = good.clone();
    bad[2] ^= 1;
    fs::write(dir.path().join(TAIL), bad).unwrap();
    assert!(matches!(
        publish(dir.path(), &key()),
        Err(LedgerError::Broken {
            what: Damage::Root { size: 300 },
            ..
        })
    ));
    // Fewer events than were signed: not even opened.
    fs::write(dir.path().join(TAIL), &good[..22]).unwrap();
    assert!(matches!(
        verify(dir.path()),
        Err(LedgerError::Behind { len: 258, .. })
    ));
    assert!(matches!(
        publish(dir.path(), &key()),
        Err(LedgerError::Behind {
            published: 300,
            len: 258,
            ..
        })
    ));
    fs::write(dir.path().join(TAIL), &good).unwrap();
    assert_eq!(publish(dir.path(), &key()).unwrap().size, 301);
}

/// What no checkpoint covers yet is missed as well, and a tail is never longer than a bundle.
#[test]
fn what_is_missing_or_too_much_behind_the_checkpoint_is_named() {
    let dir = folder();
    let mut ledger = filled(dir.path(), 100);
    ledger.publish(&key()).unwrap();
    fill(&mut ledger, 700);
    for name in [
        "tile/entries/001",
        "tile/0/001",
        "tile/0/000",
        "tile/entries/000",
    ] {
        let path = dir.path().join(name);
        let good = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let e = verify(dir.path()).unwrap_err().to_string();
        assert!(e.contains(name) && e.ends_with("it is missing"), "{e}");
        fs::write(&path, good).unwrap();
    }
    fill(&mut ledger, 768);
    assert_eq!(verify(dir.path()).unwrap().events, 768);
    let tail = dir.path().join(TAIL);
    let good = fs::read(&tail).unwrap();
    fs::write(&tail, [&good[..], b"\0\x01x"].concat()).unwrap();
    let open = Ledger::open(dir.path()).unwrap();
    assert_eq!((open.len(), open.torn_bytes()), (768, 3));
    assert!(matches!(verify(dir.path()), Err(LedgerError::Torn { .. })));
}

#[test]
fn what_lies_behind_the_checkpoint_can_be_cut_back_and_nothing_else() {
    let dir = folder();
    let mut ledger = filled(dir.path(), 300);
    ledger.publish(&key()).unwrap();
    fill(&mut ledger, 310);
    for (len, refused) in [(311, true), (299, true), (255, true), (305, false)] {
        assert_eq!(ledger.cut_back(len).is_err(), refused, "{len}");
    }
    assert_eq!((ledger.len(), ledger.root().unwrap()), (305, root(305)));
    fill(&mut ledger, 600);
    assert!(ledger.cut_back(500).is_err(), "it is in a bundle");
    assert_eq!(Ledger::open(dir.path()).unwrap().root().unwrap(), root(600));
}

#[test]
fn two_who_append_notice_each_other() {
    let dir = folder();
    let mut one = filled(dir.path(), 3);
    let mut other = Ledger::open(dir.path()).unwrap();
    fill(&mut one, 4);
    assert!(matches!(
        other.append(&[b"x"]),
        Err(LedgerError::Broken {
            what: Damage::Changed,
            ..
        })
    ));
    assert!(matches!(
        other.append(&[b"x"]),
        Err(LedgerError::Failed { .. })
    ));
    assert!(Ledger::create(dir.path()).is_err());
    let empty = folder();
    assert!(!exists(empty.path()) && Ledger::open(empty.path()).is_err());
}

/// Full bundles may be gigabytes: opening must not even look into them, nor a proof.
#[test]
fn opening_and_proving_do_not_read_full_bundles() {
    let dir = folder();
    let mut ledger = filled(dir.path(), 1_500);
    ledger.publish(&key()).unwrap();
    for n in 0..5 {
        let path = dir.path().join(format!("tile/entries/00{n}"));
        fs::remove_file(&path).unwrap();
        fs::write(&path, b"not a bundle").unwrap();
    }
    let mut ledger = Ledger::open(dir.path()).unwrap();
    assert_eq!(ledger.root().unwrap(), root(1_500));
    let proof = ledger.inclusion(3, 1_500).unwrap();
    proof.verify(&leaf_hash(&line(3)), &root(1_500)).unwrap();
    fill(&mut ledger, 1_600);
    ledger.publish(&key()).unwrap();
    assert!(matches!(
        verify(dir.path()),
        Err(LedgerError::Broken { event: Some(0), .. })
    ));
}

#[test]
fn a_copy_that_cannot_be_written_to_can_be_opened_and_verified() {
    let dir = folder();
    let mut ledger = filled(dir.path(), 512);
    ledger.publish(&key()).unwrap();
    fill(&mut ledger, 515);
    // As far as this user is kept from writing at all: whoever may do anything still may.
    fs::set_permissions(dir.path().join(TAIL), fs::Permissions::from_mode(0o400)).unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o500)).unwrap();
    assert_eq!(verify(dir.path()).unwrap().events, 515);
    assert_eq!(Ledger::open(dir.path()).unwrap().root().unwrap(), root(515));
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn a_proof_is_small_and_quick_and_verifying_says_how_far_it_is() {
    let dir = folder();
    let mut ledger = filled(dir.path(), 70_000);
    let checkpoint = ledger.publish(&key()).unwrap();
    let begun = Instant::now();
    let path = ledger.inclusion(12_345, checkpoint.size).unwrap().path;
    let took = begun.elapsed();
    // A bound that holds on a busy machine; how long it takes is for the benches.
    assert!(took.as_millis() < 50, "{took:?}");
    let file = crate::proof::ProofFile {
        extra: None,
        index: 12_345,
        path,
        checkpoint: ledger.checkpoint().unwrap().unwrap(),
    };
    assert!(file.to_string().len() < 2_048);
    let log = key().verifier();
    file.verify(&line(12_345), &log, &[]).unwrap();
    let heard = std::cell::RefCell::new(Vec::new());
    ledger
        .verify(&log, &|events| heard.borrow_mut().push(events))
        .unwrap();
    assert_eq!(*heard.borrow(), [65_536, 69_888, 70_000]);
}

/// The owner goes on while somebody reads and verifies: tails become bundles under his eyes.
#[test]
fn readers_see_a_whole_log_while_the_owner_appends_and_publishes() {
    use std::sync::atomic::{AtomicBool, Ordering};
    const STEP: u64 = 64;
    const STEPS: u64 = 200;
    let roots: Vec<Digest> = {
        let dir = folder();
        let mut ledger = Ledger::create(dir.path()).unwrap();
        let mut grown = |n| {
            fill(&mut ledger, n * STEP);
            ledger.root().unwrap()
        };
        (0..=STEPS).map(&mut grown).collect()
    };
    let dir = folder();
    let mut ledger = Ledger::create(dir.path()).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let opening = scope.spawn(|| {
            let mut rounds = 0;
            while !done.load(Ordering::Relaxed) {
                let open = Ledger::open(dir.path()).unwrap();
                // A write may be seen by half.
                let whole = open.len() / STEP;
                let root = open.root_at(whole * STEP).unwrap();
                assert_eq!(root, roots[whole as usize], "{}", open.len());
                rounds += 1;
            }
            rounds
        });
        let verifying = scope.spawn(|| {
            let mut rounds = 0;
            while !done.load(Ordering::Relaxed) {
                verify(dir.path()).unwrap();
                rounds += 1;
            }
            rounds
        });
        for n in 1..=STEPS {
            fill(&mut ledger, n * STEP);
            if n % 5 == 0 {
                ledger.publish(&key()).unwrap();
            }
        }
        done.store(true, Ordering::Relaxed);
        assert!(opening.join().unwrap() > 0 && verifying.join().unwrap() > 0);
    });
}
