//! Layer 4. GStreamer, and nowhere else.
//!
//! Media is hostile: everything here that touches a parser or a codec runs in a worker process
//! of its own, one per recording. The parent's side is [`profile`] (what to make) and [`worker`]
//! (who makes it); it never initialises GStreamer. The worker's side is the rest.

pub mod band;
mod boxes;
mod capabilities;
pub mod checks;
mod derive;
mod encode;
mod excerpt;
pub mod generate;
mod graph;
mod likeness;
mod machine;
mod mute;
mod packets;
pub mod profile;
pub mod protocol;
pub mod salvage;
mod sheet;
mod source;
pub mod svtav1;
mod trace;
mod verify;
pub mod worker;

pub use capabilities::reading_needs;
pub use excerpt::Cut;
