//! Layer 6. Spends an approval: a package for somebody who may have it, which every computer can
//! check.
//!
//! Write order, DESIGN section 4:
//!
//! 1. batch: the use is spent, before the first byte is opened
//! 2. the package is made in a hidden folder beside its place
//! 3. batch: the outcome, with the digest of its tag manifest
//! 4. the package gets its name
//! 5. the proof of the outcome is laid beside it, once a checkpoint covers it; and once a witness has
//!    cosigned that, by the same command, every proof under what it has signed
//!
//! So a package under its name has its outcome in the ledger. What is cut off before 3 leaves a use
//! that is spent and open: the same command goes on with it and spends no other. What is cut off
//! behind 3 is finished by the same command as well.
//!
//! Fails by [`ExportError`]; nothing half-done is left under the package's name.

mod bag;
mod copy;
mod excerpt;
mod pages;
mod proofs;
mod roster;
mod sheet;
mod verify;
mod view;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

pub use copy::{Marking, can_be_shown};
pub use excerpt::discloses;
pub use verify::{Known, Rank, Verdict, verify};
pub use view::{Viewed, Viewing, view};

use crate::{
    base::{Digest, ErrorKind, Explain, RecordingId, durable, killpoint::around},
    custody::access::{Access, UseOutcome},
    custody::request::{Form, Wanted},
    media::{
        band::BandMode, checks::CheckSettings, profile::Plan, protocol::Progress, worker::Launch,
    },
    recording::{Record, State},
    store::{Spent, Store, StoreError},
};
use bag::{Bag, Complete, Rights};

/// Bytes that a marked copy may take beside its original: x264 at this quality seldom doubles it.
const COPY_FACTOR: u64 = 2;

/// Bytes kept free beyond that.
const SPARE_BYTES: u64 = 50_000_000;

/// How packages are made.
#[derive(Clone, Debug)]
pub struct ExportSettings {
    /// The office, for the package's papers.
    pub office: String,
    /// Its time zone.
    pub zone: TimeZone,
    /// The pipeline of marked copies.
    pub plan: Plan,
    /// Where the band goes.
    pub mode: BandMode,
    /// Its font.
    pub font: PathBuf,
    /// Which face of a font collection.
    pub font_index: u32,
    /// What the worker looks for on the way.
    pub checks: CheckSettings,
    /// How workers are started and watched.
    pub launch: Launch,
}

/// A package that stands in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    /// The use that it was made by.
    pub id: RecordingId,
    /// Name of its folder.
    pub name: String,
    /// Digest of its tag manifest, as the ledger has it.
    pub tag_manifest: Digest,
    /// Bytes of evidence in it.
    pub bytes: u64,
    /// Recordings of which no copy for looking could be made; their originals are there, if they
    /// were approved.
    pub not_shown: Vec<RecordingId>,
    /// Whether the proofs of a witness lie beside it: without them nobody elsewhere can know that
    /// the log was not rewritten since.
    pub witnessed: bool,
    /// Whether two people opened it in an emergency.
    #[serde(default)]
    pub break_glass: bool,
}

/// A package could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store's word.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file could not be read or written.
    #[error("{what} of the package: {source}")]
    Io {
        /// Which part.
        what: String,
        /// Why.
        source: io::Error,
    },
    /// There is something in its place.
    #[error("{0} is there already")]
    Taken(String),
    /// It would not fit.
    #[error("the package may take {needed} bytes, and {free} are free there")]
    Room {
        /// Bytes that it may take.
        needed: u64,
        /// Bytes that there are.
        free: u64,
    },
    /// No copy could be made.
    #[error("the copy of recording {id} could not be made: {why}")]
    Copy {
        /// Of which.
        id: RecordingId,
        /// Why.
        why: String,
    },
    /// No excerpt of the original could be made.
    #[error("the excerpt of recording {id} could not be made: {why}")]
    Excerpt {
        /// Of which.
        id: RecordingId,
        /// Why.
        why: String,
    },
    /// Its container has no index that is understood.
    #[error("of recording {id} ({}) no part of the original can be cut out", if container.is_empty() { "not examined" } else { container })]
    NoExcerpt {
        /// Of which.
        id: RecordingId,
        /// The container, where that is known.
        container: String,
    },
    /// An excerpt would disclose more than what stands in the request.
    #[error(
        "the excerpt of recording {0} would disclose other seconds than those that were approved"
    )]
    Discloses(RecordingId),
    /// The original is not what it was.
    #[error("the original of recording {0} is not what the ledger says")]
    Altered(RecordingId),
    /// Nobody has looked at it yet.
    #[error("recording {0} was not looked at yet, so that no copy of it can be made")]
    NotExamined(RecordingId),
    /// Nothing that was approved can be shown, and no original was approved.
    #[error(
        "no copy for looking can be made of recording {0}: there is no picture and no sound in it that this machine can read"
    )]
    NotShown(RecordingId),
}

