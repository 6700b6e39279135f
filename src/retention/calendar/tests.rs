//! The calendar against dates worked out by hand, and against arithmetic of its own.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::retention::fixture::{by_arithmetic, moment};

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

/// Clause 4.6: three calendar months, to the end of that local day. Each line: where, from when,
/// the last day, its last second as UTC; worked out by hand, the reckoning beside it.
#[test]
fn clause_4_6_keeps_three_calendar_months() {
    // China has been at +08:00 all year round since September 1991: a local day ends at 16:00 UTC.
    const SHANGHAI: &str = "Asia/Shanghai";
    // +01:00; +02:00 from the last Sunday of March, 01:00 UTC, to that of October, 01:00 UTC.
    const BERLIN: &str = "Europe/Berlin";
    // −03:00; in the southern summer of 2017/18 −02:00 from 15 October to 18 February 00:00
    // (back to 17 February 23:00), and of 2018/19 from 4 November 00:00 (on to 01:00).
    const SAO_PAULO: &str = "America/Sao_Paulo";
    // −10:00 in the summer of 2011 until 29 December 24:00, then +14:00: no 30 December.
    const APIA: &str = "Pacific/Apia";
    let cases: &[(&str, &str, &str, &str)] = &[
        // 15 January, February, March, 15 April.
        (
            SHANGHAI,
            "2026-01-15T10:00:00+08:00",
            "2026-04-15",
            "2026-04-15T15:59:59.999Z",
        ),
        // The last millisecond of 14 January local, and the first of the 15th.
        (
            SHANGHAI,
            "2026-01-14T15:59:59.999Z",
            "2026-04-14",
            "2026-04-14T15:59:59.999Z",
        ),
        (
            SHANGHAI,
            "2026-01-14T16:00:00.000Z",
            "2026-04-15",
            "2026-04-15T15:59:59.999Z",
        ),
        // Month ends. 30 February 2026 does not exist: 1 March. So neither does the 29th.
        (
            SHANGHAI,
            "2025-11-30T12:00:00+08:00",
            "2026-03-01",
            "2026-03-01T15:59:59.999Z",
        ),
        (
            SHANGHAI,
            "2025-11-29T12:00:00+08:00",
            "2026-03-01",
            "2026-03-01T15:59:59.999Z",
        ),
        (
            SHANGHAI,
            "2025-11-28T12:00:00+08:00",
            "2026-02-28",
            "2026-02-28T15:59:59.999Z",
        ),
        // 2024 is a leap year: the 29th exists, the 30th does not.
        (
            SHANGHAI,
            "2023-11-29T12:00:00+08:00",
            "2024-02-29",
            "2024-02-29T15:59:59.999Z",
        ),
        (
            SHANGHAI,
            "2023-11-30T12:00:00+08:00",
            "2024-03-01",
            "2024-03-01T15:59:59.999Z",
        ),
        (
            SHANGHAI,
            "2024-02-29T12:00:00+08:00",
            "2024-05-29",
            "2024-05-29T15:59:59.999Z",
        ),
        // 2000 was one (by 400), 2100 will not be (by 100).
        (
            SHANGHAI,
            "1999-11-29T12:00:00+08:00",
            "2000-02-29",
            "2000-02-29T15:59:59.999Z",
        ),
        (
            SHANGHAI,
            "2099-11-29T12:00:00+08:00",
            "2100-03-01",
            "2100-03-01T15:59:59.999Z",
        ),
        // 31 January: April has 30 days. 31 March: June has 30. 31 August: November has 30.
        (
            SHANGHAI,
            "2026-01-31T12:00:00+08:00",
            "2026-05-01",
            "2026-05-01T15:59:59.999Z",
        ),
        (
            SHANGHAI,
            "2026-03-31T12:00:00+08:00",
            "2026-07-01",
            "2026-07-01T15:59:59.999Z",
        ),
        (
            SHANGHAI,
            "2026-08-31T12:00:00+08:00",
            "2026-12-01",
            "2026-12-01T15:59:59.999Z",
        ),
        // Year ends: October leads to January, December to March, both with 31 days.
        (
            SHANGHAI,
            "2025-10-31T12:00:00+08:00",
            "2026-01-31",
            "2026-01-31T15:59:59.999Z",
        ),
        (
            SHANGHAI,
            "2025-10-01T00:00:00+08:00",
            "2026-01-01",
            "2026-01-01T15:59:59.999Z",
        ),
        (
            SHANGHAI,
            "2025-12-31T23:59:59+08:00",
            "2026-03-31",
            "2026-03-31T15:59:59.999Z",
        ),
        // In London that was still 2025; in Shanghai the year had begun.
        (
            SHANGHAI,
            "2025-12-31T16:00:00Z",
            "2026-04-01",
            "2026-04-01T15:59:59.999Z",
        ),
        // 29 March 2026 has 23 hours and ends at 24:00 +02:00; 25 October 2026 has 25 and ends
        // at 24:00 +01:00; 1 March is winter throughout.
        (
            BERLIN,
            "2025-12-29T12:00:00+01:00",
            "2026-03-29",
            "2026-03-29T21:59:59.999Z",
        ),
        (
            BERLIN,
            "2026-07-25T12:00:00+02:00",
            "2026-10-25",
            "2026-10-25T22:59:59.999Z",
        ),
        (
            BERLIN,
            "2025-11-30T22:30:00Z",
            "2026-03-01",
            "2026-03-01T22:59:59.999Z",
        ),
        // 3 November 2018 ends where 00:00 −03:00 became 01:00 −02:00, at 03:00 UTC.
        (
            SAO_PAULO,
            "2018-08-03T12:00:00-03:00",
            "2018-11-03",
            "2018-11-04T02:59:59.999Z",
        ),
        // 4 November 2018 began at 01:00 and ends at 24:00 −02:00.
        (
            SAO_PAULO,
            "2018-08-04T12:00:00-03:00",
            "2018-11-04",
            "2018-11-05T01:59:59.999Z",
        ),
        // 17 February 2018 showed 23:00 to 24:00 twice and ended at 24:00 −03:00.
        (
            SAO_PAULO,
            "2017-11-17T12:00:00-02:00",
            "2018-02-17",
            "2018-02-18T02:59:59.999Z",
        ),
        // 29 December 2011 is the last at −10:00. The 30th was skipped; the 31st, at +14:00,
        // lasted from 30 December 10:00 UTC to 31 December 10:00 UTC.
        (
            APIA,
            "2011-09-29T12:00:00-10:00",
            "2011-12-29",
            "2011-12-30T09:59:59.999Z",
        ),
        (
            APIA,
            "2011-09-30T12:00:00-10:00",
            "2011-12-31",
            "2011-12-31T09:59:59.999Z",
        ),
        // On 2 November 2025 01:00 −04:00 became 00:00 −05:00, so midnight came twice and both
        // times as the beginning of the 2nd: the 1st ended at the first, 04:00 UTC.
        (
            "America/Havana",
            "2025-08-01T12:00:00-04:00",
            "2025-11-01",
            "2025-11-02T03:59:59.999Z",
        ),
        (
            "America/Havana",
            "2025-08-02T12:00:00-04:00",
            "2025-11-02",
            "2025-11-03T04:59:59.999Z",
        ),
        // On 7 November 2010 00:01 −02:30 became 6 November 23:01 −03:30: the 6th came back and
        // ended for good at 24:00 −03:30, 03:30 UTC.
        (
            "America/St_Johns",
            "2010-08-06T12:00:00-02:30",
            "2010-11-06",
            "2010-11-07T03:29:59.999Z",
        ),
        // On 30 March 1919 23:30 −05:00 became 00:30 −04:00 of the 31st: no midnight at all.
        (
            "America/Toronto",
            "1918-12-30T12:00:00-05:00",
            "1919-03-30",
            "1919-03-31T04:29:59.999Z",
        ),
    ];
    for (name, from, day, ends) in cases {
        let found = months_on(moment(from), 3, &zone(name)).unwrap();
        assert_eq!(
            (found.day.to_string().as_str(), found.ends),
            (*day, moment(ends)),
            "{name} {from}: {}",
            found.ends
        );
        let number = found.day.day();
        let same = zone(name).to_datetime(moment(from).timestamp()).day() == number;
        assert_eq!(found.rolled, !same, "{name} {from}");
    }
}

