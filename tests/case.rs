//! The one helper of these tests: a store in a folder of its own, and what a person does with it.
//!
//! `Case::new().file("a.mp4", bytes).batch().code(1).says("truncated");`

use std::{
    fs,
    os::{fd::AsRawFd as _, unix::process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

/// A store of its own, gone with the test.
pub struct Case {
    disk: Option<SmallDisk>,
    dir: TempDir,
    said_at_init: String,
}

/// What a command printed and how it ended.
#[must_use = "say what the command should have come to"]
pub struct Run {
    what: String,
    output: Output,
}

impl Default for Case {
    fn default() -> Self {
        Self::new()
    }
}

impl Case {
    /// A fresh store whose inbox does not wait for files to settle.
    pub fn new() -> Self {
        Self::empty().laid_out(&[])
    }

    /// The same with two approvers of Market Management, made by `ssh-keygen`.
    pub fn with_approvers() -> Self {
        Self::with_keys(|case| {
            let names = ["approver-1", "approver-2"];
            names.map(|name| case.new_key(name)).to_vec()
        })
    }

    /// The same with the keys of approvers that are made so.
    pub fn with_keys(make: impl FnOnce(&Self) -> Vec<PathBuf>) -> Self {
        let case = Self::empty();
        let keys = make(&case);
        case.laid_out(&keys)
    }

    /// The same on a disk of so many megabytes; nothing, said aloud, where none can be mounted.
    pub fn on_a_disk_of(megabytes: u32) -> Option<Self> {
        let mut case = Self::empty();
        case.disk = Some(SmallDisk::mount(&case.store(), megabytes)?);
        Some(case.laid_out(&[]))
    }

    fn empty() -> Self {
        Self {
            disk: None,
            dir: tempfile::tempdir().unwrap(),
            said_at_init: String::new(),
        }
    }

    /// A new key pair of a person beside the store; gives back the public half's file.
    pub fn new_key(&self, name: &str) -> PathBuf {
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"])
            .arg(self.beside(name))
            .status();
        assert!(made.unwrap().success());
        self.beside(&format!("{name}.pub"))
    }

    fn laid_out(mut self, keys: &[PathBuf]) -> Self {
        let case = &mut self;
        let store = case.store();
        let mut args = vec!["init", store.to_str().unwrap()];
        if !keys.is_empty() {
            args.push("--approver-key");
            args.extend(keys.iter().map(|k| k.to_str().unwrap()));
            args.extend(["--approver-uid", "5001", "5002"]);
        }
        case.said_at_init = case.command(&args).code(0).out();
        self.configure("[inbox]\nsettle_s = 0\n")
    }

    /// What laying it out printed.
    pub fn said_at_init(&self) -> &str {
        &self.said_at_init
    }

    /// The store's folder.
    pub fn store(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    /// A folder beside the store.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Replaces the configuration. Unless it says otherwise, the store takes what room there is: a
    /// trial is about its subject, not about the disk of whoever runs it.
    pub fn configure(self, toml: &str) -> Self {
        let room = match toml.contains("[disk]") {
            true => "",
            false => "\n[disk]\nmin_free_gb = 0\n",
        };
        fs::write(self.store().join("recvault.toml"), format!("{toml}{room}")).unwrap();
        self
    }

    /// The same with nights that look at recordings and make no renditions, which no export needs.
    pub fn unarchived(self) -> Self {
        self.configure("[inbox]\nsettle_s = 0\n[archive]\nwhen = \"long-term\"\n")
    }

    /// Puts a file into the inbox.
    pub fn file(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        let path = self.store().join("inbox").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    /// Three recorders' day, by recvault's own generator, and its register.
    pub fn fleet(self, seconds: u32) -> Self {
        let (inbox, register) = (self.store().join("inbox"), self.beside("register.csv"));
        let seconds = seconds.to_string();
        let args = [
            "generate",
            "fleet",
            inbox.to_str().unwrap(),
            "--register",
            register.to_str().unwrap(),
            "--seconds",
            &seconds,
        ];
        let _ = self.command(&args).code(0);
        let _ = self
            .store_command(&["registry", "import", register.to_str().unwrap()])
            .code(0);
        self
    }

    /// Runs recvault without a store.
    pub fn command(&self, args: &[&str]) -> Run {
        let output = recvault().args(args).output().unwrap();
        Run {
            what: args.join(" "),
            output,
        }
    }

    /// Runs recvault on the store.
    pub fn store_command(&self, args: &[&str]) -> Run {
        let output = recvault()
            .arg("--store")
            .arg(self.store())
            .args(args)
            .output()
            .unwrap();
        Run {
            what: args.join(" "),
            output,
        }
    }

    /// The same as another user, which only root can be.
    pub fn store_command_by(&self, user: u32, group: u32, args: &[&str]) -> Run {
        // By its descriptor: its folder may be one that this user cannot pass.
        let binary = fs::File::open(env!("CARGO_BIN_EXE_recvault")).unwrap();
        let mut command = Command::new(format!("/proc/self/fd/{}", binary.as_raw_fd()));
        plain(&mut command)
            .current_dir("/")
            .uid(user)
            .gid(group)
            .arg("--store")
            .arg(self.store())
            .args(args);
        Run {
            what: format!("{} as {user}", args.join(" ")),
            output: command.output().unwrap(),
        }
    }

    /// Runs recvault on the store with these kill points armed.
    #[cfg(feature = "failpoints")]
    pub fn struck(&self, args: &[&str], points: &str) -> Run {
        let mut command = recvault();
        command.env("FAILPOINTS", points);
        command.arg("--store").arg(self.store()).args(args);
        let output = command.output().unwrap();
        Run {
            what: format!("{} with {points}", args.join(" ")),
            output,
        }
    }

    /// Another store, which is a copy of this one, and of the mirror beside it.
    #[cfg(feature = "failpoints")]
    pub fn copied(&self) -> Self {
        let copy = Self::empty();
        copy_dir(&self.store(), &copy.store());
        if self.beside("mirror").exists() {
            copy_dir(&self.beside("mirror"), &copy.beside("mirror"));
        }
        copy
    }

    /// Starts recvault on the store and does not wait for it.
    pub fn start(&self, args: &[&str]) -> Child {
        let mut command = recvault();
        command.arg("--store").arg(self.store()).args(args);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Starts an owner of the store, and waits until it answers.
    pub fn serve(&self) -> Child {
        let owner = self.start(&["serve"]);
        let begun = Instant::now();
        while !self.store().join(".socket").exists() {
            let waited = begun.elapsed().as_secs();
            assert!(waited < 30, "serve does not begin");
            thread::sleep(Duration::from_millis(20));
        }
        owner
    }

    /// Runs the night.
    pub fn batch(&self) -> Run {
        self.store_command(&["batch"])
    }

    /// All recordings, as `list --json` gives them.
    pub fn list(&self) -> Vec<Value> {
        let answer = self
            .store_command(&["list", "--json", "--limit", "10000"])
            .code(0)
            .json();
        answer["recordings"].as_array().unwrap().clone()
    }

    /// Every event of the ledger, as its line stands there.
    pub fn events(&self) -> Vec<String> {
        let all = ["ledger", "show", "--json", "--limit", "100000"];
        let run = self.store_command(&all).code(0);
        run.out().lines().map(str::to_owned).collect()
    }

    /// Where the original of a recording lies.
    pub fn original(&self, recording: &Value) -> PathBuf {
        let digest = recording["digest"].as_str().unwrap();
        self.store()
            .join("originals")
            .join(&digest[..2])
            .join(&digest[2..4])
            .join(digest)
    }

    /// Where its renditions lie.
    pub fn renditions(&self, recording: &Value) -> Vec<PathBuf> {
        let all = recording["renditions"].as_array().unwrap();
        let path = |r: &Value| {
            let (digest, ext) = (
                r["digest"].as_str().unwrap(),
                r["extension"].as_str().unwrap(),
            );
            let name = format!("{digest}.{ext}");
            self.store()
                .join("renditions")
                .join(&digest[..2])
                .join(&digest[2..4])
                .join(name)
        };
        all.iter().map(path).collect()
    }

    /// The names of everything below a folder of the store, sorted.
    pub fn files_below(&self, part: &str) -> Vec<PathBuf> {
        files_below(&self.store().join(part))
    }
}

/// A file system in memory, which holds so much and no more.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path, megabytes: u32) -> Option<Self> {
        fs::create_dir(at).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o"])
            .arg(format!("size={megabytes}m,mode=0700"))
            .arg("tmpfs")
            .arg(at)
            .output();
        if mounted.is_ok_and(|m| m.status.success()) {
            return Some(Self(at.to_owned()));
        }
        eprintln!("SKIPPED: no file system can be mounted here");
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Copies a folder with every file in it.
pub fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
        } else if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Every file below a folder, sorted.
pub fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            out.extend(files_below(&path));
        } else {
            out.push(path);
        }
    }
    out.sort();
    out
}

/// SHA-256 as hexadecimal digits.
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(bytes);
    digest.iter().map(|b| format!("{b:02x}")).collect()
}

