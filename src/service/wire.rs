//! Lines of JSON over a socket, bounded.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    os::{
        fd::AsRawFd,
        unix::net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

use crate::base::limits;

/// Name of the socket in the store's root.
pub(super) const SOCKET: &str = ".socket";

/// Writes one message.
pub(super) fn send<T: Serialize>(stream: &mut impl Write, message: &T) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    stream.write_all(&line)
}

/// Reads messages.
pub(super) struct Lines<R>(BufReader<R>);

impl<R: Read> Lines<R> {
    pub(super) fn new(stream: R) -> Self {
        Self(BufReader::new(stream))
    }

    /// The next message, or nothing at the end.
    pub(super) fn next<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        let mut line = Vec::new();
        let bound = limits::COMMAND_BYTES_MAX as u64;
        let read = self.0.by_ref().take(bound).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(None);
        }
        if line.last() != Some(&b'\n') {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a message was cut off or too long",
            ));
        }
        Ok(Some(serde_json::from_slice(&line)?))
    }
}

/// A socket's path may have 108 bytes, a store's path many more: the way through an open
/// descriptor of the folder is always short.
fn with_short_path<T>(root: &Path, f: impl FnOnce(PathBuf) -> io::Result<T>) -> io::Result<T> {
    let dir = std::fs::File::open(root)?;
    f(PathBuf::from(format!(
        "/proc/self/fd/{}/{SOCKET}",
        dir.as_raw_fd()
    )))
}

pub(super) fn connect(root: &Path) -> io::Result<UnixStream> {
    with_short_path(root, UnixStream::connect)
}

/// Binds the socket; whoever owns the store may replace a dead owner's.
pub(super) fn bind(root: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(root.join(SOCKET)) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    with_short_path(root, UnixListener::bind)
}
