//! A hostile worker: whatever it tries against the machine, the store and other processes fails, and the
//! same succeeds where nothing holds it.

use std::{
    fs::{self, File},
    io,
    net::TcpListener,
    os::{
        fd::{AsFd, AsRawFd, FromRawFd},
        unix::{fs::PermissionsExt, net::UnixListener, process::CommandExt},
    },
    path::Path,
    process::{Child, Command, Stdio},
    ptr::null,
    time::Duration,
};

use libc::c_long;
use recvault::media::{
    protocol::{Answer, DeriveJob, Message, Opened},
    worker::{
        Files, LANDLOCK_KNOWN, Launch, Rooms, Worker, WorkerFault, contain, landlock_version,
    },
};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    case::{Case, files_below},
    excerpt::ffmpeg,
    hostile::{Prey, actions, call, done},
};

/// Variables by which the child is told what to try.
const PREY: &str = "RECVAULT_TRIAL_PREY";
const VERSION: &str = "RECVAULT_TRIAL_LANDLOCK";

/// Tries everything, and says of each what came of it. Free, each in a process of its own on prey of its
/// own; contained, one after another in this one.
#[test]
#[ignore = "a part of the trial beside it"]
fn inside() {
    let Ok(dir) = std::env::var(PREY) else { return };
    let [victim, port] = ["VICTIM", "PORT"].map(|n| std::env::var(n).unwrap().parse::<i32>());
    let prey = Prey {
        dir: dir.into(),
        victim: victim.unwrap(),
        port: u16::try_from(port.unwrap()).unwrap(),
    };
    let version: Option<u32> = std::env::var(VERSION).ok().map(|n| n.parse().unwrap());
    if version.is_none() {
        // What is mounted goes with it.
        let _ = call!(SYS_unshare, libc::CLONE_NEWNS);
        let private = libc::MS_REC | libc::MS_PRIVATE;
        let _ = call!(
            SYS_mount,
            null::<u8>(),
            c"/".as_ptr(),
            null::<u8>(),
            private,
            null::<u8>()
        );
    }
    if let Some(landlock) = version {
        let contained = contain(&Rooms {
            reads: Vec::new(),
            scratch: Some(prey.dir.join("scratch")),
            landlock,
        });
        eprintln!("contained {contained}");
    }
    for (what, action) in actions() {
        let result = match version {
            Some(_) => action(&prey),
            None => apart(|| action(&prey)),
        };
        match result {
            Ok(()) => eprintln!("SUCCEEDED {what}"),
            Err(e) => eprintln!("failed {what}: {e}"),
        }
    }
    let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    for line in status.lines().filter(|line| line.contains(':')) {
        let (what, value) = line.split_once(':').unwrap();
        eprintln!("status {what} {}", value.trim());
    }
    // What its work takes it can still do.
    let works = fs::read("/proc/self/fd/3").is_ok()
        && fs::write("/proc/self/fd/4", "a copy").is_ok()
        && fs::write(prey.dir.join("scratch/own"), "a part").is_ok()
        && fs::remove_file(prey.dir.join("scratch/own")).is_ok()
        && std::thread::spawn(|| 7).join().is_ok_and(|n| n == 7)
        && fs::read("/etc/ld.so.cache").is_ok();
    eprintln!("works {works}");
    eprintln!("THE END");
}

/// Does it in a process of its own.
fn apart(action: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    // SAFETY: the child does one thing and ends.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let code = action().map_or(1, |()| 0);
        // SAFETY: it is the child, and nothing of it is left to be tidied up.
        unsafe { libc::_exit(code) };
    }
    let mut status = 0;
    // SAFETY: it is ours to wait for.
    let _ = unsafe { libc::waitpid(child, &raw mut status, 0) };
    match libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0 {
        true => Ok(()),
        false => Err(io::Error::other(format!("status {status}"))),
    }
}

