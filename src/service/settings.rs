//! From the configuration to what a night is told: numbers that mean "find out" are found out
//! here, and what cannot work is refused before the night begins.

use std::{
    collections::BTreeMap,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tempfile::TempDir;

use super::Failure;
use crate::{
    base::{ErrorKind, durable},
    config::{self, Config},
    export::ExportSettings,
    intake::{
        RowSettings, attribute::Attributing, derive::DerivingSettings, night::NightSettings,
        release::Release, scan::ScanSettings,
    },
    media::{
        band::{BandMode, Template},
        checks::CheckSettings,
        profile::{ParamKind, Setting, Shelf},
        reading_needs,
        worker::{Launch, REGISTRY},
    },
    registry::Register,
    tune::{Trial, TuneSettings},
};

/// What any office PC plays.
const EXPORT_PROFILE: &str = "export-h264-mp4";

/// What a night on the store at `root` is told.
pub(super) fn night(
    root: &Path,
    config: &Config,
    register: Arc<Register>,
) -> Result<NightSettings, Failure> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let shares = Shares::of(cores, config.jobs.workers, config.jobs.encoder_threads);
    Ok(NightSettings {
        office: config.office.name.clone(),
        inbox: root.join("inbox"),
        scan: ScanSettings {
            settle_ms: i64::try_from(config.inbox.settle_s)
                .unwrap_or(i64::MAX)
                .saturating_mul(1_000),
            done_marker: config.inbox.done_marker.clone(),
            ignore: config.inbox.ignore.clone(),
        },
        sidecars: config.sidecar.enabled,
        release: match config.inbox.release {
            config::Release::Move => Release::Move,
            config::Release::Leave => Release::Leave,
        },
        released_keep_days: i64::try_from(config.inbox.released_keep_days).unwrap_or(i64::MAX),
        attributing: Attributing {
            grammar: config.names.grammar.clone(),
            zone: config.office.zone.clone(),
            register,
        },
        // Each hashes on one core and waits for the disk in between; more would only seek.
        hashers: if config.jobs.hashers > 0 {
            config.jobs.hashers
        } else {
            cores.clamp(2, 4)
        },
        jobs: shares.jobs,
        memo_sample: usize::try_from(config.night.memo_sample).unwrap_or(usize::MAX),
        fixity_days: config.night.fixity_days,
        free_bytes_min: config.disk.min_free_gb.saturating_mul(1_000_000_000),
        row: RowSettings {
            apart_ms: ms(config.checks.neighbours_apart_s),
            pre_record_ms: ms(config.checks.pre_record_s),
            silent_below_dbfs: config.checks.silent_dbfs,
        },
        deriving: deriving(root, config, &shares)?,
    })
}

/// How a machine's cores are shared among the night's jobs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shares {
    /// Recordings looked at once.
    pub(super) jobs: usize,
    /// Encoder threads of each.
    pub(super) threads: usize,
    /// Encoder threads of the last ones, which no other recording follows.
    pub(super) threads_last: usize,
}

impl Shares {
    /// For a number of cores and what is configured, 0 where nothing is.
    ///
    /// An encoder loses little up to two threads and much beyond, so cores are filled by jobs
    /// first; the memory of a worker (up to half a gigabyte at 1080p) is what bounds them. The
    /// last recordings get the threads of every core: the longest of them would otherwise end
    /// alone on its own, with the others idle.
    pub(super) fn of(cores: usize, workers: usize, threads: usize) -> Self {
        let configured = threads;
        let threads = match configured {
            0 if cores >= 8 => 2,
            0 => 1,
            n => n,
        };
        let jobs = match workers {
            0 => (cores / threads).max(1),
            n => n,
        };
        let threads_last = match configured {
            0 => threads.max(cores.min(LAST_THREADS_MAX)),
            n => n,
        };
        Self {
            jobs,
            threads,
            threads_last,
        }
    }

