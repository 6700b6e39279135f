//! What the inbox looked like: who finds path, size, time and inode unchanged need not hash a
//! file again. A cache, so its rows carry their own version and may be thrown away.

use crate::base::{Digest, Moment};

const VERSION: u8 = 1;

/// Bytes of a row: version, size, time of modification, inode, device, digest, last seen.
const ROW_BYTES: usize = 1 + 8 + 16 + 8 + 8 + 32 + 8;

/// What was under a path when it was admitted or last recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memo {
    /// Size of the file.
    pub bytes: u64,
    /// Its modification time, in nanoseconds since 1970.
    pub modified_ns: i128,
    /// Its inode number.
    pub inode: u64,
    /// The number of its file system.
    pub device: u64,
    /// SHA-256 of its bytes.
    pub digest: Digest,
    /// When it was seen there last.
    pub seen_at: Moment,
}

impl Memo {
    /// As a row.
    pub(super) fn to_row(self) -> Vec<u8> {
        let mut row = Vec::with_capacity(ROW_BYTES);
        row.push(VERSION);
        row.extend_from_slice(&self.bytes.to_be_bytes());
        row.extend_from_slice(&self.modified_ns.to_be_bytes());
        row.extend_from_slice(&self.inode.to_be_bytes());
        row.extend_from_slice(&self.device.to_be_bytes());
        row.extend_from_slice(self.digest.as_bytes());
        row.extend_from_slice(&self.seen_at.as_ms().to_be_bytes());
        row
    }

    /// Out of a row; nothing when this program did not write it.
    pub(super) fn from_row(row: &[u8]) -> Option<Self> {
        if row.len() != ROW_BYTES {
            return None;
        }
        let (version, row) = row.split_first()?;
        let (bytes, row) = row.split_first_chunk()?;
        let (modified, row) = row.split_first_chunk()?;
        let (inode, row) = row.split_first_chunk()?;
        let (device, row) = row.split_first_chunk()?;
        let (digest, row) = row.split_first_chunk::<32>()?;
        let (seen, _) = row.split_first_chunk()?;
        (*version == VERSION).then(|| Self {
            bytes: u64::from_be_bytes(*bytes),
            modified_ns: i128::from_be_bytes(*modified),
            inode: u64::from_be_bytes(*inode),
            device: u64::from_be_bytes(*device),
            digest: Digest::new(*digest),
            seen_at: Moment::from_ms(i64::from_be_bytes(*seen)),
        })
    }
}
