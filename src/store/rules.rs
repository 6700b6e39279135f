//! What holds for the store as a whole: who may do what, the retention policies, the compliance
//! clock, the disposal plan under way. One row, folded from events as everything else.

use serde::{Deserialize, Serialize};

use crate::{
    base::{Clock, Digest, Moment},
    custody::{Actor, RosterHistory},
    retention::{BootId, ComplianceClock, Plan, PlanApproval, Policy, Reading, Times},
};

/// A disposal plan that went into the ledger, without its items, which lie in a blob.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// Its root.
    pub root: Digest,
    /// The blob that holds it.
    pub blob: Digest,
    /// Recordings in it.
    pub items: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When it was made.
    pub at: Moment,
    /// Who made it.
    pub by: Actor,
    /// Its approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<PlanApproval>,
}

/// A time that people confirmed and that the store's clocks had fallen behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// What was confirmed.
    pub to: Moment,
    /// By how many milliseconds what was stamped before may be behind the truth.
    pub by_ms: i64,
}

/// What holds for the store as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// Who may do what, and could at any event.
    pub rosters: RosterHistory,
    /// Policies by version; the last is in force.
    pub policies: Vec<Policy>,
    /// Since when each of them is in force.
    pub adopted: Vec<Moment>,
    /// The compliance clock after its last logged reading.
    pub clock: ComplianceClock,
    /// What was confirmed later than the store's clocks could know, in that order.
    #[serde(default)]
    pub corrections: Vec<Correction>,
    /// The last day whose slice of the originals was read again, counted from 1970-01-01.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixity_day: Option<i64>,
    /// Disposal plans, the oldest first. Only the newest can be approved or applied.
    pub plans: Vec<Planned>,
}

impl Rules {
    /// The policy in force.
    #[must_use]
    pub fn policy(&self) -> Option<&Policy> {
        self.policies.last()
    }

    /// The same with the policies that were in force and the corrections that were known by `at`.
    #[must_use]
    pub fn at(&self, at: Moment) -> Self {
        let mut then = self.clone();
        then.policies
            .truncate(self.adopted.iter().filter(|since| **since <= at).count());
        then.corrections.retain(|correction| correction.to <= at);
        then
    }

    /// The latest instant at which something may truly have happened that the log dates so: every
    /// doubt about the clock falls on the keeping side.
    #[must_use]
    pub fn latest(&self, stamped: Moment) -> Moment {
        let correct = |at: Moment, c: &Correction| match at < c.to {
            true => at.plus_ms(c.by_ms).min(c.to),
            false => at,
        };
        self.corrections.iter().fold(stamped, correct)
    }

    /// The policy that a plan was made under.
    #[must_use]
    pub fn policy_of(&self, plan: &Plan) -> Option<&Policy> {
        self.policies
            .iter()
            .find(|p| (p.version(), p.digest()) == plan.policy())
    }

    /// The approval of a plan, dated by the latest instant at which it may have been given.
    #[must_use]
    pub fn approval(&self, planned: &Planned) -> Option<PlanApproval> {
        let approval = planned.approval.clone()?;
        Some(PlanApproval {
            approved: self.latest(approval.approved),
            ..approval
        })
    }

    /// The newest plan.
    #[must_use]
    pub fn plan(&self) -> Option<&Planned> {
        self.plans.last()
    }

    /// The times that hold at this reading.
    #[must_use]
    pub fn times(&self, reading: Reading) -> Times {
        let mut clock = self.clock;
        match self.policy() {
            Some(policy) => clock.apply_reading(reading, policy.terms().clock),
            None => clock.times(),
        }
    }
}

/// What a clock shows at once: wall, boot time, and which boot it is of.
#[must_use]
pub fn reading(clock: &dyn Clock) -> Reading {
    let since_boot = clock.since_boot();
    Reading {
        wall: clock.now(),
        boottime_ms: since_boot.ms,
        boot: BootId::new(since_boot.boot),
    }
}
