//! Landlock: which files may be opened at all.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd,
    Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
    path_beneath_rules,
};

use super::{LANDLOCK_KNOWN, Rooms};
use crate::media::worker::{INPUT_FD, OUTPUT_FD};

/// Where the system's libraries and GStreamer's plugins are, and what they look at: how many cores and
/// how much memory there is, and time zones.
const READ: [&str; 15] = [
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/share/zoneinfo",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/dev/null",
    "/dev/urandom",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system",
];

/// Folders of libraries and plugins elsewhere, by the variables that name them.
const READ_BY_NAME: [&str; 4] = [
    "LD_LIBRARY_PATH",
    "GST_PLUGIN_PATH",
    "GST_PLUGIN_PATH_1_0",
    "GST_PLUGIN_SYSTEM_PATH_1_0",
];

fn abi(version: u32) -> ABI {
    match version {
        0 => ABI::Unsupported,
        1 => ABI::V1,
        2 => ABI::V2,
        3 => ABI::V3,
        4 => ABI::V4,
        5 => ABI::V5,
        6 => ABI::V6,
        _ => ABI::V7,
    }
}

/// The best Landlock version that the kernel enforces, of those that are known here; 0 for none.
/// Rulesets are only made here, never put in force.
#[must_use]
pub fn landlock_version() -> u32 {
    let enforced = |version: u32| {
        let ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
        let ruleset = ruleset.handle_access(AccessFs::from_all(abi(version)));
        let ruleset = match version {
            ..4 => ruleset,
            _ => ruleset.and_then(|r| r.handle_access(AccessNet::from_all(abi(version)))),
        };
        let ruleset = match version {
            ..6 => ruleset,
            _ => ruleset.and_then(|r| r.scope(Scope::from_all(abi(version)))),
        };
        ruleset.and_then(Ruleset::create).is_ok()
    };
    (1..=LANDLOCK_KNOWN)
        .rev()
        .find(|version| enforced(*version))
        .unwrap_or(0)
}

/// Puts it in force, and gives back which version of it; 0 where the kernel has none.
pub(super) fn restrict(rooms: &Rooms) -> Result<u32, RulesetError> {
    let version = landlock_version().min(rooms.landlock);
    if version == 0 {
        return Ok(0);
    }
    let abi = abi(version);
    let mut ruleset = Ruleset::default().handle_access(AccessFs::from_all(abi))?;
    if version >= 4 {
        ruleset = ruleset.handle_access(AccessNet::from_all(abi))?;
    }
    if version >= 6 {
        ruleset = ruleset.scope(Scope::from_all(abi))?;
    }
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let named = READ_BY_NAME.iter().filter_map(std::env::var_os);
    let named: Vec<PathBuf> = named
        .flat_map(|paths| std::env::split_paths(&paths).collect::<Vec<_>>())
        .collect();
    let reads = READ.map(Path::new).into_iter();
    let reads = reads.chain(named.iter().map(PathBuf::as_path));
    let reads = reads.chain(rooms.reads.iter().map(PathBuf::as_path));
    let mut ruleset = ruleset
        .create()?
        .add_rules(path_beneath_rules(reads, read))?;
    let write = AccessFs::ReadFile | AccessFs::WriteFile;
    let write = match version {
        ..3 => write,
        _ => write | AccessFs::Truncate,
    };
    // Files alone, side by side: whatever is left of it must be easily removed.
    let own = write | read | AccessFs::MakeReg | AccessFs::RemoveFile;
    ruleset = ruleset.add_rules(path_beneath_rules(&rooms.scratch, own))?;
    ruleset = descriptor(ruleset, INPUT_FD, AccessFs::ReadFile.into())?;
    ruleset = descriptor(ruleset, OUTPUT_FD, write)?;
    let status = ruleset.restrict_self()?;
    Ok(match status.ruleset {
        RulesetStatus::NotEnforced => 0,
        _ => version,
    })
}

/// Allows what a descriptor stands for, wherever it lies. One that is not open, or stands for no file,
/// is left as it is.
fn descriptor(
    ruleset: RulesetCreated,
    fd: i32,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    let path = format!("/proc/self/fd/{fd}");
    let is_file = std::fs::metadata(&path).is_ok_and(|m| m.is_file());
    match PathFd::new(path) {
        Ok(file) if is_file => ruleset.add_rule(PathBeneath::new(file, access)),
        _ => Ok(ruleset),
    }
}
