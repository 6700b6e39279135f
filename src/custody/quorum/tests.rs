//! The table of who must sign what, row by row, and what does not count.
#![allow(clippy::unwrap_used)]
use super::*;
use crate::custody::{
    key::Key,
    statement::Head,
    tests::{head, log, office, public, roster, signer, statement},
};

/// The actor that proposes in these tests: zhao of IT; or whoever the case names.
fn actor(uid: u32, person: Option<&str>) -> Actor {
    Actor {
        uid,
        person: person.map(Into::into),
    }
}

fn hold(requester: &str, placed_by: Option<Actor>, releasers_needed: u32) -> Hold {
    Hold {
        number: 2,
        case: "c".into(),
        reason: "r".into(),
        requester: requester.into(),
        placed_by,
        placed_at: 5,
        releasers_needed,
    }
}

fn context<'a>(roster: &'a Roster, matter: Matter<'a>) -> Context<'a> {
    Context {
        log: log(),
        events: 1_235,
        seen_at: Some(Moment::from_s(0)),
        now: Moment::from_s(0),
        roster,
        matter,
    }
}

fn hold_matter(hold: &Hold) -> Matter<'_> {
    Matter::Hold {
        recording: "mzymsttb4rbelt3o".parse().unwrap(),
        hold,
    }
}

/// The request that the statements of these tests are about.
fn access(requester: &Actor, two: bool) -> Matter<'_> {
    Matter::Access {
        request: Digest::new([9; 32]),
        requester,
        two,
    }
}

/// Whether these keys are enough.
fn enough(kind: Kind, keys: &[u8], matter: Matter) -> bool {
    let office = roster(office());
    let signers: Vec<_> = keys
        .iter()
        .map(|n| signer(&office, *n, &statement(kind)))
        .collect();
    matches!(
        judge(&statement(kind), &signers, &context(&office, matter)),
        Standing::Enough(_)
    )
}

// Keys: 1 li, 2 and 3 wang (approvers); 4 zhao (IT), 5 qian, 6 sun.

#[test]
fn each_kind_needs_its_people() {
    let it = actor(1_000, Some("zhao"));
    let plain_hold = hold("法院", Some(it.clone()), 1);
    let one_approver: &[(&[u8], bool)] = &[
        (&[], false),
        (&[1], true),
        (&[3], true),
        (&[4], false),
        (&[5, 6], false),
    ];
    let two_one_approver: &[(&[u8], bool)] = &[
        (&[], false),
        (&[1], false),
        (&[2, 3], false),
        (&[4, 5], false),
        (&[4, 5, 6], false),
        (&[1, 4], true),
        (&[1, 2], true),
        (&[2, 3, 6], true),
    ];
    let two_approvers: &[(&[u8], bool)] = &[
        (&[], false),
        (&[1], false),
        (&[1, 1], false),
        (&[2, 3], false),
        (&[1, 4], false),
        (&[2, 3, 4, 5, 6], false),
        (&[1, 2], true),
        (&[3, 1, 4], true),
    ];
    let table = [
        (
            Kind::Roster,
            Matter::Roster(&Amendment::Changed),
            two_approvers,
        ),
        (Kind::HoldRelease, hold_matter(&plain_hold), one_approver),
        (Kind::ClassLower, Matter::Proposed(&it), one_approver),
        (Kind::Attribution, Matter::Plain, two_one_approver),
        (Kind::Time, Matter::Plain, two_one_approver),
        (Kind::Policy, Matter::Plain, two_approvers),
        (Kind::Plan, Matter::Proposed(&it), one_approver),
        (Kind::Clock, Matter::Plain, two_one_approver),
        (Kind::BreakGlass, access(&it, false), two_one_approver),
        (Kind::Approval, access(&it, false), one_approver),
        (Kind::Denial, access(&it, true), one_approver),
    ];
    assert!(
        table.iter().map(|(kind, ..)| *kind).eq(Kind::ALL),
        "no kind is left out"
    );
    for (kind, matter, cases) in table {
        for (keys, expected) in cases {
            assert_eq!(enough(kind, keys, matter), *expected, "{kind} {keys:?}");
        }
    }
    for (keys, expected) in two_approvers {
        let two = access(&it, true);
        assert_eq!(enough(Kind::Approval, keys, two), *expected, "{keys:?}");
    }
}

