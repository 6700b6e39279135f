//! Layer 1. The register: which recorders and officers there are, and who held which recorder from
//! when to when.
//!
//! Pure data. A register changes only by a [`Change`], so that what the events say and what the
//! register holds are one; [`plan_import`] lists the changes that a file would make and makes
//! none. No recorder has two holders at one instant: an import that would make it so is refused.

mod change;
mod import;
mod line;
mod register;

pub use change::{Change, apply};
pub use import::{ImportError, ImportErrors, ImportPlan, plan_import};
pub use register::{Assignment, Device, Holding, Officer, Overlap, Register};
