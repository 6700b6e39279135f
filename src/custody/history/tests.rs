//! Who changes the roster, how soon, and by which roster an event is judged.
#![allow(clippy::unwrap_used)]
use super::*;
use crate::custody::{
    key::Key,
    quorum::{Context, Matter, Standing, judge},
    roster::{Delays, Person, Role},
    tests::{about, log, office, person, public, roster, signer},
};

fn at_h(hours: i64) -> Moment {
    Moment::from_ms(hours * HOUR_MS)
}

/// Judges a roster signed with these keys, and plans what follows.
fn plan(
    history: &RosterHistory,
    proposed: &Roster,
    seen: u64,
    keys: &[u8],
    now: Moment,
) -> Result<RosterChange, String> {
    let said = about(proposed, seen);
    let amendment = history
        .amendment(&said, proposed)
        .map_err(|e| e.to_string())?;
    let signers: Vec<_> = keys
        .iter()
        .map(|n| signer(history.current(), *n, &said))
        .collect();
    let context = Context {
        log: log(),
        events: seen + 1,
        seen_at: Some(now),
        now,
        roster: history.current(),
        matter: Matter::Roster(&amendment),
    };
    match judge(&said, &signers, &context) {
        Standing::Enough(quorum) => {
            let planned = history.plan_change(&said, proposed, &quorum, now);
            planned.map_err(|e| e.to_string())
        }
        Standing::Wanting { sentence, .. } => Err(sentence),
        Standing::Refused(why) => Err(why.to_string()),
    }
}

/// The roster in force, with one step more.
fn with(history: &RosterHistory, step: impl FnOnce(&mut Vec<Person>)) -> Roster {
    let mut people: Vec<_> = history.current().people().cloned().collect();
    step(&mut people);
    Roster::new(people, history.current().delays()).unwrap()
}

fn revoked(history: &RosterHistory, n: u8, seen: u64) -> Roster {
    with(history, |people| {
        let mut keys = people.iter_mut().flat_map(|p| &mut p.keys);
        keys.find(|k| k.public == public(n)).unwrap().revoked_at = Some(seen);
    })
}

fn given(history: &RosterHistory, id: &str, n: u8, seen: u64) -> Roster {
    with(history, |people| {
        let person = people.iter_mut().find(|p| p.id == id).unwrap();
        let added_at = Some(seen);
        person.keys.push(Key {
            added_at,
            ..Key::genesis(public(n))
        });
    })
}

fn due_of(change: &RosterChange) -> Option<Moment> {
    match change {
        RosterChange::Proposed { due, .. } => Some(*due),
        _ => None,
    }
}

#[test]
fn a_change_is_agreed_by_two_approvers_and_waits_a_day() {
    let mut history = RosterHistory::new(roster(office()));
    let next = given(&history, "zhao", 9, 10);
    for (keys, missing) in [
        (&[][..], "needs two approvers; no signature counts so far"),
        (&[1], "needs two approvers; li (approver) has signed"),
        // Two keys of one person, and somebody who is no approver.
        (&[2, 3], "needs two approvers; wang (approver) has signed"),
        (
            &[1, 4],
            "needs two approvers; li (approver) and zhao (it) have signed",
        ),
    ] {
        let why = plan(&history, &next, 10, keys, at_h(0)).unwrap_err();
        assert!(why.contains(missing), "{why}");
    }
    let change = plan(&history, &next, 10, &[1, 3], at_h(0)).unwrap();
    assert_eq!(due_of(&change), Some(at_h(24)));
    history.apply(&change, 11);
    assert_eq!(history.pending().unwrap().roster, next);
    assert_ne!(*history.current(), next);
    let early = at_h(24).plus_ms(-1);
    assert_eq!(history.plan_due(early), None, "giving is slow");
    let forced = history.plan_due(at_h(24)).unwrap();
    history.apply(&forced, 20);
    assert_eq!(
        (history.plan_due(at_h(99)), history.pending()),
        (None, None)
    );
    // The event that carries it is judged by the roster before.
    assert_ne!(*history.at(20), next);
    assert_eq!(*history.at(21), next);
    assert_eq!(*history.current(), next);
    assert_eq!(
        history.log(),
        roster(office()).digest(),
        "the log's name never changes"
    );
    assert_eq!(
        history.rosters().map(|(from, _)| from).collect::<Vec<_>>(),
        [0, 21]
    );
}

