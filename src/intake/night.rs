//! The night: scan ─▶ admit ─▶ derive ─▶ report, the longest recording first.
//!
//! ```text
//! inbox ──▶ scan ──▶ known? ──────────────────────────────▶ release
//!                     └─ new ──▶ [admit × hashers] ──▶ [derive × jobs] ──▶ items ──▶ summary
//! recordings that an earlier night left waiting ──────▶ ┘
//! ```
//!
//! Whatever happens to one file is that file's item and never the night's end. Killed anywhere,
//! the next night finds what is in the vault and not looked at, and what is still in the inbox.

use std::{path::PathBuf, sync::Mutex};

use super::{
    Ending, Item, NightSummary, Outcome, Totals, Watcher,
    admit::{Admitting, Taken, is_full},
    attribute::Attributing,
    board::Board,
    cores::{Ahead, Share},
    derive::{Deriving, DerivingSettings},
    known::{self, Known},
    missing::{self, RowSettings},
    release::{self, Release},
    salvage::{self, Unindexed},
    scan::{self, Found, ScanSettings},
    summary,
    tally::{ending_word, own_cpu_ms, own_peak_bytes, room},
    upkeep::{Upkeep, Upkeeping},
};
use crate::{
    base::{Clock, ErrorKind, Explain, Moment, RecordingId, text::name_human},
    batch::{Defect, Interrupt, Stages, Stop},
    event::What,
    recording::{Finding, FindingKind},
    store::{Store, StoreError},
};

/// Everything that a night needs to be told.
#[derive(Clone, Debug)]
pub struct NightSettings {
    /// The office's name.
    pub office: String,
    /// The inbox.
    pub inbox: PathBuf,
    /// How it is read.
    pub scan: ScanSettings,
    /// Whether JSON sidecars are read.
    pub sidecars: bool,
    /// What becomes of sources.
    pub release: Release,
    /// Days that a released source is kept before it is removed.
    pub released_keep_days: i64,
    /// File names, zone, register.
    pub attributing: Attributing,
    /// Files admitted at once.
    pub hashers: usize,
    /// Recordings looked at once.
    pub jobs: usize,
    /// Known files that are read again as a sample.
    pub memo_sample: usize,
    /// Days in which every original is read again.
    pub fixity_days: u32,
    /// Below so many free bytes nothing more is taken in.
    pub free_bytes_min: u64,
    /// How recordings are held against their neighbours.
    pub row: RowSettings,
    /// How recordings are looked at.
    pub deriving: DerivingSettings,
}

/// The night could not be run.
#[derive(Debug, thiserror::Error)]
pub enum NightError {
    /// The store's word.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The machine lacks what the profile needs.
    #[error("profile '{profile}' needs {missing}")]
    Missing {
        /// The profile.
        profile: String,
        /// Elements with their packages.
        missing: String,
        /// The packages, for the hint.
        packages: Vec<String>,
    },
    /// No worker could be started to ask.
    #[error("no worker can be started: {0}")]
    Worker(String),
}

impl Explain for NightError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(e) => e.kind(),
            Self::Missing { .. } => ErrorKind::Usage,
            Self::Worker(_) => ErrorKind::Fault,
        }
    }
    fn hint(&self) -> Option<String> {
        match self {
            Self::Store(e) => e.hint(),
            Self::Missing { packages, .. } => Some(format!(
                "apt-get install {}; or name another profile in [archive]",
                packages.join(" ")
            )),
            Self::Worker(_) => Some("recvault doctor tells what this machine has".into()),
        }
    }
}

/// Work of the night: a file of the inbox, or a recording that waits since an earlier night.
enum Work {
    File(Found),
    Waiting(RecordingId, u64),
}

impl Work {
    const fn bytes(&self) -> u64 {
        match self {
            Self::File(found) => found.bytes,
            Self::Waiting(_, bytes) => *bytes,
        }
    }
}

/// What the admitting stage hands on.
enum Vaulted {
    LookAt(RecordingId, u64),
    Finished(Box<Item>),
}

