//! The content of a deletion certificate: that one recording was removed, lawfully, and by whose
//! word. It outlives the recording, so it holds no personal data: people are roster identifiers,
//! remarks and names stay where they can be erased.
//!
//! This is the content alone. The inclusion proof of its events, the checkpoint and the signature
//! are attached by who has them. A certificate that contradicts itself is refused by
//! [`Certificate::check`], before anybody issues it.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Clause, PlanApproval, Policy, Reason, canonical::canonical};
use crate::base::{Digest, ErrorKind, Explain, Moment, RecordingId, text::bytes_human};

/// An object that was unlinked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemovedObject {
    /// What it was.
    pub what: Removed,
    /// Its SHA-256.
    pub digest: Digest,
    /// Its size.
    pub bytes: u64,
}

/// What sort of object was unlinked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Removed {
    /// The original.
    Original,
    /// The second original on another file system.
    Mirror,
    /// A rendition.
    Rendition,
    /// A contact sheet.
    ContactSheet,
}

impl Removed {
    /// As a person says it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::Mirror => "mirror copy",
            Self::Rendition => "rendition",
            Self::ContactSheet => "contact sheet",
        }
    }
}

/// A copy that left the store before, and over which the disposal has no power.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownCopy {
    /// What it is, such as `export package`; no personal data.
    pub what: String,
    /// SHA-256 by which it can be known, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The event that tells of it.
    pub event: u64,
}

/// One step in the history of a recording's class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassStep {
    /// When.
    pub at: Moment,
    /// The event that tells of it.
    pub event: u64,
    /// The clause.
    pub clause: Clause,
    /// What became of it.
    pub became: Became,
}

/// What became of a clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Became {
    /// It was raised.
    Raised,
    /// It stood until the end of this instant, by a lowering.
    LoweredFrom(Moment),
}

/// Where in the ledger something stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventPlace {
    /// The event's place: 0 for the first.
    pub event: u64,
    /// Its kind, such as `recording.admitted`.
    pub kind: String,
}

/// A deletion certificate without its proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The recording.
    pub id: RecordingId,
    /// SHA-256 of its original.
    pub digest: Digest,
    /// RFC 6962 root over its 256 KiB chunks.
    pub chunk_root: Digest,
    /// Size of its original.
    pub bytes: u64,
    /// Every classification and lowering, in the order of the ledger.
    pub class_history: Vec<ClassStep>,
    /// The first instant at which it could lawfully be removed.
    pub lawful_since: Moment,
    /// What kept it until then.
    pub reasons: Vec<Reason>,
    /// Version of the policy that was in force.
    pub policy: u64,
    /// SHA-256 of that policy.
    pub policy_digest: Digest,
    /// Root of the plan.
    pub plan: Digest,
    /// Its place among the plan's items: 0 for the first.
    pub place_in_plan: u64,
    /// When the plan was made.
    pub planned: Moment,
    /// The plan's approval.
    pub approval: PlanApproval,
    /// The last instant of the grace period.
    pub grace_until: Moment,
    /// When it was removed, by the time that disposal is judged by.
    pub judged: Moment,
    /// When it was removed, as it is stamped.
    pub removed: Moment,
    /// What was unlinked.
    pub objects: Vec<RemovedObject>,
    /// What else is known to exist.
    pub copies: Vec<KnownCopy>,
    /// Where its life stands in the ledger, from admission to removal.
    pub events: Vec<EventPlace>,
}

/// A certificate contradicts itself.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CertificateError {
    /// The id is not that of the digest.
    #[error("certificate: {digest} is not the digest of recording {id}")]
    Id {
        /// The recording.
        id: RecordingId,
        /// The digest.
        digest: Digest,
    },
    /// It was removed before it was lawful.
    #[error("certificate of {id}: removed at {judged}, lawful since {lawful_since}")]
    TooEarly {
        /// The recording.
        id: RecordingId,
        /// When it was removed.
        judged: Moment,
        /// Since when that was lawful.
        lawful_since: Moment,
    },
    /// It was removed within the grace period.
    #[error("certificate of {id}: removed at {judged}, in grace until {grace_until}")]
    InGrace {
        /// The recording.
        id: RecordingId,
        /// When it was removed.
        judged: Moment,
        /// The last instant of the grace period.
        grace_until: Moment,
    },
    /// Nobody approved it, or another plan.
    #[error("certificate of {id}: the approval is not of plan {plan}")]
    NotApproved {
        /// The recording.
        id: RecordingId,
        /// The plan.
        plan: Digest,
    },
    /// The original is not among what was unlinked.
    #[error("certificate of {id}: its original is not among the {objects} objects unlinked")]
    NoOriginal {
        /// The recording.
        id: RecordingId,
        /// How many were.
        objects: usize,
    },
}

