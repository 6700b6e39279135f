//! What a retention decision looks at, and nothing else: facts about one recording, as events
//! have told them.

use serde::{Deserialize, Serialize};

use super::Standing;
use crate::{
    base::Moment,
    recording::{FindingKind, Record, Source, State},
};

/// A hold that is in force on a recording.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldBy {
    /// The hold's own number.
    pub number: u64,
    /// The case that it was placed for.
    pub case: String,
}

/// The latest date to which anybody was ever told that a recording will be kept. It only rises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promise {
    /// The last instant of keeping.
    pub until: Moment,
    /// Version of the policy that promised it.
    pub policy: u64,
}

/// What a decision about one recording looks at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// When the recording ended, by its recorder; nothing where no source says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_end: Option<Moment>,
    /// When its bytes were seen in the inbox last.
    pub latest_ingest: Moment,
    /// How often they were seen.
    pub sightings: u64,
    /// Whether somebody has looked inside, or found that nobody can.
    pub examined: bool,
    /// Whether recorder, wearer and beginning are known, and the register knows the first two.
    pub attributed: bool,
    /// Whether the recorder's clock cannot have been right.
    pub clock_suspect: bool,
    /// What it is classed under.
    #[serde(default)]
    pub standing: Standing,
    /// Holds in force, by number.
    #[serde(default)]
    pub holds: Vec<HeldBy>,
    /// What was promised before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promised: Option<Promise>,
}

/// Which instant retention counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountedFrom {
    /// The end of the recording.
    RecordedEnd,
    /// The latest time that its bytes were seen.
    LatestIngest,
}

impl Inputs {
    /// The facts of a record, with what stands beside it. What is doubtful counts as unknown.
    #[must_use]
    pub fn of(
        record: &Record,
        standing: Standing,
        holds: Vec<HeldBy>,
        promised: Option<Promise>,
    ) -> Self {
        let found = |kind| record.findings.iter().any(|f| f.kind == kind);
        let attribution = &record.attribution;
        let started = attribution.started_at.as_ref();
        let started = started.filter(|start| start.source != Source::FileTime);
        let presented_ms = record.media.as_ref().map(|m| m.presented_ms.max(0));
        let by_length = started.zip(presented_ms).map(|(s, ms)| s.value.plus_ms(ms));
        let said = attribution.ended_at.as_ref().map(|v| v.value);
        // Where a record keeps only the gravest of its findings, one that matters here may be
        // among those that were only counted.
        let uncounted = record.findings_uncounted > 0;
        let latest = record.sightings.iter().map(|s| s.at).max();
        Self {
            recorded_end: said.max(by_length),
            latest_ingest: latest.unwrap_or(record.admitted_at).max(record.admitted_at),
            sightings: record.sightings.len() as u64,
            examined: matches!(record.state, State::Archived | State::Kept),
            attributed: attribution.missing().is_empty()
                && !found(FindingKind::AttributionUnknown)
                && !uncounted,
            clock_suspect: found(FindingKind::ClockSuspect) || uncounted,
            standing,
            holds,
            promised,
        }
    }

    /// The start of retention, and which fact it is: the later of recorded end and latest
    /// ingest. An end by a clock that is suspect, or that nobody has examined yet, is not
    /// believed; such a recording does not expire by itself, so nothing is lost by that, and a
    /// recorder set to 2037 promises nobody eleven years.
    #[must_use]
    pub fn start(&self) -> (Moment, CountedFrom) {
        let believed = self.examined && !self.clock_suspect;
        match self.recorded_end.filter(|_| believed) {
            Some(end) if end > self.latest_ingest => (end, CountedFrom::RecordedEnd),
            _ => (self.latest_ingest, CountedFrom::LatestIngest),
        }
    }

    /// Whether time alone may make the recording due.
    #[must_use]
    pub const fn expires_by_itself(&self) -> bool {
        self.examined && self.attributed && !self.clock_suspect
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        base::Digest,
        recording::{Attribution, Finding, Kind, MediaInfo, Sighting, Value},
        retention::canonical,
    };

    fn value<T>(value: T, source: Source) -> Option<Value<T>> {
        Some(Value { value, source })
    }

    fn sighting(s: i64) -> Sighting {
        Sighting {
            at: Moment::from_s(s),
            name: vec![],
            modified_at: Moment::from_s(0),
        }
    }

