//! Lines of JSON over a socket, bounded.

use std::{
    io::{self, BufRead, BufReader, IoSlice, IoSliceMut, Read, Write},
    mem::MaybeUninit,
    os::{
        fd::{AsRawFd, BorrowedFd, OwnedFd},
        unix::{
            fs::OpenOptionsExt,
            net::{UnixListener, UnixStream},
        },
    },
    path::{Path, PathBuf},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::OFlags,
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
        SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
    },
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Answer, Command, Failure};
use crate::{base::limits, intake::Progress};

/// Version of the protocol between client and owner.
pub(super) const PROTOCOL: u32 = 1;

/// What goes from a client to the owner, one line of JSON each.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ToOwner {
    /// The command; always first, once. The number is the protocol's version.
    Do(u32, Box<Command>),
    /// One step further towards stopping.
    Interrupt,
}

/// What comes back.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ToClient {
    /// How far the night is.
    Progress(Box<Progress>),
    /// The link to what this client alone may look at.
    Link(String),
    /// The end, well.
    Answer(Box<Answer>),
    /// The end, not well.
    Failure(Failure),
}

/// Name of the socket in the store's root.
pub(super) const SOCKET: &str = ".socket";

/// Writes one message, and with its first byte hands over a folder that we have opened.
pub(super) fn send_with<T: Serialize>(
    mut stream: &UnixStream,
    message: &T,
    folder: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let Some(folder) = folder else {
        return send(&mut stream, message);
    };
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    let folders = [folder];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&folders));
    let parts = [IoSlice::new(&line)];
    let sent = sendmsg(stream, &parts, &mut control, SendFlags::NOSIGNAL)?;
    stream.write_all(line.get(sent..).unwrap_or_default())
}

/// The reading end of a socket, which keeps a folder that comes with the bytes.
#[derive(Debug)]
pub(super) struct Receiving {
    stream: UnixStream,
    folder: Option<OwnedFd>,
}

impl Receiving {
    pub(super) const fn new(stream: UnixStream) -> Self {
        Self {
            stream,
            folder: None,
        }
    }
}

impl Read for Receiving {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut parts = [IoSliceMut::new(bytes)];
        let flags = RecvFlags::CMSG_CLOEXEC;
        let received = recvmsg(&self.stream, &mut parts, &mut control, flags)?;
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(folders) = message {
                // The first; whatever else somebody sends is closed again.
                self.folder = self.folder.take().or(folders.into_iter().next());
            }
        }
        Ok(received.bytes)
    }
}

/// Whether the other end is still there: a client closes its own only with its process.
pub(super) fn is_open(stream: &UnixStream) -> bool {
    let mut ends = [PollFd::new(stream, PollFlags::RDHUP)];
    let at_once = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let asked = poll(&mut ends, Some(&at_once));
    let gone = PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR;
    asked.is_err() || !ends.iter().any(|end| end.revents().intersects(gone))
}

/// Writes one message.
pub(super) fn send<T: Serialize>(stream: &mut impl Write, message: &T) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    stream.write_all(&line)
}

/// Reads messages.
pub(super) struct Lines<R>(BufReader<R>);

impl Receiving {
    /// The folder that came, once.
    pub(super) const fn take_folder(&mut self) -> Option<OwnedFd> {
        self.folder.take()
    }
}

impl<R: Read> Lines<R> {
    pub(super) fn new(stream: R) -> Self {
        Self(BufReader::new(stream))
    }

    /// What came with the messages so far.
    pub(super) fn get_mut(&mut self) -> &mut R {
        self.0.get_mut()
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
    // To pass the folder is enough: its clients need not read it, and so cannot hold its lock.
    let dir = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::PATH.bits().cast_signed())
        .open(root)?;
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
