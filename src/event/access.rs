//! What a request to look says in the log.

use serde::{Deserialize, Serialize};

use super::{Sealed, What};
use crate::{
    base::{Digest, Moment},
    custody::{
        Actor,
        request::{Form, Wanted},
    },
};

/// Somebody asked to look: see [`What::AccessRequested`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessRequested {
    /// SHA-256 of the request's text, which approvals sign.
    pub request: Digest,
    /// In what form.
    pub form: Form,
    /// What for, sealed.
    pub purpose: Sealed,
    /// For whom, sealed.
    pub recipient: Sealed,
    /// Until when.
    pub expires: Moment,
    /// How often.
    pub uses: u64,
    /// Which recordings.
    pub recordings: Vec<Wanted>,
    /// Digest of the roster in force.
    pub roster: Digest,
    /// Events under the checkpoint that the requester saw, and their root.
    pub checkpoint: (u64, Digest),
    /// Random.
    pub nonce: String,
    /// Who asked.
    pub actor: Actor,
    /// Two people did so in an emergency, and their statement approves it too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub break_glass: bool,
}

impl What {
    /// The request to look that this is about, if it is about one.
    #[must_use]
    pub fn request(&self) -> Option<Digest> {
        match self {
            Self::AccessRequested(asked) => Some(asked.request),
            Self::AccessApproved { request, .. }
            | Self::AccessDenied { request, .. }
            | Self::AccessCancelled { request, .. }
            | Self::AccessSpent { request, .. }
            | Self::AccessServed { request, .. }
            | Self::AccessEnded { request, .. } => Some(*request),
            _ => None,
        }
    }
}
