//! From a real recording to a stranger who has never heard of recvault: four people of four user ids,
//! the approver with a FIDO security key, and a room without recvault in it.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    access::commands,
    case::{Case, Run, copy_dir, files_below, real_media},
    handover::package,
};

/// User ids: who asks, who approves, who carries it out. The store is root's.
const ASKS: u32 = 5003;
const APPROVES: u32 = 5001;
const CARRIES: u32 = 5004;

/// The group that may reach the store.
const GROUP: u32 = 5000;

/// A security key in software: runs it.
fn authenticator(args: &[&str]) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/authenticator.py");
    let done = Command::new("python3").arg(script).args(args).output();
    let done = done.unwrap();
    assert!(done.status.success(), "{done:?}");
}

/// A folder of this user's own beside the store.
fn folder_of(case: &Case, user: u32) -> PathBuf {
    let dir = case.beside(&user.to_string());
    fs::create_dir(&dir).unwrap();
    chown(&dir, Some(user), Some(GROUP)).unwrap();
    dir
}

/// A room with the package in it, and these tools and no other.
fn room(case: &Case, package: &Path, name: &str) -> PathBuf {
    let room = case.beside(name);
    fs::create_dir_all(room.join("tools")).unwrap();
    for tool in [
        "sh",
        "sha256sum",
        "ssh-keygen",
        "python3",
        "openssl",
        "grep",
        "cut",
        "cat",
        "basename",
    ] {
        // The system's own: those of whoever runs the trial may lean on more.
        let found = ["/usr/bin", "/bin"].map(|dir| Path::new(dir).join(tool));
        let found = found.into_iter().find(|path| path.exists()).unwrap();
        symlink(found, room.join("tools").join(tool)).unwrap();
    }
    let to = room.join(package.file_name().unwrap());
    copy_dir(package, &to);
    for ending in ["event", "proof"] {
        let beside = |of: &Path| of.with_added_extension(ending);
        fs::copy(beside(package), beside(&to)).unwrap();
    }
    room
}

/// Follows the instructions of the package in a room; the first command that does not succeed.
fn follow(room: &Path) -> Result<usize, String> {
    let package = package_in(room);
    let all = commands(&package);
    for command in &all {
        let done = Command::new(room.join("tools/sh"))
            .args(["-c", command])
            .current_dir(&package)
            .env_clear()
            .env("PATH", room.join("tools"))
            .output()
            .unwrap();
        if !done.status.success() {
            return Err(format!("{command}: {done:?}"));
        }
    }
    Ok(all.len())
}

fn package_in(room: &Path) -> PathBuf {
    let entries = fs::read_dir(room).unwrap().map(|e| e.unwrap().path());
    let is_package = |p: &PathBuf| p.is_dir() && !p.ends_with("tools");
    entries.into_iter().find(is_package).unwrap()
}

/// A store of root's whose first approver has a security key, with one recording in it, that a group
/// of users may reach. Nothing, said aloud, where nobody can be another user.
fn office() -> Option<(Case, String)> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: only root can be several users");
        return None;
    }
    let case = Case::with_keys(|case| {
        let key = case.beside("fido");
        authenticator(&["new", key.to_str().unwrap()]);
        vec![case.beside("fido.pub"), case.new_key("approver-2")]
    });
    let case = match real_media() {
        Some(media) => {
            let all = files_below(&media);
            let file = all.iter().find(|f| f.ends_with("bottle-detection.mp4"));
            case.file("clip.mp4", fs::read(file.unwrap()).unwrap())
        }
        None => case.fleet(2),
    };
    let _ = case.batch();
    let all = case.list();
    let id = all.iter().find(|r| r["state"] == "archived").unwrap()["id"].clone();
    fs::set_permissions(case.beside(""), PermissionsExt::from_mode(0o711)).unwrap();
    chown(case.store(), Some(0), Some(GROUP)).unwrap();
    fs::set_permissions(case.store(), PermissionsExt::from_mode(0o2710)).unwrap();
    Some((case, id.as_str().unwrap().to_owned()))
}

