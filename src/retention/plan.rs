//! A disposal plan: exactly which recordings are to go, and why. Making one changes nothing.
//!
//! - Every item was found due by [`evaluate()`]; what is not due cannot be put into a plan.
//! - A plan takes up no more than one night may remove, the longest due first. The rest waits for
//!   another plan, and is counted.
//! - A plan is named by its root: the RFC 6962 root over the canonical lines of its items, sorted
//!   by id. The root goes into the ledger, an approver signs a text that names it, and any single
//!   item can be proven to have been in it.
//! - A plan in memory is whole. Reading one from JSON recomputes root, order and sums, and fails
//!   by [`PlanError`] where they are not what it says.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Amount, Inputs, Policy, Reason, Verdict, canonical::canonical, evaluate};
use crate::base::{
    Digest, ErrorKind, Explain, Moment, RecordingId,
    merkle::{leaf_hash, tree_root},
    text::bytes_human,
};

/// A recording that may be due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// SHA-256 of its original.
    pub digest: Digest,
    /// Size of its original.
    pub bytes: u64,
    /// The facts about it.
    pub inputs: Inputs,
}

/// One recording of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanItem {
    /// The recording.
    pub id: RecordingId,
    /// SHA-256 of its original.
    pub digest: Digest,
    /// Size of its original.
    pub bytes: u64,
    /// The first instant at which it could lawfully be removed.
    pub since: Moment,
    /// What kept it until then.
    pub reasons: Vec<Reason>,
}

impl PlanItem {
    /// Its canonical line: what the plan's root is over.
    #[must_use]
    pub fn line(&self) -> String {
        canonical(self)
    }
}

/// A plan as JSON holds it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    planned: Moment,
    policy: u64,
    policy_digest: Digest,
    grace_days: u16,
    items: Vec<PlanItem>,
    amount: Amount,
    waiting: Amount,
    root: Digest,
}

/// A disposal plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Plan {
    planned: Moment,
    policy: u64,
    policy_digest: Digest,
    grace_days: u16,
    items: Vec<PlanItem>,
    amount: Amount,
    waiting: Amount,
    root: Digest,
}

/// A plan that was read is not what it says.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlanError {
    /// Items are out of order, or one stands there twice.
    #[error("item {id} of the disposal plan is out of order or there twice")]
    Order {
        /// The item.
        id: RecordingId,
    },
    /// An id that is not the head of its digest.
    #[error("item {id} of the disposal plan has digest {digest}, whose id it is not")]
    Id {
        /// The item.
        id: RecordingId,
        /// Its digest.
        digest: Digest,
    },
    /// Other sums.
    #[error("the disposal plan says {} recordings with {} bytes; it lists {} with {}", said.items, said.bytes, listed.items, listed.bytes)]
    Sums {
        /// What it says.
        said: Amount,
        /// What its items come to.
        listed: Amount,
    },
    /// Another root.
    #[error("the disposal plan says that its root is {said}; its items give {listed}")]
    Root {
        /// What it says.
        said: Digest,
        /// What its items give.
        listed: Digest,
    },
}

impl Explain for PlanError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Integrity
    }
    fn hint(&self) -> Option<String> {
        Some("nothing is removed by it; make a new plan".into())
    }
}

/// What is due among `candidates` at `now`, the time that disposal is judged by. Of a recording
/// that comes twice, the facts that keep it longer count.
#[must_use]
pub fn plan_disposal(
    candidates: impl IntoIterator<Item = Candidate>,
    policy: &Policy,
    now: Moment,
) -> Plan {
    let mut found: BTreeMap<Digest, Option<PlanItem>> = BTreeMap::new();
    for candidate in candidates {
        let Candidate { digest, bytes, .. } = candidate;
        let item = match evaluate(policy, &candidate.inputs, now) {
            Verdict::Keep { .. } => None,
            Verdict::Due { since, reasons } => Some(PlanItem {
                id: digest.id(),
                digest,
                bytes,
                since,
                reasons,
            }),
        };
        let held = found.entry(digest).or_insert_with(|| item.clone());
        let longer = match (&held, &item) {
            (Some(held), Some(item)) => held.since < item.since,
            (held, None) => held.is_some(),
            (None, Some(_)) => false,
        };
        if longer {
            *held = item;
        }
    }
    let mut due: Vec<PlanItem> = found.into_values().flatten().collect();
    due.sort_by_key(|item| (item.since, item.digest));
    // The longest due first. One that does not fit does not keep a smaller one behind it waiting;
    // it becomes the first of another night sooner or later, and the first always fits.
    let (mut amount, mut waiting) = (Amount::default(), Amount::default());
    let mut items = Vec::new();
    for item in due {
        if policy.terms().ceiling.admits(amount, item.bytes) {
            amount = amount.plus(item.bytes);
            items.push(item);
        } else {
            waiting = waiting.plus(item.bytes);
        }
    }
    items.sort_by_key(|item| (item.id, item.digest));
    Plan {
        planned: now,
        policy: policy.version(),
        policy_digest: policy.digest(),
        grace_days: policy.terms().grace_days,
        root: root_of(&items),
        items,
        amount,
        waiting,
    }
}

