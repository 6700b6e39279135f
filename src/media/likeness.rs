//! How much a copy looks like its recording: structural similarity of luma (Wang, Bovik, Sheikh, Simoncelli,
//! "Image quality assessment: from error visibility to structural similarity", 2004), over blocks of eight
//! by eight, picture by picture by their order. One number leaves the worker.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use gstreamer as gst;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;

use super::{
    band::Layout,
    derive::Wire,
    graph::fault,
    protocol::{DeriveJob, Fault, Likeness, LikenessJob, Message, Progress, ProtocolError, Side},
    source::{Happening, Reading, Source},
};

/// Of so many pictures one is compared.
const EVERY: u64 = 5;
/// Sides of a block.
const BLOCK: usize = 8;
/// What keeps dark and even blocks from dividing by nothing, as the paper has them for eight bits.
const C1: f64 = 6.5025;
const C2: f64 = 58.5225;

/// Answers how much the copy looks like the recording.
///
/// # Errors
/// When the parent is gone.
pub fn likeness(
    job: &LikenessJob,
    input: BorrowedFd<'_>,
    copy: Option<OwnedFd>,
    wire: &mut Wire<'_>,
) -> Result<(), ProtocolError> {
    let Some(copy) = copy else {
        let missing = fault(Side::Decode, "likeness", "there is no copy");
        return wire.say(&Message::Fault(missing));
    };
    match compare(job, input, copy.as_fd(), wire) {
        Ok(found) => wire.say(&Message::Likeness(found)),
        Err(f) => wire.say(&Message::Fault(f)),
    }
}

fn compare(
    job: &LikenessJob,
    input: BorrowedFd<'_>,
    copy: BorrowedFd<'_>,
    wire: &mut Wire<'_>,
) -> Result<Likeness, Fault> {
    let original = Shown::open(input)?;
    let copy = Shown::open(copy)?;
    let (mut frames, mut compared, mut sum) = (0_u64, 0_u32, 0.0);
    while let (Some(a), Some(b)) = (original.next(), copy.next()) {
        if frames.is_multiple_of(EVERY) {
            let (a, b) = (Luma::of(&a)?, Luma::of(&b)?);
            let layout = Layout::new(a.width, a.height, job.mode)
                .map_err(|e| fault(Side::Decode, "likeness", &e.to_string()))?;
            sum += similarity(&a, &b, layout.picture.y);
            compared += 1;
            // Whether anybody hears it shows when it matters.
            let _ = wire.say(&Message::Progress(Progress {
                frames,
                ..Progress::default()
            }));
        }
        frames += 1;
    }
    match compared {
        0 => Err(fault(Side::Decode, "likeness", "there are no pictures")),
        n => Ok(Likeness {
            frames,
            ssim: (sum / f64::from(n)).clamp(0.0, 1.0),
        }),
    }
}

/// A file of which pictures come one by one.
struct Shown {
    _source: Source,
    pictures: gst_app::AppSink,
}

impl Shown {
    fn open(file: BorrowedFd<'_>) -> Result<Self, Fault> {
        let mut source = Source::open(file.as_raw_fd(), &DeriveJob::default(), Reading::Anyhow)?;
        let wait = gst::ClockTime::from_mseconds(20);
        loop {
            if let Some(Happening::Broken(f)) = source.happening(wait) {
                return Err(f);
            }
            let known = source.known();
            if !known.complete {
                continue;
            }
            if let Some(sound) = &known.sound {
                // Nobody listens, and what waits would stop the rest.
                sound.set_drop(true);
            }
            let pictures = known.picture.clone();
            drop(known);
            return match pictures {
                Some(pictures) => Ok(Self {
                    _source: source,
                    pictures,
                }),
                None => Err(fault(Side::Decode, "likeness", "it has no pictures")),
            };
        }
    }

    fn next(&self) -> Option<gst::Sample> {
        self.pictures.pull_sample().ok()
    }
}

/// The luma of a picture.
struct Luma {
    width: usize,
    height: usize,
    rows: Vec<u8>,
}

