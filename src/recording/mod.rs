//! Layer 1. What a recording is: its kind, where it came from, what was found in it, what state
//! it is in. Pure data and pure rules; nothing here opens a file.

pub mod attribution;
pub mod finding;
pub mod kind;
pub mod media;
pub mod name;
pub mod neighbours;
pub mod record;
pub mod salvage;
pub mod sequence;
pub mod sidecar;
pub mod unlike;

pub use attribution::{Attribution, Claim, Field, Source, Value};
pub use finding::{Finding, FindingKind, Severity, Span};
pub use kind::Kind;
pub use media::{MediaInfo, Timeline, Track, TrackKind};
pub use name::Grammar;
pub use record::{Record, Rendition, Sighting, State};
pub use salvage::{Salvage, SalvageMethod};
pub use sidecar::Sidecar;