#[test]
fn days_are_counted_as_days_of_the_calendar_and_not_as_24_hours() {
    // 14 days from a Saturday evening over the change of the clocks of 29 March 2026.
    let found = days_on(
        moment("2026-03-21T20:00:00+01:00"),
        14,
        &zone("Europe/Berlin"),
    )
    .unwrap();
    assert_eq!(found.ends, moment("2026-04-04T21:59:59.999Z"));
    let same = days_on(
        moment("2026-03-21T20:00:00+01:00"),
        0,
        &zone("Europe/Berlin"),
    )
    .unwrap();
    assert_eq!(same.ends, moment("2026-03-21T22:59:59.999Z"));
}

#[test]
fn beyond_the_calendar_there_is_no_date_and_no_panic() {
    let zone = zone("Asia/Shanghai");
    for ms in [i64::MAX, i64::MIN, 253_402_207_200_000 - 1] {
        assert_eq!(months_on(Moment::from_ms(ms), 3, &zone), None, "{ms}");
        assert_eq!(days_on(Moment::from_ms(ms), 14, &zone), None, "{ms}");
    }
}

/// Zones whose changes of the clocks are the awkward ones.
const AWKWARD: &[&str] = &[
    "Asia/Shanghai",
    "Europe/Berlin",
    "America/Sao_Paulo",
    "Pacific/Apia",
    "America/Havana",
    "America/St_Johns",
    "America/Toronto",
    "Asia/Beirut",
    "Africa/Cairo",
    "Australia/Lord_Howe",
    "Pacific/Kiritimati",
    "Antarctica/Troll",
    "America/Scoresbysund",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Where an offset is fixed, the months are those of arithmetic. From 1992 on, before which
    /// China changed its clocks, to 2400.
    #[test]
    fn months_are_those_of_plain_arithmetic(ms in 694_224_000_000_i64..13_569_465_600_000, months in 0_u16..=120) {
        let found = months_on(Moment::from_ms(ms), months, &zone("Asia/Shanghai")).unwrap();
        prop_assert_eq!(found.ends.as_ms(), by_arithmetic(ms, i64::from(months), 8 * 3_600_000));
    }

    /// In every zone the last instant shows the day itself, and none of the two days after it
    /// does: asked of the zone minute by minute, which knows nothing of stretches.
    #[test]
    fn a_last_instant_is_the_last(s in -1_600_000_000_i64..2_500_000_000, which in 0..AWKWARD.len()) {
        let zone = zone(AWKWARD[which]);
        let from = Moment::from_s(s);
        let found = months_on(from, 3, &zone).unwrap();
        let shown = |at: Moment| zone.to_datetime(at.timestamp()).date();
        prop_assert_eq!(shown(found.ends), found.day);
        for minute in 0..2 * 24 * 60 {
            let after = found.ends.plus_ms(1 + minute * 60_000);
            prop_assert!(shown(after) > found.day, "{} shows {}", after, found.day);
        }
        // Never shorter than the months of any calendar: three have at least 89 days.
        prop_assert!(found.ends.ms_since(from) >= 88 * 86_400_000);
    }
}
