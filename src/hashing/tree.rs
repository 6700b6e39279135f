//! The Merkle tree of RFC 6962 section 2.1. Leaves and nodes are hashed under different first
//! bytes, so that no node can be passed off as a leaf.

use sha2::{Digest as _, Sha256};

use crate::base::Digest;

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
        .unwrap_or_else(|| super::sha256(b""))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition as RFC 6962 writes it: split at the largest power of two below n.
    fn by_definition(leaves: &[Digest]) -> Digest {
        match leaves {
            [] => crate::hashing::sha256(b""),
            [one] => *one,
            _ => {
                let split = (leaves.len().div_ceil(2)).next_power_of_two();
                let (left, right) = leaves.split_at(split);
                node_hash(&by_definition(left), &by_definition(right))
            }
        }
    }

    /// The vectors that Certificate Transparency's own implementations are tested with.
    #[test]
    fn the_roots_are_those_of_certificate_transparency() {
        let entries: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
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
        let leaves: Vec<Digest> = entries.iter().map(|e| leaf_hash(e)).collect();
        for (n, root) in roots.iter().enumerate() {
            assert_eq!(tree_root(&leaves[..n]).to_string(), *root, "{n} leaves");
        }
    }

    #[test]
    fn peaks_joined_on_the_way_give_the_root_by_definition() {
        let leaves: Vec<Digest> = (0..200_u32).map(|n| leaf_hash(&n.to_be_bytes())).collect();
        for n in 0..=leaves.len() {
            assert_eq!(
                tree_root(&leaves[..n]),
                by_definition(&leaves[..n]),
                "{n} leaves"
            );
        }
    }
}
