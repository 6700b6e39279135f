//! A bundle of entries (c2sp.org/tlog-tiles): each one behind its length, a big-endian `u16`.
//! The tail has the same form, so that a full tail is a bundle.

use crate::base::{Digest, limits::EVENT_BYTES_MAX, merkle::leaf_hash};

/// Entries of a full bundle and hashes of a full tile.
pub(super) const WIDTH: usize = 256;

/// Bytes before each entry.
const LENGTH_BYTES: usize = 2;

/// Bytes of the largest bundle.
pub(super) const BUNDLE_BYTES_MAX: u64 = ((LENGTH_BYTES + EVENT_BYTES_MAX) * WIDTH) as u64;

/// Whether this can be an entry: a line of text, not empty, and not too long for its length.
pub(super) fn is_line(line: &[u8]) -> bool {
    !line.is_empty() && line.len() <= EVENT_BYTES_MAX && !line.contains(&b'\n')
}

/// Puts one entry, which [`is_line`], behind the others.
pub(super) fn push(bundle: &mut Vec<u8>, line: &[u8]) {
    debug_assert!(is_line(line));
    bundle.extend_from_slice(&(line.len() as u16).to_be_bytes());
    bundle.extend_from_slice(line);
}

/// The entries, as far as they are whole.
pub(super) struct Entries<'a> {
    rest: &'a [u8],
}

impl<'a> Entries<'a> {
    pub(super) const fn new(bundle: &'a [u8]) -> Self {
        Self { rest: bundle }
    }

    /// Bytes behind the last whole entry; nothing after an iteration to the end of a good bundle.
    pub(super) const fn rest_bytes(&self) -> usize {
        self.rest.len()
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, after) = self.rest.split_first_chunk::<LENGTH_BYTES>()?;
        let (line, rest) = after.split_at_checked(u16::from_be_bytes(*length).into())?;
        if !is_line(line) {
            return None;
        }
        self.rest = rest;
        Some(line)
    }
}

/// The leaf hashes of a bundle that holds exactly `count` entries, or the place of the first one
/// that is none: `count` itself when there is something behind the last.
pub(super) fn leaves(bundle: &[u8], count: usize) -> Result<Vec<Digest>, u64> {
    let mut entries = Entries::new(bundle);
    let leaves: Vec<Digest> = entries.by_ref().take(count).map(leaf_hash).collect();
    if leaves.len() == count && entries.rest_bytes() == 0 {
        Ok(leaves)
    } else {
        Err(leaves.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn entries_come_back_and_what_is_not_one_ends_them() {
        let long = vec![b'x'; EVENT_BYTES_MAX];
        let mut bundle = Vec::new();
        for line in [b"a".as_slice(), b"bc", &long] {
            push(&mut bundle, line);
        }
        assert_eq!(bundle[..5], [0, 1, b'a', 0, 2]);
        let read: Vec<&[u8]> = Entries::new(&bundle).collect();
        assert_eq!(read, [b"a".as_slice(), b"bc", &long]);
        assert_eq!(leaves(&bundle, 3).unwrap()[1], leaf_hash(b"bc"));
        assert_eq!(leaves(&bundle, 2), Err(2), "one too many");
        assert_eq!(leaves(&bundle, 4), Err(3), "one too few");
        for bad in [
            &[0][..],
            &[0, 0],
            &[0, 2, b'x'],
            &[0, 1, b'\n'],
            &[0xff, 0xff],
        ] {
            let mut torn = bundle.clone();
            torn.extend_from_slice(bad);
            let mut entries = Entries::new(&torn);
            assert_eq!(entries.by_ref().count(), 3, "{bad:?}");
            assert_eq!(entries.rest_bytes(), bad.len(), "{bad:?}");
        }
    }
}
