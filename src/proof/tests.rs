//! Notes, keys and proof files are those that others write; nothing that was changed is believed.
#![allow(clippy::unwrap_used)]

use std::{fs, os::unix::fs::PermissionsExt};

use proptest::prelude::*;

use super::*;
use crate::base::{
    Digest, Moment,
    merkle::{consistency_path, inclusion_path, leaf_hash, tree_root},
};

/// The example of c2sp.org/signed-note.
const EXAMPLE_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const EXAMPLE: &str = "This is an example message.\n\n\
    — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

/// A checkpoint of a public log of certificates, with the signatures of the log (one of a type
/// that we do not know, one Ed25519) and cosignatures of four public witnesses.
const PUBLIC: &str = "arche2025h1.staging.ct.transparency.dev\n\
    1432088532\n\
    U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=\n\n\
    — arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=\n\
    — arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=\n\
    — transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==\n\
    — witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==\n\
    — remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==\n\
    — witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==\n";
const PUBLIC_LOG: &str =
    "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f";
const PUBLIC_WITNESSES: [&str; 4] = [
    "transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM",
    "witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO",
    "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
    "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv",
];

fn vkey(text: &str) -> Verifier {
    text.parse().unwrap()
}

fn log_key() -> NoteKey {
    NoteKey::from_seed("recvault/test", Algorithm::Ed25519, &[7; 32]).unwrap()
}

#[test]
fn the_example_of_the_specification_verifies_and_is_written_as_it_was_read() {
    let note = Note::parse(EXAMPLE.as_bytes()).unwrap();
    assert_eq!(note.text(), "This is an example message.\n");
    assert_eq!(note.to_string(), EXAMPLE);
    let key = vkey(EXAMPLE_KEY);
    assert_eq!(key.to_string(), EXAMPLE_KEY);
    let signed = note.verify(&[&key]).unwrap();
    assert_eq!(
        (signed[0].name.as_str(), signed[0].at),
        ("example.com/foo", None)
    );
    let changed = EXAMPLE.replace("an example", "no example");
    let changed = Note::parse(changed.as_bytes()).unwrap();
    assert!(matches!(
        changed.verify(&[&key]),
        Err(ProofError::Signature { .. })
    ));
    let stranger = log_key().verifier();
    assert_eq!(note.verify(&[&stranger]), Err(ProofError::Unsigned));
}

#[test]
fn a_public_logs_checkpoint_and_its_witnesses_verify() {
    let note = Note::parse(PUBLIC.as_bytes()).unwrap();
    assert_eq!(note.to_string(), PUBLIC);
    let checkpoint = Checkpoint::signed_by(&note, &vkey(PUBLIC_LOG)).unwrap();
    assert_eq!(checkpoint.size, 1_432_088_532);
    assert_eq!(checkpoint.text(), note.text());
    let witnesses = PUBLIC_WITNESSES.map(vkey);
    let known: Vec<&Verifier> = witnesses.iter().collect();
    let cosigned = Checkpoint::cosigned_by(&note, &known).unwrap();
    assert_eq!(cosigned.len(), 4);
    for one in &cosigned {
        assert_eq!(one.at, Some(Moment::from_s(1_779_573_024)), "{}", one.name);
    }
    // The date is under the signature, too: its last byte, and the signature's first.
    for at in [7, 8] {
        let mut signature = note.signatures()[4].clone();
        assert_eq!(signature.name, "remora.n621.de");
        signature.bytes[at] ^= 1;
        let forged = Note::new(note.text(), vec![signature]).unwrap();
        assert!(matches!(
            Checkpoint::cosigned_by(&forged, &known),
            Err(ProofError::Signature { .. })
        ));
    }
}

#[test]
fn a_verifier_key_is_read_in_one_form_only() {
    for good in [EXAMPLE_KEY, PUBLIC_LOG]
        .iter()
        .chain(&PUBLIC_WITNESSES)
        // Its base64 holds a plus sign.
        .chain(&["TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6"])
    {
        assert_eq!(vkey(good).to_string(), *good);
    }
    let zeros = format!("x+{}+{}", "00000000", "AQ".to_owned() + &"A".repeat(42));
    for bad in [
        "",
        "example.com/foo",
        "example.com/foo+530d903a",
        "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/fo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2l ",
        "example.com foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        &zeros,
    ] {
        assert!(bad.parse::<Verifier>().is_err(), "{bad}");
    }
}

