//! One recording from bytes to findings and, where wanted, a rendition: two pipelines, and this
//! between them.
//!
//! Invariants:
//! - Every presented picture is checked, painted and handed on, in order, once. Nothing is
//!   dropped for speed.
//! - A timestamp is carried exactly; only one that does not rise is moved, by a millisecond.
//! - What is wrong with the recording is a finding and the work goes on as far as it can; what is
//!   wrong with the writing half is a fault and there is no rendition.

mod canvas;
mod open;
mod picture;
mod run;
mod sound;
mod window;
mod wire;

pub use run::derive;
pub use wire::Wire;

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

/// How far the two halves are; what the watchdog goes by.
#[derive(Debug, Default)]
pub struct Moved {
    position_ms: AtomicI64,
    frames: AtomicU64,
    sounds: AtomicU64,
    pictures_over: AtomicBool,
    sounds_over: AtomicBool,
}

impl Moved {
    fn picture(&self, position_ms: i64) {
        self.position_ms.store(position_ms, Ordering::Relaxed);
        self.frames.fetch_add(1, Ordering::Relaxed);
    }
    /// Sound runs ahead of pictures, so it tells the position only where there are none.
    fn sound(&self, position_ms: i64) {
        self.sounds.fetch_add(1, Ordering::Relaxed);
        if self.frames() == 0 {
            self.position_ms.fetch_max(position_ms, Ordering::Relaxed);
        }
    }
    fn position_ms(&self) -> i64 {
        self.position_ms.load(Ordering::Relaxed)
    }
    fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }
    /// No picture that is still to come is wanted.
    fn pictures_are_over(&self) {
        self.pictures_over.store(true, Ordering::Relaxed);
    }
    /// No sound that is still to come is wanted.
    fn sounds_are_over(&self) {
        self.sounds_over.store(true, Ordering::Relaxed);
    }
    fn are_over(&self) -> (bool, bool) {
        let over = |of: &AtomicBool| of.load(Ordering::Relaxed);
        (over(&self.pictures_over), over(&self.sounds_over))
    }
    /// Anything at all.
    fn total(&self) -> u64 {
        self.frames()
            .wrapping_add(self.sounds.load(Ordering::Relaxed))
    }
}
