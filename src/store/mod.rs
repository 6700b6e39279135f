//! Layer 5. Vault, index and ledger as one. Only here are the three written, in the orders of
//! DESIGN section 4, and only through events.
//!
//! - What is committed is on the disk: event and rows by one synced batch, after the object.
//! - Opening recovers: an incomplete ledger file, sidecar or staging folder is completed or swept
//!   by the same functions that a night uses; a second recovery finds nothing to do.
//! - A ledger that is longer than the index is refused: somebody put an older index in its place.
//!
//! It fails by [`StoreError`]. After a failed write it takes nothing more until it is opened
//! again, for what the disk holds is then unknown.

mod access;
mod admit;
mod blobs;
mod check;
mod conflicts;
mod copies;
mod correcting;
mod details;
mod disposing;
mod error;
mod fold;
mod fold_access;
mod group;
mod holding;
mod keeping;
mod past;
mod proposing;
mod prove;
mod queue;
mod rebuild;
mod recover;
mod regain;
mod rendition;
mod rows;
mod rules;
mod statements;
mod viewing;
mod waiting;
mod witnessing;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, RwLock},
};

pub use access::{AccessWish, RecordingWish, Spent, check_seconds};
pub use admit::{Admission, Admitted};
pub use check::{Checked, Depth};
pub use copies::{Recorded, Recorders, Tended};
pub use disposing::Upcoming;
pub use error::{Refusal, StoreError};
pub use holding::HoldRequest;
pub use keeping::{Keeping, put_keeping};
pub use prove::Prover;
pub use rebuild::{Rebuilt, rebuild};
pub use recover::Recovered;
pub use regain::{Regained, regain};
pub use rows::Night;
pub use rules::{Correction, Planned, Rules, reading};
pub use statements::Agreed;
pub use viewing::Glimpse;
pub use waiting::{Attached, Waiting};
pub use witnessing::Cosigned;
pub use writer::Proposal;

use crate::{
    base::{Clock, Digest, RecordingId, durable},
    custody::{Roster, log_name},
    event::{Event, What},
    index::{Column, Filter, Found, Index, Memo, Page, Pending, keys},
    ledger::{Ledger, LogKey},
    proof::{Checkpoint, Verifier},
    recording::Record,
    registry::{Change, Register},
    retention::{Policy, Reading, Times},
    vault::Vault,
};
use details::Details;
use queue::Writer;
use writer::Desk;

/// Records that are read at once where all of a filter are wanted.
const RECORDS_AT_ONCE: usize = 1_000;

/// A store that this process owns.
pub struct Store {
    root: PathBuf,
    vault: Arc<Vault>,
    index: Arc<Index>,
    register: Arc<RwLock<Arc<Register>>>,
    rules: Arc<RwLock<Option<Arc<Rules>>>>,
    clock: Arc<dyn Clock>,
    writer: Writer,
    recovered: Recovered,
    log: Verifier,
    in_hand: copies::InHand,
}

/// Where the log's key lies: outside the ledger's folder, which is there to be copied.
fn key_path(root: &Path) -> PathBuf {
    root.join("keys/log.key")
}

impl Store {
    /// Lays out an empty store below `root`, an empty folder, draws its log's key, and writes its
    /// first event. The log is named after `roster`, so that whoever was told that roster's digest
    /// can tell this store's log from any other.
    ///
    /// # Errors
    /// [`StoreError::NotEmpty`] when there is something; else as writing says.
    pub fn create(
        root: &Path,
        office: &str,
        roster: Roster,
        policy: Policy,
        by: u32,
        clock: Arc<dyn Clock>,
    ) -> Result<(), StoreError> {
        let layout = |path: PathBuf| move |source| StoreError::Layout { path, source };
        durable::create_dirs(root, 0o700).map_err(layout(root.to_owned()))?;
        let mut inside = std::fs::read_dir(root).map_err(layout(root.to_owned()))?;
        if inside.next().is_some() {
            return Err(StoreError::NotEmpty(root.to_owned()));
        }
        for part in ["inbox", "ledger", "reports", "pipelines", "keys"] {
            durable::create_dirs(&root.join(part), 0o700).map_err(layout(root.join(part)))?;
        }
        Vault::create(root)?;
        Self::lay_out_log(root, &roster)?;
        let store = Self::open(root, clock)?;
        store.found(office, roster, policy, by)?;
        store.publish().map(|_| ())
    }

