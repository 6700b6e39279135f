//! The settings and their defaults. What each means to the person who sets it stands in
//! `default.toml`; a test holds the two together.

use std::{collections::BTreeMap, path::PathBuf};

use jiff::tz::TimeZone;

use crate::recording::{
    Grammar,
    name::{DEFAULT_FOLDERS, DEFAULT_PATTERNS},
};

/// Everything that `recvault.toml` sets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// Who we are and what time it is here.
    pub office: Office,
    /// Where second copies go.
    pub store: StoreSettings,
    /// What is taken in and when.
    pub inbox: Inbox,
    /// What file names say.
    pub names: Names,
    /// JSON beside recordings.
    pub sidecar: SidecarSettings,
    /// How much at once.
    pub jobs: Jobs,
    /// What counts as a finding.
    pub checks: Checks,
    /// The marks in the picture.
    pub band: Band,
    /// Archival copies.
    pub archive: Archive,
    /// Worker processes.
    pub worker: Worker,
    /// The disk.
    pub disk: Disk,
    /// The night as a whole.
    pub night: Night,
}

/// `[office]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Office {
    /// The office's name; may be empty.
    pub name: String,
    /// IANA name of the zone.
    pub zone_name: String,
    /// The zone itself: it exists.
    pub zone: TimeZone,
}

impl Default for Office {
    fn default() -> Self {
        let zone_name = "Asia/Shanghai".to_owned();
        // The zones are compiled in, so this one is always there; a test holds it.
        let zone = TimeZone::get(&zone_name).unwrap_or(TimeZone::UTC);
        Self {
            name: String::new(),
            zone_name,
            zone,
        }
    }
}

/// What becomes of a source once its copy is in the vault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Release {
    /// It moves to `inbox/.released` and is removed by a later night.
    #[default]
    Move,
    /// It is left alone.
    Leave,
}

/// `[inbox]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbox {
    /// Seconds that a file must have been left alone.
    pub settle_s: u64,
    /// Suffix of the file that says another is complete; empty for none.
    pub done_marker: String,
    /// What becomes of a source.
    pub release: Release,
    /// Days that a released source stays.
    pub released_keep_days: u64,
    /// Endings of names that are not taken.
    pub ignore: Vec<String>,
}

impl Default for Inbox {
    fn default() -> Self {
        Self {
            settle_s: 120,
            done_marker: ".done".into(),
            release: Release::Move,
            released_keep_days: 1,
            ignore: [".tmp", ".part", ".crdownload"].map(String::from).to_vec(),
        }
    }
}

/// `[names]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// Patterns for the base name.
    pub patterns: Vec<String>,
    /// Patterns for the path below the inbox.
    pub folders: Vec<String>,
    /// Both, compiled; pattern numbers run on from the first list into the second.
    pub grammar: Grammar,
}

impl Default for Names {
    fn default() -> Self {
        let texts =
            |list: &[(&str, &str)]| list.iter().map(|(text, _)| (*text).to_owned()).collect();
        Self {
            patterns: texts(DEFAULT_PATTERNS),
            folders: texts(DEFAULT_FOLDERS),
            grammar: Grammar::default(),
        }
    }
}

/// `[sidecar]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SidecarSettings {
    /// Whether sidecars are read.
    pub enabled: bool,
}

impl Default for SidecarSettings {
    fn default() -> Self {
        Self { enabled: true }
    }
}

/// `[jobs]`; 0 finds out from the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jobs {
    /// Recordings worked on at once.
    pub workers: usize,
    /// Threads of one encoder.
    pub encoder_threads: usize,
    /// Files hashed at once.
    pub hashers: usize,
    /// Niceness of workers.
    pub nice: i32,
}

impl Default for Jobs {
    fn default() -> Self {
        Self {
            workers: 0,
            encoder_threads: 0,
            hashers: 0,
            nice: 10,
        }
    }
}

