//! Commands, answers and failures as data.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{AccessAsk, DraftAsk};
use crate::{
    base::{Digest, ErrorKind, Explain, Moment},
    custody::access::Access,
    disposal::Applied,
    export::Exported,
    intake::{NightSummary, Upkeep},
    recording::Record,
    report::Written,
    retention::{Plan, Verdict},
    tune::Measured,
};

/// What somebody asks of a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "command",
    content = "with",
    rename_all = "snake_case",
    deny_unknown_fields
)]
pub enum Command {
    /// Run the night now.
    Batch,
    /// Import devices, officers and assignments.
    RegistryImport {
        /// The CSV file's bytes, in base64.
        #[serde(with = "crate::recording::media::base64")]
        csv: Vec<u8>,
        /// Only say what would change.
        dry_run: bool,
    },
    /// List the register.
    RegistryShow,
    /// List recordings.
    List(ListRequest),
    /// All that is known of one recording, by its id or the beginning of it.
    Show {
        /// The id.
        id: String,
    },
    /// Something about the ledger.
    Ledger(LedgerAsk),
    /// Place a hold on a recording.
    HoldAdd {
        /// The recording, by its id or the beginning of it.
        id: String,
        /// Number of the case.
        case: String,
        /// Why.
        reason: String,
        /// Who asks for it, if not who types.
        requester: Option<String>,
    },
    /// Class a recording under a clause of 4.6.1 to 4.6.4.
    Classify {
        /// The recording, by its id or the beginning of it.
        id: String,
        /// The clause.
        clause: String,
        /// Why.
        note: String,
    },
    /// Why a recording is kept, or is due.
    Why {
        /// The recording, by its id or the beginning of it.
        id: String,
        /// As of the end of this civil day, recomputed from the ledger; else as of now.
        as_of: Option<String>,
    },
    /// A statement for people to sign.
    Draft(DraftAsk),
    /// Act on a signed statement.
    Submit {
        /// Its text.
        statement: String,
        /// Its signatures, as `ssh-keygen -Y sign` writes them.
        signatures: Vec<String>,
        /// The roster's text or the policy's JSON that it names by its digest.
        attached: Option<String>,
    },
    /// Statements that wait for more signatures.
    Statements,
    /// Something about requests to look.
    Access(AccessAsk),
    /// Make the package of an approved request, in the folder that was handed over.
    Export {
        /// Digest of the request, or enough of its beginning.
        request: String,
        /// The folder, for messages and for an owner that is this process.
        to: PathBuf,
    },
    /// Show what an approved request for a view is about, to this user alone.
    View {
        /// Digest of the request, or enough of its beginning.
        request: String,
        /// For how long at most.
        minutes: u16,
    },
    /// Something about disposal.
    Disposal(DisposalAsk),
    /// Roster, policy and clock as they stand.
    Rules,
    /// Something about the mirror.
    Mirror(MirrorAsk),
    /// Read every copy of every original again.
    Fixity,
    /// Which recorders may be wiped.
    SafeToWipe,
    /// How fast this machine makes copies, by setting.
    Tune {
        /// Recordings to measure on.
        recordings: u32,
        /// Seconds of each.
        seconds: u32,
    },
    /// Whether everything still is what the ledger says.
    Check {
        /// Without reading originals and renditions to their ends.
        quick: bool,
    },
}

/// Something about the mirror.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MirrorAsk {
    /// Lay it out where the configuration says.
    Init,
    /// Where it is, and what waits for it.
    Show,
}

/// A statement that waits for more signatures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingStatement {
    /// Its digest, which names it.
    pub digest: Digest,
    /// What it is for, in words.
    pub act: String,
    /// What it is about: a recording, a digest, the clock.
    pub target: String,
    /// Who has signed it.
    pub people: Vec<String>,
    /// Since when it waits.
    pub since: Moment,
    /// Its text.
    pub text: String,
}

/// Whether a recorder may be wiped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorder {
    /// The recorder.
    pub device: String,
    /// Recordings of it, those disposed of included.
    pub recordings: u64,
    /// Why it may not be wiped; nothing when it may.
    pub but: Vec<String>,
}

/// What somebody asks about disposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum DisposalAsk {
    /// What is due; put into the ledger to be approved, unless it is a dry run.
    Plan {
        /// Only say what would be in it.
        dry_run: bool,
    },
    /// The newest plan and how far it has come.
    Show,
    /// Carry the newest plan out as far as it may be.
    Apply,
}

/// What somebody asks of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LedgerAsk {
    /// Events as they stand there.
    Show {
        /// Of this recording only, by its id or the beginning of it.
        recording: Option<String>,
        /// From this event on.
        from: u64,
        /// At most so many.
        limit: u32,
    },
    /// A proof that one event is in the log.
    Prove {
        /// The event's number, or a recording, whose admission is meant.
        what: String,
    },
    /// What a witness needs that has seen this many events.
    Consistency {
        /// How many.
        old: u64,
    },
    /// Sign a checkpoint over everything so far.
    Checkpoint,
    /// Keep a witness's cosignature of the checkpoint.
    Cosigned {
        /// The witness's public key.
        witness: String,
        /// The signature line.
        line: String,
    },
}

