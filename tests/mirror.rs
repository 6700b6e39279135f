//! A second copy of every original, on the mirror: both are read again in turn, a bad one is healed
//! by the good one, and no recorder is called safe to wipe before.

use std::{
    collections::BTreeSet,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use recvault::store::{Store, Tended};
use serde_json::Value;

use crate::{
    case::{Case, Run, copy_dir, files_below},
    office::{IT, Office},
};

/// A store with a mirror beside it, which is laid out.
fn mirrored() -> Case {
    let case = Case::new();
    fs::create_dir(case.beside("mirror")).unwrap();
    let case = configured(case, "mirror");
    let _ = case.store_command(&["mirror", "init"]).code(0);
    case
}

/// Every original has its turn every night.
fn configured(case: Case, mirror: &str) -> Case {
    let path = case.beside(mirror);
    let toml = format!(
        "[inbox]\nsettle_s = 0\n[night]\nfixity_days = 1\n[store]\nmirror = {:?}\n",
        path.to_str().unwrap()
    );
    case.configure(&toml)
}

fn on_mirror(case: &Case, recording: &Value) -> PathBuf {
    let digest = recording["digest"].as_str().unwrap();
    let (a, b) = (&digest[..2], &digest[2..4]);
    case.beside("mirror/originals").join(a).join(b).join(digest)
}

/// Flips one bit in the middle of a file.
fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o400)).unwrap();
}

fn night(case: &Case) -> Run {
    case.store_command(&["batch", "--json"])
}

fn upkeep(run: &Run) -> Value {
    run.json()["summary"]["upkeep"].clone()
}

/// Goal: the night copies what is new and reads back, `check` looks at both copies, and a released
/// source is removed only once both are sound.
#[test]
fn the_night_mirrors_and_check_reads_both_copies() {
    let case = mirrored().file("a.log", "one").file("b.log", "two");
    let run = night(&case).code(0);
    assert_eq!(upkeep(&run)["mirrored"], 2);
    for recording in case.list() {
        assert_eq!(recording["mirrored"], true);
        let mirror = on_mirror(&case, &recording);
        let both = [&mirror, &case.original(&recording)].map(|p| fs::read(p).unwrap());
        assert_eq!(both[0], both[1]);
        let sidecar = format!("{}.jsonl", recording["id"].as_str().unwrap());
        let lines = fs::read_to_string(mirror.with_file_name(sidecar)).unwrap();
        assert!(lines.contains("recording.mirrored"), "{lines}");
    }
    let _ = case
        .store_command(&["check"])
        .code(0)
        .says("4 objects read to their ends");
    let _ = case.store_command(&["mirror", "show"]).code(0).says(
        "It lies on the file system of the originals, and would be lost with them.\nNo original waits",
    );
    flip(&on_mirror(&case, &case.list()[0]));
    let _ = case
        .store_command(&["check"])
        .code(4)
        .says("mirror copy of recording");
}

/// Goal: a flipped bit in either copy of any of 200 originals is found by one cycle and healed.
#[test]
fn a_flipped_bit_in_either_copy_of_any_original_is_healed_within_a_cycle() {
    const ORIGINALS: u32 = 200;
    let mut office = Office::at("2026-01-10T04:00:00Z");
    office.give_a_mirror();
    let admitted: Vec<_> = (0..ORIGINALS)
        .map(|n| {
            let bytes = format!("recording {n}").repeat(100);
            let admitted = office.admit(&format!("{n}.log"), bytes.as_bytes()).unwrap();
            let tended = office.store().mirror(IT, admitted.id).unwrap();
            assert!(matches!(tended, Tended::Mirrored { .. }));
            (admitted, bytes)
        })
        .collect();
    let store = office.store();
    let paths = |n: usize| {
        let digest = &admitted[n].0.digest;
        let vault = store.vault();
        [
            vault.object_path(digest),
            vault.mirror_path(digest).unwrap(),
        ]
    };
    for copy in [0, 1] {
        for n in 0..admitted.len() {
            flip(&paths(n)[copy]);
        }
        let today = office.clock_day();
        let mut repaired = BTreeSet::new();
        let mut turns = 0;
        // Fifteen nights of a cycle of fifteen days; on none of them is there a night's work in all.
        for day in today..today + 15 {
            let turn = store.turn(day, 15).unwrap();
            assert!(turn.len() < admitted.len() / 4, "day {day}: {}", turn.len());
            for (id, _) in turn {
                turns += 1;
                match store.tend(IT, id).unwrap() {
                    Tended::Repaired { .. } => assert!(repaired.insert(id)),
                    other => panic!("{id}: {other:?}"),
                }
            }
        }
        assert_eq!((turns, repaired.len()), (ORIGINALS, ORIGINALS as usize));
        for (n, (_, bytes)) in admitted.iter().enumerate() {
            for path in paths(n) {
                assert_eq!(&fs::read_to_string(path).unwrap(), bytes);
            }
        }
    }
    store.publish().unwrap();
    let checked = store
        .check(recvault::store::Depth::Whole, &|_, _| {})
        .unwrap();
    assert_eq!((checked.wrong, checked.objects), (Vec::new(), 400));
    let said: Vec<String> = (0..store.head().unwrap().0)
        .map(|n| store.event(n).unwrap().unwrap().what.code())
        .filter(|code| code == "recording.repaired")
        .collect();
    assert_eq!(said.len(), 400, "each repair is an event");
}

