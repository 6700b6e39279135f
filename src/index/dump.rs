//! All of the index as text: two indexes that mean the same are the same bytes here.

use std::{cmp::Ordering, io::Write};

use data_encoding::{BASE64, HEXLOWER};
use serde_json::json;

use super::{Column, Direction, Index, IndexError, KeyRange, Snapshot};

/// Differences between two indexes that are named; whoever reads them needs the first.
const DIFFERENCES_MAX: usize = 1_000;

/// A row that two indexes do not have alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The column.
    pub column: Column,
    /// The key.
    pub key: Vec<u8>,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.column.name(), HEXLOWER.encode(&self.key))
    }
}

impl Snapshot<'_> {
    /// The rows that `other` lacks, has more or has otherwise; caches aside.
    ///
    /// # Errors
    /// As reading says.
    pub fn differences(&self, other: &Snapshot<'_>) -> Result<Vec<Difference>, IndexError> {
        let mut found = Vec::new();
        for column in Column::ALL.into_iter().filter(|c| !c.is_cache()) {
            let all = KeyRange::all();
            let mut ours = self.scan(column, &all, Direction::Forward)?;
            let mut theirs = other.scan(column, &all, Direction::Forward)?;
            let (mut a, mut b) = (ours.next().transpose()?, theirs.next().transpose()?);
            while found.len() < DIFFERENCES_MAX {
                let order = match (&a, &b) {
                    (None, None) => break,
                    (Some(_), None) => Ordering::Less,
                    (None, Some(_)) => Ordering::Greater,
                    (Some((ours, _)), Some((theirs, _))) => ours.cmp(theirs),
                };
                let same = order == Ordering::Equal && a == b;
                let key = if order == Ordering::Greater { &b } else { &a };
                if let Some((key, _)) = key.as_ref().filter(|_| !same) {
                    let key = key.to_vec();
                    found.push(Difference { column, key });
                }
                if order != Ordering::Greater {
                    a = ours.next().transpose()?;
                }
                if order != Ordering::Less {
                    b = theirs.next().transpose()?;
                }
            }
        }
        Ok(found)
    }
}

impl Index {
    /// Writes every row of every column but the caches: one line of JSON each, columns in the
    /// order of [`Column::ALL`], keys in theirs. Keys are hexadecimal; a value is `text` where it
    /// is UTF-8, else `base64`.
    ///
    /// # Errors
    /// As reading or writing says.
    pub fn dump(&self, out: &mut dyn Write) -> Result<(), IndexError> {
        let snapshot = self.snapshot();
        for column in Column::ALL.into_iter().filter(|c| !c.is_cache()) {
            for row in snapshot.scan(column, &KeyRange::all(), Direction::Forward)? {
                let (key, value) = row?;
                let key = HEXLOWER.encode(&key);
                let line = match std::str::from_utf8(&value) {
                    Ok(text) => json!({ "column": column.name(), "key": key, "text": text }),
                    Err(_) => json!({
                        "base64": BASE64.encode(&value), "column": column.name(), "key": key
                    }),
                };
                writeln!(out, "{line}")?;
            }
        }
        Ok(())
    }
}
