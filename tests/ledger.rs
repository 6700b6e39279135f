//! The log of a store through the binary: what it proves to a stranger, and what is found when
//! somebody changed it.

use std::{fs, process::Command};

use recvault::{
    ledger::{Ledger, LogKey},
    proof::CosignRequest,
};

use crate::case::{Case, copy_dir, files_below};

/// A store with three recordings and a checkpoint over them.
fn with_logs() -> Case {
    let case = Case::with_approvers();
    let mut case = case;
    for n in 0..3 {
        case = case.file(&format!("{n}.log"), format!("log {n}\n"));
    }
    let _ = case.batch();
    case
}

fn vkey(case: &Case) -> String {
    let answer = case
        .store_command(&["ledger", "checkpoint", "--json"])
        .code(0)
        .json();
    answer["with"]["vkey"].as_str().unwrap().to_owned()
}

/// `docs/verify.py` in a process of its own: whether it accepts, and what it says.
fn expert(args: &[&str]) -> (bool, String) {
    let output = Command::new("python3")
        .arg("docs/verify.py")
        .args(args)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

/// Goal: the log is named after the genesis roster, whose digest `init` prints; `verify` holds the
/// two against each other.
#[test]
fn the_log_is_named_after_the_roster_that_init_prints() {
    let case = Case::with_approvers();
    let verified = case
        .store_command(&["ledger", "verify", "--json"])
        .code(0)
        .json();
    let log = verified["log"].as_str().unwrap();
    let roster = log.strip_prefix("recvault/").unwrap();
    assert!(case.said_at_init().contains(roster));
    let _ = case
        .store_command(&["ledger", "verify", "--roster-hash", roster])
        .code(0)
        .says("in order");
    let other = "ab".repeat(32);
    let _ = case
        .store_command(&["ledger", "verify", "--roster-hash", &other])
        .code(4)
        .says("does not begin with the roster");
    let _ = case
        .store_command(&["ledger", "verify", "--roster-hash", "no digest"])
        .code(2);
}

/// Goal: with a proof file, the event and the public key, a stranger without recvault is
/// convinced, and is not when a byte of either was changed.
#[test]
fn an_admission_is_proven_to_a_stranger_with_python_and_openssl() {
    let case = with_logs();
    let id = case.list()[0]["id"].as_str().unwrap().to_owned();
    let name = case.beside("proof of admission");
    let name = name.to_str().unwrap();
    let _ = case
        .store_command(&["ledger", "prove", &id, "--out", name])
        .code(0)
        .says("is in the log");
    let (proof, event) = (format!("{name}.proof"), format!("{name}.event"));
    assert!(fs::read_to_string(&event).unwrap().contains(&id));
    let key = vkey(&case);
    let (accepted, said) = expert(&["inclusion", &proof, &event, &key]);
    assert!(accepted, "{said}");
    for path in [&proof, &event] {
        let good = fs::read(path).unwrap();
        let mut bad = good.clone();
        let middle = bad.len() / 2;
        bad[middle] ^= 1;
        fs::write(path, bad).unwrap();
        let (accepted, said) = expert(&["inclusion", &proof, &event, &key]);
        assert!(!accepted, "{path}: {said}");
        fs::write(path, good).unwrap();
    }
    let _ = case
        .store_command(&["ledger", "prove", "99999"])
        .code(2)
        .says("there is no event 99999");
}

/// Goal: the folder copied is the log copied; a copy is verified by recvault and by Python with
/// nothing but the public key, and every file of it that is changed is found by both.
#[test]
fn a_copied_folder_is_verified_and_every_changed_file_is_found() {
    let case = with_logs();
    let key = vkey(&case);
    let copy = case.beside("copy");
    let fresh = || {
        let _ = fs::remove_dir_all(&copy);
        copy_dir(&case.store().join("ledger"), &copy);
    };
    fresh();
    let dir = copy.to_str().unwrap();
    let ours = |code: i32| {
        case.command(&["ledger", "verify", dir, "--key", &key])
            .code(code)
    };
    let _ = ours(0).says("in order");
    let (accepted, said) = expert(&["ledger", dir, &key]);
    assert!(accepted, "{said}");
    let mut changed = 0;
    for file in files_below(&copy) {
        // Personal data is not the log's; the log holds commitments to it.
        if file.ends_with("details.jsonl") {
            continue;
        }
        let mut bytes = fs::read(&file).unwrap();
        if bytes.is_empty() {
            continue;
        }
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&file, bytes).unwrap();
        let _ = ours(4);
        let (accepted, said) = expert(&["ledger", dir, &key]);
        assert!(!accepted, "{}: {said}", file.display());
        changed += 1;
        fresh();
    }
    assert!(changed >= 4, "{changed} files");
    let _ = case
        .command(&["ledger", "verify", dir])
        .code(2)
        .says("--key");
}

