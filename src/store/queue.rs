//! Whose turn it is. Everybody who wants to change something puts a wish into the queue and then
//! sits down at the one desk, or waits for it; who sits there grants whatever waits, several
//! decisions by one sync of the disk. So one who comes alone hands nothing over and waits for
//! nobody, and many who come at once share the sync. While events come in, a checkpoint is signed
//! over them every quarter of an hour, and at an orderly end.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, bounded};

use super::{
    StoreError,
    writer::{Desk, Proposal},
};
use crate::{
    base::limits,
    proof::{Checkpoint, Note, NoteSignature, Verifier},
};

pub(super) type Decide = Box<dyn FnOnce(&mut Proposal<'_>) -> Result<(), StoreError> + Send>;

/// How long an event may be without a checkpoint over it: what is not under one yet is vouched
/// for by this machine alone.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(15 * 60);

/// How often that is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// A decision, and who is to be told what came of it.
pub(super) struct Request {
    pub by: u32,
    pub decide: Decide,
    pub reply: Sender<Result<(), StoreError>>,
}

enum Wish {
    Commit(Request),
    Publish(Sender<Result<Checkpoint, StoreError>>),
    Cosigned(
        Box<(NoteSignature, Verifier)>,
        Sender<Result<Note, StoreError>>,
    ),
}

/// The desk, and those who wait for it.
struct Office {
    desk: Mutex<Desk>,
    queue: Mutex<VecDeque<Wish>>,
}

/// The way to the desk.
pub(super) struct Writer {
    office: Arc<Office>,
    /// Dropped, the thread that signs checkpoints ends.
    open: Option<Sender<()>>,
    checkpoints: Option<thread::JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(desk: Desk) -> Self {
        let office = Arc::new(Office {
            desk: Mutex::new(desk),
            queue: Mutex::default(),
        });
        let (open, closed) = bounded(0);
        let seen = Arc::clone(&office);
        let checkpoints = thread::Builder::new()
            .name("checkpoints".into())
            .spawn(move || seen.sign_in_time(&closed));
        Self {
            office,
            open: Some(open),
            checkpoints: checkpoints.ok(),
        }
    }

    /// Decides and commits. Returns once the batch is on the disk.
    pub(super) fn commit<T: Send + 'static>(
        &self,
        by: u32,
        decide: impl FnOnce(&mut Proposal<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, said) = bounded(1);
        let (give, take) = bounded(1);
        let decide: Decide = Box::new(move |proposal| {
            let value = decide(proposal)?;
            let _ = give.send(value);
            Ok(())
        });
        self.ask(Wish::Commit(Request { by, decide, reply }), &said)?;
        take.recv().map_err(|_| StoreError::Closed)
    }

    /// Completes and syncs ledger and sidecars, notes that they are complete, and signs a
    /// checkpoint over them.
    pub(super) fn publish(&self) -> Result<Checkpoint, StoreError> {
        let (reply, said) = bounded(1);
        self.ask(Wish::Publish(reply), &said)
    }

    /// Keeps a witness's cosignature. The checkpoint has one writer as everything else.
    pub(super) fn cosigned(
        &self,
        cosignature: NoteSignature,
        witness: Verifier,
    ) -> Result<Note, StoreError> {
        let (reply, said) = bounded(1);
        self.ask(
            Wish::Cosigned(Box::new((cosignature, witness)), reply),
            &said,
        )
    }

    /// Waits for the desk, and at it for the answer: somebody who sat there before may have given
    /// it already.
    fn ask<T>(&self, wish: Wish, said: &Receiver<Result<T, StoreError>>) -> Result<T, StoreError> {
        self.office.queue().push_back(wish);
        loop {
            let mut desk = self.office.desk.lock().map_err(|_| StoreError::Closed)?;
            match said.try_recv() {
                Ok(answer) => return answer,
                Err(TryRecvError::Disconnected) => return Err(StoreError::Closed),
                Err(TryRecvError::Empty) => self.office.grant_waiting(&mut desk),
            }
        }
    }
}

impl Office {
    fn queue(&self) -> MutexGuard<'_, VecDeque<Wish>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn grant_waiting(&self, desk: &mut Desk) {
        let waiting: Vec<Wish> = {
            let mut queue = self.queue();
            let some = queue.len().min(limits::COMMIT_GROUP_MAX);
            queue.drain(..some).collect()
        };
        let (mut commits, mut others) = (Vec::new(), Vec::new());
        for wish in waiting {
            match wish {
                Wish::Commit(request) => commits.push(request),
                other => others.push(other),
            }
        }
        desk.commit_group(commits);
        for other in others {
            match other {
                Wish::Commit(_) => {}
                Wish::Publish(reply) => {
                    let _ = reply.send(desk.publish());
                }
                Wish::Cosigned(by, reply) => {
                    let (cosignature, witness) = *by;
                    let kept = desk.ledger.keep_cosignature(&cosignature, &witness);
                    let _ = reply.send(kept.map_err(StoreError::from));
                }
            }
        }
    }

    /// Signs a checkpoint when one is due, until the store is closed.
    fn sign_in_time(&self, closed: &Receiver<()>) {
        while closed.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
            if let Ok(mut desk) = self.desk.lock()
                && desk
                    .unpublished
                    .is_some_and(|since| since.elapsed() >= CHECKPOINT_EVERY)
            {
                // Nobody waits for this one: a failure is told to whoever commits next.
                let _ = desk.publish();
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.open = None;
        if let Some(thread) = self.checkpoints.take() {
            let _ = thread.join();
        }
        // An orderly end leaves the next start nothing to complete; a failed one, a little.
        if let Ok(mut desk) = self.office.desk.lock() {
            let _ = desk.publish();
        }
    }
}
