//! Admit, step 7 of DESIGN section 4: the source leaves the inbox once it is ours, and is removed
//! on a later night, after the vault's copy has been read again from the disk.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use walkdir::WalkDir;

use super::scan::{RELEASED, path_below};
use crate::{
    base::{RecordingId, durable, killpoint::around},
    event::What,
    hashing,
    store::{Store, StoreError},
    vault::Fixity,
};

/// What becomes of a source that is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// It is moved to `inbox/.released/<date>/`, and removed on a later night.
    Move,
    /// It is left where it is: for a source that is read-only.
    Leave,
}

/// Moves a source out of the inbox. A file of the same name that was released on the same day is
/// not overwritten.
///
/// # Errors
/// As the file system says; the source is then still where it was, and a later night tries again.
pub fn move_away(inbox: &Path, date: &str, name: &[u8]) -> io::Result<PathBuf> {
    let from = path_below(inbox, name);
    let to = path_below(&inbox.join(RELEASED).join(date), name);
    let folder = to.parent().unwrap_or(inbox);
    durable::create_dirs(folder, 0o700)?;
    let mut target = to.clone();
    for n in 2.. {
        let moved = around("intake.release.move", || {
            renameat_with(CWD, &from, CWD, &target, RenameFlags::NOREPLACE)
        });
        match moved {
            Ok(()) => break,
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists && n < 1_000 => {
                let mut numbered = to.clone().into_os_string();
                numbered.push(format!(".{n}"));
                target = PathBuf::from(numbered);
            }
            Err(e) => return Err(e),
        }
    }
    Ok(target)
}

/// Removes empty folders that releasing left behind, the inbox itself excepted.
pub fn drop_empty_folders(inbox: &Path) {
    let walk = WalkDir::new(inbox)
        .min_depth(1)
        .contents_first(true)
        .follow_links(false);
    for entry in walk.into_iter().flatten() {
        if entry.file_type().is_dir() {
            // Only an empty one goes; everything else refuses by itself.
            let _ = fs::remove_dir(entry.path());
        }
    }
}

/// What removing released sources came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// How many were removed.
    pub files: u64,
    /// Sentences about those that were kept, because the vault's copy is not what it should be.
    pub kept: Vec<String>,
}

/// Removes sources released before `before` (a date such as `2026-11-23`), each only after the
/// vault's copy of the same bytes, and the mirror's where there is one, has been read again from
/// the disk and is sound.
///
/// # Errors
/// The store's. What cannot be read or removed is kept and said.
pub fn remove_released(
    store: &Store,
    inbox: &Path,
    before: &str,
    by: u32,
) -> Result<Removed, StoreError> {
    let mut out = Removed::default();
    let released = inbox.join(RELEASED);
    let days: BTreeSet<PathBuf> = fs::read_dir(&released)
        .map(|dir| dir.flatten().map(|e| e.path()).collect())
        .unwrap_or_default();
    for day in days {
        let date = day.file_name().and_then(|d| d.to_str()).unwrap_or_default();
        if date.is_empty() || date >= before {
            continue;
        }
        for entry in WalkDir::new(&day).follow_links(false).into_iter().flatten() {
            if !entry.file_type().is_file() {
                continue;
            }
            match vaulted(store, entry.path())? {
                Ok(id) => match around("intake.release.remove", || fs::remove_file(entry.path())) {
                    Ok(()) => {
                        out.files += 1;
                        store.commit(by, move |proposal| {
                            proposal.event(What::SourceRemoved { id });
                            Ok(())
                        })?;
                    }
                    Err(e) => out
                        .kept
                        .push(format!("{} cannot be removed: {e}", entry.path().display())),
                },
                Err(why) => out
                    .kept
                    .push(format!("{} is kept: {why}", entry.path().display())),
            }
        }
        drop_empty_folders(&day);
        let _ = fs::remove_dir(&day);
    }
    Ok(out)
}

/// The recording that a released file is, if the vault's copy of it is sound on the disk.
fn vaulted(store: &Store, path: &Path) -> Result<Result<RecordingId, String>, StoreError> {
    let hashed = File::open(path)
        .map_err(|e| e.to_string())
        .and_then(|file| hashing::hash_file(&file).map_err(|e| e.to_string()));
    let digest = match hashed {
        Ok(hashed) => hashed.digest,
        Err(why) => return Ok(Err(why)),
    };
    let Some(record) = store.record(digest.id())?.filter(|r| r.digest == digest) else {
        return Ok(Err("its bytes are no recording of this store".into()));
    };
    let vault = store.vault();
    if vault.has_mirror() && record.state.is_there() && !record.mirrored {
        return Ok(Err("it has no copy on the mirror yet".into()));
    }
    let copies = match vault.copies(&digest) {
        Ok(copies) => copies,
        Err(e) => return Ok(Err(e.to_string())),
    };
    let mirrored = copies.mirror.filter(|_| record.mirrored);
    Ok(match (copies.original, mirrored) {
        (Fixity::Sound { .. }, None | Some(Fixity::Sound { .. })) => Ok(digest.id()),
        (Fixity::Sound { .. }, Some(bad)) => {
            Err(format!("the mirror's copy is not sound: {}", bad.words()))
        }
        (bad, _) => Err(format!("the vault's copy is not sound: {}", bad.words())),
    })
}
