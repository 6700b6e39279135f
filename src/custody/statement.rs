//! A signed statement: what a person says, word for word.
//!
//! ```text
//! recvault statement v1
//! kind: hold-release
//! log: recvault/<SHA-256 of the genesis roster>
//! seen: 1234
//! nonce: <26 base32 characters, 128 bits>
//! target: mzymsttb4rbelt3o
//! hold: 2
//! reason: 案件 2026-117 已结案
//! ```
//!
//! UTF-8, line feeds, one at the end. The head stands in this order; the kind's own fields follow,
//! sorted by name, as [`Kind`]'s table has them.
//!
//! Invariants: a statement has one text and a text one statement, so its digest is its identity:
//! who refuses a digest that was used refuses a replay. `log` ties it to one store, `seen` (the
//! number of the newest event that the signer knew) to a time in that store's history, the
//! namespace of its kind to one act. Reading is strict: what is not exactly what [`Statement::text`]
//! would write is refused, with the line.

use std::{collections::BTreeMap, fmt, str::FromStr};

use data_encoding::BASE32_NOPAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::{
    kind::{Kind, Target, read_moment},
    line::{LineError, read_number},
};
use crate::base::{Digest, ErrorKind, Explain, Moment};

/// Bytes of a statement's text: a head of some 250 bytes and the few fields of its kind at
/// [`VALUE_BYTES_MAX`](super::line::VALUE_BYTES_MAX) each. Checked before anything is parsed.
pub const STATEMENT_BYTES_MAX: usize = 8 * 1024;

const HEADER: &str = "recvault statement v1";
const HEAD: [&str; 5] = ["kind", "log", "seen", "nonce", "target"];

/// Why a text is no statement, or a statement cannot be made so.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StatementError {
    /// More than [`STATEMENT_BYTES_MAX`].
    #[error("a statement has at most {STATEMENT_BYTES_MAX} bytes; this has {0}")]
    Long(usize),
    /// The first line is another.
    #[error("the first line is not '{HEADER}'")]
    Header,
    /// The text does not end with a line feed.
    #[error("the text does not end with a line feed")]
    Unended,
    /// A line of the head is missing or is not what it must be.
    #[error("line {line} is not '{name}: …' with a value of its form")]
    Head {
        /// The line's number, from one.
        line: usize,
        /// What stands there in a good text.
        name: &'static str,
    },
    /// A line after the head is not a name and a value.
    #[error("line {0} is not 'name: value'")]
    Line(usize),
    /// The target is of another form than the kind needs.
    #[error("a statement of kind {kind} has no target '{target}'")]
    Target {
        /// The kind.
        kind: Kind,
        /// The target.
        target: String,
    },
    /// The kind has no field of this name.
    #[error("a statement of kind {kind} has no field '{name}'")]
    Unknown {
        /// The kind.
        kind: Kind,
        /// The field.
        name: String,
    },
    /// A field was given twice.
    #[error("the field '{0}' is there twice")]
    Twice(&'static str),
    /// A field that the kind needs is missing.
    #[error("a statement of kind {kind} needs a field '{name}'")]
    Missing {
        /// The kind.
        kind: Kind,
        /// The field.
        name: &'static str,
    },
    /// A field's value is not a good line.
    #[error("the field '{name}' cannot be signed: {why}")]
    Value {
        /// The field.
        name: &'static str,
        /// Why not.
        why: LineError,
    },
    /// A field's value is a good line of another form.
    #[error("the field '{name}' is '{value}', which is not {form}")]
    Form {
        /// The field.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it must look like.
        form: &'static str,
    },
    /// A correction that corrects nothing.
    #[error("a statement of kind attribution needs a device, an officer or both")]
    Idle,
    /// Every part is good, but the whole is not written as a statement is.
    #[error("the text is not in the one form that a statement has, from line {0} on")]
    NotCanonical(usize),
}

impl Explain for StatementError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<String> {
        Some("sign the file exactly as recvault printed it; an editor may have changed it".into())
    }
}

/// 128 bits out of a random source: they make each statement another text, and each store another
/// log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Nonce([u8; 16]);

impl Nonce {
    /// Wraps random bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Reads one as it is written.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let bytes = BASE32_NOPAD.decode(text.to_ascii_uppercase().as_bytes());
        let nonce = Self(bytes.ok()?.try_into().ok()?);
        (nonce.to_string() == text).then_some(nonce)
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE32_NOPAD.encode(&self.0).to_ascii_lowercase())
    }
}

/// The name of a log: `recvault/` and the digest of its genesis roster. It is the origin line of
/// the log's checkpoints and stands in every statement.
#[must_use]
pub fn log_name(genesis: &Digest) -> String {
    format!("recvault/{genesis}")
}

/// A statement. In events it is its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Statement {
    kind: Kind,
    log: Digest,
    seen: u64,
    nonce: Nonce,
    target: Target,
    fields: BTreeMap<&'static str, String>,
}

/// What stands in every statement, for [`Statement::new`].
#[derive(Clone, Copy, Debug)]
pub struct Head {
    /// The act.
    pub kind: Kind,
    /// Digest of the log's genesis roster.
    pub log: Digest,
    /// Number of the newest event that the signer knows.
    pub seen: u64,
    /// Random.
    pub nonce: Nonce,
    /// What it is about.
    pub target: Target,
}

