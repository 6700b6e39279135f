//! What a stranger needs to believe a package: request and approval as they were signed, the keys
//! that counted then, the events that say so with their proofs, each recording's own life, and the
//! script that checks it all.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use super::{Bag, ExportError, io_of, roster};
use crate::{
    base::{Digest, durable, killpoint::around},
    custody::{
        access::{Access, Decision, Use},
        verify_statement,
    },
    event::{Event, What},
    proof::ProofFile,
    recording::Record,
    store::{Prover, Spent, Store, StoreError},
};

/// The script, so that the package can be checked where nobody has heard of recvault.
const SCRIPT: &[u8] = include_bytes!("../../docs/verify.py");

/// What lies beside a package.
const BESIDE_MODE: u32 = 0o644;

/// And a folder there.
const BESIDE_DIR_MODE: u32 = 0o755;

/// The outcome's name among the proofs that a witness has seen.
pub(super) const OUTCOME: &str = "outcome";

/// The events that a package proves, by the names of their files.
fn events(
    store: &Store,
    access: &Access,
    recordings: impl Iterator<Item = Digest>,
) -> Result<Vec<(String, u64)>, ExportError> {
    let mut events = vec![("request".to_owned(), access.event)];
    if let Some(approved) = approved_at(store, access)? {
        events.push(("approval".to_owned(), approved));
        for (at, n) in roster::changes(store, approved)?.into_iter().enumerate() {
            events.push((roster::name(at), n));
        }
    }
    for digest in recordings {
        // The first event of its life is its admission, which holds digest and chunk root.
        let lines = store.vault().sidecar_lines(&digest);
        let lines = lines.map_err(StoreError::from)?;
        let first: Option<serde_json::Value> =
            lines.first().and_then(|l| serde_json::from_slice(l).ok());
        if let Some(n) = first.and_then(|v| v["n"].as_u64()) {
            events.push((digest.id().to_string(), n));
        }
    }
    Ok(events)
}

/// The event by which the request was approved.
fn approved_at(store: &Store, access: &Access) -> Result<Option<u64>, ExportError> {
    let approved = access.decisions.iter().find_map(|decision| match decision {
        Decision::Approved { statement, .. } => Some(*statement),
        _ => None,
    });
    match approved {
        Some(statement) => Ok(store.accepted(statement)?),
        None => Ok(None),
    }
}

/// Adds `proof/` to the bag.
pub(super) fn add(
    store: &Store,
    spent: &Spent,
    records: &[Record],
    bag: &mut Bag,
) -> Result<(), ExportError> {
    // The proofs lead to a checkpoint, which has to cover what they prove.
    store.publish()?;
    let prover = store.prover()?;
    let mut tag = |name: &str, bytes: &[u8]| {
        let name = format!("proof/{name}");
        bag.add_tag(&name, bytes).map_err(io_of(&name))
    };
    let access = &spent.access;
    tag("request.txt", access.request.text().as_bytes())?;
    tag("log.vkey", format!("{}\n", store.log()).as_bytes())?;
    tag("verify.py", SCRIPT)?;
    let recordings = records.iter().map(|record| record.digest);
    for (name, n) in events(store, access, recordings)? {
        let (line, proof) = prover.prove(n)?;
        tag(&format!("{name}.event"), &line)?;
        tag(&format!("{name}.proof"), proof.to_string().as_bytes())?;
    }
    if let Some(n) = approved_at(store, access)? {
        // The keys as they were when the approval was given, and how they came to be so.
        let rules = store.rules()?;
        let roster = rules.rosters.at(n);
        if let Some(Event {
            what:
                What::StatementAccepted {
                    statement,
                    signatures,
                    ..
                },
            ..
        }) = store.event(n)?
        {
            tag("approval.txt", statement.text().as_bytes())?;
            for signature in &signatures {
                // One by a key that no longer counted then helps nobody.
                if let Ok(signer) = verify_statement(&statement, signature, roster) {
                    let name = format!("approval-{}.sig", signer.person());
                    tag(&name, signature.as_bytes())?;
                }
            }
        }
        tag("genesis.txt", rules.rosters.at(0).text().as_bytes())?;
        tag("roster.txt", roster.text().as_bytes())?;
        tag("allowed_signers", roster.allowed_signers().as_bytes())?;
    }
    for record in records {
        let lines = store.vault().sidecar_lines(&record.digest);
        let lines = lines.map_err(StoreError::from)?;
        let mut life = lines.join(&b'\n');
        life.push(b'\n');
        tag(&format!("{}.life.jsonl", record.id), &life)?;
    }
    Ok(())
}