/// A new witness cosigns the store's log as it is, and the store keeps that. Gives back its folder and
/// its key.
pub fn cosigned_by_a_witness(case: &Case) -> (String, String) {
    let witness = case.beside("witness");
    let witness = witness.to_str().unwrap();
    let made = ["ledger", "witness", "init", witness, "--name", "mm.example"];
    let said = case.command(&made).code(0).out();
    let key = said.lines().find_map(|l| l.strip_prefix("key")).unwrap();
    let key = key.trim().to_owned();
    let log = vkey(case);
    let trust = ["ledger", "witness", "trust", witness, &log];
    let _ = case.command(&trust).code(0);
    let request = case.beside("request");
    let asked = case.store_command(&["ledger", "consistency", "0"]).code(0);
    fs::write(&request, asked.out()).unwrap();
    let request = request.to_str().unwrap();
    let cosign = ["ledger", "witness", "cosign", witness, request];
    let line = case.beside("cosignature");
    fs::write(&line, case.command(&cosign).code(0).out()).unwrap();
    let line = line.to_str().unwrap();
    let kept = ["ledger", "cosigned", line, "--witness", &key];
    let _ = case.store_command(&kept).code(0).says("mm.example");
    (witness.to_owned(), key)
}

/// Goal: a witness on another machine cosigns what extends what it saw, keeps what it saw, and
/// refuses a history that the holder of the log's key has written anew.
#[test]
fn a_rewritten_history_is_refused_by_the_witness() {
    let case = with_logs();
    let (witness, _) = cosigned_by_a_witness(&case);
    let witness = witness.as_str();
    let seen = case.store_command(&["ledger", "verify", "--json"]).json()["events"]
        .as_u64()
        .unwrap();

    let case = case.file("more.log", "more");
    let _ = case.batch();
    let seen_text = seen.to_string();
    let asked = case
        .store_command(&["ledger", "consistency", &seen_text])
        .code(0);
    let request = case.beside("request");
    fs::write(&request, asked.out()).unwrap();
    let args = [
        "ledger",
        "witness",
        "cosign",
        witness,
        request.to_str().unwrap(),
    ];
    let _ = case.command(&args).code(0);
    let now = case.store_command(&["ledger", "verify", "--json"]).json()["events"]
        .as_u64()
        .unwrap();

    // The holder of the key writes another history under the same name, and signs it well.
    let key = LogKey::load(&case.store().join("keys/log.key")).unwrap();
    let folder = case.beside("forged");
    fs::create_dir(&folder).unwrap();
    let mut forged = Ledger::create(&folder).unwrap();
    let lines: Vec<String> = (0..now + 9).map(|n| format!("another event {n}")).collect();
    let lines: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
    forged.append(&lines).unwrap();
    forged.publish(&key).unwrap();
    let asked = CosignRequest {
        consistency: forged.consistency(now, now + 9).unwrap(),
        checkpoint: forged.checkpoint().unwrap().unwrap(),
    };
    fs::write(&request, asked.to_string()).unwrap();
    let _ = case.command(&args).code(4).says("nothing shows that");
}