/// The real camera files, or nothing, said aloud.
pub fn real_media() -> Option<PathBuf> {
    let dir = std::env::var_os("RECVAULT_MEDIA")
        .map(PathBuf::from)
        .filter(|d| d.is_dir());
    if dir.is_none() {
        eprintln!("SKIPPED: RECVAULT_MEDIA names no folder of real camera files");
    }
    dir
}

fn recvault() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_recvault"));
    plain(&mut command);
    command
}

/// Without what whoever runs the tests has set.
fn plain(command: &mut Command) -> &mut Command {
    command
        .env_remove("RECVAULT_STORE")
        .env_remove("RECVAULT_LOG")
        .env("NO_COLOR", "1")
}

impl Run {
    /// From a child that was started before.
    pub fn of(child: Child, what: &str) -> Self {
        Self {
            what: what.to_owned(),
            output: child.wait_with_output().unwrap(),
        }
    }

    /// It ended with this exit code.
    pub fn code(self, code: i32) -> Self {
        assert_eq!(self.output.status.code(), Some(code), "{}", self.told());
        self
    }

    /// Its exit code, where it was not killed.
    pub fn ended(&self) -> Option<i32> {
        self.output.status.code()
    }

    /// It printed this somewhere.
    pub fn says(self, text: &str) -> Self {
        assert!(
            self.told().contains(text),
            "nothing of '{text}' in {}",
            self.told()
        );
        self
    }

    /// It printed nothing of this.
    pub fn says_not(self, text: &str) -> Self {
        assert!(!self.told().contains(text), "'{text}' in {}", self.told());
        self
    }

    /// Its standard output.
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    /// Its standard output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.output.stdout)
            .unwrap_or_else(|e| panic!("{e}: {}", self.told()))
    }

    /// Everything about it, for a message.
    pub fn told(&self) -> String {
        format!(
            "recvault {}: {}\n{}{}",
            self.what,
            self.output.status,
            String::from_utf8_lossy(&self.output.stdout),
            String::from_utf8_lossy(&self.output.stderr)
        )
    }
}
