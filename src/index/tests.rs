//! The index keeps what was committed, finds what a plain search would find, and forgets nothing
//! but what was taken away.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::{
    base::{Digest, Explain as _, Moment},
    recording::{Attribution, Finding, FindingKind, Kind, Source, State, attribution::Value},
};

fn index() -> (TempDir, Index) {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::create(&dir.path().join("index")).unwrap();
    (dir, index)
}

/// What tells the records of these tests apart.
#[derive(Clone, Debug)]
struct Sketch {
    number: u8,
    device: Option<&'static str>,
    officer: Option<&'static str>,
    time_ms: i64,
    state: State,
    findings: Vec<FindingKind>,
    kind: Kind,
}

fn record(sketch: &Sketch) -> Record {
    let mut digest = [0x5a; 32];
    digest[0] = sketch.number;
    let digest = Digest::new(digest);
    let named = |name: Option<&str>| {
        name.map(|n| Value {
            value: n.to_owned(),
            source: Source::Folder,
        })
    };
    Record {
        id: digest.id(),
        digest,
        bytes: 1_000 + u64::from(sketch.number),
        chunk_root: digest,
        admitted_at: Moment::from_ms(0),
        sightings: Vec::new(),
        kind: sketch.kind,
        state: sketch.state,
        attribution: Attribution {
            device: named(sketch.device),
            officer: named(sketch.officer),
            started_at: Some(Value {
                value: Moment::from_ms(sketch.time_ms),
                source: Source::Container,
            }),
            ..Attribution::default()
        },
        media: None,
        findings: sketch
            .findings
            .iter()
            .map(|k| Finding::new(*k, "found"))
            .collect(),
        findings_uncounted: 0,
        timeline: None,
        renditions: Vec::new(),
        attempts: 0,
        corrections: 0,
        mirrored: false,
        events: 1,
        changed_at: Moment::from_ms(0),
    }
}

const FINDINGS: [FindingKind; 3] = [
    FindingKind::VideoBlack,
    FindingKind::AudioMissing,
    FindingKind::TimeJump,
];

fn name() -> impl Strategy<Value = Option<&'static str>> {
    prop_oneof![
        Just(None),
        Just(Some("D1")),
        Just(Some("D10")),
        Just(Some("D1\0")),
        Just(Some(""))
    ]
}

fn sketch() -> impl Strategy<Value = Sketch> {
    let state = prop::sample::select(&State::ALL[..]);
    let kind = prop::sample::select(&[Kind::Video, Kind::Photo][..]);
    let findings = prop::collection::vec(prop::sample::select(&FINDINGS[..]), 0..3);
    (0..40_u8, name(), name(), -3..6_i64, state, findings, kind).prop_map(
        |(number, device, officer, time_ms, state, findings, kind)| Sketch {
            number,
            device,
            officer,
            time_ms,
            state,
            findings,
            kind,
        },
    )
}

fn filter() -> impl Strategy<Value = Filter> {
    let maybe = |s: Option<&'static str>| s.map(str::to_owned);
    let time = || prop::option::of((-4..8_i64).prop_map(Moment::from_ms));
    let state = prop::option::of(prop::sample::select(&State::ALL[..]));
    let finding = prop::option::of(prop::sample::select(&FINDINGS[..]));
    let kind = prop::option::weighted(0.2, Just(Kind::Video));
    (name(), name(), time(), time(), state, finding, kind).prop_map(
        move |(device, officer, from, to, state, finding, kind)| Filter {
            device: maybe(device),
            officer: maybe(officer),
            from,
            to,
            state,
            finding,
            kind,
        },
    )
}

fn put(index: &Index, old: Option<&Record>, new: &Record) {
    let mut batch = Batch::new();
    put_record(&mut batch, old, new).unwrap();
    index.commit(&batch).unwrap();
}

/// What a search through all records finds.
fn by_search(model: &BTreeMap<RecordingId, Record>, f: &Filter) -> Vec<RecordingId> {
    let mut found: Vec<&Record> = model.values().filter(|r| f.wants(r)).collect();
    found.sort_by_key(|r| (r.time(), r.id));
    found.iter().map(|r| r.id).collect()
}

