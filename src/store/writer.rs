//! The desk at which everything is written. A group of decisions is decided one after another on
//! the rows as they will then be, and committed by one synced batch of events and rows. That batch
//! is the commit point; ledger and sidecars follow, and recovery completes them where a kill came
//! between. Who sits at the desk, and when, is the queue's matter.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, RwLock},
    time::Instant,
};

use crossbeam_channel::Sender;

use super::{
    Keeping, Rules, StoreError, Waiting,
    details::Details,
    fold::Folding,
    group::{self, Committed},
    queue::Request,
    rules,
};
use crate::{
    base::{
        Clock, Digest, Moment, RecordingId,
        killpoint::{around, done, step},
    },
    custody::access::Access,
    event::{Detail, Event, LineError, Sealed, What, Writer as By, line},
    index::{self, Batch, Column, Index, Memo},
    ledger::{Ledger, LogKey},
    proof::Checkpoint,
    recording::Record,
    registry::Register,
    retention::Reading,
    vault::Vault,
};

/// What one decision proposes to happen.
pub struct Proposal<'a> {
    folding: &'a Folding<'a>,
    now: Moment,
    reading: Reading,
    next: u64,
    by: u32,
    whats: Vec<(Moment, u32, What)>,
    details: Vec<Detail>,
    memos: Vec<(Vec<u8>, Option<Memo>)>,
}

impl Proposal<'_> {
    /// The instant that its events will carry.
    #[must_use]
    pub const fn now(&self) -> Moment {
        self.now
    }

    /// A recording as it stands, other decisions of this moment included.
    ///
    /// # Errors
    /// When the row cannot be read.
    pub fn record(&self, id: RecordingId) -> Result<Option<Record>, StoreError> {
        self.folding.record(id).map_err(StoreError::Rows)
    }

    /// The register as it stands.
    #[must_use]
    pub fn register(&self) -> &Register {
        &self.folding.register
    }

    /// What keeps a recording, as it stands.
    ///
    /// # Errors
    /// When the row cannot be read.
    pub fn keeping(&self, id: RecordingId) -> Result<Keeping, StoreError> {
        self.folding.keeping(id).map_err(StoreError::Rows)
    }

    /// Recordings of a recorder that began from one instant up to another, as they stand.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn of_device(
        &self,
        device: &str,
        from: Moment,
        to: Moment,
    ) -> Result<Vec<Record>, StoreError> {
        let found = self.folding.of_device(device, from, to);
        found.map_err(StoreError::Rows)
    }

    /// What holds for the store as a whole.
    ///
    /// # Errors
    /// Before the store was created.
    pub fn rules(&self) -> Result<&Rules, StoreError> {
        let rules = self.folding.rules.as_deref();
        rules.ok_or_else(|| StoreError::Rows("the store has no rules yet".into()))
    }

    /// Whether a statement was accepted before.
    ///
    /// # Errors
    /// When the row cannot be read.
    pub fn is_used(&self, statement: Digest) -> Result<bool, StoreError> {
        self.folding.is_used(statement).map_err(StoreError::Rows)
    }

    /// The statement of this digest that waits for more signatures, if one does.
    ///
    /// # Errors
    /// When the row cannot be read.
    pub fn waiting(&self, statement: Digest) -> Result<Option<Waiting>, StoreError> {
        self.folding.waiting(statement).map_err(StoreError::Rows)
    }

    /// A request to look, as it stands.
    ///
    /// # Errors
    /// When the row cannot be read.
    pub fn access(&self, request: Digest) -> Result<Option<Access>, StoreError> {
        self.folding.access(request).map_err(StoreError::Rows)
    }

    /// What the clocks show.
    #[must_use]
    pub const fn reading(&self) -> Reading {
        self.reading
    }

    /// The number that the next proposed event will have.
    #[must_use]
    pub fn next_event(&self) -> u64 {
        self.next.saturating_add(self.whats.len() as u64)
    }

    /// On behalf of whom.
    #[must_use]
    pub const fn by(&self) -> u32 {
        self.by
    }

    /// Seals personal data; the event that holds the seal must be of this proposal.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn seal(&mut self, text: &[u8]) -> Result<Sealed, StoreError> {
        let detail = Detail::seal(text).map_err(|e| StoreError::Rows(e.to_string()))?;
        let sealed = detail.sealed();
        self.details.push(detail);
        Ok(sealed)
    }

    /// Proposes an event.
    pub fn event(&mut self, what: What) {
        self.whats.push((self.now, self.by, what));
    }

    /// Proposes an event that happened before, as another log told it.
    pub(super) fn replay(&mut self, at: Moment, uid: u32, what: What) {
        self.whats.push((at, uid, what));
    }

    /// Remembers a file of the inbox, or forgets it.
    pub fn memo(&mut self, name: &[u8], memo: Option<Memo>) {
        self.memos.push((name.to_vec(), memo));
    }
}

