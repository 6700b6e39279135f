//! A rendition's packets: parsed and counted, and decoded where somebody wants to see one.
//!
//! ```text
//!                            ┌─ parser ─ appsink   pictures ─▶ appsrc ─ decodebin ─ … ─ appsink
//! filesrc ─ parsebin ────────┤
//!                            └─ parser ─ appsink   sound
//! ```

mod decode;
mod read;

pub use decode::Decoder;
pub use read::{Packet, Packets, broken};

use super::protocol::{Fault, ProtocolError};

/// Why work on packets ends early.
pub enum End {
    /// The parent is gone.
    Pipe(ProtocolError),
    /// The pipelines cannot go on.
    Fault(Fault),
}
impl From<ProtocolError> for End {
    fn from(e: ProtocolError) -> Self {
        Self::Pipe(e)
    }
}
impl From<Fault> for End {
    fn from(f: Fault) -> Self {
        Self::Fault(f)
    }
}
