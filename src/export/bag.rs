//! A BagIt 1.0 bag (RFC 8493) being filled: what is evidence lies under `data/` and in the manifest,
//! what explains and proves it beside that and in the tag manifest. Everything is durable before the
//! bag is called complete.

use std::{
    collections::BTreeMap,
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::{
        fd::AsRawFd,
        unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, fchown, lchown},
    },
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

use crate::{
    base::{Digest, durable},
    hashing::{copy_hashed, hash_file, sha256},
};

/// Who gets at a package. It is evidence, and lies in a folder of whoever asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rights {
    dir_mode: u32,
    file_mode: u32,
    /// To whom it is given, where we may give.
    owner: Option<u32>,
}

impl Rights {
    /// For the user `by` alone. Only where we are another user, and may not give it away, is it left
    /// to the folder around it who may read.
    #[must_use]
    pub fn of(by: u32) -> Self {
        let we = rustix::process::geteuid().as_raw();
        let alone = we == by || we == 0;
        Self {
            dir_mode: if alone { 0o700 } else { 0o755 },
            file_mode: if alone { 0o600 } else { 0o644 },
            owner: (we == 0 && by != 0).then_some(by),
        }
    }
}

const TAG_MANIFEST: &str = "tagmanifest-sha256.txt";

/// Folders of a bag.
const FOLDERS: [&str; 2] = ["data", "proof"];

/// Bytes of a tag manifest that is read: each of its lines has some hundred.
const TAG_MANIFEST_BYTES_MAX: u64 = 1024 * 1024;

/// A bag that is not complete yet.
#[derive(Debug)]
pub struct Bag {
    /// The folder as it was made: whoever owns the one around it may rename it meanwhile, or put
    /// something else in its place, and nothing is written there.
    pinned: File,
    /// The way through it.
    dir: PathBuf,
    rights: Rights,
    payload: BTreeMap<String, Digest>,
    tags: BTreeMap<String, Digest>,
    payload_bytes: u64,
}

impl Bag {
    /// An empty one in a folder that does not exist yet.
    ///
    /// # Errors
    /// As making it says.
    pub fn begin(dir: &Path, rights: Rights) -> io::Result<Self> {
        let mut make = DirBuilder::new();
        make.mode(rights.dir_mode);
        make.create(dir)?;
        let Some((pinned, dir)) = pin(dir)? else {
            return Err(io::Error::other("somebody put another folder in its place"));
        };
        make.create(dir.join("data"))?;
        make.create(dir.join("proof"))?;
        Ok(Self {
            pinned,
            dir,
            rights,
            payload: BTreeMap::new(),
            tags: BTreeMap::new(),
            payload_bytes: 0,
        })
    }

    /// Adds a copy of a file as evidence under `data/`; gives back its digest.
    ///
    /// # Errors
    /// As reading or writing says.
    pub fn add_payload(&mut self, name: &str, from: &File) -> io::Result<Digest> {
        let file = self.open_payload(name)?;
        let copied = copy_hashed(from, &file).map_err(io::Error::other)?;
        file.sync_all()?;
        self.take_in(name, copied.digest, copied.bytes);
        Ok(copied.digest)
    }

    /// An empty file under `data/` for somebody else to fill; [`Bag::filled`] takes it in.
    ///
    /// # Errors
    /// As making it says.
    pub fn open_payload(&self, name: &str) -> io::Result<File> {
        self.create(&format!("data/{name}"))
    }

    /// Takes in a file of [`Bag::open_payload`] as the disk has it now.
    ///
    /// # Errors
    /// As reading or syncing says.
    pub fn filled(&mut self, name: &str) -> io::Result<Digest> {
        let file = File::open(self.dir.join("data").join(name))?;
        file.sync_all()?;
        let hashed = hash_file(&file).map_err(io::Error::other)?;
        self.take_in(name, hashed.digest, hashed.bytes);
        Ok(hashed.digest)
    }

    /// Whether a file of this name is under `data/`.
    pub fn has_payload(&self, name: &str) -> bool {
        self.payload.contains_key(&format!("data/{name}"))
    }

    /// The file under `data/` of which the name begins so, as the manifest names it.
    pub fn payload_that_begins(&self, name: &str) -> Option<&str> {
        let begins = format!("data/{name}");
        let mut names = self.payload.keys();
        names
            .find(|name| name.starts_with(&begins))
            .map(String::as_str)
    }

    fn take_in(&mut self, name: &str, digest: Digest, bytes: u64) {
        self.payload_bytes = self.payload_bytes.saturating_add(bytes);
        self.payload.insert(format!("data/{name}"), digest);
    }

    /// Adds a file that explains or proves; `name` may begin with `proof/`.
    ///
    /// # Errors
    /// As writing says.
    pub fn add_tag(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.write(name, bytes)?;
        self.tags.insert(name.to_owned(), sha256(bytes));
        Ok(())
    }

