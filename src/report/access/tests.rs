//! The report on hand-made requests: a quiet office, and one in which everything goes wrong.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    custody::{
        Actor, Nonce,
        access::{Access, Decision, Use, UseOutcome, use_id},
        request::{Ask, Request, Wanted},
    },
    report::{
        fixture::{BEGAN, digest},
        wording,
    },
};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

pub(crate) fn actor(person: &str) -> Actor {
    Actor {
        uid: 2_000,
        person: Some(person.to_owned()),
    }
}

/// A request of event `n`, so many hours after [`BEGAN`], good for a week and one use.
fn asked(n: u64, hours: i64, by: &str, recordings: &[u8]) -> Access {
    let at = BEGAN.plus_ms(hours * HOUR);
    let wanted = |n: &u8| Wanted {
        id: digest(*n).id(),
        digest: digest(*n),
        bytes: 184_300_000,
        seconds: None,
        discloses: vec![],
    };
    Access {
        digest: digest(100 + n as u8),
        request: Request {
            ask: Ask {
                requester: by.to_owned(),
                form: Form::Copy,
                purpose: format!("案件 2026-{n}"),
                recipient: "东城派出所 王警官".to_owned(),
                expires: at.plus_ms(7 * DAY),
                uses: 1,
                recordings: recordings.iter().map(wanted).collect(),
            },
            log: digest(1),
            roster: digest(2),
            checkpoint: (1, digest(3)),
            nonce: Nonce::new([n as u8; 16]),
        },
        requester: actor(by),
        at,
        event: n,
        decisions: Vec::new(),
        uses: Vec::new(),
        break_glass: false,
    }
}

impl Access {
    /// Approved in event `n`, so many hours after it was asked for.
    fn approved(mut self, n: u64, hours: i64, people: &[&str]) -> Self {
        self.decisions.push(Decision::Approved {
            statement: digest(50),
            people: people.iter().map(|p| (*p).to_owned()).collect(),
            at: self.at.plus_ms(hours * HOUR),
            event: n,
        });
        self
    }

    /// Used in event `n`, so many hours after it was asked for.
    fn used(mut self, n: u64, hours: i64, by: &str, outcome: Option<UseOutcome>) -> Self {
        let number = u32::try_from(self.uses.len()).unwrap() + 1;
        let at = self.at.plus_ms(hours * HOUR);
        self.uses.push(Use {
            number,
            id: use_id(&self.digest, number),
            operator: actor(by),
            at,
            event: n,
            again_at: Vec::new(),
            served: 0,
            ended_at: outcome.is_some().then(|| at.plus_ms(90_000)),
            ended_event: outcome.is_some().then_some(n + 1),
            outcome,
        });
        self
    }
}

fn package() -> Option<UseOutcome> {
    Some(UseOutcome::Packaged {
        tag_manifest: digest(60),
        copies: vec![digest(61)],
        bytes: 41_200_000,
    })
}

fn made(all: &[Access], days: i64, scope: &Scope) -> AccessReport {
    let zone = wording::zone("Asia/Shanghai");
    access_report(all, BEGAN.plus_ms(days * DAY), &zone, scope)
}

/// A quiet office.
pub(crate) fn clean() -> AccessReport {
    let all = [
        asked(10, 0, "zhao", &[1])
            .approved(11, 3, &["li"])
            .used(12, 5, "zhao", package()),
        asked(20, 24, "qian", &[1, 2]),
    ];
    made(&all, 3, &Scope::default())
}