/// Runs a night on behalf of the user `by`.
///
/// # Errors
/// Only when nothing could be begun, or the store failed as a whole; everything else is an item.
pub fn run(
    store: &Store,
    settings: &NightSettings,
    by: u32,
    clock: &dyn Clock,
    watcher: &dyn Watcher,
    interrupt: &Interrupt,
) -> Result<NightSummary, NightError> {
    let began = clock.now();
    let date = began.day_in_zone(&settings.attributing.zone);
    let deriving = Deriving::prepare(
        store,
        &settings.deriving,
        &settings.attributing,
        by,
        clock,
        interrupt,
    )?;
    let board = Board::new(watcher, settings.jobs, began);
    board.phase("scanning", began);
    let mut night = Night {
        notes: (store.recovered().words().into_iter())
            .chain(deriving.uncontained())
            .chain(deriving.unwritable())
            .collect(),
        items: Vec::new(),
        totals: Totals::default(),
        upkeep: Upkeep::default(),
    };
    {
        let (night, profile, profile_digest) = (
            date.clone(),
            deriving.profile().to_owned(),
            deriving.profile_digest(),
        );
        store.commit(by, move |proposal| {
            proposal.event(What::NightStarted {
                night,
                profile,
                profile_digest,
            });
            Ok(())
        })?;
    }

    let scanned = scan::scan(&settings.inbox, &settings.scan, began);
    night.totals.files_seen = (scanned.ready.len() + scanned.left.len()) as u64;
    for left in scanned.left {
        let kind = if left.tomorrow {
            FindingKind::FileUnsettled
        } else {
            FindingKind::FileUnreadable
        };
        let item = Item::bare(
            &left.name,
            left.bytes,
            Outcome::LeftInInbox,
            Finding::new(kind, left.why),
        );
        night.items.push(item);
    }
    let admitting = Admitting {
        store,
        attributing: &settings.attributing,
        inbox: &settings.inbox,
        sidecars: settings.sidecars,
        release: settings.release,
        date: &date,
        done_marker: &settings.scan.done_marker,
        now: began,
        by,
    };
    let Known {
        fresh,
        known,
        replaced,
    } = known::recognise(
        store,
        scanned.ready,
        &date,
        settings.memo_sample,
        &mut night.totals,
    )?;
    for (found, finding) in replaced {
        night.items.push(Item::bare(
            &found.name,
            found.bytes,
            Outcome::LeftInInbox,
            finding,
        ));
    }
    for (found, admitted) in known {
        night
            .notes
            .extend(admitting.release(&found.name, &admitted));
    }

    let mut work: Vec<Work> = fresh.into_iter().map(Work::File).collect();
    work.extend(
        store
            .pending()?
            .into_iter()
            .map(|p| Work::Waiting(p.id, p.bytes)),
    );
    // The longest first, so that the night has no tail; stable, so that names break ties.
    work.sort_by_key(|w| std::cmp::Reverse(w.bytes()));
    let (files, bytes) = (work.len() as u64, work.iter().map(Work::bytes).sum());
    board.expect(files, bytes);
    board.phase("working", clock.now());

    let flow = Flow {
        admitting: &admitting,
        deriving: &deriving,
        board: &board,
        clock,
        interrupt,
        settings,
        ahead: Ahead::of(files, bytes),
        stopped: Mutex::default(),
    };
    let results: Vec<Result<Option<Item>, Defect>> = Stages::run(|stages| {
        let source = stages.source(work);
        let flow = &flow;
        let vaulted = stages.stage("admit", settings.hashers, &source, move |work| {
            flow.admit(work)
        });
        let items = stages.stage("derive", settings.jobs, &vaulted, move |vaulted| {
            flow.derive(vaulted)
        });
        items.iter().map(Result::flatten).collect()
    });
    night.take(results);
    flow.salvage(&mut night)?;
    let stopped = flow.stopped.lock().ok().and_then(|mut s| s.take());
    let ending = match (&stopped, interrupt.asked()) {
        (Some(e), _) if !is_full(e) => {
            return Err(NightError::Store(StoreError::Broken(e.to_string())));
        }
        (Some(_), _) => Ending::DiskFull,
        (None, Stop::No) => Ending::Complete,
        (None, Stop::Drain) => Ending::Drained,
        (None, Stop::Abandon) => Ending::Abandoned,
    };
    // Before sources are removed, which wait for the second copy of what they are.
    if matches!(ending, Ending::Complete | Ending::DiskFull) {
        let upkeeping = Upkeeping {
            store,
            by,
            threads: settings.hashers,
            cycle_days: settings.fixity_days,
            everything: false,
            board: &board,
            clock,
            interrupt,
        };
        let (upkeep, said) = upkeeping.run()?;
        night.upkeep = upkeep;
        night.notes.extend(said);
    }
    board.phase("finishing", clock.now());
    if ending == Ending::Complete && settings.release == Release::Move {
        let keep_ms = settings.released_keep_days.saturating_mul(86_400_000);
        let before = began
            .plus_ms(keep_ms.saturating_neg().saturating_add(86_400_000))
            .day_in_zone(&settings.attributing.zone);
        let removed = release::remove_released(
            store,
            &settings.inbox,
            before.min(date.clone()).as_str(),
            by,
        )?;
        night.totals.sources_removed = removed.files;
        night.notes.extend(removed.kept);
        release::drop_empty_folders(&settings.inbox);
    }
    night.finish(store, settings, &deriving, by, &date, began, ending, clock)
}

