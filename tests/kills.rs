//! Killed, or failed, at any step of Admit, Derive and Dispose: the next run finishes the work,
//! nothing is lost or doubled, everything checks, and a run after that finds nothing to do. Each
//! point is struck in its first, second, third … pass, before its step and behind it, until it is
//! passed no more. Only with the feature `failpoints`, which no shipped program has.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use recvault::{
    base::{Clock, RecordingId, killpoint},
    disposal::{self, Applied},
    recording::State,
    store::{Depth, Store},
};

use crate::{
    case::{Case, copy_dir, files_below, sha256},
    office::{CLERK, HandClock, IT, Office},
};

/// Passes of one point in one run; more would be a loop that does not end.
const PASSES_MAX: u32 = 20;

/// Points that only a damaged object or a mirror leads over: `vault::tests::kills` strikes them.
const VAULT_ALONE: &[&str] = &[
    "vault.admit.aside",
    "vault.admit.heal",
    "vault.mirror.aside",
    "vault.mirror.heal",
    "vault.derive.aside",
    "vault.derive.heal",
    "vault.remove.mirror",
    "vault.remove.mirror_folder",
    "vault.remove.aside",
];

/// What each trial passes, by the beginnings of the points' names.
const ADMIT: &[&str] = &["intake.admit.", "intake.release.", "vault.admit.", "store."];
const DERIVE: &[&str] = &["intake.derive.", "vault.derive.", "store."];
const MIRROR: &[&str] = &["vault.mirror.", "vault.sidecar.", "store.commit.batch"];
const REGAIN: &[&str] = &["store."];
const DISPOSE: &[&str] = &["vault.remove.", "disposal.", "store."];
const EXPORT: &[&str] = &["export.", "store.commit.", "store.publish."];

/// Points that a recording without a picture does not pass, and a part of one with a picture does.
const COPY: &[&str] = &["export.copy", "export.excerpt"];

/// Points that are passed only once a witness has been there.
const WITNESSED: &[&str] = &["export.witnessed"];

/// Strikes every pass of every one of these points. `strike` is told what to arm and what to call
/// it, does the work, judges what the next runs make of it, and says whether it was killed.
fn strike_everywhere(beginnings: &[&str], strike: impl Fn(&str, &str) -> bool) {
    let mut struck = 0;
    for (point, step) in killpoint::POINTS {
        if !beginnings.iter().any(|b| point.starts_with(b)) || VAULT_ALONE.contains(point) {
            continue;
        }
        for place in [(*point).to_owned(), format!("{point}.done")] {
            let armed = |pass: u32, action: &str| match pass {
                0 => format!("{place}=return({action})"),
                n => format!("{place}={n}*off->return({action})"),
            };
            let mut passes = 0;
            while strike(
                &armed(passes, "kill"),
                &format!("killed at {passes} of {place}"),
            ) {
                passes += 1;
                assert!(passes < PASSES_MAX, "{place} is passed without end");
            }
            assert!(passes > 0, "{place} ({step}) is never passed");
            for pass in 0..passes {
                let killed = strike(
                    &armed(pass, "fail"),
                    &format!("failed at {pass} of {place}"),
                );
                assert!(!killed, "{place} was to fail");
            }
            struck += 2 * passes;
        }
    }
    eprintln!("{struck} strikes");
}

/// What a store has come to, told by what must be the same however often it was struck.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    /// By digest: state, sightings, renditions.
    recordings: BTreeMap<String, (String, usize, usize)>,
    /// Names below the vault: originals by digest, sidecars, and how many renditions.
    originals: BTreeSet<PathBuf>,
    renditions: usize,
    /// Names on the mirror, which no store but this trial's have.
    mirror: BTreeSet<PathBuf>,
    /// Names of sources in the inbox, those released included.
    sources: BTreeSet<String>,
}

