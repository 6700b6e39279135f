//! Whose recording it is. Every value remembers where it came from; where sources disagree, the
//! stronger one stands and the disagreement is a finding.

use serde::{Deserialize, Serialize};

use super::{Finding, FindingKind};
use crate::base::Moment;

/// Where a value came from, strongest first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "from", content = "which")]
pub enum Source {
    /// A person corrected it (an event with a reason).
    Correction,
    /// The recorder's or collection station's JSON sidecar.
    Sidecar,
    /// The file name, by the pattern of this number (from 1) in the configuration.
    FileName(u32),
    /// The register: who held the device at that time.
    Register,
    /// The container's own tags.
    Container,
    /// The folder the file lay in.
    Folder,
    /// The file's modification time.
    FileTime,
}

impl Source {
    /// As a person says it.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Correction => "a correction".into(),
            Self::Sidecar => "the sidecar".into(),
            Self::FileName(n) => format!("the file name (pattern {n})"),
            Self::Register => "the register".into(),
            Self::Container => "the container".into(),
            Self::Folder => "the folder".into(),
            Self::FileTime => "the file's time".into(),
        }
    }
}

/// A value and where it came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Value<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub source: Source,
}

/// What a source says about one recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "field", content = "value")]
pub enum Field {
    /// The recorder's identifier.
    Device(String),
    /// The officer's identifier (a number or code, not a name).
    Officer(String),
    /// When the recording began.
    StartedAt(Moment),
    /// When it ended.
    EndedAt(Moment),
    /// The recorder's file sequence number.
    Sequence(u64),
    /// The recorder's own "important" mark.
    Mark(String),
    /// Police or market case code.
    CaseCode(String),
    /// A remark made at the recorder or at collection.
    Remark(String),
}

/// One source's word on one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// What is claimed.
    #[serde(flatten)]
    pub field: Field,
    /// By whom.
    pub source: Source,
}

/// Whose recording it is, as far as anybody said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribution {
    /// The recorder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Value<String>>,
    /// Who wore it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub officer: Option<Value<String>>,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Value<Moment>>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Value<Moment>>,
    /// The recorder's file number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<Value<u64>>,
    /// The recorder's own "important" mark; it proposes clause 4.6.4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<Value<String>>,
    /// Case code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case_code: Option<Value<String>>,
    /// Remark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<Value<String>>,
}

/// Two starts closer than this are one start: containers round to seconds, and a recorder
/// writes its file name a moment before or after the first frame.
pub const START_TOLERANCE_MS: i64 = 5_000;

impl Attribution {
    /// Weighs the claims: for each field the strongest source stands (see [`Source`] for the
    /// order; the first of equals), and every other source that says something else is a finding.
    /// Times of the file system are never held against a better source.
    #[must_use]
    pub fn weigh(claims: &[Claim]) -> (Self, Vec<Finding>) {
        let mut sorted: Vec<&Claim> = claims.iter().collect();
        sorted.sort_by(|a, b| a.source.cmp(&b.source));
        let mut out = Self::default();
        let mut findings = Vec::new();
        for claim in sorted {
            let source = &claim.source;
            match &claim.field {
                Field::Device(v) => weigh_one(
                    &mut out.device,
                    v,
                    source,
                    "device",
                    &mut findings,
                    |a, b| a == b,
                    String::clone,
                ),
                Field::Officer(v) => weigh_one(
                    &mut out.officer,
                    v,
                    source,
                    "officer",
                    &mut findings,
                    |a, b| a == b,
                    String::clone,
                ),
                Field::StartedAt(v) => weigh_one(
                    &mut out.started_at,
                    v,
                    source,
                    "start",
                    &mut findings,
                    near,
                    Moment::to_string,
                ),
                Field::EndedAt(v) => weigh_one(
                    &mut out.ended_at,
                    v,
                    source,
                    "end",
                    &mut findings,
                    near,
                    Moment::to_string,
                ),
                Field::Sequence(v) => weigh_one(
                    &mut out.sequence,
                    v,
                    source,
                    "file number",
                    &mut findings,
                    |a, b| a == b,
                    u64::to_string,
                ),
                Field::Mark(v) => weigh_one(
                    &mut out.mark,
                    v,
                    source,
                    "mark",
                    &mut findings,
                    |_, _| true,
                    String::clone,
                ),
                Field::CaseCode(v) => weigh_one(
                    &mut out.case_code,
                    v,
                    source,
                    "case code",
                    &mut findings,
                    |a, b| a == b,
                    String::clone,
                ),
                Field::Remark(v) => weigh_one(
                    &mut out.remark,
                    v,
                    source,
                    "remark",
                    &mut findings,
                    |_, _| true,
                    String::clone,
                ),
            }
        }
        (out, findings)
    }

