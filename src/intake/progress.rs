//! How far a night is, as data: the terminal draws it, the socket carries it.

use serde::{Deserialize, Serialize};

/// One running worker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Which of the jobs, from 0.
    pub slot: usize,
    /// The recording's name, safe to print; empty while the job is idle.
    pub name: String,
    /// What is being done: `opening`, `transcoding`, `verifying`.
    pub phase: String,
    /// How far it is, in milliseconds of the recording.
    pub position_ms: i64,
    /// The recording's length, where it is known.
    pub duration_ms: i64,
}

/// How far a night is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The running workers.
    pub jobs: Vec<Job>,
    /// Files that are vaulted or need not be.
    pub files_done: u64,
    /// Files to take.
    pub files_total: u64,
    /// Bytes of recordings that are looked at.
    pub bytes_done: u64,
    /// Bytes of recordings to look at, as far as is known.
    pub bytes_total: u64,
    /// Milliseconds until the night is over, once that can be guessed.
    pub eta_ms: Option<i64>,
    /// What the night does apart from its jobs, such as `scanning` or `reporting`.
    pub phase: String,
}

/// Somebody who wants to see how far the night is.
pub trait Watcher: Send + Sync {
    /// Called a few times a second from any thread; must not block for long.
    fn note(&self, progress: &Progress);

    /// Is told the link to what this person alone may look at.
    fn link(&self, _: &str) {}

    /// Whether there still is somebody; where that cannot be told, there is.
    fn is_there(&self) -> bool {
        true
    }
}

/// Nobody.
impl Watcher for () {
    fn note(&self, _: &Progress) {}
}
