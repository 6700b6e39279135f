//! How a proof fails.

use thiserror::Error;

use crate::base::{ErrorKind, Explain};

/// Something does not prove what it should.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProofError {
    /// A text is not of its format.
    #[error("line {line} of the {text}: {why}")]
    Form {
        /// Which text, such as `note`.
        text: &'static str,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A text is longer than any that we read.
    #[error("the {text} has {bytes} bytes, more than {most}")]
    Long {
        /// Which text.
        text: &'static str,
        /// Its length.
        bytes: usize,
        /// The longest that is read.
        most: usize,
    },
    /// A verifier key is not one.
    #[error("'{vkey}' is not a verifier key: {why}")]
    Vkey {
        /// The text.
        vkey: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A known key's signature does not verify.
    #[error("the signature of '{name}' is not of this text")]
    Signature {
        /// Name of the key.
        name: String,
    },
    /// No known key signed.
    #[error("no key that is known here has signed this")]
    Unsigned,
    /// A checkpoint of another log.
    #[error("the checkpoint is of the log '{found}', not of '{wanted}'")]
    Origin {
        /// The log that was expected.
        wanted: String,
        /// The log that it is of.
        found: String,
    },
    /// The tree is too small for the leaf.
    #[error("a tree of {size} leaves has no leaf {index} (from 0)")]
    NoLeaf {
        /// The leaf.
        index: u64,
        /// The tree.
        size: u64,
    },
    /// The new tree is smaller than the old one.
    #[error("a tree of {new} leaves cannot extend one of {old}")]
    Shrinks {
        /// Leaves of the old tree.
        old: u64,
        /// Leaves of the new tree.
        new: u64,
    },
    /// The path has too few or too many hashes.
    #[error("the path has {hashes} hashes, which is not the number for such a tree")]
    Length {
        /// How many it has.
        hashes: usize,
    },
    /// The path leads elsewhere.
    #[error("the path does not lead to the root of the tree of {size} leaves")]
    Root {
        /// The tree.
        size: u64,
    },
}

impl ProofError {
    pub(super) fn form(text: &'static str, line: usize, why: &'static str) -> Self {
        Self::Form { text, line, why }
    }
}

impl Explain for ProofError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Vkey { .. } => ErrorKind::Usage,
            _ => ErrorKind::Integrity,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Vkey { .. } => "a verifier key reads name+8 hexadecimal digits+base64",
            Self::Unsigned | Self::Origin { .. } => {
                "compare the key and the log's name with those that were handed out at the beginning"
            }
            Self::Signature { .. } | Self::Root { .. } => {
                "keep the file as it is: it was altered, or it belongs to another history"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
