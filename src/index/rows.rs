//! What a recording writes into the columns. Which lists it stands in follows from its record
//! alone, so that an update knows what to take away without searching.

use std::collections::BTreeMap;

use super::{Batch, Column, IndexError, Memo, keys};
use crate::{base::RecordingId, recording::Record};

/// Writes a record and its places in the lists; `old` is what the index holds of it now, whose
/// places it leaves.
///
/// # Errors
/// [`IndexError::Row`] when the record cannot be written as JSON.
///
/// # Panics
/// When `old` is the record of another recording.
pub fn put_record(batch: &mut Batch, old: Option<&Record>, new: &Record) -> Result<(), IndexError> {
    let mut stale = BTreeMap::new();
    if let Some(old) = old {
        assert_eq!(
            old.id, new.id,
            "a record is replaced by one of the same recording"
        );
        stale = places(old);
    }
    let row = serde_json::to_vec(new).map_err(|e| IndexError::Row {
        id: new.id,
        reason: e.to_string(),
    })?;
    batch.put(Column::Records, new.id.as_bytes().to_vec(), row);
    for ((column, key), value) in places(new) {
        let held = stale.remove(&(column, key.clone()));
        if held.as_ref() != Some(&value) {
            batch.put(column, key, value);
        }
    }
    for (column, key) in stale.into_keys() {
        batch.delete(column, key);
    }
    Ok(())
}

/// Takes a record and its places in the lists away.
pub fn delete_record(batch: &mut Batch, old: &Record) {
    batch.delete(Column::Records, old.id.as_bytes().to_vec());
    for (column, key) in places(old).into_keys() {
        batch.delete(column, key);
    }
}

/// Remembers what was found under a path below the inbox.
pub fn put_memo(batch: &mut Batch, path: &[u8], memo: &Memo) {
    batch.put(Column::CacheMemo, path, memo.to_row());
}

/// Every key that a record has in the secondary indexes, with its value.
fn places(record: &Record) -> BTreeMap<(Column, Vec<u8>), Vec<u8>> {
    let place = keys::Place::new(record.time(), record.id);
    let mut all = BTreeMap::new();
    all.insert((Column::ByTime, place.as_bytes().to_vec()), Vec::new());
    let state = keys::listed(record.state.word(), &place);
    all.insert(
        (Column::ByState, state),
        record.bytes.to_be_bytes().to_vec(),
    );
    if !record.mirrored && record.state.is_there() {
        let bytes = record.bytes.to_be_bytes().to_vec();
        all.insert((Column::Unmirrored, place.as_bytes().to_vec()), bytes);
    }
    if let Some(device) = &record.attribution.device {
        all.insert(
            (Column::ByDevice, keys::listed(&device.value, &place)),
            Vec::new(),
        );
    }
    if let Some(officer) = &record.attribution.officer {
        all.insert(
            (Column::ByOfficer, keys::listed(&officer.value, &place)),
            Vec::new(),
        );
    }
    for finding in &record.findings {
        all.insert(
            (Column::ByFinding, keys::listed(finding.kind.code(), &place)),
            Vec::new(),
        );
    }
    all
}

/// The record in a row.
pub(super) fn read_record(id: RecordingId, row: &[u8]) -> Result<Record, IndexError> {
    serde_json::from_slice(row).map_err(|e| IndexError::Row {
        id,
        reason: e.to_string(),
    })
}
