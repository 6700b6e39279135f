//! What a log asks a witness (`add-checkpoint` of c2sp.org/tlog-witness): its new checkpoint, and
//! the proof that it extends the one which the witness cosigned last. A file that can be carried
//! from one machine to the other.

use std::fmt;

use super::{
    Checkpoint, Consistency, Note, ProofError,
    checkpoint::decimal,
    file::{Head, write_path},
};

const TEXT: &str = "request";

/// Hashes of a consistency path; the specification allows no more.
const PATH_MAX: usize = 63;

/// A checkpoint and how it extends an older one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CosignRequest {
    /// From the size that the witness has seen to the checkpoint's.
    pub consistency: Consistency,
    /// The log's signed checkpoint.
    pub checkpoint: Note,
}

impl CosignRequest {
    /// Reads a request whole.
    ///
    /// # Errors
    /// [`ProofError::Form`] with the text and its line.
    pub fn parse(bytes: &[u8]) -> Result<Self, ProofError> {
        let mut lines = Head::new(TEXT, bytes);
        let old = lines
            .next_line()?
            .strip_prefix("old ")
            .and_then(decimal)
            .ok_or_else(|| lines.wrong("there is no old size"))?;
        let path = lines.path(PATH_MAX)?;
        let checkpoint = Note::parse(lines.rest())?;
        let new = Checkpoint::parse(checkpoint.text())?.size;
        Ok(Self {
            consistency: Consistency { old, new, path },
            checkpoint,
        })
    }
}

/// The file as it is stored.
impl fmt::Display for CosignRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.consistency.old)?;
        write_path(f, &self.consistency.path)?;
        write!(f, "{}", self.checkpoint)
    }
}
