//! Lines out of a stretch of the file, one after the other, in memory of one buffer.

use std::{fs::File, ops::Range, os::unix::fs::FileExt, path::Path};

use super::LedgerError;
use crate::base::limits::EVENT_BYTES_MAX;

/// Bytes read at a time: several lines of the greatest length.
const READ_BYTES: usize = 256 * 1024;

/// An iterator over lines and their numbers, counted from 0, without their line ends.
///
/// It stops behind the last whole line of its stretch, or after the first error.
#[derive(Debug)]
pub struct Lines<'a> {
    file: &'a File,
    path: &'a Path,
    number: u64,
    unread: Range<u64>,
    held: Vec<u8>,
    at: usize,
    done: bool,
}

impl<'a> Lines<'a> {
    pub(super) fn new(file: &'a File, path: &'a Path, number: u64, bytes: Range<u64>) -> Self {
        Self {
            file,
            path,
            number,
            unread: bytes,
            held: Vec::new(),
            at: 0,
            done: false,
        }
    }

    /// Bytes behind the last whole line, once the iterator is at its end.
    pub(super) fn unfinished_bytes(&self) -> u64 {
        (self.held.len() - self.at) as u64
    }

    /// Gets more of the stretch into memory; false at its end.
    fn read_more(&mut self) -> Result<bool, LedgerError> {
        self.held.drain(..self.at);
        self.at = 0;
        let left = self.unread.end.saturating_sub(self.unread.start);
        let take = usize::try_from(left).unwrap_or(usize::MAX).min(READ_BYTES);
        if take == 0 {
            return Ok(false);
        }
        let old = self.held.len();
        self.held.resize(old.saturating_add(take), 0);
        self.file
            .read_exact_at(&mut self.held[old..], self.unread.start)
            .map_err(|e| LedgerError::io("reading", self.path, e))?;
        self.unread.start = self.unread.start.saturating_add(take as u64);
        Ok(true)
    }

    fn next_line(&mut self) -> Result<Option<Vec<u8>>, LedgerError> {
        let mut searched = self.at;
        loop {
            if let Some(n) = self.held[searched..].iter().position(|b| *b == b'\n') {
                let line = self.held[self.at..searched + n].to_vec();
                self.at = searched + n + 1;
                return Ok(Some(line));
            }
            if self.held.len() - self.at > EVENT_BYTES_MAX {
                // A torn line is a piece of one that was short enough: this is none of ours.
                let bytes = self.held.len() - self.at;
                return Err(LedgerError::Line {
                    line: self.number,
                    bytes,
                });
            }
            searched = self.held.len() - self.at;
            if !self.read_more()? {
                return Ok(None);
            }
        }
    }
}

impl Iterator for Lines<'_> {
    type Item = Result<(u64, Vec<u8>), LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        match self.next_line() {
            Ok(Some(line)) => {
                let number = self.number;
                self.number = number.saturating_add(1);
                Some(Ok((number, line)))
            }
            Ok(None) => {
                self.done = true;
                None
            }
            Err(e) => {
                self.done = true;
                Some(Err(e))
            }
        }
    }
}