#[test]
fn who_asked_placed_or_proposed_is_not_among_those_who_agree() {
    let wang = actor(1_002, Some("wang"));
    // The roster gave wang the uid later, or the uid was another's then.
    let uid_only = actor(1_002, None);
    let name_only = actor(7, Some("wang"));
    let stranger = actor(7, None);
    for (proposer, expected) in [
        (&wang, false),
        (&uid_only, false),
        (&name_only, false),
        (&stranger, true),
    ] {
        for kind in [Kind::ClassLower, Kind::Plan] {
            let matter = Matter::Proposed(proposer);
            assert_eq!(enough(kind, &[2], matter), expected, "{kind} {proposer:?}");
            assert!(enough(kind, &[1], matter), "li proposed nothing");
        }
        let asked = access(proposer, false);
        assert_eq!(
            enough(Kind::Approval, &[2], asked),
            expected,
            "{proposer:?}"
        );
        assert!(enough(Kind::Denial, &[2], asked), "saying no is free");
    }
    let cases = [
        (hold("法院", None, 1), &[2][..], true),
        (hold("wang", None, 1), &[2], false),
        (hold("WANG", None, 1), &[2], false),
        (hold("wang", None, 1), &[1], true),
        (hold("li", Some(wang.clone()), 1), &[1, 2, 3], false),
        (hold("法院", Some(wang.clone()), 1), &[2], false),
        (hold("法院", Some(uid_only), 1), &[3], false),
        (hold("法院", Some(wang), 1), &[1], true),
        (hold("法院", Some(stranger), 1), &[2], true),
        // A hold that needs two, one of whom may not.
        (hold("li", None, 2), &[1, 2], false),
        (hold("li", None, 2), &[2, 4], true),
        (hold("zhao", None, 2), &[2, 4], false),
        (hold("zhao", None, 2), &[2, 5], true),
        (hold("法院", None, 3), &[1, 2], false),
        (hold("法院", None, 3), &[1, 2, 6], true),
    ];
    for (hold, keys, expected) in cases {
        let found = enough(Kind::HoldRelease, keys, hold_matter(&hold));
        assert_eq!(found, expected, "{hold:?} {keys:?}");
    }
}

#[test]
fn a_sentence_says_what_is_missing() {
    let office = roster(office());
    let say = |kind, keys: &[u8], matter| {
        let signers: Vec<_> = keys
            .iter()
            .map(|n| signer(&office, *n, &statement(kind)))
            .collect();
        match judge(&statement(kind), &signers, &context(&office, matter)) {
            Standing::Wanting { sentence, .. } => sentence,
            other => panic!("{other:?}"),
        }
    };
    let it = actor(1_002, None);
    assert_eq!(
        say(Kind::Plan, &[2, 3], Matter::Proposed(&it)),
        "a disposal plan needs one approver who did not make the plan; no signature counts so \
         far; the signature of wang does not count: who proposes cannot approve"
    );
    assert_eq!(
        say(Kind::Time, &[4, 5, 6], Matter::Plain),
        "a correction of a recording's start needs two people, one of them an approver; \
         qian (use_department), sun (general_affairs) and zhao (it) have signed"
    );
    assert_eq!(
        say(Kind::HoldRelease, &[1], hold_matter(&hold("x", None, 3))),
        "the release of a hold needs 3 people, one of them an approver, none of whom asked for \
         the hold or placed it; li (approver) has signed"
    );
}

#[test]
fn a_key_counts_by_the_roster_in_force_and_so_does_a_role() {
    // Li and wang signed; before the statement is used, the roster changes.
    let then = roster(office());
    let said = statement(Kind::Policy);
    let signers = [signer(&then, 1, &said), signer(&then, 2, &said)];
    type Step = fn(&mut Vec<Person>);
    let cases: &[(Step, bool)] = &[
        (|_| {}, true),
        (|p| p[0].keys[0].revoked_at = Some(9), false),
        (|p| p[0].keys = vec![Key::genesis(public(9))], false),
        // Wang's other key is revoked, not the one that signed.
        (|p| p[1].keys[1].revoked_at = Some(9), true),
        (|p| p[1].keys[0].revoked_at = Some(9), false),
        (
            |p| {
                p[4].role = Role::Approver;
                p[0].role = Role::It
            },
            false,
        ),
        (
            |p| {
                p[4].role = Role::Approver;
                p.remove(0);
            },
            false,
        ),
    ];
    for (step, expected) in cases {
        let mut people = office();
        step(&mut people);
        let now = roster(people);
        let standing = judge(
            &statement(Kind::Policy),
            &signers,
            &context(&now, Matter::Plain),
        );
        assert_eq!(
            matches!(standing, Standing::Enough(_)),
            *expected,
            "{standing:?}"
        );
    }
}

