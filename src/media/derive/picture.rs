//! The pictures' way from decoder to encoder, on a thread of its own.

use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;

use super::{
    Moved,
    canvas::{Canvas, planes},
    window::{self, Window},
};
use crate::{
    media::{
        checks::{CheckSettings, PictureWatch, TimeWatch, TimelineBuilder},
        graph::fault,
        protocol::{Fault, Side},
    },
    recording::{Finding, Span},
};

const MS: u64 = 1_000_000;
/// Going back by this much is a new beginning; by less, a stray timestamp.
const BACK_NS_MIN: u64 = 2_000 * MS;

/// What came of the pictures.
#[derive(Debug, Default)]
pub struct Pictures {
    /// How many were presented.
    pub frames: u64,
    /// When the first is presented.
    pub begin_ns: u64,
    /// When the last one ends.
    pub end_ns: u64,
    /// Pictures that the decoder itself calls damaged, and when the first is presented.
    pub damaged: u64,
    /// When the first damaged one is presented.
    pub damaged_first_ms: Option<i64>,
    /// What the checks found.
    pub findings: Vec<Finding>,
}

/// Takes pictures one by one; the first was pulled already, to see what they are.
pub struct PictureRun {
    /// Where they come from.
    pub sink: gst_app::AppSink,
    /// Where they go, marked; none when they are only checked.
    pub out: Option<(gst_app::AppSrc, Canvas)>,
    /// Thresholds of the checks.
    pub checks: CheckSettings,
    /// Light over time.
    pub timeline: Arc<Mutex<TimelineBuilder>>,
    /// For the watchdog.
    pub moved: Arc<Moved>,
    /// The part that is wanted.
    pub window: Window,
}

/// What is watched from picture to picture.
#[derive(Default)]
struct Watch {
    clock: Clock,
    light: Option<PictureWatch>,
    time: Option<TimeWatch>,
}

impl PictureRun {
    /// Runs to the end of the recording, or until either half is stopped.
    ///
    /// # Errors
    /// A fault of the writing half.
    pub fn run(mut self, first: Option<gst::Sample>) -> Result<Pictures, Fault> {
        let mut seen = Pictures::default();
        let mut next = first;
        let mut watch = Watch::default();
        while let Some(sample) = next.take().or_else(|| self.sink.pull_sample().ok()) {
            match self.take(&sample, &mut watch, &mut seen) {
                Ok(true) => {}
                Ok(false) => break,
                Err(fault) => {
                    // Whoever waits for the end of what is written is told that this is it.
                    if let Some((out, _)) = &self.out {
                        let _ = out.end_of_stream();
                    }
                    // Sound waits for pictures that nobody takes.
                    while self.sink.pull_sample().is_ok() {}
                    return Err(fault);
                }
            }
        }
        if let Some((out, _)) = &self.out {
            // Not an error when it fails: the writing half was then stopped, and says why itself.
            let _ = out.end_of_stream();
        }
        let end_ms = i64::try_from(seen.end_ns / MS).unwrap_or(i64::MAX);
        seen.findings
            .extend(watch.time.map(|t| t.finish().0).unwrap_or_default());
        seen.findings
            .extend(watch.light.map(|l| l.finish(end_ms)).unwrap_or_default());
        Ok(seen)
    }

