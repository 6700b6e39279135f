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

/// What the index ordered by date keeps beside each date: the facts that a plan looks at, so that
/// what is due is read from one place, whatever else is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DueFacts {
    /// SHA-256 of the original.
    pub digest: Digest,
    /// Its size.
    pub bytes: u64,
    /// The facts as they were stamped.
    inputs: Inputs,
    /// Version of the policy by which they were reckoned.
    policy: u64,
    /// Version of the policy that was in force when the bytes were seen last.
    seen_under: u64,
}

impl DueFacts {
    /// The facts with what is known since they were reckoned: dates that may be behind the truth
    /// put right, and the promises of later policies.
    pub(super) fn caught_up(&self, rules: &Rules) -> Inputs {
        let mut inputs = put_right(self.inputs.clone(), rules);
        // Where the date of the ingest proves to be later than it was stamped, every policy since
        // then promises anew.
        let since = match inputs.latest_ingest > self.inputs.latest_ingest {
            true => self.seen_under,
            false => self.policy.saturating_add(1),
        };
        for policy in rules.policies.iter().filter(|p| p.version() >= since) {
            inputs.promised = promise(policy, &inputs);
        }
        inputs
    }
}

/// Dates that may be behind the truth put right.
fn put_right(mut inputs: Inputs, rules: &Rules) -> Inputs {
    inputs.latest_ingest = rules.latest(inputs.latest_ingest);
    let behind_ms = |ordered: Moment| rules.latest(ordered).ms_since(ordered);
    inputs.standing.put_off(behind_ms);
    inputs
}

impl Keeping {
    /// The facts as they were stamped.
    fn inputs(&self, record: &Record) -> Inputs {
        let held = self.holds.standing().iter().map(|hold| HeldBy {
            number: u64::from(hold.number),
            case: hold.case.clone(),
        });
        Inputs::of(record, self.standing.clone(), held.collect(), self.promised)
    }

    pub(super) fn due_facts(&self, record: &Record) -> DueFacts {
        DueFacts {
            digest: record.digest,
            bytes: record.bytes,
            inputs: self.inputs(record),
            policy: self.policy,
            seen_under: self.seen_under,
        }
    }

    /// The facts that a decision about the recording looks at, with the promises of policies that
    /// came into force since they were reckoned.
    #[must_use]
    pub fn caught_up(&self, record: &Record, rules: &Rules) -> Inputs {
        self.due_facts(record).caught_up(rules)
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
        let seen = |record| self.inputs(record).latest_ingest;
        if before.is_none_or(|before| seen(before) < seen(now)) {
            self.seen_under = policy.version();
        }
        let inputs = put_right(self.inputs(now), rules);
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

/// Puts the row, and the recording's place in the index ordered by date, into a batch. `old` is what
/// the recording was before, as far as it was.
///
/// # Errors
/// Never, for what came from the ledger.
pub fn put_keeping(
    batch: &mut Batch,
    old: (Option<&Record>, Option<&Keeping>),
    record: &Record,
    new: &Keeping,
) -> Result<(), serde_json::Error> {
    batch.put(
        Column::Keeping,
        record.id.as_bytes().to_vec(),
        serde_json::to_vec(new)?,
    );
    let is = due_row(record, new);
    let was = match old {
        (Some(record), Some(keeping)) => due_row(record, keeping),
        _ => None,
    };
    if was == is {
        return Ok(());
    }
    if let Some((place, _)) = was {
        batch.delete(Column::ByDue, place.as_bytes().to_vec());
    }
    if let Some((place, facts)) = is {
        let facts = serde_json::to_vec(&facts)?;
        batch.put(Column::ByDue, place.as_bytes().to_vec(), facts);
    }
    Ok(())
}

fn due_row(record: &Record, keeping: &Keeping) -> Option<(keys::Place, DueFacts)> {
    let place = keys::Place::new(keeping.expires?, record.id);
    Some((place, keeping.due_facts(record)))
}
