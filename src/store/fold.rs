//! The index is what the events add up to. This is the one place where an event becomes rows; it
//! serves the writer, recovery and a rebuild alike.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use thiserror::Error;

use super::{Correction, Keeping, Planned, Rules, Waiting};
use crate::{
    base::{Digest, ErrorKind, Explain, Moment, RecordingId},
    custody::{Hold, RosterHistory, access::Access},
    event::{Event, Sealed, What},
    recording::{Finding, FindingKind, Record, Sighting, State},
    registry::{self, Assignment, Change, Device, Officer, Register},
    retention::{ClockError, ClockTerms, ComplianceClock},
};

/// The ledger holds an event that cannot follow from those before it.
#[derive(Debug, Error)]
pub enum FoldError {
    /// The recording was never admitted.
    #[error("event {n} is about recording {id}, which was never admitted")]
    Unknown {
        /// The event.
        n: u64,
        /// The recording.
        id: RecordingId,
    },
    /// The recording is admitted a second time.
    #[error("event {n} admits recording {id} a second time")]
    Twice {
        /// The event.
        n: u64,
        /// The recording.
        id: RecordingId,
    },
    /// What holds for the store is not known: the log does not begin as one does.
    #[error("event {n} comes before the store was created")]
    NoRules {
        /// The event.
        n: u64,
    },
    /// The event is not one that the rules allow.
    #[error("event {n} cannot follow: {why}")]
    Against {
        /// The event.
        n: u64,
        /// Why.
        why: String,
    },
    /// The rows below could not be read.
    #[error("event {n} cannot be folded: {reason}")]
    Rows {
        /// The event.
        n: u64,
        /// Why.
        reason: String,
    },
}

impl Explain for FoldError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Integrity
    }
}

/// Where rows are read from while folding.
pub(super) trait Below {
    fn record(&self, id: RecordingId) -> Result<Option<Record>, String>;
    fn keeping(&self, id: RecordingId) -> Result<Option<Keeping>, String>;
    fn is_used(&self, statement: Digest) -> Result<bool, String>;
    fn waiting(&self, statement: Digest) -> Result<Option<Waiting>, String>;
    fn access(&self, request: Digest) -> Result<Option<Access>, String>;
    /// Recordings of a recorder that began from one instant up to another.
    fn of_device(&self, device: &str, from: Moment, to: Moment)
    -> Result<Vec<RecordingId>, String>;
}

/// Rows as they will be once the group of events at hand is committed.
pub(super) struct Folding<'a> {
    below: &'a dyn Below,
    pub(super) register: Arc<Register>,
    pub(super) register_changed: bool,
    /// Before (as committed) and after.
    pub(super) records: BTreeMap<RecordingId, (Option<Record>, Record)>,
    /// What keeps each of those records, before and after.
    pub(super) keepings: BTreeMap<RecordingId, (Option<Keeping>, Keeping)>,
    /// Nothing before the store is created.
    pub(super) rules: Option<Arc<Rules>>,
    pub(super) rules_changed: bool,
    /// Statements accepted in this group, with their events.
    pub(super) statements: BTreeMap<Digest, u64>,
    /// Statements that wait for more signatures, or ceased to.
    pub(super) waiting: BTreeMap<Digest, Option<Waiting>>,
    /// Requests to look, as they will be.
    pub(super) accesses: BTreeMap<Digest, Access>,
    /// Ended nights of this group: number of the event and its body.
    pub(super) nights: Vec<(u64, Moment, What)>,
}

/// What an erased detail reads as.
const ERASED: &[u8] = b"erased";

impl<'a> Folding<'a> {
    /// On these rows; register and rules are copied only once an event changes them.
    pub(super) fn new(
        below: &'a dyn Below,
        register: Arc<Register>,
        rules: Option<Arc<Rules>>,
    ) -> Self {
        Self {
            below,
            register,
            register_changed: false,
            records: BTreeMap::new(),
            keepings: BTreeMap::new(),
            rules,
            rules_changed: false,
            statements: BTreeMap::new(),
            waiting: BTreeMap::new(),
            accesses: BTreeMap::new(),
            nights: Vec::new(),
        }
    }

    /// The recording as it will be.
    pub(super) fn record(&self, id: RecordingId) -> Result<Option<Record>, String> {
        match self.records.get(&id) {
            Some((_, after)) => Ok(Some(after.clone())),
            None => self.below.record(id),
        }
    }

    /// What keeps the recording, as it will be.
    pub(super) fn keeping(&self, id: RecordingId) -> Result<Keeping, String> {
        match self.keepings.get(&id) {
            Some((_, after)) => Ok(after.clone()),
            None => Ok(self.below.keeping(id)?.unwrap_or_default()),
        }
    }

