//! The ledger is lost: sidecars and vault give back every recording and its history, all of it on
//! hold until two people lift it, and what could not be recovered is said.

use std::{collections::BTreeMap, fs};

use serde_json::Value;

use crate::case::{Case, files_below};

/// What must come back of each recording, by digest.
fn facts(case: &Case) -> BTreeMap<String, Value> {
    let all = case.list().into_iter();
    let told = |mut r: Value| {
        let digest = r["digest"].as_str().unwrap().to_owned();
        // The hold is an event more, and names and remarks are of the details.
        for lost in ["events", "name", "sightings"] {
            r.as_object_mut().unwrap().remove(lost);
        }
        let attribution = r["attribution"].as_object_mut().unwrap();
        attribution.remove("remark");
        (digest, r)
    };
    all.map(told).collect()
}

fn keys(case: &Case) -> [String; 2] {
    ["approver-1", "approver-2"].map(|n| case.beside(n).to_str().unwrap().to_owned())
}

fn regain(case: &Case) -> Value {
    let [one, two] = keys(case).map(|key| format!("{key}.pub"));
    let args = ["rebuild", "--without-ledger", "--json"];
    let args = [&args[..], &["--approver-key", &one, &two]].concat();
    case.store_command(&args).code(1).json()
}

/// Goal: everything but what only the ledger knew comes back; a recording whose sidecar is lost too
/// comes back by its bytes.
#[test]
fn sidecars_and_vault_give_back_every_recording_on_hold() {
    let case = Case::with_approvers().fleet(1);
    let _ = case.batch();
    let id_of = |n: usize| case.list()[n]["id"].as_str().unwrap().to_owned();
    let classed = id_of(0);
    let _ = case
        .store_command(&["classify", &classed, "--clause", "4.6.2"])
        .code(0);
    let before = facts(&case);
    let bytes = files_below(&case.store().join("originals"));

    // While the ledger is there, nobody begins a new one.
    let one = format!("{}.pub", keys(&case)[0]);
    let refused = ["rebuild", "--without-ledger", "--approver-key", &one, &one];
    let _ = case
        .store_command(&refused)
        .code(3)
        .says("the ledger is there");

    fs::remove_dir_all(case.store().join("ledger")).unwrap();
    fs::remove_dir_all(case.store().join("index")).unwrap();
    let told = regain(&case);
    assert_eq!(told["recordings"], before.len());
    assert_eq!(
        (&told["without_history"], &told["disposed"]),
        (&0.into(), &0.into())
    );
    assert!(told["erased"].as_u64().unwrap() >= before.len() as u64);
    assert_eq!(told["unreadable"], Value::Array(Vec::new()));
    let after = facts(&case);
    assert!(after.keys().eq(before.keys()));
    for (digest, told) in &before {
        assert_eq!(&after[digest], told);
    }
    assert_eq!(files_below(&case.store().join("originals")), bytes);
    let _ = case.store_command(&["check"]).code(0);
    let verify = ["ledger", "verify", "--roster-hash"];
    let hash = told["roster_hash"].as_str().unwrap();
    let _ = case.store_command(&[&verify[..], &[hash]].concat()).code(0);
    let why = case.store_command(&["why", &classed]).code(0);
    let _ = why.says("4.6.2").says("Hold 1 for case rebuild");

    // One person does not lift it, two do.
    let [one, two] = keys(&case);
    let release = [
        "hold",
        "release",
        &classed,
        "1",
        "--reason",
        "looked at again",
    ];
    let alone = [&release[..], &["--key", &one]].concat();
    let _ = case
        .store_command(&alone)
        .code(1)
        .says("Nothing happens yet");
    let _ = case
        .store_command(&[&alone[..], &["--key", &two]].concat())
        .code(0);
    // The night goes on in it.
    let case = case.file("new.log", "after the loss");
    let _ = case.batch();
    assert_eq!(case.list().len(), before.len() + 1);
    let _ = case.store_command(&["check"]).code(0);
}

/// Goal: a sidecar that was cut, changed or removed costs its own recording's history and nothing
/// else, and a tombstone over bytes that are still there is not believed.
#[test]
fn what_a_sidecar_cannot_tell_is_said_and_nothing_is_let_go() {
    let case = Case::with_approvers()
        .file("a.log", "whole")
        .file("b.log", "its sidecar is gone")
        .file("c.log", "its sidecar says that it was disposed of")
        .file("d.log", "its sidecar is changed");
    let _ = case.batch().code(0);
    let by_name = |name: &str| {
        let all = case.list();
        let found = all.into_iter().find(|r| r["name"] == name);
        found.unwrap()
    };
    let sidecar = |r: &Value| {
        let name = format!("{}.jsonl", r["id"].as_str().unwrap());
        case.original(r).with_file_name(name)
    };
    let [gone, forged, changed] = ["b.log", "c.log", "d.log"].map(by_name);
    fs::remove_file(sidecar(&gone)).unwrap();
    let id = forged["id"].as_str().unwrap();
    let zero = "0".repeat(64);
    let mut text = fs::read_to_string(sidecar(&forged)).unwrap();
    for body in [
        format!(
            r#"{{"at":1,"body":{{"id":"{id}","judged":1,"plan":"{zero}","since":1}},"by":{{"uid":0}},"kind":"recording.doomed","n":90,"prev":"{zero}","v":1}}"#
        ),
        format!(
            r#"{{"at":1,"body":{{"id":"{id}","objects":[],"plan":"{zero}"}},"by":{{"uid":0}},"kind":"recording.disposed","n":91,"prev":"{zero}","v":1}}"#
        ),
    ] {
        text.push_str(&body);
        text.push('\n');
    }
    fs::write(sidecar(&forged), text).unwrap();
    let text = fs::read_to_string(sidecar(&changed)).unwrap();
    fs::write(sidecar(&changed), text.replace(r#""id":""#, r#""id":"x"#)).unwrap();
    fs::remove_dir_all(case.store().join("ledger")).unwrap();
    fs::remove_dir_all(case.store().join("index")).unwrap();

    let told = regain(&case);
    assert_eq!(
        (&told["recordings"], &told["without_history"]),
        (&4.into(), &2.into())
    );
    assert_eq!(told["disposed"], 0);
    let said = told["unreadable"].as_array().unwrap();
    assert_eq!(said.len(), 1);
    assert!(
        said[0]
            .as_str()
            .unwrap()
            .contains(changed["id"].as_str().unwrap())
    );
    for recording in case.list() {
        assert_eq!(recording["state"], "kept", "{recording}");
        assert!(case.original(&recording).exists());
        let id = recording["id"].as_str().unwrap();
        let _ = case
            .store_command(&["why", id])
            .code(0)
            .says("for case rebuild");
    }
    let _ = case.store_command(&["disposal", "apply"]).code(0);
    assert_eq!(case.list().len(), 4);
    let _ = case.store_command(&["check"]).code(0);
}