    /// Checks, marks and hands on one picture; false when nobody takes it any more.
    fn take(
        &mut self,
        sample: &gst::Sample,
        watch: &mut Watch,
        seen: &mut Pictures,
    ) -> Result<bool, Fault> {
        let defect = |e: &dyn std::fmt::Display| fault(Side::Decode, "appsink", &e.to_string());
        let (Some(buffer), Some(caps)) = (sample.buffer(), sample.caps()) else {
            return Ok(true);
        };
        let info = gst_video::VideoInfo::from_caps(caps).map_err(|e| defect(&e))?;
        let (told_ns, mut when) = watch.clock.place(sample, buffer, info.fps());
        match self.window.place(when.begin_ns) {
            window::Place::Before => return Ok(true),
            window::Place::Within(since_ns) => when.begin_ns = since_ns,
            window::Place::Behind => {
                // Drained until the source is stopped, so that the sound's end is not held up.
                if let Some((out, _)) = &self.out {
                    let _ = out.end_of_stream();
                }
                self.moved.pictures_are_over();
                return Ok(true);
            }
        }
        let position_ms = i64::try_from(when.begin_ns / MS).unwrap_or(i64::MAX);
        if seen.frames == 0 {
            seen.begin_ns = when.begin_ns;
        }
        seen.frames = seen.frames.saturating_add(1);
        // One that is presented for long may outlast the next.
        let end_ns = when.begin_ns.saturating_add(when.length_ns);
        seen.end_ns = seen.end_ns.max(end_ns);
        if buffer.flags().contains(gst::BufferFlags::CORRUPTED) {
            seen.damaged = seen.damaged.saturating_add(1);
            seen.damaged_first_ms.get_or_insert(position_ms);
        }
        let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, &info)
            .map_err(|e| defect(&e))?;
        let picture = planes(&frame).map_err(|e| defect(&e))?;
        let length_ms = i64::try_from(when.length_ns / MS).unwrap_or(i64::MAX);
        let span = Span {
            begin_ms: position_ms,
            end_ms: position_ms.saturating_add(length_ms),
        };
        let light = watch
            .light
            .get_or_insert_with(|| PictureWatch::new(&self.checks, picture.full_range));
        let light = light.frame(span, &picture.y);
        self.timeline
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .light(position_ms, light);
        // Judged as told, not as moved: a timestamp that falls back is what is looked for.
        if let Some(told) = told_ns.and_then(|t| i64::try_from(t / MS).ok()) {
            let time = watch
                .time
                .get_or_insert_with(|| TimeWatch::new(&self.checks, Some(length_ms)));
            time.frame(told, buffer.duration().and(Some(length_ms)));
        }
        self.moved.picture(position_ms);
        let Some((out, canvas)) = &mut self.out else {
            return Ok(true);
        };
        let mut marked = canvas.draw(&picture, position_ms)?;
        if let Some(m) = marked.get_mut() {
            m.set_pts(gst::ClockTime::from_nseconds(when.begin_ns));
            m.set_duration(gst::ClockTime::from_nseconds(when.length_ns));
        }
        Ok(out.push_buffer(marked).is_ok())
    }
}

/// When a picture is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    begin_ns: u64,
    length_ns: u64,
}

/// Gives every picture its instant, rising.
#[derive(Debug, Default)]
struct Clock {
    last: Option<Place>,
    offset_ns: u64,
}

impl Clock {
    fn place(
        &mut self,
        sample: &gst::Sample,
        buffer: &gst::BufferRef,
        fps: gst::Fraction,
    ) -> (Option<u64>, Place) {
        let running = sample
            .segment()
            .and_then(|s| s.downcast_ref::<gst::ClockTime>())
            .and_then(|s| s.to_running_time(buffer.pts()))
            .map(gst::ClockTime::nseconds);
        let nominal = match (u64::try_from(fps.numer()), u64::try_from(fps.denom())) {
            (Ok(n), Ok(d)) if n > 0 => d.saturating_mul(1_000_000_000) / n,
            _ => 40 * MS,
        };
        let length = buffer.duration().map_or(nominal, gst::ClockTime::nseconds);
        (running, self.settle(running, length))
    }

    /// The instant that was told, or the end of the picture before; never at or before that
    /// picture's own instant. Timestamps that begin again go on behind what came before.
    fn settle(&mut self, told_ns: Option<u64>, length_ns: u64) -> Place {
        if let (Some(told), Some(last)) = (told_ns, self.last)
            && told
                .saturating_add(self.offset_ns)
                .saturating_add(BACK_NS_MIN)
                < last.begin_ns
        {
            let end_ns = last.begin_ns.saturating_add(last.length_ns.max(MS));
            self.offset_ns = end_ns.saturating_sub(told);
        }
        let told_ns = told_ns.map(|t| t.saturating_add(self.offset_ns));
        let begin_ns = match (told_ns, self.last) {
            (Some(told), None) => told,
            (Some(told), Some(last)) => told.max(last.begin_ns.saturating_add(MS)),
            (None, None) => 0,
            (None, Some(last)) => last.begin_ns.saturating_add(last.length_ns.max(MS)),
        };
        let place = Place {
            begin_ns,
            length_ns,
        };
        self.last = Some(place);
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_carried_exactly_and_only_those_that_do_not_rise_are_moved() {
        let mut clock = Clock::default();
        let told = [
            Some(7),
            Some(40 * MS + 3),
            None,
            Some(60 * MS),
            Some(60 * MS),
            Some(200 * MS),
        ];
        let placed: Vec<u64> = told
            .into_iter()
            .map(|t| clock.settle(t, 40 * MS).begin_ns)
            .collect();
        assert_eq!(
            placed,
            [
                7,
                40 * MS + 3,
                80 * MS + 3,
                81 * MS + 3,
                82 * MS + 3,
                200 * MS
            ]
        );
        // A recorder that was switched off and on begins again at nothing.
        let mut clock = Clock::default();
        let told = [Some(0), Some(5_000 * MS), Some(0), Some(40 * MS)];
        let placed: Vec<u64> = told
            .into_iter()
            .map(|t| clock.settle(t, 40 * MS).begin_ns / MS)
            .collect();
        assert_eq!(placed, [0, 5_000, 5_040, 5_080]);
    }
}
