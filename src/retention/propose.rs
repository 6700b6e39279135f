//! What else might have to be kept long-term. A proposal changes nothing: a person decides, and
//! the reason stands beside it. Pure; the caller brings the recordings that come into question.

use serde::{Deserialize, Serialize};

use super::Clause;
use crate::{
    base::{Moment, RecordingId},
    recording::{Attribution, attribution::START_TOLERANCE_MS},
};

/// Where and when a recording was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// The recording.
    pub id: RecordingId,
    /// The unit whose recorder made it; nothing where the register does not say.
    pub unit: Option<String>,
    /// When it began.
    pub start: Moment,
    /// When it ended.
    pub end: Moment,
}

/// Why a recording is proposed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "because")]
pub enum Because {
    /// The same unit recorded at the same time.
    Overlap {
        /// The recording that was classed.
        with: RecordingId,
        /// Their unit.
        unit: String,
        /// Since when both ran; where one follows on the other, its beginning.
        from: Moment,
        /// Until when both ran; never before `from`.
        to: Moment,
    },
    /// The wearer marked it at the recorder.
    Mark {
        /// The mark, as the recorder wrote it.
        mark: String,
    },
    /// It was held in hand, as clause 4.4 allows at mass disputes.
    HandHeld,
}

/// A recording that a person may want to class as well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// The recording.
    pub id: RecordingId,
    /// Under which clause.
    pub clause: Clause,
    /// Why.
    #[serde(flatten)]
    pub because: Because,
}

impl Proposal {
    /// The proposal as a sentence; times are told by the caller, who knows the zone.
    #[must_use]
    pub fn words(&self) -> String {
        let (id, clause) = (&self.id, self.clause);
        match &self.because {
            Because::Overlap { with, unit, .. } => format!(
                "{id} was recorded by unit {unit} at the same time as {with}; it may belong under clause {clause} as well."
            ),
            Because::Mark { mark } => format!(
                "{id} was marked \"{mark}\" at the recorder; it may belong under clause {clause}."
            ),
            Because::HandHeld => format!(
                "{id} was held in hand, as at mass disputes (clause 4.4); it may belong under clause {clause}."
            ),
        }
    }
}

/// The recordings of `others` that overlap `classed` in time and unit, the longest overlap first
/// and then by id. Recorders cut a long recording into files that touch, and two clocks differ by
/// a little, so what follows within [`START_TOLERANCE_MS`] counts. An unknown unit overlaps with
/// none: without a device a recording never expires by itself anyhow.
#[must_use]
pub fn overlapping<'a>(
    classed: &Presence,
    clause: Clause,
    others: impl IntoIterator<Item = &'a Presence>,
) -> Vec<Proposal> {
    let mut found = Vec::new();
    for other in others {
        let (Some(unit), Some(of_other)) = (&classed.unit, &other.unit) else {
            continue;
        };
        let from = classed.start.max(other.start);
        let to = classed.end.min(other.end);
        let apart = from.ms_since(to) > START_TOLERANCE_MS;
        if unit != of_other || apart || other.id == classed.id {
            continue;
        }
        found.push(Proposal {
            id: other.id,
            clause,
            because: Because::Overlap {
                with: classed.id,
                unit: unit.clone(),
                from,
                to: to.max(from),
            },
        });
    }
    let length = |p: &Proposal| match p.because {
        Because::Overlap { from, to, .. } => to.ms_since(from),
        Because::Mark { .. } | Because::HandHeld => 0,
    };
    found.sort_by_key(|p| (std::cmp::Reverse(length(p)), p.id));
    found
}

/// What a recording proposes by itself: 4.6.4 by the recorder's own mark, 4.6.2 where a person
/// tagged it as held in hand.
#[must_use]
pub fn of_itself(id: RecordingId, attribution: &Attribution, hand_held: bool) -> Vec<Proposal> {
    let by_hand = hand_held.then_some((Clause::MassIncident, Because::HandHeld));
    let by_mark = attribution.mark.as_ref().map(|mark| {
        let mark = mark.value.clone();
        (Clause::OtherImportant, Because::Mark { mark })
    });
    let both = by_hand.into_iter().chain(by_mark);
    both.map(|(clause, because)| Proposal {
        id,
        clause,
        because,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        base::Digest,
        recording::{Source, Value},
        retention::canonical,
    };

    fn presence(n: u8, unit: &str, start_s: i64, end_s: i64) -> Presence {
        Presence {
            id: Digest::new([n; 32]).id(),
            unit: (!unit.is_empty()).then(|| unit.to_owned()),
            start: Moment::from_s(start_s),
            end: Moment::from_s(end_s),
        }
    }

    #[test]
    fn who_was_there_too_is_proposed_and_nobody_else() {
        let classed = presence(1, "North", 1_000, 2_000);
        // Each with the seconds of overlap that propose it.
        let cases = [
            (presence(1, "North", 1_000, 2_000), None), // itself
            (presence(2, "North", 1_500, 2_500), Some(500)),
            (presence(3, "South", 1_500, 2_500), None),
            (presence(4, "", 1_500, 2_500), None),
            (presence(5, "North", 0, 9_000), Some(1_000)),
            (presence(6, "North", 2_000, 3_000), Some(0)), // the next file of a long recording
            (presence(7, "North", 2_005, 3_000), Some(0)), // by a clock that is 5 s late
            (presence(8, "North", 2_006, 3_000), None),
            (presence(9, "North", 0, 995), Some(0)),
            (presence(10, "North", 0, 994), None),
        ];
        let proposed = overlapping(&classed, Clause::MassIncident, cases.iter().map(|c| &c.0));
        for (other, expected) in &cases {
            let found = proposed.iter().find(|p| p.id == other.id);
            let overlap_s = found.map(|p| match &p.because {
                Because::Overlap { from, to, .. } => to.ms_since(*from) / 1_000,
                other => panic!("{other:?}"),
            });
            assert_eq!(overlap_s, *expected, "{other:?}");
        }
        let longest = &proposed[0];
        assert_eq!(
            longest.id, cases[4].0.id,
            "the longest overlap stands first"
        );
        assert_eq!(
            canonical::tests::holds(longest),
            format!(
                r#"{{"because":"overlap","clause":"4.6.2","from":1000000,"id":"{}","to":2000000,"unit":"North","with":"{}"}}"#,
                longest.id, classed.id
            )
        );
        let nowhere = presence(1, "", 1_000, 2_000);
        let others = cases.iter().map(|c| &c.0);
        assert_eq!(overlapping(&nowhere, Clause::MassIncident, others), []);
    }

    #[test]
    fn a_mark_proposes_4_6_4_and_a_recorder_in_the_hand_4_6_2() {
        let id = Digest::new([1; 32]).id();
        let marked = Attribution {
            mark: Some(Value {
                value: "imp".into(),
                source: Source::Sidecar,
            }),
            ..Attribution::default()
        };
        let clauses = |attribution, hand_held| -> Vec<Clause> {
            let proposals = of_itself(id, attribution, hand_held);
            proposals.iter().map(|p| p.clause).collect()
        };
        let plain = Attribution::default();
        assert_eq!(clauses(&plain, false), []);
        assert_eq!(clauses(&marked, false), [Clause::OtherImportant]);
        assert_eq!(clauses(&plain, true), [Clause::MassIncident]);
        assert_eq!(
            clauses(&marked, true),
            [Clause::MassIncident, Clause::OtherImportant]
        );
        assert_eq!(
            of_itself(id, &marked, false)[0].words(),
            format!("{id} was marked \"imp\" at the recorder; it may belong under clause 4.6.4.")
        );
    }
}
