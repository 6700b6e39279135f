//! A part of a file, looked at from its beginning to its end in small pieces.

use std::{fs::File, ops::Range, os::unix::fs::FileExt};

/// Bytes that are read at once.
const READ_BYTES: usize = 1024 * 1024;

/// Bytes after which whoever reads byte by byte shows that it still does.
pub(super) const BEAT_BYTES: u64 = 1024 * 1024;

/// The part, with what was read of it last.
pub(super) struct Bytes<'a> {
    file: &'a File,
    room: Range<u64>,
    from: u64,
    held: Vec<u8>,
}

impl<'a> Bytes<'a> {
    pub(super) fn new(file: &'a File, room: Range<u64>) -> Self {
        Self {
            file,
            from: room.start,
            room,
            held: Vec::new(),
        }
    }

    /// Where it ends.
    pub(super) const fn end(&self) -> u64 {
        self.room.end
    }

    /// At most so many bytes from there; fewer at the end, or where the disk fails.
    pub(super) fn at(&mut self, at: u64, len: usize) -> &[u8] {
        let left = usize::try_from(self.room.end.saturating_sub(at)).unwrap_or(usize::MAX);
        let len = len.min(left).min(READ_BYTES);
        let begins = |from: u64| usize::try_from(at.checked_sub(from)?).ok();
        let holds = |from: u64, held: usize| {
            begins(from).is_some_and(|begin| begin.saturating_add(len) <= held)
        };
        if !holds(self.from, self.held.len()) {
            self.held.resize(READ_BYTES.min(left), 0);
            let mut read = 0;
            while let Some(rest) = self.held.get_mut(read..).filter(|rest| !rest.is_empty()) {
                match self.file.read_at(rest, at.saturating_add(read as u64)) {
                    Ok(0) => break,
                    Ok(n) => read += n,
                    Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(_) => break,
                }
            }
            self.held.truncate(read);
            self.from = at;
        }
        let begin = begins(self.from).unwrap_or(0);
        let end = begin.saturating_add(len).min(self.held.len());
        self.held.get(begin..end).unwrap_or_default()
    }
}
