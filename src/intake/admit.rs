//! Stage 2, admit: a finished file of the inbox becomes a recording, before anything but its
//! first bytes has been looked at.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use rustix::fs::{Mode, OFlags};

use super::{
    attribute::{Attributing, Outside},
    release::{self, Release},
    scan::Found,
};
use crate::{
    base::{ErrorKind, Explain, Moment, killpoint::around, limits, text::name_human},
    event::What,
    index::Memo,
    recording::{
        Finding, FindingKind, Kind, State,
        sidecar::{self, Sidecar},
    },
    store::{Admission, Admitted, Store, StoreError},
    vault::VaultError,
};

/// What admitting needs beyond the file.
pub(super) struct Admitting<'a> {
    pub store: &'a Store,
    pub attributing: &'a Attributing,
    pub inbox: &'a Path,
    pub sidecars: bool,
    pub release: Release,
    /// The night's date, for the folder of released sources.
    pub date: &'a str,
    /// Suffix of the marker that goes with a source.
    pub done_marker: &'a str,
    pub now: Moment,
    pub by: u32,
}

/// What became of a file.
pub(super) enum Taken {
    /// It is a recording.
    Ours {
        admitted: Admitted,
        kind: Kind,
        /// Sentences about what came after and does not change that it is ours.
        notes: Vec<String>,
    },
    /// It was left in the inbox.
    Left(Finding),
    /// The store takes no more.
    Stop(StoreError),
}

