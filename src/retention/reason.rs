//! Why a recording is kept, or is due. The same reasons stand in reports, in `why`, in plans and
//! in the ledger; here they are data, and sentences are made from them.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{Clause, CountedFrom};
use crate::base::Moment;

/// One reason of a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "reason", deny_unknown_fields)]
pub enum Reason {
    /// Clause 4.6 and the policy's months.
    Until {
        /// The last instant of keeping.
        until: Moment,
        /// The instant that the months count from.
        start: Moment,
        /// Which fact that is.
        from: CountedFrom,
        /// How many months.
        months: u16,
        /// Whether the day of the same number did not exist.
        rolled: bool,
        /// Version of the policy.
        policy: u64,
    },
    /// A date promised earlier is later than the one reckoned now.
    Ratchet {
        /// What was promised.
        until: Moment,
        /// Version of the policy that promised it.
        policy: u64,
    },
    /// A clause keeps it long-term.
    LongTerm {
        /// The clause.
        clause: Clause,
        /// Since when.
        since: Moment,
        /// By when somebody looks at it.
        review: Moment,
    },
    /// A lowering was ordered and has not taken effect.
    LoweringPending {
        /// The clause.
        clause: Clause,
        /// When it was ordered.
        ordered: Moment,
        /// The last instant at which the clause stands.
        stands_until: Moment,
    },
    /// A clause kept it and was lowered.
    Lowered {
        /// The clause.
        clause: Clause,
        /// When that was ordered.
        ordered: Moment,
        /// The last instant at which it stood.
        stood_until: Moment,
    },
    /// A hold is in force.
    Hold {
        /// Its number.
        number: u64,
        /// Its case.
        case: String,
    },
    /// Nobody knows for certain whose it is.
    Unattributed,
    /// The recorder's clock cannot have been right.
    ClockSuspect,
    /// Nobody has looked inside yet.
    NotExamined,
    /// No calendar has the date that was asked for.
    BeyondCalendar,
}

impl Reason {
    /// Whether the reason by itself keeps a recording from being removed at `now`.
    #[must_use]
    pub fn keeps_at(&self, now: Moment) -> bool {
        match self {
            Self::Until { until, .. } | Self::Ratchet { until, .. } => now <= *until,
            Self::Lowered { .. } => false,
            Self::LongTerm { .. }
            | Self::LoweringPending { .. }
            | Self::Hold { .. }
            | Self::Unattributed
            | Self::ClockSuspect
            | Self::NotExamined
            | Self::BeyondCalendar => true,
        }
    }

    /// A few words for a column of a table.
    #[must_use]
    pub fn short(&self, zone: &TimeZone) -> String {
        let day = |at: &Moment| at.day_in_zone(zone);
        match self {
            Self::Until { until, months, .. } => format!("4.6, {months} months: {}", day(until)),
            Self::Ratchet { until, policy } => {
                format!("promised by policy {policy}: {}", day(until))
            }
            Self::LongTerm { clause, review, .. } => {
                format!("{clause} {}, review {}", clause.short(), day(review))
            }
            Self::LoweringPending {
                clause,
                stands_until,
                ..
            } => format!("{clause} being lowered: {}", day(stands_until)),
            Self::Lowered {
                clause,
                stood_until,
                ..
            } => format!("{clause} lowered: {}", day(stood_until)),
            Self::Hold { number, case } => format!("hold {number}, case {case}"),
            Self::Unattributed => "unattributed".into(),
            Self::ClockSuspect => "suspect clock".into(),
            Self::NotExamined => "not examined".into(),
            Self::BeyondCalendar => "beyond the calendar".into(),
        }
    }

    /// The reason as a sentence, times in `zone`.
    #[must_use]
    pub fn sentence(&self, zone: &TimeZone) -> String {
        let at = |at: &Moment| at.in_zone(zone);
        match self {
            Self::Until {
                until,
                start,
                from,
                months,
                rolled,
                policy,
            } => {
                let from = match from {
                    CountedFrom::RecordedEnd => "the recorded end",
                    CountedFrom::LatestIngest => "the latest ingest",
                };
                let rolled = if *rolled {
                    " (the day of the same number does not exist, so the next that does counts)"
                } else {
                    ""
                };
                format!(
                    "Clause 4.6 asks for at least 3 months; policy version {policy} keeps {months} calendar months, counted from {from} ({}) to the end of the local day: {}{rolled}.",
                    at(start),
                    at(until)
                )
            }
            Self::Ratchet { until, policy } => format!(
                "Under policy version {policy} it was promised to be kept until {}, and a promised date is never made earlier.",
                at(until)
            ),
            Self::LongTerm {
                clause,
                since,
                review,
            } => format!(
                "Clause {clause} (\"{}\") keeps it long-term since {}, without an expiry; a review is due by {}.",
                clause.words(),
                at(since),
                at(review)
            ),
            Self::LoweringPending {
                clause,
                ordered,
                stands_until,
            } => format!(
                "A lowering of clause {clause} was ordered at {}; it takes effect after {}, and until then the clause stands.",
                at(ordered),
                at(stands_until)
            ),
            Self::Lowered {
                clause,
                ordered,
                stood_until,
            } => format!(
                "Clause {clause} stood until {}, by a lowering that was ordered at {}.",
                at(stood_until),
                at(ordered)
            ),
            Self::Hold { number, case } => {
                format!("Hold {number} for case {case} keeps it until the hold is released.")
            }
            Self::Unattributed => "It does not expire by itself while recorder, wearer or beginning is unknown or not in the register.".into(),
            Self::ClockSuspect => "It does not expire by itself while its recorder's clock is suspect; its recorded times are not believed.".into(),
            Self::NotExamined => {
                "It does not expire by itself before it has been examined.".into()
            }
            Self::BeyondCalendar => {
                "The date of its expiry lies beyond the calendar, so it has none.".into()
            }
        }
    }
}
