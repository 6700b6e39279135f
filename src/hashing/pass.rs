//! One pass over a file.
//!
//! ```text
//!            ┌─> writer thread ──> copy
//!  reader ───┼─> hasher thread ──> SHA-256 of the whole        (one order, so one thread)
//!            └─> rayon ──────────> leaves of the chunk tree    (any order)
//! ```
//!
//! A block is shared by all three and returns to the reader when the last is done with it. A file
//! of one block goes without threads.

use std::{
    fs::File,
    io,
    os::fd::AsFd,
    sync::Arc,
    thread::{self, ScopedJoinHandle},
};

use crossbeam_channel::{Receiver, bounded, unbounded};
use rustix::fs::{FallocateFlags, fallocate};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::{
    block::{BLOCK_BYTES, BLOCK_CHUNKS, BLOCKS_MAX, Block, Lease, Pool},
    lane::{Lane, drop_cache},
};
use crate::base::{
    Digest, Explain,
    limits::CHUNK_BYTES,
    merkle::{leaf_hash, tree_root},
};

/// What one pass learned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// SHA-256 of all bytes.
    pub digest: Digest,
    /// RFC 6962 root over the leaves.
    pub chunk_root: Digest,
    /// Leaf hashes of the 256 KiB chunks, in order; the last chunk may be shorter.
    pub leaves: Vec<Digest>,
    /// How many bytes there were.
    pub bytes: u64,
}

/// A pass did not reach the end.
#[derive(Debug, Error)]
pub enum HashError {
    /// The source could not be read.
    #[error("reading failed near byte {at}: {source}")]
    Read {
        /// The offset at which it was tried.
        at: u64,
        /// What the system said.
        source: io::Error,
    },
    /// The copy could not be written.
    #[error("writing failed near byte {at}: {source}")]
    Write {
        /// The offset at which it was tried.
        at: u64,
        /// What the system said.
        source: io::Error,
    },
}

impl Explain for HashError {}

/// Copies `from`, from its first byte to its last, to `to`, and hashes it on the way.
///
/// Both are addressed by position; `to` must be empty and nobody else's. The copy is not durable
/// until the caller syncs it.
///
/// # Errors
/// [`HashError`]; `to` then holds part of the bytes.
pub fn copy_hashed(from: &File, to: &File) -> Result<Copied, HashError> {
    let expected = length(from)?;
    reserve(to, expected)?;
    let pass = run(Lane::cached(from), Some(Lane::direct(to)), true, expected)?;
    if pass.bytes != expected {
        to.set_len(pass.bytes).map_err(|source| HashError::Write {
            at: pass.bytes,
            source,
        })?;
    }
    Ok(pass.into_copied())
}

/// Hashes `file` as the disk has it. Nobody else may use the descriptor meanwhile.
///
/// # Errors
/// [`HashError::Read`].
pub fn hash_file(file: &File) -> Result<Copied, HashError> {
    drop_cache(file);
    Ok(run(Lane::direct(file), None, true, length(file)?)?.into_copied())
}

/// The leaves of `file` as the disk has it: who has the leaves of before can tell whether and
/// where it differs, on all processors and for half the work of [`hash_file`]. Nobody else may
/// use the descriptor meanwhile.
///
/// # Errors
/// [`HashError::Read`].
pub fn chunk_leaves(file: &File) -> Result<Vec<Digest>, HashError> {
    drop_cache(file);
    Ok(run(Lane::direct(file), None, false, length(file)?)?.leaves)
}

/// What a pass gathers; `digest` is of nothing unless it was asked for.
struct Pass {
    digest: Digest,
    leaves: Vec<Digest>,
    bytes: u64,
}

impl Pass {
    fn into_copied(self) -> Copied {
        Copied {
            digest: self.digest,
            chunk_root: tree_root(&self.leaves),
            leaves: self.leaves,
            bytes: self.bytes,
        }
    }
}

fn length(file: &File) -> Result<u64, HashError> {
    file.metadata()
        .map(|m| m.len())
        .map_err(|source| HashError::Read { at: 0, source })
}

/// Takes the room on the disk at once: a full disk is known before the first byte is copied, and
/// the blocks of one file lie together.
fn reserve(to: &File, bytes: u64) -> Result<(), HashError> {
    use rustix::io::Errno;
    if bytes == 0 {
        return Ok(());
    }
    match fallocate(to.as_fd(), FallocateFlags::empty(), 0, bytes) {
        Err(e @ (Errno::NOSPC | Errno::DQUOT | Errno::FBIG)) => Err(HashError::Write {
            at: 0,
            source: e.into(),
        }),
        // Any other file system can do without.
        _ => Ok(()),
    }
}

