//! Each thing that may have changed since a plan was made keeps the recording.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::retention::{
    Candidate, Ceiling, Clause, Promise, Raising, canonical,
    fixture::{hold, inputs, moment, policy},
    plan_disposal,
};

/// A recording with an approved plan, on a night on which nothing speaks against it.
struct Case {
    policy: Policy,
    planned_under: Policy,
    plan: Plan,
    inputs: Inputs,
    item: PlanItem,
    approval: Option<PlanApproval>,
    times: Times,
    found: Option<Digest>,
    removed: Amount,
}

/// Approved on 2 May; 14 days later is 16 May.
const GRACE_ENDS: &str = "2026-05-16T15:59:59.999Z";

impl Case {
    fn new() -> Self {
        let policy = policy(1, |t| {
            t.ceiling = Ceiling {
                items: 3,
                bytes: 100,
            }
        });
        let (digest, inputs) = (Digest::new([9; 32]), inputs("2026-01-15T02:00:00Z"));
        let other = Candidate {
            digest: Digest::new([8; 32]),
            bytes: 1,
            inputs: inputs.clone(),
        };
        let candidate = Candidate {
            digest,
            bytes: 10,
            inputs: inputs.clone(),
        };
        let plan = plan_disposal([candidate, other], &policy, moment("2026-05-01T00:00:00Z"));
        let now = moment(GRACE_ENDS).plus_ms(1);
        Self {
            item: plan.item(&digest).unwrap().1.clone(),
            approval: Some(PlanApproval {
                root: plan.root(),
                statement: Digest::new([1; 32]),
                signers: vec!["MM-02".into()],
                approved: moment("2026-05-02T03:00:00Z"),
                expires: None,
                not_before: None,
            }),
            times: Times {
                later: now.plus_ms(5_000),
                disposal: Some(now),
            },
            found: Some(digest),
            removed: Amount {
                items: 1,
                bytes: 90,
            },
            planned_under: policy.clone(),
            policy,
            plan,
            inputs,
        }
    }

    fn check(&self) -> Result<(), KeepReason> {
        let at = AtUnlink {
            policy: &self.policy,
            planned_under: &self.planned_under,
            plan: &self.plan,
            approval: self.approval.as_ref(),
            times: self.times,
            found: self.found,
            removed: self.removed,
        };
        check_item(&self.inputs, &self.item, &at)
    }

    fn approval(&mut self) -> &mut PlanApproval {
        self.approval.as_mut().unwrap()
    }
}

