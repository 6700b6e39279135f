//! Layer 2. Who may do what: the roster of people and keys, statements that they sign, how many
//! must agree, and holds.
//!
//! Pure data and pure rules: nothing here opens a file or reads a clock. What a person agrees to
//! is a text ([`statement`]), signed with OpenSSH ([`signature`]) by a key of the roster
//! ([`roster`], [`history`]) and judged by one table ([`quorum`]). IT, which runs the store, can
//! sign like everybody else and can forge nobody's signature; anybody can check one with
//! `ssh-keygen` alone.
//!
//! Invariants: a statement under one kind never counts as another; a key counts as long as the
//! roster in force at the statement's event says so; people are counted, not keys; taking rights
//! away is fast, giving them is slow. Fails by typed refusals that say what is missing.

pub mod access;
pub mod actor;
pub mod amendment;
pub mod history;
pub mod hold;
pub mod key;
pub mod kind;
pub mod line;
pub mod quorum;
pub mod request;
pub mod roster;
pub mod signature;
pub mod statement;

pub use actor::Actor;
pub use amendment::{Amendment, AmendmentError, Need};
pub use history::{ChangeRefused, Pending, RosterChange, RosterHistory};
pub use hold::{Asked, Hold, HoldRefused, Holds};
pub use key::{Key, KeyError, PublicKey};
pub use kind::{Kind, Target};
pub use quorum::{Context, Matter, Quorum, STATEMENT_AGE_DAYS_MAX, Standing, Unfit, judge};
pub use roster::{Delays, Person, Role, Roster, RosterError};
pub use signature::{SignatureError, Signer, verify, verify_statement};
pub use statement::{Head, Nonce, Statement, StatementError, log_name};

#[cfg(test)]
mod tests;
