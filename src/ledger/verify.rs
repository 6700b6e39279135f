//! Verifying a log's folder: everything in it is read once and held against everything else.
//!
//! The events are the beginning: their hashes must be those of the tiles, the tiles' hashes those
//! of the tiles above, the root the one that the log's key has signed. It needs no opened ledger
//! and believes none, works on a copy that cannot be written to, and holds one bundle a processor
//! in memory, whatever the log's size.
//!
//! It cannot tell that events behind the checkpoint were exchanged together with the log's
//! other files, nor that the whole log was made anew by whoever holds its key: for the first
//! there is the index, for the second the witness.

use std::path::Path;

use rayon::prelude::*;

use super::{
    Damage, Ledger, LedgerError,
    bundle::{self, BUNDLE_BYTES_MAX, WIDTH},
    edge::{Edge, HEIGHT, Nodes, first_event},
    files::{self, CHECKPOINT, Holds, TAIL, Tile},
    publish,
    tail::Tail,
};
use crate::{
    base::{
        Digest,
        merkle::{root_of, tree_root},
    },
    proof::{Checkpoint, Verifier},
};

/// Looks at the end of a log that is being appended to, before what does not fit is believed to
/// be wrong. Each takes milliseconds, so that an append within every one is no accident.
const TRIES_MAX: u32 = 20;

/// What was found to be in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Events in the log.
    pub events: u64,
    /// The root over all of them.
    pub root: Digest,
    /// The checkpoint, whose signature and root are right; the events behind it nobody has
    /// signed. Nothing where none was published yet.
    pub checkpoint: Option<Checkpoint>,
}

impl Ledger {
    /// Verifies the log's folder, as [`verify`] does, and that it is what this process has in
    /// memory.
    ///
    /// # Errors
    /// As [`verify`].
    pub fn verify(&self, key: &Verifier, progress: &dyn Fn(u64)) -> Result<Verified, LedgerError> {
        let verified = verify(&self.dir, key, progress)?;
        if (verified.events, verified.root) == (self.len(), self.root()?) {
            return Ok(verified);
        }
        Err(LedgerError::broken(
            self.dir.join(TAIL),
            None,
            Damage::Changed,
        ))
    }
}

/// Verifies the log in `dir`: every event, tile and partial file, the tail, and the checkpoint
/// with the signature of `key`. `progress` hears how many events have been read. The log's owner
/// may append and publish meanwhile; the checkpoint that counts is the one at the beginning.
///
/// # Errors
/// The first thing that is wrong, with the file and, where one can be named, the event:
/// [`LedgerError::Broken`], [`LedgerError::Behind`], [`LedgerError::Checkpoint`] or
/// [`LedgerError::Torn`].
pub fn verify(dir: &Path, key: &Verifier, progress: &dyn Fn(u64)) -> Result<Verified, LedgerError> {
    // 1. What the log has signed.
    let checkpoint_path = dir.join(CHECKPOINT);
    let signed = publish::read_checkpoint(dir)?.map(|note| Checkpoint::signed_by(&note, key));
    let checkpoint = match signed.transpose() {
        Ok(checkpoint) => checkpoint,
        Err(why) => {
            let path = checkpoint_path;
            return Err(LedgerError::Checkpoint { path, why });
        }
    };
    let published = checkpoint.as_ref().map_or(0, |c| c.size);
    let mut full = Full {
        dir,
        published,
        next: 0,
        open: Vec::new(),
    };
    let mut tries = 0;
    let edge = loop {
        // 2. How much there is, and that it is not too little.
        let (tail, leaves, bundles) = Ledger::tail_and_bundles(dir)?;
        let state = (bundles, leaves.len(), tail.torn_bytes());
        let complete = check_length(dir, &tail, bundles, leaves.len(), published);
        let checked = match complete.and_then(|()| check_counts(dir, bundles, leaves.len())) {
            Err(e) => Err(e),
            Ok(()) => {
                // 3. Every bundle against its tile, every tile against the one above.
                full.check_up_to(bundles, progress)?;
                let edge = Edge::read(dir, bundles, leaves)?;
                progress(edge.len());
                // 4. Every other file, and that there is none too many.
                check_others(dir, &edge, &tail.read()?).map(|()| edge)
            }
        };
        // What is wrong may be of what was appended since: then it is in order the next time.
        tries += 1;
        let moved = || -> Result<bool, LedgerError> {
            let (tail, leaves, bundles) = Ledger::tail_and_bundles(dir)?;
            Ok((bundles, leaves.len(), tail.torn_bytes()) != state)
        };
        match checked {
            Ok(edge) => break edge,
            Err(e) if tries == TRIES_MAX || !moved()? => return Err(e),
            Err(_) => {}
        }
    };
    // 5. None too few, and what was signed is what is here.
    let mut nodes = Nodes::new(dir, &edge);
    let mut root_at = |size| root_of(size, &mut |height, index| nodes.node(height, index));
    if let Some(checkpoint) = &checkpoint {
        let size = checkpoint.size;
        check_partials_are_there(dir, size)?;
        if root_at(size)? != checkpoint.root {
            let what = Damage::Root { size };
            return Err(LedgerError::broken(checkpoint_path, None, what));
        }
    }
    Ok(Verified {
        events: edge.len(),
        root: root_at(edge.len())?,
        checkpoint,
    })
}