/// What only the one who writes may touch.
pub(super) struct Desk {
    pub clock: Arc<dyn Clock>,
    pub vault: Arc<Vault>,
    pub index: Arc<Index>,
    pub ledger: Ledger,
    pub key: LogKey,
    pub details: Details,
    pub register: Arc<RwLock<Arc<Register>>>,
    pub rules: Arc<RwLock<Option<Arc<Rules>>>>,
    /// Place of the next event.
    pub next: u64,
    /// Digest of the last line.
    pub prev: Digest,
    /// Up to which event ledger file and sidecars are synced.
    pub complete: u64,
    /// Set once a write failed: what the disk holds is then unknown until the next start.
    pub broken: Option<String>,
    /// Since when there are events without a checkpoint over them.
    pub unpublished: Option<Instant>,
}

/// The events of one decision with their lines, chained to the line before.
fn write_out(
    whats: Vec<(Moment, u32, What)>,
    mut n: u64,
    mut prev: Digest,
) -> Result<Vec<(Event, Vec<u8>)>, LineError> {
    let mut written = Vec::new();
    for (at, uid, what) in whats {
        let event = Event {
            at,
            by: By { uid },
            n,
            prev,
            v: line::VERSION,
            what,
        };
        let line = event.to_line()?;
        (n, prev) = (n + 1, line::line_digest(&line));
        written.push((event, line));
    }
    Ok(written)
}

impl Desk {
    pub(super) fn publish(&mut self) -> Result<Checkpoint, StoreError> {
        if let Some(why) = &self.broken {
            return Err(StoreError::Broken(why.clone()));
        }
        let published = self.complete_and_sign();
        if let Err(e) = &published {
            self.broken = Some(e.to_string());
        }
        published
    }

    fn complete_and_sign(&mut self) -> Result<Checkpoint, StoreError> {
        let struck = |e: io::Error| StoreError::Broken(e.to_string());
        if self.complete != self.next {
            step("store.publish.sync").map_err(struck)?;
            self.ledger.sync()?;
            self.vault.sync_sidecars()?;
            done("store.publish.sync").map_err(struck)?;
            let mut batch = Batch::new();
            super::rows::put_complete(&mut batch, self.next);
            self.index.commit(&batch)?;
            self.complete = self.next;
        }
        step("store.publish.sign").map_err(struck)?;
        let checkpoint = self.ledger.publish(&self.key)?;
        done("store.publish.sign").map_err(struck)?;
        if super::rows::published(&self.index)? != checkpoint.size {
            let mut batch = Batch::new();
            super::rows::put_published(&mut batch, checkpoint.size);
            self.index.commit(&batch)?;
        }
        self.unpublished = None;
        Ok(checkpoint)
    }

    pub(super) fn commit_group(&mut self, group: Vec<Request>) {
        if let Some(why) = &self.broken {
            for request in group {
                let _ = request.reply.send(Err(StoreError::Broken(why.clone())));
            }
            return;
        }
        match self.try_commit(group) {
            Ok(replies) => {
                for reply in replies {
                    let _ = reply.send(Ok(()));
                }
            }
            Err((replies, why)) => {
                self.broken = Some(why.clone());
                for reply in replies {
                    let _ = reply.send(Err(StoreError::Broken(why.clone())));
                }
            }
        }
    }

