//! Forged approvals, made by the thousand: none opens anything, and whether a signature is one is
//! judged as `ssh-keygen` judges it.

use std::{
    fs,
    io::{ErrorKind, Write},
    path::Path,
    process::{Command, Stdio},
};

use recvault::{
    base::RecordingId,
    custody::{
        Kind, Roster, Statement, Target, access::AccessState, request::Form, verify_statement,
    },
    store::{AccessWish, Attached, RecordingWish, Refusal, StoreError},
};

use crate::office::{APPROVER, CLERK, DAY, IT, Office, Signatory};

/// Numbers without a pattern, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        // xorshift64*: all that is asked of it is variety.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % sides
    }
}

/// Ways to forge an approval.
const WAYS: u64 = 13;

/// An office whose roster has people in every role, one of whom lost the key.
struct Forge {
    office: Office,
    /// Of IT: no approver.
    it: Signatory,
    /// An approver once, whose key is revoked.
    lost: Signatory,
    /// In nobody's roster.
    stranger: Signatory,
    recordings: Vec<RecordingId>,
}

fn change_roster(office: &Office, change: impl FnOnce(String, u64) -> String, by: &[usize]) {
    let rules = office.store().rules().unwrap();
    let seen = office.store().head().unwrap().0 - 1;
    let text = change(rules.rosters.current().text(), seen);
    let roster: Roster = text.parse().unwrap_or_else(|e| panic!("{e}: {text}"));
    let target = Target::Digest(roster.digest());
    let fields = [("reason", "as decided")];
    let statement = office.store().draft(Kind::Roster, target, &fields).unwrap();
    let signatures = by.iter().map(|n| office.approvers[*n].sign(&statement));
    let (signatures, attached) = (signatures.collect(), Attached::Roster(Box::new(roster)));
    let store = office.store();
    assert!(
        !store
            .submit(CLERK, statement, signatures, attached)
            .unwrap()
            .waits
    );
}

impl Forge {
    fn new() -> Self {
        let office = Office::at("2026-03-01T01:00:00Z");
        let (it, lost) = (Signatory::new(7, "zhao"), Signatory::new(8, "sun"));
        let line = |s: &Signatory| {
            let line = s.line();
            let mut words = line.split(' ');
            format!("{} {}", words.next().unwrap(), words.next().unwrap())
        };
        let people = |text: String, seen: u64| {
            let text = text.replace("approvers: 2 of 2", "approvers: 3 of 3");
            format!(
                "{text}\nperson: sun\nrole: approver\nkey: {} added {seen}\n\nperson: zhao\nrole: it\nuid: {IT}\nkey: {} added {seen}\n",
                line(&lost),
                line(&it)
            )
        };
        change_roster(&office, people, &[0, 1]);
        office.days(2);
        office.store().settle_roster(IT).unwrap();
        let revoked = |text: String, seen: u64| {
            let key = line(&lost);
            let at = text.find(&key).unwrap() + key.len();
            let end = at + text[at..].find('\n').unwrap();
            let text = text.replace("approvers: 3 of 3", "approvers: 2 of 3");
            format!("{} revoked {seen}{}", &text[..end], &text[end..])
        };
        change_roster(&office, revoked, &[0]);
        let recordings = (0..4_u8)
            .map(|n| office.admit(&format!("{n}.log"), &[n]).unwrap().id)
            .collect();
        Self {
            office,
            it,
            lost,
            stranger: Signatory::new(9, "nobody"),
            recordings,
        }
    }

    fn ask(&self, by: u32, dice: &mut Dice) -> recvault::custody::access::Access {
        let id = self.recordings[dice.roll(4) as usize];
        let wish = AccessWish {
            recordings: vec![RecordingWish::whole(id)],
            form: [Form::Copy, Form::Original][dice.roll(2) as usize],
            purpose: format!("case {}", dice.roll(1_000_000)),
            recipient: "the court".into(),
            days: 1 + dice.roll(7) as u16,
            uses: 1 + dice.roll(3),
        };
        self.office.store().request_access(by, wish).unwrap()
    }

