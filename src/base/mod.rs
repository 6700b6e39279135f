//! Layer 0. What every room needs and nothing more: identifiers, digests, time, durable files,
//! the named limits and the kinds of error.

pub mod civil;
pub mod clock;
pub mod digest;
pub mod durable;
pub mod error;
pub mod killpoint;
pub mod limits;
pub mod merkle;
pub mod nearest;
pub mod text;

pub use clock::{Clock, FixedClock, Moment, SinceBoot, SystemClock};
pub use digest::{Digest, RecordingId};
pub use error::{ErrorKind, Explain};
