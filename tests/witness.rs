//! A witness signs what extends what it has signed, and nothing else: also not for whoever holds
//! the log's key.

use std::{fs, path::Path, sync::Barrier, thread};

use recvault::{
    base::Moment,
    ledger::LogKey,
    proof::{
        Checkpoint, Consistency, CosignRequest, Note, NoteSignature, Signed, Witness, WitnessError,
    },
};

use crate::log::{Log, folder, line};

const NOW: Moment = Moment::from_s(1_800_000_000);

fn note(log: &Log) -> Note {
    log.ledger.checkpoint().unwrap().unwrap()
}

fn offer(log: &Log, witness: &Witness, old: u64) -> Result<NoteSignature, WitnessError> {
    let new = log.checkpoint().size;
    let path = match log.ledger.consistency(old, new) {
        Ok(proof) => proof.path,
        Err(_) => Vec::new(),
    };
    // As it would travel from one machine to the other.
    let request = CosignRequest {
        consistency: Consistency { old, new, path },
        checkpoint: note(log),
    };
    let request = CosignRequest::parse(request.to_string().as_bytes()).unwrap();
    witness.cosign(&request.checkpoint, &request.consistency, NOW)
}

fn published(log: &mut Log, len: u64) {
    log.grow(len, line);
    log.ledger.publish(&log.key).unwrap();
}

#[test]
fn it_cosigns_a_log_that_grows_and_remembers_it() {
    let mut log = Log::published(&[10]);
    let dir = folder();
    let witness = Witness::create(dir.path(), "market/witness-1").unwrap();
    assert!(matches!(
        offer(&log, &witness, 0),
        Err(WitnessError::UnknownLog { .. })
    ));
    witness.trust(&log.verifier()).unwrap();
    let mut last = 0;
    for len in [10, 10, 256, 700] {
        published(&mut log, len);
        let cosignature = offer(&log, &witness, last).unwrap();
        // The log keeps it; whoever checks a proof sees who has seen what, and when.
        let kept = log
            .ledger
            .keep_cosignature(&cosignature, &witness.verifier())
            .unwrap();
        let cosigned = Checkpoint::cosigned_by(&kept, &[&witness.verifier()]).unwrap();
        let name = "market/witness-1".to_owned();
        let at = Some(NOW);
        assert_eq!(cosigned, [Signed { name, at }]);
        // It is on the disk: another process of the witness knows it.
        let again = Witness::open(dir.path()).unwrap();
        let record = again.last(log.key.origin()).unwrap().unwrap();
        assert_eq!(record.text(), note(&log).text());
        last = len;
    }
    let proven = log
        .prove(3)
        .verify(&line(3), &log.verifier(), &[&witness.verifier()])
        .unwrap();
    assert_eq!(proven.cosigned.len(), 1);
    assert!(Witness::create(dir.path(), "again").is_err());
}

