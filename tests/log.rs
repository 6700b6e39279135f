//! A log of made-up events in a folder of its own, for the tests of ledger, proofs and witness;
//! and every way to spoil one that the tests know.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use recvault::{
    base::Digest,
    ledger::{Ledger, LogKey, Verified, verify},
    proof::{Checkpoint, ProofFile, Verifier},
};
use tempfile::TempDir;

/// In memory where there is such a folder: what a disk would keep is not tried here.
pub fn folder() -> TempDir {
    let quick = tempfile::tempdir_in("/dev/shm");
    quick.or_else(|_| tempfile::tempdir()).unwrap()
}

/// A log, its key and its folder.
pub struct Log {
    pub dir: TempDir,
    pub key: LogKey,
    pub ledger: Ledger,
}

impl Log {
    pub fn new() -> Self {
        Self::of_key([7; 32])
    }

    pub fn of_key(seed: [u8; 32]) -> Self {
        let dir = folder();
        let origin = format!("recvault/{}", Digest::new([0xab; 32]));
        Self {
            key: LogKey::from_seed(&origin, &seed).unwrap(),
            ledger: Ledger::create(dir.path()).unwrap(),
            dir,
        }
    }

    /// With so many events, published at each of these lengths.
    pub fn published(lengths: &[u64]) -> Self {
        let mut log = Self::new();
        for length in lengths {
            log.grow(*length, line);
            log.ledger.publish(&log.key).unwrap();
        }
        log
    }

