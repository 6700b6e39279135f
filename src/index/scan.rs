//! Reading rows in order, from the index as it was at one instant.

use rocksdb::{DBIterator, DBRawIterator, IteratorMode, ReadOptions};

use super::{
    Column, Index, IndexError,
    keys::{self, PLACE_BYTES, Place},
    rows,
};
use crate::{base::RecordingId, recording::Record};

/// Which way a list is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Least key first; of recordings, the oldest.
    #[default]
    Forward,
    /// Greatest key first; of recordings, the newest.
    Backward,
}

/// A stretch of keys, without its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRange {
    /// The first key of it.
    pub from: Vec<u8>,
    /// The first key behind it; `None` to the end of the column.
    pub to: Option<Vec<u8>>,
}

impl KeyRange {
    /// Every key.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Every key that begins with `prefix`.
    #[must_use]
    pub fn prefix(prefix: &[u8]) -> Self {
        Self {
            from: prefix.to_vec(),
            to: keys::after_prefix(prefix),
        }
    }

    /// Every key from `from` on.
    #[must_use]
    pub fn starting(from: impl Into<Vec<u8>>) -> Self {
        Self {
            from: from.into(),
            to: None,
        }
    }

    /// Every key from `from` on that is less than `to`.
    #[must_use]
    pub fn between(from: impl Into<Vec<u8>>, to: impl Into<Vec<u8>>) -> Self {
        Self {
            from: from.into(),
            to: Some(to.into()),
        }
    }

    fn options(&self) -> ReadOptions {
        let mut options = ReadOptions::default();
        options.set_iterate_lower_bound(self.from.clone());
        if let Some(to) = &self.to {
            options.set_iterate_upper_bound(to.clone());
        }
        options
    }
}

/// The index as it was when the snapshot was taken.
pub struct Snapshot<'a> {
    index: &'a Index,
    inner: rocksdb::Snapshot<'a>,
}

impl<'a> Snapshot<'a> {
    pub(super) fn new(index: &'a Index) -> Self {
        Self {
            index,
            inner: index.db.snapshot(),
        }
    }

    /// The value under `key`.
    ///
    /// # Errors
    /// As RocksDB says.
    pub fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, IndexError> {
        Ok(self.inner.get_cf(self.index.column(column)?, key)?)
    }

    /// The record of a recording.
    ///
    /// # Errors
    /// As RocksDB says, or when the row cannot be read.
    pub fn record(&self, id: RecordingId) -> Result<Option<Record>, IndexError> {
        self.get(Column::Records, id.as_bytes())?
            .map(|row| rows::read_record(id, &row))
            .transpose()
    }

    /// The rows of `range` in order.
    ///
    /// # Errors
    /// When the column is missing; what reading meets later is an item of the iterator.
    pub fn scan(
        &self,
        column: Column,
        range: &KeyRange,
        direction: Direction,
    ) -> Result<Scan<'_>, IndexError> {
        let options = range.options();
        let mode = match direction {
            Direction::Forward => IteratorMode::Start,
            Direction::Backward => IteratorMode::End,
        };
        Ok(Scan {
            rows: self
                .inner
                .iterator_cf_opt(self.index.column(column)?, options, mode),
        })
    }

    /// The places at the ends of the keys of `range`, in order.
    ///
    /// # Errors
    /// As reading says, or when a key does not end in one.
    pub fn places(&self, column: Column, range: &KeyRange) -> Result<Vec<Place>, IndexError> {
        let rows = self.scan(column, range, Direction::Forward)?;
        rows.map(|row| {
            let (key, _) = row?;
            let at = key.len().checked_sub(PLACE_BYTES);
            at.and_then(|at| Place::from_bytes(key.get(at..)?))
                .ok_or(IndexError::Key {
                    column: column.name(),
                })
        })
        .collect()
    }

    /// The last row of a column.
    ///
    /// # Errors
    /// As RocksDB says.
    pub fn last(&self, column: Column) -> Result<Option<Row>, IndexError> {
        self.scan(column, &KeyRange::all(), Direction::Backward)?
            .next()
            .transpose()
    }

    /// Whether no column has a row.
    pub(super) fn is_empty(&self) -> Result<bool, IndexError> {
        for column in Column::ALL {
            if self.last(column)?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A finger that can be set anywhere in `range`.
    pub(super) fn finger(
        &self,
        column: Column,
        range: &KeyRange,
    ) -> Result<DBRawIterator<'_>, IndexError> {
        let options = range.options();
        Ok(self
            .inner
            .raw_iterator_cf_opt(self.index.column(column)?, options))
    }
}

impl std::fmt::Debug for Snapshot<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").field("of", self.index).finish()
    }
}

/// A key and its value.
pub type Row = (Box<[u8]>, Box<[u8]>);

/// Rows in order, or the error that ended them.
pub struct Scan<'a> {
    rows: DBIterator<'a>,
}

impl Iterator for Scan<'_> {
    type Item = Result<Row, IndexError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rows.next().map(|row| row.map_err(IndexError::from))
    }
}