#[test]
fn it_refuses_what_is_not_shown_to_extend_what_it_signed() {
    let mut log = Log::published(&[100]);
    let dir = folder();
    let witness = Witness::create(dir.path(), "w").unwrap();
    witness.trust(&log.verifier()).unwrap();
    let early = note(&log);
    published(&mut log, 200);
    offer(&log, &witness, 0).unwrap();
    let before = witness.last(log.key.origin()).unwrap();
    published(&mut log, 300);
    let proof = log.ledger.consistency(200, 300).unwrap();
    let stranger = LogKey::from_seed(log.key.origin(), &[9; 32]).unwrap();
    let other_origin = LogKey::from_seed("recvault/other", &[7; 32]).unwrap();
    let signed_by = |key: LogKey| {
        let mut other = Log::new();
        other.key = key;
        published(&mut other, 300);
        note(&other)
    };
    let wrong = |old, new, path| Consistency { old, new, path };
    let mut bent = proof.path.clone();
    bent.swap(0, 1);
    let text = note(&log).to_string();
    let tampered = Note::parse(text.replace("\n300\n", "\n301\n").as_bytes()).unwrap();
    let cases: [(&str, Note, Consistency, &str); 9] = [
        (
            "an older checkpoint",
            early,
            wrong(200, 100, vec![]),
            "fewer than",
        ),
        (
            "from elsewhere",
            note(&log),
            log.ledger.consistency(100, 300).unwrap(),
            "begins at 100",
        ),
        (
            "to elsewhere",
            note(&log),
            log.ledger.consistency(200, 299).unwrap(),
            "ends at 299",
        ),
        (
            "from nothing",
            note(&log),
            wrong(0, 300, vec![]),
            "begins at 0",
        ),
        (
            "no path",
            note(&log),
            wrong(200, 300, vec![]),
            "nothing shows",
        ),
        (
            "another path",
            note(&log),
            wrong(200, 300, bent),
            "nothing shows",
        ),
        (
            "a stranger's key",
            signed_by(stranger),
            proof.clone(),
            "no key that is known",
        ),
        (
            "another log's name",
            signed_by(other_origin),
            proof.clone(),
            "not known",
        ),
        (
            "a changed size",
            tampered,
            wrong(200, 301, proof.path.clone()),
            "is not of this text",
        ),
    ];
    for (what, note, consistency, says) in cases {
        let e = witness.cosign(&note, &consistency, NOW).unwrap_err();
        assert!(e.to_string().contains(says), "{what}: {e}");
        assert_eq!(witness.last(log.key.origin()).unwrap(), before, "{what}");
    }
    offer(&log, &witness, 200).unwrap();
}

/// Goal: every seventh event of 300; the soak takes every one.
#[test]
fn a_history_rewritten_by_the_holder_of_the_logs_key_is_refused() {
    rewrite_trial(7);
}

/// The holder of the log's key makes an event of the log anew, with all tiles and a good
/// signature, at the same length and longer. Whatever proof the new log gives, the witness
/// refuses it, and keeps what convicts.
pub fn rewrite_trial(step: usize) {
    let log = Log::published(&[300]);
    let dir = folder();
    let witness = Witness::create(dir.path(), "w").unwrap();
    witness.trust(&log.verifier()).unwrap();
    offer(&log, &witness, 0).unwrap();
    for n in (0..300).step_by(step) {
        let mut rewritten = Log::new();
        let forge = |i: u64| if i == n { b"forged".to_vec() } else { line(i) };
        rewritten.grow(300, forge);
        rewritten.ledger.publish(&rewritten.key).unwrap();
        let e = offer(&rewritten, &witness, 300).unwrap_err();
        assert!(matches!(e, WitnessError::Fork { size: 300 }), "{n}: {e}");
        rewritten.grow(310, forge);
        rewritten.ledger.publish(&rewritten.key).unwrap();
        assert!(
            rewritten.verified().checkpoint.is_some(),
            "it is a perfect log"
        );
        let e = offer(&rewritten, &witness, 300).unwrap_err();
        assert!(matches!(e, WitnessError::NotShown { .. }), "{n}: {e}");
        // A proof by the honest log does not help it either.
        let honest = log.ledger.consistency(300, 300).unwrap().path;
        let proof = Consistency {
            old: 300,
            new: 310,
            path: honest,
        };
        assert!(witness.cosign(&note(&rewritten), &proof, NOW).is_err());
    }
    let refused = files_below(&dir.path().join("logs"), "refused");
    let offered = 2 * 300_usize.div_ceil(step);
    assert_eq!(refused.len(), offered.min(100), "as many as are kept");
    for path in refused {
        let kept = Note::parse(&fs::read(path).unwrap()).unwrap();
        Checkpoint::signed_by(&kept, &log.verifier()).unwrap();
    }
}

fn files_below(dir: &Path, name: &str) -> Vec<std::path::PathBuf> {
    let logs = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
    logs.flat_map(|log| {
        let kept = fs::read_dir(log.join(name)).unwrap();
        kept.map(|e| e.unwrap().path()).collect::<Vec<_>>()
    })
    .collect()
}

