//! That parts of a file are parts of one original, without the rest of it: hashes of what is not
//! disclosed stand in for it, up to the root over the original's chunks.
//!
//! ```text
//! recvault chunk proof v1
//! bytes 6093392
//! filler zero
//! chunks 0-1,9-12,23-24
//! <64 hex digits>
//! …
//! ```
//!
//! `chunks` are those disclosed, counted from 0 and in 256 KiB each, the end not included. The rest of
//! the file holds the filler. Each line below is the root over a stretch of leaves of which none is
//! disclosed: splitting the tree as RFC 6962 section 2.1 does, from the root down and the left half
//! first, every half without a disclosed chunk takes the next line.

use std::{fmt, fs::File, io, os::unix::fs::FileExt, str::FromStr};

use thiserror::Error;

use crate::base::{
    Digest,
    limits::CHUNK_BYTES,
    merkle::{leaf_hash, node_hash, split, tree_root},
};

const HEADER: &str = "recvault chunk proof v1";

/// Stretches of chunks that one proof discloses at most.
pub const STRETCHES_MAX: usize = 512;

/// A transport stream's packet of nothing: PID 0x1fff, ISO/IEC 13818-1 section 2.4.3.3.
const NULL_PACKET: [u8; 188] = {
    let mut packet = [0xff; 188];
    packet[0] = 0x47;
    packet[1] = 0x1f;
    packet[3] = 0x10;
    packet
};

/// A chunk proof does not prove what it should.
#[derive(Debug, Error)]
pub enum ChunkError {
    /// What is wrong.
    #[error("{0}")]
    Wrong(&'static str),
    /// The excerpt cannot be read.
    #[error("it cannot be read: {0}")]
    Read(io::Error),
}

/// What stands in the place of what is not disclosed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filler {
    /// Zeros, which a file system does not even store.
    Zero,
    /// Null packets from the file's beginning on: a reader of transport streams passes over them,
    /// where it would lose its way in zeros.
    NullPackets,
}

impl Filler {
    /// The word in the proof.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Zero => "zero",
            Self::NullPackets => "null-packets",
        }
    }

    /// What stands at this offset of the file.
    pub fn fill(self, offset: u64, bytes: &mut [u8]) {
        match self {
            Self::Zero => bytes.fill(0),
            Self::NullPackets => {
                let phase = usize::try_from(offset % NULL_PACKET.len() as u64).unwrap_or(0);
                let packets = NULL_PACKET.iter().cycle().skip(phase);
                for (byte, filler) in bytes.iter_mut().zip(packets) {
                    *byte = *filler;
                }
            }
        }
    }
}

/// The proof of one excerpt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkProof {
    bytes: u64,
    filler: Filler,
    /// Stretches of disclosed chunks, the ends not included; in order, none touching another.
    chunks: Vec<(u64, u64)>,
    hashes: Vec<Digest>,
}

impl ChunkProof {
    /// The proof for these stretches of an original, out of the hashes of all its chunks.
    ///
    /// # Errors
    /// [`ChunkError::Wrong`] when the stretches are not such as a proof may have.
    pub fn new(
        bytes: u64,
        filler: Filler,
        chunks: Vec<(u64, u64)>,
        leaves: &[Digest],
    ) -> Result<Self, ChunkError> {
        let mut proof = Self {
            bytes,
            filler,
            chunks,
            hashes: Vec::new(),
        };
        proof.check()?;
        if leaves.len() as u64 != proof.count() {
            return Err(ChunkError::Wrong("hashes of another number of chunks"));
        }
        let mut hashes = Vec::new();
        proof.hide(0, proof.count(), leaves, &mut hashes);
        proof.hashes = hashes;
        Ok(proof)
    }

    /// Bytes of the original, and of the excerpt.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What stands for what is not disclosed.
    #[must_use]
    pub const fn filler(&self) -> Filler {
        self.filler
    }

    /// Bytes that are disclosed.
    #[must_use]
    pub fn disclosed_bytes(&self) -> u64 {
        let stretch = |(begin, end): &(u64, u64)| self.place(*end) - self.place(*begin);
        self.chunks.iter().map(stretch).sum()
    }

    /// Stretches of bytes of the file: from, to, and whether they are disclosed.
    #[must_use]
    pub fn stretches(&self) -> Vec<(u64, u64, bool)> {
        let (mut out, mut at) = (Vec::new(), 0);
        for (begin, end) in &self.chunks {
            let (begin, end) = (self.place(*begin), self.place(*end));
            out.extend((at < begin).then_some((at, begin, false)));
            out.push((begin, end, true));
            at = end;
        }
        out.extend((at < self.bytes).then_some((at, self.bytes, false)));
        out
    }

    /// Whether the file is such an excerpt of the original with this root over its chunks, and
    /// holds nothing else. A root does not tell how many leaves are below it: that the original has
    /// [`ChunkProof::bytes`] the caller must know from where the root comes from.
    ///
    /// # Errors
    /// [`ChunkError::Wrong`] says what is wrong; [`ChunkError::Read`] that it cannot be read.
    pub fn verify(&self, file: &File, root: &Digest) -> Result<(), ChunkError> {
        let length = file.metadata().map_err(ChunkError::Read)?.len();
        if length != self.bytes {
            return Err(ChunkError::Wrong("the excerpt has another length"));
        }
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut filler = vec![0; CHUNK_BYTES];
        for (from, to, disclosed) in self.stretches() {
            let mut at = from;
            while at < to && !disclosed {
                let got = read(file, at, to, &mut chunk)?;
                let filler = filler.get_mut(..got.len()).unwrap_or_default();
                self.filler.fill(at, filler);
                if got != filler {
                    return Err(ChunkError::Wrong(
                        "something stands where nothing is disclosed",
                    ));
                }
                at += got.len() as u64;
            }
        }
        let mut hashes = self.hashes.iter();
        let mut leaf = |n: u64| {
            let (from, to) = (self.place(n), self.place(n + 1));
            Ok(leaf_hash(read(file, from, to, &mut chunk)?))
        };
        let found = self.join(0, self.count(), &mut hashes, &mut leaf)?;
        if hashes.next().is_some() {
            return Err(ChunkError::Wrong("there are more hashes than it takes"));
        }
        match found == *root {
            true => Ok(()),
            false => Err(ChunkError::Wrong("what is disclosed is not the original's")),
        }
    }

