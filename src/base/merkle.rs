//! The Merkle tree of RFC 6962 section 2.1: hashes of leaves and nodes, roots, and the paths of
//! proofs. Leaves and nodes are hashed under different first bytes, so that no node can be passed
//! off as a leaf.
//!
//! Who keeps the nodes is not known here: a path or a root is made out of *complete subtrees*, and
//! the caller says what the root of one is. Verifying is the business of `proof`.

use sha2::{Digest as _, Sha256};

use super::Digest;

/// The root of no leaves: SHA-256 of nothing.
pub const EMPTY_ROOT: Digest = Digest::new([
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
]);

/// Root of the complete subtree over the 2^`height` leaves that begin at `index` · 2^`height`.
pub type Node<'a, E> = &'a mut dyn FnMut(u32, u64) -> Result<Digest, E>;

/// SHA-256(0x00 ‖ `entry`).
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Digest {
    let mut hash = Sha256::new();
    hash.update([0]);
    hash.update(entry);
    Digest::new(hash.finalize().into())
}

/// SHA-256(0x01 ‖ `left` ‖ `right`).
#[must_use]
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    let mut hash = Sha256::new();
    hash.update([1]);
    hash.update(left.as_bytes());
    hash.update(right.as_bytes());
    Digest::new(hash.finalize().into())
}

/// The root (MTH) over leaf hashes in their order; of no leaves, SHA-256 of nothing.
#[must_use]
pub fn tree_root(leaves: &[Digest]) -> Digest {
    // Roots of complete subtrees, the largest first. The sizes are the one-bits of the count, so
    // that two of equal size are joined at once and the rest at the end, from the small side.
    let mut peaks: Vec<Digest> = Vec::new();
    for (count, leaf) in leaves.iter().enumerate() {
        let mut node = *leaf;
        for _ in 0..count.trailing_ones() {
            if let Some(left) = peaks.pop() {
                node = node_hash(&left, &node);
            }
        }
        peaks.push(node);
    }
    peaks
        .into_iter()
        .rev()
        .reduce(|right, left| node_hash(&left, &right))
        .unwrap_or(EMPTY_ROOT)
}

/// The root over the first `size` leaves.
///
/// # Errors
/// What `node` says.
pub fn root_of<E>(size: u64, node: Node<'_, E>) -> Result<Digest, E> {
    match size {
        0 => Ok(EMPTY_ROOT),
        _ => range_root(0, size, node),
    }
}

