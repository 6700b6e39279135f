//! Who must sign what: one table, and the judgement by it.
//!
//! | kind | who agrees |
//! |---|---|
//! | roster | two approvers; less where it takes rights away or replaces a lost key: [`amendment`](super::amendment) |
//! | hold-release | as many people as the hold needs, one an approver, none of them who asked for the hold or placed it |
//! | class-lower | one approver who did not propose it |
//! | attribution, time, clock | two people, one an approver |
//! | break-glass | two people, one an approver; who asks for it may be one of them |
//! | policy | two approvers |
//! | plan | one approver who did not make the plan |
//! | approval | one approver who surely did not ask for it; two for what is kept long-term, or for many recordings |
//! | denial | one approver |
//!
//! That an approver did not ask is sure where the roster knows who asked, or knows the approver's
//! uid: in a roster of keys alone nobody can be told apart, and nobody approves.
//!
//! People are counted, not keys: two signatures of one person are one. A key that was revoked
//! since it signed does not count, and roles are those of the roster in force now. A statement is
//! refused, whoever signed it, when it is for another store, claims to have seen an event that
//! does not exist, or has seen nothing newer than [`STATEMENT_AGE_DAYS_MAX`] days.

use std::collections::BTreeMap;

use thiserror::Error;

use super::{
    actor::Actor,
    amendment::{Amendment, Need},
    hold::Hold,
    kind::{Kind, Target},
    roster::{Person, Role, Roster},
    signature::Signer,
    statement::{Statement, log_name},
};
use crate::base::{Digest, ErrorKind, Explain, Moment, RecordingId};

/// Days that a statement is good for after the newest event that its signer knew: long enough for
/// a second signature by post or after a holiday, short enough that a forgotten paper is void.
pub const STATEMENT_AGE_DAYS_MAX: i64 = 30;

const DAY_MS: i64 = 86_400_000;

/// What the statement is about, where more than the statement is needed to judge it.
#[derive(Clone, Copy, Debug)]
pub enum Matter<'a> {
    /// Nothing more: attribution, time, policy, clock.
    Plain,
    /// What the roster would change.
    Roster(&'a Amendment),
    /// The hold that is to be lifted.
    Hold {
        /// The recording that it stands on.
        recording: RecordingId,
        /// The hold.
        hold: &'a Hold,
    },
    /// Who proposed the lowering, or made the plan.
    Proposed(&'a Actor),
    /// The request to look.
    Access {
        /// Its digest.
        request: Digest,
        /// Who asked.
        requester: &'a Actor,
        /// Whether it takes two approvers.
        two: bool,
    },
}

/// What the judgement needs to know of the store.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Digest of the log's genesis roster.
    pub log: Digest,
    /// Events in the log.
    pub events: u64,
    /// When the event was logged that the statement has seen; absent if there is none.
    pub seen_at: Option<Moment>,
    /// Now; the later of the two clocks, because statements expire.
    pub now: Moment,
    /// The roster in force.
    pub roster: &'a Roster,
    /// What the statement is about.
    pub matter: Matter<'a>,
}

/// Whether a statement may be acted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Enough(Quorum),
    /// Signatures are missing.
    Wanting {
        /// Which, as a sentence.
        sentence: String,
        /// Handles of those whose signature counted.
        people: Vec<String>,
    },
    /// It may not, whoever signs it.
    Refused(Unfit),
}

/// That enough people signed a statement. Only [`judge`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quorum {
    statement: Digest,
    people: Vec<String>,
    approvers: usize,
}

impl Quorum {
    /// Digest of the statement that they signed.
    #[must_use]
    pub const fn statement(&self) -> Digest {
        self.statement
    }

    /// Handles of those whose signature counted.
    #[must_use]
    pub fn people(&self) -> &[String] {
        &self.people
    }

    /// How many of them are approvers.
    #[must_use]
    pub const fn approvers(&self) -> usize {
        self.approvers
    }

    /// Whether they are enough for any one of these needs.
    #[must_use]
    pub fn meets(&self, needs: &[Need]) -> bool {
        needs
            .iter()
            .any(|n| self.people.len() >= n.people && self.approvers >= n.approvers)
    }
}