#[test]
fn what_is_not_a_note_to_the_letter_is_none() {
    let line = "— n AAAAAAE=\n";
    let good = format!("a\n\nb\n\n{line}");
    assert_eq!(Note::parse(good.as_bytes()).unwrap().text(), "a\n\nb\n");
    for bad in [
        "",
        "a\n",
        "a\n\n",
        "a\n— n AAAAAAE=\n",
        "a\n\n— n AAAAAAE=",
        "a\n\n— n AAAAAAE=\n\n",
        "a\r\n\r\n— n AAAAAAE=\r\n",
        "a\tb\n\n— n AAAAAAE=\n",
        "a\0\n\n— n AAAAAAE=\n",
        "a\n\n- n AAAAAAE=\n",
        "a\n\n—  AAAAAAE=\n",
        "a\n\n— n+m AAAAAAE=\n",
        "a\n\n— n\u{a0}m AAAAAAE=\n",
        "a\n\n— n AAAAAAE\n",
        "a\n\n— n AAAAAAF=\n",
        "a\n\n— n AAAA AAE=\n",
        "a\n\n— n AAAAAA==\n",
        "a\n\n— n AAAAAAE=\nb\n",
    ] {
        assert!(Note::parse(bad.as_bytes()).is_err(), "{bad:?}");
    }
    assert!(Note::parse(b"a\xff\n\n\xe2\x80\x94 n AAAAAAE=\n").is_err());
    assert!(Note::parse(format!("a\n\n{}", line.repeat(100)).as_bytes()).is_ok());
    assert!(Note::parse(format!("a\n\n{}", line.repeat(101)).as_bytes()).is_err());
    assert!(Note::parse(format!("{}\n\n{line}", "a".repeat(300_000)).as_bytes()).is_err());
    // A text that would bring a signature line of its own.
    let smuggled = format!("a\n\n{}", line.trim_end());
    let signature = log_key().sign("a\n", Moment::from_ms(0));
    assert!(Note::new(&smuggled, vec![signature]).is_err());
}

#[test]
fn a_checkpoint_has_three_lines_and_one_form() {
    let root = tree_root(&[]);
    let text = Checkpoint::new("recvault/test", 0, root).text();
    assert_eq!(
        text,
        "recvault/test\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    );
    let extended = format!("{text}more\n");
    let read = Checkpoint::parse(&extended).unwrap();
    assert_eq!((read.text(), read.extensions.len()), (extended, 1));
    for (from, to) in [
        ("recvault/test\n", "\n"),
        ("0\n4", "00\n4"),
        ("0\n4", "+0\n4"),
        ("0\n4", "-1\n4"),
        ("0\n4", "18446744073709551616\n4"),
        ("0\n4", " 0\n4"),
        ("uFU=\n", "uFU=\n\n"),
        ("uFU=\n", "uFU\n"),
        ("uFU=\n", "uFV=\n"),
        ("uFU=\n", "\n"),
        ("uFU=\n", "uFU="),
    ] {
        assert_ne!(text.replace(from, to), text);
        assert!(
            Checkpoint::parse(&text.replace(from, to)).is_err(),
            "{to:?}"
        );
    }
}

#[test]
fn a_log_speaks_for_itself_only() {
    // Well signed, but the key is another log's.
    let text = Checkpoint::new("recvault/other", 0, tree_root(&[])).text();
    let note = Note::new(&text, vec![log_key().sign(&text, Moment::from_ms(0))]).unwrap();
    assert_eq!(
        Checkpoint::signed_by(&note, &log_key().verifier()),
        Err(ProofError::Origin {
            wanted: "recvault/test".into(),
            found: "recvault/other".into(),
        })
    );
}

#[test]
fn a_known_keys_bad_signature_condemns_what_a_good_one_would_save() {
    let (log, other) = (
        log_key(),
        NoteKey::from_seed("o", Algorithm::Ed25519, &[8; 32]).unwrap(),
    );
    let text = "t\n";
    let good = log.sign(text, Moment::from_ms(0));
    let wrong = other.sign("u\n", Moment::from_ms(0));
    let note = Note::new(text, vec![good, wrong]).unwrap();
    assert_eq!(note.verify(&[&log.verifier()]).unwrap().len(), 1);
    assert_eq!(
        note.verify(&[&log.verifier(), &other.verifier()]),
        Err(ProofError::Signature { name: "o".into() })
    );
}

#[test]
fn a_key_file_is_its_owners_and_says_what_it_is_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    let key = NoteKey::create(&path, "recvault/test", Algorithm::Ed25519).unwrap();
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let again = NoteKey::load(&path, Algorithm::Ed25519).unwrap();
    assert_eq!(again.verifier(), key.verifier());
    assert!(matches!(
        NoteKey::create(&path, "n", Algorithm::Ed25519),
        Err(KeyError::Io { .. })
    ));
    assert!(matches!(
        NoteKey::load(&path, Algorithm::Cosignature),
        Err(KeyError::Form { .. })
    ));
    let text = fs::read_to_string(&path).unwrap();
    assert!(!format!("{key:?}").contains(text.trim_end().splitn(5, '+').nth(4).unwrap()));
    for bad in [
        String::new(),
        text.trim_end().to_owned(),
        text.replace("recvault", "recvaulu"),
        format!("{text}x"),
        "x".repeat(5_000),
    ] {
        fs::write(&path, bad).unwrap();
        assert!(NoteKey::load(&path, Algorithm::Ed25519).is_err());
    }
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(
        NoteKey::load(&path, Algorithm::Ed25519),
        Err(KeyError::Shared { mode: 0o640, .. })
    ));
    assert!(NoteKey::create(&dir.path().join("k"), "a b", Algorithm::Ed25519).is_err());
}

