//! The index is what the events add up to. This is the one place where an event becomes rows; it
//! serves the writer, recovery and a rebuild alike.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::{
    base::{ErrorKind, Explain, Moment, RecordingId},
    event::{Event, Sealed, What},
    recording::{Record, Sighting},
    registry::{self, Assignment, Change, Device, Officer, Register},
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
}

/// Rows as they will be once the group of events at hand is committed.
pub(super) struct Folding<'a> {
    below: &'a dyn Below,
    pub(super) register: Register,
    pub(super) register_changed: bool,
    /// Before (as committed) and after.
    pub(super) records: BTreeMap<RecordingId, (Option<Record>, Record)>,
    /// Ended nights of this group: number of the event and its body.
    pub(super) nights: Vec<(u64, Moment, What)>,
}

/// What an erased detail reads as.
const ERASED: &[u8] = b"erased";

impl<'a> Folding<'a> {
    pub(super) fn new(below: &'a dyn Below, register: Register) -> Self {
        Self {
            below,
            register,
            register_changed: false,
            records: BTreeMap::new(),
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
            What::StoreCreated { .. } | What::NightStarted { .. } => Ok(()),
            What::SourceReleased { id, .. } | What::SourceRemoved { id } => {
                self.update(n, *id, |_| {})
            }
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
                    changed_at: at,
                    events: 1,
                };
                self.records.insert(a.id, (None, record));
                Ok(())
            }
            What::RecordingSighted {
                id,
                name,
                modified_at,
            } => self.update(n, *id, |r| {
                r.sightings.push(Sighting {
                    at,
                    name: open(name),
                    modified_at: *modified_at,
                });
            }),
            What::RecordingExamined(e) => self.update(n, e.id, |r| {
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
            What::RenditionMade { id, rendition } => self.update(n, *id, |r| {
                r.renditions.push((**rendition).clone());
                r.changed_at = at;
            }),
        }
    }

    fn change(&mut self, change: &Change) {
        registry::apply(&mut self.register, change);
        self.register_changed = true;
    }

    fn update(
        &mut self,
        n: u64,
        id: RecordingId,
        f: impl FnOnce(&mut Record),
    ) -> Result<(), FoldError> {
        if let Some((_, after)) = self.records.get_mut(&id) {
            f(after);
            after.events += 1;
            return Ok(());
        }
        let before = self
            .below
            .record(id)
            .map_err(|reason| FoldError::Rows { n, reason })?;
        let Some(before) = before else {
            return Err(FoldError::Unknown { n, id });
        };
        let mut after = before.clone();
        f(&mut after);
        after.events += 1;
        self.records.insert(id, (Some(before), after));
        Ok(())
    }
}
