//! A file in staging. It disappears with the value that owns it, so that work which fails, or is
//! thrown away, leaves nothing behind; what a killed process leaves, the sweep finds.

use std::{
    fs::File,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::shelf::unlink;

#[derive(Debug)]
pub(super) struct Scratch {
    pub(super) file: File,
    pub(super) dir: Arc<OwnedFd>,
    pub(super) name: String,
    pub(super) path: PathBuf,
    /// Whether its name outlives it.
    pub(super) stays: bool,
}

impl Scratch {
    pub(super) fn new(file: File, dir: Arc<OwnedFd>, name: String, path: PathBuf) -> Self {
        Self {
            file,
            dir,
            name,
            path,
            stays: false,
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nothing waits for this name to go; if it stays, the sweep before the next night finds it.
        if !self.stays {
            let _ = unlink(&self.dir, &self.name);
        }
    }
}

/// An empty file for a worker to write a rendition into; gone when dropped unpublished.
#[derive(Debug)]
pub struct Output {
    pub(super) scratch: Scratch,
}

impl Output {
    /// The open file, to be handed over as a descriptor.
    #[must_use]
    pub const fn file(&self) -> &File {
        &self.scratch.file
    }

    /// Its path, for a program that cannot take a descriptor.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.scratch.path
    }
}
