//! The past, recomputed from the ledger: what was known of a recording at an instant.

use std::sync::Arc;

use super::{
    Keeping, Store, StoreError, Waiting,
    fold::{Below, Folding},
};
use crate::{
    base::{Digest, Moment, RecordingId},
    custody::access::Access,
    event::Event,
    recording::Record,
    retention::{Inputs, Policy},
};

/// Nothing lies below a life that is told from its beginning.
struct Nothing;

impl Below for Nothing {
    fn record(&self, _: RecordingId) -> Result<Option<Record>, String> {
        Ok(None)
    }
    fn keeping(&self, _: RecordingId) -> Result<Option<Keeping>, String> {
        Ok(None)
    }
    fn is_used(&self, _: Digest) -> Result<bool, String> {
        Ok(false)
    }
    fn waiting(&self, _: Digest) -> Result<Option<Waiting>, String> {
        Ok(None)
    }
    fn access(&self, _: Digest) -> Result<Option<Access>, String> {
        Ok(None)
    }
    fn of_device(&self, _: &str, _: Moment, _: Moment) -> Result<Vec<RecordingId>, String> {
        Ok(Vec::new())
    }
}

impl Store {
    /// Policy and facts about a recording as they were at `at`, by the events up to then and by
    /// the fold that makes the rows of today. Nothing where it was not there yet.
    ///
    /// # Errors
    /// When an event cannot be read.
    pub fn as_of(
        &self,
        record: &Record,
        at: Moment,
    ) -> Result<Option<(Policy, Inputs)>, StoreError> {
        let rules = self.rules()?;
        let mut folding = Folding::new(&Nothing, Arc::default(), Some(Arc::clone(&rules)));
        for line in self.vault.sidecar_lines(&record.digest)? {
            let value: serde_json::Value = serde_json::from_slice(&line).unwrap_or_default();
            let event = Event::from_line(value["n"].as_u64().unwrap_or_default(), &line)?;
            if event.at > at {
                break;
            }
            // Each event is reckoned by the policies of its own instant.
            folding.rules = Some(Arc::new(rules.at(event.at)));
            folding.apply(&event, &|_| None)?;
        }
        let rules = rules.at(at);
        let (Some(policy), Some((_, then))) = (rules.policy(), folding.records.get(&record.id))
        else {
            return Ok(None);
        };
        let keeping = folding.keeping(record.id).map_err(StoreError::Rows)?;
        Ok(Some((policy.clone(), keeping.caught_up(then, &rules))))
    }
}
