//! Reading and writing a file by position, past the page cache where the file system allows it:
//! a night moves far more bytes than memory holds and looks at none of them twice, and a re-read
//! that the cache answers says nothing about the disk.

use std::{fs::File, io, os::unix::fs::FileExt};

use rustix::{
    fs::{Advice, OFlags, fadvise, fcntl_getfl, fcntl_setfl},
    io::Errno,
};

use super::block::{ALIGN, Block};

/// Asks the kernel to forget the clean pages of `file`; a wish, so there is nothing to fail.
pub fn drop_cache(file: &File) {
    let _ = fadvise(file, 0, None, Advice::DontNeed);
}

/// A file whose descriptor is switched to direct input and output for as long as this lives.
pub(super) struct Lane<'a> {
    file: &'a File,
    direct: bool,
}

impl<'a> Lane<'a> {
    /// Through the page cache.
    pub(super) fn cached(file: &'a File) -> Self {
        let _ = fadvise(file, 0, None, Advice::Sequential);
        Self {
            file,
            direct: false,
        }
    }

    /// Past the page cache if the file system can; nobody else may use the descriptor meanwhile.
    pub(super) fn direct(file: &'a File) -> Self {
        let mut lane = Self {
            file,
            direct: false,
        };
        lane.direct = lane.switch(true).is_ok();
        lane
    }

    fn switch(&self, on: bool) -> rustix::io::Result<()> {
        let flags = fcntl_getfl(self.file)?;
        let flags = if on {
            flags | OFlags::DIRECT
        } else {
            flags - OFlags::DIRECT
        };
        fcntl_setfl(self.file, flags)
    }

    fn leave_direct(&mut self) {
        if std::mem::take(&mut self.direct) {
            let _ = self.switch(false);
        }
    }

    /// Whether `e` only says that direct access was not possible here.
    fn only_alignment(&self, e: &io::Error) -> bool {
        self.direct && e.raw_os_error() == Some(Errno::INVAL.raw_os_error())
    }

    /// Fills `block` from offset `at`; what it holds less than its room, the file did not have.
    pub(super) fn fill(&mut self, block: &mut Block, at: u64) -> io::Result<usize> {
        let room = block.room();
        let mut filled = 0;
        while filled < room.len() {
            // Behind an odd length there is only the end of the file, and a direct read there
            // would be refused.
            if !filled.is_multiple_of(ALIGN) {
                self.leave_direct();
            }
            match self
                .file
                .read_at(&mut room[filled..], at.saturating_add(filled as u64))
            {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if self.only_alignment(&e) => self.leave_direct(),
                Err(e) => return Err(e),
            }
        }
        block.set_filled(filled);
        Ok(filled)
    }

    /// Writes `bytes` at offset `at`, all of them.
    pub(super) fn write(&mut self, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            let whole = bytes.len() - bytes.len() % ALIGN;
            if whole == 0 {
                self.leave_direct();
            }
            let part = if self.direct { &bytes[..whole] } else { bytes };
            match self.file.write_at(part, at) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => {
                    bytes = &bytes[n..];
                    at = at.saturating_add(n as u64);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if self.only_alignment(&e) => self.leave_direct(),
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

impl Drop for Lane<'_> {
    fn drop(&mut self) {
        self.leave_direct();
    }
}
