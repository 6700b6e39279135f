//! How a recording is classed: kept by clause 4.6 alone, or long-term by one of its sub-clauses.
//!
//! - Raising is free: anybody may, it counts at once, and it undoes a lowering under way.
//! - Lowering waits. It is ordered for one clause, takes effect when its delay is over, and until
//!   then the clause stands as if nothing had been ordered. A second order never hastens a first.
//! - What a lowering leaves is still kept its months from the start of retention, because dates
//!   are reckoned elsewhere from inputs that no lowering touches.
//! - The dates of a raising and of a lowering are reckoned once, by the policy in force, and then
//!   carried by the event: a fold of the ledger needs neither policy nor calendar.
//!
//! Who may order what, and that two people did, is custody's affair.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Clause, Policy, calendar};
use crate::base::{ErrorKind, Explain, Moment};

const DAY_MS: i64 = 86_400_000;

/// A recording was classed under a clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Raising {
    /// The clause.
    pub clause: Clause,
    /// When.
    pub at: Moment,
    /// By when somebody looks whether it still has to be kept: the end of a local day.
    pub review: Moment,
}

impl Raising {
    /// A raising at `at` under the policy in force. Beyond the calendar its review is at once.
    #[must_use]
    pub fn new(clause: Clause, at: Moment, policy: &Policy) -> Self {
        let months = policy.review_months(clause);
        let review = calendar::months_on(at, months, policy.zone());
        Self {
            clause,
            at,
            review: review.map_or(at, |day| day.ends),
        }
    }
}

/// An approver ordered that a clause no longer applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lowering {
    /// The clause.
    pub clause: Clause,
    /// When it was ordered.
    pub ordered: Moment,
    /// The last instant at which the clause still stands: the end of a local day.
    pub stands_until: Moment,
}

impl Lowering {
    /// A lowering ordered at `ordered` under the policy in force.
    ///
    /// # Errors
    /// Beyond the calendar, where a delay could not be kept.
    pub fn new(clause: Clause, ordered: Moment, policy: &Policy) -> Result<Self, ClassError> {
        let days = policy.terms().lowering_delay_days;
        let day = calendar::days_on(ordered, days, policy.zone());
        let stands_until = day.ok_or(ClassError::BeyondCalendar { clause })?.ends;
        Ok(Self {
            clause,
            ordered,
            stands_until,
        })
    }
}

/// A class cannot be changed like that.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ClassError {
    /// It is not classed under the clause.
    #[error("the recording is not classed under clause {clause}")]
    NotRaised {
        /// The clause.
        clause: Clause,
    },
    /// No calendar has the day.
    #[error("the delay for lowering clause {clause} would end beyond the calendar")]
    BeyondCalendar {
        /// The clause.
        clause: Clause,
    },
}

impl Explain for ClassError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Refused
    }
}

/// How a clause came to stand, and whether it is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Raised {
    /// Since when.
    pub since: Moment,
    /// By when somebody looks at it.
    pub review: Moment,
    /// The lowering that was ordered, if one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lowering: Option<Lowering>,
}

impl Raised {
    /// Whether the clause still stands at `now`.
    #[must_use]
    pub fn stands_at(&self, now: Moment) -> bool {
        self.lowering.is_none_or(|l| now <= l.stands_until)
    }
}

/// What a recording is classed under, and what was ordered about it: the fold of all raisings
/// and lowerings in the order of the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Standing {
    clauses: BTreeMap<Clause, Raised>,
}

/// The class of a recording at one instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "class")]
pub enum Class {
    /// Clause 4.6 alone: kept its months.
    Standard,
    /// Kept without an expiry.
    LongTerm {
        /// Under these clauses, in the regulation's order; never empty.
        clauses: Vec<Clause>,
        /// The first date by which somebody looks at it.
        review: Moment,
    },
}

impl Standing {
    /// Classes the recording under a clause. Where the clause stands already, the later review
    /// date counts; a lowering under way, or one that took effect, is undone.
    pub fn apply_raising(&mut self, raising: &Raising) {
        let Raising { clause, at, review } = *raising;
        let raised = self.clauses.entry(clause).or_insert(Raised {
            since: at,
            review,
            lowering: None,
        });
        if raised.lowering.is_some_and(|l| l.stands_until < at) {
            // It had ceased to stand: this is a new beginning.
            raised.since = at;
        }
        raised.review = raised.review.max(review);
        raised.lowering = None;
    }

    /// Orders that a clause no longer applies. Ordered twice, the later end counts.
    ///
    /// # Errors
    /// When the recording is not, or no longer, classed under the clause.
    pub fn apply_lowering(&mut self, lowering: &Lowering) -> Result<(), ClassError> {
        let Lowering { clause, .. } = *lowering;
        let raised = self.clauses.get_mut(&clause);
        // One that has ceased to stand is not to be lowered; a new delay would revive it.
        let Some(raised) = raised.filter(|r| r.stands_at(lowering.ordered)) else {
            return Err(ClassError::NotRaised { clause });
        };
        let later = raised
            .lowering
            .filter(|earlier| earlier.stands_until >= lowering.stands_until);
        raised.lowering = Some(later.unwrap_or(*lowering));
        Ok(())
    }

    /// Puts the end of every lowering off where the instant at which it was ordered may truly
    /// have been later by so many milliseconds. In whole days,
    /// rounded up, so that it ends with a day where no clock is changed for summer.
    pub fn put_off(&mut self, behind_ms: impl Fn(Moment) -> i64) {
        for lowering in self
            .clauses
            .values_mut()
            .filter_map(|r| r.lowering.as_mut())
        {
            let days = behind_ms(lowering.ordered)
                .max(0)
                .saturating_add(DAY_MS - 1)
                / DAY_MS;
            lowering.stands_until = lowering.stands_until.plus_ms(days.saturating_mul(DAY_MS));
        }
    }

