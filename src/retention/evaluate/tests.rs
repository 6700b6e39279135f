//! What a verdict says, by tables; what it never says, by properties.
#![allow(clippy::unwrap_used)]

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::retention::{
    Clause, CountedFrom, HeldBy, Lowering, Raising, canonical,
    fixture::{
        any_clause, any_inputs, any_moment, any_policy, by_arithmetic, hold, inputs, moment, policy,
    },
};

const INGEST: &str = "2026-01-15T02:00:00Z";
/// Three months on, the end of 15 April in Shanghai.
const LAST: &str = "2026-04-15T15:59:59.999Z";

#[test]
fn a_recording_is_due_from_the_first_instant_after_its_last_day() {
    let (policy, inputs, last) = (policy(1, |_| {}), inputs(INGEST), moment(LAST));
    assert_eq!(expiry_key(&policy, &inputs), Some(last));
    let reasons = vec![Reason::Until {
        until: last,
        start: moment(INGEST),
        from: CountedFrom::LatestIngest,
        months: 3,
        rolled: false,
        policy: 1,
    }];
    let keep = Verdict::Keep {
        until: Some(last),
        reasons: reasons.clone(),
    };
    assert_eq!(evaluate(&policy, &inputs, last), keep);
    canonical::tests::holds(&keep);
    let since = last.plus_ms(1);
    let due = Verdict::Due { since, reasons };
    assert_eq!(evaluate(&policy, &inputs, since), due);
    canonical::tests::holds(&due);
}

/// Each reason alone keeps a recording that is years past its months, and is named.
#[test]
fn every_doubt_and_every_hold_keeps_by_itself() {
    type Change = fn(&mut Inputs);
    let cases: &[(&str, Change, Option<Reason>)] = &[
        ("nothing", |_| {}, None),
        (
            "a hold",
            |i| i.holds.push(hold()),
            Some(Reason::Hold {
                number: 7,
                case: "2026-113".into(),
            }),
        ),
        (
            "no owner",
            |i| i.attributed = false,
            Some(Reason::Unattributed),
        ),
        (
            "a suspect clock",
            |i| i.clock_suspect = true,
            Some(Reason::ClockSuspect),
        ),
        (
            "nobody looked",
            |i| i.examined = false,
            Some(Reason::NotExamined),
        ),
        (
            "a clause",
            |i| {
                let raising = Raising::new(Clause::PoliceCase, i.latest_ingest, &policy(1, |_| {}));
                i.standing.apply_raising(&raising);
            },
            Some(Reason::LongTerm {
                clause: Clause::PoliceCase,
                since: moment(INGEST),
                review: moment("2027-01-15T15:59:59.999Z"),
            }),
        ),
        (
            "the end of time",
            |i| i.latest_ingest = Moment::from_ms(i64::MAX),
            Some(Reason::BeyondCalendar),
        ),
    ];
    let (policy, now) = (policy(1, |_| {}), moment("2040-01-01T00:00:00Z"));
    for (what, change, expected) in cases {
        let mut inputs = inputs(INGEST);
        change(&mut inputs);
        let verdict = evaluate(&policy, &inputs, now);
        assert_eq!(verdict.is_due(), expected.is_none(), "{what}");
        let keeping: Vec<_> = verdict
            .reasons()
            .iter()
            .filter(|r| r.keeps_at(now))
            .cloned()
            .collect();
        assert_eq!(keeping, Vec::from_iter(expected.clone()), "{what}");
        for reason in verdict.reasons() {
            canonical::tests::holds(reason);
        }
    }
}

