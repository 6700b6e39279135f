//! Why a recording could not be made.

use std::{io, path::PathBuf};

use crate::base::{ErrorKind, Explain};

/// Why a recording could not be made.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// There is a file of that name.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    /// A picture or a sound that the encoders or the container do not take.
    #[error("{what}")]
    Spec {
        /// What is wrong with it.
        what: String,
    },
    /// The disk said no.
    #[error("{} cannot be written", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An element is missing or failed.
    #[error("{element}: {text}")]
    Unable {
        /// The element.
        element: String,
        /// What it said.
        text: String,
    },
    /// The child process could not be started, went away, or said something unheard of.
    #[error("the generating process failed: {0}")]
    Maker(String),
}

impl GenerateError {
    pub(super) fn spec(what: impl Into<String>) -> Self {
        Self::Spec { what: what.into() }
    }

    pub(super) fn disk(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| match source.kind() {
            io::ErrorKind::AlreadyExists => Self::Exists(path),
            _ => Self::Disk { path, source },
        }
    }
}

impl From<crate::media::protocol::Fault> for GenerateError {
    fn from(fault: crate::media::protocol::Fault) -> Self {
        Self::Unable {
            element: fault.element,
            text: fault.text,
        }
    }
}

impl Explain for GenerateError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Exists(_) | Self::Spec { .. } => ErrorKind::Usage,
            _ => ErrorKind::Fault,
        }
    }
    fn hint(&self) -> Option<String> {
        match self {
            Self::Exists(_) => Some("nothing is overwritten; name another folder".into()),
            Self::Unable { .. } => {
                Some("run `recvault doctor`: it names what this machine lacks".into())
            }
            _ => None,
        }
    }
}