    fn check(&self) -> Result<(), ChunkError> {
        let count = self.count();
        let mut from = 0;
        for (n, (begin, end)) in self.chunks.iter().enumerate() {
            if begin >= end || *end > count || (n > 0 && *begin <= from) {
                return Err(ChunkError::Wrong("the chunks are not in their order"));
            }
            from = *end;
        }
        match self.chunks.len() {
            0 => Err(ChunkError::Wrong("nothing is disclosed")),
            n if n > STRETCHES_MAX => Err(ChunkError::Wrong("there are too many stretches")),
            _ => Ok(()),
        }
    }

    /// Chunks of the original.
    const fn count(&self) -> u64 {
        self.bytes.div_ceil(CHUNK_BYTES as u64)
    }

    /// Where a chunk begins in the file.
    fn place(&self, chunk: u64) -> u64 {
        chunk.saturating_mul(CHUNK_BYTES as u64).min(self.bytes)
    }

    /// Whether some chunk from `begin` to `end` is disclosed.
    fn shows(&self, begin: u64, end: u64) -> bool {
        let behind = self.chunks.partition_point(|(_, to)| *to <= begin);
        self.chunks.get(behind).is_some_and(|(from, _)| *from < end)
    }

    /// The hashes that stand in for what is hidden from `begin` to `end`.
    fn hide(&self, begin: u64, end: u64, leaves: &[Digest], out: &mut Vec<Digest>) {
        if !self.shows(begin, end) {
            let index = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
            let hidden = leaves.get(index(begin)..index(end));
            out.push(tree_root(hidden.unwrap_or_default()));
        } else if end - begin > 1 {
            let middle = begin + split(end - begin);
            self.hide(begin, middle, leaves, out);
            self.hide(middle, end, leaves, out);
        }
    }

    /// The root over what lies from `begin` to `end`.
    fn join(
        &self,
        begin: u64,
        end: u64,
        hashes: &mut std::slice::Iter<'_, Digest>,
        leaf: &mut dyn FnMut(u64) -> Result<Digest, ChunkError>,
    ) -> Result<Digest, ChunkError> {
        if !self.shows(begin, end) {
            let next = hashes.next().copied();
            return next.ok_or(ChunkError::Wrong("there are fewer hashes than it takes"));
        }
        if end - begin == 1 {
            return leaf(begin);
        }
        let middle = begin + split(end - begin);
        let left = self.join(begin, middle, hashes, leaf)?;
        Ok(node_hash(&left, &self.join(middle, end, hashes, leaf)?))
    }
}

/// The bytes of the file from `from` on, to `to` or as many as the buffer takes.
fn read<'a>(
    file: &File,
    from: u64,
    to: u64,
    buffer: &'a mut [u8],
) -> Result<&'a mut [u8], ChunkError> {
    let length = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
    let length = length.min(buffer.len());
    let buffer = buffer.get_mut(..length).unwrap_or_default();
    file.read_exact_at(buffer, from).map_err(ChunkError::Read)?;
    Ok(buffer)
}

impl fmt::Display for ChunkProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chunks = self.chunks.iter().map(|(from, to)| format!("{from}-{to}"));
        let chunks = chunks.collect::<Vec<_>>().join(",");
        writeln!(
            f,
            "{HEADER}\nbytes {}\nfiller {}\nchunks {chunks}",
            self.bytes,
            self.filler.word()
        )?;
        self.hashes
            .iter()
            .try_for_each(|hash| writeln!(f, "{hash}"))
    }
}

impl FromStr for ChunkProof {
    type Err = ChunkError;

    fn from_str(text: &str) -> Result<Self, ChunkError> {
        let no = || ChunkError::Wrong("it is no chunk proof");
        let mut lines = text.lines();
        let mut next = |name: &str| {
            let line = lines.next().ok_or_else(no)?;
            let value = line.strip_prefix(name).and_then(|v| v.strip_prefix(' '));
            value.ok_or_else(no)
        };
        let version = next("recvault")?;
        let bytes = next("bytes")?.parse().map_err(|_| no())?;
        let filler = match next("filler")? {
            word if word == Filler::Zero.word() => Filler::Zero,
            word if word == Filler::NullPackets.word() => Filler::NullPackets,
            _ => return Err(no()),
        };
        let stretch = |text: &str| {
            let (from, to) = text.split_once('-')?;
            Some((from.parse().ok()?, to.parse().ok()?))
        };
        let chunks: Option<Vec<(u64, u64)>> = next("chunks")?.split(',').map(stretch).collect();
        let hashes: Result<Vec<Digest>, _> = lines.map(str::parse).collect();
        let proof = Self {
            bytes,
            filler,
            chunks: chunks.ok_or_else(no)?,
            hashes: hashes.map_err(|_| no())?,
        };
        proof.check()?;
        // One text for one proof.
        match proof.to_string() == text && HEADER.ends_with(version) {
            true => Ok(proof),
            false => Err(no()),
        }
    }
}

#[cfg(test)]
mod tests;
