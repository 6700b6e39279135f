//! A group of events as rows: the one way by which writer and rebuild alike put what a fold came
//! to into the index.

use super::{
    Keeping, StoreError, Waiting,
    fold::{Below, Folding},
    keeping::put_keeping,
    rows,
};
use crate::{
    base::{Digest, Moment, RecordingId},
    custody::access::Access,
    index::{self, Batch, Column, KeyRange, Snapshot, keys},
    recording::Record,
};

/// The rows as they were committed.
pub(super) struct Committed<'a>(pub Snapshot<'a>);

impl Below for Committed<'_> {
    fn record(&self, id: RecordingId) -> Result<Option<Record>, String> {
        self.0.record(id).map_err(|e| e.to_string())
    }
    fn keeping(&self, id: RecordingId) -> Result<Option<Keeping>, String> {
        let row = self.0.get(Column::Keeping, id.as_bytes());
        let row = row.map_err(|e| e.to_string())?;
        let read = row.map(|row| serde_json::from_slice(&row));
        read.transpose().map_err(|e| e.to_string())
    }
    fn is_used(&self, statement: Digest) -> Result<bool, String> {
        let row = self.0.get(Column::Statements, statement.as_bytes());
        row.map(|row| row.is_some()).map_err(|e| e.to_string())
    }
    fn waiting(&self, statement: Digest) -> Result<Option<Waiting>, String> {
        let row = self.0.get(Column::Waiting, statement.as_bytes());
        let row = row.map_err(|e| e.to_string())?;
        let read = row.map(|row| serde_json::from_slice(&row));
        read.transpose().map_err(|e| e.to_string())
    }
    fn access(&self, request: Digest) -> Result<Option<Access>, String> {
        let row = self.0.get(Column::Access, request.as_bytes());
        let row = row.map_err(|e| e.to_string())?;
        let read = row.map(|row| serde_json::from_slice(&row));
        read.transpose().map_err(|e| e.to_string())
    }
    fn of_device(
        &self,
        device: &str,
        from: Moment,
        to: Moment,
    ) -> Result<Vec<RecordingId>, String> {
        let at = |time: Moment| keys::listed(device, &keys::Place::at(time));
        let range = KeyRange::between(at(from), at(to));
        let places = self.0.places(Column::ByDevice, &range);
        let places = places.map_err(|e| e.to_string())?;
        Ok(places.iter().map(keys::Place::id).collect())
    }
}

/// The batch that puts these events, the first of them number `first`, and what they come to
/// into the index; `prev` is the digest of the last line.
pub(super) fn rows_of(
    folding: &Folding<'_>,
    first: u64,
    lines: &[(Option<RecordingId>, Vec<u8>)],
    prev: Digest,
) -> Result<Batch, StoreError> {
    let mut batch = Batch::new();
    let mut next = first;
    for (_, line) in lines {
        batch.put(Column::Events, keys::number(next), line.clone());
        next += 1;
    }
    for (before, after) in folding.records.values() {
        index::put_record(&mut batch, before.as_ref(), after)?;
    }
    for (id, (before, after)) in &folding.keepings {
        if let Some((was, record)) = folding.records.get(id) {
            put_keeping(&mut batch, (was.as_ref(), before.as_ref()), record, after)
                .map_err(|e| StoreError::Rows(e.to_string()))?;
        }
    }
    for (statement, n) in &folding.statements {
        batch.put(
            Column::Statements,
            statement.as_bytes().to_vec(),
            keys::number(*n),
        );
    }
    for (statement, waiting) in &folding.waiting {
        let key = statement.as_bytes().to_vec();
        match waiting {
            Some(waiting) => {
                let json = serde_json::to_vec(waiting);
                let json = json.map_err(|e| StoreError::Rows(e.to_string()))?;
                batch.put(Column::Waiting, key, json);
            }
            None => batch.delete(Column::Waiting, key),
        }
    }
    for (request, access) in &folding.accesses {
        let json = serde_json::to_vec(access).map_err(|e| StoreError::Rows(e.to_string()))?;
        batch.put(Column::Access, request.as_bytes().to_vec(), json);
    }
    if let Some(rules) = folding.rules.as_ref().filter(|_| folding.rules_changed) {
        rows::put_rules(&mut batch, rules)?;
    }
    if folding.register_changed {
        rows::put_register(&mut batch, &folding.register)?;
    }
    for (n, at, night) in &folding.nights {
        rows::put_night(&mut batch, *n, *at, night)?;
    }
    rows::put_head(&mut batch, next, prev);
    Ok(batch)
}
