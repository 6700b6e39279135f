//! Killed, or failed, at any point of any step: the same call, made again, does the rest, and a
//! third one finds nothing to do. Each point is also struck in its second, third … pass, until it
//! is passed no more.
//!
//! A point is a matter of the whole process. So the work is done in a process of its own, which
//! is this test binary, told by its environment to do one piece of work.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    os::unix::process::ExitStatusExt,
    process::{Command, ExitStatus, Stdio},
};

use super::{
    keeping::{mirrored_vault_in, snapshot},
    *,
};
use crate::base::killpoint::{self, POINTS};

/// Names the folder in which the child works.
const DIR: &str = "VAULT_KILLS_DIR";
/// Names the work.
const WORK: &str = "VAULT_KILLS_WORK";

/// Passes of one point in one piece of work; more would be a loop that does not end.
const PASSES_MAX: u32 = 20;

const SIGKILL: i32 = 9;

/// One piece of work: what lies there before, and what is done. Both a fresh object and a bad one
/// that is healed, so that the work passes every point of its way.
struct Work {
    name: &'static str,
    points: &'static str,
    prepare: fn(&Vault),
    work: fn(&Vault) -> Result<(), VaultError>,
}

const WORKS: [Work; 6] = [
    Work {
        name: "admit",
        points: "vault.admit.",
        prepare: |vault| {
            put(vault, b"was spoiled");
            spoil(&vault.object_path(&sha256(b"was spoiled")), b"bad");
        },
        work: |vault| {
            for bytes in [&b"new"[..], b"was spoiled"] {
                vault.publish(vault.stage(&source(bytes))?)?;
            }
            Ok(())
        },
    },
    Work {
        name: "derive",
        points: "vault.derive.",
        prepare: |vault| {
            derive(vault, b"was spoiled").unwrap();
            spoil(
                &vault.rendition_path(&sha256(b"was spoiled"), "mkv"),
                b"bad",
            );
        },
        work: |vault| {
            derive(vault, b"new")?;
            derive(vault, b"was spoiled")
        },
    },
    Work {
        name: "mirror",
        points: "vault.mirror.",
        prepare: |vault| {
            put(vault, b"new");
            let digest = put(vault, b"was spoiled").digest();
            vault.mirror(&digest).unwrap();
            spoil(&vault.mirror_path(&digest).unwrap(), b"bad");
        },
        work: |vault| {
            for bytes in [&b"new"[..], b"was spoiled"] {
                vault.mirror(&sha256(bytes))?;
            }
            Ok(())
        },
    },
    Work {
        name: "mirror sidecars",
        points: "vault.sidecar.",
        prepare: |vault| {
            for bytes in [&b"new"[..], b"behind"] {
                let digest = put(vault, bytes).digest();
                vault.append_sidecar_lines(&digest, 0, &[b"0"]).unwrap();
            }
            vault.mirror_sidecar(&sha256(b"behind")).unwrap();
            let digest = sha256(b"behind");
            vault.append_sidecar_lines(&digest, 1, &[b"1"]).unwrap();
        },
        work: |vault| {
            for bytes in [&b"new"[..], b"behind"] {
                vault.mirror_sidecar(&sha256(bytes))?;
            }
            Ok(())
        },
    },
    Work {
        name: "repair",
        points: "vault.repair.",
        prepare: |vault| {
            for bytes in [&b"lost"[..], b"spoiled here", b"spoiled there"] {
                let digest = put(vault, bytes).digest();
                vault.mirror(&digest).unwrap();
            }
            fs::remove_file(vault.object_path(&sha256(b"lost"))).unwrap();
            spoil(&vault.object_path(&sha256(b"spoiled here")), b"bad");
            let there = vault.mirror_path(&sha256(b"spoiled there")).unwrap();
            spoil(&there, b"bad");
        },
        work: |vault| {
            for bytes in [&b"lost"[..], b"spoiled here", b"spoiled there"] {
                vault.repair(&sha256(bytes))?;
            }
            Ok(())
        },
    },
    Work {
        name: "remove",
        points: "vault.remove.",
        prepare: |vault| {
            for bytes in [&b"stays"[..], b"goes"] {
                let digest = put(vault, bytes).digest();
                vault.append_sidecar_lines(&digest, 0, &[b"0"]).unwrap();
                vault.mirror(&digest).unwrap();
                vault.mirror_sidecar(&digest).unwrap();
                spoil(&vault.object_path(&digest), b"bad");
                vault.repair(&digest).unwrap();
                spoil(&vault.mirror_path(&digest).unwrap(), b"bad");
                vault.repair(&digest).unwrap();
            }
            for bytes in [&b"stays, rendition"[..], b"rendition", b"sheet"] {
                derive(vault, bytes).unwrap();
                spoil(&vault.rendition_path(&sha256(bytes), "mkv"), b"bad");
                derive(vault, bytes).unwrap();
            }
        },
        work: |vault| {
            let renditions = [(sha256(b"rendition"), "mkv"), (sha256(b"sheet"), "mkv")];
            vault
                .remove(Doomed::after_tombstone(sha256(b"goes")), &renditions)
                .map(drop)
        },
    },
];

