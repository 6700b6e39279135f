//! The right edge of the tree, in memory: for every level the hashes that are in no full tile
//! yet. With the full tiles on the disk it gives every node that a root or a proof is made of.

use std::{collections::HashMap, path::Path};

use super::{
    Damage, LedgerError,
    bundle::WIDTH,
    files::{Holds, Tile, read_hashes},
};
use crate::base::{
    Digest,
    merkle::{node_hash, tree_root},
};

/// Levels of the tree between two levels of tiles: a tile is 2^8 wide.
pub(super) const HEIGHT: u32 = 8;

/// What is in no full tile yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Edge {
    /// Full bundles.
    bundles: u64,
    /// By level. The first is of the events in the tail, of which there may be as many as a
    /// bundle takes; every other is shorter than a tile.
    levels: Vec<Vec<Digest>>,
}

impl Edge {
    /// The edge of a log of so many full bundles and these leaves behind them. Of the full tiles
    /// it reads those whose hashes are in no full tile of the level above: at most 255 a level.
    pub(super) fn read(dir: &Path, bundles: u64, tail: Vec<Digest>) -> Result<Self, LedgerError> {
        let mut levels = vec![tail];
        let mut tiles = bundles;
        while tiles > 0 {
            let below = (levels.len() - 1) as u32;
            let open = tiles % WIDTH as u64;
            let hash = |index| {
                let tile = Tile::full(Holds::Hashes(below), index);
                let event = first_event(below, index.saturating_mul(WIDTH as u64));
                read_hashes(dir, tile, event).map(|hashes| tree_root(&hashes))
            };
            levels.push((tiles - open..tiles).map(hash).collect::<Result<_, _>>()?);
            tiles /= WIDTH as u64;
        }
        Ok(Self { bundles, levels })
    }

    pub(super) const fn bundles(&self) -> u64 {
        self.bundles
    }

    /// Number of the first event in the tail.
    pub(super) const fn tail_start(&self) -> u64 {
        self.bundles.saturating_mul(WIDTH as u64)
    }

    /// The leaves of the tail.
    pub(super) fn tail(&self) -> &[Digest] {
        self.levels.first().map_or(&[], Vec::as_slice)
    }

    pub(super) fn len(&self) -> u64 {
        self.tail_start().saturating_add(self.tail().len() as u64)
    }

    /// Takes leaves into the tail, which must have room for them.
    pub(super) fn push(&mut self, leaves: Vec<Digest>) {
        match self.levels.first_mut() {
            Some(tail) => tail.extend(leaves),
            None => self.levels.push(leaves),
        }
        debug_assert!(self.tail().len() <= WIDTH);
    }

    /// Forgets the leaves of the tail from `count` on.
    pub(super) fn truncate(&mut self, count: usize) {
        if let Some(tail) = self.levels.first_mut() {
            tail.truncate(count);
        }
    }

    /// The full tiles that the full tail completes, the lowest first.
    pub(super) fn completed(&self) -> Vec<(Tile, Vec<Digest>)> {
        let mut out: Vec<(Tile, Vec<Digest>)> = Vec::new();
        let mut index = self.bundles;
        for (level, hashes) in self.levels.iter().enumerate() {
            let above = out.last().map(|(_, below)| tree_root(below));
            let hashes: Vec<Digest> = hashes.iter().copied().chain(above).collect();
            if hashes.len() < WIDTH {
                break;
            }
            out.push((Tile::full(Holds::Hashes(level as u32), index), hashes));
            index /= WIDTH as u64;
        }
        out
    }

    /// Goes on behind the full tail, once what it completes is on the disk.
    pub(super) fn turn(&mut self) {
        for (level, (_, hashes)) in self.completed().into_iter().enumerate() {
            self.levels[level].clear();
            if level + 1 == self.levels.len() {
                self.levels.push(Vec::new());
            }
            self.levels[level + 1].push(tree_root(&hashes));
        }
        self.bundles = self.bundles.saturating_add(1);
    }

    /// The partial tiles of the tree as it is; the tail must not be full.
    pub(super) fn partial(&self) -> Vec<(Tile, &[Digest])> {
        let mut out = Vec::new();
        let mut index = self.bundles;
        for (level, hashes) in self.levels.iter().enumerate() {
            if !hashes.is_empty() {
                let tile = Tile {
                    holds: Holds::Hashes(level as u32),
                    index,
                    width: hashes.len(),
                };
                out.push((tile, hashes.as_slice()));
            }
            index /= WIDTH as u64;
        }
        out
    }

    /// Full tiles of a level.
    pub(super) const fn full_tiles(&self, level: u32) -> u64 {
        match (WIDTH as u64).checked_pow(level) {
            Some(span) => self.bundles / span,
            None => 0,
        }
    }
}

/// Number of the first event below hash `index` of a level.
pub(super) const fn first_event(level: u32, index: u64) -> u64 {
    match (WIDTH as u64).checked_pow(level) {
        Some(span) => index.saturating_mul(span),
        None => u64::MAX,
    }
}

/// Looks up nodes, and keeps the tiles that it has read for the next look-up of the same proof.
pub(super) struct Nodes<'a> {
    dir: &'a Path,
    edge: &'a Edge,
    tiles: HashMap<(u32, u64), Vec<Digest>>,
}

impl<'a> Nodes<'a> {
    pub(super) fn new(dir: &'a Path, edge: &'a Edge) -> Self {
        Self {
            dir,
            edge,
            tiles: HashMap::new(),
        }
    }

    /// Root of the complete subtree over the 2^`height` events from `index` · 2^`height`, which
    /// must all be in the log.
    pub(super) fn node(&mut self, height: u32, index: u64) -> Result<Digest, LedgerError> {
        let (level, inside) = (height / HEIGHT, height % HEIGHT);
        let first = index << inside;
        let (tile, begin) = (first / WIDTH as u64, (first % WIDTH as u64) as usize);
        let end = begin + (1 << inside);
        let full = self.edge.full_tiles(level);
        if tile == full {
            let hashes = self.edge.levels.get(level as usize);
            if let Some(hashes) = hashes.and_then(|h| h.get(begin..end)) {
                return Ok(tree_root(hashes));
            }
        }
        if tile < full {
            return Ok(tree_root(&self.tile(level, tile)?[begin..end]));
        }
        // Above a full tail whose bundle is not written yet.
        let Some(below) = height.checked_sub(1) else {
            let path = self.dir.to_owned();
            return Err(LedgerError::broken(path, index, Damage::Beyond));
        };
        let left = self.node(below, index << 1)?;
        Ok(node_hash(&left, &self.node(below, (index << 1) + 1)?))
    }

    fn tile(&mut self, level: u32, index: u64) -> Result<&[Digest], LedgerError> {
        use std::collections::hash_map::Entry;
        match self.tiles.entry((level, index)) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => {
                let tile = Tile::full(Holds::Hashes(level), index);
                let event = first_event(level, index.saturating_mul(WIDTH as u64));
                Ok(place.insert(read_hashes(self.dir, tile, event)?))
            }
        }
    }
}
