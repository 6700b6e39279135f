//! Requests to look, and what an approval of them is used for.

use std::{
    fs::File,
    os::{fd::AsRawFd, unix::fs::MetadataExt},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{
    Answer, Failure,
    execute::{recording, usage},
};
use crate::{
    base::{Digest, ErrorKind, RecordingId},
    custody::access::{Access, Use, UseOutcome},
    custody::request::{Form, Seconds, Wanted},
    event::Event,
    export::{self, ExportSettings, Exported},
    intake::{Job, Progress, Watcher},
    ledger::Ledger,
    media::{self, worker::Launch},
    recording::Record,
    store::{AccessWish, RecordingWish, Store, StoreError, check_seconds},
};

/// Something about requests to look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AccessAsk {
    /// Ask for it.
    Request {
        /// Recordings, by their ids or the beginnings of them.
        recordings: Vec<String>,
        /// Only these seconds of each.
        seconds: Option<Seconds>,
        /// In what form.
        form: Form,
        /// What for.
        purpose: String,
        /// For whom.
        recipient: String,
        /// Days that it is to be good for.
        days: u16,
        /// How often it is to be used.
        uses: u64,
    },
    /// Ask for it in an emergency, for two people to open.
    BreakGlass {
        /// Recordings, by their ids or the beginnings of them.
        recordings: Vec<String>,
        /// In what form.
        form: Form,
        /// What for.
        purpose: String,
        /// For whom.
        recipient: String,
    },
    /// Those that may still be acted on, or all.
    List {
        /// All of them.
        all: bool,
    },
    /// One and everything that became of it.
    Show {
        /// Its digest, or enough of its beginning.
        request: String,
    },
    /// Everything that ever happened to a recording.
    Trail {
        /// The recording, by its id or the beginning of it.
        id: String,
    },
    /// Which export a copy is of.
    Trace {
        /// SHA-256 of the copy.
        digest: Digest,
        /// Ids that stand in its tags, or in the code of its picture.
        ids: Vec<RecordingId>,
    },
    /// Take one back.
    Cancel {
        /// Its digest, or enough of its beginning.
        request: String,
    },
}

/// The uses that run in this process.
#[derive(Debug, Default)]
pub(super) struct Running(Mutex<Vec<RecordingId>>);

impl Running {
    pub(super) fn lock(&self) -> MutexGuard<'_, Vec<RecordingId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes uses off the list when it ends, however it ends.
pub(super) struct OffTheList<'a>(pub(super) &'a Running, pub(super) Vec<RecordingId>);

impl Drop for OffTheList<'_> {
    fn drop(&mut self) {
        self.0.lock().retain(|id| !self.1.contains(id));
    }
}

/// How a worker is started for which somebody waits.
type Awaited<'a> = &'a dyn Fn() -> Result<Launch, Failure>;

/// The recordings of these ids, or of which these are the beginnings.
fn named(store: &Store, ids: &[String]) -> Result<Vec<Record>, Failure> {
    ids.iter().map(|id| recording(store, id)).collect()
}

/// The same with the seconds that are wanted of each. What excerpts of originals would disclose is
/// found before anybody is asked to approve them.
fn cut(
    store: &Store,
    records: &[Record],
    seconds: Seconds,
    form: Form,
    launch: Awaited<'_>,
    watcher: &dyn Watcher,
) -> Result<Vec<RecordingWish>, Failure> {
    let all: Vec<Wanted> = records
        .iter()
        .map(|r| Wanted::whole(r.id, r.digest, r.bytes))
        .collect();
    let mut wishes = Vec::new();
    for record in records {
        let mut wish = RecordingWish {
            seconds: Some(seconds),
            ..RecordingWish::whole(record.id)
        };
        check_seconds(record, seconds).map_err(StoreError::from)?;
        if form == Form::Original {
            let mut heard = |p: &media::protocol::Progress| {
                watcher.note(&copying(&all, record.id, p, "excerpt"));
            };
            wish.discloses = export::discloses(store, &launch()?, record, seconds, &mut heard)?;
        }
        wishes.push(wish);
    }
    Ok(wishes)
}