impl Statement {
    /// A statement of this head and these fields, in any order.
    ///
    /// # Errors
    /// Target or fields are not those of the kind's table.
    pub fn new<'a>(
        head: Head,
        fields: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, StatementError> {
        let kind = head.kind;
        let shape = kind.shape();
        if head.target.form() != shape.target {
            return Err(StatementError::Target {
                kind,
                target: head.target.to_string(),
            });
        }
        let mut kept = BTreeMap::new();
        for (name, value) in fields {
            let known = shape.fields.iter().find(|f| f.name == name);
            let field = known.ok_or_else(|| StatementError::Unknown {
                kind,
                name: name.chars().take(40).collect(),
            })?;
            let name = field.name;
            field.form.check(value).map_err(|why| match why {
                Some(why) => StatementError::Value { name, why },
                None => StatementError::Form {
                    name,
                    value: value.to_owned(),
                    form: field.form.words(),
                },
            })?;
            if kept.insert(name, value.to_owned()).is_some() {
                return Err(StatementError::Twice(name));
            }
        }
        let missing = |f: &&super::kind::Field| !f.optional && !kept.contains_key(f.name);
        if let Some(field) = shape.fields.iter().find(missing) {
            let name = field.name;
            return Err(StatementError::Missing { kind, name });
        }
        if kind == Kind::Attribution && kept.len() < 2 {
            return Err(StatementError::Idle);
        }
        Ok(Self {
            kind,
            log: head.log,
            seen: head.seen,
            nonce: head.nonce,
            target: head.target,
            fields: kept,
        })
    }

    /// The text that is signed.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = format!(
            "{HEADER}\nkind: {}\nlog: {}\nseen: {}\nnonce: {}\ntarget: {}\n",
            self.kind,
            log_name(&self.log),
            self.seen,
            self.nonce,
            self.target
        );
        for (name, value) in &self.fields {
            out.push_str(&format!("{name}: {value}\n"));
        }
        out
    }

    /// SHA-256 of the text: the statement's identity. The caller refuses one that was used.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::new(Sha256::digest(self.text()).into())
    }

    /// The act.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Digest of the genesis roster of the log that it is for.
    #[must_use]
    pub const fn log(&self) -> Digest {
        self.log
    }

    /// Number of the newest event that its signer knew.
    #[must_use]
    pub const fn seen(&self) -> u64 {
        self.seen
    }

    /// What it is about.
    #[must_use]
    pub const fn target(&self) -> Target {
        self.target
    }

    /// The value of a field, if the statement has it.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// The value of a field that is a number.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u64> {
        read_number(self.field(name)?)
    }

    /// The value of a field that is an instant.
    #[must_use]
    pub fn moment(&self, name: &str) -> Option<Moment> {
        read_moment(self.field(name)?)
    }
}

impl FromStr for Statement {
    type Err = StatementError;
    fn from_str(text: &str) -> Result<Self, StatementError> {
        if text.len() > STATEMENT_BYTES_MAX {
            return Err(StatementError::Long(text.len()));
        }
        let body = text.strip_suffix('\n').ok_or(StatementError::Unended)?;
        let mut lines = body.split('\n').zip(1..);
        if lines.next().map(|(line, _)| line) != Some(HEADER) {
            return Err(StatementError::Header);
        }
        let mut head = [""; HEAD.len()];
        for (slot, (name, number)) in head.iter_mut().zip(HEAD.iter().zip(2..)) {
            let line = lines.next().map_or("", |(line, _)| line);
            let (found, value) = line.split_once(": ").unwrap_or_default();
            if found != *name {
                return Err(StatementError::Head { line: number, name });
            }
            *slot = value;
        }
        let [kind, log, seen, nonce, target] = head;
        let bad = |at: usize| StatementError::Head {
            line: at + 2,
            name: HEAD[at],
        };
        let kind: Kind = kind.parse().map_err(|()| bad(0))?;
        let log = log.strip_prefix("recvault/").ok_or_else(|| bad(1))?;
        let head = Head {
            kind,
            log: log.parse().map_err(|_| bad(1))?,
            seen: read_number(seen).ok_or_else(|| bad(2))?,
            nonce: Nonce::read(nonce).ok_or_else(|| bad(3))?,
            target: Target::read(kind.shape().target, target).ok_or_else(|| bad(4))?,
        };
        let mut fields = Vec::new();
        for (line, number) in lines {
            fields.push(line.split_once(": ").ok_or(StatementError::Line(number))?);
        }
        let statement = Self::new(head, fields)?;
        let canonical = statement.text();
        if canonical == text {
            return Ok(statement);
        }
        // Only the order of the fields is left to be wrong.
        let same = |(ours, theirs): &(&str, &str)| ours == theirs;
        let first = canonical.split('\n').zip(text.split('\n'));
        let line = first.take_while(same).count() + 1;
        Err(StatementError::NotCanonical(line))
    }
}

impl TryFrom<String> for Statement {
    type Error = StatementError;
    fn try_from(text: String) -> Result<Self, StatementError> {
        text.parse()
    }
}

impl From<Statement> for String {
    fn from(statement: Statement) -> Self {
        statement.text()
    }
}

#[cfg(test)]
mod tests;