impl Explain for CertificateError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Integrity
    }
}

impl Certificate {
    /// Whether the certificate says something that can be true.
    ///
    /// # Errors
    /// With the first contradiction.
    pub fn check(&self) -> Result<(), CertificateError> {
        let Self {
            id,
            digest,
            plan,
            judged,
            lawful_since,
            grace_until,
            ..
        } = *self;
        if digest.id() != id {
            return Err(CertificateError::Id { id, digest });
        }
        if judged < lawful_since {
            return Err(CertificateError::TooEarly {
                id,
                judged,
                lawful_since,
            });
        }
        if judged <= grace_until {
            return Err(CertificateError::InGrace {
                id,
                judged,
                grace_until,
            });
        }
        if self.approval.root != plan || self.approval.signers.is_empty() {
            return Err(CertificateError::NotApproved { id, plan });
        }
        let original = |o: &RemovedObject| o.what == Removed::Original && o.digest == digest;
        if !self.objects.iter().any(original) {
            let objects = self.objects.len();
            return Err(CertificateError::NoOriginal { id, objects });
        }
        Ok(())
    }

    /// The canonical JSON: what is hashed, and what the proof is about.
    #[must_use]
    pub fn canonical(&self) -> String {
        canonical(self)
    }

    /// The certificate for people, times in the zone of `policy`: always the same text for the
    /// same certificate and zone.
    #[must_use]
    pub fn text(&self, policy: &Policy) -> String {
        let zone = policy.zone();
        let at = |moment: Moment| moment.in_zone(zone);
        let mut out = format!(
            "Deletion certificate of recording {}\n\n\
             SHA-256          {}\n\
             chunk root       {}\n\
             size             {} bytes ({})\n\
             lawful since     {}\n\
             removed          {}\n\
             policy           version {}, SHA-256 {}\n\
             plan             {}, item {}, made {}\n\
             approval         statement {}, recorded {}, grace until {}\n\
             approved by      {}\n",
            self.id,
            self.digest,
            self.chunk_root,
            self.bytes,
            bytes_human(self.bytes),
            at(self.lawful_since),
            at(self.removed),
            self.policy,
            self.policy_digest,
            self.plan,
            self.place_in_plan,
            at(self.planned),
            self.approval.statement,
            at(self.approval.approved),
            at(self.grace_until),
            self.approval.signers.join(", "),
        );
        let mut list = |title: &str, none: &str, lines: Vec<String>| {
            out.push_str(&format!("\n{title}\n"));
            if lines.is_empty() {
                out.push_str(&format!("  {none}\n"));
            }
            for line in lines {
                out.push_str(&format!("  {line}\n"));
            }
        };
        let reasons = self.reasons.iter().map(|r| r.sentence(zone)).collect();
        list("Why it was kept, and is no longer", "nothing", reasons);
        let steps = self.class_history.iter().map(|step| {
            let became = match step.became {
                Became::Raised => "applies".into(),
                Became::LoweredFrom(until) => format!("no longer applies after {}", at(until)),
            };
            let (clause, event) = (step.clause, step.event);
            format!("{}  clause {clause} {became} (event {event})", at(step.at))
        });
        list("History of its class", "clause 4.6 alone", steps.collect());
        let objects = self.objects.iter().map(|o| {
            let what = o.what.words();
            format!("{what}, {} bytes, SHA-256 {}", o.bytes, o.digest)
        });
        list("What was removed", "nothing", objects.collect());
        let copies = self.copies.iter().map(|copy| {
            let digest = copy.digest.map(|d| format!(", SHA-256 {d}"));
            let digest = digest.unwrap_or_default();
            format!("{}{digest} (event {})", copy.what, copy.event)
        });
        list("Other copies known", "none", copies.collect());
        let events = self
            .events
            .iter()
            .map(|e| format!("{}  {}", e.event, e.kind));
        list("Events in the ledger", "none", events.collect());
        out
    }
}

#[cfg(test)]
mod tests;
