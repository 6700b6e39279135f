//! The reading half: a file on one end, decoded pictures and sound on the other.
//!
//! ```text
//!                       ┌─ videoconvert ─ videoscale ─ format ─ videoflip ─ appsink  pictures
//! filesrc ─ decodebin ──┼─ audioconvert ─ audioresample ─ format ─ appsink           sound
//!                       └─ fakesink                                                  all else
//! ```
//!
//! Where a file was cut off behind its index, a queue stands behind `filesrc`: no demuxer can seek through
//! it, so that what lies before the cut is read by its place and all of it comes out. Read by time it would
//! end at the first sample that is missing; pictures before the cut whose sound lies behind it would be
//! lost, a whole second where the recorder interleaves by the second.
//!
//! Where the index itself is missing, one that was made anew is read before the file; of an AVI the last
//! chunk, which is not whole, is not read: with it all would end that comes behind it in time ([`patched`]).
//!
//! Converter, scaler and flip pass frames through untouched unless the source needs them. The
//! first video and the first audio track are presented; every other track is drained, because a
//! track that nobody reads would stop the rest.

mod clock;
mod colour;
mod libav;
mod names;
mod open;
mod patched;
mod track;

pub use libav::DecoderComplaints;
pub use open::{Happening, Reading, Source};
pub use track::{PictureFormat, choose_format};