/// Goal: through the command that IT types: one copy bad is healed and said, both copies bad are said
/// plainly with exit code 4, and nothing is overwritten.
#[test]
fn one_bad_copy_is_healed_and_two_are_said_plainly() {
    let case = mirrored()
        .file("a.log", "the evidence")
        .file("b.log", "more");
    let _ = night(&case).code(0);
    let all = case.list();
    flip(&case.original(&all[0]));
    flip(&on_mirror(&case, &all[1]));
    let run = case.store_command(&["fixity", "--json"]).code(1);
    let found = run.json()["with"]["upkeep"].clone();
    assert_eq!(
        (&found["repaired"], &found["reread"]),
        (&2.into(), &4.into())
    );
    let _ = case.store_command(&["check"]).code(0);

    flip(&case.original(&all[0]));
    flip(&on_mirror(&case, &all[0]));
    let before = [case.original(&all[0]), on_mirror(&case, &all[0])].map(|p| fs::read(p).unwrap());
    let told = case.store_command(&["fixity"]).code(4);
    let told = told.says("has no sound copy, and nothing was overwritten");
    let _ = told.says("look for a third copy");
    let after = [case.original(&all[0]), on_mirror(&case, &all[0])].map(|p| fs::read(p).unwrap());
    assert_eq!(before, after);
    let listed = case.store_command(&["list", "--finding", "vault.damaged", "--ids"]);
    assert_eq!(listed.code(0).out().trim(), all[0]["id"].as_str().unwrap());
}

/// Goal: a mirror that is away costs a word and no more; a stranger's is refused; what waited is
/// copied when the right one is back.
#[test]
fn a_mirror_that_is_away_is_waited_for_and_a_strangers_is_none() {
    let case = mirrored().file("a.log", "one");
    let _ = night(&case).code(0);
    let (here, away) = (case.beside("mirror"), case.beside("away"));
    fs::rename(&here, &away).unwrap();
    let case = case.file("b.log", "two");
    let run = night(&case).code(1).says("holds no mirror");
    let found = upkeep(&run);
    assert_eq!(
        (&found["mirror"], &found["waiting"]),
        (&"away".into(), &1.into())
    );
    let _ = case.store_command(&["check"]).code(1).says("mount it");
    // The originals are read again all the same; a bad one waits for its other copy.
    let recording = case.list().into_iter().find(|r| r["name"] == "a.log");
    let recording = recording.unwrap();
    flip(&case.original(&recording));
    let run = night(&case).code(1).says("and its mirror is not there");
    assert_eq!(upkeep(&run)["damaged"], Value::Array(Vec::new()));
    assert_eq!(upkeep(&run)["reread"], 1, "the other one");

    let other = mirrored();
    copy_dir(&other.beside("mirror"), &here);
    let run = night(&case).code(1).says("the mirror of another store");
    assert_eq!(upkeep(&run)["waiting"], 1);
    assert!(files_below(&here).iter().all(|p| p.ends_with(".mirror")));

    fs::remove_dir_all(&here).unwrap();
    fs::rename(&away, &here).unwrap();
    let run = night(&case).code(0);
    assert_eq!(upkeep(&run)["mirrored"], 1);
    let _ = case
        .store_command(&["check"])
        .code(4)
        .says("original of recording");
    let _ = case.store_command(&["fixity"]).code(1).says("1 repaired");
    let _ = case.store_command(&["check"]).code(0);
}

