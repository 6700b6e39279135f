//! What one roster changes about another, and how much agreement that needs.
//!
//! Taking rights away is fast, giving them is slow:
//!
//! | amendment | what changes | who agrees | in force |
//! |---|---|---|---|
//! | withdrawn | nothing: the statement names the roster in force | one approver, or any two people | at once; what waits is dropped |
//! | revoked | keys are revoked, or revoked ones leave the text | one approver | at once; what waits is dropped |
//! | replaced | one person who has no good key left gets new ones | two people, one an approver | after the change delay if both are approvers, otherwise after the repair delay |
//! | replaced, in a roster of two | the same | the other approver alone | after twice the repair delay |
//! | changed | anything else | two approvers | after the change delay |
//!
//! *Why one approver revokes, even the last key of all*: a stolen key must not count for an hour
//! longer than it takes one person to say so. The worst that this right can do is to lock an office
//! out: then nothing is approved, lowered or destroyed any more, which is the keeping side.
//!
//! *Why a lost key needs no second approver*: an office has two of them, and when one has lost the
//! key, one is left. *Why this is no way for that one to rule alone*: a replacement brings in no
//! new person and changes no role; somebody else must sign as well; it waits for two weeks, in
//! which every report names the person whose key is said to be lost; and any two people can
//! withdraw it meanwhile, which gives nobody a right.
//!
//! A roster of only two approvers has nobody else who could sign, and must survive a lost key too.
//! There, one is enough, after four weeks. An office that does not want this adds a third person,
//! of any department: it is the number of people in the roster that counts, able to sign or not,
//! and no single approver can change that number.
//!
//! What remains is said plainly. One dishonest approver with one accomplice (or in an office of
//! two, alone) can take over the other's place if nobody looks for that long; it then stands in
//! the log for good, under the name of somebody who knows better.
//!
//! What waits is dropped whenever another roster takes force, because its text was written
//! against the older one and would bring back a key that was revoked meanwhile. The event numbers
//! beside keys are held to what the statement says was seen, so that they can be believed.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use super::{
    key::{Key, PublicKey},
    roster::{Person, Roster},
};
use crate::base::{ErrorKind, Explain};

/// How much agreement is needed: so many different people, so many of them approvers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// Different people.
    pub people: usize,
    /// Approvers among them.
    pub approvers: usize,
}

impl Need {
    /// A need of so many people and approvers.
    #[must_use]
    pub const fn of(people: usize, approvers: usize) -> Self {
        Self { people, approvers }
    }
}

/// What a roster changes about the one in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Amendment {
    /// Nothing: what waits is to be dropped.
    Withdrawn,
    /// Keys are revoked.
    Revoked {
        /// Approvers who can sign afterwards.
        approvers_left: usize,
    },
    /// A person who has no good key left gets new ones.
    Replaced {
        /// Who.
        person: String,
        /// Whether there are only two people, so that nobody is left but one approver.
        of_two: bool,
    },
    /// Anything else.
    Changed,
}

impl Amendment {
    /// Any one of these is enough agreement.
    #[must_use]
    pub const fn needs(&self) -> &'static [Need] {
        const APPROVER_OR_TWO: &[Need] = &[Need::of(1, 1), Need::of(2, 0)];
        const APPROVER: &[Need] = &[Need::of(1, 1)];
        const APPROVER_AND_ONE: &[Need] = &[Need::of(2, 1)];
        const APPROVERS: &[Need] = &[Need::of(2, 2)];
        match self {
            Self::Withdrawn => APPROVER_OR_TWO,
            Self::Revoked { .. } | Self::Replaced { of_two: true, .. } => APPROVER,
            Self::Replaced { of_two: false, .. } => APPROVER_AND_ONE,
            Self::Changed => APPROVERS,
        }
    }
}

/// Why a roster cannot follow the one in force, whoever agrees.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AmendmentError {
    /// A roster of another store.
    #[error("the roster is one of another store")]
    AnotherStore,
    /// A new key without the number of the event that was seen.
    #[error(
        "the new key {key} of {person} must say 'added {seen}', the event that the statement has seen"
    )]
    Added {
        /// Whose.
        person: String,
        /// Its fingerprint.
        key: String,
        /// The statement's `seen`.
        seen: u64,
    },
    /// A revocation without the number of the event that was seen.
    #[error(
        "the revoked key {key} of {person} must say 'revoked {seen}', the event that the statement has seen"
    )]
    Revoked {
        /// Whose.
        person: String,
        /// Its fingerprint.
        key: String,
        /// The statement's `seen`.
        seen: u64,
    },
    /// What was said of a key before is said otherwise.
    #[error("the key {key} of {person} is there already, with other numbers")]
    Rewritten {
        /// Whose.
        person: String,
        /// Its fingerprint.
        key: String,
    },
    /// A key passes to another person.
    #[error("the key {key} belongs to {first} and cannot pass to {second}")]
    Passed {
        /// Its fingerprint.
        key: String,
        /// Whose it is.
        first: String,
        /// Whose it would be.
        second: String,
    },
    /// A good key is left out.
    #[error("the key {key} of {person} is left out; a key is revoked first")]
    Dropped {
        /// Whose.
        person: String,
        /// Its fingerprint.
        key: String,
    },
    /// A key that was revoked in an earlier roster.
    #[error("the key {key} of {person} was revoked once and never comes back")]
    Returned {
        /// Whose.
        person: String,
        /// Its fingerprint.
        key: String,
    },
}

