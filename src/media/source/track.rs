//! Which raw format a picture is handed on in, and what that costs it.

use gstreamer_video as gst_video;

use crate::recording::{Finding, FindingKind};

/// A raw picture format that the engine works on: 8-bit planar YUV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureFormat {
    /// 4:2:0.
    I420,
    /// 4:2:2.
    Y42B,
    /// 4:4:4.
    Y444,
}

impl PictureFormat {
    /// By GStreamer's name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "I420" => Some(Self::I420),
            "Y42B" => Some(Self::Y42B),
            "Y444" => Some(Self::Y444),
            _ => None,
        }
    }

    /// GStreamer's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::I420 => "I420",
            Self::Y42B => "Y42B",
            Self::Y444 => "Y444",
        }
    }

    /// How many times chroma is halved, across and down.
    #[must_use]
    pub const fn chroma_shift(self) -> (u8, u8) {
        match self {
            Self::I420 => (1, 1),
            Self::Y42B => (1, 0),
            Self::Y444 => (0, 0),
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::I420 => "8-bit 4:2:0",
            Self::Y42B => "8-bit 4:2:2",
            Self::Y444 => "8-bit 4:4:4",
        }
    }
}

/// The first of `offered` that carries all of the source's chroma, else the one that carries
/// most; and a finding where something of the source is lost or its chroma is not what it was.
#[must_use]
pub fn choose_format(
    source: gst_video::VideoFormat,
    offered: &[PictureFormat],
) -> (PictureFormat, Option<Finding>) {
    let info = gst_video::VideoFormatInfo::from_format(source);
    let grey = info.is_gray();
    let (w, h) = if info.is_yuv() && !grey {
        (
            info.w_sub().get(1).copied().unwrap_or(0),
            info.h_sub().get(1).copied().unwrap_or(0),
        )
    } else if grey {
        (1, 1)
    } else {
        (0, 0)
    };
    let carries = |f: &PictureFormat| {
        u32::from(f.chroma_shift().0) <= w && u32::from(f.chroma_shift().1) <= h
    };
    let most = |f: &&PictureFormat| std::cmp::Reverse(f.chroma_shift());
    let chosen = offered
        .iter()
        .find(|f| carries(f))
        .or_else(|| offered.iter().max_by_key(most))
        .copied()
        .unwrap_or(PictureFormat::I420);
    let deep = info.depth().iter().any(|d| *d > 8);
    let colour = !info.is_yuv() && !grey;
    let (across, down) = chosen.chroma_shift();
    let resampled = (u32::from(across), u32::from(down)) != (w, h);
    let lost = deep || colour || info.has_alpha() || resampled;
    let finding = lost.then(|| {
        Finding::new(
            FindingKind::NormalisedFormat,
            format!(
                "The picture ({}) was converted to {}.",
                describe(source, w, h),
                chosen.words()
            ),
        )
    });
    (chosen, finding)
}

fn describe(source: gst_video::VideoFormat, w: u32, h: u32) -> String {
    let info = gst_video::VideoFormatInfo::from_format(source);
    if !info.is_yuv() {
        return format!("{} colours", source.to_str());
    }
    let depth = info.depth().iter().max().copied().unwrap_or(8);
    let chroma = match (w, h) {
        (0, _) => "4:4:4",
        (1, 0) => "4:2:2",
        (1, _) => "4:2:0",
        _ => "4:1:1",
    };
    format!("{depth}-bit {chroma}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use PictureFormat::{I420, Y42B, Y444};
    use gst_video::VideoFormat;

    #[test]
    fn the_first_format_that_keeps_the_chroma_wins_and_a_loss_is_said() {
        gstreamer::init().unwrap();
        let all = [I420, Y42B, Y444];
        let cases: [(VideoFormat, &[PictureFormat], PictureFormat, bool); 9] = [
            (VideoFormat::I420, &all, I420, false),
            (VideoFormat::Nv12, &all, I420, false),
            (VideoFormat::Y42b, &all, Y42B, false),
            (VideoFormat::Y444, &all, Y444, false),
            (VideoFormat::Y42b, &[I420], I420, true),
            (VideoFormat::Y42b, &[I420, Y444], Y444, true),
            (VideoFormat::I42010le, &all, I420, true),
            (VideoFormat::Rgb, &all, Y444, true),
            (VideoFormat::Gray8, &all, I420, false),
        ];
        for (source, offered, chosen, lost) in cases {
            let (format, finding) = choose_format(source, offered);
            assert_eq!(
                (format, finding.is_some()),
                (chosen, lost),
                "{source:?} {offered:?}"
            );
        }
    }
}