    /// Appends what `line` gives, up to this length.
    pub fn grow(&mut self, length: u64, line: impl Fn(u64) -> Vec<u8>) {
        let lines: Vec<Vec<u8>> = (self.ledger.len()..length).map(line).collect();
        let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
        self.ledger.append(&lines).unwrap();
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn verifier(&self) -> Verifier {
        self.key.verifier()
    }

    pub fn verified(&self) -> Verified {
        verify(self.path(), &self.verifier(), &|_| {}).unwrap()
    }

    pub fn checkpoint(&self) -> Checkpoint {
        let note = self.ledger.checkpoint().unwrap().unwrap();
        Checkpoint::signed_by(&note, &self.verifier()).unwrap()
    }

    /// The proof of one event under the checkpoint that is there.
    pub fn prove(&self, n: u64) -> ProofFile {
        let note = self.ledger.checkpoint().unwrap().unwrap();
        let size = self.checkpoint().size;
        ProofFile {
            extra: None,
            index: n,
            path: self.ledger.inclusion(n, size).unwrap().path,
            checkpoint: note,
        }
    }
}

/// An event that has about the length of a real one when `n` is large.
pub fn line(n: u64) -> Vec<u8> {
    format!("{{\"n\":{n},\"what\":\"{}\"}}", "x".repeat(n as usize % 7)).into_bytes()
}

/// Names and contents of all files below a folder.
pub type Files = BTreeMap<String, Vec<u8>>;

pub fn files_of(dir: &Path) -> Files {
    fn below(dir: &Path, root: &Path, out: &mut Files) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                below(&path, root, out);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap();
                out.insert(name.to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    let mut out = Files::new();
    below(dir, dir, &mut out);
    out
}

/// A folder with just these files, which differ little from those that lay there before.
pub struct Copy {
    dir: TempDir,
    have: Files,
}

impl Copy {
    pub fn new() -> Self {
        Self {
            dir: folder(),
            have: Files::new(),
        }
    }

    pub fn put(&mut self, files: &Files) -> PathBuf {
        for name in self.have.keys().filter(|n| !files.contains_key(*n)) {
            fs::remove_file(self.dir.path().join(name)).unwrap();
        }
        for (name, bytes) in files {
            if self.have.get(name) != Some(bytes) {
                let path = self.dir.path().join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                let _ = fs::remove_file(&path);
                fs::write(&path, bytes).unwrap();
            }
        }
        self.have.clone_from(files);
        self.dir.path().to_owned()
    }
}

/// The events of a bundle or tail.
pub fn events(bundle: &[u8]) -> Vec<Vec<u8>> {
    let (mut out, mut rest) = (Vec::new(), bundle);
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let (event, next) = after.split_at(u16::from_be_bytes(*length).into());
        out.push(event.to_vec());
        rest = next;
    }
    out
}

pub fn bundle(events: &[Vec<u8>]) -> Vec<u8> {
    let each = events.iter().flat_map(|e| {
        let length = (e.len() as u16).to_be_bytes();
        length.into_iter().chain(e.iter().copied())
    });
    each.collect()
}

/// A spoilt log: what was done to which file, and the files as they then are.
pub struct Spoilt {
    pub what: String,
    pub file: String,
    pub files: Files,
}

/// Every single change that the tests know, of a published log without events behind the
/// checkpoint: bits, lengths, whole files, whole events. Bits are flipped at every `stride`-th
/// byte of each file.
pub fn spoil(good: &Files, stride: usize) -> Vec<Spoilt> {
    let mut out = Vec::new();
    let mut add = |what: String, file: &str, change: &dyn Fn(&mut Files)| {
        let mut files = good.clone();
        change(&mut files);
        assert_ne!(&files, good, "{what} of {file}");
        let file = file.to_owned();
        out.push(Spoilt { what, file, files });
    };
    for (name, bytes) in good {
        let set =
            |to: Vec<u8>| move |files: &mut Files| drop(files.insert(name.clone(), to.clone()));
        for at in (0..bytes.len()).step_by(stride) {
            let mut to = bytes.clone();
            to[at] ^= 1 << (at % 8);
            add(format!("bit {} of byte {at}", at % 8), name, &set(to));
        }
        if !bytes.is_empty() {
            for cut in [0, bytes.len() / 2, bytes.len() - 1] {
                add(format!("cut at {cut}"), name, &set(bytes[..cut].to_vec()));
            }
        }
        for more in [b"\0".as_slice(), b"x", b"\n", &[0; 32], b"\0\x01x"] {
            add(
                format!("longer by {more:?}"),
                name,
                &set([bytes, more].concat()),
            );
        }
        if !bytes.is_empty() {
            add("gone".into(), name, &|files| drop(files.remove(name)));
        }
        for (other, others) in good.iter().filter(|(o, b)| *o > name && *b != bytes) {
            add(format!("exchanged with {other}"), name, &|files| {
                files.insert(name.clone(), others.clone());
                files.insert(other.clone(), bytes.clone());
            });
            add(format!("doubled over {other}"), name, &|files| {
                files.insert(other.clone(), bytes.clone());
            });
        }
        if name.contains("entries") || name == "tail" {
            let all = events(bytes);
            let last = all.len().saturating_sub(1);
            for n in [0, 1, last / 2, last] {
                if last < 2 {
                    continue;
                }
                let mut edit = |what: &str, change: &dyn Fn(&mut Vec<Vec<u8>>)| {
                    let mut events = all.clone();
                    change(&mut events);
                    if events != all {
                        add(format!("event {n} {what}"), name, &set(bundle(&events)));
                    }
                };
                edit("edited", &|e| e[n][1] ^= 2);
                edit("longer", &|e| e[n].push(b' '));
                edit("deleted", &|e| drop(e.remove(n)));
                edit("swapped with the next", &|e| {
                    e.swap(n, (n + 1) % (last + 1))
                });
                edit("replayed", &|e| e.insert(n, e[n].clone()));
                edit("replayed over the next", &|e| {
                    let next = (n + 1) % (last + 1);
                    e[next] = e[n].clone();
                });
            }
        }
    }
    for stranger in ["tile/0/005", "tile/entries/009", "tile/0/readme", "tile/x"] {
        add("added".into(), stranger, &|files| {
            files.insert(stranger.into(), good["tile/0/000"].clone());
        });
    }
    out
}
