//! What did not come: numbers of a recorder's row of files between two that are there, time between pieces
//! that ought to touch, and what was kept from before the button was pressed.
//!
//! Reckoned anew every night out of what is in the store, for the recorders of which something came: a
//! file that comes late closes its hole, and nothing has to be taken back. It is told by the night alone.

use std::collections::{BTreeMap, BTreeSet};

use super::{Item, Outcome, attribute::Attributing, night::NightSettings};
use crate::{
    base::{Moment, RecordingId, text::duration_human},
    index::Filter,
    recording::{
        Attribution, Finding, FindingKind, Kind, Record, Source, Span,
        neighbours::{Parted, Piece, parted, without_pre_record},
        sequence::{Hole, Numbered, holes},
        unlike::{Made, unlike},
    },
    store::{Store, StoreError},
};

/// How far back a recorder's row is looked at, before the first of its files of the night.
const DAYS: i64 = 14;

/// How the recordings of one recorder are held against one another.
#[derive(Clone, Copy, Debug)]
pub struct RowSettings {
    /// Milliseconds that pieces may be apart.
    pub apart_ms: i64,
    /// Milliseconds of picture without sound that recorders keep from before; 0 where they do not.
    pub pre_record_ms: i64,
    /// Level of silence, in decibels of full scale.
    pub silent_below_dbfs: f64,
}

/// Tells of each hole on the file beside it, or where that came earlier on another of its recorder; of
/// neighbours, on the later of the two that came this night. To be called when the night took in all
/// that it could: what still lies in the inbox has not failed to come.
pub(super) fn tell(
    store: &Store,
    settings: &NightSettings,
    items: &mut [Item],
) -> Result<(), StoreError> {
    let (attributing, rules) = (&settings.attributing, settings.row);
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
        let all = store.list_all(&Filter {
            device: Some(device.clone()),
            from: Some(first.plus_ms(-DAYS * day)),
            to: Some(last.plus_ms(day)),
            ..Filter::default()
        })?;
        let pieces: Vec<Piece> = all.iter().filter_map(|r| piece(r, rules)).collect();
        if rules.pre_record_ms > 0 {
            let lacking = without_pre_record(pieces.clone(), rules.apart_ms, rules.pre_record_ms);
            for piece in lacking {
                let finding = || no_pre_record(&piece, rules.pre_record_ms);
                add(items, &[piece.id], finding);
            }
        }
        for two in parted(pieces, rules.apart_ms) {
            add(items, &[two.before.id, two.after.id], || {
                apart(&device, &two)
            });
        }
        let made: Vec<Made> = all.iter().filter_map(made).collect();
        if let Some((others, usual, alike)) = unlike(&made) {
            for other in others {
                let finding = || written_anew(&device, other, usual, alike);
                add(items, &[other.id], finding);
            }
        }
        let row = all.iter().filter_map(numbered).collect();
        for hole in holes(row, waiting.get(&device).unwrap_or(&none)) {
            // A file that waited in the inbox and was taken away there has neighbours of an earlier night.
            let beside = [hole.before.id, hole.after.id]
                .into_iter()
                .find_map(|id| items.iter().position(|item| item.id == Some(id)));
            let of_device =
                |item: &Item| item.id.is_some() && item.device.as_ref() == Some(&device);
            let at = beside.or_else(|| items.iter().position(of_device));
            if let Some(id) = at.and_then(|n| items.get(n)).and_then(|item| item.id) {
                add(items, &[id], || finding(&device, &hole));
            }
        }
    }
    Ok(())
}

/// Adds a finding to the first of these recordings that is one of the night's.
fn add(items: &mut [Item], ids: &[RecordingId], finding: impl FnOnce() -> Finding) {
    let place = |id: &RecordingId| items.iter().position(|item| item.id == Some(*id));
    if let Some(item) = ids.iter().find_map(place).and_then(|n| items.get_mut(n)) {
        item.findings.push(finding());
        item.findings.sort_by_key(|f| std::cmp::Reverse(f.severity));
    }
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

fn apart(device: &str, two: &Parted) -> Finding {
    let Parted {
        after,
        before,
        gap_ms,
    } = two;
    let length = duration_human(gap_ms.saturating_abs());
    if *gap_ms < 0 {
        let text = format!(
            "{} begins {length} before {} ends, and recorder {device} cannot write both: its clock was set \
             back, or one of them is not its own.",
            before.id, after.id
        );
        return Finding::new(FindingKind::SequenceOverlap, text);
    }
    let text = format!(
        "{length} between {} and {} are not there: the first is as long as the pieces into which recorder \
         {device} cuts its recordings, which follow one another without a gap.",
        after.id, before.id
    );
    Finding::new(FindingKind::SequenceGap, text)
}

fn written_anew(device: &str, other: &Made, usual: &str, alike: usize) -> Finding {
    let text = format!(
        "It is {}, and {alike} others of recorder {device} are {usual}: another program may have written it \
         anew.",
        other.how
    );
    Finding::new(FindingKind::RecordingUnlike, text)
}

fn no_pre_record(piece: &Piece, pre_record_ms: i64) -> Finding {
    let from_ms = piece.sound_from_ms.unwrap_or(0);
    let text = format!(
        "There is sound from {} on, where the {} before the button was pressed should be, without sound.",
        duration_human(from_ms),
        duration_human(pre_record_ms)
    );
    let place = Span {
        begin_ms: 0,
        end_ms: from_ms,
    };
    Finding::new(FindingKind::PreRecordMissing, text).at(place)
}

/// How a recording was made, where a recorder made it to its end.
fn made(record: &Record) -> Option<Made> {
    let media = record.media.as_ref()?;
    (record.kind == Kind::Video && media.presented_ms > 0).then(|| Made {
        id: record.id,
        how: media.make(),
    })
}

/// A recording with its time, where it is known.
fn piece(record: &Record, rules: RowSettings) -> Option<Piece> {
    let start = record.attribution.started_at.as_ref()?;
    let length_ms = record.media.as_ref()?.presented_ms;
    let line = record.timeline.as_ref();
    (start.source != Source::FileTime && length_ms > 0).then_some(Piece {
        start: start.value,
        length_ms,
        number: record.attribution.sequence.as_ref().map(|n| n.value),
        sound_from_ms: line.and_then(|l| l.sound_from_ms(rules.silent_below_dbfs)),
        id: record.id,
    })
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