struct Victim(Child);

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What came of each action: contained by no more than this version of Landlock, or free.
fn tried(landlock: Option<u32>) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    for folder in ["scratch", "empty"] {
        fs::create_dir(dir.path().join(folder)).unwrap();
    }
    for file in ["secret", "recording", "copy"] {
        fs::write(dir.path().join(file), "what nobody else should see").unwrap();
    }
    let victim = Victim(Command::new("sleep").arg("600").spawn().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let _socket = UnixListener::bind(dir.path().join("socket")).unwrap();
    let input = File::open(dir.path().join("recording")).unwrap();
    let output = File::options()
        .write(true)
        .read(true)
        .open(dir.path().join("copy"))
        .unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "contained::inside", "--ignored", "--nocapture"])
        .args(["--test-threads", "1"])
        .env(PREY, dir.path())
        .env("VICTIM", victim.0.id().to_string())
        .env("PORT", listener.local_addr().unwrap().port().to_string())
        .env("TMPDIR", dir.path().join("scratch"))
        .stdin(Stdio::null());
    if let Some(version) = landlock {
        command.env(VERSION, version.to_string());
    }
    let (input, output) = (input.as_raw_fd(), output.as_raw_fd());
    // SAFETY: nothing but calls that are allowed between fork and exec.
    unsafe {
        command.pre_exec(move || {
            let high = [input, output].map(|fd| libc::fcntl(fd, libc::F_DUPFD, 100));
            libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
            for (from, to) in high.into_iter().zip(3..) {
                done(c_long::from(libc::dup2(from, to)))?;
                drop(File::from_raw_fd(from));
            }
            Ok(())
        });
    }
    let said = command.output().unwrap();
    let text = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(
        text.contains("THE END"),
        "it did not come to its end: {said:?}"
    );
    assert!(text.contains("works true"), "{text}");
    check_unharmed(dir.path(), landlock.is_some());
    text.lines().map(ToOwned::to_owned).collect()
}

fn check_unharmed(dir: &Path, contained: bool) {
    if contained {
        for file in ["secret", "recording"] {
            let bytes = fs::read(dir.join(file)).unwrap();
            assert_eq!(bytes, b"what nobody else should see", "{file}");
        }
        assert!(dir.join("empty").is_dir());
    }
}

/// Goal: of at least 60 things that would succeed, none does, by the best Landlock of this machine and
/// by the one of Debian 12's own kernel; and what the work takes goes on.
#[test]
fn nothing_that_a_hostile_worker_tries_succeeds() {
    let succeeded = |lines: &[String]| -> Vec<String> {
        let of = lines.iter().filter_map(|l| l.strip_prefix("SUCCEEDED "));
        of.map(ToOwned::to_owned).collect()
    };
    let free = tried(None);
    let possible = succeeded(&free).len();
    let root = rustix::process::geteuid().is_root();
    if root {
        assert!(possible >= 60, "{possible}: {free:#?}");
    } else {
        eprintln!("not root: {possible} of the actions could succeed at all");
    }
    let best = landlock_version();
    if best == 0 {
        eprintln!("SKIPPED: this kernel has no Landlock");
        return;
    }
    for version in [LANDLOCK_KNOWN, 2] {
        let lines = tried(Some(version));
        let said = format!("contained Landlock ABI {}, seccomp", version.min(best));
        assert!(lines.contains(&said), "{said}: {lines:#?}");
        assert_eq!(succeeded(&lines), Vec::<String>::new(), "version {version}");
        // Each wall by itself: behind the others nobody would see that one is missing.
        let status = |what: &str| {
            let begins = format!("status {what} ");
            let mut values = lines.iter().filter_map(|l| l.strip_prefix(&begins));
            values.next().unwrap().to_owned()
        };
        for set in ["CapEff", "CapPrm", "CapInh"] {
            let rights = u64::from_str_radix(&status(set), 16).unwrap();
            assert_eq!(
                rights & !0b110,
                0,
                "{set}: more than reading its own files takes"
            );
        }
        assert_eq!((&*status("NoNewPrivs"), &*status("Seccomp")), ("1", "2"));
    }
}

