//! Retention against `oracle.py`, which shares no code with it and has a calendar of its own.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use proptest::{collection::vec, option, prelude::*, strategy::ValueTree, test_runner::TestRunner};
use recvault::{
    base::Moment,
    retention::{
        Clause, HeldBy, Inputs, Lowering, Policy, Promise, Raising, Standing, Terms, calendar,
        evaluate, expiry_key,
    },
};
use serde_json::{Value, json};

const CASES: usize = 2_000;

/// Zones and how often they are tried: mostly the office's own, whose offset the oracle knows by
/// heart, and a few whose days have 23, 24 or 25 hours, or no midnight.
const ZONES: [(u32, &str); 4] = [
    (16, "Asia/Shanghai"),
    (2, "Europe/Berlin"),
    (1, "America/Sao_Paulo"),
    (1, "America/Havana"),
];

/// A hold: when it was placed, and when it was released.
type Held = (i64, Option<i64>);

/// One case: the recording as recvault knows it, but for its holds; all its ingests; all holds
/// that were ever placed; and when to ask.
#[derive(Clone, Debug)]
struct Case {
    policy: Policy,
    inputs: Inputs,
    ingests: Vec<i64>,
    holds: Vec<Held>,
    asked: Vec<i64>,
}

/// From 1992, since when China has not changed its clocks, to 2037, since when zone tables are
/// rules that two libraries may read differently.
fn ms() -> impl Strategy<Value = i64> {
    694_224_000_000_i64..2_114_380_800_000
}

fn policy() -> impl Strategy<Value = Policy> {
    let zone = proptest::strategy::Union::new_weighted(
        ZONES.map(|(weight, zone)| (weight, Just(zone))).to_vec(),
    );
    (zone, 3_u16..=14).prop_map(|(zone, keep_months)| {
        let terms = Terms {
            zone: zone.into(),
            keep_months,
            ..Terms::default()
        };
        terms.into_policy().unwrap()
    })
}

fn case() -> impl Strategy<Value = Case> {
    // Around the ingest, or at any time.
    let ingests = (ms(), vec(0..200 * 86_400_000_i64, 0..3))
        .prop_map(|(first, more)| [vec![first], more.iter().map(|m| first + m).collect()].concat());
    let clauses = vec((0..4_usize, 0..400_i64, any::<bool>()), 0..3);
    let flags = (0..20_u8, 0..20_u8, 0..20_u8);
    let holds = vec((0..400_i64, option::of(0..400_i64)), 0..3);
    let near = vec(-3..600_i64, 3);
    let end = option::of(-2 * 86_400_000..86_400_000_i64);
    let promised = option::weighted(0.2, 0..400_i64);
    (
        policy(),
        ingests,
        end,
        clauses,
        flags,
        holds,
        promised,
        near,
    )
        .prop_map(
            |(policy, ingests, end, clauses, flags, holds, promised, near)| {
                const DAY_MS: i64 = 86_400_000;
                let (first, latest) = (ingests[0], *ingests.iter().max().unwrap());
                let day = |n: i64| first + n * DAY_MS;
                let mut standing = Standing::default();
                for (which, n, lowered) in clauses {
                    let (clause, at) = (Clause::ALL[which], Moment::from_ms(day(n)));
                    standing.apply_raising(&Raising::new(clause, at, &policy));
                    if lowered || which > 1 {
                        let lowering = Lowering::new(clause, at, &policy).unwrap();
                        standing.apply_lowering(&lowering).unwrap();
                    }
                }
                let inputs = Inputs {
                    recorded_end: end.map(|e| Moment::from_ms(latest + e)),
                    latest_ingest: Moment::from_ms(latest),
                    sightings: ingests.len() as u64,
                    examined: flags.0 > 0,
                    attributed: flags.1 > 0,
                    clock_suspect: flags.2 == 0,
                    standing,
                    holds: vec![],
                    promised: promised.map(|n| Promise {
                        until: Moment::from_ms(day(n)),
                        policy: 1,
                    }),
                };
                let key = expiry_key(&policy, &inputs).map(Moment::as_ms);
                let asked = near
                    .into_iter()
                    .map(day)
                    .chain(key)
                    .chain(key.map(|k| k + 1));
                Case {
                    asked: asked.collect(),
                    holds: holds
                        .into_iter()
                        .map(|(placed, lasts)| (day(placed), lasts.map(|n| day(placed + n))))
                        .collect(),
                    policy,
                    inputs,
                    ingests,
                }
            },
        )
}

