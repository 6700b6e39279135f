//! The chain: for every line where it ends and the hash up to it, in entries of fixed width, so
//! that the n-th is found without reading the ones before.

use std::{fs::File, io, os::unix::fs::FileExt};

use sha2::{Digest as _, Sha256};

use crate::base::Digest;

/// Bytes of one entry: an offset (big-endian) and a digest.
pub(super) const ENTRY_LEN: usize = 40;
pub(super) const ENTRY_BYTES: u64 = ENTRY_LEN as u64;

/// What is known after some line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Offset behind its line end.
    pub(super) end: u64,
    /// Chain hash up to it.
    pub(super) head: Digest,
}

/// What is known before the first line.
pub(super) const START: Entry = Entry {
    end: 0,
    head: Digest::new([0; 32]),
};

/// SHA-256(`head` ‖ SHA-256(`line`)).
pub(super) fn chained(head: &Digest, line: &[u8]) -> Digest {
    let mut hash = Sha256::new();
    hash.update(head.as_bytes());
    hash.update(Sha256::digest(line));
    Digest::new(hash.finalize().into())
}

impl Entry {
    /// What is known after one more line.
    pub(super) fn after(&self, line: &[u8]) -> Self {
        let end = self.end.saturating_add(line.len() as u64).saturating_add(1);
        Self {
            end,
            head: chained(&self.head, line),
        }
    }

    pub(super) fn to_bytes(self) -> [u8; ENTRY_LEN] {
        let mut bytes = [0; ENTRY_LEN];
        bytes[..8].copy_from_slice(&self.end.to_be_bytes());
        bytes[8..].copy_from_slice(self.head.as_bytes());
        bytes
    }

    /// What is known after the first `len` lines.
    pub(super) fn read(file: &File, len: u64) -> io::Result<Self> {
        let Some(before) = len.checked_sub(1) else {
            return Ok(START);
        };
        let (mut end, mut head) = ([0; 8], [0; 32]);
        let at = before.saturating_mul(ENTRY_BYTES);
        file.read_exact_at(&mut end, at)?;
        file.read_exact_at(&mut head, at.saturating_add(8))?;
        Ok(Self {
            end: u64::from_be_bytes(end),
            head: Digest::new(head),
        })
    }
}

/// The first `len` entries as they lie in the file, or as many as there are.
pub(super) fn read_all(file: &File, len: u64) -> io::Result<Vec<u8>> {
    let have = file.metadata()?.len().min(len.saturating_mul(ENTRY_BYTES));
    let mut bytes = vec![0; usize::try_from(have).map_err(io::Error::other)?];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}
