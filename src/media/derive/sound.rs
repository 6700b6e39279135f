//! The sound's way from decoder to encoder, on a thread of its own.

use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;
use gstreamer_app as gst_app;

use super::{
    Moved,
    window::{Place, Window},
};
use crate::{
    media::checks::{CheckSettings, Samples, SoundWatch, TimelineBuilder},
    recording::{Finding, FindingKind, Span},
};

const MS: u64 = 1_000_000;

/// What came of the sound.
#[derive(Debug, Default)]
pub struct Sounds {
    /// Pieces that came.
    pub pieces: u64,
    /// When the first begins.
    pub begin_ns: u64,
    /// When the last one ends.
    pub end_ns: u64,
    /// What the checks found.
    pub findings: Vec<Finding>,
}

/// Takes sound piece by piece.
pub struct SoundRun {
    /// Where it comes from.
    pub sink: gst_app::AppSink,
    /// Where it goes; none when it is only checked.
    pub out: Option<gst_app::AppSrc>,
    /// Channels, for the checks.
    pub channels: u32,
    /// Thresholds of the checks.
    pub checks: CheckSettings,
    /// Level over time.
    pub timeline: Arc<Mutex<TimelineBuilder>>,
    /// For the watchdog.
    pub moved: Arc<Moved>,
    /// The part that is wanted.
    pub window: Window,
    /// Where the last piece ended, before the part was taken out of it.
    pub end_ns: u64,
    /// Whether its timestamps can be what they say.
    pub clock: Clock,
}

/// Sound that overlaps by more is not presented when it says: encoders leave out what overlaps.
const OVERLAP_NS_MAX: i64 = 5_000_000;
/// Encoders give up on sound that goes back by more.
const BACK_NS_MAX: i64 = 1_000_000_000;
/// What is worth telling; the first packets of a codec overlap by less.
const TOLD_NS_MIN: i64 = 250_000_000;

/// Holds the timestamps of sound against its samples. Two clocks differ by parts in a thousand, and what
/// they differ by is cut or left silent by the encoder; a container that reckons a quarter too little time
/// for its samples, or begins again from nothing, is wrong, and its samples are counted instead.
#[derive(Debug, Default)]
pub struct Clock {
    first_ns: Option<i64>,
    /// Where the first piece was that was not believed.
    wrong_from_ns: Option<i64>,
}

impl Clock {
    /// When a piece begins that says it does at `told_ns`, behind one that ended at `end_ns`.
    fn settle(&mut self, told_ns: Option<i64>, end_ns: u64) -> i64 {
        let end_ns = signed(end_ns);
        let Some(told_ns) = told_ns else {
            return end_ns;
        };
        let Some(first_ns) = self.first_ns else {
            self.first_ns = Some(told_ns);
            return told_ns;
        };
        let overlap = end_ns.saturating_sub(told_ns);
        let counted = end_ns.saturating_sub(first_ns);
        let can_be_cut = overlap <= BACK_NS_MAX && overlap.saturating_mul(4) < counted;
        if overlap <= OVERLAP_NS_MAX || can_be_cut {
            return told_ns;
        }
        if overlap > TOLD_NS_MIN {
            self.wrong_from_ns.get_or_insert(end_ns);
        }
        end_ns
    }

    fn finding(&self) -> Option<Finding> {
        let at = self.wrong_from_ns?.div_euclid(1_000_000);
        let text =
            "The timestamps of the sound leave no room for its samples; they were counted instead.";
        Some(Finding::new(FindingKind::TimeJump, text).at(Span::at(at)))
    }
}

impl SoundRun {
    /// Runs to the end of the recording, or until either half is stopped.
    pub fn run(mut self, first: Option<gst::Sample>) -> Sounds {
        let mut seen = Sounds::default();
        let mut watch = SoundWatch::new(&self.checks);
        let mut next = first;
        while let Some(sample) = next.take().or_else(|| self.sink.pull_sample().ok()) {
            if !self.take(&sample, &mut watch, &mut seen) {
                break;
            }
        }
        self.end();
        if seen.pieces > 0 {
            seen.findings = watch.finish(i64::try_from(seen.end_ns / MS).unwrap_or(i64::MAX));
            seen.findings.extend(self.clock.finding());
        }
        seen
    }

    fn end(&self) {
        if let Some(out) = &self.out {
            // Not an error when it fails: the writing half was then stopped, and says why itself.
            let _ = out.end_of_stream();
        }
    }

