//! What a store of ten million recordings and a ledger of a million events cost, each beside a
//! peer in the same run: `cargo bench --bench scale [due|ledger|commit]`. Needs about 2 GB in the
//! target directory for a while. Ends with 1 when a goal is missed.
//!
//! - *due*: finding 1,000 recordings that are due among 10 M against the same among 1 M. RocksDB may
//!   still be compacting what was just written: two runs can differ by much.
//! - *ledger*: verifying 1 M events of about a kilobyte; one proof of inclusion, its time and size.
//! - *commit*: one event after the other against as many bytes put into a bare RocksDB, synced.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use recvault::{
    base::{Digest, Moment, RecordingId, SystemClock},
    custody::Roster,
    event::What,
    index::{Batch, Index, put_record},
    ledger::{self, Ledger, LogKey},
    proof::{Checkpoint, ProofFile},
    recording::{Attribution, Kind, Record, State},
    retention::Terms,
    store::{Admission, Keeping, Store, put_keeping},
};

const DUE: u64 = 1_000;
const DUE_RATIO_MAX: f64 = 1.3;
const EVENTS: u64 = 1_000_000;
const VERIFY_MAX: Duration = Duration::from_secs(10);
const PROOF_MAX: Duration = Duration::from_millis(1);
const PROOF_BYTES_MAX: usize = 2_048;
const COMMITS: u32 = 4_000;
const COMMIT_RATE_MIN: f64 = 0.9;
/// Any user will do.
const BY: u32 = 1_000;
const KEYS: [&str; 2] = [
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c a",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIE5d6XTZHH9SlMrFMjkhUqWdJzf+9dL8AfBl2Kdl+B8 b",
];

fn main() {
    // Cargo passes --bench; what else there is names the parts to run.
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    let wants = |part: &str| wanted.is_empty() || wanted.iter().any(|w| w == part);
    let room = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut met = true;
    if wants("due") {
        met &= due(room.path());
    }
    if wants("ledger") {
        met &= ledger(room.path());
    }
    if wants("commit") {
        met &= commit(room.path());
    }
    // Leaving by `exit` drops nothing, and it holds gigabytes.
    drop(room);
    std::process::exit(i32::from(!met));
}

