//! What is said of a recording that its recorder did not come to end, as when its battery is empty.

use serde::{Deserialize, Serialize};

use super::TrackKind;
use crate::base::{RecordingId, text::duration_human};

/// Bytes of one sample description; parameter sets take a hundred.
pub const ENTRY_BYTES_MAX: usize = 4 * 1024;
/// Tracks that are described.
pub const SHAPE_TRACKS_MAX: usize = 2;
/// Matrix, width and height of a track's header.
pub const DISPLAY_BYTES: usize = 44;

/// How a recording was read that its recorder did not come to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SalvageMethod {
    /// By an index made anew, after another recording of the same recorder.
    Reference,
    /// By an index made anew, out of the parameter sets in its own stream.
    OwnSets,
    /// From its beginning to where it ends: its container needs no index.
    WithoutIndex,
    /// From its beginning to where it ends, with the index that it has in front.
    InARow,
}

impl SalvageMethod {
    /// How, as a sentence goes on.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Reference => "by an index made anew after another recording of its recorder",
            Self::OwnSets => "by an index made anew out of its own stream",
            Self::WithoutIndex => "without an index, as far as it goes",
            Self::InARow => "in a row, as far as it goes",
        }
    }
}

/// The label of what was made of a recording that its recorder did not come to end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Salvage {
    /// How it was read.
    pub method: SalvageMethod,
    /// The recording after which its index was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<RecordingId>,
    /// What that one told: an index can be made again when it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Shape>,
    /// Milliseconds that came back.
    pub recovered_ms: i64,
    /// Bytes of which nothing could be made, where they can be counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_bytes: Option<u64>,
}

impl Salvage {
    /// The label for a person.
    #[must_use]
    pub fn words(&self) -> String {
        let after = match &self.reference {
            Some(id) => format!(" ({id})"),
            None => String::new(),
        };
        let lost = match self.lost_bytes {
            None => String::new(),
            Some(bytes) => format!(", {bytes} bytes of it lost"),
        };
        let seconds = duration_human(self.recovered_ms);
        format!(
            "Salvaged {}{after}: {seconds} came back{lost}",
            self.method.words()
        )
    }
}

/// How a recorder writes an MP4, MOV or 3GP: its first track of pictures and its first of sound.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// The tracks.
    pub tracks: Vec<TrackShape>,
    /// Tracks beside them, of telemetry and the like.
    pub others: u32,
}

/// What is the same in each recording of a recorder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackShape {
    /// What it carries.
    pub kind: TrackKind,
    /// The sample description as it stands (ISO/IEC 14496-12, 8.5.2): codec and parameter sets.
    #[serde(with = "crate::recording::media::base64")]
    pub entry: Vec<u8>,
    /// Ticks a second.
    pub timescale: u32,
    /// Ticks that most samples last.
    pub step: u32,
    /// Bytes of the largest sample.
    pub largest: u32,
    /// How the picture is turned, its width and its height, as the track's header has them (8.3.2).
    #[serde(with = "crate::recording::media::base64")]
    pub display: Vec<u8>,
}

impl Shape {
    /// The track of this kind.
    #[must_use]
    pub fn of(&self, kind: TrackKind) -> Option<&TrackShape> {
        self.tracks.iter().find(|t| t.kind == kind)
    }

    /// Whether it is within what any worker says.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.tracks.len() <= SHAPE_TRACKS_MAX
            && self
                .tracks
                .iter()
                .all(|t| t.entry.len() <= ENTRY_BYTES_MAX && t.display.len() == DISPLAY_BYTES)
    }
}
