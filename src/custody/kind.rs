//! The acts that need a person's signature, and what each statement must say: one table.
//!
//! A kind has a namespace of its own, so that a signature under one can never stand for another.
//! The table is the only place that knows which fields a kind has; reading, writing and checking
//! a [`Statement`](super::Statement) go by it.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::line::{LineError, check_value, read_number};
use crate::base::{Digest, Moment, RecordingId};

/// What a person signs for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Another roster is to take force.
    Roster,
    /// A hold on a recording is to be lifted.
    HoldRelease,
    /// A recording's class is to be lowered.
    ClassLower,
    /// Device or officer of a recording are to be corrected.
    Attribution,
    /// The start of a recording is to be corrected.
    Time,
    /// Another retention policy is to take force.
    Policy,
    /// A disposal plan is to be carried out.
    Plan,
    /// The compliance clock is right.
    Clock,
    /// Recordings are to be opened in an emergency, and explained afterwards.
    BreakGlass,
    /// A request to look may be acted on.
    Approval,
    /// A request to look may not be acted on.
    Denial,
}

/// What a statement's target names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetForm {
    /// A recording, by its id.
    Recording,
    /// A text or a tree, by its SHA-256.
    Digest,
    /// The compliance clock, by the word `clock`.
    Clock,
}

/// How a field's value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Words on one line.
    Words,
    /// A whole number, written once only: no sign, no leading zero.
    Number,
    /// An instant in RFC 3339, in UTC, as [`Moment`] shows it.
    Moment,
    /// `standard`, or a clause of the regulation such as `4.6.2`.
    Class,
}

/// One field of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in the text.
    pub name: &'static str,
    /// How its value is written.
    pub form: Form,
    /// Whether it may be absent.
    pub optional: bool,
}

/// What a statement of one kind consists of.
#[derive(Debug)]
pub struct Shape {
    /// The kind.
    pub kind: Kind,
    /// Its word in the text and on the command line.
    pub word: &'static str,
    /// The SSHSIG namespace that it is signed under.
    pub namespace: &'static str,
    /// What its target names.
    pub target: TargetForm,
    /// Its own fields, by name.
    pub fields: &'static [Field],
    /// The act as a noun, for sentences.
    pub act: &'static str,
}

const fn need(name: &'static str, form: Form) -> Field {
    Field {
        name,
        form,
        optional: false,
    }
}

const fn may(name: &'static str, form: Form) -> Field {
    Field {
        name,
        form,
        optional: true,
    }
}

const REASON: Field = need("reason", Form::Words);

