//! Starting, watching and killing the process.

use std::{
    ffi::OsString,
    fs::File,
    io::{BufReader, Read, Write},
    os::{
        fd::{AsRawFd, BorrowedFd, OwnedFd},
        unix::process::{CommandExt, ExitStatusExt},
    },
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use command_fds::{CommandFdExt, FdMapping};
use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, Resource, Rlimit, Signal, kill_process_group, prlimit},
};
use serde::Serialize;
use tempfile::TempDir;

use super::{
    INPUT_FD, NICE, OUTPUT_FD, PARENT, READS, REGISTRY, SUBCOMMAND, WorkerFault,
    contain::{ADDRESSES_BEYOND, memory_bytes},
};
use crate::{
    media::protocol::{Message, ProtocolError, check_message, clean_text, read_line, write_line},
    recording::MediaInfo,
};

/// Bytes of a worker's standard error that are kept for a finding's text.
const STDERR_KEPT: usize = 4 * 1024;
/// Lines that wait for a slow parent.
const LINES_WAITING_MAX: usize = 64;

/// What the names of workers' folders begin with.
const SCRATCH: &str = "worker-";

/// How many times as long as the recording itself a worker may take, however much it moves: the
/// slowest preset on one core takes about a fifth of it.
pub const CEILING: u32 = 100;

/// The longest recording that a worker is believed to have before it.
const LENGTH_MAX: Duration = Duration::from_secs(48 * 3_600);

/// Bytes of a second that recorders write at least: speech at the lowest rate of AMR takes 600.
const BYTES_A_SECOND_MIN: u64 = 250;

/// How workers are started.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The binary that knows the hidden subcommand; usually this one.
    pub exe: PathBuf,
    /// A folder of our own for GStreamer's registry and temporary files; it must exist.
    pub cache: PathBuf,
    /// What workers may read beside the system's libraries: the band's font.
    pub reads: Vec<PathBuf>,
    /// Niceness, 0 to 19.
    pub nice: u8,
    /// How long a worker may move nothing.
    pub stall: Duration,
    /// How long it may take for whatever it does, beside [`CEILING`] times the length of the recording.
    pub floor: Duration,
    /// Set once the registry of plugins is what this machine has; copies share it.
    pub registry: Arc<OnceLock<()>>,
}

impl Launch {
    /// Workers out of `exe` with the sound defaults: niceness 5, half a minute of patience.
    #[must_use]
    pub fn new(exe: PathBuf, cache: PathBuf) -> Self {
        Self {
            exe,
            cache,
            nice: 5,
            stall: Duration::from_secs(30),
            floor: Duration::from_secs(600),
            reads: Vec::new(),
            registry: Arc::default(),
        }
    }

    /// Has the registry of plugins written by a worker that sees no recording: no other may, for what
    /// stands in it is loaded. Without it they look at every plugin themselves.
    fn write_registry(&self) {
        self.registry.get_or_init(|| {
            let none = Files::default();
            let _ = Worker::spawn(self, &none).and_then(|worker| worker.capabilities(Vec::new()));
        });
    }
}

/// The descriptors that a worker inherits; it gets no path.
#[derive(Debug, Default)]
pub struct Files<'a> {
    /// The file to read.
    pub input: Option<BorrowedFd<'a>>,
    /// An empty file to write.
    pub output: Option<BorrowedFd<'a>>,
}

/// Stops a worker from another thread.
#[derive(Clone, Debug)]
pub struct Killer {
    group: Pid,
    /// Set before the process is reaped, so that its number is never used for another's.
    gone: Arc<Mutex<bool>>,
    asked: Arc<AtomicBool>,
}

impl Killer {
    /// Kills the worker and whatever it started; nothing when it is already gone.
    pub fn kill(&self) {
        self.asked.store(true, Ordering::SeqCst);
        self.kill_group();
    }

    fn kill_group(&self) {
        let gone = self.gone.lock().unwrap_or_else(PoisonError::into_inner);
        if !*gone {
            let _ = kill_process_group(self.group, Signal::KILL);
        }
    }
}

