//! Executing commands on a store that this process owns.

use std::{
    fs::File,
    path::{Path, PathBuf},
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{ToSpan, civil::Date, tz::TimeZone};

use super::{
    Answer, Command, Failure, ListRequest, Ownership, access, acts, keeping, settings, upkeep, view,
};
use crate::{
    base::{Clock, ErrorKind, Moment, RecordingId, SystemClock},
    batch::{Interrupt, Stop},
    config::Config,
    index::{Cursor, Direction, Filter, Page},
    intake::{self, Watcher},
    recording::{FindingKind, Kind, Record, State},
    registry, report,
    store::{Checked, Depth, HoldRequest, Store},
    tune,
};

/// Tells whoever looks on that the night is over, also where it ends in a panic.
struct Over(Interrupt);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.ask(Stop::Drain);
    }
}

/// A store and everything that can be asked of it.
pub struct Executor {
    root: PathBuf,
    store: Store,
    clock: Arc<dyn Clock>,
    /// Since when a night runs, if one does, and who started it.
    night: Mutex<Option<(Moment, u32)>>,
    /// Uses of approvals that run now.
    exports: access::Running,
    /// Asked when the owner itself is to stop.
    closing: Interrupt,
    _ownership: Ownership,
}

impl Executor {
    /// Opens and recovers the store.
    ///
    /// # Errors
    /// As opening says.
    pub fn open(root: &Path, ownership: Ownership, closing: Interrupt) -> Result<Self, Failure> {
        Self::open_at(root, ownership, closing, Arc::new(SystemClock))
    }

    /// The same with a clock of the caller's.
    ///
    /// # Errors
    /// As opening says.
    pub fn open_at(
        root: &Path,
        ownership: Ownership,
        closing: Interrupt,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        // Where the configuration cannot be read, holds are placed all the same; what has a copy on
        // a mirror that nobody names is not removed.
        let config = Config::load(&root.join("recvault.toml"));
        let mirror = config.map(|c| c.store.mirror).unwrap_or_default();
        let mirror = (!mirror.as_os_str().is_empty()).then(|| root.join(mirror));
        settings::sweep(root);
        let store = Store::open_with(root, mirror.as_deref(), Arc::clone(&clock))?;
        Ok(Self {
            root: root.to_owned(),
            store,
            clock,
            night: Mutex::default(),
            exports: access::Running::default(),
            closing,
            _ownership: ownership,
        })
    }

    /// Executes one command on behalf of the user `by`. `folder` is a destination that a client has
    /// opened and handed over.
    ///
    /// # Errors
    /// What the command refuses or fails on.
    pub fn execute(
        &self,
        command: Command,
        folder: Option<File>,
        by: u32,
        watcher: &dyn Watcher,
        interrupt: &Interrupt,
    ) -> Result<Answer, Failure> {
        match command {
            Command::Batch => self.batch(by, watcher, interrupt),
            Command::RegistryImport { csv, dry_run } => self.import(&csv, dry_run, by),
            Command::RegistryShow => self.register(),
            Command::List(request) => self.list(&request),
            Command::Show { id } => self.show(&id),
            Command::HoldAdd {
                id,
                case,
                reason,
                requester,
            } => {
                let request = HoldRequest {
                    case,
                    reason,
                    requester,
                };
                keeping::hold(&self.store, by, &id, request)
            }
            Command::Classify { id, clause, note } => {
                keeping::classify(&self.store, by, &id, &clause, note)
            }
            Command::Why { id, as_of } => {
                keeping::why(&self.store, &self.zone()?, &id, as_of.as_deref())
            }
            Command::Draft(ask) => acts::draft(&self.store, &*self.clock, &self.zone()?, ask),
            Command::Submit {
                statement,
                signatures,
                attached,
            } => acts::submit(&self.store, by, &statement, signatures, attached),
            Command::Statements => acts::statements(&self.store, &self.zone()?),
            Command::Access(ask) => {
                let launch = || settings::awaited(&self.root, &self.config()?);
                access::answer(&self.store, by, &self.zone()?, &launch, watcher, ask)
            }
            Command::Export { request, to } => {
                let folder = access::own_folder(folder, &to, by)?;
                let settings = settings::export(&self.root, &self.config()?)?;
                let (store, running) = (&self.store, &self.exports);
                access::export(store, &settings, running, by, &request, &folder, watcher)
            }
            Command::View { request, minutes } => {
                let settings = settings::export(&self.root, &self.config()?)?;
                let stop = || interrupt.asked() != Stop::No || self.closing.asked() != Stop::No;
                let (store, running) = (&self.store, &self.exports);
                let ask = view::Ask {
                    by,
                    request: &request,
                    minutes,
                };
                view::view(store, &settings, running, &ask, watcher, &stop)
            }
            Command::Disposal(ask) => keeping::disposal(&self.store, by, ask),
            Command::Rules => acts::rules(&self.store),
            Command::Mirror(ask) => upkeep::mirror(&self.store, &self.config()?, &self.root, ask),
            Command::Fixity => self.fixity(by, watcher, interrupt),
            Command::SafeToWipe => self.safe_to_wipe(),
            Command::Tune {
                recordings,
                seconds,
            } => self.tune(by, (recordings, seconds), watcher, interrupt),
            Command::Check { quick } => self.check(quick, by),
            Command::Ledger(ask) => super::ledger::answer(&self.store, by, &self.zone()?, ask),
        }
    }

