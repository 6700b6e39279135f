//! The text of a roster, and the one way of reading it.
//!
//! ```text
//! recvault roster v1
//! store: <26 base32 characters, 128 bits; absent where no store was named>
//! approvers: 2 of 2 can sign
//! change-delay-hours: 24
//! repair-delay-hours: 336
//!
//! person: li
//! role: approver
//! uid: 1004
//! key: ssh-ed25519 AAAA… added 17
//! key: ssh-ed25519 AAAB… added 3 revoked 120
//! ```
//!
//! A blank line stands before each person. The line `approvers` adds nothing; it is there because
//! people read this before they sign it, and it is checked like every other.

use std::{iter::Peekable, str::FromStr};

use super::{Delays, Person, ROSTER_BYTES_MAX, Roster, RosterError};
use crate::custody::{
    key::{Key, PublicKey},
    line::read_number,
    statement::Nonce,
};

const HEADER: &str = "recvault roster v1";
const NO_APPROVERS: &str = "none; nothing that needs one can ever happen";

impl Roster {
    /// The text that is hashed and signed.
    #[must_use]
    pub fn text(&self) -> String {
        let approvers = match self.approvers().count() {
            0 => NO_APPROVERS.to_owned(),
            all => format!("{} of {all} can sign", self.approvers_able()),
        };
        let mut out = format!("{HEADER}\n");
        if let Some(store) = self.store() {
            out.push_str(&format!("store: {store}\n"));
        }
        out.push_str(&format!(
            "approvers: {approvers}\nchange-delay-hours: {}\nrepair-delay-hours: {}\n",
            self.delays.change_hours, self.delays.repair_hours
        ));
        for person in self.people() {
            out.push_str(&format!("\nperson: {}\nrole: {}\n", person.id, person.role));
            if let Some(uid) = person.uid {
                out.push_str(&format!("uid: {uid}\n"));
            }
            for key in &person.keys {
                out.push_str(&format!("key: {}", key.public));
                if let Some(event) = key.added_at {
                    out.push_str(&format!(" added {event}"));
                }
                if let Some(event) = key.revoked_at {
                    out.push_str(&format!(" revoked {event}"));
                }
                out.push('\n');
            }
        }
        out
    }
}

/// The lines of a text, with their numbers from one.
struct Lines<'a, I: Iterator<Item = (usize, &'a str)>> {
    lines: Peekable<I>,
    last: usize,
}

impl<'a, I: Iterator<Item = (usize, &'a str)>> Lines<'a, I> {
    /// The next line's value if its name is this one; otherwise the line stays.
    fn value(&mut self, name: &str) -> Option<&'a str> {
        let named = |line: &'a str| line.strip_prefix(name)?.strip_prefix(": ");
        let (number, line) = *self.lines.peek()?;
        let value = named(line)?;
        self.last = number;
        self.lines.next();
        Some(value)
    }

    /// The error that the line after the last one read is not this; or, of a line that was read
    /// and whose value is wrong, that this one is not.
    fn missing(&self, expected: &'static str) -> RosterError {
        let line = self.last + 1;
        RosterError::Line { line, expected }
    }

    fn wrong(&self, expected: &'static str) -> RosterError {
        let line = self.last;
        RosterError::Line { line, expected }
    }

    fn need<T>(
        &mut self,
        name: &str,
        expected: &'static str,
        read: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<T, RosterError> {
        let value = self.value(name).ok_or_else(|| self.missing(expected))?;
        read(value).ok_or_else(|| self.wrong(expected))
    }
}

/// Strict: exactly what [`Roster::text`] writes.
impl FromStr for Roster {
    type Err = RosterError;
    fn from_str(text: &str) -> Result<Self, RosterError> {
        if text.len() > ROSTER_BYTES_MAX {
            let (what, max) = ("bytes", ROSTER_BYTES_MAX);
            return Err(RosterError::TooMany { what, max });
        }
        let mut lines = Lines {
            lines: (1..).zip(text.lines()).peekable(),
            last: 1,
        };
        if lines.lines.next().map(|(_, line)| line) != Some(HEADER) {
            return Err(lines.wrong(HEADER));
        }
        let store = match lines.value("store") {
            Some(value) => Some(Nonce::read(value).ok_or_else(|| lines.wrong("store: …"))?),
            None => None,
        };
        lines.need("approvers", "approvers: …", Some)?;
        let hours = |value: &str| u32::try_from(read_number(value)?).ok();
        let delays = Delays {
            change_hours: lines.need("change-delay-hours", "change-delay-hours: …", hours)?,
            repair_hours: lines.need("repair-delay-hours", "repair-delay-hours: …", hours)?,
        };
        let mut people = Vec::new();
        while let Some((number, line)) = lines.lines.next() {
            lines.last = number;
            if !line.is_empty() {
                return Err(lines.wrong("a blank line before a person"));
            }
            let id = lines.need("person", "person: …", |v| Some(v.to_owned()))?;
            let role = lines.need("role", "role: …", |v| v.parse().ok())?;
            let uid = match lines.value("uid") {
                Some(value) => {
                    let uid = read_number(value).and_then(|n| u32::try_from(n).ok());
                    Some(uid.ok_or_else(|| lines.wrong("uid: …"))?)
                }
                None => None,
            };
            let mut keys = Vec::new();
            while let Some(value) = lines.value("key") {
                let expected = "key: algorithm base64 [added event] [revoked event]";
                keys.push(read_key(value, &id, || lines.wrong(expected))?);
            }
            people.push(Person {
                id,
                role,
                uid,
                keys,
            });
        }
        let mut roster = Self::new(people, delays)?;
        if let Some(store) = store {
            roster = roster.for_store(store)?;
        }
        let canonical = roster.text();
        if canonical == text {
            return Ok(roster);
        }
        // The order, the line `approvers`, an end of line: whatever it is, it begins here.
        let same = |(ours, theirs): &(&str, &str)| ours == theirs;
        let first = canonical.split('\n').zip(text.split('\n'));
        Err(RosterError::NotCanonical(
            first.take_while(same).count() + 1,
        ))
    }
}

fn read_key(value: &str, id: &str, bad: impl Fn() -> RosterError) -> Result<Key, RosterError> {
    let words: Vec<&str> = value.split(' ').collect();
    let (public, numbers) = words.split_at_checked(2).ok_or_else(&bad)?;
    let number = |text: &str| read_number(text).ok_or_else(&bad);
    let (added_at, revoked_at) = match numbers {
        [] => (None, None),
        ["added", n] => (Some(number(n)?), None),
        ["revoked", n] => (None, Some(number(n)?)),
        ["added", a, "revoked", r] => (Some(number(a)?), Some(number(r)?)),
        _ => return Err(bad()),
    };
    let public: PublicKey = public.join(" ").parse().map_err(|why| RosterError::Key {
        id: id.to_owned(),
        why,
    })?;
    Ok(Key {
        public,
        added_at,
        revoked_at,
    })
}

impl TryFrom<String> for Roster {
    type Error = RosterError;
    fn try_from(text: String) -> Result<Self, RosterError> {
        text.parse()
    }
}

impl From<Roster> for String {
    fn from(roster: Roster) -> Self {
        roster.text()
    }
}