/// One worker process.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    stdin: ChildStdin,
    lines: Receiver<Result<Message, ProtocolError>>,
    stderr: Option<JoinHandle<String>>,
    killer: Killer,
    stall: Duration,
    floor: Duration,
    begun: Instant,
    /// How long it says that the recording is, or how far it is.
    length: Duration,
    /// The longest that a recording of so many bytes is.
    length_max: Duration,
    greeted: bool,
    /// Its folder for what it must write elsewhere, gone with it.
    _scratch: TempDir,
}

impl Worker {
    /// Starts a worker on these files.
    ///
    /// The thread that calls this must live as long as the worker: the kernel kills the worker
    /// when that thread ends.
    ///
    /// # Errors
    /// [`WorkerFault::Spawn`].
    pub fn spawn(launch: &Launch, files: &Files<'_>) -> Result<Self, WorkerFault> {
        let sees_a_file = files.input.is_some();
        if sees_a_file {
            launch.write_registry();
        }
        let scratch = tempfile::Builder::new()
            .prefix(SCRATCH)
            .tempdir_in(&launch.cache)?;
        // A name with the separator in it cannot be passed on; reading it then fails and says so.
        let can_be_named = |path: &&PathBuf| !path.as_os_str().as_encoded_bytes().contains(&b':');
        let reads = std::env::join_paths(launch.reads.iter().filter(can_be_named));
        let reads = reads.map_err(std::io::Error::other)?;
        let mut command = Command::new(&launch.exe);
        command
            .arg(SUBCOMMAND)
            .env_clear()
            .envs(kept_environment())
            .env(
                "GST_REGISTRY_UPDATE",
                if sees_a_file { "no" } else { "yes" },
            )
            .env(READS, reads)
            .env("GST_REGISTRY_1_0", launch.cache.join(REGISTRY))
            // The scan would otherwise start `gst-plugin-scanner`, a second process per worker.
            .env("GST_REGISTRY_FORK", "no")
            .env("TMPDIR", scratch.path())
            // Otherwise it is looked up in the list of users.
            .env("HOME", scratch.path())
            // An encoder's dozens of threads would each keep a heap of their own.
            .env("MALLOC_ARENA_MAX", "2")
            // SVT-AV1 tells its settings to standard error unless it is told not to.
            .env("SVT_LOG", "1")
            .env("LC_ALL", "C.UTF-8")
            .env(NICE, launch.nice.to_string())
            .env(PARENT, std::process::id().to_string())
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mappings = [
            (files.input, INPUT_FD, false),
            (files.output, OUTPUT_FD, true),
        ];
        let mappings = mappings.map(|(fd, child_fd, writes)| {
            let parent_fd = descriptor_of_its_own(fd, writes)?;
            Ok(FdMapping {
                parent_fd,
                child_fd,
            })
        });
        let mappings = mappings.into_iter().collect::<std::io::Result<_>>()?;
        command
            .fd_mappings(mappings)
            .map_err(|e| std::io::Error::other(e.to_string()))?;
        let mut child = command.spawn()?;
        let missing = || std::io::Error::other("a pipe is missing");
        let stdin = child.stdin.take().ok_or_else(missing)?;
        let stdout = child.stdout.take().ok_or_else(missing)?;
        let stderr = child.stderr.take().ok_or_else(missing)?;
        let group = i32::try_from(child.id())
            .ok()
            .and_then(Pid::from_raw)
            .ok_or_else(missing)?;
        // A worker could fill its pipe itself, and its parent would wait for ever.
        rustix::io::ioctl_fionbio(&stdin, true).map_err(std::io::Error::from)?;
        let bytes = files
            .input
            .map_or(0, |fd| rustix::fs::fstat(fd).map_or(0, |s| s.st_size));
        let length_max = u64::try_from(bytes).unwrap_or(0) / BYTES_A_SECOND_MIN;
        let (tell, lines) = bounded(LINES_WAITING_MAX);
        // Ends with the pipe: when the worker does, or when nobody listens any more.
        thread::spawn(move || {
            let mut from = BufReader::new(stdout);
            loop {
                let line = match read_line::<Message>(&mut from) {
                    Ok(None) => return,
                    Ok(Some(m)) => check_message(&m).map(|()| m),
                    Err(e) => Err(e),
                };
                let last = line.is_err();
                if tell.send(line).is_err() || last {
                    return;
                }
            }
        });
        let stderr = thread::spawn(move || last_words(stderr));
        let killer = Killer {
            group,
            gone: Arc::default(),
            asked: Arc::default(),
        };
        Ok(Self {
            child,
            stdin,
            lines,
            stderr: Some(stderr),
            killer,
            stall: launch.stall,
            floor: launch.floor,
            begun: Instant::now(),
            length: Duration::ZERO,
            length_max: Duration::from_secs(length_max).min(LENGTH_MAX),
            greeted: false,
            _scratch: scratch,
        })
    }