/// `[checks]`
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Checks {
    /// Mean luma up to which a picture is black, of 0 to 255.
    pub black_luma_max: u8,
    /// Seconds of black that are a finding.
    pub black_min_s: f64,
    /// Seconds of standing picture that are a finding.
    pub frozen_min_s: f64,
    /// Level of silence in decibels of full scale.
    pub silent_dbfs: f64,
    /// Seconds of silence that are a finding.
    pub silent_min_s: f64,
    /// Seconds of clipped sound that are a finding.
    pub clipped_min_s: f64,
    /// Seconds that make a jump of timestamps.
    pub jump_s: f64,
    /// Seconds that a recorder's neighbouring pieces may be apart.
    pub neighbours_apart_s: f64,
    /// Seconds of picture without sound that recorders keep from before their button was pressed.
    pub pre_record_s: f64,
}

impl Default for Checks {
    fn default() -> Self {
        Self {
            black_luma_max: 31,
            black_min_s: 2.0,
            frozen_min_s: 2.0,
            silent_dbfs: -60.0,
            silent_min_s: 5.0,
            clipped_min_s: 2.0,
            jump_s: 1.0,
            neighbours_apart_s: 2.0,
            pre_record_s: 0.0,
        }
    }
}

/// Where the band stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BandMode {
    /// Above the picture.
    #[default]
    Above,
    /// Over its top rows.
    Overlay,
}

/// `[band]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Band {
    /// Where it stands.
    pub mode: BandMode,
    /// Templates of its lines.
    pub lines: Vec<String>,
    /// Font files, the first that exists is used.
    pub fonts: Vec<PathBuf>,
}

impl Default for Band {
    fn default() -> Self {
        let fonts = [
            "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
            "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
            "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
        ];
        Self {
            mode: BandMode::Above,
            lines: ["{device}  {officer} {officer_name}", "{id}  {time}"]
                .map(String::from)
                .to_vec(),
            fonts: fonts.map(PathBuf::from).to_vec(),
        }
    }
}

/// When archival copies are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ArchiveWhen {
    /// Of everything, every night.
    #[default]
    Night,
    /// Of what is kept long-term, by the night that follows its classification.
    LongTerm,
}

/// How much of a copy is decoded before it counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verify {
    /// The key frame of every group.
    #[default]
    Keyframes,
    /// Every frame.
    Full,
}

/// A parameter of a profile; the profile checks it.
#[derive(Clone, Debug, PartialEq)]
pub enum Param {
    /// `true` or `false`.
    Switch(bool),
    /// A whole number.
    Whole(i64),
    /// A number; finite.
    Real(f64),
    /// Text.
    Text(String),
}

/// `[archive]`
#[derive(Clone, Debug, PartialEq)]
pub struct Archive {
    /// When copies are made.
    pub when: ArchiveWhen,
    /// By which profile.
    pub profile: String,
    /// How they are verified.
    pub verify: Verify,
    /// The profile's parameters.
    pub params: BTreeMap<String, Param>,
}

impl Default for Archive {
    fn default() -> Self {
        Self {
            when: ArchiveWhen::Night,
            profile: "archive-av1".into(),
            verify: Verify::Keyframes,
            params: BTreeMap::new(),
        }
    }
}

/// `[store]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreSettings {
    /// Where the second copy of every original goes; nowhere when empty.
    pub mirror: PathBuf,
}

/// `[worker]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worker {
    /// Seconds without progress after which a worker is stopped.
    pub stall_s: u64,
}

impl Default for Worker {
    fn default() -> Self {
        Self { stall_s: 30 }
    }
}

/// `[disk]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Free gigabytes (10^9 bytes) below which intake stops.
    pub min_free_gb: u64,
}

impl Default for Disk {
    fn default() -> Self {
        Self { min_free_gb: 5 }
    }
}

/// `[night]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Night {
    /// Known files whose hash is computed again, each night.
    pub memo_sample: u64,
    /// Days in which every original is read again.
    pub fixity_days: u32,
}

impl Default for Night {
    fn default() -> Self {
        Self {
            memo_sample: 16,
            fixity_days: 30,
        }
    }
}