/// Goal: request, approval by a security key, export, each by another user; whoever gets the package
/// checks it where there is no recvault, and a changed byte is told there.
#[test]
fn clause_4_7_four_people_a_security_key_and_a_stranger() {
    let Some((case, id)) = office() else { return };
    let folders = [ASKS, APPROVES, CARRIES].map(|user| folder_of(&case, user));
    let owner = case.serve();
    let by = |user, args: &[&str]| case.store_command_by(user, GROUP, args);
    let why = [
        "--purpose",
        "案件 2026-117",
        "--recipient",
        "the court",
        "--json",
    ];
    let ask = ["request", "--recording", &id, "--form", "original"];
    let asked = by(ASKS, &[&ask[..], &why].concat()).code(0).json();
    let access = &asked["with"]["accesses"][0];
    assert_eq!(access["requester"]["uid"], ASKS);
    let request = access["digest"].as_str().unwrap();
    let to = folders[2].to_str().unwrap();
    let take = ["export", request, "--to", to];
    let _ = by(CARRIES, &take).code(3).says("is pending");

    let statement = folders[1].join("approval");
    let statement = statement.to_str().unwrap();
    let print = ["approve", request, "--print", statement];
    let _ = by(APPROVES, &print).code(0);
    let key = case.beside("fido");
    let namespace = "recvault-approval@v1";
    authenticator(&["sign", key.to_str().unwrap(), namespace, statement]);
    let signature = format!("{statement}.sig");
    let _ = by(APPROVES, &["submit", statement, &signature])
        .code(0)
        .says("is approved");

    let own = folders[1].to_str().unwrap();
    let _ = by(APPROVES, &["export", request, "--to", own])
        .code(3)
        .says("fido approved it");
    let of_another = ["export", request, "--to", folders[0].to_str().unwrap()];
    let _ = by(CARRIES, &of_another)
        .code(3)
        .says("not a folder of your own");
    let _ = by(CARRIES, &take).code(0);
    let _ = by(CARRIES, &take).code(3).says("is used up");
    // One outside the group does not even reach the store.
    let _ = case
        .store_command_by(CARRIES, CARRIES, &["requests"])
        .code(1)
        .says("ask whoever runs it to let you into its group");
    kill_process(Pid::from_child(&owner), Signal::TERM).unwrap();
    let _ = Run::of(owner, "serve").code(0);

    let package = package(&folders[2]);
    for file in files_below(&package) {
        assert_eq!(
            fs::metadata(&file).unwrap().uid(),
            CARRIES,
            "{}",
            file.display()
        );
    }
    let signers = fs::read_to_string(package.join("proof/allowed_signers")).unwrap();
    assert!(signers.contains("sk-ssh-ed25519@openssh.com"), "{signers}");
    let empty = room(&case, &package, "elsewhere");
    let done = follow(&empty).unwrap();
    assert!(done >= 8, "{done} commands");
    let _ = case
        .command(&["verify", package.to_str().unwrap()])
        .code(0)
        .says("VALID");
    // The security key's signature is looked at there, and not only the manifests.
    let spoilt = room(&case, &package, "spoilt");
    let file = package_in(&spoilt).join("proof/approval-fido.sig");
    let text = fs::read_to_string(&file).unwrap();
    let line = text.lines().rev().nth(2).unwrap();
    let turned: String = line.chars().rev().collect();
    fs::write(&file, text.replace(line, &turned)).unwrap();
    let told = follow(&spoilt).unwrap_err();
    assert!(told.starts_with("sha256sum"), "{told}");
    let all = commands(&package_in(&spoilt));
    let signature = all.iter().find(|c| c.starts_with("ssh-keygen")).unwrap();
    let verdict = Command::new("sh")
        .args(["-c", signature])
        .current_dir(package_in(&spoilt))
        .output()
        .unwrap();
    assert!(!verdict.status.success(), "{verdict:?}");
}
