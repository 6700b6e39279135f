//! Layer 6. Carries out an approved plan, one recording after the other, and certifies what is
//! gone.
//!
//! - Nothing is decided here. Each recording is judged by the store on the rows as they stand at
//!   its own instant; whatever speaks against it then keeps it, and is told.
//! - One night removes no more than the policy's ceiling, whatever the plan holds.
//! - What a crash cut short behind its tombstone is finished first.
//! - A certificate is written once a checkpoint covers the event that says the bytes are gone.
//!
//! It fails by [`DisposalError`]; what was disposed of before stays disposed of and certified.

mod certify;

use std::{io, path::PathBuf};

use serde::{Deserialize, Serialize};

pub use certify::certify;

use crate::{
    base::{ErrorKind, Explain, RecordingId},
    retention::{Amount, CertificateError},
    store::{Store, StoreError},
};

/// A disposal could not go on.
#[derive(Debug, thiserror::Error)]
pub enum DisposalError {
    /// The store's word.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is known of a disposal contradicts itself.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// A certificate could not be written.
    #[error("{path} cannot be written: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Explain for DisposalError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(e) => e.kind(),
            Self::Certificate(e) => e.kind(),
            Self::Io { .. } => ErrorKind::Fault,
        }
    }
    fn hint(&self) -> Option<String> {
        match self {
            Self::Store(e) => e.hint(),
            _ => None,
        }
    }
}

/// A recording of the plan that was kept after all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Which.
    pub id: RecordingId,
    /// Why, as a sentence.
    pub why: String,
}

/// What carrying out the plan came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// Recordings that are gone.
    pub gone: Vec<RecordingId>,
    /// How much that was.
    pub amount: Amount,
    /// Recordings of the plan that were kept.
    pub kept: Vec<Kept>,
    /// Disposals that an earlier run had begun.
    pub finished: u64,
    /// Certificates written.
    pub certificates: u64,
}

/// Carries out the newest plan as far as it is approved and its grace is over, on behalf of the
/// user `by`.
///
/// # Errors
/// [`DisposalError`]; a plan that may not be carried out is no error: everything in it is kept.
pub fn apply(store: &Store, by: u32) -> Result<Applied, DisposalError> {
    let mut applied = Applied {
        finished: store.finish_disposals(by)?,
        ..Applied::default()
    };
    if let Some((planned, plan)) = store.newest_plan()? {
        let rules = store.rules()?;
        // Without an approval every item would only be told so one by one.
        if planned.approval.is_some()
            && let Some(policy) = rules.policy()
        {
            for item in plan.items() {
                let there = store.record(item.id)?;
                if there.is_none_or(|record| !record.state.is_there()) {
                    continue;
                }
                match store.dispose(by, &plan, item, applied.amount)? {
                    Ok(()) => {
                        applied.amount = applied.amount.plus(item.bytes);
                        applied.gone.push(item.id);
                    }
                    Err(reason) => applied.kept.push(Kept {
                        id: item.id,
                        why: reason.sentence(policy),
                    }),
                }
            }
        }
    }
    applied.certificates = certify(store)?;
    Ok(applied)
}
