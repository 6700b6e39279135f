//! Mirror and fixity: every original has a second copy, both are read again in turn, and of two of
//! which one is bad the good one takes the bad one's place. What is being disposed of is left
//! alone, so that nothing half removed is ever made whole again.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Condvar, Mutex, PoisonError},
};

use super::{Store, StoreError};
use crate::{
    base::{Digest, RecordingId},
    event::{What, WhichCopy},
    index::{Column, Direction, KeyRange, keys},
    recording::{FindingKind, Record},
    vault::{Fixity, Repaired, VaultError, stretch_of},
};

/// What looking after the copies of one recording came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tended {
    /// It is gone, or going; nothing was done.
    Gone,
    /// It has its copy on the mirror now.
    Mirrored {
        /// Bytes of it.
        bytes: u64,
    },
    /// Every copy that there should be is sound.
    Sound {
        /// How many copies were read.
        copies: u64,
        /// Their bytes.
        bytes: u64,
    },
    /// One copy was bad and is sound again.
    Repaired {
        /// Which.
        copy: WhichCopy,
        /// What was wrong with it, as a sentence.
        was: String,
        /// Bytes of one copy.
        bytes: u64,
    },
    /// The original is bad, and its other copy out of reach: it may be sound.
    OutOfReach {
        /// What is wrong with the original, as a sentence.
        was: String,
    },
    /// No copy is sound. Nothing was changed.
    Damaged {
        /// What is wrong, as a sentence.
        was: String,
    },
}

/// What the store has of one recorder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The recorder.
    pub device: String,
    /// Recordings of it, those disposed of included.
    pub recordings: u64,
    /// Of these, originals that are not on the mirror.
    pub unmirrored: u64,
    /// Of these, those without a sound copy.
    pub damaged: u64,
}

/// What the store has of every recorder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorders {
    /// By their names.
    pub all: Vec<Recorded>,
    /// Originals that are not on the mirror and name no recorder: they could be of any.
    pub unmirrored_of_nobody: u64,
}

/// Originals that somebody works on, each by one at a time: who copies one and who removes it
/// wait for each other.
#[derive(Debug, Default)]
pub(super) struct InHand {
    held: Mutex<BTreeSet<Digest>>,
    freed: Condvar,
}

impl InHand {
    pub(super) fn take(&self, digest: Digest) -> Held<'_> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.freed.wait_while(held, |held| held.contains(&digest));
        waited
            .unwrap_or_else(PoisonError::into_inner)
            .insert(digest);
        Held { all: self, digest }
    }
}

/// One original in hand, until dropped.
pub(super) struct Held<'a> {
    all: &'a InHand,
    digest: Digest,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut held = self.all.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.remove(&self.digest);
        self.all.freed.notify_all();
    }
}

