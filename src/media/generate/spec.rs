//! What is to be made, as data. It travels to the child process as one line of JSON.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::GenerateError;
use crate::base::Moment;

/// Pixels of a side: the smallest that every encoder takes, the largest that recorders write.
const SIDE_PX: std::ops::RangeInclusive<u32> = 32..=4_096;
/// Pictures a second that recorders write.
const FPS: std::ops::RangeInclusive<u32> = 1..=120;
/// A recorder cuts its files long before.
const SECONDS: std::ops::RangeInclusive<u32> = 1..=3_600;

/// The file around the tracks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Container {
    /// MP4.
    Mp4,
    /// QuickTime.
    Mov,
    /// AVI; its sound is PCM.
    Avi,
    /// MPEG transport stream.
    Ts,
    /// Matroska.
    Mkv,
    /// A single JPEG picture, no container at all.
    Jpeg,
}

/// The pictures' codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Video {
    /// H.264.
    H264,
    /// H.265.
    H265,
    /// Motion JPEG.
    Mjpeg,
    /// MPEG-4 part 2.
    Mpeg4,
    /// No pictures.
    None,
}

/// What is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sound {
    /// Syllables with pauses, like somebody talking.
    Speech,
    /// A track of zeros.
    Silent,
    /// No track.
    None,
}

/// A part of a recording, in seconds from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// First second.
    pub begin_s: u32,
    /// The second after the last.
    pub end_s: u32,
}

impl Stretch {
    /// Whether the stretch holds that picture.
    pub(super) fn holds(self, picture: u64, fps: u32) -> bool {
        let at = |s: u32| u64::from(s).saturating_mul(u64::from(fps));
        (at(self.begin_s)..at(self.end_s)).contains(&picture)
    }
}

/// One file to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Where; the folder must exist, the file must not.
    pub path: PathBuf,
    /// Width in pixels, even.
    pub width: u32,
    /// Height in pixels, even.
    pub height: u32,
    /// Pictures a second.
    pub fps: u32,
    /// Length in seconds.
    pub seconds: u32,
    /// The file around the tracks.
    pub container: Container,
    /// The pictures' codec.
    pub video: Video,
    /// What is heard.
    pub sound: Sound,
    /// Black pictures.
    pub black: Option<Stretch>,
    /// One picture over and over.
    pub frozen: Option<Stretch>,
    /// When it began: the creation time in the container, where it has one.
    pub start: Moment,
    /// Only so many percent of the file, as when a battery dies. An MP4 or MOV that is cut has its
    /// index in front, so that it decodes without complaint as far as it goes.
    pub cut_to_percent: Option<u8>,
    /// Another number, another scene and another voice.
    pub seed: u64,
}

impl Spec {
    /// A clean recording as a recorder writes by default: 640×480 at 25 pictures a second, H.264
    /// and AAC in MP4.
    #[must_use]
    pub fn new(path: PathBuf, start: Moment, seconds: u32, seed: u64) -> Self {
        Self {
            path,
            width: 640,
            height: 480,
            fps: 25,
            seconds,
            container: Container::Mp4,
            video: Video::H264,
            sound: Sound::Speech,
            black: None,
            frozen: None,
            start,
            cut_to_percent: None,
            seed,
        }
    }

    /// Container and codecs as people name them.
    #[must_use]
    pub fn words(&self) -> (&'static str, String) {
        let container = match self.container {
            Container::Mp4 => "MP4",
            Container::Mov => "QuickTime",
            Container::Avi => "AVI",
            Container::Ts => "MPEG-TS",
            Container::Mkv => "Matroska",
            Container::Jpeg => return ("JPEG", format!("{}×{}", self.width, self.height)),
        };
        let video = match self.video {
            Video::H264 => "H.264",
            Video::H265 => "H.265",
            Video::Mjpeg => "Motion JPEG",
            Video::Mpeg4 => "MPEG-4",
            Video::None => "",
        };
        let sound = match (self.sound, self.container) {
            (Sound::None, _) => "",
            (_, Container::Avi) => "PCM",
            _ => "AAC",
        };
        let size = format!("{}×{}", self.width, self.height);
        let picture = if video.is_empty() { "" } else { &size };
        let parts = [video, picture, sound];
        let parts: Vec<&str> = parts.into_iter().filter(|p| !p.is_empty()).collect();
        (container, parts.join(" "))
    }

    /// Whether this can be made at all.
    ///
    /// # Errors
    /// [`GenerateError::Spec`] with the field that is out of its bounds.
    pub fn check(&self) -> Result<(), GenerateError> {
        let even = |n: u32| n.is_multiple_of(2);
        let (w, h) = (self.width, self.height);
        let wrong = if !SIDE_PX.contains(&w) || !SIDE_PX.contains(&h) || !even(w) || !even(h) {
            format!("{w}×{h} is not a size that recorders write")
        } else if !FPS.contains(&self.fps) {
            format!("{} pictures a second are out of bounds", self.fps)
        } else if !SECONDS.contains(&self.seconds) {
            format!("{} seconds are out of bounds", self.seconds)
        } else if self.cut_to_percent.is_some_and(|p| p > 100) {
            "more than all of a file cannot be kept".into()
        } else if self.video == Video::None && self.sound == Sound::None {
            "a recording without pictures and without sound is nothing".into()
        } else if matches!(
            (self.container, self.video),
            (Container::Avi, Video::H265) | (Container::Ts, Video::Mjpeg)
        ) {
            "that container does not take that codec".into()
        } else {
            return Ok(());
        };
        Err(GenerateError::spec(wrong))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_asked_is_what_arrives() {
        let mut spec = Spec::new("/a/b.mp4".into(), Moment::from_s(1_772_410_500), 20, 7);
        spec.black = Some(Stretch {
            begin_s: 2,
            end_s: 5,
        });
        spec.cut_to_percent = Some(60);
        let line = serde_json::to_string(&spec).unwrap();
        assert!(!line.contains('\n'), "{line}");
        assert_eq!(serde_json::from_str::<Spec>(&line).unwrap(), spec);
    }

    #[test]
    fn what_no_encoder_takes_is_refused_before_one_is_asked() {
        let good = Spec::new("a.mp4".into(), Moment::default(), 2, 1);
        assert!(good.check().is_ok());
        type Break = fn(&mut Spec);
        let cases: [(&str, Break); 7] = [
            ("odd", |s| s.width = 321),
            ("huge", |s| s.height = 100_000),
            ("no pictures a second", |s| s.fps = 0),
            ("no length", |s| s.seconds = 0),
            ("more than all", |s| s.cut_to_percent = Some(101)),
            ("nothing", |s| {
                (s.video, s.sound) = (Video::None, Sound::None);
            }),
            ("H.265 in AVI", |s| {
                (s.container, s.video) = (Container::Avi, Video::H265);
            }),
        ];
        for (what, spoil) in cases {
            let mut spec = good.clone();
            spoil(&mut spec);
            assert!(spec.check().is_err(), "{what}");
        }
    }

    #[test]
    fn a_stretch_is_counted_in_pictures() {
        let stretch = Stretch {
            begin_s: 1,
            end_s: 2,
        };
        let held: Vec<u64> = (0..100).filter(|n| stretch.holds(*n, 25)).collect();
        assert_eq!((held.first(), held.len()), (Some(&25), 25));
    }
}
