//! The store made anew without its ledger, from sidecars and vault.
//!
//! - Every sidecar's events are written into a new ledger with the times that they had; what the
//!   vault holds without a sidecar is admitted as it lies there.
//! - What let a recording go (a lowering, a release, a tombstone over bytes that are still there)
//!   is not believed: the signatures behind it are lost.
//! - Every recording that is there is held until two people lift it.
//! - What cannot be recovered is said: the log and its checkpoints, the register, policies, plans,
//!   signed statements, and names and reasons where `details.jsonl` is lost too.
//!
//! The old log, index and key are put aside and never removed. Killed anywhere, the next call
//! begins anew from the sidecars that the first one saved.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Proposal, Store, StoreError, details::Details, holding::place, key_path};
use crate::{
    base::{Clock, Digest, RecordingId, durable},
    custody::{Asked, Holds, Roster},
    event::{Event, RecordingAdmitted, What},
    hashing::hash_file,
    recording::{Attribution, Finding, FindingKind, Kind, State},
    retention::Policy,
    vault::Vault,
};

/// Recordings whose history is written by one batch.
const GROUP: usize = 64;

/// What making the store anew came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Regained {
    /// Recordings that are there, all of them on hold.
    pub recordings: u64,
    /// Of these, such as no sidecar told anything of.
    pub without_history: u64,
    /// Recordings that had been disposed of.
    pub disposed: u64,
    /// Events written anew.
    pub events: u64,
    /// Names and reasons that are lost.
    pub erased: u64,
    /// What could not be read, as sentences.
    pub unreadable: Vec<String>,
}

/// Makes the store below `root` anew. The caller owns it, and has not opened it.
///
/// # Errors
/// When the mirror is away; as reading or writing says.
pub fn regain(
    root: &Path,
    mirror: Option<&Path>,
    office: &str,
    roster: Roster,
    policy: Policy,
    by: u32,
    clock: Arc<dyn Clock>,
) -> Result<Regained, StoreError> {
    let layout = |path: &Path| {
        let path = path.to_owned();
        move |source| StoreError::Layout { path, source }
    };
    // 1. The sidecars, somewhere safe.
    let saved = root.join("regained");
    let (sidecars, complete) = (saved.join("sidecars"), saved.join("complete"));
    {
        let vault = Vault::open(root, mirror)?;
        if !complete.exists() {
            vault.save_sidecars(&sidecars)?;
            durable::replace(&complete, 0o600, b"").map_err(layout(&complete))?;
        }
        // 2. What there was of log, index and key is put aside.
        let details = root.join("ledger/details.jsonl");
        let kept = saved.join("details.jsonl");
        if details.exists() && !kept.exists() {
            let bytes = fs::read(&details).map_err(layout(&details))?;
            durable::replace(&kept, 0o600, &bytes).map_err(layout(&kept))?;
        }
        for part in [root.join("ledger"), root.join("index"), key_path(root)] {
            put_aside(&part).map_err(layout(&part))?;
        }
        vault.clear_sidecars()?;
    }
    // 3. A new log, with the old one's details where they are left.
    Store::lay_out_log(root, &roster)?;
    let (kept, details) = (
        saved.join("details.jsonl"),
        root.join("ledger/details.jsonl"),
    );
    if let Ok(bytes) = fs::read(&kept) {
        durable::replace(&details, 0o600, &bytes).map_err(layout(&details))?;
    }
    let store = Store::open_with(root, mirror, clock)?;
    store.found(office, roster, policy, by)?;
    // 4. Every sidecar's history.
    let mut regained = Regained::default();
    let mut names: Vec<PathBuf> = fs::read_dir(&sidecars)
        .and_then(|dir| dir.map(|entry| entry.map(|e| e.path())).collect())
        .map_err(layout(&sidecars))?;
    names.sort();
    for group in names.chunks(GROUP) {
        let mut lives = Vec::new();
        for path in group {
            let bytes = fs::read(path).map_err(layout(path))?;
            let life = store.life(&bytes, &mut regained.unreadable, path);
            lives.extend(life);
        }
        for life in &lives {
            regained.events += life.events.len() as u64;
            match life.there {
                true => regained.recordings += 1,
                false => regained.disposed += 1,
            }
        }
        store.commit(by, move |proposal| {
            lives
                .into_iter()
                .try_for_each(|life| relive(proposal, life))
        })?;
    }
    // 5. What the vault holds and no sidecar tells of.
    for digest in store.vault.objects()? {
        if store.record(digest.id())?.is_none() {
            match store.admit_as_found(by, &digest)? {
                Ok(()) => {
                    regained.recordings += 1;
                    regained.without_history += 1;
                }
                Err(why) => regained.unreadable.push(why),
            }
        }
    }
    // 6. What is lost is said, in the log too.
    regained.erased = store.note_erased().map_err(StoreError::Details)?;
    let told = regained.clone();
    store.commit(by, move |proposal| {
        proposal.event(What::StoreRegained {
            recordings: told.recordings,
            without_history: told.without_history,
            disposed: told.disposed,
            erased: told.erased,
        });
        Ok(())
    })?;
    store.publish()?;
    put_aside(&saved).map_err(layout(&saved))?;
    Ok(regained)
}

/// What one sidecar tells, as far as it is believed.
struct Life {
    id: RecordingId,
    events: Vec<Event>,
    there: bool,
}

