//! Two copies of every original: made, re-read in turn, and mended from each other.

use std::{collections::BTreeMap, os::unix::fs::FileExt, thread};

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::base::{Digest, ErrorKind, Explain};

/// A store and its mirror, in two folders of one.
pub(super) fn mirrored_vault() -> (TempDir, Vault) {
    mirrored_vault_in(tempfile::tempdir().unwrap())
}

pub(super) fn mirrored_vault_in(dir: TempDir) -> (TempDir, Vault) {
    let (store, mirror) = (dir.path().join("store"), dir.path().join("mirror"));
    fs::create_dir(&store).unwrap();
    fs::create_dir(&mirror).unwrap();
    Vault::create(&store)
        .unwrap()
        .create_mirror(&mirror)
        .unwrap();
    let vault = Vault::open(&store, Some(&mirror)).unwrap();
    (dir, vault)
}

fn mirror_of(vault: &Vault, digest: &Digest) -> PathBuf {
    vault.mirror_path(digest).unwrap()
}

/// Everything below a folder: path, mode and bytes, or where a link points.
pub(super) fn snapshot(dir: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let mut all = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let meta = path.symlink_metadata().unwrap();
            let bytes = if meta.is_dir() {
                folders.push(path.clone());
                Vec::new()
            } else if meta.is_symlink() {
                fs::read_link(&path)
                    .unwrap()
                    .into_os_string()
                    .into_encoded_bytes()
            } else {
                fs::read(&path).unwrap()
            };
            let below = path.strip_prefix(dir).unwrap().to_owned();
            all.insert(below, (meta.permissions().mode(), bytes));
        }
    }
    all
}

/// Turns one bit of a file around, as a disk does: nobody is asked, and no time changes.
fn flip(path: &Path, bit: u64) {
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    let file = File::options().read(true).write(true).open(path).unwrap();
    let bit = bit % (file.metadata().unwrap().len() * 8);
    let mut byte = [0];
    file.read_exact_at(&mut byte, bit / 8).unwrap();
    file.write_all_at(&[byte[0] ^ 1 << (bit % 8)], bit / 8)
        .unwrap();
    file.sync_all().unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o400)).unwrap();
}

/// What may have become of one copy.
const FATES: [&str; 6] = ["sound", "missing", "flipped", "cut", "empty", "a link"];

fn suffer(path: &Path, fate: &str) {
    match fate {
        "sound" => {}
        "missing" => fs::remove_file(path).unwrap(),
        "flipped" => flip(path, 12),
        "cut" => spoil(path, b"evid"),
        "empty" => spoil(path, b""),
        "a link" => {
            fs::remove_file(path).unwrap();
            symlink("/etc/passwd", path).unwrap();
        }
        other => panic!("{other}"),
    }
}

/// A mirror copy is as exact, read-only and well placed as an original; asked again it is
/// found, a bad one is healed, and a bad original is not mirrored.
#[test]
fn a_mirror_is_exact_made_once_and_never_from_a_bad_original() {
    let (dir, vault) = mirrored_vault();
    for bytes in [&b""[..], b"abc", &[7; 3_000_000]] {
        let digest = put(&vault, bytes).digest();
        let size = bytes.len() as u64;
        assert_eq!(
            vault.copies(&digest).unwrap().mirror,
            Some(Fixity::Missing),
            "nothing is mirrored by itself"
        );
        let mirrored = vault.mirror(&digest).unwrap();
        assert_eq!((mirrored.bytes, &mirrored.placed), (size, &Placed::Fresh));
        let path = mirror_of(&vault, &digest);
        assert!(path.starts_with(dir.path().join("mirror/originals")));
        assert!(fs::read(&path).unwrap() == bytes);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o400);
        assert_eq!(vault.mirror(&digest).unwrap().placed, Placed::Already);
        assert!(vault.copies(&digest).unwrap().are_sound());
    }
    let digest = put(&vault, b"evidence").digest();
    vault.mirror(&digest).unwrap();
    flip(&mirror_of(&vault, &digest), 3);
    assert!(matches!(
        vault.mirror(&digest).unwrap().placed,
        Placed::Healed { .. }
    ));

    for fate in &FATES[1..] {
        let digest = put(&vault, format!("badly kept: {fate}").as_bytes()).digest();
        suffer(&vault.object_path(&digest), fate);
        let error = vault.mirror(&digest).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Integrity, "{fate}: {error}");
        assert!(!mirror_of(&vault, &digest).exists(), "{fate}");
    }
    let staging = dir.path().join("mirror/originals/.staging");
    assert_eq!(fs::read_dir(staging).unwrap().count(), 0);
}

