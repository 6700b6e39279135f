//! What a worker can reach once it has heard what to do, and before the first byte of a recording
//! meets a library: the file to read, the file to write, a scratch folder, the system's libraries,
//! and nothing else.
//!
//! - `limits`: no core, few descriptors, bounded files, processor time and memory
//! - privileges: none that are new, and of root's only those that reading its own files takes
//! - `files`: Landlock, at the best version that the kernel has
//! - `calls`: seccomp, an allow-list; whatever else is called fails
//!
//! Each of them is put in force by itself: where a kernel lacks one, the others hold, and
//! [`Containment`] says what is missing.

mod calls;
mod files;
mod limits;

use std::{fmt, path::PathBuf, sync::OnceLock};

use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities, set_no_new_privs};
use serde::{Deserialize, Serialize};

pub use files::landlock_version;
pub use limits::{ADDRESSES_BEYOND, memory_bytes};

/// The best version of Landlock that is known here.
pub const LANDLOCK_KNOWN: u32 = 7;

/// Root's rights that reading and writing its own descriptors anew takes. Where Landlock and the calls
/// that remain end, so do they.
const KEPT: CapabilitySet = CapabilitySet::DAC_OVERRIDE.union(CapabilitySet::DAC_READ_SEARCH);

/// What a worker may reach beside its descriptors.
#[derive(Clone, Debug, Default)]
pub struct Rooms {
    /// Files and folders that it may read, beside the system's libraries.
    pub reads: Vec<PathBuf>,
    /// A folder where it may do as it likes.
    pub scratch: Option<PathBuf>,
    /// Versions of Landlock beyond this one are not used; [`LANDLOCK_KNOWN`] but in trials.
    pub landlock: u32,
}

/// What holds a worker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Containment {
    /// The version of Landlock in force; 0 for none.
    pub landlock: u32,
    /// Whether calls are filtered.
    pub calls: bool,
    /// What could not be put in force, as sentences.
    pub missing: Vec<String>,
}

impl fmt::Display for Containment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.landlock {
            0 => f.write_str("no Landlock")?,
            n => write!(f, "Landlock ABI {n}")?,
        }
        let calls = if self.calls { "seccomp" } else { "no seccomp" };
        write!(f, ", {calls}")
    }
}

/// What is in force in this process.
static IN_FORCE: OnceLock<String> = OnceLock::new();

/// What holds this process, if anything does.
pub(crate) fn in_force() -> Option<&'static str> {
    IN_FORCE.get().map(String::as_str)
}

/// Gives everything up that the work does not take. It cannot be taken back, and holds for all
/// threads that are started from now on; there must be no other yet.
#[must_use]
pub fn contain(rooms: &Rooms) -> Containment {
    let mut found = Containment::default();
    let mut missing = |what: &str, why: &dyn fmt::Display| {
        found.missing.push(format!("{what}: {why}"));
    };
    for (what, why) in limits::set() {
        missing(what, &why);
    }
    let privileges = set_no_new_privs(true).and_then(|()| {
        let now = rustix::thread::capabilities(None)?;
        let kept = CapabilitySets {
            effective: now.effective & KEPT,
            permitted: now.permitted & KEPT,
            inheritable: CapabilitySet::empty(),
        };
        set_capabilities(None, kept)
    });
    if let Err(e) = privileges {
        missing("privileges", &e);
    }
    match files::restrict(rooms) {
        Ok(0) => missing("Landlock", &"this kernel has none"),
        Ok(version) => found.landlock = version,
        Err(e) => missing("Landlock", &e),
    }
    match calls::restrict() {
        Ok(()) => found.calls = true,
        Err(e) => found.missing.push(format!("seccomp: {e}")),
    }
    let _ = IN_FORCE.set(found.to_string());
    found
}
