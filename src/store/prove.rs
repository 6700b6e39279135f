//! What is handed to a stranger: an event's line and the proof that it stands in the log.

use super::{Store, StoreError};
use crate::{
    ledger::Ledger,
    proof::{Checkpoint, Note, ProofError, ProofFile, Verifier},
};

/// Makes proofs that all lead to one checkpoint. Reads the ledger's files, beside the writer.
#[derive(Debug)]
pub struct Prover {
    ledger: Ledger,
    checkpoint: Note,
    size: u64,
    log: Verifier,
}

impl Store {
    /// Proofs under the checkpoint that is published; see [`Store::publish`].
    ///
    /// # Errors
    /// When there is none; as reading says.
    pub fn prover(&self) -> Result<Prover, StoreError> {
        let ledger = Ledger::open(&self.root.join("ledger"))?;
        let checkpoint = ledger.checkpoint()?.ok_or(ProofError::Unsigned)?;
        self.prover_under(ledger, checkpoint)
    }

    /// Proofs under the newest checkpoint that a witness has cosigned, if there is one.
    ///
    /// # Errors
    /// As reading says.
    pub fn witnessed_prover(&self) -> Result<Option<Prover>, StoreError> {
        let ledger = Ledger::open(&self.root.join("ledger"))?;
        let checkpoint = ledger.cosigned()?;
        let prover = checkpoint.map(|note| self.prover_under(ledger, note));
        prover.transpose()
    }

    fn prover_under(&self, ledger: Ledger, checkpoint: Note) -> Result<Prover, StoreError> {
        let size = Checkpoint::parse(checkpoint.text())?.size;
        let log = self.log.clone();
        Ok(Prover {
            ledger,
            checkpoint,
            size,
            log,
        })
    }

    /// The line of event `n` and the proof that the published log has it there.
    ///
    /// # Errors
    /// As [`Store::prover`] and [`Prover::prove`].
    pub fn prove(&self, n: u64) -> Result<(Vec<u8>, ProofFile), StoreError> {
        self.prover()?.prove(n)
    }
}

impl Prover {
    /// Whether event `n` is under the checkpoint.
    #[must_use]
    pub const fn covers(&self, n: u64) -> bool {
        n < self.size
    }

    /// The line of event `n` and its proof. Verified, so that nothing leaves that a stranger would
    /// refuse.
    ///
    /// # Errors
    /// When the checkpoint does not cover the event; as reading says.
    pub fn prove(&self, n: u64) -> Result<(Vec<u8>, ProofFile), StoreError> {
        let path = self.ledger.inclusion(n, self.size)?.path;
        let line = self.ledger.read(n, 1)?.next().transpose()?;
        let line = line.map(|(_, line)| line).unwrap_or_default();
        let proof = ProofFile {
            extra: None,
            index: n,
            path,
            checkpoint: self.checkpoint.clone(),
        };
        proof.verify(&line, &self.log, &[])?;
        Ok((line, proof))
    }
}
