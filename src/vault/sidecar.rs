//! The sidecar of a recording: one line per event of its life, beside its original, so that the
//! two together can be understood when everything else is lost. The ledger is authoritative; a
//! sidecar that is behind is completed, one that disagrees is reported and left alone. The same
//! holds between a sidecar and its mirror.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    sync::PoisonError,
};

use rustix::{
    fs::{Mode, OFlags, fsync, openat, renameat},
    io::Errno,
};

use super::{
    Vault, VaultError,
    shelf::{Shelf, file_flags},
};
use crate::base::{
    Digest, RecordingId,
    killpoint::{around, done, step},
};

const SIDECAR_MODE: u32 = 0o600;

impl Vault {
    /// Makes the sidecar hold `lines` as its lines number `first` and following, counted from 0;
    /// lines that it has are compared and not written again, a line torn by a crash is cut off
    /// first. Returns how many lines were written. [`Vault::sync_sidecars`] makes them durable:
    /// the ledger has them already, so that a night may sync them together.
    ///
    /// # Errors
    /// [`VaultError::SidecarGap`] when lines before `first` are missing (give them too),
    /// [`VaultError::SidecarDiffers`] when a line is another, or as the system says.
    pub fn append_sidecar_lines(
        &self,
        digest: &Digest,
        first: u64,
        lines: &[&[u8]],
    ) -> Result<u64, VaultError> {
        let id = digest.id();
        if lines.iter().any(|l| l.is_empty() || l.contains(&b'\n')) {
            return Err(VaultError::SidecarLine { id });
        }
        let drawer = self.originals.make_drawer(digest)?;
        let path = self
            .object_path(digest)
            .with_file_name(sidecar_name(&digest.id()));
        let failed = |e: io::Error| VaultError::io("writing", &path, e);
        let flags = OFlags::RDWR | OFlags::CREATE | file_flags();
        let fd = openat(
            &drawer,
            sidecar_name(&digest.id()),
            flags,
            Mode::from_raw_mode(SIDECAR_MODE),
        )
        .map_err(|e| VaultError::io("opening", &path, e))?;
        let mut file = File::from(fd);
        let mut held = Vec::new();
        file.read_to_end(&mut held).map_err(failed)?;

        let whole = held.iter().rposition(|b| *b == b'\n').map_or(0, |n| n + 1);
        let mut have = 0_u64;
        for (n, line) in (0_u64..).zip(held[..whole].split_inclusive(|b| *b == b'\n')) {
            have = n.saturating_add(1);
            let given = n
                .checked_sub(first)
                .and_then(|n| lines.get(usize::try_from(n).ok()?));
            if given.is_some_and(|given| line.strip_suffix(b"\n") != Some(*given)) {
                return Err(VaultError::SidecarDiffers { id, line: n });
            }
        }
        if have < first {
            return Err(VaultError::SidecarGap { id, have, first });
        }
        let known = usize::try_from(have - first)
            .unwrap_or(usize::MAX)
            .min(lines.len());
        let mut new = Vec::new();
        for line in &lines[known..] {
            new.extend_from_slice(line);
            new.push(b'\n');
        }
        if whole < held.len() {
            file.set_len(whole as u64).map_err(failed)?;
        }
        file.seek(SeekFrom::Start(whole as u64)).map_err(failed)?;
        file.write_all(&new).map_err(failed)?;
        let written = (lines.len() - known) as u64;
        if written > 0 {
            self.unsynced
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(*digest);
        }
        Ok(written)
    }

    /// Makes every sidecar line written so far durable.
    ///
    /// # Errors
    /// [`VaultError::Fsync`], or when a sidecar is no longer there.
    pub fn sync_sidecars(&self) -> Result<(), VaultError> {
        let mut unsynced = self.unsynced.lock().unwrap_or_else(PoisonError::into_inner);
        for digest in std::mem::take(&mut *unsynced) {
            let path = self
                .object_path(&digest)
                .with_file_name(sidecar_name(&digest.id()));
            let drawer = self.originals.make_drawer(&digest)?;
            let flags = OFlags::RDONLY | file_flags();
            let file = openat(&drawer, sidecar_name(&digest.id()), flags, Mode::empty())
                .map_err(|e| VaultError::io("opening", &path, e))?;
            fsync(&file).map_err(|e| VaultError::fsync(&path, e))?;
            // It may be new: its name must last as long as its lines.
            fsync(&drawer).map_err(|e| VaultError::fsync(&path, e))?;
        }
        Ok(())
    }

    /// A recording's sidecar as it lies there; empty when there is none.
    ///
    /// # Errors
    /// As reading says.
    pub fn sidecar(&self, digest: &Digest) -> Result<Vec<u8>, VaultError> {
        self.originals.read_sidecar(digest)
    }

