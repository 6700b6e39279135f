//! The night's upkeep: what is new gets its copy on the mirror, and the originals whose turn it is
//! are read again, both copies of each; a bad one is replaced by the good one.
//!
//! A mirror that is away costs the night nothing but a word: what waits for it is copied by the
//! night after it is back. Days on which no night ran are made up for.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use serde::{Deserialize, Serialize};

use super::{Watcher, board::Board, night::NightSettings};
use crate::{
    base::{Clock, Explain, RecordingId, text::bytes_human},
    batch::{Interrupt, Stages, Stop},
    event::What,
    store::{Store, StoreError, Tended},
    vault::{CYCLE_DAYS_MAX, VaultError},
};

/// Sentences about single recordings; beyond them only numbers.
const SAID_MAX: usize = 100;

const DAY_MS: i64 = 86_400_000;

/// Where the mirror stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MirrorState {
    /// The store has none.
    #[default]
    None,
    /// It is there.
    There,
    /// It is not there, or is not this store's.
    Away,
}

/// What upkeep came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upkeep {
    /// Where the mirror stands.
    pub mirror: MirrorState,
    /// Originals that got their copy on the mirror tonight.
    pub mirrored: u64,
    /// Originals that still wait for one, where there is a mirror.
    pub waiting: u64,
    /// Copies that were read again, originals and mirrors.
    pub reread: u64,
    /// Their bytes.
    pub reread_bytes: u64,
    /// Copies that were bad and are sound again.
    pub repaired: u64,
    /// Recordings that could not be copied or read again, for other reasons.
    pub failed: u64,
    /// Recordings without a sound copy. Nothing was overwritten.
    pub damaged: Vec<RecordingId>,
}

impl Upkeep {
    /// Whether somebody should look.
    #[must_use]
    pub fn needs_attention(&self) -> bool {
        self.mirror == MirrorState::Away
            || self.waiting > 0
            || self.repaired > 0
            || self.failed > 0
            || !self.damaged.is_empty()
    }
}

/// Everything that upkeep needs.
pub(super) struct Upkeeping<'a> {
    pub store: &'a Store,
    pub by: u32,
    /// Originals in hand at once.
    pub threads: usize,
    /// Days in which every original is read again.
    pub cycle_days: u32,
    /// Whether everything is read again now, whoever's turn it is.
    pub everything: bool,
    pub board: &'a Board<'a>,
    pub clock: &'a dyn Clock,
    pub interrupt: &'a Interrupt,
}

/// What has happened so far, told by many threads.
#[derive(Default)]
struct Tally {
    upkeep: Upkeep,
    said: Vec<String>,
    /// Why nothing more is tried.
    stopped: Option<StoreError>,
}

/// Upkeep apart from a night: what waits for the mirror is copied, and every original is read
/// again now, whoever's turn it is.
///
/// # Errors
/// When the store as a whole failed.
pub fn everything(
    store: &Store,
    settings: &NightSettings,
    by: u32,
    clock: &dyn Clock,
    watcher: &dyn Watcher,
    interrupt: &Interrupt,
) -> Result<(Upkeep, Vec<String>), StoreError> {
    let board = Board::new(watcher, 0, clock.now());
    let upkeeping = Upkeeping {
        store,
        by,
        threads: settings.hashers,
        cycle_days: settings.fixity_days,
        everything: true,
        board: &board,
        clock,
        interrupt,
    };
    let done = upkeeping.run()?;
    store.publish()?;
    Ok(done)
}

