//! Whether everything still is what it was: ledger, index, sidecars, originals, renditions. Each
//! difference is told with what and where. Nothing is changed.

use std::collections::{HashMap, HashSet};

use super::{Store, StoreError, blobs, details::Details, rebuild::fold_ledger, rows};
use crate::{
    base::{Digest, RecordingId},
    event::{Event, Sealed},
    index::{Column, Direction, Index, KeyRange, Snapshot},
    ledger::{self, Ledger},
    recording::{Record, State},
    vault::{Fixity, Known, Part, Stray, VaultError},
};

/// Differences that are told one by one; after that they are only counted. A reader needs to
/// know what is wrong, not to read a million lines of it.
const TOLD_MAX: usize = 1_000;

/// How thorough a check is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Ledger, index, sidecars and which files there are.
    Quick,
    /// Also every byte of every original and rendition.
    Whole,
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Events in the ledger.
    pub events: u64,
    /// Recordings, those disposed of included.
    pub recordings: u64,
    /// Originals and renditions that were read to their ends.
    pub objects: u64,
    /// What is wrong, as sentences.
    pub wrong: Vec<String>,
    /// How much more is wrong than is told.
    pub more: u64,
}

impl Checked {
    fn tell(&mut self, what: String) {
        if self.wrong.len() < TOLD_MAX {
            self.wrong.push(what);
        } else {
            self.more += 1;
        }
    }
}

impl Store {
    /// Checks everything against the ledger. `progress` hears what is being looked at, and how
    /// many of it are done. Nothing may be admitted meanwhile; what people do is looked at up to
    /// the beginning.
    ///
    /// # Errors
    /// When looking fails; what is wrong is no error and stands in the answer.
    pub fn check(&self, depth: Depth, progress: &dyn Fn(&str, u64)) -> Result<Checked, StoreError> {
        // A mirror that is away would make everything on it look lost.
        let has_mirror = self.vault.has_mirror();
        if has_mirror {
            self.vault.check_mirror()?;
        }
        let mut checked = Checked::default();
        let dir = self.root.join("ledger");
        // 1. The ledger by itself.
        if let Err(e) = ledger::verify(&dir, &self.log, &|n| progress("events", n)) {
            checked.tell(e.to_string());
        }
        // 2. The index against what the ledger adds up to.
        let snapshot = self.index.snapshot();
        let head = rows::head(&self.index)?;
        let ledger = Ledger::open(&dir)?;
        checked.events = ledger.len().min(head.next);
        self.check_index(&snapshot, &ledger, checked.events, &mut checked)?;
        // 3. What is too large for events, and every recording: its sidecar, and its bytes.
        let (lives, named) = lives(&ledger, checked.events, &mut checked)?;
        for (n, blob) in named {
            if let Err(e) = blobs::get(&self.blobs(), &blob) {
                checked.tell(format!("ledger/blobs/{blob} of event {n}: {e}"));
            }
        }
        let records = records(&snapshot)?;
        for record in &records {
            checked.recordings += 1;
            progress("recordings", checked.recordings);
            self.check_sidecar(record, lives.get(&record.id), &mut checked);
            if depth == Depth::Whole && record.state.is_there() {
                self.check_bytes(record, &mut checked);
            }
        }
        let elsewhere = records.iter().filter(|r| r.mirrored && r.state.is_there());
        let elsewhere = elsewhere.count();
        if !has_mirror && elsewhere > 0 {
            checked.tell(format!(
                "{elsewhere} originals have a second copy on a mirror that recvault.toml does not name"
            ));
        }
        // 4. What lies there and nothing explains, and what is missing.
        self.check_names(&records, &mut checked)?;
        Ok(checked)
    }

    fn check_index(
        &self,
        snapshot: &Snapshot<'_>,
        ledger: &Ledger,
        len: u64,
        checked: &mut Checked,
    ) -> Result<(), StoreError> {
        let mut file =
            Details::open(&self.root.join("ledger/details.jsonl")).map_err(StoreError::Details)?;
        let details = file.read_all().map_err(StoreError::Details)?;
        let erased = file.erased().map_err(StoreError::Details)?;
        let lost = lost_details(ledger, &details, len)?;
        if lost.len() as u64 > erased {
            checked.tell(format!(
                "ledger/details.jsonl lacks {} details and {erased} were erased; the first is of event {}",
                lost.len(),
                lost.first().copied().unwrap_or_default()
            ));
        }
        let layout = |source| StoreError::Layout {
            path: self.root.clone(),
            source,
        };
        let dir = tempfile::Builder::new()
            .prefix("index.check-")
            .tempdir_in(&self.root)
            .map_err(layout)?;
        let again = Index::create(&dir.path().join("index"))?;
        if let Err(e) = fold_ledger(ledger, &details, &again, len) {
            checked.tell(format!("the ledger does not add up: {e}"));
            return Ok(());
        }
        for difference in snapshot.differences(&again.snapshot())? {
            checked.tell(format!(
                "index row {difference} is not what the ledger adds up to"
            ));
        }
        Ok(())
    }