    fn config(&self) -> Result<Config, Failure> {
        Ok(Config::load(&self.root.join("recvault.toml"))?)
    }

    fn zone(&self) -> Result<TimeZone, Failure> {
        Ok(self.config()?.office.zone)
    }

    fn batch(
        &self,
        by: u32,
        watcher: &dyn Watcher,
        interrupt: &Interrupt,
    ) -> Result<Answer, Failure> {
        let _running = self.one_night(by)?;
        let config = self.config()?;
        let settings = settings::night(&self.root, &config, self.store.register())?;
        self.store.settle_roster(by)?;
        self.store.read_clock(by)?;
        // The owner's own end stops its night as well as the wish of whoever asked for it.
        let summary = std::thread::scope(|scope| {
            let over = Over(Interrupt::default());
            let (over_seen, closing, asked) =
                (over.0.clone(), self.closing.clone(), interrupt.clone());
            scope.spawn(move || {
                while over_seen.asked() == Stop::No {
                    asked.ask(closing.asked());
                    std::thread::sleep(std::time::Duration::from_millis(50));
                }
            });
            intake::night::run(&self.store, &settings, by, &*self.clock, watcher, interrupt)
        })?;
        let mut summary = summary;
        let (said, expiring) = keeping::night(&self.store, by)?;
        summary.notes.extend(said);
        summary.expiring = expiring;
        let written = report::write_night(&self.root.join("reports"), &summary)?;
        Ok(Answer::Night {
            summary: Box::new(summary),
            written,
        })
    }

