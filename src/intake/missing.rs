//! What did not come: numbers of a recorder's row of files between two that are there.
//!
//! Reckoned anew every night out of what is in the store, for the recorders of which something came: a
//! file that comes late closes its hole, and nothing has to be taken back. It is told by the night alone.

use std::collections::{BTreeMap, BTreeSet};

use super::{Item, Outcome, attribute::Attributing};
use crate::{
    base::Moment,
    index::Filter,
    recording::{
        Attribution, Finding, FindingKind, Record, Source,
        sequence::{Hole, Numbered, holes},
    },
    store::{Store, StoreError},
};

/// How far back a recorder's row is looked at, before the first of its files of the night.
const DAYS: i64 = 14;

/// Tells of each hole on the file beside it, or where that came earlier on another of its recorder. To be called when the night took in
/// all that it could: what still lies in the inbox has not failed to come.
pub(super) fn tell(
    store: &Store,
    attributing: &Attributing,
    items: &mut [Item],
) -> Result<(), StoreError> {
    let waiting = waiting(attributing, items);
    let none = BTreeSet::new();
    let mut spans: BTreeMap<String, (Moment, Moment)> = BTreeMap::new();
    for item in items.iter() {
        if let (Some(device), Some(at)) = (&item.device, item.started_at) {
            let span = spans.entry(device.clone()).or_insert((at, at));
            *span = (span.0.min(at), span.1.max(at));
        }
    }
    for (device, (first, last)) in spans {
        let day = 24 * 3_600_000;
        let row = row_of(
            store,
            &device,
            first.plus_ms(-DAYS * day),
            last.plus_ms(day),
        )?;
        for hole in holes(row, waiting.get(&device).unwrap_or(&none)) {
            // A file that waited in the inbox and was taken away there has neighbours of an earlier night.
            let beside = [hole.before.id, hole.after.id]
                .into_iter()
                .find_map(|id| items.iter().position(|item| item.id == Some(id)));
            let of_device =
                |item: &Item| item.id.is_some() && item.device.as_ref() == Some(&device);
            let at = beside.or_else(|| items.iter().position(of_device));
            if let Some(item) = at.and_then(|n| items.get_mut(n)) {
                item.findings.push(finding(&device, &hole));
                item.findings.sort_by_key(|f| std::cmp::Reverse(f.severity));
            }
        }
    }
    Ok(())
}

/// The numbers that names of files say which were left for the next night, by recorder.
fn waiting(attributing: &Attributing, items: &[Item]) -> BTreeMap<String, BTreeSet<u64>> {
    let mut all: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for item in items.iter().filter(|i| i.outcome == Outcome::LeftInInbox) {
        let claims = attributing
            .grammar
            .read(item.name.as_bytes(), &attributing.zone);
        let (said, _) = Attribution::weigh(&claims.claims);
        if let (Some(device), Some(number)) = (said.device, said.sequence) {
            all.entry(device.value).or_default().insert(number.value);
        }
    }
    all
}

fn finding(device: &str, hole: &Hole) -> Finding {
    let Hole {
        first,
        last,
        after,
        before,
    } = hole;
    let which = match last - first {
        0 => format!("File {first}"),
        _ => format!("Files {first} to {last}"),
    };
    let text = format!(
        "{which} of recorder {device} never came: {} is number {}, and {}, the next, is number {}.",
        after.id, after.number, before.id, before.number
    );
    Finding::new(FindingKind::SequenceHole, text)
}

/// The files of a recorder whose number and beginning are known.
fn row_of(
    store: &Store,
    device: &str,
    from: Moment,
    to: Moment,
) -> Result<Vec<Numbered>, StoreError> {
    let filter = Filter {
        device: Some(device.to_owned()),
        from: Some(from),
        to: Some(to),
        ..Filter::default()
    };
    let all = store.list_all(&filter)?;
    Ok(all.iter().filter_map(numbered).collect())
}

fn numbered(record: &Record) -> Option<Numbered> {
    let start = record.attribution.started_at.as_ref()?;
    let number = record.attribution.sequence.as_ref()?;
    (start.source != Source::FileTime).then_some(Numbered {
        start: start.value,
        number: number.value,
        id: record.id,
    })
}
