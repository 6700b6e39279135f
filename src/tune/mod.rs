//! Layer 7. How fast this machine makes copies, how large and how good, on recordings of its own: every setting of
//! jobs, encoder threads and preset on the same sample. Nothing of it is kept.

use std::{
    fs::File,
    os::fd::AsFd,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use serde::{Deserialize, Serialize};

use crate::{
    base::{ErrorKind, Explain},
    batch::{Interrupt, Stop},
    index::{Direction, Filter, Page},
    intake::{Progress, Watcher, derive::DerivingSettings},
    media::{
        profile::Plan,
        protocol::{Answer, DeriveJob, LikenessJob, MarkOrder, Orders, Part, RenditionOrder},
        worker::{Files, Worker},
    },
    recording::{Kind, Record},
    store::{Store, StoreError},
};

/// Recordings among which a sample is chosen.
const AMONG: usize = 500;
/// A recording of less says little of speed.
const LENGTH_MS_MIN: i64 = 2_000;

/// One setting.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The preset as the profile calls it; nothing where it has none.
    pub preset: Option<String>,
    /// Recordings worked on at once.
    pub jobs: usize,
    /// Threads of each encoder.
    pub threads: usize,
    /// All of it as a pipeline.
    pub plan: Plan,
    /// It is what the configuration says now.
    pub present: bool,
}

/// What is to be measured.
#[derive(Clone, Debug)]
pub struct TuneSettings {
    /// How recordings are looked at.
    pub deriving: DerivingSettings,
    /// The settings.
    pub trials: Vec<Trial>,
    /// Recordings of the sample.
    pub recordings: usize,
    /// Seconds of each, from its beginning.
    pub seconds: u32,
}

/// What a setting came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The preset as the profile calls it; nothing where it has none.
    pub preset: Option<String>,
    /// Recordings worked on at once.
    pub jobs: usize,
    /// Threads of each encoder.
    pub threads: usize,
    /// Seconds of recordings that a second made copies of.
    pub real_time: f64,
    /// Bytes of the copies.
    pub bytes: u64,
    /// How much the copies look like the recordings; 1 is the same.
    pub ssim: f64,
    /// It is what the configuration says now.
    pub present: bool,
}

/// Nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum TuneError {
    /// The store's word.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing to measure on.
    #[error("there is no recording of at least two seconds to measure on")]
    NoSample,
    /// A worker's word.
    #[error("a copy could not be made: {0}")]
    Worker(String),
    /// Somebody stopped it.
    #[error("it was stopped before anything was measured")]
    Stopped,
}

impl Explain for TuneError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(e) => e.kind(),
            Self::NoSample => ErrorKind::Usage,
            Self::Worker(_) | Self::Stopped => ErrorKind::Fault,
        }
    }
    fn hint(&self) -> Option<String> {
        match self {
            Self::Store(e) => e.hint(),
            Self::NoSample => Some("run a night on recordings of your own first".into()),
            Self::Worker(_) => Some("recvault doctor tells what this machine has".into()),
            Self::Stopped => None,
        }
    }
}

/// Measures every setting on the same recordings.
///
/// # Errors
/// When there is nothing to measure on, or a copy cannot be made.
pub fn tune(
    store: &Store,
    settings: &TuneSettings,
    watcher: &dyn Watcher,
    interrupt: &Interrupt,
) -> Result<Vec<Measured>, TuneError> {
    let sample = sample(store, settings.recordings)?;
    let mut all: Vec<Measured> = Vec::new();
    for (n, trial) in settings.trials.iter().enumerate() {
        if interrupt.asked() != Stop::No {
            break;
        }
        let preset = trial.preset.as_deref().unwrap_or("its own");
        watcher.note(&Progress {
            files_done: n as u64,
            files_total: settings.trials.len() as u64,
            bytes_done: n as u64,
            bytes_total: settings.trials.len() as u64,
            phase: format!(
                "preset {preset}, {} × {} threads",
                trial.jobs, trial.threads
            ),
            ..Progress::default()
        });
        let begun = Instant::now();
        let made = copies(store, settings, trial, &sample)?;
        let seconds = begun.elapsed().as_secs_f64().max(0.001);
        let shown: f64 = made.iter().map(|m| m.seconds).sum();
        // How many threads an encoder has changes little of what it makes.
        let first: Vec<&Made> = made.iter().filter(|m| m.which < sample.len()).collect();
        let known = all.iter().find(|m| m.preset == trial.preset);
        let ssim = match known {
            Some(same) => same.ssim,
            None => likeness(store, settings, &sample, &first)?,
        };
        all.push(Measured {
            preset: trial.preset.clone(),
            jobs: trial.jobs,
            threads: trial.threads,
            real_time: shown / seconds,
            bytes: first.iter().map(|m| m.bytes).sum(),
            ssim,
            present: trial.present,
        });
    }
    if all.is_empty() {
        return Err(TuneError::Stopped);
    }
    Ok(all)
}