impl Store {
    fn life(&self, bytes: &[u8], unreadable: &mut Vec<String>, path: &Path) -> Option<Life> {
        let name = path
            .file_stem()
            .and_then(|n| n.to_str())
            .unwrap_or_default();
        let id: RecordingId = name.parse().ok()?;
        let mut events: Vec<Event> = Vec::new();
        for line in bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            let n = serde_json::from_slice::<serde_json::Value>(line)
                .ok()
                .and_then(|value| value["n"].as_u64());
            let event = n.and_then(|n| Event::from_line(n, line).ok());
            let event = event.filter(|e| e.what.recording() == Some(id));
            let fits = event.filter(|e| {
                let admitted = matches!(&e.what, What::RecordingAdmitted(a) if a.digest.id() == id);
                admitted == events.is_empty()
            });
            let Some(event) = fits else {
                let at = events.len() + 1;
                unreadable.push(format!(
                    "the sidecar of recording {id} from its line {at} on"
                ));
                break;
            };
            events.push(event);
        }
        let What::RecordingAdmitted(admitted) = &events.first()?.what else {
            return None;
        };
        let path = self.vault.object_path(&admitted.digest);
        let mirror = self.vault.mirror_path(&admitted.digest);
        let lies_there = path.exists() || mirror.is_some_and(|path| path.exists());
        let disposed = |e: &Event| matches!(e.what, What::RecordingDisposed { .. });
        let gone = events.iter().any(disposed) && !lies_there;
        events.retain(|e| match &e.what {
            // The signatures behind these are lost.
            What::RecordingLowered { .. } | What::HoldReleased { .. } => false,
            What::RecordingDoomed { .. } | What::RecordingDisposed { .. } => gone,
            _ => true,
        });
        Some(Life {
            id,
            events,
            there: !gone,
        })
    }

    /// Admits an original of which nobody knows anything but its bytes. Says why not, when these
    /// are not what their name says.
    fn admit_as_found(&self, by: u32, digest: &Digest) -> Result<Result<(), String>, StoreError> {
        let mut file = self.vault.open_object(digest)?;
        let hashed = match hash_file(&file) {
            Ok(hashed) if hashed.digest == *digest => hashed,
            Ok(other) => {
                return Ok(Err(format!(
                    "an original by the name {digest} has the digest {}",
                    other.digest
                )));
            }
            Err(e) => return Ok(Err(format!("the original {digest}: {e}"))),
        };
        let mut head = Vec::new();
        let _ = std::io::Seek::rewind(&mut file);
        let read = File::by_ref(&mut file).take(64).read_to_end(&mut head);
        let kind = match read {
            Ok(_) => Kind::sniff(&head, b""),
            Err(_) => Kind::Other,
        };
        let looked_at = kind.is_looked_at(hashed.bytes);
        let (digest, bytes, chunk_root) = (*digest, hashed.bytes, hashed.chunk_root);
        self.commit(by, move |proposal| {
            let id = digest.id();
            let name = proposal.seal(b"")?;
            let modified_at = proposal.now();
            let text = "The ledger and its sidecar were lost; nothing says whose it is.";
            proposal.event(What::RecordingAdmitted(Box::new(RecordingAdmitted {
                id,
                digest,
                bytes,
                chunk_root,
                name,
                modified_at,
                kind,
                state: match looked_at {
                    true => State::Admitted,
                    false => State::Kept,
                },
                attribution: Attribution::default(),
                remark: None,
                findings: vec![Finding::new(FindingKind::Unattributed, text)],
            })));
            hold(proposal, id, &Holds::default())
        })?;
        Ok(Ok(()))
    }

    /// Blanks a detail for each that an event refers to and nobody has: it reads `erased`.
    fn note_erased(&self) -> std::io::Result<u64> {
        let path = self.root.join("ledger/details.jsonl");
        let mut details = Details::open(&path)?;
        let known = details.read_all()?;
        let mut lost = 0;
        for n in 0.. {
            let event = self.event(n).map_err(std::io::Error::other)?;
            let Some(event) = event else { break };
            let seals = event.what.seals();
            lost += seals.iter().filter(|s| !known.contains_key(s)).count() as u64;
        }
        details.blank(lost)?;
        Ok(lost)
    }
}

/// Writes a life anew, and the hold on what is there.
fn relive(proposal: &mut Proposal<'_>, life: Life) -> Result<(), StoreError> {
    let mut holds = Holds::default();
    for event in life.events {
        if let What::HoldPlaced { hold, .. } = &event.what {
            holds.add(hold.clone());
        }
        proposal.replay(event.at, event.by.uid, event.what);
    }
    match life.there {
        true => hold(proposal, life.id, &holds),
        false => Ok(()),
    }
}

fn hold(proposal: &mut Proposal<'_>, id: RecordingId, holds: &Holds) -> Result<(), StoreError> {
    match place(proposal, id, holds, &Asked::by_rebuild()) {
        // One that cannot be placed is one too many of those that keep it already.
        Ok(_) | Err(StoreError::Refused(_)) => Ok(()),
        Err(e) => Err(e),
    }
}

/// Gives what lies there another name, `<name>.lost-N`; nothing where nothing lies.
fn put_aside(path: &Path) -> std::io::Result<()> {
    if !path.exists() {
        return Ok(());
    }
    for n in 1..1_000 {
        let mut aside = path.as_os_str().to_owned();
        aside.push(format!(".lost-{n}"));
        if !Path::new(&aside).exists() {
            fs::rename(path, &aside)?;
            return durable::sync_dir(path.parent().unwrap_or(Path::new("/")));
        }
    }
    Err(std::io::ErrorKind::AlreadyExists.into())
}
