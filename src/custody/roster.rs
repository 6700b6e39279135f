//! The roster: the people who may act on a store, each with one role and public keys.
//!
//! A roster has one text, UTF-8 with line feeds, sorted, for people to read; its digest is that
//! text's SHA-256, and that is what approvers sign. The genesis roster's digest is the name of the
//! log. Invariants, held by every [`Roster`] there is: handles, uids and keys are each one
//! person's; there are two approvers or more, or none and then the text says so; everything is
//! within the bounds below. A roster holds no names: handles are the office's own, and who stands
//! behind one is its business.
//!
//! Whether a key's owner may sign for something is not decided here, but in
//! [`quorum`](super::quorum).

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt,
    str::FromStr,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::{
    key::{Key, KeyError, PublicKey},
    kind::Kind,
    line::{LineError, check_handle},
    statement::Nonce,
};
use crate::base::{Digest, ErrorKind, Explain};

mod text;

/// People in a roster: IT, reviewers and approvers of one office. Officers in the field stand in
/// the register and need no place here.
pub const PEOPLE_MAX: usize = 128;

/// Keys of one person, revoked ones included: a key on each of a few machines, and those that
/// were lost.
pub const KEYS_MAX: usize = 16;

/// Bytes of a roster's text: it stands in an event, whose line holds 48 KiB.
pub const ROSTER_BYTES_MAX: usize = 32 * 1024;

/// Approvers that a roster needs if it has any: with one, nobody could watch the other.
pub const APPROVERS_MIN: usize = 2;

/// Hours after which an agreed change takes force, unless the roster says otherwise: a working
/// day in which those who did not agree can see it.
pub const CHANGE_DELAY_HOURS: u32 = 24;

/// Hours after which new keys for a lost one take force when only one approver agreed, unless the
/// roster says otherwise: two weeks, as long as the grace of a disposal, so that a false
/// replacement is seen before it can do harm.
pub const REPAIR_DELAY_HOURS: u32 = 14 * 24;

/// Hours that either delay may have: no roster may take force unseen, and none be out of reach.
pub const DELAY_HOURS: std::ops::RangeInclusive<u32> = 1..=90 * 24;

/// The department that a person acts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// IT, the custodian of the store (clauses 3.2 and 4.6).
    It,
    /// The use department (clause 3.1).
    UseDepartment,
    /// General Affairs (clause 3.3).
    GeneralAffairs,
    /// Market Management, which approves (clause 4.7).
    Approver,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 4] = [
        Self::It,
        Self::UseDepartment,
        Self::GeneralAffairs,
        Self::Approver,
    ];

    /// The word in the roster's text and on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::It => "it",
            Self::UseDepartment => "use_department",
            Self::GeneralAffairs => "general_affairs",
            Self::Approver => "approver",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Role {
    type Err = ();
    fn from_str(s: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|r| r.word() == s).ok_or(())
    }
}

/// One person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The handle that sentences and signatures name.
    pub id: String,
    /// The department that they act for.
    pub role: Role,
    /// Their user id on the store's machine; absent for who has no login there.
    pub uid: Option<u32>,
    /// Their keys, revoked ones included.
    pub keys: Vec<Key>,
}

impl Person {
    /// Whether a signature of theirs can count.
    #[must_use]
    pub fn can_sign(&self) -> bool {
        self.keys.iter().any(Key::is_good)
    }
}

/// Why people do not make a roster, or a text is none.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RosterError {
    /// A handle is none.
    #[error("'{id}' cannot be a person's handle: {why}")]
    Handle {
        /// As written.
        id: String,
        /// Why not.
        why: LineError,
    },
    /// A line is no key.
    #[error("a key of {id} cannot be taken: {why}")]
    Key {
        /// Whose.
        id: String,
        /// Why not.
        why: KeyError,
    },
    /// One handle twice: a person has one role.
    #[error("{0} is there twice")]
    PersonTwice(String),
    /// One uid for two people.
    #[error("{first} and {second} have the same uid {uid}")]
    UidTwice {
        /// The uid.
        uid: u32,
        /// One of them.
        first: String,
        /// The other.
        second: String,
    },
    /// One key twice.
    #[error("the key {key} belongs to {first} and is given to {second} as well")]
    KeyTwice {
        /// Its fingerprint.
        key: String,
        /// Whose it is.
        first: String,
        /// Whose it is said to be as well.
        second: String,
    },
    /// A key that was revoked before it was there.
    #[error("the key {key} of {id} is revoked at event {revoked} but added at event {added}")]
    Revoked {
        /// Its fingerprint.
        key: String,
        /// Whose.
        id: String,
        /// When revoked.
        revoked: u64,
        /// When added.
        added: u64,
    },
    /// A single approver.
    #[error("{0} is the only approver; a roster has {APPROVERS_MIN} or more, or none at all")]
    OneApprover(String),
    /// A bound is passed.
    #[error("a roster has at most {max} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The bound.
        max: usize,
    },
    /// A delay out of bounds, or the longer one shorter.
    #[error("delays of {change} and {repair} hours: each is {} to {} hours, and the second is not the shorter", DELAY_HOURS.start(), DELAY_HOURS.end())]
    Delay {
        /// Of an agreed change.
        change: u32,
        /// Of a replacement that one approver agreed to.
        repair: u32,
    },
    /// A line of a text is not what stands there in a roster.
    #[error("line {line} of the roster is not '{expected}'")]
    Line {
        /// The line's number, from one.
        line: usize,
        /// What stands there in a good text.
        expected: &'static str,
    },
    /// Every part is good, but the whole is not written as a roster is.
    #[error("the roster is not in the one form that it has, from line {0} on")]
    NotCanonical(usize),
}

