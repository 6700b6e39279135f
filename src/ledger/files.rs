//! The files of the log: their names (c2sp.org/tlog-tiles), and how one is written so that it is
//! there whole or not at all.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use super::{Damage, LedgerError, bundle::WIDTH};
use crate::base::{Digest, durable};

pub(super) const TILES: &str = "tile";
pub(super) const CHECKPOINT: &str = "checkpoint";

/// The newest checkpoint that a witness has cosigned.
pub(super) const COSIGNED: &str = "checkpoint.cosigned";
pub(super) const TAIL: &str = "tail";

/// A file that is being written. There is one writer, so one name is enough, and what a crash
/// left under it is overwritten by the next write.
const NEW: &str = ".new";

/// What is never changed again.
const TILE_MODE: u32 = 0o400;
const DIR_MODE: u32 = 0o700;

/// Bytes of a hash.
const HASH_BYTES: usize = 32;

/// Numbers of one part of a path.
const PART: u64 = 1_000;

/// Levels that 2^64 entries can have.
const LEVELS_MAX: u32 = 8;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// Entries.
    Entries,
    /// Hashes of this level.
    Hashes(u32),
}

/// One bundle or tile, full or partial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tile {
    pub(super) holds: Holds,
    pub(super) index: u64,
    /// Entries or hashes in it, from 1 to [`WIDTH`], where it is full.
    pub(super) width: usize,
}

impl Tile {
    pub(super) const fn full(holds: Holds, index: u64) -> Self {
        let width = WIDTH;
        Self {
            holds,
            index,
            width,
        }
    }

    pub(super) const fn is_full(&self) -> bool {
        self.width == WIDTH
    }

    /// The level that it is of; entries are below it.
    pub(super) const fn level(&self) -> u32 {
        match self.holds {
            Holds::Entries => 0,
            Holds::Hashes(level) => level,
        }
    }

    /// Where it lies below the ledger's folder.
    pub(super) fn path(&self, dir: &Path) -> PathBuf {
        dir.join(self.to_string())
    }

    /// The folder of its partial forms.
    pub(super) fn partials(&self, dir: &Path) -> PathBuf {
        let full = Self::full(self.holds, self.index);
        dir.join(format!("{full}.p"))
    }

    /// The file with this name below the ledger's folder, if a log has one.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (kind, rest) = name
            .strip_prefix(TILES)?
            .strip_prefix('/')?
            .split_once('/')?;
        let holds = match kind {
            "entries" => Holds::Entries,
            level => Holds::Hashes(level.parse().ok().filter(|l| *l < LEVELS_MAX)?),
        };
        let (parts, width) = match rest.split_once(".p/") {
            Some((parts, width)) => (parts, width.parse().ok().filter(|w| *w < WIDTH)?),
            None => (rest, WIDTH),
        };
        let mut index: u64 = 0;
        for part in parts.split('/') {
            let digits = part.strip_prefix('x').unwrap_or(part);
            let number: u64 = digits.parse().ok()?;
            index = index.checked_mul(PART)?.checked_add(number)?;
        }
        let tile = Self {
            holds,
            index,
            width,
        };
        // There is one way to write a name.
        (width > 0 && tile.to_string() == name).then_some(tile)
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{TILES}/")?;
        match self.holds {
            Holds::Entries => write!(f, "entries")?,
            Holds::Hashes(level) => write!(f, "{level}")?,
        }
        let mut parts = vec![format!("/{:03}", self.index % PART)];
        let mut above = self.index / PART;
        while above > 0 {
            parts.push(format!("/x{:03}", above % PART));
            above /= PART;
        }
        parts.iter().rev().try_for_each(|part| f.write_str(part))?;
        match self.width {
            WIDTH => Ok(()),
            width => write!(f, ".p/{width}"),
        }
    }
}

/// Whether there is a full file of this kind with this index.
fn is_there(dir: &Path, holds: Holds, index: u64) -> bool {
    fs::symlink_metadata(Tile::full(holds, index).path(dir)).is_ok()
}

/// How many full files of this kind there are, in a number of look-ups that grows with the
/// logarithm: they are written one after the other and never removed.
pub(super) fn count_full(dir: &Path, holds: Holds) -> u64 {
    let mut end = 1;
    while is_there(dir, holds, end - 1) {
        end *= 2;
    }
    let mut begin = end / 2;
    while begin < end {
        let middle = begin + (end - begin) / 2;
        if is_there(dir, holds, middle) {
            begin = middle + 1;
        } else {
            end = middle;
        }
    }
    begin
}

/// Reads a file that has at most `most` bytes; `event` is the first that it is about.
pub(super) fn read(path: &Path, most: u64, event: u64) -> Result<Vec<u8>, LedgerError> {
    let broken = |what| LedgerError::broken(path.to_owned(), event, what);
    let failed = |e: io::Error| match e.kind() {
        io::ErrorKind::NotFound => broken(Damage::Missing),
        _ => LedgerError::io("reading", path, e),
    };
    if fs::metadata(path).map_err(failed)?.len() > most {
        return Err(broken(Damage::Length));
    }
    fs::read(path).map_err(failed)
}