    fn draft(&self, kind: Kind, target: Target, reason: Option<&str>) -> Statement {
        let fields: Vec<_> = reason.iter().map(|r| ("reason", *r)).collect();
        self.office.store().draft(kind, target, &fields).unwrap()
    }

    /// One forgery: the statement, and a signature that is to pass for its approval.
    fn forged(&self, way: u64, target: Target, dice: &mut Dice) -> (Statement, String) {
        let approver = &self.office.approvers[dice.roll(2) as usize];
        let said = self.draft(Kind::Approval, target, None);
        let signature = match way {
            // By who may not: of IT, without a key that counts, unknown.
            0 => self.it.sign(&said),
            1 => self.lost.sign(&said),
            2 => self.stranger.sign(&said),
            // Over other words: another request, another reason, another nonce.
            3 => {
                let other = self.ask(CLERK, dice);
                approver.sign(&self.draft(Kind::Approval, Target::Digest(other.digest), None))
            }
            4 => approver.sign(&self.draft(Kind::Approval, target, Some("for another case"))),
            5 => approver.sign(&self.draft(Kind::Approval, target, None)),
            // Another act over the same request.
            6 => approver.sign(&self.draft(Kind::Denial, target, Some("no"))),
            7 => approver.sign(&self.draft(Kind::Policy, target, Some("yes"))),
            8 => approver.sign(&self.draft(Kind::Roster, target, Some("yes"))),
            // Bytes changed in what was signed well.
            9 => {
                let good = approver.sign(&said);
                let mut lines: Vec<String> = good.lines().map(str::to_owned).collect();
                let at = 1 + dice.roll(lines.len() as u64 - 2) as usize;
                let mut bytes = lines[at].clone().into_bytes();
                let place = dice.roll(bytes.len() as u64) as usize;
                bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
                lines[at] = String::from_utf8(bytes).unwrap();
                lines.join("\n") + "\n"
            }
            // Under the right text, in another namespace.
            10 => approver.sign_as(&said, "file"),
            11 => approver.sign_as(&said, Kind::Denial.namespace()),
            _ => String::from("-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n"),
        };
        (said, signature)
    }
}

/// What `ssh-keygen -Y verify` says of a signature by anybody in the file.
fn ssh_keygen(dir: &Path, roster: &Roster, said: &Statement, signature: &str) -> bool {
    let (signers, file) = (dir.join("allowed_signers"), dir.join("signature"));
    fs::write(&signers, roster.allowed_signers()).unwrap();
    fs::write(&file, signature).unwrap();
    let find = Command::new("ssh-keygen")
        .args(["-Y", "find-principals", "-f"])
        .arg(&signers)
        .arg("-s")
        .arg(&file)
        .stderr(Stdio::null())
        .output()
        .unwrap();
    let who = String::from_utf8_lossy(&find.stdout).trim().to_owned();
    if !find.status.success() || who.is_empty() {
        return false;
    }
    let mut verify = Command::new("ssh-keygen")
        .args([
            "-Y",
            "verify",
            "-I",
            &who,
            "-n",
            said.kind().namespace(),
            "-f",
        ])
        .arg(&signers)
        .arg("-s")
        .arg(&file)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // It may refuse the signature before it has read the text; its exit code is the verdict.
    match verify
        .stdin
        .take()
        .unwrap()
        .write_all(said.text().as_bytes())
    {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => panic!("{e}"),
        _ => {}
    }
    verify.wait().unwrap().success()
}

