//! A certificate that contradicts itself is refused, and one that does not reads the same for
//! everybody.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::retention::{
    CountedFrom, canonical,
    fixture::{moment, policy},
};

fn certificate() -> Certificate {
    let digest = Digest::new([9; 32]);
    let at = |text| moment(text);
    Certificate {
        id: digest.id(),
        digest,
        chunk_root: Digest::new([8; 32]),
        bytes: 1_234_567,
        class_history: vec![
            ClassStep {
                at: at("2026-01-16T01:00:00Z"),
                event: 40,
                clause: Clause::MassIncident,
                became: Became::Raised,
            },
            ClassStep {
                at: at("2026-02-01T01:00:00Z"),
                event: 52,
                clause: Clause::MassIncident,
                became: Became::LoweredFrom(at("2026-03-03T15:59:59.999Z")),
            },
        ],
        lawful_since: at("2026-04-15T16:00:00Z"),
        reasons: vec![Reason::Until {
            until: at("2026-04-15T15:59:59.999Z"),
            start: at("2026-01-15T02:00:00Z"),
            from: CountedFrom::LatestIngest,
            months: 3,
            rolled: false,
            policy: 1,
        }],
        policy: 1,
        policy_digest: policy(1, |_| {}).digest(),
        plan: Digest::new([7; 32]),
        place_in_plan: 12,
        planned: at("2026-05-01T00:00:00Z"),
        approval: PlanApproval {
            root: Digest::new([7; 32]),
            statement: Digest::new([6; 32]),
            signers: vec!["MM-01".into(), "MM-02".into()],
            approved: at("2026-05-02T03:00:00Z"),
            expires: None,
            not_before: None,
        },
        grace_until: at("2026-05-16T15:59:59.999Z"),
        judged: at("2026-05-17T18:00:00Z"),
        removed: at("2026-05-17T18:00:01Z"),
        objects: vec![
            RemovedObject {
                what: Removed::Original,
                digest,
                bytes: 1_234_567,
            },
            RemovedObject {
                what: Removed::Rendition,
                digest: Digest::new([5; 32]),
                bytes: 99,
            },
        ],
        copies: vec![KnownCopy {
            what: "export package".into(),
            digest: Some(Digest::new([4; 32])),
            event: 47,
        }],
        events: vec![
            EventPlace {
                event: 31,
                kind: "recording.admitted".into(),
            },
            EventPlace {
                event: 90,
                kind: "recording.disposed".into(),
            },
        ],
    }
}

#[test]
fn a_certificate_that_contradicts_itself_is_refused() {
    type Change = fn(&mut Certificate);
    let cases: &[(&str, Change)] = &[
        ("is not the digest of recording", |c| {
            c.digest = Digest::new([1; 32])
        }),
        ("lawful since", |c| c.judged = c.lawful_since.plus_ms(-1)),
        ("in grace until", |c| c.judged = c.grace_until),
        ("the approval is not of plan", |c| {
            c.plan = Digest::new([1; 32])
        }),
        ("the approval is not of plan", |c| {
            c.approval.signers.clear()
        }),
        ("not among the 0 objects", |c| c.objects.truncate(0)),
        ("not among the 2 objects", |c| {
            c.objects[0].digest = c.chunk_root
        }),
        ("not among the 2 objects", |c| {
            c.objects[0].what = Removed::Mirror
        }),
    ];
    for (expected, change) in cases {
        let mut certificate = certificate();
        assert_eq!(certificate.check(), Ok(()));
        change(&mut certificate);
        let error = certificate.check().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn the_text_holds_everything_and_the_json_reads_back() {
    let certificate = certificate();
    assert_eq!(
        canonical::tests::holds(&certificate),
        certificate.canonical()
    );
    let sha = |n: &str| n.repeat(32);
    let expected = format!(
        "Deletion certificate of recording {}\n\n\
         SHA-256          {}\n\
         chunk root       {}\n\
         size             1234567 bytes (1.2 MB)\n\
         lawful since     2026-04-16 00:00:00 +08:00\n\
         removed          2026-05-18 02:00:01 +08:00\n\
         policy           version 1, SHA-256 {}\n\
         plan             {}, item 12, made 2026-05-01 08:00:00 +08:00\n\
         approval         statement {}, recorded 2026-05-02 11:00:00 +08:00, grace until 2026-05-16 23:59:59 +08:00\n\
         approved by      MM-01, MM-02\n\n\
         Why it was kept, and is no longer\n  \
         Clause 4.6 asks for at least 3 months; policy version 1 keeps 3 calendar months, counted from the latest ingest (2026-01-15 10:00:00 +08:00) to the end of the local day: 2026-04-15 23:59:59 +08:00.\n\n\
         History of its class\n  \
         2026-01-16 09:00:00 +08:00  clause 4.6.2 applies (event 40)\n  \
         2026-02-01 09:00:00 +08:00  clause 4.6.2 no longer applies after 2026-03-03 23:59:59 +08:00 (event 52)\n\n\
         What was removed\n  \
         original, 1234567 bytes, SHA-256 {}\n  \
         rendition, 99 bytes, SHA-256 {}\n\n\
         Other copies known\n  \
         export package, SHA-256 {} (event 47)\n\n\
         Events in the ledger\n  \
         31  recording.admitted\n  \
         90  recording.disposed\n",
        Digest::new([9; 32]).id(),
        sha("09"),
        sha("08"),
        certificate.policy_digest,
        sha("07"),
        sha("06"),
        sha("09"),
        sha("05"),
        sha("04"),
    );
    assert_eq!(certificate.text(&policy(1, |_| {})), expected);
    let mut bare = certificate;
    bare.class_history.clear();
    bare.copies.clear();
    let text = bare.text(&policy(1, |_| {}));
    assert!(
        text.contains("History of its class\n  clause 4.6 alone\n"),
        "{text}"
    );
    assert!(text.contains("Other copies known\n  none\n"), "{text}");
}