fn derive(vault: &Vault, bytes: &[u8]) -> Result<(), VaultError> {
    let output = vault.stage_output(sha256(bytes).id())?;
    output.file().write_all(bytes).unwrap();
    vault
        .publish_rendition(output, "mkv")
        .map(Linked::committed)
}

/// In memory where that can be: a kill, unlike a power cut, takes nothing that was written, so
/// that waiting for a disk would show nothing more.
fn fresh() -> (TempDir, Vault) {
    mirrored_vault_in(
        tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap()),
    )
}

fn open(dir: &Path) -> Vault {
    Vault::open(&dir.join("store"), Some(&dir.join("mirror"))).unwrap()
}

/// What a store is after recovery: nothing in staging, and nothing that differs from one store
/// to the next.
fn settled(dir: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    open(dir).sweep_staging().unwrap();
    let mut all = snapshot(dir);
    all.retain(|path, _| !path.ends_with(".store") && !path.ends_with(".mirror"));
    all
}

/// The child: does one piece of work with the points armed, when it is told to.
#[test]
fn child() {
    let (Ok(dir), Ok(name)) = (env::var(DIR), env::var(WORK)) else {
        return;
    };
    killpoint::arm();
    let work = WORKS.iter().find(|w| w.name == name).unwrap();
    (work.work)(&open(Path::new(&dir))).unwrap();
}

fn run_child(dir: &Path, work: &Work, points: &str) -> ExitStatus {
    this_test_binary("child")
        .env(DIR, dir)
        .env(WORK, work.name)
        .env("FAILPOINTS", points)
        .status()
        .unwrap()
}

