//! Layer 4. Merkle log over bytes: append, tiles, checkpoints. What an event means is not known
//! here.
//!
//! ```text
//! ledger/checkpoint                    signed note: how long the log is, and its root
//! ledger/tile/entries/<N>[.p/<W>]      events 256·N and on, each behind its length (a u16)
//! ledger/tile/<L>/<N>[.p/<W>]          hashes of level L: of events, or of full tiles of L − 1
//! ledger/tail                          the events behind the last full bundle, in its form
//! ```
//!
//! The tree is that of RFC 6962, files and names are those of c2sp.org/tlog-tiles: copying the
//! folder copies the log, and whoever can read such logs can read this one. `<N>` is written in
//! parts of three digits (`x001/234`); `.p/<W>` is a file of only W < 256 entries or hashes, written
//! for a checkpoint.
//!
//! - An event is never changed. Full files are never written again; the tail is only appended to.
//!   What alone is ever cut off lies behind the checkpoint, and only when recovery says so.
//! - Nothing is stored twice: the full tail *becomes* the bundle. Partial bundles, which a
//!   checkpoint needs, are removed once the full one is there.
//! - A tile is durable before its bundle, and both before the next event is taken: what a crash
//!   left out is made by the next append or [`Ledger::publish`], as ever.
//! - No checkpoint is written but over an extension of the one that is there.
//! - Opening writes nothing and reads neither full bundles nor more than 255 tiles a level.
//!
//! An append costs one write and no fsync, but at every 256th event. Events behind the checkpoint
//! are vouched for by whoever wrote them only; the checkpoint and a witness vouch for the others.
//! A store may keep other files in the folder; they are none of the log's.
//!
//! It fails by [`LedgerError`]. After a failed write it takes no more until it is opened again,
//! for how much of an event is on the disk is then unknown.

mod bundle;
mod edge;
mod error;
mod files;
mod key;
mod lines;
mod publish;
mod tail;
mod verify;

use std::{
    fs,
    path::{Path, PathBuf},
};

pub use error::{Damage, LedgerError};
pub use key::LogKey;
pub use lines::Lines;
pub use verify::{Verified, verify};

use crate::{
    base::{
        Digest,
        merkle::{consistency_path, inclusion_path, leaf_hash, root_of},
    },
    proof::{Checkpoint, Consistency, Inclusion, Note},
};
use bundle::WIDTH;
use edge::{Edge, Nodes};
use files::{CHECKPOINT, Holds, TAIL, TILES, Tile};
use tail::Tail;

/// The log in one folder. One process at a time may append to it; any number may read.
#[derive(Debug)]
pub struct Ledger {
    dir: PathBuf,
    tail: Tail,
    edge: Edge,
    failed: bool,
}

impl Ledger {
    /// Starts an empty log in `dir`, which must exist.
    ///
    /// # Errors
    /// When there is one already, or as creating says.
    pub fn create(dir: &Path) -> Result<Self, LedgerError> {
        if exists(dir) {
            let there = std::io::ErrorKind::AlreadyExists.into();
            return Err(LedgerError::io("creating", &dir.join(TAIL), there));
        }
        files::make_room(dir, Tile::full(Holds::Entries, 0))?;
        files::make_room(dir, Tile::full(Holds::Hashes(0), 0))?;
        Tail::create(dir)?;
        Self::open(dir)
    }

    /// Opens the log in `dir` and writes nothing, so that a copy that cannot be written to can be
    /// looked at. A torn tail is no error: see [`Ledger::torn_bytes`].
    ///
    /// # Errors
    /// As reading says; [`LedgerError::Behind`] when the log has fewer events than its checkpoint,
    /// [`LedgerError::Broken`] when a tile at the right edge is missing or not one.
    pub fn open(dir: &Path) -> Result<Self, LedgerError> {
        // The checkpoint first: the owner may append and publish meanwhile.
        let published = published(dir)?.map_or(0, |c| c.size);
        let (tail, leaves, bundles) = Self::tail_and_bundles(dir)?;
        let ledger = Self {
            edge: Edge::read(dir, bundles, leaves)?,
            dir: dir.to_owned(),
            tail,
            failed: false,
        };
        match ledger.len() {
            len if len < published => Err(ledger.behind(len, published)),
            _ => Ok(ledger),
        }
    }

    /// The tail and the number of bundles before it, as they were at one moment, also while the
    /// owner turns the one into the other.
    fn tail_and_bundles(dir: &Path) -> Result<(Tail, Vec<Digest>, u64), LedgerError> {
        loop {
            let (tail, leaves) = Tail::open(dir)?;
            let bundles = files::count_full(dir, Holds::Entries);
            if tail.is_where_it_was()? {
                return Ok((tail, leaves, bundles));
            }
        }
    }

