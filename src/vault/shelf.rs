//! A shelf: objects in drawers `ab/cd`, a staging folder and a folder for what is put aside.
//! Every path below it is opened part by part from the shelf's own descriptor without following
//! links, so that nobody who can write beside us can send us elsewhere.

use std::{
    collections::HashSet,
    ffi::OsString,
    fs::File,
    io,
    os::{fd::OwnedFd, unix::ffi::OsStringExt},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use rustix::{
    fs::{
        AtFlags, CWD, Dir, Mode, OFlags, fstat, fstatvfs, fsync, mkdirat, openat, statat, unlinkat,
    },
    io::Errno,
};

use super::{Space, VaultError, scratch::Scratch};
use crate::base::{Digest, durable};

pub(super) const STAGING: &str = ".staging";
pub(super) const ASIDE: &str = ".aside";

/// Owner only: whoever else may look, looks through an approval.
const DIR_MODE: u32 = 0o700;

/// Until it is published a file may be written by its owner.
const SCRATCH_MODE: u32 = 0o600;

#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) path: PathBuf,
    pub(super) dir: OwnedFd,
    staging: Arc<OwnedFd>,
    pub(super) aside: OwnedFd,
    /// Drawers whose names this process has made durable.
    durable_drawers: Mutex<HashSet<[u8; 2]>>,
    next_scratch: AtomicU64,
}

impl Shelf {
    pub(super) fn create(path: &Path) -> Result<(), VaultError> {
        if path.symlink_metadata().is_ok() {
            return Err(VaultError::Exists(path.to_owned()));
        }
        Self::lay_out(path)
    }

    /// Makes the folders of a shelf; those that are there are fine.
    pub(super) fn lay_out(path: &Path) -> Result<(), VaultError> {
        for part in [STAGING, ASIDE] {
            let dir = path.join(part);
            durable::create_dirs(&dir, DIR_MODE).map_err(|e| VaultError::io("creating", dir, e))?;
        }
        Ok(())
    }

    pub(super) fn open(path: &Path) -> Result<Self, VaultError> {
        let open = |path: &Path| {
            openat(CWD, path, dir_flags(), Mode::empty()).map_err(|e| match e {
                Errno::NOENT | Errno::NOTDIR => VaultError::NotAVault(path.to_owned()),
                e => VaultError::io("opening", path, e),
            })
        };
        Ok(Self {
            dir: open(path)?,
            staging: Arc::new(open(&path.join(STAGING))?),
            aside: open(&path.join(ASIDE))?,
            path: path.to_owned(),
            durable_drawers: Mutex::default(),
            next_scratch: AtomicU64::new(0),
        })
    }

    /// Device and number of its folder: two shelves that have them alike are one.
    pub(super) fn identity(&self) -> Result<(u64, u64), VaultError> {
        let stat = fstat(&self.dir).map_err(|e| VaultError::io("looking at", &self.path, e))?;
        Ok((stat.st_dev, stat.st_ino))
    }

    pub(super) fn path_of(&self, digest: &Digest, extension: Option<&str>) -> PathBuf {
        path_below(&self.path, digest, extension)
    }

    pub(super) fn aside_path(&self, name: &str) -> PathBuf {
        self.path.join(ASIDE).join(name)
    }

    pub(super) fn root_dir(&self) -> (&OwnedFd, &Path) {
        (&self.dir, &self.path)
    }

    pub(super) fn staging_dir(&self) -> (&OwnedFd, PathBuf) {
        (&self.staging, self.path.join(STAGING))
    }

    /// A new empty file in staging.
    pub(super) fn new_scratch(&self) -> Result<Scratch, VaultError> {
        self.new_scratch_for("")
    }

    /// The same with a name that begins so.
    pub(super) fn new_scratch_for(&self, whom: &str) -> Result<Scratch, VaultError> {
        loop {
            // A number may be taken by what a killed process left; the next one is as good.
            let number = self.next_scratch.fetch_add(1, Ordering::Relaxed);
            let name = format!("{whom}{number:08}");
            let path = self.path.join(STAGING).join(&name);
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | file_flags();
            match openat(
                &*self.staging,
                &name,
                flags,
                Mode::from_raw_mode(SCRATCH_MODE),
            ) {
                Ok(fd) => {
                    return Ok(Scratch::new(
                        File::from(fd),
                        Arc::clone(&self.staging),
                        name,
                        path,
                    ));
                }
                Err(Errno::EXIST) => {}
                Err(e) => return Err(VaultError::io("creating", path, e)),
            }
        }
    }

    /// The drawer of `digest`, if there is one.
    pub(super) fn find_drawer(&self, digest: &Digest) -> rustix::io::Result<OwnedFd> {
        let [a, b] = drawer_names(digest);
        let outer = openat(&self.dir, a, dir_flags(), Mode::empty())?;
        openat(&outer, b, dir_flags(), Mode::empty())
    }

    /// The drawer of `digest`, made if need be; its name is durable.
    pub(super) fn make_drawer(&self, digest: &Digest) -> Result<OwnedFd, VaultError> {
        let [a, b] = drawer_names(digest);
        let (outer_path, path) = (self.path.join(&a), self.path.join(&a).join(&b));
        let key = [digest.as_bytes()[0], digest.as_bytes()[1]];
        // Held over the fsync: nobody may take the drawer for durable before it is.
        let mut durable = self
            .durable_drawers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if durable.contains(&key)
            && let Ok(drawer) = self.find_drawer(digest)
        {
            return Ok(drawer);
        }
        let outer = open_or_make(&self.dir, &a, &outer_path)?;
        let drawer = open_or_make(&outer, &b, &path)?;
        fsync(&outer).map_err(|e| VaultError::fsync(&outer_path, e))?;
        fsync(&self.dir).map_err(|e| VaultError::fsync(&self.path, e))?;
        durable.insert(key);
        Ok(drawer)
    }

