//! Who asks to look, who approves it and who uses it are surely three people, or at least not known
//! to be one: whoever the roster cannot tell apart is taken for the same.

use recvault::{
    custody::{
        Kind, Target,
        access::{Access, AccessState, UseOutcome},
        request::Form,
    },
    store::{AccessWish, RecordingWish, Refusal, StoreError},
};

use crate::office::{APPROVER, CLERK, IT, Office};

/// A user whom no roster knows.
const STRANGER: u32 = 7_777;

const NOW: &str = "2026-03-01T01:00:00Z";

fn ask(office: &Office, by: u32, uses: u64) -> Access {
    let id = match office.store().accesses().unwrap().first() {
        Some(access) => access.request.ask.recordings[0].id,
        None => office.admit("a.log", b"evidence").unwrap().id,
    };
    let wish = AccessWish {
        recordings: vec![RecordingWish::whole(id)],
        form: Form::Original,
        purpose: "case 2026-117".into(),
        recipient: "East precinct".into(),
        days: 7,
        uses,
    };
    office.store().request_access(by, wish).unwrap()
}

/// Whether it is approved once this approver has signed.
fn approved(office: &Office, access: &Access, n: usize) -> bool {
    let target = Target::Digest(access.digest);
    let _ = office.agree(Kind::Approval, target, &[], &[n]);
    let now = office.store().times().unwrap().later;
    let access = office.store().access(access.digest).unwrap().unwrap();
    matches!(access.state(now), AccessState::Approved { .. })
}

fn refused<T: std::fmt::Debug>(done: Result<T, StoreError>) -> Refusal {
    match done {
        Err(StoreError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

/// Goal: an approver cannot approve what he asked for, whether the roster knows him by uid or not.
#[test]
fn nobody_approves_what_he_may_have_asked_for() {
    let office = Office::at(NOW);
    let own = ask(&office, APPROVER, 1);
    assert!(!approved(&office, &own, 0));
    assert!(approved(&office, &own, 1), "another approver may");

    // No uid is known: the stranger who asks may be any of them.
    let office = Office::with_uids(NOW, [None, None]);
    let strangers = ask(&office, STRANGER, 1);
    assert!(!approved(&office, &strangers, 0));
    assert!(!approved(&office, &strangers, 1));
    // One is: only he is told from the stranger.
    let office = Office::with_uids(NOW, [None, Some(APPROVER)]);
    let strangers = ask(&office, STRANGER, 1);
    assert!(!approved(&office, &strangers, 0));
    assert!(approved(&office, &strangers, 1));
}

/// Goal: who approved it does not use it, nor does anybody who might be him.
#[test]
fn nobody_uses_what_he_may_have_approved() {
    let office = Office::at(NOW);
    let access = ask(&office, CLERK, 1);
    assert!(approved(&office, &access, 0));
    let spend = |office: &Office, by: u32, access: &Access| {
        let store = office.store();
        store.spend_access(by, access.digest, false, vec![])
    };
    let own = refused(spend(&office, APPROVER, &access));
    assert!(matches!(own, Refusal::OperatorApproved(_)), "{own}");
    let _ = spend(&office, APPROVER + 1, &access).unwrap();

    // The roster names the clerk, and no approver's uid.
    let office = Office::with_uids(NOW, [None, None]);
    let key = crate::office::Signatory::new(9, "clerk").line();
    let key = key.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let seen = office.store().head().unwrap().0 - 1;
    let clerk =
        format!("\nperson: clerk\nrole: general_affairs\nuid: {CLERK}\nkey: {key} added {seen}\n");
    assert!(!office.amend(|text| text + &clerk, &[0, 1]));
    office.days(3);
    office.store().settle_roster(IT).unwrap();
    let access = ask(&office, CLERK, 1);
    assert!(approved(&office, &access, 0), "the clerk is no approver");
    let stranger = refused(spend(&office, STRANGER, &access));
    assert!(
        matches!(stranger, Refusal::MayHaveApproved(_)),
        "{stranger}"
    );
    let _ = spend(&office, CLERK, &access).unwrap();
}

/// Goal: of several uses, one that was cut off is gone on with by whoever began it, also when others
/// came after it; and no more are made than were approved.
#[test]
fn a_use_that_was_cut_off_is_gone_on_with_after_others() {
    let office = Office::at(NOW);
    let access = ask(&office, CLERK, 2);
    assert!(approved(&office, &access, 0));
    let spend = |by: u32| {
        office
            .store()
            .spend_access(by, access.digest, false, vec![])
    };
    let first = spend(STRANGER).unwrap();
    let second = spend(IT).unwrap();
    assert_eq!((first.number, second.number), (1, 2));
    let outcome = UseOutcome::Packaged {
        tag_manifest: access.digest,
        copies: vec![],
        bytes: 8,
    };
    office.store().end_access(IT, &second, outcome).unwrap();
    let again = spend(STRANGER).unwrap();
    assert_eq!((again.number, again.again, again.id), (1, true, first.id));
    let third = refused(spend(IT));
    assert!(third.to_string().ends_with("is used up"), "{third}");
}
