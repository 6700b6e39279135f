//! What a change of policy does: what it extends, and what it would shorten. Nothing that was
//! promised becomes shorter; what would have is listed and keeps its date.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Clause, Inputs, Policy, calendar};
use crate::base::{ErrorKind, Explain, Moment};

/// One term that is another than before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// The term, as the policy file names it.
    pub term: String,
    /// As it stood.
    pub before: String,
    /// As it stands.
    pub after: String,
}

impl Difference {
    /// `keep_months 3 becomes 6`.
    #[must_use]
    pub fn words(&self) -> String {
        format!("{} {} becomes {}", self.term, self.before, self.after)
    }
}

/// What a change of policy does, term by term.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyChange {
    /// Terms that keep longer, or let go later: they count for everything at once.
    pub extends: Vec<Difference>,
    /// Terms that let go sooner: they count only for what comes after.
    pub shortens: Vec<Difference>,
    /// Terms that do neither, or either: each recording keeps the later of its dates.
    pub moves: Vec<Difference>,
}

/// A policy cannot follow another.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("policy version {after} cannot follow version {before}: versions only rise")]
pub struct NotAfter {
    /// The version in force.
    pub before: u64,
    /// The version proposed.
    pub after: u64,
}

impl Explain for NotAfter {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<String> {
        let next = self.before.saturating_add(1);
        Some(format!("give the changed policy version = {next}"))
    }
}

/// Compares the policy in force with the one proposed.
///
/// # Errors
/// When the proposed one has no higher version.
pub fn compare(before: &Policy, after: &Policy) -> Result<PolicyChange, NotAfter> {
    if after.version() <= before.version() {
        return Err(NotAfter {
            before: before.version(),
            after: after.version(),
        });
    }
    let (old, new) = (before.terms(), after.terms());
    let mut change = PolicyChange::default();
    change.number("keep_months", old.keep_months, new.keep_months, MORE_KEEPS);
    change.number(
        "lowering_delay_days",
        old.lowering_delay_days,
        new.lowering_delay_days,
        MORE_KEEPS,
    );
    change.number("grace_days", old.grace_days, new.grace_days, MORE_KEEPS);
    let (a, b) = (old.ceiling, new.ceiling);
    change.number("ceiling.items", a.items, b.items, !MORE_KEEPS);
    change.number("ceiling.bytes", a.bytes, b.bytes, !MORE_KEEPS);
    let (a, b) = (old.clock, new.clock);
    change.number("clock.gap_hours", a.gap_hours, b.gap_hours, !MORE_KEEPS);
    change.number(
        "clock.unconfirmed_days",
        a.unconfirmed_days,
        b.unconfirmed_days,
        !MORE_KEEPS,
    );
    if old.zone != new.zone {
        let zone = difference("zone", &old.zone, &new.zone);
        change.moves.push(zone);
    }
    for clause in Clause::ALL {
        let (a, b) = (before.review_months(clause), after.review_months(clause));
        if a != b {
            // A review ends nothing; it only makes somebody look.
            let term = format!("review_months.\"{clause}\"");
            change.moves.push(difference(&term, &a, &b));
        }
    }
    Ok(change)
}

const MORE_KEEPS: bool = true;

fn difference(term: &str, before: &impl ToString, after: &impl ToString) -> Difference {
    Difference {
        term: term.into(),
        before: before.to_string(),
        after: after.to_string(),
    }
}

impl PolicyChange {
    fn number<T: Ord + ToString>(&mut self, term: &str, before: T, after: T, more_keeps: bool) {
        if before != after {
            let keeps = (before < after) == more_keeps;
            let list = if keeps {
                &mut self.extends
            } else {
                &mut self.shortens
            };
            list.push(difference(term, &before, &after));
        }
    }

    /// The change as sentences for the people who sign it.
    #[must_use]
    pub fn words(&self) -> String {
        let list = |differences: &[Difference]| {
            let words: Vec<String> = differences.iter().map(Difference::words).collect();
            words.join(", ")
        };
        let mut out = Vec::new();
        if !self.extends.is_empty() {
            let list = list(&self.extends);
            out.push(format!("Kept longer, at once and for everything: {list}."));
        }
        if !self.shortens.is_empty() {
            let list = list(&self.shortens);
            out.push(format!(
                "Let go sooner, for what comes after: {list}. What was promised keeps its date."
            ));
        }
        if !self.moves.is_empty() {
            let list = list(&self.moves);
            out.push(format!(
                "Otherwise changed: {list}. Each recording keeps the later of its dates."
            ));
        }
        if out.is_empty() {
            out.push("Nothing changes but the version.".into());
        }
        out.join(" ")
    }
}

/// What a change of policy does to the date of one recording by clause 4.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "effect")]
pub enum OnRecording {
    /// Nothing.
    Unchanged,
    /// It is kept longer.
    Extended {
        /// Its date so far.
        from: Moment,
        /// Its date from now on; nothing where that lies beyond the calendar.
        to: Option<Moment>,
    },
    /// It would have been kept less long, and keeps its date.
    KeepsItsDate {
        /// Its date, as before.
        date: Moment,
        /// The date that the new policy would have given.
        would_be: Moment,
    },
}

