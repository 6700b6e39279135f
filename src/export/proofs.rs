//! What a stranger needs to believe a package: request and approval as they were signed, the keys
//! that counted then, the events that say so with their proofs, each recording's own life, and the
//! script that checks it all.

use std::path::{Path, PathBuf};

use super::{Bag, ExportError, io_of};
use crate::{
    base::{Digest, durable, killpoint::around},
    custody::{access::Decision, verify_statement},
    event::{Event, What},
    recording::Record,
    store::{Spent, Store, StoreError},
};

/// The script, so that the package can be checked where nobody has heard of recvault.
const SCRIPT: &[u8] = include_bytes!("../../docs/verify.py");

/// What lies beside a package.
const BESIDE_MODE: u32 = 0o644;

/// Adds a file to `proof/`.
type Tagging<'a> = dyn FnMut(&str, &[u8]) -> Result<(), ExportError> + 'a;

/// Adds `proof/` to the bag.
pub(super) fn add(
    store: &Store,
    spent: &Spent,
    records: &[Record],
    bag: &mut Bag,
) -> Result<(), ExportError> {
    // The proofs lead to a checkpoint, which has to cover what they prove.
    store.publish()?;
    let mut tag = |name: &str, bytes: &[u8]| {
        let name = format!("proof/{name}");
        bag.add_tag(&name, bytes).map_err(io_of(&name))
    };
    let access = &spent.access;
    tag("request.txt", access.request.text().as_bytes())?;
    tag("log.vkey", format!("{}\n", store.log()).as_bytes())?;
    tag("verify.py", SCRIPT)?;
    proven(store, "request", access.event, &mut tag)?;
    for decision in &access.decisions {
        let Decision::Approved { statement, .. } = decision else {
            continue;
        };
        let Some(n) = store.accepted(*statement)? else {
            continue;
        };
        proven(store, "approval", n, &mut tag)?;
        // The keys as they were when the approval was given.
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
        tag("roster.txt", roster.text().as_bytes())?;
        tag("allowed_signers", roster.allowed_signers().as_bytes())?;
    }
    for record in records {
        let lines = store.vault().sidecar_lines(&record.digest);
        let lines = lines.map_err(StoreError::from)?;
        let mut life = Vec::new();
        for line in &lines {
            life.extend_from_slice(line);
            life.push(b'\n');
        }
        tag(&format!("{}.life.jsonl", record.id), &life)?;
        // The first event of its life is its admission, which holds digest and chunk root.
        let first: Option<serde_json::Value> =
            lines.first().and_then(|l| serde_json::from_slice(l).ok());
        if let Some(n) = first.and_then(|v| v["n"].as_u64()) {
            proven(store, &record.id.to_string(), n, &mut tag)?;
        }
    }
    Ok(())
}

/// Adds `NAME.event` and `NAME.proof` of event `n`.
fn proven(store: &Store, name: &str, n: u64, tag: &mut Tagging<'_>) -> Result<(), ExportError> {
    let (line, proof) = store.prove(n)?;
    tag(&format!("{name}.event"), &line)?;
    tag(&format!("{name}.proof"), proof.to_string().as_bytes())
}

/// Lays the outcome and its proof beside the package: `NAME.event`, `NAME.proof`.
pub(super) fn lay_beside(
    store: &Store,
    request: &Digest,
    number: u32,
    place: &Path,
) -> Result<(), ExportError> {
    let Some(n) = store.use_ended(*request, number)? else {
        let text = "the ledger has no outcome of the package".to_owned();
        return Err(StoreError::Rows(text).into());
    };
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
    write("proof", proof.to_string().as_bytes())
}

/// Whether outcome and proof lie beside the package.
pub(super) fn are_beside(place: &Path) -> bool {
    beside(place, "proof").exists()
}

/// A file beside a package, by its ending.
pub(super) fn beside(place: &Path, ending: &str) -> PathBuf {
    let mut name = place.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    place.with_file_name(name)
}