/// Goal: a released source stays until both copies of it are sound.
#[test]
fn a_released_source_waits_for_both_copies() {
    let case = mirrored();
    let (here, away) = (case.beside("mirror"), case.beside("away"));
    fs::rename(&here, &away).unwrap();
    let case = case.file("a.log", "one");
    let _ = night(&case).code(1);
    let released = case.store().join("inbox/.released");
    let today = fs::read_dir(&released).unwrap().next().unwrap().unwrap();
    fs::rename(today.path(), released.join("2026-01-01")).unwrap();
    let sources = || files_below(&released).len();
    let _ = night(&case).code(1).says("no copy on the mirror yet");
    assert_eq!(sources(), 1);
    fs::rename(&away, &here).unwrap();
    let _ = night(&case).code(0);
    assert_eq!(sources(), 0);
}

/// Goal: of a copy that is made and a disposal at the same instant neither undoes the other: what is
/// disposed of is nowhere, and what is held is everywhere.
#[test]
fn a_copy_made_during_a_disposal_does_not_outlive_it() {
    let mut office = Office::at("2026-01-10T04:00:00Z");
    office.give_a_mirror();
    let admitted: Vec<_> = (0..300)
        .map(|n: u32| {
            let bytes = n.to_be_bytes().repeat(5_000);
            office.admit(&format!("{n}.log"), &bytes).unwrap()
        })
        .collect();
    office.skip(100);
    let plan = office.plan();
    office.approve(&plan).unwrap();
    office.skip(15);
    let store = office.store();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for one in admitted.iter().rev() {
                let _ = store.mirror(IT, one.id).unwrap();
            }
        });
        scope.spawn(|| {
            for one in &admitted {
                let _ = store.tend(IT, one.id).unwrap();
            }
        });
        recvault::disposal::apply(store, IT).unwrap();
    });
    for one in &admitted {
        let path = store.vault().mirror_path(&one.digest).unwrap();
        assert!(
            !office_has(store, &one.digest) && !path.exists(),
            "{}",
            one.id
        );
    }
    store.publish().unwrap();
    let checked = store.check(recvault::store::Depth::Whole, &|_, _| {});
    assert_eq!(checked.unwrap().wrong, Vec::<String>::new());
}

/// Goal: no mirror is laid out inside the store, where it would be taken in as recordings.
#[test]
fn a_mirror_inside_the_store_is_refused() {
    let case = Case::new();
    for inside in ["", "inbox", "originals", "inbox/../renditions"] {
        let case = configured(Case::new(), &format!("store/{inside}"));
        let _ = case
            .store_command(&["mirror", "init"])
            .code(2)
            .says("lies in the store itself");
        // Nothing was laid out there.
        let case = case.configure("[inbox]\nsettle_s = 0\n");
        let _ = case.batch().code(0);
        let _ = case.store_command(&["check"]).code(0);
    }
    let case = configured(case, "nowhere");
    let _ = case
        .store_command(&["mirror", "init"])
        .code(1)
        .says("holds no mirror");
}

/// Goal: where the configuration cannot be read, what keeps is done all the same.
#[test]
fn a_hold_needs_no_configuration() {
    let case = mirrored().file("a.log", "one");
    let _ = night(&case).code(0);
    let id = case.list()[0]["id"].as_str().unwrap().to_owned();
    let case = case.configure("[store\nmirrr = 1");
    let hold = ["hold", "add", &id, "--case", "7", "--reason", "a complaint"];
    let _ = case.store_command(&hold).code(0);
    let _ = case.batch().code(2);
}

