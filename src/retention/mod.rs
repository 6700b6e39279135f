//! Layer 3. Retention: what has to be kept, until when and why. Pure; it decides and never
//! deletes, and time is a parameter of everything.
//!
//! - **Nothing is due before its lawful date**: the later of recorded end and latest ingest, and
//!   three calendar months (or the policy's more), to the end of that local day (clause 4.6).
//! - **A promise is kept.** Whatever the policy, the attribution or the class become, the latest
//!   date that a recording was ever promised stands.
//! - **Every doubt keeps.** A hold, a clause of 4.6.1 to 4.6.4, an unknown owner, a suspect clock
//!   and a missing examination each keep a recording alone and without an end.
//! - **Reasons are returned**, the same ones for report, `why`, plan, certificate and ledger.
//!
//! How a recording goes, from below: [`Inputs`] are the facts; [`evaluate()`] makes a verdict of
//! them and a [`Policy`]; [`plan_disposal`] lists what is due; people approve the plan;
//! [`check_item`] looks again just before each unlink; a [`Certificate`] says what was done. The
//! [`ComplianceClock`] tells the time by which all of it is judged.
//!
//! Errors: a policy, a plan or a certificate that does not hold together is refused as a whole.

pub mod calendar;
pub mod canonical;
pub mod certificate;
pub mod class;
pub mod clause;
pub mod clock;
pub mod compare;
pub mod evaluate;
#[cfg(test)]
mod fixture;
pub mod inputs;
pub mod plan;
pub mod policy;
pub mod propose;
pub mod reason;
pub mod recheck;
pub mod why;

pub use canonical::canonical;
pub use certificate::{Certificate, CertificateError};
pub use class::{Class, ClassError, Lowering, Raising, Standing};
pub use clause::{Clause, UnknownClause};
pub use clock::{BootId, ClockError, ComplianceClock, Reading, Stop, Times};
pub use compare::{OnRecording, PolicyChange, compare, on_recording};
pub use evaluate::{Verdict, evaluate, expiry_key, promise};
pub use inputs::{CountedFrom, HeldBy, Inputs, Promise};
pub use plan::{Candidate, Plan, PlanError, PlanItem, plan_disposal};
pub use policy::{Amount, Ceiling, ClockTerms, Policy, PolicyError, Terms};
pub use propose::{Because, Presence, Proposal};
pub use reason::Reason;
pub use recheck::{AtUnlink, KeepReason, PlanApproval, check_item, grace_until};
pub use why::why;
