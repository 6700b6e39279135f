//! What a plan takes up, and that nothing passes for a plan that is none.
#![allow(clippy::unwrap_used)]

use proptest::{collection::vec, prelude::*};
use serde_json::Value;

use super::*;
use crate::retention::{
    Ceiling, canonical,
    fixture::{any_inputs, any_moment, hold, inputs, moment, policy},
};

/// The n-th recording, ingested on the n-th of January 2026; it is due from the (n+1)-th of April.
fn candidate(n: u8, bytes: u64) -> Candidate {
    Candidate {
        digest: Digest::new([n; 32]),
        bytes,
        inputs: inputs(&format!("2026-01-{n:02}T02:00:00Z")),
    }
}

fn tight(items: u64, bytes: u64) -> Policy {
    policy(1, |t| t.ceiling = Ceiling { items, bytes })
}

/// First bytes of the digests in a plan.
fn listed(plan: &Plan) -> Vec<u8> {
    plan.items()
        .iter()
        .map(|i| i.digest.as_bytes()[0])
        .collect()
}

const SUMMER: &str = "2026-07-01T00:00:00Z";

#[test]
fn what_is_due_is_listed_by_id_and_nothing_else_is() {
    let mut candidates: Vec<_> = [9, 3, 7, 5].into_iter().map(|n| candidate(n, 10)).collect();
    candidates[1].inputs.holds.push(hold());
    // Of two opinions about one recording, the one that keeps it counts.
    let mut twice = candidate(7, 10);
    twice.inputs.clock_suspect = true;
    candidates.push(twice);
    // Seen again in February, says one of two about 4: both are due in summer, that one later.
    let mut again = candidate(4, 10);
    again.inputs.latest_ingest = moment("2026-02-04T02:00:00Z");
    for two in [[candidate(4, 10), again.clone()], [again, candidate(4, 10)]] {
        let plan = plan_disposal(two, &tight(100, 100), moment(SUMMER));
        assert_eq!(plan.items()[0].since, moment("2026-05-04T16:00:00Z"));
    }
    candidates.push(candidate(5, 10));
    let april_9 = moment("2026-04-09T16:00:00Z");
    let plan = plan_disposal(candidates.clone(), &tight(100, 100), april_9.plus_ms(-1));
    assert_eq!(listed(&plan), [5]);
    let plan = plan_disposal(candidates.clone(), &tight(100, 100), april_9);
    assert_eq!(listed(&plan), [5, 9]);
    assert_eq!(
        plan.amount(),
        Amount {
            items: 2,
            bytes: 20
        }
    );
    assert_eq!(plan.item(&Digest::new([9; 32])).unwrap().1.since, april_9);
    assert_eq!(plan.item(&Digest::new([9; 32])).unwrap().0, 1);
    assert_eq!(plan.item(&Digest::new([3; 32])), None);
    candidates.reverse();
    assert_eq!(plan_disposal(candidates, &tight(100, 100), april_9), plan);
    assert_eq!(plan_disposal([], &tight(1, 1), april_9).items(), []);
}

#[test]
fn a_ceiling_takes_the_longest_due_first_and_counts_the_rest() {
    // Digests in another order than dates: with 60 bytes, 30, 50 and 10 in the order of dates.
    let candidates: Vec<_> = [(3, 0x70, 60), (5, 0x40, 30), (7, 0x90, 50), (9, 0x20, 10)]
        .into_iter()
        .map(|(day, first, bytes)| Candidate {
            digest: Digest::new([first; 32]),
            ..candidate(day, bytes)
        })
        .collect();
    let cases: [(u64, u64, &[u8], u64); 5] = [
        (9, 1_000, &[0x20, 0x40, 0x70, 0x90], 0),
        (2, 1_000, &[0x40, 0x70], 60),
        (9, 100, &[0x20, 0x40, 0x70], 50),
        (9, 89, &[0x20, 0x70], 80),
        (9, 1, &[0x70], 90),
    ];
    for (items, bytes, expected, waiting) in cases {
        let plan = plan_disposal(candidates.clone(), &tight(items, bytes), moment(SUMMER));
        assert_eq!(listed(&plan), expected, "{items} {bytes}");
        assert_eq!(plan.waiting().bytes, waiting, "{items} {bytes}");
        let rest = 4 - expected.len() as u64;
        assert_eq!(plan.waiting().items, rest, "{items} {bytes}");
    }
}

