//! `requests`: who asks to look at what, and what became of it.

use jiff::tz::TimeZone;

use super::{Style, bare, cell, flush_left, keep_whole, number, table, text};
use crate::{
    base::{
        Moment,
        text::{bytes_human, duration_human},
    },
    custody::access::{Access, AccessState, Decision, UseOutcome},
    report::wording::count,
};

/// Digits of a request's digest that tables show, enough to name it by.
const NAME_DIGITS: usize = 12;

fn name(access: &Access) -> String {
    access.digest.to_string()[..NAME_DIGITS].to_owned()
}

/// The requests as a table, with their age.
#[must_use]
pub fn accesses(all: &[Access], now: Moment, zone: &TimeZone, style: Style) -> String {
    if all.is_empty() {
        return "No request waits.\n".into();
    }
    let head = [
        "Request",
        "State",
        "Age",
        "Form",
        "Recordings",
        "Asked by",
        "For",
        "Until",
    ];
    let mut out = table(style, &head);
    for access in all {
        let ask = &access.request.ask;
        let state = match access.state(now) {
            AccessState::Approved { left } => format!("approved, {left} left"),
            state => state.word().to_owned(),
        };
        let state = match access.break_glass {
            true => format!("BREAK-GLASS, {state}"),
            false => state,
        };
        out.add_row(vec![
            cell(&name(access)),
            cell(&state),
            number(&duration_human(now.ms_since(access.at))),
            cell(ask.form.word()),
            number(&ask.recordings.len().to_string()),
            cell(&ask.requester),
            cell(&ask.recipient),
            cell(&ask.expires.in_zone(zone)),
        ]);
    }
    flush_left(&mut out);
    keep_whole(&mut out, &[0, 1]);
    text(&out)
}

/// One request, as its approver reads it, and everything that became of it.
#[must_use]
pub fn access(access: &Access, now: Moment, zone: &TimeZone, style: Style) -> String {
    let state = access.state(now);
    let mut out = format!(
        "{}\nrequest  {}\nstate    {}\n",
        access.request.text(),
        access.digest,
        state.word()
    );
    if access.break_glass {
        out.push_str("BREAK-GLASS: in an emergency, opened by two people and not approved\n");
    }
    let mut rows: Vec<(Moment, String)> =
        vec![(access.at, format!("asked by {}", access.requester))];
    for decision in &access.decisions {
        rows.push(match decision {
            Decision::Approved { people, at, .. } => {
                let how = match access.break_glass {
                    true => "opened in an emergency by",
                    false => "approved by",
                };
                (*at, format!("{how} {}", people.join(" and ")))
            }
            Decision::Denied { people, at, .. } => {
                (*at, format!("denied by {}", people.join(" and ")))
            }
            Decision::Cancelled { actor, at, .. } => (*at, format!("taken back by {actor}")),
        });
    }
    for spent in &access.uses {
        let (number, id) = (spent.number, spent.id);
        rows.push((
            spent.at,
            format!("use {number} ({id}) begun by {}", spent.operator),
        ));
        if spent.served > 0 && spent.outcome.is_none() {
            let served = count(spent.served.into(), "answer", "answers");
            rows.push((spent.at, format!("use {number} showed something, {served}")));
        }
        if let (Some(outcome), Some(at)) = (&spent.outcome, spent.ended_at) {
            rows.push((at, format!("use {number} {}", outcome_words(outcome))));
        }
    }
    rows.sort_by_key(|(at, _)| *at);
    let mut history = bare(style);
    for (at, what) in rows {
        history.add_row([cell(&at.in_zone(zone)), cell(&what)]);
    }
    flush_left(&mut history);
    keep_whole(&mut history, &[0]);
    out.push_str(&text(&history));
    if state == AccessState::Pending && access.break_glass {
        out.push_str(
            "Two people sign, one of them an approver: recvault statements lists what waits\n",
        );
    } else if state == AccessState::Pending {
        out.push_str(&format!(
            "An approver of Market Management signs by: recvault approve {} --key KEY\n",
            name(access)
        ));
    }
    out
}

fn outcome_words(outcome: &UseOutcome) -> String {
    match outcome {
        UseOutcome::Packaged {
            tag_manifest,
            copies,
            bytes,
        } => format!(
            "packaged: {}, {}, tag manifest {tag_manifest}",
            count(copies.len() as u64, "marked file", "marked files"),
            bytes_human(*bytes)
        ),
        UseOutcome::Viewed { bytes } => format!("viewed: {}", bytes_human(*bytes)),
        UseOutcome::Failed { why } => format!("came to nothing: {why}"),
    }
}