fn root_of(items: &[PlanItem]) -> Digest {
    let leaves = items.iter().map(|item| leaf_hash(item.line().as_bytes()));
    tree_root(&leaves.collect::<Vec<_>>())
}

impl Plan {
    /// Its name: the RFC 6962 root over the lines of its items.
    #[must_use]
    pub const fn root(&self) -> Digest {
        self.root
    }

    /// Its items, by id.
    #[must_use]
    pub fn items(&self) -> &[PlanItem] {
        &self.items
    }

    /// How much it takes up.
    #[must_use]
    pub const fn amount(&self) -> Amount {
        self.amount
    }

    /// How much is due as well and waits for another plan, because of the ceiling.
    #[must_use]
    pub const fn waiting(&self) -> Amount {
        self.waiting
    }

    /// When it was made, by the time that disposal is judged by.
    #[must_use]
    pub const fn planned(&self) -> Moment {
        self.planned
    }

    /// Version and digest of the policy that it was made by.
    #[must_use]
    pub const fn policy(&self) -> (u64, Digest) {
        (self.policy, self.policy_digest)
    }

    /// Days between its approval and the first deletion, as its approver read them.
    #[must_use]
    pub const fn grace_days(&self) -> u16 {
        self.grace_days
    }

    /// The item of this recording, if the plan has one, and its place among the leaves.
    #[must_use]
    pub fn item(&self, digest: &Digest) -> Option<(usize, &PlanItem)> {
        let key = (digest.id(), *digest);
        let place = self.items.binary_search_by_key(&key, |i| (i.id, i.digest));
        place.ok().map(|n| (n, &self.items[n]))
    }

    /// What an approver signs, beside kind and nonce of the statement: lines of `name value`,
    /// each ended. The root stands for the items.
    #[must_use]
    pub fn text_to_sign(&self) -> String {
        let Self {
            planned,
            policy,
            policy_digest,
            grace_days,
            amount: Amount { items, bytes },
            root,
            ..
        } = self;
        let planned_ms = planned.as_ms();
        format!(
            "recvault disposal plan v1\nroot {root}\nrecordings {items}\nbytes {bytes}\nplanned-ms {planned_ms}\npolicy {policy}\npolicy-sha256 {policy_digest}\ngrace-days {grace_days}\n"
        )
    }

    /// The plan for the people who decide on it, times in the zone of `policy`.
    #[must_use]
    pub fn text(&self, policy: &Policy) -> String {
        let zone = policy.zone();
        let Self {
            root, grace_days, ..
        } = self;
        let mut out = format!(
            "Disposal plan {root}\n\n{} due for disposal at {}, under policy version {}.\n",
            self.amount.are(),
            self.planned.in_zone(zone),
            self.policy,
        );
        if self.waiting.items > 0 {
            out.push_str(&format!(
                "{} due as well, beyond what one night may remove; another plan takes that up.\n",
                self.waiting.are(),
            ));
        }
        out.push_str(&format!(
            "Once it is approved, nothing is removed for {grace_days} days. Until then anybody may place a hold, and each recording is looked at again before it goes.\n"
        ));
        for item in &self.items {
            let reasons: Vec<_> = item.reasons.iter().map(|r| r.short(zone)).collect();
            out.push_str(&format!(
                "\n{}  {:>9}  since {}  {}",
                item.id,
                bytes_human(item.bytes),
                item.since.day_in_zone(zone),
                reasons.join("; ")
            ));
        }
        out.push('\n');
        out
    }
}

impl Amount {
    /// `2 recordings (70 B) are`: the beginning of a sentence.
    fn are(self) -> String {
        let size = bytes_human(self.bytes);
        match self.items {
            1 => format!("1 recording ({size}) is"),
            n => format!("{n} recordings ({size}) are"),
        }
    }
}

impl TryFrom<Written> for Plan {
    type Error = PlanError;
    fn try_from(written: Written) -> Result<Self, PlanError> {
        let Written {
            planned,
            policy,
            policy_digest,
            grace_days,
            items,
            amount,
            waiting,
            root,
        } = written;
        for item in &items {
            let (id, digest) = (item.id, item.digest);
            if digest.id() != id {
                return Err(PlanError::Id { id, digest });
            }
        }
        let key = |item: &PlanItem| (item.id, item.digest);
        let wrong = items.windows(2).find(|two| key(&two[0]) >= key(&two[1]));
        if let Some(two) = wrong {
            return Err(PlanError::Order { id: two[1].id });
        }
        let listed = items
            .iter()
            .fold(Amount::default(), |sum, i| sum.plus(i.bytes));
        if listed != amount {
            let said = amount;
            return Err(PlanError::Sums { said, listed });
        }
        let listed = root_of(&items);
        if listed != root {
            return Err(PlanError::Root { said: root, listed });
        }
        Ok(Self {
            planned,
            policy,
            policy_digest,
            grace_days,
            items,
            amount,
            waiting,
            root,
        })
    }
}

impl From<Plan> for Written {
    fn from(plan: Plan) -> Self {
        let Plan {
            planned,
            policy,
            policy_digest,
            grace_days,
            items,
            amount,
            waiting,
            root,
        } = plan;
        Self {
            planned,
            policy,
            policy_digest,
            grace_days,
            items,
            amount,
            waiting,
            root,
        }
    }
}

#[cfg(test)]
mod tests;
