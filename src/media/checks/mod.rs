//! What a program can see wrong with a recording: black, frozen and silent stretches, timestamps
//! that jump, fewer frames than declared, a clock that cannot be right.
//!
//! Invariants:
//! - Pure: fed with frames and samples, giving findings; no clock, no file, no codec.
//! - Every finding has its place and one plain sentence; stretches that are a flicker apart are
//!   one finding, so a report stays short.
//! - Nothing that a file contains makes a check panic or grow without bound.
//!
//! Nothing here fails: a check that cannot judge says nothing.

mod declared;
mod picture;
mod settings;
mod sound;
mod stretch;
mod timeline;
mod timestamps;

pub use declared::{clock_suspect, duration_zero, sound_truncation, truncation};
pub use picture::{PictureWatch, mean_luma};
pub use settings::CheckSettings;
pub use sound::{Samples, SoundWatch, Window};
pub use stretch::{Stretch, Stretches};
pub use timeline::TimelineBuilder;
pub use timestamps::{Presented, TimeWatch};