fn outcome(case: &Case) -> Outcome {
    let mut recordings = BTreeMap::new();
    for recording in case.list() {
        let many = |field: &str| recording[field].as_array().unwrap().len();
        let sidecar = case
            .original(&recording)
            .with_file_name(format!("{}.jsonl", recording["id"].as_str().unwrap()));
        let lines = fs::read_to_string(sidecar).unwrap().lines().count();
        assert_eq!(lines as u64, recording["events"].as_u64().unwrap());
        let digest = recording["digest"].as_str().unwrap().to_owned();
        let state = recording["state"].as_str().unwrap().to_owned();
        let before = recordings.insert(digest, (state, many("sightings"), many("renditions")));
        assert_eq!(before, None, "a recording is listed twice");
    }
    let name = |p: PathBuf| p.file_name().unwrap().to_str().unwrap().to_owned();
    Outcome {
        recordings,
        originals: case
            .files_below("originals")
            .into_iter()
            .map(|p| p.strip_prefix(case.store()).unwrap().to_owned())
            .collect(),
        renditions: case.files_below("renditions").len(),
        mirror: files_below(&case.beside("mirror"))
            .into_iter()
            .map(|p| p.strip_prefix(case.beside("mirror")).unwrap().to_owned())
            .collect(),
        sources: case.files_below("inbox").into_iter().map(name).collect(),
    }
}

/// Strikes the night of copies of one store.
fn strike_nights(beginnings: &[&str], template: &Case) {
    let bytes_of = |case: &Case| -> BTreeSet<String> {
        let vaulted = case.files_below("originals").into_iter();
        let vaulted = vaulted.filter(|p| p.extension().is_none());
        let all = vaulted.chain(case.files_below("inbox"));
        all.map(|p| sha256(fs::read(p).unwrap())).collect()
    };
    let went_in = bytes_of(template);
    let calm = template.copied();
    let _ = calm.batch().code(0);
    let expected = outcome(&calm);
    strike_everywhere(beginnings, |points, what| {
        let case = template.copied();
        let struck = case.struck(&["batch"], points).says_not("panicked");
        let killed = struck.ended().is_none();
        assert!(bytes_of(&case).is_superset(&went_in), "{what}: lost");
        let again = case.batch();
        assert_eq!(again.ended(), Some(0), "{what}: {}", again.told());
        assert_eq!(outcome(&case), expected, "{what}");
        let check = case.store_command(&["check"]);
        assert_eq!(check.ended(), Some(0), "{what}: {}", check.told());
        let before = case.events().len();
        let _ = case.batch().code(0).says_not("was cut off");
        assert_eq!(outcome(&case), expected, "{what}, and a night more");
        // A look at the clock, and a night that begins and ends.
        assert_eq!(case.events().len(), before + 3, "{what}, and a night more");
        killed
    });
}

/// Goal: a night takes one file in and removes the source of another.
#[test]
fn an_admission_struck_anywhere_is_completed() {
    let case = Case::new().file("earlier.log", "of another day");
    let _ = case.batch().code(0);
    let released = case.store().join("inbox/.released");
    let today = fs::read_dir(&released).unwrap().next().unwrap().unwrap();
    fs::rename(today.path(), released.join("2026-01-01")).unwrap();
    strike_nights(ADMIT, &case.file("new.log", "of today"));
}

/// Goal: a night looks at a recording that waits since a night that was killed.
#[test]
fn a_rendition_struck_anywhere_is_completed() {
    let case = Case::new();
    let inbox = case.store().join("inbox");
    let clip = ["generate", "clips", inbox.to_str().unwrap(), "--count", "1"];
    let _ = case
        .command(&[&clip[..], &["--seconds", "1"]].concat())
        .code(0);
    let killed = case.struck(&["batch"], "intake.derive.work=return(kill)");
    assert_eq!(killed.ended(), None);
    strike_nights(DERIVE, &case);
}

/// Goal: a night puts what it takes in on the mirror, and what an earlier night without one left.
#[test]
fn a_mirroring_struck_anywhere_is_completed() {
    let case = Case::new().file("earlier.log", "of another day");
    let _ = case.batch().code(0);
    fs::create_dir(case.beside("mirror")).unwrap();
    let case = case.configure("[inbox]\nsettle_s = 0\n[store]\nmirror = \"../mirror\"\n");
    let _ = case.store_command(&["mirror", "init"]).code(0);
    strike_nights(MIRROR, &case.file("new.log", "of today"));
}