pub(super) fn answer(
    store: &Store,
    by: u32,
    zone: &TimeZone,
    launch: Awaited<'_>,
    watcher: &dyn Watcher,
    ask: AccessAsk,
) -> Result<Answer, Failure> {
    match ask {
        AccessAsk::Request {
            recordings,
            seconds,
            form,
            purpose,
            recipient,
            days,
            uses,
        } => {
            let records = named(store, &recordings)?;
            let recordings = match seconds {
                Some(seconds) => cut(store, &records, seconds, form, launch, watcher)?,
                None => records.iter().map(|r| RecordingWish::whole(r.id)).collect(),
            };
            let wish = AccessWish {
                recordings,
                form,
                purpose,
                recipient,
                days,
                uses,
            };
            let access = store.request_access(by, wish)?;
            shown(store, zone, vec![access])
        }
        AccessAsk::BreakGlass {
            recordings,
            form,
            purpose,
            recipient,
        } => {
            let records = named(store, &recordings)?;
            let wish = AccessWish {
                recordings: records.iter().map(|r| RecordingWish::whole(r.id)).collect(),
                form,
                purpose,
                recipient,
                days: 1,
                uses: 1,
            };
            let access = store.request_break_glass(by, wish)?;
            shown(store, zone, vec![access])
        }
        AccessAsk::List { all } => {
            let now = store.times()?.later;
            let mut accesses = store.accesses()?;
            accesses.retain(|access| all || access.state(now).is_open());
            shown(store, zone, accesses)
        }
        AccessAsk::Show { request } => {
            let access = one(store, &request)?;
            shown(store, zone, vec![access])
        }
        AccessAsk::Trace { digest, ids } => trace(store, zone, digest, &ids),
        AccessAsk::Trail { id } => trail(store, zone, &id),
        AccessAsk::Cancel { request } => {
            let access = one(store, &request)?;
            store.cancel_access(by, access.digest)?;
            Ok(Answer::Done {
                said: vec![format!("Request {} is taken back.", access.digest)],
                waits: false,
            })
        }
    }
}

/// The requests by a use of which the copy was made: by its bytes, or by what its tags or its
/// picture name.
fn trace(
    store: &Store,
    zone: &TimeZone,
    digest: Digest,
    ids: &[RecordingId],
) -> Result<Answer, Failure> {
    let made = |spent: &Use| {
        let by_bytes = match &spent.outcome {
            Some(UseOutcome::Packaged { copies, .. }) => copies.contains(&digest),
            _ => false,
        };
        by_bytes || ids.contains(&spent.id)
    };
    let mut found = store.accesses()?;
    for access in &mut found {
        access.uses.retain(made);
    }
    found.retain(|access| !access.uses.is_empty());
    shown(store, zone, found)
}

/// Every event about a recording, and every event about a request for it.
fn trail(store: &Store, zone: &TimeZone, id: &str) -> Result<Answer, Failure> {
    let record = recording(store, id)?;
    let mut about: Vec<Digest> = Vec::new();
    for access in store.accesses()? {
        let wanted = &access.request.ask.recordings;
        if wanted.iter().any(|wanted| wanted.id == record.id) {
            about.push(access.digest);
        }
    }
    let ledger = Ledger::open(&store.root().join("ledger")).map_err(StoreError::from)?;
    let (len, mut lines) = (ledger.len(), Vec::new());
    for read in ledger.read(0, len).map_err(StoreError::from)? {
        let (n, line) = read.map_err(StoreError::from)?;
        let event = Event::from_line(n, &line).map_err(StoreError::from)?;
        let request = event.what.request();
        if event.what.recording() == Some(record.id) || request.is_some_and(|r| about.contains(&r))
        {
            lines.push((n, String::from_utf8_lossy(&line).into_owned()));
        }
    }
    Ok(Answer::Events {
        lines,
        len,
        time_zone: zone.iana_name().unwrap_or("UTC").to_owned(),
    })
}

fn shown(store: &Store, zone: &TimeZone, accesses: Vec<Access>) -> Result<Answer, Failure> {
    Ok(Answer::Accesses {
        accesses,
        now: store.times()?.later,
        time_zone: zone.iana_name().unwrap_or("UTC").to_owned(),
    })
}

/// The one request of this digest, or of one that begins so.
pub(super) fn one(store: &Store, digest: &str) -> Result<Access, Failure> {
    let all = store.accesses()?.into_iter();
    // Nothing is not the beginning of anything: an empty variable in a script names no request.
    let named = |access: &Access| access.digest.to_string().starts_with(digest);
    let mut found = all.filter(|access| !digest.is_empty() && named(access));
    match (found.next(), found.next()) {
        (Some(access), None) => Ok(access),
        (None, _) => Err(usage(format!("there is no access request '{digest}'"))
            .hint("recvault requests --all lists them")),
        (Some(_), Some(_)) => {
            Err(usage(format!("several requests begin with '{digest}'")).hint("give more of it"))
        }
    }
}