/// A tile is written before its bundle, so that there is one more of them only while the tail is
/// about to become that bundle.
fn check_counts(dir: &Path, bundles: u64, tail: usize) -> Result<(), LedgerError> {
    let tiles = files::count_full(dir, Holds::Hashes(0));
    let about_to_turn = u64::from(tail == WIDTH);
    let (holds, index) = if tiles < bundles {
        (Holds::Hashes(0), tiles)
    } else if tiles > bundles.saturating_add(about_to_turn) {
        (Holds::Entries, bundles)
    } else {
        return Ok(());
    };
    Err(missing(dir, Tile::full(holds, index)))
}

/// What was published must be there, and nothing torn.
fn check_length(
    dir: &Path,
    tail: &Tail,
    bundles: u64,
    in_tail: usize,
    published: u64,
) -> Result<(), LedgerError> {
    let start = bundles.saturating_mul(WIDTH as u64);
    let len = start.saturating_add(in_tail as u64);
    let path = dir.join(TAIL);
    match (published > len, tail.torn_bytes()) {
        (true, _) if published / WIDTH as u64 > bundles && in_tail < WIDTH => {
            Err(missing(dir, Tile::full(Holds::Entries, bundles)))
        }
        (true, 0) => Err(LedgerError::Behind {
            path: dir.to_owned(),
            len,
            published,
        }),
        (true, _) => Err(LedgerError::broken(path, len, Damage::Entry)),
        (false, 0) => Ok(()),
        (false, bytes) => Err(LedgerError::Torn { path, bytes }),
    }
}

fn missing(dir: &Path, tile: Tile) -> LedgerError {
    let first = tile.index.saturating_mul(WIDTH as u64);
    let event = first_event(tile.level(), first);
    LedgerError::broken(tile.path(dir), event, Damage::Missing)
}

/// The way through the full bundles and tiles.
struct Full<'a> {
    dir: &'a Path,
    /// Events under the checkpoint.
    published: u64,
    /// The bundle to be read next.
    next: u64,
    /// Hashes by level from 1, of the tiles that are being filled.
    open: Vec<Vec<Digest>>,
}

impl Full<'_> {
    /// Goes on, as many bundles at a time as a tile of the next level has hashes.
    fn check_up_to(&mut self, bundles: u64, progress: &dyn Fn(u64)) -> Result<(), LedgerError> {
        let width = WIDTH as u64;
        while self.next < bundles {
            let end = self.next.saturating_add(width).min(bundles);
            let checked: Vec<Result<Digest, LedgerError>> = (self.next..end)
                .into_par_iter()
                .map(|index| check_bundle(self.dir, index, self.published))
                .collect();
            for hash in checked {
                self.take(hash?)?;
            }
            progress(self.next.saturating_mul(width));
        }
        Ok(())
    }

    /// Takes the hash of the next tile of level 0, and checks the tiles above that are full by it.
    fn take(&mut self, mut hash: Digest) -> Result<(), LedgerError> {
        self.next = self.next.saturating_add(1);
        let mut tiles = self.next;
        for level in 1.. {
            if self.open.len() < level {
                self.open.push(Vec::with_capacity(WIDTH));
            }
            let hashes = &mut self.open[level - 1];
            hashes.push(hash);
            if hashes.len() < WIDTH {
                break;
            }
            tiles /= WIDTH as u64;
            check_tile(self.dir, level as u32, tiles - 1, hashes)?;
            hash = tree_root(hashes);
            hashes.clear();
        }
        Ok(())
    }
}

/// A full bundle against its full tile; gives the hash of the tile.
fn check_bundle(dir: &Path, index: u64, published: u64) -> Result<Digest, LedgerError> {
    let first = index.saturating_mul(WIDTH as u64);
    let path = Tile::full(Holds::Entries, index).path(dir);
    let bytes = files::read(&path, BUNDLE_BYTES_MAX, first)?;
    let leaves = bundle::leaves(&bytes, WIDTH)
        .map_err(|n| LedgerError::broken(path.clone(), first.saturating_add(n), Damage::Entry))?;
    let tile = Tile::full(Holds::Hashes(0), index);
    let hashes = files::read_hashes(dir, tile, first)?;
    let Some(n) = leaves.iter().zip(&hashes).position(|(a, b)| a != b) else {
        return Ok(tree_root(&leaves));
    };
    // Which of the two is wrong, the level above can say where it is there.
    let event = first.saturating_add(n as u64);
    if hash_above(dir, index, published) == Some(tree_root(&leaves)) {
        let end = event.saturating_add(1);
        let what = Damage::Hash { end };
        return Err(LedgerError::broken(tile.path(dir), event, what));
    }
    Err(LedgerError::broken(path, event, Damage::Event))
}

