//! Which codes stand in the pictures of a file of unknown origin: a copy that was scaled, cut,
//! encoded anew, and of which nothing is known.
//!
//! The work is bounded whatever the file claims: of a short one every picture is decoded and some
//! are looked at, of a long one a few at each of some places spread over it. A code is told when
//! several pictures carry it. What was found before a file broke off is told all the same.
//!
//! It fails when not one picture can be decoded.

mod frames;
mod tally;

use std::{
    collections::HashSet,
    os::fd::{AsRawFd, BorrowedFd},
};

use gstreamer as gst;

use super::{
    derive::Wire,
    protocol::{Fault, Message, Progress, ProtocolError, TraceJob},
};
use frames::{Frames, with_luma};
use tally::Tally;

/// Pictures that are looked at, in a file that has as many.
const LOOKS: u64 = 48;
/// A file up to so long is decoded as a whole.
const SHORT_MS: u64 = 15_000;
/// Pictures that are looked at in a file that does not say how long it is.
const LOOKS_MAX: usize = 240;
/// Between two pictures that are looked at where a file does not say how long it is.
const STEP_MS: u64 = 250;
/// Pictures that are decoded one after the other at most: half a minute at 60 a second.
const DECODED_MAX: u32 = 1_800;
/// Places of a long file.
const PLACES: u64 = 16;
/// Pictures that are looked at in each, and how many are passed over between them: what follows a
/// key frame has made the band better.
const LOOKS_A_PLACE: u32 = 3;
const PASSED_OVER: u32 = 4;
/// Pictures that places should have come to. A file with few key frames gives the same ones again.
const LOOKS_MIN: usize = 12;

/// Why it ends early.
enum End {
    Pipe(ProtocolError),
    Fault(Fault),
}
impl From<ProtocolError> for End {
    fn from(e: ProtocolError) -> Self {
        Self::Pipe(e)
    }
}
impl From<Fault> for End {
    fn from(f: Fault) -> Self {
        Self::Fault(f)
    }
}

/// Looks at a file and says which codes stand in it.
///
/// # Errors
/// When the parent is gone.
pub fn trace(
    job: &TraceJob,
    input: BorrowedFd<'_>,
    wire: &mut Wire<'_>,
) -> Result<(), ProtocolError> {
    let mut looker = Looker {
        tally: Tally::default(),
        seen: HashSet::new(),
        wire,
    };
    match look(job, input, &mut looker) {
        Err(End::Pipe(e)) => Err(e),
        Err(End::Fault(f)) if looker.seen.is_empty() => looker.wire.say(&Message::Fault(f)),
        Ok(()) | Err(End::Fault(_)) => {
            let traced = looker.tally.traced();
            looker.wire.say(&Message::Traced(Box::new(traced)))
        }
    }
}

/// Looks at pictures, each once.
struct Looker<'a, 'b> {
    tally: Tally,
    /// When those were presented that were looked at.
    seen: HashSet<u64>,
    wire: &'a mut Wire<'b>,
}

impl Looker<'_, '_> {
    fn look(&mut self, sample: &gst::Sample, at_ms: u64) -> Result<(), ProtocolError> {
        if !self.seen.insert(at_ms) {
            return Ok(());
        }
        with_luma(sample, |luma| self.tally.look(luma));
        self.wire.say(&Message::Progress(Progress {
            position_ms: i64::try_from(at_ms).unwrap_or(0),
            duration_ms: 0,
            frames: self.seen.len() as u64,
        }))
    }
}

fn look(job: &TraceJob, input: BorrowedFd<'_>, looker: &mut Looker<'_, '_>) -> Result<(), End> {
    let fd = input.as_raw_fd();
    let frames = Frames::open(fd, job)?;
    // The first picture tells that the file is open, and with it how long it is.
    let Some(first) = frames.next()? else {
        return Ok(());
    };
    let length_ms = frames.length_ms();
    match length_ms.filter(|ms| *ms > SHORT_MS) {
        None => {
            let step = length_ms.map_or(STEP_MS, |ms| (ms / LOOKS).max(1));
            in_a_row(&frames, Some(first), step, looker)
        }
        Some(length_ms) => {
            looker.look(&first, Frames::at_ms(&first).unwrap_or(0))?;
            drop(first);
            // A place that cannot be read does not keep the others from being read.
            places(&frames, length_ms, looker).or_else(gone)?;
            drop(frames);
            if looker.seen.len() < LOOKS_MIN {
                let again = Frames::open(fd, job)?;
                in_a_row(&again, None, STEP_MS, looker)?;
            }
            Ok(())
        }
    }
}

/// A fault is passed over, a parent that is gone is not.
fn gone(end: End) -> Result<(), End> {
    match end {
        End::Fault(_) => Ok(()),
        pipe @ End::Pipe(_) => Err(pipe),
    }
}

/// From the beginning on, a picture every `step_ms`.
fn in_a_row(
    frames: &Frames,
    first: Option<gst::Sample>,
    step_ms: u64,
    looker: &mut Looker<'_, '_>,
) -> Result<(), End> {
    let mut next_ms = 0;
    let mut waiting = first;
    for n in 0..DECODED_MAX {
        if looker.seen.len() >= LOOKS_MAX {
            return Ok(());
        }
        let sample = match waiting.take() {
            Some(sample) => sample,
            None => match frames.next()? {
                Some(sample) => sample,
                None => return Ok(()),
            },
        };
        // What bears no time is taken as 30 a second.
        let at_ms = Frames::at_ms(&sample).unwrap_or(u64::from(n) * 33);
        if at_ms >= next_ms {
            looker.look(&sample, at_ms)?;
            next_ms = at_ms.saturating_add(step_ms);
        }
    }
    Ok(())
}

/// Some pictures behind the key frame before each of the places.
fn places(frames: &Frames, length_ms: u64, looker: &mut Looker<'_, '_>) -> Result<(), End> {
    for place in 0..PLACES {
        let at_ms = length_ms.saturating_mul(2 * place + 1) / (2 * PLACES);
        if !frames.go_to(at_ms) {
            return Ok(());
        }
        for n in 0..LOOKS_A_PLACE * (PASSED_OVER + 1) - PASSED_OVER {
            let Some(sample) = frames.next()? else {
                break;
            };
            if n.is_multiple_of(PASSED_OVER + 1) {
                looker.look(&sample, Frames::at_ms(&sample).unwrap_or(at_ms))?;
            }
        }
    }
    Ok(())
}
