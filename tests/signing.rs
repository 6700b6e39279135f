//! People who agree need not be in one place at one time: what one signed waits for the other, and is
//! judged anew when the other signs. And a witness that the policy names tells the clock the time.

use recvault::{
    base::{Clock, Moment},
    custody::{Kind, Statement, Target},
    proof::{Algorithm, Checkpoint, NoteKey, Verifier},
    retention::Terms,
    store::{Attached, Cosigned, Refusal, StoreError},
};

use crate::{
    case::Case,
    office::{CLERK, DAY, IT, Office},
};

fn draft_clock(office: &Office) -> Statement {
    let now = office.clock.now().to_string();
    let fields = [("confirm", now.as_str()), ("reason", "by telephone")];
    office
        .store()
        .draft(Kind::Clock, Target::Clock, &fields)
        .unwrap()
}

fn refused(e: StoreError) -> Refusal {
    match e {
        StoreError::Refused(refusal) => refusal,
        other => panic!("{other}"),
    }
}

/// Goal: the second person signs a day later, in another process, and only then it happens.
#[test]
fn what_one_signed_waits_for_the_other() {
    let mut office = Office::at("2026-03-01T01:00:00Z");
    let vouched = |office: &Office| office.store().rules().unwrap().clock.vouched();
    let begun = vouched(&office);
    office.clock.pass(1_000);
    let statement = draft_clock(&office);
    let first = office.submit(&statement, &[0]).unwrap();
    assert!(first.waits);
    assert_eq!(first.people, ["approver-1"]);
    assert_eq!(vouched(&office), begun, "nothing happened yet");
    // The same person again is no second one.
    let again = refused(office.submit(&statement, &[0]).unwrap_err());
    assert!(matches!(again, Refusal::Wanting(_)), "{again}");
    office.clock.pass(DAY);
    office.reopen();
    let waiting = office.store().waiting().unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].statement, statement);
    assert_eq!(waiting[0].people, ["approver-1"]);
    let second = office.submit(&statement, &[1]).unwrap();
    assert!(!second.waits);
    assert_eq!(second.people, ["approver-1", "approver-2"]);
    assert!(vouched(&office) > begun);
    assert!(office.store().waiting().unwrap().is_empty());
    let used = refused(office.submit(&statement, &[0, 1]).unwrap_err());
    assert!(matches!(used, Refusal::Used(_)), "{used}");
}

/// Goal: a statement that has seen nothing newer than a month is void, also the half of one that was
/// signed in time.
#[test]
fn a_signature_does_not_wait_for_ever() {
    let office = Office::at("2026-03-01T01:00:00Z");
    let fields = [("reason", "a decision")];
    let policy = Terms {
        version: 2,
        keep_months: 6,
        ..Terms::default()
    };
    let policy = policy.into_policy().unwrap();
    let target = Target::Digest(policy.digest());
    let draft = || office.store().draft(Kind::Policy, target, &fields).unwrap();
    let attached = Attached::Policy(Box::new(policy));
    let submit = |statement: &Statement, n: usize, attached: Attached| {
        let signatures = vec![office.approvers[n].sign(statement)];
        office
            .store()
            .submit(CLERK, statement.clone(), signatures, attached)
    };
    let stale = draft();
    assert!(submit(&stale, 0, attached.clone()).unwrap().waits);
    office.days(31);
    let late = refused(submit(&stale, 1, Attached::Nothing).unwrap_err());
    assert!(matches!(late, Refusal::Unfit(_)), "{late}");
    assert!(office.store().waiting().unwrap().is_empty());
    // The second need not bring the policy: it was kept for him.
    let fresh = draft();
    assert!(submit(&fresh, 0, attached).unwrap().waits);
    assert!(!submit(&fresh, 1, Attached::Nothing).unwrap().waits);
    let rules = office.store().rules().unwrap();
    assert_eq!(rules.policy().unwrap().terms().keep_months, 6);
}

/// Goal: whose key is revoked between two signatures has not signed.
#[test]
fn a_key_revoked_meanwhile_no_longer_counts() {
    let office = Office::at("2026-03-01T01:00:00Z");
    let waits = draft_clock(&office);
    assert!(office.submit(&waits, &[0]).unwrap().waits);
    office.revoke(0, 1);
    let second = office.submit(&waits, &[1]).unwrap();
    assert!(second.waits, "the first signature no longer counts");
    assert_eq!(second.people, ["approver-2"]);
    assert_eq!(office.store().waiting().unwrap().len(), 1);
}

/// Goal: the same at the terminal: the first is told that it waits, the second finds and signs it.
#[test]
fn two_approvers_sign_one_after_the_other_at_the_terminal() {
    let case = Case::with_approvers();
    let key = |n: u8| case.beside(&format!("approver-{n}"));
    let (one, two) = (key(1), key(2));
    let clock = ["rule", "clock", "--reason", "monthly", "--key"];
    let args = [&clock[..], &[one.to_str().unwrap()]].concat();
    let first = case.store_command(&args).code(1);
    let first = first.says("Nothing happens yet").says("recvault sign ");
    let told = first.out();
    let digest = told.split("recvault sign ").nth(1).unwrap();
    let digest = &digest[..12];
    let _ = case
        .store_command(&["statements"])
        .code(0)
        .says(digest)
        .says("a confirmation of the clock")
        .says("approver-1");
    let sign = ["sign", digest, "--key", two.to_str().unwrap()];
    let _ = case
        .store_command(&sign)
        .code(0)
        .says("signed by approver-1 and approver-2")
        .says("The time is confirmed");
    let _ = case.store_command(&sign).code(2).says("no statement");
    let _ = case
        .store_command(&["statements"])
        .code(0)
        .says("No statement waits");
    let _ = case.store_command(&["check"]).code(0);
    let _ = case.store_command(&["rebuild"]).code(0);
}