impl Explain for ExportError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(e) => e.kind(),
            Self::Io { .. } | Self::Copy { .. } | Self::Excerpt { .. } | Self::Room { .. } => {
                ErrorKind::Fault
            }
            Self::Taken(_) => ErrorKind::Usage,
            Self::NotShown(_)
            | Self::NotExamined(_)
            | Self::NoExcerpt { .. }
            | Self::Discloses(_) => ErrorKind::Refused,
            Self::Altered(_) => ErrorKind::Integrity,
        }
    }
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Store(e) => return e.hint(),
            Self::Io { .. } | Self::Copy { .. } | Self::Room { .. } => {
                "nothing half-done is left behind; once that is mended, the same command goes on with this use of the approval"
            }
            Self::Taken(_) => "name another folder",
            Self::Excerpt { .. } | Self::NoExcerpt { .. } => {
                "ask for a copy of these seconds, or for the original as a whole"
            }
            Self::Discloses(_) => "ask for these seconds again: what is disclosed is found anew",
            Self::NotExamined(_) => {
                "recvault batch looks at it; the approval is not used up by this"
            }
            Self::NotShown(_) => "ask for it with --form original",
            Self::Altered(_) => "recvault fixity heals it from the mirror, where there is one",
        };
        Some(hint.to_owned())
    }
}

fn io_of(what: impl Into<String>) -> impl FnOnce(io::Error) -> ExportError {
    let what = what.into();
    |source| ExportError::Io { what, source }
}

/// Name of a package: by its use, so that no two have one.
#[must_use]
pub fn package_name(id: RecordingId) -> String {
    format!("recvault-{id}")
}

/// Where it is made.
fn hidden_name(id: RecordingId) -> String {
    format!(".recvault-{id}.part")
}

/// Looks before the use is spent whether the package can be made in this folder at all.
///
/// # Errors
/// [`ExportError::Room`], [`ExportError::NotExamined`], [`ExportError::NotShown`], or when a row
/// cannot be read.
pub fn preflight(store: &Store, access: &Access, folder: &Path) -> Result<(), ExportError> {
    let ask = &access.request.ask;
    let mut needed = SPARE_BYTES;
    for wanted in &ask.recordings {
        // What is gone is refused when the use is to be spent.
        let Some(record) = record(store, wanted)? else {
            continue;
        };
        let shown = can_be_shown(&record);
        if record.state == State::Admitted {
            return Err(ExportError::NotExamined(wanted.id));
        }
        if !shown && ask.form != Form::Original {
            return Err(ExportError::NotShown(wanted.id));
        }
        let copies = u64::from(shown) * COPY_FACTOR + u64::from(ask.form == Form::Original);
        needed = needed.saturating_add(wanted.bytes.saturating_mul(copies));
    }
    let stat = rustix::fs::statvfs(folder).map_err(|e| io_of("the folder")(e.into()))?;
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    if free < needed {
        return Err(ExportError::Room { needed, free });
    }
    Ok(())
}

/// Finishes a package that was complete and only lacks its name, its proof, or the proofs of a
/// witness who has cosigned the log since; nothing when there is none in the folder. `running` are
/// the uses that somebody is at now.
///
/// # Errors
/// As giving, naming or proving says.
pub fn finish(
    store: &Store,
    access: &Access,
    by: u32,
    running: &[RecordingId],
    folder: &Path,
) -> Result<Option<Exported>, ExportError> {
    let uses = access.uses.iter().rev();
    for spent in uses.filter(|spent| !running.contains(&spent.id)) {
        let Some(UseOutcome::Packaged {
            tag_manifest,
            bytes,
            ..
        }) = &spent.outcome
        else {
            continue;
        };
        let (hidden, place) = places(folder, spent.id);
        let complete = |dir: &Path| bag::tag_manifest(dir).is_ok_and(|d| d == *tag_manifest);
        let named = complete(&place);
        if !named && !complete(&hidden) {
            continue;
        }
        if named && proofs::are_all_beside(store, spent, &place)? {
            continue;
        }
        if !named {
            bag::give(&hidden, Rights::of(by)).map_err(io_of("the owner"))?;
            name(&hidden, &place, folder)?;
        }
        let witnessed = proofs::lay_beside(store, access, spent.number, &place)?;
        return Ok(Some(Exported {
            id: spent.id,
            name: package_name(spent.id),
            tag_manifest: *tag_manifest,
            bytes: *bytes,
            not_shown: Vec::new(),
            witnessed,
            break_glass: access.break_glass,
        }));
    }
    Ok(None)
}

