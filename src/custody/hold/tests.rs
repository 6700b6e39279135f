//! Holds stack, are lifted one by one, and never by too few.
#![allow(clippy::unwrap_used)]
use super::*;
use crate::{
    base::Moment,
    custody::{
        quorum::{Context, Matter, Standing, judge},
        roster::Roster,
        statement::Head,
        tests::{head, log, office, roster, signer},
    },
};

fn asked(case: &str) -> Asked {
    Asked {
        case: case.into(),
        reason: "申诉未决".into(),
        requester: "法院".into(),
        placed_by: Some(Actor {
            uid: 1_000,
            person: Some("zhao".into()),
        }),
        releasers_needed: 1,
    }
}

fn holding(cases: &[&str]) -> Holds {
    let mut holds = Holds::default();
    for (case, event) in cases.iter().zip(10..) {
        let hold = holds.place(&asked(case), event).unwrap();
        holds.add(hold);
    }
    holds
}

fn recording() -> RecordingId {
    "mzymsttb4rbelt3o".parse().unwrap()
}

fn release(number: &str) -> Statement {
    let fields = [("hold", number), ("reason", "已结")];
    Statement::new(head(Kind::HoldRelease), fields).unwrap()
}

fn judged(said: &Statement, hold: &Hold, keys: &[u8], office: &Roster) -> Standing {
    let signers: Vec<_> = keys.iter().map(|n| signer(office, *n, said)).collect();
    let context = Context {
        log: log(),
        events: 2_000,
        seen_at: Some(Moment::from_s(0)),
        now: Moment::from_s(0),
        roster: office,
        matter: Matter::Hold {
            recording: recording(),
            hold,
        },
    };
    judge(said, &signers, &context)
}

fn quorum(said: &Statement, hold: &Hold, keys: &[u8]) -> Quorum {
    match judged(said, hold, keys, &roster(office())) {
        Standing::Enough(quorum) => quorum,
        other => panic!("{other:?}"),
    }
}

#[test]
fn holds_stack_and_their_numbers_are_never_used_again() {
    let mut holds = holding(&["a", "b", "c"]);
    let numbers = |h: &Holds| h.standing().iter().map(|h| h.number).collect::<Vec<_>>();
    assert_eq!(numbers(&holds), [1, 2, 3]);
    holds.lift(3);
    holds.lift(1);
    assert_eq!(numbers(&holds), [2]);
    assert!(holds.is_held(), "one that stands is enough");
    let next = holds.place(&asked("d"), 20).unwrap();
    assert_eq!((next.number, next.placed_at), (4, 20), "not 3 again");
    holds.add(next.clone());
    holds.lift(2);
    holds.lift(4);
    assert!(!holds.is_held());
    // Events that are folded in again change nothing, also in a fold after the release.
    holds.add(next);
    holds.lift(2);
    assert!(!holds.is_held());
    let json = serde_json::to_string(&holds).unwrap();
    let mut read: Holds = serde_json::from_str(&json).unwrap();
    assert_eq!(read, holds);
    read.add(read.place(&asked("e"), 30).unwrap());
    assert_eq!(numbers(&read), [5]);
}

#[test]
fn a_hold_that_cannot_be_kept_is_refused_with_its_reason() {
    let holds = holding(&["a", "b"]);
    assert_eq!(holds.place(&asked("b"), 30), Err(HoldRefused::Stands(2)));
    let words = |what, why| HoldRefused::Words { what, why };
    let cases = [
        (
            Asked {
                case: String::new(),
                ..asked("c")
            },
            words("case", LineError::Empty),
        ),
        (
            Asked {
                reason: "a\nb".into(),
                ..asked("c")
            },
            words("reason", LineError::Invisible('\n')),
        ),
        (
            Asked {
                requester: " li".into(),
                ..asked("c")
            },
            words("requester", LineError::Untrimmed),
        ),
    ];
    for (asked, expected) in cases {
        assert_eq!(holds.place(&asked, 30), Err(expected), "{asked:?}");
    }
    // The same case for another reason is another hold.
    let other = Asked {
        reason: "r".into(),
        ..asked("b")
    };
    assert_eq!(holds.place(&other, 30).unwrap().number, 3);
    let names: Vec<_> = (0..HOLDS_MAX).map(|n| n.to_string()).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let full = holding(&names);
    assert_eq!(
        full.place(&asked("one more"), 99),
        Err(HoldRefused::TooMany)
    );
    let none = Asked {
        releasers_needed: 0,
        ..asked("c")
    };
    assert_eq!(
        holds.place(&none, 30).unwrap().releasers_needed,
        1,
        "nobody lifts nothing"
    );
}

#[test]
fn a_release_lifts_the_hold_it_names_and_no_other() {
    let holds = holding(&["a", "b"]);
    let two = holds.hold(2).unwrap();
    let said = release("2");
    let agreed = quorum(&said, two, &[1]);
    assert_eq!(holds.release(recording(), &said, &agreed), Ok(two));
    let other: RecordingId = "aaaqeayeaudaocaj".parse().unwrap();
    let another = Err(HoldRefused::AnotherStatement);
    assert_eq!(holds.release(other, &said, &agreed), another);
    let corrects = Head {
        kind: Kind::Attribution,
        ..head(Kind::Attribution)
    };
    let corrects = Statement::new(corrects, [("officer", "1003"), ("reason", "r")]).unwrap();
    assert_eq!(holds.release(recording(), &corrects, &agreed), another);
    // Those who agreed to one release did not agree to another.
    let unsaid = Err(HoldRefused::Agreement(1));
    assert_eq!(holds.release(recording(), &release("1"), &agreed), unsaid);
    // Nor did one person lift a hold that needs two, whatever hold they were judged by.
    let mut strict = Holds::default();
    let asked_two = Asked {
        releasers_needed: 2,
        ..asked("a")
    };
    strict.add(strict.place(&asked_two, 10).unwrap());
    let one = release("1");
    let agreed_one = quorum(&one, holds.hold(1).unwrap(), &[1]);
    assert_eq!(strict.release(recording(), &one, &agreed_one), unsaid);
    let mut after = holds.clone();
    after.lift(2);
    let gone = Err(HoldRefused::NoSuch(2));
    assert_eq!(
        after.release(recording(), &said, &agreed),
        gone,
        "a replay finds nothing"
    );
}

#[test]
fn a_hold_of_a_rebuild_needs_two_people() {
    let mut holds = Holds::default();
    holds.add(holds.place(&Asked::by_rebuild(), 0).unwrap());
    let hold = holds.hold(1).unwrap();
    assert_eq!(
        hold.to_string(),
        "hold 1 for case rebuild, asked for by recvault, placed by recvault in event 0: \
         the ledger was lost; what it held of this recording cannot be recovered"
    );
    let said = release("1");
    let office = roster(office());
    for (keys, enough) in [
        (&[1][..], false),
        (&[2, 3], false),
        (&[4, 5], false),
        (&[1, 4], true),
        (&[1, 2], true),
    ] {
        let standing = judged(&said, hold, keys, &office);
        assert_eq!(matches!(standing, Standing::Enough(_)), enough, "{keys:?}");
    }
    let agreed = quorum(&said, hold, &[1, 4]);
    assert_eq!(
        holds.release(recording(), &said, &agreed).unwrap().number,
        1
    );
}
