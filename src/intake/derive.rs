//! Stage 4, derive: a worker of its own looks at each recording, and what it writes is verified
//! by another before it counts.
//!
//! ```text
//! original ──▶ worker: decode, check, mark, encode ──▶ staging ──▶ fresh worker: verify ──▶ renditions
//!                 │ opened: container, times                                        │
//!                 └──▶ attribution is weighed, the band is told ◀── register        ▼
//!                                                      one batch: examined, rendition made
//! ```
//!
//! A worker that dies or hangs is a finding on its recording; the next nights try again, a few times.

use std::{
    io,
    os::fd::AsFd,
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
};

use super::{
    Item, Outcome,
    attribute::Attributing,
    board::Board,
    examined::{Facts, Known, examined, kind_of, unanswered},
    night::NightError,
    salvage::Unindexed,
};
use crate::{
    base::{
        Clock, Digest, Moment, RecordingId,
        killpoint::{self, done, step},
        limits,
    },
    batch::{Interrupt, Stop},
    event::RecordingExamined,
    media::{
        band::{BandMode, Font, Template},
        checks::{self, CheckSettings},
        profile::{Plan, Requirement},
        protocol::{Answer, DeriveJob, Done, MarkOrder, Opened, Orders, RenditionOrder, VerifyJob},
        worker::{Derived, Files, Launch, Worker, WorkerFault},
    },
    recording::{Finding, FindingKind, Record, Rendition, SalvageMethod, Source, State},
    retention::Class,
    store::{Admitted, Store, StoreError},
    vault::{Linked, Output},
};

/// How recordings are looked at.
#[derive(Clone, Debug)]
pub struct DerivingSettings {
    /// The archive profile with its parameters.
    pub plan: Plan,
    /// The same with more threads, for the night's last recordings: no other wants the cores.
    pub plan_last: Plan,
    /// Elements that it needs, with their Debian packages.
    pub requirements: Vec<Requirement>,
    /// Whether a rendition is made of every recording, or of those alone that are classed long-term;
    /// the others are only looked at.
    pub of_all: bool,
    /// Whether every frame of a rendition is decoded before it counts.
    pub full_verify: bool,
    /// Text of the band.
    pub template: Template,
    /// Where the band goes.
    pub mode: BandMode,
    /// Its font.
    pub font: PathBuf,
    /// Which face of a font collection.
    pub font_index: u32,
    /// What counts as a finding.
    pub checks: CheckSettings,
    /// How workers are started and watched.
    pub launch: Launch,
}

/// The stage, ready for its first recording.
pub(super) struct Deriving<'a> {
    store: &'a Store,
    settings: &'a DerivingSettings,
    attributing: &'a Attributing,
    by: u32,
    clock: &'a dyn Clock,
    interrupt: &'a Interrupt,
    admitted: AtomicU64,
    bytes_in: AtomicU64,
    worker_peak: AtomicU64,
    /// What does not hold workers on this machine.
    uncontained: Vec<String>,
}

/// What looking at one recording came to.
struct Looked {
    examined: RecordingExamined,
    rendition: Option<(Rendition, Linked)>,
    cpu_ms: u64,
}

/// Why there is nothing to commit.
enum Broken {
    /// The night was abandoned; the next one begins anew.
    Abandoned,
    /// The store's word.
    Store(StoreError),
    /// It has no index, and nobody looked for another by which to make one.
    NoIndex(Finding),
}

impl From<StoreError> for Broken {
    fn from(e: StoreError) -> Self {
        Self::Store(e)
    }
}

impl<'a> Deriving<'a> {
    /// Asks a worker whether this machine has what the profile needs.
    pub(super) fn prepare(
        store: &'a Store,
        settings: &'a DerivingSettings,
        attributing: &'a Attributing,
        by: u32,
        clock: &'a dyn Clock,
        interrupt: &'a Interrupt,
    ) -> Result<Self, NightError> {
        let has = Worker::spawn(&settings.launch, &Files::default())
            .and_then(|worker| worker.capabilities(settings.requirements.clone()))
            .map_err(|e| NightError::Worker(e.to_string()))?;
        if !has.missing.is_empty() {
            let mut packages: Vec<String> = has.missing.iter().map(|r| r.package.clone()).collect();
            packages.sort();
            packages.dedup();
            let missing: Vec<String> = has
                .missing
                .iter()
                .map(|r| format!("{} (package {})", r.element, r.package))
                .collect();
            let profile = settings.plan.profile.clone();
            return Err(NightError::Missing {
                profile,
                missing: missing.join(", "),
                packages,
            });
        }
        let zero = AtomicU64::default;
        Ok(Self {
            store,
            settings,
            attributing,
            by,
            clock,
            interrupt,
            admitted: zero(),
            bytes_in: zero(),
            worker_peak: zero(),
            uncontained: has.containment.missing,
        })
    }