struct Night {
    notes: Vec<String>,
    items: Vec<Item>,
    totals: Totals,
    upkeep: Upkeep,
}

impl Night {
    fn take(&mut self, results: Vec<Result<Option<Item>, Defect>>) {
        for result in results {
            match result {
                Ok(item) => self.items.extend(item),
                Err(defect) => self.notes.push(defect.to_string()),
            }
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the end of a night is told by all of it"
    )]
    fn finish(
        mut self,
        store: &Store,
        settings: &NightSettings,
        deriving: &Deriving<'_>,
        by: u32,
        date: &str,
        began: Moment,
        ending: Ending,
        clock: &dyn Clock,
    ) -> Result<NightSummary, NightError> {
        if ending == Ending::Complete {
            missing::tell(store, settings, &mut self.items)?;
        }
        for item in &self.items {
            match item.outcome {
                Outcome::Archived => self.totals.archived += 1,
                Outcome::Kept => self.totals.kept += 1,
                Outcome::Retry => self.totals.retry += 1,
                Outcome::Waiting | Outcome::SeenAgain | Outcome::LeftInInbox => {}
            }
            self.totals.bytes_out += item.rendition_bytes;
            self.totals.media_ms = self.totals.media_ms.saturating_add(item.duration_ms);
            self.totals.cpu_ms = self.totals.cpu_ms.saturating_add(item.cpu_ms);
        }
        let (admitted, bytes_in, worker_peak) = deriving.tally();
        self.totals.admitted = admitted;
        self.totals.bytes_in = bytes_in;
        self.totals.worker_peak_bytes = worker_peak;
        self.totals.cpu_ms = self.totals.cpu_ms.saturating_add(own_cpu_ms());
        self.totals.own_peak_bytes = own_peak_bytes();
        let ended = clock.now();
        self.totals.wall_ms = ended.ms_since(began).max(0);
        let totals = self.totals.clone();
        let last_night = store.nights(1)?.first().map(|night| night.at);
        let (night, word) = (date.to_owned(), ending_word(ending).to_owned());
        store.commit(by, move |proposal| {
            proposal.event(What::NightEnded {
                night,
                ending: word,
                files_seen: totals.files_seen,
                admitted: totals.admitted,
                archived: totals.archived,
                kept: totals.kept,
                retry: totals.retry,
                bytes_in: totals.bytes_in,
            });
            Ok(())
        })?;
        let checkpoint = store.publish()?;
        self.items.sort_by(|a, b| {
            a.started_at
                .cmp(&b.started_at)
                .then_with(|| a.name.cmp(&b.name))
        });
        Ok(NightSummary {
            version: 1,
            office: settings.office.clone(),
            time_zone: settings
                .attributing
                .zone
                .iana_name()
                .unwrap_or("UTC")
                .to_owned(),
            date: date.to_owned(),
            started_at: began,
            ended_at: ended,
            ending,
            profile: deriving.profile().to_owned(),
            items: self.items,
            totals: self.totals,
            room: room(store)?,
            ledger_events: checkpoint.size,
            ledger_root: checkpoint.root_text(),
            upkeep: self.upkeep,
            expiring: Vec::new(),
            break_glass: summary::emergencies(&store.accesses()?, last_night, store.times()?.later),
            notes: self.notes,
        })
    }
}

/// What the stages share.
struct Flow<'a> {
    admitting: &'a Admitting<'a>,
    deriving: &'a Deriving<'a>,
    board: &'a Board<'a>,
    clock: &'a dyn Clock,
    interrupt: &'a Interrupt,
    settings: &'a NightSettings,
    ahead: Ahead,
    /// Why the store takes no more, once it does not.
    stopped: Mutex<Option<StoreError>>,
}

