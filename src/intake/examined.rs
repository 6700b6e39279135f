//! What looking at one recording came to, as the event will say it. Pure: who is asked for the facts
//! is `derive`.

use crate::{
    base::{Moment, limits},
    event::RecordingExamined,
    media::worker::WorkerFault,
    recording::{
        Attribution, Finding, FindingKind, Kind, MediaInfo, Record, State, Timeline, TrackKind,
    },
};

/// What weighing came to.
pub(super) struct Known {
    pub attribution: Attribution,
    pub findings: Vec<Finding>,
    /// When it began, if anybody said so and it can be believed.
    pub believed_start: Option<Moment>,
}

/// What else an examination says.
pub(super) struct Facts {
    pub kind: Kind,
    pub state: State,
    pub attempts: u32,
    pub media: Option<MediaInfo>,
    pub timeline: Option<Timeline>,
    pub made_with: Vec<String>,
}

/// Everything together, the gravest finding first.
pub(super) fn examined(
    record: &Record,
    known: Known,
    said: Vec<Finding>,
    uncounted: u64,
    facts: Facts,
) -> RecordingExamined {
    // What admission found stands; what an earlier attempt of a worker found is said anew.
    // That it cannot be read without an index stands until it was.
    let stands = |f: &&Finding| {
        f.kind != FindingKind::NoIndex && (record.attempts == 0 || stands_by_itself(f.kind))
    };
    let mut findings: Vec<Finding> = record.findings.iter().filter(stands).cloned().collect();
    for finding in known.findings.into_iter().chain(said) {
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
    findings.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.at.cmp(&b.at)));
    let more = findings.len().saturating_sub(limits::FINDINGS_INLINE_MAX);
    findings.truncate(limits::FINDINGS_INLINE_MAX);
    let uncounted = uncounted.saturating_add(more as u64);
    if uncounted > 0 {
        findings.push(Finding::new(
            FindingKind::TooMany,
            format!("{uncounted} more findings were counted and not listed"),
        ));
    }
    RecordingExamined {
        id: record.id,
        kind: facts.kind,
        state: facts.state,
        attribution: known.attribution,
        media: facts.media,
        findings,
        findings_uncounted: uncounted,
        timeline: facts.timeline,
        attempts: facts.attempts,
        made_with: facts.made_with,
    }
}

/// The worker died, hung or gave up.
pub(super) fn unanswered(
    record: &Record,
    known: Known,
    mut findings: Vec<Finding>,
    fault: &WorkerFault,
) -> RecordingExamined {
    let attempts = record.attempts + 1;
    let last = attempts >= limits::DERIVE_ATTEMPTS_MAX;
    let stalled = matches!(fault, WorkerFault::Stalled { .. } | WorkerFault::Overdue(_));
    let kind = if stalled {
        FindingKind::WorkerStalled
    } else {
        FindingKind::WorkerDied
    };
    let next = if last {
        "it is not tried again by itself".to_owned()
    } else {
        format!(
            "the next night tries again ({attempts} of {})",
            limits::DERIVE_ATTEMPTS_MAX
        )
    };
    findings.push(Finding::new(
        kind,
        format!("{fault}; the original is safe, {next}"),
    ));
    let state = if last { State::Kept } else { State::Retry };
    let facts = Facts {
        kind: record.kind,
        state,
        attempts,
        media: None,
        timeline: None,
        made_with: Vec::new(),
    };
    examined(record, known, findings, 0, facts)
}

/// Whether no worker could have found it, so that no worker can say it anew.
const fn stands_by_itself(kind: FindingKind) -> bool {
    matches!(
        kind,
        FindingKind::SidecarUnreadable
            | FindingKind::SidecarMismatch
            | FindingKind::VaultHealed
            | FindingKind::Damaged
            | FindingKind::Conflicts
    )
}

/// What sort it is, now that its tracks are known.
pub(super) fn kind_of(before: Kind, media: &MediaInfo) -> Kind {
    let has = |kind| media.tracks.iter().any(|t| t.kind == kind);
    match (has(TrackKind::Video), has(TrackKind::Audio)) {
        (true, _) => Kind::Video,
        (false, true) => Kind::Audio,
        (false, false) => before,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Digest;

    fn record(attempts: u32, findings: Vec<Finding>) -> Record {
        let digest = Digest::new([7; 32]);
        Record {
            id: digest.id(),
            digest,
            bytes: 1,
            chunk_root: digest,
            admitted_at: Moment::default(),
            sightings: Vec::new(),
            kind: Kind::Video,
            state: State::Retry,
            attribution: Attribution::default(),
            media: None,
            findings,
            findings_uncounted: 0,
            timeline: None,
            renditions: Vec::new(),
            attempts,
            corrections: 0,
            mirrored: false,
            changed_at: Moment::default(),
            events: 1,
        }
    }

    /// Goal: what no worker could have found outlives an attempt that failed; what an attempt found
    /// is said anew.
    #[test]
    fn what_admission_found_outlives_a_worker_that_failed() {
        let kinds = [
            FindingKind::SidecarMismatch,
            FindingKind::VaultHealed,
            FindingKind::VideoBlack,
        ];
        let before = kinds.map(|kind| Finding::new(kind, "found")).to_vec();
        let record = record(1, before);
        let known = Known {
            attribution: record.attribution.clone(),
            findings: Vec::new(),
            believed_start: None,
        };
        let facts = Facts {
            kind: record.kind,
            state: State::Kept,
            attempts: 0,
            media: None,
            timeline: None,
            made_with: Vec::new(),
        };
        let silent = Finding::new(FindingKind::AudioSilent, "found");
        let examined = examined(&record, known, vec![silent], 0, facts);
        let mut found: Vec<_> = examined.findings.iter().map(|f| f.kind).collect();
        found.sort();
        let mut expected = vec![kinds[0], kinds[1], FindingKind::AudioSilent];
        expected.sort();
        assert_eq!(found, expected);
    }
}