fn leaves(count: usize) -> Vec<Digest> {
    (0..count)
        .map(|n| leaf_hash(format!("event {n}").as_bytes()))
        .collect()
}

/// What a tree of these leaves proves of itself.
fn node(leaves: &[Digest]) -> impl FnMut(u32, u64) -> Result<Digest, ProofError> {
    |height, index| {
        let begin = usize::try_from(index << height).unwrap();
        Ok(tree_root(&leaves[begin..begin + (1 << height)]))
    }
}

#[test]
fn every_proof_of_small_trees_holds_and_for_nothing_else() {
    let all = leaves(33);
    for size in 1..=all.len() {
        let root = tree_root(&all[..size]);
        for index in 0..size {
            let path = inclusion_path(index as u64, size as u64, &mut node(&all)).unwrap();
            let mut proof = Inclusion {
                index: index as u64,
                size: size as u64,
                path,
            };
            assert_eq!(
                proof.verify(&all[index], &root),
                Ok(()),
                "{index} of {size}"
            );
            for other in 0..size {
                let holds = proof.verify(&all[other], &root).is_ok();
                assert_eq!(holds, other == index, "{other} for {index} of {size}");
                proof.index = other as u64;
                let holds = proof.verify(&all[index], &root).is_ok();
                assert_eq!(holds, other == index, "{index} as {other} of {size}");
                proof.index = index as u64;
            }
        }
        for old in 0..=size {
            let path = consistency_path(old as u64, size as u64, &mut node(&all)).unwrap();
            let mut proof = Consistency {
                old: old as u64,
                new: size as u64,
                path,
            };
            let old_root = tree_root(&all[..old]);
            assert_eq!(proof.verify(&old_root, &root), Ok(()), "{old} to {size}");
            for other in (0..=size).filter(|o| *o != old) {
                let other_root = tree_root(&all[..other]);
                assert!(
                    proof.verify(&other_root, &root).is_err(),
                    "{other} for {old}"
                );
                let holds = proof.verify(&old_root, &other_root).is_ok();
                assert_eq!(holds, other == size || old == 0, "{old} to {other}");
                proof.old = other as u64;
                let holds = proof.verify(&old_root, &root).is_ok();
                assert!(!holds, "{old} as {other} to {size}");
                proof.old = old as u64;
            }
        }
    }
}

#[test]
fn sizes_at_the_end_of_counting_are_judged_and_not_overflowed() {
    let hash = leaf_hash(b"x");
    for size in [0, 1, u64::MAX - 1, u64::MAX] {
        for index in [0, 1, u64::MAX - 1, u64::MAX] {
            for hashes in [0, 1, 63, 64, 65] {
                let path = vec![hash; hashes];
                let proof = Inclusion {
                    index,
                    size,
                    path: path.clone(),
                };
                let holds = proof.verify(&hash, &hash).is_ok();
                assert_eq!(holds, (index, size, hashes) == (0, 1, 0));
                let proof = Consistency {
                    old: index,
                    new: size,
                    path,
                };
                let holds = proof.verify(&hash, &hash).is_ok();
                assert_eq!(holds, index == size && index > 0 && hashes == 0);
            }
        }
    }
}

fn proof_file(count: usize, index: usize) -> ProofFile {
    let all = leaves(count);
    let checkpoint = Checkpoint::new("recvault/test", count as u64, tree_root(&all));
    let signature = log_key().sign(&checkpoint.text(), Moment::from_ms(0));
    ProofFile {
        extra: None,
        index: index as u64,
        path: inclusion_path(index as u64, count as u64, &mut node(&all)).unwrap(),
        checkpoint: Note::new(&checkpoint.text(), vec![signature]).unwrap(),
    }
}

