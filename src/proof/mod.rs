//! Layer 3. What a stranger needs to check this log without its store: proofs of inclusion and
//! consistency, signed notes, checkpoints, the proof file, and the witness.
//!
//! Formats are those of C2SP, read strictly: a text has one way to be written, so that what was
//! parsed and written again is the same bytes.
//!
//! | here | where it is written down |
//! |---|---|
//! | [`Inclusion`], [`Consistency`] | RFC 9162 sections 2.1.3.2 and 2.1.4.2 |
//! | [`Note`], [`NoteSignature`], [`Verifier`] | c2sp.org/signed-note, Ed25519 (type 0x01) |
//! | [`Checkpoint`] | c2sp.org/tlog-checkpoint |
//! | cosignatures | c2sp.org/tlog-cosignature, `cosignature/v1` (type 0x04) |
//! | [`ProofFile`] | c2sp.org/tlog-proof |
//! | [`ChunkProof`] | our own: many leaves of one tree of RFC 6962 at once |
//! | [`CosignRequest`], [`Witness`] | c2sp.org/tlog-witness, `add-checkpoint`, by file |
//!
//! - Nothing that is not signed by a known key is believed, and a known key's signature that does
//!   not verify condemns the whole note. Signatures by unknown keys are ignored.
//! - A witness never signs two trees of which one is not the beginning of the other; what it
//!   signs is on its disk before the signature leaves it.
//!
//! It fails by [`ProofError`], a key file by [`KeyError`], a witness by
//! [`WitnessError`], an excerpt by [`ChunkError`].

mod checkpoint;
mod chunks;
mod error;
mod file;
mod key;
mod keyfile;
mod note;
mod request;
mod tree;
mod witness;

pub use checkpoint::Checkpoint;
pub use chunks::{ChunkError, ChunkProof, Filler, STRETCHES_MAX};
pub use error::ProofError;
pub use file::{ProofFile, Proven};
pub use key::{Algorithm, NoteKey, Verifier};
pub use keyfile::KeyError;
pub use note::{Note, NoteSignature, Signed};
pub use request::CosignRequest;
pub use tree::{Consistency, Inclusion};
pub use witness::{Witness, WitnessError};

#[cfg(test)]
mod tests;
