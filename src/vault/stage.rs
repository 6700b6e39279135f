//! From a source to an object: steps 1 to 4 of the write order of admission, and the same end for
//! renditions and for copies between shelves. After `stage` the bytes are on our disk and have
//! been read back; after `publish` they have their name for good. The commit point is not here.

use std::{fs::File, io, os::unix::fs::MetadataExt, path::PathBuf};

use rustix::fs::{AtFlags, Mode, fchmod, fsync, linkat, renameat};

use super::{
    Fixity, Linked, Output, Vault, VaultError,
    scratch::Scratch,
    shelf::{Shelf, check_extension, object_name},
    way::Way,
};
use crate::{
    base::{
        Digest, RecordingId,
        killpoint::{around, done, step},
    },
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
        // 2. and 3. A copy that is on the disk and was read back.
        let (scratch, hashed) = self.originals.copy_in(source, &Way::ADMIT)?;
        before.check_unchanged(&Witness::of(source)?, hashed.bytes)?;
        Ok(Staged { scratch, hashed })
    }

    /// Gives a staged copy its name among the originals.
    ///
    /// # Errors
    /// As the system says; the copy is then gone from staging and the source untouched.
    pub fn publish(&self, staged: Staged) -> Result<Published, VaultError> {
        let Staged { scratch, hashed } = staged;
        // 4. The name.
        let placed = self
            .originals
            .place(&scratch, &hashed.digest, None, &Way::ADMIT)?;
        // Only now may the name in staging go: until the folder is durable, it is the one that a
        // crash is sure to leave.
        drop(scratch);
        Ok(Published { hashed, placed })
    }

    /// An empty file in the renditions' staging, for a worker that looks at this recording.
    ///
    /// # Errors
    /// As creating says.
    pub fn stage_output(&self, id: RecordingId) -> Result<Output, VaultError> {
        Ok(Output {
            scratch: self.renditions.new_scratch_for(&format!("{id}."))?,
        })
    }

    /// An empty file for what must not outlive this process: it has no name, and never gets one.
    ///
    /// # Errors
    /// As creating says.
    pub fn nameless_file(&self) -> Result<File, VaultError> {
        let (_, dir) = self.renditions.staging_dir();
        tempfile::tempfile_in(&dir).map_err(|e| VaultError::io("creating a file in", &dir, e))
    }

    /// Gives what a worker wrote its name among the renditions. The worker must have ended.
    ///
    /// # Errors
    /// [`VaultError::Extension`], or as the system says; the output is then gone.
    pub fn publish_rendition(&self, output: Output, extension: &str) -> Result<Linked, VaultError> {
        check_extension(extension)?;
        let (mut scratch, way) = (output.scratch, Way::DERIVE);
        seal(&scratch, &way)?;
        // The digest is of what the disk gives back: nobody else has ever hashed these bytes.
        let hashed = read_back(&scratch, &way, hash_file)?;
        let digest = hashed.digest;
        // What fails from here on may have its name nevertheless.
        scratch.stays = true;
        let placed = self
            .renditions
            .place(&scratch, &digest, Some(extension), &way)
            .inspect_err(|_| {
                // If it cannot go either, the next start finds it by its name in staging.
                let _ = self.renditions.withdraw(&scratch.name, &digest);
            })?;
        let published = Published { hashed, placed };
        Ok(Linked { published, scratch })
    }
}

impl Shelf {
    /// Steps 2 and 3 on this shelf: what is staged when this returns is on the disk and was read
    /// back equal to what `source` gave.
    pub(super) fn copy_in(
        &self,
        source: &File,
        way: &Way,
    ) -> Result<(Scratch, Copied), VaultError> {
        let scratch = self.new_scratch()?;
        let struck = |e| VaultError::io("writing", &scratch.path, e);

        // 2. One pass: copy, SHA-256, leaves.
        step(way.copy).map_err(struck)?;
        let hashed = copy_hashed(source, &scratch.file).map_err(|e| match e {
            HashError::Read { at, source } => VaultError::SourceUnreadable { at, source },
            HashError::Write { source, .. } => VaultError::io("writing", &scratch.path, source),
        })?;
        drop_cache(source);
        done(way.copy).map_err(struck)?;

        // 3. On the disk, and only then read back: before the fsync a re-read proves nothing.
        seal(&scratch, way)?;
        let again = read_back(&scratch, way, chunk_leaves)?;
        match first_difference(&hashed.leaves, &again) {
            None => Ok((scratch, hashed)),
            Some(chunk) => Err(VaultError::CopyDiffers {
                path: scratch.path.clone(),
                chunk,
            }),
        }
    }

    /// 4. Links the file to its name without overwriting, or finds what stands there good, or
    ///    heals it. Durable when this returns.
    pub(super) fn place(
        &self,
        scratch: &Scratch,
        digest: &Digest,
        extension: Option<&str>,
        way: &Way,
    ) -> Result<Placed, VaultError> {
        let name = object_name(digest, extension);
        let path = self.path_of(digest, extension);
        let struck = |doing| {
            let path = &path;
            move |e: io::Error| VaultError::io(doing, path, e)
        };

        step(way.drawer).map_err(struck("creating the folder of"))?;
        let drawer = self.make_drawer(digest)?;
        done(way.drawer).map_err(struck("creating the folder of"))?;

        let linked = around(way.link, || {
            let no_flags = AtFlags::empty();
            linkat(&*scratch.dir, &scratch.name, &drawer, &name, no_flags)
        });
        let placed = match linked {
            Ok(()) => Placed::Fresh,
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                match self.verify(digest, extension) {
                    Fixity::Sound { .. } => Placed::Already,
                    was => {
                        // The bad one gets its second name first, then the good one takes the
                        // first name in one step: at no instant is there no object.
                        step(way.aside).map_err(struck("putting aside"))?;
                        let aside = self.keep_aside(&drawer, &name, digest, "bad")?;
                        done(way.aside).map_err(struck("putting aside"))?;
                        around(way.heal, || {
                            renameat(&*scratch.dir, &scratch.name, &drawer, &name)
                        })
                        .map_err(struck("healing"))?;
                        Placed::Healed { was, aside }
                    }
                }
            }
            Err(e) => return Err(struck("linking")(e)),
        };
        // Also when it was there already: whoever linked it may have been killed before this line.
        around(way.folder, || fsync(&drawer)).map_err(|e| VaultError::fsync(&path, e))?;
        Ok(placed)
    }
}

/// Makes a staged file read-only and durable.
fn seal(scratch: &Scratch, way: &Way) -> Result<(), VaultError> {
    fchmod(&scratch.file, Mode::from_raw_mode(OBJECT_MODE))
        .map_err(|e| VaultError::io("sealing", &scratch.path, e))?;
    around(way.sync, || fsync(&scratch.file)).map_err(|e| VaultError::fsync(&scratch.path, e))
}

/// What the disk gives back of a sealed file.
fn read_back<T>(
    scratch: &Scratch,
    way: &Way,
    pass: fn(&File) -> Result<T, HashError>,
) -> Result<T, VaultError> {
    around(way.reread, || pass(&scratch.file).map_err(io_of))
        .map_err(|e| VaultError::io("reading back", &scratch.path, e))
}

fn io_of(e: HashError) -> io::Error {
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