/// The inclusion path of leaf `index` in the tree of `size` leaves (PATH of RFC 6962 section
/// 2.1.1), from the leaf's sibling to the root's child. Empty when the tree has no such leaf.
///
/// # Errors
/// What `node` says.
pub fn inclusion_path<E>(index: u64, size: u64, node: Node<'_, E>) -> Result<Vec<Digest>, E> {
    let (mut begin, mut end, mut path) = (0, size, Vec::new());
    if index >= size {
        return Ok(path);
    }
    while end - begin > 1 {
        let middle = begin + split(end - begin);
        if index < middle {
            path.push(range_root(middle, end, node)?);
            end = middle;
        } else {
            path.push(range_root(begin, middle, node)?);
            begin = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// The consistency path between the trees of `old` and of `new` leaves (PROOF of RFC 6962 section
/// 2.1.2). Empty when `old` is 0 or not less than `new`: there is nothing to prove.
///
/// # Errors
/// What `node` says.
pub fn consistency_path<E>(old: u64, new: u64, node: Node<'_, E>) -> Result<Vec<Digest>, E> {
    let (mut begin, mut end, mut path) = (0, new, Vec::new());
    if old == 0 || old >= new {
        return Ok(path);
    }
    // Whether the old tree is still a subtree that its holder knows the root of.
    let mut known = true;
    while end != old {
        let middle = begin + split(end - begin);
        if old <= middle {
            path.push(range_root(middle, end, node)?);
            end = middle;
        } else {
            path.push(range_root(begin, middle, node)?);
            begin = middle;
            known = false;
        }
    }
    if !known {
        path.push(range_root(begin, end, node)?);
    }
    path.reverse();
    Ok(path)
}

/// The largest power of two that is smaller than `size`, which is at least 2.
pub const fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

/// MTH over the leaves from `begin` to `end`, a range that the definition splits off: complete
/// from its beginning, and so made of complete subtrees.
fn range_root<E>(begin: u64, end: u64, node: Node<'_, E>) -> Result<Digest, E> {
    let size = end - begin;
    if size.is_power_of_two() {
        let height = size.trailing_zeros();
        return node(height, begin >> height);
    }
    let middle = begin + split(size);
    let left = range_root(begin, middle, node)?;
    Ok(node_hash(&left, &range_root(middle, end, node)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::convert::Infallible;

    use super::*;

    /// The definition as RFC 6962 writes it: split at the largest power of two below n.
    fn by_definition(leaves: &[Digest]) -> Digest {
        match leaves {
            [] => Digest::new(Sha256::digest(b"").into()),
            [one] => *one,
            _ => {
                let split = (leaves.len().div_ceil(2)).next_power_of_two();
                let (left, right) = leaves.split_at(split);
                node_hash(&by_definition(left), &by_definition(right))
            }
        }
    }

    fn of(leaves: &[Digest]) -> impl FnMut(u32, u64) -> Result<Digest, Infallible> {
        |height, index| {
            let begin = usize::try_from(index << height).unwrap();
            Ok(by_definition(&leaves[begin..begin + (1 << height)]))
        }
    }

    /// The entries that Certificate Transparency's own implementations are tested with.
    const ENTRIES: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];

    #[test]
    fn the_roots_are_those_of_certificate_transparency() {
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let leaves: Vec<Digest> = ENTRIES.iter().map(|e| leaf_hash(e)).collect();
        for (n, root) in roots.iter().enumerate() {
            assert_eq!(tree_root(&leaves[..n]).to_string(), *root, "{n} leaves");
            let Ok(again) = root_of(n as u64, &mut of(&leaves));
            assert_eq!(again.to_string(), *root, "{n} leaves out of subtrees");
        }
    }

    /// Published paths of the same tree, those of Certificate Transparency's own tests.
    #[test]
    fn the_paths_are_those_of_certificate_transparency() {
        let leaves: Vec<Digest> = ENTRIES.iter().map(|e| leaf_hash(e)).collect();
        let inclusion: [(u64, u64, &[&str]); 5] = [
            (0, 1, &[]),
            (
                0,
                8,
                &[
                    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
                ],
            ),
            (
                5,
                8,
                &[
                    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                ],
            ),
            (
                2,
                3,
                &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
            ),
            (
                1,
                5,
                &[
                    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                ],
            ),
        ];
        for (index, size, path) in inclusion {
            let Ok(made) = inclusion_path(index, size, &mut of(&leaves));
            let made: Vec<String> = made.iter().map(Digest::to_string).collect();
            assert_eq!(made, path, "leaf {index} of {size}");
        }
        let consistency: [(u64, u64, &[&str]); 4] = [
            (1, 1, &[]),
            (
                1,
                8,
                &[
                    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
                ],
            ),
            (
                6,
                8,
                &[
                    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                ],
            ),
            (
                2,
                5,
                &[
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                ],
            ),
        ];
        for (old, new, path) in consistency {
            let Ok(made) = consistency_path(old, new, &mut of(&leaves));
            let made: Vec<String> = made.iter().map(Digest::to_string).collect();
            assert_eq!(made, path, "{old} to {new}");
        }
    }

    #[test]
    fn peaks_joined_on_the_way_and_subtrees_give_the_root_by_definition() {
        let leaves: Vec<Digest> = (0..200_u32).map(|n| leaf_hash(&n.to_be_bytes())).collect();
        for n in 0..=leaves.len() {
            let want = by_definition(&leaves[..n]);
            assert_eq!(tree_root(&leaves[..n]), want, "{n} leaves");
            assert_eq!(root_of(n as u64, &mut of(&leaves)), Ok(want), "{n} leaves");
        }
    }

    #[test]
    fn a_leaf_or_a_tree_that_is_not_there_has_no_path_and_the_largest_tree_splits() {
        let mut none = |_, _| -> Result<Digest, &'static str> { Err("asked for a node") };
        for (index, size) in [(0, 0), (1, 1), (9, 3), (u64::MAX, u64::MAX)] {
            assert_eq!(inclusion_path(index, size, &mut none), Ok(vec![]));
        }
        for (old, new) in [(0, 0), (0, 7), (7, 7), (8, 7)] {
            assert_eq!(consistency_path(old, new, &mut none), Ok(vec![]));
        }
        let mut any = |height: u32, index: u64| -> Result<Digest, Infallible> {
            Ok(leaf_hash(&(u64::from(height) ^ index).to_be_bytes()))
        };
        let Ok(path) = inclusion_path(u64::MAX - 1, u64::MAX, &mut any);
        assert_eq!(path.len(), 63);
    }
}
