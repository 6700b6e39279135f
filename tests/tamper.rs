//! Whatever is changed in a log's folder is found, and said with what and where.

use recvault::{
    base::merkle::leaf_hash,
    ledger::{LedgerError, verify},
};

use crate::log::{Copy, Files, Log, Spoilt, bundle, events, files_of, spoil};

/// Goal: bits, lengths, files, events, one at a time, all over a log of two full bundles and
/// partial files of two checkpoints.
#[test]
fn every_single_change_of_a_log_is_found() {
    let log = Log::published(&[520, 530]);
    let good = files_of(log.path());
    let mut copy = Copy::new();
    let check = |dir: &std::path::Path| verify(dir, &log.verifier(), &|_| {});
    assert_eq!(check(&copy.put(&good)).unwrap(), log.verified());
    let all = spoil(&good, 41);
    assert!(all.len() > 1_000, "{}", all.len());
    for Spoilt { what, file, files } in all {
        match check(&copy.put(&files)) {
            // Two things a log tells about itself and leaves to others to judge: that nobody has
            // signed it, and that there are events behind what was signed.
            Ok(verified) => {
                let gone = verified.checkpoint.is_none() && !files.contains_key("checkpoint");
                let more = file == "tail" && verified.events > 530;
                // What only an older checkpoint needed may go.
                let old = what == "gone" && file.ends_with(".p/8");
                assert!(gone || more || old, "{file}: {what} was not found");
            }
            Err(e) => {
                if what == "gone" && file.starts_with("tile/") {
                    let said = e.to_string();
                    assert!(
                        said.contains(&file) && said.ends_with("it is missing"),
                        "{said}"
                    );
                }
                let doubled = what.contains("over") || what.contains("exchanged");
                let named = e.to_string().contains(&file) || doubled || file == "tail";
                assert!(
                    named || matches!(e, LedgerError::Behind { .. }),
                    "{file}: {what} was called: {e}"
                );
            }
        }
    }
}

/// Whoever changes an event and every hash above it is left with the root that was signed.
#[test]
fn a_change_that_was_carried_through_all_tiles_ends_at_the_signature() {
    let log = Log::published(&[300]);
    let good = files_of(log.path());
    for (file, n) in [("tile/entries/000", 17), ("tail", 3)] {
        let mut forged = Log::new();
        let (mut base, mut lines) = (0, events(&good["tile/entries/000"]));
        if file == "tail" {
            base = 256;
        }
        lines.extend(events(&good["tail"]));
        lines[base + n][1] ^= 2;
        forged.grow(300, |n| lines[n as usize].clone());
        forged.ledger.publish(&forged.key).unwrap();
        let mut files = files_of(forged.path());
        files.insert("checkpoint".into(), good["checkpoint"].clone());
        let e = verify(&Copy::new().put(&files), &log.verifier(), &|_| {}).unwrap_err();
        assert!(e.to_string().contains("first 300 events"), "{e}");
    }
}

/// Which event it is, is said exactly; and when it is the tile that was changed, that is said.
#[test]
fn the_event_is_named_and_told_from_its_hash() {
    let log = Log::published(&[900]);
    let good = files_of(log.path());
    let mut copy = Copy::new();
    for n in [0_usize, 100, 255, 256, 700] {
        let name = format!("tile/entries/{:03}", n / 256);
        let mut files = good.clone();
        let mut lines = events(&good[&name]);
        lines[n % 256][0] ^= 1;
        files.insert(name.clone(), bundle(&lines));
        let e = verify(&copy.put(&files), &log.verifier(), &|_| {}).unwrap_err();
        let said = format!("{name}, event {n} (from 0): this is not the event that was written");
        assert!(e.to_string().ends_with(&said), "{e}");

        let name = format!("tile/0/{:03}", n / 256);
        let mut files = good.clone();
        files.get_mut(&name).unwrap()[n % 256 * 32 + 5] ^= 1;
        let e = verify(&copy.put(&files), &log.verifier(), &|_| {}).unwrap_err();
        let said = format!("{name}, event {n} (from 0): the hash is not that of the events");
        assert!(e.to_string().contains(&said), "{e}");
    }
}

/// A level above the first, full and not: its tiles are held against those below.
#[test]
fn a_change_above_the_first_level_is_found_and_says_of_which_events() {
    let log = Log::published(&[66_000]);
    let good = files_of(log.path());
    let mut copy = Copy::new();
    let mut refused = |files: &Files, says: &str| {
        let e = verify(&copy.put(files), &log.verifier(), &|_| {}).unwrap_err();
        assert!(e.to_string().contains(says), "{e}");
    };
    for (name, says) in [
        (
            "tile/1/000",
            "event 768 (from 0): the hash is not that of the events up to 1024",
        ),
        ("tile/1/001.p/1", "event 65536 (from 0)"),
        (
            "tile/2/000.p/1",
            "event 0 (from 0): the hash is not that of the events up to 65536",
        ),
    ] {
        let mut files = good.clone();
        let at = if name == "tile/1/000" { 3 * 32 } else { 0 };
        files.get_mut(name).unwrap()[at] ^= 1;
        refused(&files, &format!("{name}, {says}"));
        files.remove(name);
        refused(&files, &format!("{name}, event"));
    }
    // An event and its hash, together.
    let mut files = good.clone();
    let mut lines = events(&good["tile/entries/003"]);
    lines[9][0] ^= 1;
    files.insert("tile/entries/003".into(), bundle(&lines));
    let hash = leaf_hash(&lines[9]);
    files.get_mut("tile/0/003").unwrap()[9 * 32..10 * 32].copy_from_slice(hash.as_bytes());
    refused(&files, "tile/1/000, event 768 (from 0)");
}

/// Another log's checkpoint, another key's, and a line that somebody added below the signature.
#[test]
fn a_checkpoint_that_is_not_this_logs_is_refused() {
    let log = Log::published(&[30]);
    let good = files_of(log.path());
    let mut other = Log::of_key([8; 32]);
    other.grow(30, crate::log::line);
    other.ledger.publish(&other.key).unwrap();
    let foreign = files_of(other.path());
    assert_eq!(good["tail"], foreign["tail"], "only the signature differs");
    let text = String::from_utf8(good["checkpoint"].clone()).unwrap();
    let mut copy = Copy::new();
    for bad in [
        foreign["checkpoint"].clone(),
        text.replace("\n30\n", "\n29\n").into_bytes(),
        text.replace("recvault/ab", "recvault/ac").into_bytes(),
        text.replacen("\n\n", "\nextension\n\n", 1).into_bytes(),
        format!("{text}\n").into_bytes(),
        format!("{text}-- \n").into_bytes(),
        b"".to_vec(),
    ] {
        let mut files = good.clone();
        files.insert("checkpoint".into(), bad);
        let e = verify(&copy.put(&files), &log.verifier(), &|_| {}).unwrap_err();
        assert!(matches!(e, LedgerError::Checkpoint { .. }), "{e}");
    }
    // A signature by somebody unknown is none of our business.
    let mut files = good.clone();
    let more = format!("{text}— somebody/else AAAAAAE=\n");
    files.insert("checkpoint".into(), more.into_bytes());
    verify(&copy.put(&files), &log.verifier(), &|_| {}).unwrap();
}
