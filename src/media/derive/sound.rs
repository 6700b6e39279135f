//! The sound's way from decoder to encoder, on a thread of its own.

use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;
use gstreamer_app as gst_app;

use super::Moved;
use crate::{
    media::checks::{CheckSettings, Samples, SoundWatch, TimelineBuilder},
    recording::Finding,
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
}

impl SoundRun {
    /// Runs to the end of the recording, or until either half is stopped.
    pub fn run(self, first: Option<gst::Sample>) -> Sounds {
        let mut seen = Sounds::default();
        let mut watch = SoundWatch::new(&self.checks);
        let mut next = first;
        while let Some(sample) = next.take().or_else(|| self.sink.pull_sample().ok()) {
            if !self.take(&sample, &mut watch, &mut seen) {
                break;
            }
        }
        if let Some(out) = &self.out {
            // Not an error when it fails: the writing half was then stopped, and says why itself.
            let _ = out.end_of_stream();
        }
        if seen.pieces > 0 {
            seen.findings = watch.finish(i64::try_from(seen.end_ns / MS).unwrap_or(i64::MAX));
        }
        seen
    }

    fn take(&self, sample: &gst::Sample, watch: &mut SoundWatch, seen: &mut Sounds) -> bool {
        let Some(buffer) = sample.buffer() else {
            return true;
        };
        let told = sample
            .segment()
            .and_then(|s| s.downcast_ref::<gst::ClockTime>())
            .and_then(|s| s.to_running_time(buffer.pts()))
            .map(gst::ClockTime::nseconds);
        let begin_ns = told.unwrap_or(seen.end_ns);
        let samples = u64::try_from(buffer.size()).unwrap_or(0)
            / u64::from(self.channels.max(1)).saturating_mul(2);
        let length_ns = samples.saturating_mul(1_000_000_000) / 48_000;
        if seen.pieces == 0 {
            seen.begin_ns = begin_ns;
        }
        seen.pieces = seen.pieces.saturating_add(1);
        seen.end_ns = begin_ns.saturating_add(length_ns);
        let begin_ms = i64::try_from(begin_ns / MS).unwrap_or(i64::MAX);
        if let Ok(map) = buffer.map_readable() {
            let values: Vec<i16> = map
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
        let mut piece = buffer.copy();
        if let Some(p) = piece.get_mut() {
            p.set_pts(gst::ClockTime::from_nseconds(begin_ns));
            p.set_duration(gst::ClockTime::from_nseconds(length_ns));
        }
        out.push_buffer(piece).is_ok()
    }
}
