//! Whether an object, or each of its two copies, still is what its name says. The answer is the
//! disk's: the page cache is dropped first and passed by where the file system allows it.

use std::fs::File;

use super::{Vault, VaultError, shelf::Shelf};
use crate::{base::Digest, hashing::hash_file};

/// What re-reading an object from the disk showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fixity {
    /// Its bytes have the digest that is its name.
    Sound {
        /// Its size.
        bytes: u64,
    },
    /// There is no such object.
    Missing,
    /// Its bytes have another digest.
    Altered {
        /// The digest they have.
        found: Digest,
        /// How many bytes there are.
        bytes: u64,
    },
    /// It could not be opened or read to its end.
    Unreadable {
        /// What the system said.
        error: String,
    },
}

impl Fixity {
    /// Whether its bytes have the digest that is its name.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        matches!(self, Self::Sound { .. })
    }

    /// The fact as a sentence for a person.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Sound { bytes } => format!("sound, {bytes} bytes"),
            Self::Missing => "there is no such object".into(),
            Self::Altered { found, bytes } => {
                format!("its {bytes} bytes have the digest {found}")
            }
            Self::Unreadable { error } => format!("unreadable: {error}"),
        }
    }
}

/// What re-reading both copies of an original showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copies {
    /// The original.
    pub original: Fixity,
    /// Its mirror; `None` when the store has none.
    pub mirror: Option<Fixity>,
}

impl Copies {
    /// Whether every copy that there should be is sound.
    #[must_use]
    pub fn are_sound(&self) -> bool {
        self.original.is_sound() && self.mirror.as_ref().is_none_or(Fixity::is_sound)
    }
}

impl Vault {
    /// Re-reads an original and its mirror from their disks. Whether an object that was never
    /// mirrored should have been is for the caller to know: here its mirror is missing.
    ///
    /// # Errors
    /// [`VaultError::MirrorAway`] and the like: a mirror that is not there tells nothing about
    /// its copies. [`Vault::verify_object`] re-reads the original alone.
    pub fn copies(&self, digest: &Digest) -> Result<Copies, VaultError> {
        let mirror = match self.has_mirror() {
            true => Some(self.mirror_shelf()?),
            false => None,
        };
        Ok(Copies {
            original: self.originals.verify(digest, None),
            mirror: mirror.map(|shelf| shelf.verify(digest, None)),
        })
    }

    /// Re-reads an original from the disk and compares it with its name.
    #[must_use]
    pub fn verify_object(&self, digest: &Digest) -> Fixity {
        self.originals.verify(digest, None)
    }

    /// Re-reads a rendition from the disk and compares it with its name.
    #[must_use]
    pub fn verify_rendition(&self, digest: &Digest, extension: &str) -> Fixity {
        self.renditions.verify(digest, Some(extension))
    }
}

impl Shelf {
    pub(super) fn verify(&self, digest: &Digest, extension: Option<&str>) -> Fixity {
        let file = match self.open_regular(digest, extension) {
            Ok(file) => file,
            Err(other) => return other,
        };
        match hash_file(&file) {
            Ok(h) if h.digest == *digest => Fixity::Sound { bytes: h.bytes },
            Ok(h) => Fixity::Altered {
                found: h.digest,
                bytes: h.bytes,
            },
            Err(e) => Fixity::Unreadable {
                error: e.to_string(),
            },
        }
    }

    /// Opens an object that is a file, or says what is there instead.
    pub(super) fn open_regular(
        &self,
        digest: &Digest,
        extension: Option<&str>,
    ) -> Result<File, Fixity> {
        match self.open_object(digest, extension) {
            Ok(file) if file.metadata().is_ok_and(|m| m.is_file()) => Ok(file),
            Ok(_) => Err(Fixity::Unreadable {
                error: "not a regular file".into(),
            }),
            Err(VaultError::Missing { .. }) => Err(Fixity::Missing),
            Err(e) => Err(Fixity::Unreadable {
                error: e.to_string(),
            }),
        }
    }
}