    fn check_sidecar(&self, record: &Record, life: Option<&Vec<Vec<u8>>>, checked: &mut Checked) {
        let none = Vec::new();
        let life = life.unwrap_or(&none);
        match self.vault.sidecar(&record.digest) {
            Ok(held) => {
                let mut lines = held.split_inclusive(|b| *b == b'\n');
                let same = |line: &[u8], event: &Vec<u8>| line.strip_suffix(b"\n") == Some(event);
                let fits = life
                    .iter()
                    .position(|e| !lines.next().is_some_and(|l| same(l, e)));
                let first = fits.or_else(|| lines.next().map(|_| life.len()));
                if let Some(first) = first {
                    checked.tell(format!(
                        "sidecar of recording {}: line {} is not what the ledger says, which has {}",
                        record.id,
                        first + 1,
                        life.len()
                    ));
                }
            }
            Err(e) => checked.tell(format!("sidecar of recording {}: {e}", record.id)),
        }
        if record.mirrored
            && self.vault.has_mirror()
            && let Err(e) = self.vault.check_mirror_sidecar(&record.digest)
        {
            checked.tell(e.to_string());
        }
    }

    fn check_bytes(&self, record: &Record, checked: &mut Checked) {
        let mut look = |what: &str, fixity: Fixity, bytes: u64| {
            checked.objects += 1;
            match fixity {
                Fixity::Sound { bytes: found } if found == bytes => {}
                bad => checked.tell(format!(
                    "{what} of recording {}: {}",
                    record.id,
                    bad.words()
                )),
            }
        };
        match self.vault.copies(&record.digest) {
            Ok(copies) => {
                look("original", copies.original, record.bytes);
                if let Some(mirror) = copies.mirror.filter(|_| record.mirrored) {
                    look("mirror copy", mirror, record.bytes);
                }
            }
            Err(e) => look(
                "mirror copy",
                Fixity::Unreadable {
                    error: e.to_string(),
                },
                0,
            ),
        }
        for rendition in &record.renditions {
            let fixity = self
                .vault
                .verify_rendition(&rendition.digest, &rendition.extension);
            look("rendition", fixity, rendition.bytes);
        }
    }

    fn check_names(&self, records: &[Record], checked: &mut Checked) -> Result<(), StoreError> {
        let mut known: Vec<Known> = records
            .iter()
            .map(|record| Known {
                digest: record.digest,
                original: record.state.is_there(),
                mirrored: record.mirrored,
            })
            .collect();
        known.sort_by_key(|k| k.digest);
        let mut renditions: Vec<(Digest, String)> = records
            .iter()
            .flat_map(|r| &r.renditions)
            .map(|r| (r.digest, r.extension.clone()))
            .collect();
        renditions.sort();
        let known = known.into_iter().map(Ok::<_, VaultError>);
        let renditions = renditions.into_iter().map(Ok);
        // Between tombstone and end any of its copies may be there or not; the next run finishes it.
        let going: HashSet<Digest> = records
            .iter()
            .filter(|r| r.state == State::Disposing)
            .flat_map(|r| r.renditions.iter().map(|r| r.digest).chain([r.digest]))
            .collect();
        self.vault.orphans(known, renditions, |stray| {
            let (Stray::Orphan(thing) | Stray::Missing(thing)) = &stray;
            let object = thing.digest.filter(|_| thing.part == Part::Object);
            if !object.is_some_and(|digest| going.contains(&digest)) {
                checked.tell(stray.words());
            }
        })?;
        Ok(())
    }
}

/// The events of which a detail is not there, once for each.
fn lost_details(
    ledger: &Ledger,
    details: &HashMap<Sealed, Vec<u8>>,
    len: u64,
) -> Result<Vec<u64>, StoreError> {
    let mut lost = Vec::new();
    for line in ledger.read(0, len)? {
        // What cannot be read is told where the ledger is looked at by itself.
        let Ok((n, line)) = line else { break };
        if let Ok(event) = Event::from_line(n, &line) {
            let seals = event.what.seals();
            lost.extend(seals.iter().filter(|s| !details.contains_key(s)).map(|_| n));
        }
    }
    Ok(lost)
}

/// The lines of every recording's life, in order.
type Lives = HashMap<RecordingId, Vec<Vec<u8>>>;

/// The life of every recording, and the blobs that events name.
fn lives(
    ledger: &Ledger,
    len: u64,
    checked: &mut Checked,
) -> Result<(Lives, Vec<(u64, Digest)>), StoreError> {
    let (mut lives, mut blobs) = (Lives::new(), Vec::new());
    for line in ledger.read(0, len)? {
        let (n, line) = match line {
            Ok(line) => line,
            Err(e) => {
                checked.tell(e.to_string());
                break;
            }
        };
        match Event::from_line(n, &line) {
            Ok(event) => {
                blobs.extend(event.what.blob().map(|blob| (n, blob)));
                if let Some(id) = event.what.recording() {
                    lives.entry(id).or_default().push(line);
                }
            }
            Err(e) => checked.tell(e.to_string()),
        }
    }
    Ok((lives, blobs))
}

fn records(snapshot: &Snapshot<'_>) -> Result<Vec<Record>, StoreError> {
    let mut records = Vec::new();
    for row in snapshot.scan(Column::Records, &KeyRange::all(), Direction::Forward)? {
        let (_, json) = row?;
        // What cannot be read differs from what the ledger adds up to, and was told there.
        records.extend(serde_json::from_slice::<Record>(&json));
    }
    Ok(records)
}
