//! The product's pipelines: one TOML file each, shipped ones embedded, the store's own beside them.
//!
//! A profile can be trusted once it is loaded: every part is there, every `{name}` in its launch
//! text has a parameter, every parameter is bounded and its default lies within the bounds. What
//! is substituted is a number, a truth value or one of the listed words, so a value never brings
//! launch syntax of its own. Unknown keys, unknown names and broken bounds are refused with file,
//! line and reason.

mod load;
mod param;
mod shelf;

pub use load::{Profile, ProfileError};
pub use param::{Param, ParamKind, Setting};
pub use shelf::Shelf;

use serde::{Deserialize, Serialize};

use crate::base::Digest;

/// A profile with its parameters filled in: what a worker is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The profile's name.
    pub profile: String,
    /// SHA-256 of the profile file and of its effective parameters.
    pub digest: Digest,
    /// File-name extension of what it writes, without the dot.
    pub extension: String,
    /// Raw formats that the encoder takes, the first that carries the source best wins.
    pub formats: Vec<String>,
    /// Launch text from raw picture to what the container takes.
    pub video: String,
    /// Launch text from raw sound (48 kHz, 16 bit) to what the container takes.
    pub audio: String,
    /// Launch text of the container's element.
    pub mux: String,
}

/// An element that a profile needs, and the Debian package that holds it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Requirement {
    /// The element's name.
    pub element: String,
    /// The Debian package.
    pub package: String,
}
