//! A witness: somebody on another machine who remembers how long the log was, so that nobody can
//! tell him later that it was another log (c2sp.org/tlog-witness).
//!
//! ```text
//! <folder>/key                       its own key, readable by its owner only
//! <folder>/lock                      held while a checkpoint is judged
//! <folder>/logs/<SHA-256 of the origin>/
//!     keys                           verifier keys of the log, one a line
//!     checkpoint                     what it cosigned last, with both signatures
//!     refused/<SHA-256 of the note>  signed by the log, and contradicting what was signed before
//! ```
//!
//! - It signs only what extends what it signed last; what it signs is durable before it answers.
//! - It believes its own record only with its own signature on it.
//! - What the log signed and the witness refused is kept: two signed heads that contradict each
//!   other are the proof against whoever holds the log's key.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::{
    Algorithm, Checkpoint, Consistency, KeyError, Note, NoteKey, NoteSignature, ProofError,
    Verifier,
};
use crate::base::{Digest, ErrorKind, Explain, Moment, durable, merkle::EMPTY_ROOT};

const KEY: &str = "key";
const LOCK: &str = "lock";
const LOGS: &str = "logs";
const KEYS: &str = "keys";
const CHECKPOINT: &str = "checkpoint";
const REFUSED: &str = "refused";
const DIR_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// Refused notes kept for a log. One is proof enough; whoever holds the log's key can make any
/// number and must not fill our disk.
const REFUSED_MAX: usize = 100;

