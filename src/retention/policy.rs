//! The retention policy: what the office adds to the law, as numbers that were checked.
//!
//! - [`Terms`] is what somebody wrote; a [`Policy`] is terms that hold together. Only a policy
//!   decides anything, and there is no way to one but through [`Terms::into_policy`].
//! - A policy may keep longer than the regulation and never shorter.
//! - It has a version and a digest over its canonical JSON; both stand in events and in every
//!   sentence that says why something is kept or gone.
//!
//! Fails with every problem at once, each naming its term and its bounds.

use std::{collections::BTreeMap, fmt};

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::{Clause, canonical::canonical};
use crate::base::{Digest, ErrorKind, Explain};

/// Months that the regulation asks for ("at least 3 months", clause 4.6).
pub const KEEP_MONTHS_MIN: u16 = 3;

/// Months that a policy may ask for. A promise is never taken back, so a slip of the finger would
/// keep everything for ever; what must be kept longer than ten years has a clause.
pub const KEEP_MONTHS_MAX: u16 = 120;

/// Months between two reviews of a long-term recording: a review in the far future is none.
pub const REVIEW_MONTHS_MAX: u16 = 60;

/// Days that a lowering waits at least, so that somebody can object.
pub const LOWERING_DELAY_DAYS_MIN: u16 = 7;

/// Days that a lowering or an approved plan waits at most; past a year it is forgotten.
pub const DELAY_DAYS_MAX: u16 = 365;

/// Days between the approval of a plan and its first deletion, at least: a week holds a working
/// day of everybody who could place a hold.
pub const GRACE_DAYS_MIN: u16 = 7;

/// Recordings that one night may remove: a month's intake of a large office. A ceiling above it
/// would not keep a bad plan from emptying a vault.
pub const CEILING_ITEMS_MAX: u64 = 100_000;

/// Bytes that one night may remove: 100 TB, more than one machine's vault.
pub const CEILING_BYTES_MAX: u64 = 100_000_000_000_000;

/// Hours that the wall clock may jump before disposal stops; a week is as long as unconfirmed
/// time is believed at all.
pub const GAP_HOURS_MAX: u16 = 7 * 24;

/// Days of unconfirmed advance after which disposal stops, at most.
pub const UNCONFIRMED_DAYS_MAX: u16 = 7;

/// Witnesses that a policy names, at most.
pub const WITNESSES_MAX: u64 = 16;

/// What one night may remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ceiling {
    /// Recordings.
    pub items: u64,
    /// Bytes of originals.
    pub bytes: u64,
}

/// What a night has removed, or a plan has taken up, so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// Recordings.
    pub items: u64,
    /// Bytes of originals.
    pub bytes: u64,
}

impl Amount {
    /// With one recording of so many bytes more.
    #[must_use]
    pub const fn plus(self, bytes: u64) -> Self {
        Self {
            items: self.items.saturating_add(1),
            bytes: self.bytes.saturating_add(bytes),
        }
    }
}

impl Ceiling {
    /// Whether a recording of so many bytes still fits. The first of a night always does, or one
    /// that is larger than the ceiling could never go.
    #[must_use]
    pub const fn admits(self, so_far: Amount, bytes: u64) -> bool {
        let after = so_far.plus(bytes);
        so_far.items == 0 || (after.items <= self.items && after.bytes <= self.bytes)
    }
}

/// How far the clock is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockTerms {
    /// Hours that the wall clock may jump, or the machine be off, before disposal stops.
    pub gap_hours: u16,
    /// Days that reboots may add up to since the last witness time before disposal stops.
    pub unconfirmed_days: u16,
}

/// How far one person alone gives access (clause 4.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessTerms {
    /// Recordings above which a request takes two approvers.
    pub two_above: u16,
    /// Days that an approval may be good for.
    pub days_max: u16,
}

impl Default for AccessTerms {
    fn default() -> Self {
        Self {
            two_above: 10,
            days_max: 30,
        }
    }
}