/// An office in which everything goes wrong that can, forgeries included.
pub(crate) fn loud() -> Vec<Access> {
    let mut hostile = asked(20, 1, "sun", &[2, 3, 4, 5, 6]);
    hostile.request.ask.purpose = "=HYPERLINK(\"x\";\"y\"), \"quoted\"\nline".to_owned();
    hostile.request.ask.recipient = "<script>alert(1)</script> \u{202e}gnaw".to_owned();
    let mut emergency = asked(70, 100, "zhao", &[7])
        .approved(71, 0, &["li", "zhou"])
        .used(72, 1, "wu", package());
    emergency.break_glass = true;
    let mut resumed = asked(60, 0, "zhao", &[1]).approved(61, 30, &["li"]);
    resumed = resumed.used(62, 7 * 24 - 1, "wu", None);
    resumed.uses[0].again_at.push(resumed.at.plus_ms(7 * DAY));
    let mut taken_back = asked(80, 0, "qian", &[2]).approved(81, 1, &["li"]);
    taken_back.decisions.push(Decision::Denied {
        statement: digest(51),
        people: vec!["zhou".to_owned()],
        at: taken_back.at.plus_ms(2 * HOUR),
        event: 82,
    });
    vec![
        asked(10, 0, "zhao", &[1])
            .approved(11, 3, &["li"])
            .used(12, 5, "zhao", package()),
        hostile,
        // After its time.
        asked(30, 0, "qian", &[3])
            .approved(31, 50, &["li"])
            .used(32, 7 * 24, "wu", package()),
        // Without approval, and approved afterwards.
        asked(40, 0, "qian", &[4])
            .used(41, 1, "wu", package())
            .approved(42, 2, &["li"]),
        // Twice, and by who approved it.
        asked(50, 0, "qian", &[5])
            .approved(51, 1, &["li", "zhou"])
            .used(
                52,
                2,
                "wu",
                Some(UseOutcome::Failed {
                    why: "the disk was full".to_owned(),
                }),
            )
            .used(54, 3, "zhou", None),
        resumed,
        emergency,
        taken_back.used(83, 3, "wu", None),
        asked(90, 10, "qian", &[1]).approved(91, 12, &["li"]),
        asked(95, 24 * 8, "qian", &[2]).approved(96, 1, &["zhou"]),
    ]
}

/// The report on them, nine days later.
pub(crate) fn report() -> AccessReport {
    made(&loud(), 9, &Scope::default())
}

/// Goal: each way in which a use can be uncovered is found, and nothing else is called so.
#[test]
fn a_use_that_was_not_covered_is_found_from_its_events() {
    let found: Vec<_> = report()
        .wrong
        .iter()
        .map(|w| (w.request, w.number, w.wrong.clone()))
        .collect();
    let expected = [
        (130, 1, vec![Wrong::Late]),
        (140, 1, vec![Wrong::Unapproved]),
        (150, 2, vec![Wrong::OperatorApproved, Wrong::TooOften]),
        (160, 1, vec![Wrong::LateAgain]),
        (180, 1, vec![Wrong::TakenBack]),
    ];
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(n, number, wrong)| (digest(n), number, wrong))
        .collect();
    assert_eq!(found, expected);
    assert!(clean().wrong.is_empty());
    // At the last millisecond it is in time, at the next it is not.
    let at = |ms| {
        let mut access = asked(1, 0, "a", &[1])
            .approved(2, 1, &["b"])
            .used(3, 2, "c", None);
        access.uses[0].at = access.request.ask.expires.plus_ms(ms);
        wrong(&access, &access.uses[0])
    };
    assert_eq!((at(-1), at(0)), (vec![], vec![Wrong::Late]));
    // What the log says of the order counts, whatever the clock was set to.
    let access = asked(1, 0, "a", &[1])
        .approved(2, 5, &["b"])
        .used(3, 4, "c", None);
    assert_eq!(wrong(&access, &access.uses[0]), []);
}