#[test]
fn a_proof_file_has_the_form_of_the_specification() {
    let mut file = proof_file(3, 1);
    let text = file.to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..2], ["c2sp.org/tlog-proof@v1", "index 1"]);
    assert_eq!(lines[4..7], ["", "recvault/test", "3"]);
    assert_eq!(ProofFile::parse(text.as_bytes()).unwrap(), file);
    let log = log_key().verifier();
    let proven = file.verify(b"event 1", &log, &[]).unwrap();
    assert_eq!((proven.checkpoint.size, proven.cosigned.len()), (3, 0));
    // A witness's cosignature is counted when the witness is known, and must then be right.
    let witness = NoteKey::from_seed("w", Algorithm::Cosignature, &[9; 32]).unwrap();
    let at = Moment::from_s(1_800_000_000);
    let note_text = file.checkpoint.text().to_owned();
    let cosigned = file.checkpoint.clone().with(witness.sign(&note_text, at));
    file.checkpoint = cosigned.unwrap();
    file.extra = Some(b"about".to_vec());
    let again = ProofFile::parse(file.to_string().as_bytes()).unwrap();
    assert_eq!(again, file);
    let proven = again
        .verify(b"event 1", &log, &[&witness.verifier()])
        .unwrap();
    assert_eq!(proven.cosigned[0].at, Some(at));
    let forged = file.checkpoint.with(witness.sign("other\n", at)).unwrap();
    file.checkpoint = forged;
    assert!(file.verify(b"event 1", &log, &[]).is_ok());
    assert!(
        file.verify(b"event 1", &log, &[&witness.verifier()])
            .is_err()
    );
}

#[test]
fn a_proof_file_that_was_changed_anywhere_is_refused() {
    let file = proof_file(11, 6);
    let log = log_key().verifier();
    let good = file.to_string().into_bytes();
    let accepted = |bytes: &[u8]| {
        ProofFile::parse(bytes).is_ok_and(|f| f.verify(b"event 6", &log, &[]).is_ok())
    };
    assert!(accepted(&good));
    assert!(file.verify(b"event 5", &log, &[]).is_err());
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            assert!(!accepted(&bad), "bit {bit} of byte {at}");
        }
        assert!(!accepted(&good[..at]), "cut at {at}");
        let mut bad = good.clone();
        bad.remove(at);
        assert!(!accepted(&bad), "without byte {at}");
    }
    // Lines left out, doubled, exchanged.
    let text = String::from_utf8(good).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for n in 0..lines.len() {
        let mut bad = lines.clone();
        bad.remove(n);
        assert!(!accepted(bad.concat().as_bytes()), "without line {n}");
        let mut bad = lines.clone();
        bad.insert(n, lines[n]);
        // The log's own signature may stand there twice.
        let same = lines[n].starts_with('—');
        assert_eq!(accepted(bad.concat().as_bytes()), same, "line {n} twice");
        let mut bad = lines.clone();
        if n > 0 {
            bad.swap(n - 1, n);
            assert!(!accepted(bad.concat().as_bytes()), "lines exchanged at {n}");
        }
    }
}

#[test]
fn a_request_is_read_as_it_was_written() {
    let file = proof_file(11, 6);
    let path = consistency_path(6, 11, &mut node(&leaves(11))).unwrap();
    let consistency = Consistency {
        old: 6,
        new: 11,
        path,
    };
    let request = CosignRequest {
        consistency,
        checkpoint: file.checkpoint,
    };
    let text = request.to_string();
    assert!(text.starts_with("old 6\n"));
    assert_eq!(CosignRequest::parse(text.as_bytes()).unwrap(), request);
    for (from, to) in [("old 6", "old 06"), ("old 6", "new 6"), ("\n\n", "\n")] {
        let bad = text.replacen(from, to, 1);
        assert!(CosignRequest::parse(bad.as_bytes()).is_err(), "{to:?}");
    }
}

proptest! {
    /// What is read is written again as the same bytes, whatever it is.
    #[test]
    fn notes_have_one_form(text in "(\\PC{0,9}\n){0,3}", name in "\\PC{1,5}", bytes in prop::collection::vec(any::<u8>(), 1..80)) {
        let signature = NoteSignature { name, id: [1, 2, 3, 4], bytes };
        if let Ok(note) = Note::new(&text, vec![signature]) {
            let again = Note::parse(note.to_string().as_bytes()).unwrap();
            prop_assert_eq!(&again, &note);
            prop_assert_eq!(again.text(), text);
        }
    }

    /// No bytes bring a reader down.
    #[test]
    fn readers_survive_anything(bytes in prop::collection::vec(any::<u8>(), 0..300), cut in 0_usize..400, flip in 0_usize..400) {
        let _ = Note::parse(&bytes);
        let _ = ProofFile::parse(&bytes);
        let _ = CosignRequest::parse(&bytes);
        let mut known = proof_file(5, 3).to_string().into_bytes();
        known.truncate(cut);
        if let Some(byte) = known.get_mut(flip) {
            *byte = byte.wrapping_add(1);
        }
        let _ = ProofFile::parse(&known);
        let _ = String::from_utf8_lossy(&bytes).parse::<Verifier>();
    }
}
