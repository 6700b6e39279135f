//! The vault keeps what it is given, exactly, once, and says when the disk did not.
#![allow(clippy::unwrap_used)]

use std::{
    fs::{self, Permissions},
    io::Write,
    os::unix::fs::{PermissionsExt, symlink},
    thread,
};

use tempfile::TempDir;

use super::*;
use crate::hashing::sha256;

mod disposal;
mod keeping;
#[cfg(feature = "failpoints")]
mod kills;

fn vault() -> (TempDir, Vault) {
    let dir = tempfile::tempdir().unwrap();
    let vault = Vault::create(dir.path()).unwrap();
    (dir, vault)
}

fn source(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn put(vault: &Vault, bytes: &[u8]) -> Published {
    vault.publish(vault.stage(&source(bytes)).unwrap()).unwrap()
}

fn staging_is_empty(dir: &TempDir) -> bool {
    ["originals", "renditions"].iter().all(|s| {
        fs::read_dir(dir.path().join(s).join(".staging"))
            .unwrap()
            .count()
            == 0
    })
}

/// Changes an object as only its owner or a failing disk could.
fn spoil(path: &Path, bytes: &[u8]) {
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn an_object_is_exact_read_only_and_found_by_its_digest_alone() {
    let (dir, vault) = vault();
    for bytes in [&b""[..], b"abc", &[7; 3_000_000]] {
        let published = put(&vault, bytes);
        assert_eq!(published.digest(), sha256(bytes));
        assert_eq!(published.placed, Placed::Fresh);
        let path = vault.object_path(&published.digest());
        let hex = published.digest().to_string();
        let expected = format!("originals/{}/{}/{hex}", &hex[..2], &hex[2..4]);
        assert_eq!(path, dir.path().join(expected));
        assert!(fs::read(&path).unwrap() == bytes);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o400);
        assert_eq!(
            path.parent()
                .unwrap()
                .metadata()
                .unwrap()
                .permissions()
                .mode()
                & 0o777,
            0o700
        );
        let size = bytes.len() as u64;
        assert_eq!(
            vault.verify_object(&published.digest()),
            Fixity::Sound { bytes: size }
        );
        assert_eq!(
            vault
                .open_object(&published.digest())
                .unwrap()
                .metadata()
                .unwrap()
                .len(),
            size
        );
    }
    assert_eq!(vault.objects().unwrap().len(), 3);
    assert!(staging_is_empty(&dir));
}

#[test]
fn the_same_bytes_again_are_the_same_object() {
    let (dir, vault) = vault();
    put(&vault, b"same");
    assert_eq!(put(&vault, b"same").placed, Placed::Already);
    assert_eq!(vault.objects().unwrap(), [sha256(b"same")]);
    assert!(staging_is_empty(&dir));
}

#[test]
fn a_bad_object_is_healed_and_kept_aside() {
    let (_dir, vault) = vault();
    let digest = put(&vault, b"evidence").digest();
    let path = vault.object_path(&digest);
    for (n, bad) in [&b"evidencE"[..], b"evid", b""].iter().enumerate() {
        spoil(&path, bad);
        assert!(matches!(
            vault.verify_object(&digest),
            Fixity::Altered { .. }
        ));
        let Placed::Healed { was, aside } = put(&vault, b"evidence").placed else {
            panic!("not healed")
        };
        assert!(matches!(was, Fixity::Altered { bytes, .. } if bytes == bad.len() as u64));
        assert!(aside.ends_with(format!("{digest}.bad-{}", n + 1)));
        assert_eq!(&fs::read(aside).unwrap(), bad);
        assert_eq!(fs::read(&path).unwrap(), b"evidence");
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(vault.verify_object(&digest), Fixity::Missing);
    assert!(matches!(
        vault.open_object(&digest),
        Err(VaultError::Missing { .. })
    ));
    symlink("/etc/passwd", &path).unwrap();
    assert!(
        matches!(vault.verify_object(&digest), Fixity::Unreadable { .. }),
        "links are not followed"
    );
    assert!(matches!(
        put(&vault, b"evidence").placed,
        Placed::Healed { .. }
    ));
    assert_eq!(fs::read(&path).unwrap(), b"evidence");
}

#[test]
fn a_source_that_is_written_to_or_is_no_file_is_not_staged() {
    let (dir, vault) = vault();
    let folder = File::open(dir.path()).unwrap();
    assert!(matches!(
        vault.stage(&folder),
        Err(VaultError::SourceNotRegular)
    ));

    // Grows for as long as it is copied.
    let path = dir.path().join("growing");
    fs::write(&path, vec![1; 40_000_000]).unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    let result = thread::scope(|s| {
        s.spawn(|| {
            let mut file = File::options().append(true).open(&path).unwrap();
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                file.write_all(b"more").unwrap();
                thread::yield_now();
            }
        });
        let result = vault.stage(&File::open(&path).unwrap());
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        result
    });
    assert!(
        matches!(result, Err(VaultError::SourceChanged { .. })),
        "{result:?}"
    );
    assert!(staging_is_empty(&dir));
}

#[test]
fn what_is_not_published_leaves_nothing_and_what_was_killed_is_swept() {
    let (dir, vault) = vault();
    drop(vault.stage(&source(b"given up")).unwrap());
    drop(vault.stage_output(sha256(b"a").id()).unwrap());
    assert!(staging_is_empty(&dir));

    std::mem::forget(vault.stage(&source(b"killed")).unwrap());
    std::mem::forget(vault.stage_output(sha256(b"a").id()).unwrap());
    let vault = Vault::open(dir.path(), None).unwrap();
    put(&vault, b"another, beside the orphan");
    let swept = vault.sweep_staging().unwrap();
    assert_eq!(swept.iter().map(|s| s.bytes).collect::<Vec<_>>(), [6, 0]);
    assert!(staging_is_empty(&dir));
    assert_eq!(vault.sweep_staging().unwrap(), []);
    assert_eq!(
        vault.objects().unwrap(),
        [sha256(b"another, beside the orphan")]
    );
}

#[test]
fn many_threads_may_publish_the_same_and_different_bytes() {
    let (dir, vault) = vault();
    let placed: Vec<Placed> = thread::scope(|s| {
        let threads: Vec<_> = (0..12_u8)
            .map(|n| {
                let vault = &vault;
                s.spawn(move || put(vault, &vec![n % 3; 1_500_000]).placed)
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert_eq!(placed.iter().filter(|p| **p == Placed::Fresh).count(), 3);
    assert_eq!(vault.objects().unwrap().len(), 3);
    assert!(staging_is_empty(&dir));
}

#[test]
fn a_rendition_is_what_the_worker_left_in_its_file() {
    let (dir, vault) = vault();
    let output = vault.stage_output(sha256(b"a").id()).unwrap();
    output
        .file()
        .try_clone()
        .unwrap()
        .write_all(b"rendition")
        .unwrap();
    assert!(output.path().exists());
    let linked = vault.publish_rendition(output, "mkv").unwrap();
    let published = linked.published().clone();
    linked.committed();
    assert_eq!(published.digest(), sha256(b"rendition"));
    let path = vault.rendition_path(&published.digest(), "mkv");
    assert_eq!(fs::read(&path).unwrap(), b"rendition");
    assert_eq!(
        vault.verify_rendition(&published.digest(), "mkv"),
        Fixity::Sound { bytes: 9 }
    );
    assert_eq!(
        vault.verify_rendition(&published.digest(), "mp4"),
        Fixity::Missing
    );
    for bad in ["", "../x", "MKV", "a/b", "123456789"] {
        let output = vault.stage_output(sha256(b"a").id()).unwrap();
        assert!(matches!(
            vault.publish_rendition(output, bad),
            Err(VaultError::Extension(_))
        ));
    }
    assert!(staging_is_empty(&dir));
}

/// Goal: a rendition whose process was killed before its row was committed is known at the next
/// start, with the recording that it was made of, and loses its name; one that was committed is
/// nobody's concern.
#[test]
fn a_rendition_that_no_row_came_to_stand_for_loses_its_name() {
    let (dir, vault) = vault();
    let make = |of: &[u8], bytes: &[u8]| {
        let output = vault.stage_output(sha256(of).id()).unwrap();
        output.file().write_all(bytes).unwrap();
        vault.publish_rendition(output, "mkv").unwrap()
    };
    make(b"a", b"committed").committed();
    drop(make(b"b", b"killed"));
    drop(vault.stage_output(sha256(b"c").id()).unwrap());
    let refused = make(b"d", b"refused");
    vault.withdraw(refused).unwrap();

    let vault = Vault::open(dir.path(), None).unwrap();
    let unsettled = vault.unsettled().unwrap();
    let about: Vec<_> = unsettled.iter().map(|u| (u.id, u.digest)).collect();
    assert_eq!(about, [(sha256(b"b").id(), sha256(b"killed"))]);
    vault.withdraw_unsettled(&unsettled[0]).unwrap();
    assert_eq!(vault.unsettled().unwrap(), []);
    let there = |bytes| vault.rendition_path(&sha256(bytes), "mkv").exists();
    assert!(there(b"committed") && !there(b"killed") && !there(b"refused"));
    assert!(staging_is_empty(&dir));
}

#[test]
fn what_came_back_is_put_aside_and_is_no_object() {
    let (dir, vault) = vault();
    let staged = vault.stage(&source(b"disposed")).unwrap();
    let aside = vault.put_aside(staged).unwrap();
    assert_eq!(fs::read(aside).unwrap(), b"disposed");
    assert_eq!(vault.objects().unwrap(), []);
    assert!(staging_is_empty(&dir));
}

#[test]
fn a_sidecar_is_completed_never_doubled_and_never_overwritten() {
    let (_dir, vault) = vault();
    let digest = put(&vault, b"x").digest();
    let path = vault
        .object_path(&digest)
        .with_file_name(format!("{}.jsonl", digest.id()));
    let lines: [&[u8]; 3] = [b"{\"n\":0}", b"{\"n\":1}", b"{\"n\":2}"];
    assert_eq!(vault.sidecar_lines(&digest).unwrap().len(), 0);
    assert_eq!(
        vault.append_sidecar_lines(&digest, 0, &lines[..1]).unwrap(),
        1
    );
    assert_eq!(
        vault.append_sidecar_lines(&digest, 1, &lines[1..]).unwrap(),
        2
    );
    let whole = fs::read(&path).unwrap();
    for first in 0..3 {
        vault
            .append_sidecar_lines(&digest, first, &lines[first as usize..])
            .unwrap();
        assert_eq!(fs::read(&path).unwrap(), whole, "again from {first}");
    }
    for cut in 0..whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let whole_lines = whole[..cut].iter().filter(|b| **b == b'\n').count() as u64;
        let written = vault.append_sidecar_lines(&digest, 0, &lines).unwrap();
        assert_eq!(written, 3 - whole_lines, "torn at {cut}");
        assert_eq!(fs::read(&path).unwrap(), whole, "torn at {cut}");
    }
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(vault.sidecar_lines(&digest).unwrap(), lines);
    vault.sync_sidecars().unwrap();
    let gap = vault.append_sidecar_lines(&digest, 5, &[b"late"]);
    assert!(matches!(
        gap,
        Err(VaultError::SidecarGap {
            have: 3,
            first: 5,
            ..
        })
    ));
    let other = vault.append_sidecar_lines(&digest, 1, &[b"forged"]);
    assert!(matches!(
        other,
        Err(VaultError::SidecarDiffers { line: 1, .. })
    ));
    assert!(vault.append_sidecar_lines(&digest, 3, &[b"a\nb"]).is_err());
    assert_eq!(fs::read(&path).unwrap(), whole);
    assert_eq!(vault.objects().unwrap(), [digest], "a sidecar is no object");
}

#[test]
fn a_vault_is_created_once_and_opened_only_where_it_is() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(
        Vault::open(dir.path(), None),
        Err(VaultError::NotAVault(_))
    ));
    let vault = Vault::create(dir.path()).unwrap();
    assert!(matches!(
        Vault::create(dir.path()),
        Err(VaultError::Exists(_))
    ));
    let space = vault.space().unwrap();
    assert!(0 < space.free_bytes && space.free_bytes <= space.total_bytes);
}

#[test]
fn a_full_disk_and_a_spent_quota_are_told_apart_from_other_faults() {
    let full = VaultError::io("writing", "x", rustix::io::Errno::NOSPC);
    assert!(matches!(full, VaultError::Full { .. }));
    let quota = VaultError::io("writing", "x", rustix::io::Errno::DQUOT);
    assert!(matches!(quota, VaultError::Full { .. }));
}