    /// Claims the one night that may run.
    fn one_night(&self, by: u32) -> Result<Running<'_>, Failure> {
        let mut night = self.night.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((since, who)) = *night {
            let text = format!("a night is running since {since}, started by user {who}");
            return Err(Failure::new(ErrorKind::Busy, text)
                .hint("it ends by itself; look at it by 'recvault list'"));
        }
        *night = Some((self.clock.now(), by));
        Ok(Running(&self.night))
    }

    fn fixity(
        &self,
        by: u32,
        watcher: &dyn Watcher,
        interrupt: &Interrupt,
    ) -> Result<Answer, Failure> {
        let _running = self.one_night(by)?;
        let settings = settings::night(&self.root, &self.config()?, self.store.register())?;
        self.store.read_clock(by)?;
        let (clock, store) = (&*self.clock, &self.store);
        let done = intake::upkeep::everything(store, &settings, by, clock, watcher, interrupt)?;
        let (upkeep, said) = done;
        Ok(Answer::Upkeep {
            upkeep: Box::new(upkeep),
            said,
        })
    }

    fn tune(
        &self,
        by: u32,
        (recordings, seconds): (u32, u32),
        watcher: &dyn Watcher,
        interrupt: &Interrupt,
    ) -> Result<Answer, Failure> {
        // A night beside it would be measured as well.
        let _running = self.one_night(by)?;
        let config = self.config()?;
        let settings = settings::tune(&self.root, &config, recordings, seconds)?;
        let measured = tune::tune(&self.store, &settings, watcher, interrupt)?;
        Ok(Answer::Tuned {
            profile: config.archive.profile,
            measured,
        })
    }

    fn safe_to_wipe(&self) -> Result<Answer, Failure> {
        let settings = settings::night(&self.root, &self.config()?, self.store.register())?;
        upkeep::safe_to_wipe(&self.store, &settings, self.clock.now())
    }

    fn check(&self, quick: bool, by: u32) -> Result<Answer, Failure> {
        // A night admits and stages meanwhile: then everything would look one too many.
        let _running = self.one_night(by)?;
        let depth = if quick { Depth::Quick } else { Depth::Whole };
        let Checked {
            events,
            recordings,
            objects,
            wrong,
            more,
        } = self.store.check(depth, &|_, _| {})?;
        Ok(Answer::Checked {
            events,
            recordings,
            objects,
            wrong,
            more,
        })
    }

    fn import(&self, csv: &[u8], dry_run: bool, by: u32) -> Result<Answer, Failure> {
        let plan = registry::plan_import(&self.store.register(), csv, &self.zone()?)?;
        let changes = plan.changes.iter().map(registry::Change::words).collect();
        if !dry_run && !plan.changes.is_empty() {
            self.store.import(by, plan.changes)?;
        }
        Ok(Answer::Imported {
            changes,
            unchanged: plan.unchanged as u64,
            warnings: plan.warnings,
            dry_run,
        })
    }

    fn register(&self) -> Result<Answer, Failure> {
        let (register, zone, now) = (self.store.register(), self.zone()?, self.clock.now());
        let when = |m: Moment| m.in_zone(&zone);
        let name = |officer: &str| match register.officer(officer) {
            Some(o) if !o.name.is_empty() => format!("{officer} {}", o.name),
            _ => officer.to_owned(),
        };
        Ok(Answer::Register {
            devices: register
                .devices()
                .map(|d| {
                    let holder = register
                        .holder(&d.id, now)
                        .map(|a| name(&a.officer))
                        .unwrap_or_default();
                    [d.id.clone(), d.model.clone(), d.unit.clone(), holder]
                })
                .collect(),
            officers: register
                .officers()
                .map(|o| [o.id.clone(), o.name.clone(), o.unit.clone()])
                .collect(),
            assignments: register
                .assignments()
                .map(|a| {
                    [
                        a.device.clone(),
                        name(&a.officer),
                        when(a.from),
                        a.to.map(when).unwrap_or_default(),
                    ]
                })
                .collect(),
        })
    }

    fn list(&self, request: &ListRequest) -> Result<Answer, Failure> {
        let zone = self.zone()?;
        let (from, to) = match &request.day {
            None => (None, None),
            Some(day) => {
                let first = date(day)?;
                let last = request
                    .to_day
                    .as_deref()
                    .map(date)
                    .transpose()?
                    .unwrap_or(first);
                let after = last
                    .checked_add(1.day())
                    .map_err(|e| usage(e.to_string()))?;
                (Some(midnight(first, &zone)?), Some(midnight(after, &zone)?))
            }
        };
        let filter = Filter {
            device: request.device.clone(),
            officer: request.officer.clone(),
            from,
            to,
            state: word(request.state.as_deref(), "state", &State::ALL, State::word)?,
            finding: word(
                request.finding.as_deref(),
                "finding",
                FindingKind::ALL,
                FindingKind::code,
            )?,
            kind: word(request.kind.as_deref(), "kind", &Kind::ALL, Kind::word)?,
        };
        let after = request.after.as_deref().map(Cursor::from_str).transpose()?;
        let page = Page {
            after,
            limit: request.limit as usize,
            direction: Direction::Forward,
        };
        let found = self.store.list(&filter, &page)?;
        Ok(Answer::List {
            records: found.records,
            next: found.next.map(|c| c.to_string()),
            time_zone: zone.iana_name().unwrap_or("UTC").to_owned(),
        })
    }

    fn show(&self, id: &str) -> Result<Answer, Failure> {
        let record = recording(&self.store, id)?;
        Ok(Answer::Show {
            verdict: keeping::verdict(&self.store, &record)?.map(Box::new),
            record: Box::new(record),
            time_zone: self.zone()?.iana_name().unwrap_or("UTC").to_owned(),
        })
    }
}

/// The one recording whose id this is, or begins so.
pub(super) fn recording(store: &Store, id: &str) -> Result<Record, Failure> {
    let mut found = match RecordingId::from_str(id) {
        Ok(id) => store.record(id)?.into_iter().collect(),
        Err(_) => store.records_beginning(id)?,
    };
    match (found.pop(), found.is_empty()) {
        (Some(record), true) => Ok(record),
        (Some(_), false) => {
            Err(usage(format!("several recordings begin with '{id}'")).hint("give more of the id"))
        }
        (None, _) => Err(usage(format!("there is no recording '{id}'"))
            .hint("recvault list tells which there are")),
    }
}

/// Frees the night when it ends, however it ends.
struct Running<'a>(&'a Mutex<Option<(Moment, u32)>>);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

pub(super) fn usage(text: String) -> Failure {
    Failure::new(ErrorKind::Usage, text)
}

pub(super) fn date(text: &str) -> Result<Date, Failure> {
    text.parse()
        .map_err(|_| usage(format!("'{text}' is not a date such as 2026-11-23")))
}

pub(super) fn midnight(day: Date, zone: &TimeZone) -> Result<Moment, Failure> {
    let begin = crate::base::civil::resolve(day.at(0, 0, 0, 0), zone);
    begin
        .map(|(at, _)| at)
        .ok_or_else(|| usage(format!("{day} is beyond the calendar")))
}

/// The value of which this is the word.
fn word<T: Copy>(
    given: Option<&str>,
    what: &str,
    all: &[T],
    word_of: fn(T) -> &'static str,
) -> Result<Option<T>, Failure> {
    let Some(given) = given else { return Ok(None) };
    let found = all.iter().copied().find(|t| word_of(*t) == given);
    let words: Vec<_> = all.iter().map(|t| word_of(*t)).collect();
    found.map(Some).ok_or_else(|| {
        usage(format!("'{given}' is no {what}")).hint(format!("one of: {}", words.join(", ")))
    })
}
