//! Who looked at what, as one report: what is unused, what is outstanding, how long things took, and
//! whether every look had its approval.
//!
//! [`access_report`] is a pure function over the requests. It does not trust the way by which they came
//! to be: whether a use was covered is judged again here from its events ([`Wrong`]), and over all
//! requests, so that no filter hides one that was not.
//!
//! A request belongs to a period when anything happened to it in it: asked, decided, used. It is then
//! reported whole.

mod build;
mod csv;
mod html;
mod table;
mod wrong;

use jiff::civil::Date;
use serde::Serialize;

use super::night_json::pretty;
use crate::{
    base::{Digest, Moment, RecordingId},
    custody::request::Form,
};

pub use build::access_report;
pub use csv::access_csv;
pub use html::{access_html, unused_words};
pub use wrong::{Wrong, wrong};

/// What a report is to be about; everything where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// From the beginning of this day in the office's zone.
    pub from: Option<Date>,
    /// To the end of this day.
    pub to: Option<Date>,
    /// Only requests for this recording.
    pub recording: Option<RecordingId>,
    /// Only what this person asked for, decided or used.
    pub person: Option<String>,
}

/// The report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccessReport {
    /// Version of this shape; grows when a field changes its meaning.
    pub version: u32,
    /// The time that everything is judged by.
    pub made_at: Moment,
    /// IANA name of the office's time zone.
    pub time_zone: String,
    /// The first day, if the period has one.
    pub from: Option<String>,
    /// The last day, if it has one.
    pub to: Option<String>,
    /// The one recording that it is about, if it is.
    pub recording: Option<RecordingId>,
    /// The one person that it is about, if it is.
    pub person: Option<String>,
    /// How many of what.
    pub counts: Counts,
    /// Uses that were not covered, of all requests there are. Must be empty.
    pub wrong: Vec<WrongUse>,
    /// Emergencies.
    pub break_glass: Vec<Emergency>,
    /// Requests that nobody has decided on, the oldest first.
    pub pending: Vec<Pending>,
    /// Approvals that were never used.
    pub unused: Vec<Unused>,
    /// Uses that were spent and led to nothing so far.
    pub unfinished: Vec<Unfinished>,
    /// Packages that were handed over.
    pub outstanding: Vec<HandedOver>,
    /// From request to decision; emergencies aside, which are made and approved at once.
    pub to_decision: TurnAround,
    /// From approval to first use; emergencies aside.
    pub to_first_use: TurnAround,
    /// What each person did, by name.
    pub people: Vec<Person>,
    /// What was done with each recording, by id.
    pub recordings: Vec<OneRecording>,
    /// Every use, and every request without one, in the order of the log.
    pub rows: Vec<Row>,
}

/// How many of what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Requests.
    pub requests: u64,
    /// Of them undecided.
    pub pending: u64,
    /// Approved, in time, with uses left.
    pub approved: u64,
    /// Denied, or taken back by an approver.
    pub denied: u64,
    /// Taken back by who asked.
    pub cancelled: u64,
    /// Over, decided or not.
    pub expired: u64,
    /// Used as often as they may be.
    pub used_up: u64,
    /// Emergencies among the requests.
    pub break_glass: u64,
    /// Uses.
    pub uses: u64,
    /// Packages among them.
    pub packages: u64,
    /// Bytes of the packages.
    pub package_bytes: u64,
}

/// A request, as every line of the report names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Head {
    /// Its digest.
    pub request: Digest,
    /// How it stands.
    pub state: &'static str,
    /// Whether it is an emergency.
    pub break_glass: bool,
    /// In what form.
    pub form: Form,
    /// Who asked.
    pub requester: String,
    /// When.
    pub asked_at: Moment,
    /// Who approved it; nobody where nobody did.
    pub approvers: Vec<String>,
    /// When it was decided first.
    pub decided_at: Option<Moment>,
    /// Until when it was to be used.
    pub expires: Moment,
    /// How often.
    pub uses_max: u64,
    /// What for.
    pub purpose: String,
    /// For whom.
    pub recipient: String,
    /// Which recordings.
    pub recordings: Vec<RecordingId>,
    /// Bytes of their originals.
    pub bytes: u64,
}

/// A use that was not covered, and in which way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WrongUse {
    /// The request.
    pub request: Digest,
    /// The use's number.
    pub number: u32,
    /// Its id.
    pub id: RecordingId,
    /// Who ran it.
    pub operator: String,
    /// When.
    pub at: Moment,
    /// Which recordings.
    pub recordings: Vec<RecordingId>,
    /// What was wrong.
    pub wrong: Vec<Wrong>,
}

/// An emergency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Emergency {
    /// The request.
    #[serde(flatten)]
    pub head: Head,
    /// When it was used, and by whom.
    pub used: Vec<(Moment, String)>,
}

/// A request that nobody has decided on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pending {
    /// The request.
    #[serde(flatten)]
    pub head: Head,
    /// How long it waits.
    pub age_ms: i64,
}

