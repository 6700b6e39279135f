//! Layer 4. Immutable objects. Once published, an object is read-only until disposal.
//!
//! ```text
//! originals/ab/cd/<sha256>          0400   the bytes of a recording
//! originals/ab/cd/<id>.jsonl        0600   its sidecar: one line per event of its life
//! originals/.staging/               what is being copied; empty between nights
//! originals/.aside/                 bad copies and what must not come back
//! originals/.store                  0400   the number that the mirror bears too
//! renditions/ab/cd/<sha256>.<ext>   0400   what was made from it
//! renditions/.staging/, .aside/
//!
//! MIRROR/originals/                 as above, but `.mirror` in place of `.store`
//! ```
//!
//! - A name is a digest: nothing from outside ever becomes a path.
//! - Nothing is overwritten. A bad object is replaced only by bytes that have its digest, and is
//!   itself kept aside.
//! - [`Staged`] means: on the disk, re-read, equal to the source. Only `Staged` can be published.
//! - Two shelves and the mirror, each with a staging folder of its own, so that each may be a file
//!   system of its own.
//! - A mirror that is away is not an empty one, and a stranger's is none.
//! - Bytes leave by [`Vault::remove`] and by no other way, and it asks for a [`Doomed`].
//!
//! The steps of its write orders are points of [`crate::base::killpoint`]. Killed at any of them,
//! the same call does the rest.
//!
//! The vault fails by [`VaultError`]. An error of fsync leaves nothing published and is not
//! retried. One process owns a vault at a time; that is the owner's lock, not the vault's.

mod aside;
mod error;
mod fixity;
mod linked;
mod mirror;
mod orphans;
mod regain;
mod remove;
mod repair;
mod scratch;
mod shelf;
mod sidecar;
mod slice;
mod stage;
mod way;

use std::{
    collections::BTreeSet,
    fs::File,
    path::{Path, PathBuf},
    sync::Mutex,
};

pub use aside::Swept;
pub use error::VaultError;
pub use fixity::{Copies, Fixity};
pub use linked::{Linked, Unsettled};
pub use mirror::Mirrored;
pub use orphans::{Known, Part, ShelfName, Stray, Thing};
pub use remove::{Doomed, Removed};
pub use repair::Repaired;
pub use scratch::Output;
pub use slice::{CYCLE_DAYS_MAX, slice_of, stretch_of};
pub use stage::{Placed, Published, Staged};

use crate::base::Digest;
use mirror::Mirror;
use shelf::Shelf;

/// The originals and renditions below one root, and the mirror of the originals below another.
#[derive(Debug)]
pub struct Vault {
    originals: Shelf,
    renditions: Shelf,
    mirror: Option<Mirror>,
    /// Originals whose sidecar has lines that are not synced.
    unsynced: Mutex<BTreeSet<Digest>>,
}

/// Room on a file system, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// What we may still write.
    pub free_bytes: u64,
    /// What there is in all.
    pub total_bytes: u64,
}

impl Vault {
    /// Lays out an empty vault below `root`, which must exist.
    ///
    /// # Errors
    /// [`VaultError::Exists`] when there is one; else as creating says.
    pub fn create(root: &Path) -> Result<Self, VaultError> {
        Shelf::create(&root.join("originals"))?;
        Shelf::create(&root.join("renditions"))?;
        Self::open(root, None)
    }

    /// Opens the vault below `root`, and below `mirror` its mirror. The mirror need not be there:
    /// [`Vault::check_mirror`] says whether it is, and so does every call that needs it.
    ///
    /// # Errors
    /// [`VaultError::NotAVault`] when a part of it is missing.
    pub fn open(root: &Path, mirror: Option<&Path>) -> Result<Self, VaultError> {
        Ok(Self {
            originals: Shelf::open(&root.join("originals"))?,
            renditions: Shelf::open(&root.join("renditions"))?,
            mirror: mirror.map(Mirror::at),
            unsynced: Mutex::default(),
        })
    }

    /// Where the original with this digest lies, for people; code opens it by digest.
    #[must_use]
    pub fn object_path(&self, digest: &Digest) -> PathBuf {
        self.originals.path_of(digest, None)
    }

    /// Where a rendition lies, for people.
    #[must_use]
    pub fn rendition_path(&self, digest: &Digest, extension: &str) -> PathBuf {
        self.renditions.path_of(digest, Some(extension))
    }

    /// Opens an original for reading.
    ///
    /// # Errors
    /// [`VaultError::Missing`] when there is none.
    pub fn open_object(&self, digest: &Digest) -> Result<File, VaultError> {
        self.originals.open_object(digest, None)
    }

    /// Opens a rendition for reading.
    ///
    /// # Errors
    /// [`VaultError::Missing`] when there is none.
    pub fn open_rendition(&self, digest: &Digest, extension: &str) -> Result<File, VaultError> {
        shelf::check_extension(extension)?;
        self.renditions.open_object(digest, Some(extension))
    }

    /// The digests of all originals, in order; for comparing the vault with what is known of it.
    ///
    /// # Errors
    /// As listing the folders says.
    pub fn objects(&self) -> Result<Vec<Digest>, VaultError> {
        self.originals.objects()
    }

    /// Room on the file system of the originals.
    ///
    /// # Errors
    /// As the system says.
    pub fn space(&self) -> Result<Space, VaultError> {
        self.originals.space()
    }

    /// Room on the file system of the renditions, which may be the same.
    ///
    /// # Errors
    /// As the system says.
    pub fn rendition_space(&self) -> Result<Space, VaultError> {
        self.renditions.space()
    }
}

#[cfg(test)]
mod tests;
