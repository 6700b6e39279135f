//! Finding recordings. Every list that a filter names is in the order of (time, id); they are
//! read side by side, each jumping to where the others stand, until all stand at one recording.
//! So the shortest list sets the pace, whichever it is, and nothing is sorted or collected.

use std::{fmt, str::FromStr};

use data_encoding::BASE32_NOPAD;
use rocksdb::DBRawIterator;

use super::{
    Column, Direction, Index, IndexError, KeyRange, Snapshot,
    keys::{self, PLACE_BYTES, Place},
};
use crate::{
    base::{Moment, RecordingId},
    recording::{FindingKind, Kind, Record, State},
};

/// Which recordings are wanted: all that satisfy everything that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// By this recorder.
    pub device: Option<String>,
    /// Worn by this officer.
    pub officer: Option<String>,
    /// Beginning at this instant or later.
    pub from: Option<Moment>,
    /// Beginning before this instant.
    pub to: Option<Moment>,
    /// In this state.
    pub state: Option<State>,
    /// With a finding of this kind.
    pub finding: Option<FindingKind>,
    /// Of this kind.
    pub kind: Option<Kind>,
}

impl Filter {
    /// Whether a record is wanted; the meaning of the filter, which the lists only make fast.
    #[must_use]
    pub fn wants(&self, record: &Record) -> bool {
        let device = record.attribution.device.as_ref().map(|v| &v.value);
        let officer = record.attribution.officer.as_ref().map(|v| &v.value);
        let time = record.time();
        self.device.as_ref().is_none_or(|d| device == Some(d))
            && self.officer.as_ref().is_none_or(|o| officer == Some(o))
            && self.from.is_none_or(|from| time >= from)
            && self.to.is_none_or(|to| time < to)
            && self.state.is_none_or(|s| record.state == s)
            && self
                .finding
                .is_none_or(|k| record.findings.iter().any(|f| f.kind == k))
            && self.kind.is_none_or(|k| record.kind == k)
    }

    /// The lists to read, each by its column and the prefix of its keys.
    fn lists(&self) -> Vec<(Column, Vec<u8>)> {
        let mut lists = Vec::new();
        let mut add = |column, name: Option<&str>| {
            lists.extend(name.map(|name| (column, keys::text(name))));
        };
        add(Column::ByDevice, self.device.as_deref());
        add(Column::ByOfficer, self.officer.as_deref());
        add(Column::ByFinding, self.finding.map(FindingKind::code));
        add(Column::ByState, self.state.map(State::word));
        if lists.is_empty() {
            lists.push((Column::ByTime, Vec::new()));
        }
        lists
    }
}

/// Where a page ended: the place of its last recording. It stays valid whatever is added or
/// removed, that recording included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(Place);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&BASE32_NOPAD.encode(self.0.as_bytes()).to_ascii_lowercase())
    }
}

impl FromStr for Cursor {
    type Err = IndexError;
    fn from_str(s: &str) -> Result<Self, IndexError> {
        BASE32_NOPAD
            .decode(s.to_ascii_uppercase().as_bytes())
            .ok()
            .and_then(|b| Place::from_bytes(&b))
            .map(Self)
            .ok_or_else(|| IndexError::Cursor(s.to_owned()))
    }
}

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Behind where this page ended; `None` for the first page.
    pub after: Option<Cursor>,
    /// At most so many recordings.
    pub limit: usize,
    /// Which way.
    pub direction: Direction,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The records, in order.
    pub records: Vec<Record>,
    /// For the next page; `None` when this is the last.
    pub next: Option<Cursor>,
}

/// A recording that waits for its worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Which.
    pub id: RecordingId,
    /// Size of the original.
    pub bytes: u64,
    /// Admitted, or to be tried again.
    pub state: State,
}

impl Index {
    /// One page of the recordings that `filter` wants, in the order of (time, id).
    ///
    /// # Errors
    /// As RocksDB says, or when rows contradict each other.
    pub fn find(&self, filter: &Filter, page: &Page) -> Result<Found, IndexError> {
        let snapshot = self.snapshot();
        let mut records = Vec::new();
        let mut selected = snapshot.select(filter, page.after, page.direction)?;
        let mut next = None;
        while let Some(record) = selected.next().transpose()? {
            if records.len() >= page.limit {
                next = records
                    .last()
                    .map(|r: &Record| Cursor(Place::new(r.time(), r.id)))
                    .or(page.after);
                break;
            }
            records.push(record);
        }
        Ok(Found { records, next })
    }

