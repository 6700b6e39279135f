//! The whole decision about one recording, as one function of policy, facts and time.
//!
//! - [`evaluate`] finds a recording due only when every reason to keep it is over. A hold, a
//!   clause that stands, an unknown owner, a suspect clock and a missing examination each keep it
//!   alone and for ever.
//! - The date reckoned from the policy in force and every date promised before: the latest counts.
//! - [`expiry_key`] is the date by which an index finds what is due. It says the same as
//!   `evaluate` but for holds, which come and go without touching the index: a recording is due
//!   at `t` exactly when its key is before `t` and no hold is in force.
//!
//! Nothing here fails: what cannot be reckoned is kept, and says so.

use serde::{Deserialize, Serialize};

use super::{Inputs, Policy, Promise, Reason, calendar, class::Until};
use crate::base::Moment;

/// Keep or due, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Verdict {
    /// It has to be kept.
    Keep {
        /// The last instant of keeping as far as anything is known; nothing where it is open.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Moment>,
        /// Why.
        reasons: Vec<Reason>,
    },
    /// Nothing keeps it any longer.
    Due {
        /// The first instant at which it could lawfully be removed.
        since: Moment,
        /// What kept it, and is over.
        reasons: Vec<Reason>,
    },
}

impl Verdict {
    /// The reasons.
    #[must_use]
    pub fn reasons(&self) -> &[Reason] {
        match self {
            Self::Keep { reasons, .. } | Self::Due { reasons, .. } => reasons,
        }
    }

    /// Whether nothing keeps it any longer.
    #[must_use]
    pub const fn is_due(&self) -> bool {
        matches!(self, Self::Due { .. })
    }
}

/// What policy and facts say about one recording at `now`, which is the time that disposal is
/// judged by: the earlier of wall and compliance clock.
#[must_use]
pub fn evaluate(policy: &Policy, inputs: &Inputs, now: Moment) -> Verdict {
    let reasons = reasons(policy, inputs, now);
    let key = expiry_key(policy, inputs);
    let free = inputs.holds.is_empty();
    match key.filter(|_| free) {
        Some(until) if until < now => Verdict::Due {
            since: until.plus_ms(1),
            reasons,
        },
        until => Verdict::Keep { until, reasons },
    }
}

/// The last instant at which a recording has to be kept, holds aside: the date that an index is
/// ordered by. Nothing where it does not expire by itself.
///
/// It changes only with events about the recording, and when a policy comes into force that keeps
/// longer. A key that is too early costs a second look and no more.
#[must_use]
pub fn expiry_key(policy: &Policy, inputs: &Inputs) -> Option<Moment> {
    if !inputs.expires_by_itself() {
        return None;
    }
    // A promise alone is no date: where none can be reckoned now, it may well be later.
    let reckoned = reckoned(policy, inputs)?.ends;
    let kept = inputs.promised.map_or(reckoned, |p| p.until.max(reckoned));
    match inputs.standing.until() {
        None => Some(kept),
        Some(Until::Ordered(stands_until)) => Some(kept.max(stands_until)),
        Some(Until::Open) => None,
    }
}

/// The date to which a recording is kept by clause 4.6, whatever its class: the one reckoned by
/// `policy` or the one promised before, whichever is later. What stores [`Inputs`] puts it back
/// there with every event about the recording, so that it only ever rises.
///
/// A change of policy need not touch what is stored. Between two events about a recording its
/// facts stand still, so that the promises of policies that came into force meanwhile can be
/// caught up on when it is looked at: this function once for each of them, the oldest first.
#[must_use]
pub fn promise(policy: &Policy, inputs: &Inputs) -> Option<Promise> {
    let now = reckoned(policy, inputs).map(|day| Promise {
        until: day.ends,
        policy: policy.version(),
    });
    match (now, inputs.promised) {
        (Some(now), Some(before)) if now.until <= before.until => Some(before),
        (now, before) => now.or(before),
    }
}

fn reckoned(policy: &Policy, inputs: &Inputs) -> Option<calendar::LastDay> {
    calendar::months_on(inputs.start().0, policy.terms().keep_months, policy.zone())
}

/// Every reason that speaks at `now`, the strongest first.
fn reasons(policy: &Policy, inputs: &Inputs, now: Moment) -> Vec<Reason> {
    let mut out = Vec::new();
    let holds = inputs.holds.iter().cloned();
    out.extend(holds.map(|held| Reason::Hold {
        number: held.number,
        case: held.case,
    }));
    for (clause, raised) in inputs.standing.clauses() {
        if raised.stands_at(now) {
            out.push(Reason::LongTerm {
                clause,
                since: raised.since,
                review: raised.review,
            });
        }
        out.extend(raised.lowering.map(|lowering| {
            let (ordered, end) = (lowering.ordered, lowering.stands_until);
            if raised.stands_at(now) {
                Reason::LoweringPending {
                    clause,
                    ordered,
                    stands_until: end,
                }
            } else {
                Reason::Lowered {
                    clause,
                    ordered,
                    stood_until: end,
                }
            }
        }));
    }
    let flags = [
        (!inputs.attributed, Reason::Unattributed),
        (inputs.clock_suspect, Reason::ClockSuspect),
        (!inputs.examined, Reason::NotExamined),
    ];
    out.extend(flags.into_iter().filter(|f| f.0).map(|f| f.1));
    let Some(day) = reckoned(policy, inputs) else {
        out.push(Reason::BeyondCalendar);
        return out;
    };
    let earlier = inputs.promised.filter(|before| before.until > day.ends);
    out.extend(earlier.map(|Promise { until, policy }| Reason::Ratchet { until, policy }));
    let (start, from) = inputs.start();
    out.push(Reason::Until {
        until: day.ends,
        start,
        from,
        months: policy.terms().keep_months,
        rolled: day.rolled,
        policy: policy.version(),
    });
    out
}

#[cfg(test)]
mod tests;
