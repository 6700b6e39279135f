//! A rendition between its name and its row. The one in staging stays until the row is committed:
//! if a kill comes between, it tells the next start which name nobody stands for, for the next
//! attempt need not come to the same bytes.

use rustix::fs::{AtFlags, fsync, statat};

use super::{
    Published, Vault, VaultError,
    scratch::Scratch,
    shelf::{Shelf, names_in, same_file, unlink},
};
use crate::{
    base::{Digest, RecordingId},
    hashing::hash_file,
};

/// A rendition that has its name, and whose row is still to be committed. Dropped, it is left for
/// the next start to settle.
#[derive(Debug)]
#[must_use]
pub struct Linked {
    pub(super) published: Published,
    pub(super) scratch: Scratch,
}

impl Linked {
    /// What was published.
    pub const fn published(&self) -> &Published {
        &self.published
    }

    /// Its row is committed.
    pub fn committed(mut self) {
        self.scratch.stays = false;
    }
}

/// A name among the renditions that a killed process gave, and perhaps no row stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsettled {
    /// Of which recording it was to be a rendition.
    pub id: RecordingId,
    /// Its digest.
    pub digest: Digest,
    /// Its name in staging.
    staged: String,
}

impl Vault {
    /// The row of a rendition was refused, for certain: its name goes again.
    ///
    /// # Errors
    /// As removing says; the next start tries again.
    pub fn withdraw(&self, linked: Linked) -> Result<(), VaultError> {
        let digest = linked.published.digest();
        self.renditions.withdraw(&linked.scratch.name, &digest)
    }

    /// The renditions that have a name and did not live to see whether a row stands for it.
    ///
    /// # Errors
    /// As listing or reading says.
    pub fn unsettled(&self) -> Result<Vec<Unsettled>, VaultError> {
        let (dir, path) = self.renditions.staging_dir();
        let mut all = Vec::new();
        for staged in names_in(dir, &path)? {
            let Some(id) = staged.split_once('.').and_then(|(id, _)| id.parse().ok()) else {
                continue;
            };
            let file = path.join(&staged);
            let failed = |e| VaultError::io("reading", &file, e);
            let stat = statat(dir, &staged, AtFlags::SYMLINK_NOFOLLOW);
            if stat.map_err(|e| failed(e.into()))?.st_nlink < 2 {
                continue;
            }
            let digest = std::fs::File::open(&file)
                .and_then(|file| hash_file(&file).map_err(std::io::Error::other))
                .map_err(failed)?
                .digest;
            all.push(Unsettled { id, digest, staged });
        }
        Ok(all)
    }

    /// Takes the name away from what no row stands for.
    ///
    /// # Errors
    /// As removing says.
    pub fn withdraw_unsettled(&self, unsettled: &Unsettled) -> Result<(), VaultError> {
        self.renditions
            .withdraw(&unsettled.staged, &unsettled.digest)
    }
}

impl Shelf {
    /// Removes every name that a file of staging has among the objects, durably, and then the one
    /// in staging.
    pub(super) fn withdraw(&self, staged: &str, digest: &Digest) -> Result<(), VaultError> {
        let path = self.path_of(digest, None);
        let removing = |e| VaultError::io("removing", &path, e);
        let (staging, _) = self.staging_dir();
        let drawer = self.find_drawer(digest).map_err(|e| removing(e.into()))?;
        for name in names_in(&drawer, &path)? {
            if same_file((staging, staged), (&drawer, &name)) {
                unlink(&drawer, &name).map_err(removing)?;
            }
        }
        fsync(&drawer).map_err(|e| VaultError::fsync(&path, e))?;
        unlink(staging, staged).map_err(removing)
    }
}