    fn take(&mut self, sample: &gst::Sample, watch: &mut SoundWatch, seen: &mut Sounds) -> bool {
        let Some(buffer) = sample.buffer() else {
            return true;
        };
        let frame_bytes = usize::try_from(self.channels.max(1)).unwrap_or(1) * 2;
        let samples = buffer.size() / frame_bytes;
        let told_ns = running_ns(sample, buffer);
        let begin_ns = self.clock.settle(told_ns, self.end_ns);
        let length_ns = ns_of(samples);
        self.end_ns = begin_ns
            .saturating_add_unsigned(length_ns)
            .try_into()
            .unwrap_or(0);
        let Some((begin_ns, left_out_ns, length_ns)) = self.window.part_of(begin_ns, length_ns)
        else {
            if matches!(self.window.place(self.end_ns), Place::Behind) {
                self.end();
                self.moved.sounds_are_over();
            }
            return true;
        };
        let part = samples_of(left_out_ns)..samples_of(left_out_ns.saturating_add(length_ns));
        let bytes = part.start * frame_bytes..(part.end * frame_bytes).min(buffer.size());
        if seen.pieces == 0 {
            seen.begin_ns = begin_ns;
        }
        seen.pieces = seen.pieces.saturating_add(1);
        seen.end_ns = begin_ns.saturating_add(length_ns);
        let begin_ms = i64::try_from(begin_ns / MS).unwrap_or(i64::MAX);
        if let Ok(map) = buffer.map_readable() {
            let values: Vec<i16> = map
                .get(bytes.clone())
                .unwrap_or_default()
                .chunks_exact(2)
                .map(|b| i16::from_le_bytes([b[0], b[1]]))
                .collect();
            let channels = usize::try_from(self.channels).unwrap_or(1);
            let mut timeline = self.timeline.lock().unwrap_or_else(PoisonError::into_inner);
            watch.block(begin_ms, Samples::S16(&values), channels, 48_000, |w| {
                timeline.sound(w.span.begin_ms, w.span.len_ms(), w.mean_square);
            });
        }
        self.moved.sound(begin_ms);
        let Some(out) = &self.out else { return true };
        let Ok(mut piece) = buffer.copy_region(gst::BufferCopyFlags::all(), bytes) else {
            return true;
        };
        if let Some(p) = piece.get_mut() {
            p.set_pts(gst::ClockTime::from_nseconds(begin_ns));
            p.set_duration(gst::ClockTime::from_nseconds(length_ns));
        }
        out.push_buffer(piece).is_ok()
    }
}

/// When a piece is presented; before the part that was sought, where that lies within the piece.
fn running_ns(sample: &gst::Sample, buffer: &gst::BufferRef) -> Option<i64> {
    let segment = sample.segment()?.downcast_ref::<gst::ClockTime>()?;
    let ns = |time: Option<gst::ClockTime>| time.map_or(0, |t| signed(t.nseconds()));
    let told = signed(buffer.pts()?.nseconds());
    Some(
        told.saturating_sub(ns(segment.start()))
            .saturating_add(ns(segment.base())),
    )
}

fn signed(ns: u64) -> i64 {
    i64::try_from(ns).unwrap_or(i64::MAX)
}

fn ns_of(samples: usize) -> u64 {
    u64::try_from(samples)
        .unwrap_or(u64::MAX)
        .saturating_mul(1_000_000_000)
        / 48_000
}

fn samples_of(ns: u64) -> usize {
    usize::try_from((u128::from(ns) * 48_000).div_ceil(1_000_000_000)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces of 20 ms, told so; when they are presented, and whether a finding says that they were not
    /// believed.
    fn settled(told_ms: impl Iterator<Item = i64>) -> (Vec<i64>, bool) {
        let (mut clock, mut end_ns) = (Clock::default(), 0);
        let at = told_ms.map(|told| {
            let begin = clock.settle(Some(told * 1_000_000), end_ns);
            end_ns = u64::try_from(begin + 20_000_000).unwrap_or(0);
            begin / 1_000_000
        });
        (at.collect(), clock.finding().is_some())
    }

    #[test]
    fn a_clock_is_believed_that_can_be_right() {
        // Exact, with a gap, and slow by a thousandth.
        let exact: Vec<i64> = (0..1_000).map(|n| n * 20).collect();
        let gap: Vec<i64> = (0..1_000)
            .map(|n| n * 20 + if n > 500 { 3_000 } else { 0 })
            .collect();
        let slow: Vec<i64> = (0..10_000).map(|n| n * 20 - n / 50).collect();
        for told in [exact, gap, slow] {
            assert_eq!(settled(told.iter().copied()), (told, false));
        }
    }

    #[test]
    fn samples_are_counted_where_a_clock_leaves_no_room_for_them() {
        let counted: Vec<i64> = (0..1_000).map(|n| n * 20).collect();
        assert_eq!(settled((0..1_000).map(|n| n * 10)), (counted.clone(), true));
        // It begins again in the middle.
        let again = (0..1_000).map(|n| if n < 400 { n * 20 } else { (n - 400) * 20 });
        assert_eq!(settled(again), (counted.clone(), true));
        // It goes back by two seconds of nearly twenty.
        let back = (0..1_000).map(|n| if n < 900 { n * 20 } else { n * 20 - 2_000 });
        assert_eq!(settled(back), (counted, true));
    }
}
