//! Deletion certificates: for every recording that is gone a file for people, the same as data,
//! and the proof that the ledger says so. They are made of the ledger alone, so that one that is
//! lost can be made again.
//!
//! ```text
//! certificates/<id>.txt     for people
//! certificates/<id>.json    the same as data
//! certificates/<id>.event   the event that says that the bytes are gone, as it stands in the log
//! certificates/<id>.proof   that it does (c2sp.org/tlog-proof)
//! ```

use std::path::Path;

use super::DisposalError;
use crate::{
    base::{Moment, RecordingId, durable, killpoint::around},
    event::{Event, What},
    recording::{Record, State},
    retention::{
        Certificate, Plan, PlanApproval,
        certificate::{Became, ClassStep, EventPlace},
        grace_until,
    },
    store::{Store, StoreError},
};

const MODE: u32 = 0o600;

/// Writes the certificates that are missing and gives back how many there were.
///
/// # Errors
/// When the ledger's account of a disposal contradicts itself; as writing says.
pub fn certify(store: &Store) -> Result<u64, DisposalError> {
    let dir = store.root().join("certificates");
    let rules = store.rules()?;
    let mut missing: Vec<RecordingId> = Vec::new();
    for id in store.in_state(State::Disposed)? {
        // What went under a ledger that is lost has its certificate from then, or none.
        let plan = store.keeping(id)?.plan;
        let known = rules.plans.iter().any(|planned| Some(planned.root) == plan);
        if known && !dir.join(format!("{id}.txt")).exists() {
            missing.push(id);
        }
    }
    if missing.is_empty() {
        return Ok(0);
    }
    // A certificate's proof leads to a checkpoint, which has to cover the disposal.
    store.publish()?;
    durable::create_dirs(&dir, 0o700).map_err(|source| DisposalError::Io {
        path: dir.clone(),
        source,
    })?;
    for id in &missing {
        one(store, &dir, *id)?;
    }
    Ok(missing.len() as u64)
}

fn one(store: &Store, dir: &Path, id: RecordingId) -> Result<(), DisposalError> {
    let Some(record) = store.record(id)? else {
        return Ok(());
    };
    let life = life(store, &record)?;
    let Some((certificate, disposed)) = certificate(store, &record, &life)? else {
        let text = format!("the ledger does not say how recording {id} was disposed of");
        return Err(StoreError::Rows(text).into());
    };
    certificate.check()?;
    let rules = store.rules()?;
    let Some(policy) = rules
        .policies
        .iter()
        .find(|p| p.version() == certificate.policy)
    else {
        let text = format!("policy version {} is not known", certificate.policy);
        return Err(StoreError::Rows(text).into());
    };
    let (line, proof) = store.prove(disposed)?;
    let texts: [(&str, Vec<u8>); 4] = [
        (
            "json",
            format!("{}\n", certificate.canonical()).into_bytes(),
        ),
        ("event", line),
        ("proof", proof.to_string().into_bytes()),
        // The text last: it is what tells that the certificate is complete.
        ("txt", certificate.text(policy).into_bytes()),
    ];
    for (ending, bytes) in texts {
        let path = dir.join(format!("{id}.{ending}"));
        around("disposal.certificate", || {
            durable::replace(&path, MODE, &bytes)
        })
        .map_err(|source| DisposalError::Io { path, source })?;
    }
    Ok(())
}

/// Every event about the recording.
fn life(store: &Store, record: &Record) -> Result<Vec<Event>, StoreError> {
    let mut life = Vec::new();
    for line in store.vault().sidecar_lines(&record.digest)? {
        let value: serde_json::Value = serde_json::from_slice(&line).unwrap_or_default();
        let n = value["n"].as_u64().unwrap_or_default();
        life.push(Event::from_line(n, &line)?);
    }
    Ok(life)
}

/// The certificate and the number of the event that says that the bytes are gone.
fn certificate(
    store: &Store,
    record: &Record,
    life: &[Event],
) -> Result<Option<(Certificate, u64)>, StoreError> {
    let doomed = life.iter().rev().find_map(|e| match &e.what {
        What::RecordingDoomed {
            plan,
            since,
            judged,
            ..
        } => Some((*plan, *since, *judged)),
        _ => None,
    });
    let disposed = life.iter().rev().find_map(|e| match &e.what {
        What::RecordingDisposed { objects, .. } => Some((e, objects.clone())),
        _ => None,
    });
    let (Some((root, since, judged)), Some((disposed, objects))) = (doomed, disposed) else {
        return Ok(None);
    };
    let Some((plan, approval)) = approved(store, root)? else {
        return Ok(None);
    };
    let Some((place, item)) = plan.item(&record.digest) else {
        return Ok(None);
    };
    let (policy, policy_digest) = plan.policy();
    let rules = store.rules()?;
    let under = rules.policy_of(&plan);
    let grace = under.and_then(|policy| grace_until(policy, policy, &plan, &approval));
    let certificate = Certificate {
        id: record.id,
        digest: record.digest,
        chunk_root: record.chunk_root,
        bytes: record.bytes,
        class_history: life.iter().filter_map(class_step).collect(),
        lawful_since: since,
        reasons: item.reasons.clone(),
        policy,
        policy_digest,
        plan: root,
        place_in_plan: place as u64,
        planned: plan.planned(),
        approval,
        grace_until: grace.unwrap_or(Moment::from_ms(i64::MAX)),
        judged,
        removed: disposed.at,
        objects,
        copies: Vec::new(),
        events: life
            .iter()
            .map(|e| EventPlace {
                event: e.n,
                kind: e.what.code(),
            })
            .collect(),
    };
    Ok(Some((certificate, disposed.n)))
}

fn class_step(event: &Event) -> Option<ClassStep> {
    let (clause, became) = match &event.what {
        What::RecordingClassified { raising, .. } => (raising.clause, Became::Raised),
        What::RecordingLowered { lowering, .. } => {
            (lowering.clause, Became::LoweredFrom(lowering.stands_until))
        }
        _ => return None,
    };
    Some(ClassStep {
        at: event.at,
        event: event.n,
        clause,
        became,
    })
}

fn approved(
    store: &Store,
    root: crate::base::Digest,
) -> Result<Option<(Plan, PlanApproval)>, StoreError> {
    let rules = store.rules()?;
    let planned = rules
        .plans
        .iter()
        .rev()
        .find(|p| p.root == root && p.approval.is_some());
    let Some((planned, approval)) = planned.and_then(|p| Some((p, p.approval.clone()?))) else {
        return Ok(None);
    };
    Ok(Some((store.plan_of(planned)?, approval)))
}
