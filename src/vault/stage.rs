//! From a source to an object: steps 1 to 4 of the write order of admission, and the same end for
//! renditions. After `stage` the bytes are on our disk and have been read back; after `publish`
//! they have their name for good. The commit point is not here.

use std::{fs::File, os::unix::fs::MetadataExt, path::PathBuf};

use rustix::{
    fs::{AtFlags, Mode, fchmod, fsync, linkat, renameat},
    io::Errno,
};

use super::{
    Fixity, Output, Vault, VaultError,
    scratch::Scratch,
    shelf::{Shelf, check_extension, object_name},
};
use crate::{
    base::Digest,
    hashing::{Copied, HashError, chunk_leaves, copy_hashed, drop_cache, hash_file},
};

/// Read-only, for its owner alone.
const OBJECT_MODE: u32 = 0o400;

/// A copy that is on the disk and was read back equal to its source. Dropped, it is gone.
#[derive(Debug)]
pub struct Staged {
    pub(super) scratch: Scratch,
    hashed: Copied,
}

impl Staged {
    /// SHA-256 of the bytes.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.hashed.digest
    }

    /// Digest, chunk root and leaves, size.
    #[must_use]
    pub const fn hashed(&self) -> &Copied {
        &self.hashed
    }

    /// The copy, open for reading. Attribution may look at its first bytes and nobody may write.
    #[must_use]
    pub const fn file(&self) -> &File {
        &self.scratch.file
    }
}

/// How an object came to stand under its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placed {
    /// There was none.
    Fresh,
    /// There was one, re-read and good; the new copy was thrown away.
    Already,
    /// There was a bad one. The good copy stands in its place.
    Healed {
        /// What was wrong.
        was: Fixity,
        /// Where the bad one is kept.
        aside: PathBuf,
    },
}

/// An object that has its name for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Digest, chunk root and leaves, size.
    pub hashed: Copied,
    /// How it came there.
    pub placed: Placed,
}

impl Published {
    /// SHA-256 of the object: its name.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.hashed.digest
    }
}

impl Vault {
    /// Copies `source`, which the caller opened without following links, into staging.
    ///
    /// Several threads may stage at once. Do not call it on a thread of rayon: it waits.
    ///
    /// # Errors
    /// [`VaultError::SourceChanged`] when somebody wrote to it meanwhile,
    /// [`VaultError::CopyDiffers`] when the disk gives back other bytes, [`VaultError::Full`], …
    pub fn stage(&self, source: &File) -> Result<Staged, VaultError> {
        // 1. The source, as it is before anything is read. Regular files only.
        let before = Witness::of(source)?;
        if !before.regular {
            return Err(VaultError::SourceNotRegular);
        }
        let scratch = self.originals.new_scratch()?;

        // 2. One pass: copy, SHA-256, leaves.
        let hashed = copy_hashed(source, &scratch.file).map_err(|e| match e {
            HashError::Read { at, source } => VaultError::SourceUnreadable { at, source },
            HashError::Write { source, .. } => VaultError::io("writing", &scratch.path, source),
        })?;
        drop_cache(source);

        // 3. On the disk, and only then read back: before the fsync a re-read proves nothing.
        seal(&scratch)?;
        let again = chunk_leaves(&scratch.file)
            .map_err(|e| VaultError::io("reading back", &scratch.path, io_of(e)))?;
        if let Some(chunk) = first_difference(&hashed.leaves, &again) {
            return Err(VaultError::CopyDiffers {
                path: scratch.path.clone(),
                chunk,
            });
        }
        before.check_unchanged(&Witness::of(source)?, hashed.bytes)?;
        Ok(Staged { scratch, hashed })
    }

    /// Gives a staged copy its name among the originals.
    ///
    /// # Errors
    /// As the system says; the copy is then gone from staging and the source untouched.
    pub fn publish(&self, staged: Staged) -> Result<Published, VaultError> {
        let Staged { scratch, hashed } = staged;
        let placed = self.originals.place(scratch, &hashed.digest, None)?;
        Ok(Published { hashed, placed })
    }

    /// An empty file in the renditions' staging, for a worker to write.
    ///
    /// # Errors
    /// As creating says.
    pub fn stage_output(&self) -> Result<Output, VaultError> {
        Ok(Output {
            scratch: self.renditions.new_scratch()?,
        })
    }