/// The bytes that are hashed and signed are fixed here: another program makes the same.
#[test]
fn root_and_text_are_what_anybody_can_make_again() {
    let policy = policy(1, |_| {});
    let plan = plan_disposal(
        [candidate(9, 10), candidate(3, 60)],
        &policy,
        moment(SUMMER),
    );
    let line = |n: u8, bytes: u64| {
        let digest = Digest::new([n; 32]);
        let start = moment(&format!("2026-01-{n:02}T02:00:00Z")).as_ms();
        let until = moment(&format!("2026-04-{n:02}T15:59:59.999Z")).as_ms();
        format!(
            r#"{{"bytes":{bytes},"digest":"{digest}","id":"{}","reasons":[{{"from":"latest_ingest","months":3,"policy":1,"reason":"until","rolled":false,"start":{start},"until":{until}}}],"since":{}}}"#,
            digest.id(),
            until + 1
        )
    };
    assert_eq!(plan.items()[0].line(), line(3, 60));
    let leaf = |line: String| leaf_hash(line.as_bytes());
    let root = crate::base::merkle::node_hash(&leaf(line(3, 60)), &leaf(line(9, 10)));
    assert_eq!(plan.root(), root);
    assert_eq!(
        plan.text_to_sign(),
        format!(
            "recvault disposal plan v1\nroot {root}\nrecordings 2\nbytes 70\nplanned-ms 1782864000000\npolicy 1\npolicy-sha256 {}\ngrace-days 14\n",
            policy.digest()
        )
    );
    let (a, b) = (Digest::new([3; 32]).id(), Digest::new([9; 32]).id());
    assert_eq!(
        plan.text(&policy),
        format!(
            "Disposal plan {root}\n\n\
             2 recordings (70 B) are due for disposal at 2026-07-01 08:00:00 +08:00, under policy version 1.\n\
             Once it is approved, nothing is removed for 14 days. Until then anybody may place a hold, and each recording is looked at again before it goes.\n\n\
             {a}       60 B  since 2026-04-04  4.6, 3 months: 2026-04-03\n\
             {b}       10 B  since 2026-04-10  4.6, 3 months: 2026-04-09\n"
        )
    );
    let tight = tight(1, 100);
    let text =
        plan_disposal([candidate(9, 10), candidate(3, 60)], &tight, moment(SUMMER)).text(&tight);
    assert!(
        text.contains("1 recording (10 B) is due as well, beyond"),
        "{text}"
    );
}

/// Every single change of a written plan is found when it is read: of a list, a number, a name.
#[test]
fn a_plan_that_was_changed_is_no_plan() {
    let due = [candidate(9, 10), candidate(3, 60), candidate(5, 1)];
    let plan = plan_disposal(due, &policy(1, |_| {}), moment(SUMMER));
    let text = canonical::tests::holds(&plan);
    let whole: Value = serde_json::from_str(&text).unwrap();
    type Change = fn(&mut Value);
    let cases: &[(&str, Change)] = &[
        ("differs: its items give", |v| {
            v["root"] = "00".repeat(32).into()
        }),
        ("its items give", |v| v["items"][0]["since"] = 0.into()),
        ("its items give", |v| {
            v["items"][2]["reasons"] = Value::Array(vec![])
        }),
        ("3 recordings with 71 bytes", |v| {
            v["items"][0]["bytes"] = 61.into()
        }),
        ("3 recordings with 71 bytes", |v| {
            v["items"].as_array_mut().unwrap().pop();
        }),
        ("out of order or there twice", |v| {
            v["items"].as_array_mut().unwrap().swap(0, 1)
        }),
        ("out of order or there twice", |v| {
            v["items"][1] = v["items"][0].clone()
        }),
        ("whose id it is not", |v| {
            v["items"][0]["digest"] = v["items"][1]["digest"].clone()
        }),
        ("says 2 recordings", |v| v["amount"]["items"] = 2.into()),
        ("unknown field", |v| v["items"][0]["hidden"] = 1.into()),
        ("unknown field", |v| v["hidden"] = 1.into()),
    ];
    for (expected, change) in cases {
        let mut changed = whole.clone();
        change(&mut changed);
        let error = serde_json::from_value::<Plan>(changed)
            .unwrap_err()
            .to_string();
        let expected = expected.trim_start_matches("differs: ");
        assert!(error.contains(expected), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever comes in: only what is due, never more than the ceiling but for a first item,
    /// nothing lost between plan and waiting, and the same root whatever the order.
    #[test]
    fn a_plan_is_what_is_due_up_to_the_ceiling(
        all in vec((any_inputs(), 0_u64..100), 0..30),
        (items, bytes) in (1_u64..20, 1_u64..500),
        now in any_moment(),
    ) {
        let policy = tight(items, bytes);
        let candidates: Vec<_> = all.into_iter().enumerate().map(|(n, (inputs, bytes))| Candidate {
            digest: crate::base::merkle::leaf_hash(&n.to_be_bytes()),
            bytes,
            inputs,
        }).collect();
        let due: Vec<_> = candidates.iter().filter(|c| evaluate(&policy, &c.inputs, now).is_due()).collect();
        let plan = plan_disposal(candidates.clone(), &policy, now);
        for item in plan.items() {
            prop_assert!(due.iter().any(|c| c.digest == item.digest && c.bytes == item.bytes));
        }
        let (amount, waiting) = (plan.amount(), plan.waiting());
        prop_assert_eq!(amount.items + waiting.items, due.len() as u64);
        prop_assert_eq!(amount.bytes + waiting.bytes, due.iter().map(|c| c.bytes).sum::<u64>());
        prop_assert_eq!(amount.items, plan.items().len() as u64);
        prop_assert!(amount.items <= items && (amount.bytes <= bytes || amount.items == 1));
        prop_assert!(due.is_empty() || amount.items > 0, "something always goes");
        let backwards = plan_disposal(candidates.into_iter().rev(), &policy, now);
        prop_assert_eq!(backwards.root(), plan.root());
        let text = canonical::canonical(&plan);
        prop_assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
    }
}
