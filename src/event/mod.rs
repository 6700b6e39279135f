//! Layer 3. Every event as versioned data. State changes only through an event; what has been
//! written is hashed as it stands and never serialised again.

pub mod access;
pub mod line;
pub mod recording;
pub mod sealed;
pub mod what;

pub use access::AccessRequested;
pub use line::{Event, LineError, Writer};
pub use recording::{RecordingAdmitted, RecordingExamined, WhichCopy};
pub use sealed::{Detail, Sealed};
pub use what::What;
