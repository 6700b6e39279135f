//! A package in the hands of somebody who knows the office's log from elsewhere: its key, the digest
//! of its genesis roster, a witness. Every byte of it counts.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use jiff::tz::TimeZone;
use recvault::{
    base::Clock,
    custody::{Kind, Target, request::Form},
    export::{self, ExportError, ExportSettings, Exported, Known, Rank},
    media::{band::BandMode, checks::CheckSettings, profile::Shelf, worker::Launch},
    proof::{Algorithm, NoteKey},
    store::{AccessWish, RecordingWish},
};

use crate::{
    case::files_below,
    office::{CLERK, IT, Office},
    signing::cosign,
};

const NOW: &str = "2026-03-01T01:00:00Z";

fn settings() -> ExportSettings {
    let shelf = Shelf::open(None).unwrap();
    let plan = shelf.get("export-h264-mp4").unwrap();
    ExportSettings {
        office: "office".into(),
        zone: TimeZone::UTC,
        plan: plan.plan(&BTreeMap::new(), None).unwrap(),
        mode: BandMode::Above,
        font: PathBuf::new(),
        font_index: 0,
        checks: CheckSettings::default(),
        // What these packages hold needs no worker.
        launch: Launch::new(PathBuf::new(), PathBuf::new()),
    }
}

/// Asks for a recording of no media, approves and exports it; gives back the package's folder.
fn package(office: &Office, approver: usize, to: &Path) -> (PathBuf, Exported) {
    let store = office.store();
    let id = office.admit("a.log", b"evidence").unwrap().id;
    let wish = AccessWish {
        recordings: vec![RecordingWish::whole(id)],
        form: Form::Original,
        purpose: "case 2026-117".into(),
        recipient: "East precinct".into(),
        days: 7,
        uses: 1,
    };
    let access = store.request_access(CLERK, wish).unwrap();
    let target = Target::Digest(access.digest);
    let agreed = office.agree(Kind::Approval, target, &[], &[approver]);
    assert!(!agreed.unwrap().waits);
    let by = rustix::process::geteuid().as_raw();
    let spent = store
        .spend_access(by, access.digest, false, vec![])
        .unwrap();
    let made = export::run(store, &settings(), by, &spent, to, &mut |_, _| {}).unwrap();
    (to.join(&made.name), made)
}

/// What the same command does once more.
fn finish(office: &Office, to: &Path) -> Result<Option<Exported>, ExportError> {
    let by = rustix::process::geteuid().as_raw();
    let access = office.store().accesses().unwrap().pop().unwrap();
    export::finish(office.store(), &access, by, &[], to)
}

/// The witness's turn: it cosigns what is published.
fn witness(office: &Office) -> NoteKey {
    let key = NoteKey::from_seed("market-management", Algorithm::Cosignature, &[9; 32]).unwrap();
    let _ = cosign(office, &key, office.clock.now()).unwrap();
    key
}

fn known(office: &Office, witness: &NoteKey) -> Known {
    Known {
        log: Some(office.store().log().clone()),
        roster: Some(office.store().rules().unwrap().rosters.log()),
        witness: Some(witness.verifier()),
    }
}

fn rank(package: &Path, known: &Known) -> Rank {
    let verdict = export::verify(package, known);
    assert_eq!(verdict.rank == Rank::Invalid, !verdict.wrong.is_empty());
    verdict.rank
}

