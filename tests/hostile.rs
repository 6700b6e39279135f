//! What a hostile worker tries: each of these would succeed where nothing holds it.

use std::{
    ffi::CString,
    fs::{self, File},
    io,
    net::TcpListener,
    os::{fd::AsRawFd, unix::ffi::OsStrExt, unix::net::UnixListener},
    path::PathBuf,
    process::Command,
    ptr::{null, null_mut},
};

use libc::c_long;

/// `F_SETSIG` of fcntl(2), which libc does not name.
const F_SETSIG: i32 = 10;

/// What a hostile worker is after: a secret beside the store, a process of another, listeners.
pub struct Prey {
    pub dir: PathBuf,
    pub victim: i32,
    pub port: u16,
}

impl Prey {
    fn path(&self, name: &str) -> CString {
        CString::new(self.dir.join(name).as_os_str().as_bytes()).unwrap()
    }
}

fn text(path: &str) -> CString {
    CString::new(path).unwrap()
}

pub fn done(result: c_long) -> io::Result<()> {
    match result {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// A call of the kernel.
macro_rules! call {
    ($number:ident $(, $argument:expr)*) => {
        // SAFETY: whatever it does to this process, it is there for nothing else.
        done(unsafe { libc::syscall(libc::$number $(, $argument)*) })
    };
}

fn open(path: &CString, flags: i32) -> io::Result<()> {
    call!(SYS_openat, libc::AT_FDCWD, path.as_ptr(), flags, 0o600)
}

pub type Action = (&'static str, fn(&Prey) -> io::Result<()>);

const READING: &[Action] = &[
    ("read a file beside the store", |p| {
        open(&p.path("secret"), libc::O_RDONLY)
    }),
    ("read it through the root of its parent", |p| {
        let parent = std::os::unix::process::parent_id();
        File::open(format!(
            "/proc/{parent}/root{}",
            p.dir.join("secret").display()
        ))
        .map(drop)
    }),
    ("read the list of users", |_| {
        File::open("/etc/passwd").map(drop)
    }),
    ("read the passwords", |_| {
        File::open("/etc/shadow").map(drop)
    }),
    ("read a service's settings", |_| {
        File::open("/etc/hosts").map(drop)
    }),
    ("list the root", |_| fs::read_dir("/").map(drop)),
    ("list the folder beside", |p| fs::read_dir(&p.dir).map(drop)),
    ("list home folders", |_| fs::read_dir("/home").map(drop)),
    ("list temporary files", |_| fs::read_dir("/tmp").map(drop)),
    ("read another's environment", |p| {
        File::open(format!("/proc/{}/environ", p.victim)).map(drop)
    }),
    ("read another's memory", |p| {
        File::open(format!("/proc/{}/mem", p.victim)).map(drop)
    }),
    ("look at a name by its handle", |p| {
        let mut handle = [0_u32; 34];
        handle[0] = 128;
        let mut mount = 0_i32;
        call!(
            SYS_name_to_handle_at,
            libc::AT_FDCWD,
            p.path("secret").as_ptr(),
            handle.as_mut_ptr(),
            &raw mut mount,
            0
        )
    }),
    ("watch a folder", |_| call!(SYS_inotify_init1, 0)),
    ("watch a file system", |_| call!(SYS_fanotify_init, 0, 0)),
];

const WRITING: &[Action] = &[
    ("write a file beside the store", |p| {
        open(&p.path("secret"), libc::O_WRONLY)
    }),
    ("open it to neither read nor write", |p| {
        open(&p.path("secret"), libc::O_ACCMODE)
    }),
    ("wake a device", |_| {
        open(&text("/dev/ptmx"), libc::O_ACCMODE)
    }),
    ("make a folder in its own", |p| {
        fs::create_dir(p.dir.join("scratch/nest"))
    }),
    ("append to it", |p| {
        open(&p.path("secret"), libc::O_WRONLY | libc::O_APPEND)
    }),
    ("empty it", |p| {
        open(&p.path("secret"), libc::O_RDWR | libc::O_TRUNC)
    }),
    ("write the recording", |_| {
        open(&text("/proc/self/fd/3"), libc::O_RDWR)
    }),
    ("empty the recording by opening it to read", |_| {
        open(&text("/proc/self/fd/3"), libc::O_RDONLY | libc::O_TRUNC)
    }),
    ("empty the recording by its name", |p| {
        call!(SYS_truncate, p.path("recording").as_ptr(), 0)
    }),
    ("empty a file by its name", |p| {
        call!(SYS_truncate, p.path("secret").as_ptr(), 0)
    }),
    ("make a file", |p| {
        open(
            &p.path("new"),
            libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL,
        )
    }),
    ("make a nameless file", |p| {
        open(&p.path(""), libc::O_WRONLY | libc::O_TMPFILE)
    }),
    ("make a folder", |p| fs::create_dir(p.dir.join("made"))),
    ("remove a file", |p| fs::remove_file(p.dir.join("secret"))),
    ("remove a folder", |p| fs::remove_dir(p.dir.join("empty"))),
    ("rename a file", |p| {
        fs::rename(p.dir.join("secret"), p.dir.join("other"))
    }),
    ("exchange two files", |p| {
        call!(
            SYS_renameat2,
            libc::AT_FDCWD,
            p.path("secret").as_ptr(),
            libc::AT_FDCWD,
            p.path("recording").as_ptr(),
            libc::RENAME_EXCHANGE
        )
    }),
    ("link a file", |p| {
        fs::hard_link(p.dir.join("secret"), p.dir.join("linked"))
    }),
    ("link it into its own folder", |p| {
        fs::hard_link(p.dir.join("secret"), p.dir.join("scratch/linked"))
    }),
    ("leave a symbolic link", |p| {
        std::os::unix::fs::symlink("secret", p.dir.join("soft"))
    }),
    ("make a pipe with a name", |p| {
        call!(
            SYS_mknodat,
            libc::AT_FDCWD,
            p.path("pipe").as_ptr(),
            libc::S_IFIFO | 0o600,
            0
        )
    }),
    ("make a device in its own folder", |p| {
        call!(
            SYS_mknodat,
            libc::AT_FDCWD,
            p.path("scratch/disk").as_ptr(),
            libc::S_IFBLK | 0o600,
            0x700
        )
    }),
    ("let others read a file", |p| {
        call!(
            SYS_fchmodat,
            libc::AT_FDCWD,
            p.path("secret").as_ptr(),
            0o777
        )
    }),
    ("let others write the recording", |_| {
        call!(SYS_fchmod, 3, 0o777)
    }),
    ("give a file away", |p| {
        call!(
            SYS_fchownat,
            libc::AT_FDCWD,
            p.path("secret").as_ptr(),
            1,
            1,
            0
        )
    }),
    ("give the recording away", |_| call!(SYS_fchown, 3, 1, 1)),
    ("date the recording back", |_| {
        call!(SYS_utimensat, 3, null::<u8>(), null::<libc::timespec>(), 0)
    }),
    ("date a file back", |p| {
        call!(
            SYS_utimensat,
            libc::AT_FDCWD,
            p.path("secret").as_ptr(),
            null::<libc::timespec>(),
            0
        )
    }),
    ("mark a file", |p| {
        call!(
            SYS_setxattr,
            p.path("secret").as_ptr(),
            c"user.a".as_ptr(),
            c"b".as_ptr(),
            1,
            0
        )
    }),
    ("mark the recording", |_| {
        call!(SYS_fsetxattr, 3, c"user.a".as_ptr(), c"b".as_ptr(), 1, 0)
    }),
    ("write a file of two tebibytes", |p| {
        let file = File::create(p.dir.join("scratch/huge"))?;
        file.set_len(2 << 40)
    }),
];

const PLACES: &[Action] = &[
    ("go elsewhere", |_| std::env::set_current_dir("/")),
    ("call another folder the root", |p| {
        call!(SYS_chroot, p.path("").as_ptr())
    }),
    ("mount", |p| {
        call!(
            SYS_mount,
            c"a".as_ptr(),
            p.path("empty").as_ptr(),
            c"tmpfs".as_ptr(),
            0,
            null::<u8>()
        )
    }),
    ("open a file system", |_| {
        call!(SYS_fsopen, c"tmpfs".as_ptr(), 0)
    }),
    ("copy a tree of mounts", |p| {
        call!(SYS_open_tree, libc::AT_FDCWD, p.path("").as_ptr(), 1)
    }),
    ("see other mounts", |_| {
        call!(SYS_unshare, libc::CLONE_NEWNS)
    }),
    ("see other processes", |_| {
        call!(SYS_unshare, libc::CLONE_NEWPID)
    }),
    ("see another network", |_| {
        call!(SYS_unshare, libc::CLONE_NEWNET)
    }),
    ("name the machine in a space of its own", |_| {
        call!(SYS_unshare, libc::CLONE_NEWUTS)
    }),
    ("join another's space", |p| {
        let file = File::open(format!("/proc/{}/ns/mnt", p.victim))?;
        call!(SYS_setns, file.as_raw_fd(), 0)
    }),
    ("swap its personality", |_| {
        call!(SYS_personality, 0x0040_0000)
    }),
];

const PROCESSES: &[Action] = &[
    ("become two", |_| {
        // SAFETY: the child ends at once.
        match unsafe { libc::fork() } {
            -1 => Err(io::Error::last_os_error()),
            // SAFETY: it is the child, which nobody waits for.
            0 => unsafe { libc::_exit(0) },
            _ => Ok(()),
        }
    }),
    ("become two by the newer call", |_| {
        let mut arguments = [0_u64; 8];
        arguments[4] = libc::SIGCHLD as u64;
        // SAFETY: the child ends at once.
        match unsafe { libc::syscall(libc::SYS_clone3, arguments.as_mut_ptr(), 64) } {
            -1 => Err(io::Error::last_os_error()),
            // SAFETY: it is the child, which nobody waits for.
            0 => unsafe { libc::_exit(0) },
            _ => Ok(()),
        }
    }),
    ("start a program", |_| {
        Command::new("/bin/true").status().map(drop)
    }),
    ("become another program", |_| {
        let arguments = [c"true".as_ptr(), null()];
        call!(
            SYS_execve,
            c"/bin/true".as_ptr(),
            arguments.as_ptr(),
            null::<*const u8>()
        )
    }),
    ("become another program by descriptor", |_| {
        let arguments = [c"true".as_ptr(), null()];
        call!(
            SYS_execveat,
            libc::AT_FDCWD,
            c"/bin/true".as_ptr(),
            arguments.as_ptr(),
            null::<*const u8>(),
            0
        )
    }),
    ("signal another process", |p| {
        call!(SYS_kill, p.victim, libc::SIGCONT)
    }),
    ("signal its parent", |_| {
        call!(
            SYS_kill,
            std::os::unix::process::parent_id() as i32,
            libc::SIGCONT
        )
    }),
    ("signal a thread of another", |p| {
        call!(SYS_tgkill, p.victim, p.victim, libc::SIGCONT)
    }),
    ("queue a signal", |p| {
        call!(SYS_tkill, p.victim, libc::SIGCONT)
    }),
    ("hold another process", |p| {
        call!(SYS_pidfd_open, p.victim, 0)
    }),
    ("trace another process", |p| {
        call!(
            SYS_ptrace,
            libc::PTRACE_SEIZE,
            p.victim,
            null_mut::<u8>(),
            null_mut::<u8>()
        )
    }),
    ("read another's memory by call", |p| {
        let mut byte = 0_u8;
        let here = libc::iovec {
            iov_base: (&raw mut byte).cast(),
            iov_len: 0,
        };
        call!(
            SYS_process_vm_readv,
            p.victim,
            &raw const here,
            1,
            &raw const here,
            1,
            0
        )
    }),
    ("slow another process", |p| {
        call!(SYS_setpriority, libc::PRIO_PROCESS, p.victim, 19)
    }),
    ("move another to a core", |p| {
        let cores = [1_u64; 16];
        call!(SYS_sched_setaffinity, p.victim, 128, cores.as_ptr())
    }),
    ("make another wait for the disk", |p| {
        call!(SYS_ioprio_set, 1, p.victim, 3 << 13)
    }),
    ("bound another", |p| {
        let limit = [1_u64 << 40; 2];
        call!(
            SYS_prlimit64,
            p.victim,
            libc::RLIMIT_CPU,
            limit.as_ptr(),
            null_mut::<u8>()
        )
    }),
    ("compare with another", |p| {
        call!(SYS_kcmp, std::process::id(), p.victim, 1, 0, 0)
    }),
    ("leave its session", |_| call!(SYS_setsid)),
    ("leave its group", |_| call!(SYS_setpgid, 0, 0)),
    ("outlive its parent", |_| {
        call!(SYS_prctl, libc::PR_SET_PDEATHSIG, 0)
    }),
    ("widen its own bounds", |_| {
        let limit = [100_u64; 2];
        call!(
            SYS_prlimit64,
            0,
            libc::RLIMIT_CORE,
            limit.as_ptr(),
            null_mut::<u8>()
        )
    }),
    ("become nobody", |_| call!(SYS_setuid, 65_534)),
    ("change its groups", |_| {
        call!(SYS_setgroups, 0, null::<u8>())
    }),
    ("take ten thousand descriptors", |_| {
        let all: io::Result<Vec<File>> = (0..900).map(|_| File::open("/dev/null")).collect();
        all.map(drop)
    }),
    ("take a tebibyte of memory", |_| {
        let (protection, flags) = (
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
        );
        // SAFETY: a mapping of nothing, which nobody uses.
        let place = unsafe { libc::mmap(null_mut(), 1 << 40, protection, flags, -1, 0) };
        done(place as c_long)
    }),
];

const TALKING: &[Action] = &[
    ("open a socket", |_| {
        call!(SYS_socket, libc::AF_INET, libc::SOCK_STREAM, 0)
    }),
    ("open one of the newer net", |_| {
        call!(SYS_socket, libc::AF_INET6, libc::SOCK_STREAM, 0)
    }),
    ("open one for datagrams", |_| {
        call!(SYS_socket, libc::AF_INET, libc::SOCK_DGRAM, 0)
    }),
    ("open a raw one", |_| {
        call!(SYS_socket, libc::AF_INET, libc::SOCK_RAW, 1)
    }),
    ("talk to the kernel", |_| {
        call!(SYS_socket, libc::AF_NETLINK, libc::SOCK_RAW, 0)
    }),
    ("connect", |p| {
        std::net::TcpStream::connect(("127.0.0.1", p.port)).map(drop)
    }),
    ("listen", |_| TcpListener::bind("127.0.0.1:0").map(drop)),
    ("ask the store", |p| {
        std::os::unix::net::UnixStream::connect(p.dir.join("socket")).map(drop)
    }),
    ("listen beside the store", |p| {
        UnixListener::bind(p.dir.join("listener")).map(drop)
    }),
    ("share memory", |_| call!(SYS_shmget, 0, 4_096, 0o1600)),
    ("open a queue of messages", |_| call!(SYS_msgget, 0, 0o1600)),
    ("open a semaphore", |_| call!(SYS_semget, 0, 1, 0o1600)),
    ("keep a file in memory alone", |_| {
        call!(SYS_memfd_create, c"a".as_ptr(), 0)
    }),
    ("keep a key", |_| {
        call!(
            SYS_add_key,
            c"user".as_ptr(),
            c"a".as_ptr(),
            c"b".as_ptr(),
            1,
            -1
        )
    }),
    ("ask for a ring of calls", |_| {
        let mut parameters = [0_u32; 32];
        call!(SYS_io_uring_setup, 1, parameters.as_mut_ptr())
    }),
    ("load a program into the kernel", |_| {
        let map = [1_u32, 4, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        call!(SYS_bpf, 0, map.as_ptr(), 72)
    }),
    ("count the machine's events", |_| {
        let mut attributes = [0_u32; 32];
        (attributes[0], attributes[1]) = (1, 128);
        call!(SYS_perf_event_open, attributes.as_mut_ptr(), 0, -1, -1, 0)
    }),
    ("handle faults of memory", |_| call!(SYS_userfaultfd, 1)),
    ("read the kernel's messages", |_| {
        call!(SYS_syslog, 10, null::<u8>(), 0)
    }),
    ("change attributes of the recording", |_| {
        let mut flags = 0_i32;
        call!(SYS_ioctl, 3, 0x8008_6601_u64, &raw mut flags)
    }),
    ("be told of the recording's changes", |_| {
        call!(SYS_fcntl, 3, F_SETSIG, 10)
    }),
];

pub fn actions() -> impl Iterator<Item = Action> {
    let all = [READING, WRITING, PLACES, PROCESSES, TALKING];
    all.into_iter().flatten().copied()
}

pub(crate) use call;
