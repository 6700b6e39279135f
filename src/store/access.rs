//! Access: who asks to look, and what an approval of it is spent on. Deciding is people's matter and
//! stands in `statements`; here are the request, its end, and each use of an approval, which is spent
//! before the first byte is opened.

use super::{Proposal, Store, StoreError, error::Refusal};
use crate::{
    base::{Digest, Moment, RecordingId},
    custody::{
        Actor, Nonce, Role, Roster,
        access::{Access, AccessState, BREAK_GLASS_MS, BREAK_GLASS_USES, UseOutcome, use_id},
        request::{Ask, Form, Request, Seconds, Wanted},
    },
    event::{AccessRequested, What},
    index::{Column, Direction, KeyRange},
    proof::Checkpoint,
    recording::Record,
};

/// A recording that somebody wants to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingWish {
    /// Which.
    pub id: RecordingId,
    /// Only these seconds.
    pub seconds: Option<Seconds>,
    /// What an excerpt of its original discloses, where its original is wanted.
    pub discloses: Vec<Seconds>,
}

impl RecordingWish {
    /// All of it.
    #[must_use]
    pub const fn whole(id: RecordingId) -> Self {
        Self {
            id,
            seconds: None,
            discloses: Vec::new(),
        }
    }
}

/// What somebody wants to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessWish {
    /// Which recordings.
    pub recordings: Vec<RecordingWish>,
    /// In what form.
    pub form: Form,
    /// What for.
    pub purpose: String,
    /// For whom.
    pub recipient: String,
    /// Days that the approval is to be good for, from now on.
    pub days: u16,
    /// How often it is to be used.
    pub uses: u64,
}

/// A use that has begun: its id, and what may be opened by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spent {
    /// Everything about the request.
    pub access: Access,
    /// The use's number, from 1.
    pub number: u32,
    /// Its id.
    pub id: RecordingId,
    /// Who runs it.
    pub operator: Actor,
    /// When it began.
    pub at: Moment,
    /// Whether it goes on with a use that was cut off.
    pub again: bool,
}

impl Store {
    /// Puts a request into the ledger, where it waits for an approver.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when a recording is gone, or the words or numbers cannot be signed.
    pub fn request_access(&self, by: u32, wish: AccessWish) -> Result<Access, StoreError> {
        self.ask_access(by, wish, false)
    }

    /// The same for an emergency: for one use within [`BREAK_GLASS_MS`], whatever the wish says, and
    /// of no more recordings than one approver decides on. It waits for two people, one an approver.
    ///
    /// # Errors
    /// As [`Store::request_access`].
    pub fn request_break_glass(&self, by: u32, wish: AccessWish) -> Result<Access, StoreError> {
        self.ask_access(by, wish, true)
    }