/// A witness's key, and what it says of the store's checkpoint at an instant.
pub fn cosign(office: &Office, key: &NoteKey, at: Moment) -> Result<Cosigned, StoreError> {
    office.store().publish().unwrap();
    let note = recvault::ledger::Ledger::open(&office.root().join("ledger")).unwrap();
    let note = note.checkpoint().unwrap().unwrap();
    assert!(Checkpoint::parse(note.text()).unwrap().size > 0);
    let line = key.sign(note.text(), at);
    office.store().cosigned(IT, &line, &key.verifier())
}

fn adopt(office: &Office, version: u64, witness: &Verifier) -> Result<(), StoreError> {
    let terms = Terms {
        version,
        witnesses: vec![witness.to_string()],
        ..Terms::default()
    };
    let policy = terms.into_policy().unwrap();
    let target = Target::Digest(policy.digest());
    let fields = [("reason", "a witness")];
    let statement = office.store().draft(Kind::Policy, target, &fields)?;
    let signatures = office.approvers.iter().map(|a| a.sign(&statement));
    let (signatures, attached) = (signatures.collect(), Attached::Policy(Box::new(policy)));
    let agreed = office
        .store()
        .submit(CLERK, statement, signatures, attached);
    agreed.map(|_| ())
}

/// Goal: a machine that is off every night is believed for seven days of it; a witness that the
/// policy names makes it believed again, and no other witness does.
#[test]
fn a_named_witness_vouches_for_the_time_and_no_other_does() {
    let mut office = Office::at("2026-03-01T01:00:00Z");
    let key =
        |name: &str, seed| NoteKey::from_seed(name, Algorithm::Cosignature, &[seed; 32]).unwrap();
    let (named, other) = (key("market/witness", 4), key("it/witness", 5));
    adopt(&office, 2, &named.verifier()).unwrap();
    let log_key = NoteKey::from_seed("a/log", Algorithm::Ed25519, &[6; 32]).unwrap();
    let wrong = refused(adopt(&office, 3, &log_key.verifier()).unwrap_err());
    assert!(matches!(wrong, Refusal::NoWitness(_)), "{wrong}");
    let off = |office: &mut Office, nights: i64| {
        for _ in 0..nights {
            office.close();
            office.clock.reboot(DAY);
            office.reopen();
            office.store().read_clock(IT).unwrap();
        }
    };
    let unconfirmed = |office: &Office| office.store().rules().unwrap().clock.unconfirmed_ms();
    off(&mut office, 6);
    assert_eq!(unconfirmed(&office), 6 * DAY);
    let now = office.clock.now();
    // A witness of IT's own tells the time to nobody.
    let told = cosign(&office, &other, now.plus_ms(DAY)).unwrap();
    assert_eq!(told.vouched, None);
    assert_eq!(unconfirmed(&office), 6 * DAY);
    let told = cosign(&office, &named, now).unwrap();
    assert_eq!(told.vouched, Some(now));
    assert_eq!(unconfirmed(&office), 0);
    off(&mut office, 6);
    assert!(office.store().times().unwrap().disposal.is_some());
    off(&mut office, 2);
    assert!(
        office.store().times().unwrap().disposal.is_none(),
        "more than seven days"
    );
    // It does not lift a stop, and one that is days ahead is not taken at all.
    let now = office.clock.now();
    let _ = cosign(&office, &named, now).unwrap();
    assert!(office.store().times().unwrap().disposal.is_none());
    let ahead = refused(cosign(&office, &named, now.plus_ms(10 * DAY)).unwrap_err());
    assert!(matches!(ahead, Refusal::Clock(_)), "{ahead}");
    office.reopen();
    let checked = office
        .store()
        .check(recvault::store::Depth::Whole, &|_, _| {});
    assert_eq!(checked.unwrap().wrong, Vec::<String>::new());
}

/// Goal: what came in while the machine's clock was behind a witness's is kept as much longer.
#[test]
fn what_a_witness_shows_to_be_late_is_kept_longer() {
    let mut office = Office::at("2026-01-10T04:00:00Z");
    let key = NoteKey::from_seed("market/witness", Algorithm::Cosignature, &[4; 32]).unwrap();
    adopt(&office, 2, &key.verifier()).unwrap();
    office.reopen();
    office
        .admit("b.log", b"stamped two days too early")
        .unwrap();
    let expires = |office: &Office| {
        let all = office
            .store()
            .due(office.clock.now().plus_ms(300 * DAY), 9)
            .unwrap();
        all[0].inputs.latest_ingest
    };
    let stamped = expires(&office);
    let truly = office.clock.now().plus_ms(2 * DAY);
    let _ = cosign(&office, &key, truly).unwrap();
    assert_eq!(expires(&office), stamped.plus_ms(2 * DAY));
}