    /// A recording that nothing speaks against: begun at 1,000 s, 60 s long, seen at 2,000 s.
    fn record() -> Record {
        let digest = Digest::new([1; 32]);
        Record {
            id: digest.id(),
            digest,
            bytes: 10,
            chunk_root: digest,
            admitted_at: Moment::from_s(2_000),
            sightings: vec![sighting(2_000)],
            kind: Kind::Video,
            state: State::Archived,
            attribution: Attribution {
                device: value("A1".into(), Source::FileName(1)),
                officer: value("1003".into(), Source::Register),
                started_at: value(Moment::from_s(1_000), Source::FileName(1)),
                ..Attribution::default()
            },
            media: Some(MediaInfo {
                presented_ms: 60_000,
                ..MediaInfo::default()
            }),
            findings: vec![],
            findings_uncounted: 0,
            timeline: None,
            renditions: vec![],
            attempts: 0,
            corrections: 0,
            mirrored: false,
            changed_at: Moment::from_s(2_000),
            events: 2,
        }
    }

    fn of(change: impl FnOnce(&mut Record)) -> Inputs {
        let mut record = record();
        change(&mut record);
        Inputs::of(&record, Standing::default(), vec![], None)
    }

    #[test]
    fn the_facts_of_a_record_and_every_doubt_about_it() {
        let plain = of(|_| {});
        canonical::tests::holds(&plain);
        assert!(plain.expires_by_itself());
        assert_eq!(plain.recorded_end, Some(Moment::from_s(1_060)));
        assert_eq!(plain.latest_ingest, Moment::from_s(2_000));

        type Change = fn(&mut Record);
        let doubts: &[(&str, Change)] = &[
            ("admitted", |r| r.state = State::Admitted),
            ("retry", |r| r.state = State::Retry),
            ("no device", |r| r.attribution.device = None),
            ("no officer", |r| r.attribution.officer = None),
            ("no beginning", |r| r.attribution.started_at = None),
            ("a file's time", |r| {
                r.attribution.started_at = value(Moment::from_s(1_000), Source::FileTime);
            }),
            ("not in the register", |r| {
                r.findings = vec![Finding::new(FindingKind::AttributionUnknown, "")];
            }),
            ("suspect", |r| {
                r.findings = vec![Finding::new(FindingKind::ClockSuspect, "")]
            }),
            ("too many findings", |r| r.findings_uncounted = 1),
        ];
        for (what, change) in doubts {
            assert!(!of(*change).expires_by_itself(), "{what}");
        }
        let uncounted = of(|r| r.findings_uncounted = 1);
        assert!(
            !uncounted.attributed && uncounted.clock_suspect,
            "either may be among them"
        );
        let kept = of(|r| r.state = State::Kept);
        assert!(
            kept.expires_by_itself(),
            "what nobody can read is kept its months"
        );
    }

    #[test]
    fn the_later_end_and_the_latest_sighting_count() {
        let end = |change: fn(&mut Record)| of(change).recorded_end.map(Moment::as_s);
        let said = |r: &mut Record, s| {
            r.attribution.ended_at = value(Moment::from_s(s), Source::Sidecar);
        };
        assert_eq!(end(|r| r.media = None), None);
        assert_eq!(end(|r| r.attribution.started_at = None), None);
        let earlier = of(|r| said(r, 1_030));
        assert_eq!(earlier.recorded_end, Some(Moment::from_s(1_060)));
        let later = of(|r| said(r, 1_090));
        assert_eq!(later.recorded_end, Some(Moment::from_s(1_090)));
        // A negative length is no length.
        let negative = of(|r| r.media.as_mut().unwrap().presented_ms = i64::MIN);
        assert_eq!(negative.recorded_end, Some(Moment::from_s(1_000)));

        let again = of(|r| r.sightings = vec![sighting(2_000), sighting(9_000), sighting(3_000)]);
        assert_eq!(
            (again.latest_ingest, again.sightings),
            (Moment::from_s(9_000), 3)
        );
        let ahead = of(|r| r.attribution.ended_at = value(Moment::from_s(9_999), Source::Sidecar));
        assert_eq!(
            ahead.start(),
            (Moment::from_s(9_999), CountedFrom::RecordedEnd)
        );
        assert_eq!(
            plain_start(),
            (Moment::from_s(2_000), CountedFrom::LatestIngest)
        );
    }

    fn plain_start() -> (Moment, CountedFrom) {
        of(|_| {}).start()
    }
}
