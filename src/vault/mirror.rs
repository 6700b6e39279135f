//! The mirror: a second shelf of originals and sidecars at another root, on another file system
//! if it is to be of use when a disk dies.
//!
//! - A mirror that is not there is never taken for an empty one, and none is ever made in its
//!   place: it bears a mark, a random number that the store bears too, written when it was laid
//!   out. Where the mark is missing, the mirror is away; where it is another, it is refused.
//! - A copy has its name on the mirror only when it has its digest, is on the disk and was read
//!   back.
//!
//! A mirror that is away fails the calls that need it and no others, so that a night can go on
//! without it, and is found again by the first call after it is back.

use std::{
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use data_encoding::HEXLOWER;
use rustix::{
    fs::{AtFlags, CWD, Mode, OFlags, fchmod, fsync, linkat, openat, statat},
    io::Errno,
};

use super::{
    Fixity, Placed, Space, Vault, VaultError,
    scratch::Scratch,
    shelf::{ASIDE, STAGING, Shelf, file_flags},
    way::Way,
};
use crate::{
    base::{Digest, durable, killpoint::around, text::name_human},
    hashing::{Copied, drop_cache},
};

/// Bears the store's number, beside the originals.
pub(super) const STORE_MARK: &str = ".store";

/// Bears the number of the store whose mirror this is. Another name than [`STORE_MARK`], so that
/// a store is never taken for its own mirror.
pub(super) const MIRROR_MARK: &str = ".mirror";

/// Random bytes in a mark: two stores that happen to have the same are not to be expected.
const MARK_BYTES: usize = 16;

/// Bytes of a mark that are read. One of ours has 33; a stranger's is quoted as far as this.
const MARK_FILE_BYTES_MAX: u64 = 64;

const MARK_MODE: u32 = 0o400;

/// Where the mirror should be, and the shelf that was last found there.
#[derive(Debug)]
pub(super) struct Mirror {
    path: PathBuf,
    found: Mutex<Option<Arc<Shelf>>>,
}

/// A copy that stands on the mirror, re-read from its disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirrored {
    /// Its size.
    pub bytes: u64,
    /// How it came there.
    pub placed: Placed,
}

impl Mirror {
    pub(super) fn at(path: &Path) -> Self {
        Self {
            path: path.join("originals"),
            found: Mutex::default(),
        }
    }
}

impl Vault {
    /// Whether a mirror is configured; it need not be there.
    #[must_use]
    pub const fn has_mirror(&self) -> bool {
        self.mirror.is_some()
    }

    /// Whether the mirror is there and this store's.
    ///
    /// # Errors
    /// [`VaultError::NoMirror`], [`VaultError::MirrorAway`], [`VaultError::MirrorForeign`],
    /// [`VaultError::MirrorIsStore`], or as opening says.
    pub fn check_mirror(&self) -> Result<(), VaultError> {
        self.mirror_shelf().map(drop)
    }

    /// Whether original and mirror lie on one file system, and so would be lost together. That is
    /// worth a warning and no refusal: two copies are still better than one.
    ///
    /// # Errors
    /// As [`Vault::check_mirror`].
    pub fn same_file_system(&self) -> Result<bool, VaultError> {
        Ok(self.mirror_shelf()?.identity()?.0 == self.originals.identity()?.0)
    }

    /// Room on the file system of the mirror.
    ///
    /// # Errors
    /// As [`Vault::check_mirror`].
    pub fn mirror_space(&self) -> Result<Space, VaultError> {
        self.mirror_shelf()?.space()
    }

    /// Where the mirror of an original lies or would lie, for people.
    #[must_use]
    pub fn mirror_path(&self, digest: &Digest) -> Option<PathBuf> {
        let mirror = self.mirror.as_ref()?;
        Some(super::shelf::path_below(&mirror.path, digest, None))
    }

