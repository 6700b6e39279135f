//! What can happen. Names are in the past tense and match the commands; every field that a
//! person could be known by beyond a number is sealed.

use serde::{Deserialize, Serialize};

use super::{AccessRequested, RecordingAdmitted, RecordingExamined, Sealed, WhichCopy};
use crate::{
    base::{Digest, Moment, RecordingId},
    custody::{Actor, Hold, Roster, RosterChange, Statement, access::UseOutcome},
    recording::{Attribution, Finding, Rendition},
    retention::{Lowering, PlanApproval, Policy, Raising, Reading, certificate::RemovedObject},
};

/// One thing that happened, in version 1 of its shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", deny_unknown_fields)]
pub enum What {
    /// The store was laid out.
    #[serde(rename = "store.created")]
    StoreCreated {
        /// The office, as configured then.
        office: String,
        /// recvault's version.
        recvault: String,
        /// Who may do what from the beginning; its digest is the log's name.
        roster: Box<Roster>,
        /// What is kept how long from the beginning.
        policy: Box<Policy>,
        /// What the clocks showed.
        reading: Reading,
    },
    /// The store was made anew from sidecars and vault, because its ledger was lost. The events
    /// before this one that are older than the log were told by them.
    #[serde(rename = "store.regained")]
    StoreRegained {
        /// Recordings that are there, each on hold.
        recordings: u64,
        /// Of these, such as no sidecar told of.
        without_history: u64,
        /// Recordings that had been disposed of.
        disposed: u64,
        /// Details that are lost.
        erased: u64,
    },
    /// A recorder was registered, or its entry changed.
    #[serde(rename = "device.registered")]
    DeviceRegistered {
        /// Its identifier.
        device: String,
        /// Maker and model.
        model: String,
        /// The unit it belongs to.
        unit: String,
        /// What it cost, in hundredths of a yuan.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        price_fen: Option<u64>,
    },
    /// An officer was registered, or the entry changed.
    #[serde(rename = "officer.registered")]
    OfficerRegistered {
        /// The officer's number.
        officer: String,
        /// The name, sealed.
        name: Sealed,
        /// The unit.
        unit: String,
    },
    /// An officer held a recorder from one instant to another, or still does. The same device and
    /// beginning again replaces what was recorded before (a return that was not known yet).
    #[serde(rename = "device.issued")]
    DeviceIssued {
        /// The recorder.
        device: String,
        /// The officer.
        officer: String,
        /// From when.
        from: Moment,
        /// To when; nothing while it has not been returned.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Moment>,
    },
    /// A night began.
    #[serde(rename = "night.started")]
    NightStarted {
        /// Its civil date in the office's time zone.
        night: String,
        /// The archive profile in force.
        profile: String,
        /// Digest of the profile and its parameters.
        profile_digest: Digest,
    },
    /// A night ended. Written for every night, also one with no file at all.
    #[serde(rename = "night.ended")]
    NightEnded {
        /// Its civil date.
        night: String,
        /// `complete`, `drained`, `abandoned` or `disk_full`.
        ending: String,
        /// Files seen in the inbox.
        files_seen: u64,
        /// Recordings vaulted.
        admitted: u64,
        /// Recordings that got a rendition.
        archived: u64,
        /// Recordings looked at without one.
        kept: u64,
        /// Recordings whose worker failed.
        retry: u64,
        /// Bytes vaulted.
        bytes_in: u64,
    },
    /// A recording entered the vault.
    #[serde(rename = "recording.admitted")]
    RecordingAdmitted(Box<RecordingAdmitted>),
    /// The same bytes were seen again.
    #[serde(rename = "recording.sighted")]
    RecordingSighted {
        /// The recording.
        id: RecordingId,
        /// Path below the inbox, sealed.
        name: Sealed,
        /// The file's modification time.
        modified_at: Moment,
    },
    /// A recording was looked at.
    #[serde(rename = "recording.examined")]
    RecordingExamined(Box<RecordingExamined>),
    /// A rendition was verified and linked into place.
    #[serde(rename = "rendition.made")]
    RenditionMade {
        /// The recording.
        id: RecordingId,
        /// The rendition.
        rendition: Box<Rendition>,
    },
    /// People agreed to an act by signing its statement; what came of it is the next event.
    #[serde(rename = "statement.accepted")]
    StatementAccepted {
        /// The statement.
        statement: Statement,
        /// Their signatures, as `ssh-keygen -Y sign` wrote them.
        signatures: Vec<String>,
        /// Those whose signature counted.
        people: Vec<String>,
    },
    /// Somebody signed a statement that takes more people. It waits for them.
    #[serde(rename = "statement.signed")]
    StatementSigned {
        /// The statement.
        statement: Statement,
        /// The signatures that came, as `ssh-keygen -Y sign` wrote them.
        signatures: Vec<String>,
        /// All whose signature counts so far.
        people: Vec<String>,
        /// SHA-256 of the blob that holds the text which it names by digest, if it names one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attached: Option<Digest>,
    },
    /// Who may do what changed, or will.
    #[serde(rename = "roster.changed")]
    RosterChanged {
        /// What changed.
        change: Box<RosterChange>,
    },
    /// Another retention policy is in force.
    #[serde(rename = "policy.adopted")]
    PolicyAdopted {
        /// The policy.
        policy: Box<Policy>,
        /// Digest of the statement that adopted it.
        statement: Digest,
    },
    /// The clocks were read for the log.
    #[serde(rename = "clock.read")]
    ClockRead {
        /// What they showed.
        reading: Reading,
    },
    /// Two people confirmed the time.
    #[serde(rename = "clock.confirmed")]
    ClockConfirmed {
        /// The time that they confirmed.
        at: Moment,
        /// What the clocks showed then.
        reading: Reading,
        /// By how many milliseconds what was stamped before may be behind the truth.
        #[serde(default)]
        behind_ms: i64,
        /// Digest of their statement.
        statement: Digest,
    },
    /// A witness that the policy names cosigned a checkpoint, and so vouched for the time.
    #[serde(rename = "clock.witnessed")]
    ClockWitnessed {
        /// When it cosigned, by its own clock.
        at: Moment,
        /// What the clocks showed when the cosignature came.
        reading: Reading,
        /// By how many milliseconds what was stamped before may be behind the truth.
        #[serde(default)]
        behind_ms: i64,
        /// The witness's public key.
        witness: String,
        /// The checkpoint that it saw, as it is signed.
        checkpoint: String,
        /// Its signature line.
        cosignature: String,
    },
    /// A recording was classed under a clause of 4.6.1 to 4.6.4.
    #[serde(rename = "recording.classified")]
    RecordingClassified {
        /// The recording.
        id: RecordingId,
        /// Under which clause, and until when it is to be looked at again.
        raising: Raising,
        /// Why, sealed.
        note: Sealed,
        /// By whom.
        actor: Actor,
    },
    /// A clause will cease to keep a recording.
    #[serde(rename = "recording.lowered")]
    RecordingLowered {
        /// The recording.
        id: RecordingId,
        /// Which clause, and until when it still stands.
        lowering: Lowering,
        /// Digest of the statement.
        statement: Digest,
    },
    /// A hold was placed on a recording.
    #[serde(rename = "hold.placed")]
    HoldPlaced {
        /// The recording.
        id: RecordingId,
        /// The hold; its reason and who asked for it are sealed and empty here.
        hold: Hold,
        /// Why, sealed.
        reason: Sealed,
        /// Who asked for it, sealed.
        requester: Sealed,
    },
    /// A hold was lifted.
    #[serde(rename = "hold.released")]
    HoldReleased {
        /// The recording.
        id: RecordingId,
        /// The hold's number.
        number: u32,
        /// Digest of the statement.
        statement: Digest,
    },
    /// A disposal plan was made. It takes the place of an earlier one.
    #[serde(rename = "disposal.planned")]
    DisposalPlanned {
        /// Its root.
        root: Digest,
        /// SHA-256 of the blob that holds it.
        blob: Digest,
        /// Recordings in it.
        items: u64,
        /// Their bytes.
        bytes: u64,
        /// Who made it.
        actor: Actor,
    },
    /// A disposal plan was approved.
    #[serde(rename = "disposal.approved")]
    DisposalApproved {
        /// The approval.
        approval: PlanApproval,
    },
    /// The tombstone: from here on the recording's bytes are being removed.
    #[serde(rename = "recording.doomed")]
    RecordingDoomed {
        /// The recording.
        id: RecordingId,
        /// Root of the plan.
        plan: Digest,
        /// Since when its removal was lawful.
        since: Moment,
        /// The time that it was judged by: the earlier of wall and compliance clock.
        judged: Moment,
    },
    /// A recording's bytes are gone.
    #[serde(rename = "recording.disposed")]
    RecordingDisposed {
        /// The recording.
        id: RecordingId,
        /// Root of the plan.
        plan: Digest,
        /// What was removed.
        objects: Vec<RemovedObject>,
    },
    /// Bytes that were disposed of came back; they lie aside, undecoded.
    #[serde(rename = "recording.reappeared")]
    RecordingReappeared {
        /// The recording.
        id: RecordingId,
        /// Path below the inbox, sealed.
        name: Sealed,
    },
    /// People corrected whose recording it is, or when it began.
    #[serde(rename = "recording.corrected")]
    RecordingCorrected {
        /// The recording.
        id: RecordingId,
        /// Whose it is from now on. A remark is sealed.
        attribution: Box<Attribution>,
        /// The findings that are still true.
        findings: Vec<Finding>,
        /// Digest of the statement.
        statement: Digest,
    },
    /// The original stands on the mirror too, read back from its disk.
    #[serde(rename = "recording.mirrored")]
    RecordingMirrored {
        /// The recording.
        id: RecordingId,
    },
    /// One of the two copies of an original was bad, and the good one took its place.
    #[serde(rename = "recording.repaired")]
    RecordingRepaired {
        /// The recording.
        id: RecordingId,
        /// Which copy was bad.
        copy: WhichCopy,
        /// What was wrong with it, as a sentence.
        was: String,
    },
    /// No copy of the original is what it was. Nothing was changed.
    #[serde(rename = "recording.damaged")]
    RecordingDamaged {
        /// The recording.
        id: RecordingId,
        /// What is wrong with the original.
        original: String,
        /// What is wrong with its mirror; nothing where there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mirror: Option<String>,
    },
    /// Another recording bears the same file number of the same recorder.
    #[serde(rename = "recording.conflicts")]
    RecordingConflicts {
        /// The recording that came later.
        id: RecordingId,
        /// The one that was here before.
        with: RecordingId,
    },
    /// The originals whose turn it was were read again.
    #[serde(rename = "fixity.checked")]
    FixityChecked {
        /// The first day whose turn it was, counted from 1970-01-01.
        from_day: i64,
        /// The last one.
        to_day: i64,
        /// Days of a cycle, in which each original has one turn.
        cycle_days: u32,
        /// Copies read, originals and mirrors.
        copies: u64,
        /// Their bytes.
        bytes: u64,
    },
    /// Somebody asked to look.
    #[serde(rename = "access.requested")]
    AccessRequested(Box<AccessRequested>),
    /// A request to look was approved.
    #[serde(rename = "access.approved")]
    AccessApproved {
        /// Digest of the request.
        request: Digest,
        /// Digest of the statement.
        statement: Digest,
        /// Who signed it.
        people: Vec<String>,
    },
    /// A request to look was denied, or its approval taken back by an approver.
    #[serde(rename = "access.denied")]
    AccessDenied {
        /// Digest of the request.
        request: Digest,
        /// Digest of the statement.
        statement: Digest,
        /// Who signed it.
        people: Vec<String>,
    },
    /// Whoever had asked no longer wants it.
    #[serde(rename = "access.cancelled")]
    AccessCancelled {
        /// Digest of the request.
        request: Digest,
        /// Who took it back.
        actor: Actor,
    },
    /// One use of an approval was spent; only behind this event is anything opened.
    #[serde(rename = "access.spent")]
    AccessSpent {
        /// Digest of the request.
        request: Digest,
        /// Number of the use, from 1.
        number: u32,
        /// Its id, which copies made by it carry.
        id: RecordingId,
        /// It goes on with a use that was cut off.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        again: bool,
        /// Who runs it.
        actor: Actor,
    },
    /// A viewer was given bytes of a marked copy; only behind this event are they.
    #[serde(rename = "access.served")]
    AccessServed {
        /// Digest of the request.
        request: Digest,
        /// Number of the use.
        number: u32,
        /// The recording that the copy is of.
        recording: RecordingId,
        /// Of its contact sheet, and not of the copy itself.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        sheet: bool,
        /// The first byte.
        from: u64,
        /// Behind the last one.
        to: u64,
    },
    /// A use ended.
    #[serde(rename = "access.ended")]
    AccessEnded {
        /// Digest of the request.
        request: Digest,
        /// Number of the use.
        number: u32,
        /// How it ended.
        outcome: UseOutcome,
    },
    /// A source left the inbox for `.released`.
    #[serde(rename = "source.released")]
    SourceReleased {
        /// The recording.
        id: RecordingId,
        /// Path below the inbox, sealed as in the admission or sighting.
        name: Sealed,
    },
    /// A released source was removed, after its vault copy had been read again.
    #[serde(rename = "source.removed")]
    SourceRemoved {
        /// The recording.
        id: RecordingId,
    },
}

