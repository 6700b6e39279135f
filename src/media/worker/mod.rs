//! The parent's side of a worker: one process for one recording, the same binary under a hidden
//! subcommand.
//!
//! Invariants:
//! - The parent never initialises GStreamer and believes nothing that a worker says beyond
//!   [`check_message`](super::protocol::check_message).
//! - What arrived before a crash is kept.
//! - A worker that moves nothing for [`Launch::stall`], or is not done after [`CEILING`] times the
//!   recording's length, is killed with its whole process group, and one whose parent is gone is killed
//!   by the kernel.
//! - Before a library sees the first byte of a recording the worker has given up whatever its work does
//!   not take ([`contain()`]), and it may load no plugin but those that are listed.
//!
//! It fails with a [`WorkerFault`]; none of them is a reason to end a night.

mod contain;
mod fault;
mod plugins;
mod process;
mod serve;
mod talk;

pub(super) use contain::in_force;
pub use contain::{Containment, LANDLOCK_KNOWN, Rooms, contain, landlock_version};
pub use fault::WorkerFault;
pub use process::{CEILING, Files, Killer, Launch, Worker};
pub use serve::serve;
pub use talk::{Derived, VerifyOutcome};

/// The hidden subcommand that a binary gives to [`serve()`].
pub const SUBCOMMAND: &str = "__worker";

/// Name of the file, in the workers' folder, that says which plugins there are.
pub const REGISTRY: &str = "gstreamer.registry";

/// Where the worker finds the file to read.
pub(crate) const INPUT_FD: i32 = 3;
/// Where the worker finds the file to write, if there is one.
pub(crate) const OUTPUT_FD: i32 = 4;
/// The environment variable that carries the niceness.
pub(crate) const NICE: &str = "RECVAULT_WORKER_NICE";
/// The environment variable that names what else it may read, as a search path does.
pub(crate) const READS: &str = "RECVAULT_WORKER_READS";
/// The environment variable that carries the parent's process id.
pub(crate) const PARENT: &str = "RECVAULT_WORKER_PARENT";
