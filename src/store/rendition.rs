//! Derive, the last two steps of DESIGN section 4: what a worker wrote and a fresh worker
//! verified is linked into place, and one batch says so.

use super::{Refusal, Store, StoreError, conflicts};
use crate::{
    base::{ErrorKind, Explain},
    event::{RecordingExamined, What},
    recording::Rendition,
    vault::{Linked, Output},
};

impl Store {
    /// Links a verified rendition into place. It is not the recording's until
    /// [`Store::examined`] says so; killed between, the next start takes its name away again.
    ///
    /// # Errors
    /// As linking says.
    pub fn place_rendition(&self, output: Output, extension: &str) -> Result<Linked, StoreError> {
        Ok(self.vault.publish_rendition(output, extension)?)
    }

    /// Commits what was found in a recording together with its rendition, if there is one.
    /// `corrections` is how many there were when it was looked at: what was found by an
    /// attribution that is no longer believed does not count.
    ///
    /// # Errors
    /// The writer's. What is refused leaves no rendition behind.
    pub fn examined(
        &self,
        by: u32,
        corrections: u32,
        examined: RecordingExamined,
        rendition: Option<(Rendition, Linked)>,
    ) -> Result<(), StoreError> {
        let (rendition, linked) = rendition.unzip();
        let committed = self.commit(by, move |proposal| {
            let id = examined.id;
            // A disposal may have begun while the worker looked.
            let Some(record) = proposal.record(id)?.filter(|r| r.state.is_there()) else {
                return Err(Refusal::Gone(id).into());
            };
            if record.corrections != corrections {
                return Err(Refusal::CorrectedMeanwhile(id).into());
            }
            let (kind, of) = (examined.kind, examined.attribution.clone());
            proposal.event(What::RecordingExamined(Box::new(examined)));
            conflicts::tell(proposal, id, kind, &of, &record.findings)?;
            if let Some(rendition) = rendition {
                let made_at = proposal.now();
                let rendition = Box::new(Rendition {
                    made_at,
                    ..rendition
                });
                proposal.event(What::RenditionMade { id, rendition });
            }
            Ok(())
        });
        match (&committed, linked) {
            (Ok(()), Some(linked)) => linked.committed(),
            (Err(e), Some(linked)) if e.kind() == ErrorKind::Refused => {
                self.vault.withdraw(linked)?;
            }
            // Whether the batch is on the disk, only the next start knows.
            (Err(_), Some(_)) | (_, None) => {}
        }
        committed
    }
}