    /// What does not hold workers on this machine, as a sentence for the report.
    pub(super) fn uncontained(&self) -> Option<String> {
        let missing = self.uncontained.join("; ");
        (!missing.is_empty())
            .then(|| format!("workers are held by less than there could be: {missing}"))
    }

    /// Whom the band's font has no letters for, as a sentence for the report.
    pub(super) fn unwritable(&self) -> Option<String> {
        if self.attributing.names_nobody() {
            return None;
        }
        // A font that cannot be read is said of the first recording.
        let bytes = std::fs::read(&self.settings.font).ok()?;
        let index = usize::try_from(self.settings.font_index).ok()?;
        let font = Font::from_bytes(bytes, index).ok()?;
        self.attributing.unwritable(&font)
    }

    pub(super) fn profile(&self) -> &str {
        &self.settings.plan.profile
    }

    pub(super) const fn profile_digest(&self) -> Digest {
        self.settings.plan.digest
    }

    /// Counts a recording that was taken in.
    pub(super) fn count(&self, admitted: &Admitted) {
        if admitted.fresh {
            self.admitted.fetch_add(1, Ordering::Relaxed);
            self.bytes_in.fetch_add(admitted.bytes, Ordering::Relaxed);
        }
    }

    /// Recordings taken in, their bytes, and the largest memory of any worker.
    pub(super) fn tally(&self) -> (u64, u64, u64) {
        let get = |n: &AtomicU64| n.load(Ordering::Relaxed);
        (
            get(&self.admitted),
            get(&self.bytes_in),
            get(&self.worker_peak),
        )
    }

    /// Looks at one recording; `stopped` when the store takes nothing more, `last` when no other
    /// waits for the cores. One without an index waits until it is looked at once more for `salvage`.
    pub(super) fn look_at(
        &self,
        id: RecordingId,
        bytes: u64,
        salvage: Option<&Unindexed>,
        board: &Board<'_>,
        stopped: bool,
        last: bool,
    ) -> Item {
        let record = match self.store.record(id) {
            Ok(Some(record)) => record,
            Ok(None) | Err(_) => return nameless(id, bytes),
        };
        if stopped || self.interrupt.asked() != Stop::No {
            return Item::of(&record, Outcome::Waiting, 0);
        }
        let slot = board.begin(&crate::base::text::name_human(record.name()), bytes);
        let looked = self.examine(&record, slot, salvage, board, last);
        let looked = looked.and_then(|looked| {
            let no_index = looked
                .examined
                .findings
                .iter()
                .find(|f| f.kind == FindingKind::NoIndex);
            if let (None, Some(found)) = (salvage, no_index) {
                return Err(Broken::NoIndex(found.clone()));
            }
            let cpu_ms = looked.cpu_ms;
            self.store.examined(
                self.by,
                record.corrections,
                looked.examined,
                looked.rendition,
            )?;
            Ok(cpu_ms)
        });
        board.end(slot, self.clock.now());
        match (looked, self.store.record(id)) {
            (Ok(cpu_ms), Ok(Some(now))) => Item::of(&now, Outcome::of(now.state), cpu_ms),
            (Err(Broken::Store(e)), _) => {
                let text = format!("it was not looked at: {e}");
                waiting(&record, Finding::new(FindingKind::WorkerDied, text))
            }
            (Err(Broken::NoIndex(found)), _) => waiting(&record, found),
            _ => Item::of(&record, Outcome::Waiting, 0),
        }
    }