impl AccessTerms {
    /// Whether nothing was written; such a policy has the digest that it had before there were
    /// these terms.
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A policy as somebody wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Its number: 1 for the first, and each change has a higher one.
    pub version: u64,
    /// IANA name of the zone whose days count.
    pub zone: String,
    /// Calendar months that every recording is kept.
    pub keep_months: u16,
    /// Months until a long-term recording is looked at again, by clause.
    pub review_months: BTreeMap<Clause, u16>,
    /// Days until a lowering takes effect.
    pub lowering_delay_days: u16,
    /// Days between the approval of a plan and its first deletion.
    pub grace_days: u16,
    /// What one night may remove.
    pub ceiling: Ceiling,
    /// How far the clock is believed.
    pub clock: ClockTerms,
    /// How far one person alone gives access.
    #[serde(default, skip_serializing_if = "AccessTerms::is_default")]
    pub access: AccessTerms,
    /// Public keys of the witnesses whose cosignatures vouch for the time: of people outside the
    /// custodian's control, for whoever has such a key tells the compliance clock the time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub witnesses: Vec<String>,
}

impl Default for Terms {
    /// The regulation's three months, and what a small office needs beside it.
    fn default() -> Self {
        Self {
            version: 1,
            zone: "Asia/Shanghai".into(),
            keep_months: KEEP_MONTHS_MIN,
            review_months: Clause::ALL.into_iter().map(|c| (c, 12)).collect(),
            lowering_delay_days: 30,
            grace_days: 14,
            ceiling: Ceiling {
                items: 5_000,
                bytes: 1_000_000_000_000,
            },
            clock: ClockTerms {
                // From Friday evening to Monday morning, with some to spare.
                gap_hours: 72,
                unconfirmed_days: UNCONFIRMED_DAYS_MAX,
            },
            access: AccessTerms::default(),
            witnesses: Vec::new(),
        }
    }
}

/// One thing that keeps terms from being a policy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TermsProblem {
    /// The regulation is stricter.
    #[error("keep_months is {months}; clause 4.6 asks for at least {KEEP_MONTHS_MIN}")]
    BelowTheLaw {
        /// What was written.
        months: u16,
    },
    /// A number out of its bounds.
    #[error("{term} is {value}; it goes from {min} to {max}")]
    OutOfBounds {
        /// The term.
        term: &'static str,
        /// What was written.
        value: u64,
        /// The least.
        min: u64,
        /// The most.
        max: u64,
    },
    /// Nobody knows the zone.
    #[error("there is no time zone \"{zone}\"")]
    UnknownZone {
        /// What was written.
        zone: String,
    },
    /// A clause of the regulation has no review period.
    #[error("review_months has no entry for clause {clause}")]
    ClauseMissing {
        /// The clause.
        clause: Clause,
    },
}