/// Goal: the workers of a night are held, each copy says by what, and `doctor` says it before.
#[test]
fn the_workers_of_a_night_are_held_and_it_says_so() {
    let case = Case::new().fleet(1);
    let held = match landlock_version() {
        0 => "no Landlock, seccomp".to_owned(),
        n => format!("Landlock ABI {n}, seccomp"),
    };
    let doctor = case.command(&["doctor", "--json"]).json().to_string();
    assert!(doctor.contains(&held), "{held}: {doctor}");
    let _ = case.batch().code(1);
    let all = case.list();
    let archived = all.iter().find(|r| r["state"] == "archived").unwrap();
    let id = archived["id"].as_str().unwrap();
    let _ = case
        .store_command(&["show", id])
        .code(0)
        .says(&format!("held by {held}"));
    // Its folder for what it must write elsewhere is gone with each worker.
    let left = files_below(&case.store().join("index/gstreamer"));
    let names: Vec<_> = left.iter().filter_map(|path| path.file_name()).collect();
    assert_eq!(names, ["gstreamer.registry"]);
}

/// Goal: the list of plugins says what is loaded, and is believed from nobody else: neither where a
/// machine keeps temporary files nor in another's store.
#[test]
fn a_list_of_plugins_that_another_wrote_is_not_believed() {
    let case = Case::new();
    let temporary = case.beside("tmp");
    let planted = temporary.join("gstreamer/gstreamer.registry");
    let in_store = case.store().join("index/gstreamer/gstreamer.registry");
    for file in [&planted, &in_store] {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "what to load").unwrap();
    }
    let doctor = |store: bool| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_recvault"));
        if store {
            command.arg("--store").arg(case.store());
        }
        command.arg("doctor").env("TMPDIR", &temporary);
        assert!(command.output().unwrap().status.success());
    };
    doctor(false);
    assert_eq!(fs::read(&planted).unwrap(), b"what to load");
    let left = fs::read_dir(&temporary).unwrap().count();
    assert_eq!(left, 1, "a folder was left behind");
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(case.store().join("index"), Some(65_534), None).unwrap();
        doctor(true);
        assert_eq!(fs::read(&in_store).unwrap(), b"what to load");
    } else {
        eprintln!("SKIPPED: only root can give a store away");
    }
}

/// Goal: a recording does not choose by what it looks like which of all plugins reads it.
#[test]
fn what_no_recorder_writes_is_kept_and_not_read() {
    let case = Case::with_approvers();
    let inbox = case.store().join("inbox");
    let tone = ["-f", "lavfi", "-i", "sine=duration=2"];
    for name in ["a.ogg", "a.aiff", "a.wav"] {
        let _ = ffmpeg(&tone, Some(&inbox.join(name)));
    }
    let _ = case.batch();
    let all = case.list();
    let state = |name: &str| {
        let recording = all.iter().find(|r| r["name"] == name).unwrap();
        recording["state"].as_str().unwrap().to_owned()
    };
    let states = ["a.ogg", "a.aiff", "a.wav"].map(state);
    assert_eq!(states, ["kept", "kept", "archived"]);
}

/// A program that stands in for a worker, in a folder of its own, on a recording of 500 bytes.
fn impostor(script: &str, change: impl FnOnce(Launch) -> Launch) -> (TempDir, Worker) {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("impostor");
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    let launch = change(Launch::new(program, dir.path().to_owned()));
    // It has no plugins to tell of.
    let _ = launch.registry.set(());
    let recording = dir.path().join("recording");
    fs::write(&recording, [0; 500]).unwrap();
    let mut options = File::options();
    let recording = options.read(true).write(true).open(recording).unwrap();
    let files = Files {
        input: Some(recording.as_fd()),
        output: None,
    };
    // Another thread's child may still hold the program open for writing, for a moment.
    loop {
        match Worker::spawn(&launch, &files) {
            Err(WorkerFault::Spawn(e)) if e.raw_os_error() == Some(libc::ETXTBSY) => {}
            started => return (dir, started.unwrap()),
        }
    }
}