impl Admitting<'_> {
    /// Takes one file in, by steps 1 to 7 of DESIGN section 4.
    pub(super) fn take(&self, found: &Found) -> Taken {
        // 1. Open without following links, regular files only (a pipe would block for ever).
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        let opened = around("intake.admit.open", || {
            rustix::fs::open(&found.path, flags, Mode::empty())
        });
        let source = match opened {
            Ok(fd) => File::from(fd),
            Err(e) => return unreadable(&e),
        };
        // 2. and 3.: one pass to staging, synced, re-read from the disk, source unchanged.
        let staged = match self.store.vault().stage(&source) {
            Ok(staged) => staged,
            Err(e @ VaultError::SourceChanged { .. }) => {
                return Taken::Left(Finding::new(
                    FindingKind::FileChanged,
                    format!("It was left: {e}. The next night takes it."),
                ));
            }
            Err(e @ (VaultError::SourceUnreadable { .. } | VaultError::SourceNotRegular)) => {
                return unreadable(&e);
            }
            Err(e) => return Taken::Stop(e.into()),
        };
        let kind = match head(&source) {
            Ok(head) => Kind::sniff(&head, &found.name),
            Err(e) => return unreadable(&e),
        };
        let outside = Outside {
            name: &found.name,
            bytes: found.bytes,
            modified_at: found.modified_at(),
            kind,
            sidecar: self.sidecars.then(|| self.sidecar_of(found)).flatten(),
        };
        let (attribution, mut findings) = self.attributing.from_outside(&outside);
        if found.bytes == 0 {
            findings.push(Finding::new(
                FindingKind::FileEmpty,
                "The file has no bytes.",
            ));
        } else if kind == Kind::Encrypted {
            let text = "The file looks encrypted. It is kept as it is; nobody can look inside without its key.";
            findings.push(Finding::new(FindingKind::Encrypted, text));
        } else if kind == Kind::Other {
            let text = "The file is neither picture nor sound nor anything that a recorder writes. It is kept as it is.";
            findings.push(Finding::new(FindingKind::NotMedia, text));
        }
        let looked_at = kind.is_looked_at(found.bytes);
        // Nothing of a source that moves away needs to be remembered, but a kill between commit and
        // move leaves it in the inbox: the memo then says that it is ours already.
        let memo = Some(Memo {
            bytes: found.bytes,
            modified_ns: found.modified_ns,
            inode: found.inode.1,
            device: found.inode.0,
            digest: staged.digest(),
            seen_at: self.now,
        });
        let admission = Admission {
            name: found.name.clone(),
            modified_at: found.modified_at(),
            kind,
            state: if looked_at {
                State::Admitted
            } else {
                State::Kept
            },
            attribution,
            findings,
            memo,
        };
        // 4. to 6. are the store's.
        let admitted = match self.store.admit(self.by, staged, admission) {
            Ok(admitted) => admitted,
            // Refused is this file alone, and its source stays where it is.
            Err(e) if e.kind() == ErrorKind::Refused => {
                return Taken::Left(Finding::new(
                    FindingKind::FileChanged,
                    format!("It was left: {e}. The next night looks again."),
                ));
            }
            Err(e) => return Taken::Stop(e),
        };
        let notes = self.release(&found.name, &admitted);
        Taken::Ours {
            admitted,
            kind,
            notes,
        }
    }

    /// 7. The source leaves the inbox. Failing at that is worth a sentence and no more.
    pub(super) fn release(&self, name: &[u8], admitted: &Admitted) -> Vec<String> {
        if self.release == Release::Leave {
            return Vec::new();
        }
        let said = |what: &[u8], e: &dyn std::fmt::Display| {
            vec![format!(
                "{} is ours but stays in the inbox: {e}",
                name_human(what)
            )]
        };
        if let Err(e) = release::move_away(self.inbox, self.date, name) {
            return said(name, &e);
        }
        let (id, owned) = (admitted.id, name.to_vec());
        let committed = self.store.commit(self.by, move |proposal| {
            let name = proposal.seal(&owned)?;
            proposal.memo(&owned, None);
            proposal.event(What::SourceReleased { id, name });
            Ok(())
        });
        if let Err(e) = committed {
            return vec![format!(
                "{} left the inbox, and the ledger could not say so: {e}",
                name_human(name)
            )];
        }
        let marker = super::scan::marker_of(name, self.done_marker);
        if !self.done_marker.is_empty() {
            match std::fs::remove_file(super::scan::path_below(self.inbox, &marker)) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return said(&marker, &e),
                _ => {}
            }
        }
        Vec::new()
    }

    /// The sidecar beside a file, in the inbox or, where it was taken first, among the released.
    fn sidecar_of(&self, found: &Found) -> Option<Result<Sidecar, String>> {
        let released = self.inbox.join(super::scan::RELEASED).join(self.date);
        for name in sidecar::sidecar_names(&found.name) {
            for folder in [self.inbox, &released] {
                match read_sidecar(&super::scan::path_below(folder, &name)) {
                    Ok(bytes) => {
                        let read = Sidecar::parse(&bytes, &self.attributing.zone);
                        return Some(read.map_err(|e| e.to_string()));
                    }
                    Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                    Err(e) => return Some(Err(e.to_string())),
                }
            }
        }
        None
    }
}

fn unreadable(e: &dyn std::fmt::Display) -> Taken {
    Taken::Left(Finding::new(
        FindingKind::FileUnreadable,
        format!("It cannot be read: {e}."),
    ))
}

fn head(source: &File) -> io::Result<Vec<u8>> {
    use std::os::unix::fs::FileExt;
    let mut head = vec![0; 64];
    let mut len = 0;
    while len < head.len() {
        match source.read_at(&mut head[len..], len as u64)? {
            0 => break,
            n => len += n,
        }
    }
    head.truncate(len);
    Ok(head)
}

fn read_sidecar(path: &Path) -> io::Result<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is not a regular file",
        ));
    }
    let mut bytes = Vec::new();
    // One byte more than is allowed, so that the parser can say that it is too long.
    file.take(limits::SIDECAR_BYTES_MAX + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether an error of the store means that the disk is full rather than broken.
pub(super) fn is_full(e: &StoreError) -> bool {
    matches!(e, StoreError::Vault(VaultError::Full { .. }))
        || (e.kind() == ErrorKind::Fault && e.to_string().contains("No space left"))
}