    /// These, and other ways to share so many cores: jobs and threads of each.
    fn and_others(&self, cores: usize) -> Vec<(usize, usize)> {
        let threads = [1, 2, 4, 8].into_iter().filter(|n| *n <= cores.max(1));
        let full = threads.map(|threads| ((cores / threads).max(1), threads));
        let mut all: Vec<(usize, usize)> = full.chain([(self.jobs, self.threads)]).collect();
        all.sort_unstable_by(|a, b| b.cmp(a));
        all.dedup();
        all
    }
}

/// A bound for the memory of the last recordings' encoders; what is best beyond two cores has not
/// been measured.
const LAST_THREADS_MAX: usize = 8;

/// The configuration of the store at `root`, or of a machine without one, and how workers are started
/// for whoever asks.
///
/// # Errors
/// When the configuration is wrong, or there is no room for a folder.
pub fn of_machine(root: Option<&Path>) -> Result<(Config, CallersLaunch), Failure> {
    let config = match root {
        Some(root) => Config::load(&root.join("recvault.toml"))?,
        None => Config::default(),
    };
    let launch = CallersLaunch::new(root, &config)?;
    Ok((config, launch))
}

/// Workers of the store at `root`.
fn launch(root: &Path, config: &Config) -> Result<Launch, Failure> {
    launch_in(root.join("index/gstreamer"), config)
}

/// Workers whose files lie in this folder.
fn launch_in(cache: PathBuf, config: &Config) -> Result<Launch, Failure> {
    let exe = std::env::current_exe().map_err(|e| {
        Failure::new(
            ErrorKind::Fault,
            format!("recvault cannot find its own program: {e}"),
        )
    })?;
    durable::create_dirs(&cache, 0o700).map_err(|e| {
        Failure::new(
            ErrorKind::Fault,
            format!("{} cannot be made: {e}", cache.display()),
        )
    })?;
    Ok(Launch {
        stall: Duration::from_secs(config.worker.stall_s),
        nice: u8::try_from(config.jobs.nice).unwrap_or(0),
        // What draws the band needs a font; what only looks does not.
        reads: font(config).map_or_else(|_| Vec::new(), |(font, _)| vec![font]),
        ..Launch::new(exe, cache)
    })
}

/// How workers of whoever asks are started: with the caller's own rights, on the caller's own files.
#[derive(Debug)]
pub struct CallersLaunch {
    /// How.
    pub launch: Launch,
    /// A folder for their registry, gone with this.
    _cache: Option<TempDir>,
}

impl CallersLaunch {
    /// With what the store at `root` keeps for workers where it is the caller's own. Elsewhere, as
    /// without a store, with a fresh folder: a registry says which plugins are loaded, and is believed
    /// from nobody else.
    ///
    /// # Errors
    /// When the configuration of a store of one's own is wrong, or there is no room for a folder.
    pub fn at(root: &Path) -> Result<Self, Failure> {
        let config = match is_own(root) {
            true => Config::load(&root.join("recvault.toml"))?,
            // Others need not be able to read it.
            false => Config::default(),
        };
        Self::new(Some(root), &config)
    }

    fn new(root: Option<&Path>, config: &Config) -> Result<Self, Failure> {
        let (launch, cache) = match root.filter(|root| is_own(root)) {
            Some(root) => (launch(root, config)?, None),
            None => {
                let cache = tempfile::tempdir().map_err(|e| {
                    let text = format!("there is no place for a worker's files: {e}");
                    Failure::new(ErrorKind::Fault, text)
                })?;
                (launch_in(cache.path().to_owned(), config)?, Some(cache))
            }
        };
        Ok(Self {
            // Somebody waits for it, also while a night runs.
            launch: Launch { nice: 0, ..launch },
            _cache: cache,
        })
    }
}

fn is_own(root: &Path) -> bool {
    let index = std::fs::metadata(root.join("index"));
    index.is_ok_and(|m| m.uid() == rustix::process::geteuid().as_raw())
}

