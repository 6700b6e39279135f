//! Which statement somebody wants to sign.

use serde::{Deserialize, Serialize};

/// Which act a statement is wanted for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum DraftAsk {
    /// Sign what somebody else signed before.
    Waiting {
        /// Digest of the statement, or enough of its beginning.
        statement: String,
    },
    /// Lift a hold.
    HoldRelease {
        /// The recording, by its id or the beginning of it.
        id: String,
        /// The hold's number.
        hold: u32,
        /// Why.
        reason: String,
    },
    /// Correct whose recording it is.
    Attribution {
        /// The recording, by its id or the beginning of it.
        id: String,
        /// The recorder.
        device: Option<String>,
        /// The officer.
        officer: Option<String>,
        /// Why.
        reason: String,
    },
    /// Correct when a recording began.
    Time {
        /// The recording, by its id or the beginning of it.
        id: String,
        /// When; without an offset in the office's time zone.
        start: String,
        /// Why.
        reason: String,
    },
    /// Lower a recording's class.
    ClassLower {
        /// The recording, by its id or the beginning of it.
        id: String,
        /// `standard`, or the clause that is to remain.
        to: String,
        /// Why.
        reason: String,
    },
    /// Approve the newest disposal plan, which has this root or one that begins so.
    Plan {
        /// The root.
        root: String,
    },
    /// Adopt a retention policy.
    Policy {
        /// Its canonical JSON.
        policy: String,
        /// Why.
        reason: String,
    },
    /// Change the roster.
    Roster {
        /// The new roster's text.
        roster: String,
        /// Why.
        reason: String,
    },
    /// Approve a request to look.
    Approval {
        /// Its digest, or enough of its beginning.
        request: String,
    },
    /// Open one in an emergency.
    BreakGlass {
        /// Its digest, or enough of its beginning.
        request: String,
        /// Why.
        reason: String,
    },
    /// Deny one.
    Denial {
        /// Its digest, or enough of its beginning.
        request: String,
        /// Why.
        reason: String,
    },
    /// Confirm the time.
    Clock {
        /// The time, as RFC 3339 in UTC; the machine's own if none is named.
        confirm: Option<String>,
        /// Why.
        reason: String,
    },
}