#[test]
fn a_revocation_is_in_force_at_once_and_drops_what_waits() {
    let mut history = RosterHistory::new(roster(office()));
    let waiting = given(&history, "zhao", 9, 10);
    history.apply(&plan(&history, &waiting, 10, &[1, 2], at_h(0)).unwrap(), 11);
    // Key 3 is stolen. Had the pending roster survived, it would bring the key back.
    let next = revoked(&history, 3, 11);
    let change = plan(&history, &next, 11, &[1], at_h(1)).unwrap();
    assert!(matches!(change, RosterChange::Revoked { .. }));
    history.apply(&change, 12);
    assert_eq!(*history.at(13), next);
    assert_eq!(history.pending(), None);
    assert_eq!(history.plan_due(at_h(999)), None);
    // Somebody who is no approver cannot revoke.
    let next = revoked(&history, 5, 13);
    let why = plan(&history, &next, 13, &[4, 6], at_h(2)).unwrap_err();
    assert!(why.contains("needs one approver"), "{why}");
}

#[test]
fn a_revoked_key_never_comes_back() {
    let mut history = RosterHistory::new(roster(office()));
    history.apply(
        &plan(&history, &revoked(&history, 3, 1), 1, &[1], at_h(0)).unwrap(),
        2,
    );
    // Out of the text first, so that the roster in force does not know it any more.
    let forgotten = with(&history, |p| {
        p.iter_mut().for_each(|p| p.keys.retain(Key::is_good))
    });
    history.apply(&plan(&history, &forgotten, 2, &[1], at_h(0)).unwrap(), 3);
    for id in ["wang", "zhao"] {
        let back = given(&history, id, 3, 3);
        let why = plan(&history, &back, 3, &[1, 2], at_h(0)).unwrap_err();
        assert!(
            why.contains("was revoked once and never comes back"),
            "{why}"
        );
    }
}

#[test]
fn a_lost_key_is_replaced_by_another_approver_and_a_second_person_in_two_weeks() {
    let mut history = RosterHistory::new(roster(office()));
    history.apply(
        &plan(&history, &revoked(&history, 1, 1), 1, &[2], at_h(0)).unwrap(),
        2,
    );
    assert_eq!(history.current().approvers_able(), 1);
    // With one approver left, nothing but the repair can give rights.
    let more = given(&history, "zhao", 9, 3);
    let why = plan(&history, &more, 3, &[2, 4], at_h(1)).unwrap_err();
    assert!(
        why.ends_with("only one approver of the roster can sign"),
        "{why}"
    );
    let next = given(&history, "li", 9, 3);
    for (keys, missing) in [
        (
            &[2][..],
            "needs two people, one of them an approver; wang (approver) has signed",
        ),
        (&[4, 5], "qian (use_department) and zhao (it) have signed"),
        (&[2, 3], "wang (approver) has signed"),
    ] {
        let why = plan(&history, &next, 3, keys, at_h(1)).unwrap_err();
        assert!(why.contains(missing), "{why}");
    }
    let change = plan(&history, &next, 3, &[2, 4], at_h(1)).unwrap();
    assert_eq!(due_of(&change), Some(at_h(1 + 14 * 24)));
    history.apply(&change, 4);
    // Two other people, neither an approver, can stop it: withdrawing gives nobody a right.
    let same = history.current().clone();
    let why = plan(&history, &same, 4, &[5], at_h(2)).unwrap_err();
    assert!(
        why.contains("needs one approver, or any two people"),
        "{why}"
    );
    let stop = plan(&history, &same, 4, &[5, 6], at_h(2)).unwrap();
    assert!(matches!(stop, RosterChange::Withdrawn { .. }));
    history.apply(&stop, 5);
    assert_eq!(history.pending(), None);
    // Proposed again, and nobody stops it.
    let next = given(&history, "li", 9, 6);
    history.apply(&plan(&history, &next, 6, &[3, 5], at_h(3)).unwrap(), 7);
    history.apply(&history.plan_due(at_h(3 + 14 * 24)).unwrap(), 8);
    assert_eq!(history.current().approvers_able(), 2);
}

