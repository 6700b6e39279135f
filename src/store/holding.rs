//! Acts that keep a recording longer. Anybody may, and they count at once: errors fall on the
//! keeping side.

use super::{Proposal, Store, StoreError, error::Refusal};
use crate::{
    base::RecordingId,
    custody::{Actor, Asked, Hold, Holds},
    event::What,
    retention::{Clause, Raising},
};

/// A hold that somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldRequest {
    /// Number of the case.
    pub case: String,
    /// Why.
    pub reason: String,
    /// Who asks; the person who types, unless somebody else is named.
    pub requester: Option<String>,
}

impl Store {
    /// Places a hold on a recording.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when its words cannot be kept, it stands already, or the recording
    /// is gone.
    pub fn place_hold(
        &self,
        by: u32,
        id: RecordingId,
        request: HoldRequest,
    ) -> Result<Hold, StoreError> {
        self.commit(by, move |proposal| {
            check_there(proposal.record(id)?.map(|r| r.state), id)?;
            let actor = Actor::of(by, proposal.rules()?.rosters.current());
            let asked = Asked {
                case: request.case,
                reason: request.reason,
                requester: request.requester.unwrap_or_else(|| actor.to_string()),
                placed_by: Some(actor),
                releasers_needed: 1,
            };
            let holds = proposal.keeping(id)?.holds;
            place(proposal, id, &holds, &asked)
        })
    }

    /// Classes a recording under a clause of 4.6.1 to 4.6.4: from now on it has no expiry.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when the recording is gone.
    pub fn classify(
        &self,
        by: u32,
        id: RecordingId,
        clause: Clause,
        note: String,
    ) -> Result<Raising, StoreError> {
        self.commit(by, move |proposal| {
            check_there(proposal.record(id)?.map(|r| r.state), id)?;
            let rules = proposal.rules()?;
            let actor = Actor::of(by, rules.rosters.current());
            let Some(policy) = rules.policy() else {
                return Err(StoreError::Rows("the store has no policy yet".into()));
            };
            let raising = Raising::new(clause, proposal.now(), policy);
            let note = proposal.seal(note.as_bytes())?;
            proposal.event(What::RecordingClassified {
                id,
                raising,
                note,
                actor,
            });
            Ok(raising)
        })
    }
}

/// Proposes a hold beside those that stand, its words sealed.
pub(super) fn place(
    proposal: &mut Proposal<'_>,
    id: RecordingId,
    holds: &Holds,
    asked: &Asked,
) -> Result<Hold, StoreError> {
    let hold = holds.place(asked, proposal.next_event());
    let hold = hold.map_err(Refusal::from)?;
    let reason = proposal.seal(hold.reason.as_bytes())?;
    let requester = proposal.seal(hold.requester.as_bytes())?;
    proposal.event(What::HoldPlaced {
        id,
        hold: Hold {
            reason: String::new(),
            requester: String::new(),
            ..hold.clone()
        },
        reason,
        requester,
    });
    Ok(hold)
}

/// What is being removed cannot be kept any more, and nobody may be told that it is.
fn check_there(state: Option<crate::recording::State>, id: RecordingId) -> Result<(), StoreError> {
    match state {
        Some(state) if state.is_there() => Ok(()),
        Some(_) => Err(Refusal::Gone(id).into()),
        None => Err(StoreError::Rows(format!("there is no recording {id}"))),
    }
}
