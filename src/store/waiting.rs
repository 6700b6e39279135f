//! Statements that one person signed and that take another: they wait here, so that two people need
//! not be in one place at one time. Who signed is judged again, by the roster then, when the next
//! signature comes.

use std::{io, path::Path};

use serde::{Deserialize, Serialize};

use super::{Store, StoreError, blobs};
use crate::{
    base::{Digest, Moment},
    custody::{Kind, Roster, STATEMENT_AGE_DAYS_MAX, Statement},
    index::{Column, Direction, KeyRange},
    retention::Policy,
};

const DAY_MS: i64 = 86_400_000;

/// A statement that waits for more signatures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// The statement.
    pub statement: Statement,
    /// Since when it has waited.
    pub since: Moment,
    /// The signatures so far, as `ssh-keygen -Y sign` wrote them.
    pub signatures: Vec<String>,
    /// Those whose signature counted when the last one came.
    pub people: Vec<String>,
    /// SHA-256 of the blob that holds the text which it names by digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attached: Option<Digest>,
}

impl Waiting {
    pub(super) const fn new(statement: Statement, since: Moment) -> Self {
        Self {
            statement,
            since,
            signatures: Vec::new(),
            people: Vec::new(),
            attached: None,
        }
    }
}

/// What comes with a statement that names a text by its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attached {
    /// Nothing.
    Nothing,
    /// The roster that it is about.
    Roster(Box<Roster>),
    /// The policy that it is about.
    Policy(Box<Policy>),
}

impl Attached {
    /// Keeps the text for those who sign later, and gives back the blob's digest.
    pub(super) fn keep(&self, dir: &Path) -> io::Result<Option<Digest>> {
        let text = match self {
            Self::Nothing => return Ok(None),
            Self::Roster(roster) => roster.text(),
            Self::Policy(policy) => policy.canonical(),
        };
        blobs::put(dir, text.as_bytes()).map(Some)
    }

    /// The text that was kept for a statement of this kind.
    pub(super) fn kept(kind: Kind, dir: &Path, blob: &Digest) -> Result<Self, StoreError> {
        let wrong = |why: String| StoreError::Rows(format!("the blob {blob}: {why}"));
        let bytes = blobs::get(dir, blob).map_err(StoreError::Blob)?;
        match kind {
            Kind::Roster => {
                let text = String::from_utf8(bytes).map_err(|e| wrong(e.to_string()))?;
                let roster = text.parse().map_err(|e| wrong(format!("{e}")))?;
                Ok(Self::Roster(Box::new(roster)))
            }
            Kind::Policy => {
                let policy = serde_json::from_slice(&bytes);
                Ok(Self::Policy(Box::new(
                    policy.map_err(|e| wrong(e.to_string()))?,
                )))
            }
            _ => Ok(Self::Nothing),
        }
    }
}

impl Store {
    /// The statements that wait for more signatures and can still be agreed to, the oldest first.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn waiting(&self) -> Result<Vec<Waiting>, StoreError> {
        let now = self.times()?.later;
        let snapshot = self.index.snapshot();
        let mut all = Vec::new();
        for row in snapshot.scan(Column::Waiting, &KeyRange::all(), Direction::Forward)? {
            let (_, json) = row?;
            let waiting: Waiting =
                serde_json::from_slice(&json).map_err(|e| StoreError::Rows(e.to_string()))?;
            let seen = self.event(waiting.statement.seen())?.map(|event| event.at);
            let age_ms = seen.map_or(0, |seen| now.ms_since(seen));
            if age_ms <= STATEMENT_AGE_DAYS_MAX * DAY_MS {
                all.push(waiting);
            }
        }
        all.sort_by_key(|waiting| waiting.since);
        Ok(all)
    }
}
