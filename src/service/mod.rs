//! Layer 8. Every command as data: executed here by the process that owns the store, or sent to
//! the one that does.
//!
//! ```text
//! perform(command) ── lock free ──▶ own the store ──▶ execute, answering others meanwhile
//!                └─── lock held ──▶ .socket of the owner ──▶ same execute, same answer
//! ```
//!
//! One process at a time owns a store, by a lock on its root folder that the kernel drops with
//! the process. The terminal, the socket and later the web console are one path.

mod access;
mod acts;
mod client;
pub mod command;
mod draft;
mod execute;
mod init;
mod keeping;
mod ledger;
mod owner;
mod perform;
mod rebuild;
mod settings;
mod upkeep;
mod view;
mod wire;

pub use access::AccessAsk;
pub use command::{
    Answer, Command, DisposalAsk, Failure, LedgerAsk, ListRequest, MirrorAsk, Recorder,
};
pub use draft::DraftAsk;
pub use execute::Executor;
pub use init::{Approvers, init};
pub use owner::{Ownership, serve};
pub use perform::{Caller, perform};
pub use rebuild::{rebuild, regain};
pub use settings::{CallersLaunch, of_machine};
