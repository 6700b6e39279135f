//! Events out of a stretch of the log, one after the other, in memory of one bundle.

use std::vec;

use super::{
    Damage, Ledger, LedgerError,
    bundle::{BUNDLE_BYTES_MAX, Entries, WIDTH},
    files::{self, Holds, TAIL, Tile},
};

/// An iterator over events and their numbers, counted from 0. It stops behind its stretch, or
/// after the first error.
#[derive(Debug)]
pub struct Lines<'a> {
    ledger: &'a Ledger,
    next: u64,
    end: u64,
    held: vec::IntoIter<Vec<u8>>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(ledger: &'a Ledger, from: u64, limit: u64) -> Self {
        Self {
            ledger,
            next: from,
            end: from.saturating_add(limit).min(ledger.len()),
            held: Vec::new().into_iter(),
        }
    }

    /// The events of the stretch that lie in the bundle of the next one.
    fn read_bundle(&self) -> Result<Vec<Vec<u8>>, LedgerError> {
        let width = WIDTH as u64;
        let (index, skip) = (self.next / width, (self.next % width) as usize);
        let mut path = Tile::full(Holds::Entries, index).path(&self.ledger.dir);
        let bytes = if index < self.ledger.edge.bundles() {
            files::read(&path, BUNDLE_BYTES_MAX, index.saturating_mul(width))?
        } else {
            path = self.ledger.dir.join(TAIL);
            self.ledger.tail.read()?
        };
        let take = usize::try_from(self.end.saturating_sub(self.next)).unwrap_or(WIDTH);
        let want = take.min(WIDTH - skip);
        let lines = Entries::new(&bytes).skip(skip).take(want);
        let lines: Vec<Vec<u8>> = lines.map(<[u8]>::to_vec).collect();
        if lines.len() < want {
            let event = self.next.saturating_add(lines.len() as u64);
            return Err(LedgerError::broken(path, event, Damage::Entry));
        }
        Ok(lines)
    }
}

impl Iterator for Lines<'_> {
    type Item = Result<(u64, Vec<u8>), LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.end {
            return None;
        }
        if self.held.len() == 0 {
            match self.read_bundle() {
                Ok(lines) => self.held = lines.into_iter(),
                Err(e) => {
                    self.next = self.end;
                    return Some(Err(e));
                }
            }
        }
        let number = self.next;
        self.next = number.saturating_add(1);
        self.held.next().map(|line| Ok((number, line)))
    }
}
