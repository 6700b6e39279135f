//! The states of a request, and the ids of its uses.
#![allow(clippy::unwrap_used)]
use super::*;
use crate::custody::request::tests::{digest, request};

fn access() -> Access {
    Access {
        digest: request().digest(),
        request: request(),
        requester: Actor {
            uid: 1_000,
            person: None,
        },
        at: Moment::from_s(1_790_000_000),
        event: 7,
        decisions: Vec::new(),
        uses: Vec::new(),
        break_glass: false,
    }
}

#[test]
fn a_request_goes_through_its_states() {
    let (early, late) = (Moment::from_s(1_799_999_999), Moment::from_s(1_800_000_000));
    let people = || vec!["li".to_owned()];
    let (statement, at) = (digest(4), early);
    let approved = || Decision::Approved {
        statement,
        people: people(),
        at,
        event: 8,
    };
    let denied = Decision::Denied {
        statement,
        people: people(),
        at,
        event: 8,
    };
    let cancelled = Decision::Cancelled {
        actor: access().requester,
        at,
        event: 9,
    };
    let used = || Use {
        number: 1,
        id: use_id(&digest(1), 1),
        operator: access().requester,
        at,
        event: 9,
        again_at: Vec::new(),
        outcome: None,
        ended_at: None,
        ended_event: None,
        served: 0,
    };
    let with = |decisions: Vec<Decision>, uses: Vec<Use>| Access {
        decisions,
        uses,
        ..access()
    };
    let cases = [
        (
            with(vec![], vec![]),
            AccessState::Pending,
            AccessState::Expired,
        ),
        (
            with(vec![approved()], vec![]),
            AccessState::Approved { left: 1 },
            AccessState::Expired,
        ),
        (
            with(vec![approved()], vec![used()]),
            AccessState::UsedUp,
            AccessState::UsedUp,
        ),
        (
            with(vec![denied.clone()], vec![]),
            AccessState::Denied,
            AccessState::Denied,
        ),
        (
            with(vec![approved(), cancelled], vec![]),
            AccessState::Cancelled,
            AccessState::Cancelled,
        ),
    ];
    for (access, before, after) in cases {
        assert_eq!(access.state(early), before, "{access:?}");
        assert_eq!(access.state(late), after, "{access:?}");
    }
}

#[test]
fn a_use_has_an_id_of_its_own() {
    let ids = [
        use_id(&digest(1), 1),
        use_id(&digest(1), 2),
        use_id(&digest(2), 1),
    ];
    assert!(ids[0] != ids[1] && ids[0] != ids[2] && ids[1] != ids[2]);
    assert_eq!(ids[0], use_id(&digest(1), 1));
}