/// This binary, to run one test of this module.
fn this_test_binary(test: &str) -> Command {
    // Its path within the crate is what the test harness knows it by.
    let (_, module) = module_path!().split_once("::").unwrap();
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args([&format!("{module}::{test}"), "--exact", "--test-threads=1"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Strikes one pass of one place of one point; returns whether it was passed at all.
fn strike(work: &Work, place: &str, action: &str, pass: u32, undisturbed: &Undisturbed) -> bool {
    let case = format!("{}: {action} at pass {pass} of {place}", work.name);
    let (dir, vault) = fresh();
    (work.prepare)(&vault);
    drop(vault);
    let points = match pass {
        0 => format!("{place}=return({action})"),
        n => format!("{place}={n}*off->return({action})"),
    };
    let status = run_child(dir.path(), work, &points);
    if status.success() {
        assert!(
            settled(dir.path()) == undisturbed.after,
            "{case}: not struck"
        );
        return false;
    }
    match action {
        "kill" => assert_eq!(status.signal(), Some(SIGKILL), "{case}: {status}"),
        _ => assert_eq!(status.signal(), None, "{case}: {status}"),
    }
    // At no instant may an object be gone that is not being removed, or be another.
    let vault = open(dir.path());
    for digest in &undisturbed.kept {
        assert!(
            vault.copies(digest).unwrap().original.is_sound(),
            "{case}: {digest}"
        );
    }
    (work.work)(&vault).unwrap_or_else(|e| panic!("{case}: {e}"));
    let again = settled(dir.path());
    let names = |s: &BTreeMap<PathBuf, _>| s.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(&again), names(&undisturbed.after), "{case}");
    assert!(again == undisturbed.after, "{case}: other bytes or modes");
    (work.work)(&vault).unwrap_or_else(|e| panic!("{case}, then once more: {e}"));
    assert!(settled(dir.path()) == again, "{case}: doubled");
    true
}

struct Undisturbed {
    after: BTreeMap<PathBuf, (u32, Vec<u8>)>,
    /// Originals that were sound before and after.
    kept: Vec<Digest>,
}

fn undisturbed(work: &Work) -> Undisturbed {
    let (dir, vault) = fresh();
    (work.prepare)(&vault);
    let sound = |d: &Digest| vault.verify_object(d).is_sound();
    let before: Vec<_> = vault.objects().unwrap().into_iter().filter(sound).collect();
    (work.work)(&vault).unwrap();
    Undisturbed {
        after: settled(dir.path()),
        kept: before.into_iter().filter(sound).collect(),
    }
}

/// Strikes every pass of every point of one piece of work, before and behind its step.
fn strike_everywhere(name: &str) {
    let work = WORKS.iter().find(|w| w.name == name).unwrap();
    let undisturbed = undisturbed(work);
    let mut struck = 0_u32;
    for (point, step) in POINTS.iter().filter(|(p, _)| p.starts_with(work.points)) {
        for place in [(*point).to_owned(), format!("{point}.done")] {
            for action in ["kill", "fail"] {
                let mut pass = 0;
                while strike(work, &place, action, pass, &undisturbed) {
                    struck += 1;
                    pass += 1;
                    assert!(pass < PASSES_MAX, "{place} is passed without end");
                }
                assert!(
                    pass > 0,
                    "{place} ({step}) is in POINTS and is never passed"
                );
            }
        }
    }
    assert!(struck > 0, "{} has no points", work.points);
}

#[test]
fn an_admission_struck_anywhere_is_completed() {
    strike_everywhere("admit");
}

#[test]
fn a_rendition_struck_anywhere_is_completed() {
    strike_everywhere("derive");
}

#[test]
fn a_mirroring_struck_anywhere_is_completed() {
    strike_everywhere("mirror");
}

#[test]
fn a_mirroring_of_sidecars_struck_anywhere_is_completed() {
    strike_everywhere("mirror sidecars");
}

#[test]
fn a_repair_struck_anywhere_is_completed() {
    strike_everywhere("repair");
}

#[test]
fn a_removal_struck_anywhere_is_completed() {
    strike_everywhere("remove");
}

/// No point of the vault is left out above.
#[test]
fn every_point_of_the_vault_belongs_to_one_piece_of_work() {
    for (point, _) in POINTS.iter().filter(|(p, _)| p.starts_with("vault.")) {
        let works = WORKS.iter().filter(|w| point.starts_with(w.points));
        assert_eq!(works.count(), 1, "{point}");
    }
}

/// The child of the test below: between writing and reading back, the disk changes a byte.
#[test]
fn child_with_a_lying_disk() {
    let Ok(dir) = env::var(DIR) else { return };
    if env::var(WORK).is_ok() {
        return;
    }
    let dir = Path::new(&dir);
    let vault = open(dir);
    let digest = put(&vault, b"evidence").digest();
    let lie = |point: &str, of: PathBuf| {
        fail::cfg_callback(point, move || {
            let files = if of.is_dir() {
                let entries = fs::read_dir(&of).unwrap();
                entries.map(|e| e.unwrap().path()).collect()
            } else {
                vec![of.clone()]
            };
            assert_eq!(files.len(), 1, "{}", of.display());
            spoil(&files[0], b"evidencE");
        })
        .unwrap();
    };
    lie("vault.admit.reread", dir.join("store/originals/.staging"));
    let staged = vault.stage(&source(b"evidence"));
    assert!(matches!(
        staged,
        Err(VaultError::CopyDiffers { chunk: 0, .. })
    ));

    let staging = dir.join("mirror/originals/.staging");
    lie("vault.mirror.reread", staging.clone());
    let mirrored = vault.mirror(&digest);
    assert!(matches!(mirrored, Err(VaultError::CopyDiffers { .. })));
    assert_eq!(vault.copies(&digest).unwrap().mirror, Some(Fixity::Missing));

    lie("vault.repair.reread", staging);
    let repaired = vault.repair(&digest);
    assert!(matches!(repaired, Err(VaultError::CopyDiffers { .. })));
    fail::remove("vault.repair.reread");
    lie("vault.repair.verify", vault.mirror_path(&digest).unwrap());
    let repaired = vault.repair(&digest);
    assert!(matches!(repaired, Err(VaultError::Unsound { .. })));
    fs::write(dir.join("done"), b"").unwrap();
}

/// A disk that gives back other bytes than were written to it is found out on every way, and
/// what it gave back gets no name.
#[test]
fn a_disk_that_lies_is_found_out() {
    let (dir, _vault) = fresh();
    let child = this_test_binary("child_with_a_lying_disk")
        .env(DIR, dir.path())
        .env_remove(WORK)
        .status()
        .unwrap();
    assert!(child.success(), "{child}");
    assert!(dir.path().join("done").exists(), "the child did its work");
}
