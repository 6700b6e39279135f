//! What the log says of a recording when it came in, and once somebody looked.

use serde::{Deserialize, Serialize};

use super::Sealed;
use crate::{
    base::{Digest, Moment, RecordingId},
    recording::{Attribution, Finding, Kind, MediaInfo, State, Timeline},
};

/// One of the two copies of an original.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhichCopy {
    /// The one in the store.
    Original,
    /// The one on the mirror.
    Mirror,
}

impl WhichCopy {
    /// As a person says it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Original => "the original",
            Self::Mirror => "the mirror's copy",
        }
    }
}

/// A recording entered the vault: see [`What::RecordingAdmitted`](super::What).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordingAdmitted {
    /// The recording.
    pub id: RecordingId,
    /// SHA-256 of the original.
    pub digest: Digest,
    /// Its size in bytes.
    pub bytes: u64,
    /// RFC 6962 root over 256 KiB chunks.
    pub chunk_root: Digest,
    /// Path below the inbox, sealed.
    pub name: Sealed,
    /// The file's modification time.
    pub modified_at: Moment,
    /// What sort of file it is, by its first bytes.
    pub kind: Kind,
    /// The state it starts in: `admitted`, or `kept` where no worker could say more.
    pub state: State,
    /// Whose it is, by everything but its inside. A remark is sealed.
    pub attribution: Attribution,
    /// The remark, sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<Sealed>,
    /// What was found already.
    pub findings: Vec<Finding>,
}

/// A recording was looked at: see [`What::RecordingExamined`](super::What).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordingExamined {
    /// The recording.
    pub id: RecordingId,
    /// What sort of file it is, now that somebody looked.
    pub kind: Kind,
    /// The state it is in from now on.
    pub state: State,
    /// Whose it is, with what the container said.
    pub attribution: Attribution,
    /// Container, tracks, lengths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<MediaInfo>,
    /// What was found, the gravest first.
    pub findings: Vec<Finding>,
    /// Findings beyond those listed.
    #[serde(default)]
    pub findings_uncounted: u64,
    /// Light and sound over time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeline: Option<Timeline>,
    /// Attempts so far without an answer; 0 once there was one.
    pub attempts: u32,
    /// Versions of the programs and libraries that looked.
    pub made_with: Vec<String>,
}
