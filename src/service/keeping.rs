//! What keeps recordings and what lets them go: holds, classes, `why`, disposal.

use jiff::{ToSpan, tz::TimeZone};

use super::{
    Answer, Failure,
    command::DisposalAsk,
    execute::{date, midnight, recording, usage},
};
use crate::{
    base::{Moment, text::bytes_human},
    disposal,
    intake::summary::Expiring,
    recording::Record,
    retention::{self, Inputs, Plan, Policy, Verdict, evaluate, grace_until},
    store::{HoldRequest, Planned, Store},
};

/// Proposals that are told one by one.
const PROPOSED_MAX: usize = 20;

/// Days ahead of which the nightly report says what expires.
const UPCOMING_DAYS: [u32; 3] = [30, 14, 7];

pub(super) fn hold(
    store: &Store,
    by: u32,
    id: &str,
    request: HoldRequest,
) -> Result<Answer, Failure> {
    let record = recording(store, id)?;
    let hold = store.place_hold(by, record.id, request)?;
    Ok(Answer::Done {
        said: vec![format!("Recording {} is kept by {hold}.", record.id)],
        waits: false,
    })
}

pub(super) fn classify(
    store: &Store,
    by: u32,
    id: &str,
    clause: &str,
    note: String,
) -> Result<Answer, Failure> {
    let clause = clause.parse()?;
    let record = recording(store, id)?;
    let raising = store.classify(by, record.id, clause, note)?;
    let rules = store.rules()?;
    let review = rules.policy().map_or_else(
        || raising.review.to_string(),
        |policy| raising.review.day_in_zone(policy.zone()),
    );
    let mut said = vec![format!(
        "Recording {} is kept long-term under clause {clause} ({}); a review is due by {review}.",
        record.id,
        clause.short()
    )];
    let proposals = store.proposals(record.id, clause)?;
    let more = proposals.len().saturating_sub(PROPOSED_MAX);
    said.extend(proposals.iter().take(PROPOSED_MAX).map(|p| p.words()));
    if more > 0 {
        said.push(format!("So may {more} more of the same time and unit."));
    }
    Ok(Answer::Done { said, waits: false })
}

pub(super) fn why(
    store: &Store,
    zone: &TimeZone,
    id: &str,
    as_of: Option<&str>,
) -> Result<Answer, Failure> {
    let record = recording(store, id)?;
    let (at, policy, inputs) = match as_of {
        Some(day) => {
            let after = date(day)?
                .checked_add(1.day())
                .map_err(|e| usage(e.to_string()))?;
            let at = midnight(after, zone)?.plus_ms(-1);
            let Some((policy, inputs)) = store.as_of(&record, at)? else {
                let text = format!("recording {} was not there on {day}", record.id);
                return Err(usage(text));
            };
            (at, policy, inputs)
        }
        None => as_of_now(store, &record)?,
    };
    let mut text = retention::why(record.id, &policy, &inputs, at);
    if as_of.is_none() {
        for proposal in store.proposes_itself(&record)? {
            text.push(' ');
            text.push_str(&proposal.words());
        }
    }
    Ok(Answer::Why {
        text,
        verdict: Box::new(evaluate(&policy, &inputs, at)),
    })
}

/// What a recording is judged by now.
fn as_of_now(store: &Store, record: &Record) -> Result<(Moment, Policy, Inputs), Failure> {
    let rules = store.rules()?;
    let times = store.times()?;
    let Some(policy) = rules.policy().cloned() else {
        return Err(usage("the store has no policy".into()));
    };
    let inputs = store.keeping(record.id)?.caught_up(record, &rules);
    // While disposal is stopped nothing can be due; the date is said all the same.
    Ok((times.disposal.unwrap_or(times.later), policy, inputs))
}

/// Why a recording is kept now, or is due; nothing for one that is gone.
pub(super) fn verdict(store: &Store, record: &Record) -> Result<Option<Verdict>, Failure> {
    if !record.state.is_there() {
        return Ok(None);
    }
    let (at, policy, inputs) = as_of_now(store, record)?;
    Ok(Some(evaluate(&policy, &inputs, at)))
}

pub(super) fn disposal(store: &Store, by: u32, ask: DisposalAsk) -> Result<Answer, Failure> {
    match ask {
        DisposalAsk::Plan { dry_run } => {
            store.read_clock(by)?;
            let plan = store.plan()?;
            let state = if plan.items().is_empty() {
                "nothing is due".to_owned()
            } else if dry_run {
                "not in the ledger: this was a dry run".to_owned()
            } else {
                store.record_plan(by, &plan)?;
                "in the ledger, waiting for an approver".to_owned()
            };
            shown(store, plan, state)
        }
        DisposalAsk::Show => match store.newest_plan()? {
            Some((planned, plan)) => {
                let state = state(store, &planned, &plan)?;
                shown(store, plan, state)
            }
            None => Ok(Answer::Plan {
                text: "No plan was ever made.".into(),
                state: "none".into(),
                plan: None,
            }),
        },
        DisposalAsk::Apply => {
            store.read_clock(by)?;
            Ok(Answer::Applied(Box::new(disposal::apply(store, by)?)))
        }
    }
}

fn shown(store: &Store, plan: Plan, state: String) -> Result<Answer, Failure> {
    let rules = store.rules()?;
    Ok(Answer::Plan {
        text: rules.policy().map_or_else(String::new, |p| plan.text(p)),
        state,
        plan: Some(Box::new(plan)),
    })
}

fn state(store: &Store, planned: &Planned, plan: &Plan) -> Result<String, Failure> {
    let rules = store.rules()?;
    let Some(approval) = &rules.approval(planned) else {
        return Ok("waiting for an approver".into());
    };
    let (mut gone, mut there) = (0, 0);
    for item in plan.items() {
        match store.record(item.id)? {
            Some(record) if record.state.is_there() => there += 1,
            _ => gone += 1,
        }
    }
    let grace = rules.policy().and_then(|policy| {
        let until = grace_until(policy, rules.policy_of(plan)?, plan, approval)?;
        Some(until.in_zone(policy.zone()))
    });
    Ok(format!(
        "approved by {}; grace until {}; {gone} gone, {there} there",
        approval.signers.join(" and "),
        grace.unwrap_or_else(|| "beyond the calendar".into())
    ))
}

/// The part of the night that lets go: what is approved and past its grace, and what will expire.
pub(super) fn night(store: &Store, by: u32) -> Result<(Vec<String>, Vec<Expiring>), Failure> {
    let applied = disposal::apply(store, by)?;
    let mut said = Vec::new();
    if !applied.gone.is_empty() || applied.finished > 0 {
        said.push(format!(
            "{} recordings ({}) of the approved plan were disposed of, {} disposals begun earlier were finished, {} certificates written",
            applied.gone.len(),
            bytes_human(applied.amount.bytes),
            applied.finished,
            applied.certificates
        ));
    }
    for kept in &applied.kept {
        said.push(format!(
            "recording {} of the plan is kept: {}",
            kept.id, kept.why
        ));
    }
    let times = store.times()?;
    let Some(now) = times.disposal else {
        said.push("disposal is stopped until two people confirm the time (recvault clock)".into());
        return Ok((said, Vec::new()));
    };
    let upcoming = store.upcoming(now, &UPCOMING_DAYS)?.into_iter();
    let expiring = upcoming.map(|upcoming| Expiring {
        within_days: upcoming.days,
        recordings: upcoming.amount.items,
        bytes: upcoming.amount.bytes,
    });
    Ok((said, expiring.collect()))
}
