//! Stage 1, scan and settle: what lies in the inbox, and which of it is finished.
//!
//! Links are not followed and nothing but regular files is taken: a link or a device in an inbox
//! is somebody's mistake or somebody's attack. Names are bytes. A file counts as finished when
//! neither its content nor its inode changed for the settle time, or when its sender says so by a
//! marker beside it (`a.mp4` + `a.mp4.done`). Everything else is left for the next night and said.

use std::{
    collections::HashSet,
    ffi::OsStr,
    fs::Metadata,
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::{FileTypeExt, MetadataExt},
    },
    path::{Path, PathBuf},
};

use walkdir::WalkDir;

use crate::base::{Moment, limits};

/// The folder below the inbox that holds what a night has released.
pub const RELEASED: &str = ".released";

/// How the inbox is read.
#[derive(Clone, Debug)]
pub struct ScanSettings {
    /// Milliseconds without a change after which a file counts as finished.
    pub settle_ms: i64,
    /// Suffix of the marker by which a sender says that a file is finished; empty for none.
    pub done_marker: String,
    /// Suffixes of files that are never taken, such as `.part`.
    pub ignore: Vec<String>,
}

/// A regular file of the inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it is.
    pub path: PathBuf,
    /// Path below the inbox, as bytes.
    pub name: Vec<u8>,
    /// Its size.
    pub bytes: u64,
    /// Its modification time in nanoseconds since 1970.
    pub modified_ns: i128,
    /// Its inode and the device that the inode is of.
    pub inode: (u64, u64),
}

impl Found {
    fn new(path: PathBuf, name: Vec<u8>, meta: &Metadata) -> Self {
        let modified_ns = i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec());
        Self {
            path,
            name,
            bytes: meta.len(),
            modified_ns,
            inode: (meta.dev(), meta.ino()),
        }
    }

    /// Its modification time.
    #[must_use]
    pub fn modified_at(&self) -> Moment {
        Moment::from_ms(i64::try_from(self.modified_ns.div_euclid(1_000_000)).unwrap_or(i64::MAX))
    }
}

/// What was not taken, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Path below the inbox, as bytes.
    pub name: Vec<u8>,
    /// Its size, where it has one.
    pub bytes: u64,
    /// Why, as a sentence.
    pub why: String,
    /// Whether the next night will look at it again by itself.
    pub tomorrow: bool,
}

/// What lies in the inbox.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// Finished files, the largest first: size is the best guess at length that nobody has to
    /// open a file for, and the longest recording first leaves the night no tail.
    pub ready: Vec<Found>,
    /// What was not taken.
    pub left: Vec<Left>,
}

/// Reads the inbox. Never fails as a whole: what cannot be read is in [`Scan::left`].
#[must_use]
pub fn scan(inbox: &Path, settings: &ScanSettings, now: Moment) -> Scan {
    let mut out = Scan::default();
    let mut seen = Vec::new();
    let mut markers = HashSet::new();
    let walk = WalkDir::new(inbox)
        .follow_links(false)
        .min_depth(1)
        .into_iter();
    let entries = walk.filter_entry(|e| !(e.depth() == 1 && e.file_name() == RELEASED));
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(e) => {
                let path = e.path().unwrap_or(inbox);
                out.left.push(left(
                    name_below(inbox, path),
                    0,
                    format!("it cannot be read: {}", plain(&e)),
                    true,
                ));
                continue;
            }
        };
        let name = name_below(inbox, entry.path());
        let meta = match entry.metadata() {
            Ok(meta) => meta,
            Err(e) => {
                out.left.push(left(
                    name,
                    0,
                    format!("it cannot be read: {}", plain(&e)),
                    true,
                ));
                continue;
            }
        };
        let kind = meta.file_type();
        if kind.is_dir() {
            continue;
        }
        if !kind.is_file() {
            let what = if kind.is_symlink() {
                "a link"
            } else if kind.is_fifo() {
                "a pipe"
            } else if kind.is_socket() {
                "a socket"
            } else {
                "a device"
            };
            out.left.push(left(
                name,
                0,
                format!("it is {what}, and only regular files are taken"),
                false,
            ));
        } else if name.len() > limits::NAME_BYTES_MAX {
            out.left
                .push(left(name, meta.len(), "its path is too long".into(), false));
        } else if is_marker(&name, &settings.done_marker) {
            markers.insert(name);
        } else if !settings
            .ignore
            .iter()
            .any(|s| !s.is_empty() && name.ends_with(s.as_bytes()))
        {
            let changed = changed_at(&meta, now);
            seen.push((Found::new(entry.into_path(), name, &meta), changed));
        }
    }
    for (found, changed) in seen {
        let quiet_ms = now.ms_since(changed);
        if quiet_ms >= settings.settle_ms
            || markers.contains(&marker_of(&found.name, &settings.done_marker))
        {
            out.ready.push(found);
        } else {
            let why = format!(
                "it changed {} s ago and may still be written",
                quiet_ms.max(0) / 1_000
            );
            out.left.push(left(found.name, found.bytes, why, true));
        }
    }
    out.ready
        .sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
    out.left.sort_by(|a, b| a.name.cmp(&b.name));
    out
}

