//! Blocks of bytes that go from the reader to everybody who works on them and come back by
//! themselves. The number of blocks is the memory bound of a pass and its only back-pressure.

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::base::limits::CHUNK_BYTES;

/// Chunks in one block: one system call for four leaves; more makes small machines wait longer
/// for the first block and is no faster.
pub(super) const BLOCK_CHUNKS: usize = 4;

/// Bytes in one block.
pub(super) const BLOCK_BYTES: usize = BLOCK_CHUNKS * CHUNK_BYTES;

/// Blocks of one pass: reading, writing and hashing each hold one or two, the rest even them out.
pub(super) const BLOCKS_MAX: usize = 8;

/// What direct input and output want of addresses, offsets and lengths on every common disk.
pub(super) const ALIGN: usize = 4096;

/// One aligned stretch of memory and how much of it is filled.
#[derive(Default)]
pub(super) struct Block {
    memory: Vec<u8>,
    start: usize,
    room: usize,
    filled: usize,
}

impl Block {
    /// Room for `bytes`, at an address that direct input and output accept.
    pub(super) fn new(bytes: usize) -> Self {
        let room = bytes.next_multiple_of(ALIGN);
        let memory = vec![0; room + ALIGN];
        let start = memory.as_ptr().align_offset(ALIGN).min(ALIGN);
        Self {
            memory,
            start,
            room,
            filled: 0,
        }
    }

    /// All of its room, to be filled from the front.
    pub(super) fn room(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.start + self.room]
    }

    /// Says how much of the room holds bytes now.
    pub(super) fn set_filled(&mut self, bytes: usize) {
        self.filled = bytes.min(self.room);
    }

    /// The bytes in it.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.memory[self.start..self.start + self.filled]
    }
}

/// The blocks of one pass.
pub(super) struct Pool {
    free: Receiver<Block>,
    back: Sender<Block>,
}

impl Pool {
    /// A pool of `blocks` blocks.
    pub(super) fn new(blocks: usize) -> Self {
        let (back, free) = bounded(blocks);
        for _ in 0..blocks {
            // The channel has room for every block, so this and the return below never wait.
            let _ = back.try_send(Block::new(BLOCK_BYTES));
        }
        Self { free, back }
    }

    /// Waits for a free block.
    pub(super) fn take(&self) -> Lease {
        // The pool holds a sender itself: the channel cannot be disconnected.
        Lease {
            block: self.free.recv().unwrap_or_default(),
            back: self.back.clone(),
        }
    }
}

/// A block on loan; it returns to its pool when the last who shares it lets go.
pub(super) struct Lease {
    pub(super) block: Block,
    back: Sender<Block>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        let _ = self.back.try_send(std::mem::take(&mut self.block));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_aligned_and_come_back() {
        let pool = Pool::new(2);
        for _ in 0..5 {
            let mut one = pool.take();
            let _two = pool.take();
            assert!(pool.free.is_empty(), "two and no more");
            assert_eq!(one.block.room().as_ptr() as usize % ALIGN, 0);
            assert_eq!(one.block.room().len(), BLOCK_BYTES);
        }
        assert_eq!(pool.free.len(), 2);
    }
}
