//! Layer 4. An append-only file of lines, chained by hash. What a line means is not known here.
//!
//! ```text
//! ledger/events.jsonl   the lines
//! ledger/events.idx     40 bytes a line: where it ends, and the chain hash up to it; a cache
//! ```
//!
//! - h₀ is 32 zero bytes; hₙ = SHA-256(hₙ₋₁ ‖ SHA-256(lineₙ)), the line without its line end.
//! - A line is never changed. The only thing ever cut off is a line without its end, torn by a
//!   crash, and only when the caller says so.
//! - Whoever holds (n, hₙ) from elsewhere — the index does — can tell whether these are the lines
//!   of then: compare [`Ledger::head_at`], and [`Ledger::verify`] recomputes all of it from the
//!   lines alone.
//!
//! It fails by [`LedgerError`]. After a failed append it takes no more until it is opened again,
//! for how much of a line is on the disk is then unknown.

mod chain;
mod error;
mod lines;

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

pub use error::LedgerError;
pub use lines::Lines;

use crate::base::{Digest, durable, limits::EVENT_BYTES_MAX};
use chain::{ENTRY_BYTES, Entry, START, chained};

const LINES: &str = "events.jsonl";
const CHAIN: &str = "events.idx";
const MODE: u32 = 0o600;

/// The lines and their chain.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    lines: File,
    chain: File,
    len: u64,
    last: Entry,
    torn_bytes: u64,
    failed: bool,
}

impl Ledger {
    /// Starts an empty ledger in `dir`, which must exist.
    ///
    /// # Errors
    /// When there is one already, or as creating says.
    pub fn create(dir: &Path) -> Result<Self, LedgerError> {
        let path = dir.join(LINES);
        durable::create_new(&path, MODE, b"").map_err(|e| LedgerError::io("creating", &path, e))?;
        durable::sync_dir(dir).map_err(|e| LedgerError::fsync(dir, e))?;
        Self::open(dir)
    }

    /// Opens the ledger in `dir`. Lines that the chain file does not know yet are chained now;
    /// it is rebuilt from the lines where it does not fit them.
    ///
    /// # Errors
    /// As opening or reading says. A torn last line is no error: see [`Ledger::torn_bytes`].
    pub fn open(dir: &Path) -> Result<Self, LedgerError> {
        let path = dir.join(LINES);
        let lines = OpenOptions::new()
            .read(true)
            .append(true)
            .open(&path)
            .map_err(|e| LedgerError::io("opening", &path, e))?;
        let chain_path = dir.join(CHAIN);
        let chain = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(MODE)
            .open(&chain_path)
            .map_err(|e| LedgerError::io("opening", &chain_path, e))?;
        let mut ledger = Self {
            path,
            lines,
            chain,
            len: 0,
            last: START,
            torn_bytes: 0,
            failed: false,
        };
        ledger.trust_chain_where_it_fits()?;
        ledger.chain_the_rest()?;
        Ok(ledger)
    }

    /// How many whole lines there are.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are no lines.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The chain hash over all whole lines.
    #[must_use]
    pub const fn head(&self) -> Digest {
        self.last.head
    }

    /// The chain hash over the first `len` lines.
    ///
    /// # Errors
    /// [`LedgerError::Beyond`] when there are fewer.
    pub fn head_at(&self, len: u64) -> Result<Digest, LedgerError> {
        self.entry(len).map(|e| e.head)
    }

    /// Bytes of a line without its end behind the last whole one; a crash leaves such, and
    /// [`Ledger::cut_torn_line`] removes them.
    #[must_use]
    pub const fn torn_bytes(&self) -> u64 {
        self.torn_bytes
    }

    /// Cuts off a torn last line. For recovery, which knows the line whole from elsewhere.
    ///
    /// # Errors
    /// As cutting or fsync says.
    pub fn cut_torn_line(&mut self) -> Result<(), LedgerError> {
        if self.torn_bytes > 0 {
            self.lines
                .set_len(self.last.end)
                .map_err(|e| LedgerError::io("cutting", &self.path, e))?;
            self.lines
                .sync_all()
                .map_err(|e| LedgerError::fsync(&self.path, e))?;
            self.torn_bytes = 0;
        }
        Ok(())
    }

    /// Appends lines in one write; [`Ledger::sync`] makes them durable. Returns the new length.
    ///
    /// # Errors
    /// [`LedgerError::Line`] for a line that is empty, too long or holds a line end, before
    /// anything is written; [`LedgerError::Torn`] while there is a torn line.
    pub fn append(&mut self, lines: &[&[u8]]) -> Result<u64, LedgerError> {
        if self.failed {
            return Err(LedgerError::Failed {
                path: self.path.clone(),
            });
        }
        if self.torn_bytes > 0 {
            return Err(LedgerError::Torn {
                path: self.path.clone(),
                bytes: self.torn_bytes,
            });
        }
        let (mut text, mut entries, mut last) = (Vec::new(), Vec::new(), self.last);
        for (n, line) in (self.len..).zip(lines) {
            if line.is_empty() || line.len() > EVENT_BYTES_MAX || line.contains(&b'\n') {
                return Err(LedgerError::Line {
                    line: n,
                    bytes: line.len(),
                });
            }
            text.extend_from_slice(line);
            text.push(b'\n');
            last = last.after(line);
            entries.extend_from_slice(&last.to_bytes());
        }
        let len = self.len.saturating_add(lines.len() as u64);
        let write = || -> io::Result<()> {
            (&self.lines).write_all(&text)?;
            self.chain
                .write_all_at(&entries, self.len.saturating_mul(ENTRY_BYTES))
        };
        if let Err(e) = write() {
            self.failed = true;
            return Err(LedgerError::io("appending to", &self.path, e));
        }
        (self.len, self.last) = (len, last);
        Ok(len)
    }

