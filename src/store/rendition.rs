//! Derive, the last two steps of DESIGN section 4: what a worker wrote and a fresh worker
//! verified is linked into place, and one batch says so.

use super::{Refusal, Store, StoreError};
use crate::{
    base::Digest,
    event::{RecordingExamined, What},
    recording::Rendition,
    vault::Output,
};

impl Store {
    /// Links a verified rendition into place and gives back its digest and size. It is not the
    /// recording's until [`Store::examined`] says so; killed between, it is an object that no row
    /// names, and the next night makes the same again.
    ///
    /// # Errors
    /// As linking says.
    pub fn place_rendition(
        &self,
        output: Output,
        extension: &str,
    ) -> Result<(Digest, u64), StoreError> {
        let published = self.vault.publish_rendition(output, extension)?;
        Ok((published.hashed.digest, published.hashed.bytes))
    }

    /// Commits what was found in a recording together with its renditions.
    ///
    /// # Errors
    /// The writer's.
    pub fn examined(
        &self,
        by: u32,
        examined: RecordingExamined,
        renditions: Vec<Rendition>,
    ) -> Result<(), StoreError> {
        self.commit(by, move |proposal| {
            let id = examined.id;
            // A disposal may have begun while the worker looked.
            if proposal.record(id)?.is_none_or(|r| !r.state.is_there()) {
                return Err(Refusal::Gone(id).into());
            }
            proposal.event(What::RecordingExamined(Box::new(examined)));
            for rendition in renditions {
                let made_at = proposal.now();
                let rendition = Box::new(Rendition {
                    made_at,
                    ..rendition
                });
                proposal.event(What::RenditionMade { id, rendition });
            }
            Ok(())
        })
    }
}