/// Goal: no filter hides a use that was not covered.
#[test]
fn a_filter_chooses_requests_and_hides_nothing_that_is_wrong() {
    let day = |day: &str| Some(day.parse().unwrap());
    let all = loud();
    let chosen = |scope: Scope| {
        let report = made(&all, 9, &scope);
        assert_eq!(report.wrong.len(), 5, "{scope:?}");
        let mut requests: Vec<_> = report.rows.iter().map(|row| row.head.request).collect();
        requests.dedup();
        assert_eq!(requests.len() as u64, report.counts.requests);
        requests
    };
    let who = |who: &str| Scope {
        person: Some(who.to_owned()),
        ..Scope::default()
    };
    assert_eq!(chosen(who("sun")), [digest(120)]);
    assert_eq!(chosen(who("nobody")), []);
    assert_eq!(chosen(who("zhou")).len(), 4);
    let recording = Scope {
        recording: Some(digest(7).id()),
        ..Scope::default()
    };
    assert_eq!(chosen(recording), [digest(170)]);
    // BEGAN is 22:00 in the office: two hours later is the next day there, and the same in UTC.
    let first = Scope {
        to: day("2026-11-23"),
        ..Scope::default()
    };
    assert_eq!(chosen(first).len(), 7);
    let later = Scope {
        from: day("2026-12-01"),
        ..Scope::default()
    };
    assert_eq!(chosen(later), [digest(195)]);
    let used_that_day = Scope {
        from: day("2026-11-30"),
        to: day("2026-11-30"),
        ..Scope::default()
    };
    assert_eq!(chosen(used_that_day), [digest(130), digest(160)]);
}

/// Goal: every count is of what it says.
#[test]
fn the_report_counts_what_there_is() {
    let report = report();
    let c = report.counts;
    let states = c.pending + c.approved + c.denied + c.cancelled + c.expired + c.used_up;
    assert_eq!((c.requests, states), (10, 10));
    assert_eq!((c.uses, c.packages, c.break_glass), (8, 4, 1));
    assert_eq!(c.package_bytes, 4 * 41_200_000);
    assert_eq!(report.outstanding.len(), 4);
    assert_eq!(report.unfinished.len(), 4);
    let unused: Vec<_> = report.unused.iter().map(|u| u.left_ms.is_some()).collect();
    assert_eq!(unused, [false, true]);
    assert_eq!(report.pending, []);
    assert_eq!(clean().pending[0].age_ms, 2 * DAY);
    // 3, 50, 2, 1, 30, 1, 12, 1 hours to a decision, the emergency's none aside.
    let to = report.to_decision;
    assert_eq!((to.count, to.median_ms), (8, Some(5 * HOUR / 2)));
    assert_eq!(
        (to.worst_ms, to.worst),
        (Some(50 * HOUR), Some(digest(130)))
    );
    assert_eq!(
        made(&[], 1, &Scope::default()).to_decision,
        TurnAround::default()
    );
    // A use before its approval took no time from it.
    assert_eq!(report.to_first_use.count, 5);
    let li = report.people.iter().find(|p| p.who == "li").unwrap();
    assert_eq!(
        (li.approved, li.asked, li.uses, li.break_glass),
        (8, 0, 0, 1)
    );
    let one = report.recordings.iter().find(|r| r.id == digest(1).id());
    let one = one.unwrap();
    assert_eq!((one.requests, one.uses, one.packages), (3, 2, 1));
    let json: serde_json::Value = serde_json::from_str(&access_json(&report)).unwrap();
    assert_eq!(json["version"], 1);
    assert_eq!(json["wrong"][0]["wrong"][0], "late");
    assert_eq!(json["rows"].as_array().unwrap().len(), 11);
    assert!(!access_json(&report).contains('\u{202e}'));
}

#[test]
fn spans_read_as_people_say_them() {
    for (ms, words) in [
        (-1, "0 s"),
        (59_999, "59 s"),
        (12 * 60_000, "12 min"),
        (3 * HOUR, "3 h"),
        (3 * HOUR + 20 * 60_000, "3 h 20 min"),
        (DAY, "1 d"),
        (5 * DAY + 4 * HOUR, "5 d 4 h"),
    ] {
        assert_eq!(span_words(ms), words);
    }
}