    /// Decides each request and commits those that did not fail by themselves. Gives back who is
    /// to be told, with the reason when the write failed.
    #[expect(
        clippy::type_complexity,
        reason = "the two lists are the two ends of one group"
    )]
    fn try_commit(
        &mut self,
        group: Vec<Request>,
    ) -> Result<Vec<Sender<Result<(), StoreError>>>, (Vec<Sender<Result<(), StoreError>>>, String)>
    {
        let index = Arc::clone(&self.index);
        let below = Committed(index.snapshot());
        let register = self.register.read().map(|r| r.clone()).unwrap_or_default();
        let known = self.rules.read().map(|r| r.clone()).unwrap_or_default();
        let mut folding = Folding::new(&below, register, known);
        let mut replies = Vec::new();
        let mut lines = Vec::new();
        let mut details = Vec::new();
        let mut memos = Vec::new();
        let (mut next, mut prev) = (self.next, self.prev);
        for Request { by, decide, reply } in group {
            let reading = rules::reading(&*self.clock);
            // What is stamped is the later of wall and compliance clock: a clock that is put back
            // cannot make anything look older than it is.
            let stamp = folding.rules.as_ref().map(|r| r.times(reading).later);
            let mut proposal = Proposal {
                folding: &folding,
                now: stamp.unwrap_or(reading.wall),
                reading,
                next,
                by,
                whats: Vec::new(),
                details: Vec::new(),
                memos: Vec::new(),
            };
            if let Err(e) = decide(&mut proposal) {
                let _ = reply.send(Err(e));
                continue;
            }
            let Proposal {
                whats,
                details: sealed,
                memos: remembered,
                ..
            } = proposal;
            // Written out before any of it is folded: what makes no line is told to whoever proposed
            // it, and is nobody else's trouble.
            let written = match write_out(whats, next, prev) {
                Ok(written) => written,
                Err(e) => {
                    let _ = reply.send(Err(e.into()));
                    continue;
                }
            };
            replies.push(reply);
            for (event, line) in written {
                let text_of = |s: Sealed| {
                    sealed
                        .iter()
                        .find(|d| d.sealed() == s)
                        .map(|d| d.text().to_vec())
                };
                match folding.apply(&event, &text_of) {
                    Ok(()) => {
                        prev = line::line_digest(&line);
                        next += 1;
                        lines.push((event.what.recording(), line));
                    }
                    // A decision that proposes what cannot be is a defect, and the rows of this
                    // group are no longer to be trusted.
                    Err(e) => return Err((replies, e.to_string())),
                }
            }
            details.extend(sealed);
            memos.extend(remembered);
        }
        match self.write(&folding, &lines, &details, memos, next, prev) {
            Ok(()) => Ok(replies),
            Err(e) => Err((replies, e.to_string())),
        }
    }

    fn write(
        &mut self,
        folding: &Folding<'_>,
        lines: &[(Option<RecordingId>, Vec<u8>)],
        details: &[Detail],
        memos: Vec<(Vec<u8>, Option<Memo>)>,
        next: u64,
        prev: Digest,
    ) -> Result<(), StoreError> {
        if lines.is_empty() && memos.is_empty() {
            return Ok(());
        }
        // Details come first: an event whose detail is missing would read as erased.
        around("store.commit.details", || self.details.append(details))
            .map_err(StoreError::Details)?;

        let mut batch = group::rows_of(folding, self.next, lines, prev)?;
        for (name, memo) in memos {
            match memo {
                Some(memo) => index::put_memo(&mut batch, &name, &memo),
                None => batch.delete(Column::CacheMemo, name),
            }
        }

        // 5. Commit point: after this line events and rows are ours.
        let struck = |e: io::Error| StoreError::Broken(e.to_string());
        step("store.commit.batch").map_err(struck)?;
        self.index.commit(&batch)?;
        done("store.commit.batch").map_err(struck)?;

        if folding.register_changed
            && let Ok(mut register) = self.register.write()
        {
            *register = Arc::clone(&folding.register);
        }
        if folding.rules_changed
            && let Ok(mut rules) = self.rules.write()
        {
            rules.clone_from(&folding.rules);
        }
        let ledger: Vec<&[u8]> = lines.iter().map(|(_, line)| line.as_slice()).collect();
        step("store.commit.ledger").map_err(struck)?;
        self.ledger.append(&ledger)?;
        done("store.commit.ledger").map_err(struck)?;
        // 6. The sidecars.
        let mut lives: BTreeMap<RecordingId, Vec<&[u8]>> = BTreeMap::new();
        for (id, line) in lines {
            if let Some(id) = id {
                lives.entry(*id).or_default().push(line);
            }
        }
        for (id, life) in lives {
            if let Some((_, record)) = folding.records.get(&id) {
                let first = record.events.saturating_sub(life.len() as u64);
                step("store.commit.sidecar").map_err(struck)?;
                self.vault
                    .append_sidecar_lines(&record.digest, first, &life)?;
                done("store.commit.sidecar").map_err(struck)?;
            }
        }
        (self.next, self.prev) = (next, prev);
        self.unpublished.get_or_insert_with(Instant::now);
        Ok(())
    }
}
