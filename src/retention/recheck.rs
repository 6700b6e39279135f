//! The last look at one recording, just before it is unlinked. A plan says what was due when it
//! was made; this says whether it still is, by what is true now.
//!
//! The caller reads everything afresh for each item: facts, holds, approval, clock and the bytes
//! on the disk. Anything that is not as planned keeps the recording, and says why.

use serde::{Deserialize, Serialize};

use super::{Amount, Inputs, Plan, PlanItem, Policy, Reason, Times, Verdict, calendar, evaluate};
use crate::base::{Digest, Moment};

/// An approval of a plan, verified by custody and not withdrawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanApproval {
    /// Root of the plan that it approves.
    pub root: Digest,
    /// SHA-256 of the signed statement.
    pub statement: Digest,
    /// Who signed, as the roster identifies them: never a name.
    pub signers: Vec<String>,
    /// When it was recorded.
    pub approved: Moment,
    /// The last instant at which it may be used, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Moment>,
    /// The first instant at which anything may be removed by it, as its signers wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Moment>,
}

/// What is true at the moment of unlinking.
#[derive(Clone, Copy, Debug)]
pub struct AtUnlink<'a> {
    /// The policy in force.
    pub policy: &'a Policy,
    /// The policy that the plan was made under.
    pub planned_under: &'a Policy,
    /// The plan that is applied.
    pub plan: &'a Plan,
    /// Its approval, as it stands now.
    pub approval: Option<&'a PlanApproval>,
    /// The compliance clock's times.
    pub times: Times,
    /// SHA-256 of the original, read from the disk just now; nothing where it cannot be read.
    pub found: Option<Digest>,
    /// What this night has removed so far.
    pub removed: Amount,
}

/// Why a planned recording is kept after all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kept", deny_unknown_fields)]
pub enum KeepReason {
    /// The plan does not list it, or not like this.
    NotInPlan,
    /// Nobody has approved the plan, or the approval was withdrawn.
    NotApproved,
    /// The approval is of another plan.
    OtherPlan {
        /// Root of the plan that was approved.
        approved: Digest,
    },
    /// The approval may no longer be used.
    ApprovalExpired {
        /// The last instant at which it could be.
        expired: Moment,
    },
    /// Disposal is stopped until two people confirm the time.
    ClockStopped,
    /// The grace period is not over.
    Grace {
        /// Its last instant; nothing where that lies beyond the calendar.
        until: Option<Moment>,
    },
    /// It is no longer due: a hold, a class, a doubt or a later date.
    NotDue {
        /// What keeps it, and nothing else.
        reasons: Vec<Reason>,
    },
    /// It is due for another reason than the plan says; a new plan will take it up.
    OtherDate {
        /// Since when the plan says that it is due.
        planned: Moment,
        /// Since when it is due.
        now: Moment,
    },
    /// The original is not what the plan names.
    OtherBytes {
        /// What was found; nothing where it could not be read.
        found: Option<Digest>,
    },
    /// The mirror is not there, so that its copy could not be removed.
    MirrorAway,
    /// One night removes no more.
    Ceiling,
}

