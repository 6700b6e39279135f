//! What is removed is gone wherever it was, and nothing else is; and what lies in the vault is
//! told from what is known.

use std::collections::BTreeSet;

use proptest::{collection::vec, prelude::*};

use super::{
    keeping::{mirrored_vault, snapshot},
    *,
};
use crate::base::{Digest, ErrorKind, Explain};

fn rendition(vault: &Vault, bytes: &[u8], extension: &str) -> Digest {
    let output = vault.stage_output(sha256(bytes).id()).unwrap();
    output.file().write_all(bytes).unwrap();
    let linked = vault.publish_rendition(output, extension).unwrap();
    let digest = linked.published().digest();
    linked.committed();
    digest
}

/// Puts a bad copy of each aside, by healing it.
fn put_bad_copies_aside(vault: &Vault, bytes: &[u8], rendered: &[u8]) {
    spoil(&vault.object_path(&sha256(bytes)), b"bad");
    put(vault, bytes);
    spoil(&vault.mirror_path(&sha256(bytes)).unwrap(), b"bad too");
    vault.repair(&sha256(bytes)).unwrap();
    spoil(&vault.rendition_path(&sha256(rendered), "mkv"), b"bad");
    rendition(vault, rendered, "mkv");
}

/// Original, mirror, renditions, contact sheet and every copy put aside are gone; the sidecars
/// and everybody else's bytes are exactly as they were; asked again there is nothing to do.
#[test]
fn a_removal_takes_every_copy_and_nothing_else() {
    let (dir, vault) = mirrored_vault();
    let remain = |vault: &Vault| {
        let digest = put(vault, b"stays").digest();
        vault.mirror(&digest).unwrap();
        rendition(vault, b"its rendition", "mkv");
        vault.append_sidecar_lines(&digest, 0, &[b"{}"]).unwrap();
        vault.mirror_sidecar(&digest).unwrap();
        put_bad_copies_aside(vault, b"stays", b"its rendition");
    };
    remain(&vault);
    let digest = put(&vault, b"goes").digest();
    vault
        .append_sidecar_lines(&digest, 0, &[b"{\"n\":0}"])
        .unwrap();
    vault.mirror_sidecar(&digest).unwrap();
    let sidecars = [
        vault.object_path(&digest),
        vault.mirror_path(&digest).unwrap(),
    ]
    .map(|path| path.with_file_name(format!("{}.jsonl", digest.id())));
    vault.mirror(&digest).unwrap();
    let made = rendition(&vault, b"made of it", "mkv");
    let sheet = rendition(&vault, b"contact sheet", "jpg");
    put_bad_copies_aside(&vault, b"goes", b"made of it");
    let renditions = [(made, "mkv"), (sheet, "jpg")];

    let removed = vault
        .remove(Doomed::after_tombstone(digest), &renditions)
        .unwrap();
    let expected = Removed {
        original: true,
        mirror: true,
        renditions: 2,
        aside: 3,
        bytes: 4 + 4 + 10 + 13,
    };
    assert_eq!(removed, expected);
    let after = snapshot(dir.path());
    for (path, (_, bytes)) in &after {
        assert!(
            ![&b"goes"[..], b"made of it", b"contact sheet"].contains(&&bytes[..]),
            "{} is left",
            path.display()
        );
    }
    for sidecar in sidecars {
        assert_eq!(fs::read(sidecar).unwrap(), b"{\"n\":0}\n");
    }
    let again = vault.remove(Doomed::after_tombstone(digest), &renditions);
    assert_eq!(again.unwrap(), Removed::default());
    assert_eq!(snapshot(dir.path()), after, "nothing was left to do");

    // The same bytes of the one that stays, in a vault that never held the other.
    let (other_dir, other) = mirrored_vault();
    remain(&other);
    let files = |dir: &TempDir| -> BTreeSet<(PathBuf, Vec<u8>)> {
        let marks = [".store", ".mirror"];
        snapshot(dir.path())
            .into_iter()
            .filter(|(path, (mode, _))| {
                let name = path.file_name().unwrap();
                mode & 0o100_000 != 0 && !marks.iter().any(|mark| name == *mark)
            })
            .map(|(path, (_, bytes))| (path, bytes))
            .filter(|(path, _)| !path.ends_with(format!("{}.jsonl", digest.id())))
            .collect()
    };
    assert_eq!(files(&dir), files(&other_dir));
}

