//! How the store fails.

use std::{io, path::PathBuf};

use thiserror::Error;

use super::fold::FoldError;
use crate::{
    base::{Digest, ErrorKind, Explain, Moment, RecordingId},
    custody::request::{RequestError, Seconds},
    custody::{ChangeRefused, SignatureError, StatementError, Unfit, hold::HoldRefused},
    event::LineError,
    index::IndexError,
    ledger::LedgerError,
    proof::{KeyError, ProofError},
    retention::{ClassError, ClockError, UnknownClause, compare::NotAfter},
    vault::VaultError,
};

/// The store could not do what was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The vault's word.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The index's word.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The ledger's word.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The log's key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A note, a proof or a key of the log is not one.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// An event's word.
    #[error(transparent)]
    Line(#[from] LineError),
    /// Events that do not add up.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// The details could not be written.
    #[error("ledger/details.jsonl: {0}")]
    Details(io::Error),
    /// A row cannot be read.
    #[error("a row of the index cannot be read: {0}")]
    Rows(String),
    /// Policy said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A blob could not be written or read.
    #[error("ledger/blobs: {0}")]
    Blob(io::Error),
    /// An earlier write failed.
    #[error("the store takes no more, because a write failed: {0}")]
    Broken(String),
    /// The store is being closed.
    #[error("the store is being closed")]
    Closed,
    /// The ledger holds more than the index.
    #[error("the ledger holds {ledger} events and the index only {index}")]
    IndexBehind {
        /// Events in the ledger.
        ledger: u64,
        /// Events in the index.
        index: u64,
    },
    /// The checkpoint is not the newest that was signed.
    #[error("the checkpoint is over {signed} events, but one over {published} was signed")]
    CheckpointBehind {
        /// Events under the checkpoint that is there; 0 if there is none.
        signed: u64,
        /// Events under the newest one.
        published: u64,
    },
    /// Ledger and index disagree.
    #[error("event {n} is not the same in the ledger and in the index")]
    Disagree {
        /// The event.
        n: u64,
    },
    /// Two recordings whose digests begin with the same 80 bits.
    #[error("recording {id} is in the store with another digest")]
    SameHead {
        /// The id.
        id: RecordingId,
    },
    /// A folder could not be made.
    #[error("{path} cannot be made: {source}")]
    Layout {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is something already.
    #[error("{0} is not an empty folder")]
    NotEmpty(PathBuf),
}

impl Explain for StoreError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Vault(e) => e.kind(),
            Self::Index(e) => e.kind(),
            Self::Ledger(e) => e.kind(),
            Self::Key(e) => e.kind(),
            Self::Proof(e) => e.kind(),
            Self::Line(e) => e.kind(),
            Self::Fold(e) => e.kind(),
            Self::Refused(e) => e.kind(),
            Self::Blob(e) if e.kind() == io::ErrorKind::InvalidData => ErrorKind::Integrity,
            Self::Blob(_)
            | Self::Details(_)
            | Self::Broken(_)
            | Self::Closed
            | Self::Layout { .. } => ErrorKind::Fault,
            Self::Rows(_)
            | Self::IndexBehind { .. }
            | Self::CheckpointBehind { .. }
            | Self::Disagree { .. }
            | Self::SameHead { .. } => ErrorKind::Integrity,
            Self::NotEmpty(_) => ErrorKind::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Vault(e) => return e.hint(),
            Self::Index(e) => return e.hint(),
            Self::Ledger(e) => return e.hint(),
            Self::Key(e) => return e.hint(),
            Self::Proof(e) => return e.hint(),
            Self::Refused(e) => return e.hint(),
            Self::Line(e) => return e.hint(),
            Self::IndexBehind { .. } => {
                "the index was restored from an older copy; restore the newer one, nothing was changed"
            }
            Self::CheckpointBehind { .. } => {
                "put the newest checkpoint back: a witness has it, and so has every copy of the ledger since"
            }
            Self::Disagree { .. } => {
                "one of the two was altered; keep both as they are and compare with a copy from elsewhere"
            }
            Self::Broken(_) => {
                "look at the disk, then run the command again: what was committed is safe"
            }
            Self::NotEmpty(_) => "name a folder that does not exist yet",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// Why something that was asked for does not happen, whoever asks.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// A statement's fields are not those of its kind.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// A signature does not count.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The statement may not be acted on.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// Signatures are missing.
    #[error("{0}")]
    Wanting(String),
    /// The roster cannot change so.
    #[error(transparent)]
    Roster(#[from] ChangeRefused),
    /// The hold is not placed or lifted.
    #[error(transparent)]
    Hold(#[from] HoldRefused),
    /// The class does not change.
    #[error(transparent)]
    Class(#[from] ClassError),
    /// There is no such clause.
    #[error(transparent)]
    Clause(#[from] UnknownClause),
    /// The policy cannot follow the one in force.
    #[error(transparent)]
    Policy(#[from] NotAfter),
    /// The time is not confirmed.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// The statement was acted on before.
    #[error("statement {0} was acted on before")]
    Used(Digest),
    /// What the statement names by its digest did not come with it.
    #[error("the {0} that the statement names did not come with it")]
    Unattached(&'static str),
    /// No clause keeps the recording that could cease to.
    #[error("recording {0} is classed under no clause that could be lowered so")]
    NotClassed(RecordingId),
    /// There is no such plan, or a newer one.
    #[error("{0} is not the newest disposal plan")]
    NoSuchPlan(Digest),
    /// The plan is approved already.
    #[error("plan {0} is approved already")]
    ApprovedAlready(Digest),
    /// The policy names as a witness whose key is not one of a witness.
    #[error("the key {0} is a log's and not a witness's")]
    NoWitness(String),
    /// Nobody knows what the time is.
    #[error("disposal is stopped until two people confirm the time")]
    ClockStopped,
    /// The recording's disposal has begun.
    #[error("recording {0} is disposed of, or is being")]
    Gone(RecordingId),
    /// The correction would change nothing.
    #[error("nothing about recording {0} would be corrected by it")]
    CorrectsNothing(RecordingId),
    /// The register knows no such recorder or officer.
    #[error("the register knows no {0} {1}")]
    NotRegistered(&'static str, String),
    /// No recording can have begun then.
    #[error("it cannot have begun at {0}: that is before 2015, or had not come yet")]
    NoSuchStart(Moment),
    /// People corrected the recording while a worker looked at it.
    #[error("recording {0} was corrected while it was looked at; the next night looks again")]
    CorrectedMeanwhile(RecordingId),
    /// What was asked for cannot be signed.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// There is no such request to look.
    #[error("there is no access request {0}")]
    NoSuchRequest(Digest),
    /// It stands otherwise than it would have to.
    #[error("the access request {request} is {state}")]
    NotApproved {
        /// Which.
        request: Digest,
        /// How it stands.
        state: &'static str,
    },
    /// It would be good for too long.
    #[error("an approval for {days} days is asked for; it goes from 1 to {max}")]
    TooLong {
        /// Days asked for.
        days: u16,
        /// The most.
        max: u16,
    },
    /// Somebody else asked for it.
    #[error("{0} asked for it, and only who asked may take it back")]
    AnotherAsked(String),
    /// Who approved it would spend it.
    #[error("{0} approved it, and so cannot be the one who uses it")]
    OperatorApproved(String),
    /// Who approved it might spend it.
    #[error(
        "the roster knows neither who uses it nor the uid of {0}, who approved it: they may be one person"
    )]
    MayHaveApproved(String),
    /// It is an emergency, which nobody approves alone.
    #[error("the access request {0} is break-glass: two people open it, and nobody approves it")]
    BreakGlass(Digest),
    /// It is no emergency.
    #[error("the access request {0} is no break-glass: an approver decides on it")]
    NoBreakGlass(Digest),
    /// More than an emergency opens.
    #[error("{asked} recordings are to be opened in an emergency; at most {max} are")]
    TooMany {
        /// Recordings asked for.
        asked: usize,
        /// The most.
        max: u16,
    },
    /// The recording is not so long.
    #[error("recording {id} lasts {lasts_s} s, and has no seconds {seconds}")]
    NoSuchSeconds {
        /// Which.
        id: RecordingId,
        /// What was asked for.
        seconds: Seconds,
        /// How long it lasts; 0 where nothing of it can be presented.
        lasts_s: u32,
    },
    /// It is for another form.
    #[error("it was asked for in the form '{0}'")]
    AnotherForm(&'static str),
    /// This recvault cannot do that yet.
    #[error("this recvault cannot act on {} yet", .0.shape().act)]
    NotYet(crate::custody::Kind),
}

impl Explain for Refusal {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Statement(_) | Self::Clause(_) | Self::Request(_) => ErrorKind::Usage,
            Self::Hold(e) => e.kind(),
            _ => ErrorKind::Refused,
        }
    }
    fn hint(&self) -> Option<String> {
        match self {
            Self::Statement(e) => e.hint(),
            Self::Signature(e) => e.hint(),
            Self::Unfit(e) => e.hint(),
            Self::Roster(e) => e.hint(),
            Self::Clause(e) => e.hint(),
            Self::Clock(e) => e.hint(),
            Self::Used(_) => Some("let recvault print a new statement and sign that".into()),
            Self::ClockStopped => {
                Some("recvault rule show tells why; recvault rule clock confirms it".into())
            }
            Self::NoSuchRequest(_) => Some("recvault requests lists them".into()),
            Self::MayHaveApproved(_) => Some(
                "recvault rule roster names people with their uids; who is in it can be told from others".into(),
            ),
            Self::AnotherForm("view") => Some("recvault view shows it".into()),
            Self::TooMany { .. } => {
                Some("name fewer; for more the policy asks two approvers: recvault request".into())
            }
            Self::BreakGlass(_) => {
                Some("recvault statements lists what waits for a second person".into())
            }
            Self::NoBreakGlass(_) => Some("recvault approve signs for it".into()),
            Self::AnotherForm(_) => Some("recvault export makes the package".into()),
            Self::NotRegistered(..) => Some("recvault registry import adds it".into()),
            Self::NoSuchPlan(_) => Some("recvault disposal show names the newest".into()),
            _ => None,
        }
    }
}