/// Goal: valid at once; trusted once a witness has seen the outcome in the log, by whoever knows key,
/// roster and witness, and by nobody who knows less.
#[test]
fn a_package_is_trusted_once_a_witness_has_seen_it() {
    let office = Office::at(NOW);
    let to = tempfile::tempdir().unwrap();
    let (package, made) = package(&office, 0, to.path());
    assert!(!made.witnessed);
    let key = NoteKey::from_seed("market-management", Algorithm::Cosignature, &[9; 32]).unwrap();
    let all = known(&office, &key);
    assert_eq!(rank(&package, &all), Rank::Valid);
    assert_eq!(finish(&office, to.path()).unwrap(), None, "nothing to add");
    // The log goes on, the witness comes, the log goes on again.
    let _ = office.admit("b.log", b"other").unwrap();
    let _ = witness(&office);
    let _ = office.admit("c.log", b"another").unwrap();
    office.store().publish().unwrap();
    assert_eq!(
        rank(&package, &all),
        Rank::Valid,
        "its proofs are the old ones"
    );
    let again = finish(&office, to.path()).unwrap().unwrap();
    assert!(again.witnessed);
    assert_eq!(again.tag_manifest, made.tag_manifest);
    assert_eq!(finish(&office, to.path()).unwrap(), None, "nothing to add");
    assert_eq!(rank(&package, &all), Rank::Trusted);
    for less in [
        Known {
            log: None,
            ..all.clone()
        },
        Known {
            roster: None,
            ..all.clone()
        },
        Known {
            witness: None,
            ..all.clone()
        },
    ] {
        assert_eq!(rank(&package, &less), Rank::Valid);
    }
    // Another witness has not seen it, and another office is not this one.
    let stranger = NoteKey::from_seed("elsewhere", Algorithm::Cosignature, &[8; 32]).unwrap();
    assert_eq!(rank(&package, &known(&office, &stranger)), Rank::Valid);
    let other = Office::with_uids(NOW, [Some(1), Some(2)]);
    let elsewhere = Known {
        roster: known(&other, &key).roster,
        ..all.clone()
    };
    assert_eq!(rank(&package, &elsewhere), Rank::Invalid);
    // One proof that the witness has not seen is one too many.
    let folder = to.path().join(format!("{}.witnessed", made.name));
    fs::remove_file(folder.join("approval.proof")).unwrap();
    assert_eq!(rank(&package, &all), Rank::Valid);
}

/// Goal: where the roster was changed, whoever checks follows every change from the genesis roster on,
/// and a change that nobody could make is found.
#[test]
fn a_changed_roster_is_followed_from_the_genesis_on() {
    let office = Office::at(NOW);
    let seen = office.store().head().unwrap().0 - 1;
    let key = crate::office::Signatory::new(9, "clerk").line();
    let key = key.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let clerk =
        format!("\nperson: clerk\nrole: general_affairs\nuid: {CLERK}\nkey: {key} added {seen}\n");
    assert!(!office.amend(|text| text + &clerk, &[0, 1]));
    office.days(3);
    office.store().settle_roster(IT).unwrap();
    office.revoke(0, 1);
    let to = tempfile::tempdir().unwrap();
    let (package, made) = package(&office, 1, to.path());
    let key = witness(&office);
    let _ = finish(&office, to.path()).unwrap().unwrap();
    let all = known(&office, &key);
    let verdict = export::verify(&package, &all);
    assert_eq!((verdict.rank, &verdict.wrong), (Rank::Trusted, &vec![]));
    assert!(verdict.holds.iter().any(|s| s.contains("rosters before")));
    let names: Vec<String> = files_below(&package.join("proof"))
        .iter()
        .map(|f| f.file_name().unwrap().to_string_lossy().into_owned())
        .filter(|name| name.starts_with("roster-") && name.ends_with(".event"))
        .collect();
    // Agreed on and proposed, took force; agreed on and revoked.
    assert_eq!(names.len(), 5, "{names:?}");
    // Without one of the changes the rest comes to something else. The manifests are made to fit, and
    // the outcome is not looked at first: what is wrong is said of the roster.
    for gone in ["roster-5", "roster-2"] {
        let copy = to.path().join(format!("without-{gone}"));
        copy_all(&package, &copy, &files_below(&package));
        for ending in ["event", "proof"] {
            fs::remove_file(copy.join(format!("proof/{gone}.{ending}"))).unwrap();
        }
        make_manifests_anew(&copy);
        for ending in ["event", "proof"] {
            let beside = to.path().join(format!("{}.{ending}", made.name));
            fs::copy(beside, to.path().join(format!("without-{gone}.{ending}"))).unwrap();
        }
        let wrong = export::verify(&copy, &all).wrong.join("; ");
        assert!(wrong.contains("roster"), "{gone}: {wrong}");
    }
}

fn copy_all(from: &Path, to: &Path, files: &[PathBuf]) {
    for file in files {
        let place = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::copy(file, place).unwrap();
    }
}

/// As whoever changed a package would.
fn make_manifests_anew(package: &Path) {
    for manifest in ["manifest-sha256.txt", "tagmanifest-sha256.txt"] {
        let path = package.join(manifest);
        let text = fs::read_to_string(&path).unwrap();
        let names = text.lines().map(|line| line.split_once("  ").unwrap().1);
        let there = names.filter(|name| package.join(name).exists());
        let line = |name: &str| {
            let bytes = fs::read(package.join(name)).unwrap();
            format!("{}  {name}\n", crate::case::sha256(bytes))
        };
        fs::write(&path, there.map(line).collect::<String>()).unwrap();
    }
}