impl Flow<'_> {
    fn stopped(&self) -> bool {
        self.stopped.lock().is_ok_and(|s| s.is_some())
    }

    fn stop(&self, e: StoreError) {
        if let Ok(mut stopped) = self.stopped.lock() {
            stopped.get_or_insert(e);
        }
    }

    fn admit(&self, work: Work) -> Option<Vaulted> {
        let found = match work {
            Work::Waiting(id, bytes) => {
                self.board.vaulted(bytes, true, self.clock.now());
                return Some(Vaulted::LookAt(id, bytes));
            }
            Work::File(found) => found,
        };
        let left = |finding| {
            Some(Vaulted::Finished(Box::new(Item::bare(
                &found.name,
                found.bytes,
                Outcome::LeftInInbox,
                finding,
            ))))
        };
        if self.stopped() || self.interrupt.asked() != Stop::No {
            // Left for the next night without a word each: the ending says why.
            return None;
        }
        if let Err(e) = self.room_for(found.bytes) {
            let finding = Finding::new(
                FindingKind::FileUnreadable,
                format!("it was not taken in: {e}"),
            );
            self.stop(e);
            return left(finding);
        }
        let taken = self.admitting.take(&found);
        let looked_at = matches!(&taken, Taken::Ours { admitted, kind, .. } if admitted.fresh && kind.is_looked_at(found.bytes));
        self.board.vaulted(found.bytes, looked_at, self.clock.now());
        match taken {
            Taken::Left(finding) => left(finding),
            Taken::Stop(e) => {
                let finding = Finding::new(
                    FindingKind::FileUnreadable,
                    format!("it was not taken in: {e}"),
                );
                self.stop(e);
                left(finding)
            }
            Taken::Ours {
                admitted, notes, ..
            } => {
                self.deriving.count(&admitted);
                if looked_at {
                    return Some(Vaulted::LookAt(admitted.id, admitted.bytes));
                }
                let record = self.admitting.store.record(admitted.id).ok().flatten()?;
                let outcome = if admitted.fresh {
                    Outcome::Kept
                } else {
                    Outcome::SeenAgain
                };
                let mut item = Item::of(&record, outcome, 0);
                item.name = name_human(&found.name);
                item.findings.extend(
                    notes
                        .into_iter()
                        .map(|text| Finding::new(FindingKind::SourceStays, text)),
                );
                if outcome == Outcome::SeenAgain {
                    // What was found in it was said when it was found.
                    item.findings.retain(|f| f.kind == FindingKind::SourceStays);
                    if admitted.reappeared {
                        item.findings.push(Finding::new(
                            FindingKind::Reappeared,
                            "These bytes were disposed of before. They lie aside, and nobody looked inside.",
                        ));
                    }
                    (item.timeline, item.duration_ms, item.rendition_bytes) = (None, 0, 0);
                }
                Some(Vaulted::Finished(Box::new(item)))
            }
        }
    }

    fn derive(&self, vaulted: Result<Option<Vaulted>, Defect>) -> Result<Option<Item>, Defect> {
        let mut share = None;
        let item = vaulted.map(|vaulted| match vaulted? {
            Vaulted::Finished(item) => Some(*item),
            Vaulted::LookAt(id, bytes) => {
                let given = self.ahead.begins(bytes, self.settings.jobs);
                share = Some(given);
                let (stopped, wide) = (self.stopped(), given != Share::Even);
                let item = (self.deriving).look_at(id, bytes, None, self.board, stopped, wide);
                Some(item)
            }
        });
        let bytes = match &item {
            Ok(Some(item)) => item.bytes,
            _ => 0,
        };
        self.ahead.ended(bytes, share);
        item
    }

    /// Looks once more at what has no index, now that all others of its recorder are there.
    fn salvage(&self, night: &mut Night) -> Result<(), NightError> {
        if self.stopped() || self.interrupt.asked() != Stop::No {
            return Ok(());
        }
        let work = salvage::unindexed(self.admitting.store, &night.items)?;
        if work.is_empty() {
            return Ok(());
        }
        let bytes = work.iter().map(|w| w.bytes).sum();
        let files = work.len() as u64;
        (self.board).restart("salvaging", files, bytes, self.clock.now());
        let again = |item: &Item| work.iter().any(|w| item.id == Some(w.id));
        night.items.retain(|item| !again(item));
        let last = work.len() <= self.settings.jobs;
        let results = Stages::run(|stages| {
            let source = stages.source(work);
            let jobs = self.settings.jobs;
            let items = stages.stage("salvage", jobs, &source, move |how: Unindexed| {
                let (id, bytes, stopped) = (how.id, how.bytes, self.stopped());
                let deriving = self.deriving;
                Some(deriving.look_at(id, bytes, Some(&how), self.board, stopped, last))
            });
            items.iter().collect()
        });
        night.take(results);
        Ok(())
    }

    /// Disk pressure stops intake and never deletes.
    fn room_for(&self, bytes: u64) -> Result<(), StoreError> {
        let space = self.admitting.store.vault().space()?;
        if space.free_bytes < self.settings.free_bytes_min.saturating_add(bytes) {
            let path = self.admitting.store.root().to_owned();
            return Err(crate::vault::VaultError::Full { path }.into());
        }
        Ok(())
    }
}