    /// Lays out a mirror of this store below `path`, a folder that exists; one that is laid out
    /// already, or was when a crash came, is completed. The mount point of a medium that is not
    /// mounted is a folder too: [`Vault::same_file_system`] tells. The vault goes on using the
    /// mirror that it was opened with.
    ///
    /// # Errors
    /// [`VaultError::MirrorAway`] when there is no such folder, [`VaultError::Exists`] when there
    /// are originals that are no mirror, [`VaultError::MirrorForeign`],
    /// [`VaultError::MirrorIsStore`], or as creating says.
    pub fn create_mirror(&self, path: &Path) -> Result<(), VaultError> {
        if !path.is_dir() {
            return Err(VaultError::MirrorAway(path.to_owned()));
        }
        let shelf_path = path.join("originals");
        // Inside the store it would be taken for recordings, or for a stranger's files.
        let inside = |e| VaultError::io("looking for", path, e);
        let store = self.originals.root_dir().1.join("..");
        if fs::canonicalize(path)
            .map_err(inside)?
            .starts_with(fs::canonicalize(store).map_err(inside)?)
        {
            return Err(VaultError::MirrorIsStore(path.to_owned()));
        }
        // 1. What is there, before anything is made.
        let names = match fs::read_dir(&shelf_path) {
            Ok(entries) => entries
                .map(|entry| entry.map(|e| e.file_name()))
                .collect::<Result<Vec<_>, _>>()
                .map_err(|e| VaultError::io("listing", &shelf_path, e))?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(e) => return Err(VaultError::io("listing", shelf_path, e)),
        };
        let identity = statat(CWD, &shelf_path, AtFlags::empty()).map(|s| (s.st_dev, s.st_ino));
        if identity.ok() == Some(self.originals.identity()?) {
            return Err(VaultError::MirrorIsStore(shelf_path));
        }
        let marked = names.iter().any(|n| n == MIRROR_MARK);
        if !marked && names.iter().any(|n| n != STAGING && n != ASIDE) {
            return Err(VaultError::Exists(shelf_path));
        }
        // 2. The store's own number.
        if self.originals.mark(STORE_MARK)?.is_none() {
            let mut number = [0; MARK_BYTES];
            getrandom::fill(&mut number).map_err(|e| {
                VaultError::io(
                    "drawing a number for",
                    &shelf_path,
                    std::io::Error::other(e),
                )
            })?;
            let number = HEXLOWER.encode(&number);
            self.originals.write_mark(STORE_MARK, &number)?;
        }
        // 3. The folders, and 4. last of all the mark: what bears it is complete.
        if !marked {
            Shelf::lay_out(&shelf_path)?;
            // Whoever made the folder before may have been killed before its name was durable.
            durable::sync_dir(path).map_err(|e| VaultError::fsync(path, e))?;
            let own = self.originals.mark(STORE_MARK)?.unwrap_or_default();
            Shelf::open(&shelf_path)?.write_mark(MIRROR_MARK, &own)?;
        }
        self.open_mirror(&shelf_path).map(drop)
    }

    /// Puts a copy of an original on the mirror, or finds it there, re-read and sound. Killed
    /// anywhere, the next call does the rest.
    ///
    /// It does not ask whether the recording is doomed: its caller does.
    ///
    /// # Errors
    /// [`VaultError::Missing`] and [`VaultError::Unsound`] are about the original: what is bad is
    /// never mirrored. Else as [`Vault::check_mirror`], [`VaultError::Full`],
    /// [`VaultError::CopyDiffers`], …
    pub fn mirror(&self, digest: &Digest) -> Result<Mirrored, VaultError> {
        let mirror = self.mirror_shelf()?;
        // 1. What stands there already.
        if let Fixity::Sound { bytes } = mirror.verify(digest, None) {
            // Whoever linked it may have been killed before its name was durable.
            let path = mirror.path_of(digest, None);
            let drawer = mirror.make_drawer(digest)?;
            around(Way::MIRROR.folder, || fsync(&drawer))
                .map_err(|e| VaultError::fsync(path, e))?;
            let placed = Placed::Already;
            return Ok(Mirrored { bytes, placed });
        }
        // 2. and 3. A copy that has the digest, is on the mirror's disk and was read back.
        let (scratch, hashed) = self.originals.copy_to(&mirror, digest, &Way::MIRROR)?;
        // 4. The name.
        let placed = mirror.place(&scratch, digest, None, &Way::MIRROR)?;
        let bytes = hashed.bytes;
        Ok(Mirrored { bytes, placed })
    }

