//! How the store fails.

use std::{io, path::PathBuf};

use thiserror::Error;

use super::fold::FoldError;
use crate::{
    base::{ErrorKind, Explain, RecordingId},
    event::LineError,
    index::IndexError,
    ledger::LedgerError,
    proof::{KeyError, ProofError},
    vault::VaultError,
};

/// The store could not do what was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The vault's word.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The index's word.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The ledger's word.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The log's key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A note, a proof or a key of the log is not one.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// An event's word.
    #[error(transparent)]
    Line(#[from] LineError),
    /// Events that do not add up.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// The details could not be written.
    #[error("ledger/details.jsonl: {0}")]
    Details(io::Error),
    /// A row cannot be read.
    #[error("a row of the index cannot be read: {0}")]
    Rows(String),
    /// An earlier write failed.
    #[error("the store takes no more, because a write failed: {0}")]
    Broken(String),
    /// The store is being closed.
    #[error("the store is being closed")]
    Closed,
    /// The ledger holds more than the index.
    #[error("the ledger holds {ledger} events and the index only {index}")]
    IndexBehind {
        /// Events in the ledger.
        ledger: u64,
        /// Events in the index.
        index: u64,
    },
    /// Ledger and index disagree.
    #[error("event {n} is not the same in the ledger and in the index")]
    Disagree {
        /// The event.
        n: u64,
    },
    /// Two recordings whose digests begin with the same 80 bits.
    #[error("recording {id} is in the store with another digest")]
    SameHead {
        /// The id.
        id: RecordingId,
    },
    /// A folder could not be made.
    #[error("{path} cannot be made: {source}")]
    Layout {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is something already.
    #[error("{0} is not an empty folder")]
    NotEmpty(PathBuf),
}

impl Explain for StoreError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Vault(e) => e.kind(),
            Self::Index(e) => e.kind(),
            Self::Ledger(e) => e.kind(),
            Self::Key(e) => e.kind(),
            Self::Proof(e) => e.kind(),
            Self::Line(e) => e.kind(),
            Self::Fold(e) => e.kind(),
            Self::Details(_) | Self::Broken(_) | Self::Closed | Self::Layout { .. } => {
                ErrorKind::Fault
            }
            Self::Rows(_)
            | Self::IndexBehind { .. }
            | Self::Disagree { .. }
            | Self::SameHead { .. } => ErrorKind::Integrity,
            Self::NotEmpty(_) => ErrorKind::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Vault(e) => return e.hint(),
            Self::Index(e) => return e.hint(),
            Self::Ledger(e) => return e.hint(),
            Self::Key(e) => return e.hint(),
            Self::Proof(e) => return e.hint(),
            Self::Line(e) => return e.hint(),
            Self::IndexBehind { .. } => {
                "the index was restored from an older copy; restore the newer one, nothing was changed"
            }
            Self::Disagree { .. } => {
                "one of the two was altered; keep both as they are and compare with a copy from elsewhere"
            }
            Self::Broken(_) => {
                "look at the disk, then run the command again: what was committed is safe"
            }
            Self::NotEmpty(_) => "name a folder that does not exist yet",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
