//! What became of a request to look: decisions, uses, and how it stands at one instant. One look is
//! one use: spent before anything is opened, ended by what came of it.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{actor::Actor, request::Request};
use crate::base::{Digest, Moment, RecordingId};

/// Milliseconds that recordings stay open that two people opened in an emergency: a day and a night
/// of whoever is called to it, and no longer than until somebody can approve in the ordinary way.
pub const BREAK_GLASS_MS: i64 = 24 * 3_600_000;

/// How often they may be used.
pub const BREAK_GLASS_USES: u64 = 1;

/// Milliseconds for which every report names them.
pub const BREAK_GLASS_LOUD_MS: i64 = 30 * 86_400_000;

/// How an approved look ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome", deny_unknown_fields)]
pub enum UseOutcome {
    /// A package stands in its place.
    Packaged {
        /// SHA-256 of the bag's tag manifest.
        tag_manifest: Digest,
        /// SHA-256 of every marked copy in it, and of every contact sheet.
        copies: Vec<Digest>,
        /// Bytes of the package.
        bytes: u64,
    },
    /// The player was closed.
    Viewed {
        /// Bytes that it was given.
        bytes: u64,
    },
    /// It came to nothing; nothing was left behind.
    Failed {
        /// Why, as a sentence.
        why: String,
    },
}

/// One use of an approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Use {
    /// Its number, from 1.
    pub number: u32,
    /// Its id: what a copy made by it carries, and is found by.
    pub id: RecordingId,
    /// Who ran it.
    pub operator: Actor,
    /// When it began: the use was spent from then on.
    pub at: Moment,
    /// The event that spent it.
    pub event: u64,
    /// When it was gone on with after it was cut off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub again_at: Vec<Moment>,
    /// How it ended; nothing while it runs, or when it was cut off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<UseOutcome>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Moment>,
    /// The event that says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_event: Option<u64>,
    /// How often a viewer was given something by it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub served: u32,
}

const fn is_zero(n: &u32) -> bool {
    *n == 0
}

impl Use {
    /// Whether it led to nothing yet, and so may be gone on with. What somebody was shown is seen,
    /// however the showing ended.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.served == 0 && matches!(self.outcome, None | Some(UseOutcome::Failed { .. }))
    }
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "decision", deny_unknown_fields)]
pub enum Decision {
    /// It may be used.
    Approved {
        /// Digest of the statement.
        statement: Digest,
        /// Who signed it.
        people: Vec<String>,
        /// When.
        at: Moment,
        /// The event that says so.
        event: u64,
    },
    /// It may not.
    Denied {
        /// Digest of the statement.
        statement: Digest,
        /// Who signed it.
        people: Vec<String>,
        /// When.
        at: Moment,
        /// The event that says so.
        event: u64,
    },
    /// Nobody wants it any more.
    Cancelled {
        /// Who took it back.
        actor: Actor,
        /// When.
        at: Moment,
        /// The event that says so.
        event: u64,
    },
}

impl Decision {
    /// When it was made.
    #[must_use]
    pub const fn at(&self) -> Moment {
        match self {
            Self::Approved { at, .. } | Self::Denied { at, .. } | Self::Cancelled { at, .. } => *at,
        }
    }

    /// The event that says so.
    #[must_use]
    pub const fn event(&self) -> u64 {
        match self {
            Self::Approved { event, .. }
            | Self::Denied { event, .. }
            | Self::Cancelled { event, .. } => *event,
        }
    }
}

/// A request and everything that became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// SHA-256 of the request's text, which names it. Where its words were erased, the text no longer
    /// gives it.
    pub digest: Digest,
    /// What was asked for.
    pub request: Request,
    /// By whom.
    pub requester: Actor,
    /// When.
    pub at: Moment,
    /// Event that holds it.
    pub event: u64,
    /// The decisions, in order: an approval may be cancelled.
    #[serde(default)]
    pub decisions: Vec<Decision>,
    /// The uses, in order.
    #[serde(default)]
    pub uses: Vec<Use>,
    /// Made in an emergency by two people, and approved by the same statement.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub break_glass: bool,
}

/// How a request stands at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessState {
    /// Nobody has decided.
    Pending,
    /// It may be used, so often still.
    Approved {
        /// Uses left.
        left: u64,
    },
    /// An approver said no.
    Denied,
    /// It was taken back.
    Cancelled,
    /// Its time is over.
    Expired,
    /// It was used as often as it may be.
    UsedUp,
}

impl AccessState {
    /// The word for tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved { .. } => "approved",
            Self::Denied => "denied",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::UsedUp => "used up",
        }
    }
}

impl AccessState {
    /// Whether something may still come of it.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Approved { .. })
    }
}

impl Access {
    /// How it stands at `now`, which is the later of the clocks: approvals end rather too early.
    #[must_use]
    pub fn state(&self, now: Moment) -> AccessState {
        let spent = self.uses.len() as u64;
        let uses = self.request.ask.uses;
        match self.decisions.last() {
            Some(Decision::Denied { .. }) => AccessState::Denied,
            Some(Decision::Cancelled { .. }) => AccessState::Cancelled,
            Some(Decision::Approved { .. }) if spent >= uses => AccessState::UsedUp,
            _ if now >= self.request.ask.expires => AccessState::Expired,
            Some(Decision::Approved { .. }) => AccessState::Approved { left: uses - spent },
            None => AccessState::Pending,
        }
    }

    /// The decision that stood when this event came into the log.
    #[must_use]
    pub fn decided_before(&self, event: u64) -> Option<&Decision> {
        let mut decisions = self.decisions.iter().rev();
        decisions.find(|decision| decision.event() < event)
    }

    /// Who approved it.
    #[must_use]
    pub fn approvers(&self) -> &[String] {
        let approved = self.decisions.iter().find_map(|d| match d {
            Decision::Approved { people, .. } => Some(people.as_slice()),
            _ => None,
        });
        approved.unwrap_or_default()
    }
}

/// The id of a use: what a copy made by it carries. The head of SHA-256 over the request's digest
/// and the number, so that it can be recomputed from the two.
#[must_use]
pub fn use_id(request: &Digest, number: u32) -> RecordingId {
    let mut hasher = Sha256::new();
    hasher.update(b"recvault use v1\n");
    hasher.update(request.as_bytes());
    hasher.update(number.to_be_bytes());
    Digest::new(hasher.finalize().into()).id()
}

#[cfg(test)]
mod tests;
