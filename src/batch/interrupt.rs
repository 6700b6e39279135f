//! Stopping in two steps: drain, then abandon.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

/// How far somebody wants the batch to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// Go on.
    No,
    /// Finish what is running, begin nothing.
    Drain,
    /// Give up what is running, too. Nothing is lost: the next run finishes the work.
    Abandon,
}

/// A request to stop that every stage can see. It only ever grows.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicU8>);

impl Interrupt {
    /// Asks for at least `stop`.
    pub fn ask(&self, stop: Stop) {
        self.0.fetch_max(stop as u8, Ordering::SeqCst);
    }

    /// One step further: what a Ctrl-C means. Gives back what is asked now.
    pub fn ask_more(&self) -> Stop {
        self.ask(if self.asked() == Stop::No {
            Stop::Drain
        } else {
            Stop::Abandon
        });
        self.asked()
    }

    /// What is asked now.
    #[must_use]
    pub fn asked(&self) -> Stop {
        match self.0.load(Ordering::SeqCst) {
            0 => Stop::No,
            1 => Stop::Drain,
            _ => Stop::Abandon,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_signal_drains_the_second_abandons_and_nothing_takes_it_back() {
        let interrupt = Interrupt::default();
        let seen = interrupt.clone();
        assert_eq!(seen.asked(), Stop::No);
        assert_eq!(interrupt.ask_more(), Stop::Drain);
        assert_eq!(interrupt.ask_more(), Stop::Abandon);
        interrupt.ask(Stop::Drain);
        assert_eq!(seen.asked(), Stop::Abandon);
    }
}