/// Goal: a worker that says for ever that it moves ends by a multiple of what it says it has before it.
#[test]
fn a_worker_that_goes_on_for_ever_is_stopped() {
    let says = r#"{"say":"progress","position_ms":1,"duration_ms":2,"frames":3}"#;
    let endless = format!("while :; do echo '{says}'; done");
    let (_dir, worker) = impostor(&endless, |launch| Launch {
        floor: Duration::from_millis(50),
        ..launch
    });
    let fault = worker.capabilities(Vec::new()).unwrap_err();
    let most = Duration::from_millis(50 + 2 * 100);
    assert!(
        matches!(fault, WorkerFault::Overdue(after) if after == most),
        "{fault:?}"
    );
}

/// Goal: nor does one go on that only greets, or that nobody can answer for it fills its own pipe.
#[test]
fn a_worker_that_greets_for_ever_or_listens_to_nobody_is_stopped() {
    let greets = r#"while :; do echo '{"say":"hello","version":1}'; done"#;
    let (_dir, worker) = impostor(greets, |launch| launch);
    let fault = worker.capabilities(Vec::new()).unwrap_err().to_string();
    assert!(fault.contains("it said hello twice"), "{fault}");

    let opened = serde_json::to_string(&Message::Opened(Box::default())).unwrap();
    let fill = "dd if=/dev/zero of=/proc/self/fd/9 oflag=nonblock";
    let deaf = format!(
        "exec 9<&0\n{fill} bs=4096 count=64\n{fill} bs=1 count=9999\necho '{opened}'\nsleep 600"
    );
    let (_dir, worker) = impostor(&deaf, |launch| Launch {
        stall: Duration::from_secs(1),
        ..launch
    });
    let derived = worker.derive(DeriveJob::default(), |_| Answer::Stop, |_| {});
    let fault = derived.outcome.unwrap_err().to_string();
    assert!(fault.contains("it listens to nobody"), "{fault}");
}

/// What an impostor says in the end, who first says what it has opened.
fn said_in_the_end(script: &str, opened: Opened) -> String {
    let opened = serde_json::to_string(&Message::Opened(Box::new(opened))).unwrap();
    let says =
        r#"echo "{\"say\":\"fault\",\"element\":\"$said\",\"text\":\"\",\"side\":\"decode\"}""#;
    let script = format!("read request\necho '{opened}'\nread answer\n{script}\n{says}");
    let (_dir, worker) = impostor(&script, |launch| launch);
    let derived = worker.derive(DeriveJob::default(), |_| Answer::Stop, |_| {});
    match derived.outcome {
        Err(WorkerFault::Unable(fault)) => fault.element,
        other => panic!("{other:?}"),
    }
}

/// Goal: a worker may take as much memory as the pictures need that it says it has.
#[test]
fn memory_is_bounded_by_the_size_of_the_picture() {
    let of = |width: u32, height: u32| {
        let track = json!({ "kind": "video", "codec": "H.264", "width": width, "height": height });
        let mut opened = Opened::default();
        opened.media.tracks = vec![serde_json::from_value(track).unwrap()];
        let said = said_in_the_end("said=\"$(ulimit -d) $(ulimit -v)\"", opened);
        let kib = said.split(' ').map(|n| n.parse::<u64>().unwrap());
        kib.collect::<Vec<_>>()
    };
    const GIB: u64 = 1 << 20;
    let full_hd = 768 * 1_920 * 1_080 / 1_024;
    assert_eq!(of(1_920, 1_080), [3 * GIB + full_hd, 7 * GIB + full_hd]);
    // What it says is believed up to 8K.
    let most = 768 * 7_680 * 4_320 / 1_024;
    assert_eq!(of(u32::MAX, u32::MAX), [3 * GIB + most, 7 * GIB + most]);
}

/// Goal: a worker can write nothing but what it is to write, even where its parent could.
#[test]
fn a_worker_has_descriptors_of_its_own() {
    let script = "exec 2>/dev/null
said=\"$(readlink /proc/self/fd/4)\"
if echo x >&3; then said=\"$said wrote\"; else said=\"$said could not write\"; fi";
    let said = said_in_the_end(script, Opened::default());
    assert_eq!(said, "/dev/null could not write");
}
