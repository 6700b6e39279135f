//! The text of a request: one for each, and nothing that may not be signed.
#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;

pub(in crate::custody) fn digest(n: u8) -> Digest {
    Digest::new([n; 32])
}

fn wanted(n: u8) -> Wanted {
    Wanted {
        id: digest(n).id(),
        digest: digest(n),
        bytes: 1_048_576,
        seconds: None,
        discloses: vec![],
    }
}

pub(in crate::custody) fn request() -> Request {
    Request {
        ask: Ask {
            requester: "zhao".into(),
            form: Form::Copy,
            purpose: "案件 2026-117".into(),
            recipient: "东城派出所 王警官".into(),
            expires: Moment::from_s(1_800_000_000),
            uses: 1,
            recordings: vec![
                wanted(1),
                Wanted {
                    seconds: Some(Seconds { from: 12, to: 42 }),
                    ..wanted(2)
                },
            ],
        },
        log: digest(8),
        roster: digest(9),
        checkpoint: (1_234, digest(7)),
        nonce: Nonce::new([3; 16]),
    }
}

#[test]
fn a_request_reads_as_it_was_reviewed_and_back() {
    let request = request().checked().unwrap();
    insta::assert_snapshot!("request", request.text());
    assert_eq!(request.text().parse::<Request>().unwrap(), request);
    let json = serde_json::to_string(&request).unwrap();
    assert_eq!(serde_json::from_str::<Request>(&json).unwrap(), request);
}

/// What an excerpt of an original discloses is told in one way, and of nothing else.
#[test]
fn what_an_excerpt_discloses_stands_in_the_request() {
    let some = |from, to| Seconds { from, to };
    let with = |form, seconds: Option<Seconds>, discloses: &[Seconds]| {
        let mut request = request();
        request.ask.form = form;
        request.ask.recordings = vec![Wanted {
            seconds,
            discloses: discloses.to_vec(),
            ..wanted(2)
        }];
        request.checked()
    };
    let seconds = Some(some(12, 42));
    let told = with(Form::Original, seconds, &[some(0, 1), some(10, 44)]).unwrap();
    let text = told.text();
    assert!(text.ends_with(" bytes 1048576 seconds 12-42 discloses 0-1,10-44\n"));
    assert_eq!(text.parse::<Request>().unwrap(), told);
    let five: Vec<Seconds> = (0..5).map(|n| some(10 * n, 10 * n + 2)).collect();
    for (form, seconds, discloses) in [
        (Form::Original, seconds, &[][..]),
        (Form::Original, seconds, &[some(13, 44)]),
        (Form::Original, seconds, &[some(10, 44), some(0, 1)]),
        (Form::Original, seconds, &[some(0, 10), some(10, 44)]),
        (Form::Original, seconds, &[some(0, 0), some(10, 44)]),
        (Form::Original, Some(some(0, 1)), &five),
        (Form::Original, None, &[some(0, 1)]),
        (Form::Copy, seconds, &[some(10, 44)]),
    ] {
        let refused = with(form, seconds, discloses).unwrap_err();
        assert_eq!(
            refused,
            RequestError::Discloses(digest(2).id()),
            "{form} {discloses:?}"
        );
    }
}

#[test]
fn what_may_not_be_signed_is_refused() {
    type Change = fn(&mut Request);
    let cases: &[(&str, Change)] = &[
        ("a line break", |r| r.ask.purpose = "a\nuses: 9".into()),
        ("nothing", |r| r.ask.recipient = String::new()),
        ("no use", |r| r.ask.uses = 0),
        ("too many uses", |r| r.ask.uses = USES_MAX + 1),
        ("no recording", |r| r.ask.recordings.clear()),
        ("one twice", |r| {
            r.ask.recordings = vec![wanted(1), wanted(1)]
        }),
        ("out of order", |r| {
            r.ask.recordings = vec![wanted(2), wanted(1)]
        }),
        ("another id", |r| r.ask.recordings[0].id = digest(5).id()),
        ("too many", |r| {
            let mut all: Vec<_> = (0..=150).map(wanted).collect();
            all.sort_by_key(|w| w.id);
            r.ask.recordings = all;
        }),
    ];
    for (what, change) in cases {
        let mut bad = request();
        change(&mut bad);
        assert!(bad.checked().is_err(), "{what}");
    }
}

proptest! {
    /// Whatever one byte of the text is changed to, it is another request or none.
    #[test]
    fn no_two_texts_are_one_request(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let text = request().text();
        let mut bytes = text.clone().into_bytes();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != byte);
        bytes[at] = byte;
        if let Ok(changed) = String::from_utf8(bytes) && let Ok(read) = changed.parse::<Request>() {
            prop_assert_ne!(read.digest(), request().digest());
            prop_assert_eq!(read.text(), changed);
        }
    }
}
