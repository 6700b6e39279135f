//! What is asked of the ledger. Reading goes to its files, which anybody may do beside the writer;
//! signing goes through the store.

use jiff::tz::TimeZone;

use super::{
    Answer, Failure,
    command::LedgerAsk,
    execute::{recording, usage},
};
use crate::{
    base::RecordingId,
    event::Event,
    ledger::{Ledger, LedgerError},
    proof::{Checkpoint, CosignRequest, Note, NoteSignature, ProofError, Verifier},
    store::{Store, StoreError},
};

/// Bytes of event lines in one answer: a page for a person, and within what a client takes.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

pub(super) fn answer(
    store: &Store,
    by: u32,
    zone: &TimeZone,
    ask: LedgerAsk,
) -> Result<Answer, Failure> {
    let vkey = store.log().to_string();
    match ask {
        LedgerAsk::Show {
            recording,
            from,
            limit,
        } => show(store, zone, recording.as_deref(), from, limit),
        LedgerAsk::Prove { what } => prove(store, &what),
        LedgerAsk::Consistency { old } => consistency(store, old),
        LedgerAsk::Checkpoint => {
            store.publish()?;
            let note = published(&open(store)?)?.to_string();
            Ok(Answer::Checkpoint { note, vkey })
        }
        LedgerAsk::Cosigned { witness, line } => {
            let witness: Verifier = witness.parse().map_err(StoreError::from)?;
            let line = NoteSignature::parse(line.trim_end()).map_err(StoreError::from)?;
            let cosigned = store.cosigned(by, &line, &witness)?;
            let mut said = vec![format!("The cosignature by {} is kept.", witness.name())];
            said.push(match cosigned.vouched {
                Some(at) => format!("It vouches for the time {at}."),
                None => {
                    "The policy does not name this witness, so that it does not vouch for the time."
                        .into()
                }
            });
            let note = cosigned.note.to_string();
            Ok(Answer::Cosigned { note, said })
        }
    }
}

fn open(store: &Store) -> Result<Ledger, StoreError> {
    Ok(Ledger::open(&store.root().join("ledger"))?)
}

/// The checkpoint, which every store has from its first event on.
fn published(ledger: &Ledger) -> Result<Note, StoreError> {
    let note = ledger.checkpoint()?;
    Ok(note.ok_or(ProofError::Unsigned)?)
}

fn show(
    store: &Store,
    zone: &TimeZone,
    id: Option<&str>,
    from: u64,
    limit: u32,
) -> Result<Answer, Failure> {
    let ledger = open(store)?;
    let mut lines = Vec::new();
    let mut bytes = 0;
    let mut take = |n: u64, line: Vec<u8>| {
        bytes += line.len();
        lines.push((n, String::from_utf8_lossy(&line).into_owned()));
        bytes < ANSWER_BYTES_MAX && lines.len() < limit as usize
    };
    match id {
        Some(id) => {
            let record = recording(store, id)?;
            for line in store
                .vault()
                .sidecar_lines(&record.digest)
                .map_err(StoreError::from)?
            {
                let n = number(&line).ok_or_else(|| unreadable(record.id))?;
                if n >= from && !take(n, line) {
                    break;
                }
            }
        }
        None => {
            for line in ledger
                .read(from.min(ledger.len()), u64::MAX)
                .map_err(StoreError::from)?
            {
                let (n, line) = line.map_err(StoreError::from)?;
                if !take(n, line) {
                    break;
                }
            }
        }
    }
    Ok(Answer::Events {
        lines,
        len: ledger.len(),
        time_zone: zone.iana_name().unwrap_or("UTC").to_owned(),
    })
}

/// The place that a line says it has.
fn number(line: &[u8]) -> Option<u64> {
    let value: serde_json::Value = serde_json::from_slice(line).ok()?;
    value.get("n")?.as_u64()
}

fn unreadable(id: RecordingId) -> StoreError {
    StoreError::Rows(format!("the sidecar of recording {id} cannot be read"))
}

fn prove(store: &Store, what: &str) -> Result<Answer, Failure> {
    let event = match what.parse::<u64>() {
        Ok(n) => n,
        Err(_) => {
            let record = recording(store, what)?;
            let life = store
                .vault()
                .sidecar_lines(&record.digest)
                .map_err(StoreError::from)?;
            life.first()
                .and_then(|line| number(line))
                .ok_or_else(|| unreadable(record.id))?
        }
    };
    // What is not under a checkpoint yet gets one: a proof leads to nothing else.
    let checkpoint = store.publish()?;
    if event >= checkpoint.size {
        return Err(usage(format!(
            "there is no event {event}; the ledger has {}, counted from 0",
            checkpoint.size
        )));
    }
    let (line, proof) = store.prove(event)?;
    Event::from_line(event, &line).map_err(StoreError::from)?;
    Ok(Answer::Proof {
        event,
        line: String::from_utf8_lossy(&line).into_owned(),
        proof: proof.to_string(),
        vkey: store.log().to_string(),
    })
}

fn consistency(store: &Store, old: u64) -> Result<Answer, Failure> {
    store.publish()?;
    let ledger = open(store)?;
    let note = published(&ledger)?;
    let size = Checkpoint::parse(note.text())
        .map_err(StoreError::from)?
        .size;
    let consistency = ledger.consistency(old, size).map_err(|e| match e {
        LedgerError::Beyond { .. } => usage(format!("the ledger has {size} events, not {old}")),
        e => StoreError::from(e).into(),
    })?;
    let request = CosignRequest {
        consistency,
        checkpoint: note,
    };
    Ok(Answer::CosignRequest {
        request: request.to_string(),
        vkey: store.log().to_string(),
    })
}
