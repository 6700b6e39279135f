//! Removal, for disposal and for nothing else. Here nothing is decided and nothing is checked but
//! that the call says what it is: whoever has a [`Doomed`] has committed the tombstone.
//!
//! - The names go in the order of DESIGN section 4, each durably before the next.
//! - What is gone already is as good as removed: killed anywhere, the next call does the rest.
//! - Nothing goes while the mirror is away: a removal that cannot be completed is not begun. A
//!   mirror that the store no longer names is not reached.
//! - The sidecar stays, on the mirror too. It holds no personal data, and outlives the recording.

use rustix::{
    fs::{AtFlags, fsync, statat},
    io::Errno,
};

use super::{
    Vault, VaultError,
    shelf::{Shelf, check_extension, object_name, unlink},
};
use crate::base::{
    Digest,
    killpoint::{around, named},
};

/// A recording whose tombstone is in the ledger: what is left of its bytes has no right to be.
/// It is spent by the removal.
#[derive(Debug)]
#[must_use]
pub struct Doomed {
    digest: Digest,
}

impl Doomed {
    /// Only for the one who has just committed the tombstone of `digest`, or found it committed.
    pub const fn after_tombstone(digest: Digest) -> Self {
        Self { digest }
    }

    /// Whose.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }
}

/// What one call removed; what an earlier one did, that was cut short, is not in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// The original.
    pub original: bool,
    /// Its mirror.
    pub mirror: bool,
    /// How many renditions and contact sheets.
    pub renditions: u64,
    /// How many copies that were put aside, of all of these.
    pub aside: u64,
    /// Bytes of original, mirror and renditions.
    pub bytes: u64,
}

impl Vault {
    /// Removes every copy of a recording's bytes: original, mirror, the given renditions (contact
    /// sheets among them) with their extensions, and what was put aside of any of these. When it
    /// returns, all of them are gone for good.
    ///
    /// # Errors
    /// [`VaultError::MirrorAway`] and the like: nothing was removed. Else as the system says:
    /// what was removed before stays removed.
    pub fn remove(
        &self,
        doomed: Doomed,
        renditions: &[(Digest, &str)],
    ) -> Result<Removed, VaultError> {
        let digest = doomed.digest;
        let mut removed = Removed::default();
        // 1. Everything that could keep this from being completed.
        let mirror = match self.has_mirror() {
            true => Some(self.mirror_shelf()?),
            false => None,
        };
        for (_, extension) in renditions {
            check_extension(extension)?;
        }
        // 2. The original.
        if let Some(bytes) = self.originals.remove_object(&digest, None, &ORIGINAL)? {
            removed.original = true;
            removed.bytes = removed.bytes.saturating_add(bytes);
        }
        // 3. Its mirror.
        if let Some(mirror) = &mirror
            && let Some(bytes) = mirror.remove_object(&digest, None, &MIRROR)?
        {
            removed.mirror = true;
            removed.bytes = removed.bytes.saturating_add(bytes);
        }
        // 4. Renditions and contact sheets.
        for (rendition, extension) in renditions {
            let extension = Some(*extension);
            if let Some(bytes) = self
                .renditions
                .remove_object(rendition, extension, &RENDITION)?
            {
                removed.renditions = removed.renditions.saturating_add(1);
                removed.bytes = removed.bytes.saturating_add(bytes);
            }
        }
        // 5. What was put aside of them.
        removed.aside = self.originals.clear_aside(&[digest])?;
        if let Some(mirror) = &mirror {
            let more = mirror.clear_aside(&[digest])?;
            removed.aside = removed.aside.saturating_add(more);
        }
        if !renditions.is_empty() {
            let digests: Vec<Digest> = renditions.iter().map(|(digest, _)| *digest).collect();
            let more = self.renditions.clear_aside(&digests)?;
            removed.aside = removed.aside.saturating_add(more);
        }
        Ok(removed)
    }
}

/// The kill points of one removal: the unlinking, and the fsync of the folder.
type Points = [&'static str; 2];

const ORIGINAL: Points = [
    named("vault.remove.original"),
    named("vault.remove.original_folder"),
];
const MIRROR: Points = [
    named("vault.remove.mirror"),
    named("vault.remove.mirror_folder"),
];
const RENDITION: Points = [
    named("vault.remove.rendition"),
    named("vault.remove.rendition_folder"),
];

impl Shelf {
    /// Removes an object's name, durably. Gives back its size, or `None` when it was gone.
    fn remove_object(
        &self,
        digest: &Digest,
        extension: Option<&str>,
        [name_point, folder_point]: &Points,
    ) -> Result<Option<u64>, VaultError> {
        let path = self.path_of(digest, extension);
        let name = object_name(digest, extension);
        let drawer = match self.find_drawer(digest) {
            Ok(drawer) => drawer,
            Err(Errno::NOENT) => return Ok(None),
            Err(e) => return Err(VaultError::io("opening the folder of", path, e)),
        };
        let bytes = match statat(&drawer, &name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Some(u64::try_from(stat.st_size).unwrap_or(0)),
            Err(Errno::NOENT) => None,
            Err(e) => return Err(VaultError::io("looking at", path, e)),
        };
        around(name_point, || unlink(&drawer, &name))
            .map_err(|e| VaultError::io("removing", &path, e))?;
        // Also when it was gone: whoever removed it may have been killed before this line.
        around(folder_point, || fsync(&drawer)).map_err(|e| VaultError::fsync(path, e))?;
        Ok(bytes)
    }
}
