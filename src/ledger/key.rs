//! The log's key. It signs that the log is so long and has this root, and nothing else. It lies in
//! a file of its own, outside the ledger's folder: who copies the log does not copy the key.

use std::path::Path;

use crate::{
    base::Moment,
    proof::{Algorithm, Checkpoint, KeyError, Note, NoteKey, ProofError, Verifier},
};

/// The key whose name is the log's: `recvault/<genesis roster's digest>`.
#[derive(Debug)]
pub struct LogKey(NoteKey);

impl LogKey {
    /// Draws the key of the log `origin` and writes it to `path`, for its owner's eyes only.
    ///
    /// # Errors
    /// [`KeyError`]; a file that is there is never overwritten.
    pub fn create(path: &Path, origin: &str) -> Result<Self, KeyError> {
        NoteKey::create(path, origin, Algorithm::Ed25519).map(Self)
    }

    /// Reads the key at `path`.
    ///
    /// # Errors
    /// [`KeyError`], also when others may read the file.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        NoteKey::load(path, Algorithm::Ed25519).map(Self)
    }

    /// The key out of a seed that comes from elsewhere.
    ///
    /// # Errors
    /// [`ProofError::Vkey`] when no key can be called so.
    pub fn from_seed(origin: &str, seed: &[u8; 32]) -> Result<Self, ProofError> {
        NoteKey::from_seed(origin, Algorithm::Ed25519, seed).map(Self)
    }

    /// The log that it is of.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.0.name()
    }

    /// The public half, which as text is what to hand out.
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        self.0.verifier()
    }

    /// The checkpoint as a note with this key's signature. Only [`super::Ledger::publish`] knows
    /// whether a checkpoint may be signed.
    pub(super) fn sign(&self, checkpoint: &Checkpoint) -> Result<Note, ProofError> {
        let text = checkpoint.text();
        // A log's signature carries no time.
        let signature = self.0.sign(&text, Moment::from_ms(0));
        Note::new(&text, vec![signature])
    }
}
