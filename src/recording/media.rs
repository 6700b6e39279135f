//! What a worker says about a media file: container, tracks, lengths, and the time line of light
//! and sound that a report may draw. Numbers only; no pixel and no sample.

use serde::{Deserialize, Serialize};

use super::Salvage;

/// What a track carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrackKind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
    /// Subtitles, telemetry, timecode and the like.
    Other,
}

/// One track of a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Track {
    /// What it carries.
    pub kind: TrackKind,
    /// The codec as a person names it, such as `H.264`.
    pub codec: String,
    /// Frame width in pixels, for video.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Frame height in pixels, for video.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Frames a second as a fraction, for video; `0/1` means variable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fps: Option<(u32, u32)>,
    /// Samples a second, for audio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_hz: Option<u32>,
    /// Channels, for audio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<u32>,
    /// Frames or packets that the container declares, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared_frames: Option<u64>,
}

/// What a worker says about a media file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaInfo {
    /// The container as a person names it, such as `MP4`.
    pub container: String,
    /// Its tracks, in the container's order.
    pub tracks: Vec<Track>,
    /// Length that the container declares, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared_ms: Option<i64>,
    /// Length that was presented: first to last frame, the last frame's own duration included.
    pub presented_ms: i64,
    /// Video frames presented after edit lists.
    pub frames: u64,
    /// Creation time in the container, as seconds since 1970 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_s: Option<i64>,
    /// Maker or model in the container's tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_hint: Option<String>,
    /// How it was read, where its recorder did not come to end it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salvage: Option<Salvage>,
}

impl MediaInfo {
    /// `MP4, H.264 1920×1080, AAC`: container and codecs for a table.
    #[must_use]
    pub fn words(&self) -> String {
        let tracks = self
            .tracks
            .iter()
            .filter(|t| t.kind != TrackKind::Other)
            .map(|t| match (t.width, t.height) {
                (Some(w), Some(h)) => format!(", {} {w}×{h}", t.codec),
                _ => format!(", {}", t.codec),
            });
        format!("{}{}", self.container, tracks.collect::<String>())
    }

    /// `MP4 with H.264 and AAC at 48000 Hz`: what a recorder does not change with size and quality.
    #[must_use]
    pub fn make(&self) -> String {
        let tracks = self.tracks.iter().filter(|t| t.kind != TrackKind::Other);
        let words: Vec<String> = tracks
            .map(|t| match t.rate_hz {
                Some(rate) => format!("{} at {rate} Hz", t.codec),
                None => t.codec.clone(),
            })
            .collect();
        match words.is_empty() {
            true => self.container.clone(),
            false => format!("{} with {}", self.container, words.join(" and ")),
        }
    }
}

/// Mean light and sound level over equal steps of a recording, for drawing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeline {
    /// Milliseconds that one point stands for.
    pub step_ms: u32,
    /// Mean luma of each step, 0 (black) to 255; empty without video.
    #[serde(with = "crate::recording::media::base64")]
    pub luma: Vec<u8>,
    /// RMS sound level of each step: 0 is silence (≤ −80 dBFS), 255 full scale; empty without audio.
    #[serde(with = "crate::recording::media::base64")]
    pub level: Vec<u8>,
}

impl Timeline {
    /// Milliseconds after which there is sound above a level first, to the step; none where there is none.
    #[must_use]
    pub fn sound_from_ms(&self, above_dbfs: f64) -> Option<i64> {
        // 255 steps over the 80 decibels below full scale.
        let silent = ((above_dbfs + 80.0) / 80.0 * 255.0).clamp(0.0, 255.0);
        let first = self.level.iter().position(|l| f64::from(*l) > silent)?;
        i64::try_from(first).ok()?.checked_mul(self.step_ms.into())
    }
}

/// Bytes as base64 text, for serde's `with`.
pub mod base64 {
    use data_encoding::BASE64;
    use serde::{Deserialize, Deserializer, Serializer, de};

    /// Writes base64.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer>(bytes: &[u8], s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&BASE64.encode(bytes))
    }

    /// Reads base64.
    ///
    /// # Errors
    /// When the text is not base64.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u8>, D::Error> {
        BASE64
            .decode(String::deserialize(d)?.as_bytes())
            .map_err(de::Error::custom)
    }
}
