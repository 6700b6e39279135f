//! Containers and codecs as people name them.

use gstreamer as gst;

use crate::recording::{Track, TrackKind};

/// The container that typefind saw.
pub(super) fn container(caps: &gst::CapsRef) -> String {
    let Some(s) = caps.structure(0) else {
        return "unknown".into();
    };
    let word = match s.name().as_str() {
        "video/quicktime" => match s.get::<&str>("variant").unwrap_or("") {
            "iso" | "iso-fragmented" => "MP4",
            "3gpp" | "3gpr" | "3gps" | "3gpg" | "3g2" | "3gp" => "3GP",
            "apple" => "QuickTime",
            _ => "QuickTime",
        },
        "audio/x-m4a" => "M4A",
        "application/x-3gp" => "3GP",
        "video/x-matroska" | "audio/x-matroska" => "Matroska",
        "video/webm" | "audio/webm" => "WebM",
        "video/x-msvideo" => "AVI",
        "video/mpegts" => "MPEG-TS",
        "video/mpeg" if s.get::<bool>("systemstream") == Ok(true) => "MPEG-PS",
        "video/mpeg" => "MPEG elementary stream",
        "video/x-flv" => "FLV",
        "video/x-ms-asf" => "ASF",
        "video/x-h264" => "H.264 elementary stream",
        "video/x-h265" => "H.265 elementary stream",
        "audio/x-wav" => "WAV",
        "application/x-id3" | "audio/mpeg" => "MPEG audio",
        "application/ogg" | "audio/ogg" | "video/ogg" => "Ogg",
        "audio/x-flac" => "FLAC",
        "audio/x-amr-nb-sh" | "audio/x-amr-wb-sh" => "AMR",
        other => return other.chars().take(80).collect(),
    };
    word.to_owned()
}

/// One track out of a demuxer's caps.
pub(super) fn track(caps: &gst::CapsRef) -> Track {
    let mut track = Track {
        kind: TrackKind::Other,
        codec: "unknown".into(),
        width: None,
        height: None,
        fps: None,
        rate_hz: None,
        channels: None,
        declared_frames: None,
    };
    let Some(s) = caps.structure(0) else {
        return track;
    };
    let name = s.name().as_str();
    let positive = |field: &str| s.get::<i32>(field).ok().and_then(|v| u32::try_from(v).ok());
    if name.starts_with("video/") || name.starts_with("image/") {
        track.kind = TrackKind::Video;
        track.width = positive("width");
        track.height = positive("height");
        track.fps = s.get::<gst::Fraction>("framerate").ok().and_then(|f| {
            Some((
                u32::try_from(f.numer()).ok()?,
                u32::try_from(f.denom()).ok()?,
            ))
        });
    } else if name.starts_with("audio/") {
        track.kind = TrackKind::Audio;
        track.rate_hz = positive("rate");
        track.channels = positive("channels");
    }
    let version = |field: &str| s.get::<i32>(field).unwrap_or(0);
    let codec = match name {
        "video/x-h264" => "H.264",
        "video/x-h265" => "H.265",
        "video/x-av1" => "AV1",
        "video/x-vp8" => "VP8",
        "video/x-vp9" => "VP9",
        "video/mpeg" => match version("mpegversion") {
            4 => "MPEG-4",
            2 => "MPEG-2",
            _ => "MPEG-1",
        },
        "image/jpeg" => "Motion JPEG",
        "image/png" => "PNG",
        "video/x-cinepak" => "Cinepak",
        "video/x-h263" => "H.263",
        "video/x-divx" => "DivX",
        "video/x-ffv" => "FFV1",
        "video/x-raw" => "raw video",
        "audio/mpeg" => match (version("mpegversion"), version("layer")) {
            (4 | 2, _) => "AAC",
            (_, 2) => "MP2",
            (_, 1) => "MP1",
            _ => "MP3",
        },
        "audio/x-opus" => "Opus",
        "audio/x-vorbis" => "Vorbis",
        "audio/x-flac" => "FLAC",
        "audio/x-ac3" | "audio/ac3" => "AC-3",
        "audio/x-eac3" => "E-AC-3",
        "audio/AMR" => "AMR-NB",
        "audio/AMR-WB" => "AMR-WB",
        "audio/x-raw" => "PCM",
        "audio/x-alaw" => "A-law",
        "audio/x-mulaw" => "mu-law",
        "audio/x-adpcm" => "ADPCM",
        other => {
            track.codec = other.chars().take(80).collect();
            return track;
        }
    };
    codec.clone_into(&mut track.codec);
    track
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::str::FromStr;

    #[test]
    fn people_read_names_not_caps() {
        gst::init().unwrap();
        for (caps, name) in [
            ("video/quicktime,variant=(string)iso", "MP4"),
            ("video/mpeg,systemstream=(boolean)true", "MPEG-PS"),
            ("video/x-msvideo", "AVI"),
            ("application/x-unheard-of", "application/x-unheard-of"),
        ] {
            assert_eq!(container(&gst::Caps::from_str(caps).unwrap()), name);
        }
        let t =
            track(&gst::Caps::from_str("video/x-h264,width=640,height=-1,framerate=30/1").unwrap());
        assert_eq!(
            (t.kind, t.codec.as_str(), t.width, t.height, t.fps),
            (TrackKind::Video, "H.264", Some(640), None, Some((30, 1)))
        );
    }
}