    /// Every recording that waits for a worker: admitted, or to be tried again; each group in the
    /// order of (time, id). Reads one list and no record.
    ///
    /// # Errors
    /// As RocksDB says, or when a key is none.
    pub fn pending(&self) -> Result<Vec<Pending>, IndexError> {
        let snapshot = self.snapshot();
        let mut pending = Vec::new();
        for state in [State::Admitted, State::Retry] {
            let prefix = keys::text(state.word());
            let range = KeyRange::prefix(&prefix);
            for row in snapshot.scan(Column::ByState, &range, Direction::Forward)? {
                let (key, value) = row?;
                let place = key.get(prefix.len()..).and_then(Place::from_bytes);
                let bytes = (*value).try_into().ok().map(u64::from_be_bytes);
                let (Some(place), Some(bytes)) = (place, bytes) else {
                    return Err(IndexError::Key {
                        column: Column::ByState.name(),
                    });
                };
                pending.push(Pending {
                    id: place.id(),
                    bytes,
                    state,
                });
            }
        }
        Ok(pending)
    }
}

impl Snapshot<'_> {
    /// Streams the recordings that `filter` wants, in the order of (time, id), behind `after`.
    ///
    /// # Errors
    /// When a column is missing; what reading meets later is an item of the iterator.
    pub fn select<'s>(
        &'s self,
        filter: &Filter,
        after: Option<Cursor>,
        direction: Direction,
    ) -> Result<Selected<'s>, IndexError> {
        let lists = filter
            .lists()
            .into_iter()
            .map(|(column, prefix)| {
                let finger = self.finger(column, &KeyRange::prefix(&prefix))?;
                Ok(List {
                    column,
                    prefix,
                    finger,
                })
            })
            .collect::<Result<Vec<_>, IndexError>>()?;
        // The places that may be wanted, both ends included; none when the ends have crossed.
        let mut low = Some(filter.from.map_or(Place::FIRST, Place::at));
        let mut high = filter
            .to
            .map_or(Some(Place::LAST), |to| Place::at(to).previous());
        match (direction, after) {
            (Direction::Forward, Some(Cursor(after))) => {
                low = low.zip(after.next()).map(|(a, b)| a.max(b));
            }
            (Direction::Backward, Some(Cursor(after))) => {
                high = high.zip(after.previous()).map(|(a, b)| a.min(b));
            }
            (_, None) => {}
        }
        let places = low.zip(high).filter(|(low, high)| low <= high);
        Ok(Selected {
            snapshot: self,
            filter: filter.clone(),
            lists,
            places,
            direction,
        })
    }
}

struct List<'a> {
    column: Column,
    prefix: Vec<u8>,
    finger: DBRawIterator<'a>,
}

impl List<'_> {
    /// The first place of this list at `target` or beyond it in `direction`.
    fn reach(&mut self, target: &Place, direction: Direction) -> Result<Option<Place>, IndexError> {
        let mut key = self.prefix.clone();
        key.extend_from_slice(target.as_bytes());
        match direction {
            Direction::Forward => self.finger.seek(&key),
            Direction::Backward => self.finger.seek_for_prev(&key),
        }
        let Some(key) = self.finger.key() else {
            self.finger.status()?;
            return Ok(None);
        };
        let place = (key.len() == self.prefix.len().saturating_add(PLACE_BYTES))
            .then(|| key.get(self.prefix.len()..).and_then(Place::from_bytes))
            .flatten();
        place.map(Some).ok_or(IndexError::Key {
            column: self.column.name(),
        })
    }
}

/// The recordings that a filter wants, one after the other, or the error that ended them.
pub struct Selected<'s> {
    snapshot: &'s Snapshot<'s>,
    filter: Filter,
    lists: Vec<List<'s>>,
    /// Where to look next and where to stop, both included.
    places: Option<(Place, Place)>,
    direction: Direction,
}

impl Selected<'_> {
    /// The next place at which all lists stand.
    fn next_place(&mut self) -> Result<Option<Place>, IndexError> {
        let Some((low, high)) = self.places else {
            return Ok(None);
        };
        let mut target = if self.direction == Direction::Forward {
            low
        } else {
            high
        };
        let mut agreed = 0;
        let count = self.lists.len();
        for n in (0..count).cycle() {
            let Some(place) = self.lists[n].reach(&target, self.direction)? else {
                return Ok(None);
            };
            if place < low || place > high {
                return Ok(None);
            }
            agreed = if place == target { agreed + 1 } else { 1 };
            target = place;
            if agreed == count {
                return Ok(Some(target));
            }
        }
        Ok(None)
    }

    fn next_record(&mut self) -> Result<Option<Record>, IndexError> {
        while let Some(place) = self.next_place()? {
            self.places = self.places.and_then(|(low, high)| match self.direction {
                Direction::Forward => place.next().map(|low| (low, high)),
                Direction::Backward => place.previous().map(|high| (low, high)),
            });
            let record = self
                .snapshot
                .record(place.id())?
                .ok_or_else(|| IndexError::Dangling {
                    column: self.lists.first().map_or("", |l| l.column.name()),
                    id: place.id(),
                })?;
            if self.filter.wants(&record) {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }
}

impl Iterator for Selected<'_> {
    type Item = Result<Record, IndexError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_record().transpose();
        if !matches!(next, Some(Ok(_))) {
            // An error, like the end, is the end.
            self.places = None;
        }
        next
    }
}