    /// An empty index, an empty log named after this roster, and a key of its own.
    fn lay_out_log(root: &Path, roster: &Roster) -> Result<(), StoreError> {
        let path = root.join("ledger");
        durable::create_dirs(&path, 0o700).map_err(|source| StoreError::Layout { path, source })?;
        Index::create(&root.join("index"))?;
        Ledger::create(&root.join("ledger"))?;
        LogKey::create(&key_path(root), &log_name(&roster.digest()))?;
        Ok(())
    }

    /// The log's first event.
    fn found(
        &self,
        office: &str,
        roster: Roster,
        policy: Policy,
        by: u32,
    ) -> Result<(), StoreError> {
        let office = office.to_owned();
        self.commit(by, move |proposal| {
            proposal.event(What::StoreCreated {
                office,
                recvault: env!("CARGO_PKG_VERSION").into(),
                roster: Box::new(roster),
                policy: Box::new(policy),
                reading: proposal.reading(),
            });
            Ok(())
        })
    }

    /// Opens and recovers the store below `root`, which has no mirror. The caller owns it (see
    /// `service`).
    ///
    /// # Errors
    /// When a part is missing, cannot be read, or the parts contradict each other.
    pub fn open(root: &Path, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        Self::open_with(root, None, clock)
    }

    /// The same with the folder of its mirror, which need not be there now.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_with(
        root: &Path,
        mirror: Option<&Path>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let vault = Arc::new(Vault::open(root, mirror)?);
        let index = Arc::new(Index::open(&root.join("index"))?);
        let mut ledger = Ledger::open(&root.join("ledger"))?;
        let details =
            Details::open(&root.join("ledger/details.jsonl")).map_err(StoreError::Details)?;
        let recovered = recover::recover(&vault, &index, &mut ledger)?;
        let key = LogKey::load(&key_path(root))?;
        let log = key.verifier();
        let head = rows::head(&index)?;
        let register = Arc::new(RwLock::new(Arc::new(rows::register(&index)?)));
        let rules = Arc::new(RwLock::new(rows::rules(&index)?.map(Arc::new)));
        let desk = Desk {
            clock: Arc::clone(&clock),
            vault: Arc::clone(&vault),
            index: Arc::clone(&index),
            ledger,
            key,
            details,
            register: Arc::clone(&register),
            rules: Arc::clone(&rules),
            next: head.next,
            prev: head.prev,
            complete: rows::complete(&index)?,
            broken: None,
            unpublished: None,
        };
        let writer = Writer::start(desk);
        Ok(Self {
            root: root.to_owned(),
            vault,
            index,
            register,
            rules,
            clock,
            writer,
            recovered,
            log,
            in_hand: copies::InHand::default(),
        })
    }

    /// The log's public key: what outsiders check a checkpoint with.
    #[must_use]
    pub const fn log(&self) -> &Verifier {
        &self.log
    }

    /// Completes everything and signs a checkpoint over all events so far.
    ///
    /// # Errors
    /// As syncing or signing says.
    pub fn publish(&self) -> Result<Checkpoint, StoreError> {
        self.writer.publish()
    }

    /// What opening found to complete.
    #[must_use]
    pub const fn recovered(&self) -> &Recovered {
        &self.recovered
    }

    /// Its root folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Its vault, for reading and staging.
    #[must_use]
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Decides on the rows as they stand and commits what the decision proposes, on behalf of
    /// the user `by`. Returns once events and rows are on the disk.
    ///
    /// # Errors
    /// The decision's own, or the writer's.
    pub fn commit<T: Send + 'static>(
        &self,
        by: u32,
        decide: impl FnOnce(&mut Proposal<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.commit(by, decide)
    }

    /// What holds for the store as a whole.
    ///
    /// # Errors
    /// When its row is missing, as it is only before the first event.
    pub fn rules(&self) -> Result<Arc<Rules>, StoreError> {
        let rules = self.rules.read().map(|r| r.clone()).unwrap_or_default();
        rules.ok_or_else(|| StoreError::Rows("the store has no rules yet".into()))
    }

    /// What the clocks show.
    #[must_use]
    pub fn reading(&self) -> Reading {
        reading(&*self.clock)
    }

    /// The times that hold now.
    ///
    /// # Errors
    /// As [`Store::rules`].
    pub fn times(&self) -> Result<Times, StoreError> {
        Ok(self.rules()?.times(self.reading()))
    }

    /// What keeps a recording.
    ///
    /// # Errors
    /// When the row cannot be read.
    pub fn keeping(&self, id: RecordingId) -> Result<Keeping, StoreError> {
        let row = self.index.get(Column::Keeping, id.as_bytes())?;
        let read = row.map(|row| serde_json::from_slice(&row)).transpose();
        let read = read.map_err(|e| StoreError::Rows(e.to_string()))?;
        Ok(read.unwrap_or_default())
    }

    /// The register as it stands.
    #[must_use]
    pub fn register(&self) -> Arc<Register> {
        self.register.read().map(|r| r.clone()).unwrap_or_default()
    }

    /// One recording.
    ///
    /// # Errors
    /// When its row cannot be read.
    pub fn record(&self, id: RecordingId) -> Result<Option<Record>, StoreError> {
        Ok(self.index.record(id)?)
    }

    /// The recordings whose id begins so, two at most: enough to tell one from several.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn records_beginning(&self, id: &str) -> Result<Vec<Record>, StoreError> {
        Ok(self.index.records_beginning(id, 2)?)
    }

    /// A page of recordings by time and id.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn list(&self, filter: &Filter, page: &Page) -> Result<Found, StoreError> {
        Ok(self.index.find(filter, page)?)
    }

    /// All records that a filter wants, by time; for filters that want few.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn list_all(&self, filter: &Filter) -> Result<Vec<Record>, StoreError> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = Page {
                after,
                limit: RECORDS_AT_ONCE,
                direction: crate::index::Direction::Forward,
            };
            let found = self.list(filter, &page)?;
            all.extend(found.records);
            match found.next {
                Some(next) => after = Some(next),
                None => return Ok(all),
            }
        }
    }

    /// Recordings that wait to be looked at, with their sizes.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn pending(&self) -> Result<Vec<Pending>, StoreError> {
        Ok(self.index.pending()?)
    }

    /// What is remembered of files of the inbox.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn memos(&self, names: &[&[u8]]) -> Result<Vec<Option<Memo>>, StoreError> {
        Ok(self.index.memo_get_many(names)?)
    }

    /// The last `limit` nights that ended, the latest first.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn nights(&self, limit: usize) -> Result<Vec<Night>, StoreError> {
        rows::nights(&self.index, limit)
    }

    /// One event, if there is one of this number.
    ///
    /// # Errors
    /// When its row cannot be read.
    pub fn event(&self, n: u64) -> Result<Option<Event>, StoreError> {
        let row = self.index.get(Column::Events, &keys::number(n))?;
        let read = row.map(|line| Event::from_line(n, &line)).transpose();
        Ok(read?)
    }

    /// Place of the next event and the last line's digest: what to note to tell later whether
    /// history was changed.
    ///
    /// # Errors
    /// When the row cannot be read.
    pub fn head(&self) -> Result<(u64, Digest), StoreError> {
        let head = rows::head(&self.index)?;
        Ok((head.next, head.prev))
    }

    /// Takes a planned import into the register, by events.
    ///
    /// # Errors
    /// The writer's.
    pub fn import(&self, by: u32, changes: Vec<Change>) -> Result<(), StoreError> {
        self.commit(by, move |proposal| {
            for change in changes {
                let what = match change {
                    Change::DeviceAdded(d) | Change::DeviceChanged { after: d, .. } => {
                        What::DeviceRegistered {
                            device: d.id,
                            model: d.model,
                            unit: d.unit,
                            price_fen: d.price_fen,
                        }
                    }
                    Change::OfficerAdded(o) | Change::OfficerChanged { after: o, .. } => {
                        let name = proposal.seal(o.name.as_bytes())?;
                        What::OfficerRegistered {
                            officer: o.id,
                            name,
                            unit: o.unit,
                        }
                    }
                    Change::AssignmentAdded(a) => What::DeviceIssued {
                        device: a.device,
                        officer: a.officer,
                        from: a.from,
                        to: a.to,
                    },
                    Change::AssignmentClosed {
                        device,
                        officer,
                        from,
                        to,
                    } => What::DeviceIssued {
                        device,
                        officer,
                        from,
                        to: Some(to),
                    },
                };
                proposal.event(what);
            }
            Ok(())
        })
    }
}
