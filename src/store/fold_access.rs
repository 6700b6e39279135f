//! The part of the fold that is about access: requests, decisions, uses.

use super::fold::{FoldError, Folding};
use crate::{
    base::Digest,
    custody::{
        Nonce,
        access::{Access, Decision, Use},
        request::{Ask, Request},
    },
    event::{AccessRequested, Event, Sealed, What},
};

impl Folding<'_> {
    pub(super) fn apply_access(
        &mut self,
        event: &Event,
        open_text: &dyn Fn(&Sealed) -> String,
    ) -> Result<(), FoldError> {
        let (n, at) = (event.n, event.at);
        match &event.what {
            What::AccessRequested(asked) => self.requested(event, asked, open_text),
            What::AccessApproved {
                request,
                statement,
                people,
            } => self.on_access(n, *request, |access| {
                access.decisions.push(Decision::Approved {
                    statement: *statement,
                    people: people.clone(),
                    at,
                    event: n,
                });
            }),
            What::AccessDenied {
                request,
                statement,
                people,
            } => self.on_access(n, *request, |access| {
                access.decisions.push(Decision::Denied {
                    statement: *statement,
                    people: people.clone(),
                    at,
                    event: n,
                });
            }),
            What::AccessCancelled { request, actor } => self.on_access(n, *request, |access| {
                let actor = actor.clone();
                let event = n;
                access
                    .decisions
                    .push(Decision::Cancelled { actor, at, event });
            }),
            What::AccessSpent {
                request,
                number,
                id,
                again,
                actor,
            } => self.on_access(n, *request, |access| {
                if *again {
                    if let Some(spent) = access.uses.iter_mut().find(|u| u.number == *number) {
                        (spent.outcome, spent.ended_at, spent.ended_event) = (None, None, None);
                        spent.again_at.push(at);
                    }
                } else {
                    access.uses.push(Use {
                        number: *number,
                        id: *id,
                        operator: actor.clone(),
                        at,
                        event: n,
                        again_at: Vec::new(),
                        outcome: None,
                        ended_at: None,
                        ended_event: None,
                        served: 0,
                    });
                }
            }),
            What::AccessServed {
                request, number, ..
            } => self.on_access(n, *request, |access| {
                if let Some(spent) = access.uses.iter_mut().find(|u| u.number == *number) {
                    spent.served = spent.served.saturating_add(1);
                }
            }),
            What::AccessEnded {
                request,
                number,
                outcome,
            } => self.on_access(n, *request, |access| {
                if let Some(spent) = access.uses.iter_mut().find(|u| u.number == *number) {
                    spent.outcome = Some(outcome.clone());
                    spent.ended_at = Some(at);
                    spent.ended_event = Some(n);
                }
            }),
            _ => Ok(()),
        }
    }

    fn requested(
        &mut self,
        event: &Event,
        asked: &AccessRequested,
        open_text: &dyn Fn(&Sealed) -> String,
    ) -> Result<(), FoldError> {
        let n = event.n;
        let against = |why: &str| FoldError::Against {
            n,
            why: why.to_owned(),
        };
        let nonce = Nonce::read(&asked.nonce).ok_or_else(|| against("its nonce is none"))?;
        let log = self.rules(n)?.rosters.log();
        let request = Request {
            ask: Ask {
                requester: asked.actor.to_string(),
                form: asked.form,
                purpose: open_text(&asked.purpose),
                recipient: open_text(&asked.recipient),
                expires: asked.expires,
                uses: asked.uses,
                recordings: asked.recordings.clone(),
            },
            log,
            roster: asked.roster,
            checkpoint: asked.checkpoint,
            nonce,
        };
        let access = Access {
            digest: asked.request,
            request,
            requester: asked.actor.clone(),
            at: event.at,
            event: n,
            decisions: Vec::new(),
            uses: Vec::new(),
            break_glass: asked.break_glass,
        };
        self.accesses.insert(asked.request, access);
        Ok(())
    }

    fn on_access(
        &mut self,
        n: u64,
        request: Digest,
        change: impl FnOnce(&mut Access),
    ) -> Result<(), FoldError> {
        let found = self.access(request);
        let found = found.map_err(|reason| FoldError::Rows { n, reason })?;
        let Some(mut access) = found else {
            let why = format!("there is no request {request}");
            return Err(FoldError::Against { n, why });
        };
        change(&mut access);
        self.accesses.insert(request, access);
        Ok(())
    }
}
