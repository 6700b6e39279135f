//! Owning a store: the lock, the socket, and a thread for everybody who asks.

use std::{
    fs::{File, TryLockError},
    io,
    os::unix::{
        fs::PermissionsExt,
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use super::{
    Executor, Failure,
    wire::{self, Lines, PROTOCOL, ToClient, ToOwner},
};
use crate::{
    base::ErrorKind,
    batch::{Interrupt, Stop},
    intake::{Progress, Watcher},
};

/// Clients served at once. A person waits at one terminal; this is room for an office.
const CLIENTS_MAX: usize = 64;

/// How long a client may take to say what it wants.
const COMMAND_WAIT: Duration = Duration::from_secs(10);

/// The lock on a store's root. The kernel drops it with the process, so a killed owner never
/// locks anybody out.
#[derive(Debug)]
pub struct Ownership {
    _root: File,
}

impl Ownership {
    /// Takes the lock; nothing when somebody else has it.
    ///
    /// # Errors
    /// When the root cannot be opened or locked at all.
    pub fn take(root: &Path) -> io::Result<Option<Self>> {
        let dir = File::open(root)?;
        match dir.try_lock() {
            Ok(()) => Ok(Some(Self { _root: dir })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(e)) => Err(e),
        }
    }
}

/// Answers on the store's socket until dropped; then waits for the answers under way.
pub(super) struct Listening {
    root: PathBuf,
    closing: Arc<AtomicBool>,
    open: Arc<AtomicUsize>,
    thread: Option<thread::JoinHandle<()>>,
    /// Whether the socket's file is ours to remove; systemd's is not.
    bound: bool,
}

/// One client more, for as long as it is served, however that ends: the owner waits for all of them.
struct Client(Arc<AtomicUsize>);

impl Client {
    fn come(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(open))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Listening {
    pub(super) fn start(root: &Path, executor: Arc<Executor>) -> io::Result<Self> {
        let listener = wire::bind(root)?;
        std::fs::set_permissions(
            root.join(wire::SOCKET),
            std::fs::Permissions::from_mode(0o660),
        )?;
        Ok(Self::on(root, listener, executor, true))
    }

    fn on(root: &Path, listener: UnixListener, executor: Arc<Executor>, bound: bool) -> Self {
        let closing = Arc::new(AtomicBool::new(false));
        let open = Arc::new(AtomicUsize::new(0));
        let (closed, count) = (Arc::clone(&closing), Arc::clone(&open));
        let accept = move || {
            for stream in listener.incoming() {
                if closed.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                let client = Client::come(&count);
                if count.load(Ordering::SeqCst) > CLIENTS_MAX {
                    continue;
                }
                let executor = Arc::clone(&executor);
                thread::spawn(move || {
                    let _client = client;
                    // One that goes away in the middle is its own loss.
                    let _ = answer(stream, &executor);
                });
            }
        };
        Self {
            root: root.to_owned(),
            closing,
            open,
            thread: Some(thread::spawn(accept)),
            bound,
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        // The accepting thread sits in accept(): one last connection wakes it.
        let _ = wire::connect(&self.root);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        if self.bound {
            let _ = std::fs::remove_file(self.root.join(wire::SOCKET));
        }
        while self.open.load(Ordering::SeqCst) > 0 {
            thread::sleep(Duration::from_millis(2));
        }
    }
}

fn answer(stream: UnixStream, executor: &Executor) -> io::Result<()> {
    let caller = rustix::net::sockopt::socket_peercred(&stream)?.uid.as_raw();
    stream.set_read_timeout(Some(COMMAND_WAIT))?;
    let mut lines = Lines::new(wire::Receiving::new(stream.try_clone()?));
    let command = match lines.next::<ToOwner>() {
        Ok(Some(ToOwner::Do(PROTOCOL, command))) => *command,
        Ok(Some(ToOwner::Do(other, _))) => {
            let text =
                format!("the owner of this store speaks protocol {PROTOCOL}, the client {other}");
            let failure =
                Failure::new(ErrorKind::Usage, text).hint("use the same recvault for both");
            return wire::send(&mut &stream, &ToClient::Failure(failure));
        }
        Ok(_) => return Ok(()),
        Err(e) => {
            let failure =
                Failure::new(ErrorKind::Usage, format!("the command cannot be read: {e}"));
            return wire::send(&mut &stream, &ToClient::Failure(failure));
        }
    };
    let folder = lines.get_mut().take_folder().map(File::from);
    stream.set_read_timeout(None)?;
    let interrupt = Interrupt::default();
    let asked = interrupt.clone();
    thread::spawn(move || {
        while let Ok(Some(ToOwner::Interrupt)) = lines.next() {
            asked.ask_more();
        }
    });
    let sending = Mutex::new(&stream);
    let said = executor.execute(command, folder, caller, &ToSocket(&sending), &interrupt);
    let last = match said {
        Ok(answer) => ToClient::Answer(Box::new(answer)),
        Err(failure) => ToClient::Failure(failure),
    };
    let mut stream = *sending.lock().unwrap_or_else(PoisonError::into_inner);
    wire::send(&mut stream, &last)?;
    stream.shutdown(std::net::Shutdown::Both)
}

/// A watcher at the other end of a socket. When it has gone away the night goes on without it.
struct ToSocket<'a>(&'a Mutex<&'a UnixStream>);

impl Watcher for ToSocket<'_> {
    fn note(&self, progress: &Progress) {
        let mut stream = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = wire::send(&mut stream, &ToClient::Progress(Box::new(progress.clone())));
    }

    fn link(&self, link: &str) {
        let mut stream = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = wire::send(&mut stream, &ToClient::Link(link.to_owned()));
    }

    fn is_there(&self) -> bool {
        let stream = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        wire::is_open(stream)
    }
}

/// Owns the store and answers on its socket until `interrupt` is asked.
///
/// # Errors
/// When somebody else owns the store, or it cannot be opened.
pub fn serve(root: &Path, interrupt: &Interrupt, ready: impl FnOnce()) -> Result<(), Failure> {
    let Some(ownership) = Ownership::take(root).map_err(|e| unopened(root, &e))? else {
        let text = format!("the store {} is owned by another process", root.display());
        return Err(Failure::new(ErrorKind::Busy, text)
            .hint("stop that one first, or use it: every command finds it by itself"));
    };
    let executor = Arc::new(Executor::open(root, ownership, interrupt.clone())?);
    // systemd may have bound the socket already and hold the first clients in its queue.
    let listening = match listenfd::ListenFd::from_env().take_unix_listener(0) {
        Ok(Some(listener)) => Listening::on(root, listener, Arc::clone(&executor), false),
        _ => Listening::start(root, Arc::clone(&executor)).map_err(|e| unopened(root, &e))?,
    };
    ready();
    while interrupt.asked() == Stop::No {
        thread::sleep(Duration::from_millis(50));
    }
    drop(listening);
    Ok(())
}

pub(super) fn unopened(root: &Path, e: &io::Error) -> Failure {
    let kind = if e.kind() == io::ErrorKind::NotFound {
        ErrorKind::Usage
    } else {
        ErrorKind::Fault
    };
    let hint = match e.kind() {
        io::ErrorKind::PermissionDenied => {
            "it is another user's: ask whoever runs it to let you into its group and to have recvault serve running"
        }
        _ => "name a store by --store or RECVAULT_STORE, or lay one out by 'recvault init DIR'",
    };
    Failure::new(
        kind,
        format!("the store {} cannot be opened: {e}", root.display()),
    )
    .hint(hint)
}