/// What `after` does to a recording that is kept under `before`. One that has no date, because
/// none could be reckoned, is unchanged.
#[must_use]
pub fn on_recording(before: &Policy, after: &Policy, inputs: &Inputs) -> OnRecording {
    let date = |policy: &Policy| {
        let months = policy.terms().keep_months;
        calendar::months_on(inputs.start().0, months, policy.zone()).map(|day| day.ends)
    };
    let promised = inputs.promised.map(|p| p.until);
    let Some(held) = date(before).max(promised) else {
        return OnRecording::Unchanged;
    };
    match date(after) {
        Some(would_be) if would_be < held => OnRecording::KeepsItsDate {
            date: held,
            would_be,
        },
        Some(same) if same == held => OnRecording::Unchanged,
        to => OnRecording::Extended { from: held, to },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::retention::{
        Promise, Terms, Verdict, canonical, evaluate,
        fixture::{inputs, moment, policy},
        promise,
    };

    #[test]
    fn every_term_that_changes_is_listed_on_its_side() {
        let old = policy(4, |_| {});
        let new = policy(5, |t| {
            t.keep_months = 6;
            t.grace_days = 7;
            t.lowering_delay_days = 60;
            t.ceiling.items = 9_000;
            t.ceiling.bytes = 5;
            t.clock.gap_hours = 24;
            t.clock.unconfirmed_days = 3;
            t.zone = "Asia/Urumqi".into();
            t.review_months.insert(Clause::PoliceCase, 24);
        });
        let change = compare(&old, &new).unwrap();
        canonical::tests::holds(&change);
        assert_eq!(
            change.words(),
            "Kept longer, at once and for everything: keep_months 3 becomes 6, \
             lowering_delay_days 30 becomes 60, ceiling.bytes 1000000000000 becomes 5, \
             clock.gap_hours 72 becomes 24, clock.unconfirmed_days 7 becomes 3. \
             Let go sooner, for what comes after: grace_days 14 becomes 7, \
             ceiling.items 5000 becomes 9000. What was promised keeps its date. \
             Otherwise changed: zone Asia/Shanghai becomes Asia/Urumqi, \
             review_months.\"4.6.3\" 12 becomes 24. Each recording keeps the later of its dates."
        );
        // The other way round, every number is on the other side.
        let back = policy(6, |t| {
            *t = Terms {
                version: 6,
                ..old.terms().clone()
            }
        });
        let back = compare(&new, &back).unwrap();
        let terms =
            |list: &[Difference]| -> Vec<String> { list.iter().map(|d| d.term.clone()).collect() };
        assert_eq!(terms(&back.extends), terms(&change.shortens));
        assert_eq!(terms(&back.shortens), terms(&change.extends));
        assert_eq!(terms(&back.moves), terms(&change.moves));
    }

    #[test]
    fn versions_only_rise() {
        let (four, five) = (policy(4, |_| {}), policy(5, |_| {}));
        let same = compare(&four, &four).unwrap_err();
        assert_eq!(
            same.hint().as_deref(),
            Some("give the changed policy version = 5")
        );
        assert!(compare(&five, &four).is_err());
        let change = compare(&four, &five).unwrap();
        assert_eq!(change.words(), "Nothing changes but the version.");
    }

    /// A change applies to what is admitted after it, or extends; what would have become shorter
    /// keeps its date.
    #[test]
    fn a_shorter_policy_leaves_every_promised_date_where_it_is() {
        let (six, three) = (policy(1, |t| t.keep_months = 6), policy(2, |_| {}));
        let mut held = inputs("2026-01-15T02:00:00Z");
        held.promised = promise(&six, &held);
        let july = moment("2026-07-15T15:59:59.999Z");
        let april = moment("2026-04-15T15:59:59.999Z");
        assert_eq!(
            held.promised,
            Some(Promise {
                until: july,
                policy: 1
            })
        );
        let (date, would_be) = (july, april);
        let kept = OnRecording::KeepsItsDate { date, would_be };
        assert_eq!(on_recording(&six, &three, &held), kept);
        // Nor does it lose the date by being asked again under the new policy, nor by a policy
        // after that.
        held.promised = promise(&three, &held);
        assert_eq!(
            held.promised,
            Some(Promise {
                until: july,
                policy: 1
            })
        );
        let third = policy(3, |t| t.keep_months = 4);
        assert!(matches!(
            on_recording(&three, &third, &held),
            OnRecording::KeepsItsDate { date, .. } if date == july
        ));
        assert!(!evaluate(&three, &held, july).is_due());
        let due = evaluate(&three, &held, july.plus_ms(1));
        assert!(matches!(due, Verdict::Due { since, .. } if since == july.plus_ms(1)));
        // What comes after has the new date.
        let fresh = inputs("2026-01-15T02:00:00Z");
        assert!(evaluate(&three, &fresh, april.plus_ms(1)).is_due());
    }

    #[test]
    fn a_longer_policy_extends_at_once() {
        let (three, six) = (policy(1, |_| {}), policy(2, |t| t.keep_months = 6));
        let mut held = inputs("2026-01-15T02:00:00Z");
        held.promised = promise(&three, &held);
        let (april, july) = (
            moment("2026-04-15T15:59:59.999Z"),
            moment("2026-07-15T15:59:59.999Z"),
        );
        let extended = OnRecording::Extended {
            from: april,
            to: Some(july),
        };
        assert_eq!(on_recording(&three, &six, &held), extended);
        assert!(!evaluate(&six, &held, july).is_due());
        assert_eq!(on_recording(&three, &three, &held), OnRecording::Unchanged);
    }

    #[test]
    fn another_zone_never_costs_an_hour() {
        // Berlin's day ends hours after Shanghai's.
        let (east, west) = (
            policy(1, |_| {}),
            policy(2, |t| t.zone = "Europe/Berlin".into()),
        );
        let mut held = inputs("2026-01-15T02:00:00Z");
        held.promised = promise(&east, &held);
        let moved = on_recording(&east, &west, &held);
        assert!(matches!(moved, OnRecording::Extended { .. }), "{moved:?}");
        held.promised = promise(&west, &held);
        let back = on_recording(&west, &policy(3, |_| {}), &held);
        assert!(matches!(back, OnRecording::KeepsItsDate { .. }), "{back:?}");
    }
}
