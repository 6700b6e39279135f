//! Who did something at the console: the user id that the kernel vouched for, and the person that
//! the roster knew under it then.
//!
//! Kept with a hold, a proposal or a plan, so that its maker cannot also be the one who approves
//! it. Both are kept, because a roster may give the uid to somebody else later.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::roster::{Person, Roster};

/// Who did something at the console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The user id, from peer credentials.
    pub uid: u32,
    /// The person's handle; absent when the roster knew nobody under the uid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
}

impl Actor {
    /// The actor of this uid under this roster.
    #[must_use]
    pub fn of(uid: u32, roster: &Roster) -> Self {
        let person = roster.by_uid(uid).map(|p| p.id.clone());
        Self { uid, person }
    }

    /// Whether the actor is this person: by handle, or by the uid that the person has now.
    #[must_use]
    pub fn is(&self, person: &Person) -> bool {
        self.person.as_deref() == Some(&person.id) || person.uid == Some(self.uid)
    }
}

impl Actor {
    /// Whether the actor is known to be somebody else than this person: they are not one by handle or
    /// uid, and one of the two could have told. Whoever the roster does not know, and a person whose
    /// uid it does not know, may be one and the same.
    #[must_use]
    pub fn is_surely_not(&self, person: &Person) -> bool {
        !self.is(person) && (self.person.is_some() || person.uid.is_some())
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.person {
            Some(person) => f.write_str(person),
            None => write!(f, "uid {}", self.uid),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::custody::roster::Role;

    #[test]
    fn an_actor_is_known_by_handle_or_by_uid() {
        let person = |id: &str, uid| Person {
            id: id.into(),
            role: Role::It,
            uid,
            keys: Vec::new(),
        };
        let actor = |uid, person: Option<&str>| Actor {
            uid,
            person: person.map(Into::into),
        };
        let cases = [
            (actor(1_001, Some("li")), person("li", Some(1_001)), true),
            // The uid moved on, the person did not; and the other way round.
            (actor(1_001, Some("li")), person("li", Some(2_000)), true),
            (actor(1_001, None), person("li", Some(1_001)), true),
            (actor(1_001, Some("li")), person("wang", Some(1_001)), true),
            (actor(1_001, Some("li")), person("wang", Some(1_002)), false),
            (actor(1_001, None), person("li", None), false),
            (actor(1_001, None), person("li", Some(1_002)), false),
        ];
        for (actor, person, same) in cases {
            assert_eq!(actor.is(&person), same, "{actor:?} {person:?}");
            let told = actor.person.is_some() || person.uid.is_some();
            assert_eq!(
                actor.is_surely_not(&person),
                !same && told,
                "{actor:?} {person:?}"
            );
        }
        assert_eq!(actor(0, None).to_string(), "uid 0");
        assert_eq!(actor(0, Some("li")).to_string(), "li");
    }
}
