//! A BagIt 1.0 bag (RFC 8493) being filled: what is evidence lies under `data/` and in the manifest,
//! what explains and proves it beside that and in the tag manifest. Everything is durable before the
//! bag is called complete.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use crate::{
    base::{Digest, durable},
    hashing::{copy_hashed, hash_file, sha256},
};

/// Whoever the folder belongs to decides who gets at it.
const FILE_MODE: u32 = 0o644;
const DIR_MODE: u32 = 0o755;

const TAG_MANIFEST: &str = "tagmanifest-sha256.txt";

/// A bag that is not complete yet.
#[derive(Debug)]
pub struct Bag {
    dir: PathBuf,
    payload: BTreeMap<String, Digest>,
    tags: BTreeMap<String, Digest>,
    payload_bytes: u64,
}

impl Bag {
    /// An empty one in a folder that does not exist yet.
    ///
    /// # Errors
    /// As making it says.
    pub fn begin(dir: &Path) -> io::Result<Self> {
        durable::create_dirs(&dir.join("data"), DIR_MODE)?;
        durable::create_dirs(&dir.join("proof"), DIR_MODE)?;
        Ok(Self {
            dir: dir.to_owned(),
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
    /// Gives back the digest of the tag manifest, on which everything else hangs, and the bytes of
    /// the evidence.
    ///
    /// # Errors
    /// As writing or syncing says.
    pub fn complete(mut self, info: &[(&str, String)]) -> io::Result<(Digest, u64)> {
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
        for folder in ["data", "proof", ""] {
            durable::sync_dir(&self.dir.join(folder))?;
        }
        Ok((sha256(&tags), bytes))
    }

    fn create(&self, name: &str) -> io::Result<File> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(self.dir.join(name))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.create(name)?;
        file.write_all(bytes)?;
        file.sync_all()
    }
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
    Ok(sha256(&fs::read(dir.join(TAG_MANIFEST))?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_bag_has_its_manifests_and_sha256sum_agrees() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("bag");
        let mut bag = Bag::begin(&dir).unwrap();
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
        let (tags, bytes) = bag
            .complete(&[("Source-Organization", "office".into())])
            .unwrap();
        assert_eq!(bytes, 12);
        assert_eq!(tag_manifest(&dir).unwrap(), tags);
        for manifest in ["manifest-sha256.txt", "tagmanifest-sha256.txt"] {
            let checked = std::process::Command::new("sha256sum")
                .args(["--strict", "--quiet", "-c", manifest])
                .current_dir(&dir)
                .status();
            assert!(checked.unwrap().success(), "{manifest}");
        }
        let info = fs::read_to_string(dir.join("bag-info.txt")).unwrap();
        assert_eq!(info, "Source-Organization: office\nPayload-Oxum: 12.2\n");
        assert!(Bag::begin(&dir).is_ok_and(|bag| bag.open_payload("a.mp4").is_err()));
    }
}
