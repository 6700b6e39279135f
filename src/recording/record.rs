//! All that is known of one recording; what `show` shows and the index keeps.

use serde::{Deserialize, Serialize};

use super::{Attribution, Finding, Kind, MediaInfo, Severity, Timeline};
use crate::base::{Digest, Moment, RecordingId};

/// How far a recording has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// In the vault, bit-exact; nobody has looked inside yet.
    Admitted,
    /// Looked at, and its rendition stands verified beside it.
    Archived,
    /// Looked at; there is nothing to transcode or nothing that can be decoded. The original is kept.
    Kept,
    /// The worker failed on it; the next night tries again.
    Retry,
    /// Its disposal has begun: the tombstone stands, and its bytes are being removed.
    Disposing,
    /// Disposed of, lawfully. Its bytes are gone and its history stays.
    Disposed,
}

impl State {
    /// All states, in the order a recording passes them.
    pub const ALL: [Self; 6] = [
        Self::Admitted,
        Self::Retry,
        Self::Kept,
        Self::Archived,
        Self::Disposing,
        Self::Disposed,
    ];

    /// Whether its bytes are there and nobody has begun to remove them.
    #[must_use]
    pub const fn is_there(self) -> bool {
        !matches!(self, Self::Disposing | Self::Disposed)
    }

    /// The word that tables and filters use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Admitted => "admitted",
            Self::Archived => "archived",
            Self::Kept => "kept",
            Self::Retry => "retry",
            Self::Disposing => "disposing",
            Self::Disposed => "disposed",
        }
    }
}

/// One time that these bytes were seen in the inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// When.
    pub at: Moment,
    /// Path below the inbox, as bytes in base64.
    #[serde(with = "super::media::base64")]
    pub name: Vec<u8>,
    /// The file's modification time.
    pub modified_at: Moment,
}

/// A verified derivative of a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendition {
    /// SHA-256 of the rendition.
    pub digest: Digest,
    /// Its size in bytes.
    pub bytes: u64,
    /// File-name extension of its container.
    pub extension: String,
    /// The profile that made it.
    pub profile: String,
    /// SHA-256 of the profile file and its effective parameters.
    pub profile_digest: Digest,
    /// Whether another was to be made in its place, since a correction.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub superseded: bool,
    /// Which part of the recording: 0 unless the picture changed its size in the middle.
    #[serde(default)]
    pub part: u32,
    /// Frames in it.
    pub frames: u64,
    /// Its length in milliseconds.
    pub duration_ms: i64,
    /// Frame width in pixels, band included.
    pub width: u32,
    /// Frame height in pixels, band included.
    pub height: u32,
    /// When it was linked into place.
    pub made_at: Moment,
    /// CPU time that making it took, in milliseconds, decode and checks included.
    pub cpu_ms: u64,
    /// Versions of the programs and libraries that made it.
    pub made_with: Vec<String>,
}

/// All that is known of one recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The id: head of the digest.
    pub id: RecordingId,
    /// SHA-256 of the original.
    pub digest: Digest,
    /// Its size in bytes.
    pub bytes: u64,
    /// RFC 6962 root over 256 KiB chunks.
    pub chunk_root: Digest,
    /// When it was vaulted first.
    pub admitted_at: Moment,
    /// Every time it was seen, the first first.
    pub sightings: Vec<Sighting>,
    /// What sort of file it is.
    pub kind: Kind,
    /// How far it has come.
    pub state: State,
    /// Whose it is.
    pub attribution: Attribution,
    /// What the worker said of container and tracks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<MediaInfo>,
    /// What was found, the gravest first.
    pub findings: Vec<Finding>,
    /// Findings beyond those that are kept one by one.
    #[serde(default)]
    pub findings_uncounted: u64,
    /// Light and sound over time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeline: Option<Timeline>,
    /// Derivatives that stand beside it.
    pub renditions: Vec<Rendition>,
    /// How often a worker was tried on it without an answer.
    #[serde(default)]
    pub attempts: u32,
    /// How often people corrected whose it is or when it began.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub corrections: u32,
    /// Whether a copy of the original was put on the mirror.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mirrored: bool,
    /// When its state changed last.
    pub changed_at: Moment,
    /// Events of its life so far: lines of its sidecar.
    pub events: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_zero(n: &u32) -> bool {
    *n == 0
}

impl Record {
    /// The instant that days, lists and the time index go by: the start as far as it is known,
    /// else the admission.
    #[must_use]
    pub fn time(&self) -> Moment {
        self.attribution
            .started_at
            .as_ref()
            .map_or(self.admitted_at, |v| v.value)
    }

    /// Adds a finding in its place by severity, unless it is there.
    pub fn find_once(&mut self, finding: Finding) {
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
            self.findings.sort_by_key(|f| std::cmp::Reverse(f.severity));
        }
    }

    /// Whether a worker can say anything of it.
    #[must_use]
    pub const fn is_looked_at(&self) -> bool {
        self.kind.is_looked_at(self.bytes)
    }

    /// Has it looked at once more where it shows or sounds and no copy of it was made: what is kept
    /// long-term gets one, whatever the office's rule for the others is.
    pub fn look_again_without_copy(&mut self) {
        let has_copy = self.renditions.iter().any(|r| !r.superseded);
        let presents = self.media.as_ref().is_some_and(|m| m.presented_ms > 0);
        if self.state == State::Kept && presents && !has_copy {
            self.state = State::Admitted;
            self.attempts = 0;
        }
    }

    /// The gravest severity among its findings.
    #[must_use]
    pub fn gravest(&self) -> Option<Severity> {
        self.findings.iter().map(|f| f.severity).max()
    }

    /// The name it came under first, path below the inbox as bytes.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        self.sightings.first().map_or(&[], |s| &s.name)
    }
}
