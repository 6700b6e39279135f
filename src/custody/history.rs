//! The rosters of a store, each from the event on in which it is in force.
//!
//! Pure: [`RosterHistory::plan_change`] and [`RosterHistory::plan_due`] say which
//! [`RosterChange`] is to be an event, [`RosterHistory::apply`] folds that event in. A change
//! carried by event `n` is in force from event `n + 1` on, because the statement in event `n` was
//! judged by the roster before it. So a signature is judged for ever by the roster that was in
//! force at its own event, and revoking a key rewrites nothing.
//!
//! A roster whose delay has passed takes force by an event of its own. Time here gives rights, so
//! the caller passes the earlier of its two clocks.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    amendment::{Amendment, AmendmentError, compare},
    kind::{Kind, Target},
    quorum::Quorum,
    roster::Roster,
    statement::Statement,
};
use crate::base::{Digest, ErrorKind, Explain, Moment};

const HOUR_MS: i64 = 3_600_000;

/// One change of who may do what, as events carry it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum RosterChange {
    /// A roster was agreed on and waits.
    Proposed {
        /// The roster.
        roster: Roster,
        /// Digest of the statement that agreed on it.
        statement: Digest,
        /// When its delay has passed.
        due: Moment,
    },
    /// Keys were revoked: this roster is in force at once, and what waited is dropped.
    Revoked {
        /// The roster.
        roster: Roster,
        /// Digest of the statement.
        statement: Digest,
    },
    /// What waited is dropped.
    Withdrawn {
        /// Digest of the statement.
        statement: Digest,
    },
    /// What waited is in force.
    TookForce {
        /// Digest of the roster.
        roster: Digest,
    },
}

/// A roster that was agreed on and waits for its delay to pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The roster.
    pub roster: Roster,
    /// Digest of the statement that agreed on it.
    pub statement: Digest,
    /// When its delay has passed.
    pub due: Moment,
}

/// A roster and the first event that is judged by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct InForce {
    from: u64,
    roster: Roster,
}

/// The rosters of a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterHistory {
    genesis: Roster,
    /// After the genesis roster, by event.
    later: Vec<InForce>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending: Option<Pending>,
    /// The newest event that is folded in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    folded: Option<u64>,
}

/// Why a statement does not change the roster.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ChangeRefused {
    /// The roster beside the statement is not the one that it names.
    #[error("the statement does not name the roster with digest {0}")]
    AnotherRoster(Digest),
    /// The new roster rewrites what must be kept.
    #[error(transparent)]
    Amendment(#[from] AmendmentError),
    /// Those who signed are not enough for this change, or signed another statement.
    #[error("those who signed are not enough for this change of the roster")]
    Agreement,
    /// Another change waits.
    #[error("another change of the roster waits until {0}")]
    Waiting(Moment),
    /// The statement names the roster in force, and nothing waits.
    #[error("this roster is in force already, and no change waits that could be withdrawn")]
    NothingWaits,
}

impl Explain for ChangeRefused {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Refused
    }
    fn hint(&self) -> Option<String> {
        match self {
            Self::Amendment(why) => why.hint(),
            Self::Waiting(_) => Some(
                "wait for it, or withdraw it by a statement that names the roster in force".into(),
            ),
            _ => None,
        }
    }
}

impl RosterChange {
    /// Digest of the statement that agreed on it; what takes force was agreed on before.
    #[must_use]
    pub const fn statement(&self) -> Option<Digest> {
        match self {
            Self::Proposed { statement, .. }
            | Self::Revoked { statement, .. }
            | Self::Withdrawn { statement } => Some(*statement),
            Self::TookForce { .. } => None,
        }
    }
}

impl RosterHistory {
    /// The history of a store that was just made.
    #[must_use]
    pub const fn new(genesis: Roster) -> Self {
        Self {
            genesis,
            later: Vec::new(),
            pending: None,
            folded: None,
        }
    }

    /// Digest of the genesis roster: what the log is named after.
    #[must_use]
    pub fn log(&self) -> Digest {
        self.genesis.digest()
    }

    /// The roster by which event number `event` is judged.
    #[must_use]
    pub fn at(&self, event: u64) -> &Roster {
        let later = self.later.partition_point(|r| r.from <= event);
        let newest = later.checked_sub(1).and_then(|i| self.later.get(i));
        newest.map_or(&self.genesis, |r| &r.roster)
    }

    /// The roster in force.
    #[must_use]
    pub fn current(&self) -> &Roster {
        self.at(u64::MAX)
    }

    /// Whether no other roster than that of the genesis was ever in force or agreed on.
    #[must_use]
    pub const fn is_as_begun(&self) -> bool {
        self.folded.is_none()
    }

