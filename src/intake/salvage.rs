//! What to do about recordings without an index: another recording of the same recorder tells how to make
//! one. So they wait until everything else of the night was looked at, and are tried once more whenever
//! there is another to go by.

use super::{Item, Outcome};
use crate::{
    base::{Moment, RecordingId},
    index::{Direction, Filter, Page},
    media::{salvage::SalvageJob, worker::Launch},
    recording::{FindingKind, Record, SalvageMethod, State},
    store::{Store, StoreError},
};

/// Records that are read at once.
const PAGE: usize = 1_000;
/// Recordings of a recorder before and behind one in time, among which one to go by is looked for.
const BESIDE: usize = 50;
/// Containers that have an index of the kind that may be missing.
const OF_ITS_KIND: [&str; 4] = ["MP4", "QuickTime", "3GP", "M4A"];

/// A recording without an index.
pub(super) struct Unindexed {
    pub id: RecordingId,
    pub bytes: u64,
    /// One of the same recorder that has one.
    pub reference: Option<RecordingId>,
}

impl Unindexed {
    /// How a worker is to read it.
    pub(super) fn job(&self, store: &Store, launch: &Launch) -> SalvageJob {
        let after = |id| {
            let record = store.record(id).ok().flatten()?;
            let whole = store.vault().open_object(&record.digest).ok()?;
            SalvageJob::after(launch, &whole)
        };
        self.reference.and_then(after).unwrap_or_default()
    }
}

/// Those of tonight, and those of earlier nights of whose recorder a whole recording came since.
pub(super) fn unindexed(store: &Store, items: &[Item]) -> Result<Vec<Unindexed>, StoreError> {
    let mut all = Vec::new();
    let of_tonight = items.iter().filter(|item| {
        let mut kinds = item.findings.iter().map(|f| f.kind);
        item.outcome == Outcome::Waiting && kinds.any(|kind| kind == FindingKind::NoIndex)
    });
    for id in of_tonight.filter_map(|item| item.id) {
        if let Some(record) = store.record(id)? {
            all.push(Unindexed {
                id,
                bytes: record.bytes,
                reference: reference(store, &record)?.map(|r| r.id),
            });
        }
    }
    let filter = Filter {
        finding: Some(FindingKind::NoIndex),
        state: Some(State::Kept),
        ..Filter::default()
    };
    let mut after = None;
    loop {
        let page = Page {
            after,
            limit: PAGE,
            direction: Direction::Forward,
        };
        let found = store.list(&filter, &page)?;
        for record in &found.records {
            let newer = reference(store, record)?.filter(|r| r.changed_at > record.changed_at);
            all.extend(newer.map(|newer| Unindexed {
                id: record.id,
                bytes: record.bytes,
                reference: Some(newer.id),
            }));
        }
        match found.next {
            Some(next) => after = Some(next),
            None => return Ok(all),
        }
    }
}

/// The recording of the same recorder that is nearest in time, of those that have an index.
fn reference(store: &Store, record: &Record) -> Result<Option<Record>, StoreError> {
    let Some(device) = &record.attribution.device else {
        return Ok(None);
    };
    let at = record.time();
    let mut beside = Vec::new();
    for (from, to, direction) in [
        (None, Some(at), Direction::Backward),
        (Some(at), None, Direction::Forward),
    ] {
        let filter = Filter {
            device: Some(device.value.clone()),
            from,
            to,
            ..Filter::default()
        };
        let page = Page {
            after: None,
            limit: BESIDE,
            direction,
        };
        beside.extend(store.list(&filter, &page)?.records);
    }
    let apart = |time: Moment| time.ms_since(at).abs();
    let whole = beside
        .into_iter()
        .filter(|r| r.id != record.id && is_whole(r));
    Ok(whole.min_by_key(|r| apart(r.time())))
}

/// Whether an index can be made after it.
fn is_whole(record: &Record) -> bool {
    record.state.is_there()
        && record.media.as_ref().is_some_and(|media| {
            let made = media.salvage.as_ref().map(|s| s.method);
            OF_ITS_KIND.contains(&media.container.as_str())
                && media.presented_ms > 0
                && !matches!(
                    made,
                    Some(SalvageMethod::Reference | SalvageMethod::OwnSets)
                )
        })
}