#[test]
fn two_approvers_replace_a_lost_key_of_a_third_in_a_day() {
    let mut people = office();
    people.push(person("zhou", Role::Approver, None, &[7]));
    let mut history = RosterHistory::new(roster(people));
    history.apply(
        &plan(&history, &revoked(&history, 7, 1), 1, &[2], at_h(0)).unwrap(),
        2,
    );
    let next = given(&history, "zhou", 9, 3);
    let fast = plan(&history, &next, 3, &[1, 2], at_h(0)).unwrap();
    let slow = plan(&history, &next, 3, &[1, 6], at_h(0)).unwrap();
    assert_eq!(
        (due_of(&fast), due_of(&slow)),
        (Some(at_h(24)), Some(at_h(14 * 24)))
    );
}

#[test]
fn one_approver_revokes_even_the_last_key_and_then_nothing_is_approved() {
    let mut history = RosterHistory::new(roster(office()));
    for (n, event) in [(1, 1), (2, 2), (3, 3)] {
        let next = revoked(&history, n, event);
        history.apply(
            &plan(&history, &next, event, &[3], at_h(0)).unwrap(),
            event + 1,
        );
    }
    assert_eq!(history.current().approvers_able(), 0);
    let next = given(&history, "li", 9, 4);
    let why = plan(&history, &next, 4, &[4, 5], at_h(0)).unwrap_err();
    assert!(why.contains("no approver of the roster can sign"), "{why}");
}

#[test]
fn in_an_office_of_two_the_other_replaces_a_lost_key_alone_in_four_weeks() {
    let two = || office().into_iter().take(2).collect::<Vec<_>>();
    let mut history = RosterHistory::new(roster(two()));
    history.apply(
        &plan(&history, &revoked(&history, 1, 1), 1, &[2], at_h(0)).unwrap(),
        2,
    );
    let next = given(&history, "li", 9, 3);
    let change = plan(&history, &next, 3, &[2], at_h(0)).unwrap();
    assert_eq!(due_of(&change), Some(at_h(2 * 14 * 24)));
    // It is not a way to bring in somebody else.
    let other = with(&history, |p| p.push(person("zhou", Role::It, None, &[])));
    let why = plan(&history, &other, 3, &[2], at_h(0)).unwrap_err();
    assert!(why.contains("needs two approvers"), "{why}");
    // A third person, though without any key, closes this way.
    let mut three = two();
    three.push(person("zhou", Role::It, None, &[]));
    let mut history = RosterHistory::new(roster(three));
    history.apply(
        &plan(&history, &revoked(&history, 1, 1), 1, &[2], at_h(0)).unwrap(),
        2,
    );
    let next = given(&history, "li", 9, 3);
    assert!(plan(&history, &next, 3, &[2], at_h(0)).is_err());
}

#[test]
fn one_change_waits_at_a_time_and_nothing_is_no_change() {
    let mut history = RosterHistory::new(roster(office()));
    let same = history.current().clone();
    let why = plan(&history, &same, 1, &[1], at_h(0)).unwrap_err();
    assert!(why.contains("in force already"), "{why}");
    let first = given(&history, "zhao", 9, 1);
    history.apply(&plan(&history, &first, 1, &[1, 2], at_h(0)).unwrap(), 2);
    let second = given(&history, "zhao", 8, 2);
    let why = plan(&history, &second, 2, &[1, 2], at_h(1)).unwrap_err();
    assert!(why.contains("waits until 1970-01-02T00:00:00Z"), "{why}");
    history.apply(&plan(&history, &same, 2, &[1], at_h(1)).unwrap(), 3);
    assert!(plan(&history, &second, 2, &[1, 2], at_h(1)).is_ok());
}