impl Explain for AmendmentError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Refused
    }
    fn hint(&self) -> Option<String> {
        match self {
            Self::Returned { .. } => Some("make a new key with `ssh-keygen -t ed25519`".into()),
            _ => None,
        }
    }
}

/// What `new` changes about `old`, by a statement that has seen event `seen`.
///
/// # Errors
/// `new` rewrites what a roster must keep.
pub fn compare(old: &Roster, new: &Roster, seen: u64) -> Result<Amendment, AmendmentError> {
    if old == new {
        return Ok(Amendment::Withdrawn);
    }
    if old.store() != new.store() {
        return Err(AmendmentError::AnotherStore);
    }
    let before: BTreeMap<&PublicKey, (&Person, &Key)> =
        old.keys().map(|(p, k)| (&k.public, (p, k))).collect();
    let mut gained: BTreeSet<&str> = BTreeSet::new();
    let mut kept: BTreeSet<&PublicKey> = BTreeSet::new();
    let mut revoked = false;
    for (person, key) in new.keys() {
        let id = &person.id;
        match before.get(&key.public) {
            None => {
                check_added(person, key, seen)?;
                gained.insert(id);
            }
            Some((first, was)) => {
                if first.id != *id {
                    return Err(AmendmentError::Passed {
                        key: key.public.fingerprint(),
                        first: first.id.clone(),
                        second: id.clone(),
                    });
                }
                check_kept(person, was, key, seen)?;
                revoked |= was.is_good() && !key.is_good();
                kept.insert(&key.public);
            }
        }
    }
    let mut losers: BTreeSet<&str> = BTreeSet::new();
    for (person, key) in old.keys().filter(|(_, k)| !kept.contains(&k.public)) {
        // Who leaves the roster takes the keys along.
        if key.is_good() && new.person(&person.id).is_some() {
            return Err(AmendmentError::Dropped {
                person: person.id.clone(),
                key: key.public.fingerprint(),
            });
        }
        losers.insert(&person.id);
    }
    let identity = |p: &Person| (p.id.clone(), p.role, p.uid);
    let same_people = old.people().map(identity).eq(new.people().map(identity));
    if !same_people || old.delays() != new.delays() {
        return Ok(Amendment::Changed);
    }
    let mut gained = gained.into_iter();
    match (gained.next(), gained.next()) {
        (None, _) => Ok(Amendment::Revoked {
            approvers_left: new.approvers_able(),
        }),
        (Some(id), None) if !revoked && losers.iter().all(|l| *l == id) && has_lost(old, id) => {
            Ok(Amendment::Replaced {
                person: id.into(),
                of_two: old.people().count() == 2,
            })
        }
        _ => Ok(Amendment::Changed),
    }
}

/// Whether the person had keys and none of them is good.
fn has_lost(roster: &Roster, id: &str) -> bool {
    let person = roster.person(id);
    person.is_some_and(|p| !p.keys.is_empty() && !p.can_sign())
}

fn check_added(person: &Person, key: &Key, seen: u64) -> Result<(), AmendmentError> {
    if key.added_at == Some(seen) && key.is_good() {
        return Ok(());
    }
    Err(AmendmentError::Added {
        person: person.id.clone(),
        key: key.public.fingerprint(),
        seen,
    })
}

fn check_kept(person: &Person, was: &Key, is: &Key, seen: u64) -> Result<(), AmendmentError> {
    let (person, key) = (person.id.clone(), is.public.fingerprint());
    if was == is {
        return Ok(());
    }
    if was.added_at != is.added_at || !was.is_good() {
        return Err(AmendmentError::Rewritten { person, key });
    }
    if is.revoked_at == Some(seen) {
        return Ok(());
    }
    Err(AmendmentError::Revoked { person, key, seen })
}

#[cfg(test)]
mod tests;