    /// A handle that stops it from another thread.
    #[must_use]
    pub fn killer(&self) -> Killer {
        self.killer.clone()
    }

    /// Kills it.
    pub fn kill(&self) {
        self.killer.kill();
    }

    /// Bounds its memory by the pictures that it says it has.
    pub(super) fn bound_memory(&self, media: &MediaInfo) {
        let side = |n: Option<u32>| u64::from(n.unwrap_or(0));
        let tracks = media.tracks.iter();
        let pixels = tracks.map(|t| side(t.width).saturating_mul(side(t.height)));
        let most = memory_bytes(pixels.max().unwrap_or(0));
        for (resource, most) in [
            (Resource::Data, most),
            (Resource::As, most + ADDRESSES_BEYOND),
        ] {
            let limit = Rlimit {
                current: Some(most),
                maximum: Some(most),
            };
            // Where the kernel does not let us, the bound stands that it set itself.
            let _ = prlimit(Some(self.killer.group), resource, limit);
        }
    }

    pub(super) fn say(&mut self, what: &impl Serialize) -> Result<(), WorkerFault> {
        let mut patient = Patient {
            pipe: &mut self.stdin,
            patience: self.stall,
        };
        match write_line(&mut patient, what) {
            Ok(()) => Ok(()),
            Err(ProtocolError::Pipe(e)) if e.kind() == std::io::ErrorKind::TimedOut => {
                self.killer.kill_group();
                Err(WorkerFault::Talk("it listens to nobody".into()))
            }
            // A broken pipe is a worker that died; its exit status says more.
            Err(ProtocolError::Pipe(_)) => Err(self.bury()),
            Err(e) => Err(WorkerFault::Talk(e.to_string())),
        }
    }

    /// The next message.
    pub(super) fn hear(&mut self) -> Result<Message, WorkerFault> {
        match self.lines.recv_timeout(self.stall) {
            Ok(Ok(Message::Fault(f))) => Err(WorkerFault::Unable(f)),
            Ok(Ok(message)) => self.in_time(&message).map(|()| message),
            Ok(Err(e)) => {
                self.killer.kill_group();
                Err(WorkerFault::Talk(e.to_string()))
            }
            Err(RecvTimeoutError::Timeout) => {
                self.killer.kill_group();
                match self.bury() {
                    WorkerFault::Died { stderr, .. } => Err(WorkerFault::Stalled {
                        after: self.stall,
                        stderr,
                    }),
                    other => Err(other),
                }
            }
            Err(RecvTimeoutError::Disconnected) => Err(self.bury()),
        }
    }

    /// Whether it may go on. What it says of the recording's length is believed up to a bound.
    fn in_time(&mut self, message: &Message) -> Result<(), WorkerFault> {
        if matches!(message, Message::Hello { .. }) && std::mem::replace(&mut self.greeted, true) {
            self.killer.kill_group();
            return Err(WorkerFault::Talk("it said hello twice".into()));
        }
        if let Message::Progress(p) = message {
            let said = u64::try_from(p.duration_ms.max(p.position_ms)).unwrap_or(0);
            let said = Duration::from_millis(said).min(self.length_max);
            self.length = self.length.max(said);
        }
        let most = self
            .floor
            .saturating_add(self.length.saturating_mul(CEILING));
        if self.begun.elapsed() <= most {
            return Ok(());
        }
        self.killer.kill_group();
        Err(WorkerFault::Overdue(most))
    }

