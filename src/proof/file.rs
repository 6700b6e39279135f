//! The proof file (c2sp.org/tlog-proof): that one entry is in a log, for whoever holds the entry
//! and the log's public key, and needs no contact with us.

use std::fmt;

use data_encoding::BASE64;

use super::{
    Checkpoint, Inclusion, Note, ProofError, Signed, Verifier,
    checkpoint::{decimal, hash},
};
use crate::base::{Digest, merkle::leaf_hash};

const HEADER: &str = "c2sp.org/tlog-proof@v1";
const TEXT: &str = "proof file";

/// Hashes in a path: a tree of at most 2^64 leaves is not higher.
const PATH_MAX: usize = 64;

/// Which entry, its path, and the checkpoint that the path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofFile {
    /// What an application put beside it. It is not covered by any signature.
    pub extra: Option<Vec<u8>>,
    /// The entry, counted from 0.
    pub index: u64,
    /// From the leaf's sibling to the root's child.
    pub path: Vec<Digest>,
    /// The log's signed checkpoint, with what cosignatures it has.
    pub checkpoint: Note,
}

/// What a proof file has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// The log's head.
    pub checkpoint: Checkpoint,
    /// Who of the known witnesses has seen it, and when.
    pub cosigned: Vec<Signed>,
}

impl ProofFile {
    /// Reads a proof file whole.
    ///
    /// # Errors
    /// [`ProofError::Form`] with the text and its line; the note is a text of its own.
    pub fn parse(bytes: &[u8]) -> Result<Self, ProofError> {
        let mut lines = Head::new(TEXT, bytes);
        if lines.next_line()? != HEADER {
            return Err(lines.wrong("it does not begin with c2sp.org/tlog-proof@v1"));
        }
        let mut line = lines.next_line()?;
        let mut extra = None;
        if let Some(base64) = line.strip_prefix("extra ") {
            let value = BASE64.decode(base64.as_bytes());
            extra = Some(value.map_err(|_| lines.wrong("the extra is not base64"))?);
            line = lines.next_line()?;
        }
        let index = line
            .strip_prefix("index ")
            .and_then(decimal)
            .ok_or_else(|| lines.wrong("there is no index"))?;
        let path = lines.path(PATH_MAX)?;
        Ok(Self {
            extra,
            index,
            path,
            checkpoint: Note::parse(lines.rest())?,
        })
    }

    /// Whether `entry` is in the log of the key `log`, under a checkpoint that the log has signed.
    /// A known witness's cosignature must verify where there is one; how many are enough is for
    /// the caller to say.
    ///
    /// # Errors
    /// [`ProofError`], saying which of it does not hold.
    pub fn verify(
        &self,
        entry: &[u8],
        log: &Verifier,
        witnesses: &[&Verifier],
    ) -> Result<Proven, ProofError> {
        let checkpoint = Checkpoint::signed_by(&self.checkpoint, log)?;
        let cosigned = Checkpoint::cosigned_by(&self.checkpoint, witnesses)?;
        let inclusion = Inclusion {
            index: self.index,
            size: checkpoint.size,
            path: self.path.clone(),
        };
        inclusion.verify(&leaf_hash(entry), &checkpoint.root)?;
        Ok(Proven {
            checkpoint,
            cosigned,
        })
    }
}

/// The file as it is stored.
impl fmt::Display for ProofFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", BASE64.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        write_path(f, &self.path)?;
        write!(f, "{}", self.checkpoint)
    }
}

/// Hashes, one a line, and the empty line before the note.
pub(super) fn write_path(f: &mut fmt::Formatter<'_>, path: &[Digest]) -> fmt::Result {
    for hash in path {
        writeln!(f, "{}", BASE64.encode(hash.as_bytes()))?;
    }
    writeln!(f)
}

/// The lines before a note, read one after the other.
pub(super) struct Head<'a> {
    text: &'static str,
    rest: &'a [u8],
    line: usize,
}

impl<'a> Head<'a> {
    pub(super) fn new(text: &'static str, bytes: &'a [u8]) -> Self {
        Self {
            text,
            rest: bytes,
            line: 0,
        }
    }

    pub(super) fn wrong(&self, why: &'static str) -> ProofError {
        ProofError::form(self.text, self.line, why)
    }

    pub(super) fn next_line(&mut self) -> Result<&'a str, ProofError> {
        self.line += 1;
        let end = self.rest.iter().position(|b| *b == b'\n');
        let end = end.ok_or_else(|| self.wrong("it ends too early"))?;
        let (line, rest) = self.rest.split_at(end);
        self.rest = &rest[1..];
        str::from_utf8(line).map_err(|_| self.wrong("it is not UTF-8"))
    }

    /// Hashes up to the empty line.
    pub(super) fn path(&mut self, most: usize) -> Result<Vec<Digest>, ProofError> {
        let mut path = Vec::new();
        loop {
            let line = self.next_line()?;
            if line.is_empty() {
                return Ok(path);
            }
            if path.len() == most {
                return Err(self.wrong("the path is too long for any tree"));
            }
            path.push(hash(line).ok_or_else(|| self.wrong("it is not a SHA-256 hash in base64"))?);
        }
    }

    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }
}