/// What level 1 says of a tile of level 0: in a full tile, or in the one of the checkpoint.
fn hash_above(dir: &Path, index: u64, published: u64) -> Option<Digest> {
    let width = WIDTH as u64;
    let full = Tile::full(Holds::Hashes(1), index / width);
    let partial = Tile {
        width: (published / width % width) as usize,
        ..full
    };
    [full, partial].into_iter().find_map(|tile| {
        let hashes = files::read_hashes(dir, tile, 0).ok()?;
        hashes.get((index % width) as usize).copied()
    })
}

/// A full tile against the hashes that it must hold.
fn check_tile(dir: &Path, level: u32, index: u64, wanted: &[Digest]) -> Result<(), LedgerError> {
    let tile = Tile {
        holds: Holds::Hashes(level),
        index,
        width: wanted.len(),
    };
    let first = index.saturating_mul(WIDTH as u64);
    let found = files::read_hashes(dir, tile, first_event(level, first))?;
    let Some(n) = found.iter().zip(wanted).position(|(a, b)| a != b) else {
        return Ok(());
    };
    let hash = first.saturating_add(n as u64);
    let end = first_event(level, hash.saturating_add(1));
    Err(LedgerError::broken(
        tile.path(dir),
        first_event(level, hash),
        Damage::Hash { end },
    ))
}

/// Everything below the folder of tiles that [`Full`] has not read.
fn check_others(dir: &Path, edge: &Edge, tail: &[u8]) -> Result<(), LedgerError> {
    // A folder is listed in any order, but what is wrong is named in one.
    let mut first: Option<(String, LedgerError)> = None;
    files::walk(dir, &mut |path, name| {
        if let Err(e) = check_other(dir, edge, tail, path, name)
            && first
                .as_ref()
                .is_none_or(|(before, _)| name < before.as_str())
        {
            first = Some((name.to_owned(), e));
        }
        Ok(())
    })?;
    first.map_or(Ok(()), |(_, e)| Err(e))
}

fn check_other(
    dir: &Path,
    edge: &Edge,
    tail: &[u8],
    path: &Path,
    name: &str,
) -> Result<(), LedgerError> {
    let broken = |event, what| LedgerError::broken(path.to_owned(), event, what);
    let is_file = path.symlink_metadata().is_ok_and(|m| m.is_file());
    let Some(tile) = Tile::parse(name).filter(|_| is_file) else {
        return Err(broken(None, Damage::Stranger));
    };
    let level = tile.level();
    if tile.is_full() && tile.index < edge.full_tiles(level) {
        return Ok(());
    }
    let begin = tile.index.saturating_mul(WIDTH as u64);
    let end = begin.saturating_add(tile.width as u64);
    let event = first_event(level, begin);
    let end_event = first_event(level, end);
    if end_event > edge.len() || end_event == u64::MAX {
        return Err(broken(Some(event), Damage::Beyond));
    }
    if tile.holds == Holds::Entries {
        let bytes = files::read(path, BUNDLE_BYTES_MAX, event)?;
        if let Err(n) = bundle::leaves(&bytes, tile.width) {
            return Err(broken(Some(event.saturating_add(n)), Damage::Entry));
        }
        let whole = match tile.index < edge.bundles() {
            true => {
                let full = Tile::full(tile.holds, tile.index).path(dir);
                files::read(&full, BUNDLE_BYTES_MAX, event)?
            }
            false => tail.to_vec(),
        };
        return match whole.starts_with(&bytes) {
            true => Ok(()),
            false => Err(broken(Some(event), Damage::Partial)),
        };
    }
    let mut nodes = Nodes::new(dir, edge);
    let hashes: Result<Vec<Digest>, LedgerError> = (begin..end)
        .map(|hash| nodes.node(level * HEIGHT, hash))
        .collect();
    check_tile(dir, level, tile.index, &hashes?)
}

/// The partial files of the tree that was signed, unless the full ones are there already.
fn check_partials_are_there(dir: &Path, size: u64) -> Result<(), LedgerError> {
    let is_there = |tile: Tile| tile.path(dir).symlink_metadata().is_ok();
    let mut hashes = size;
    for level in 0.. {
        let (index, width) = (hashes / WIDTH as u64, (hashes % WIDTH as u64) as usize);
        for holds in [Holds::Hashes(level), Holds::Entries] {
            let tile = Tile {
                holds,
                index,
                width,
            };
            let is_needed = width > 0 && tile.level() == level;
            if is_needed && !is_there(tile) && !is_there(Tile::full(holds, index)) {
                return Err(missing(dir, tile));
            }
        }
        hashes = index;
        if hashes == 0 {
            break;
        }
    }
    Ok(())
}