    /// The class at `now`.
    #[must_use]
    pub fn class_at(&self, now: Moment) -> Class {
        let standing = self.clauses.iter().filter(|(_, r)| r.stands_at(now));
        let (clauses, reviews): (Vec<_>, Vec<_>) =
            standing.map(|(clause, r)| (*clause, r.review)).unzip();
        match reviews.into_iter().min() {
            None => Class::Standard,
            Some(review) => Class::LongTerm { clauses, review },
        }
    }

    /// Every clause that was ever raised, in the regulation's order, with what became of it.
    pub fn clauses(&self) -> impl Iterator<Item = (Clause, &Raised)> {
        self.clauses
            .iter()
            .map(|(clause, raised)| (*clause, raised))
    }

    /// The last instant at which any clause stands, as far as it was ordered: nothing when none
    /// ever stood, [`Until::Ordered`] when all are lowered or on their way, else [`Until::Open`].
    #[must_use]
    pub fn until(&self) -> Option<Until> {
        let each = self.clauses.values().map(|r| match r.lowering {
            None => Until::Open,
            Some(l) => Until::Ordered(l.stands_until),
        });
        each.max()
    }
}

/// How long a classification stands. An open one is later than any date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Until {
    /// To the end of this instant.
    Ordered(Moment),
    /// Until somebody orders otherwise.
    Open,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::retention::{Terms, canonical, fixture::moment};

    fn policy() -> Policy {
        Terms::default().into_policy().unwrap()
    }

    const MASS: Clause = Clause::MassIncident;
    const POLICE: Clause = Clause::PoliceCase;

    #[test]
    fn clauses_4_6_1_to_4_6_4_are_long_term_with_a_review_date() {
        let at = moment("2026-01-31T01:00:00Z");
        for clause in Clause::ALL {
            let mut standing = Standing::default();
            standing.apply_raising(&Raising::new(clause, at, &policy()));
            // Twelve months from 31 January 2026, local, to the end of that day.
            let review = moment("2027-01-31T15:59:59.999Z");
            let clauses = vec![clause];
            assert_eq!(standing.class_at(at), Class::LongTerm { clauses, review });
            assert_eq!(standing.until(), Some(Until::Open));
            canonical::tests::holds(&standing);
        }
        assert_eq!(Standing::default().class_at(at), Class::Standard);
        assert_eq!(Standing::default().until(), None);
    }

    #[test]
    fn a_lowering_is_pending_until_the_end_of_its_last_day() {
        let (at, ordered) = (
            moment("2026-01-05T01:00:00Z"),
            moment("2026-03-01T01:00:00Z"),
        );
        let mut standing = Standing::default();
        standing.apply_raising(&Raising::new(MASS, at, &policy()));
        standing.apply_raising(&Raising::new(POLICE, at, &policy()));
        let lowering = Lowering::new(MASS, ordered, &policy()).unwrap();
        standing.apply_lowering(&lowering).unwrap();
        // 1 March and 30 days is 31 March, which ends at 16:00 UTC.
        let last = moment("2026-03-31T15:59:59.999Z");
        assert_eq!(lowering.stands_until, last);
        let clauses_at = |at| match standing.class_at(at) {
            Class::Standard => vec![],
            Class::LongTerm { clauses, .. } => clauses,
        };
        assert_eq!(clauses_at(last), [MASS, POLICE]);
        assert_eq!(clauses_at(last.plus_ms(1)), [POLICE]);
        assert_eq!(
            standing.until(),
            Some(Until::Open),
            "the police case stands"
        );
        canonical::tests::holds(&standing);
    }

    #[test]
    fn a_second_order_never_hastens_and_a_raising_undoes_both() {
        let p = policy();
        let mut terms = p.terms().clone();
        terms.lowering_delay_days = 7;
        let quick = terms.into_policy().unwrap();
        let at = |day: i64| Moment::from_s(1_770_000_000 + day * 86_400);
        let mut standing = Standing::default();
        let refused = standing.apply_lowering(&Lowering::new(MASS, at(0), &p).unwrap());
        assert_eq!(refused, Err(ClassError::NotRaised { clause: MASS }));

        standing.apply_raising(&Raising::new(MASS, at(0), &p));
        let slow = Lowering::new(MASS, at(1), &p).unwrap();
        standing.apply_lowering(&slow).unwrap();
        standing
            .apply_lowering(&Lowering::new(MASS, at(2), &quick).unwrap())
            .unwrap();
        assert_eq!(standing.until(), Some(Until::Ordered(slow.stands_until)));

        standing.apply_raising(&Raising::new(MASS, at(3), &p));
        assert_eq!(standing.until(), Some(Until::Open));
        let since = standing.clauses().next().unwrap().1.since;
        assert_eq!(since, at(0), "it never ceased to stand");

        standing
            .apply_lowering(&Lowering::new(MASS, at(4), &quick).unwrap())
            .unwrap();
        assert_eq!(standing.class_at(at(20)), Class::Standard);
        let refused = standing.apply_lowering(&Lowering::new(MASS, at(20), &p).unwrap());
        assert_eq!(refused, Err(ClassError::NotRaised { clause: MASS }));
        standing.apply_raising(&Raising::new(MASS, at(20), &p));
        let since = standing.clauses().next().unwrap().1.since;
        assert_eq!(since, at(20), "it stands anew");
    }
}