    /// The whole lines of a recording's sidecar; none when there is no sidecar.
    ///
    /// # Errors
    /// As reading says.
    pub fn sidecar_lines(&self, digest: &Digest) -> Result<Vec<Vec<u8>>, VaultError> {
        let held = self.originals.read_sidecar(digest)?;
        Ok(held
            .split_inclusive(|b| *b == b'\n')
            .filter_map(|line| line.strip_suffix(b"\n").map(<[u8]>::to_vec))
            .collect())
    }

    /// Brings the mirror of a recording's sidecar up to its whole lines and says how many it
    /// gained. It is replaced in one step, and durable when this returns.
    ///
    /// # Errors
    /// [`VaultError::MirrorSidecarDiffers`] when the mirror's is not the beginning of the
    /// original's: nothing is changed then. Else as [`Vault::check_mirror`] or the system says.
    pub fn mirror_sidecar(&self, digest: &Digest) -> Result<u64, VaultError> {
        let mirror = self.mirror_shelf()?;
        let name = sidecar_name(&digest.id());
        let (own, mirrored) = self.both_sidecars(&mirror, digest)?;
        if own.is_empty() {
            return Ok(0);
        }
        let path = mirror.path_of(digest, None).with_file_name(&name);
        let failed = |e: io::Error| VaultError::io("writing", &path, e);
        let drawer = mirror.make_drawer(digest)?;
        let new = &own[mirrored.len()..];
        if !new.is_empty() {
            let scratch = mirror.new_scratch()?;
            step("vault.sidecar.write").map_err(failed)?;
            (&scratch.file).write_all(&own).map_err(failed)?;
            fsync(&scratch.file).map_err(|e| VaultError::fsync(&scratch.path, e))?;
            done("vault.sidecar.write").map_err(failed)?;
            around("vault.sidecar.replace", || {
                renameat(&*scratch.dir, &scratch.name, &drawer, &name)
            })
            .map_err(failed)?;
        }
        // Also when nothing was new: whoever renamed it may have been killed before this line.
        around("vault.sidecar.folder", || fsync(&drawer))
            .map_err(|e| VaultError::fsync(&path, e))?;
        // A last line that was torn counts with the whole ones that replaced it.
        Ok(new.iter().filter(|b| **b == b'\n').count() as u64)
    }
}

impl Vault {
    /// Whether the mirror's sidecar of a recording is the beginning of the original's, which may
    /// have grown since.
    ///
    /// # Errors
    /// [`VaultError::MirrorSidecarDiffers`] when it is not. Else as [`Vault::check_mirror`] or
    /// reading says.
    pub fn check_mirror_sidecar(&self, digest: &Digest) -> Result<(), VaultError> {
        let mirror = self.mirror_shelf()?;
        self.both_sidecars(&mirror, digest).map(drop)
    }

    /// The whole lines of the original's sidecar, and the mirror's, which is their beginning.
    fn both_sidecars(
        &self,
        mirror: &Shelf,
        digest: &Digest,
    ) -> Result<(Vec<u8>, Vec<u8>), VaultError> {
        let mut own = self.originals.read_sidecar(digest)?;
        own.truncate(own.iter().rposition(|b| *b == b'\n').map_or(0, |n| n + 1));
        let mirrored = mirror.read_sidecar(digest)?;
        if !own.starts_with(&mirrored) {
            let same = own.iter().zip(&mirrored).take_while(|(a, b)| a == b);
            let (id, line) = (
                digest.id(),
                same.filter(|(a, _)| **a == b'\n').count() as u64,
            );
            return Err(VaultError::MirrorSidecarDiffers { id, line });
        }
        Ok((own, mirrored))
    }
}

impl Shelf {
    /// The bytes of a sidecar; none when there is no sidecar.
    fn read_sidecar(&self, digest: &Digest) -> Result<Vec<u8>, VaultError> {
        let name = sidecar_name(&digest.id());
        let path = self.path_of(digest, None).with_file_name(&name);
        let flags = OFlags::RDONLY | file_flags();
        let opened = self
            .find_drawer(digest)
            .and_then(|drawer| openat(&drawer, &name, flags, Mode::empty()));
        let mut file = match opened {
            Ok(fd) => File::from(fd),
            Err(Errno::NOENT) => return Ok(Vec::new()),
            Err(e) => return Err(VaultError::io("opening", path, e)),
        };
        let mut held = Vec::new();
        file.read_to_end(&mut held)
            .map_err(|e| VaultError::io("reading", path, e))?;
        Ok(held)
    }
}

pub(super) fn sidecar_name(id: &RecordingId) -> String {
    format!("{id}.jsonl")
}