/// Threads that mirror the same and different originals at once are in nobody's way.
#[test]
fn many_threads_may_mirror_at_once() {
    let (_dir, vault) = mirrored_vault();
    let digests: Vec<_> = (0..3_u8)
        .map(|n| put(&vault, &vec![n; 1_500_000]).digest())
        .collect();
    let placed: Vec<Placed> = thread::scope(|s| {
        let threads: Vec<_> = (0..12)
            .map(|n| {
                let (vault, digest) = (&vault, &digests[n % 3]);
                s.spawn(move || vault.mirror(digest).unwrap().placed)
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert_eq!(placed.iter().filter(|p| **p == Placed::Fresh).count(), 3);
    assert!(digests.iter().all(|d| vault.copies(d).unwrap().are_sound()));
}

/// An unmounted mirror is an empty folder, or none: nothing is ever written there, the call says
/// so, what needs no mirror goes on, and once it is back it is found. Also while the vault is
/// open, and also when another medium lay there in between.
#[test]
fn a_mirror_that_is_away_is_said_to_be_and_never_made_anew() {
    let (dir, vault) = mirrored_vault();
    let (mount, drawer) = (dir.path().join("mirror"), dir.path().join("taken away"));
    let digest = put(&vault, b"x").digest();
    vault.mirror(&digest).unwrap();
    vault.append_sidecar_lines(&digest, 0, &[b"{}"]).unwrap();

    fs::rename(&mount, &drawer).unwrap();
    for mount_point_stays in [false, true] {
        if mount_point_stays {
            fs::create_dir(&mount).unwrap();
        }
        for vault in [
            &vault,
            &Vault::open(&dir.path().join("store"), Some(&mount)).unwrap(),
        ] {
            let doomed = Doomed::after_tombstone(digest);
            let errors = [
                vault.check_mirror().unwrap_err(),
                vault.mirror(&digest).unwrap_err(),
                vault.mirror_sidecar(&digest).unwrap_err(),
                vault.copies(&digest).unwrap_err(),
                vault.repair(&digest).unwrap_err(),
                vault.same_file_system().unwrap_err(),
                vault.mirror_space().unwrap_err(),
                vault.remove(doomed, &[]).unwrap_err(),
            ];
            for error in errors {
                assert!(matches!(error, VaultError::MirrorAway(_)), "{error}");
                assert_eq!(error.kind(), ErrorKind::Fault);
                assert!(error.to_string().contains("not mounted"), "{error}");
            }
            assert!(vault.verify_object(&digest).is_sound());
            assert_eq!(put(vault, b"x").placed, Placed::Already);
            vault.sweep_staging().unwrap();
        }
        assert_eq!(
            mount
                .exists()
                .then(|| fs::read_dir(&mount).unwrap().count()),
            mount_point_stays.then_some(0)
        );
    }

    // Another store's medium, and a folder that somebody laid out by hand.
    let (other_dir, _other) = mirrored_vault();
    fs::remove_dir(&mount).unwrap();
    fs::rename(other_dir.path().join("mirror"), &mount).unwrap();
    let before = snapshot(&mount);
    for error in [
        vault.mirror(&digest).unwrap_err(),
        vault.create_mirror(&mount).unwrap_err(),
    ] {
        assert!(matches!(error, VaultError::MirrorForeign { .. }), "{error}");
        assert_eq!(error.kind(), ErrorKind::Usage);
    }
    fs::remove_file(mount.join("originals/.mirror")).unwrap();
    assert!(matches!(
        vault.mirror(&digest),
        Err(VaultError::MirrorAway(_))
    ));
    fs::write(mount.join("originals/.mirror"), b"\x1b[31m").unwrap();
    let error = vault.mirror(&digest).unwrap_err().to_string();
    assert!(error.contains("its mark is %1B[31m"), "{error}");
    assert_eq!(before.len(), snapshot(&mount).len(), "nothing was added");

    fs::remove_dir_all(&mount).unwrap();
    fs::rename(&drawer, &mount).unwrap();
    vault.check_mirror().unwrap();
    assert_eq!(vault.mirror(&digest).unwrap().placed, Placed::Already);

    // Changed for a stranger's between two calls.
    let (other_dir, _other) = mirrored_vault();
    fs::rename(&mount, &drawer).unwrap();
    fs::rename(other_dir.path().join("mirror"), &mount).unwrap();
    assert!(matches!(
        vault.mirror(&digest),
        Err(VaultError::MirrorForeign { .. })
    ));
}

/// A mirror is laid out once, completed after a crash, and not where something else lies.
#[test]
fn a_mirror_is_laid_out_whole_or_completed_and_over_nothing_else() {
    let (dir, vault) = mirrored_vault();
    let (store, mirror) = (dir.path().join("store"), dir.path().join("mirror"));
    let whole = snapshot(&mirror);
    vault.create_mirror(&mirror).unwrap();
    assert_eq!(snapshot(&mirror), whole, "again");
    for killed_before in [".staging", ".aside", ".mirror"] {
        let part = mirror.join("originals").join(killed_before);
        fs::remove_dir(&part)
            .or_else(|_| fs::remove_file(&part))
            .unwrap();
        let again = vault.create_mirror(&mirror);
        if killed_before == ".mirror" {
            again.unwrap();
        } else {
            // The mark is written last: a marked mirror that lacks a part was damaged later.
            assert!(matches!(again, Err(VaultError::MirrorAway(_))), "{again:?}");
            fs::create_dir(&part).unwrap();
            fs::set_permissions(&part, Permissions::from_mode(0o700)).unwrap();
        }
        assert_eq!(snapshot(&mirror), whole, "without {killed_before}");
    }
    fs::remove_dir_all(mirror.join("originals")).unwrap();
    fs::create_dir_all(mirror.join("originals/.staging")).unwrap();
    fs::set_permissions(mirror.join("originals"), Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(
        mirror.join("originals/.staging"),
        Permissions::from_mode(0o700),
    )
    .unwrap();
    vault.create_mirror(&mirror).unwrap();
    assert_eq!(snapshot(&mirror), whole, "killed halfway through");

    assert!(matches!(
        vault.create_mirror(&store),
        Err(VaultError::MirrorIsStore(_))
    ));
    let own = Vault::open(&store, Some(&store)).unwrap();
    assert!(matches!(
        own.check_mirror(),
        Err(VaultError::MirrorIsStore(_))
    ));
    let stranger = tempfile::tempdir().unwrap();
    Vault::create(stranger.path()).unwrap();
    put(&Vault::open(stranger.path(), None).unwrap(), b"somebody's");
    let before = snapshot(stranger.path());
    assert!(matches!(
        vault.create_mirror(stranger.path()),
        Err(VaultError::Exists(_))
    ));
    assert!(matches!(
        vault.create_mirror(&store.join("nowhere")),
        Err(VaultError::MirrorAway(_))
    ));
    assert_eq!(snapshot(stranger.path()), before);
    assert!(matches!(
        Vault::open(&store, None).unwrap().mirror(&sha256(b"x")),
        Err(VaultError::NoMirror)
    ));
}

/// Two folders of one disk are told from two disks, and neither is refused.
#[test]
fn a_mirror_on_the_same_file_system_is_reported() {
    let (dir, vault) = mirrored_vault();
    assert!(vault.same_file_system().unwrap());
    vault.mirror_space().unwrap();
    // Where there is another file system to write to.
    let Ok(elsewhere) = tempfile::tempdir_in("/dev/shm") else {
        return;
    };
    use std::os::unix::fs::MetadataExt;
    if elsewhere.path().metadata().unwrap().dev() == dir.path().metadata().unwrap().dev() {
        return;
    }
    vault.create_mirror(elsewhere.path()).unwrap();
    let vault = Vault::open(&dir.path().join("store"), Some(elsewhere.path())).unwrap();
    assert!(!vault.same_file_system().unwrap());
    let digest = put(&vault, b"on two disks").digest();
    assert_eq!(vault.mirror(&digest).unwrap().placed, Placed::Fresh);
    flip(&vault.object_path(&digest), 5);
    assert!(matches!(
        vault.repair(&digest).unwrap(),
        Repaired::Original { .. }
    ));
}

/// Whatever became of either copy: one good one is enough, the bad one is kept, and of two bad
/// ones nothing is touched.
#[test]
fn repair_mends_one_bad_copy_and_touches_nothing_when_both_are() {
    for original in FATES {
        for mirror in FATES {
            let case = format!("original {original}, mirror {mirror}");
            let (dir, vault) = mirrored_vault();
            let digest = put(&vault, b"evidence").digest();
            vault.mirror(&digest).unwrap();
            let paths = [vault.object_path(&digest), mirror_of(&vault, &digest)];
            suffer(&paths[0], original);
            suffer(&paths[1], mirror);
            let before = snapshot(dir.path());
            let repaired = vault.repair(&digest);

            if original != "sound" && mirror != "sound" {
                let error = repaired.unwrap_err();
                assert!(matches!(error, VaultError::BothBad { .. }), "{case}");
                assert_eq!(error.kind(), ErrorKind::Integrity);
                let copies = vault.copies(&digest).unwrap();
                for fact in [copies.original.words(), copies.mirror.unwrap().words()] {
                    assert!(error.to_string().contains(&fact), "{case}: {error}");
                }
                assert_eq!(snapshot(dir.path()), before, "{case}");
                continue;
            }
            let (bad, fate, aside) = match repaired.unwrap() {
                Repaired::Nothing => {
                    assert_eq!((original, mirror), ("sound", "sound"));
                    assert_eq!(snapshot(dir.path()), before, "{case}");
                    continue;
                }
                Repaired::Original { aside, .. } => (&paths[0], original, aside),
                Repaired::Mirror { aside, .. } => (&paths[1], mirror, aside),
            };
            assert_ne!(fate, "sound", "{case}");
            assert_eq!(aside.is_some(), fate != "missing", "{case}");
            if let Some(aside) = aside {
                // The very file, with its name and place changed and nothing else.
                let kept = snapshot(dir.path());
                let below = |path: &Path| path.strip_prefix(dir.path()).unwrap().to_owned();
                assert_eq!(kept[&below(&aside)], before[&below(bad)], "{case}");
            }
            assert!(vault.copies(&digest).unwrap().are_sound(), "{case}");
            assert_eq!(fs::read(bad).unwrap(), b"evidence");
            let after = snapshot(dir.path());
            assert_eq!(vault.repair(&digest).unwrap(), Repaired::Nothing, "{case}");
            assert_eq!(snapshot(dir.path()), after, "a second repair is a no-op");
        }
    }
}

/// Goal: a flipped bit in either copy of any of 200 originals is found within one cycle and
/// healed; where both copies are bad this is said, and nothing is overwritten.
#[test]
fn one_cycle_finds_and_heals_every_flipped_bit_of_200_originals() {
    const DAYS: u32 = CYCLE_DAYS_MAX;
    let (dir, vault) = mirrored_vault();
    let mut flipped: BTreeMap<Digest, [bool; 2]> = BTreeMap::new();
    for n in 0..200_u64 {
        let bytes: Vec<u8> = (0..1 + n * 37 % 5_000)
            .map(|i| ((i * n) >> 3) as u8 ^ i as u8)
            .collect();
        let digest = put(&vault, &bytes).digest();
        vault.mirror(&digest).unwrap();
        // One of the two, in turn; of every tenth both, and every tenth is let alone.
        let which = [n % 10 == 8 || n % 2 == 0, n % 10 == 8 || n % 2 == 1];
        let which = if n % 10 == 9 { [false; 2] } else { which };
        let bit = u64::from_be_bytes(digest.as_bytes()[8..16].try_into().unwrap());
        if which[0] {
            flip(&vault.object_path(&digest), bit);
        }
        if which[1] {
            flip(&mirror_of(&vault, &digest), bit.rotate_left(17));
        }
        assert_eq!(flipped.insert(digest, which), None);
    }
    let before = snapshot(dir.path());
    let mut looked_at = 0;
    for day in 20_000..20_000 + i64::from(DAYS) {
        for digest in slice_of(day, DAYS, flipped.keys().copied()) {
            looked_at += 1;
            let [original, mirror] = flipped[&digest];
            let copies = vault.copies(&digest).unwrap();
            assert_eq!(copies.original.is_sound(), !original, "{digest}");
            assert_eq!(copies.mirror.unwrap().is_sound(), !mirror, "{digest}");
            let repaired = vault.repair(&digest);
            match (original, mirror) {
                (false, false) => assert_eq!(repaired.unwrap(), Repaired::Nothing),
                (true, false) => assert!(matches!(repaired.unwrap(), Repaired::Original { .. })),
                (false, true) => assert!(matches!(repaired.unwrap(), Repaired::Mirror { .. })),
                (true, true) => {
                    let error = repaired.unwrap_err();
                    assert!(matches!(error, VaultError::BothBad { .. }), "{error}");
                    assert_eq!(error.kind(), ErrorKind::Integrity);
                }
            }
        }
    }
    assert_eq!(looked_at, 200);
    for (digest, which) in &flipped {
        let paths = [vault.object_path(digest), mirror_of(&vault, digest)];
        if *which == [true, true] {
            for path in paths {
                let below = path.strip_prefix(dir.path()).unwrap();
                assert_eq!(fs::read(&path).unwrap(), before[below].1, "{digest}");
            }
        } else {
            assert!(vault.copies(digest).unwrap().are_sound(), "{digest}");
        }
    }
    let aside = |of: &str| {
        fs::read_dir(dir.path().join(of).join("originals/.aside"))
            .unwrap()
            .count()
    };
    assert_eq!((aside("store"), aside("mirror")), (80, 80));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    /// Whatever the lines, and wherever the mirror's copy was cut: it is completed in one step;
    /// and where a byte of it is another, or it is longer, nothing is changed.
    #[test]
    fn a_mirrored_sidecar_is_completed_or_refused(
        lines in vec("[a-z]{1,12}", 1..8),
        at in any::<prop::sample::Index>(),
        torn in "[a-z]{0,5}",
    ) {
        let (_dir, vault) = mirrored_vault();
        let digest = put(&vault, b"x").digest();
        prop_assert_eq!(vault.mirror_sidecar(&digest).unwrap(), 0);
        let lines: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
        vault.append_sidecar_lines(&digest, 0, &lines).unwrap();
        let name = format!("{}.jsonl", digest.id());
        let own = vault.object_path(&digest).with_file_name(&name);
        let mirror = mirror_of(&vault, &digest).with_file_name(&name);
        let whole = fs::read(&own).unwrap();
        // A line that is being written is no line yet.
        fs::write(&own, [&whole[..], torn.as_bytes()].concat()).unwrap();

        prop_assert_eq!(vault.mirror_sidecar(&digest).unwrap(), lines.len() as u64);
        prop_assert_eq!(vault.mirror_sidecar(&digest).unwrap(), 0);
        prop_assert_eq!(&fs::read(&mirror).unwrap(), &whole);
        prop_assert_eq!(mirror.metadata().unwrap().permissions().mode() & 0o777, 0o600);

        let at = at.index(whole.len());
        let whole_lines = whole[..at].iter().filter(|b| **b == b'\n').count() as u64;
        fs::write(&mirror, &whole[..at]).unwrap();
        prop_assert_eq!(vault.mirror_sidecar(&digest).unwrap(), lines.len() as u64 - whole_lines);
        prop_assert_eq!(&fs::read(&mirror).unwrap(), &whole);

        let mut other = whole.clone();
        other[at] ^= 1;
        let longer = [&whole[..], b"more\n"].concat();
        for (bad, line) in [(other, whole_lines), (longer, lines.len() as u64)] {
            fs::write(&mirror, &bad).unwrap();
            let error = vault.mirror_sidecar(&digest).unwrap_err();
            prop_assert_eq!(error.kind(), ErrorKind::Integrity);
            prop_assert!(
                matches!(error, VaultError::MirrorSidecarDiffers { line: l, .. } if l == line),
                "{} where {}", error, line
            );
            prop_assert_eq!(&fs::read(&mirror).unwrap(), &bad);
        }
    }
}
