//! A recorder counts its files. Another file of the same number and beginning, with other bytes,
//! means that one of the two is not what the recorder wrote (clause 4.8.2).
//!
//! Asked for once a recording is admitted, and again once its inside has told when it began. A
//! start that only the file's time tells is none: copying a file changes it.

use super::{Store, StoreError};
use crate::{
    base::{Moment, RecordingId},
    event::What,
    index::{Column, Direction, KeyRange, keys},
    recording::{Record, Source, attribution::START_TOLERANCE_MS},
};

/// Conflicts of one recording that are told. One is an alarm; a hundred say no more.
const TOLD_MAX: usize = 16;

impl Store {
    /// Tells by an event each recording that this one conflicts with, unless it was told before.
    pub(super) fn tell_conflicts(&self, by: u32, id: RecordingId) -> Result<(), StoreError> {
        let Some(record) = self.record(id)? else {
            return Ok(());
        };
        let Some((device, number, start)) = numbered(&record) else {
            return Ok(());
        };
        let at = |time: Moment| keys::listed(device, &keys::Place::at(time));
        let range = KeyRange::between(
            at(start.plus_ms(-START_TOLERANCE_MS)),
            at(start.plus_ms(START_TOLERANCE_MS + 1)),
        );
        let snapshot = self.index.snapshot();
        let mut conflicts = Vec::new();
        for row in snapshot.scan(Column::ByDevice, &range, Direction::Forward)? {
            let (key, _) = row?;
            let place = key.len().checked_sub(keys::PLACE_BYTES);
            let place = place.and_then(|at| keys::Place::from_bytes(key.get(at..)?));
            let place = place.ok_or_else(|| StoreError::Rows("a recorder's key is none".into()))?;
            let Some(other) = snapshot.record(place.id())?.filter(|other| other.id != id) else {
                continue;
            };
            let same = numbered(&other).is_some_and(|(_, n, _)| n == number);
            if same && other.kind == record.kind && conflicts.len() < TOLD_MAX {
                conflicts.push(other.id);
            }
        }
        if conflicts.is_empty() {
            return Ok(());
        }
        self.commit(by, move |proposal| {
            let found = proposal.record(id)?.map(|r| r.findings).unwrap_or_default();
            for with in conflicts {
                let told = with.to_string();
                if !found.iter().any(|f| f.text.contains(&told)) {
                    proposal.event(What::RecordingConflicts { id, with });
                }
            }
            Ok(())
        })
    }
}

/// Recorder, file number and beginning, where all three are known.
fn numbered(record: &Record) -> Option<(&str, u64, Moment)> {
    let start = record.attribution.started_at.as_ref()?;
    if start.source == Source::FileTime {
        return None;
    }
    let device = record.attribution.device.as_ref()?;
    let number = record.attribution.sequence.as_ref()?;
    Some((&device.value, number.value, start.value))
}
