//! What a viewer is given, logged before it is. An approval that is taken back, or over, shows
//! nothing more.

use super::{
    Spent, Store, StoreError,
    access::{known, not},
};
use crate::{
    base::RecordingId,
    custody::access::{AccessState, Decision},
    event::What,
};

/// Bytes of a marked copy, or of its contact sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glimpse {
    /// The recording that the copy is of.
    pub recording: RecordingId,
    /// Of the contact sheet.
    pub sheet: bool,
    /// The first byte.
    pub from: u64,
    /// Behind the last one.
    pub to: u64,
}

impl Store {
    /// Says what a viewer is about to be given. Nothing may be given before this returns.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when the approval was taken back or is over; the writer's.
    pub fn serve_access(&self, by: u32, spent: &Spent, glimpse: Glimpse) -> Result<(), StoreError> {
        let (request, number) = (spent.access.digest, spent.number);
        self.commit(by, move |proposal| {
            let access = known(proposal, request)?;
            match access.decisions.last() {
                Some(Decision::Approved { .. }) => {}
                _ => return Err(not(request, access.state(proposal.now()))),
            }
            if proposal.now() >= access.request.ask.expires {
                return Err(not(request, AccessState::Expired));
            }
            let Glimpse {
                recording,
                sheet,
                from,
                to,
            } = glimpse;
            proposal.event(What::AccessServed {
                request,
                number,
                recording,
                sheet,
                from,
                to,
            });
            Ok(())
        })
    }
}
