//! Personal data behind the seals: `ledger/details.jsonl`, one [`Detail`] a line, written and
//! synced before the event that refers to it. A line can be blanked in place without moving any
//! other, and is then an erased detail. It is authoritative and belongs to a backup of the ledger.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use crate::event::{Detail, Sealed};

/// The file of details, open for appending.
#[derive(Debug)]
pub(super) struct Details {
    file: File,
}

impl Details {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)?;
        // A line that was cut off belongs to no event: its event is written only after it is synced.
        let torn = torn_tail(&mut file)?;
        if torn > 0 {
            let len = file.metadata()?.len();
            file.set_len(len - torn)?;
            file.sync_all()?;
        }
        Ok(Self { file })
    }

    /// Appends and syncs.
    pub(super) fn append(&mut self, details: &[Detail]) -> io::Result<()> {
        if details.is_empty() {
            return Ok(());
        }
        let mut text = String::new();
        for detail in details {
            text.push_str(&detail.to_line());
            text.push('\n');
        }
        self.file.write_all(text.as_bytes())?;
        self.file.sync_data()
    }

    /// Appends so many blank lines and syncs: details that are lost count as erased.
    pub(super) fn blank(&mut self, lines: u64) -> io::Result<()> {
        for _ in 0..lines {
            self.file.write_all(b"\n")?;
        }
        self.file.sync_data()
    }

    /// How many lines were blanked: details that were erased on purpose.
    pub(super) fn erased(&mut self) -> io::Result<u64> {
        self.file.seek(SeekFrom::Start(0))?;
        let mut all = Vec::new();
        self.file.read_to_end(&mut all)?;
        let lines = all.split_inclusive(|b| *b == b'\n');
        let blank = lines.filter(|line| line.iter().all(u8::is_ascii_whitespace));
        Ok(blank.count() as u64)
    }

    /// All details that have not been erased, by their seals.
    pub(super) fn read_all(&mut self) -> io::Result<HashMap<Sealed, Vec<u8>>> {
        self.file.seek(SeekFrom::Start(0))?;
        let mut all = Vec::new();
        self.file.read_to_end(&mut all)?;
        let lines = all.split(|b| *b == b'\n').filter_map(Detail::from_line);
        Ok(lines.map(|d| (d.sealed(), d.text().to_vec())).collect())
    }
}

/// Bytes after the last line break.
fn torn_tail(file: &mut File) -> io::Result<u64> {
    let len = file.metadata()?.len();
    let mut tail = 0;
    let mut block = [0; 4_096];
    while tail < len {
        let step = (len - tail).min(block.len() as u64);
        file.seek(SeekFrom::Start(len - tail - step))?;
        let size = usize::try_from(step).unwrap_or(block.len());
        let part = &mut block[..size];
        file.read_exact(part)?;
        if let Some(i) = part.iter().rposition(|b| *b == b'\n') {
            return Ok(tail + (part.len() - 1 - i) as u64);
        }
        tail += step;
    }
    Ok(tail)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_line_cut_off_by_a_crash_is_dropped_and_the_rest_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("details.jsonl");
        let (a, b) = (
            Detail::seal(b"one").unwrap(),
            Detail::seal(&vec![7; 9_000]).unwrap(),
        );
        Details::open(&path)
            .unwrap()
            .append(&[a.clone(), b.clone()])
            .unwrap();
        OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(&[b'x'; 5_000])
            .unwrap();
        let mut again = Details::open(&path).unwrap();
        let c = Detail::seal(b"three").unwrap();
        again.append(std::slice::from_ref(&c)).unwrap();
        let all = again.read_all().unwrap();
        assert_eq!(all.len(), 3);
        for d in [a, b, c] {
            assert_eq!(all[&d.sealed()], d.text());
        }
    }
}