/// Why a witness does not sign.
#[derive(Debug, Error)]
pub enum WitnessError {
    /// Nobody told the witness about this log.
    #[error("the log '{origin}' is not known to this witness")]
    UnknownLog {
        /// The log's name.
        origin: String,
    },
    /// The note is no checkpoint, or not signed by the log.
    #[error(transparent)]
    Checkpoint(#[from] ProofError),
    /// The proof begins at another size than the witness saw last.
    #[error("the proof begins at {asked} events, but the last checkpoint cosigned has {last}")]
    OtherStart {
        /// Where the proof begins.
        asked: u64,
        /// Where it should.
        last: u64,
    },
    /// The proof ends at another size than the checkpoint's.
    #[error("the proof ends at {proof} events, but the checkpoint has {checkpoint}")]
    OtherEnd {
        /// Where the proof ends.
        proof: u64,
        /// Where it should.
        checkpoint: u64,
    },
    /// Fewer events than the witness has seen.
    #[error("the checkpoint has {new} events, fewer than the {last} cosigned last")]
    Older {
        /// Size cosigned last.
        last: u64,
        /// Size of what is offered.
        new: u64,
    },
    /// Two roots of one size, both signed by the log: its past was changed.
    #[error("the log has signed two different histories of {size} events")]
    Fork {
        /// The size.
        size: u64,
    },
    /// The proof does not lead from the last checkpoint to the new one.
    #[error(
        "nothing shows that the checkpoint of {new} events extends the one of {last} that was cosigned: {why}"
    )]
    NotShown {
        /// Size cosigned last.
        last: u64,
        /// Size of what is offered.
        new: u64,
        /// What does not hold.
        why: ProofError,
    },
    /// What the witness wrote down itself is not what it signed.
    #[error("{path} is not what this witness has written: {why}")]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: ProofError,
    },
    /// Its key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The system refused an operation.
    #[error("{path}: {source}")]
    Io {
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Explain for WitnessError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownLog { .. } => ErrorKind::Refused,
            Self::OtherStart { .. } | Self::OtherEnd { .. } => ErrorKind::Usage,
            Self::Older { .. }
            | Self::Fork { .. }
            | Self::NotShown { .. }
            | Self::Record { .. } => ErrorKind::Integrity,
            Self::Checkpoint(e) => e.kind(),
            Self::Key(e) => e.kind(),
            Self::Io { .. } => ErrorKind::Fault,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::UnknownLog { .. } => "tell the witness the log's verifier key first",
            Self::OtherStart { last, .. } => {
                return Some(format!("ask the log for a proof that begins at {last}"));
            }
            Self::Older { .. } => {
                "this is an old file, or the log was put back to an older state: ask for its newest checkpoint"
            }
            Self::Fork { .. } => {
                "the log was rewritten by whoever holds its key; both signed checkpoints are kept as proof of it"
            }
            Self::NotShown { .. } => {
                "ask the log once more for its proof; if it has none, the log was rewritten, and the checkpoint that is kept here helps to prove it"
            }
            Self::Record { .. } => "restore the witness's folder from its backup",
            Self::Checkpoint(e) => return e.hint(),
            Self::Key(e) => return e.hint(),
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// A witness and its memory.
#[derive(Debug)]
pub struct Witness {
    dir: PathBuf,
    key: NoteKey,
}

impl Witness {
    /// Makes a witness called `name` in `dir`, which it creates if need be.
    ///
    /// # Errors
    /// When there is one already, or as creating says.
    pub fn create(dir: &Path, name: &str) -> Result<Self, WitnessError> {
        let logs = dir.join(LOGS);
        durable::create_dirs(&logs, DIR_MODE).map_err(|e| io_error(&logs, e))?;
        let key = NoteKey::create(&dir.join(KEY), name, Algorithm::Cosignature)?;
        let dir = dir.to_owned();
        Ok(Self { dir, key })
    }

    /// Opens the witness in `dir`.
    ///
    /// # Errors
    /// When its key cannot be read.
    pub fn open(dir: &Path) -> Result<Self, WitnessError> {
        let key = NoteKey::load(&dir.join(KEY), Algorithm::Cosignature)?;
        let dir = dir.to_owned();
        Ok(Self { dir, key })
    }

    /// Its public key, for whoever checks its cosignatures.
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        self.key.verifier()
    }

    /// From now on the witness knows the log of this name, and that this key speaks for it. A log
    /// may have several.
    ///
    /// # Errors
    /// [`WitnessError::Io`].
    pub fn trust(&self, log: &Verifier) -> Result<(), WitnessError> {
        let _lock = self.lock()?;
        let dir = self.log_dir(log.name());
        durable::create_dirs(&dir, DIR_MODE).map_err(|e| io_error(&dir, e))?;
        let mut known = self.known_keys(log.name())?.unwrap_or_default();
        if !known.contains(log) {
            known.push(log.clone());
            let text: String = known.iter().map(|key| format!("{key}\n")).collect();
            write(&dir.join(KEYS), text.as_bytes())?;
        }
        Ok(())
    }

    /// The checkpoint of this log that was cosigned last, with both signatures.
    ///
    /// # Errors
    /// [`WitnessError::Record`] when it is not what was written, [`WitnessError::UnknownLog`].
    pub fn last(&self, origin: &str) -> Result<Option<Note>, WitnessError> {
        let keys = self.keys(origin)?;
        Ok(self.record(origin, &keys)?.map(|(note, _)| note))
    }

    /// Cosigns `note` if it is a checkpoint of a known log, signed by it, and `proof` shows that
    /// it extends the checkpoint cosigned last. The first one of a log is taken as it is, with a
    /// proof that begins at 0 and is empty. Once this returns, the witness will never sign
    /// anything that contradicts it.
    ///
    /// # Errors
    /// [`WitnessError`], and nothing is signed.
    pub fn cosign(
        &self,
        note: &Note,
        proof: &Consistency,
        now: Moment,
    ) -> Result<NoteSignature, WitnessError> {
        // 1. One at a time: between looking at the record and replacing it nobody else may.
        let _lock = self.lock()?;
        // 2. Of a known log, and signed by it.
        let origin = Checkpoint::parse(note.text())?.origin;
        let keys = self.keys(&origin)?;
        let checkpoint = signed_by_any(note, &keys)?;
        // 3. An extension of what was signed last.
        let last = self.record(&origin, &keys)?;
        let (last_size, last_root) = last.map_or((0, EMPTY_ROOT), |(_, c)| (c.size, c.root));
        if let Err(refusal) = extends(last_size, &last_root, &checkpoint, proof) {
            if matches!(
                refusal,
                WitnessError::Fork { .. } | WitnessError::NotShown { .. }
            ) {
                self.keep_refused(&origin, note)?;
            }
            return Err(refusal);
        }
        // 4. On the disk before it is said. Signatures of others are none of our business.
        let cosignature = self.key.sign(note.text(), now);
        let by_log = note
            .signatures()
            .iter()
            .filter(|s| keys.iter().any(|k| k.is_named_by(s)))
            .cloned();
        let both = by_log.chain([cosignature.clone()]).collect();
        let record = Note::new(note.text(), both)?;
        let path = self.log_dir(&origin).join(CHECKPOINT);
        write(&path, record.to_string().as_bytes())?;
        // 5. Say it.
        Ok(cosignature)
    }

    fn lock(&self) -> Result<File, WitnessError> {
        let path = self.dir.join(LOCK);
        let file = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|e| io_error(&path, e))?;
        file.lock().map_err(|e| io_error(&path, e))?;
        Ok(file)
    }

    fn log_dir(&self, origin: &str) -> PathBuf {
        let name = HEXLOWER.encode(&Sha256::digest(origin));
        self.dir.join(LOGS).join(name)
    }

    fn keys(&self, origin: &str) -> Result<Vec<Verifier>, WitnessError> {
        self.known_keys(origin)?
            .ok_or_else(|| WitnessError::UnknownLog {
                origin: origin.to_owned(),
            })
    }

    fn known_keys(&self, origin: &str) -> Result<Option<Vec<Verifier>>, WitnessError> {
        let path = self.log_dir(origin).join(KEYS);
        let Some(bytes) = read(&path)? else {
            return Ok(None);
        };
        let keys: Result<Vec<Verifier>, ProofError> = String::from_utf8_lossy(&bytes)
            .lines()
            .map(str::parse)
            .collect();
        let keys = keys.map_err(|why| WitnessError::Record { path, why })?;
        Ok(Some(keys))
    }

    /// What was cosigned last, believed only with our own signature on it.
    fn record(
        &self,
        origin: &str,
        keys: &[Verifier],
    ) -> Result<Option<(Note, Checkpoint)>, WitnessError> {
        let path = self.log_dir(origin).join(CHECKPOINT);
        let Some(bytes) = read(&path)? else {
            return Ok(None);
        };
        let believed = || -> Result<(Note, Checkpoint), ProofError> {
            let note = Note::parse(&bytes)?;
            note.verify(&[&self.verifier()])?;
            let checkpoint = signed_by_any(&note, keys)?;
            if checkpoint.origin != origin {
                return Err(ProofError::Origin {
                    wanted: origin.to_owned(),
                    found: checkpoint.origin,
                });
            }
            Ok((note, checkpoint))
        };
        match believed() {
            Ok(record) => Ok(Some(record)),
            Err(why) => Err(WitnessError::Record { path, why }),
        }
    }

    fn keep_refused(&self, origin: &str, note: &Note) -> Result<(), WitnessError> {
        let dir = self.log_dir(origin).join(REFUSED);
        durable::create_dirs(&dir, DIR_MODE).map_err(|e| io_error(&dir, e))?;
        let kept = fs::read_dir(&dir).map_err(|e| io_error(&dir, e))?.count();
        if kept >= REFUSED_MAX {
            return Ok(());
        }
        let text = note.to_string();
        let path = dir.join(HEXLOWER.encode(&Sha256::digest(&text)));
        write(&path, text.as_bytes())
    }
}