/// The table, in the order of [`Kind`].
const SHAPES: [Shape; 11] = [
    Shape {
        kind: Kind::Roster,
        word: "roster",
        namespace: "recvault-roster@v1",
        target: TargetForm::Digest,
        fields: &[REASON],
        act: "a change of the roster",
    },
    Shape {
        kind: Kind::HoldRelease,
        word: "hold-release",
        namespace: "recvault-hold-release@v1",
        target: TargetForm::Recording,
        fields: &[need("hold", Form::Number), REASON],
        act: "the release of a hold",
    },
    Shape {
        kind: Kind::ClassLower,
        word: "class-lower",
        namespace: "recvault-class-lower@v1",
        target: TargetForm::Recording,
        fields: &[REASON, need("to", Form::Class)],
        act: "the lowering of a class",
    },
    Shape {
        kind: Kind::Attribution,
        word: "attribution",
        namespace: "recvault-attribution@v1",
        target: TargetForm::Recording,
        fields: &[
            may("device", Form::Words),
            may("officer", Form::Words),
            REASON,
        ],
        act: "a correction of device or officer",
    },
    Shape {
        kind: Kind::Time,
        word: "time",
        namespace: "recvault-time@v1",
        target: TargetForm::Recording,
        fields: &[REASON, need("start", Form::Moment)],
        act: "a correction of a recording's start",
    },
    Shape {
        kind: Kind::Policy,
        word: "policy",
        namespace: "recvault-policy@v1",
        target: TargetForm::Digest,
        fields: &[REASON],
        act: "a change of the retention policy",
    },
    Shape {
        kind: Kind::Plan,
        word: "plan",
        namespace: "recvault-plan@v1",
        target: TargetForm::Digest,
        fields: &[
            need("bytes", Form::Number),
            need("items", Form::Number),
            need("not-before", Form::Moment),
        ],
        act: "a disposal plan",
    },
    Shape {
        kind: Kind::Clock,
        word: "clock",
        namespace: "recvault-clock@v1",
        target: TargetForm::Clock,
        fields: &[need("confirm", Form::Moment), REASON],
        act: "a confirmation of the clock",
    },
    Shape {
        kind: Kind::BreakGlass,
        word: "break-glass",
        namespace: "recvault-break-glass@v1",
        target: TargetForm::Digest,
        fields: &[REASON],
        act: "opening recordings in an emergency",
    },
    Shape {
        kind: Kind::Approval,
        word: "approval",
        namespace: "recvault-approval@v1",
        target: TargetForm::Digest,
        fields: &[may("reason", Form::Words)],
        act: "the approval of an access request",
    },
    Shape {
        kind: Kind::Denial,
        word: "denial",
        namespace: "recvault-denial@v1",
        target: TargetForm::Digest,
        fields: &[REASON],
        act: "the denial of an access request",
    },
];

impl Kind {
    /// All kinds, in the order of the table.
    pub const ALL: [Self; 11] = [
        Self::Roster,
        Self::HoldRelease,
        Self::ClassLower,
        Self::Attribution,
        Self::Time,
        Self::Policy,
        Self::Plan,
        Self::Clock,
        Self::BreakGlass,
        Self::Approval,
        Self::Denial,
    ];

    /// The kind's row.
    #[must_use]
    pub const fn shape(self) -> &'static Shape {
        &SHAPES[self as usize]
    }

    /// The kind's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        self.shape().word
    }

    /// The SSHSIG namespace of the kind, as `ssh-keygen -Y sign -n` takes it.
    #[must_use]
    pub const fn namespace(self) -> &'static str {
        self.shape().namespace
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Kind {
    type Err = ();
    fn from_str(s: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|k| k.word() == s).ok_or(())
    }
}

/// What a statement is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A recording.
    Recording(RecordingId),
    /// A text or a tree.
    Digest(Digest),
    /// The compliance clock.
    Clock,
}

impl Target {
    /// Its form.
    #[must_use]
    pub const fn form(&self) -> TargetForm {
        match self {
            Self::Recording(_) => TargetForm::Recording,
            Self::Digest(_) => TargetForm::Digest,
            Self::Clock => TargetForm::Clock,
        }
    }

    /// Reads a target of this form, strictly as [`fmt::Display`] writes it.
    #[must_use]
    pub fn read(form: TargetForm, text: &str) -> Option<Self> {
        let target = match form {
            TargetForm::Recording => Self::Recording(text.parse().ok()?),
            TargetForm::Digest => Self::Digest(text.parse().ok()?),
            TargetForm::Clock => Self::Clock,
        };
        (target.to_string() == text).then_some(target)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recording(id) => id.fmt(f),
            Self::Digest(digest) => digest.fmt(f),
            Self::Clock => f.pad("clock"),
        }
    }
}

impl Form {
    /// What a value of this form looks like, for a person who wrote another.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Words => "words on one line",
            Self::Number => "a whole number such as 3",
            Self::Moment => "a time in UTC such as 2026-11-23T06:05:06Z",
            Self::Class => "'standard' or a clause such as 4.6.2",
        }
    }

    /// Whether `value` is written in this form.
    ///
    /// # Errors
    /// `Err(None)` when it is a good line of another form, and the line's own error otherwise.
    pub fn check(self, value: &str) -> Result<(), Option<LineError>> {
        check_value(value).map_err(Some)?;
        let good = match self {
            Self::Words => true,
            Self::Number => read_number(value).is_some(),
            Self::Moment => read_moment(value).is_some(),
            Self::Class => value == "standard" || is_clause(value),
        };
        if good { Ok(()) } else { Err(None) }
    }
}

