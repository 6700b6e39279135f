//! A recorder counts its files. Another file of the same number and beginning, with other bytes,
//! means that one of the two is not what the recorder wrote (clause 4.8.2).
//!
//! Told in the batch that admits a recording, and again in the one that says when it began or
//! corrects it, so that no kill comes between. A start that only the file's time tells is none:
//! copying a file changes it.

use super::{Proposal, StoreError};
use crate::{
    base::{Moment, RecordingId},
    event::What,
    recording::{Attribution, Finding, Kind, Source, attribution::START_TOLERANCE_MS},
};

/// Conflicts of one recording that are told. One is an alarm; a hundred say no more.
const TOLD_MAX: usize = 16;

/// Proposes an event for each recording that this one conflicts with, unless `found` tells it.
pub(super) fn tell(
    proposal: &mut Proposal<'_>,
    id: RecordingId,
    kind: Kind,
    attribution: &Attribution,
    found: &[Finding],
) -> Result<(), StoreError> {
    let Some((device, number, start)) = numbered(attribution) else {
        return Ok(());
    };
    let (from, to) = (
        start.plus_ms(-START_TOLERANCE_MS),
        start.plus_ms(START_TOLERANCE_MS + 1),
    );
    let mut told = 0;
    for other in proposal.of_device(device, from, to)? {
        let same = numbered(&other.attribution).is_some_and(|(_, n, _)| n == number);
        let known = other.id.to_string();
        let known = found.iter().any(|finding| finding.text.contains(&known));
        if same && other.kind == kind && other.id != id && !known && told < TOLD_MAX {
            told += 1;
            proposal.event(What::RecordingConflicts { id, with: other.id });
        }
    }
    Ok(())
}

/// Recorder, file number and beginning, where all three are known.
fn numbered(attribution: &Attribution) -> Option<(&str, u64, Moment)> {
    let start = attribution.started_at.as_ref()?;
    if start.source == Source::FileTime {
        return None;
    }
    let device = attribution.device.as_ref()?;
    let number = attribution.sequence.as_ref()?;
    Some((&device.value, number.value, start.value))
}