    /// Gives what a worker wrote its name among the renditions. The worker must have ended.
    ///
    /// # Errors
    /// [`VaultError::Extension`], or as the system says; the output is then gone.
    pub fn publish_rendition(
        &self,
        output: Output,
        extension: &str,
    ) -> Result<Published, VaultError> {
        check_extension(extension)?;
        let scratch = output.scratch;
        seal(&scratch)?;
        // The digest is of what the disk gives back: nobody else has ever hashed these bytes.
        let hashed = hash_file(&scratch.file)
            .map_err(|e| VaultError::io("reading back", &scratch.path, io_of(e)))?;
        let placed = self
            .renditions
            .place(scratch, &hashed.digest, Some(extension))?;
        Ok(Published { hashed, placed })
    }
}

impl Shelf {
    /// 4. Links the file to its name without overwriting, or finds what stands there good, or
    ///    heals it. Durable when this returns.
    fn place(
        &self,
        scratch: Scratch,
        digest: &Digest,
        extension: Option<&str>,
    ) -> Result<Placed, VaultError> {
        let drawer = self.make_drawer(digest)?;
        let name = object_name(digest, extension);
        let path = self.path_of(digest, extension);
        let placed = match linkat(
            &*scratch.dir,
            &scratch.name,
            &drawer,
            &name,
            AtFlags::empty(),
        ) {
            Ok(()) => Placed::Fresh,
            Err(Errno::EXIST) => match self.verify(digest, extension) {
                Fixity::Sound { .. } => Placed::Already,
                was => {
                    // The bad one gets its second name first, then the good one takes the first
                    // name in one step: at no instant is there no object.
                    let aside = self.keep_aside(&drawer, &name, digest, "bad")?;
                    renameat(&*scratch.dir, &scratch.name, &drawer, &name)
                        .map_err(|e| VaultError::io("healing", &path, e))?;
                    Placed::Healed { was, aside }
                }
            },
            Err(e) => return Err(VaultError::io("linking", path, e)),
        };
        // Also when it was there already: whoever linked it may have been killed before this line.
        fsync(&drawer).map_err(|e| VaultError::fsync(&path, e))?;
        // Only now may the name in staging go (by `Drop`): until the folder is durable, it is the
        // one that a crash is sure to leave.
        drop(scratch);
        Ok(placed)
    }
}

/// Makes a staged file read-only and durable.
fn seal(scratch: &Scratch) -> Result<(), VaultError> {
    fchmod(&scratch.file, Mode::from_raw_mode(OBJECT_MODE))
        .map_err(|e| VaultError::io("sealing", &scratch.path, e))?;
    fsync(&scratch.file).map_err(|e| VaultError::fsync(&scratch.path, e))
}

fn io_of(e: HashError) -> std::io::Error {
    match e {
        HashError::Read { source, .. } | HashError::Write { source, .. } => source,
    }
}

fn first_difference(a: &[Digest], b: &[Digest]) -> Option<u64> {
    let shared = a.iter().zip(b).position(|(a, b)| a != b);
    shared
        .or_else(|| (a.len() != b.len()).then(|| a.len().min(b.len())))
        .map(|n| n as u64)
}

/// What tells whether a file was written to.
#[derive(PartialEq, Eq)]
struct Witness {
    regular: bool,
    bytes: u64,
    modified: (i64, i64),
}

impl Witness {
    fn of(source: &File) -> Result<Self, VaultError> {
        let m = source
            .metadata()
            .map_err(|source| VaultError::SourceUnreadable { at: 0, source })?;
        Ok(Self {
            regular: m.file_type().is_file(),
            bytes: m.len(),
            modified: (m.mtime(), m.mtime_nsec()),
        })
    }

    fn check_unchanged(&self, after: &Self, copied: u64) -> Result<(), VaultError> {
        let what = if self.bytes != after.bytes {
            format!("{} bytes before, {} after", self.bytes, after.bytes)
        } else if self.bytes != copied {
            format!("{} bytes by its size, {copied} by reading it", self.bytes)
        } else if self.modified != after.modified {
            "it was modified meanwhile".to_owned()
        } else {
            return Ok(());
        };
        Err(VaultError::SourceChanged { what })
    }
}