/// Between looking at its memory and changing it a witness lets nobody else in.
#[test]
fn a_witness_waits_while_another_process_judges() {
    let log = Log::published(&[10]);
    let dir = folder();
    let witness = Witness::create(dir.path(), "w").unwrap();
    witness.trust(&log.verifier()).unwrap();
    let lock = fs::File::open(dir.path().join("lock")).unwrap();
    lock.lock().unwrap();
    thread::scope(|scope| {
        let offered = scope.spawn(|| offer(&log, &witness, 0).map(drop));
        thread::sleep(std::time::Duration::from_millis(200));
        assert!(!offered.is_finished());
        lock.unlock().unwrap();
        offered.join().unwrap().unwrap();
    });
}

#[test]
fn of_two_histories_offered_at_once_one_is_signed() {
    for round in 0..10 {
        let dir = folder();
        let witness = Witness::create(dir.path(), "w").unwrap();
        let logs: Vec<Log> = (0..4_u8)
            .map(|who| {
                let mut log = Log::new();
                log.grow(5, |n| format!("{who} {n}").into_bytes());
                log.ledger.publish(&log.key).unwrap();
                log
            })
            .collect();
        witness.trust(&logs[0].verifier()).unwrap();
        let start = Barrier::new(logs.len());
        let signed: Vec<bool> = thread::scope(|scope| {
            let all: Vec<_> = logs
                .iter()
                .map(|log| {
                    scope.spawn(|| {
                        let witness = Witness::open(dir.path()).unwrap();
                        start.wait();
                        offer(log, &witness, 0).is_ok()
                    })
                })
                .collect();
            all.into_iter().map(|t| t.join().unwrap()).collect()
        });
        let count = signed.iter().filter(|s| **s).count();
        assert_eq!(count, 1, "round {round}: {signed:?}");
        let first = signed.iter().position(|s| *s).unwrap();
        let record = witness.last(logs[0].key.origin()).unwrap().unwrap();
        assert_eq!(record.text(), note(&logs[first]).text());
    }
}

#[test]
fn a_witness_whose_memory_was_changed_says_so_and_signs_nothing() {
    let mut log = Log::published(&[100]);
    let dir = folder();
    let witness = Witness::create(dir.path(), "w").unwrap();
    witness.trust(&log.verifier()).unwrap();
    offer(&log, &witness, 0).unwrap();
    let logs = fs::read_dir(dir.path().join("logs")).unwrap();
    let record = logs.map(|e| e.unwrap().path()).next().unwrap();
    let record = record.join("checkpoint");
    let good = fs::read_to_string(&record).unwrap();
    let unsigned: String = good.lines().take(5).map(|l| format!("{l}\n")).collect();
    published(&mut log, 200);
    for bad in [
        // What the log's key alone could put there, to have the witness forget what it saw.
        unsigned,
        note(&log).to_string(),
        good.replace("\n100\n", "\n101\n"),
        String::new(),
    ] {
        fs::write(&record, bad).unwrap();
        let e = offer(&log, &witness, 100).unwrap_err();
        assert!(matches!(e, WitnessError::Record { .. }), "{e}");
    }
    fs::write(&record, good).unwrap();
    offer(&log, &witness, 100).unwrap();
}

/// A key that succeeds another, for the same log.
#[test]
fn a_log_may_change_its_key_once_the_witness_is_told() {
    let dir = folder();
    let witness = Witness::create(dir.path(), "w").unwrap();
    let log = Log::published(&[100]);
    witness.trust(&log.verifier()).unwrap();
    offer(&log, &witness, 0).unwrap();
    let mut next = Log::of_key([8; 32]);
    published(&mut next, 120);
    assert!(offer(&next, &witness, 100).is_err());
    witness.trust(&next.verifier()).unwrap();
    witness.trust(&next.verifier()).unwrap();
    offer(&next, &witness, 100).unwrap();
}
