//! A checkpoint (c2sp.org/tlog-checkpoint): which log, how many leaves, which root.

use data_encoding::BASE64;

use super::{Note, ProofError, Signed, Verifier};
use crate::base::Digest;

/// The head of a log. As text it is the body of a signed note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: String,
    /// How many leaves.
    pub size: u64,
    /// The root over them.
    pub root: Digest,
    /// Further lines. Our logs write none: nobody could check them.
    pub extensions: Vec<String>,
}

impl Checkpoint {
    /// The head of a log, without further lines.
    #[must_use]
    pub fn new(origin: &str, size: u64, root: Digest) -> Self {
        Self {
            origin: origin.to_owned(),
            size,
            root,
            extensions: Vec::new(),
        }
    }

    /// The root as the note has it: in base64.
    #[must_use]
    pub fn root_text(&self) -> String {
        BASE64.encode(self.root.as_bytes())
    }

    /// The body of the note, with its last line end.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n", self.origin, self.size, self.root_text());
        for line in &self.extensions {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// Reads the body of a note, strictly.
    ///
    /// # Errors
    /// [`ProofError::Form`] with the line.
    pub fn parse(text: &str) -> Result<Self, ProofError> {
        let wrong = |line, why| ProofError::form("checkpoint", line, why);
        let text = text
            .strip_suffix('\n')
            .ok_or_else(|| wrong(1, "it does not end with a line end"))?;
        let mut lines = text.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next())
        else {
            return Err(wrong(1, "it has fewer than three lines"));
        };
        if origin.is_empty() {
            return Err(wrong(1, "the log's name is empty"));
        }
        let size = decimal(size).ok_or_else(|| wrong(2, "that is not a number of leaves"))?;
        let root = hash(root).ok_or_else(|| wrong(3, "that is not a SHA-256 hash in base64"))?;
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        if let Some(n) = extensions.iter().position(String::is_empty) {
            return Err(wrong(4 + n, "it is empty"));
        }
        Ok(Self {
            origin: origin.to_owned(),
            size,
            root,
            extensions,
        })
    }

    /// The checkpoint in a note that the log's key has signed; the key's name is the log's.
    ///
    /// # Errors
    /// As [`Note::verify`], [`ProofError::Form`], or [`ProofError::Origin`].
    pub fn signed_by(note: &Note, log: &Verifier) -> Result<Self, ProofError> {
        note.verify(&[log])?;
        let checkpoint = Self::parse(note.text())?;
        if checkpoint.origin == log.name() {
            Ok(checkpoint)
        } else {
            Err(ProofError::Origin {
                wanted: log.name().to_owned(),
                found: checkpoint.origin,
            })
        }
    }

    /// Which of these witnesses have cosigned the note, and when. It may be none.
    ///
    /// # Errors
    /// [`ProofError::Signature`] when one of theirs does not verify.
    pub fn cosigned_by(note: &Note, witnesses: &[&Verifier]) -> Result<Vec<Signed>, ProofError> {
        note.signed(witnesses)
    }
}

/// Decimal digits without leading zeros.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// A SHA-256 hash in base64.
pub(super) fn hash(text: &str) -> Option<Digest> {
    let bytes = BASE64.decode(text.as_bytes()).ok()?;
    bytes.try_into().ok().map(Digest::new)
}
