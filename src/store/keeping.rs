//! What keeps a recording: its class, its holds, the latest date promised. It stands beside the
//! record, and every event about the recording reckons it anew, so that the index ordered by date
//! is right without ever being searched.

use serde::{Deserialize, Serialize};

use crate::{
    base::{Digest, Moment},
    custody::{Actor, Holds},
    index::{Batch, Column, keys},
    recording::Record,
    retention::{self, HeldBy, Inputs, Policy, Promise, Standing, promise},
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
    /// Who last classed it under a clause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classed_by: Option<Actor>,
    /// Root of the plan by which it is being, or was, disposed of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Digest>,
}

impl Keeping {
    /// The facts that a decision about the recording looks at.
    #[must_use]
    pub fn inputs(&self, record: &Record) -> Inputs {
        let held = self.holds.standing().iter().map(|hold| HeldBy {
            number: u64::from(hold.number),
            case: hold.case.clone(),
        });
        Inputs::of(record, self.standing.clone(), held.collect(), self.promised)
    }

    /// The same with the promises of policies that came into force since it was reckoned.
    #[must_use]
    pub fn caught_up(&self, record: &Record, policies: &[Policy]) -> Inputs {
        let mut inputs = self.inputs(record);
        for policy in policies.iter().filter(|p| p.version() > self.policy) {
            inputs.promised = promise(policy, &inputs);
        }
        inputs
    }

    /// Reckons promise and date by the facts as they are now. `before` is the record before the
    /// event, for which promises of policies since the last one are made up first.
    pub(super) fn reckon(&mut self, before: Option<&Record>, now: &Record, policies: &[Policy]) {
        let Some(policy) = policies.last() else {
            return;
        };
        if let Some(before) = before {
            self.promised = self.caught_up(before, policies).promised;
        }
        let inputs = self.inputs(now);
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
