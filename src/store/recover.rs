//! What opening completes. The index is ahead of ledger file and sidecars by at most the last
//! group of a process that was killed; what it committed is written out again from its rows.

use std::collections::BTreeMap;

use super::{StoreError, rows};
use crate::{
    base::RecordingId,
    event::{Event, line},
    index::{Column, Index, keys},
    ledger::Ledger,
    proof::Checkpoint,
    recording::Rendition,
    vault::Vault,
};

/// What opening found to complete. All zeros after an orderly end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Lines written to the ledger file.
    pub ledger_lines: u64,
    /// Lines written to sidecars.
    pub sidecar_lines: u64,
    /// Half-copied files removed from staging.
    pub staging_files: u64,
}

impl Recovered {
    /// A sentence, or nothing when there was nothing to do.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        (*self != Self::default()).then(|| {
            format!(
                "the last run was cut off; completed {} ledger lines and {} sidecar lines, swept {} half-written files",
                self.ledger_lines, self.sidecar_lines, self.staging_files
            )
        })
    }
}

pub(super) fn recover(
    vault: &Vault,
    index: &Index,
    ledger: &mut Ledger,
) -> Result<Recovered, StoreError> {
    let mut done = Recovered::default();
    let head = rows::head(index)?;
    ledger.cut_torn_line()?;
    if ledger.len() > head.next {
        return Err(StoreError::IndexBehind {
            ledger: ledger.len(),
            index: head.next,
        });
    }
    // Somebody who puts an older checkpoint in the place of the newest wants a shorter history.
    let published = rows::published(index)?;
    let signed = ledger
        .checkpoint()?
        .map(|note| Checkpoint::parse(note.text()));
    let signed = signed.transpose()?.map_or(0, |checkpoint| checkpoint.size);
    if signed < published {
        return Err(StoreError::CheckpointBehind { signed, published });
    }
    let complete = rows::complete(index)?;
    // A power cut may leave, behind the last sync, whole events that are not those of then. What
    // was synced is compared by its last event, which is chained to all before it.
    let doubtful = complete.max(ledger.tail_start()).min(ledger.len());
    let first = doubtful.saturating_sub(1);
    let mut differs = None;
    for line in ledger.read(first, u64::MAX)? {
        let (n, line) = line?;
        if line != event_line(index, n)? {
            differs = Some(n);
            break;
        }
    }
    match differs {
        Some(n) if n >= doubtful => ledger.cut_back(n)?,
        Some(n) => return Err(StoreError::Disagree { n }),
        None => {}
    }
    while ledger.len() < head.next {
        let line = event_line(index, ledger.len())?;
        ledger.append(&[&line])?;
        done.ledger_lines += 1;
    }
    if complete < head.next {
        done.sidecar_lines = complete_sidecars(vault, index, complete, head.next)?;
    }
    for unsettled in vault.unsettled()? {
        let record = index.record(unsettled.id)?;
        let stands = |r: &Rendition| r.digest == unsettled.digest;
        if !record.is_some_and(|record| record.renditions.iter().any(stands)) {
            vault.withdraw_unsettled(&unsettled)?;
        }
    }
    done.staging_files = vault.sweep_staging()?.len() as u64;
    Ok(done)
}

fn complete_sidecars(vault: &Vault, index: &Index, from: u64, to: u64) -> Result<u64, StoreError> {
    let mut lives: BTreeMap<RecordingId, Vec<Vec<u8>>> = BTreeMap::new();
    for n in from..to {
        let line = event_line(index, n)?;
        if let Some(id) = Event::from_line(n, &line)?.what.recording() {
            lives.entry(id).or_default().push(line);
        }
    }
    let mut written = 0;
    for (id, life) in lives {
        let Some(record) = index.record(id)? else {
            return Err(StoreError::Rows(format!(
                "recording {id} has events and no row"
            )));
        };
        let lines: Vec<&[u8]> = life.iter().map(Vec::as_slice).collect();
        let first = record.events.saturating_sub(lines.len() as u64);
        written += vault.append_sidecar_lines(&record.digest, first, &lines)?;
    }
    Ok(written)
}

/// The event's line as it was committed, its place and chain checked against the one before.
fn event_line(index: &Index, n: u64) -> Result<Vec<u8>, StoreError> {
    let read = |n: u64| index.get(Column::Events, &keys::number(n));
    let line = read(n)?.ok_or_else(|| StoreError::Rows(format!("event {n} is missing")))?;
    if let Some(before) = n.checked_sub(1) {
        let before =
            read(before)?.ok_or_else(|| StoreError::Rows(format!("event {before} is missing")))?;
        if Event::from_line(n, &line)?.prev != line::line_digest(&before) {
            return Err(StoreError::Disagree { n });
        }
    }
    Ok(line)
}
