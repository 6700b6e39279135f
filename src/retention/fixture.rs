//! Recordings, policies and random facts for this room's tests.
#![allow(clippy::unwrap_used)]

use proptest::{collection::vec, option, prelude::*};

use super::{Clause, HeldBy, Inputs, Lowering, Policy, Promise, Raising, Standing, Terms};
use crate::base::Moment;

/// The instant that RFC 3339 text names.
pub fn moment(text: &str) -> Moment {
    text.parse::<jiff::Timestamp>().unwrap().into()
}

/// The default policy, changed.
pub fn policy(version: u64, change: impl FnOnce(&mut Terms)) -> Policy {
    let mut terms = Terms {
        version,
        ..Terms::default()
    };
    change(&mut terms);
    terms.into_policy().unwrap()
}

/// A recording that nothing speaks against, ingested once.
pub fn inputs(ingest: &str) -> Inputs {
    Inputs {
        recorded_end: None,
        latest_ingest: moment(ingest),
        sightings: 1,
        examined: true,
        attributed: true,
        clock_suspect: false,
        standing: Standing::default(),
        holds: vec![],
        promised: None,
    }
}

/// Hold 7 for case 2026-113.
pub fn hold() -> HeldBy {
    HeldBy {
        number: 7,
        case: "2026-113".into(),
    }
}

/// From 2015 to 2060.
pub fn any_moment() -> impl Strategy<Value = Moment> {
    (1_420_070_400_000_i64..2_840_140_800_000).prop_map(Moment::from_ms)
}

pub fn any_clause() -> impl Strategy<Value = Clause> {
    (0..Clause::ALL.len()).prop_map(|n| Clause::ALL[n])
}

/// A policy in one of a few zones.
pub fn any_policy(version: u64) -> impl Strategy<Value = Policy> {
    let zones = ["Asia/Shanghai", "Europe/Berlin", "America/Sao_Paulo"];
    let numbers = (0..zones.len(), 3_u16..=8, 7_u16..=60, 7_u16..=40);
    numbers.prop_map(move |(zone, months, delay, grace)| {
        policy(version, |t| {
            t.zone = zones[zone].into();
            t.keep_months = months;
            t.lowering_delay_days = delay;
            t.grace_days = grace;
        })
    })
}

/// A standing that some raisings and lowerings led to, in the order of time.
pub fn any_standing() -> impl Strategy<Value = Standing> {
    let steps = vec((any_clause(), any_moment(), any::<bool>()), 0..4);
    steps.prop_map(|mut steps| {
        let policy = policy(1, |_| {});
        let mut standing = Standing::default();
        steps.sort_by_key(|s| s.1);
        for (clause, at, raise) in steps {
            standing.apply_raising(&Raising::new(clause, at, &policy));
            if !raise {
                let lowering = Lowering::new(clause, at, &policy).unwrap();
                standing.apply_lowering(&lowering).unwrap();
            }
        }
        standing
    })
}

/// Facts of all sorts; often enough of a recording that nothing speaks against.
pub fn any_inputs() -> impl Strategy<Value = Inputs> {
    let times = (option::of(any_moment()), any_moment(), 1_u64..4);
    let flags = (any::<u8>(), any::<u8>(), any::<u8>());
    let standing = prop_oneof![Just(Standing::default()), any_standing()];
    let holds = prop_oneof![3 => Just(vec![]), 1 => Just(vec![hold()])];
    let promised = option::of((any_moment(), 0_u64..3));
    (times, flags, standing, holds, promised).prop_map(
        |((recorded_end, latest_ingest, sightings), flags, standing, holds, promised)| Inputs {
            recorded_end,
            latest_ingest,
            sightings,
            examined: flags.0 > 30,
            attributed: flags.1 > 30,
            clock_suspect: flags.2 <= 30,
            standing,
            holds,
            promised: promised.map(|(until, policy)| Promise { until, policy }),
        },
    )
}

/// Days since 1970-01-01 of a date: Howard Hinnant's arithmetic, which knows neither jiff nor a
/// table of months.
pub fn days_from_civil(y: i64, m: i64, d: i64) -> i64 {
    let y = if m <= 2 { y - 1 } else { y };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * (m + if m > 2 { -3 } else { 9 }) + 2) / 5 + d - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}

/// The date of so many days since 1970-01-01: the same, backwards.
pub fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let (era, doe) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let m = if mp < 10 { mp + 3 } else { mp - 9 };
    let d = doy - (153 * mp + 2) / 5 + 1;
    (yoe + era * 400 + i64::from(m <= 2), m, d)
}

/// The last millisecond of the day `months` after the day of `ms` at `offset_ms` from UTC.
pub fn by_arithmetic(ms: i64, months: i64, offset_ms: i64) -> i64 {
    const DAY_MS: i64 = 86_400_000;
    let (y, m, d) = civil_from_days((ms + offset_ms).div_euclid(DAY_MS));
    let count = y * 12 + m - 1 + months;
    let (y, m) = (count.div_euclid(12), count.rem_euclid(12) + 1);
    let of_next = days_from_civil(y + m / 12, m % 12 + 1, 1);
    // A day past the month's last is the 1st of the next, however far past it is.
    let day = (days_from_civil(y, m, 1) + d - 1).min(of_next);
    (day + 1) * DAY_MS - offset_ms - 1
}
