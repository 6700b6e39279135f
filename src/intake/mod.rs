//! Layer 6. The stages of the night: scan, settle, admit, attribute, derive.
//!
//! Each stage is a room; [`night`] joins them. What a night did is data ([`NightSummary`]), how
//! far it is, too ([`Progress`]).

mod admit;
pub mod attribute;
mod board;
mod cores;
pub mod derive;
mod examined;
mod known;
mod missing;
pub mod night;
pub mod progress;
pub mod release;
mod salvage;
pub mod scan;
pub mod summary;
mod tally;
pub mod upkeep;

pub use missing::RowSettings;
pub use progress::{Job, Progress, Watcher};
pub use summary::{Ending, Item, NightSummary, Outcome, Room, Totals};
pub use upkeep::{MirrorState, Upkeep};