impl Case {
    /// The case as the oracle reads it.
    fn question(&self) -> Value {
        let clauses: Vec<_> = self
            .inputs
            .standing
            .clauses()
            .map(|(clause, raised)| {
                json!({
                    "clause": clause,
                    "raised": raised.since,
                    "stands_until": raised.lowering.map(|l| l.stands_until),
                })
            })
            .collect();
        let holds: Vec<_> = self
            .holds
            .iter()
            .map(|(placed, released)| json!({ "placed": placed, "released": released }))
            .collect();
        json!({
            "zone": self.policy.terms().zone,
            "months": self.policy.terms().keep_months,
            "recorded_end": self.inputs.recorded_end,
            "ingests": self.ingests,
            "promised": self.inputs.promised.map(|p| p.until),
            "examined": self.inputs.examined,
            "attributed": self.inputs.attributed,
            "clock_suspect": self.inputs.clock_suspect,
            "clauses": clauses,
            "holds": holds,
            "asked": self.asked,
        })
    }

    /// What recvault says, in the oracle's words.
    fn answer(&self) -> Value {
        let lawful: Vec<bool> = self
            .asked
            .iter()
            .map(|at| {
                let in_force = |(placed, released): &&Held| {
                    placed <= at && released.is_none_or(|released| *at < released)
                };
                let holds = self.holds.iter().filter(in_force).map(|_| HeldBy {
                    number: 1,
                    case: "1".into(),
                });
                let inputs = Inputs {
                    holds: holds.collect(),
                    ..self.inputs.clone()
                };
                evaluate(&self.policy, &inputs, Moment::from_ms(*at)).is_due()
            })
            .collect();
        json!({ "last": expiry_key(&self.policy, &self.inputs), "lawful": lawful })
    }
}

/// Clause 4.6 and its sub-clauses, holds, promises and doubts: two programs that share no code
/// find the same last day for 2,000 random recordings, and the same answer at each instant asked,
/// the first and the last lawful millisecond among them.
#[test]
fn an_oracle_of_its_own_finds_the_same_dates() {
    let mut runner = TestRunner::deterministic();
    let cases: Vec<Case> = (0..CASES)
        .map(|_| case().new_tree(&mut runner).unwrap().current())
        .collect();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle.py");
    let mut oracle = Command::new("python3")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this test needs python3");
    let mut questions = oracle.stdin.take().unwrap();
    let answers = BufReader::new(oracle.stdout.take().unwrap());
    let lines: Vec<String> = cases.iter().map(|c| c.question().to_string()).collect();
    // Written by a thread of its own: two full pipes would wait for each other.
    let writer = std::thread::spawn(move || {
        lines
            .iter()
            .try_for_each(|line| writeln!(questions, "{line}"))
    });
    let (mut dated, mut rolled, mut lawful, mut answered) = (0, 0, 0, 0);
    for (case, line) in cases.iter().zip(answers.lines()) {
        let answer: Value = serde_json::from_str(&line.unwrap()).unwrap();
        assert_eq!(case.answer(), answer, "{}", case.question());
        let yes = |v: &&Value| v.as_bool() == Some(true);
        lawful += answer["lawful"]
            .as_array()
            .unwrap()
            .iter()
            .filter(yes)
            .count();
        let (start, months) = (case.inputs.start().0, case.policy.terms().keep_months);
        let day = calendar::months_on(start, months, case.policy.zone());
        if !answer["last"].is_null() {
            dated += 1;
            rolled += usize::from(day.unwrap().rolled);
        }
        answered += 1;
    }
    writer.join().unwrap().unwrap();
    assert!(oracle.wait().unwrap().success());
    assert_eq!(answered, CASES);
    // A comparison of nothing with nothing would prove nothing: most have a date, many instants
    // are past it, and some of the days do not exist.
    assert!(
        dated > CASES / 2 && lawful > CASES / 2 && rolled > 20,
        "{dated} {lawful} {rolled}"
    );
}
