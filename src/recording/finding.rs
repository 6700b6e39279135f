//! A finding is one fact about a recording that a person may need to know: kind, severity,
//! position, and a sentence.

use serde::{Deserialize, Serialize};

use crate::base::text::duration_human;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing; nobody needs to act. Does not change the exit code.
    Note,
    /// Somebody should look. The night ends with exit code 1.
    Warning,
    /// Evidence is missing, damaged or contradicted. Exit code 1, and first in every list.
    Alarm,
}

impl Severity {
    /// The word that tables and pages show.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Alarm => "alarm",
        }
    }
}

macro_rules! finding_kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $severity:ident;)*) => {
        /// What was found. The code is stable: it stands in events, filters and metrics.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum FindingKind {
            $($(#[doc = $doc])+ #[serde(rename = $code)] $name,)*
        }
        impl FindingKind {
            /// All kinds, in the order of this list.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable code, such as `video.black`.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }

            /// The severity that this kind has unless its finder knows better.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity),* }
            }
        }
    };
}

finding_kinds! {
    /// The file has no bytes.
    FileEmpty = "file.empty", Alarm;
    /// The file is neither picture nor sound nor anything a recorder writes.
    NotMedia = "file.not_media", Warning;
    /// The file looks encrypted; only its owner's key can tell more.
    Encrypted = "file.encrypted", Warning;
    /// The file changed while it was copied; it was left for the next night.
    FileChanged = "file.changed", Warning;
    /// The file could not be read.
    FileUnreadable = "file.unreadable", Alarm;
    /// The file may still be written; the next night takes it.
    FileUnsettled = "file.unsettled", Note;
    /// The recording is vaulted, but its source could not leave the inbox.
    SourceStays = "source.stays", Warning;
    /// A known file no longer has the bytes that were vaulted under its name.
    FileReplaced = "file.replaced", Alarm;
    /// It claims to be media, but no demuxer can read it.
    ContainerUnreadable = "container.unreadable", Alarm;
    /// The recorder did not come to write its index, without which no demuxer can read it.
    NoIndex = "container.no_index", Alarm;
    /// The recorder did not come to end the file; what is on the disk of it was read.
    Unended = "container.unended", Alarm;
    /// Fewer frames or seconds than the container declares.
    ContainerTruncated = "container.truncated", Alarm;
    /// The container's duration is zero, or nothing could be presented.
    DurationZero = "duration.zero", Alarm;
    /// A decoder reported errors.
    DecodeError = "decode.error", Warning;
    /// No decoder on this machine for one of the tracks.
    CodecUnsupported = "codec.unsupported", Alarm;
    /// No video track.
    VideoMissing = "video.missing", Warning;
    /// A stretch of black picture.
    VideoBlack = "video.black", Warning;
    /// A stretch in which the picture does not change.
    VideoFrozen = "video.frozen", Warning;
    /// The picture changed its size in the middle.
    VideoResized = "video.resized", Note;
    /// No sound track (clause 4.1 wants both).
    AudioMissing = "audio.missing", Warning;
    /// A stretch of silence.
    AudioSilent = "audio.silent", Warning;
    /// A stretch of sound that is louder than the recorder can write.
    AudioClipped = "audio.clipped", Note;
    /// Timestamps jump forwards or backwards.
    TimeJump = "time.jump", Warning;
    /// The recording's start is before 2015 or in the future.
    ClockSuspect = "clock.suspect", Warning;
    /// Tracks beyond the first of each kind were not carried into the rendition.
    TrackNotCarried = "track.not_carried", Note;
    /// Rotation was baked into the rendition.
    NormalisedRotation = "normalised.rotation", Note;
    /// The picture was padded to a size that the codec can carry.
    NormalisedPadding = "normalised.padding", Note;
    /// The picture's chroma or depth was converted.
    NormalisedFormat = "normalised.format", Note;
    /// Sample aspect ratio other than 1:1; carried as it is or, where the codec cannot, said here.
    NormalisedAspect = "normalised.aspect", Note;
    /// Fields were kept woven.
    NormalisedInterlace = "normalised.interlace", Note;
    /// Device or officer is not known.
    Unattributed = "attribution.missing", Warning;
    /// Two sources disagree on whose recording this is, or when it was made.
    AttributionDisagrees = "attribution.disagrees", Warning;
    /// The register does not know this device or officer.
    AttributionUnknown = "attribution.unknown", Warning;
    /// The JSON sidecar could not be read.
    SidecarUnreadable = "sidecar.unreadable", Warning;
    /// The sidecar's MD5 is not that of the file.
    SidecarMismatch = "sidecar.mismatch", Alarm;
    /// The vault's own copy of these bytes was damaged, and healed by this one.
    VaultHealed = "vault.healed", Alarm;
    /// No copy of the original is what it was.
    Damaged = "vault.damaged", Alarm;
    /// The same file number of the same recorder came with other bytes (clause 4.8.2).
    Conflicts = "recording.conflicts", Alarm;
    /// Numbers of the recorder's row of files before or behind this one are not there (clause 4.8.1). Told
    /// by the night alone: a recording does not keep what may come tomorrow.
    SequenceHole = "sequence.hole", Alarm;
    /// A piece that its recorder cut, and the next, do not touch. Told by the night alone, as what follows.
    SequenceGap = "sequence.gap", Warning;
    /// A recording begins before its recorder had ended the one before.
    SequenceOverlap = "sequence.overlap", Warning;
    /// It is not made as nearly all others of its recorder are: a hint that another program wrote it anew.
    RecordingUnlike = "recording.unlike", Warning;
    /// What recorders keep from before their button was pressed is not there.
    PreRecordMissing = "prerecord.missing", Warning;
    /// Bytes that were lawfully disposed of came back.
    Reappeared = "recording.reappeared", Alarm;
    /// The worker died on this recording.
    WorkerDied = "worker.died", Warning;
    /// The worker made no progress and was stopped.
    WorkerStalled = "worker.stalled", Warning;
    /// More findings than are kept one by one.
    TooMany = "findings.more", Note;
    /// The rendition did not pass verification and was thrown away.
    RenditionRejected = "rendition.rejected", Alarm;
}

