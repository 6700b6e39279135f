//! What is handed to a stranger: an event's line and the proof that it stands in the log.

use super::{Store, StoreError};
use crate::{
    ledger::Ledger,
    proof::{Checkpoint, ProofError, ProofFile},
};

impl Store {
    /// The line of event `n` and the proof that the published log has it there; see
    /// [`Store::publish`]. Verified, so that nothing leaves that a stranger would refuse. Reads the
    /// ledger's files, beside the writer.
    ///
    /// # Errors
    /// When there is no checkpoint or none that covers the event; as reading says.
    pub fn prove(&self, n: u64) -> Result<(Vec<u8>, ProofFile), StoreError> {
        let ledger = Ledger::open(&self.root.join("ledger"))?;
        let checkpoint = ledger.checkpoint()?.ok_or(ProofError::Unsigned)?;
        let size = Checkpoint::parse(checkpoint.text())?.size;
        let path = ledger.inclusion(n, size)?.path;
        let line = ledger.read(n, 1)?.next().transpose()?;
        let line = line.map(|(_, line)| line).unwrap_or_default();
        let proof = ProofFile {
            extra: None,
            index: n,
            path,
            checkpoint,
        };
        proof.verify(&line, &self.log, &[])?;
        Ok((line, proof))
    }
}
