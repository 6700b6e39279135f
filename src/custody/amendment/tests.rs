//! What is told apart between two rosters, and what no roster may rewrite.
#![allow(clippy::unwrap_used)]
use super::*;
use crate::custody::{
    roster::{Delays, Role},
    statement::Nonce,
    tests::{office, person, public, roster},
};

const SEEN: u64 = 50;

fn key_of(people: &mut [Person], n: u8) -> &mut Key {
    let mut keys = people.iter_mut().flat_map(|p| &mut p.keys);
    keys.find(|k| k.public == public(n)).unwrap()
}

fn revoke(people: &mut [Person], n: u8, at: u64) {
    key_of(people, n).revoked_at = Some(at);
}

fn give(people: &mut [Person], id: &str, n: u8, at: u64) {
    let person = people.iter_mut().find(|p| p.id == id).unwrap();
    person.keys.push(Key {
        added_at: Some(at),
        ..Key::genesis(public(n))
    });
}

/// The amendment from `before` to `after`, each made from the office by its own steps.
fn between(
    before: impl FnOnce(&mut Vec<Person>),
    after: impl FnOnce(&mut Vec<Person>),
) -> Result<Amendment, AmendmentError> {
    let mut people = office();
    before(&mut people);
    let old = roster(people.clone());
    after(&mut people);
    compare(&old, &roster(people), SEEN)
}

#[test]
fn what_a_roster_changes_is_told_apart() {
    type Step = fn(&mut Vec<Person>);
    let nothing: Step = |_| {};
    let li_lost: Step = |p| revoke(p, 1, 40);
    let li = |left| Amendment::Revoked {
        approvers_left: left,
    };
    let replaced = |id: &str| Amendment::Replaced {
        person: id.into(),
        of_two: false,
    };
    let cases: &[(&str, Step, Step, Amendment)] = &[
        ("the same", nothing, nothing, Amendment::Withdrawn),
        ("one key of two", nothing, |p| revoke(p, 2, SEEN), li(2)),
        (
            "an approver's last key",
            nothing,
            |p| revoke(p, 1, SEEN),
            li(1),
        ),
        (
            "the last approver's",
            li_lost,
            |p| {
                revoke(p, 2, SEEN);
                revoke(p, 3, SEEN)
            },
            li(0),
        ),
        ("a key of IT", nothing, |p| revoke(p, 4, SEEN), li(2)),
        (
            "keys of two people",
            nothing,
            |p| {
                revoke(p, 4, SEEN);
                revoke(p, 5, SEEN)
            },
            li(2),
        ),
        (
            "a revoked key leaves the text",
            li_lost,
            |p| p[0].keys.clear(),
            li(1),
        ),
        (
            "a lost key",
            li_lost,
            |p| give(p, "li", 9, SEEN),
            replaced("li"),
        ),
        (
            "two for a lost one",
            li_lost,
            |p| {
                give(p, "li", 9, SEEN);
                give(p, "li", 8, SEEN)
            },
            replaced("li"),
        ),
        (
            "and the lost one leaves",
            li_lost,
            |p| {
                p[0].keys.clear();
                give(p, "li", 9, SEEN)
            },
            replaced("li"),
        ),
        (
            "a lost key of IT",
            |p| revoke(p, 4, 40),
            |p| give(p, "zhao", 9, SEEN),
            replaced("zhao"),
        ),
        // None of these is a replacement: each would let one approver add to what can sign.
        (
            "a second key",
            nothing,
            |p| give(p, "li", 9, SEEN),
            Amendment::Changed,
        ),
        (
            "revoked and replaced in one",
            nothing,
            |p| {
                revoke(p, 1, SEEN);
                give(p, "li", 9, SEEN)
            },
            Amendment::Changed,
        ),
        (
            "for two people",
            li_lost,
            |p| {
                give(p, "li", 9, SEEN);
                give(p, "wang", 8, SEEN)
            },
            Amendment::Changed,
        ),
        (
            "a replacement that revokes another's",
            li_lost,
            |p| {
                give(p, "li", 9, SEEN);
                revoke(p, 2, SEEN)
            },
            Amendment::Changed,
        ),
        (
            "the first key of somebody",
            |p| p[2].keys.clear(),
            |p| give(p, "zhao", 9, SEEN),
            Amendment::Changed,
        ),
        (
            "a replacement with another role",
            |p| revoke(p, 4, 40),
            |p| {
                give(p, "zhao", 9, SEEN);
                p[2].role = Role::Approver
            },
            Amendment::Changed,
        ),
        (
            "a replacement with another uid",
            li_lost,
            |p| {
                give(p, "li", 9, SEEN);
                p[0].uid = Some(5)
            },
            Amendment::Changed,
        ),
        (
            "a new person",
            nothing,
            |p| p.push(person("zhou", Role::It, None, &[])),
            Amendment::Changed,
        ),
        (
            "a new approver",
            li_lost,
            |p| {
                p.push(person("zhou", Role::Approver, None, &[]));
                give(p, "zhou", 9, SEEN)
            },
            Amendment::Changed,
        ),
        (
            "somebody leaves, keys and all",
            nothing,
            |p| {
                p.remove(2);
            },
            Amendment::Changed,
        ),
        (
            "another role",
            nothing,
            |p| p[2].role = Role::UseDepartment,
            Amendment::Changed,
        ),
        (
            "another uid",
            nothing,
            |p| p[2].uid = None,
            Amendment::Changed,
        ),
    ];
    for (what, before, after, expected) in cases {
        assert_eq!(between(before, after).as_ref(), Ok(expected), "{what}");
    }
    let old = roster(office());
    let faster = Delays {
        change_hours: 1,
        repair_hours: 24,
    };
    let new = Roster::new(office(), faster).unwrap();
    assert_eq!(
        compare(&old, &new, SEEN),
        Ok(Amendment::Changed),
        "delays are rights too"
    );
}