    fn examine(
        &self,
        record: &Record,
        slot: usize,
        salvage: Option<&Unindexed>,
        board: &Board<'_>,
        last: bool,
    ) -> Result<Looked, Broken> {
        let input = self
            .store
            .vault()
            .open_object(&record.digest)
            .map_err(StoreError::from)?;
        let wanted = self.settings.of_all || self.is_long_term(record.id)?;
        let output = match wanted {
            true => Some(
                self.store
                    .vault()
                    .stage_output(record.id)
                    .map_err(StoreError::from)?,
            ),
            false => None,
        };
        let mut job = DeriveJob::making(&self.settings.plan, record);
        if let Some(how) = salvage {
            job.salvage = Some(how.job(self.store, &self.settings.launch));
        }
        let by = salvage.and_then(|how| how.reference);
        let shape = job.salvage.as_ref().and_then(|s| s.shape.clone());
        // What the answer to `Opened` decided is needed again when the worker is done.
        let mut weighed = None;
        let files = Files {
            input: Some(input.as_fd()),
            output: output.as_ref().map(|o| o.file().as_fd()),
        };
        let struck = |e| self.struck(record, e);
        // 1. The worker writes to staging.
        step("intake.derive.work").map_err(struck)?;
        let derived = match Worker::spawn(&self.settings.launch, &files) {
            Err(fault) => Derived {
                opened: None,
                findings: Vec::new(),
                outcome: Err(fault),
            },
            Ok(worker) => {
                let killer = worker.killer();
                worker.derive(
                    job,
                    |opened| {
                        let known = self.weigh(record, opened);
                        let orders = self.orders(record, &known, last, wanted);
                        weighed = Some(known);
                        Answer::Proceed(Box::new(orders))
                    },
                    |p| {
                        board.job(
                            slot,
                            "transcoding",
                            p.position_ms,
                            p.duration_ms,
                            self.clock.now(),
                        );
                        if self.interrupt.asked() == Stop::Abandon {
                            killer.kill();
                        }
                    },
                )
            }
        };
        done("intake.derive.work").map_err(struck)?;
        let known = weighed.unwrap_or_else(|| self.weigh(record, &Opened::default()));
        let Derived {
            outcome, findings, ..
        } = derived;
        match outcome {
            Ok(mut answer) => {
                if let Some(said) = &mut answer.media.salvage {
                    let before = record.media.as_ref().and_then(|m| m.salvage.as_ref());
                    said.reference = by
                        .or_else(|| before.and_then(|s| s.reference))
                        .filter(|_| said.method == SalvageMethod::Reference);
                    said.shape = shape.filter(|_| said.method == SalvageMethod::Reference);
                }
                self.note_peak(answer.peak_rss_bytes);
                self.answered(record, known, answer, findings, output, slot, board)
            }
            Err(WorkerFault::Interrupted) => Err(Broken::Abandoned),
            Err(fault) => Ok(Looked {
                examined: unanswered(record, known, findings, &fault),
                rendition: None,
                cpu_ms: 0,
            }),
        }
    }