/// Of a recording that was never here, was never mirrored, or is here half, what there is goes.
#[test]
fn a_removal_takes_what_there_is() {
    let (_dir, vault) = mirrored_vault();
    let never = sha256(b"never here");
    let renditions = [(sha256(b"nor this"), "mkv")];
    let removed = vault.remove(Doomed::after_tombstone(never), &renditions);
    assert_eq!(removed.unwrap(), Removed::default());

    let digest = put(&vault, b"not mirrored").digest();
    let removed = vault.remove(Doomed::after_tombstone(digest), &[]).unwrap();
    assert_eq!((removed.original, removed.mirror), (true, false));

    let digest = put(&vault, b"mirror alone").digest();
    vault.mirror(&digest).unwrap();
    fs::remove_file(vault.object_path(&digest)).unwrap();
    let removed = vault.remove(Doomed::after_tombstone(digest), &[]).unwrap();
    assert_eq!((removed.original, removed.mirror), (false, true));

    // Bytes that came back after their disposal and were put aside go with the second one.
    vault
        .put_aside(vault.stage(&source(b"came back")).unwrap())
        .unwrap();
    let doomed = Doomed::after_tombstone(sha256(b"came back"));
    assert_eq!(vault.remove(doomed, &[]).unwrap().aside, 1);
}

/// What could not be completed is not begun.
#[test]
fn a_removal_that_cannot_be_completed_removes_nothing() {
    let (dir, vault) = mirrored_vault();
    let digest = put(&vault, b"x").digest();
    vault.mirror(&digest).unwrap();
    let before = snapshot(&dir.path().join("store"));
    let bad_name = vault.remove(Doomed::after_tombstone(digest), &[(digest, "../x")]);
    assert!(matches!(bad_name, Err(VaultError::Extension(_))));
    fs::rename(dir.path().join("mirror"), dir.path().join("away")).unwrap();
    let away = vault.remove(Doomed::after_tombstone(digest), &[]);
    assert!(matches!(away, Err(VaultError::MirrorAway(_))));
    assert_eq!(snapshot(&dir.path().join("store")), before);
}

fn strays(
    vault: &Vault,
    recordings: &[Known],
    renditions: &[(Digest, &str)],
) -> Result<Vec<Stray>, VaultError> {
    let mut all = Vec::new();
    let renditions = renditions.iter().map(|(d, e)| Ok((*d, (*e).to_owned())));
    vault.orphans(recordings.iter().copied().map(Ok), renditions, |stray| {
        all.push(stray);
    })?;
    Ok(all)
}