#[test]
fn a_later_end_counts_and_a_sighting_begins_anew() {
    let policy = policy(1, |_| {});
    // Recorded end, latest ingest, and the last day by the later of the two.
    let cases = [
        (None, "2026-01-15T02:00:00Z", LAST),
        (Some("2025-11-30T02:00:00Z"), "2026-01-15T02:00:00Z", LAST),
        // The recorder ran a quarter of an hour fast, over midnight.
        (
            Some("2026-01-15T16:10:00Z"),
            "2026-01-15T15:55:00Z",
            "2026-04-16T15:59:59.999Z",
        ),
        // Seen again a month later.
        (
            Some("2025-11-30T02:00:00Z"),
            "2026-02-15T02:00:00Z",
            "2026-05-15T15:59:59.999Z",
        ),
    ];
    for (end, ingest, last) in cases {
        let mut inputs = inputs(ingest);
        inputs.recorded_end = end.map(moment);
        assert_eq!(
            expiry_key(&policy, &inputs),
            Some(moment(last)),
            "{end:?} {ingest}"
        );
        // An end that is not believed promises nothing, and does not make it due either.
        for doubt in [
            |i: &mut Inputs| i.clock_suspect = true,
            |i: &mut Inputs| i.examined = false,
        ] {
            let mut doubtful = inputs.clone();
            doubtful.recorded_end = Some(moment("2037-01-01T00:00:00Z"));
            doubt(&mut doubtful);
            assert_eq!(expiry_key(&policy, &doubtful), None);
            let promised = promise(&policy, &doubtful).unwrap().until;
            assert!(promised <= moment(last), "{promised}");
        }
    }
}

#[test]
fn a_lowering_never_goes_below_the_months() {
    let policy = policy(1, |_| {});
    let (clause, at) = (Clause::MassIncident, moment(INGEST));
    // Days after the ingest on which it is ordered; the last instant of keeping.
    let cases = [
        // 16 January and 30 days is 15 February: the three months are longer.
        (1, LAST),
        // 15 January and 80 days is 5 April, and 30 days more are 5 May.
        (80, "2026-05-05T15:59:59.999Z"),
    ];
    for (days, last) in cases {
        let mut inputs = inputs(INGEST);
        inputs
            .standing
            .apply_raising(&Raising::new(clause, at, &policy));
        let ordered = at.plus_ms(days * 86_400_000);
        let lowering = Lowering::new(clause, ordered, &policy).unwrap();
        inputs.standing.apply_lowering(&lowering).unwrap();
        assert_eq!(expiry_key(&policy, &inputs), Some(moment(last)), "{days}");
        let pending = evaluate(&policy, &inputs, ordered);
        let names = |v: &Verdict| {
            v.reasons()
                .iter()
                .any(|r| matches!(r, Reason::LoweringPending { .. }))
        };
        assert!(names(&pending), "{pending:?}");
        let over = evaluate(&policy, &inputs, moment(last).plus_ms(1));
        assert!(over.is_due() && !names(&over), "{over:?}");
    }
}

#[test]
fn a_promise_outlives_a_date_that_cannot_be_reckoned() {
    let policy = policy(1, |_| {});
    let mut inputs = inputs(INGEST);
    let before = promise(&policy, &inputs);
    inputs.promised = before;
    inputs.latest_ingest = Moment::from_ms(i64::MAX);
    assert_eq!(promise(&policy, &inputs), before);
    assert_eq!(expiry_key(&policy, &inputs), None);
}

/// A policy that was in force while nothing happened to a recording binds all the same.
#[test]
fn promises_of_policies_meanwhile_are_caught_up_on() {
    let policies = [3, 6, 3].into_iter().enumerate();
    let policies = policies.map(|(n, months)| policy(1 + n as u64, |t| t.keep_months = months));
    let mut inputs = inputs(INGEST);
    for policy in policies {
        inputs.promised = promise(&policy, &inputs);
    }
    let until = moment("2026-07-15T15:59:59.999Z");
    assert_eq!(inputs.promised, Some(Promise { until, policy: 2 }));
}

#[test]
fn holds_stack_and_the_last_one_released_frees() {
    let (policy, now) = (policy(1, |_| {}), moment("2040-01-01T00:00:00Z"));
    let mut inputs = inputs(INGEST);
    inputs.holds = vec![
        hold(),
        HeldBy {
            number: 8,
            case: "2026-114".into(),
        },
    ];
    for left in (0..3).rev() {
        inputs.holds.truncate(left);
        assert_eq!(
            evaluate(&policy, &inputs, now).is_due(),
            left == 0,
            "{left} left"
        );
    }
}