/// Lays the outcome and its proof beside the package: `NAME.event`, `NAME.proof`. Where a witness
/// has cosigned the log as it was after the outcome, a folder `NAME.witnessed` has every proof of
/// the package anew, each leading to what the witness has signed. Gives back whether one has.
pub(super) fn lay_beside(
    store: &Store,
    access: &Access,
    number: u32,
    place: &Path,
) -> Result<bool, ExportError> {
    let Some(n) = store.use_ended(access.digest, number)? else {
        let text = "the ledger has no outcome of the package".to_owned();
        return Err(StoreError::Rows(text).into());
    };
    if let Some(prover) = witnessed(store, n)? {
        lay_witnessed(store, access, n, &prover, place)?;
    }
    if are_beside(place) {
        return Ok(is_witnessed(place));
    }
    store.publish()?;
    let (line, proof) = store.prove(n)?;
    let write = |ending: &str, bytes: &[u8]| {
        let path = beside(place, ending);
        around("export.beside", || {
            durable::replace(&path, BESIDE_MODE, bytes)
        })
        .map_err(io_of(format!("the {ending}")))
    };
    write("event", &line)?;
    // The proof last: it is what tells that the package is complete.
    write("proof", proof.to_string().as_bytes())?;
    Ok(is_witnessed(place))
}

/// Proofs under what a witness has cosigned, if that covers event `n`.
fn witnessed(store: &Store, n: u64) -> Result<Option<Prover>, ExportError> {
    Ok(store.witnessed_prover()?.filter(|prover| prover.covers(n)))
}

/// A folder of proofs; under its name it is whole.
fn lay_witnessed(
    store: &Store,
    access: &Access,
    outcome: u64,
    prover: &Prover,
    place: &Path,
) -> Result<(), ExportError> {
    let folder = beside(place, "witnessed");
    if folder.exists() {
        return Ok(());
    }
    let hidden = beside(place, "witnessed.part");
    let recordings = access.request.ask.recordings.iter().map(|w| w.digest);
    let mut events = events(store, access, recordings)?;
    events.push((OUTCOME.to_owned(), outcome));
    let proofs = events.into_iter().map(|(name, n)| {
        let (_, proof) = prover.prove(n)?;
        Ok((name, proof))
    });
    let proofs = proofs.collect::<Result<Vec<(String, ProofFile)>, ExportError>>()?;
    let lay = || -> io::Result<()> {
        super::clear(&hidden)?;
        DirBuilder::new().mode(BESIDE_DIR_MODE).create(&hidden)?;
        for (name, proof) in &proofs {
            let path = hidden.join(format!("{name}.proof"));
            durable::create_new(&path, BESIDE_MODE, proof.to_string().as_bytes())?;
        }
        durable::sync_dir(&hidden)?;
        fs::rename(&hidden, &folder)?;
        durable::sync_dir(place.parent().unwrap_or(place))
    };
    around("export.witnessed", lay).map_err(io_of("what the witness has seen"))
}

/// Whether all that can lie beside the package lies there: outcome, proof, and what a witness has
/// seen once one has.
pub(super) fn are_all_beside(
    store: &Store,
    spent: &Use,
    place: &Path,
) -> Result<bool, ExportError> {
    if !are_beside(place) || is_witnessed(place) {
        return Ok(are_beside(place));
    }
    match spent.ended_event {
        Some(n) => Ok(witnessed(store, n)?.is_none()),
        None => Ok(true),
    }
}

/// Whether outcome and proof lie beside the package.
fn are_beside(place: &Path) -> bool {
    beside(place, "proof").exists()
}

fn is_witnessed(place: &Path) -> bool {
    beside(place, "witnessed").exists()
}

/// A file beside a package, by its ending.
pub(super) fn beside(place: &Path, ending: &str) -> PathBuf {
    let mut name = place.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    place.with_file_name(name)
}