    /// Writes the manifests and makes everything durable. `info` are the lines of `bag-info.txt`.
    ///
    /// # Errors
    /// As writing or syncing says.
    pub fn complete(mut self, info: &[(&str, String)]) -> io::Result<Complete> {
        let (bytes, files) = (self.payload_bytes, self.payload.len());
        let mut text: String = info
            .iter()
            .map(|(label, value)| format!("{label}: {value}\n"))
            .collect();
        text.push_str(&format!("Payload-Oxum: {bytes}.{files}\n"));
        self.add_tag("bag-info.txt", text.as_bytes())?;
        let declaration = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";
        self.add_tag("bagit.txt", declaration.as_bytes())?;
        self.add_tag("manifest-sha256.txt", &manifest(&self.payload))?;
        let tags = manifest(&self.tags);
        self.write(TAG_MANIFEST, &tags)?;
        for folder in FOLDERS {
            durable::sync_dir(&self.dir.join(folder))?;
        }
        self.pinned.sync_all()?;
        Ok(Complete {
            tag_manifest: sha256(&tags),
            bytes,
        })
    }

    fn create(&self, name: &str) -> io::Result<File> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(self.rights.file_mode)
            .open(self.dir.join(name))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.create(name)?;
        file.write_all(bytes)?;
        file.sync_all()
    }
}

/// A bag that is complete, and still ours.
#[derive(Clone, Copy, Debug)]
pub struct Complete {
    /// Digest of the tag manifest, on which everything else hangs.
    pub tag_manifest: Digest,
    /// Bytes of the evidence.
    pub bytes: u64,
}

/// A folder held open, and the way through that; nothing where it is not ours: whoever owns the one
/// around it may have put another in its place.
fn pin(dir: &Path) -> io::Result<Option<(File, PathBuf)>> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW;
    let pinned = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(dir)?;
    let ours = pinned.metadata()?.uid() == rustix::process::geteuid().as_raw();
    let way = PathBuf::from(format!("/proc/self/fd/{}", pinned.as_raw_fd()));
    Ok(ours.then_some((pinned, way)))
}

/// Gives a complete bag to whoever asked for it, where we may. One that is not ours any more was
/// given away before.
///
/// # Errors
/// As the system says.
pub fn give(dir: &Path, rights: Rights) -> io::Result<()> {
    let Some(owner) = rights.owner else {
        return Ok(());
    };
    let Some((pinned, way)) = pin(dir)? else {
        return Ok(());
    };
    for folder in ["data", "proof", ""] {
        for entry in std::fs::read_dir(way.join(folder))? {
            lchown(entry?.path(), Some(owner), None)?;
        }
    }
    fchown(&pinned, Some(owner), None)
}

/// As `sha256sum` writes and reads it.
fn manifest(files: &BTreeMap<String, Digest>) -> Vec<u8> {
    let line = |(name, digest): (&String, &Digest)| format!("{digest}  {name}\n");
    files.iter().map(line).collect::<String>().into_bytes()
}

/// The digest of a bag's tag manifest as it lies there.
///
/// # Errors
/// As reading says.
pub fn tag_manifest(dir: &Path) -> io::Result<Digest> {
    // In a folder of somebody else's: a pipe there must not hold us up, nor a link lead elsewhere.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(dir.join(TAG_MANIFEST))?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut bytes = Vec::new();
    file.take(TAG_MANIFEST_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(sha256(&bytes))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use super::*;

    #[test]
    fn a_bag_has_its_manifests_and_sha256sum_agrees() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("bag");
        let rights = Rights::of(rustix::process::geteuid().as_raw());
        let mut bag = Bag::begin(&dir, rights).unwrap();
        let source = dir.with_extension("source");
        fs::write(&source, "evidence").unwrap();
        let source = File::open(&source).unwrap();
        bag.add_payload("a.mp4", &source).unwrap();
        bag.open_payload("b.mp4")
            .unwrap()
            .write_all(b"more")
            .unwrap();
        bag.filled("b.mp4").unwrap();
        bag.add_tag("VERIFY.txt", b"how").unwrap();
        bag.add_tag("proof/request.txt", b"what").unwrap();
        let complete = bag
            .complete(&[("Source-Organization", "office".into())])
            .unwrap();
        assert_eq!(complete.bytes, 12);
        assert_eq!(tag_manifest(&dir).unwrap(), complete.tag_manifest);
        give(&dir, rights).unwrap();
        for manifest in ["manifest-sha256.txt", "tagmanifest-sha256.txt"] {
            let checked = std::process::Command::new("sha256sum")
                .args(["--strict", "--quiet", "-c", manifest])
                .current_dir(&dir)
                .status();
            assert!(checked.unwrap().success(), "{manifest}");
        }
        let info = fs::read_to_string(dir.join("bag-info.txt")).unwrap();
        assert_eq!(info, "Source-Organization: office\nPayload-Oxum: 12.2\n");
        assert_eq!(fs::metadata(&dir).unwrap().mode() & 0o777, 0o700);
        assert!(Bag::begin(&dir, rights).is_err(), "it is there already");
        let elsewhere = dir.with_extension("link");
        std::os::unix::fs::symlink("/tmp", &elsewhere).unwrap();
        assert!(
            Bag::begin(&elsewhere, rights).is_err(),
            "no way out of the folder"
        );
    }
}
