//! Whether an object still is what its name says.

use crate::base::Digest;

use super::{Vault, VaultError, shelf::Shelf};
use crate::hashing::hash_file;

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

impl Vault {
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
        let file = match self.open_object(digest, extension) {
            Ok(file) => file,
            Err(VaultError::Missing { .. }) => return Fixity::Missing,
            Err(e) => {
                return Fixity::Unreadable {
                    error: e.to_string(),
                };
            }
        };
        if !file.metadata().is_ok_and(|m| m.is_file()) {
            return Fixity::Unreadable {
                error: "not a regular file".into(),
            };
        }
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
}