    /// Recordings of a recorder that began from one instant up to another, as they will be.
    pub(super) fn of_device(
        &self,
        device: &str,
        from: Moment,
        to: Moment,
    ) -> Result<Vec<Record>, String> {
        let below = self.below.of_device(device, from, to)?;
        let ids: BTreeSet<RecordingId> = below
            .into_iter()
            .chain(self.records.keys().copied())
            .collect();
        let mut found = Vec::new();
        for id in ids {
            found.extend(self.record(id)?.filter(|record| {
                let of = record.attribution.device.as_ref();
                of.is_some_and(|of| of.value == device) && (from..to).contains(&record.time())
            }));
        }
        Ok(found)
    }

    /// Whether the statement was accepted before.
    pub(super) fn is_used(&self, statement: Digest) -> Result<bool, String> {
        Ok(self.statements.contains_key(&statement) || self.below.is_used(statement)?)
    }

    /// The statement of this digest that waits for more signatures, if one does.
    pub(super) fn waiting(&self, statement: Digest) -> Result<Option<Waiting>, String> {
        match self.waiting.get(&statement) {
            Some(waiting) => Ok(waiting.clone()),
            None => self.below.waiting(statement),
        }
    }

    /// The request of this digest, as it will be.
    pub(super) fn access(&self, request: Digest) -> Result<Option<Access>, String> {
        match self.accesses.get(&request) {
            Some(access) => Ok(Some(access.clone())),
            None => self.below.access(request),
        }
    }

