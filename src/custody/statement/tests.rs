//! The text of a statement: one for each, and no change of it goes unseen.
#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;
use crate::custody::{
    line::VALUE_BYTES_MAX,
    tests::{fields, head, log, statement},
};

#[test]
fn a_statement_is_written_as_the_design_says() {
    let said = Statement::new(
        head(Kind::HoldRelease),
        [("reason", "案件已结"), ("hold", "3")],
    )
    .unwrap();
    let expected = format!(
        "recvault statement v1\n\
         kind: hold-release\n\
         log: recvault/{}\n\
         seen: 1234\n\
         nonce: aucqkbifaucqkbifaucqkbifau\n\
         target: mzymsttb4rbelt3o\n\
         hold: 3\n\
         reason: 案件已结\n",
        "07".repeat(32)
    );
    assert_eq!(said.text(), expected);
    assert_eq!(expected.parse(), Ok(said.clone()));
    assert_eq!(said.kind(), Kind::HoldRelease);
    assert_eq!((said.log(), said.seen()), (log(), 1_234));
    assert_eq!(said.number("hold"), Some(3));
    assert_eq!(said.number("reason"), None);
    assert_eq!(said.field("to"), None);
    let json = serde_json::to_value(&said).unwrap();
    assert_eq!(
        json, expected,
        "an event holds the very text that was signed"
    );
    assert_eq!(serde_json::from_value::<Statement>(json).unwrap(), said);
}

#[test]
fn the_digest_is_sha_256_of_the_text() {
    // Computed with another program over the text as the module documents it.
    let said = Statement::new(
        head(Kind::Clock),
        [
            ("confirm", "2026-11-23T06:05:06Z"),
            ("reason", "checked against two watches"),
        ],
    )
    .unwrap();
    assert_eq!(
        said.digest().to_string(),
        "404d9252d53e91443dae002104aa7d92f9e26f4a68a30e50195e0aea8df55764"
    );
    assert_eq!(said.moment("confirm"), Some(Moment::from_s(1_795_413_906)));
}

#[test]
fn each_kind_takes_its_fields_and_no_other() {
    for kind in Kind::ALL {
        let good = fields(kind);
        let said = statement(kind);
        assert_eq!(said.text().parse(), Ok(said), "{kind}");
        for (at, field) in kind.shape().fields.iter().enumerate() {
            let mut short = good.clone();
            short.remove(at);
            let made = Statement::new(head(kind), short);
            if field.optional {
                assert!(made.is_ok(), "{kind} without {}", field.name);
            } else {
                let name = field.name;
                assert_eq!(made, Err(StatementError::Missing { kind, name }));
            }
            let mut twice = good.clone();
            twice.push(good[at]);
            let made = Statement::new(head(kind), twice);
            assert_eq!(made, Err(StatementError::Twice(field.name)));
        }
        let mut more = good.clone();
        more.push(("colour", "red"));
        assert!(
            matches!(
                Statement::new(head(kind), more),
                Err(StatementError::Unknown { .. })
            ),
            "{kind}"
        );
    }
    let idle = Statement::new(head(Kind::Attribution), [("reason", "r")]);
    assert_eq!(idle, Err(StatementError::Idle));
}

#[test]
fn each_kind_takes_its_target_and_no_other() {
    for kind in Kind::ALL {
        for other in Kind::ALL {
            let head = Head {
                target: head(other).target,
                ..head(kind)
            };
            let same = kind.shape().target == other.shape().target;
            let made = Statement::new(head, fields(kind));
            assert_eq!(made.is_ok(), same, "{kind} with a target of {other}");
        }
    }
}

#[test]
fn a_field_of_another_form_is_refused() {
    let long = "x".repeat(VALUE_BYTES_MAX + 1);
    let cases: &[(Kind, &str, &str)] = &[
        (Kind::HoldRelease, "hold", "two"),
        (Kind::HoldRelease, "hold", "02"),
        (Kind::HoldRelease, "reason", ""),
        (Kind::HoldRelease, "reason", "a\nhold: 9"),
        (Kind::HoldRelease, "reason", "a\u{202e}b"),
        (Kind::HoldRelease, "reason", &long),
        (Kind::ClassLower, "to", "lower"),
        (Kind::Time, "start", "2026-11-23T14:05:06+08:00"),
        (Kind::Clock, "confirm", "now"),
        (Kind::Plan, "items", "-1"),
        (Kind::Plan, "not-before", "2026-11-23"),
        (Kind::Attribution, "device", " A1"),
    ];
    for (kind, name, value) in cases {
        let mut given = fields(*kind);
        given.retain(|(n, _)| n != name);
        given.push((name, value));
        assert!(
            matches!(
                Statement::new(head(*kind), given),
                Err(StatementError::Value { .. } | StatementError::Form { .. })
            ),
            "{kind} {name} {value:?}"
        );
    }
}

