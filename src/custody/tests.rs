//! What the tests of this room share: people, keys that can sign, statements.
#![allow(clippy::unwrap_used)]

use ssh_key::{HashAlg, LineEnding, PrivateKey, private::Ed25519Keypair};

use super::*;
use crate::base::{Digest, Moment};

/// Key number `n`: always the same.
pub(super) fn private(n: u8) -> PrivateKey {
    PrivateKey::from(Ed25519Keypair::from_seed(&[n; 32]))
}

pub(super) fn public(n: u8) -> PublicKey {
    let line = private(n).public_key().to_openssh().unwrap();
    PublicKey::read_line(&line).unwrap().0
}

/// A person of the genesis kind, with these keys.
pub(super) fn person(id: &str, role: Role, uid: Option<u32>, keys: &[u8]) -> Person {
    Person {
        id: id.into(),
        role,
        uid,
        keys: keys.iter().map(|n| Key::genesis(public(*n))).collect(),
    }
}

/// Two approvers (li with key 1, wang with keys 2 and 3), and one of each other department with
/// keys 4, 5 and 6. Zhao of IT has the uid 1000, wang 1002.
pub(super) fn office() -> Vec<Person> {
    vec![
        person("li", Role::Approver, None, &[1]),
        person("wang", Role::Approver, Some(1_002), &[2, 3]),
        person("zhao", Role::It, Some(1_000), &[4]),
        person("qian", Role::UseDepartment, None, &[5]),
        person("sun", Role::GeneralAffairs, Some(1_003), &[6]),
    ]
}

pub(super) fn roster(people: Vec<Person>) -> Roster {
    Roster::new(people, Delays::default()).unwrap()
}

/// The log that all statements of the tests are for.
pub(super) fn log() -> Digest {
    Digest::new([7; 32])
}

pub(super) fn head(kind: Kind) -> Head {
    let target = match kind.shape().target {
        kind::TargetForm::Recording => Target::Recording("mzymsttb4rbelt3o".parse().unwrap()),
        kind::TargetForm::Digest => Target::Digest(Digest::new([9; 32])),
        kind::TargetForm::Clock => Target::Clock,
    };
    Head {
        kind,
        log: log(),
        seen: 1_234,
        nonce: Nonce::new([5; 16]),
        target,
    }
}

/// A good value of every field that the kind has.
pub(super) fn fields(kind: Kind) -> Vec<(&'static str, &'static str)> {
    let value = |form| match form {
        kind::Form::Words => "案件 2026-117",
        kind::Form::Number => "2",
        kind::Form::Moment => "2026-11-23T06:05:06Z",
        kind::Form::Class => "4.6.2",
    };
    let of_kind = kind.shape().fields.iter();
    of_kind.map(|f| (f.name, value(f.form))).collect()
}

/// A good statement of this kind with every field that it can have.
pub(super) fn statement(kind: Kind) -> Statement {
    Statement::new(head(kind), fields(kind)).unwrap()
}

/// The statement that this roster shall follow.
pub(super) fn about(roster: &Roster, seen: u64) -> Statement {
    let head = Head {
        target: Target::Digest(roster.digest()),
        seen,
        ..head(Kind::Roster)
    };
    Statement::new(head, [("reason", "because")]).unwrap()
}

/// The signer of this statement by key number `n`, as a verified signature gives it.
pub(super) fn signer(roster: &Roster, n: u8, statement: &Statement) -> Signer {
    let (person, key) = roster.holder(&public(n)).unwrap();
    Signer::for_test(person, key, statement)
}

/// The armored signature of key number `n`.
pub(super) fn sign(n: u8, text: &str, namespace: &str) -> String {
    let signature = private(n).sign(namespace, HashAlg::Sha512, text.as_bytes());
    signature.unwrap().to_pem(LineEnding::LF).unwrap()
}

#[test]
fn a_statement_goes_from_text_over_signatures_to_an_act() {
    // The whole way: li asks IT to place a hold, wang lifts it by a signed statement, and the
    // events of all of it survive JSON.
    let office = roster(office());
    let recording = "mzymsttb4rbelt3o".parse().unwrap();
    let mut holds = Holds::default();
    let asked = Asked {
        case: "2026-117".into(),
        reason: "申诉".into(),
        requester: "li".into(),
        placed_by: Some(Actor::of(1_000, &office)),
        releasers_needed: 1,
    };
    let hold = holds.place(&asked, 40).unwrap();
    holds.add(serde_json::from_value(serde_json::to_value(&hold).unwrap()).unwrap());
    assert!(holds.is_held());
    assert_eq!(
        hold.to_string(),
        "hold 1 for case 2026-117, asked for by li, placed by zhao in event 40: 申诉"
    );

    let said = Statement::new(
        head(Kind::HoldRelease),
        [("hold", "1"), ("reason", "案件已结")],
    )
    .unwrap();
    let sent: Statement = said.text().parse().unwrap();
    let context = Context {
        log: log(),
        events: 1_300,
        seen_at: Some(Moment::from_s(1_000)),
        now: Moment::from_s(2_000),
        roster: &office,
        matter: Matter::Hold {
            recording,
            hold: &hold,
        },
    };
    let verified = |n| {
        let armored = sign(n, &said.text(), Kind::HoldRelease.namespace());
        verify_statement(&sent, &armored, &office).unwrap()
    };
    let Standing::Wanting { sentence, .. } = judge(&sent, &[verified(1), verified(4)], &context)
    else {
        panic!("who asked for the hold and who placed it are not enough");
    };
    assert_eq!(
        sentence,
        "the release of a hold needs one approver, none of whom asked for the hold or placed it; \
         no signature counts so far; \
         the signature of li does not count: who asked for a hold cannot lift it; \
         the signature of zhao does not count: who placed a hold cannot lift it"
    );
    let Standing::Enough(quorum) = judge(&sent, &[verified(1), verified(2)], &context) else {
        panic!("wang is enough");
    };
    assert_eq!(quorum.people(), ["wang"]);
    let lifted = holds.release(recording, &sent, &quorum).unwrap().number;
    holds.lift(lifted);
    assert!(!holds.is_held());
}
