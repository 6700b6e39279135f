//! Proofs that need the tree's roots only: that a leaf is in a tree, and that a tree extends
//! another. The algorithms are those of RFC 9162 sections 2.1.3.2 and 2.1.4.2, step by step.

use super::ProofError;
use crate::base::{
    Digest,
    merkle::{EMPTY_ROOT, node_hash},
};

/// That leaf `index` is in the tree of `size` leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// The leaf, counted from 0.
    pub index: u64,
    /// Leaves of the tree.
    pub size: u64,
    /// From the leaf's sibling to the root's child.
    pub path: Vec<Digest>,
}

impl Inclusion {
    /// Whether `leaf` is that leaf of the tree with this `root`.
    ///
    /// # Errors
    /// [`ProofError::NoLeaf`], [`ProofError::Length`], [`ProofError::Root`].
    pub fn verify(&self, leaf: &Digest, root: &Digest) -> Result<(), ProofError> {
        if self.index >= self.size {
            return Err(ProofError::NoLeaf {
                index: self.index,
                size: self.size,
            });
        }
        let mut walk = Walk::new(self.index, self.size - 1);
        let mut hash = *leaf;
        for step in &self.path {
            let left = walk
                .step()
                .ok_or_else(|| wrong_length(self.path.as_slice()))?;
            hash = if left {
                node_hash(step, &hash)
            } else {
                node_hash(&hash, step)
            };
        }
        if walk.last != 0 {
            return Err(wrong_length(&self.path));
        }
        equal(&hash, root, self.size)
    }
}

/// That the tree of `new` leaves begins with the tree of `old` leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consistency {
    /// Leaves of the old tree.
    pub old: u64,
    /// Leaves of the new tree.
    pub new: u64,
    /// As RFC 6962 section 2.1.2 orders it.
    pub path: Vec<Digest>,
}

impl Consistency {
    /// Whether the tree with `new_root` extends the one with `old_root`.
    ///
    /// # Errors
    /// [`ProofError::Shrinks`], [`ProofError::Length`], [`ProofError::Root`].
    pub fn verify(&self, old_root: &Digest, new_root: &Digest) -> Result<(), ProofError> {
        let (old, new) = (self.old, self.new);
        if old > new {
            return Err(ProofError::Shrinks { old, new });
        }
        if old == 0 {
            equal(&EMPTY_ROOT, old_root, old)?;
        }
        if new == 0 {
            equal(&EMPTY_ROOT, new_root, new)?;
        }
        if old == 0 || old == new {
            // Nothing is to be proved but what the roots themselves say.
            if !self.path.is_empty() {
                return Err(wrong_length(&self.path));
            }
            return if old == new {
                equal(old_root, new_root, new)
            } else {
                Ok(())
            };
        }
        let mut path = self.path.iter();
        // An old tree that is complete stands in the new one as it is: its root is the first step.
        let first = if old.is_power_of_two() {
            Some(old_root)
        } else {
            path.next()
        };
        let first = first.ok_or_else(|| wrong_length(&self.path))?;
        let mut walk = Walk::new(old - 1, new - 1);
        walk.shift(walk.at.trailing_ones());
        let (mut in_old, mut in_new) = (*first, *first);
        for step in path {
            let left = walk.step().ok_or_else(|| wrong_length(&self.path))?;
            if left {
                in_old = node_hash(step, &in_old);
                in_new = node_hash(step, &in_new);
            } else {
                in_new = node_hash(&in_new, step);
            }
        }
        if walk.last != 0 {
            return Err(wrong_length(&self.path));
        }
        equal(&in_old, old_root, old)?;
        equal(&in_new, new_root, new)
    }
}

/// The way up: the node at hand and the last node, both counted within their level (`fn` and
/// `sn` in RFC 9162).
struct Walk {
    at: u64,
    last: u64,
}

impl Walk {
    const fn new(at: u64, last: u64) -> Self {
        Self { at, last }
    }

    fn shift(&mut self, levels: u32) {
        self.at = self.at.checked_shr(levels).unwrap_or(0);
        self.last = self.last.checked_shr(levels).unwrap_or(0);
    }

    /// Whether the next hash of the path stands on the left; nothing when we are at the root.
    fn step(&mut self) -> Option<bool> {
        if self.last == 0 {
            return None;
        }
        let left = self.at & 1 == 1 || self.at == self.last;
        if left && self.at & 1 == 0 {
            // The last node of a level without a sibling goes up unchanged.
            self.shift(self.at.trailing_zeros());
        }
        self.shift(1);
        Some(left)
    }
}

fn wrong_length(path: &[Digest]) -> ProofError {
    ProofError::Length { hashes: path.len() }
}

fn equal(found: &Digest, wanted: &Digest, size: u64) -> Result<(), ProofError> {
    if found == wanted {
        Ok(())
    } else {
        Err(ProofError::Root { size })
    }
}