/// Why a statement may not be acted on, whoever signs it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unfit {
    /// It is for another store.
    #[error("the statement is for the log {}", log_name(.0))]
    AnotherLog(Digest),
    /// It claims to have seen an event that does not exist.
    #[error("the statement has seen event {seen}, but the log has {events} events")]
    Unseen {
        /// What it claims.
        seen: u64,
        /// Events in the log.
        events: u64,
    },
    /// It has seen nothing for too long.
    #[error(
        "the newest event that the statement has seen is over {0} days old; {STATEMENT_AGE_DAYS_MAX} are allowed"
    )]
    Stale(i64),
    /// It is about another thing than the one it is used for.
    #[error("the statement is about something else than what it is used for")]
    AnotherMatter,
}

impl Explain for Unfit {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Refused
    }
    fn hint(&self) -> Option<String> {
        match self {
            Self::Stale(_) | Self::Unseen { .. } => {
                Some("let recvault print a new statement and sign that".into())
            }
            _ => None,
        }
    }
}

/// Who may not be among those who agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Apart {
    Nobody,
    HoldParties,
    Proposer,
    Requester,
}

const TWO_APPROVERS: &[Need] = &[Need::of(2, 2)];

/// The kind's row of the table. What a hold or an amendment asks for stands with it, not here.
const fn row(kind: Kind) -> (&'static [Need], Apart) {
    const ONE_APPROVER: &[Need] = &[Need::of(1, 1)];
    const TWO_ONE_APPROVER: &[Need] = &[Need::of(2, 1)];
    match kind {
        Kind::Roster | Kind::Policy => (TWO_APPROVERS, Apart::Nobody),
        Kind::HoldRelease => (ONE_APPROVER, Apart::HoldParties),
        Kind::ClassLower | Kind::Plan => (ONE_APPROVER, Apart::Proposer),
        Kind::Attribution | Kind::Time | Kind::Clock | Kind::BreakGlass => {
            (TWO_ONE_APPROVER, Apart::Nobody)
        }
        Kind::Approval => (ONE_APPROVER, Apart::Requester),
        Kind::Denial => (ONE_APPROVER, Apart::Nobody),
    }
}

/// Whether those who signed are enough for the statement.
#[must_use]
pub fn judge(statement: &Statement, signers: &[Signer], context: &Context) -> Standing {
    if let Err(unfit) = check_fit(statement, context) {
        return Standing::Refused(unfit);
    }
    let (fixed, apart) = row(statement.kind());
    let by_hold;
    let needs = match context.matter {
        Matter::Roster(amendment) => amendment.needs(),
        Matter::Hold { hold, .. } => {
            by_hold = [hold.need()];
            by_hold.as_slice()
        }
        Matter::Access { two: true, .. } if statement.kind() == Kind::Approval => TWO_APPROVERS,
        Matter::Plain | Matter::Proposed(_) | Matter::Access { .. } => fixed,
    };
    let mut counted: BTreeMap<&str, Role> = BTreeMap::new();
    let mut asides: Vec<String> = Vec::new();
    for signer in signers {
        match counts(signer, statement, context, apart) {
            Ok(person) => {
                counted.insert(&person.id, person.role);
            }
            Err(why) => {
                let id = signer.person();
                asides.push(format!("the signature of {id} does not count: {why}"));
            }
        }
    }
    let approvers = counted.values().filter(|r| **r == Role::Approver).count();
    let quorum = Quorum {
        statement: statement.digest(),
        people: counted.keys().map(|id| (*id).to_owned()).collect(),
        approvers,
    };
    if quorum.meets(needs) {
        return Standing::Enough(quorum);
    }
    asides.sort();
    asides.dedup();
    let able = context.roster.approvers_able();
    if needs.iter().all(|n| n.approvers > able) {
        asides.push(match able {
            0 => "no approver of the roster can sign".to_owned(),
            1 => "only one approver of the roster can sign".to_owned(),
            able => format!("only {able} approvers of the roster can sign"),
        });
    }
    let mut sentence = format!(
        "{} needs {}{}; {}",
        statement.kind().shape().act,
        words(needs),
        apart_words(statement.kind(), apart),
        signed(&counted)
    );
    for aside in asides {
        sentence.push_str("; ");
        sentence.push_str(&aside);
    }
    Standing::Wanting {
        sentence,
        people: quorum.people,
    }
}