#[test]
fn the_delay_is_the_one_of_the_roster_in_force() {
    // A roster that shortens the delay waits by the old one: nobody shortens it for themselves.
    let slow = Delays {
        change_hours: 48,
        repair_hours: 500,
    };
    let history = RosterHistory::new(Roster::new(office(), slow).unwrap());
    let fast = Delays {
        change_hours: 1,
        repair_hours: 1,
    };
    let next = Roster::new(office(), fast).unwrap();
    let change = plan(&history, &next, 1, &[1, 2], at_h(0)).unwrap();
    assert_eq!(due_of(&change), Some(at_h(48)));
}

#[test]
fn a_quorum_counts_for_its_own_statement_and_change_alone() {
    let history = RosterHistory::new(roster(office()));
    let next = given(&history, "zhao", 9, 1);
    let said = about(&next, 1);
    // A caller that judges by a lighter amendment than the real one gains nothing by it.
    let lighter = Amendment::Revoked { approvers_left: 2 };
    let context = Context {
        log: log(),
        events: 9,
        seen_at: Some(at_h(0)),
        now: at_h(0),
        roster: history.current(),
        matter: Matter::Roster(&lighter),
    };
    let Standing::Enough(one) = judge(&said, &[signer(history.current(), 1, &said)], &context)
    else {
        panic!("one approver revokes");
    };
    let refused = Err(ChangeRefused::Agreement);
    assert_eq!(history.plan_change(&said, &next, &one, at_h(0)), refused);
    let later = about(&next, 2);
    let both = [1, 2].map(|n| signer(history.current(), n, &later));
    let Standing::Enough(other) = judge(&later, &both, &context) else {
        panic!("two approvers");
    };
    assert_eq!(history.plan_change(&said, &next, &other, at_h(0)), refused);
    // And the statement is about one roster.
    let else_ = roster(office());
    assert_eq!(
        history.amendment(&said, &else_),
        Err(ChangeRefused::AnotherRoster(else_.digest()))
    );
}

#[test]
fn a_store_without_approvers_stays_so() {
    let history = RosterHistory::new(Roster::genesis(&[]).unwrap());
    let next = roster(vec![person("a", Role::It, None, &[])]);
    let why = plan(&history, &next, 1, &[], at_h(0)).unwrap_err();
    assert!(why.contains("no approver of the roster can sign"), "{why}");
}

#[test]
fn folding_an_event_twice_is_folding_it_once_and_history_survives_json() {
    let mut history = RosterHistory::new(roster(office()));
    let mut changes = Vec::new();
    let take = |history: &mut RosterHistory, change: RosterChange, event| {
        let json = serde_json::to_string(&change).unwrap();
        assert_eq!(serde_json::from_str::<RosterChange>(&json).unwrap(), change);
        history.apply(&change, event);
        let once = history.clone();
        history.apply(&change, event);
        assert_eq!(*history, once, "{json}");
        (change, event)
    };
    let next = given(&history, "zhao", 9, 1);
    let change = plan(&history, &next, 1, &[1, 2], at_h(0)).unwrap();
    changes.push(take(&mut history, change, 2));
    let change = history.plan_due(at_h(24)).unwrap();
    changes.push(take(&mut history, change, 3));
    let change = plan(&history, &revoked(&history, 9, 4), 4, &[1], at_h(30)).unwrap();
    changes.push(take(&mut history, change, 5));
    let next = given(&history, "zhao", 8, 6);
    let change = plan(&history, &next, 6, &[1, 2], at_h(31)).unwrap();
    changes.push(take(&mut history, change, 7));
    let same = history.current().clone();
    let change = plan(&history, &same, 7, &[1], at_h(32)).unwrap();
    changes.push(take(&mut history, change, 8));
    assert_eq!(history.pending(), None);
    let mut again = RosterHistory::new(roster(office()));
    for (change, event) in changes.iter().chain(&changes) {
        again.apply(change, *event);
    }
    assert_eq!(again, history);
    let json = serde_json::to_string(&history).unwrap();
    assert_eq!(
        serde_json::from_str::<RosterHistory>(&json).unwrap(),
        history
    );
}