impl Upkeeping<'_> {
    /// Does it all. Gives back sentences beside the numbers.
    ///
    /// # Errors
    /// When the store as a whole failed.
    pub(super) fn run(&self) -> Result<(Upkeep, Vec<String>), StoreError> {
        let tally = Mutex::new(Tally::default());
        self.mirror(&tally)?;
        self.reread(&tally)?;
        let mut tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
        if tally.said.len() > SAID_MAX {
            let more = tally.said.len() - SAID_MAX;
            tally.said.truncate(SAID_MAX);
            tally
                .said
                .push(format!("{more} more of the like stand in the ledger"));
        }
        Ok((tally.upkeep, tally.said))
    }

    fn mirror(&self, tally: &Mutex<Tally>) -> Result<(), StoreError> {
        let vault = self.store.vault();
        if !vault.has_mirror() {
            return Ok(());
        }
        let waiting = self.store.unmirrored()?;
        match vault.check_mirror() {
            Ok(()) => {
                with(tally, |t| t.upkeep.mirror = MirrorState::There);
                self.each("mirroring", waiting, tally, |id| {
                    self.store.mirror(self.by, id)
                })?;
            }
            Err(e) => with(tally, |t| {
                t.upkeep.mirror = MirrorState::Away;
                let hint = e.hint().map(|h| format!(" ({h})")).unwrap_or_default();
                t.said.push(format!("nothing was mirrored: {e}{hint}"));
            }),
        }
        let left = self.store.unmirrored()?.len() as u64;
        with(tally, |t| t.upkeep.waiting = left);
        Ok(())
    }

    /// Reads again whose turn it is, today and on the days since the last time.
    fn reread(&self, tally: &Mutex<Tally>) -> Result<(), StoreError> {
        let today = self.store.times()?.later.as_ms().div_euclid(DAY_MS);
        let cycle = self.cycle_days.clamp(1, CYCLE_DAYS_MAX);
        let last = self.store.rules()?.fixity_day;
        let away = with(tally, |t| t.upkeep.mirror) == MirrorState::Away;
        let from = match (self.everything, away) {
            (true, _) => today + 1 - i64::from(cycle),
            // The originals of today alone; both copies of all those days once it is back.
            (false, true) => today,
            (false, false) => first_day(today, cycle, last),
        };
        if from > today {
            return Ok(());
        }
        let mut turn = Vec::new();
        for day in from..=today {
            turn.extend(self.store.turn(day, cycle)?);
        }
        let before = with(tally, |t| (t.upkeep.reread, t.upkeep.reread_bytes));
        let whole = self.each("reading again", turn, tally, |id| {
            self.store.tend(self.by, id)
        })?;
        if !whole || away {
            // The next night begins where this one did.
            return Ok(());
        }
        let after = with(tally, |t| (t.upkeep.reread, t.upkeep.reread_bytes));
        let (copies, bytes) = (after.0 - before.0, after.1 - before.1);
        self.store.commit(self.by, move |proposal| {
            proposal.event(What::FixityChecked {
                from_day: from,
                to_day: today,
                cycle_days: cycle,
                copies,
                bytes,
            });
            Ok(())
        })
    }

    /// Tends each of these on its own, several at once; whether it came to the end of them. What
    /// one recording fails on is told and does not count: it would be in the way for ever.
    fn each(
        &self,
        phase: &str,
        work: Vec<(RecordingId, u64)>,
        tally: &Mutex<Tally>,
        tend: impl Fn(RecordingId) -> Result<Tended, StoreError> + Sync,
    ) -> Result<bool, StoreError> {
        let (count, bytes) = (work.len() as u64, work.iter().map(|(_, bytes)| bytes).sum());
        self.board.restart(phase, count, bytes, self.clock.now());
        let whole = AtomicBool::new(true);
        let defects: Vec<String> = Stages::run(|stages| {
            let source = stages.source(work);
            let (tend, whole) = (&tend, &whole);
            let done = stages.stage("upkeep", self.threads, &source, move |(id, bytes)| {
                if self.interrupt.asked() != Stop::No || with(tally, |t| t.stopped.is_some()) {
                    whole.store(false, Ordering::Relaxed);
                    return;
                }
                let tended = tend(id);
                with(tally, |t| t.note(phase, id, tended));
                self.board.vaulted(bytes, false, self.clock.now());
            });
            done.iter()
                .filter_map(|r| r.err().map(|defect| defect.to_string()))
                .collect()
        });
        // A mirror that is full ends the copying and not the reading behind it.
        let stopped = with(tally, |t| {
            t.said.extend(defects);
            t.stopped.take()
        });
        match stopped {
            Some(StoreError::Vault(_)) => Ok(false),
            Some(e) => Err(e),
            None => Ok(whole.into_inner()),
        }
    }
}

impl Tally {
    fn note(&mut self, phase: &str, id: RecordingId, tended: Result<Tended, StoreError>) {
        match tended {
            Ok(Tended::Gone) => {}
            Ok(Tended::Mirrored { bytes }) => {
                self.upkeep.mirrored += 1;
                self.count(1, bytes);
            }
            Ok(Tended::Sound { copies, bytes }) => self.count(copies, bytes),
            Ok(Tended::OutOfReach { was }) => {
                self.upkeep.failed += 1;
                self.said.push(format!(
                    "the original of recording {id} is bad, and its mirror is not there: {was}"
                ));
            }
            Ok(Tended::Repaired { copy, was, bytes }) => {
                self.upkeep.repaired += 1;
                self.count(2, bytes.saturating_mul(2));
                self.said.push(format!(
                    "{} of recording {id} was bad and is sound again ({}): {was}",
                    copy.words(),
                    bytes_human(bytes)
                ));
            }
            Ok(Tended::Damaged { was }) => {
                self.upkeep.damaged.push(id);
                self.said.push(format!(
                    "recording {id} has no sound copy, and nothing was overwritten: {was}"
                ));
            }
            Err(e) => {
                self.upkeep.failed += 1;
                self.said.push(format!("{phase} recording {id}: {e}"));
                // One recording's trouble is its own; a full or vanished disk is everybody's.
                let everybodys = match &e {
                    StoreError::Vault(v) => matches!(
                        v,
                        VaultError::Full { .. }
                            | VaultError::Fsync { .. }
                            | VaultError::MirrorAway(_)
                            | VaultError::MirrorForeign { .. }
                    ),
                    _ => true,
                };
                if everybodys {
                    self.stopped.get_or_insert(e);
                }
            }
        }
    }

    fn count(&mut self, copies: u64, bytes: u64) {
        self.upkeep.reread += copies;
        self.upkeep.reread_bytes = self.upkeep.reread_bytes.saturating_add(bytes);
    }
}

fn with<R>(tally: &Mutex<Tally>, f: impl FnOnce(&mut Tally) -> R) -> R {
    f(&mut tally.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The first day whose originals are read tonight: today's alone on the first night of all, then
/// those of every day since the last, and never more than a cycle, which is all of them.
fn first_day(today: i64, cycle_days: u32, last: Option<i64>) -> i64 {
    let next = last.map_or(today, |last| last.saturating_add(1));
    next.max(today + 1 - i64::from(cycle_days))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_makes_up_for_days_on_which_none_ran() {
        assert_eq!(first_day(100, 30, None), 100);
        assert_eq!(first_day(100, 30, Some(99)), 100);
        assert_eq!(first_day(100, 30, Some(95)), 96);
        assert_eq!(first_day(100, 30, Some(1)), 71, "all of them, once");
        assert_eq!(first_day(100, 1, Some(1)), 100);
        // Read already, or by a clock that was ahead: nothing.
        assert_eq!(first_day(100, 30, Some(100)), 101);
        assert_eq!(first_day(100, 30, Some(120)), 121);
        assert_eq!(first_day(100, 30, Some(i64::MAX)), i64::MAX);
    }
}