/// Makes the package of a use that was spent, in the folder. What fails leaves nothing behind.
///
/// # Errors
/// [`ExportError`].
pub fn run(
    store: &Store,
    settings: &ExportSettings,
    by: u32,
    spent: &Spent,
    folder: &Path,
    heard: &mut dyn FnMut(RecordingId, &Progress),
) -> Result<Exported, ExportError> {
    let (hidden, place) = places(folder, spent.id);
    if place.exists() {
        return Err(ExportError::Taken(package_name(spent.id)));
    }
    clear(&hidden).map_err(io_of("what was cut off"))?;
    let made = make(store, settings, spent, &hidden, Rights::of(by), heard);
    let Made {
        complete,
        copies,
        not_shown,
    } = match made {
        Ok(made) => made,
        Err(e) => {
            let _ = clear(&hidden);
            let why = e.to_string();
            // The use stays open: the ledger says that this attempt came to nothing.
            let _ = store.end_access(by, spent, UseOutcome::Failed { why });
            return Err(e);
        }
    };
    let (tag_manifest, bytes) = (complete.tag_manifest, complete.bytes);
    let outcome = UseOutcome::Packaged {
        tag_manifest,
        copies,
        bytes,
    };
    store.end_access(by, spent, outcome)?;
    // Only now: from here on its owner can do with it as he likes.
    bag::give(&hidden, Rights::of(by)).map_err(io_of("the owner"))?;
    name(&hidden, &place, folder)?;
    let witnessed = proofs::lay_beside(store, &spent.access, spent.number, &place)?;
    Ok(Exported {
        id: spent.id,
        name: package_name(spent.id),
        tag_manifest,
        bytes,
        not_shown,
        witnessed,
        break_glass: spent.access.break_glass,
    })
}

fn places(folder: &Path, id: RecordingId) -> (PathBuf, PathBuf) {
    (folder.join(hidden_name(id)), folder.join(package_name(id)))
}

fn name(hidden: &Path, place: &Path, folder: &Path) -> Result<(), ExportError> {
    around("export.name", || fs::rename(hidden, place)).map_err(io_of("the name"))?;
    around("export.folder", || durable::sync_dir(folder)).map_err(io_of("the folder"))
}

fn clear(hidden: &Path) -> io::Result<()> {
    match fs::remove_dir_all(hidden) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

fn record(store: &Store, wanted: &Wanted) -> Result<Option<Record>, ExportError> {
    let record = store.record(wanted.id)?;
    Ok(record.filter(|r| r.digest == wanted.digest && r.state.is_there()))
}

/// A package that is complete in its hidden folder.
struct Made {
    complete: Complete,
    copies: Vec<Digest>,
    not_shown: Vec<RecordingId>,
}

fn make(
    store: &Store,
    settings: &ExportSettings,
    spent: &Spent,
    hidden: &Path,
    rights: Rights,
    heard: &mut dyn FnMut(RecordingId, &Progress),
) -> Result<Made, ExportError> {
    let ask = &spent.access.request.ask;
    let mut bag =
        around("export.begin", || Bag::begin(hidden, rights)).map_err(io_of("the folder"))?;
    let (mut records, mut copies, mut not_shown) = (Vec::new(), Vec::new(), Vec::new());
    let register = store.register();
    for wanted in &ask.recordings {
        let Some(record) = record(store, wanted)? else {
            return Err(ExportError::Altered(wanted.id));
        };
        let original = store.vault().open_object(&record.digest);
        let original = original.map_err(StoreError::from)?;
        if can_be_shown(&record) {
            let file = format!("{}.{}", record.id, settings.plan.extension);
            let output = bag.open_payload(&file).map_err(io_of(&file))?;
            let marking = Marking::of(settings, spent, &record, &register);
            let id = record.id;
            let mut heard = |p: &Progress| heard(id, p);
            let facts = copy::make(settings, &record, &marking, &original, &output, &mut heard)?;
            let digest = around("export.copy", || bag.filled(&file)).map_err(io_of(&file))?;
            copies.push(digest);
            if facts.width > 0 {
                let file = sheet::name(id);
                let page = bag.open_payload(&file).map_err(io_of(&file))?;
                sheet::make(settings, &record, &marking, &output, &page, &mut heard)?;
                copies.push(bag.filled(&file).map_err(io_of(&file))?);
            }
        } else {
            not_shown.push(record.id);
        }
        let excerpt = wanted.seconds.filter(|_| ask.form == Form::Original);
        if let Some(seconds) = excerpt {
            let id = record.id;
            let mut heard = |p: &Progress| heard(id, p);
            let wanted = (wanted, seconds);
            excerpt::add(settings, &record, wanted, &original, &mut bag, &mut heard)?;
        } else if ask.form == Form::Original {
            let file = format!("{}.original", record.id);
            let copied = around("export.original", || bag.add_payload(&file, &original));
            if copied.map_err(io_of(&file))? != record.digest {
                return Err(ExportError::Altered(record.id));
            }
        }
        records.push(record);
    }
    proofs::add(store, spent, &records, &mut bag)?;
    pages::add(settings, spent, &records, &mut bag).map_err(io_of("the papers"))?;
    let info = [
        ("Source-Organization", settings.office.clone()),
        ("External-Identifier", package_name(spent.id)),
        ("Bagging-Date", spent.at.day_in_zone(&settings.zone)),
        (
            "Bag-Software-Agent",
            concat!("recvault ", env!("CARGO_PKG_VERSION")).to_owned(),
        ),
    ];
    let complete = around("export.complete", || bag.complete(&info));
    Ok(Made {
        complete: complete.map_err(io_of("the manifests"))?,
        copies,
        not_shown,
    })
}