#[test]
fn what_a_roster_must_keep_cannot_be_rewritten() {
    type Step = fn(&mut Vec<Person>);
    let nothing: Step = |_| {};
    let li_lost: Step = |p| revoke(p, 1, 40);
    let cases: &[(&str, Step, Step, &str)] = &[
        (
            "no number",
            nothing,
            |p| p[0].keys.push(Key::genesis(public(9))),
            "must say 'added 50'",
        ),
        (
            "another number",
            nothing,
            |p| give(p, "li", 9, 49),
            "must say 'added 50'",
        ),
        (
            "new and revoked",
            nothing,
            |p| {
                give(p, "li", 9, SEEN);
                revoke(p, 9, SEEN)
            },
            "must say 'added 50'",
        ),
        (
            "revoked in the past",
            nothing,
            |p| revoke(p, 1, 49),
            "must say 'revoked 50'",
        ),
        (
            "revoked in the future",
            nothing,
            |p| revoke(p, 1, 51),
            "must say 'revoked 50'",
        ),
        (
            "good again",
            li_lost,
            |p| key_of(p, 1).revoked_at = None,
            "with other numbers",
        ),
        (
            "revoked again",
            li_lost,
            |p| revoke(p, 1, SEEN),
            "with other numbers",
        ),
        (
            "added at another time",
            nothing,
            |p| key_of(p, 1).added_at = Some(SEEN),
            "with other numbers",
        ),
        (
            "left out unrevoked",
            nothing,
            |p| {
                p[1].keys.remove(0);
            },
            "a key is revoked first",
        ),
        (
            "passed on",
            nothing,
            |p| {
                let k = p[1].keys.remove(0);
                p[2].keys.push(k)
            },
            "cannot pass to zhao",
        ),
    ];
    for (what, before, after, expected) in cases {
        let why = between(before, after).unwrap_err().to_string();
        assert!(why.contains(expected), "{what}: {why}");
    }
}

#[test]
fn a_roster_stays_with_its_store() {
    let of = |n| roster(office()).for_store(Nonce::new([n; 16])).unwrap();
    let another = Err(AmendmentError::AnotherStore);
    assert_eq!(compare(&of(1), &of(2), SEEN), another);
    assert_eq!(compare(&of(1), &roster(office()), SEEN), another);
    let fewer = office().into_iter().take(4);
    let next = of(1).amended(fewer, Delays::default()).unwrap();
    assert_eq!(compare(&of(1), &next, SEEN), Ok(Amendment::Changed));
}

#[test]
fn taking_away_needs_one_approver_and_giving_needs_two() {
    let left = |approvers_left| Amendment::Revoked { approvers_left };
    let replaced = |of_two| Amendment::Replaced {
        person: "li".into(),
        of_two,
    };
    let cases: &[(Amendment, &[(usize, usize)])] = &[
        (Amendment::Withdrawn, &[(1, 1), (2, 0)]),
        (left(2), &[(1, 1)]),
        (left(0), &[(1, 1)]),
        (replaced(false), &[(2, 1)]),
        (replaced(true), &[(1, 1)]),
        (Amendment::Changed, &[(2, 2)]),
    ];
    for (amendment, expected) in cases {
        let needs = amendment.needs().iter().map(|n| (n.people, n.approvers));
        assert!(needs.eq(expected.iter().copied()), "{amendment:?}");
    }
}

#[test]
fn two_people_are_told_from_more_whether_they_can_sign_or_not() {
    for (others, of_two) in [(0, true), (1, false), (2, false)] {
        let mut people = office();
        people.truncate(2 + others);
        revoke(&mut people, 1, 40);
        for other in &mut people[2..] {
            other.keys.clear();
        }
        let old = roster(people.clone());
        give(&mut people, "li", 9, SEEN);
        let expected = Amendment::Replaced {
            person: "li".into(),
            of_two,
        };
        assert_eq!(compare(&old, &roster(people), SEEN), Ok(expected));
    }
}