    /// What was agreed on and waits.
    #[must_use]
    pub const fn pending(&self) -> Option<&Pending> {
        self.pending.as_ref()
    }

    /// Every roster that was in force and the first event that was judged by it.
    pub fn rosters(&self) -> impl Iterator<Item = (u64, &Roster)> {
        let later = self.later.iter().map(|r| (r.from, &r.roster));
        std::iter::once((0, &self.genesis)).chain(later)
    }

    /// What this statement would change, whoever signs it: needed to judge the signatures.
    ///
    /// # Errors
    /// The change is none that a roster can have.
    pub fn amendment(
        &self,
        statement: &Statement,
        proposed: &Roster,
    ) -> Result<Amendment, ChangeRefused> {
        let digest = proposed.digest();
        if statement.kind() != Kind::Roster || statement.target() != Target::Digest(digest) {
            return Err(ChangeRefused::AnotherRoster(digest));
        }
        let amendment = compare(self.current(), proposed, statement.seen())?;
        for (person, key) in proposed.keys().filter(|(_, key)| key.is_good()) {
            let revoked = |(_, roster): (u64, &Roster)| {
                let there = roster.holder(&key.public);
                there.is_some_and(|(_, was)| !was.is_good())
            };
            if self.rosters().any(revoked) {
                return Err(AmendmentError::Returned {
                    person: person.id.clone(),
                    key: key.public.fingerprint(),
                }
                .into());
            }
        }
        match (&amendment, &self.pending) {
            (Amendment::Withdrawn, None) => Err(ChangeRefused::NothingWaits),
            (Amendment::Replaced { .. } | Amendment::Changed, Some(pending)) => {
                Err(ChangeRefused::Waiting(pending.due))
            }
            _ => Ok(amendment),
        }
    }

    /// The event by which this statement changes the roster.
    ///
    /// # Errors
    /// The change is none that a roster can have, or the quorum is not enough for it.
    pub fn plan_change(
        &self,
        statement: &Statement,
        proposed: &Roster,
        quorum: &Quorum,
        now: Moment,
    ) -> Result<RosterChange, ChangeRefused> {
        let amendment = self.amendment(statement, proposed)?;
        let digest = statement.digest();
        if quorum.statement() != digest || !quorum.meets(amendment.needs()) {
            return Err(ChangeRefused::Agreement);
        }
        let delays = self.current().delays();
        let hours = match amendment {
            Amendment::Withdrawn => return Ok(RosterChange::Withdrawn { statement: digest }),
            Amendment::Revoked { .. } => {
                return Ok(RosterChange::Revoked {
                    roster: proposed.clone(),
                    statement: digest,
                });
            }
            Amendment::Replaced { .. } if quorum.people().len() < 2 => {
                delays.repair_hours.saturating_mul(2)
            }
            Amendment::Replaced { .. } if quorum.approvers() < 2 => delays.repair_hours,
            Amendment::Replaced { .. } | Amendment::Changed => delays.change_hours,
        };
        Ok(RosterChange::Proposed {
            roster: proposed.clone(),
            statement: digest,
            due: now.plus_ms(i64::from(hours).saturating_mul(HOUR_MS)),
        })
    }

    /// The event by which what waits takes force, if its delay has passed. The caller asks before
    /// it judges anything.
    #[must_use]
    pub fn plan_due(&self, now: Moment) -> Option<RosterChange> {
        let pending = self.pending.as_ref().filter(|p| p.due <= now)?;
        let roster = pending.roster.digest();
        Some(RosterChange::TookForce { roster })
    }

    /// Folds in the change that event number `event` carries. An event that is folded in already
    /// changes nothing.
    pub fn apply(&mut self, change: &RosterChange, event: u64) {
        if self.folded.is_some_and(|newest| event <= newest) {
            return;
        }
        self.folded = Some(event);
        let from = event.saturating_add(1);
        match change {
            RosterChange::Proposed {
                roster,
                statement,
                due,
            } => {
                self.pending = Some(Pending {
                    roster: roster.clone(),
                    statement: *statement,
                    due: *due,
                });
            }
            RosterChange::Revoked { roster, .. } => {
                self.pending = None;
                let roster = roster.clone();
                self.later.push(InForce { from, roster });
            }
            RosterChange::Withdrawn { .. } => self.pending = None,
            RosterChange::TookForce { roster } => {
                let waits = |p: &mut Pending| p.roster.digest() == *roster;
                if let Some(Pending { roster, .. }) = self.pending.take_if(waits) {
                    self.later.push(InForce { from, roster });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