    /// The worker looked: verify what it wrote, if it wrote.
    #[expect(
        clippy::too_many_arguments,
        reason = "everything that is known of one recording comes together here"
    )]
    fn answered(
        &self,
        record: &Record,
        known: Known,
        done: Done,
        mut findings: Vec<Finding>,
        output: Option<Output>,
        slot: usize,
        board: &Board<'_>,
    ) -> Result<Looked, Broken> {
        let mut cpu_ms = done.cpu_ms;
        let mut rendition = None;
        let mut state = State::Kept;
        if let (Some(facts), Some(output)) = (done.rendition, output) {
            let length = facts.duration_ms;
            board.job(slot, "verifying", 0, length, self.clock.now());
            let job = VerifyJob {
                promised: facts,
                id: (facts.width > 0).then_some(record.id),
                start: known.believed_start,
                full: self.settings.full_verify,
                decode_threads: 0,
            };
            let files = Files {
                input: Some(output.file().as_fd()),
                output: None,
            };
            // 2. A fresh one verifies what it wrote.
            let struck = |e| self.struck(record, e);
            step("intake.derive.verify").map_err(struck)?;
            let verified = Worker::spawn(&self.settings.launch, &files).and_then(|worker| {
                let killer = worker.killer();
                let looked = worker.verify(job, |p| {
                    board.job(slot, "verifying", p.position_ms, length, self.clock.now());
                    if self.interrupt.asked() == Stop::Abandon {
                        killer.kill();
                    }
                });
                findings.extend(looked.findings);
                looked.outcome
            });
            killpoint::done("intake.derive.verify").map_err(struck)?;
            let good = match verified {
                Ok(verified) => {
                    cpu_ms = verified.cpu_ms.saturating_add(cpu_ms);
                    self.note_peak(verified.peak_rss_bytes);
                    verified.sound
                }
                Err(WorkerFault::Interrupted) => return Err(Broken::Abandoned),
                Err(fault) => {
                    let text = format!("its verification failed: {fault}");
                    findings.push(Finding::new(FindingKind::RenditionRejected, text));
                    false
                }
            };
            if good {
                let linked = self
                    .store
                    .place_rendition(output, &self.settings.plan.extension)?;
                state = State::Archived;
                let made = Rendition {
                    digest: linked.published().digest(),
                    bytes: linked.published().hashed.bytes,
                    extension: self.settings.plan.extension.clone(),
                    profile: self.settings.plan.profile.clone(),
                    profile_digest: self.settings.plan.digest,
                    superseded: false,
                    part: 0,
                    frames: facts.frames,
                    duration_ms: facts.duration_ms,
                    width: facts.width,
                    height: facts.height,
                    made_at: Moment::default(),
                    cpu_ms,
                    made_with: done.made_with.clone(),
                };
                rendition = Some((made, linked));
            } else {
                state = State::Retry;
            }
        }
        let attempts = if state == State::Retry {
            record.attempts + 1
        } else {
            0
        };
        if attempts >= limits::DERIVE_ATTEMPTS_MAX {
            state = State::Kept;
        }
        let kind = kind_of(record.kind, &done.media);
        let media = (!done.media.container.is_empty() || !done.media.tracks.is_empty())
            .then_some(done.media);
        let timeline = (!done.timeline.luma.is_empty() || !done.timeline.level.is_empty())
            .then_some(done.timeline);
        let examined = examined(
            record,
            known,
            findings,
            done.findings_uncounted,
            Facts {
                kind,
                state,
                attempts,
                media,
                timeline,
                made_with: done.made_with,
            },
        );
        Ok(Looked {
            examined,
            rendition,
            cpu_ms,
        })
    }

    /// Whose recording it is, now that the container spoke.
    fn weigh(&self, record: &Record, opened: &Opened) -> Known {
        let kind = kind_of(record.kind, &opened.media);
        let (mut attribution, mut findings) =
            self.attributing
                .with_container(&record.attribution, &opened.claims, kind);
        // Sealed at admission; it stays where it is.
        attribution.remark = None;
        let start = attribution
            .started_at
            .as_ref()
            .filter(|s| s.source != Source::FileTime)
            .map(|s| s.value);
        let suspect = start.and_then(|start| checks::clock_suspect(start, record.admitted_at));
        let believed_start = start.filter(|_| suspect.is_none());
        findings.extend(suspect);
        Known {
            attribution,
            findings,
            believed_start,
        }
    }

    /// Whether it is kept long-term as it stands now.
    fn is_long_term(&self, id: RecordingId) -> Result<bool, StoreError> {
        let standing = self.store.keeping(id)?.standing;
        Ok(standing.class_at(self.clock.now()) != Class::Standard)
    }

    fn orders(&self, record: &Record, known: &Known, last: bool, wanted: bool) -> Orders {
        let settings = self.settings;
        let name = self.attributing.officer_name(&known.attribution);
        let mark = MarkOrder {
            device: known.attribution.device.as_ref().map(|v| v.value.clone()),
            officer: known.attribution.officer.as_ref().map(|v| v.value.clone()),
            officer_name: (!name.is_empty()).then_some(name),
            id: record.id,
            start: known.believed_start,
            zone: self
                .attributing
                .zone
                .iana_name()
                .unwrap_or("UTC")
                .to_owned(),
            template: settings.template.clone(),
            mode: settings.mode,
            font: settings.font.clone(),
            font_index: settings.font_index,
        };
        let rendition = wanted.then(|| RenditionOrder {
            plan: if last {
                &settings.plan_last
            } else {
                &settings.plan
            }
            .clone(),
            mark,
            original: record.digest,
        });
        Orders {
            rendition,
            checks: settings.checks.clone(),
            only: None,
        }
    }

    /// A step that failed although no worker said so.
    fn struck(&self, record: &Record, source: io::Error) -> Broken {
        let path = self.store.vault().object_path(&record.digest);
        Broken::Store(StoreError::Layout { path, source })
    }

    fn note_peak(&self, bytes: u64) {
        self.worker_peak.fetch_max(bytes, Ordering::Relaxed);
    }
}

fn waiting(record: &Record, finding: Finding) -> Item {
    let mut item = Item::of(record, Outcome::Waiting, 0);
    item.findings.push(finding);
    item
}

/// An item about a recording whose row cannot be read.
fn nameless(id: RecordingId, bytes: u64) -> Item {
    let finding = Finding::new(
        FindingKind::WorkerDied,
        "its row cannot be read; it was not looked at",
    );
    let mut item = Item::bare(id.to_string().as_bytes(), bytes, Outcome::Waiting, finding);
    item.id = Some(id);
    item
}