impl Store {
    /// Originals that are not on the mirror, with their sizes, the oldest recording first.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn unmirrored(&self) -> Result<Vec<(RecordingId, u64)>, StoreError> {
        let snapshot = self.index.snapshot();
        let rows = snapshot.scan(Column::Unmirrored, &KeyRange::all(), Direction::Forward)?;
        rows.map(|row| {
            let (key, bytes) = row?;
            let place = keys::Place::from_bytes(&key)
                .ok_or_else(|| StoreError::Rows("a key of the unmirrored is none".into()))?;
            Ok((
                place.id(),
                (*bytes).try_into().map_or(0, u64::from_be_bytes),
            ))
        })
        .collect()
    }

    /// What the store has of every recorder, by its name.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn recorders(&self) -> Result<Recorders, StoreError> {
        let snapshot = self.index.snapshot();
        let mut all: BTreeMap<String, Recorded> = BTreeMap::new();
        for row in snapshot.scan(Column::ByDevice, &KeyRange::all(), Direction::Forward)? {
            let (key, _) = row?;
            let device = keys::text_of(&key)
                .ok_or_else(|| StoreError::Rows("a key by recorder is none".into()))?;
            let recorded = all.entry(device.clone()).or_insert_with(|| Recorded {
                device,
                recordings: 0,
                unmirrored: 0,
                damaged: 0,
            });
            recorded.recordings += 1;
        }
        let device_of = |id: RecordingId| -> Result<Option<String>, StoreError> {
            let record = self.record(id)?;
            Ok(record.and_then(|r| r.attribution.device.map(|device| device.value)))
        };
        let mut of_nobody = 0;
        for (id, _) in self.unmirrored()? {
            match device_of(id)?.and_then(|device| all.get_mut(&device)) {
                Some(recorded) => recorded.unmirrored += 1,
                None => of_nobody += 1,
            }
        }
        let damaged = KeyRange::prefix(&keys::text(FindingKind::Damaged.code()));
        for place in snapshot.places(Column::ByFinding, &damaged)? {
            if let Some(recorded) = device_of(place.id())?.and_then(|d| all.get_mut(&d)) {
                recorded.damaged += 1;
            }
        }
        Ok(Recorders {
            all: all.into_values().collect(),
            unmirrored_of_nobody: of_nobody,
        })
    }

    /// Originals whose turn it is on `day`, counted from 1970-01-01, in cycles of so many days,
    /// with their sizes. In any cycle each has one turn.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn turn(&self, day: i64, cycle_days: u32) -> Result<Vec<(RecordingId, u64)>, StoreError> {
        let (from, to) = stretch_of(day, cycle_days);
        let range = KeyRange {
            from: from.to_be_bytes().to_vec(),
            to: to.map(|to| to.to_be_bytes().to_vec()),
        };
        let snapshot = self.index.snapshot();
        let mut turn = Vec::new();
        for row in snapshot.scan(Column::Records, &range, Direction::Forward)? {
            let (_, json) = row?;
            let record: Record =
                serde_json::from_slice(&json).map_err(|e| StoreError::Rows(e.to_string()))?;
            if record.state.is_there() {
                turn.push((record.id, record.bytes));
            }
        }
        Ok(turn)
    }

    /// Puts a copy of an original on the mirror, with its sidecar.
    ///
    /// # Errors
    /// When the mirror is away or full, or as copying or committing says. A bad original is no
    /// error: it is never mirrored, and the answer says so.
    pub fn mirror(&self, by: u32, id: RecordingId) -> Result<Tended, StoreError> {
        let Some(record) = self.record(id)? else {
            return Ok(Tended::Gone);
        };
        let _held = self.in_hand.take(record.digest);
        if !self.is_there(id)? {
            return Ok(Tended::Gone);
        }
        let mirrored = match self.vault.mirror(&record.digest) {
            Ok(mirrored) => mirrored,
            Err(VaultError::Missing { .. }) => {
                return self.damaged(by, id, &Fixity::Missing, None);
            }
            Err(VaultError::Unsound { was, .. }) => return self.damaged(by, id, &was, None),
            Err(e) => return Err(e.into()),
        };
        // Before it is told too: a kill between would leave a copy without its sidecar.
        self.vault.mirror_sidecar(&record.digest)?;
        self.tell(by, What::RecordingMirrored { id })?;
        self.vault.mirror_sidecar(&record.digest)?;
        Ok(Tended::Mirrored {
            bytes: mirrored.bytes,
        })
    }

    /// Reads every copy of an original again, and repairs a bad one by a good one. While the mirror
    /// is away the original alone is read.
    ///
    /// # Errors
    /// As copying or committing says.
    pub fn tend(&self, by: u32, id: RecordingId) -> Result<Tended, StoreError> {
        let Some(record) = self.record(id)? else {
            return Ok(Tended::Gone);
        };
        let _held = self.in_hand.take(record.digest);
        if !self.is_there(id)? {
            return Ok(Tended::Gone);
        }
        if !record.mirrored || self.vault.check_mirror().is_err() {
            return match self.vault.verify_object(&record.digest) {
                Fixity::Sound { bytes } => Ok(Tended::Sound { copies: 1, bytes }),
                bad if record.mirrored => Ok(Tended::OutOfReach { was: bad.words() }),
                bad => self.damaged(by, id, &bad, None),
            };
        }
        let (copy, was) = match self.vault.repair(&record.digest) {
            Ok(Repaired::Nothing) => {
                self.vault.mirror_sidecar(&record.digest)?;
                return Ok(Tended::Sound {
                    copies: 2,
                    bytes: record.bytes.saturating_mul(2),
                });
            }
            Ok(Repaired::Original { was, .. }) => (WhichCopy::Original, was.words()),
            Ok(Repaired::Mirror { was, .. }) => (WhichCopy::Mirror, was.words()),
            Err(VaultError::BothBad {
                original, mirror, ..
            }) => return self.damaged(by, id, &original, Some(&mirror)),
            Err(e) => return Err(e.into()),
        };
        let (said, bytes) = (was.clone(), record.bytes);
        self.tell(
            by,
            What::RecordingRepaired {
                id,
                copy,
                was: said,
            },
        )?;
        self.vault.mirror_sidecar(&record.digest)?;
        Ok(Tended::Repaired { copy, was, bytes })
    }

    /// Lays out the mirror below `path`, for this store and no other.
    ///
    /// # Errors
    /// As [`crate::vault::Vault::create_mirror`].
    pub fn create_mirror(&self, path: &Path) -> Result<(), StoreError> {
        Ok(self.vault.create_mirror(path)?)
    }

    /// Whether every copy of the recording could be removed now.
    pub(super) fn can_remove(&self, record: &Record) -> bool {
        match self.vault.has_mirror() {
            true => self.vault.check_mirror().is_ok(),
            false => !record.mirrored,
        }
    }

    fn is_there(&self, id: RecordingId) -> Result<bool, StoreError> {
        Ok(self.record(id)?.is_some_and(|r| r.state.is_there()))
    }

    fn damaged(
        &self,
        by: u32,
        id: RecordingId,
        original: &Fixity,
        mirror: Option<&Fixity>,
    ) -> Result<Tended, StoreError> {
        let (original, mirror) = (original.words(), mirror.map(Fixity::words));
        let was = match &mirror {
            Some(mirror) => format!("of the original, {original}; of the mirror's copy, {mirror}"),
            None => format!("of the original, {original}; there is no other copy"),
        };
        let what = What::RecordingDamaged {
            id,
            original,
            mirror,
        };
        self.tell(by, what)?;
        Ok(Tended::Damaged { was })
    }

    fn tell(&self, by: u32, what: What) -> Result<(), StoreError> {
        self.commit(by, move |proposal| {
            proposal.event(what);
            Ok(())
        })
    }
}