/// The latest instant at which the file changed. The inode's change time is the kernel's own and
/// moves at every write; a modification time that a copying program set counts too, unless it
/// lies in the future, where it can tell nothing.
fn changed_at(meta: &Metadata, now: Moment) -> Moment {
    let ms =
        |s: i64, ns: i64| Moment::from_ms(s.saturating_mul(1_000).saturating_add(ns / 1_000_000));
    let changed = ms(meta.ctime(), meta.ctime_nsec());
    let modified = ms(meta.mtime(), meta.mtime_nsec());
    if modified > now {
        changed
    } else {
        changed.max(modified)
    }
}

fn left(name: Vec<u8>, bytes: u64, why: String, tomorrow: bool) -> Left {
    Left {
        name,
        bytes,
        why,
        tomorrow,
    }
}

fn is_marker(name: &[u8], suffix: &str) -> bool {
    !suffix.is_empty() && name.len() > suffix.len() && name.ends_with(suffix.as_bytes())
}

/// The name of the marker that would say that `name` is finished.
#[must_use]
pub fn marker_of(name: &[u8], suffix: &str) -> Vec<u8> {
    [name, suffix.as_bytes()].concat()
}

fn name_below(inbox: &Path, path: &Path) -> Vec<u8> {
    let below = path.strip_prefix(inbox).unwrap_or(path);
    below.as_os_str().to_os_string().into_vec()
}

/// The path of a name below the inbox.
#[must_use]
pub fn path_below(inbox: &Path, name: &[u8]) -> PathBuf {
    inbox.join(OsStr::from_bytes(name))
}

fn plain(e: &walkdir::Error) -> String {
    e.io_error()
        .map_or_else(|| e.to_string(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::base::{Clock, SystemClock};
    use std::{fs, os::unix::fs::symlink};

    fn settings() -> ScanSettings {
        ScanSettings {
            settle_ms: 120_000,
            done_marker: ".done".into(),
            ignore: vec![".part".into()],
        }
    }

    fn names(found: &[Found]) -> Vec<String> {
        found
            .iter()
            .map(|f| String::from_utf8_lossy(&f.name).into_owned())
            .collect()
    }

    #[test]
    fn only_finished_regular_files_are_taken_largest_first_and_the_rest_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let inbox = dir.path();
        fs::create_dir_all(inbox.join("dock 1/DCIM")).unwrap();
        fs::create_dir_all(inbox.join(".released/2026-01-01")).unwrap();
        for (name, bytes) in [
            ("dock 1/DCIM/a.mp4", 10),
            ("b.mp4", 30),
            ("c.mp4.part", 1),
            (".released/2026-01-01/old.mp4", 5),
        ] {
            fs::write(inbox.join(name), vec![0; bytes]).unwrap();
        }
        fs::write(inbox.join(OsStr::from_bytes(b"\xff.mp4")), [0; 20]).unwrap();
        symlink("/etc/passwd", inbox.join("link.mp4")).unwrap();
        let now = SystemClock.now();

        let young = scan(inbox, &settings(), now);
        assert_eq!(young.ready, []);
        assert_eq!(young.left.len(), 4);
        assert!(
            young.left.iter().any(|l| l.name == b"b.mp4"
                && l.tomorrow
                && l.why.contains("may still be written"))
        );

        let old = scan(inbox, &settings(), now.plus_ms(121_000));
        assert_eq!(
            names(&old.ready),
            ["b.mp4", "\u{fffd}.mp4", "dock 1/DCIM/a.mp4"]
        );
        assert_eq!(old.left.len(), 1);
        assert_eq!(
            old.left[0].why,
            "it is a link, and only regular files are taken"
        );
        assert!(!old.left[0].tomorrow);
    }

    #[test]
    fn a_marker_says_that_a_young_file_is_finished_and_is_no_recording_itself() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.mp4"), b"x").unwrap();
        fs::write(dir.path().join("a.mp4.done"), b"").unwrap();
        fs::write(dir.path().join("b.mp4"), b"x").unwrap();
        let out = scan(dir.path(), &settings(), SystemClock.now());
        assert_eq!(names(&out.ready), ["a.mp4"]);
        assert_eq!(out.left.len(), 1);
    }

    #[test]
    fn a_modification_time_in_the_future_does_not_hold_a_file_back_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.mp4");
        fs::write(&path, b"x").unwrap();
        let future =
            std::time::SystemTime::now() + std::time::Duration::from_secs(10 * 365 * 86_400);
        fs::File::open(&path).unwrap().set_modified(future).unwrap();
        let out = scan(dir.path(), &settings(), SystemClock.now().plus_ms(121_000));
        assert_eq!(names(&out.ready), ["a.mp4"]);
    }

    #[test]
    fn an_inbox_that_is_not_there_is_said_not_a_panic() {
        let out = scan(
            Path::new("/nonexistent/inbox"),
            &settings(),
            SystemClock.now(),
        );
        assert_eq!(out.left.len(), 1);
        assert!(
            out.left[0].why.starts_with("it cannot be read: "),
            "{}",
            out.left[0].why
        );
    }
}