    pub(super) fn open_object(
        &self,
        digest: &Digest,
        extension: Option<&str>,
    ) -> Result<File, VaultError> {
        let name = object_name(digest, extension);
        self.find_drawer(digest)
            .and_then(|drawer| openat(&drawer, &name, OFlags::RDONLY | file_flags(), Mode::empty()))
            .map(File::from)
            .map_err(|e| match e {
                Errno::NOENT => VaultError::Missing {
                    id: digest.id(),
                    path: self.path_of(digest, extension),
                },
                e => VaultError::io("opening", self.path_of(digest, extension), e),
            })
    }

    pub(super) fn objects(&self) -> Result<Vec<Digest>, VaultError> {
        let mut found = Vec::new();
        for a in two_digit_names(&self.dir, &self.path)? {
            let outer_path = self.path.join(&a);
            let outer = openat(&self.dir, &a, dir_flags(), Mode::empty())
                .map_err(|e| VaultError::io("opening", &outer_path, e))?;
            for b in two_digit_names(&outer, &outer_path)? {
                let path = outer_path.join(&b);
                let drawer = openat(&outer, &b, dir_flags(), Mode::empty())
                    .map_err(|e| VaultError::io("opening", &path, e))?;
                found.extend(names_in(&drawer, &path)?.iter().filter_map(|n| {
                    n.parse::<Digest>()
                        .ok()
                        .filter(|d| drawer_names(d) == [a.as_str(), b.as_str()])
                }));
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    pub(super) fn space(&self) -> Result<Space, VaultError> {
        let stat =
            fstatvfs(&self.dir).map_err(|e| VaultError::io("asking for room in", &self.path, e))?;
        Ok(Space {
            free_bytes: stat.f_bavail.saturating_mul(stat.f_frsize),
            total_bytes: stat.f_blocks.saturating_mul(stat.f_frsize),
        })
    }
}

/// Refuses what could be more than an extension.
pub(super) fn check_extension(extension: &str) -> Result<(), VaultError> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    if (1..=8).contains(&extension.len()) && extension.bytes().all(plain) {
        Ok(())
    } else {
        Err(VaultError::Extension(extension.to_owned()))
    }
}

/// Where an object lies, or would, on a shelf at `path`.
pub(super) fn path_below(path: &Path, digest: &Digest, extension: Option<&str>) -> PathBuf {
    let [a, b] = drawer_names(digest);
    path.join(a).join(b).join(object_name(digest, extension))
}

pub(super) fn object_name(digest: &Digest, extension: Option<&str>) -> String {
    extension.map_or_else(|| digest.to_string(), |e| format!("{digest}.{e}"))
}

/// The names in a folder but `.` and `..`, in order.
pub(super) fn all_names_in(dir: &OwnedFd, path: &Path) -> Result<Vec<OsString>, VaultError> {
    let failed = |e: Errno| VaultError::io("listing", path, e);
    let mut names = Vec::new();
    for entry in Dir::read_from(dir).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_bytes().to_vec();
        if !matches!(name.as_slice(), b"." | b"..") {
            names.push(OsString::from_vec(name));
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// The names in a folder that can be ours: one that is not UTF-8 is not.
pub(super) fn names_in(dir: &OwnedFd, path: &Path) -> Result<Vec<String>, VaultError> {
    let names = all_names_in(dir, path)?.into_iter();
    Ok(names.filter_map(|name| name.into_string().ok()).collect())
}

/// Removes a name; that it is gone already is as good.
pub(super) fn unlink(dir: &OwnedFd, name: &str) -> io::Result<()> {
    match unlinkat(dir, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(e) => Err(e.into()),
    }
}

/// Whether two names are of one file; in doubt they are not.
pub(super) fn same_file(a: (&OwnedFd, &str), b: (&OwnedFd, &str)) -> bool {
    let number = |(dir, name): (&OwnedFd, &str)| {
        statat(dir, name, AtFlags::SYMLINK_NOFOLLOW).map(|s| (s.st_dev, s.st_ino))
    };
    matches!((number(a), number(b)), (Ok(a), Ok(b)) if a == b)
}

pub(super) fn file_flags() -> OFlags {
    // Without NONBLOCK, opening a pipe that somebody planted would wait for ever.
    OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK
}

pub(super) fn dir_flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

fn drawer_names(digest: &Digest) -> [String; 2] {
    let b = digest.as_bytes();
    [format!("{:02x}", b[0]), format!("{:02x}", b[1])]
}

pub(super) fn two_digit_names(dir: &OwnedFd, path: &Path) -> Result<Vec<String>, VaultError> {
    let hex = |n: &String| n.len() == 2 && n.bytes().all(|b| b.is_ascii_hexdigit());
    Ok(names_in(dir, path)?.into_iter().filter(hex).collect())
}

fn open_or_make(dir: &OwnedFd, name: &str, path: &Path) -> Result<OwnedFd, VaultError> {
    match mkdirat(dir, name, Mode::from_raw_mode(DIR_MODE)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(e) => return Err(VaultError::io("creating", path, e)),
    }
    openat(dir, name, dir_flags(), Mode::empty()).map_err(|e| VaultError::io("opening", path, e))
}