/// Goal: no recorder is safe to wipe while a file of it is in one place alone, or might be.
#[test]
fn a_recorder_is_safe_to_wipe_once_everything_of_it_is_there_twice() {
    let name = |device: &str| format!("{device}_1003_20260302_060000_0001.log");
    let safe = |case: &Case| {
        let run = case.store_command(&["safe-to-wipe", "--json"]).code(0);
        let answer = run.json();
        let all = answer["with"]["recorders"].as_array().unwrap().clone();
        let safe = all
            .into_iter()
            .filter(|r| r["but"] == Value::Array(Vec::new()));
        safe.map(|r| r["device"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let case = Case::new().file(&name("BWC-0001"), "one");
    let _ = case.batch().code(0);
    assert_eq!(safe(&case), [""; 0], "one copy is none");
    fs::create_dir(case.beside("mirror")).unwrap();
    let case = configured(case, "mirror");
    let _ = case
        .store_command(&["safe-to-wipe"])
        .code(0)
        .says("holds no mirror");
    let _ = case.store_command(&["mirror", "init"]).code(0);
    assert_eq!(safe(&case), [""; 0], "nothing is mirrored yet");
    let _ = case.batch().code(0);
    assert_eq!(safe(&case), ["BWC-0001"]);
    let _ = case
        .store_command(&["safe-to-wipe"])
        .code(0)
        .says("under the checkpoint over");

    let case = case.file(&name("BWC-0002"), "two");
    assert_eq!(safe(&case), ["BWC-0001"], "the other one's file waits");
    let case = case.file("whose.log", "three");
    assert_eq!(safe(&case), [""; 0], "it could be anybody's");
    let _ = case.batch();
    assert_eq!(safe(&case), ["BWC-0001", "BWC-0002"]);
}

/// Goal: what is disposed of goes from the mirror too; while that is away nothing goes.
#[test]
fn a_disposal_removes_both_copies_or_none() {
    let mut office = Office::at("2026-01-10T04:00:00Z");
    let mirror = office.give_a_mirror();
    let admitted = office.admit("a.log", b"going").unwrap();
    office.store().mirror(IT, admitted.id).unwrap();
    office.skip(100);
    let plan = office.plan();
    office.approve(&plan).unwrap();
    office.skip(15);
    let both = |store: &Store| {
        let path = store.vault().mirror_path(&admitted.digest).unwrap();
        (office_has(store, &admitted.digest), path.exists())
    };
    fs::rename(&mirror, mirror.with_extension("away")).unwrap();
    let applied = recvault::disposal::apply(office.store(), IT).unwrap();
    assert!(applied.gone.is_empty() && applied.kept[0].why.contains("mirror is not there"));
    fs::rename(mirror.with_extension("away"), &mirror).unwrap();
    assert_eq!(both(office.store()), (true, true));

    let applied = recvault::disposal::apply(office.store(), IT).unwrap();
    assert_eq!((applied.gone.len(), applied.certificates), (1, 1));
    assert_eq!(both(office.store()), (false, false));
    let certificate = office
        .root()
        .join(format!("certificates/{}.txt", admitted.id));
    let text = fs::read_to_string(certificate).unwrap();
    assert!(text.contains("mirror copy"), "{text}");
    // Nothing brings it back.
    assert_eq!(
        office.store().mirror(IT, admitted.id).unwrap(),
        Tended::Gone
    );
    assert_eq!(office.store().tend(IT, admitted.id).unwrap(), Tended::Gone);
    assert_eq!(both(office.store()), (false, false));
    // Neither does a store that no longer names its mirror remove half of the next one.
    let next = office.admit("b.log", b"next").unwrap();
    office.store().mirror(IT, next.id).unwrap();
    office.skip(100);
    let plan = office.plan();
    office.approve(&plan).unwrap();
    office.skip(15);
    office.forget_the_mirror();
    let applied = recvault::disposal::apply(office.store(), IT).unwrap();
    assert!(applied.gone.is_empty());
    assert!(office_has(office.store(), &next.digest));
    let wrong = office
        .store()
        .check(recvault::store::Depth::Quick, &|_, _| {});
    assert!(wrong.unwrap().wrong[0].contains("does not name"));
}

fn office_has(store: &Store, digest: &recvault::base::Digest) -> bool {
    store.vault().object_path(digest).exists()
}
