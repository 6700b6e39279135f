//! How the ledger fails.

use std::{
    io,
    path::{Path, PathBuf},
};

use thiserror::Error;

use crate::base::{ErrorKind, Explain, limits::EVENT_BYTES_MAX};

/// The ledger could not do what was asked.
#[derive(Debug, Error)]
pub enum LedgerError {
    /// The file system is full, or our quota of it.
    #[error("no room left for {path}")]
    Full {
        /// What could not be written.
        path: PathBuf,
    },
    /// The system refused an operation.
    #[error("{doing} {path}: {source}")]
    Io {
        /// What was being done, such as `opening`.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An fsync failed: what the disk holds is unknown, and asking again would not tell.
    #[error("{path} could not be made durable: {source}")]
    Fsync {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line that cannot be one.
    #[error(
        "line {line} (from 0) is {bytes} bytes, empty, or holds a line end; at most {EVENT_BYTES_MAX} bytes are allowed"
    )]
    Line {
        /// The number that it has or would have had.
        line: u64,
        /// Its length, as far as it is known.
        bytes: usize,
    },
    /// There is a torn last line, which recovery must look at first.
    #[error("the last {bytes} bytes of {path} are a torn line")]
    Torn {
        /// The file.
        path: PathBuf,
        /// How long the piece is.
        bytes: u64,
    },
    /// An earlier write failed; nothing is appended to what that may have left.
    #[error("{path} takes no more lines after a failed write")]
    Failed {
        /// The file.
        path: PathBuf,
    },
    /// Fewer lines than were asked about.
    #[error("{path} has {len} lines, not {asked}")]
    Beyond {
        /// The file.
        path: PathBuf,
        /// The length asked about.
        asked: u64,
        /// Its length.
        len: u64,
    },
    /// A line is not the one that was chained.
    #[error("{path}: line {line} (from 0) is not the one that was written")]
    Broken {
        /// The file.
        path: PathBuf,
        /// The first such line.
        line: u64,
    },
}

impl LedgerError {
    pub(super) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
            _ => Self::Io {
                doing,
                path,
                source,
            },
        }
    }

    pub(super) fn fsync(path: &Path, source: io::Error) -> Self {
        Self::Fsync {
            path: path.to_owned(),
            source,
        }
    }
}

impl Explain for LedgerError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Broken { .. } | Self::Beyond { .. } => ErrorKind::Integrity,
            Self::Line { .. } | Self::Failed { .. } => ErrorKind::Defect,
            _ => ErrorKind::Fault,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Full { .. } => {
                "add space; what the index holds is written here at the next start"
            }
            Self::Fsync { .. } => "look at the system log for disk errors before the next night",
            Self::Torn { .. } => "start the store normally: recovery completes the line",
            Self::Broken { .. } | Self::Beyond { .. } => {
                "keep the file as it is and compare it with a backup and with published heads"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
