//! How fast a file becomes evidence: hashing alone, copying with hashing, and the whole of intake
//! (copy, hash, fsync, drop the cache, re-read, publish), per byte of the source.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{fs::File, hint::black_box, io::Write};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use recvault::{hashing, vault::Vault};

/// Large enough that threads and blocks are in their stride, small enough for a busy machine.
const FILE_BYTES: usize = 256 * 1024 * 1024;

fn content() -> Vec<u8> {
    let mut x = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(FILE_BYTES);
    while bytes.len() < FILE_BYTES {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        bytes.extend_from_slice(&x.to_le_bytes());
    }
    bytes
}

fn hashing_benches(c: &mut Criterion) {
    let dir = tempfile::tempdir_in(std::env::var_os("CARGO_TARGET_TMPDIR").unwrap_or(".".into()));
    let dir = dir.unwrap();
    let bytes = content();
    let path = dir.path().join("source");
    let mut file = File::create(&path).unwrap();
    file.write_all(&bytes).unwrap();
    file.sync_all().unwrap();
    let source = File::open(&path).unwrap();

    let mut group = c.benchmark_group("hashing");
    group
        .throughput(Throughput::Bytes(FILE_BYTES as u64))
        .sample_size(10);
    group.bench_function("sha256_one_thread", |b| {
        b.iter(|| hashing::sha256(black_box(&bytes)))
    });
    group.bench_function("reread_digest_and_leaves", |b| {
        b.iter(|| hashing::hash_file(&source).unwrap())
    });
    group.bench_function("reread_leaves", |b| {
        b.iter(|| hashing::chunk_leaves(&source).unwrap())
    });
    group.bench_function("copy_hashed", |b| {
        b.iter_batched(
            || tempfile::tempfile_in(dir.path()).unwrap(),
            |copy| {
                hashing::copy_hashed(&source, &copy).unwrap();
                copy
            },
            BatchSize::PerIteration,
        );
    });
    group.bench_function("intake", |b| {
        b.iter_batched(
            || {
                hashing::drop_cache(&source);
                let root = tempfile::tempdir_in(dir.path()).unwrap();
                let vault = Vault::create(root.path()).unwrap();
                (root, vault)
            },
            |(root, vault)| {
                vault.publish(vault.stage(&source).unwrap()).unwrap();
                root
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, hashing_benches);
criterion_main!(benches);