fn run(
    from: Lane<'_>,
    to: Option<Lane<'_>>,
    linear: bool,
    expected: u64,
) -> Result<Pass, HashError> {
    // On one of rayon's own threads we must not wait for rayon.
    if expected <= BLOCK_BYTES as u64 || rayon::current_thread_index().is_some() {
        in_one_thread(from, to, linear, expected)
    } else {
        overlapped(from, to, linear, expected)
    }
}

fn in_one_thread(
    mut from: Lane<'_>,
    mut to: Option<Lane<'_>>,
    linear: bool,
    expected: u64,
) -> Result<Pass, HashError> {
    // One byte more than expected shows in the same read that the file has not grown.
    let room = usize::try_from(expected).map_or(BLOCK_BYTES, |n| (n + 1).min(BLOCK_BYTES));
    let mut block = Block::new(room.next_multiple_of(CHUNK_BYTES));
    let mut hash = Sha256::new();
    let mut leaves = Vec::new();
    let mut at = 0;
    loop {
        let got = from
            .fill(&mut block, at)
            .map_err(|source| HashError::Read { at, source })?;
        if linear {
            hash.update(block.bytes());
        }
        leaves.extend(block.bytes().chunks(CHUNK_BYTES).map(leaf_hash));
        if let Some(to) = &mut to {
            to.write(block.bytes(), at)
                .map_err(|source| HashError::Write { at, source })?;
        }
        at += got as u64;
        if got < block.room().len() {
            return Ok(Pass {
                digest: Digest::new(hash.finalize().into()),
                leaves,
                bytes: at,
            });
        }
    }
}

fn overlapped(
    mut from: Lane<'_>,
    to: Option<Lane<'_>>,
    linear: bool,
    expected: u64,
) -> Result<Pass, HashError> {
    let blocks = usize::try_from(expected.div_ceil(BLOCK_BYTES as u64)).unwrap_or(BLOCKS_MAX);
    let pool = Pool::new(blocks.saturating_add(1).min(BLOCKS_MAX));
    // Unbounded, but a leaf is 32 bytes and is kept anyway.
    let (leaf_tx, leaf_rx) = unbounded();
    thread::scope(|scope| {
        let mut sinks = Vec::new();
        let writer = to.map(|to| {
            let (tx, rx) = bounded(BLOCKS_MAX);
            sinks.push(tx);
            scope.spawn(move || write_blocks(to, &rx))
        });
        let hasher = linear.then(|| {
            let (tx, rx) = bounded(BLOCKS_MAX);
            sinks.push(tx);
            scope.spawn(move || digest_blocks(&rx))
        });
        let mut at: u64 = 0;
        let read = loop {
            let mut lease = pool.take();
            let got = match from.fill(&mut lease.block, at) {
                Ok(got) => got,
                Err(source) => break Err(HashError::Read { at, source }),
            };
            if got > 0 {
                let lease = Arc::new(lease);
                let first = at / CHUNK_BYTES as u64;
                let (shared, leaf_tx) = (Arc::clone(&lease), leaf_tx.clone());
                rayon::spawn(move || {
                    let leaves: Vec<Digest> = shared
                        .block
                        .bytes()
                        .chunks(CHUNK_BYTES)
                        .map(leaf_hash)
                        .collect();
                    drop(shared);
                    let _ = leaf_tx.send((first, leaves));
                });
                // A sink that is gone has an error to tell below.
                if sinks
                    .iter()
                    .any(|sink| sink.send((at, Arc::clone(&lease))).is_err())
                {
                    break Ok(());
                }
                at += got as u64;
            }
            if got < BLOCK_BYTES {
                break Ok(());
            }
        };
        drop((sinks, leaf_tx));
        let digest = hasher.map_or_else(|| super::sha256(b""), joined);
        let written = writer.map_or(Ok(()), joined);
        let mut parts: Vec<(u64, Vec<Digest>)> = leaf_rx.into_iter().collect();
        read.and(written)?;
        parts.sort_unstable_by_key(|(first, _)| *first);
        let mut leaves = Vec::with_capacity(parts.len().saturating_mul(BLOCK_CHUNKS));
        leaves.extend(parts.into_iter().flat_map(|(_, leaves)| leaves));
        Ok(Pass {
            digest,
            leaves,
            bytes: at,
        })
    })
}

