//! Holds: while one stands on a recording, it is kept, whatever its class and age.
//!
//! Several stack, and each is lifted on its own. Anybody may place one. Who asked for a hold and
//! who placed it cannot lift it ([`quorum`](super::quorum) decides). Numbers count up for each
//! recording and are never used again, so that a statement about hold 2 can only ever mean that
//! one. Pure: [`Holds::place`] and [`Holds::release`] say what would be, [`Holds::add`] and
//! [`Holds::lift`] fold in the event that says it is so; both fold twice as once.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    actor::Actor,
    amendment::Need,
    kind::{Kind, Target},
    line::{LineError, check_value},
    quorum::Quorum,
    statement::Statement,
};
use crate::base::{ErrorKind, Explain, RecordingId};

/// Holds that stand on one recording at a time. A recording in that many cases is kept by any one
/// of them, and a page about it stays a page.
pub const HOLDS_MAX: usize = 64;

/// People who lift a hold, unless the hold needs more.
pub const RELEASERS: u32 = 1;

/// People who lift a hold that a rebuild without the ledger placed: its history is gone, so no
/// single person may decide that it is no longer needed.
pub const RELEASERS_AFTER_REBUILD: u32 = 2;

/// One hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Its number among the recording's holds, from one.
    pub number: u32,
    /// Number of the case that needs the recording.
    pub case: String,
    /// Why.
    pub reason: String,
    /// Who asked for it: a person's handle, or an authority from outside.
    pub requester: String,
    /// Who placed it; absent when recvault itself did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placed_by: Option<Actor>,
    /// Number of the event that placed it.
    pub placed_at: u64,
    /// How many people must agree to lift it.
    pub releasers_needed: u32,
}

impl Hold {
    /// How much agreement lifts it.
    #[must_use]
    pub fn need(&self) -> Need {
        let people = self.releasers_needed.max(RELEASERS);
        Need::of(usize::try_from(people).unwrap_or(usize::MAX), 1)
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            number,
            case,
            reason,
            requester,
            ..
        } = self;
        write!(f, "hold {number} for case {case}, asked for by {requester}")?;
        match &self.placed_by {
            Some(actor) => write!(f, ", placed by {actor}")?,
            None => f.write_str(", placed by recvault")?,
        }
        write!(f, " in event {}: {reason}", self.placed_at)
    }
}

/// A hold that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Number of the case.
    pub case: String,
    /// Why.
    pub reason: String,
    /// Who asks.
    pub requester: String,
    /// Who places it; absent when recvault itself does.
    pub placed_by: Option<Actor>,
    /// How many people must agree to lift it.
    pub releasers_needed: u32,
}

impl Asked {
    /// The hold that a rebuild without the ledger places on every recording.
    #[must_use]
    pub fn by_rebuild() -> Self {
        Self {
            case: "rebuild".into(),
            reason: "the ledger was lost; what it held of this recording cannot be recovered"
                .into(),
            requester: "recvault".into(),
            placed_by: None,
            releasers_needed: RELEASERS_AFTER_REBUILD,
        }
    }
}

/// Why a hold is not placed or not lifted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HoldRefused {
    /// A part of it is no line for people.
    #[error("the {what} of a hold cannot be kept: {why}")]
    Words {
        /// Which part.
        what: &'static str,
        /// Why not.
        why: LineError,
    },
    /// The same hold stands already: a command that was sent twice.
    #[error("hold {0} stands for the same case, requester and reason")]
    Stands(u32),
    /// A bound is passed. The recording is kept by those that stand.
    #[error("{HOLDS_MAX} holds stand on this recording; that is as many as can")]
    TooMany,
    /// No such hold stands.
    #[error("no hold {0} stands on this recording")]
    NoSuch(u64),
    /// The statement is about something else.
    #[error("the statement is not about a hold of this recording")]
    AnotherStatement,
    /// Those who signed are not enough for this hold, or signed another statement.
    #[error("those who signed are not enough to lift hold {0}")]
    Agreement(u32),
}

impl Explain for HoldRefused {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Words { .. } => ErrorKind::Usage,
            _ => ErrorKind::Refused,
        }
    }
}

/// The holds of one recording.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holds {
    /// The highest number that was given.
    last: u32,
    /// Those that stand, by number.
    standing: Vec<Hold>,
}

impl Holds {
    /// Those that stand, by number.
    #[must_use]
    pub fn standing(&self) -> &[Hold] {
        &self.standing
    }

    /// Whether any stands.
    #[must_use]
    pub const fn is_held(&self) -> bool {
        !self.standing.is_empty()
    }

    /// The hold of this number, if it stands.
    #[must_use]
    pub fn hold(&self, number: u64) -> Option<&Hold> {
        self.standing.iter().find(|h| u64::from(h.number) == number)
    }

    /// The hold that event number `placed_at` would place.
    ///
    /// # Errors
    /// It stands already, or is not one that can be kept.
    pub fn place(&self, asked: &Asked, placed_at: u64) -> Result<Hold, HoldRefused> {
        let words = [
            ("case", &asked.case),
            ("reason", &asked.reason),
            ("requester", &asked.requester),
        ];
        for (what, text) in words {
            check_value(text).map_err(|why| HoldRefused::Words { what, why })?;
        }
        let same = |h: &&Hold| {
            (&h.case, &h.requester, &h.reason) == (&asked.case, &asked.requester, &asked.reason)
        };
        if let Some(hold) = self.standing.iter().find(same) {
            return Err(HoldRefused::Stands(hold.number));
        }
        let next = self.last.checked_add(1);
        let Some(number) = next.filter(|_| self.standing.len() < HOLDS_MAX) else {
            return Err(HoldRefused::TooMany);
        };
        Ok(Hold {
            number,
            case: asked.case.clone(),
            reason: asked.reason.clone(),
            requester: asked.requester.clone(),
            placed_by: asked.placed_by.clone(),
            placed_at,
            releasers_needed: asked.releasers_needed.max(RELEASERS),
        })
    }

    /// The hold of `recording` that this statement lifts.
    ///
    /// # Errors
    /// It does not stand, or those who signed are not enough for it.
    pub fn release(
        &self,
        recording: RecordingId,
        statement: &Statement,
        quorum: &Quorum,
    ) -> Result<&Hold, HoldRefused> {
        let about = statement.kind() == Kind::HoldRelease
            && statement.target() == Target::Recording(recording);
        let number = statement.number("hold").filter(|_| about);
        let number = number.ok_or(HoldRefused::AnotherStatement)?;
        let hold = self.hold(number).ok_or(HoldRefused::NoSuch(number))?;
        if quorum.statement() != statement.digest() || !quorum.meets(&[hold.need()]) {
            return Err(HoldRefused::Agreement(hold.number));
        }
        Ok(hold)
    }

    /// Folds in a hold that was placed.
    pub fn add(&mut self, hold: Hold) {
        // A number that was given before is an event that was folded in before.
        if hold.number > self.last {
            self.last = hold.number;
            self.standing.push(hold);
        }
    }

    /// Folds in that a hold was lifted.
    pub fn lift(&mut self, number: u32) {
        self.standing.retain(|h| h.number != number);
    }
}

#[cfg(test)]
mod tests;