/// Makes the package of an approved request in a folder.
pub(super) fn export(
    store: &Store,
    settings: &ExportSettings,
    running: &Running,
    by: u32,
    request: &str,
    folder: &File,
    watcher: &dyn Watcher,
) -> Result<Answer, Failure> {
    // Only beneath the folder that was handed over, whatever becomes of its name meanwhile.
    let folder = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd()));
    let access = one(store, request)?;
    // What was cut off near its end is finished; nobody else does so meanwhile, nor waits for it.
    let (others, finishing) = {
        let mut list = running.lock();
        let others = list.clone();
        let ours = access.uses.iter().map(|spent| spent.id);
        let ours: Vec<RecordingId> = ours.filter(|id| !others.contains(id)).collect();
        list.extend(&ours);
        (others, OffTheList(running, ours))
    };
    if let Some(exported) = export::finish(store, &access, by, &others, &folder)? {
        return Ok(exported_answer(exported));
    }
    drop(finishing);
    if access.request.ask.form != Form::View {
        export::preflight(store, &access, &folder)?;
    }
    let (spent, _listed) = {
        let mut list = running.lock();
        let spent = store.spend_access(by, access.digest, false, list.clone())?;
        list.push(spent.id);
        let listed = OffTheList(running, vec![spent.id]);
        (spent, listed)
    };
    let exported = make(store, settings, by, &spent, &folder, watcher)?;
    Ok(exported_answer(exported))
}

fn make(
    store: &Store,
    settings: &ExportSettings,
    by: u32,
    spent: &crate::store::Spent,
    folder: &Path,
    watcher: &dyn Watcher,
) -> Result<Exported, Failure> {
    let recordings = &spent.access.request.ask.recordings;
    let exported = export::run(store, settings, by, spent, folder, &mut |id, p| {
        watcher.note(&copying(recordings, id, p, "export"));
    })?;
    Ok(exported)
}

/// How far the copies of these recordings are.
pub(super) fn copying(
    recordings: &[Wanted],
    id: RecordingId,
    p: &media::protocol::Progress,
    phase: &str,
) -> Progress {
    let before = recordings.iter().take_while(|w| w.id != id);
    let (mut bytes_done, mut files_done) = (0_u64, 0_u64);
    for wanted in before {
        bytes_done = bytes_done.saturating_add(wanted.bytes);
        files_done += 1;
    }
    Progress {
        jobs: vec![Job {
            slot: 0,
            name: id.to_string(),
            phase: "copying".into(),
            position_ms: p.position_ms,
            duration_ms: p.duration_ms,
        }],
        files_done,
        files_total: recordings.len() as u64,
        bytes_done,
        bytes_total: recordings.iter().map(|w| w.bytes).sum(),
        eta_ms: None,
        phase: phase.into(),
    }
}

fn exported_answer(exported: Exported) -> Answer {
    Answer::Exported(Box::new(exported))
}

/// The destination that a client handed over, if it is the client's own: what this process may write
/// to says nothing of what the client may.
pub(super) fn own_folder(folder: Option<File>, to: &Path, by: u32) -> Result<File, Failure> {
    let folder = folder.ok_or_else(|| usage("no folder was handed over".into()))?;
    let owner = folder.metadata().map(|m| (m.is_dir(), m.uid()));
    match owner {
        Ok((true, uid)) if uid == by || by == 0 => Ok(folder),
        Ok(_) => {
            let text = format!("{} is not a folder of your own", to.display());
            Err(Failure::new(ErrorKind::Refused, text)
                .hint("make a folder for the package, and name that"))
        }
        Err(e) => Err(usage(format!("{}: {e}", to.display()))),
    }
}

/// A destination as the client opened it.
pub(super) fn open_folder(path: &Path) -> Result<File, Failure> {
    let wrong = |why: String| {
        Failure::new(ErrorKind::Usage, format!("{}: {why}", path.display()))
            .hint("name a folder that exists and that you may write to")
    };
    let folder = File::open(path).map_err(|e| wrong(e.to_string()))?;
    match folder.metadata() {
        Ok(m) if m.is_dir() => Ok(folder),
        Ok(_) => Err(wrong("it is no folder".into())),
        Err(e) => Err(wrong(e.to_string())),
    }
}