impl Explain for RosterError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<String> {
        match self {
            Self::OneApprover(_) => {
                Some("give the keys of two different people of Market Management".into())
            }
            Self::Key { why, .. } => why.hint(),
            Self::NotCanonical(_) | Self::Line { .. } => {
                Some("use the text exactly as recvault printed it".into())
            }
            _ => None,
        }
    }
}

/// How long a change of the roster waits, in hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delays {
    /// After two approvers agreed.
    pub change_hours: u32,
    /// After one approver and one other person agreed that a lost key be replaced.
    pub repair_hours: u32,
}

impl Default for Delays {
    fn default() -> Self {
        Self {
            change_hours: CHANGE_DELAY_HOURS,
            repair_hours: REPAIR_DELAY_HOURS,
        }
    }
}

/// A roster. In events it is its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Roster {
    store: Option<Nonce>,
    people: BTreeMap<String, Person>,
    delays: Delays,
}

impl Roster {
    /// A roster of these people, in any order.
    ///
    /// # Errors
    /// The first rule that they break.
    pub fn new(
        people: impl IntoIterator<Item = Person>,
        delays: Delays,
    ) -> Result<Self, RosterError> {
        let mut kept = BTreeMap::new();
        let mut uids: BTreeMap<u32, String> = BTreeMap::new();
        let mut keys: BTreeMap<PublicKey, String> = BTreeMap::new();
        for mut person in people {
            check_person(&person)?;
            let id = person.id.clone();
            if let Some(uid) = person.uid
                && let Some(first) = uids.insert(uid, id.clone())
            {
                let second = id;
                return Err(RosterError::UidTwice { uid, first, second });
            }
            for key in &person.keys {
                if let Some(first) = keys.insert(key.public.clone(), id.clone()) {
                    let key = key.public.fingerprint();
                    let second = id;
                    return Err(RosterError::KeyTwice { key, first, second });
                }
            }
            person.keys.sort();
            match kept.entry(id) {
                Entry::Vacant(place) => place.insert(person),
                Entry::Occupied(there) => {
                    return Err(RosterError::PersonTwice(there.key().clone()));
                }
            };
        }
        let (change, repair) = (delays.change_hours, delays.repair_hours);
        if !DELAY_HOURS.contains(&change) || !DELAY_HOURS.contains(&repair) || repair < change {
            return Err(RosterError::Delay { change, repair });
        }
        let roster = Self {
            store: None,
            people: kept,
            delays,
        };
        roster.check_whole()?;
        Ok(roster)
    }

    /// The same roster, of this store. Two stores with the same people are then two logs, and a
    /// statement for one says nothing in the other.
    ///
    /// # Errors
    /// The text would be too long.
    pub fn for_store(self, store: Nonce) -> Result<Self, RosterError> {
        let store = Some(store);
        let roster = Self { store, ..self };
        roster.check_whole()?;
        Ok(roster)
    }

    /// A roster of the same store with these people and delays, to be proposed.
    ///
    /// # Errors
    /// The first rule that they break.
    pub fn amended(
        &self,
        people: impl IntoIterator<Item = Person>,
        delays: Delays,
    ) -> Result<Self, RosterError> {
        let roster = Self::new(people, delays)?;
        match self.store {
            Some(store) => roster.for_store(store),
            None => Ok(roster),
        }
    }

    fn check_whole(&self) -> Result<(), RosterError> {
        let mut approvers = self.approvers();
        if let (Some(only), None) = (approvers.next(), approvers.next()) {
            return Err(RosterError::OneApprover(only.id.clone()));
        }
        let bounds = [
            (self.people.len(), "people", PEOPLE_MAX),
            (self.text().len(), "bytes", ROSTER_BYTES_MAX),
        ];
        match bounds.into_iter().find(|(n, _, max)| n > max) {
            Some((_, what, max)) => Err(RosterError::TooMany { what, max }),
            None => Ok(()),
        }
    }

