//! What a night did, as data: one line per file that it touched, and totals. The report draws
//! it, the command line prints it, the owner's socket carries it.

use serde::{Deserialize, Serialize};

use super::Upkeep;
use crate::{
    base::{Digest, Moment, RecordingId, text::name_human},
    custody::access::{Access, BREAK_GLASS_LOUD_MS, Decision},
    recording::{Finding, Kind, MediaInfo, Record, Severity, State, Timeline},
};

/// What became of one file or recording in this night.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Vaulted, looked at, and its rendition verified.
    Archived,
    /// Vaulted and looked at; there is no rendition to make.
    Kept,
    /// Vaulted; its worker failed and the next night tries again.
    Retry,
    /// Vaulted, but the night ended before anybody looked inside.
    Waiting,
    /// The same bytes were here before: one recording, another sighting.
    SeenAgain,
    /// Left in the inbox: still being written, changed while copied, or unreadable.
    LeftInInbox,
}

impl Outcome {
    /// The words that tables show.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Archived => "archived",
            Self::Kept => "kept",
            Self::Retry => "to retry",
            Self::Waiting => "waiting",
            Self::SeenAgain => "seen again",
            Self::LeftInInbox => "left in inbox",
        }
    }

    /// What became of a recording, by the state that it is in.
    pub(super) const fn of(state: State) -> Self {
        match state {
            State::Archived => Self::Archived,
            State::Kept | State::Disposing | State::Disposed => Self::Kept,
            State::Retry => Self::Retry,
            State::Admitted => Self::Waiting,
        }
    }
}

/// One file or recording of the night.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Path below the inbox, safe to print (see `base::text::name_human`).
    pub name: String,
    /// The recording, once it has an id.
    pub id: Option<RecordingId>,
    /// What became of it.
    pub outcome: Outcome,
    /// What sort of file it is.
    pub kind: Option<Kind>,
    /// How far the recording has come.
    pub state: Option<State>,
    /// The recorder, where known.
    pub device: Option<String>,
    /// The officer, where known.
    pub officer: Option<String>,
    /// When it began, where known.
    pub started_at: Option<Moment>,
    /// Bytes of the original.
    pub bytes: u64,
    /// Bytes of all its renditions.
    pub rendition_bytes: u64,
    /// Presented length in milliseconds; 0 where there is none.
    pub duration_ms: i64,
    /// Container and codecs, such as `MP4, H.264 1920×1080, AAC`.
    pub media: String,
    /// CPU milliseconds that its workers took.
    pub cpu_ms: u64,
    /// Findings, the gravest first.
    pub findings: Vec<Finding>,
    /// Light and sound over time.
    pub timeline: Option<Timeline>,
}

impl Item {
    /// An item about a file that is no recording of ours (yet).
    pub(super) fn bare(name: &[u8], bytes: u64, outcome: Outcome, finding: Finding) -> Self {
        Self {
            name: name_human(name),
            id: None,
            outcome,
            kind: None,
            state: None,
            device: None,
            officer: None,
            started_at: None,
            bytes,
            rendition_bytes: 0,
            duration_ms: 0,
            media: String::new(),
            cpu_ms: 0,
            findings: vec![finding],
            timeline: None,
        }
    }

    /// An item about a recording.
    pub(super) fn of(record: &Record, outcome: Outcome, cpu_ms: u64) -> Self {
        Self {
            name: name_human(record.name()),
            id: Some(record.id),
            outcome,
            kind: Some(record.kind),
            state: Some(record.state),
            device: record.attribution.device.as_ref().map(|v| v.value.clone()),
            officer: record.attribution.officer.as_ref().map(|v| v.value.clone()),
            started_at: record.attribution.started_at.as_ref().map(|v| v.value),
            bytes: record.bytes,
            rendition_bytes: record.renditions.iter().map(|r| r.bytes).sum(),
            duration_ms: record.media.as_ref().map_or(0, |m| m.presented_ms),
            media: record
                .media
                .as_ref()
                .map(MediaInfo::words)
                .unwrap_or_default(),
            cpu_ms,
            findings: record.findings.clone(),
            timeline: record.timeline.clone(),
        }
    }

    /// The gravest severity among its findings.
    #[must_use]
    pub fn gravest(&self) -> Option<Severity> {
        self.findings.iter().map(|f| f.severity).max()
    }
}

/// Totals of a night.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// Files seen in the inbox, known ones included.
    pub files_seen: u64,
    /// Files recognised by the memo and not read again.
    pub files_known: u64,
    /// Known files that were read again as a sample, all as they should be unless a finding says so.
    pub files_rehashed: u64,
    /// New recordings vaulted.
    pub admitted: u64,
    /// Recordings that got a rendition.
    pub archived: u64,
    /// Recordings looked at without a rendition.
    pub kept: u64,
    /// Recordings whose worker failed.
    pub retry: u64,
    /// Bytes read into the vault.
    pub bytes_in: u64,
    /// Bytes of renditions written.
    pub bytes_out: u64,
    /// Presented length of everything looked at, in milliseconds.
    pub media_ms: i64,
    /// CPU milliseconds of the night and all its workers.
    pub cpu_ms: u64,
    /// Wall-clock milliseconds of the night.
    pub wall_ms: i64,
    /// Largest resident memory of any worker, in bytes.
    pub worker_peak_bytes: u64,
    /// Largest resident memory of the night's own process, in bytes.
    pub own_peak_bytes: u64,
    /// Released sources removed from the inbox after their vault copy was read again.
    pub sources_removed: u64,
}

