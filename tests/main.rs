//! Behaviour through the binary, one file per capability. One test program, so that RocksDB is
//! linked once; `tidy` fails when a file of this folder is not named here.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod access;
mod access_report;
mod alarms;
mod apart;
mod asking;
mod band;
mod break_glass;
mod case;
mod check;
mod chunks;
mod clauses;
mod contained;
mod correction;
mod deferred;
mod disposal;
mod doubt;
mod excerpt;
mod expert;
mod expiry;
mod faithful;
mod fidelity;
mod forgery;
mod full;
mod handover;
mod history;
mod hostile;
mod killed;
#[cfg(feature = "failpoints")]
mod kills;
mod known;
mod ledger;
mod log;
mod mirror;
mod mutated;
mod mutation;
mod neighbours;
mod night;
mod office;
mod package;
mod profiles;
mod proofs;
mod real;
mod regain;
mod salvage;
mod sheet;
mod signing;
mod soak;
mod stranger;
mod sync;
mod tamper;
mod tidy;
mod trace;
mod tune;
mod view;
mod witness;