/// A stretch of a recording, in milliseconds from its first presented instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// Where it begins.
    pub begin_ms: i64,
    /// Where it ends; equal to `begin_ms` for a point.
    pub end_ms: i64,
}

impl Span {
    /// A point in time.
    #[must_use]
    pub const fn at(ms: i64) -> Self {
        Self {
            begin_ms: ms,
            end_ms: ms,
        }
    }
    /// Its length in milliseconds, never negative.
    #[must_use]
    pub const fn len_ms(self) -> i64 {
        let n = self.end_ms.saturating_sub(self.begin_ms);
        if n < 0 { 0 } else { n }
    }
}

/// One fact about one recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was found.
    pub kind: FindingKind,
    /// How much it matters.
    pub severity: Severity,
    /// Where in the recording, if it has a place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Span>,
    /// The fact as a sentence for a person.
    pub text: String,
}

impl Finding {
    /// A finding of the kind's own severity, about the whole recording.
    #[must_use]
    pub fn new(kind: FindingKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            severity: kind.severity(),
            at: None,
            text: text.into(),
        }
    }
    /// The same, at a place.
    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        self.at = Some(span);
        self
    }
    /// The same, with another severity than the kind's own.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }
    /// `0:12.0–0:15.5`, or nothing.
    #[must_use]
    pub fn place(&self) -> String {
        match self.at {
            None => String::new(),
            Some(s) if s.len_ms() == 0 => duration_human(s.begin_ms),
            Some(s) => format!(
                "{}–{}",
                duration_human(s.begin_ms),
                duration_human(s.end_ms)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn codes_are_unique_and_are_what_json_holds() {
        let mut codes: Vec<_> = FindingKind::ALL.iter().map(|k| k.code()).collect();
        for kind in FindingKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.code());
        }
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), FindingKind::ALL.len());
    }
}