/// Goal: the making of a new ledger out of sidecars is begun anew by the next call, from what the
/// first one saved.
#[test]
fn a_store_made_anew_struck_anywhere_is_made_anew() {
    let case = Case::with_approvers()
        .file("a.log", "one")
        .file("b.log", "two");
    let _ = case.batch().code(0);
    let id = case.list()[0]["id"].as_str().unwrap().to_owned();
    let classify = ["classify", &id, "--clause", "4.6.2"];
    let _ = case.store_command(&classify).code(0);
    let lost = case.list().pop().unwrap();
    let sidecar = format!("{}.jsonl", lost["id"].as_str().unwrap());
    fs::remove_file(case.original(&lost).with_file_name(sidecar)).unwrap();
    for part in ["ledger", "index"] {
        fs::remove_dir_all(case.store().join(part)).unwrap();
    }
    let keys = ["approver-1.pub", "approver-2.pub"].map(|k| case.beside(k));
    let keys = keys.each_ref().map(|k| k.to_str().unwrap());
    let args = [
        &["rebuild", "--without-ledger", "--approver-key"][..],
        &keys,
    ]
    .concat();
    strike_everywhere(REGAIN, |points, what| {
        let case = case.copied();
        let struck = case.struck(&args, points).says_not("panicked");
        let killed = struck.ended().is_none();
        let again = case.store_command(&args);
        // Struck at its very end, there is nothing left to do.
        assert!(
            matches!(again.ended(), Some(1 | 3)),
            "{what}: {}",
            again.told()
        );
        let all = case.list();
        assert_eq!(all.len(), 2, "{what}");
        for recording in &all {
            let id = recording["id"].as_str().unwrap();
            let why = case.store_command(&["why", id]).code(0);
            let _ = why.says("Hold 1 for case rebuild");
        }
        let why = case.store_command(&["why", &id]).code(0);
        let _ = why.says("4.6.2").says_not("Hold 2");
        let check = case.store_command(&["check"]);
        assert_eq!(check.ended(), Some(0), "{what}: {}", check.told());
        killed
    });
}

const ROOT: &str = "KILLS_ROOT";
const NOW: &str = "KILLS_NOW";

/// The child of the trial below: carries out the plan, with the points armed.
#[test]
fn child() {
    let (Ok(root), Ok(now)) = (env::var(ROOT), env::var(NOW)) else {
        return;
    };
    killpoint::arm();
    let clock = Arc::new(HandClock::default());
    clock.pass(now.parse().unwrap());
    let store = Store::open(Path::new(&root), clock).unwrap();
    disposal::apply(&store, IT).unwrap();
}

/// Runs the child on the store at `root`; whether it was killed.
fn apply_struck(root: &Path, now: i64, points: &str) -> bool {
    let status = Command::new(env::current_exe().unwrap())
        .args(["kills::child", "--exact", "--test-threads=1"])
        .env(ROOT, root)
        .env(NOW, now.to_string())
        .env("FAILPOINTS", points)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    status.signal().is_some()
}