/// Removes what muxers of an earlier process left in the workers' folder when they were killed: the
/// start of a copy is a picture as well. Nobody works there before the store is open.
pub(super) fn sweep(root: &Path) {
    let left = std::fs::read_dir(root.join("index/gstreamer"));
    for entry in left.into_iter().flatten().flatten() {
        if entry.file_name() != REGISTRY {
            let removed = std::fs::remove_file(entry.path());
            let _ = removed.or_else(|_| std::fs::remove_dir_all(entry.path()));
        }
    }
}

/// How packages of the store at `root` are made.
pub(super) fn export(root: &Path, config: &Config) -> Result<ExportSettings, Failure> {
    let shelf = Shelf::open(Some(&root.join("pipelines")))?;
    let (font, font_index) = font(config)?;
    Ok(ExportSettings {
        office: config.office.name.clone(),
        zone: config.office.zone.clone(),
        plan: shelf.get(EXPORT_PROFILE)?.plan(&BTreeMap::new(), None)?,
        mode: band_mode(config),
        font,
        font_index,
        checks: checks(&config.checks),
        launch: awaited(root, config)?,
    })
}

/// How a worker is started for which somebody waits, also while a night runs.
pub(super) fn awaited(root: &Path, config: &Config) -> Result<Launch, Failure> {
    Ok(Launch {
        nice: 0,
        ..launch(root, config)?
    })
}

const fn band_mode(config: &Config) -> BandMode {
    match config.band.mode {
        config::BandMode::Above => BandMode::Above,
        config::BandMode::Overlay => BandMode::Overlay,
    }
}

fn deriving(root: &Path, config: &Config, shares: &Shares) -> Result<DerivingSettings, Failure> {
    let shelf = Shelf::open(Some(&root.join("pipelines")))?;
    let profile = shelf.get(&config.archive.profile)?;
    let params = params(config);
    let plan = |threads: usize| profile.plan(&params, u32::try_from(threads).ok());
    let (font, font_index) = font(config)?;
    Ok(DerivingSettings {
        requirements: [reading_needs(), profile.requires.clone()].concat(),
        plan: plan(shares.threads)?,
        plan_last: plan(shares.threads_last)?,
        of_all: config.archive.when == config::ArchiveWhen::Night,
        full_verify: config.archive.verify == config::Verify::Full,
        template: config.band.lines.join("\n").parse::<Template>()?,
        mode: band_mode(config),
        font,
        font_index,
        checks: checks(&config.checks),
        launch: launch(root, config)?,
    })
}

/// What is to be measured: presets about the present one, and every way to share the cores.
pub(super) fn tune(
    root: &Path,
    config: &Config,
    recordings: u32,
    seconds: u32,
) -> Result<TuneSettings, Failure> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let now = Shares::of(cores, config.jobs.workers, config.jobs.encoder_threads);
    let shelf = Shelf::open(Some(&root.join("pipelines")))?;
    let profile = shelf.get(&config.archive.profile)?;
    let set = params(config);
    let spec = profile.params.get("preset");
    let present = set
        .get("preset")
        .cloned()
        .or_else(|| spec.map(|p| p.default.clone()));
    let presets: Vec<Option<Setting>> = match (spec, &present) {
        (Some(spec), Some(present)) => presets_about(&spec.kind, present)
            .into_iter()
            .map(Some)
            .collect(),
        _ => vec![None],
    };
    let mut trials = Vec::new();
    for preset in presets {
        for (jobs, threads) in now.and_others(cores) {
            let mut params = set.clone();
            // As many as this trial says, whatever is set.
            params.remove("threads");
            params.extend(preset.clone().map(|preset| ("preset".to_owned(), preset)));
            trials.push(Trial {
                preset: preset.as_ref().map(ToString::to_string),
                jobs,
                threads,
                plan: profile.plan(&params, u32::try_from(threads).ok())?,
                present: preset == present && (jobs, threads) == (now.jobs, now.threads),
            });
        }
    }
    // What the others are held against; whoever stops it early has that at least.
    trials.sort_by_key(|trial| !trial.present);
    Ok(TuneSettings {
        deriving: DerivingSettings {
            launch: awaited(root, config)?,
            ..deriving(root, config, &now)?
        },
        trials,
        recordings: usize::try_from(recordings).unwrap_or(usize::MAX),
        seconds,
    })
}