    fn ask_access(
        &self,
        by: u32,
        wish: AccessWish,
        break_glass: bool,
    ) -> Result<Access, StoreError> {
        let checkpoint = self.published_checkpoint()?;
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).map_err(|e| StoreError::Rows(e.to_string()))?;
        let request = self.commit(by, move |proposal| {
            let rules = proposal.rules()?;
            let roster = rules.rosters.current();
            let (log, roster_digest) = (rules.rosters.log(), roster.digest());
            let requester = Actor::of(by, roster);
            let terms = rules.policy().map(|p| p.terms().access);
            let days_max = terms.map_or(0, |terms| terms.days_max);
            if !break_glass && (wish.days == 0 || wish.days > days_max) {
                let (days, max) = (wish.days, days_max);
                return Err(Refusal::TooLong { days, max }.into());
            }
            let max = terms.map_or(0, |terms| terms.two_above);
            let asked = wish.recordings.len();
            if break_glass && asked > usize::from(max) {
                return Err(Refusal::TooMany { asked, max }.into());
            }
            let mut recordings = Vec::new();
            for wanted in wish.recordings {
                let record = there(proposal, wanted.id)?;
                if let Some(seconds) = wanted.seconds {
                    check_seconds(&record, seconds)?;
                }
                recordings.push(Wanted {
                    seconds: wanted.seconds,
                    discloses: wanted.discloses,
                    ..Wanted::whole(record.id, record.digest, record.bytes)
                });
            }
            recordings.sort_by_key(|wanted| wanted.id);
            let (ms, uses) = match break_glass {
                true => (BREAK_GLASS_MS, BREAK_GLASS_USES),
                false => (i64::from(wish.days).saturating_mul(86_400_000), wish.uses),
            };
            // To the second: people read it.
            let expires = Moment::from_s(proposal.now().plus_ms(ms).as_s());
            let request = Request {
                ask: Ask {
                    requester: requester.to_string(),
                    form: wish.form,
                    purpose: wish.purpose,
                    recipient: wish.recipient,
                    expires,
                    uses,
                    recordings,
                },
                log,
                roster: roster_digest,
                checkpoint: (checkpoint.size, checkpoint.root),
                nonce: Nonce::new(nonce),
            };
            let request = request.checked().map_err(Refusal::from)?;
            let event = requested(proposal, &request, requester, break_glass)?;
            proposal.event(event);
            Ok(request.digest())
        })?;
        self.access(request)?.ok_or_else(|| {
            StoreError::Rows(format!("request {request} was committed and has no row"))
        })
    }

    /// One request and everything that became of it.
    ///
    /// # Errors
    /// When the row cannot be read.
    pub fn access(&self, request: Digest) -> Result<Option<Access>, StoreError> {
        let row = self.index.get(Column::Access, request.as_bytes())?;
        let read = row.map(|row| serde_json::from_slice(&row)).transpose();
        read.map_err(|e| StoreError::Rows(e.to_string()))
    }

    /// The event by which a statement was accepted.
    ///
    /// # Errors
    /// When the row cannot be read.
    pub fn accepted(&self, statement: Digest) -> Result<Option<u64>, StoreError> {
        let row = self.index.get(Column::Statements, statement.as_bytes())?;
        Ok(row
            .and_then(|row| row.try_into().ok())
            .map(u64::from_be_bytes))
    }

    /// The event by which a use ended.
    ///
    /// # Errors
    /// When the row cannot be read.
    pub fn use_ended(&self, request: Digest, number: u32) -> Result<Option<u64>, StoreError> {
        let uses = self.access(request)?.map_or(vec![], |access| access.uses);
        let spent = uses.into_iter().find(|spent| spent.number == number);
        Ok(spent.and_then(|spent| spent.ended_event))
    }

    /// All requests, the oldest first.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn accesses(&self) -> Result<Vec<Access>, StoreError> {
        let snapshot = self.index.snapshot();
        let mut all: Vec<Access> = Vec::new();
        for row in snapshot.scan(Column::Access, &KeyRange::all(), Direction::Forward)? {
            let (_, json) = row?;
            let read = serde_json::from_slice(&json);
            all.push(read.map_err(|e| StoreError::Rows(e.to_string()))?);
        }
        all.sort_by_key(|access| access.event);
        Ok(all)
    }

    /// Takes a request back, or an approval that is not used up: whoever asked may.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when it is decided otherwise already, or another asked for it.
    pub fn cancel_access(&self, by: u32, request: Digest) -> Result<(), StoreError> {
        self.commit(by, move |proposal| {
            let access = known(proposal, request)?;
            let actor = Actor::of(by, proposal.rules()?.rosters.current());
            if actor != access.requester && actor.uid != access.requester.uid {
                return Err(Refusal::AnotherAsked(access.requester.to_string()).into());
            }
            match access.state(proposal.now()) {
                AccessState::Pending | AccessState::Approved { .. } => {}
                state => return Err(not(request, state)),
            }
            proposal.event(What::AccessCancelled { request, actor });
            Ok(())
        })
    }

    /// Spends one use of an approval, or goes on with one that was cut off. `running` are the uses
    /// that run now. Nothing may be opened before this returns.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when it is not approved, over, used up, for another form, or its
    /// operator is one who approved it.
    pub fn spend_access(
        &self,
        by: u32,
        request: Digest,
        view: bool,
        running: Vec<RecordingId>,
    ) -> Result<Spent, StoreError> {
        self.commit(by, move |proposal| {
            let access = known(proposal, request)?;
            let rules = proposal.rules()?;
            let roster = rules.rosters.current();
            let operator = Actor::of(by, roster);
            // Of two who open in an emergency the one who is no approver may be there alone to use it.
            let is_approver = |handle: &String| {
                let person = roster.person(handle);
                person.is_none_or(|p| p.role == Role::Approver)
            };
            let approvers = access.approvers().iter();
            for handle in approvers.filter(|handle| !access.break_glass || is_approver(handle)) {
                apart(&operator, handle, roster)?;
            }
            if view != (access.request.ask.form == Form::View) {
                return Err(Refusal::AnotherForm(access.request.ask.form.word()).into());
            }
            for wanted in &access.request.ask.recordings {
                let _ = there(proposal, wanted.id)?;
            }
            let now = proposal.now();
            let mut open = access.uses.iter().filter(|u| u.is_open());
            let resumed = open.find(|u| !running.contains(&u.id) && u.operator == operator);
            let over = now >= access.request.ask.expires;
            let (number, again) = match (access.state(now), resumed) {
                (AccessState::Approved { .. } | AccessState::UsedUp, Some(open)) if !over => {
                    (open.number, true)
                }
                (AccessState::Approved { .. }, None) => (
                    u32::try_from(access.uses.len()).unwrap_or(u32::MAX) + 1,
                    false,
                ),
                (state, _) => return Err(not(request, state)),
            };
            let id = use_id(&request, number);
            let actor = operator.clone();
            proposal.event(What::AccessSpent {
                request,
                number,
                id,
                again,
                actor,
            });
            Ok(Spent {
                access,
                number,
                id,
                operator,
                at: now,
                again,
            })
        })
    }

    /// Says how a use ended. Gives back the event's number.
    ///
    /// # Errors
    /// The writer's.
    pub fn end_access(
        &self,
        by: u32,
        spent: &Spent,
        outcome: UseOutcome,
    ) -> Result<u64, StoreError> {
        let (request, number) = (spent.access.digest, spent.number);
        self.commit(by, move |proposal| {
            let n = proposal.next_event();
            proposal.event(What::AccessEnded {
                request,
                number,
                outcome,
            });
            Ok(n)
        })
    }

    fn published_checkpoint(&self) -> Result<Checkpoint, StoreError> {
        let dir = self.root.join("ledger");
        match crate::ledger::Ledger::open(&dir)?.checkpoint()? {
            Some(note) => Ok(Checkpoint::parse(note.text())?),
            None => self.publish(),
        }
    }
}