/// Goal: an approved plan is carried out, over an original with a rendition; one that is on hold
/// stays.
#[test]
fn a_disposal_struck_anywhere_is_completed() {
    let mut office = Office::at("2026-01-10T04:00:00Z");
    let goes = office.admit("a.log", b"goes").unwrap().id;
    office.give_a_rendition(goes, b"made of it", 0).unwrap();
    let stays = office.admit("b.log", b"stays").unwrap().id;
    office.skip(100);
    let plan = office.plan();
    assert_eq!(plan.items().len(), 2);
    office.approve(&plan).unwrap();
    office.skip(15);
    let hold = crate::disposal::hold("2026-7");
    office.store().place_hold(CLERK, stays, hold).unwrap();
    let now = office.clock.now().as_ms();
    office.close();
    strike_everywhere(DISPOSE, |points, what| {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("store");
        copy_dir(&office.root(), &root);
        let killed = apply_struck(&root, now, points);
        let open = || Store::open(&root, office.clock.clone()).unwrap();
        let is_there = |store: &Store, id: RecordingId| {
            let record = store.record(id).unwrap().unwrap();
            let there = store.vault().object_path(&record.digest).exists();
            (there, record.state)
        };
        let renditions = || files_below(&root.join("renditions")).len();
        {
            let store = open();
            // Nothing goes before the ledger says so, and nothing is said to be gone before it is.
            match is_there(&store, goes) {
                (there, State::Kept) => assert_eq!((there, renditions()), (true, 1), "{what}"),
                (there, State::Disposed) => assert_eq!((there, renditions()), (false, 0), "{what}"),
                (_, state) => assert_eq!(state, State::Disposing, "{what}"),
            }
            disposal::apply(&store, IT).unwrap_or_else(|e| panic!("{what}: {e}"));
        }
        let store = open();
        assert_eq!(is_there(&store, goes), (false, State::Disposed), "{what}");
        assert_eq!(renditions(), 0, "{what}");
        assert_eq!(is_there(&store, stays), (true, State::Kept), "{what}");
        let names: BTreeSet<String> = ["event", "json", "proof", "txt"]
            .map(|ending| format!("{goes}.{ending}"))
            .into();
        let written: BTreeSet<String> = files_below(&root.join("certificates"))
            .iter()
            .map(|p| p.file_name().unwrap().to_str().unwrap().to_owned())
            .collect();
        assert_eq!(written, names, "{what}");
        let checked = store.check(Depth::Whole, &|_, _| {}).unwrap();
        assert_eq!(checked.wrong, Vec::<String>::new(), "{what}");
        // A second recovery is a no-op, and so is a second run.
        let head = store.head().unwrap();
        let applied = disposal::apply(&store, IT).unwrap();
        let gone = (applied.gone.len(), applied.finished, applied.certificates);
        assert_eq!(gone, Default::default(), "{what}, and a run more");
        assert_eq!(
            applied.kept.len(),
            Applied::default().kept.len() + 1,
            "{what}"
        );
        assert_eq!(store.head().unwrap(), head, "{what}, and a run more");
        killed
    });
}

/// No point of the program is left out above and in the vault's own trial.
#[test]
fn every_point_belongs_to_a_trial() {
    for (point, _) in killpoint::POINTS {
        let ours = [ADMIT, DERIVE, DISPOSE, EXPORT].concat();
        let ours = ours.iter().any(|b| point.starts_with(b));
        assert!(ours || point.starts_with("vault."), "{point}");
    }
}

