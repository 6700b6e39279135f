//! The tail: events behind the last full bundle, in one file that is only appended to until it is
//! a full bundle itself.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use super::{
    Damage, LedgerError,
    bundle::{self, BUNDLE_BYTES_MAX, Entries, WIDTH},
    files::{self, TAIL, Tile},
};
use crate::base::{Digest, durable, merkle::leaf_hash};

/// While it grows only its owner may look at it.
const MODE: u32 = 0o600;

/// What a full bundle has.
const BUNDLE_MODE: u32 = 0o400;

#[derive(Debug)]
pub(super) struct Tail {
    path: PathBuf,
    /// Nothing between a bundle's end and the next event: a crash may leave it so.
    file: Option<File>,
    /// Of whole events.
    bytes: u64,
    /// Behind them.
    torn_bytes: u64,
}

impl Tail {
    /// An empty tail; there must be none.
    pub(super) fn create(dir: &Path) -> Result<Self, LedgerError> {
        let path = dir.join(TAIL);
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create_new(true)
            .mode(MODE)
            .open(&path)
            .map_err(|e| LedgerError::io("creating", &path, e))?;
        durable::sync_dir(dir).map_err(|e| LedgerError::fsync(dir, e))?;
        Ok(Self {
            path,
            file: Some(file),
            bytes: 0,
            torn_bytes: 0,
        })
    }

    /// The tail as it lies there, and the leaf hashes of its events.
    pub(super) fn open(dir: &Path) -> Result<(Self, Vec<Digest>), LedgerError> {
        let mut tail = Self {
            path: dir.join(TAIL),
            file: None,
            bytes: 0,
            torn_bytes: 0,
        };
        let options = |append| {
            OpenOptions::new()
                .read(true)
                .append(append)
                .open(&tail.path)
        };
        let opened = options(true).or_else(|e| match e.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => options(false),
            _ => Err(e),
        });
        let file = match opened {
            Ok(file) => file,
            // No tail is an empty one, but only where there is a log.
            Err(e) if e.kind() == io::ErrorKind::NotFound && super::exists(dir) => {
                return Ok((tail, Vec::new()));
            }
            Err(e) => return Err(LedgerError::io("opening", &tail.path, e)),
        };
        let bytes = tail.whole(&file)?;
        tail.file = Some(file);
        let mut entries = Entries::new(&bytes);
        // A full tail is followed by nothing: what is behind it is none of ours.
        let leaves: Vec<Digest> = entries.by_ref().take(WIDTH).map(leaf_hash).collect();
        tail.torn_bytes = entries.rest_bytes() as u64;
        tail.bytes = bytes.len() as u64 - tail.torn_bytes;
        Ok((tail, leaves))
    }

    fn whole(&self, file: &File) -> Result<Vec<u8>, LedgerError> {
        let failed = |e| LedgerError::io("reading", &self.path, e);
        let bytes = file.metadata().map_err(failed)?.len();
        if bytes > BUNDLE_BYTES_MAX {
            return Err(LedgerError::broken(self.path.clone(), None, Damage::Length));
        }
        let mut all = vec![
            0;
            usize::try_from(bytes)
                .map_err(io::Error::other)
                .map_err(failed)?
        ];
        file.read_exact_at(&mut all, 0).map_err(failed)?;
        Ok(all)
    }

    /// Whether the name still is that of the file that was opened.
    pub(super) fn is_where_it_was(&self) -> Result<bool, LedgerError> {
        let failed = |e| LedgerError::io("opening", &self.path, e);
        let number = |m: fs::Metadata| (m.dev(), m.ino());
        let there = match fs::metadata(&self.path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            other => Some(number(other.map_err(failed)?)),
        };
        let ours = match &self.file {
            Some(file) => Some(number(file.metadata().map_err(failed)?)),
            None => None,
        };
        Ok(there == ours)
    }

    pub(super) const fn torn_bytes(&self) -> u64 {
        self.torn_bytes
    }

    /// The whole events, as they lie in the file.
    pub(super) fn read(&self) -> Result<Vec<u8>, LedgerError> {
        let Some(file) = &self.file else {
            return Ok(Vec::new());
        };
        let failed = |e| LedgerError::io("reading", &self.path, e);
        let bytes = usize::try_from(self.bytes).map_err(io::Error::other);
        let mut all = vec![0; bytes.map_err(failed)?];
        file.read_exact_at(&mut all, 0).map_err(failed)?;
        Ok(all)
    }

    /// Appends lines that there is room for, in one write.
    pub(super) fn append(&mut self, dir: &Path, lines: &[&[u8]]) -> Result<(), LedgerError> {
        if self.file.is_none() {
            *self = Self::create(dir)?;
        }
        let Some(mut file) = self.file.as_ref() else {
            return Ok(());
        };
        let failed = |e| LedgerError::io("appending to", &self.path, e);
        if file.metadata().map_err(failed)?.len() != self.bytes {
            return Err(LedgerError::broken(
                self.path.clone(),
                None,
                Damage::Changed,
            ));
        }
        let mut text = Vec::new();
        for line in lines {
            bundle::push(&mut text, line);
        }
        file.write_all(&text).map_err(failed)?;
        self.bytes = self.bytes.saturating_add(text.len() as u64);
        Ok(())
    }

    pub(super) fn sync(&self) -> Result<(), LedgerError> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        file.sync_data()
            .map_err(|e| LedgerError::fsync(&self.path, e))
    }

    /// Cuts off everything behind the first `kept` events, durably.
    pub(super) fn cut(&mut self, kept: usize) -> Result<(), LedgerError> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let all = self.read()?;
        let mut entries = Entries::new(&all);
        let bytes = match kept {
            0 => 0,
            _ => {
                entries.nth(kept - 1);
                all.len() - entries.rest_bytes()
            }
        } as u64;
        file.set_len(bytes)
            .map_err(|e| LedgerError::io("cutting", &self.path, e))?;
        file.sync_all()
            .map_err(|e| LedgerError::fsync(&self.path, e))?;
        (self.bytes, self.torn_bytes) = (bytes, 0);
        Ok(())
    }

    /// Gives the full and durable tail the name of a bundle, which must be free.
    pub(super) fn become_bundle(&self, dir: &Path, bundle: Tile) -> Result<(), LedgerError> {
        let path = bundle.path(dir);
        let failed = |e| LedgerError::io("renaming to", &path, e);
        files::make_room(dir, bundle)?;
        fs::set_permissions(&self.path, Permissions::from_mode(BUNDLE_MODE)).map_err(failed)?;
        rename_to_free(&self.path, &path).map_err(failed)?;
        let folder = path.parent().unwrap_or(dir);
        durable::sync_dir(folder).map_err(|e| LedgerError::fsync(folder, e))
    }
}

/// Renames, but never over what is there.
fn rename_to_free(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::{
        fs::{CWD, RenameFlags, renameat_with},
        io::Errno,
    };
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // A file system that cannot do it in one step; there is one writer.
        Err(Errno::INVAL | Errno::NOSYS) if fs::symlink_metadata(to).is_err() => {
            fs::rename(from, to)
        }
        other => Ok(other?),
    }
}
