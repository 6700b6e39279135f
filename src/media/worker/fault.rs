//! How a worker can fail.

use std::time::Duration;

use thiserror::Error;

use crate::{
    base::{ErrorKind, Explain},
    media::protocol::{Fault, Side},
    recording::{Finding, FindingKind},
};

/// How a worker can fail.
#[derive(Debug, Error)]
pub enum WorkerFault {
    /// It could not be started.
    #[error("a worker could not be started: {0}")]
    Spawn(#[from] std::io::Error),
    /// It moved nothing for too long and was killed.
    #[error("the worker moved nothing for {} s and was stopped{}", .after.as_secs(), tail(.stderr))]
    Stalled {
        /// For how long.
        after: Duration,
        /// The end of what it wrote to its standard error.
        stderr: String,
    },
    /// It went on and on, and was killed.
    #[error("the worker was not done after {} s and was stopped", .0.as_secs())]
    Overdue(Duration),
    /// It ended without an answer.
    #[error("the worker ended without an answer: {how}{}", tail(.stderr))]
    Died {
        /// Its exit status or signal.
        how: String,
        /// The end of what it wrote to its standard error.
        stderr: String,
    },
    /// It said something that no worker says.
    #[error("the worker was stopped: {0}")]
    Talk(String),
    /// It was killed on demand.
    #[error("the worker was stopped on demand")]
    Interrupted,
    /// It could not do the work and says why.
    #[error("{}: {}", .0.element, .0.text)]
    Unable(Fault),
}

fn tail(stderr: &str) -> String {
    if stderr.is_empty() {
        String::new()
    } else {
        format!(": {stderr}")
    }
}

impl WorkerFault {
    /// What is to be said of the recording, if anything: a worker that was stopped on demand says
    /// nothing about it.
    #[must_use]
    pub fn finding(&self) -> Option<Finding> {
        let kind = match self {
            Self::Interrupted => return None,
            Self::Stalled { .. } | Self::Overdue(_) => FindingKind::WorkerStalled,
            _ => FindingKind::WorkerDied,
        };
        Some(Finding::new(kind, self.to_string()))
    }
}

impl Explain for WorkerFault {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Fault
    }
    fn hint(&self) -> Option<String> {
        match self {
            Self::Unable(f) if f.side == Side::Encode => {
                Some("run `recvault doctor`: it names what this machine lacks".into())
            }
            _ => None,
        }
    }
}
