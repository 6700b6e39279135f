//! The kinds of error. Every module has its own `thiserror` enum; what they share is that each
//! knows its [`ErrorKind`] and, where there is one, the next step for the person who reads it.

use serde::{Deserialize, Serialize};

/// What an error means for the caller; the command line turns it into an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The command or the configuration is wrong. Exit code 2.
    Usage,
    /// Policy said no. Exit code 3.
    Refused,
    /// Disk, codec, database or another program failed. Exit code 1.
    Fault,
    /// Stored evidence is not what the ledger says. Exit code 4.
    Integrity,
    /// Somebody else is using the store. Exit code 75.
    Busy,
    /// recvault itself is wrong. Exit code 70.
    Defect,
}

/// What every error of the library can say beyond its message.
pub trait Explain: std::error::Error {
    /// What the error means for the caller.
    fn kind(&self) -> ErrorKind {
        ErrorKind::Fault
    }
    /// The next step, as advice; the message itself only states facts.
    fn hint(&self) -> Option<String> {
        None
    }
}