/// Terms that are not a policy: everything that is wrong with them.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct PolicyError {
    /// The version that they have.
    pub version: u64,
    /// What is wrong, in the order of the terms; never empty.
    pub problems: Vec<TermsProblem>,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "retention policy {} does not hold: ", self.version)?;
        for (n, problem) in self.problems.iter().enumerate() {
            write!(f, "{}{problem}", if n == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl Explain for PolicyError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<String> {
        Some("the policy in force stays in force, and what it keeps stays kept".into())
    }
}

impl Terms {
    /// Makes a policy of the terms.
    ///
    /// # Errors
    /// With every problem that the terms have.
    pub fn into_policy(self) -> Result<Policy, PolicyError> {
        let mut problems = Vec::new();
        let mut within = |term, value: u64, min: u64, max: u64| {
            if !(min..=max).contains(&value) {
                problems.push(TermsProblem::OutOfBounds {
                    term,
                    value,
                    min,
                    max,
                });
            }
        };
        let n = |term: u16| u64::from(term);
        within("version", self.version, 1, u64::from(u32::MAX));
        // Below the law is said in the law's words, further down.
        let months = self.keep_months.max(KEEP_MONTHS_MIN);
        within(
            "keep_months",
            n(months),
            n(KEEP_MONTHS_MIN),
            n(KEEP_MONTHS_MAX),
        );
        for months in self.review_months.values() {
            within("review_months", n(*months), 1, n(REVIEW_MONTHS_MAX));
        }
        let (delay, grace) = (self.lowering_delay_days, self.grace_days);
        within(
            "lowering_delay_days",
            n(delay),
            n(LOWERING_DELAY_DAYS_MIN),
            n(DELAY_DAYS_MAX),
        );
        within("grace_days", n(grace), n(GRACE_DAYS_MIN), n(DELAY_DAYS_MAX));
        within("ceiling.items", self.ceiling.items, 1, CEILING_ITEMS_MAX);
        within("ceiling.bytes", self.ceiling.bytes, 1, CEILING_BYTES_MAX);
        within(
            "clock.gap_hours",
            n(self.clock.gap_hours),
            1,
            n(GAP_HOURS_MAX),
        );
        let days = self.clock.unconfirmed_days;
        within(
            "clock.unconfirmed_days",
            n(days),
            1,
            n(UNCONFIRMED_DAYS_MAX),
        );
        let days = self.access.days_max;
        within("access.days_max", n(days), 1, n(DELAY_DAYS_MAX));
        let witnesses = self.witnesses.len() as u64;
        within("witnesses", witnesses, 0, WITNESSES_MAX);
        if self.keep_months < KEEP_MONTHS_MIN {
            let months = self.keep_months;
            problems.push(TermsProblem::BelowTheLaw { months });
        }
        let missing = |clause: &Clause| !self.review_months.contains_key(clause);
        let missing = Clause::ALL.into_iter().filter(missing);
        problems.extend(missing.map(|clause| TermsProblem::ClauseMissing { clause }));
        // jiff knows a zone "Etc/Unknown", which has no days of its own.
        let zone = TimeZone::get(&self.zone).ok().filter(|z| !z.is_unknown());
        let Some(zone) = zone else {
            let zone = self.zone;
            problems.push(TermsProblem::UnknownZone { zone });
            let version = self.version;
            return Err(PolicyError { version, problems });
        };
        if problems.is_empty() {
            let digest = Digest::new(Sha256::digest(canonical(&self)).into());
            Ok(Policy {
                terms: self,
                zone,
                digest,
            })
        } else {
            let version = self.version;
            Err(PolicyError { version, problems })
        }
    }
}

/// A policy: terms that were checked, with the zone that they name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Terms", into = "Terms")]
pub struct Policy {
    terms: Terms,
    zone: TimeZone,
    digest: Digest,
}

impl Policy {
    /// What was written.
    #[must_use]
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Its number.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.terms.version
    }

    /// The zone whose days count.
    #[must_use]
    pub const fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// SHA-256 over its canonical JSON.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// Its canonical JSON: what the digest is over.
    #[must_use]
    pub fn canonical(&self) -> String {
        canonical(&self.terms)
    }

    /// Months until a recording kept under `clause` is looked at again.
    #[must_use]
    pub fn review_months(&self, clause: Clause) -> u16 {
        // Every clause has an entry, or the terms would not have become a policy.
        let found = self.terms.review_months.get(&clause);
        found.copied().unwrap_or(REVIEW_MONTHS_MAX)
    }
}

impl TryFrom<Terms> for Policy {
    type Error = PolicyError;
    fn try_from(terms: Terms) -> Result<Self, PolicyError> {
        terms.into_policy()
    }
}