    /// The mirror's shelf, if it is there and this store's.
    pub(super) fn mirror_shelf(&self) -> Result<Arc<Shelf>, VaultError> {
        let mirror = self.mirror.as_ref().ok_or(VaultError::NoMirror)?;
        let mut found = mirror.found.lock().unwrap_or_else(PoisonError::into_inner);
        // A medium may be taken away, or another be put in its place, at any time.
        let there = statat(CWD, &mirror.path, AtFlags::SYMLINK_NOFOLLOW);
        let there = there.map(|s| (s.st_dev, s.st_ino));
        if let (Some(shelf), Ok(there)) = (&*found, there)
            && shelf.identity()? == there
        {
            return Ok(Arc::clone(shelf));
        }
        *found = None;
        let shelf = Arc::new(self.open_mirror(&mirror.path)?);
        *found = Some(Arc::clone(&shelf));
        Ok(shelf)
    }

    fn open_mirror(&self, path: &Path) -> Result<Shelf, VaultError> {
        let away = || VaultError::MirrorAway(path.to_owned());
        let shelf = Shelf::open(path).map_err(|e| match e {
            VaultError::NotAVault(_) => away(),
            e => e,
        })?;
        if shelf.identity()? == self.originals.identity()? {
            return Err(VaultError::MirrorIsStore(path.to_owned()));
        }
        let found = shelf.mark(MIRROR_MARK)?.ok_or_else(away)?;
        match self.originals.mark(STORE_MARK)? {
            Some(own) if own == found => Ok(shelf),
            own => Err(VaultError::MirrorForeign {
                path: path.to_owned(),
                found,
                own: own.unwrap_or_else(|| "missing".to_owned()),
            }),
        }
    }
}

impl Shelf {
    /// Copies an object into the staging of another shelf, hashed on the way: what is staged has
    /// its digest, is on the disk and was read back.
    pub(super) fn copy_to(
        &self,
        to: &Self,
        digest: &Digest,
        way: &Way,
    ) -> Result<(Scratch, Copied), VaultError> {
        let path = self.path_of(digest, None);
        let unsound = |was| match was {
            Fixity::Missing => VaultError::Missing {
                id: digest.id(),
                path: path.clone(),
            },
            was => VaultError::Unsound {
                path: path.clone(),
                was,
            },
        };
        let source = self.open_regular(digest, None).map_err(unsound)?;
        drop_cache(&source);
        let (scratch, hashed) = to.copy_in(&source, way).map_err(|e| match e {
            VaultError::SourceUnreadable { .. } => unsound(Fixity::Unreadable {
                error: e.to_string(),
            }),
            e => e,
        })?;
        if hashed.digest != *digest {
            return Err(unsound(Fixity::Altered {
                found: hashed.digest,
                bytes: hashed.bytes,
            }));
        }
        Ok((scratch, hashed))
    }

    /// The number on a mark of this shelf; `None` when it bears none.
    fn mark(&self, name: &str) -> Result<Option<String>, VaultError> {
        let path = self.path.join(name);
        let flags = OFlags::RDONLY | file_flags();
        let file = match openat(&self.dir, name, flags, Mode::empty()) {
            Ok(fd) => fs::File::from(fd),
            Err(Errno::NOENT) => return Ok(None),
            Err(e) => return Err(VaultError::io("opening", path, e)),
        };
        let mut bytes = Vec::new();
        file.take(MARK_FILE_BYTES_MAX)
            .read_to_end(&mut bytes)
            .map_err(|e| VaultError::io("reading", path, e))?;
        Ok(Some(name_human(bytes.trim_ascii())))
    }

    /// Marks this shelf, durably and whole; a mark that is there stays.
    fn write_mark(&self, name: &str, number: &str) -> Result<(), VaultError> {
        let path = self.path.join(name);
        let failed = |e| VaultError::io("writing", &path, e);
        let scratch = self.new_scratch()?;
        (&scratch.file)
            .write_all(format!("{number}\n").as_bytes())
            .map_err(failed)?;
        fchmod(&scratch.file, Mode::from_raw_mode(MARK_MODE)).map_err(|e| failed(e.into()))?;
        fsync(&scratch.file).map_err(|e| VaultError::fsync(&scratch.path, e))?;
        match linkat(
            &*scratch.dir,
            &scratch.name,
            &self.dir,
            name,
            AtFlags::empty(),
        ) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(e) => return Err(failed(e.into())),
        }
        fsync(&self.dir).map_err(|e| VaultError::fsync(&self.path, e))
    }
}