/// The hashes of a tile; `event` is the first that it is about.
pub(super) fn read_hashes(dir: &Path, tile: Tile, event: u64) -> Result<Vec<Digest>, LedgerError> {
    let path = tile.path(dir);
    let most = HASH_BYTES * tile.width;
    let bytes = read(&path, most as u64, event)?;
    if bytes.len() != most {
        return Err(LedgerError::broken(path, event, Damage::Length));
    }
    let (hashes, _) = bytes.as_chunks::<HASH_BYTES>();
    Ok(hashes.iter().copied().map(Digest::new).collect())
}

/// The bytes of a tile.
pub(super) fn hash_bytes(hashes: &[Digest]) -> Vec<u8> {
    hashes.iter().flat_map(|h| h.as_bytes()).copied().collect()
}

/// Writes a tile or bundle, durably: it is there whole or not at all.
pub(super) fn write(dir: &Path, tile: Tile, bytes: &[u8]) -> Result<(), LedgerError> {
    make_room(dir, tile)?;
    place(dir, &tile.path(dir), TILE_MODE, bytes)
}

/// Makes the folders above a tile.
pub(super) fn make_room(dir: &Path, tile: Tile) -> Result<(), LedgerError> {
    let path = tile.path(dir);
    let folder = path.parent().unwrap_or(dir);
    durable::create_dirs(folder, DIR_MODE).map_err(|e| LedgerError::io("creating", folder, e))
}

/// Puts `bytes` at `path`, in the place of what is there.
pub(super) fn place(dir: &Path, path: &Path, mode: u32, bytes: &[u8]) -> Result<(), LedgerError> {
    let new = dir.join(NEW);
    match fs::remove_file(&new) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            return Err(LedgerError::io("removing", &new, e));
        }
        _ => {}
    }
    durable::create_new(&new, mode, bytes).map_err(|e| LedgerError::io("writing", path, e))?;
    fs::rename(&new, path).map_err(|e| LedgerError::io("renaming to", path, e))?;
    let folder = path.parent().unwrap_or(dir);
    durable::sync_dir(folder).map_err(|e| LedgerError::fsync(folder, e))
}

/// Calls `see` for every file below the folder of tiles, with its name below the ledger's folder.
pub(super) fn walk(
    dir: &Path,
    see: &mut dyn FnMut(&Path, &str) -> Result<(), LedgerError>,
) -> Result<(), LedgerError> {
    fn below(
        folder: &Path,
        name: &str,
        see: &mut dyn FnMut(&Path, &str) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        let failed = |e| LedgerError::io("listing", folder, e);
        let listing = match fs::read_dir(folder) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other.map_err(failed)?,
        };
        for entry in listing {
            let entry = entry.map_err(failed)?;
            let name = format!("{name}/{}", entry.file_name().to_string_lossy());
            if entry.file_type().map_err(failed)?.is_dir() {
                below(&entry.path(), &name, see)?;
            } else {
                see(&entry.path(), &name)?;
            }
        }
        Ok(())
    }
    below(&dir.join(TILES), TILES, see)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_are_those_of_tlog_tiles_and_there_is_one_way_to_write_them() {
        let of = |holds, index, width| Tile {
            holds,
            index,
            width,
        };
        let cases = [
            ("tile/0/000", of(Holds::Hashes(0), 0, 256)),
            ("tile/7/999.p/255", of(Holds::Hashes(7), 999, 255)),
            ("tile/entries/x001/000", of(Holds::Entries, 1_000, 256)),
            (
                // The example of the specification.
                "tile/entries/x001/x234/067.p/1",
                of(Holds::Entries, 1_234_067, 1),
            ),
        ];
        for (name, tile) in cases {
            assert_eq!(tile.to_string(), name);
            assert_eq!(Tile::parse(name), Some(tile));
        }
        for wrong in [
            "tile/0/0",
            "tile/0/0000",
            "tile/00/000",
            "tile/8/000",
            "tile/-1/000",
            "tile/0/x000/001",
            "tile/0/001/000",
            "tile/0/x001/x000",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/000.p",
            "tile/entries/x999/x999/x999/x999/x999/x999/x999/999",
            "tile/0/+00",
            "checkpoint",
        ] {
            assert_eq!(Tile::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn full_files_are_counted_however_many_there_are() {
        let dir = tempfile::tempdir().unwrap();
        for n in 0..1_030_u64 {
            assert_eq!(count_full(dir.path(), Holds::Entries), n);
            let path = Tile::full(Holds::Entries, n).path(dir.path());
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"").unwrap();
        }
    }

    #[test]
    fn what_a_crash_left_half_written_does_not_stand_in_the_way() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(NEW), b"half").unwrap();
        let tile = Tile::full(Holds::Hashes(0), 0);
        for bytes in [b"one", b"two"] {
            write(dir.path(), tile, bytes).unwrap();
            assert_eq!(fs::read(tile.path(dir.path())).unwrap(), bytes);
        }
        assert!(!dir.path().join(NEW).exists());
    }
}