impl From<Policy> for Terms {
    fn from(policy: Policy) -> Self {
        policy.terms
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::retention::canonical;

    /// The text is fixed here so that a policy hashed today is hashed alike by a later version.
    #[test]
    fn a_policy_is_its_canonical_text_and_its_digest() {
        let policy = Terms::default().into_policy().unwrap();
        let text = r#"{"ceiling":{"bytes":1000000000000,"items":5000},"clock":{"gap_hours":72,"unconfirmed_days":7},"grace_days":14,"keep_months":3,"lowering_delay_days":30,"review_months":{"4.6.1":12,"4.6.2":12,"4.6.3":12,"4.6.4":12},"version":1,"zone":"Asia/Shanghai"}"#;
        assert_eq!(policy.canonical(), text);
        assert_eq!(canonical::tests::holds(&policy), text);
        assert_eq!(policy.digest().as_bytes(), Sha256::digest(text).as_slice());
    }

    #[test]
    fn terms_outside_their_bounds_are_named() {
        type Change = fn(&mut Terms);
        let cases: &[(Change, &str)] = &[
            (
                |t| t.version = 0,
                "version is 0; it goes from 1 to 4294967295",
            ),
            (
                |t| t.zone = "Asia/Shenzhen".into(),
                "there is no time zone \"Asia/Shenzhen\"",
            ),
            (
                |t| t.zone = "Etc/Unknown".into(),
                "there is no time zone \"Etc/Unknown\"",
            ),
            (|t| t.zone = String::new(), "there is no time zone \"\""),
            (
                |t| t.keep_months = 2,
                "keep_months is 2; clause 4.6 asks for at least 3",
            ),
            (
                |t| t.keep_months = 0,
                "keep_months is 0; clause 4.6 asks for at least 3",
            ),
            (
                |t| t.keep_months = 121,
                "keep_months is 121; it goes from 3 to 120",
            ),
            (
                |t| t.review_months = BTreeMap::from([(Clause::PoliceCase, 0)]),
                "review_months is 0; it goes from 1 to 60; \
                 review_months has no entry for clause 4.6.1; \
                 review_months has no entry for clause 4.6.2; \
                 review_months has no entry for clause 4.6.4",
            ),
            (
                |t| t.lowering_delay_days = 6,
                "lowering_delay_days is 6; it goes from 7 to 365",
            ),
            (
                |t| t.grace_days = 6,
                "grace_days is 6; it goes from 7 to 365",
            ),
            (
                |t| t.grace_days = 366,
                "grace_days is 366; it goes from 7 to 365",
            ),
            (
                |t| t.ceiling.items = 0,
                "ceiling.items is 0; it goes from 1 to 100000",
            ),
            (
                |t| t.ceiling.bytes = 0,
                "ceiling.bytes is 0; it goes from 1 to 100000000000000",
            ),
            (
                |t| t.clock.gap_hours = 169,
                "clock.gap_hours is 169; it goes from 1 to 168",
            ),
            (
                |t| t.clock.unconfirmed_days = 8,
                "clock.unconfirmed_days is 8; it goes from 1 to 7",
            ),
        ];
        for (change, expected) in cases {
            let mut terms = Terms::default();
            change(&mut terms);
            let version = terms.version;
            let json = canonical::canonical(&terms);
            let error = terms.into_policy().unwrap_err();
            let expected = format!("retention policy {version} does not hold: {expected}");
            assert_eq!(error.to_string(), expected);
            assert_eq!(error.kind(), ErrorKind::Usage);
            // Nor is there a way around the check through JSON.
            let read = serde_json::from_str::<Policy>(&json).unwrap_err();
            assert_eq!(read.to_string(), expected);
        }
    }

    #[test]
    fn a_term_that_nobody_knows_is_refused() {
        let text = canonical(&Terms::default()).replace("\"zone\"", "\"keep_days\":90,\"zone\"");
        assert!(serde_json::from_str::<Policy>(&text).is_err());
    }

    #[test]
    fn a_ceiling_holds_but_never_keeps_one_recording_for_ever() {
        let ceiling = Ceiling {
            items: 3,
            bytes: 100,
        };
        let so_far = |items, bytes| Amount { items, bytes };
        let cases = [
            (so_far(0, 0), 60, true),
            (so_far(1, 60), 40, true),
            (so_far(1, 60), 41, false),
            (so_far(2, 60), 1, true),
            (so_far(3, 60), 1, false),
            (so_far(0, 0), 1_000, true),
            (so_far(1, 1_000), 0, false),
            (so_far(1, 1), u64::MAX, false),
        ];
        for (so_far, bytes, fits) in cases {
            assert_eq!(
                ceiling.admits(so_far, bytes),
                fits,
                "{so_far:?} and {bytes}"
            );
        }
    }
}