    /// What a recording cannot do without and nobody said, as parts of a sentence.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let mut out = Vec::new();
        if self.device.is_none() {
            out.push("which recorder made it");
        }
        if self.officer.is_none() {
            out.push("who wore it");
        }
        if self
            .started_at
            .as_ref()
            .is_none_or(|v| v.source == Source::FileTime)
        {
            out.push("when it began");
        }
        out
    }
}

fn near(a: &Moment, b: &Moment) -> bool {
    a.ms_since(*b).unsigned_abs() <= START_TOLERANCE_MS.unsigned_abs()
}

fn weigh_one<T: Clone>(
    slot: &mut Option<Value<T>>,
    value: &T,
    source: &Source,
    what: &str,
    findings: &mut Vec<Finding>,
    same: impl Fn(&T, &T) -> bool,
    show: impl Fn(&T) -> String,
) {
    match slot {
        None => {
            *slot = Some(Value {
                value: value.clone(),
                source: source.clone(),
            })
        }
        Some(held) if *source == Source::FileTime || same(&held.value, value) => {}
        // People knew what the others say when they said otherwise.
        Some(held) if held.source == Source::Correction => {}
        Some(held) => findings.push(Finding::new(
            FindingKind::AttributionDisagrees,
            format!(
                "{} says {what} {}, {} says {}; the first stands.",
                capital(&held.source.words()),
                show(&held.value),
                source.words(),
                show(value)
            ),
        )),
    }
}

/// The words as the beginning of a sentence.
fn capital(words: &str) -> String {
    let mut chars = words.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string());
    first.unwrap_or_default() + chars.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(field: Field, source: Source) -> Claim {
        Claim { field, source }
    }

    #[test]
    fn no_two_instants_are_too_far_apart_to_be_compared() {
        let (first, last) = (Moment::from_ms(i64::MIN), Moment::from_ms(i64::MAX));
        for (a, b) in [(first, last), (last, first), (first, Moment::default())] {
            assert!(!near(&a, &b));
        }
        assert!(near(&first, &first));
    }

    #[test]
    fn the_stronger_source_stands_and_the_weaker_is_heard() {
        let (a, findings) = Attribution::weigh(&[
            claim(Field::Device("B".into()), Source::Folder),
            claim(Field::Device("A".into()), Source::FileName(1)),
            claim(Field::Officer("1003".into()), Source::Register),
        ]);
        assert_eq!(a.device.map(|v| v.value), Some("A".into()));
        assert_eq!(findings.len(), 1);
        assert_eq!(
            findings[0].text,
            "The file name (pattern 1) says device A, the folder says B; the first stands."
        );
    }

    #[test]
    fn starts_a_moment_apart_agree_and_file_times_are_never_held_against_anyone() {
        let t = Moment::from_s(1_700_000_000);
        let (a, findings) = Attribution::weigh(&[
            claim(Field::StartedAt(t.plus_ms(4_000)), Source::Container),
            claim(Field::StartedAt(t), Source::FileName(2)),
            claim(Field::StartedAt(t.plus_ms(9_000_000)), Source::FileTime),
        ]);
        assert_eq!(a.started_at.map(|v| v.value), Some(t));
        assert_eq!(findings, []);
    }

    #[test]
    fn a_start_known_only_from_the_file_system_counts_as_missing() {
        let (a, _) =
            Attribution::weigh(&[claim(Field::StartedAt(Moment::from_s(1)), Source::FileTime)]);
        assert_eq!(
            a.missing(),
            ["which recorder made it", "who wore it", "when it began"]
        );
    }
}