#[test]
fn a_text_that_is_written_in_another_way_is_refused() {
    let good = statement(Kind::ClassLower).text();
    let swapped = {
        let mut lines: Vec<_> = good.lines().collect();
        lines.swap(6, 7);
        lines.join("\n") + "\n"
    };
    let head = |line, name| StatementError::Head { line, name };
    let cases = [
        (String::new(), StatementError::Unended),
        (good.trim_end().to_owned(), StatementError::Unended),
        (good.replace('\n', "\r\n"), StatementError::Header),
        (format!("\u{feff}{good}"), StatementError::Header),
        (good.replace("v1", "v2"), StatementError::Header),
        (good.replace("kind: ", "kind:"), head(2, "kind")),
        (good.replace("class-lower", "class-raise"), head(2, "kind")),
        (good.replace("recvault/07", "recvault/0g"), head(3, "log")),
        (good.replace("recvault/07", "other/07"), head(3, "log")),
        (good.replace("recvault/07", "recvault/AB"), head(3, "log")),
        (good.replace("seen: 1234", "seen: 01234"), head(4, "seen")),
        (good.replace("seen: 1234\n", ""), head(4, "seen")),
        (good.replace("ifau\n", "ifa\n"), head(5, "nonce")),
        // The last character holds three bits of the nonce; the other two must be zero.
        (good.replace("ifau\n", "ifav\n"), head(5, "nonce")),
        (good.replace("ifau\n", "IFAU\n"), head(5, "nonce")),
        (good.replace("mzy", "MZY"), head(6, "target")),
        (good.clone() + "\n", StatementError::Line(9)),
        (good.replace("to: 4", "to:4"), StatementError::Line(8)),
        (swapped, StatementError::NotCanonical(7)),
    ];
    for (text, expected) in cases {
        assert_eq!(text.parse::<Statement>(), Err(expected), "{text}");
    }
    let long = good + &"x".repeat(STATEMENT_BYTES_MAX) + "\n";
    assert!(matches!(
        long.parse::<Statement>(),
        Err(StatementError::Long(_))
    ));
}

#[test]
fn the_largest_statement_fits_its_bound() {
    // The bound must never refuse what the table allows.
    for kind in Kind::ALL {
        let long = "x".repeat(VALUE_BYTES_MAX);
        let words = |f: &crate::custody::kind::Field| f.form == crate::custody::kind::Form::Words;
        let given = kind.shape().fields.iter().zip(fields(kind));
        let given = given.map(|(f, (name, v))| (name, if words(f) { long.as_str() } else { v }));
        let said = Statement::new(head(kind), given).unwrap();
        assert_eq!(said.text().parse(), Ok(said), "{kind}");
    }
}

/// What no change may do: leave a text that reads as the same statement.
fn check_changed(original: &Statement, changed: &str) {
    if let Ok(read) = changed.parse::<Statement>() {
        assert_eq!(read.text(), changed, "a text has one statement");
        assert_ne!(read.digest(), original.digest(), "{changed}");
    }
}

#[test]
fn no_single_byte_can_change_unseen() {
    // Every byte of one statement, to every other value; then left out, and doubled.
    let said = statement(Kind::Attribution);
    let text = said.text().into_bytes();
    for at in 0..text.len() {
        let mut changed = text.clone();
        for byte in 0..=255 {
            changed[at] = byte;
            if byte != text[at]
                && let Ok(changed) = std::str::from_utf8(&changed)
            {
                check_changed(&said, changed);
            }
        }
        let mut shorter = text.clone();
        shorter.remove(at);
        let mut longer = text.clone();
        longer.insert(at, text[at]);
        for changed in [shorter, longer] {
            if let Ok(changed) = std::str::from_utf8(&changed) {
                check_changed(&said, changed);
            }
        }
    }
}

prop_compose! {
    fn any_statement()(
        kind in proptest::sample::select(Kind::ALL.to_vec()),
        log: [u8; 32],
        seen: u64,
        nonce: [u8; 16],
        id: [u8; 10],
        words in "[!-~一-龥]([ -~一-龥]{0,60}[!-~一-龥])?",
        number: u64,
        seconds in -62_000_000_000_i64..250_000_000_000,
        class in "standard|[1-9](\\.[1-9]{1,2}){1,3}",
        officer: bool,
    ) -> Statement {
        use crate::custody::kind::{Form, TargetForm};
        use crate::base::RecordingId;
        let target = match kind.shape().target {
            TargetForm::Recording => Target::Recording(RecordingId::new(id)),
            TargetForm::Digest => Target::Digest(Digest::new(log)),
            TargetForm::Clock => Target::Clock,
        };
        let log = Digest::new(log);
        let head = Head { kind, log, seen, nonce: Nonce::new(nonce), target };
        let (number, moment) = (number.to_string(), Moment::from_s(seconds).to_string());
        let given = kind.shape().fields.iter().filter(|f| officer || f.name != "officer");
        let given = given.map(|f| (f.name, match f.form {
            Form::Words => words.as_str(),
            Form::Number => number.as_str(),
            Form::Moment => moment.as_str(),
            Form::Class => class.as_str(),
        }));
        Statement::new(head, given).unwrap()
    }
}

proptest! {
    #[test]
    fn a_statement_survives_its_text(said in any_statement()) {
        let text = said.text();
        prop_assert_eq!(text.parse::<Statement>().unwrap(), said.clone());
        let json = serde_json::to_string(&said).unwrap();
        prop_assert_eq!(serde_json::from_str::<Statement>(&json).unwrap(), said);
    }

    #[test]
    fn no_change_of_a_byte_reads_as_the_same_statement(
        said in any_statement(), at: proptest::sample::Index, byte: u8,
    ) {
        let mut text = said.text().into_bytes();
        let at = at.index(text.len());
        prop_assume!(text[at] != byte);
        text[at] = byte;
        if let Ok(changed) = std::str::from_utf8(&text) {
            check_changed(&said, changed);
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "(recvault statement v1\n)?([a-z:\n/ 0-9é]{0,80}\n)*") {
        if let Ok(said) = text.parse::<Statement>() {
            prop_assert_eq!(said.text(), text);
        }
    }
}
