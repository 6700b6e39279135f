//! How the vault fails.

use std::{io, path::PathBuf};

use thiserror::Error;

use super::Fixity;
use crate::base::{Digest, ErrorKind, Explain, RecordingId};

/// The vault could not do what was asked.
#[derive(Debug, Error)]
pub enum VaultError {
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
    /// The source could not be read.
    #[error("the source could not be read near byte {at}: {source}")]
    SourceUnreadable {
        /// The offset at which it was tried.
        at: u64,
        /// What the system said.
        source: io::Error,
    },
    /// The source is a folder, pipe, device or the like.
    #[error("the source is not a regular file")]
    SourceNotRegular,
    /// The source was written to while it was copied.
    #[error("the source changed while it was copied: {what}")]
    SourceChanged {
        /// What differs, such as its size.
        what: String,
    },
    /// The disk gives back other bytes than were written to it.
    #[error("{path} was read back differently from chunk {chunk} on")]
    CopyDiffers {
        /// The staging file.
        path: PathBuf,
        /// The first 256 KiB chunk that differs, from 0.
        chunk: u64,
    },
    /// There is no such object.
    #[error("object {id} is not in the vault: {path} does not exist")]
    Missing {
        /// Head of its digest.
        id: RecordingId,
        /// Where it should lie.
        path: PathBuf,
    },
    /// The sidecar has fewer lines than the first new line presumes.
    #[error("sidecar of {id} has {have} lines, the next one given is line {first} (from 0)")]
    SidecarGap {
        /// Whose sidecar.
        id: RecordingId,
        /// Whole lines in it.
        have: u64,
        /// Number of the first line given.
        first: u64,
    },
    /// A line in the sidecar is not the one given.
    #[error("sidecar of {id}: line {line} (from 0) is not the one that the ledger holds")]
    SidecarDiffers {
        /// Whose sidecar.
        id: RecordingId,
        /// Which line.
        line: u64,
    },
    /// A sidecar line is empty or holds a line end.
    #[error("sidecar of {id}: a line must not be empty or hold a line end")]
    SidecarLine {
        /// Whose sidecar.
        id: RecordingId,
    },
    /// An extension of other than 1–8 lower-case letters and digits.
    #[error("'{0}' is not a file-name extension: 1 to 8 of a–z and 0–9")]
    Extension(String),
    /// Something is already there.
    #[error("{0} already exists")]
    Exists(PathBuf),
    /// A part of a vault's layout is not there.
    #[error("{0} is not there, so this is not a vault")]
    NotAVault(PathBuf),
    /// More bad copies of one object than anybody could look at.
    #[error("{digest} already has {count} copies put aside")]
    AsideFull {
        /// Of which object.
        digest: Digest,
        /// How many.
        count: u32,
    },
    /// What was to be copied is not what its name says.
    #[error("{path}: {}", was.words())]
    Unsound {
        /// The copy.
        path: PathBuf,
        /// What is wrong with it.
        was: Fixity,
    },
    /// Neither copy of an original is what its name says.
    #[error(
        "both copies of {id} are bad: of the original, {}; of the mirror, {}; neither was touched",
        original.words(), mirror.words()
    )]
    BothBad {
        /// Of which recording.
        id: RecordingId,
        /// What re-reading the original showed.
        original: Fixity,
        /// What re-reading its mirror showed.
        mirror: Fixity,
    },
    /// A mirror was asked for where none is configured.
    #[error("the store has no mirror")]
    NoMirror,
    /// The mirror is not where it should be.
    #[error("{0} holds no mirror: its medium is not mounted, or none was ever laid out there")]
    MirrorAway(PathBuf),
    /// What lies there is the mirror of another store.
    #[error("{path} is the mirror of another store: its mark is {found}, this store's is {own}")]
    MirrorForeign {
        /// Where.
        path: PathBuf,
        /// The mark that it bears.
        found: String,
        /// The mark that it should bear.
        own: String,
    },
    /// The mirror is the original.
    #[error("{0} lies in the store itself and cannot be its mirror")]
    MirrorIsStore(PathBuf),
    /// The mirror's sidecar is not the beginning of the original's.
    #[error(
        "the mirror's sidecar of {id} is not the beginning of the original's: line {line} (from 0) is another"
    )]
    MirrorSidecarDiffers {
        /// Whose sidecar.
        id: RecordingId,
        /// The first line that differs, or that the original's does not have.
        line: u64,
    },
    /// What the vault is compared with must come in the order of digests.
    #[error("what is known of {digest} was given after what is known of a later digest")]
    Disorder {
        /// The digest that came too late.
        digest: Digest,
    },
}

impl VaultError {
    /// Sorts out a full disk from every other refusal.
    pub(super) fn io(
        doing: &'static str,
        path: impl Into<PathBuf>,
        source: impl Into<io::Error>,
    ) -> Self {
        let (path, source) = (path.into(), source.into());
        if matches!(
            source.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        ) {
            Self::Full { path }
        } else {
            Self::Io {
                doing,
                path,
                source,
            }
        }
    }

    /// Of an fsync. A full disk may first say so here (delayed allocation), which is no less fatal.
    pub(super) fn fsync(path: impl Into<PathBuf>, source: impl Into<io::Error>) -> Self {
        Self::Fsync {
            path: path.into(),
            source: source.into(),
        }
    }
}

impl Explain for VaultError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Missing { .. }
            | Self::SidecarDiffers { .. }
            | Self::MirrorSidecarDiffers { .. }
            | Self::Unsound { .. }
            | Self::BothBad { .. } => ErrorKind::Integrity,
            Self::Exists(_)
            | Self::NotAVault(_)
            | Self::NoMirror
            | Self::MirrorForeign { .. }
            | Self::MirrorIsStore(_) => ErrorKind::Usage,
            Self::SidecarGap { .. }
            | Self::SidecarLine { .. }
            | Self::Extension(_)
            | Self::Disorder { .. } => ErrorKind::Defect,
            _ => ErrorKind::Fault,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Full { .. } => {
                "nothing was deleted to make room; add space, then run the night again"
            }
            Self::Fsync { .. } => "look at the system log for disk errors before the next night",
            Self::SourceChanged { .. } => "it is still being written; the next night takes it",
            Self::SourceUnreadable { .. } => "copy it off its medium while that still works",
            Self::CopyDiffers { .. } => {
                "disk, cable or memory is failing; the source was left where it is"
            }
            Self::Missing { .. } => "restore it from the mirror or a backup",
            Self::SidecarDiffers { .. } => {
                "compare it with the ledger; the ledger is authoritative"
            }
            Self::NotAVault(_) => "run `recvault init` on an empty folder",
            Self::AsideFull { .. } => "look at the folder .aside and at the disk's health",
            Self::Unsound { .. } => "the other copy may be good: repair from it",
            Self::BothBad { .. } => {
                "keep both disks as they are; look for a third copy: a backup, an export, the recorder"
            }
            Self::NoMirror => "name a folder on another file system as `mirror` under [store]",
            Self::MirrorAway(_) => {
                "mount it and run the command again; a new mirror has to be laid out first"
            }
            Self::MirrorForeign { .. } => "mount the right medium, or name an empty folder",
            Self::MirrorIsStore(_) => "name a folder on another file system",
            Self::MirrorSidecarDiffers { .. } => {
                "compare both with the ledger; the ledger is authoritative"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