/// An instant as [`Moment`] shows it and in no other way.
#[must_use]
pub fn read_moment(text: &str) -> Option<Moment> {
    let moment = Moment::from(text.parse::<Timestamp>().ok()?);
    (moment.to_string() == text).then_some(moment)
}

/// Two to four numbers with dots between them.
fn is_clause(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let number = |part: &&str| part.len() <= 2 && read_number(part).is_some_and(|n| n > 0);
    (2..=4).contains(&parts.len()) && parts.iter().all(number)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_kind_has_its_row_and_a_namespace_of_its_own() {
        for (kind, shape) in Kind::ALL.into_iter().zip(&SHAPES) {
            assert_eq!(kind.shape().kind, kind);
            assert_eq!(shape.kind, kind, "the table is in the order of the kinds");
            assert_eq!(shape.namespace, format!("recvault-{}@v1", shape.word));
            assert_eq!(shape.word.parse(), Ok(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), shape.word);
            assert!(
                shape.fields.is_sorted_by_key(|f| f.name),
                "{kind}: fields stand in the text sorted by name"
            );
            for field in shape.fields {
                let head = ["kind", "log", "seen", "nonce", "target"];
                assert!(!head.contains(&field.name), "{kind}: {}", field.name);
            }
        }
        assert_eq!("viewing".parse::<Kind>(), Err(()));
    }

    #[test]
    fn a_value_has_the_form_of_its_field() {
        let moment = "2026-11-23T06:05:06Z";
        let cases: &[(Form, &[&str], &[&str])] = &[
            (Form::Words, &["a", "经复核"], &["", " a", "a\nb"]),
            (
                Form::Number,
                &["0", "18446744073709551615"],
                &["01", "-1", "1.0", "x"],
            ),
            (
                Form::Moment,
                &[moment, "2026-11-23T06:05:06.5Z", "1970-01-01T00:00:00Z"],
                &[
                    "2026-11-23T14:05:06+08:00",
                    "2026-11-23T06:05:06.50Z",
                    "2026-11-23T06:05:06.0001Z",
                    "2026-11-23 06:05:06Z",
                    "2026-11-23t06:05:06z",
                    "2026-11-23",
                    "2026-02-29T00:00:00Z",
                ],
            ),
            (
                Form::Class,
                &["standard", "4.6.1", "4.6", "4.10.2.1"],
                &[
                    "4",
                    "4.",
                    "4..6",
                    "04.6",
                    "4.6.1.2.3",
                    "Standard",
                    "4.0",
                    "4.600",
                ],
            ),
        ];
        for (form, good, bad) in cases {
            for value in *good {
                assert_eq!(form.check(value), Ok(()), "{form:?} {value}");
            }
            for value in *bad {
                assert!(form.check(value).is_err(), "{form:?} {value:?}");
            }
        }
    }

    #[test]
    fn a_target_is_read_as_it_is_written() {
        let digest = "ab".repeat(32);
        let cases = [
            (TargetForm::Recording, "mzymsttb4rbelt3o", true),
            (TargetForm::Recording, "MZYMSTTB4RBELT3O", false),
            (TargetForm::Recording, " mzymsttb4rbelt3o", false),
            (TargetForm::Recording, &digest, false),
            (TargetForm::Digest, &digest, true),
            (TargetForm::Digest, "mzymsttb4rbelt3o", false),
            (TargetForm::Clock, "clock", true),
            (TargetForm::Clock, "Clock", false),
        ];
        for (form, text, good) in cases {
            let read = Target::read(form, text);
            assert_eq!(read.is_some(), good, "{form:?} {text}");
            assert!(read.is_none_or(|t| t.form() == form));
        }
    }
}
