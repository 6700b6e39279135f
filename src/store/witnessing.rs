//! Witnesses: their cosignatures of the checkpoint, and the time that they vouch for by them.
//!
//! Anybody may be a witness. Only those that the policy names, which two approvers signed, tell the
//! compliance clock the time: a witness of the custodian's own could run ahead.

use super::{Store, StoreError, error::Refusal};
use crate::{
    base::Moment,
    event::What,
    proof::{Note, NoteSignature, Verifier},
};

/// What a cosignature came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Cosigned {
    /// The checkpoint with it.
    pub note: Note,
    /// The time that the compliance clock was told by it; nothing where the policy does not name
    /// the witness.
    pub vouched: Option<Moment>,
}

impl Store {
    /// Keeps a witness's cosignature beside the log's own signature of the checkpoint. Where the
    /// policy names the witness, it vouches for the time.
    ///
    /// # Errors
    /// When it is not by this witness over this checkpoint. [`Refusal::Clock`] when the time is too
    /// far ahead of the machine's: the cosignature is kept then and the time is not taken.
    pub fn cosigned(
        &self,
        by: u32,
        cosignature: &NoteSignature,
        witness: &Verifier,
    ) -> Result<Cosigned, StoreError> {
        let note = self.writer.cosigned(cosignature.clone(), witness.clone())?;
        let vkey = witness.to_string();
        let rules = self.rules()?;
        let named = rules.policy().map(|p| p.terms().witnesses.contains(&vkey));
        let alone = Note::new(note.text(), vec![cosignature.clone()])?;
        let signed = alone.verify(&[witness])?;
        let at = signed.first().and_then(|signed| signed.at);
        let Some(at) = at.filter(|_| named == Some(true)) else {
            let vouched = None;
            return Ok(Cosigned { note, vouched });
        };
        let (checkpoint, cosignature) = (note.text().to_owned(), cosignature.to_string());
        let vouched = self.commit(by, move |proposal| {
            let reading = proposal.reading();
            let rules = proposal.rules()?;
            let Some(policy) = rules.policy() else {
                return Ok(None);
            };
            if at <= rules.clock.vouched() {
                // Shown again, or overtaken: it tells nothing new.
                return Ok(None);
            }
            let terms = policy.terms().clock;
            let mut clock = rules.clock;
            clock.apply_reading(reading, terms);
            let behind_ms = clock.behind_ms(at);
            clock
                .apply_witnessed(at, reading, terms)
                .map_err(Refusal::from)?;
            proposal.event(What::ClockWitnessed {
                at,
                reading,
                behind_ms,
                witness: vkey,
                checkpoint,
                cosignature,
            });
            Ok(Some(at))
        })?;
        Ok(Cosigned { note, vouched })
    }
}