impl What {
    /// Its name as events carry it, such as `recording.admitted`.
    #[must_use]
    pub fn code(&self) -> String {
        // The names stand once, in the attributes above; this reads them from there.
        let value = serde_json::to_value(self).unwrap_or_default();
        value["kind"].as_str().unwrap_or_default().to_owned()
    }

    /// The commitments in it: each to a detail that is there, or was erased.
    #[must_use]
    pub fn seals(&self) -> Vec<Sealed> {
        match self {
            Self::OfficerRegistered { name, .. }
            | Self::RecordingSighted { name, .. }
            | Self::RecordingReappeared { name, .. }
            | Self::SourceReleased { name, .. } => vec![*name],
            Self::RecordingAdmitted(a) => a.remark.into_iter().chain([a.name]).collect(),
            Self::RecordingClassified { note, .. } => vec![*note],
            Self::AccessRequested(a) => vec![a.purpose, a.recipient],
            Self::HoldPlaced {
                reason, requester, ..
            } => vec![*reason, *requester],
            _ => Vec::new(),
        }
    }

    /// The file below `ledger/blobs` that holds what is too large for it, if there is one.
    #[must_use]
    pub const fn blob(&self) -> Option<Digest> {
        match self {
            Self::DisposalPlanned { blob, .. } => Some(*blob),
            Self::StatementSigned { attached, .. } => *attached,
            _ => None,
        }
    }

