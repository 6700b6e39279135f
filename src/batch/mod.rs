//! Layer 4. Stages joined by bounded channels. It knows nothing of video: it moves items, keeps
//! their number bounded, stops when asked, and turns a panic in one item into that item's
//! [`Defect`] instead of the batch's end.
//!
//! ```text
//! source ──▶ [queue] ──▶ stage × threads ──▶ [queue] ──▶ stage × threads ──▶ … ──▶ drain
//! ```
//!
//! A stage ends when the one before it has ended and its queue is empty. An [`Interrupt`] makes
//! stages hand items on unworked: first asked, running items finish; asked again, they are to
//! give up too, which each stage's work has to look for.

mod interrupt;
mod stage;

pub use interrupt::{Interrupt, Stop};
pub use stage::{Defect, Stages};