    /// The first roster of a store: approvers alone, from lines as in `authorized_keys`
    /// (`ssh-ed25519 AAAA… comment`), one for each person. No line at all gives a roster without
    /// approvers: nothing that needs one can ever happen, and its text says so.
    ///
    /// A person's handle is what stands before the `@` of the comment, where that is a handle and
    /// nobody else's; otherwise `approver-1`, `approver-2`, by the order of the lines. Follow it
    /// with [`for_store`](Self::for_store).
    ///
    /// # Errors
    /// A line is no key, one key stands there twice, or there is one line only.
    pub fn genesis(approver_keys: &[&str]) -> Result<Self, RosterError> {
        let without = approver_keys.iter().map(|key| (*key, None));
        Self::genesis_of(&without.collect::<Vec<_>>())
    }

    /// The same with the user ids that the approvers have on this machine: who asks to look without
    /// being in the roster can only be told from an approver by them.
    ///
    /// # Errors
    /// As [`Roster::genesis`]; or two have one uid.
    pub fn genesis_of(approvers: &[(&str, Option<u32>)]) -> Result<Self, RosterError> {
        let mut read = Vec::new();
        for (number, (line, uid)) in approvers.iter().enumerate() {
            let id = format!("approver-{}", number + 1);
            match PublicKey::read_line(line) {
                Ok((key, comment)) => read.push((id, key, handle_of(&comment), *uid)),
                Err(why) => return Err(RosterError::Key { id, why }),
            }
        }
        let people = read.iter().map(|(fallback, key, handle, uid)| {
            let alone = read
                .iter()
                .filter(|(_, _, other, _)| other == handle)
                .count()
                == 1;
            Person {
                id: handle.clone().filter(|_| alone).unwrap_or(fallback.clone()),
                role: Role::Approver,
                uid: *uid,
                keys: vec![Key::genesis(key.clone())],
            }
        });
        Self::new(people.collect::<Vec<_>>(), Delays::default())
    }

    /// SHA-256 of the text: what approvers sign.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::new(Sha256::digest(self.text()).into())
    }

    /// What makes the store's log another than that of every other store, if it was given.
    #[must_use]
    pub const fn store(&self) -> Option<Nonce> {
        self.store
    }

    /// How long a change of this roster waits.
    #[must_use]
    pub const fn delays(&self) -> Delays {
        self.delays
    }

    /// Everybody, by handle.
    pub fn people(&self) -> impl Iterator<Item = &Person> {
        self.people.values()
    }

    /// The person of this handle.
    #[must_use]
    pub fn person(&self, id: &str) -> Option<&Person> {
        self.people.get(id)
    }

    /// The person with this user id.
    #[must_use]
    pub fn by_uid(&self, uid: u32) -> Option<&Person> {
        self.people().find(|p| p.uid == Some(uid))
    }

    /// Whose key this is, revoked or not.
    #[must_use]
    pub fn holder(&self, key: &PublicKey) -> Option<(&Person, &Key)> {
        self.keys().find(|(_, k)| k.public == *key)
    }

    /// Every key and whose it is.
    pub fn keys(&self) -> impl Iterator<Item = (&Person, &Key)> {
        self.people()
            .flat_map(|p| p.keys.iter().map(move |k| (p, k)))
    }

    /// The approvers, by handle.
    pub fn approvers(&self) -> impl Iterator<Item = &Person> {
        self.people().filter(|p| p.role == Role::Approver)
    }

    /// How many approvers have a good key.
    #[must_use]
    pub fn approvers_able(&self) -> usize {
        self.approvers().filter(|p| p.can_sign()).count()
    }

    /// The good keys as an OpenSSH `allowed_signers` file, for whoever wants to check a signature
    /// with `ssh-keygen -Y verify` alone. Each key carries every namespace of recvault and none
    /// else: whose signature it is can be checked with it; whether it was enough is a rule.
    #[must_use]
    pub fn allowed_signers(&self) -> String {
        let namespaces: Vec<_> = Kind::ALL.iter().map(|k| k.namespace()).collect();
        let namespaces = namespaces.join(",");
        let mut out = String::new();
        for (person, key) in self.keys().filter(|(_, key)| key.is_good()) {
            let (id, public) = (&person.id, &key.public);
            out.push_str(&format!("{id} namespaces=\"{namespaces}\" {public}\n"));
        }
        out
    }
}

fn check_person(person: &Person) -> Result<(), RosterError> {
    let id = &person.id;
    check_handle(id).map_err(|why| RosterError::Handle {
        id: id.chars().take(40).collect(),
        why,
    })?;
    if person.keys.len() > KEYS_MAX {
        return Err(RosterError::TooMany {
            what: "keys of one person",
            max: KEYS_MAX,
        });
    }
    for key in &person.keys {
        if let (Some(revoked), added) = (key.revoked_at, key.added_at.unwrap_or(0))
            && revoked < added
        {
            return Err(RosterError::Revoked {
                key: key.public.fingerprint(),
                id: id.clone(),
                revoked,
                added,
            });
        }
    }
    Ok(())
}

/// What stands before the `@`, in lower case, if that is a handle.
fn handle_of(comment: &str) -> Option<String> {
    let local = comment.split('@').next()?.trim().to_ascii_lowercase();
    check_handle(&local).ok().map(|()| local)
}

#[cfg(test)]
mod tests;