    /// The recording that this is about, if it is about one.
    #[must_use]
    pub fn recording(&self) -> Option<RecordingId> {
        match self {
            Self::RecordingAdmitted(a) => Some(a.id),
            Self::RecordingExamined(e) => Some(e.id),
            Self::RecordingSighted { id, .. }
            | Self::RenditionMade { id, .. }
            | Self::RecordingClassified { id, .. }
            | Self::RecordingLowered { id, .. }
            | Self::HoldPlaced { id, .. }
            | Self::HoldReleased { id, .. }
            | Self::RecordingDoomed { id, .. }
            | Self::RecordingDisposed { id, .. }
            | Self::RecordingReappeared { id, .. }
            | Self::SourceReleased { id, .. }
            | Self::RecordingCorrected { id, .. }
            | Self::RecordingMirrored { id }
            | Self::RecordingRepaired { id, .. }
            | Self::RecordingDamaged { id, .. }
            | Self::RecordingConflicts { id, .. }
            | Self::SourceRemoved { id } => Some(*id),
            Self::StoreCreated { .. }
            | Self::StoreRegained { .. }
            | Self::StatementAccepted { .. }
            | Self::StatementSigned { .. }
            | Self::RosterChanged { .. }
            | Self::PolicyAdopted { .. }
            | Self::ClockRead { .. }
            | Self::ClockConfirmed { .. }
            | Self::ClockWitnessed { .. }
            | Self::DisposalPlanned { .. }
            | Self::DisposalApproved { .. }
            | Self::FixityChecked { .. }
            | Self::AccessRequested(_)
            | Self::AccessApproved { .. }
            | Self::AccessDenied { .. }
            | Self::AccessCancelled { .. }
            | Self::AccessSpent { .. }
            | Self::AccessServed { .. }
            | Self::AccessEnded { .. }
            | Self::DeviceRegistered { .. }
            | Self::OfficerRegistered { .. }
            | Self::DeviceIssued { .. }
            | Self::NightStarted { .. }
            | Self::NightEnded { .. } => None,
        }
    }
}