/// That the recording has these seconds.
///
/// # Errors
/// [`Refusal::NoSuchSeconds`].
pub fn check_seconds(record: &Record, seconds: Seconds) -> Result<(), Refusal> {
    let lasts_ms = record.media.as_ref().map_or(0, |m| m.presented_ms);
    let lasts_s = u32::try_from(lasts_ms.max(0).saturating_add(999) / 1_000).unwrap_or(u32::MAX);
    if seconds.from < seconds.to && seconds.to <= lasts_s {
        return Ok(());
    }
    let id = record.id;
    Err(Refusal::NoSuchSeconds {
        id,
        seconds,
        lasts_s,
    })
}

/// That who uses an approval is surely not this one of those who gave it.
fn apart(operator: &Actor, approver: &str, roster: &Roster) -> Result<(), Refusal> {
    let person = roster.person(approver);
    let is = operator.person.as_deref() == Some(approver) || person.is_some_and(|p| operator.is(p));
    if is {
        return Err(Refusal::OperatorApproved(approver.to_owned()));
    }
    // One who is in the roster no more has a name that no other has.
    match person.map_or(operator.person.is_some(), |p| operator.is_surely_not(p)) {
        true => Ok(()),
        false => Err(Refusal::MayHaveApproved(approver.to_owned())),
    }
}

/// The event of a request: what a person could be known by is sealed.
fn requested(
    proposal: &mut Proposal<'_>,
    request: &Request,
    requester: Actor,
    break_glass: bool,
) -> Result<What, StoreError> {
    let ask = &request.ask;
    let purpose = proposal.seal(ask.purpose.as_bytes())?;
    let recipient = proposal.seal(ask.recipient.as_bytes())?;
    Ok(What::AccessRequested(Box::new(AccessRequested {
        request: request.digest(),
        form: ask.form,
        purpose,
        recipient,
        expires: ask.expires,
        uses: ask.uses,
        recordings: ask.recordings.clone(),
        roster: request.roster,
        checkpoint: request.checkpoint,
        nonce: request.nonce.to_string(),
        actor: requester,
        break_glass,
    })))
}

/// The request of this digest.
pub(super) fn known(proposal: &Proposal<'_>, request: Digest) -> Result<Access, StoreError> {
    let access = proposal.access(request)?;
    access.ok_or_else(|| Refusal::NoSuchRequest(request).into())
}

/// Whether an approval takes two approvers: for anything that is kept long-term, and for more
/// recordings than the policy lets one person decide on.
pub(super) fn takes_two(proposal: &Proposal<'_>, access: &Access) -> Result<bool, StoreError> {
    let recordings = &access.request.ask.recordings;
    let rules = proposal.rules()?;
    let above = rules.policy().map_or(0, |p| p.terms().access.two_above);
    if recordings.len() as u64 > u64::from(above) {
        return Ok(true);
    }
    for wanted in recordings {
        let standing = proposal.keeping(wanted.id)?.standing;
        if standing
            .clauses()
            .any(|(_, raised)| raised.stands_at(proposal.now()))
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The refusal for a request that stands so.
pub(super) fn not(request: Digest, state: AccessState) -> StoreError {
    Refusal::NotApproved {
        request,
        state: state.word(),
    }
    .into()
}

fn there(proposal: &Proposal<'_>, id: RecordingId) -> Result<Record, StoreError> {
    match proposal.record(id)? {
        Some(record) if record.state.is_there() => Ok(record),
        Some(_) => Err(Refusal::Gone(id).into()),
        None => Err(StoreError::Rows(format!("there is no recording {id}"))),
    }
}
