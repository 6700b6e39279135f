//! All of the index as text: two indexes that mean the same are the same bytes here.

use std::io::Write;

use data_encoding::{BASE64, HEXLOWER};
use serde_json::json;

use super::{Column, Direction, Index, IndexError, KeyRange};

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