/// Whether the statement is one for this store, this moment and this matter.
fn check_fit(statement: &Statement, context: &Context) -> Result<(), Unfit> {
    if statement.log() != context.log {
        return Err(Unfit::AnotherLog(statement.log()));
    }
    let (seen, events) = (statement.seen(), context.events);
    let Some(seen_at) = context.seen_at.filter(|_| seen < events) else {
        return Err(Unfit::Unseen { seen, events });
    };
    let age_ms = context.now.ms_since(seen_at);
    if age_ms > STATEMENT_AGE_DAYS_MAX * DAY_MS {
        return Err(Unfit::Stale(age_ms / DAY_MS));
    }
    let fits = match (statement.kind(), context.matter) {
        (Kind::Roster, Matter::Roster(_))
        | (Kind::ClassLower | Kind::Plan, Matter::Proposed(_))
        | (Kind::Attribution | Kind::Time | Kind::Policy | Kind::Clock, Matter::Plain) => true,
        (Kind::Approval | Kind::Denial | Kind::BreakGlass, Matter::Access { request, .. }) => {
            statement.target() == Target::Digest(request)
        }
        (Kind::HoldRelease, Matter::Hold { recording, hold }) => {
            statement.target() == Target::Recording(recording)
                && statement.number("hold") == Some(u64::from(hold.number))
        }
        _ => false,
    };
    if fits {
        Ok(())
    } else {
        Err(Unfit::AnotherMatter)
    }
}

/// The person whose signature this is, or why it does not count.
fn counts<'a>(
    signer: &Signer,
    statement: &Statement,
    context: &Context<'a>,
    apart: Apart,
) -> Result<&'a Person, &'static str> {
    if !signer.signed(statement) {
        return Err("it is one of another statement");
    }
    let person = context.roster.person(signer.person());
    let person = person.ok_or("nobody of that handle is in the roster in force")?;
    let key = person
        .keys
        .iter()
        .find(|k| k.public.fingerprint() == signer.key());
    if !key.is_some_and(super::key::Key::is_good) {
        return Err("the key is not a good one of the roster in force");
    }
    let decides = matches!(statement.kind(), Kind::Approval | Kind::Denial);
    if decides && person.role != Role::Approver {
        return Err("only approvers decide on access");
    }
    match (apart, context.matter) {
        (Apart::HoldParties, Matter::Hold { hold, .. }) => {
            if hold.requester.eq_ignore_ascii_case(&person.id) {
                return Err("who asked for a hold cannot lift it");
            }
            if hold.placed_by.as_ref().is_some_and(|a| a.is(person)) {
                return Err("who placed a hold cannot lift it");
            }
        }
        (Apart::Proposer, Matter::Proposed(actor)) if actor.is(person) => {
            return Err("who proposes cannot approve");
        }
        (Apart::Requester, Matter::Access { requester, .. }) if requester.is(person) => {
            return Err("who asks to look cannot approve it");
        }
        (Apart::Requester, Matter::Access { requester, .. })
            if !requester.is_surely_not(person) =>
        {
            return Err(
                "the roster knows neither who asks to look nor this approver's uid, so they may be one person",
            );
        }
        _ => {}
    }
    Ok(person)
}

fn words(needs: &[Need]) -> String {
    let one = |need: &Need| match (need.people, need.approvers) {
        (1, _) => "one approver".to_owned(),
        (2, 0) => "any two people".to_owned(),
        (2, 2) => "two approvers".to_owned(),
        (2, _) => "two people, one of them an approver".to_owned(),
        (n, _) => format!("{n} people, one of them an approver"),
    };
    needs.iter().map(one).collect::<Vec<_>>().join(", or ")
}

const fn apart_words(kind: Kind, apart: Apart) -> &'static str {
    match (apart, kind) {
        (Apart::Nobody, _) => "",
        (Apart::HoldParties, _) => ", none of whom asked for the hold or placed it",
        (Apart::Requester, _) => " who did not ask for it",
        (Apart::Proposer, Kind::Plan) => " who did not make the plan",
        (Apart::Proposer, _) => " who did not propose it",
    }
}

fn signed(counted: &BTreeMap<&str, Role>) -> String {
    let mut names: Vec<String> = counted
        .iter()
        .map(|(id, role)| format!("{id} ({role})"))
        .collect();
    match names.pop() {
        None => "no signature counts so far".to_owned(),
        Some(only) if names.is_empty() => format!("{only} has signed"),
        Some(last) => format!("{} and {last} have signed", names.join(", ")),
    }
}

#[cfg(test)]
mod tests;