    /// Makes every line appended so far durable. The chain file need not be: it can be made again.
    ///
    /// # Errors
    /// [`LedgerError::Fsync`]; nothing can be appended after it.
    pub fn sync(&mut self) -> Result<(), LedgerError> {
        self.lines.sync_data().map_err(|e| {
            self.failed = true;
            LedgerError::fsync(&self.path, e)
        })
    }

    /// Streams up to `limit` lines, from line number `from` (counted from 0).
    ///
    /// # Errors
    /// [`LedgerError::Beyond`] when `from` is greater than [`Ledger::len`].
    pub fn read(&self, from: u64, limit: u64) -> Result<Lines<'_>, LedgerError> {
        let begin = self.entry(from)?.end;
        let count = limit.min(self.len.saturating_sub(from));
        let end = self.entry(from.saturating_add(count))?.end;
        Ok(Lines::new(&self.lines, &self.path, from, begin..end))
    }

    /// Recomputes the chain from the lines and compares it with the one written down as they came.
    ///
    /// # Errors
    /// [`LedgerError::Broken`] names the first line that is not the one that was chained.
    pub fn verify(&self) -> Result<(), LedgerError> {
        let mut entry = START;
        let mut count = 0_u64;
        let entries = chain::read_all(&self.chain, self.len)
            .map_err(|e| LedgerError::io("reading", &self.path, e))?;
        let mut known = entries.chunks_exact(chain::ENTRY_LEN);
        for line in self.read(0, u64::MAX)? {
            let (n, line) = line?;
            entry = entry.after(&line);
            count = n.saturating_add(1);
            if known.next() != Some(entry.to_bytes().as_slice()) {
                return Err(LedgerError::Broken {
                    path: self.path.clone(),
                    line: n,
                });
            }
        }
        if count != self.len || entry != self.last {
            return Err(LedgerError::Broken {
                path: self.path.clone(),
                line: count,
            });
        }
        Ok(())
    }

    /// What is known of the first `len` lines.
    fn entry(&self, len: u64) -> Result<Entry, LedgerError> {
        if len == self.len {
            return Ok(self.last);
        }
        if len > self.len {
            return Err(LedgerError::Beyond {
                path: self.path.clone(),
                asked: len,
                len: self.len,
            });
        }
        Entry::read(&self.chain, len).map_err(|e| LedgerError::io("reading", &self.path, e))
    }

    /// Takes the chain as far as it goes, if its last entry that lies within the file really is
    /// the hash and the end of its line.
    fn trust_chain_where_it_fits(&mut self) -> Result<(), LedgerError> {
        let failed = |e| LedgerError::io("reading", &self.path, e);
        let file_bytes = self.lines.metadata().map_err(failed)?.len();
        let mut len = self.chain.metadata().map_err(failed)?.len() / ENTRY_BYTES;
        // Ends only grow, so the entries that lie within the file come first.
        let (mut low, mut high) = (0, len);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if Entry::read(&self.chain, middle).map_err(failed)?.end <= file_bytes {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        len = low;
        if len > 0 {
            let before = Entry::read(&self.chain, len - 1).map_err(failed)?;
            let last = Entry::read(&self.chain, len).map_err(failed)?;
            let bytes = last.end.checked_sub(before.end).filter(|n| *n > 1);
            if let Some(bytes) = bytes.filter(|n| *n <= EVENT_BYTES_MAX as u64 + 1) {
                let mut line = vec![0; usize::try_from(bytes).unwrap_or(0)];
                self.lines
                    .read_exact_at(&mut line, before.end)
                    .map_err(failed)?;
                let fits = line.pop() == Some(b'\n')
                    && !line.contains(&b'\n')
                    && chained(&before.head, &line) == last.head;
                if fits {
                    (self.len, self.last) = (len, last);
                }
            }
        }
        Ok(())
    }

    /// Chains the lines that the chain file does not know, and finds a torn one.
    fn chain_the_rest(&mut self) -> Result<(), LedgerError> {
        let file_bytes = self
            .lines
            .metadata()
            .map_err(|e| LedgerError::io("reading", &self.path, e))?
            .len();
        let (mut len, mut last) = (self.len, self.last);
        let mut entries = Vec::new();
        let mut rest = Lines::new(&self.lines, &self.path, len, last.end..file_bytes);
        for line in &mut rest {
            let (_, line) = line?;
            last = last.after(&line);
            len = len.saturating_add(1);
            entries.extend_from_slice(&last.to_bytes());
        }
        self.torn_bytes = rest.unfinished_bytes();
        let known = self.len.saturating_mul(ENTRY_BYTES);
        self.chain
            .set_len(known)
            .and_then(|()| self.chain.write_all_at(&entries, known))
            .map_err(|e| LedgerError::io("writing the chain of", &self.path, e))?;
        (self.len, self.last) = (len, last);
        Ok(())
    }
}

/// Whether there is a ledger in `dir`.
#[must_use]
pub fn exists(dir: &Path) -> bool {
    fs::symlink_metadata(dir.join(LINES)).is_ok()
}

#[cfg(test)]
mod tests;
