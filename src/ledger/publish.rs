//! Publishing: a signed checkpoint and the partial files that its tree needs.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    Damage, Ledger, LedgerError, LogKey,
    files::{self, CHECKPOINT, COSIGNED, Holds, Tile},
};
use crate::{
    base::durable,
    proof::{Checkpoint, Note, NoteSignature, ProofError, Verifier},
};

/// As everything in the folder: strangers get a copy.
const CHECKPOINT_MODE: u32 = 0o600;

/// Bytes of a checkpoint that is read; a note is never longer.
const CHECKPOINT_BYTES_MAX: u64 = 256 * 1024;

impl Ledger {
    /// Signs and publishes the log as it is, durably. Does nothing when the checkpoint that is
    /// there already says so; its cosignatures then stay.
    ///
    /// # Errors
    /// [`LedgerError::Checkpoint`] when the one that is there is not of this key,
    /// [`LedgerError::Broken`] with [`Damage::Root`] when the log does not extend it: then nothing
    /// is signed. As writing or fsync says; nothing can be appended after such a failure.
    pub fn publish(&mut self, key: &LogKey) -> Result<Checkpoint, LedgerError> {
        self.check_not_failed()?;
        self.check_not_torn()?;
        // 1. Only an extension of what was signed before.
        let before = self.extended(&key.verifier())?;
        if let Some(before) = before.filter(|c| c.size == self.len()) {
            return Ok(before);
        }
        // 2. A full tail becomes a bundle.
        self.turn_full_tail()?;
        let checkpoint = Checkpoint::new(key.origin(), self.len(), self.root()?);
        let path = self.dir.join(CHECKPOINT);
        let note = key
            .sign(&checkpoint)
            .map_err(|why| LedgerError::Checkpoint {
                path: path.clone(),
                why,
            })?;
        let written = (|| {
            // 3. The events are on the disk.
            self.sync()?;
            // 4. So is what belongs to a tree of just this size.
            self.write_partials()?;
            // 5. From here on the checkpoint holds.
            files::place(
                &self.dir,
                &path,
                CHECKPOINT_MODE,
                note.to_string().as_bytes(),
            )
        })();
        written.inspect_err(|_| self.failed = true)?;
        Ok(checkpoint)
    }

    /// Adds a witness's cosignature to the checkpoint that is there, durably, so that the proofs
    /// made from now on carry it; once the log has grown, [`Ledger::cosigned`] still has it. Of several by one witness the first stays: it says since when he
    /// has known the log to be so.
    ///
    /// # Errors
    /// [`LedgerError::Checkpoint`] when it is not by this witness over this checkpoint.
    pub fn keep_cosignature(
        &self,
        cosignature: &NoteSignature,
        witness: &Verifier,
    ) -> Result<Note, LedgerError> {
        let path = self.dir.join(CHECKPOINT);
        let wrong = |why| LedgerError::Checkpoint {
            path: path.clone(),
            why,
        };
        let note = self
            .checkpoint()?
            .ok_or(ProofError::Unsigned)
            .map_err(wrong)?;
        let alone = Note::new(note.text(), vec![cosignature.clone()]).map_err(wrong)?;
        alone.verify(&[witness]).map_err(wrong)?;
        let before = Checkpoint::cosigned_by(&note, &[witness]).map_err(wrong)?;
        if !before.is_empty() {
            return Ok(note);
        }
        let note = note.with(cosignature.clone()).map_err(wrong)?;
        let text = note.to_string();
        for path in [&self.dir.join(COSIGNED), &path] {
            files::place(&self.dir, path, CHECKPOINT_MODE, text.as_bytes())?;
        }
        Ok(note)
    }

    /// The checkpoint that is there, if this log extends it.
    fn extended(&self, key: &Verifier) -> Result<Option<Checkpoint>, LedgerError> {
        let path = self.dir.join(CHECKPOINT);
        let Some(note) = self.checkpoint()? else {
            return Ok(None);
        };
        let before = match Checkpoint::signed_by(&note, key) {
            Ok(before) => before,
            Err(why) => return Err(LedgerError::Checkpoint { path, why }),
        };
        let size = before.size;
        if size > self.len() || self.root_at(size)? != before.root {
            return Err(LedgerError::broken(path, None, Damage::Root { size }));
        }
        Ok(Some(before))
    }

    fn write_partials(&self) -> Result<(), LedgerError> {
        for (tile, hashes) in self.edge.partial() {
            if tile.holds == Holds::Hashes(0) {
                let holds = Holds::Entries;
                files::write(&self.dir, Tile { holds, ..tile }, &self.tail.read()?)?;
            }
            files::write(&self.dir, tile, &files::hash_bytes(hashes))?;
        }
        Ok(())
    }
}

pub(super) fn read_checkpoint(dir: &Path) -> Result<Option<Note>, LedgerError> {
    read_note(dir.join(CHECKPOINT))
}

pub(super) fn read_cosigned(dir: &Path) -> Result<Option<Note>, LedgerError> {
    read_note(dir.join(COSIGNED))
}

fn read_note(path: PathBuf) -> Result<Option<Note>, LedgerError> {
    let bytes = match files::read(&path, CHECKPOINT_BYTES_MAX, 0) {
        Ok(bytes) => bytes,
        Err(LedgerError::Broken {
            what: Damage::Missing,
            ..
        }) => return Ok(None),
        Err(e) => return Err(e),
    };
    match Note::parse(&bytes) {
        Ok(note) => Ok(Some(note)),
        Err(why) => Err(LedgerError::Checkpoint { path, why }),
    }
}

/// Removes the partial forms of a file that is there in full, if there are any.
pub(super) fn remove_partials(dir: &Path, full: Tile) -> Result<(), LedgerError> {
    let partials = full.partials(dir);
    match fs::remove_dir_all(&partials) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(|e| LedgerError::io("removing", &partials, e))?,
    }
    let folder = partials.parent().unwrap_or(dir);
    durable::sync_dir(folder).map_err(|e| LedgerError::fsync(folder, e))
}