/// Says a result and whether it meets its goal.
fn said(what: &str, result: &str, goal: &str, met: bool) -> bool {
    let verdict = if met { "met" } else { "MISSED" };
    println!("{what:<44} {result:>22}   goal {goal:<10} {verdict}");
    met
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// A store with one recording in it.
fn store_with_one(root: &Path) -> (Store, Record, Keeping) {
    let clock = Arc::new(SystemClock);
    let roster = Roster::genesis(&KEYS).unwrap();
    let policy = Terms::default().into_policy().unwrap();
    Store::create(root, "bench", roster, policy, BY, clock.clone()).unwrap();
    let store = Store::open(root, clock).unwrap();
    let id = admit(&store, 0);
    let record = store.record(id).unwrap().unwrap();
    let keeping = store.keeping(id).unwrap();
    (store, record, keeping)
}

/// Takes in the recording of this number.
fn admit(store: &Store, n: u32) -> RecordingId {
    let path = store.root().join("inbox/one.mp4");
    File::create(&path)
        .unwrap()
        .write_all(format!("recording {n}").as_bytes())
        .unwrap();
    let staged = store.vault().stage(&File::open(&path).unwrap()).unwrap();
    let admission = Admission {
        name: b"2026-03-01/BWC-0001_1003_20260301_080000_0001.mp4".to_vec(),
        modified_at: Moment::from_s(1_772_000_000),
        kind: Kind::Log,
        state: State::Kept,
        attribution: Attribution::default(),
        findings: Vec::new(),
        memo: None,
    };
    store.admit(BY, staged, admission).unwrap().id
}

/// A store with so many recordings, of which the first thousand have been due for a while.
fn store_with(root: PathBuf, count: u64, now: Moment) -> Store {
    let (store, record, keeping) = store_with_one(&root);
    drop(store);
    let index = Index::open(&root.join("index")).unwrap();
    let mut batch = Batch::new();
    for n in 0..count {
        let mut digest = [0; 32];
        // Spread over all keys, as digests are.
        let spread = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        digest[..8].copy_from_slice(&spread.to_be_bytes());
        digest[8..16].copy_from_slice(&n.to_be_bytes());
        let digest = Digest::new(digest);
        let id = digest.id();
        let after_s = if n < DUE {
            -(n as i64) - 1
        } else {
            n as i64 % 8_000_000 + 1
        };
        let expires = now.plus_ms(after_s * 1_000);
        let record = Record {
            id,
            digest,
            ..record.clone()
        };
        let keeping = Keeping {
            expires: Some(expires),
            ..keeping.clone()
        };
        put_record(&mut batch, None, &record).unwrap();
        put_keeping(&mut batch, (None, None), &record, &keeping).unwrap();
        if batch.len() > 50_000 {
            index
                .commit(&std::mem::replace(&mut batch, Batch::new()))
                .unwrap();
        }
    }
    index.commit(&batch).unwrap();
    index.settle().unwrap();
    drop(index);
    Store::open(&root, Arc::new(SystemClock)).unwrap()
}

fn due(room: &Path) -> bool {
    let now = Moment::from_s(1_790_000_000);
    let small = store_with(room.join("small"), 1_000_000, now);
    let large = store_with(room.join("large"), 10_000_000, now);
    let find = |store: &Store| {
        let clock = Instant::now();
        let found = store.due(now, usize::MAX).unwrap();
        assert_eq!(found.len() as u64, DUE);
        clock.elapsed()
    };
    let (mut in_small, mut in_large) = (Vec::new(), Vec::new());
    for _ in 0..31 {
        in_small.push(find(&small));
        in_large.push(find(&large));
    }
    let (in_small, in_large) = (median(in_small), median(in_large));
    let ratio = in_large.as_secs_f64() / in_small.as_secs_f64();
    said(
        "1,000 due of 10 M, against of 1 M",
        &format!("{in_large:.2?} / {in_small:.2?} = {ratio:.2}"),
        &format!("<= {DUE_RATIO_MAX}"),
        ratio <= DUE_RATIO_MAX,
    )
}

fn ledger(room: &Path) -> bool {
    let dir = room.join("ledger");
    std::fs::create_dir(&dir).unwrap();
    let key = LogKey::from_seed("recvault.example/bench", &[7; 32]).unwrap();
    let mut ledger = Ledger::create(&dir).unwrap();
    let lines: Vec<Vec<u8>> = (0..EVENTS)
        .map(|n| format!("{n:01000}").into_bytes())
        .collect();
    for lines in lines.chunks(10_000) {
        ledger
            .append(&lines.iter().map(Vec::as_slice).collect::<Vec<_>>())
            .unwrap();
    }
    ledger.publish(&key).unwrap();
    let clock = Instant::now();
    let verified = ledger::verify(&dir, &key.verifier(), &|_| {}).unwrap();
    let took = clock.elapsed();
    assert_eq!(verified.events, EVENTS);
    let mut met = said(
        "verifying 1 M events of 1 kB",
        &format!("{took:.2?}"),
        "<= 10 s",
        took <= VERIFY_MAX,
    );
    let note = ledger.checkpoint().unwrap().unwrap();
    let size = Checkpoint::parse(note.text()).unwrap().size;
    let (mut times, mut longest) = (Vec::new(), 0);
    for n in (0..EVENTS).step_by(3_331) {
        let clock = Instant::now();
        let proof = ProofFile {
            extra: None,
            index: n,
            path: ledger.inclusion(n, size).unwrap().path,
            checkpoint: note.clone(),
        };
        let text = proof.to_string();
        times.push(clock.elapsed());
        longest = longest.max(text.len());
        proof
            .verify(&lines[n as usize], &key.verifier(), &[])
            .unwrap();
    }
    let took = median(times);
    met &= said(
        "a proof in it, made",
        &format!("{took:.2?}"),
        "<= 1 ms",
        took <= PROOF_MAX,
    );
    met & said(
        "its size",
        &format!("{longest} bytes"),
        "<= 2,048",
        longest <= PROOF_BYTES_MAX,
    )
}

fn commit(room: &Path) -> bool {
    let (store, record, _) = store_with_one(&room.join("store"));
    let bare = rocksdb::DB::open_default(room.join("bare")).unwrap();
    let mut synced = rocksdb::WriteOptions::default();
    synced.set_sync(true);
    let (mut ours, mut theirs) = (Duration::ZERO, Duration::ZERO);
    // As in a night: a few events for each of many.
    let ids: Vec<RecordingId> = (1..=200).map(|n| admit(&store, n)).collect();
    let remove = |id: RecordingId| {
        store
            .commit(BY, move |proposal| {
                proposal.event(What::SourceRemoved { id });
                Ok(())
            })
            .unwrap();
    };
    // As many bytes as the event's line and the record's row, which goes with it.
    let (next, _) = store.head().unwrap();
    remove(ids[0]);
    let line = store.event(next).unwrap().unwrap().to_line().unwrap();
    let row = serde_json::to_vec(&record).unwrap();
    let bytes = vec![b'x'; line.len() + row.len()];
    for n in 0..COMMITS {
        let id = ids[n as usize % ids.len()];
        let clock = Instant::now();
        remove(id);
        ours += clock.elapsed();
        let clock = Instant::now();
        bare.put_opt(n.to_be_bytes(), &bytes, &synced).unwrap();
        theirs += clock.elapsed();
    }
    let rate = theirs.as_secs_f64() / ours.as_secs_f64();
    said(
        "commits a second, against bare RocksDB",
        &format!(
            "{:.0} / {:.0} = {rate:.2}",
            f64::from(COMMITS) / ours.as_secs_f64(),
            f64::from(COMMITS) / theirs.as_secs_f64()
        ),
        &format!(">= {COMMIT_RATE_MIN}"),
        rate >= COMMIT_RATE_MIN,
    )
}