type Blocks = Receiver<(u64, Arc<Lease>)>;

fn write_blocks(mut to: Lane<'_>, blocks: &Blocks) -> Result<(), HashError> {
    for (at, lease) in blocks {
        to.write(lease.block.bytes(), at)
            .map_err(|source| HashError::Write { at, source })?;
    }
    Ok(())
}

fn digest_blocks(blocks: &Blocks) -> Digest {
    let mut hash = Sha256::new();
    for (_, lease) in blocks {
        hash.update(lease.block.bytes());
    }
    Digest::new(hash.finalize().into())
}

fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{fs, io::Write};

    use proptest::prelude::*;

    use super::*;

    fn bytes(len: usize, seed: u64) -> Vec<u8> {
        let mut x = seed | 1;
        (0..len)
            .map(|_| {
                x ^= x << 13;
                x ^= x >> 7;
                x ^= x << 17;
                x as u8
            })
            .collect()
    }

    fn naive(bytes: &[u8]) -> Copied {
        let leaves: Vec<Digest> = bytes.chunks(CHUNK_BYTES).map(leaf_hash).collect();
        Copied {
            digest: crate::hashing::sha256(bytes),
            chunk_root: tree_root(&leaves),
            leaves,
            bytes: bytes.len() as u64,
        }
    }

    fn check(content: &[u8]) {
        let mut source = tempfile::tempfile().unwrap();
        source.write_all(content).unwrap();
        let copy = tempfile::NamedTempFile::new().unwrap();
        let want = naive(content);
        let n = content.len();
        assert_eq!(
            copy_hashed(&source, copy.as_file()).unwrap(),
            want,
            "copy of {n}"
        );
        assert!(fs::read(copy.path()).unwrap() == content, "bytes of {n}");
        copy.as_file().sync_all().unwrap();
        assert_eq!(hash_file(copy.as_file()).unwrap(), want, "re-read of {n}");
        assert_eq!(
            chunk_leaves(copy.as_file()).unwrap(),
            want.leaves,
            "leaves of {n}"
        );
    }

    #[test]
    fn every_border_of_chunk_page_and_block_is_hashed_and_copied_exactly() {
        let (c, b) = (CHUNK_BYTES, BLOCK_BYTES);
        for n in [
            0,
            1,
            511,
            4095,
            4096,
            4097,
            c - 1,
            c,
            c + 1,
            2 * c,
            b - 1,
            b,
            b + 1,
            b + 4096,
            2 * b - 1,
            2 * b,
            2 * b + 1,
            BLOCKS_MAX * b,
            (BLOCKS_MAX + 3) * b + 77,
        ] {
            check(&bytes(n, n as u64));
        }
    }

    #[test]
    fn nothing_has_the_digest_of_nothing() {
        let empty = tempfile::tempfile().unwrap();
        let got = hash_file(&empty).unwrap();
        let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(got.digest.to_string(), nothing);
        assert_eq!(
            got.chunk_root.to_string(),
            nothing,
            "RFC 6962: the hash of an empty list"
        );
        assert_eq!((got.leaves.len(), got.bytes), (0, 0));
    }

    #[test]
    fn a_pass_on_a_thread_of_rayon_does_not_wait_for_rayon() {
        let content = bytes(3 * BLOCK_BYTES + 5, 9);
        let done: Vec<()> = {
            use rayon::prelude::*;
            (0..8).into_par_iter().map(|_| check(&content)).collect()
        };
        assert_eq!(done.len(), 8);
    }

    #[test]
    fn a_copy_that_cannot_be_written_says_writing_and_does_not_hang() {
        let mut source = tempfile::NamedTempFile::new().unwrap();
        source.write_all(&bytes(20 * BLOCK_BYTES, 3)).unwrap();
        let read_only = File::open(source.path()).unwrap();
        let error = copy_hashed(source.as_file(), &read_only).unwrap_err();
        assert!(matches!(error, HashError::Write { .. }), "{error}");
        let write_only = File::options().write(true).open(source.path()).unwrap();
        assert!(matches!(
            hash_file(&write_only),
            Err(HashError::Read { at: 0, .. })
        ));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        /// Whatever the length, the overlapped pass knows what a single slow one knows.
        #[test]
        fn overlapped_equals_naive(len in 0_usize..6 * BLOCK_BYTES, seed: u64) {
            check(&bytes(len, seed));
        }
    }
}