/// An approval that was never used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unused {
    /// The request.
    #[serde(flatten)]
    pub head: Head,
    /// Milliseconds that it is still good for; nothing where it is over.
    pub left_ms: Option<i64>,
}

/// A use that was spent and led to nothing so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unfinished {
    /// The request.
    pub request: Digest,
    /// The use's number.
    pub number: u32,
    /// Its id.
    pub id: RecordingId,
    /// Who ran it.
    pub operator: String,
    /// When it began.
    pub at: Moment,
    /// Why it came to nothing; nothing where it was cut off or still runs.
    pub why: Option<String>,
}

/// A package that was handed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HandedOver {
    /// The request.
    pub request: Digest,
    /// The use's id, which its copies carry.
    pub id: RecordingId,
    /// Whether it was an emergency.
    pub break_glass: bool,
    /// For whom.
    pub recipient: String,
    /// When it stood.
    pub at: Moment,
    /// Who made it.
    pub operator: String,
    /// In what form.
    pub form: Form,
    /// Which recordings.
    pub recordings: Vec<RecordingId>,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its tag manifest.
    pub tag_manifest: Digest,
    /// Marked copies in it.
    pub copies: u64,
}

/// How long something takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TurnAround {
    /// How many there are.
    pub count: u64,
    /// The middle one; nothing where there is none.
    pub median_ms: Option<i64>,
    /// The longest.
    pub worst_ms: Option<i64>,
    /// The request that took longest.
    pub worst: Option<Digest>,
}

/// What one person did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Person {
    /// Handle, or `uid` and a number.
    pub who: String,
    /// Requests made.
    pub asked: u64,
    /// Requests approved, alone or with another.
    pub approved: u64,
    /// Requests denied, or approvals taken back.
    pub denied: u64,
    /// Requests of one's own taken back.
    pub cancelled: u64,
    /// Approvals used.
    pub uses: u64,
    /// Packages made by that.
    pub packages: u64,
    /// Their bytes.
    pub package_bytes: u64,
    /// Emergencies asked for, signed or used.
    pub break_glass: u64,
}

/// What was done with one recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OneRecording {
    /// Which.
    pub id: RecordingId,
    /// Requests for it.
    pub requests: u64,
    /// Of them approved at some time.
    pub approved: u64,
    /// Uses.
    pub uses: u64,
    /// Packages with it.
    pub packages: u64,
    /// Of the requests, emergencies.
    pub break_glass: u64,
    /// The last use.
    pub last_use: Option<Moment>,
    /// For whom packages with it were made.
    pub recipients: Vec<String>,
}

/// One use, or a request without any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The request.
    #[serde(flatten)]
    pub head: Head,
    /// The use.
    #[serde(rename = "use")]
    pub used: Option<RowUse>,
}

/// The use of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowUse {
    /// Its number, from 1.
    pub number: u32,
    /// Its id.
    pub id: RecordingId,
    /// Who ran it.
    pub operator: String,
    /// When it began.
    pub at: Moment,
    /// When it ended.
    pub ended_at: Option<Moment>,
    /// What it came to: `packaged`, `viewed`, `failed`, `open`.
    pub outcome: &'static str,
    /// Bytes of a package, or shown.
    pub bytes: Option<u64>,
    /// SHA-256 of the tag manifest of a package.
    pub tag_manifest: Option<Digest>,
    /// What was wrong with it. Must be empty.
    pub wrong: Vec<Wrong>,
}

impl AccessReport {
    /// Whether the report is about part of the requests only.
    #[must_use]
    pub const fn is_filtered(&self) -> bool {
        self.from.is_some()
            || self.to.is_some()
            || self.recording.is_some()
            || self.person.is_some()
    }

    /// What it is about, in words.
    #[must_use]
    pub fn about(&self) -> String {
        let mut out = match (&self.from, &self.to) {
            (None, None) => "all requests to look".to_owned(),
            (Some(from), None) => format!("from {from}"),
            (None, Some(to)) => format!("to {to}"),
            (Some(from), Some(to)) => format!("from {from} to {to}"),
        };
        if let Some(id) = &self.recording {
            out.push_str(&format!(", recording {id}"));
        }
        if let Some(who) = &self.person {
            out.push_str(&format!(", what {who} asked for, decided or used"));
        }
        out
    }
}

/// The report as JSON, ending in a line feed.
#[must_use]
pub fn access_json(report: &AccessReport) -> String {
    pretty(report)
}

/// `12 min`, `3 h 20 min`, `5 d 4 h`: how long people take.
#[must_use]
pub fn span_words(ms: i64) -> String {
    let s = ms.max(0) / 1_000;
    let (d, h, m) = (s / 86_400, s / 3_600 % 24, s / 60 % 60);
    match (d, h, m) {
        (0, 0, 0) => format!("{s} s"),
        (0, 0, _) => format!("{m} min"),
        (0, _, 0) => format!("{h} h"),
        (0, _, _) => format!("{h} h {m} min"),
        (_, 0, _) => format!("{d} d"),
        _ => format!("{d} d {h} h"),
    }
}

#[cfg(test)]
pub(crate) mod tests;
