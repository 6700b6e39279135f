//! When the ledger is lost, the sidecars are what is left of every recording's history. They are
//! saved to a folder of their own, and make room for those of a new ledger.

use std::{fs, os::fd::OwnedFd, path::Path};

use rustix::fs::{Mode, fsync, openat};

use super::{
    Vault, VaultError,
    shelf::{Shelf, dir_flags, names_in, two_digit_names, unlink},
};
use crate::base::{RecordingId, durable};

const SAVED_MODE: u32 = 0o600;

impl Vault {
    /// Saves every sidecar as `<id>.jsonl` in `to`, durably: the mirror's where it says more.
    /// Gives back whose they are, in order.
    ///
    /// # Errors
    /// As [`Vault::check_mirror`] where there is a mirror; as reading or writing says.
    pub fn save_sidecars(&self, to: &Path) -> Result<Vec<RecordingId>, VaultError> {
        durable::create_dirs(to, 0o700).map_err(|e| VaultError::io("creating", to, e))?;
        let mut saved = Vec::new();
        self.each_sidecar(|_, path, id| {
            let target = to.join(format!("{id}.jsonl"));
            let own = fs::read(path).map_err(|e| VaultError::io("reading", path, e))?;
            let held = fs::read(&target).unwrap_or_default();
            if held.is_empty() || (own.len() > held.len() && own.starts_with(&held)) {
                durable::replace(&target, SAVED_MODE, &own)
                    .map_err(|e| VaultError::io("writing", &target, e))?;
            }
            saved.push(id);
            Ok(())
        })?;
        saved.sort_unstable();
        saved.dedup();
        Ok(saved)
    }

    /// Takes every sidecar's name away, on the mirror too. Only for who has saved them.
    ///
    /// # Errors
    /// As [`Vault::save_sidecars`].
    pub fn clear_sidecars(&self) -> Result<(), VaultError> {
        self.each_sidecar(|drawer, path, id| {
            unlink(drawer, &super::sidecar::sidecar_name(&id))
                .map_err(|e| VaultError::io("removing", path, e))?;
            fsync(drawer).map_err(|e| VaultError::fsync(path, e))
        })
    }

    /// Every sidecar of the store, and then every one of its mirror.
    fn each_sidecar(&self, mut each: impl EachSidecar) -> Result<(), VaultError> {
        // Looked for first: nothing is done by halves.
        let mirror = match self.has_mirror() {
            true => Some(self.mirror_shelf()?),
            false => None,
        };
        self.originals.each_sidecar(&mut each)?;
        mirror.map_or(Ok(()), |mirror| mirror.each_sidecar(&mut each))
    }
}

/// Takes a drawer, the path of a sidecar in it, and whose it is.
trait EachSidecar: FnMut(&OwnedFd, &Path, RecordingId) -> Result<(), VaultError> {}
impl<F: FnMut(&OwnedFd, &Path, RecordingId) -> Result<(), VaultError>> EachSidecar for F {}

impl Shelf {
    /// Every sidecar that lies in the drawer of its recording.
    fn each_sidecar(&self, each: &mut impl EachSidecar) -> Result<(), VaultError> {
        let open = |dir: &OwnedFd, name: &str, path: &Path| {
            openat(dir, name, dir_flags(), Mode::empty())
                .map_err(|e| VaultError::io("opening", path, e))
        };
        let (dir, path) = self.root_dir();
        for a in two_digit_names(dir, path)? {
            let outer_path = path.join(&a);
            let outer = open(dir, &a, &outer_path)?;
            for b in two_digit_names(&outer, &outer_path)? {
                let path = outer_path.join(&b);
                let drawer = open(&outer, &b, &path)?;
                for name in names_in(&drawer, &path)? {
                    let id = name.strip_suffix(".jsonl").and_then(|id| id.parse().ok());
                    let Some(id): Option<RecordingId> = id else {
                        continue;
                    };
                    let head = &id.as_bytes()[..2];
                    if [a.as_str(), b.as_str()] == [&*hex(head[0]), &*hex(head[1])] {
                        each(&drawer, &path.join(&name), id)?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn hex(byte: u8) -> String {
    format!("{byte:02x}")
}
