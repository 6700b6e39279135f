//! Dispose, in the write order of DESIGN section 4. What is due comes from an index ordered by
//! date, so that it costs what is due and not what is stored. A plan is made of it without
//! changing anything; people approve it; and each recording of it is looked at again, on the rows
//! as they stand at that instant, before its tombstone is committed. Only behind the tombstone is
//! anything unlinked.

use super::{Store, StoreError, blobs, error::Refusal, keeping::DueFacts, rules::Planned};
use crate::{
    base::{Digest, Moment, RecordingId},
    custody::Actor,
    event::What,
    index::{Column, Direction, KeyRange, keys},
    recording::{Record, State},
    retention::{
        Amount, AtUnlink, Candidate, KeepReason, Plan, PlanItem,
        certificate::{Removed, RemovedObject},
        check_item, plan_disposal,
    },
    vault::{Doomed, Fixity},
};

/// How far ahead a count of what expires looks, and what it came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upcoming {
    /// Days from now.
    pub days: u32,
    /// What expires within them, holds aside.
    pub amount: Amount,
}

impl Store {
    /// What the index calls due before `now`, with the facts about each: at most `limit`, the
    /// longest due first. A date in the index may be too early and is never too late, so that
    /// each is still to be judged.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn due(&self, now: Moment, limit: usize) -> Result<Vec<Candidate>, StoreError> {
        let rules = self.rules()?;
        let snapshot = self.index.snapshot();
        let range = KeyRange::between(Vec::new(), keys::Place::at(now).as_bytes().to_vec());
        let rows = snapshot.scan(Column::ByDue, &range, Direction::Forward)?;
        rows.take(limit)
            .map(|row| {
                let facts = due_facts(&row?.1)?;
                Ok(Candidate {
                    digest: facts.digest,
                    bytes: facts.bytes,
                    inputs: facts.caught_up(&rules),
                })
            })
            .collect()
    }

    /// How much expires within each of these numbers of days, in one pass over the index.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn upcoming(&self, now: Moment, days: &[u32]) -> Result<Vec<Upcoming>, StoreError> {
        let ends: Vec<Moment> = days.iter().map(|d| in_days(now, *d)).collect();
        let last = ends.iter().copied().max().unwrap_or(now);
        let range = KeyRange::between(
            keys::Place::at(now).as_bytes().to_vec(),
            keys::Place::at(last).as_bytes().to_vec(),
        );
        let mut amounts = vec![Amount::default(); days.len()];
        let snapshot = self.index.snapshot();
        for row in snapshot.scan(Column::ByDue, &range, Direction::Forward)? {
            let (key, value) = row?;
            let at = due_place(&key)?.time();
            let bytes = due_facts(&value)?.bytes;
            for (amount, end) in amounts.iter_mut().zip(&ends) {
                if at < *end {
                    *amount = amount.plus(bytes);
                }
            }
        }
        let both = days.iter().zip(amounts);
        Ok(both
            .map(|(days, amount)| Upcoming {
                days: *days,
                amount,
            })
            .collect())
    }

    /// The plan of what is due now. Reads and changes nothing.
    ///
    /// # Errors
    /// [`Refusal::ClockStopped`] while nobody knows what the time is; when a row cannot be read.
    pub fn plan(&self) -> Result<Plan, StoreError> {
        let rules = self.rules()?;
        let now = self.times()?.disposal.ok_or(Refusal::ClockStopped)?;
        let Some(policy) = rules.policy() else {
            return Err(StoreError::Rows("the store has no policy yet".into()));
        };
        // What is on hold stays at the front of the list, so that a page of it is not enough.
        let candidates = self.due(now, usize::MAX)?;
        Ok(plan_disposal(candidates, policy, now))
    }

    /// Puts a plan into the ledger, where it waits for its approval. It takes the place of an
    /// earlier one.
    ///
    /// # Errors
    /// The writer's.
    pub fn record_plan(&self, by: u32, plan: &Plan) -> Result<(), StoreError> {
        let json = serde_json::to_vec(plan).map_err(|e| StoreError::Rows(e.to_string()))?;
        let blob = blobs::put(&self.blobs(), &json).map_err(StoreError::Blob)?;
        let (root, amount) = (plan.root(), plan.amount());
        self.commit(by, move |proposal| {
            let actor = Actor::of(by, proposal.rules()?.rosters.current());
            proposal.event(What::DisposalPlanned {
                root,
                blob,
                items: amount.items,
                bytes: amount.bytes,
                actor,
            });
            Ok(())
        })
    }

    /// The newest plan in the ledger, whole.
    ///
    /// # Errors
    /// When its blob is missing or is another.
    pub fn newest_plan(&self) -> Result<Option<(Planned, Plan)>, StoreError> {
        let Some(planned) = self.rules()?.plans.last().cloned() else {
            return Ok(None);
        };
        let plan = self.plan_of(&planned)?;
        Ok(Some((planned, plan)))
    }

    /// A plan of the ledger, whole.
    ///
    /// # Errors
    /// When its blob is missing or is another.
    pub fn plan_of(&self, planned: &Planned) -> Result<Plan, StoreError> {
        let json = blobs::get(&self.blobs(), &planned.blob).map_err(StoreError::Blob)?;
        let plan: Plan =
            serde_json::from_slice(&json).map_err(|e| StoreError::Rows(e.to_string()))?;
        if plan.root() == planned.root {
            return Ok(plan);
        }
        let text = format!("the blob of plan {} holds another plan", planned.root);
        Err(StoreError::Rows(text))
    }

    /// Disposes of one recording of an approved plan, if nothing speaks against it any more.
    ///
    /// # Errors
    /// As removing or committing says; behind the tombstone [`Store::finish_disposals`] goes on.
    pub fn dispose(
        &self,
        by: u32,
        plan: &Plan,
        item: &PlanItem,
        removed: Amount,
    ) -> Result<Result<(), KeepReason>, StoreError> {
        // Removing is not begun where it could not be completed.
        match self.record(item.id)? {
            Some(record) if !self.can_remove(&record) => return Ok(Err(KeepReason::MirrorAway)),
            _ => {}
        }
        // 1. What is on the disk: the bytes that were approved, or none are removed.
        let found = match self.vault.verify_object(&item.digest) {
            Fixity::Sound { .. } => Some(item.digest),
            Fixity::Altered { found, .. } => Some(found),
            Fixity::Missing | Fixity::Unreadable { .. } => None,
        };
        // 2. The tombstone, decided on the rows as they stand: after this line it is gone in law.
        let (plan, item) = (plan.clone(), item.clone());
        let id = item.id;
        let judged = self.commit(by, move |proposal| {
            let Some(record) = proposal.record(id)?.filter(|r| r.digest == item.digest) else {
                return Ok(Err(KeepReason::NotInPlan));
            };
            if !record.state.is_there() {
                return Ok(Err(KeepReason::NotInPlan));
            }
            let rules = proposal.rules()?;
            let Some(policy) = rules.policy() else {
                return Ok(Err(KeepReason::NotApproved));
            };
            let inputs = proposal.keeping(id)?.caught_up(&record, rules);
            let times = rules.times(proposal.reading());
            let newest = rules.plan().filter(|p| p.root == plan.root());
            let approval = newest.and_then(|p| rules.approval(p));
            let Some(planned_under) = rules.policy_of(&plan) else {
                return Ok(Err(KeepReason::NotApproved));
            };
            let at = AtUnlink {
                policy,
                planned_under,
                plan: &plan,
                approval: approval.as_ref(),
                times,
                found,
                removed,
            };
            if let Err(reason) = check_item(&inputs, &item, &at) {
                return Ok(Err(reason));
            }
            let Some(judged) = times.disposal else {
                return Ok(Err(KeepReason::ClockStopped));
            };
            proposal.event(What::RecordingDoomed {
                id,
                plan: plan.root(),
                since: item.since,
                judged,
            });
            Ok(Ok(()))
        })?;
        if let Err(reason) = judged {
            return Ok(Err(reason));
        }
        self.remove(by, id)?;
        Ok(Ok(()))
    }

    /// Goes on with every disposal that a crash cut short behind its tombstone. Gives back how
    /// many there were.
    ///
    /// # Errors
    /// As removing or committing says.
    pub fn finish_disposals(&self, by: u32) -> Result<u64, StoreError> {
        let mut finished = 0;
        for id in self.in_state(State::Disposing)? {
            // One whose mirror is away waits for it.
            let record = self.record(id)?;
            if record.is_some_and(|record| self.can_remove(&record)) {
                self.remove(by, id)?;
                finished += 1;
            }
        }
        Ok(finished)
    }

    /// Every recording in this state.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn in_state(&self, state: State) -> Result<Vec<RecordingId>, StoreError> {
        let prefix = keys::text(state.word());
        let snapshot = self.index.snapshot();
        let places = snapshot.places(Column::ByState, &KeyRange::prefix(&prefix))?;
        Ok(places.iter().map(keys::Place::id).collect())
    }

    /// Steps 3 and 4, behind the tombstone and nowhere else.
    fn remove(&self, by: u32, id: RecordingId) -> Result<(), StoreError> {
        let Some(record) = self.record(id)?.filter(|r| r.state == State::Disposing) else {
            return Ok(());
        };
        // Nobody may put a copy in its place meanwhile.
        let _held = self.in_hand.take(record.digest);
        let Some(record) = self.record(id)? else {
            return Ok(());
        };
        let plan = self.keeping(id)?.plan.unwrap_or(Digest::new([0; 32]));
        // 3. Every copy goes, durably.
        let renditions: Vec<(Digest, &str)> = record
            .renditions
            .iter()
            .map(|r| (r.digest, r.extension.as_str()))
            .collect();
        let _ = self
            .vault
            .remove(Doomed::after_tombstone(record.digest), &renditions)?;
        // 4. The ledger says that they are gone.
        let objects = removed_objects(&record);
        self.commit(by, move |proposal| {
            proposal.event(What::RecordingDisposed { id, plan, objects });
            Ok(())
        })
    }

    pub(super) fn blobs(&self) -> std::path::PathBuf {
        self.root.join("ledger/blobs")
    }
}

fn removed_objects(record: &Record) -> Vec<RemovedObject> {
    let original = RemovedObject {
        what: Removed::Original,
        digest: record.digest,
        bytes: record.bytes,
    };
    let renditions = record.renditions.iter().map(|r| RemovedObject {
        what: Removed::Rendition,
        digest: r.digest,
        bytes: r.bytes,
    });
    let mirror = record.mirrored.then_some(RemovedObject {
        what: Removed::Mirror,
        ..original
    });
    let copies = std::iter::once(original).chain(mirror);
    copies.chain(renditions).collect()
}

fn due_place(key: &[u8]) -> Result<keys::Place, StoreError> {
    keys::Place::from_bytes(key)
        .ok_or_else(|| StoreError::Rows("a key of the list of dates is none".into()))
}

fn due_facts(row: &[u8]) -> Result<DueFacts, StoreError> {
    serde_json::from_slice(row).map_err(|e| StoreError::Rows(e.to_string()))
}

fn in_days(now: Moment, days: u32) -> Moment {
    now.plus_ms(i64::from(days).saturating_mul(86_400_000))
}
