//! What to do about recordings without an index: another recording of the same recorder tells how to make
//! one. So they wait until everything else of the night was looked at, and where none was there they are tried
//! once more when the first comes.

use super::{Item, Outcome};
use crate::{
    base::RecordingId,
    index::{Direction, Filter, Page},
    media::{salvage::SalvageJob, worker::Launch},
    recording::{FindingKind, Record, SalvageMethod, State},
    store::{Store, StoreError},
};

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
    /// To be made after the one of these that is nearest in time.
    fn of(record: &Record, whole: &[Record]) -> Self {
        let apart = |r: &&Record| r.time().ms_since(record.time()).abs();
        Self {
            id: record.id,
            bytes: record.bytes,
            reference: whole.iter().min_by_key(apart).map(|r| r.id),
        }
    }

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

/// Those of tonight, and those of earlier nights of whose recorder the first whole recording came since.
pub(super) fn unindexed(store: &Store, items: &[Item]) -> Result<Vec<Unindexed>, StoreError> {
    let mut all = Vec::new();
    let of_tonight = items.iter().filter(|item| {
        let mut kinds = item.findings.iter().map(|f| f.kind);
        item.outcome == Outcome::Waiting && kinds.any(|kind| kind == FindingKind::NoIndex)
    });
    for id in of_tonight.filter_map(|item| item.id) {
        if let Some(record) = store.record(id)? {
            let whole = whole_ones(store, &record)?;
            all.push(Unindexed::of(&record, &whole));
        }
    }
    let filter = Filter {
        finding: Some(FindingKind::NoIndex),
        state: Some(State::Kept),
        ..Filter::default()
    };
    for record in store.list_all(&filter)? {
        let whole = whole_ones(store, &record)?;
        // Where one was there before, it was tried, and another would tell the same.
        let first = whole.iter().all(|r| r.changed_at > record.changed_at);
        if first && !whole.is_empty() {
            all.push(Unindexed::of(&record, &whole));
        }
    }
    Ok(all)
}

/// Recordings of the same recorder that have an index, of those that are next to it in time.
fn whole_ones(store: &Store, record: &Record) -> Result<Vec<Record>, StoreError> {
    let Some(device) = &record.attribution.device else {
        return Ok(Vec::new());
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
    beside.retain(|r| r.id != record.id && is_whole(r));
    Ok(beside)
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
