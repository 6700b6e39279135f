//! The reading half: a file on one end, decoded pictures and sound on the other.
//!
//! ```text
//!                       ┌─ videoconvert ─ videoscale ─ format ─ videoflip ─ appsink  pictures
//! filesrc ─ decodebin ──┼─ audioconvert ─ audioresample ─ format ─ appsink           sound
//!                       └─ fakesink                                                  all else
//! ```
//!
//! Where a file was cut off, a queue stands behind `filesrc`: no demuxer can seek through it, so
//! that what lies before the cut is read by its place and all of it comes out.
//!
//! Converter, scaler and flip pass frames through untouched unless the source needs them. The
//! first video and the first audio track are presented; every other track is drained, because a
//! track that nobody reads would stop the rest.

mod boxes;
mod clock;
mod colour;
mod cut;
mod libav;
mod names;
mod open;
mod track;

pub use libav::DecoderComplaints;
pub use open::{Happening, Source};
pub use track::{PictureFormat, choose_format};