    /// Takes one event in.
    pub(super) fn apply(
        &mut self,
        event: &Event,
        text_of: &dyn Fn(Sealed) -> Option<Vec<u8>>,
    ) -> Result<(), FoldError> {
        let (n, at) = (event.n, event.at);
        let open = |sealed: &Sealed| text_of(*sealed).unwrap_or_else(|| ERASED.to_vec());
        let open_text = |sealed: &Sealed| String::from_utf8_lossy(&open(sealed)).into_owned();
        match &event.what {
            What::StoreCreated {
                roster,
                policy,
                reading,
                ..
            } => {
                self.rules = Some(Arc::new(Rules {
                    rosters: RosterHistory::new((**roster).clone()),
                    policies: vec![(**policy).clone()],
                    adopted: vec![at],
                    clock: ComplianceClock::start(*reading),
                    corrections: Vec::new(),
                    fixity_day: None,
                    plans: Vec::new(),
                }));
                self.rules_changed = true;
                Ok(())
            }
            What::AccessRequested(_)
            | What::AccessApproved { .. }
            | What::AccessDenied { .. }
            | What::AccessCancelled { .. }
            | What::AccessSpent { .. }
            | What::AccessServed { .. }
            | What::AccessEnded { .. } => self.apply_access(event, &open_text),
            What::NightStarted { .. } | What::StoreRegained { .. } => Ok(()),
            What::RecordingReappeared { id, .. }
            | What::RecordingRepaired { id, .. }
            | What::SourceReleased { id, .. }
            | What::SourceRemoved { id } => self.update(n, *id, |_, _| {}),
            What::StatementAccepted { statement, .. } => {
                let digest = statement.digest();
                self.statements.insert(digest, n);
                let rows = |reason| FoldError::Rows { n, reason };
                if self.waiting(digest).map_err(rows)?.is_some() {
                    self.waiting.insert(digest, None);
                }
                Ok(())
            }
            What::StatementSigned {
                statement,
                signatures,
                people,
                attached,
            } => {
                let digest = statement.digest();
                let rows = |reason| FoldError::Rows { n, reason };
                let before = self.waiting(digest).map_err(rows)?;
                let mut waiting = before.unwrap_or_else(|| Waiting::new(statement.clone(), at));
                waiting.signatures.extend(signatures.iter().cloned());
                waiting.people.clone_from(people);
                waiting.attached = waiting.attached.or(*attached);
                self.waiting.insert(digest, Some(waiting));
                Ok(())
            }
            What::RosterChanged { change } => {
                self.rules(n)?.rosters.apply(change, n);
                Ok(())
            }
            What::PolicyAdopted { policy, .. } => {
                let rules = self.rules(n)?;
                if rules
                    .policy()
                    .is_some_and(|p| p.version() >= policy.version())
                {
                    let why = format!("policy version {} is no later one", policy.version());
                    return Err(FoldError::Against { n, why });
                }
                rules.policies.push((**policy).clone());
                rules.adopted.push(at);
                Ok(())
            }
            What::ClockRead { reading } => {
                let rules = self.rules(n)?;
                if let Some(terms) = rules.policy().map(|p| p.terms().clock) {
                    rules.clock.apply_reading(*reading, terms);
                }
                Ok(())
            }
            What::ClockConfirmed {
                at,
                reading,
                behind_ms,
                ..
            } => self.vouch(n, *at, *behind_ms, |clock, terms| {
                clock.apply_confirmed(*at, *reading, terms)
            }),
            What::ClockWitnessed {
                at,
                reading,
                behind_ms,
                ..
            } => self.vouch(n, *at, *behind_ms, |clock, terms| {
                clock.apply_witnessed(*at, *reading, terms)
            }),
            What::RecordingClassified {
                id, raising, actor, ..
            } => self.update(n, *id, |r, k| {
                k.standing.apply_raising(raising);
                k.classed_by = Some(actor.clone());
                r.look_again_without_copy();
            }),
            What::RecordingLowered { id, lowering, .. } => {
                let mut refused = None;
                self.update(n, *id, |_, k| {
                    refused = k.standing.apply_lowering(lowering).err();
                })?;
                match refused {
                    Some(e) => Err(FoldError::Against {
                        n,
                        why: e.to_string(),
                    }),
                    None => Ok(()),
                }
            }
            What::HoldPlaced {
                id,
                hold,
                reason,
                requester,
            } => {
                let hold = Hold {
                    reason: open_text(reason),
                    requester: open_text(requester),
                    ..hold.clone()
                };
                self.update(n, *id, |_, k| k.holds.add(hold))
            }
            What::HoldReleased { id, number, .. } => {
                self.update(n, *id, |_, k| k.holds.lift(*number))
            }
            What::DisposalPlanned {
                root,
                blob,
                items,
                bytes,
                actor,
            } => {
                self.rules(n)?.plans.push(Planned {
                    root: *root,
                    blob: *blob,
                    items: *items,
                    bytes: *bytes,
                    at,
                    by: actor.clone(),
                    approval: None,
                });
                Ok(())
            }
            What::DisposalApproved { approval } => {
                let plan = self.rules(n)?.plans.last_mut();
                match plan.filter(|p| p.root == approval.root && p.approval.is_none()) {
                    Some(plan) => {
                        plan.approval = Some(approval.clone());
                        Ok(())
                    }
                    None => Err(FoldError::Against {
                        n,
                        why: format!("plan {} is not waiting for approval", approval.root),
                    }),
                }
            }
            What::RecordingDoomed { id, plan, .. } => self.update(n, *id, |r, k| {
                r.state = State::Disposing;
                r.changed_at = at;
                k.plan = Some(*plan);
            }),
            What::RecordingCorrected {
                id,
                attribution,
                findings,
                ..
            } => self.update(n, *id, |r, _| {
                let remark = r.attribution.remark.take();
                r.attribution = (**attribution).clone();
                r.attribution.remark = remark;
                r.findings.clone_from(findings);
                r.corrections = r.corrections.saturating_add(1);
                if r.is_looked_at() {
                    r.state = State::Admitted;
                    r.attempts = 0;
                    for rendition in &mut r.renditions {
                        rendition.superseded = true;
                    }
                }
                r.changed_at = at;
            }),
            What::RecordingMirrored { id } => self.update(n, *id, |r, _| r.mirrored = true),
            What::RecordingDamaged { id, .. } => self.update(n, *id, |r, _| {
                let text = "No copy of the original is what it was; its event says more.";
                r.find_once(Finding::new(FindingKind::Damaged, text));
            }),
            What::RecordingConflicts { id, with } => self.update(n, *id, |r, _| {
                let text = format!("Recording {with} bears the same number of the same recorder.");
                r.find_once(Finding::new(FindingKind::Conflicts, text));
            }),
            What::FixityChecked { to_day, .. } => {
                self.rules(n)?.fixity_day = Some(*to_day);
                Ok(())
            }
            What::RecordingDisposed { id, .. } => self.update(n, *id, |r, _| {
                r.state = State::Disposed;
                r.renditions.clear();
                // Light and sound over time say what happened there; they go with the picture.
                r.timeline = None;
                r.changed_at = at;
            }),
            What::NightEnded { .. } => {
                self.nights.push((n, at, event.what.clone()));
                Ok(())
            }
            What::DeviceRegistered {
                device,
                model,
                unit,
                price_fen,
            } => {
                self.change(&Change::DeviceAdded(Device {
                    id: device.clone(),
                    model: model.clone(),
                    unit: unit.clone(),
                    price_fen: *price_fen,
                }));
                Ok(())
            }
            What::OfficerRegistered {
                officer,
                name,
                unit,
            } => {
                let name = open_text(name);
                self.change(&Change::OfficerAdded(Officer {
                    id: officer.clone(),
                    name,
                    unit: unit.clone(),
                }));
                Ok(())
            }
            What::DeviceIssued {
                device,
                officer,
                from,
                to,
            } => {
                let (device, officer, from) = (device.clone(), officer.clone(), *from);
                self.change(&match *to {
                    None => Change::AssignmentAdded(Assignment {
                        device,
                        officer,
                        from,
                        to: None,
                    }),
                    Some(to) => Change::AssignmentClosed {
                        device,
                        officer,
                        from,
                        to,
                    },
                });
                Ok(())
            }
            What::RecordingAdmitted(a) => {
                let rows = |reason| FoldError::Rows { n, reason };
                if self.record(a.id).map_err(rows)?.is_some() {
                    return Err(FoldError::Twice { n, id: a.id });
                }
                let mut attribution = a.attribution.clone();
                if let (Some(value), Some(sealed)) = (&mut attribution.remark, &a.remark) {
                    value.value = open_text(sealed);
                }
                let record = Record {
                    id: a.id,
                    digest: a.digest,
                    bytes: a.bytes,
                    chunk_root: a.chunk_root,
                    admitted_at: at,
                    sightings: vec![Sighting {
                        at,
                        name: open(&a.name),
                        modified_at: a.modified_at,
                    }],
                    kind: a.kind,
                    state: a.state,
                    attribution,
                    media: None,
                    findings: a.findings.clone(),
                    findings_uncounted: 0,
                    timeline: None,
                    renditions: Vec::new(),
                    attempts: 0,
                    corrections: 0,
                    mirrored: false,
                    changed_at: at,
                    events: 1,
                };
                let mut keeping = Keeping::default();
                if let Some(rules) = &self.rules {
                    keeping.reckon(None, &record, rules);
                }
                self.keepings.insert(a.id, (None, keeping));
                self.records.insert(a.id, (None, record));
                Ok(())
            }
            What::RecordingSighted {
                id,
                name,
                modified_at,
            } => self.update(n, *id, |r, _| {
                r.sightings.push(Sighting {
                    at,
                    name: open(name),
                    modified_at: *modified_at,
                });
            }),
            What::RecordingExamined(e) => self.update(n, e.id, |r, _| {
                // The remark was sealed at admission; the examination repeats only its source.
                let remark = r.attribution.remark.take();
                r.attribution = e.attribution.clone();
                r.attribution.remark = remark;
                r.kind = e.kind;
                r.state = e.state;
                r.media.clone_from(&e.media);
                r.findings.clone_from(&e.findings);
                r.findings_uncounted = e.findings_uncounted;
                r.timeline.clone_from(&e.timeline);
                r.attempts = e.attempts;
                r.changed_at = at;
            }),
            What::RenditionMade { id, rendition } => self.update(n, *id, |r, _| {
                r.renditions.push((**rendition).clone());
                r.changed_at = at;
            }),
        }
    }