/// Which recordings to list, and from where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListRequest {
    /// Of this recorder.
    pub device: Option<String>,
    /// Of this officer.
    pub officer: Option<String>,
    /// Of this civil day in the office's time zone, or from it on if `to_day` is given.
    pub day: Option<String>,
    /// Up to and including this civil day.
    pub to_day: Option<String>,
    /// In this state.
    pub state: Option<String>,
    /// With a finding of this code.
    pub finding: Option<String>,
    /// Of this kind.
    pub kind: Option<String>,
    /// After this cursor.
    pub after: Option<String>,
    /// At most so many.
    pub limit: u32,
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", content = "with", rename_all = "snake_case")]
pub enum Answer {
    /// Settings were measured.
    Tuned {
        /// The profile.
        profile: String,
        /// What each came to.
        measured: Vec<Measured>,
    },
    /// The night is over.
    Night {
        /// What it did.
        summary: Box<NightSummary>,
        /// Where its report is.
        written: Written,
    },
    /// The register was changed, or would be.
    Imported {
        /// One sentence per change.
        changes: Vec<String>,
        /// Entries that were so already.
        unchanged: u64,
        /// Things worth knowing.
        warnings: Vec<String>,
        /// Nothing was changed.
        dry_run: bool,
    },
    /// The register.
    Register {
        /// Recorder, model, unit, present holder.
        devices: Vec<[String; 4]>,
        /// Number, name, unit.
        officers: Vec<[String; 3]>,
        /// Recorder, officer, from, to.
        assignments: Vec<[String; 4]>,
    },
    /// A page of recordings.
    List {
        /// The recordings, by time and id.
        records: Vec<Record>,
        /// Where the next page begins; nothing after the last.
        next: Option<String>,
        /// IANA name of the office's time zone, for showing times.
        time_zone: String,
    },
    /// One recording.
    Show {
        /// The recording.
        record: Box<Record>,
        /// Why it is kept, or is due; nothing for one that is gone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        verdict: Option<Box<Verdict>>,
        /// IANA name of the office's time zone.
        time_zone: String,
    },
    /// Events of the ledger.
    Events {
        /// Number and line of each.
        lines: Vec<(u64, String)>,
        /// How many there are in all.
        len: u64,
        /// IANA name of the office's time zone.
        time_zone: String,
    },
    /// A proof file, with the event that it is about.
    Proof {
        /// The event's number.
        event: u64,
        /// Its line, without a line end: what the proof is about.
        line: String,
        /// The proof file (c2sp.org/tlog-proof).
        proof: String,
        /// The log's public key.
        vkey: String,
    },
    /// What a witness is asked (c2sp.org/tlog-witness).
    CosignRequest {
        /// The request file.
        request: String,
        /// The log's public key.
        vkey: String,
    },
    /// Requests to look.
    Accesses {
        /// Them, the oldest first.
        accesses: Vec<Access>,
        /// The time that they are judged by.
        now: Moment,
        /// IANA name of the office's time zone.
        time_zone: String,
    },
    /// A package stands in its place.
    Exported(Box<Exported>),
    /// A cosignature was kept.
    Cosigned {
        /// The checkpoint with it.
        note: String,
        /// What it came to, as sentences.
        said: Vec<String>,
    },
    /// What happened, or why not, as sentences.
    Done {
        /// The sentences.
        said: Vec<String>,
        /// Nothing happened yet: more people have to sign.
        #[serde(default)]
        waits: bool,
    },
    /// Statements that wait for more signatures, the oldest first.
    Statements {
        /// Them.
        waiting: Vec<WaitingStatement>,
        /// IANA name of the office's time zone.
        time_zone: String,
    },
    /// Why a recording is kept, or is due.
    Why {
        /// One paragraph.
        text: String,
        /// The same as data.
        verdict: Box<Verdict>,
    },
    /// A statement for people to sign.
    Draft {
        /// Its text.
        text: String,
        /// The namespace to sign it under.
        namespace: String,
        /// The text that it names by digest, to be read before it is signed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        about: Option<String>,
    },
    /// A disposal plan.
    Plan {
        /// The plan for people.
        text: String,
        /// How far it has come.
        state: String,
        /// The plan; nothing where there is none.
        plan: Option<Box<Plan>>,
    },
    /// What carrying a plan out came to.
    Applied(Box<Applied>),
    /// What a check found.
    Checked {
        /// Events in the ledger.
        events: u64,
        /// Recordings, those disposed of included.
        recordings: u64,
        /// Originals and renditions that were read to their ends.
        objects: u64,
        /// What is wrong, as sentences.
        wrong: Vec<String>,
        /// How much more is wrong than is told.
        more: u64,
    },
    /// What reading everything again came to.
    Upkeep {
        /// In numbers.
        upkeep: Box<Upkeep>,
        /// In sentences.
        said: Vec<String>,
    },
    /// Recorders, and whether each may be wiped.
    Recorders {
        /// Them.
        recorders: Vec<Recorder>,
        /// Events under the checkpoint that all of it stands under.
        checkpoint: u64,
    },
    /// Roster, policy and clock.
    Rules {
        /// The roster's text.
        roster: String,
        /// Digest of the genesis roster, which is the log's name.
        roster_hash: String,
        /// The policy's JSON.
        policy: String,
        /// The clock, as sentences.
        clock: Vec<String>,
    },
    /// The log's checkpoint (c2sp.org/tlog-checkpoint).
    Checkpoint {
        /// The signed note.
        note: String,
        /// The log's public key.
        vkey: String,
    },
}

/// Why a command came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What it means for the caller; decides the exit code.
    pub kind: ErrorKind,
    /// The facts.
    pub text: String,
    /// The next step.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure of the given kind.
    #[must_use]
    pub fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            text: text.into(),
            hint: None,
        }
    }
    /// The same with advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl<E: Explain> From<E> for Failure {
    fn from(e: E) -> Self {
        // The whole chain: the outermost error says what failed, the innermost why.
        let mut text = e.to_string();
        let mut source = e.source();
        while let Some(cause) = source {
            let said = cause.to_string();
            if !text.ends_with(&said) {
                text = format!("{text}: {said}");
            }
            source = cause.source();
        }
        Self {
            kind: e.kind(),
            text,
            hint: e.hint(),
        }
    }
}
