//! What one commit will do.

use super::Column;

/// Puts and deletes over all columns, in order; nothing happens until it is committed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    changes: Vec<(Column, Vec<u8>, Option<Vec<u8>>)>,
}

impl Batch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// `value` will stand under `key`.
    pub fn put(&mut self, column: Column, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.changes.push((column, key.into(), Some(value.into())));
    }

    /// Nothing will stand under `key`.
    pub fn delete(&mut self, column: Column, key: impl Into<Vec<u8>>) {
        self.changes.push((column, key.into(), None));
    }

    /// Everything of `other` will happen after everything of this.
    pub fn append(&mut self, mut other: Self) {
        self.changes.append(&mut other.changes);
    }

    /// How many puts and deletes it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether it would change nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The changes in order: column, key, and the value unless it is a delete.
    pub(super) fn changes(&self) -> impl Iterator<Item = (Column, &[u8], Option<&[u8]>)> {
        self.changes
            .iter()
            .map(|(c, k, v)| (*c, k.as_slice(), v.as_deref()))
    }
}