/// Recordings of every size and codec that there is, the newest of each first.
fn sample(store: &Store, count: usize) -> Result<Vec<Record>, TuneError> {
    let filter = Filter {
        kind: Some(Kind::Video),
        ..Filter::default()
    };
    let page = Page {
        after: None,
        limit: AMONG,
        direction: Direction::Backward,
    };
    let found = store.list(&filter, &page)?.records;
    let fits = |r: &Record| {
        let shows = r.media.as_ref().is_some_and(|m| {
            m.frames > 0 && m.presented_ms >= LENGTH_MS_MIN && m.salvage.is_none()
        });
        r.state.is_there() && shows
    };
    let mut kinds: Vec<(String, usize)> = Vec::new();
    let mut ranked: Vec<(usize, usize, Record)> = Vec::new();
    for (n, record) in found.into_iter().filter(fits).enumerate() {
        let kind = record.media.as_ref().map(|m| m.words()).unwrap_or_default();
        let rank = match kinds.iter_mut().find(|(k, _)| *k == kind) {
            Some((_, seen)) => {
                *seen += 1;
                *seen
            }
            None => {
                kinds.push((kind, 0));
                0
            }
        };
        ranked.push((rank, n, record));
    }
    ranked.sort_by_key(|(rank, n, _)| (*rank, *n));
    let chosen: Vec<Record> = ranked.into_iter().take(count).map(|(_, _, r)| r).collect();
    if chosen.is_empty() {
        return Err(TuneError::NoSample);
    }
    Ok(chosen)
}

/// How often each job has work: with fewer recordings than jobs the sample is gone through again.
const TURNS: usize = 2;

/// A copy that was made, without a name.
struct Made {
    /// Which of the sample, counted on where that was gone through again.
    which: usize,
    file: File,
    bytes: u64,
    seconds: f64,
}