/// Makes so many forgeries, and holds our verdict on each signature against that of `ssh-keygen`.
pub fn trial(cases: u64) {
    let forge = Forge::new();
    let dir = tempfile::tempdir().unwrap();
    let mut dice = Dice(0x5eed_0000_0000_0001);
    let (mut good, mut by_way) = (0, [0_u64; WAYS as usize]);
    let store = forge.office.store();
    for n in 0..cases {
        let way = n % WAYS;
        let access = forge.ask(CLERK, &mut dice);
        let (said, signature) = forge.forged(way, Target::Digest(access.digest), &mut dice);
        let rules = store.rules().unwrap();
        let roster = rules.rosters.current();
        let ours = verify_statement(&said, &signature, roster).is_ok();
        let theirs = ssh_keygen(dir.path(), roster, &said, &signature);
        assert_eq!(ours, theirs, "way {way}: {signature}");
        good += u64::from(ours);
        let agreed = store.submit(CLERK, said, vec![signature], Attached::Nothing);
        // One of IT's may wait for an approver's; it opens nothing.
        assert!(
            agreed.is_err() || agreed.is_ok_and(|a| a.waits),
            "way {way}"
        );
        let now = store.times().unwrap().later;
        let stands = store.access(access.digest).unwrap().unwrap().state(now);
        assert_eq!(stands, AccessState::Pending, "way {way}");
        let spent = store.spend_access(IT, access.digest, false, vec![]);
        assert!(matches!(spent, Err(StoreError::Refused(_))), "way {way}");
        by_way[way as usize] += 1;
    }
    eprintln!("{cases} forgeries, {good} with a signature that is one: {by_way:?}");
    assert!(
        good > 0,
        "no forgery came as far as a signature that is one"
    );
}

/// Goal: of two thousand forged approvals none is accepted, and every signature is judged as
/// `ssh-keygen` judges it.
#[test]
fn no_forged_approval_opens_anything() {
    trial(2_000);
}

/// Goal: a good approval, used up, over, replayed or by who asked, opens nothing more.
#[test]
fn a_good_approval_opens_what_it_names_and_nothing_after_that() {
    let forge = Forge::new();
    let mut dice = Dice(7);
    let store = forge.office.store();
    let access = forge.ask(CLERK, &mut dice);
    let target = Target::Digest(access.digest);
    let said = forge.draft(Kind::Approval, target, None);
    let signature = forge.office.approvers[0].sign(&said);
    let submit = |said: &Statement, signature: &String| {
        store.submit(
            CLERK,
            said.clone(),
            vec![signature.clone()],
            Attached::Nothing,
        )
    };
    assert!(!submit(&said, &signature).unwrap().waits);
    let replayed = submit(&said, &signature).unwrap_err();
    assert!(
        matches!(replayed, StoreError::Refused(Refusal::Used(_))),
        "{replayed}"
    );
    // Who approved it cannot be the one who uses it.
    let own = store.spend_access(APPROVER, access.digest, false, vec![]);
    let own = own.unwrap_err();
    assert!(
        matches!(&own, StoreError::Refused(Refusal::OperatorApproved(who)) if who == "approver-1"),
        "{own}"
    );
    // Nor can who asked approve it; the other approver can.
    let mine = forge.ask(APPROVER, &mut dice);
    let said_of_mine = forge.draft(Kind::Approval, Target::Digest(mine.digest), None);
    let by = |n: usize| {
        submit(
            &said_of_mine,
            &forge.office.approvers[n].sign(&said_of_mine),
        )
    };
    let self_approved = by(0).unwrap_err();
    assert!(
        self_approved.to_string().contains("who asks to look"),
        "{self_approved}"
    );
    assert!(!by(1).unwrap().waits);
    // Another approval of the same request changes nothing about its uses.
    let more = forge.draft(Kind::Approval, target, Some("once more"));
    assert!(submit(&more, &forge.office.approvers[1].sign(&more)).is_err());
    for n in 1..=access.request.ask.uses {
        let spent = store
            .spend_access(IT, access.digest, false, vec![])
            .unwrap();
        assert_eq!(u64::from(spent.number), n);
        let outcome = recvault::custody::access::UseOutcome::Packaged {
            tag_manifest: access.digest,
            copies: vec![],
            bytes: 1,
        };
        store.end_access(IT, &spent, outcome).unwrap();
    }
    assert!(
        store
            .spend_access(IT, access.digest, false, vec![])
            .is_err()
    );
    // Approved and never used, it is over when its time is.
    let late = forge.ask(CLERK, &mut dice);
    let said = forge.draft(Kind::Approval, Target::Digest(late.digest), None);
    assert!(
        !submit(&said, &forge.office.approvers[0].sign(&said))
            .unwrap()
            .waits
    );
    forge.office.clock.pass(8 * DAY);
    assert!(store.spend_access(IT, late.digest, false, vec![]).is_err());
}
