//! What can go wrong between the element and the library. Every variant names the setting, the
//! call or the file that it is about.

use crate::base::{ErrorKind, Explain};

/// Why SVT-AV1 cannot be had, configured or driven.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SvtAv1Error {
    /// The shared library cannot be loaded.
    #[error("{file} cannot be loaded: {reason}")]
    Absent {
        /// The file name that the loader was asked for.
        file: &'static str,
        /// What the loader says.
        reason: String,
    },
    /// The library is of a release whose structures these bindings do not know.
    #[error("the SVT-AV1 library is {version}; only {known} is known here")]
    UnknownRelease {
        /// As the library says it.
        version: String,
        /// The release that the bindings were made for.
        known: &'static str,
    },
    /// GStreamer did not accept the element.
    #[error("GStreamer refuses the element svtav1enc: {reason}")]
    Register {
        /// What GStreamer says.
        reason: String,
    },
    /// One segment of the free parameters is not of the form `name=value`.
    #[error("parameter {text:?} is not of the form name=value")]
    NotAPair {
        /// The segment as it was given.
        text: String,
    },
    /// The parameter follows from the frames or the element and cannot be given by hand.
    #[error("parameter {name} follows from the input and cannot be set by hand")]
    Reserved {
        /// The parameter's name.
        name: String,
    },
    /// The library does not know the parameter, or not this value.
    #[error("SVT-AV1 refuses parameter {name}={value}")]
    Parameter {
        /// The parameter's name.
        name: String,
        /// The value as it was given.
        value: String,
    },
    /// Each setting alone is readable, but the library refuses them together.
    #[error("SVT-AV1 refuses these settings together: {settings}")]
    Combination {
        /// All of them, as `name=value:name=value`.
        settings: String,
    },
    /// A frame cannot be mapped as its caps say.
    #[error("frame {number} is not laid out as its caps say")]
    Frame {
        /// Counted from zero since the element was started or flushed.
        number: u32,
    },
    /// A call into the library failed.
    #[error("SVT-AV1 {call} failed with code {code:#010x}")]
    Call {
        /// What was asked of the library.
        call: &'static str,
        /// The code that it returned.
        code: u32,
    },
}

impl Explain for SvtAv1Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotAPair { .. }
            | Self::Reserved { .. }
            | Self::Parameter { .. }
            | Self::Combination { .. } => ErrorKind::Usage,
            Self::Absent { .. }
            | Self::UnknownRelease { .. }
            | Self::Register { .. }
            | Self::Frame { .. }
            | Self::Call { .. } => ErrorKind::Fault,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Absent { .. } => Some("install the package libsvtav1enc1".into()),
            Self::UnknownRelease { .. } => Some(
                "with a newer library, install the GStreamer plugin that brings its own svtav1enc"
                    .into(),
            ),
            Self::Parameter { .. } | Self::Combination { .. } => Some(
                "the library's own reason is on standard error; its manual lists names and ranges"
                    .into(),
            ),
            _ => None,
        }
    }
}
