//! What must be neither used nor destroyed is put aside under its digest and a number; and what a
//! killed process left in staging is swept.

use std::{
    os::fd::{AsFd, OwnedFd},
    path::PathBuf,
};

use rustix::{
    fs::{AtFlags, fsync, linkat, statat},
    io::Errno,
};

use super::{
    Staged, Vault, VaultError,
    shelf::{Shelf, names_in, same_file, unlink},
};
use crate::base::{Digest, killpoint::around};

/// Copies of one object that are put aside. A second bad copy is bad luck, a hundredth is a disk
/// that must be replaced, and keeping more would fill it.
const ASIDE_MAX: u32 = 100;

/// A file that was removed from staging.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swept {
    /// Where it lay.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
}

impl Vault {
    /// Removes everything from the staging folders and says what it was; that of a mirror which
    /// is away waits until it is back. Nothing may be staged while this runs.
    ///
    /// # Errors
    /// As listing or removing says.
    pub fn sweep_staging(&self) -> Result<Vec<Swept>, VaultError> {
        let mut swept = Vec::new();
        let mirror = self.mirror_shelf().ok();
        for shelf in [
            Some(&self.originals),
            Some(&self.renditions),
            mirror.as_deref(),
        ]
        .into_iter()
        .flatten()
        {
            let (dir, path) = shelf.staging_dir();
            for name in names_in(dir, &path)? {
                let path = path.join(&name);
                let bytes = statat(dir, &name, AtFlags::SYMLINK_NOFOLLOW)
                    .map_or(0, |s| u64::try_from(s.st_size).unwrap_or(0));
                unlink(dir, &name).map_err(|e| VaultError::io("removing", &path, e))?;
                swept.push(Swept { path, bytes });
            }
        }
        Ok(swept)
    }

    /// Keeps a staged copy outside the objects: bytes that were lawfully disposed of and came
    /// back. Returns where it is.
    ///
    /// # Errors
    /// As the system says; the copy is then gone and the source untouched.
    pub fn put_aside(&self, staged: Staged) -> Result<PathBuf, VaultError> {
        let digest = staged.digest();
        let scratch = &staged.scratch;
        self.originals
            .keep_aside(&scratch.dir, &scratch.name, &digest, "aside")
    }
}

impl Shelf {
    /// Gives a file a second, durable name `<sha256>.<why>-N` in the folder for such. A file that
    /// has one, because whoever gave it was killed, gets no other.
    pub(super) fn keep_aside(
        &self,
        dir: &OwnedFd,
        name: &str,
        digest: &Digest,
        why: &str,
    ) -> Result<PathBuf, VaultError> {
        for n in 1..=ASIDE_MAX {
            let aside = format!("{digest}.{why}-{n}");
            let path = self.aside_path(&aside);
            match linkat(dir.as_fd(), name, &self.aside, &aside, AtFlags::empty()) {
                Ok(()) => {}
                Err(Errno::EXIST) if same_file((dir, name), (&self.aside, &aside)) => {}
                Err(Errno::EXIST) => continue,
                Err(e) => return Err(VaultError::io("putting aside", path, e)),
            }
            fsync(&self.aside).map_err(|e| VaultError::fsync(&path, e))?;
            return Ok(path);
        }
        Err(VaultError::AsideFull {
            digest: *digest,
            count: ASIDE_MAX,
        })
    }

    /// Removes all copies of these objects that are put aside, durably, and says how many.
    pub(super) fn clear_aside(&self, digests: &[Digest]) -> Result<u64, VaultError> {
        let folder = self.aside_path("");
        let theirs = |name: &String| {
            let digest = name.split_once('.').and_then(|(head, _)| head.parse().ok());
            digest.is_some_and(|digest| digests.contains(&digest))
        };
        let mut removed = 0_u64;
        for name in names_in(&self.aside, &folder)?.iter().filter(|n| theirs(n)) {
            around("vault.remove.aside", || unlink(&self.aside, name))
                .map_err(|e| VaultError::io("removing", self.aside_path(name), e))?;
            removed = removed.saturating_add(1);
        }
        // Also when there was nothing: whoever removed it may have been killed before this line.
        around("vault.remove.aside_folder", || fsync(&self.aside))
            .map_err(|e| VaultError::fsync(folder, e))?;
        Ok(removed)
    }
}