#[test]
fn nothing_goes_that_is_not_as_it_was_planned_and_approved() {
    let grace_ends = moment(GRACE_ENDS);
    let not_due = |reason| {
        Err(KeepReason::NotDue {
            reasons: vec![reason],
        })
    };
    let later = |ms| Times {
        later: grace_ends.plus_ms(ms),
        disposal: Some(grace_ends.plus_ms(ms)),
    };
    type Change = fn(&mut Case);
    let until = |from: &str, until: &str, months| Reason::Until {
        until: moment(until),
        start: moment(from),
        from: crate::retention::CountedFrom::LatestIngest,
        months,
        rolled: false,
        policy: 1,
    };
    let cases: &[(&str, Change, Result<(), KeepReason>)] = &[
        ("all as planned", |_| {}, Ok(())),
        // 1. The plan.
        (
            "another date",
            |c| c.item.since = c.item.since.plus_ms(-1),
            Err(KeepReason::NotInPlan),
        ),
        (
            "another size",
            |c| c.item.bytes = 9,
            Err(KeepReason::NotInPlan),
        ),
        (
            "a recording that was never planned",
            |c| {
                c.item.digest = Digest::new([7; 32]);
                c.item.id = c.item.digest.id();
                c.found = Some(c.item.digest);
            },
            Err(KeepReason::NotInPlan),
        ),
        // 2. The approval.
        (
            "withdrawn",
            |c| c.approval = None,
            Err(KeepReason::NotApproved),
        ),
        (
            "signed by nobody",
            |c| c.approval().signers.clear(),
            Err(KeepReason::NotApproved),
        ),
        (
            "of another plan",
            |c| c.approval().root = Digest::new([2; 32]),
            Err(KeepReason::OtherPlan {
                approved: Digest::new([2; 32]),
            }),
        ),
        // Judged by the later clock, which is five seconds past the other.
        (
            "expired",
            |c| c.approval().expires = Some(c.times.later.plus_ms(-1)),
            Err(KeepReason::ApprovalExpired {
                expired: grace_ends.plus_ms(5_000),
            }),
        ),
        (
            "not yet expired",
            |c| c.approval().expires = Some(c.times.later),
            Ok(()),
        ),
        // 3. The clock and the grace.
        (
            "stopped",
            |c| c.times.disposal = None,
            Err(KeepReason::ClockStopped),
        ),
        (
            "the last instant of the grace",
            |c| c.times.disposal = Some(moment(GRACE_ENDS)),
            Err(KeepReason::Grace {
                until: Some(grace_ends),
            }),
        ),
        (
            "a longer grace by now",
            |c| c.policy = policy(2, |t| t.grace_days = 15),
            Err(KeepReason::Grace {
                until: Some(grace_ends.plus_ms(86_400_000)),
            }),
        ),
        (
            "a zone by now whose day ends earlier does not count",
            |c| {
                c.policy = policy(2, |t| t.zone = "Asia/Tokyo".into());
                c.times.disposal = Some(moment(GRACE_ENDS));
            },
            Err(KeepReason::Grace {
                until: Some(grace_ends),
            }),
        ),
        (
            "a later date that was signed",
            |c| c.approval().not_before = Some(moment(GRACE_ENDS).plus_ms(3)),
            Err(KeepReason::Grace {
                until: Some(grace_ends.plus_ms(2)),
            }),
        ),
        (
            "an earlier date that was signed does not count",
            |c| c.approval().not_before = Some(moment(GRACE_ENDS).plus_ms(-9)),
            Ok(()),
        ),
        (
            "a shorter grace by now does not count",
            |c| {
                c.policy = policy(2, |t| t.grace_days = 7);
                c.times.disposal = Some(moment(GRACE_ENDS));
            },
            Err(KeepReason::Grace {
                until: Some(grace_ends),
            }),
        ),
        (
            "approved at the end of time",
            |c| c.approval().approved = Moment::from_ms(i64::MAX),
            Err(KeepReason::Grace { until: None }),
        ),
        // 4. Hold, class, doubts, date.
        (
            "held since",
            |c| c.inputs.holds.push(hold()),
            not_due(Reason::Hold {
                number: 7,
                case: "2026-113".into(),
            }),
        ),
        (
            "classed since",
            |c| {
                let at = moment("2026-05-10T00:00:00Z");
                let raising = Raising::new(Clause::PoliceCase, at, &c.policy);
                c.inputs.standing.apply_raising(&raising);
            },
            not_due(Reason::LongTerm {
                clause: Clause::PoliceCase,
                since: moment("2026-05-10T00:00:00Z"),
                review: moment("2027-05-10T15:59:59.999Z"),
            }),
        ),
        (
            "doubtful owner",
            |c| c.inputs.attributed = false,
            not_due(Reason::Unattributed),
        ),
        (
            "doubtful clock",
            |c| c.inputs.clock_suspect = true,
            not_due(Reason::ClockSuspect),
        ),
        (
            "to be examined again",
            |c| c.inputs.examined = false,
            not_due(Reason::NotExamined),
        ),
        (
            "seen again",
            |c| c.inputs.latest_ingest = moment("2026-05-10T00:00:00Z"),
            not_due(until("2026-05-10T00:00:00Z", "2026-08-10T15:59:59.999Z", 3)),
        ),
        (
            "seen again, long enough ago",
            |c| {
                c.inputs.latest_ingest = moment("2026-01-20T00:00:00Z");
                c.inputs.sightings = 2;
            },
            Err(KeepReason::OtherDate {
                planned: moment("2026-04-15T16:00:00Z"),
                now: moment("2026-04-20T16:00:00Z"),
            }),
        ),
        (
            "promised longer",
            |c| {
                let until = moment("2026-06-01T15:59:59.999Z");
                c.inputs.promised = Some(Promise { until, policy: 0 });
            },
            not_due(Reason::Ratchet {
                until: moment("2026-06-01T15:59:59.999Z"),
                policy: 0,
            }),
        ),
        // 5. The bytes.
        (
            "other bytes on the disk",
            |c| c.found = Some(Digest::new([3; 32])),
            Err(KeepReason::OtherBytes {
                found: Some(Digest::new([3; 32])),
            }),
        ),
        (
            "unreadable",
            |c| c.found = None,
            Err(KeepReason::OtherBytes { found: None }),
        ),
        // 6. The ceiling.
        (
            "enough bytes",
            |c| c.removed.bytes = 91,
            Err(KeepReason::Ceiling),
        ),
        (
            "enough recordings",
            |c| c.removed = Amount { items: 3, bytes: 3 },
            Err(KeepReason::Ceiling),
        ),
        // A policy that keeps longer counts at once.
        (
            "a longer policy by now",
            |c| c.policy = policy(1, |t| t.keep_months = 6),
            not_due(until("2026-01-15T02:00:00Z", "2026-07-15T15:59:59.999Z", 6)),
        ),
    ];
    for (what, change, expected) in cases {
        let mut case = Case::new();
        change(&mut case);
        let found = case.check();
        assert_eq!(found, *expected, "{what}");
        if let Err(reason) = found {
            canonical::tests::holds(&reason);
            assert!(reason.sentence(&case.policy).ends_with('.'), "{reason:?}");
        }
    }
    let mut case = Case::new();
    case.times = later(1);
    assert_eq!(case.check(), Ok(()));
}