/// The presets beside one, and it: of numbers three below to two above, of words two to each side.
fn presets_about(kind: &ParamKind, present: &Setting) -> Vec<Setting> {
    match (kind, present) {
        (ParamKind::Int { min, max }, Setting::Int(n)) => [-3, -1, 0, 1, 2]
            .iter()
            .map(|by| n.saturating_add(*by))
            .filter(|n| (min..=max).contains(&n))
            .map(Setting::Int)
            .collect(),
        (ParamKind::Choice(words), Setting::Word(word)) => {
            let at = words.iter().position(|w| w == word).unwrap_or(0);
            let near = words.iter().skip(at.saturating_sub(2)).take(5);
            near.map(|w| Setting::Word(w.clone())).collect()
        }
        _ => vec![present.clone()],
    }
}

/// The profile's parameters as the configuration sets them; the profile checks them.
fn params(config: &Config) -> BTreeMap<String, Setting> {
    let setting = |p: &config::Param| match p {
        config::Param::Switch(v) => Setting::Bool(*v),
        config::Param::Whole(v) => Setting::Int(*v),
        config::Param::Real(v) => Setting::Float(*v),
        config::Param::Text(v) => Setting::Word(v.clone()),
    };
    config
        .archive
        .params
        .iter()
        .map(|(name, p)| (name.clone(), setting(p)))
        .collect()
}

/// Seconds as the configuration has them, in milliseconds.
fn ms(s: f64) -> i64 {
    (s * 1_000.0).round() as i64
}

/// The configuration speaks of seconds and luma levels, the checks of milliseconds and shares.
fn checks(c: &config::Checks) -> CheckSettings {
    CheckSettings {
        black_mean_permille: u32::from(c.black_luma_max) * 1_000 / 255,
        black_ms_min: ms(c.black_min_s),
        frozen_ms_min: ms(c.frozen_min_s),
        silent_below_dbfs: c.silent_dbfs,
        silent_ms_min: ms(c.silent_min_s),
        silent_begin_ms: match c.pre_record_s > 0.0 {
            true => ms(c.pre_record_s + c.neighbours_apart_s),
            false => 0,
        },
        clipped_ms_min: ms(c.clipped_min_s),
        jump_ms_min: ms(c.jump_s),
        ..CheckSettings::default()
    }
}

/// The first font of the configured ones that exists.
fn font(config: &Config) -> Result<(PathBuf, u32), Failure> {
    let found = config.band.fonts.iter().find(|f| f.is_file());
    found.map(|f| (f.clone(), 0)).ok_or_else(|| {
        let names: Vec<_> = config
            .band
            .fonts
            .iter()
            .map(|f| f.display().to_string())
            .collect();
        Failure::new(
            ErrorKind::Usage,
            format!(
                "none of the band's fonts is on this machine: {}",
                names.join(", ")
            ),
        )
        .hint("apt-get install fonts-wqy-microhei, or name another font in [band] fonts")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_core_is_used_and_the_last_recordings_have_them_all() {
        for (cores, jobs, threads, threads_last) in [
            (1, 1, 1, 1),
            (2, 2, 1, 2),
            (4, 4, 1, 4),
            (8, 4, 2, 8),
            (16, 8, 2, 8),
            (64, 32, 2, 8),
        ] {
            let expected = Shares {
                jobs,
                threads,
                threads_last,
            };
            assert_eq!(Shares::of(cores, 0, 0), expected, "{cores} cores");
        }
        let shares = |jobs, threads, threads_last| Shares {
            jobs,
            threads,
            threads_last,
        };
        assert_eq!(
            Shares::of(8, 3, 0),
            shares(3, 2, 8),
            "what is configured stands"
        );
        assert_eq!(Shares::of(8, 0, 4), shares(2, 4, 4));
    }
}