/// Everything that is not ours is named with its place and its sort, and so is what is missing.
#[test]
fn what_nothing_explains_and_what_is_missing_are_named() {
    let (dir, vault) = mirrored_vault();
    let digest = put(&vault, b"known").digest();
    vault.append_sidecar_lines(&digest, 0, &[b"{}"]).unwrap();
    vault.mirror(&digest).unwrap();
    vault.mirror_sidecar(&digest).unwrap();
    let made = rendition(&vault, b"made of it", "mkv");
    let known = Known {
        digest,
        original: true,
        mirrored: true,
    };
    assert_eq!(strays(&vault, &[known], &[(made, "mkv")]).unwrap(), []);

    // Not mirrored yet: may be there. Disposed of: must not, but for the sidecars.
    let not_yet = Known {
        mirrored: false,
        ..known
    };
    assert_eq!(strays(&vault, &[not_yet], &[(made, "mkv")]).unwrap(), []);
    let disposed = Known {
        original: false,
        ..not_yet
    };
    let left: Vec<_> = strays(&vault, &[disposed], &[(made, "mkv")])
        .unwrap()
        .into_iter()
        .map(|s| match s {
            Stray::Orphan(t) => (t.shelf, t.part, t.digest),
            Stray::Missing(t) => panic!("{t:?}"),
        })
        .collect();
    let object = |shelf| (shelf, Part::Object, Some(digest));
    assert_eq!(
        left,
        [object(ShelfName::Originals), object(ShelfName::Mirror)]
    );

    let hex = digest.to_string();
    let (a, b) = (&hex[..2], &hex[2..4]);
    let id = digest.id();
    let other_drawer = if b == "00" { "01" } else { "00" };
    use Part::{Foreign, Object, Sidecar, Staging};
    use ShelfName::{Mirror, Originals, Renditions};
    let planted = [
        (Originals, Foreign, "store/originals/notes.txt".to_owned()),
        (Originals, Foreign, "store/originals/AB/x".to_owned()),
        (Originals, Foreign, format!("store/originals/{a}/x")),
        (Originals, Foreign, format!("store/originals/{a}/{b}/x")),
        (
            Originals,
            Foreign,
            format!("store/originals/{a}/{b}/{hex}.mkv"),
        ),
        (
            Originals,
            Foreign,
            format!("store/originals/{a}/{other_drawer}/{hex}"),
        ),
        (
            Originals,
            Object,
            format!("store/originals/{a}/{b}/{}{}", &hex[..60], "0000"),
        ),
        (
            Originals,
            Sidecar,
            format!("store/originals/{a}/{b}/{}.jsonl", same_drawer(&id)),
        ),
        (
            Originals,
            Staging,
            "store/originals/.staging/00000077".to_owned(),
        ),
        (Mirror, Foreign, format!("mirror/originals/{a}/{b}/\u{7f}")),
        (
            Mirror,
            Object,
            format!("mirror/originals/{a}/{b}/{}{}", &hex[..60], "0000"),
        ),
        (
            Mirror,
            Staging,
            "mirror/originals/.staging/00000078".to_owned(),
        ),
        (Renditions, Foreign, "store/renditions/00/00/x".to_owned()),
        (Renditions, Object, rendition_path(&made, "mp4")),
        (Renditions, Foreign, rendition_path(&made, "MP4/x")),
        (
            Renditions,
            Staging,
            "store/renditions/.staging/00000079".to_owned(),
        ),
    ];
    for (shelf, part, path) in &planted {
        if path.contains("MP4") {
            continue;
        }
        let path = dir.path().join(path);
        let made_folders: Vec<_> = path
            .ancestors()
            .skip(1)
            .filter(|p| !p.exists())
            .map(Path::to_owned)
            .collect();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, b"?").unwrap();
        let found = strays(&vault, &[known], &[(made, "mkv")]).unwrap();
        let [Stray::Orphan(thing)] = &found[..] else {
            panic!("{path:?}: {found:?}")
        };
        assert_eq!((thing.shelf, thing.part), (*shelf, *part), "{path:?}");
        assert!(path.starts_with(&thing.path), "{path:?}: {thing:?}");
        assert!(
            !found[0].words().contains('\u{7f}'),
            "a terminal is not harmed"
        );
        fs::remove_file(&path).unwrap();
        for folder in made_folders {
            fs::remove_dir(folder).unwrap();
        }
    }

    let files = [
        (Originals, Object, vault.object_path(&digest)),
        (Mirror, Object, vault.mirror_path(&digest).unwrap()),
        (Renditions, Object, vault.rendition_path(&made, "mkv")),
        (
            Originals,
            Sidecar,
            vault
                .object_path(&digest)
                .with_file_name(format!("{id}.jsonl")),
        ),
        (
            Mirror,
            Sidecar,
            vault
                .mirror_path(&digest)
                .unwrap()
                .with_file_name(format!("{id}.jsonl")),
        ),
    ];
    for (shelf, part, path) in files {
        let away = dir.path().join("away");
        fs::rename(&path, &away).unwrap();
        let found = strays(&vault, &[known], &[(made, "mkv")]).unwrap();
        let [Stray::Missing(thing)] = &found[..] else {
            panic!("{path:?}: {found:?}")
        };
        assert_eq!((thing.shelf, thing.part), (shelf, part));
        assert_eq!(thing.path, path);
        fs::rename(&away, &path).unwrap();
    }
}