/// Asks for the only recording of a store, original and all, and has it approved.
fn approved(case: &Case, part: &[&str]) -> String {
    let id = case.list()[0]["id"].as_str().unwrap().to_owned();
    let ask = ["request", "--recording", &id, "--form", "original"];
    let why = ["--purpose", "a case", "--recipient", "the court", "--json"];
    let asked = case
        .store_command(&[&ask[..], &why, part].concat())
        .code(0)
        .json();
    let request = asked["with"]["accesses"][0]["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    let key = case.beside("approver-1");
    let approve = ["approve", &request, "--key", key.to_str().unwrap()];
    let _ = case.store_command(&approve).code(0);
    request
}

/// Strikes the export of copies of one store.
fn strike_exports(beginnings: &[&str], template: &Case, request: &str) {
    strike_everywhere(beginnings, |points, what| {
        let case = template.copied();
        let to = case.beside("out");
        fs::create_dir(&to).unwrap();
        let args = ["export", request, "--to", to.to_str().unwrap()];
        let struck = case.struck(&args, points).says_not("panicked");
        let killed = struck.ended().is_none();
        let uses = |case: &Case| {
            let shown = case.store_command(&["requests", request, "--json"]).code(0);
            shown.json()["with"]["accesses"][0]["uses"].clone()
        };
        // A package under its name has its outcome in the ledger.
        let named = |hidden: bool| {
            let entries = fs::read_dir(&to).unwrap().map(|e| e.unwrap().file_name());
            let mut names = entries.map(|n| n.into_string().unwrap());
            names.any(|n| {
                n.starts_with('.') == hidden && !n.contains(".event") && !n.contains(".proof")
            })
        };
        if named(false) {
            assert_eq!(uses(&case)[0]["outcome"]["outcome"], "packaged", "{what}");
        }
        let again = case.store_command(&args);
        // Struck behind its last step, there is nothing left to do.
        assert!(
            matches!(again.ended(), Some(0 | 3)),
            "{what}: {}",
            again.told()
        );
        assert!(named(false) && !named(true), "{what}");
        let all = uses(&case);
        assert_eq!(all.as_array().unwrap().len(), 1, "{what}: spent twice");
        assert_eq!(all[0]["outcome"]["outcome"], "packaged", "{what}");
        let name = format!("recvault-{}", all[0]["id"].as_str().unwrap());
        let package = to.join(name);
        let verified = case.command(&["verify", package.to_str().unwrap()]);
        assert_eq!(verified.ended(), Some(0), "{what}: {}", verified.told());
        let _ = case.store_command(&args).code(3).says("is used up");
        let check = case.store_command(&["check"]);
        assert_eq!(check.ended(), Some(0), "{what}: {}", check.told());
        killed
    });
}

/// Goal: an export is begun anew or finished by the same command, spends one use and no other, and no
/// package stands under its name without its outcome.
#[test]
fn an_export_struck_anywhere_is_completed_and_spends_one_use() {
    let case = Case::with_approvers().file("a.log", "what somebody wrote");
    let _ = case.batch().code(0);
    let request = approved(&case, &[]);
    let without_copy: Vec<&str> = killpoint::POINTS
        .iter()
        .map(|(point, _)| *point)
        .filter(|point| EXPORT.iter().any(|b| point.starts_with(b)))
        .filter(|point| !COPY.contains(point) && !WITNESSED.contains(point))
        .filter(|point| *point != "store.commit.sidecar")
        .collect();
    strike_exports(&without_copy, &case, &request);
}

/// Goal: the same where a marked copy is made, and an excerpt of the original.
#[test]
fn an_export_struck_behind_its_copy_is_completed() {
    let case = Case::with_approvers();
    let inbox = case.store().join("inbox");
    let clip = ["generate", "clips", inbox.to_str().unwrap(), "--count", "1"];
    let _ = case
        .command(&[&clip[..], &["--seconds", "1"]].concat())
        .code(0);
    let _ = case.batch();
    let request = approved(&case, &["--from", "0", "--to", "1"]);
    strike_exports(COPY, &case, &request);
}

/// Goal: what a witness has seen lies beside a package whole or not at all, and comes by the same
/// command.
#[test]
fn proofs_of_a_witness_struck_anywhere_are_laid_whole() {
    let case = Case::with_approvers().file("a.log", "what somebody wrote");
    let _ = case.batch().code(0);
    let request = approved(&case, &[]);
    let made = case.beside("made");
    fs::create_dir(&made).unwrap();
    let _ = case
        .store_command(&["export", &request, "--to", made.to_str().unwrap()])
        .code(0)
        .says("No witness has seen it");
    crate::ledger::cosigned_by_a_witness(&case);
    strike_everywhere(WITNESSED, |points, what| {
        let case = case.copied();
        let to = case.beside("out");
        crate::case::copy_dir(&made, &to);
        let args = ["export", &request, "--to", to.to_str().unwrap()];
        let killed = case.struck(&args, points).ended().is_none();
        let proofs = || {
            let below = files_below(&to).into_iter();
            let folder = |f: &PathBuf| f.parent().unwrap().to_string_lossy().into_owned();
            below.filter(|f| folder(f).ends_with(".witnessed")).count()
        };
        assert!(matches!(proofs(), 0 | 4), "{what}: {}", proofs());
        let again = case.store_command(&args);
        assert!(
            matches!(again.ended(), Some(0 | 3)),
            "{what}: {}",
            again.told()
        );
        assert_eq!(proofs(), 4, "{what}");
        let rest = files_below(&to)
            .into_iter()
            .filter(|f| f.to_string_lossy().contains(".part"));
        assert_eq!(rest.count(), 0, "{what}");
        killed
    });
}
