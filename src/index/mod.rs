//! Layer 4. What the events add up to, where it is found fast. RocksDB, and nowhere else.
//!
//! - The index is never the only truth: all of it but `cache_*` is a fold of the ledger, and
//!   [`Index::dump`] shows two indexes equal byte for byte.
//! - A [`Batch`] is committed whole and synced, over all columns, or not at all.
//! - Readers see a [`Snapshot`]; they neither wait for the writer nor see half of a batch.
//! - Recovery of the write-ahead log is `PointInTime`: a tail torn by a kill is dropped, a hole in
//!   the middle is not jumped over. That nothing acknowledged is missing, the caller checks
//!   against the ledger.
//!
//! It fails by [`IndexError`]. After a failed commit RocksDB takes no more writes until it is
//! opened again; nothing here retries.

mod batch;
mod column;
mod dump;
mod error;
pub mod keys;
mod memo;
mod open;
mod query;
mod rows;
mod scan;

pub use batch::Batch;
pub use column::Column;
pub use dump::Difference;
pub use error::IndexError;
pub use memo::Memo;
pub use open::FORMAT;
pub use query::{Cursor, Filter, Found, Page, Pending, Selected};
pub use rows::{delete_record, put_memo, put_record};
pub use scan::{Direction, KeyRange, Row, Scan, Snapshot};

use rocksdb::{ColumnFamily, DB, WaitForCompactOptions, WriteBatch, WriteOptions};

use crate::{base::RecordingId, recording::Record};

/// An open index. One process at a time: RocksDB's own lock sees to that.
pub struct Index {
    db: DB,
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index")
            .field("path", &self.db.path())
            .finish()
    }
}

impl Index {
    /// Commits a batch. When this returns, all of it is on the disk.
    ///
    /// # Errors
    /// When RocksDB could not write or sync; none of it counts then, and the index takes no more.
    pub fn commit(&self, batch: &Batch) -> Result<(), IndexError> {
        let mut all = WriteBatch::default();
        for (column, key, value) in batch.changes() {
            let column = self.column(column)?;
            match value {
                Some(value) => all.put_cf(column, key, value),
                None => all.delete_cf(column, key),
            }
        }
        let mut synced = WriteOptions::default();
        synced.set_sync(true);
        self.db.write_opt(all, &synced).map_err(IndexError::from)
    }

    /// The value under `key`.
    ///
    /// # Errors
    /// As RocksDB says.
    pub fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, IndexError> {
        Ok(self.db.get_cf(self.column(column)?, key)?)
    }

    /// The values under `keys`, in their order.
    ///
    /// # Errors
    /// As RocksDB says.
    pub fn multi_get<K: AsRef<[u8]>>(
        &self,
        column: Column,
        keys: &[K],
    ) -> Result<Vec<Option<Vec<u8>>>, IndexError> {
        let mut values = Vec::with_capacity(keys.len());
        let column = self.column(column)?;
        // In parts, for every value of a part is held in the cache until it is copied.
        for part in keys.chunks(MULTI_GET_KEYS) {
            for value in self
                .db
                .batched_multi_get_cf(column, part.iter().map(K::as_ref), false)
            {
                values.push(value?.map(|v| v.to_vec()));
            }
        }
        Ok(values)
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

    /// The records whose id begins with these characters, `limit` at most, in the order of ids.
    /// None when they cannot begin an id.
    ///
    /// # Errors
    /// As RocksDB says, or when a row cannot be read.
    pub fn records_beginning(&self, id: &str, limit: usize) -> Result<Vec<Record>, IndexError> {
        let Some((first, last)) = keys::ids_beginning(id) else {
            return Ok(Vec::new());
        };
        let range = KeyRange {
            from: first.as_bytes().to_vec(),
            // An id is ten bytes: one byte more lies between the last and the one behind it.
            to: Some([last.as_bytes().as_slice(), &[0]].concat()),
        };
        let snapshot = self.snapshot();
        let rows = snapshot.scan(Column::Records, &range, Direction::Forward)?;
        rows.take(limit)
            .map(|row| {
                let (key, row) = row?;
                let id = RecordingId::new(
                    (*key)
                        .try_into()
                        .map_err(|_| IndexError::Key { column: "records" })?,
                );
                rows::read_record(id, &row)
            })
            .collect()
    }

    /// The index as it is now, for as long as the snapshot lives.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot<'_> {
        Snapshot::new(self)
    }

    /// What is remembered of files under these paths below the inbox, in their order. A row that
    /// cannot be read counts as none: it only costs hashing the file again.
    ///
    /// # Errors
    /// As RocksDB says.
    pub fn memo_get_many<K: AsRef<[u8]>>(
        &self,
        paths: &[K],
    ) -> Result<Vec<Option<Memo>>, IndexError> {
        let rows = self.multi_get(Column::CacheMemo, paths)?;
        Ok(rows.into_iter().map(|row| Memo::from_row(&row?)).collect())
    }

    /// Waits until everything that was written lies in tables and these are merged: after a mass of
    /// changes, reading is then as fast as it will be.
    ///
    /// # Errors
    /// As RocksDB says.
    pub fn settle(&self) -> Result<(), IndexError> {
        let mut options = WaitForCompactOptions::default();
        options.set_flush(true);
        Ok(self.db.wait_for_compact(&options)?)
    }

    fn column(&self, column: Column) -> Result<&ColumnFamily, IndexError> {
        self.db
            .cf_handle(column.name())
            .ok_or(IndexError::ColumnMissing(column.name()))
    }
}

/// Keys asked for in one call of RocksDB.
const MULTI_GET_KEYS: usize = 1_024;

#[cfg(test)]
mod tests;