/// Room on the store's disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// Bytes free for the store.
    pub free_bytes: u64,
    /// Bytes of the whole file system.
    pub total_bytes: u64,
    /// Days until the disk is full at the mean intake of the last nights; nothing where no
    /// night has taken anything in yet.
    pub days_left: Option<u64>,
}

/// What expires within so many days, holds aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expiring {
    /// Days from the night.
    pub within_days: u32,
    /// Recordings.
    pub recordings: u64,
    /// Bytes of their originals.
    pub bytes: u64,
}

/// Recordings that two people opened in an emergency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emergency {
    /// Digest of the request.
    pub request: Digest,
    /// Since when they are open.
    pub opened_at: Moment,
    /// Who opened them.
    pub people: Vec<String>,
    /// When they were used, and by whom.
    pub used: Vec<(Moment, String)>,
    /// Which recordings.
    pub recordings: Vec<RecordingId>,
    /// Whether any of it happened since the last night.
    pub is_new: bool,
}

/// The emergencies that a night at `now` has to name, the latest first: opened or used within the
/// last thirty days. `since` is when the last night ended.
#[must_use]
pub fn emergencies(accesses: &[Access], since: Option<Moment>, now: Moment) -> Vec<Emergency> {
    let mut out: Vec<(Moment, Emergency)> = Vec::new();
    for access in accesses.iter().filter(|access| access.break_glass) {
        let opened = access.decisions.iter().find_map(|decision| match decision {
            Decision::Approved { people, at, .. } => Some((*at, people.clone())),
            _ => None,
        });
        let uses = access.uses.iter();
        let used: Vec<_> = uses.map(|u| (u.at, u.operator.to_string())).collect();
        // What was used is named, also if nobody opened it.
        let (opened_at, people) = match opened {
            Some(opened) => opened,
            None if used.is_empty() => continue,
            None => (access.at, Vec::new()),
        };
        let again = access.uses.iter().flat_map(|u| u.again_at.iter().copied());
        let times = used.iter().map(|(at, _)| *at).chain(again);
        let last = times.fold(opened_at, Moment::max);
        if now.ms_since(last) >= BREAK_GLASS_LOUD_MS {
            continue;
        }
        let wanted = access.request.ask.recordings.iter();
        let emergency = Emergency {
            request: access.digest,
            opened_at,
            people,
            used,
            recordings: wanted.map(|wanted| wanted.id).collect(),
            is_new: since.is_none_or(|since| last >= since),
        };
        out.push((last, emergency));
    }
    out.sort_by_key(|(last, _)| std::cmp::Reverse(*last));
    out.into_iter().map(|(_, emergency)| emergency).collect()
}

/// How a night ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Everything was done.
    Complete,
    /// Somebody asked it to stop after the running recordings.
    Drained,
    /// Somebody asked it to stop at once.
    Abandoned,
    /// Intake stopped because the disk is nearly full; nothing was deleted.
    DiskFull,
}

/// Everything that a report says of a night.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NightSummary {
    /// Version of this shape; grows when a field changes its meaning.
    pub version: u32,
    /// The office, as configured.
    pub office: String,
    /// IANA name of the office's time zone.
    pub time_zone: String,
    /// The night's civil date in the office's time zone, such as `2026-11-23`.
    pub date: String,
    /// When it began.
    pub started_at: Moment,
    /// When it ended.
    pub ended_at: Moment,
    /// How it ended.
    pub ending: Ending,
    /// The archive profile in force.
    pub profile: String,
    /// One entry per file or recording that was touched, in the order of time and name.
    pub items: Vec<Item>,
    /// Totals.
    pub totals: Totals,
    /// Room on the disk.
    pub room: Room,
    /// Events under the checkpoint that the night ended with.
    pub ledger_events: u64,
    /// Its root, in base64 as the checkpoint has it, for the reader to note.
    pub ledger_root: String,
    /// Mirror and fixity.
    #[serde(default)]
    pub upkeep: Upkeep,
    /// What expires in the days to come, holds aside; nothing while disposal is stopped.
    #[serde(default)]
    pub expiring: Vec<Expiring>,
    /// What two people opened in an emergency within the last thirty days.
    #[serde(default)]
    pub break_glass: Vec<Emergency>,
    /// Things about the night itself that are worth a sentence (capabilities missing, recovery).
    pub notes: Vec<String>,
}

impl NightSummary {
    /// Whether somebody should look: exit code 1 instead of 0.
    #[must_use]
    pub fn needs_attention(&self) -> bool {
        self.ending != Ending::Complete
            || self.upkeep.needs_attention()
            || !self.break_glass.is_empty()
            || self.items.iter().any(|i| {
                i.gravest() >= Some(Severity::Warning)
                    || matches!(i.outcome, Outcome::Retry | Outcome::Waiting)
            })
    }
}