impl Luma {
    fn of(sample: &gst::Sample) -> Result<Self, Fault> {
        let broken = || fault(Side::Decode, "likeness", "a picture without pixels");
        let (buffer, caps) = sample.buffer().zip(sample.caps()).ok_or_else(broken)?;
        let info = gst_video::VideoInfo::from_caps(caps).map_err(|_| broken())?;
        let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, &info)
            .map_err(|_| broken())?;
        let side = |n: u32| usize::try_from(n).unwrap_or(0);
        let (width, height) = (side(frame.width()), side(frame.height()));
        let stride = frame.plane_stride().first().copied();
        let stride = stride
            .and_then(|n| usize::try_from(n).ok())
            .ok_or_else(broken)?;
        let plane = frame.plane_data(0).map_err(|_| broken())?;
        let mut rows = Vec::with_capacity(width * height);
        for row in plane.chunks(stride.max(1)).take(height) {
            rows.extend_from_slice(row.get(..width).ok_or_else(broken)?);
        }
        Ok(Self {
            width,
            height,
            rows,
        })
    }

    /// A block's pixels.
    fn block(&self, x: usize, y: usize) -> impl Iterator<Item = f64> + '_ {
        (0..BLOCK).flat_map(move |row| {
            let begin = (y + row) * self.width + x;
            let pixels = self.rows.get(begin..begin + BLOCK).unwrap_or_default();
            pixels.iter().map(|p| f64::from(*p))
        })
    }
}

/// The mean over all blocks of `a`, which lies in `b` from this row on.
fn similarity(a: &Luma, b: &Luma, top: usize) -> f64 {
    if b.width < a.width || b.height < a.height.saturating_add(top) {
        return 0.0;
    }
    let (mut sum, mut blocks) = (0.0, 0_u32);
    for y in (0..a.height.saturating_sub(BLOCK - 1)).step_by(BLOCK) {
        for x in (0..a.width.saturating_sub(BLOCK - 1)).step_by(BLOCK) {
            let count = (BLOCK * BLOCK) as f64;
            let (mut of_a, mut of_b, mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0, 0.0, 0.0);
            for (p, q) in a.block(x, y).zip(b.block(x, y + top)) {
                of_a += p;
                of_b += q;
                aa += p * p;
                bb += q * q;
                ab += p * q;
            }
            let (mean_a, mean_b) = (of_a / count, of_b / count);
            let variances = aa / count - mean_a * mean_a + bb / count - mean_b * mean_b;
            let together = ab / count - mean_a * mean_b;
            let light = (2.0 * mean_a * mean_b + C1) / (mean_a * mean_a + mean_b * mean_b + C1);
            sum += light * (2.0 * together + C2) / (variances + C2);
            blocks += 1;
        }
    }
    if blocks == 0 {
        0.0
    } else {
        sum / f64::from(blocks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(height: usize, of: impl Fn(usize, usize) -> u8) -> Luma {
        let rows = (0..height).flat_map(|y| (0..32).map(move |x| (x, y)));
        Luma {
            width: 32,
            height,
            rows: rows.map(|(x, y)| of(x, y)).collect(),
        }
    }

    #[test]
    fn the_same_is_one_noise_is_less_and_another_is_near_nothing() {
        let of = |x: usize, y: usize| ((x * 37 + y * 11) % 200) as u8;
        let a = picture(24, of);
        let same = picture(40, |x, y| if y < 16 { 0 } else { of(x, y - 16) });
        assert!((similarity(&a, &same, 16) - 1.0).abs() < 1e-9);
        let noisy = picture(24, |x, y| {
            of(x, y).wrapping_add(((x * 7 + y * 13) % 9) as u8)
        });
        let near = similarity(&a, &noisy, 0);
        assert!((0.9..1.0).contains(&near), "{near}");
        let other = picture(24, |x, y| ((x * 5 + y * 91) % 251) as u8);
        assert!(similarity(&a, &other, 0) < 0.3);
        // Another place, or no room for it.
        assert!(similarity(&a, &same, 8) < 0.7);
        assert_eq!(similarity(&a, &same, 17), 0.0);
    }
}
