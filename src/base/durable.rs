//! Files that are there after a power cut, or not at all. An error of fsync is fatal for the
//! operation and never retried: the kernel may have dropped the pages (Rebello et al., ATC 2020).

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// Makes the entries of a directory durable.
///
/// # Errors
/// As opening or fsync says.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Creates `path` with `mode`, writes and syncs it; its name is durable only after [`sync_dir`].
///
/// # Errors
/// `AlreadyExists` when there is such a file: nothing is ever overwritten.
pub fn create_new(path: &Path, mode: u32, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Replaces `path` by `bytes` in one step: readers see the old file or the new one, whole.
///
/// # Errors
/// As creating, fsync or renaming says; the old file is then untouched.
pub fn replace(path: &Path, mode: u32, bytes: &[u8]) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut temp = tempfile::Builder::new().prefix(".new-").tempfile_in(dir)?;
    temp.write_all(bytes)?;
    rustix::fs::fchmod(temp.as_file(), rustix::fs::Mode::from_raw_mode(mode))?;
    temp.as_file().sync_all()?;
    temp.persist(path).map_err(|e| e.error)?;
    sync_dir(dir)
}

/// Creates `dir` and its missing parents with `mode`, each durable in its parent.
///
/// # Errors
/// As creating or fsync says; an existing directory is fine.
pub fn create_dirs(dir: &Path, mode: u32) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    if let Some(parent) = dir.parent().filter(|p| !p.as_os_str().is_empty()) {
        create_dirs(parent, mode)?;
        match fs::DirBuilder::new().mode_of(mode).create(dir) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            other => other?,
        }
        return sync_dir(parent);
    }
    fs::create_dir(dir)
}

trait ModeOf {
    fn mode_of(&mut self, mode: u32) -> &mut Self;
}
impl ModeOf for fs::DirBuilder {
    fn mode_of(&mut self, mode: u32) -> &mut Self {
        std::os::unix::fs::DirBuilderExt::mode(self, mode)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn nothing_is_overwritten_unless_replaced_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a/b/c");
        create_dirs(file.parent().unwrap(), 0o700).unwrap();
        create_new(&file, 0o400, b"one").unwrap();
        let again = create_new(&file, 0o400, b"two").unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        replace(&file, 0o600, b"three").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"three");
        assert_eq!(
            fs::read_dir(file.parent().unwrap()).unwrap().count(),
            1,
            "no leftovers"
        );
    }
}