/// Goal: whatever bit of whatever byte is changed, in the package or beside it, `verify` finds it.
#[test]
fn every_byte_of_a_package_counts() {
    let office = Office::at(NOW);
    let to = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let to = to.unwrap();
    let (package, made) = package(&office, 0, to.path());
    let key = witness(&office);
    let _ = finish(&office, to.path()).unwrap().unwrap();
    let all = known(&office, &key);
    assert_eq!(rank(&package, &all), Rank::Trusted);
    let files: Vec<PathBuf> = files_below(to.path());
    // The script and what only explains are under the manifests as everything else: a few of theirs.
    let step = |file: &Path| {
        let explains = ["verify.py", "index.html", "receipt.txt", "VERIFY.txt"];
        let explains = explains.iter().any(|name| file.ends_with(name));
        if explains { 97 } else { 1 }
    };
    let hands = 2;
    thread::scope(|scope| {
        for hand in 0..hands {
            let (files, all, made) = (&files, &all, &made);
            let copy = to.path().join(format!("hand-{hand}"));
            copy_all(to.path(), &copy, files);
            let root = to.path();
            scope.spawn(move || {
                let package = copy.join(&made.name);
                let mut flips = 0;
                for file in files {
                    let file_there = copy.join(file.strip_prefix(root).unwrap());
                    let good = fs::read(&file_there).unwrap();
                    for at in (hand..good.len()).step_by(hands * step(file)) {
                        let mut bad = good.clone();
                        bad[at] ^= 1 << (at % 8);
                        fs::write(&file_there, &bad).unwrap();
                        let rank = export::verify(&package, all).rank;
                        // Where a witness's name is changed, another has signed, whom nobody knows.
                        let most = match file.to_string_lossy().contains(".witnessed/") {
                            true => Rank::Valid,
                            false => Rank::Invalid,
                        };
                        assert!(rank <= most, "{} at {at}: {rank:?}", file.display());
                        flips += 1;
                    }
                    fs::write(&file_there, &good).unwrap();
                }
                assert_eq!(export::verify(&package, all).rank, Rank::Trusted);
                assert!(flips > 5_000, "{flips}");
            });
        }
    });
}

/// Every byte, by what every computer has: SHA-256 over the manifests as `sha256sum` does, and the
/// package's own script over what lies beside it.
const PLAIN: &str = r#"
import hashlib, importlib.util, pathlib, sys, types
# What is loaded out of a package must leave nothing in it.
sys.dont_write_bytecode = True
package = pathlib.Path(sys.argv[1])
spec = importlib.util.spec_from_file_location("verify", package / "proof/verify.py")
script = importlib.util.module_from_spec(spec)
spec.loader.exec_module(script)
script.print = lambda *_: None
vkey = (package / "proof/log.vkey").read_text().strip()
sha = lambda path: hashlib.sha256(path.read_bytes()).hexdigest()
def good():
    for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        for line in (package / manifest).read_bytes().split(b"\n")[:-1]:
            digest, name = line.split(b"  ", 1)
            if sha(package / name.decode()) != digest.decode():
                return False
    beside = [package.with_name(package.name + end) for end in (".event", ".proof")]
    if sha(package / "tagmanifest-sha256.txt").encode() not in beside[0].read_bytes():
        return False
    script.inclusion(types.SimpleNamespace(event=beside[0], proof=beside[1], vkey=vkey, witness=[]))
    return True
def holds():
    try:
        return good()
    except (ValueError, OSError):
        return False
assert holds()
flips = 0
files = [p for p in package.rglob("*") if p.is_file() and p.name != "verify.py"]
for path in files + [package.with_name(package.name + end) for end in (".event", ".proof")]:
    before = path.read_bytes()
    explains = path.name in ("index.html", "receipt.txt", "VERIFY.txt")
    for at in range(0, len(before), 97 if explains else 1):
        path.write_bytes(before[:at] + bytes([before[at] ^ 1 << at % 8]) + before[at + 1:])
        if holds():
            sys.exit(f"{path} at {at}")
        flips += 1
    path.write_bytes(before)
assert holds()
print(flips)
"#;

/// Goal: the same by plain tools alone, with the proof that lies beside the package.
#[test]
fn every_byte_of_a_package_counts_for_plain_tools() {
    let office = Office::at(NOW);
    let to = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let to = to.unwrap();
    let (package, _) = package(&office, 0, to.path());
    let done = Command::new("python3")
        .args(["-c", PLAIN])
        .arg(&package)
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    let flips: u64 = String::from_utf8_lossy(&done.stdout)
        .trim()
        .parse()
        .unwrap();
    assert!(flips > 5_000, "{flips}");
}