/// The id of another recording whose sidecar would lie in the same drawer.
fn same_drawer(id: &crate::base::RecordingId) -> crate::base::RecordingId {
    let mut bytes = *id.as_bytes();
    bytes[9] ^= 1;
    crate::base::RecordingId::new(bytes)
}

fn rendition_path(digest: &Digest, extension: &str) -> String {
    let hex = digest.to_string();
    format!(
        "store/renditions/{}/{}/{hex}.{extension}",
        &hex[..2],
        &hex[2..4]
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    /// Of any vault and any knowledge, exactly what one has and the other has not is named; and
    /// knowledge that is not in order is refused, so that it accuses nobody.
    #[test]
    fn strays_are_the_difference(lies in vec(any::<bool>(), 24), known in vec(any::<bool>(), 24)) {
        let (_dir, vault) = mirrored_vault();
        let mut all: Vec<Digest> = (0..24_u8).map(|n| sha256(&[n])).collect();
        all.sort_unstable();
        let bytes_of = |digest: &Digest| (0..24_u8).find(|n| sha256(&[*n]) == *digest).unwrap();
        let mut recordings = Vec::new();
        let mut orphans = BTreeSet::new();
        let mut missing = BTreeSet::new();
        for (n, digest) in all.iter().enumerate() {
            if lies[n] {
                put(&vault, &[bytes_of(digest)]);
                vault.append_sidecar_lines(digest, 0, &[b"{}"]).unwrap();
            }
            if known[n] {
                recordings.push(Known { digest: *digest, original: true, mirrored: false });
            }
            match (lies[n], known[n]) {
                (true, false) => orphans.insert(*digest),
                (false, true) => missing.insert(*digest),
                _ => true,
            };
        }
        let mut found = [BTreeSet::new(), BTreeSet::new()];
        let mut sidecars = [0, 0];
        for stray in strays(&vault, &recordings, &[]).unwrap() {
            let (which, thing) = match stray {
                Stray::Orphan(thing) => (0, thing),
                Stray::Missing(thing) => (1, thing),
            };
            prop_assert_eq!(thing.shelf, ShelfName::Originals);
            if thing.part == Part::Sidecar {
                sidecars[which] += 1;
            } else {
                prop_assert!(found[which].insert(thing.digest.unwrap()));
            }
        }
        prop_assert_eq!(sidecars, [orphans.len(), missing.len()]);
        prop_assert_eq!(found, [orphans, missing]);

        recordings.reverse();
        if recordings.len() > 1 {
            let error = strays(&vault, &recordings, &[]).unwrap_err();
            let disorder = matches!(error, VaultError::Disorder { .. });
            prop_assert!(disorder, "{}", error);
            prop_assert_eq!(error.kind(), ErrorKind::Defect);
        }
    }
}

/// An error of the list that is compared with comes out, and what follows accuses nobody.
#[test]
fn an_unreadable_row_ends_the_comparison() {
    let (_dir, vault) = mirrored_vault();
    put(&vault, b"x");
    let unreadable = VaultError::AsideFull {
        digest: sha256(b"row"),
        count: 0,
    };
    let mut said = 0;
    let result = vault.orphans([Err(unreadable)], [], |_| said += 1);
    assert!(matches!(result, Err(VaultError::AsideFull { .. })));
    assert_eq!(said, 0);
}
