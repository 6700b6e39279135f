//! recvault's own recordings, for trials: what recorders write, and what they write when they
//! break.
//!
//! Invariants:
//! - The same [`Spec`] gives the same pictures and the same sound; nothing here reads a clock.
//! - Nothing is overwritten, and no half-made file bears a recording's name.
//! - The process that asks never initialises GStreamer: a [`Maker`] is a child process of the same
//!   binary that reads one [`Spec`] per line and answers each with one line.
//!
//! It fails with a [`GenerateError`]; the files made before it stay.

mod clock;
mod error;
mod fleet;
mod maker;
mod pipeline;
mod scene;
mod spec;
mod voice;

pub use error::GenerateError;
pub use fleet::{CLIPS_MAX, Content, Note, Piece, clips, fleet, register_csv};
pub use maker::{Maker, SUBCOMMAND, serve};
pub use pipeline::make;
pub use spec::{Container, Sound, Spec, Stretch, Video};
