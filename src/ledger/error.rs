//! How the ledger fails.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use thiserror::Error;

use crate::{
    base::{ErrorKind, Explain, limits::EVENT_BYTES_MAX},
    proof::ProofError,
};

/// The ledger could not do what was asked, or is not what it was.
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
        "event {event} (from 0) is {bytes} bytes, empty, or holds a line end; at most {EVENT_BYTES_MAX} bytes are allowed"
    )]
    Line {
        /// The number that it would have had.
        event: u64,
        /// Its length.
        bytes: usize,
    },
    /// The tail ends in something that is not a whole event.
    #[error("the last {bytes} bytes of {path} are not a whole event")]
    Torn {
        /// The file.
        path: PathBuf,
        /// How long the piece is.
        bytes: u64,
    },
    /// An earlier write failed; nothing is appended to what that may have left.
    #[error("{path} takes no more events after a failed write")]
    Failed {
        /// The folder.
        path: PathBuf,
    },
    /// Fewer events than were asked about.
    #[error("{path} has {len} events, not {asked}")]
    Beyond {
        /// The folder.
        path: PathBuf,
        /// The length asked about.
        asked: u64,
        /// Its length.
        len: u64,
    },
    /// Fewer events than the log has published.
    #[error("{path} has {len} events, but its checkpoint was signed over {published}")]
    Behind {
        /// The folder.
        path: PathBuf,
        /// Its length.
        len: u64,
        /// What the checkpoint says.
        published: u64,
    },
    /// The checkpoint is not one that the log's key has signed.
    #[error("{path}: {why}")]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: ProofError,
    },
    /// A file is not what was written.
    #[error("{path}{}: {what}", Place(.event))]
    Broken {
        /// The file.
        path: PathBuf,
        /// The first event concerned, counted from 0, where one can be named.
        event: Option<u64>,
        /// What is wrong.
        what: Damage,
    },
}

/// What can be wrong with a file of the log.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Damage {
    /// It is not there.
    #[error("it is missing")]
    Missing,
    /// There are too few or too many bytes.
    #[error("it has a length that such a file cannot have")]
    Length,
    /// An event is empty, too long, holds a line end, or is cut off.
    #[error("what stands there is not an event")]
    Entry,
    /// The event's hash is another one than the tree has.
    #[error("this is not the event that was written")]
    Event,
    /// The hash is not that of what lies below it.
    #[error("the hash is not that of the events up to {end}")]
    Hash {
        /// One beyond the last event that the hash is over.
        end: u64,
    },
    /// A partial file differs from the full one.
    #[error("it is not the beginning of what was written later")]
    Partial,
    /// The log is shorter than the file says.
    #[error("it lies beyond the end of the log")]
    Beyond,
    /// A log has no such file.
    #[error("a log has no such file")]
    Stranger,
    /// The root that was signed is not the one of these events.
    #[error("the signed root is not that of the first {size} events")]
    Root {
        /// How many events the checkpoint speaks of.
        size: u64,
    },
    /// The file is longer or shorter than this process left it.
    #[error("somebody else has written to it")]
    Changed,
}

/// The event in a sentence, where there is one.
struct Place<'a>(&'a Option<u64>);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(event) => write!(f, ", event {event} (from 0)"),
            None => Ok(()),
        }
    }
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

    pub(super) fn broken(path: PathBuf, event: impl Into<Option<u64>>, what: Damage) -> Self {
        let event = event.into();
        Self::Broken { path, event, what }
    }
}

impl Explain for LedgerError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Broken { .. }
            | Self::Beyond { .. }
            | Self::Behind { .. }
            | Self::Checkpoint { .. } => ErrorKind::Integrity,
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
            Self::Torn { .. } => "start the store normally: recovery completes the event",
            Self::Checkpoint { .. } => {
                "compare the log's key and its checkpoint with those that a witness has seen"
            }
            Self::Behind { .. } => {
                "the ledger was put back to an older state; restore the newer one, nothing was changed"
            }
            Self::Broken { .. } | Self::Beyond { .. } => {
                "keep the folder as it is and compare it with a backup and with cosigned checkpoints"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
