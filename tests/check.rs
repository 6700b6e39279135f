//! Whatever somebody changes in a store is found, and said with what and where; and the index can
//! be made anew from the ledger.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use recvault::{
    index::{Batch, Column, Direction, Index, KeyRange},
    retention::Clause,
    store::{self, Depth, HoldRequest, Store},
};

use crate::{
    case::{Case, copy_dir, files_below},
    office::{CLERK, Office},
};

/// A store with a few recordings, a hold, a class, and a disposal behind it.
fn lived_in() -> Office {
    let mut office = Office::at("2026-01-10T04:00:00Z");
    let gone = office.admit("gone.log", b"gone").unwrap().id;
    office.skip(100);
    let plan = office.plan();
    office.approve(&plan).unwrap();
    office.skip(15);
    let applied = recvault::disposal::apply(office.store(), CLERK).unwrap();
    assert_eq!(applied.gone, [gone]);
    let ids = ["a.log", "b.log", "c.log"].map(|n| office.admit(n, n.as_bytes()).unwrap().id);
    let request = HoldRequest {
        case: "2026-1".into(),
        reason: "a complaint".into(),
        requester: None,
    };
    office.store().place_hold(CLERK, ids[0], request).unwrap();
    office
        .store()
        .classify(CLERK, ids[1], Clause::MassIncident, "crowd".into())
        .unwrap();
    office.store().publish().unwrap();
    office.reopen();
    office
}

/// What a check of the store below `root` says, or why it cannot even be opened.
fn found(office: &Office, root: &Path) -> Vec<String> {
    match Store::open(root, office.clock.clone()) {
        Ok(store) => match store.check(Depth::Whole, &|_, _| {}) {
            Ok(checked) => checked.wrong,
            Err(e) => vec![e.to_string()],
        },
        Err(e) => vec![e.to_string()],
    }
}