/// The checkpoint, signed by one of the keys, each of which carries the log's name.
fn signed_by_any(note: &Note, keys: &[Verifier]) -> Result<Checkpoint, ProofError> {
    let keys: Vec<&Verifier> = keys.iter().collect();
    note.verify(&keys)?;
    Checkpoint::parse(note.text())
}

/// Whether the checkpoint extends the tree that was cosigned last.
fn extends(
    last: u64,
    last_root: &Digest,
    checkpoint: &Checkpoint,
    proof: &Consistency,
) -> Result<(), WitnessError> {
    let new = checkpoint.size;
    if new < last {
        return Err(WitnessError::Older { last, new });
    }
    // The same size needs no proof to be told from another history.
    if new == last && checkpoint.root != *last_root {
        return Err(WitnessError::Fork { size: last });
    }
    if proof.old != last {
        return Err(WitnessError::OtherStart {
            asked: proof.old,
            last,
        });
    }
    if proof.new != new {
        return Err(WitnessError::OtherEnd {
            proof: proof.new,
            checkpoint: new,
        });
    }
    proof
        .verify(last_root, &checkpoint.root)
        .map_err(|why| WitnessError::NotShown { last, new, why })
}

fn io_error(path: &Path, source: io::Error) -> WitnessError {
    WitnessError::Io {
        path: path.to_owned(),
        source,
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, WitnessError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(io_error(path, e)),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), WitnessError> {
    durable::replace(path, FILE_MODE, bytes).map_err(|e| io_error(path, e))
}
