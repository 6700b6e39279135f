//! What keeps a recording: its class, its holds, the latest date promised. It stands beside the
//! record, and every event about the recording reckons it anew, so that the index ordered by date
//! is right without ever being searched.

use serde::{Deserialize, Serialize};

use super::Rules;
use crate::{
    base::{Digest, Moment},
    custody::{Actor, Holds},
    index::{Batch, Column, keys},
    recording::Record,
    retention::{self, HeldBy, Inputs, Promise, Standing, promise},
};

/// Why and until when a recording is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keeping {
    /// What it is classed under.
    #[serde(default)]
    pub standing: Standing,
    /// Holds on it.
    #[serde(default)]
    pub holds: Holds,
    /// The latest date to which anybody was told that it will be kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promised: Option<Promise>,
    /// The last instant of keeping, holds aside; its key in the index ordered by date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Moment>,
    /// Version of the policy by which this was reckoned.
    pub policy: u64,
    /// Version of the policy that was in force when the bytes were seen last.
    #[serde(default)]
    pub seen_under: u64,
    /// Who last classed it under a clause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classed_by: Option<Actor>,
    /// Root of the plan by which it is being, or was, disposed of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Digest>,
}

impl Keeping {
    /// The facts as they were reckoned, dates that may be behind the truth put right.
    fn inputs(&self, record: &Record, rules: &Rules) -> Inputs {
        let held = self.holds.standing().iter().map(|hold| HeldBy {
            number: u64::from(hold.number),
            case: hold.case.clone(),
        });
        let mut inputs = Inputs::of(record, self.standing.clone(), held.collect(), self.promised);
        inputs.latest_ingest = rules.latest(inputs.latest_ingest);
        let behind_ms = |ordered: Moment| rules.latest(ordered).ms_since(ordered);
        inputs.standing.put_off(behind_ms);
        inputs
    }

    /// The facts that a decision about the recording looks at, with the promises of policies that
    /// came into force since they were reckoned.
    #[must_use]
    pub fn caught_up(&self, record: &Record, rules: &Rules) -> Inputs {
        let mut inputs = self.inputs(record, rules);
        // Where the date of the ingest proves to be later than it was stamped, every policy since
        // then promises anew.
        let since = match inputs.latest_ingest > latest_ingest(record) {
            true => self.seen_under,
            false => self.policy.saturating_add(1),
        };
        for policy in rules.policies.iter().filter(|p| p.version() >= since) {
            inputs.promised = promise(policy, &inputs);
        }
        inputs
    }

    /// Reckons promise and date by the facts as they are now. `before` is the record before the
    /// event, for which promises of policies since the last one are made up first.
    pub(super) fn reckon(&mut self, before: Option<&Record>, now: &Record, rules: &Rules) {
        let Some(policy) = rules.policy() else {
            return;
        };
        if let Some(before) = before {
            self.promised = self.caught_up(before, rules).promised;
        }
        if before.is_none_or(|before| latest_ingest(before) < latest_ingest(now)) {
            self.seen_under = policy.version();
        }
        let inputs = self.inputs(now, rules);
        self.promised = promise(policy, &inputs);
        let inputs = Inputs {
            promised: self.promised,
            ..inputs
        };
        self.expires = match now.state.is_there() {
            true => retention::expiry_key(policy, &inputs),
            false => None,
        };
        self.policy = policy.version();
    }
}

/// When the bytes were seen last, as it was stamped.
fn latest_ingest(record: &Record) -> Moment {
    let sighted = record.sightings.iter().map(|s| s.at).max();
    sighted.unwrap_or_default().max(record.admitted_at)
}

/// Writes the row and its place in the index ordered by date.
pub(super) fn put(
    batch: &mut Batch,
    record: &Record,
    old: Option<&Keeping>,
    new: &Keeping,
) -> Result<(), serde_json::Error> {
    let place = |expires: Moment| keys::Place::new(expires, record.id).as_bytes().to_vec();
    batch.put(
        Column::Keeping,
        record.id.as_bytes().to_vec(),
        serde_json::to_vec(new)?,
    );
    let (was, is) = (old.and_then(|k| k.expires), new.expires);
    if was != is {
        if let Some(was) = was {
            batch.delete(Column::ByDue, place(was));
        }
        if let Some(is) = is {
            batch.put(
                Column::ByDue,
                place(is),
                record.bytes.to_be_bytes().to_vec(),
            );
        }
    }
    Ok(())
}
