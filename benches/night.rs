//! The whole night over four two-second recordings, as a whole process: what a store costs apart
//! from long encodes. `cargo bench --bench night`; against another program, see `peer.sh`.

#![allow(clippy::unwrap_used, missing_docs)]

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const CLIPS: u64 = 4;

fn recvault(args: &[&str]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_recvault"));
    command
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // 1: recordings without an officer need attention, which is no failure here.
    assert!(
        matches!(command.status().unwrap().code(), Some(0 | 1)),
        "{args:?}"
    );
}

fn prepared(clips: &Path) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    recvault(&["init", store.to_str().unwrap()]);
    fs::write(store.join("recvault.toml"), "[inbox]\nsettle_s = 0\n").unwrap();
    for clip in fs::read_dir(clips).unwrap() {
        let clip = clip.unwrap();
        fs::copy(clip.path(), store.join("inbox").join(clip.file_name())).unwrap();
    }
    dir
}

fn night(criterion: &mut Criterion) {
    let clips = tempfile::tempdir().unwrap();
    let count = CLIPS.to_string();
    recvault(&[
        "generate",
        "clips",
        clips.path().to_str().unwrap(),
        "--count",
        &count,
        "--seconds",
        "2",
    ]);
    let mut group = criterion.benchmark_group("night");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(CLIPS));
    group.bench_function("four clips of two seconds", |b| {
        b.iter_batched(
            || prepared(clips.path()),
            |dir| {
                recvault(&[
                    "--store",
                    dir.path().join("store").to_str().unwrap(),
                    "batch",
                ]);
                dir
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, night);
criterion_main!(benches);