    /// How many whole events there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.edge.len()
    }

    /// Whether there are no events.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of the first event that is in no full bundle. Those before it have been durable
    /// before the next one was taken; of these only what [`Ledger::sync`] was called after is.
    #[must_use]
    pub const fn tail_start(&self) -> u64 {
        self.edge.tail_start()
    }

    /// Bytes behind the last whole event; a crash leaves such, and [`Ledger::cut_torn_line`]
    /// removes them.
    #[must_use]
    pub const fn torn_bytes(&self) -> u64 {
        self.tail.torn_bytes()
    }

    /// Cuts off what is behind the last whole event. For recovery, which knows it whole from
    /// elsewhere.
    ///
    /// # Errors
    /// As cutting or fsync says.
    pub fn cut_torn_line(&mut self) -> Result<(), LedgerError> {
        if self.torn_bytes() > 0 {
            self.cut_back(self.len())?;
        }
        Ok(())
    }

    /// Cuts off the events from `len` on. For recovery after a power cut, which may leave, behind
    /// the last sync, whole events that are not the ones that were appended; it knows them from
    /// elsewhere. What is in a bundle or under the checkpoint stays.
    ///
    /// # Errors
    /// [`LedgerError::Beyond`] when `len` is greater than [`Ledger::len`] or lies before the tail,
    /// [`LedgerError::Behind`] when it lies before the checkpoint; as cutting or fsync says.
    pub fn cut_back(&mut self, len: u64) -> Result<(), LedgerError> {
        self.check_not_failed()?;
        let kept = match len.checked_sub(self.tail_start()) {
            Some(kept) if len <= self.len() => kept as usize,
            _ => return Err(self.beyond(len)),
        };
        if let Some(checkpoint) = published(&self.dir)?.filter(|c| c.size > len) {
            return Err(self.behind(len, checkpoint.size));
        }
        self.tail.cut(kept).inspect_err(|_| self.failed = true)?;
        self.edge.truncate(kept);
        Ok(())
    }

    /// Appends events, in one write for every bundle they fall into; [`Ledger::sync`] makes them
    /// durable. Returns the new length.
    ///
    /// # Errors
    /// [`LedgerError::Line`] for an event that is empty, too long or holds a line end, before
    /// anything is written; [`LedgerError::Torn`] while there is something behind the last whole
    /// event; as writing says, and then [`Ledger::len`] says how many are whole for certain.
    pub fn append(&mut self, lines: &[&[u8]]) -> Result<u64, LedgerError> {
        self.check_not_failed()?;
        self.check_not_torn()?;
        for (event, line) in (self.len()..).zip(lines) {
            if !bundle::is_line(line) {
                let bytes = line.len();
                return Err(LedgerError::Line { event, bytes });
            }
        }
        let mut rest = lines;
        while !rest.is_empty() {
            self.turn_full_tail()?;
            let room = WIDTH.saturating_sub(self.edge.tail().len());
            let (now, later) = rest.split_at(room.min(rest.len()));
            let leaves = now.iter().map(|line| leaf_hash(line)).collect();
            self.tail
                .append(&self.dir, now)
                .inspect_err(|_| self.failed = true)?;
            self.edge.push(leaves);
            rest = later;
        }
        Ok(self.len())
    }

    /// Makes every event appended so far durable.
    ///
    /// # Errors
    /// [`LedgerError::Fsync`]; nothing can be appended after it.
    pub fn sync(&mut self) -> Result<(), LedgerError> {
        self.tail.sync().inspect_err(|_| self.failed = true)
    }

    /// Makes a bundle of the tail if it is full. The order is such that whatever a crash leaves
    /// out is done by the next call, from the tail.
    fn turn_full_tail(&mut self) -> Result<(), LedgerError> {
        if self.edge.tail().len() < WIDTH {
            return Ok(());
        }
        let completed = self.edge.completed();
        let bundle = Tile::full(Holds::Entries, self.edge.bundles());
        let turned = (|| {
            // 1. The events are on the disk.
            self.tail.sync()?;
            // 2. So are their hashes, and those of the levels above that are full by them.
            for (tile, hashes) in &completed {
                files::write(&self.dir, *tile, &files::hash_bytes(hashes))?;
            }
            // 3. From here on the tail is the bundle.
            self.tail.become_bundle(&self.dir, bundle)?;
            // 4. A new tail, empty.
            self.tail = Tail::create(&self.dir)?;
            self.edge.turn();
            // 5. Parts of what is now whole are not needed any more.
            publish::remove_partials(&self.dir, bundle)?;
            let mut tiles = completed.iter();
            tiles.try_for_each(|(tile, _)| publish::remove_partials(&self.dir, *tile))
        })();
        turned.inspect_err(|_| self.failed = true)
    }

    /// Streams up to `limit` events with their numbers, from event `from` (counted from 0).
    ///
    /// # Errors
    /// [`LedgerError::Beyond`] when `from` is greater than [`Ledger::len`].
    pub fn read(&self, from: u64, limit: u64) -> Result<Lines<'_>, LedgerError> {
        if from > self.len() {
            return Err(self.beyond(from));
        }
        Ok(Lines::new(self, from, limit))
    }

    /// The root over all events.
    ///
    /// # Errors
    /// As reading tiles says.
    pub fn root(&self) -> Result<Digest, LedgerError> {
        self.root_at(self.len())
    }

    /// The root over the first `len` events.
    ///
    /// # Errors
    /// [`LedgerError::Beyond`] when there are fewer; as reading tiles says.
    pub fn root_at(&self, len: u64) -> Result<Digest, LedgerError> {
        self.check_within(len)?;
        let mut nodes = Nodes::new(&self.dir, &self.edge);
        root_of(len, &mut |height, index| nodes.node(height, index))
    }

    /// That event `n` is in the tree of the first `size` events.
    ///
    /// # Errors
    /// [`LedgerError::Beyond`] when there is no such event in it, or fewer events; as reading
    /// tiles says.
    pub fn inclusion(&self, n: u64, size: u64) -> Result<Inclusion, LedgerError> {
        self.check_within(size)?;
        if n >= size {
            return Err(self.beyond(n.saturating_add(1)));
        }
        let mut nodes = Nodes::new(&self.dir, &self.edge);
        let path = inclusion_path(n, size, &mut |height, index| nodes.node(height, index))?;
        Ok(Inclusion {
            index: n,
            size,
            path,
        })
    }

    /// That the tree of the first `new` events begins with the tree of the first `old`.
    ///
    /// # Errors
    /// [`LedgerError::Beyond`] when there are fewer, or `old` is greater than `new`; as reading
    /// tiles says.
    pub fn consistency(&self, old: u64, new: u64) -> Result<Consistency, LedgerError> {
        self.check_within(new)?;
        if old > new {
            return Err(self.beyond(old));
        }
        let mut nodes = Nodes::new(&self.dir, &self.edge);
        let path = consistency_path(old, new, &mut |height, index| nodes.node(height, index))?;
        Ok(Consistency { old, new, path })
    }

    /// The checkpoint that was published last, as it lies there: its signature is not verified.
    ///
    /// # Errors
    /// [`LedgerError::Checkpoint`] when it is no note.
    pub fn checkpoint(&self) -> Result<Option<Note>, LedgerError> {
        publish::read_checkpoint(&self.dir)
    }

    /// The newest checkpoint that a witness has cosigned, which may be older than the one of
    /// [`Ledger::checkpoint`].
    ///
    /// # Errors
    /// As reading it says.
    pub fn cosigned(&self) -> Result<Option<Note>, LedgerError> {
        publish::read_cosigned(&self.dir)
    }

    fn check_not_failed(&self) -> Result<(), LedgerError> {
        match self.failed {
            true => Err(LedgerError::Failed {
                path: self.dir.clone(),
            }),
            false => Ok(()),
        }
    }

    fn check_not_torn(&self) -> Result<(), LedgerError> {
        match self.torn_bytes() {
            0 => Ok(()),
            bytes => Err(LedgerError::Torn {
                path: self.dir.join(TAIL),
                bytes,
            }),
        }
    }

    fn check_within(&self, len: u64) -> Result<(), LedgerError> {
        if len > self.len() {
            return Err(self.beyond(len));
        }
        Ok(())
    }

    fn behind(&self, len: u64, published: u64) -> LedgerError {
        LedgerError::Behind {
            path: self.dir.clone(),
            len,
            published,
        }
    }

    fn beyond(&self, asked: u64) -> LedgerError {
        LedgerError::Beyond {
            path: self.dir.clone(),
            asked,
            len: self.len(),
        }
    }
}

/// The checkpoint that is there, believed without a look at its signature.
fn published(dir: &Path) -> Result<Option<Checkpoint>, LedgerError> {
    let parsed = publish::read_checkpoint(dir)?.map(|note| Checkpoint::parse(note.text()));
    parsed.transpose().map_err(|why| LedgerError::Checkpoint {
        path: dir.join(CHECKPOINT),
        why,
    })
}

/// Whether there is a log in `dir`.
#[must_use]
pub fn exists(dir: &Path) -> bool {
    [TAIL, TILES, CHECKPOINT]
        .iter()
        .any(|name| fs::symlink_metadata(dir.join(name)).is_ok())
}

#[cfg(test)]
mod tests;