impl KeepReason {
    /// Why, as a sentence, times in the zone of `policy`.
    #[must_use]
    pub fn sentence(&self, policy: &Policy) -> String {
        let zone = policy.zone();
        let at = |moment: &Moment| moment.in_zone(zone);
        match self {
            Self::NotInPlan => "The plan does not list it like this.".into(),
            Self::NotApproved => "The plan has no approval.".into(),
            Self::OtherPlan { approved } => {
                format!("The approval is of another plan, {approved}.")
            }
            Self::ApprovalExpired { expired } => {
                format!("The approval of the plan expired at {}.", at(expired))
            }
            Self::ClockStopped => "Disposal is stopped until two people confirm the time.".into(),
            Self::Grace { until: Some(until) } => {
                format!(
                    "The grace period after the approval lasts until {}.",
                    at(until)
                )
            }
            Self::Grace { until: None } => {
                "The grace period after the approval ends beyond the calendar.".into()
            }
            Self::NotDue { reasons } => {
                let reasons: Vec<_> = reasons.iter().map(|r| r.sentence(zone)).collect();
                format!("It is not due. {}", reasons.join(" "))
            }
            Self::OtherDate { planned, now } => format!(
                "It is due since {}, but the approved plan says since {}; another plan will take it up.",
                at(now),
                at(planned)
            ),
            Self::OtherBytes { found: Some(found) } => format!(
                "Its original has SHA-256 {found}, which is not what the plan names; it is kept as it is."
            ),
            Self::OtherBytes { found: None } => "Its original could not be read.".into(),
            Self::MirrorAway => "Its mirror is not there, and nothing is removed by halves.".into(),
            Self::Ceiling => "One night removes no more; the next one goes on.".into(),
        }
    }
}

/// The last instant of the grace period: so many days after the approval, to the end of that
/// local day. Where the policy has changed since the one that the plan was made under, the longer
/// grace counts and the later end of a day; where the signers named a later date, that one does.
#[must_use]
pub fn grace_until(
    policy: &Policy,
    planned_under: &Policy,
    plan: &Plan,
    approval: &PlanApproval,
) -> Option<Moment> {
    let ends = |policy: &Policy| {
        let days = plan.grace_days().max(policy.terms().grace_days);
        calendar::days_on(approval.approved, days, policy.zone()).map(|day| day.ends)
    };
    let ends = ends(policy)?.max(ends(planned_under)?);
    let signed = approval.not_before.map(|first| first.plus_ms(-1));
    Some(signed.map_or(ends, |signed| signed.max(ends)))
}

/// Whether `item` may be unlinked now.
///
/// # Errors
/// With the first reason to keep it.
pub fn check_item(inputs: &Inputs, item: &PlanItem, at: &AtUnlink<'_>) -> Result<(), KeepReason> {
    // 1. It stands in the plan, exactly as it is asked for.
    let listed = at.plan.item(&item.digest).map(|(_, listed)| listed);
    if listed != Some(item) {
        return Err(KeepReason::NotInPlan);
    }
    // 2. The plan is approved, by somebody, and the approval may still be used.
    let Some(approval) = at.approval.filter(|a| !a.signers.is_empty()) else {
        return Err(KeepReason::NotApproved);
    };
    if approval.root != at.plan.root() {
        let approved = approval.root;
        return Err(KeepReason::OtherPlan { approved });
    }
    if let Some(expired) = approval.expires.filter(|last| *last < at.times.later) {
        return Err(KeepReason::ApprovalExpired { expired });
    }
    // 3. The clock is believed, and by it the grace period is over.
    let Some(now) = at.times.disposal else {
        return Err(KeepReason::ClockStopped);
    };
    let until = grace_until(at.policy, at.planned_under, at.plan, approval);
    if until.is_none_or(|until| now <= until) {
        return Err(KeepReason::Grace { until });
    }
    // 4. Hold, class and date, by the facts of now.
    match evaluate(at.policy, inputs, now) {
        Verdict::Keep { reasons, .. } => {
            let reasons = reasons.into_iter().filter(|r| r.keeps_at(now)).collect();
            return Err(KeepReason::NotDue { reasons });
        }
        // What its approver signed is no longer why it goes.
        Verdict::Due { since, .. } if since != item.since => {
            return Err(KeepReason::OtherDate {
                planned: item.since,
                now: since,
            });
        }
        Verdict::Due { .. } => {}
    }
    // 5. The bytes on the disk are those of the plan.
    if at.found != Some(item.digest) {
        return Err(KeepReason::OtherBytes { found: at.found });
    }
    // 6. The night has not removed enough already.
    if !at.policy.terms().ceiling.admits(at.removed, item.bytes) {
        return Err(KeepReason::Ceiling);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