fn writable(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Goal: flip, cut or remove any one file of ledger, originals and sidecars: each is found.
#[test]
fn clause_4_8_2_every_changed_file_of_a_store_is_found() {
    let mut office = lived_in();
    let good = office.root();
    assert_eq!(found_open(&office), Vec::<String>::new());
    office.close();
    let trial = tempfile::tempdir_in(good.parent().unwrap()).unwrap();
    let mut changed = 0;
    let checkpoint = fs::read_to_string(good.join("ledger/checkpoint")).unwrap();
    let size: u64 = checkpoint.lines().nth(1).unwrap().parse().unwrap();
    let now_partial = (size % 256).to_string();
    let evidence = |path: &PathBuf| {
        let text = path.display().to_string();
        (text.contains("/ledger/") || text.contains("/originals/")) && !text.contains("STORE")
    };
    for file in files_below(&good).iter().filter(|f| evidence(f)) {
        let below = file.strip_prefix(&good).unwrap();
        let bytes = fs::read(file).unwrap();
        if bytes.is_empty() {
            continue;
        }
        for how in ["flipped", "cut", "removed", "longer"] {
            let root = trial.path().join(format!("{changed}"));
            copy_dir(&good, &root);
            let path = root.join(below);
            writable(&path);
            let mut bad = bytes.clone();
            match how {
                "flipped" => bad[bytes.len() / 2] ^= 1,
                "cut" => bad.truncate(bytes.len() - 1),
                "longer" => bad.extend_from_slice(b"more"),
                _ => {}
            }
            if how == "removed" {
                fs::remove_file(&path).unwrap();
            } else {
                fs::write(&path, bad).unwrap();
            }
            let said = found(&office, &root);
            // The partial files of earlier checkpoints are wanted by nobody any more.
            let old = below.display().to_string().contains(".p/") && !below.ends_with(&now_partial);
            if how == "removed" && old {
                fs::remove_dir_all(&root).unwrap();
                continue;
            }
            // What opening completes from the rows is no damage: a tail or sidecar that a crash cut.
            let completed = said.is_empty() && found(&office, &root).is_empty() && {
                let now = fs::read(&path).unwrap_or_default();
                now == bytes || below.ends_with("checkpoint")
            };
            assert!(
                !said.is_empty() || completed,
                "{}, {how}: not found",
                below.display()
            );
            changed += 1;
            fs::remove_dir_all(&root).unwrap();
        }
    }
    assert!(changed > 40, "{changed}");
}

fn found_open(office: &Office) -> Vec<String> {
    office
        .store()
        .check(Depth::Whole, &|_, _| {})
        .unwrap()
        .wrong
}

/// The rows of the index that hold something, by column and key.
fn rows(root: &Path) -> Vec<(Column, Vec<u8>, Vec<u8>)> {
    let index = Index::open(&root.join("index")).unwrap();
    let snapshot = index.snapshot();
    let mut all = Vec::new();
    for column in Column::ALL.into_iter().filter(|c| !c.is_cache()) {
        for row in snapshot
            .scan(column, &KeyRange::all(), Direction::Forward)
            .unwrap()
        {
            let (key, value) = row.unwrap();
            all.push((column, key.to_vec(), value.to_vec()));
        }
    }
    all
}

fn change_rows(root: &Path, change: impl Fn(&mut Batch)) {
    let index = Index::open(&root.join("index")).unwrap();
    let mut batch = Batch::new();
    change(&mut batch);
    index.commit(&batch).unwrap();
}

/// Goal: change, remove or add any one row of the index: each is found and named.
#[test]
fn every_changed_row_of_the_index_is_found() {
    let mut office = lived_in();
    let root = office.root();
    office.close();
    let rows = rows(&root);
    assert!(rows.len() > 40, "{}", rows.len());
    let put = |change: &dyn Fn(&mut Batch)| change_rows(&root, change);
    for (column, key, value) in &rows {
        let mut other = value.clone();
        match other.last_mut() {
            Some(last) => *last ^= 1,
            None => other.push(b'x'),
        }
        let name = column.name();
        if key == b"format" {
            // Of another format, or of none, it is not opened at all.
            continue;
        }
        put(&|batch| batch.put(*column, key.clone(), other.clone()));
        assert!(!found(&office, &root).is_empty(), "{name} {key:?} changed");
        put(&|batch| batch.delete(*column, key.clone()));
        // Up to where everything is complete is written anew at every start.
        let complete = *column == Column::Meta && key == b"complete";
        assert!(
            complete || !found(&office, &root).is_empty(),
            "{name} {key:?} removed"
        );
        put(&|batch| batch.put(*column, key.clone(), value.clone()));
    }
    assert_eq!(
        found(&office, &root),
        Vec::<String>::new(),
        "all is as it was"
    );
}

/// The bytes of what counts as evidence, by its path below the store.
type Evidence = BTreeMap<PathBuf, Vec<u8>>;

fn evidence(root: &Path) -> Evidence {
    let folders =
        ["ledger", "originals", "renditions"].map(|folder| files_below(&root.join(folder)));
    let files = folders.into_iter().flatten();
    files
        .map(|path| {
            let bytes = fs::read(&path).unwrap();
            (path.strip_prefix(root).unwrap().to_owned(), bytes)
        })
        .collect()
}

/// Makes the evidence what it was.
fn restore(root: &Path, good: &Evidence) {
    let now = evidence(root);
    for path in now.keys().filter(|path| !good.contains_key(*path)) {
        fs::remove_file(root.join(path)).unwrap();
    }
    for (path, bytes) in good
        .iter()
        .filter(|(path, bytes)| now.get(*path) != Some(bytes))
    {
        put(&root.join(path), bytes);
    }
}

fn put(path: &Path, bytes: &[u8]) {
    if path.exists() {
        writable(path);
    }
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// A store with more of everything, two bundles of events, and what it was half-way.
fn larger() -> (Office, Evidence) {
    let mut office = lived_in();
    let fill = |office: &Office, from: u32| {
        for n in from..from + 60 {
            let bytes = n.to_be_bytes().repeat(50 + n as usize);
            let id = office.admit(&format!("{n}.log"), &bytes).unwrap().id;
            office.give_a_rendition(id, &bytes[1..], 0).unwrap();
            if n % 3 == 0 {
                let request = HoldRequest {
                    case: format!("2026-{n}"),
                    reason: "a complaint".into(),
                    requester: None,
                };
                office.store().place_hold(CLERK, id, request).unwrap();
            }
        }
        office.skip(20);
        office.store().publish().unwrap();
    };
    fill(&office, 100);
    office.reopen();
    let earlier = evidence(&office.root());
    fill(&office, 200);
    // One signature of two: the text that it is about lies in a file.
    let roster = office.store().rules().unwrap().rosters.current().clone();
    let text = roster
        .text()
        .replace("change-delay-hours: 24", "change-delay-hours: 48");
    assert!(office.amend(|_| text, &[0]));
    let _ = office.plan();
    office.store().publish().unwrap();
    office.close();
    assert_eq!(found(&office, &office.root()), Vec::<String>::new());
    (office, earlier)
}

/// Something that somebody does to one thing.
#[derive(Clone, Copy, Debug)]
enum Tamper {
    Flip,
    Cut,
    Remove,
    /// Exchanges it with another of its kind.
    Swap,
    /// Puts its earlier bytes in its place; of a row, another row's.
    Replay,
}

/// So many changes of a larger store, each of one file or row, drawn at random.
pub fn tamper_trial(cases: u32) {
    use Tamper::{Cut, Flip, Remove, Replay, Swap};
    let (office, earlier) = larger();
    let root = office.root();
    let good = evidence(&root);
    let rows = rows(&root);
    let kinds: [Vec<&PathBuf>; 4] = [
        ("ledger", ""),
        ("originals", ".jsonl"),
        ("originals", ""),
        ("renditions", ""),
    ]
    .map(|(folder, ending)| {
        let is_sidecar = |p: &Path| p.display().to_string().ends_with(".jsonl");
        let of = |p: &&PathBuf| {
            p.starts_with(folder) && (folder != "originals" || is_sidecar(p) != ending.is_empty())
        };
        good.keys().filter(of).collect()
    });
    for kind in &kinds {
        assert!(kind.len() > 10, "{kinds:?}");
    }
    let mut runner = TestRunner::deterministic();
    let drawn = (0..5_usize, any::<usize>(), 0..5_usize, any::<usize>());
    let (mut tried, mut told, mut completed) = (0, 0, 0);
    while tried < cases {
        let (kind, n, how, place) = drawn.new_tree(&mut runner).unwrap().current();
        let how = [Flip, Cut, Remove, Swap, Replay][how];
        let (what, undo): (String, Box<dyn Fn()>) = match kinds.get(kind) {
            Some(files) => {
                let path = files[n % files.len()];
                let other = files[place % files.len()];
                let mut bytes = good[path].clone();
                let swapped = match how {
                    Swap => Some(bytes.clone()),
                    _ => None,
                };
                match how {
                    Flip if !bytes.is_empty() => {
                        let place = place % (bytes.len() * 8);
                        bytes[place / 8] ^= 1 << (place % 8);
                    }
                    Cut => bytes.truncate(place % (bytes.len() + 1)),
                    Swap => bytes.clone_from(&good[other]),
                    Replay => bytes.clone_from(earlier.get(path).unwrap_or(&good[path])),
                    _ => {}
                }
                if bytes == good[path] && !matches!(how, Remove) {
                    continue;
                }
                match how {
                    Remove => fs::remove_file(root.join(path)).unwrap(),
                    _ => put(&root.join(path), &bytes),
                }
                if let Some(bytes) = swapped {
                    put(&root.join(other), &bytes);
                }
                (path.display().to_string(), Box::new(|| {}))
            }
            None => {
                let (column, key, value) = &rows[n % rows.len()];
                let (of, _, other) = &rows[place % rows.len()];
                let mut bytes = value.clone();
                match how {
                    Flip if !bytes.is_empty() => {
                        let place = place % (bytes.len() * 8);
                        bytes[place / 8] ^= 1 << (place % 8);
                    }
                    Cut => bytes.truncate(place % (bytes.len() + 1)),
                    Swap | Replay if of == column => bytes.clone_from(other),
                    _ => {}
                }
                // Of another format it is not opened at all.
                if key == b"format" || (bytes == *value && !matches!(how, Remove)) {
                    continue;
                }
                change_rows(&root, |batch| match how {
                    Remove => batch.delete(*column, key.clone()),
                    _ => batch.put(*column, key.clone(), bytes.clone()),
                });
                let undo = || change_rows(&root, |b| b.put(*column, key.clone(), value.clone()));
                let what = format!("{} {}", column.name(), String::from_utf8_lossy(key));
                (what, Box::new(undo))
            }
        };
        tried += 1;
        let said = found(&office, &root);
        if said.is_empty() {
            // What opening completes by itself is no damage, and then it is what it was.
            let now = evidence(&root);
            let differ = good
                .iter()
                .filter(|(path, bytes)| now.get(*path) != Some(bytes));
            let differ: Vec<_> = differ.map(|(path, _)| path.display().to_string()).collect();
            let old = matches!(how, Remove) && differ.iter().all(|path| path.contains(".p/"));
            assert!(
                differ.is_empty() || old,
                "{what}, {how:?}: not found, {differ:?}"
            );
            assert!(
                kind < 4 || self::rows(&root) == rows,
                "{what}, {how:?}: not found"
            );
            completed += 1;
        } else {
            told += 1;
        }
        undo();
        restore(&root, &good);
        if tried % 500 == 0 {
            assert_eq!(
                found(&office, &root),
                Vec::<String>::new(),
                "all is as it was"
            );
        }
    }
    eprintln!(
        "{tried} changes: {told} told, {completed} made good by opening, or of no use any more"
    );
    assert!(completed * 4 < tried);
}

/// Goal: whatever single thing somebody changes in a store of some size is found.
#[test]
fn clause_4_8_2_random_changes_of_a_larger_store_are_found() {
    tamper_trial(120);
}

/// Goal: the index made anew from the ledger is the same, byte for byte; the old one is kept.
#[test]
fn a_rebuilt_index_is_byte_for_byte_the_same() {
    let mut office = lived_in();
    office.close();
    let root = office.root();
    let dump = || {
        let index = Index::open(&root.join("index")).unwrap();
        let mut out = Vec::new();
        index.dump(&mut out).unwrap();
        out
    };
    let before = dump();
    fs::rename(root.join("index"), root.join("lost")).unwrap();
    let rebuilt = store::rebuild(&root).unwrap();
    assert!(rebuilt.events > 10 && rebuilt.erased == 0, "{rebuilt:?}");
    assert!(before == dump(), "the dumps differ");
    store::rebuild(&root).unwrap();
    assert!(root.join("index.old-1").is_dir());
    assert!(before == dump(), "the dumps differ after the second time");
    // Without its details the history stands, and what was personal reads as erased.
    fs::remove_file(root.join("ledger/details.jsonl")).unwrap();
    assert!(store::rebuild(&root).unwrap().erased > 3);
    office.reopen();
    let id = office
        .store()
        .in_state(recvault::recording::State::Kept)
        .unwrap()[0];
    let record = office.store().record(id).unwrap().unwrap();
    assert_eq!(record.name(), b"erased");
}

/// Goal: through the binary: a clean store ends with 0, a changed original with 4 and its id, and
/// a rebuild answers as before.
#[test]
fn check_and_rebuild_through_the_binary() {
    let case = Case::new().fleet(1);
    let _ = case.batch().code(1);
    let before = case.list();
    let _ = case
        .store_command(&["check"])
        .code(0)
        .says("Everything is what the ledger says");
    let _ = case.store_command(&["rebuild"]).code(0).says("made anew");
    assert_eq!(case.list(), before);
    let _ = case.store_command(&["check", "--quick"]).code(0);
    let recording = before.iter().find(|r| r["state"] == "archived").unwrap();
    for path in [
        case.original(recording),
        case.renditions(recording).remove(0),
    ] {
        let good = fs::read(&path).unwrap();
        writable(&path);
        let mut bad = good.clone();
        bad[good.len() / 2] ^= 1;
        fs::write(&path, &bad).unwrap();
        let _ = case
            .store_command(&["check"])
            .code(4)
            .says(recording["id"].as_str().unwrap());
        fs::write(&path, good).unwrap();
    }
    let _ = case.store_command(&["check"]).code(0);
}
