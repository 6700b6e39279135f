//! The board on which a night's stages note how far they are; a watcher sees it a few times a second.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::progress::{Job, Progress, Watcher};
use crate::base::Moment;

/// Milliseconds between two looks of the watcher: often enough for an eye, rarely enough to cost nothing.
const LOOK_MS: i64 = 150;

/// Part of the bytes that must be looked at before the time left can be guessed at all.
const ETA_PART_MIN: f64 = 0.02;

pub(super) struct Board<'a> {
    watcher: &'a dyn Watcher,
    state: Mutex<State>,
}

struct State {
    progress: Progress,
    began: Moment,
    shown: Moment,
    /// Bytes of the recordings that the jobs have in hand.
    in_hand: Vec<u64>,
}

impl<'a> Board<'a> {
    pub(super) fn new(watcher: &'a dyn Watcher, jobs: usize, began: Moment) -> Self {
        let progress = Progress {
            jobs: (0..jobs)
                .map(|slot| Job {
                    slot,
                    ..Job::default()
                })
                .collect(),
            phase: "scanning".into(),
            ..Progress::default()
        };
        let state = State {
            progress,
            began,
            shown: Moment::from_ms(i64::MIN),
            in_hand: vec![0; jobs],
        };
        Self {
            watcher,
            state: Mutex::new(state),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn phase(&self, phase: &str, now: Moment) {
        self.lock().progress.phase = phase.into();
        self.look(now, true);
    }

    /// Another phase with work of its own, and how much.
    pub(super) fn restart(&self, phase: &str, files: u64, bytes: u64, now: Moment) {
        {
            let mut state = self.lock();
            let progress = &mut state.progress;
            (progress.files_done, progress.bytes_done) = (0, 0);
            (progress.files_total, progress.bytes_total) = (files, bytes);
            state.began = now;
        }
        self.phase(phase, now);
    }

    /// What there is to do in all, once the inbox has been read.
    pub(super) fn expect(&self, files: u64, bytes: u64) {
        let mut state = self.lock();
        state.progress.files_total = files;
        state.progress.bytes_total = bytes;
    }

    /// A file is vaulted, or known; `to_look_at` of its bytes still wait for a worker.
    pub(super) fn vaulted(&self, bytes: u64, to_look_at: bool, now: Moment) {
        {
            let mut state = self.lock();
            state.progress.files_done += 1;
            if !to_look_at {
                state.progress.bytes_done += bytes;
            }
        }
        self.look(now, false);
    }

    /// A free job takes a recording.
    pub(super) fn begin(&self, name: &str, bytes: u64) -> usize {
        let mut state = self.lock();
        let free = state
            .progress
            .jobs
            .iter()
            .position(|j| j.name.is_empty())
            .unwrap_or(0);
        if let Some(job) = state.progress.jobs.get_mut(free) {
            *job = Job {
                slot: free,
                name: name.into(),
                phase: "opening".into(),
                ..Job::default()
            };
        }
        if let Some(hand) = state.in_hand.get_mut(free) {
            *hand = bytes;
        }
        free
    }

    pub(super) fn job(
        &self,
        slot: usize,
        phase: &str,
        position_ms: i64,
        duration_ms: i64,
        now: Moment,
    ) {
        if let Some(job) = self.lock().progress.jobs.get_mut(slot) {
            job.phase = phase.into();
            job.position_ms = position_ms;
            job.duration_ms = duration_ms;
        }
        self.look(now, false);
    }

    pub(super) fn end(&self, slot: usize, now: Moment) {
        {
            let mut state = self.lock();
            let bytes = state
                .in_hand
                .get_mut(slot)
                .map(std::mem::take)
                .unwrap_or_default();
            state.progress.bytes_done += bytes;
            if let Some(job) = state.progress.jobs.get_mut(slot) {
                *job = Job {
                    slot,
                    ..Job::default()
                };
            }
        }
        self.look(now, false);
    }

    fn look(&self, now: Moment, at_once: bool) {
        let seen = {
            let mut state = self.lock();
            if !at_once && now.ms_since(state.shown) < LOOK_MS {
                return;
            }
            state.shown = now;
            let mut progress = state.progress.clone();
            let in_hand = state
                .in_hand
                .iter()
                .zip(&progress.jobs)
                .map(|(bytes, job)| {
                    let part = job.position_ms as f64 / job.duration_ms.max(1) as f64;
                    *bytes as f64 * part.clamp(0.0, 1.0)
                });
            let done = progress.bytes_done as f64 + in_hand.sum::<f64>();
            let part = done / progress.bytes_total.max(1) as f64;
            let spent = now.ms_since(state.began).max(0) as f64;
            progress.eta_ms =
                (part >= ETA_PART_MIN).then(|| (spent / part.min(1.0) - spent) as i64);
            progress.bytes_done = (done as u64).min(progress.bytes_total);
            progress
        };
        self.watcher.note(&seen);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[derive(Default)]
    struct Seen(Mutex<Vec<Progress>>);
    impl Watcher for Seen {
        fn note(&self, progress: &Progress) {
            self.0.lock().unwrap().push(progress.clone());
        }
    }

    #[test]
    fn half_of_the_bytes_in_a_minute_leave_a_minute_to_go() {
        let seen = Seen::default();
        let at = Moment::from_s;
        let board = Board::new(&seen, 2, at(0));
        board.expect(2, 1_000);
        board.vaulted(1_000, true, at(1));
        let slot = board.begin("a.mp4", 1_000);
        board.job(slot, "transcoding", 5_000, 10_000, at(60));
        let last = seen.0.lock().unwrap().last().unwrap().clone();
        assert_eq!((last.bytes_done, last.eta_ms), (500, Some(60_000)));
        assert_eq!(last.jobs[slot].phase, "transcoding");
        board.end(slot, at(120));
        let last = seen.0.lock().unwrap().last().unwrap().clone();
        assert_eq!((last.bytes_done, last.eta_ms), (1_000, Some(0)));
        assert!(last.jobs.iter().all(|j| j.name.is_empty()));
    }

    #[test]
    fn a_watcher_is_not_asked_more_often_than_an_eye_can_see() {
        let seen = Seen::default();
        let board = Board::new(&seen, 1, Moment::from_s(0));
        for ms in 0..1_000 {
            board.vaulted(1, false, Moment::from_ms(ms));
        }
        assert!(seen.0.lock().unwrap().len() <= 8);
    }
}