fn by_pages(index: &Index, f: &Filter, limit: usize, direction: Direction) -> Vec<RecordingId> {
    let (mut ids, mut after) = (Vec::new(), None);
    loop {
        let found = index
            .find(
                f,
                &Page {
                    after,
                    limit,
                    direction,
                },
            )
            .unwrap();
        assert!(found.records.len() <= limit);
        ids.extend(found.records.iter().map(|r| r.id));
        match found.next {
            None => return ids,
            Some(next) => after = Some(next.to_string().parse().unwrap()),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// However records were changed on the way, every filter finds in pages what a plain search
    /// finds, both ways; and no list holds a key too many.
    #[test]
    fn filters_and_pages_find_what_a_search_finds(
        sketches in prop::collection::vec(sketch(), 0..60),
        filters in prop::collection::vec(filter(), 12),
        limit in 1..7_usize,
    ) {
        let (_dir, index) = index();
        let mut model = BTreeMap::new();
        for sketch in &sketches {
            let new = record(sketch);
            put(&index, model.get(&new.id), &new);
            model.insert(new.id, new);
        }
        for f in &filters {
            let mut expected = by_search(&model, f);
            prop_assert_eq!(&by_pages(&index, f, limit, Direction::Forward), &expected, "{:?}", f);
            expected.reverse();
            prop_assert_eq!(&by_pages(&index, f, limit, Direction::Backward), &expected, "{:?}", f);
        }
        let waiting: u64 = index.pending().unwrap().iter().map(|p| p.bytes).sum();
        let expected: u64 = model.values()
            .filter(|r| matches!(r.state, State::Admitted | State::Retry)).map(|r| r.bytes).sum();
        prop_assert_eq!(waiting, expected);

        // A fresh index of the same records is the same index: nothing stale is left.
        let (_other_dir, fresh) = self::index();
        model.values().for_each(|r| put(&fresh, None, r));
        let (mut a, mut b) = (Vec::new(), Vec::new());
        index.dump(&mut a).unwrap();
        fresh.dump(&mut b).unwrap();
        prop_assert_eq!(String::from_utf8(a).unwrap(), String::from_utf8(b).unwrap());

        // And with everything taken away, only the format is left.
        let mut batch = Batch::new();
        model.values().for_each(|r| delete_record(&mut batch, r));
        index.commit(&batch).unwrap();
        let mut rest = Vec::new();
        index.dump(&mut rest).unwrap();
        prop_assert_eq!(rest.iter().filter(|b| **b == b'\n').count(), 1);
    }
}

fn plain(number: u8, time_ms: i64) -> Record {
    record(&Sketch {
        number,
        device: Some("D1"),
        officer: None,
        time_ms,
        state: State::Admitted,
        findings: Vec::new(),
        kind: Kind::Video,
    })
}

#[test]
fn a_place_in_a_list_survives_what_is_added_and_removed() {
    let (_dir, index) = index();
    for n in 0..6 {
        put(&index, None, &plain(n, i64::from(n) * 10));
    }
    let page = |after| Page {
        after,
        limit: 3,
        direction: Direction::Forward,
    };
    let first = index.find(&Filter::default(), &page(None)).unwrap();
    let mut batch = Batch::new();
    delete_record(&mut batch, &plain(2, 20));
    put_record(&mut batch, None, &plain(100, 5)).unwrap();
    put_record(&mut batch, None, &plain(101, 25)).unwrap();
    index.commit(&batch).unwrap();
    let second = index.find(&Filter::default(), &page(first.next)).unwrap();
    let times: Vec<i64> = second.records.iter().map(|r| r.time().as_ms()).collect();
    assert_eq!(
        times,
        [25, 30, 40],
        "what came in behind the place is seen, nothing twice"
    );
    assert!(matches!(
        "nonsense".parse::<Cursor>(),
        Err(IndexError::Cursor(_))
    ));
}

#[test]
fn what_was_committed_is_there_after_opening_and_only_one_may_open() {
    let (dir, index) = index();
    put(&index, None, &plain(1, 10));
    let path = dir.path().join("index");
    let second = Index::open(&path).unwrap_err();
    assert_eq!(second.kind(), crate::base::ErrorKind::Busy, "{second}");
    drop(index);
    let index = Index::open(&path).unwrap();
    assert_eq!(index.record(plain(1, 10).id).unwrap(), Some(plain(1, 10)));
    assert_eq!(index.record(plain(2, 10).id).unwrap(), None);
    drop(index);
    assert!(matches!(Index::create(&path), Err(IndexError::Exists(_))));
    assert!(matches!(
        Index::open(dir.path()),
        Err(IndexError::NotAnIndex(_))
    ));
}

#[test]
fn an_index_of_another_time_is_refused_and_a_half_made_one_is_not() {
    let of_format = |format: u32| {
        let (dir, index) = index();
        let mut batch = Batch::new();
        batch.put(Column::Meta, *b"format", format.to_be_bytes());
        index.commit(&batch).unwrap();
        drop(index);
        Index::open(&dir.path().join("index")).unwrap_err()
    };
    let refused = of_format(FORMAT + 1);
    assert!(
        matches!(&refused, IndexError::Newer { found, .. } if *found == (FORMAT + 1).to_string())
    );
    let refused = of_format(FORMAT - 1);
    assert!(matches!(&refused, IndexError::Older { found, .. } if *found == FORMAT - 1));
    assert!(refused.hint().unwrap().contains("recvault rebuild"));

    let (dir, index) = self::index();
    let mut batch = Batch::new();
    batch.delete(Column::Meta, *b"format");
    index.commit(&batch).unwrap();
    drop(index);
    let index = Index::open(&dir.path().join("index")).unwrap();
    assert_eq!(
        index.get(Column::Meta, b"format").unwrap(),
        Some(FORMAT.to_be_bytes().to_vec())
    );
}

#[test]
fn a_snapshot_does_not_see_what_is_committed_later() {
    let (_dir, index) = index();
    put(&index, None, &plain(1, 10));
    let snapshot = index.snapshot();
    put(&index, None, &plain(2, 20));
    let events = |s: &Snapshot<'_>| {
        s.select(&Filter::default(), None, Direction::Forward)
            .unwrap()
            .count()
    };
    assert_eq!((events(&snapshot), events(&index.snapshot())), (1, 2));
}

#[test]
fn scans_keep_to_their_range_both_ways() {
    let (_dir, index) = index();
    let mut batch = Batch::new();
    for n in 0..300_u64 {
        batch.put(Column::Events, keys::number(n), n.to_string());
    }
    batch.put(Column::Register, *b"other", *b"column");
    index.commit(&batch).unwrap();
    let snapshot = index.snapshot();
    let read = |range, direction| -> Vec<String> {
        snapshot
            .scan(Column::Events, &range, direction)
            .unwrap()
            .map(|row| String::from_utf8(row.unwrap().1.to_vec()).unwrap())
            .collect()
    };
    let between = || KeyRange::between(keys::number(254), keys::number(258));
    assert_eq!(
        read(between(), Direction::Forward),
        ["254", "255", "256", "257"]
    );
    assert_eq!(
        read(between(), Direction::Backward),
        ["257", "256", "255", "254"]
    );
    assert_eq!(
        read(KeyRange::starting(keys::number(299)), Direction::Forward),
        ["299"]
    );
    assert_eq!(
        read(KeyRange::prefix(&[0, 0, 0, 0, 0, 0, 1]), Direction::Forward).len(),
        44
    );
    assert_eq!(read(KeyRange::all(), Direction::Backward).len(), 300);
    assert_eq!(&*snapshot.last(Column::Events).unwrap().unwrap().1, b"299");
    assert!(snapshot.last(Column::Nights).unwrap().is_none());
}

#[test]
fn ten_thousand_paths_are_looked_up_at_once_and_a_broken_row_is_no_memo() {
    let (_dir, index) = index();
    let path = |n: u64| format!("2026-11-23/D{}/{n:06}.mp4", n % 40);
    let memo = |n: u64| Memo {
        bytes: n,
        modified_ns: -i128::from(n),
        inode: n,
        device: 1,
        digest: Digest::new([n as u8; 32]),
        seen_at: Moment::from_ms(-1),
    };
    let mut batch = Batch::new();
    (0..10_000).for_each(|n| put_memo(&mut batch, path(n).as_bytes(), &memo(n)));
    batch.put(Column::CacheMemo, *b"broken", *b"\x01short");
    index.commit(&batch).unwrap();
    let mut paths: Vec<String> = (0..10_000).map(|n| path(n * 7 % 20_000)).collect();
    paths.push("broken".into());
    let started = std::time::Instant::now();
    let memos = index.memo_get_many(&paths).unwrap();
    let took = started.elapsed();
    for (n, got) in memos.iter().enumerate().take(10_000) {
        let n = n as u64 * 7 % 20_000;
        assert_eq!(*got, (n < 10_000).then(|| memo(n)));
    }
    assert_eq!(memos[10_000], None);
    assert!(
        took.as_millis() < 500,
        "a second night is mostly this: {took:?}"
    );
    let mut dump = Vec::new();
    index.dump(&mut dump).unwrap();
    assert!(
        !String::from_utf8(dump).unwrap().contains("cache_memo"),
        "caches are not in the dump"
    );
}

#[test]
fn a_list_that_names_no_record_is_an_alarm_and_not_an_empty_page() {
    let (_dir, index) = index();
    put(&index, None, &plain(1, 10));
    let mut batch = Batch::new();
    batch.delete(Column::Records, plain(1, 10).id.as_bytes().to_vec());
    index.commit(&batch).unwrap();
    let page = Page {
        after: None,
        limit: 9,
        direction: Direction::Forward,
    };
    let error = index.find(&Filter::default(), &page).unwrap_err();
    assert_eq!(error.kind(), crate::base::ErrorKind::Integrity);
}

/// Goal: a commit has waited for the disk when it returns. A kill would not show it, only a power
/// cut; RocksDB itself counts.
#[test]
fn a_commit_waits_for_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = open::database_options(true);
    options.enable_statistics();
    let index = open::open_with(dir.path(), &options).unwrap();
    let syncs = || options.get_ticker_count(rocksdb::statistics::Ticker::WalFileSynced);
    for n in 1..=3_u64 {
        let before = syncs();
        let mut batch = Batch::new();
        batch.put(Column::Meta, keys::number(n), b"x".to_vec());
        index.commit(&batch).unwrap();
        assert!(syncs() > before, "commit {n} was not synced");
    }
}