    /// The reason why it is gone.
    fn bury(&mut self) -> WorkerFault {
        // It closed its output, so it is ending; one that lingers is helped along.
        self.killer.kill_group_after(&mut self.child);
        // Before its number is free for another's.
        self.mark_gone();
        let how = match self.child.wait() {
            Ok(status) => match (status.signal(), status.code()) {
                (Some(signal), _) => format!("signal {signal}"),
                (None, Some(code)) => format!("exit code {code}"),
                (None, None) => "unknown".into(),
            },
            Err(e) => e.to_string(),
        };
        let stderr = self
            .stderr
            .take()
            .and_then(|t| t.join().ok())
            .unwrap_or_default();
        if self.killer.asked.load(Ordering::SeqCst) {
            return WorkerFault::Interrupted;
        }
        WorkerFault::Died { how, stderr }
    }

    fn mark_gone(&self) {
        *self
            .killer
            .gone
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = true;
    }
}

/// Writes to a pipe that may be full, for so long and no longer.
struct Patient<'a> {
    pipe: &'a mut ChildStdin,
    patience: Duration,
}

impl Write for Patient<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        loop {
            match self.pipe.write(bytes) {
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
                other => return other,
            }
            let patience = Timespec::try_from(self.patience).map_err(std::io::Error::other)?;
            let mut room = [PollFd::new(&*self.pipe, PollFlags::OUT)];
            if poll(&mut room, Some(&patience))? == 0 {
                return Err(std::io::ErrorKind::TimedOut.into());
            }
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.pipe.flush()
    }
}

/// What a worker gets as its descriptor: the same file opened once more, so that neither its place nor
/// its flags are the parent's, to be written only where that is its work; and nothing where there is no
/// file, so that none comes along from elsewhere.
fn descriptor_of_its_own(fd: Option<BorrowedFd<'_>>, writes: bool) -> std::io::Result<OwnedFd> {
    let Some(fd) = fd else {
        return Ok(File::open("/dev/null")?.into());
    };
    let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
    let opened = File::options().read(true).write(writes).open(path);
    // What may no longer be opened by its name is handed on as it is.
    opened
        .map(OwnedFd::from)
        .or_else(|_| fd.try_clone_to_owned())
}

impl Killer {
    /// Gives a process that is ending a moment to do so, then kills it.
    fn kill_group_after(&self, child: &mut Child) {
        for _ in 0..100 {
            if !matches!(child.try_wait_unreaped(), Some(false)) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        self.kill_group();
    }
}

trait Unreaped {
    /// Whether it has ended, without reaping it; none when that cannot be told.
    fn try_wait_unreaped(&mut self) -> Option<bool>;
}

impl Unreaped for Child {
    fn try_wait_unreaped(&mut self) -> Option<bool> {
        use rustix::process::{WaitId, WaitIdOptions, waitid};
        let pid = i32::try_from(self.id()).ok().and_then(Pid::from_raw)?;
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        waitid(WaitId::Pid(pid), options)
            .ok()
            .map(|status| status.is_some())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.killer.kill_group();
        self.mark_gone();
        let _ = self.child.wait();
    }
}

/// What of our own environment a worker may see.
fn kept_environment() -> impl Iterator<Item = (OsString, OsString)> {
    const KEPT: [&str; 6] = [
        "PATH",
        "GST_PLUGIN_PATH",
        "GST_PLUGIN_PATH_1_0",
        "GST_PLUGIN_SYSTEM_PATH_1_0",
        "LD_LIBRARY_PATH",
        "GST_DEBUG",
    ];
    std::env::vars_os().filter(|(name, _)| KEPT.iter().any(|k| name == k))
}

/// The end of what a worker wrote to its standard error, as one line.
fn last_words(mut from: impl Read) -> String {
    let mut kept: Vec<u8> = Vec::new();
    let mut chunk = [0; 1024];
    while let Ok(n) = from.read(&mut chunk) {
        if n == 0 {
            break;
        }
        kept.extend_from_slice(chunk.get(..n).unwrap_or(&[]));
        let excess = kept.len().saturating_sub(STDERR_KEPT);
        kept.drain(..excess);
    }
    let text = String::from_utf8_lossy(&kept);
    let lines: Vec<&str> = text.lines().rev().take(3).collect();
    clean_text(&lines.into_iter().rev().collect::<Vec<_>>().join(" "))
}