    fn change(&mut self, change: &Change) {
        registry::apply(Arc::make_mut(&mut self.register), change);
        self.register_changed = true;
    }

    pub(super) fn rules(&mut self, n: u64) -> Result<&mut Rules, FoldError> {
        self.rules_changed = true;
        let rules = self.rules.as_mut().ok_or(FoldError::NoRules { n })?;
        Ok(Arc::make_mut(rules))
    }

    /// Somebody vouched for the time.
    fn vouch(
        &mut self,
        n: u64,
        to: Moment,
        by_ms: i64,
        apply: impl FnOnce(&mut ComplianceClock, ClockTerms) -> Result<(), ClockError>,
    ) -> Result<(), FoldError> {
        let rules = self.rules(n)?;
        let Some(terms) = rules.policy().map(|p| p.terms().clock) else {
            return Err(FoldError::NoRules { n });
        };
        apply(&mut rules.clock, terms).map_err(|e| FoldError::Against {
            n,
            why: e.to_string(),
        })?;
        if by_ms > 0 {
            rules.corrections.push(Correction { to, by_ms });
        }
        Ok(())
    }

    /// Changes a recording and what keeps it, and reckons its date anew.
    fn update(
        &mut self,
        n: u64,
        id: RecordingId,
        f: impl FnOnce(&mut Record, &mut Keeping),
    ) -> Result<(), FoldError> {
        let rows = |reason| FoldError::Rows { n, reason };
        if !self.records.contains_key(&id) {
            let before = self.below.record(id).map_err(rows)?;
            let Some(before) = before else {
                return Err(FoldError::Unknown { n, id });
            };
            let kept = self.below.keeping(id).map_err(rows)?;
            let now = kept.clone().unwrap_or_default();
            self.records.insert(id, (Some(before.clone()), before));
            self.keepings.insert(id, (kept, now));
        }
        if let (Some((_, record)), Some((_, keeping))) =
            (self.records.get_mut(&id), self.keepings.get_mut(&id))
        {
            let before = record.clone();
            f(record, keeping);
            record.events += 1;
            if let Some(rules) = &self.rules {
                keeping.reckon(Some(&before), record, rules);
            }
        }
        Ok(())
    }
}