/// Copies of all of the sample, so many at once as the setting says.
fn copies(
    store: &Store,
    settings: &TuneSettings,
    trial: &Trial,
    sample: &[Record],
) -> Result<Vec<Made>, TuneError> {
    let next = AtomicUsize::new(0);
    let made = Mutex::new(Vec::new());
    let count = sample.len().max(trial.jobs.saturating_mul(TURNS));
    let work = || {
        loop {
            let which = next.fetch_add(1, Ordering::Relaxed);
            let record = sample.get(which % sample.len().max(1));
            let Some(record) = record.filter(|_| which < count) else {
                return;
            };
            let one = copy(store, settings, trial, which, record);
            let failed = one.is_err();
            made.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(one);
            if failed {
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..trial.jobs.max(1) {
            scope.spawn(work);
        }
    });
    let made = made.into_inner().unwrap_or_else(PoisonError::into_inner);
    made.into_iter().collect()
}

fn copy(
    store: &Store,
    settings: &TuneSettings,
    trial: &Trial,
    which: usize,
    record: &Record,
) -> Result<Made, TuneError> {
    let input = store
        .vault()
        .open_object(&record.digest)
        .map_err(StoreError::from)?;
    let file = store.vault().nameless_file().map_err(StoreError::from)?;
    let deriving = &settings.deriving;
    let job = DeriveJob::making(&trial.plan, record);
    let mark = MarkOrder {
        device: None,
        officer: None,
        officer_name: None,
        id: record.id,
        start: None,
        zone: "UTC".into(),
        template: deriving.template.clone(),
        mode: deriving.mode,
        font: deriving.font.clone(),
        font_index: deriving.font_index,
    };
    let orders = Orders {
        rendition: Some(RenditionOrder {
            plan: trial.plan.clone(),
            mark,
            original: record.digest,
        }),
        checks: deriving.checks.clone(),
        only: Some(Part {
            from_ms: 0,
            to_ms: u64::from(settings.seconds) * 1_000,
            in_a_row: false,
        }),
    };
    let files = Files {
        input: Some(input.as_fd()),
        output: Some(file.as_fd()),
    };
    let failed = |why: String| TuneError::Worker(format!("{}: {why}", record.id));
    let worker = Worker::spawn(&deriving.launch, &files).map_err(|e| failed(e.to_string()))?;
    let derived = worker.derive(job, |_| Answer::Proceed(Box::new(orders)), |_| ());
    let done = derived.outcome.map_err(|e| failed(e.to_string()))?;
    let facts = done
        .rendition
        .ok_or_else(|| failed("nothing came of it".into()))?;
    let bytes = file.metadata().map_or(0, |m| m.len());
    Ok(Made {
        which,
        file,
        bytes,
        seconds: facts.duration_ms.max(0) as f64 / 1_000.0,
    })
}

/// The mean over the copies.
fn likeness(
    store: &Store,
    settings: &TuneSettings,
    sample: &[Record],
    made: &[&Made],
) -> Result<f64, TuneError> {
    let mut sum = 0.0;
    for one in made {
        let Some(record) = sample.get(one.which) else {
            continue;
        };
        let input = store
            .vault()
            .open_object(&record.digest)
            .map_err(StoreError::from)?;
        let files = Files {
            input: Some(input.as_fd()),
            output: Some(one.file.as_fd()),
        };
        let job = LikenessJob {
            mode: settings.deriving.mode,
        };
        let worker = Worker::spawn(&settings.deriving.launch, &files);
        let found = worker.and_then(|worker| worker.likeness(job));
        let found = found.map_err(|e| TuneError::Worker(format!("{}: {e}", record.id)))?;
        sum += found.ssim;
    }
    Ok(sum / made.len().max(1) as f64)
}

/// Whether no other setting is both faster and better.
#[must_use]
pub fn is_on_frontier(all: &[Measured], one: &Measured) -> bool {
    let better = |other: &Measured| {
        let (faster, nicer) = (other.real_time > one.real_time, other.ssim > one.ssim);
        (faster && other.ssim >= one.ssim) || (nicer && other.real_time >= one.real_time)
    };
    !all.iter().any(better)
}

/// The fastest setting that looks at least so good; where none does, the one that looks best.
#[must_use]
pub fn propose(all: &[Measured], floor: f64) -> Option<&Measured> {
    let faster = |a: &Measured, b: &Measured| a.real_time.total_cmp(&b.real_time);
    let nicer = |a: &Measured, b: &Measured| a.ssim.total_cmp(&b.ssim);
    let good = all.iter().filter(|m| m.ssim >= floor);
    let good = good.max_by(|a, b| faster(a, b).then_with(|| nicer(a, b)));
    let best = all
        .iter()
        .max_by(|a, b| nicer(a, b).then_with(|| faster(a, b)));
    good.or(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(real_time: f64, ssim: f64) -> Measured {
        Measured {
            preset: None,
            jobs: 1,
            threads: 1,
            real_time,
            bytes: 1,
            ssim,
            present: false,
        }
    }

    #[test]
    fn the_frontier_is_what_nothing_beats_and_the_fastest_good_one_is_proposed() {
        let all = [
            measured(4.0, 0.98),
            measured(8.0, 0.97),
            measured(7.0, 0.96),
            measured(12.0, 0.94),
            measured(12.0, 0.93),
        ];
        let on: Vec<bool> = all.iter().map(|m| is_on_frontier(&all, m)).collect();
        assert_eq!(on, [true, true, false, true, false]);
        assert_eq!(propose(&all, 0.965), all.get(1));
        assert_eq!(propose(&all, 0.0), all.get(3));
        assert_eq!(propose(&all, 0.99), all.first());
        assert_eq!(propose(&[], 0.9), None);
    }
}
