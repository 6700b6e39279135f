//! Clause 4.7 as software: nobody looks without approval, and an approved look can be checked by a
//! stranger with tools that every computer has.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use recvault::{
    base::{Clock, Digest},
    custody::{
        Kind, Target,
        access::{Access, AccessState, UseOutcome},
        request::{Form, Seconds},
    },
    retention::Clause,
    store::{AccessWish, Attached, RecordingWish, Refusal, StoreError},
};

use crate::{
    case::Run,
    handover::{approve_by_hand, ask, export, package, recorded},
    office::{CLERK, DAY, IT, Office},
};

/// Who uses approvals in these tests, and has approved none.
const OPERATOR: u32 = 3_000;

fn refused<T: std::fmt::Debug>(done: Result<T, StoreError>) -> Refusal {
    match done {
        Err(StoreError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

fn wish(ids: &[recvault::base::RecordingId]) -> AccessWish {
    AccessWish {
        recordings: ids.iter().copied().map(RecordingWish::whole).collect(),
        form: Form::Original,
        purpose: "case 2026-117".into(),
        recipient: "East precinct, Officer Wang".into(),
        days: 7,
        uses: 1,
    }
}

/// An office with one recording, and a request for it by the clerk.
fn asked() -> (Office, Access) {
    let office = Office::at("2026-03-01T01:00:00Z");
    let id = office.admit("a.log", b"evidence").unwrap().id;
    let access = office.store().request_access(CLERK, wish(&[id])).unwrap();
    (office, access)
}

fn approve(office: &Office, access: &Access, by: &[usize]) -> Result<bool, StoreError> {
    let target = Target::Digest(access.digest);
    let agreed = office.agree(Kind::Approval, target, &[], by)?;
    Ok(!agreed.waits)
}

fn state(office: &Office, request: Digest) -> AccessState {
    let access = office.store().access(request).unwrap().unwrap();
    access.state(office.store().times().unwrap().later)
}

/// Goal: a request is approved once, used as often as it says, and no longer than it says.
#[test]
fn a_use_is_spent_once_and_never_after_its_time() {
    let (office, access) = asked();
    let request = access.digest;
    let spend = |by| office.store().spend_access(by, request, false, Vec::new());
    assert_eq!(state(&office, request), AccessState::Pending);
    let early = refused(spend(OPERATOR));
    assert_eq!(
        early.to_string(),
        format!("the access request {request} is pending")
    );
    assert!(approve(&office, &access, &[0]).unwrap());
    let view = refused(office.store().spend_access(OPERATOR, request, true, vec![]));
    assert!(matches!(view, Refusal::AnotherForm("original")), "{view}");
    let spent = spend(OPERATOR).unwrap();
    assert_eq!((spent.number, spent.again), (1, false));
    // It runs: nobody else begins another, not even who runs it.
    let twice = office
        .store()
        .spend_access(OPERATOR, request, false, vec![spent.id]);
    assert!(refused(twice).to_string().ends_with("is used up"));
    // Cut off, the same person goes on with it, and no other does.
    assert!(refused(spend(IT)).to_string().ends_with("is used up"));
    let again = spend(OPERATOR).unwrap();
    assert_eq!((again.number, again.again, again.id), (1, true, spent.id));
    let outcome = UseOutcome::Packaged {
        tag_manifest: request,
        copies: vec![],
        bytes: 8,
    };
    office
        .store()
        .end_access(OPERATOR, &again, outcome)
        .unwrap();
    assert!(refused(spend(OPERATOR)).to_string().ends_with("is used up"));
    office.store().publish().unwrap();
    let checked = office
        .store()
        .check(recvault::store::Depth::Whole, &|_, _| {});
    assert_eq!(checked.unwrap().wrong, Vec::<String>::new());

    let id = access.request.ask.recordings[0].id;
    let late = office.store().request_access(CLERK, wish(&[id])).unwrap();
    assert!(approve(&office, &late, &[1]).unwrap());
    office.skip(8);
    let over = office
        .store()
        .spend_access(OPERATOR, late.digest, false, vec![]);
    assert!(refused(over).to_string().ends_with("is expired"));
    // What is signed for is what is handed over: nothing is, of which nobody was told.
    let excerpt = AccessWish {
        recordings: vec![RecordingWish {
            seconds: Some(Seconds { from: 1, to: 2 }),
            ..RecordingWish::whole(id)
        }],
        ..wish(&[id])
    };
    let excerpt = refused(office.store().request_access(CLERK, excerpt));
    assert!(
        matches!(excerpt, Refusal::NoSuchSeconds { .. }),
        "{excerpt}"
    );
    assert!(
        office
            .store()
            .request_access(
                CLERK,
                AccessWish {
                    days: 31,
                    ..wish(&[id])
                }
            )
            .is_err()
    );
}

/// Goal: what was cut off is not gone on with once its time is over.
#[test]
fn a_use_that_was_cut_off_ends_with_its_approval() {
    let (office, access) = asked();
    assert!(approve(&office, &access, &[0]).unwrap());
    let spend = || {
        office
            .store()
            .spend_access(OPERATOR, access.digest, false, vec![])
    };
    let _ = spend().unwrap();
    office.skip(8);
    assert!(refused(spend()).to_string().ends_with("is used up"));
}

/// Goal: who asked cannot approve, who approved cannot use it, and one who takes it back ends it.
#[test]
fn asking_approving_and_using_are_three_peoples_affairs() {
    let (office, access) = asked();
    let request = access.digest;
    let other = refused(office.store().cancel_access(OPERATOR, request));
    assert!(matches!(other, Refusal::AnotherAsked(_)), "{other}");
    office.store().cancel_access(CLERK, request).unwrap();
    assert_eq!(state(&office, request), AccessState::Cancelled);
    assert!(
        refused(approve(&office, &access, &[0]))
            .to_string()
            .ends_with("is cancelled")
    );

    let id = access.request.ask.recordings[0].id;
    let second = office.store().request_access(CLERK, wish(&[id])).unwrap();
    assert!(approve(&office, &second, &[0]).unwrap());
    let fields = [("reason", "no longer")];
    let target = Target::Digest(second.digest);
    let denied = office.agree(Kind::Denial, target, &fields, &[1]).unwrap();
    assert!(!denied.waits);
    assert_eq!(state(&office, second.digest), AccessState::Denied);
    let spent = office
        .store()
        .spend_access(OPERATOR, second.digest, false, vec![]);
    assert!(refused(spent).to_string().ends_with("is denied"));
}

/// Goal: what is kept long-term, or is many recordings at once, takes two approvers, also one after
/// the other.
#[test]
fn long_term_recordings_and_many_take_two_approvers() {
    let (office, access) = asked();
    let id = access.request.ask.recordings[0].id;
    office
        .store()
        .classify(CLERK, id, Clause::ALL[0], "abuse".into())
        .unwrap();
    assert!(!approve(&office, &access, &[0]).unwrap());
    assert_eq!(state(&office, access.digest), AccessState::Pending);
    let waiting = office.store().waiting().unwrap();
    assert!(!office.submit(&waiting[0].statement, &[1]).unwrap().waits);
    assert!(matches!(
        state(&office, access.digest),
        AccessState::Approved { left: 1 }
    ));

    let name = |n: u8| format!("{n}.log");
    let many: Vec<_> = (0..11)
        .map(|n| office.admit(&name(n), &[n]).unwrap().id)
        .collect();
    let all = office.store().request_access(CLERK, wish(&many)).unwrap();
    assert!(!approve(&office, &all, &[1]).unwrap());
    let ten = office
        .store()
        .request_access(CLERK, wish(&many[..10]))
        .unwrap();
    assert!(approve(&office, &ten, &[1]).unwrap());
}

/// Goal: no signature but that of an approver over this very request opens anything.
#[test]
fn a_statement_over_another_request_or_of_another_kind_approves_nothing() {
    let (office, access) = asked();
    let id = access.request.ask.recordings[0].id;
    let other = office.store().request_access(CLERK, wish(&[id])).unwrap();
    assert_ne!(
        other.digest, access.digest,
        "each request has a digest of its own"
    );
    let target = Target::Digest(access.digest);
    let draft = || office.store().draft(Kind::Approval, target, &[]).unwrap();
    let said = draft();
    // A signature over the approval of the other request.
    let elsewhere = office
        .store()
        .draft(Kind::Approval, Target::Digest(other.digest), &[])
        .unwrap();
    let submit = |signatures: Vec<String>| {
        let statement = said.clone();
        office
            .store()
            .submit(CLERK, statement, signatures, Attached::Nothing)
    };
    assert!(submit(vec![office.approvers[0].sign(&elsewhere)]).is_err());
    // One over a denial of this one: another namespace, another text.
    let no = office
        .store()
        .draft(Kind::Denial, target, &[("reason", "no")])
        .unwrap();
    assert!(submit(vec![office.approvers[0].sign(&no)]).is_err());
    assert_eq!(state(&office, access.digest), AccessState::Pending);
    assert!(!submit(vec![office.approvers[0].sign(&said)]).unwrap().waits);
    // Replayed, it is refused.
    assert!(submit(vec![office.approvers[0].sign(&said)]).is_err());
    let spent = office
        .store()
        .spend_access(OPERATOR, other.digest, false, vec![]);
    assert!(refused(spent).to_string().ends_with("is pending"));
}

/// The commands that a package's own instructions tell.
pub fn commands(package: &Path) -> Vec<String> {
    let text = fs::read_to_string(package.join("VERIFY.txt")).unwrap();
    let all = text.lines().filter_map(|line| line.strip_prefix("   "));
    let all: Vec<String> = all.map(str::to_owned).collect();
    assert!(all.len() >= 7, "{text}");
    all
}

/// Every command of the package's own instructions, run in its folder by a plain shell.
pub fn follow_instructions(package: &Path) -> Result<(), String> {
    for command in commands(package) {
        let done = Command::new("sh")
            .args(["-c", &command])
            .current_dir(package)
            .output()
            .unwrap();
        if !done.status.success() {
            return Err(format!("{command}: {done:?}"));
        }
    }
    Ok(())
}

/// Goal: from request to package at the terminal; a stranger follows the package's instructions,
/// and the copy plays.
#[test]
fn clause_4_7_an_approved_export_is_checked_by_a_stranger() {
    let (case, id, to) = recorded();
    let request = ask(&case, &id, "original");
    let _ = export(&case, &request, &to).code(3).says("is pending");
    let _ = case
        .store_command(&["requests"])
        .code(0)
        .says(&request[..12])
        .says("pending");
    let _ = approve_by_hand(&case, &request, 1)
        .code(0)
        .says("purpose: 案件 2026-117")
        .says("is approved");
    let done = export(&case, &request, &to).code(0);
    let _ = done.says("tag manifest").says("VERIFY.txt");
    let package = package(&to);
    follow_instructions(&package).unwrap();
    // The same in one step; trusted only by what is known from elsewhere.
    let verify = |more: &[&str]| {
        let args = [&["verify", package.to_str().unwrap()], more].concat();
        case.command(&args)
    };
    let _ = verify(&[]).code(0).says("VALID").says_not("TRUSTED");
    let roster = case
        .store_command(&["rule", "show", "--json"])
        .code(0)
        .json();
    let roster = roster["with"]["roster_hash"].as_str().unwrap().to_owned();
    let _ = verify(&["--roster-hash", &roster]).code(0);
    // The log's own key is no witness's.
    let vkey = fs::read_to_string(package.join("proof/log.vkey")).unwrap();
    let _ = verify(&["--witness", vkey.trim_end()]).code(2);
    let another = "ab".repeat(32);
    let _ = verify(&["--roster-hash", &another]).code(4).says("INVALID");
    // Everything that happened to the recording, and to no other.
    let trail = case.store_command(&["trail", &id]).code(0);
    let _ = trail
        .says("recording.admitted")
        .says("access.requested")
        .says("access.spent")
        .says("access.ended");
    // The original is bit-exact, and the copy is what any office PC plays.
    let recording = case.list().into_iter().find(|r| r["id"] == *id).unwrap();
    let original = fs::read(case.original(&recording)).unwrap();
    assert_eq!(
        fs::read(package.join(format!("data/{id}.original"))).unwrap(),
        original
    );
    let copy = package.join(format!("data/{id}.mp4"));
    let probed = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-show_entries",
            "stream=codec_name,profile",
            "-of",
            "csv=p=0",
        ])
        .arg(&copy)
        .output()
        .unwrap();
    let probed = String::from_utf8_lossy(&probed.stdout).into_owned();
    assert!(
        probed.contains("h264,High") && probed.contains("aac,LC"),
        "{probed}"
    );
    let page = fs::read_to_string(package.join("index.html")).unwrap();
    assert!(page.contains("东城派出所 王警官 &lt;script&gt;"), "{page}");
    // A copy is traced by its bytes, and remuxed by its tags; what is no copy is not.
    let trace = |file: &Path| case.store_command(&["trace", file.to_str().unwrap()]);
    let _ = trace(&copy).code(0).says(&request).says("东城派出所");
    let remuxed = case.beside("leaked.mkv");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(&copy)
        .args(["-c", "copy"])
        .arg(&remuxed)
        .status();
    assert!(made.unwrap().success());
    assert_ne!(fs::read(&remuxed).unwrap(), fs::read(&copy).unwrap());
    let _ = trace(&remuxed).code(0).says(&request);
    let _ = trace(&case.original(&recording))
        .code(1)
        .says("No export is known");
    // Once is once.
    let _ = export(&case, &request, &to).code(3).says("is used up");
    let shown = case.store_command(&["requests", &request[..12]]).code(0);
    let _ = shown
        .says("used up")
        .says("approved by approver-1")
        .says("packaged: 2 marked files");
    let _ = case.store_command(&["check"]).code(0);
}

/// Goal: with a copy alone no original leaves; who is told no gets nothing.
#[test]
fn a_copy_is_no_original_and_a_denied_request_is_nothing() {
    let (case, id, to) = recorded();
    let request = ask(&case, &id, "copy");
    let _ = approve_by_hand(&case, &request, 2).code(0);
    let _ = export(&case, &request, &to).code(0);
    let package = package(&to);
    let data: Vec<_> = fs::read_dir(package.join("data")).unwrap().collect();
    assert_eq!(data.len(), 2, "the copy and its contact sheet");
    follow_instructions(&package).unwrap();
    let request = ask(&case, &id, "copy");
    let key = case.beside("approver-1");
    let deny = [
        "deny",
        &request,
        "--reason",
        "no case",
        "--key",
        key.to_str().unwrap(),
    ];
    let _ = case.store_command(&deny).code(0).says("is denied");
    let _ = export(&case, &request, &to).code(3).says("is denied");
    let empty = ["approve", "", "--key", key.to_str().unwrap()];
    let _ = case.store_command(&empty).code(2).says("no access request");
    let plain = case.beside("not there");
    let _ = export(&case, &request, &plain).code(2).says("not there");
}

/// Goal: whatever byte of the evidence is changed, the package's own instructions find it, also when
/// the manifests are made anew to fit.
#[test]
fn a_changed_package_is_found_out_by_plain_tools() {
    let (case, id, to) = recorded();
    let request = ask(&case, &id, "original");
    let _ = approve_by_hand(&case, &request, 1).code(0);
    let _ = export(&case, &request, &to).code(0);
    let package = package(&to);
    let remade = |file: &Path| {
        // Whoever changes a file makes the manifests fit, as far as they can.
        for (manifest, _) in [("manifest-sha256.txt", 0), ("tagmanifest-sha256.txt", 1)] {
            let path = package.join(manifest);
            let text = fs::read_to_string(&path).unwrap();
            let mut out = String::new();
            for line in text.lines() {
                let name = line.split_once("  ").unwrap().1;
                let bytes = fs::read(package.join(name)).unwrap();
                out.push_str(&format!("{}  {name}\n", crate::case::sha256(bytes)));
            }
            fs::write(&path, out).unwrap();
        }
        let verify = ["verify", package.to_str().unwrap()];
        let _ = case.command(&verify).code(4).says("INVALID");
        assert!(
            follow_instructions(&package).is_err(),
            "{} remade",
            file.display()
        );
    };
    let mut files = crate::case::files_below(&package);
    files.retain(|f| !f.ends_with("index.html") && !f.ends_with("receipt.txt"));
    let saved: Vec<(PathBuf, Vec<u8>)> = crate::case::files_below(&to)
        .into_iter()
        .map(|f| (f.clone(), fs::read(&f).unwrap()))
        .collect();
    for file in files
        .iter()
        .filter(|f| !f.ends_with("VERIFY.txt") && !f.ends_with("verify.py"))
    {
        let before = fs::read(file).unwrap();
        let mut after = before.clone();
        let middle = after.len() / 2;
        after[middle] ^= 1;
        fs::write(file, &after).unwrap();
        assert!(follow_instructions(&package).is_err(), "{}", file.display());
        if !file.to_string_lossy().contains("manifest") {
            remade(file);
        }
        for (path, bytes) in &saved {
            if fs::read(path).unwrap() != *bytes {
                fs::write(path, bytes).unwrap();
            }
        }
    }
    follow_instructions(&package).unwrap();
}

/// Goal: of two hundred who spend one approval at once, one gets a package.
#[test]
fn two_hundred_exports_of_one_approval_are_one_package() {
    let (case, id, to) = recorded();
    let request = ask(&case, &id, "copy");
    let _ = approve_by_hand(&case, &request, 1).code(0);
    let mut owner = case.serve();
    let to_text = to.to_str().unwrap().to_owned();
    let runs: Vec<_> = (0..200)
        .map(|_| case.start(&["export", &request, "--to", &to_text]))
        .collect();
    let runs: Vec<Run> = runs
        .into_iter()
        .map(|child| Run::of(child, "export"))
        .collect();
    let made = runs.iter().filter(|run| run.ended() == Some(0)).count();
    assert_eq!(made, 1);
    for run in runs {
        if run.ended() != Some(0) {
            let _ = run.code(3).says("is used up");
        }
    }
    follow_instructions(&package(&to)).unwrap();
    let pid = rustix::process::Pid::from_child(&owner);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    owner.wait().unwrap();
    let spent = case
        .events()
        .iter()
        .filter(|e| e.contains("access.spent"))
        .count();
    assert_eq!(spent, 1);
}

/// Goal: requests and their uses are told by the ledger alone.
#[test]
fn a_rebuilt_index_knows_every_request() {
    let (mut office, access) = asked();
    assert!(approve(&office, &access, &[0]).unwrap());
    let spent = office
        .store()
        .spend_access(OPERATOR, access.digest, false, vec![])
        .unwrap();
    let why = "the disk was full".to_owned();
    office
        .store()
        .end_access(OPERATOR, &spent, UseOutcome::Failed { why })
        .unwrap();
    let before = office.store().access(access.digest).unwrap();
    office.close();
    recvault::store::rebuild(&office.root()).unwrap();
    office.reopen();
    assert_eq!(office.store().access(access.digest).unwrap(), before);
    assert_eq!(office.store().accesses().unwrap().len(), 1);
    let now = office.clock.now();
    assert!(now.plus_ms(7 * DAY) >= access.request.ask.expires);
}
