//! An office with a clock that a test turns: a store opened as a library, two approvers and two
//! others with keys of their own, and recordings that are admitted without a night.

use std::{
    io::Write,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use recvault::{
    base::{Clock, Moment, RecordingId, SinceBoot},
    custody::{Kind, Roster, Statement, Target},
    recording::{Attribution, Finding, Kind as Sort, Source, State, Value},
    retention::{Plan, Terms},
    store::{Admission, Admitted, Agreed, Attached, Store, StoreError},
};
use recvault::{event::RecordingExamined, recording::Rendition};
use ssh_key::{
    HashAlg, PrivateKey, SshSig,
    private::{Ed25519Keypair, KeypairData},
};
use tempfile::TempDir;

/// A day in milliseconds.
pub const DAY: i64 = 86_400_000;

/// A clock that stands until somebody turns it. Boot time goes along unless the wall is moved alone.
#[derive(Debug, Default)]
pub struct HandClock {
    wall: AtomicI64,
    boottime: AtomicI64,
    boot: AtomicI64,
}

impl HandClock {
    /// Time passes.
    pub fn pass(&self, ms: i64) {
        self.wall.fetch_add(ms, Ordering::SeqCst);
        self.boottime.fetch_add(ms, Ordering::SeqCst);
    }
    /// Somebody sets the wall clock.
    pub fn set_wall(&self, by_ms: i64) {
        self.wall.fetch_add(by_ms, Ordering::SeqCst);
    }
    /// The machine is started anew, after so long.
    pub fn reboot(&self, after_ms: i64) {
        self.wall.fetch_add(after_ms, Ordering::SeqCst);
        self.boottime.store(10_000, Ordering::SeqCst);
        self.boot.fetch_add(1, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Moment {
        Moment::from_ms(self.wall.load(Ordering::SeqCst))
    }
    fn since_boot(&self) -> SinceBoot {
        let boot = self.boot.load(Ordering::SeqCst);
        let mut id = [7; 16];
        id[..8].copy_from_slice(&boot.to_be_bytes());
        SinceBoot {
            boot: id,
            ms: self.boottime.load(Ordering::SeqCst),
        }
    }
}

/// A person with a key.
pub struct Signatory {
    key: PrivateKey,
}

impl Signatory {
    pub fn new(seed: u8, name: &str) -> Self {
        let pair = Ed25519Keypair::from_seed(&[seed; 32]);
        let key = PrivateKey::new(KeypairData::Ed25519(pair), name).unwrap();
        Self { key }
    }

    /// The public key as a line of an `authorized_keys` file.
    pub fn line(&self) -> String {
        self.key.public_key().to_openssh().unwrap()
    }

    /// The signature of a statement.
    pub fn sign(&self, statement: &Statement) -> String {
        self.sign_as(statement, statement.kind().namespace())
    }

    /// The same under a namespace that may be another kind's.
    pub fn sign_as(&self, statement: &Statement, namespace: &str) -> String {
        let text = statement.text();
        let signature = SshSig::sign(&self.key, namespace, HashAlg::Sha512, text.as_bytes());
        signature.unwrap().to_pem(ssh_key::LineEnding::LF).unwrap()
    }
}

/// The user who runs the night.
pub const IT: u32 = 1_000;
/// Another user.
pub const CLERK: u32 = 2_000;
/// The first approver as a user; the second has the next uid.
pub const APPROVER: u32 = 5_001;

/// The office.
pub struct Office {
    pub clock: Arc<HandClock>,
    pub approvers: [Signatory; 2],
    store: Option<Store>,
    mirror: Option<PathBuf>,
    /// Behind the store: a store that closes writes what its log still has to say.
    dir: TempDir,
}

impl Office {
    /// A store that was laid out at this instant, such as `2026-01-31T01:00:00Z`.
    pub fn at(now: &str) -> Self {
        Self::with_uids(now, [Some(APPROVER), Some(APPROVER + 1)])
    }

    /// The same, where the roster knows the approvers' uids so.
    pub fn with_uids(now: &str, uids: [Option<u32>; 2]) -> Self {
        let clock = Arc::new(HandClock::default());
        let now: jiff::Timestamp = now.parse().unwrap();
        clock.pass(now.as_millisecond());
        let quick = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let dir = quick.unwrap();
        let approvers = [
            Signatory::new(1, "approver-1"),
            Signatory::new(2, "approver-2"),
        ];
        let lines = approvers.each_ref().map(Signatory::line);
        let people = [0, 1].map(|n| (lines[n].as_str(), uids[n]));
        let roster = Roster::genesis_of(&people).unwrap();
        let policy = Terms::default().into_policy().unwrap();
        let root = dir.path().join("store");
        Store::create(&root, "office", roster, policy, IT, clock.clone()).unwrap();
        let mut office = Self {
            dir,
            clock,
            approvers,
            store: None,
            mirror: None,
        };
        office.reopen();
        office
    }

    /// Closes the store and opens it again, as the next command would.
    pub fn reopen(&mut self) {
        self.store = None;
        let (root, mirror) = (self.root(), self.mirror.as_deref());
        self.store = Some(Store::open_with(&root, mirror, self.clock.clone()).unwrap());
    }

    /// Lays out a mirror beside the store, and gives back where.
    pub fn give_a_mirror(&mut self) -> PathBuf {
        let path = self.dir.path().join("mirror");
        std::fs::create_dir(&path).unwrap();
        self.store().create_mirror(&path).unwrap();
        self.mirror = Some(path.clone());
        self.reopen();
        path
    }

    /// Opens the store as if nobody had ever named its mirror.
    pub fn forget_the_mirror(&mut self) {
        self.mirror = None;
        self.reopen();
    }

    /// The day that it is, counted from 1970-01-01.
    pub fn clock_day(&self) -> i64 {
        self.clock.now().as_ms().div_euclid(DAY)
    }

    /// Closes the store.
    pub fn close(&mut self) {
        self.store = None;
    }

    pub fn root(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    pub fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    /// Admits these bytes as a recording of a known recorder and officer that began and ended now.
    pub fn admit(&self, name: &str, bytes: &[u8]) -> Result<Admitted, StoreError> {
        self.admit_with(name, bytes, |_| {})
    }

    pub fn admit_with(
        &self,
        name: &str,
        bytes: &[u8],
        change: impl FnOnce(&mut Admission),
    ) -> Result<Admitted, StoreError> {
        let mut source = tempfile::tempfile_in(self.dir.path()).unwrap();
        source.write_all(bytes).unwrap();
        let staged = self.store().vault().stage(&source).unwrap();
        let said = |value: &str| {
            Some(Value {
                value: value.to_owned(),
                source: Source::FileName(1),
            })
        };
        let mut admission = Admission {
            name: name.as_bytes().to_vec(),
            modified_at: self.clock.now(),
            kind: Sort::Log,
            state: State::Kept,
            attribution: Attribution {
                device: said("BWC-0001"),
                officer: said("1003"),
                started_at: Some(Value {
                    value: self.clock.now(),
                    source: Source::FileName(1),
                }),
                ..Attribution::default()
            },
            findings: Vec::<Finding>::new(),
            memo: None,
        };
        change(&mut admission);
        self.store().admit(IT, staged, admission)
    }

    /// Gives a recording a rendition of these bytes, as a night would that began when it had been
    /// corrected so often.
    pub fn give_a_rendition(
        &self,
        id: RecordingId,
        bytes: &[u8],
        corrections: u32,
    ) -> Result<(), StoreError> {
        let store = self.store();
        let output = store.vault().stage_output(id).unwrap();
        output.file().write_all(bytes).unwrap();
        let linked = store.place_rendition(output, "mkv").unwrap();
        let digest = linked.published().digest();
        let record = store.record(id).unwrap().unwrap();
        let examined = RecordingExamined {
            id,
            kind: record.kind,
            state: record.state,
            attribution: record.attribution,
            media: None,
            findings: Vec::new(),
            findings_uncounted: 0,
            timeline: None,
            attempts: 0,
            made_with: Vec::new(),
        };
        let rendition = Rendition {
            digest,
            bytes: linked.published().hashed.bytes,
            extension: "mkv".to_owned(),
            profile: "archive-av1".to_owned(),
            profile_digest: digest,
            superseded: false,
            part: 0,
            frames: 1,
            duration_ms: 1,
            width: 0,
            height: 0,
            made_at: Moment::default(),
            cpu_ms: 0,
            made_with: Vec::new(),
        };
        store.examined(IT, corrections, examined, Some((rendition, linked)))
    }

    /// Whether the original lies in the vault.
    pub fn is_there(&self, id: RecordingId) -> bool {
        let record = self.store().record(id).unwrap().unwrap();
        self.store().vault().object_path(&record.digest).exists()
    }

    /// A statement, signed by these approvers, acted on by the clerk.
    pub fn agree(
        &self,
        kind: Kind,
        target: Target,
        fields: &[(&str, &str)],
        by: &[usize],
    ) -> Result<Agreed, StoreError> {
        let statement = self.store().draft(kind, target, fields)?;
        self.submit(&statement, by)
    }

    /// Hands in a statement with the signatures of these approvers.
    pub fn submit(&self, statement: &Statement, by: &[usize]) -> Result<Agreed, StoreError> {
        let signatures = by.iter().map(|n| self.approvers[*n].sign(statement));
        let (statement, signatures) = (statement.clone(), signatures.collect());
        self.store()
            .submit(CLERK, statement, signatures, Attached::Nothing)
    }

    /// Changes the roster's text by these approvers' signatures; gives back whether it waits for more.
    pub fn amend(&self, change: impl FnOnce(String) -> String, by: &[usize]) -> bool {
        let roster = self.store().rules().unwrap().rosters.current().clone();
        let roster: Roster = change(roster.text()).parse().unwrap();
        let target = Target::Digest(roster.digest());
        let fields = [("reason", "a decision")];
        let statement = self.store().draft(Kind::Roster, target, &fields).unwrap();
        let signatures = by.iter().map(|n| self.approvers[*n].sign(&statement));
        let signatures = signatures.collect();
        let attached = Attached::Roster(Box::new(roster));
        let agreed = self.store().submit(CLERK, statement, signatures, attached);
        agreed.unwrap().waits
    }

    /// Takes the key of an approver away, as one approver may.
    pub fn revoke(&self, n: usize, by: usize) {
        let seen = self.store().head().unwrap().0 - 1;
        let change = |text: String| {
            let (head, rest) = text
                .split_once(&format!("person: approver-{}", n + 1))
                .unwrap();
            let (key, rest) = rest.split_once("\n\n").unwrap_or((rest.trim_end(), ""));
            let text = format!(
                "{head}person: approver-{}{key} revoked {seen}\n\n{rest}",
                n + 1
            );
            let text = text.replace("approvers: 2 of 2", "approvers: 1 of 2");
            format!("{}\n", text.trim_end())
        };
        assert!(!self.amend(change, &[by]));
    }

    /// Makes a plan of what is due and puts it into the ledger.
    pub fn plan(&self) -> Plan {
        let plan = self.store().plan().unwrap();
        self.store().record_plan(IT, &plan).unwrap();
        plan
    }

    /// Approves the plan.
    pub fn approve(&self, plan: &Plan) -> Result<Agreed, StoreError> {
        let (items, bytes) = (
            plan.amount().items.to_string(),
            plan.amount().bytes.to_string(),
        );
        let after = self.clock.now().plus_ms(14 * DAY).to_string();
        let fields = [
            ("items", items.as_str()),
            ("bytes", bytes.as_str()),
            ("not-before", after.as_str()),
        ];
        self.agree(Kind::Plan, Target::Digest(plan.root()), &fields, &[0])
    }

    /// Lets so many days pass at once, the machine running all the while.
    pub fn skip(&self, days: i64) {
        self.clock.pass(days * DAY);
        self.store().read_clock(IT).unwrap();
    }

    /// Lets so many days pass, with a night's look at the clocks each.
    pub fn days(&self, days: i64) {
        for _ in 0..days {
            self.clock.pass(DAY);
            self.store().read_clock(IT).unwrap();
        }
    }
}
