//! recvault keeps the recordings of law-enforcement recorders honest.
//!
//! Every night it takes raw recorder files, hashes them, decodes and validates them, marks them
//! with device and officer, transcodes them to an archival codec and keeps the originals
//! bit-exact. What happens is an event in a ledger; what is listed and shown is what the events
//! add up to.
//!
//! # Invariants
//!
//! 1. **The original is sacred.** Hash first, parse later. No command deletes or changes an
//!    original before its lawful date; what nothing can read is still vaulted and kept.
//! 2. **Everything that happens is an event.** Event and rows are one synced batch.
//! 3. **Errors fall on the keeping side.** Disk pressure stops intake and never deletes.
//! 4. **Deciding and destroying are apart.**
//! 5. **Nobody looks without approval**: no pixel and no sound in a report, a log or a message.
//! 6. **Media is hostile.** Parsers and codecs run in a process of their own, one per recording.
//! 7. **Re-running is safe.** Killed anywhere, the next run finishes the work and doubles nothing.
//!
//! # The house
//!
//! A module imports strictly lower numbers; `tests/tidy.rs` holds this table.
//!
//! | layer | room | what it knows |
//! |---|---|---|
//! | 0 | [`base`] | ids, digests, time, durable files, limits, kinds of error |
//! | 1 | [`recording`] | what a recording is, and whose |
//! | 1 | [`registry`] | devices, officers, who held what when |
//! | 2 | [`custody`] | who may do what: roster, signed statements, how many must agree, holds |
//! | 3 | [`event`] | every event as versioned data |
//! | 3 | [`retention`] | what has to be kept, until when and why: decides, never deletes |
//! | 3 | [`hashing`] | SHA-256 and chunk tree in one pass while copying |
//! | 3 | [`proof`] | what a stranger needs to check the log: proofs, notes, checkpoints, witness |
//! | 4 | [`media`] | GStreamer, and nowhere else: workers, profiles, checks, band, transcoding |
//! | 4 | [`vault`] | immutable objects |
//! | 4 | [`index`] | RocksDB, and nowhere else |
//! | 4 | [`ledger`] | Merkle log over bytes: append, tiles, checkpoints |
//! | 4 | [`batch`] | stages joined by bounded channels; knows nothing of video |
//! | 5 | [`store`] | vault, index and ledger as one; the only one that writes them |
//! | 6 | [`intake`] | the stages of the night |
//! | 6 | [`disposal`] | carries out an approved plan and certifies what is gone |
//! | 6 | [`export`] | spends an approval: a package that every computer can check |
//! | 7 | [`report`] | what a person reads |
//! | 7 | [`tune`] | how fast this machine makes copies, by setting; keeps none of them |
//! | 7 | [`config`] | `recvault.toml`, checked |
//! | 8 | [`service`] | every command as data; executed here or sent to the store's owner |
//! | 8 | [`doctor`] | what this machine has |
//! | 9 | [`cli`] | one file per subcommand; output, exit codes |
//!
//! # Words
//!
//! *Recording*: the bytes of one recorder file; its id is the head of their SHA-256. *Original*:
//! those bytes in the vault. *Rendition*: what was made from it. *Sighting*: one time that the
//! bytes lay in the inbox. *Finding*: one fact that a person may need to know. *Register*:
//! devices, officers, assignments. *Ledger*: the events. *Index*: what they add up to.

pub mod base;
pub mod batch;
pub mod cli;
pub mod config;
pub mod custody;
pub mod disposal;
pub mod doctor;
pub mod event;
pub mod export;
pub mod hashing;
pub mod index;
pub mod intake;
pub mod ledger;
pub mod media;
pub mod proof;
pub mod recording;
pub mod registry;
pub mod report;
pub mod retention;
pub mod service;
pub mod store;
pub mod tune;
pub mod vault;