/// One thing that happens to a recording.
#[derive(Clone, Debug)]
enum Step {
    Sighted(Moment),
    Retimed(Moment),
    Examined(bool),
    Raised(Clause),
    Lowered(Clause),
    Policy(Policy),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        any_moment().prop_map(Step::Sighted),
        any_moment().prop_map(Step::Retimed),
        any::<bool>().prop_map(Step::Examined),
        any_clause().prop_map(Step::Raised),
        any_clause().prop_map(Step::Lowered),
        any_policy(2).prop_map(Step::Policy),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// The index and the verdict say the same: due at t exactly when the key is before t and no
    /// hold is in force. Asked at random and at the key itself.
    #[test]
    fn the_key_of_the_index_is_the_verdict(policy in any_policy(3), inputs in any_inputs(), at in any_moment()) {
        let key = expiry_key(&policy, &inputs);
        let around = key.into_iter().flat_map(|k| [k.plus_ms(-1), k, k.plus_ms(1)]);
        for now in around.chain([at]) {
            let due = key.is_some_and(|k| k < now) && inputs.holds.is_empty();
            let verdict = evaluate(&policy, &inputs, now);
            prop_assert_eq!(verdict.is_due(), due, "{} {:?}", now, verdict);
            // And the reasons say so too: it is due when none of them keeps.
            prop_assert_eq!(verdict.reasons().iter().any(|r| r.keeps_at(now)), !due, "{:?}", verdict);
            if let Verdict::Due { since, .. } = verdict {
                prop_assert!(since <= now);
                prop_assert!(!evaluate(&policy, &inputs, since.plus_ms(-1)).is_due());
                prop_assert!(evaluate(&policy, &inputs, since).is_due());
            }
        }
    }

    /// Never before the law's date, by arithmetic of its own; and from that date on, where
    /// nothing else keeps it. In Shanghai, whose offset is fixed.
    #[test]
    fn never_before_the_lawful_date_and_not_for_ever_after(inputs in any_inputs(), at in any_moment()) {
        let policy = policy(3, |_| {});
        let law = |from: Moment| by_arithmetic(from.as_ms(), 3, 8 * 3_600_000);
        let believed = inputs.recorded_end.filter(|_| inputs.examined && !inputs.clock_suspect);
        let start = inputs.latest_ingest.max(believed.unwrap_or(inputs.latest_ingest));
        let promised = inputs.promised.map_or(i64::MIN, |p| p.until.as_ms());
        let lowered = inputs.standing.clauses().map(|(_, r)| r.lowering.map_or(i64::MAX, |l| l.stands_until.as_ms()));
        let last = law(start).max(promised).max(lowered.max().unwrap_or(i64::MIN));
        let free = inputs.examined && inputs.attributed && !inputs.clock_suspect && inputs.holds.is_empty();
        for now in [at.as_ms(), last, last.saturating_add(1), law(inputs.latest_ingest)] {
            let due = evaluate(&policy, &inputs, Moment::from_ms(now)).is_due();
            prop_assert_eq!(due, free && now > last, "at {}", now);
            prop_assert!(!due || now > law(inputs.latest_ingest));
        }
    }

    /// Whatever happens to a recording, and whatever the policy becomes: a date once promised is
    /// never gone back on, and nothing is due before it.
    #[test]
    fn what_was_promised_only_rises(inputs in any_inputs(), steps in vec(any_step(), 1..12)) {
        let mut inputs = inputs;
        let mut policy = policy(1, |_| {});
        let mut highest = inputs.promised.map_or(Moment::from_ms(i64::MIN), |p| p.until);
        for step in steps {
            match step {
                Step::Sighted(at) => {
                    inputs.latest_ingest = inputs.latest_ingest.max(at);
                    inputs.sightings += 1;
                }
                Step::Retimed(end) => inputs.recorded_end = Some(end),
                Step::Examined(well) => (inputs.examined, inputs.clock_suspect) = (true, !well),
                Step::Raised(clause) => {
                    let raising = Raising::new(clause, inputs.latest_ingest, &policy);
                    inputs.standing.apply_raising(&raising);
                }
                Step::Lowered(clause) => {
                    let lowering = Lowering::new(clause, inputs.latest_ingest, &policy).unwrap();
                    // A clause that does not stand is not lowered; both are fine here.
                    let _ = inputs.standing.apply_lowering(&lowering);
                }
                Step::Policy(next) => policy = next,
            }
            inputs.promised = promise(&policy, &inputs);
            let promised = inputs.promised.unwrap().until;
            prop_assert!(promised >= highest);
            highest = promised;
            prop_assert!(!evaluate(&policy, &inputs, highest).is_due());
            prop_assert!(expiry_key(&policy, &inputs).is_none_or(|key| key >= highest));
        }
    }
}
