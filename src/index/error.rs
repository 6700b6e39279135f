//! How the index fails.

use std::path::PathBuf;

use thiserror::Error;

use crate::base::{ErrorKind, Explain, RecordingId};

/// The index could not do what was asked.
#[derive(Debug, Error)]
pub enum IndexError {
    /// The file system is full.
    #[error("no room left for the index: {0}")]
    Full(String),
    /// Another process has it open.
    #[error("the index is in use by another process: {0}")]
    Busy(String),
    /// RocksDB found its own files damaged.
    #[error("the index is damaged: {0}")]
    Damaged(String),
    /// RocksDB failed otherwise.
    #[error("the index failed: {0}")]
    Rocks(String),
    /// There is an index already.
    #[error("{0} already holds an index")]
    Exists(PathBuf),
    /// There is no index.
    #[error("{0} holds no index")]
    NotAnIndex(PathBuf),
    /// A later version of this program made it.
    #[error("{path} has format {found}; this program knows formats up to {known}")]
    Newer {
        /// The index.
        path: PathBuf,
        /// Its format, as far as it can be told.
        found: String,
        /// The newest known one.
        known: u32,
    },
    /// An earlier version of this program made it.
    #[error("{path} has format {found}, of an earlier version of recvault")]
    Older {
        /// The index.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// A column is not there although it was opened.
    #[error("the index has no column {0}")]
    ColumnMissing(&'static str),
    /// A row is not what the program writes.
    #[error("the record of {id} cannot be read: {reason}")]
    Row {
        /// Whose record.
        id: RecordingId,
        /// Why.
        reason: String,
    },
    /// A key of a secondary index that this program would not write.
    #[error("column {column} holds a key that is none")]
    Key {
        /// The column.
        column: &'static str,
    },
    /// A secondary index names a recording that has no record.
    #[error("column {column} names {id}, which has no record")]
    Dangling {
        /// The column.
        column: &'static str,
        /// The recording.
        id: RecordingId,
    },
    /// Not a place in a list.
    #[error("'{0}' is not a place in a list")]
    Cursor(String),
    /// A dump could not be written.
    #[error("writing the dump: {0}")]
    Dump(#[from] std::io::Error),
}

impl From<rocksdb::Error> for IndexError {
    fn from(e: rocksdb::Error) -> Self {
        let text = e.as_ref().to_owned();
        // RocksDB's C face has no codes for these; the words are the system's.
        if text.contains("No space left") || text.contains("quota exceeded") {
            Self::Full(text)
        } else if text.contains("lock file") || text.contains("lock hold by current process") {
            Self::Busy(text)
        } else if e.kind() == rocksdb::ErrorKind::Corruption {
            Self::Damaged(text)
        } else {
            Self::Rocks(text)
        }
    }
}

impl Explain for IndexError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Busy(_) => ErrorKind::Busy,
            Self::Exists(_)
            | Self::NotAnIndex(_)
            | Self::Newer { .. }
            | Self::Older { .. }
            | Self::Cursor(_) => ErrorKind::Usage,
            Self::Damaged(_) | Self::Row { .. } | Self::Key { .. } | Self::Dangling { .. } => {
                ErrorKind::Integrity
            }
            Self::ColumnMissing(_) => ErrorKind::Defect,
            Self::Full(_) | Self::Rocks(_) | Self::Dump(_) => ErrorKind::Fault,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Full(_) => "nothing was deleted to make room; add space, then run it again",
            Self::Busy(_) => "one process owns a store at a time; wait for it or ask it",
            Self::Damaged(_) | Self::Row { .. } | Self::Key { .. } | Self::Dangling { .. } => {
                "the ledger is the truth; the index can be rebuilt from it"
            }
            Self::NotAnIndex(_) | Self::Older { .. } => {
                "recvault rebuild makes it anew from the ledger"
            }
            Self::Newer { .. } => "use the version of recvault that made it, or a later one",
            Self::Cursor(_) => "give the one that the page before ended with",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