#[test]
fn a_statement_is_for_one_store_and_one_time() {
    let office = roster(office());
    let said = statement(Kind::Policy);
    let both = [signer(&office, 1, &said), signer(&office, 2, &said)];
    let good = context(&office, Matter::Plain);
    let days = |n: i64| Moment::from_ms(n * DAY_MS);
    let refused = |context: &Context| match judge(&statement(Kind::Policy), &both, context) {
        Standing::Refused(why) => Some(why),
        Standing::Enough(_) => None,
        Standing::Wanting { sentence, .. } => panic!("{sentence}"),
    };
    let unseen = |events| {
        Some(Unfit::Unseen {
            seen: 1_234,
            events,
        })
    };
    let cases = [
        (good, None),
        (
            Context {
                log: Digest::new([8; 32]),
                ..good
            },
            Some(Unfit::AnotherLog(log())),
        ),
        // Event 1234 is the newest of 1235.
        (
            Context {
                events: 1_234,
                ..good
            },
            unseen(1_234),
        ),
        (Context { events: 0, ..good }, unseen(0)),
        (
            Context {
                seen_at: None,
                ..good
            },
            unseen(1_235),
        ),
        (
            Context {
                now: days(STATEMENT_AGE_DAYS_MAX),
                ..good
            },
            None,
        ),
        (
            Context {
                now: days(STATEMENT_AGE_DAYS_MAX).plus_ms(1),
                ..good
            },
            Some(Unfit::Stale(STATEMENT_AGE_DAYS_MAX)),
        ),
        (
            Context {
                now: days(400),
                ..good
            },
            Some(Unfit::Stale(400)),
        ),
        // A clock that was put back makes no statement older.
        (
            Context {
                now: days(-400),
                ..good
            },
            None,
        ),
        (
            Context {
                now: Moment::from_ms(i64::MAX),
                seen_at: Some(Moment::from_ms(i64::MIN)),
                ..good
            },
            Some(Unfit::Stale(i64::MAX / DAY_MS)),
        ),
    ];
    for (context, expected) in cases {
        assert_eq!(refused(&context), expected, "{context:?}");
    }
}

#[test]
fn a_statement_serves_for_what_it_is_about_alone() {
    let office = roster(office());
    let all = |said: &Statement| -> Vec<_> { (1..=6).map(|n| signer(&office, n, said)).collect() };
    let it = actor(1_000, Some("zhao"));
    let held = hold("法院", None, 1);
    let matters = [
        ("plain", Matter::Plain),
        ("roster", Matter::Roster(&Amendment::Changed)),
        ("hold", hold_matter(&held)),
        ("proposed", Matter::Proposed(&it)),
        ("access", access(&it, false)),
    ];
    for kind in Kind::ALL {
        let own = match kind {
            Kind::Roster => "roster",
            Kind::HoldRelease => "hold",
            Kind::ClassLower | Kind::Plan => "proposed",
            Kind::Approval | Kind::Denial | Kind::BreakGlass => "access",
            _ => "plain",
        };
        for (name, matter) in matters {
            let standing = judge(
                &statement(kind),
                &all(&statement(kind)),
                &context(&office, matter),
            );
            match standing {
                Standing::Enough(_) => assert_eq!(name, own, "{kind}"),
                other => {
                    assert_ne!(name, own, "{kind}");
                    assert_eq!(
                        other,
                        Standing::Refused(Unfit::AnotherMatter),
                        "{kind} {name}"
                    );
                }
            }
        }
    }
    // The statement says hold 2 of this recording.
    let said = statement(Kind::HoldRelease);
    let another = Hold {
        number: 3,
        ..held.clone()
    };
    let other_recording = Matter::Hold {
        recording: "aaaqeayeaudaocaj".parse().unwrap(),
        hold: &held,
    };
    for matter in [hold_matter(&another), other_recording] {
        assert_eq!(
            judge(&said, &all(&said), &context(&office, matter)),
            Standing::Refused(Unfit::AnotherMatter)
        );
    }
}

#[test]
fn a_quorum_names_who_counted_for_which_statement() {
    let office = roster(office());
    let said = Statement::new(head(Kind::Policy), [("reason", "r")]).unwrap();
    let signers = [2, 3, 4, 1].map(|n| signer(&office, n, &said));
    let Standing::Enough(quorum) = judge(&said, &signers, &context(&office, Matter::Plain)) else {
        panic!("two approvers signed");
    };
    assert_eq!(quorum.people(), ["li", "wang", "zhao"]);
    assert_eq!((quorum.approvers(), quorum.statement()), (2, said.digest()));
    assert!(quorum.meets(&[Need::of(9, 9), Need::of(3, 2)]));
    assert!(!quorum.meets(&[Need::of(4, 2), Need::of(2, 3)]));
    assert!(!quorum.meets(&[]));
}

#[test]
fn a_signature_of_another_statement_does_not_count() {
    // The caller must not be able to mix them up, not even those of the same kind and people.
    let office = roster(office());
    let said = statement(Kind::Policy);
    let other = Head {
        seen: 1_233,
        ..head(Kind::Policy)
    };
    let other = Statement::new(other, [("reason", "r")]).unwrap();
    let signers = [signer(&office, 1, &said), signer(&office, 2, &other)];
    let Standing::Wanting { sentence, .. } =
        judge(&said, &signers, &context(&office, Matter::Plain))
    else {
        panic!("wang signed something else");
    };
    assert_eq!(
        sentence,
        "a change of the retention policy needs two approvers; li (approver) has signed; \
         the signature of wang does not count: it is one of another statement"
    );
}
