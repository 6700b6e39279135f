//! `ledger show`: events as a table, and each as a few words.

use jiff::tz::TimeZone;

use super::{Style, cell, flush_left, keep_whole, number, table, text};
use crate::{
    base::{Digest, text::bytes_human},
    custody::RosterChange,
    event::{Event, What},
    report::wording::{count, printable},
};

/// The events as a table, times in `zone`, of `len` that the ledger has.
#[must_use]
pub fn events(events: &[Event], len: u64, zone: &TimeZone, style: Style) -> String {
    let (Some(first), Some(last)) = (events.first(), events.last()) else {
        return format!("No events here; the ledger has {len}.\n");
    };
    let mut out = table(
        style,
        &["Event", "When", "By", "What", "Recording", "Facts"],
    );
    let emergencies: Vec<Digest> = events.iter().filter_map(|e| emergency(&e.what)).collect();
    for event in events {
        let id = event.what.recording();
        let request = event.what.request();
        let loud = request.is_some_and(|request| emergencies.contains(&request));
        let facts = match loud {
            true => format!("BREAK-GLASS: {}", facts(&event.what)),
            false => facts(&event.what),
        };
        out.add_row(vec![
            number(&event.n.to_string()),
            cell(&event.at.in_zone(zone)),
            cell(&format!("uid {}", event.by.uid)),
            cell(&event.what.code()),
            cell(&id.map(|id| id.to_string()).unwrap_or_default()),
            cell(&facts),
        ]);
    }
    flush_left(&mut out);
    keep_whole(&mut out, &[0, 4]);
    format!(
        "{}\nEvents {} to {} of {len}.\n",
        text(&out).trim_end(),
        first.n,
        last.n
    )
}

/// The request that this asks for in an emergency, if it does. The events that follow on it are not
/// marked so in the log, but are here, wherever the request stands among them.
fn emergency(what: &What) -> Option<Digest> {
    match what {
        What::AccessRequested(asked) if asked.break_glass => Some(asked.request),
        _ => None,
    }
}

/// What happened, in a few words. What is sealed is not opened here.
fn facts(what: &What) -> String {
    let said = match what {
        What::StoreCreated {
            office,
            recvault,
            roster,
            ..
        } => format!("{office}, recvault {recvault}, roster {}", roster.digest()),
        What::StoreRegained {
            recordings,
            without_history,
            disposed,
            ..
        } => format!(
            "{} from sidecars and vault, {without_history} without a history, {disposed} disposed of",
            count(*recordings, "recording", "recordings")
        ),
        What::DeviceRegistered { device, model, .. } => format!("{device} {model}"),
        What::OfficerRegistered { officer, .. } => officer.clone(),
        What::DeviceIssued {
            device,
            officer,
            from,
            to,
        } => match to {
            Some(to) => format!("{device} to {officer} from {from} to {to}"),
            None => format!("{device} to {officer} from {from}"),
        },
        What::NightStarted { night, profile, .. } => format!("{night}, profile {profile}"),
        What::NightEnded {
            night,
            ending,
            files_seen,
            admitted,
            ..
        } => format!(
            "{night}, {ending}: {}, {admitted} new",
            count(*files_seen, "file", "files")
        ),
        What::RecordingAdmitted(a) => format!(
            "{}, {}, SHA-256 {}",
            a.kind.word(),
            bytes_human(a.bytes),
            a.digest
        ),
        What::RecordingSighted { .. } => "the same bytes again".into(),
        What::RecordingExamined(e) => format!(
            "{}, {}",
            e.state.word(),
            count(e.findings.len() as u64, "finding", "findings")
        ),
        What::RenditionMade { rendition, .. } => format!(
            "{}, {}, SHA-256 {}",
            rendition.profile,
            bytes_human(rendition.bytes),
            rendition.digest
        ),
        What::StatementAccepted {
            statement, people, ..
        } => format!(
            "{}, {}, signed by {}",
            statement.kind().shape().act,
            statement.digest(),
            people.join(" and ")
        ),
        What::StatementSigned {
            statement, people, ..
        } => format!(
            "{}, {}, waits; signed by {}",
            statement.kind().shape().act,
            statement.digest(),
            people.join(" and ")
        ),
        What::RosterChanged { change } => match &**change {
            RosterChange::Proposed { roster, due, .. } => {
                format!("roster {} from {due} on", roster.digest())
            }
            RosterChange::Revoked { roster, .. } => {
                format!("keys revoked, roster {}", roster.digest())
            }
            RosterChange::Withdrawn { .. } => "what waited is withdrawn".into(),
            RosterChange::TookForce { roster } => format!("roster {roster} is in force"),
        },
        What::PolicyAdopted { policy, .. } => {
            format!("version {}, SHA-256 {}", policy.version(), policy.digest())
        }
        What::ClockRead { reading } => format!("wall {}", reading.wall),
        What::ClockConfirmed { at, .. } => at.to_string(),
        What::ClockWitnessed { at, witness, .. } => {
            format!("{at}, by {}", witness.split('+').next().unwrap_or(witness))
        }
        What::RecordingClassified { raising, actor, .. } => {
            format!("clause {}, by {actor}", raising.clause)
        }
        What::RecordingLowered { lowering, .. } => format!(
            "clause {} stands until {}",
            lowering.clause, lowering.stands_until
        ),
        What::HoldPlaced { hold, .. } => format!("hold {} for case {}", hold.number, hold.case),
        What::HoldReleased { number, .. } => format!("hold {number}"),
        What::DisposalPlanned {
            root, items, bytes, ..
        } => format!(
            "{}, {}, plan {root}",
            count(*items, "recording", "recordings"),
            bytes_human(*bytes)
        ),
        What::DisposalApproved { approval } => format!(
            "plan {}, by {}",
            approval.root,
            approval.signers.join(" and ")
        ),
        What::RecordingDoomed { plan, .. } => format!("plan {plan}"),
        What::RecordingDisposed { objects, .. } => {
            count(objects.len() as u64, "object removed", "objects removed")
        }
        What::RecordingCorrected { attribution, .. } => {
            let name = |v: &Option<crate::recording::Value<String>>| {
                v.as_ref().map_or("unknown".to_owned(), |v| v.value.clone())
            };
            let start = attribution.started_at.as_ref().map(|v| v.value.to_string());
            format!(
                "recorder {}, officer {}, began {}",
                name(&attribution.device),
                name(&attribution.officer),
                start.unwrap_or_else(|| "unknown".into())
            )
        }
        What::RecordingMirrored { .. } => "on the mirror".into(),
        What::RecordingRepaired { copy, was, .. } => format!("{}: {was}", copy.words()),
        What::RecordingDamaged {
            original, mirror, ..
        } => match mirror {
            Some(mirror) => format!("the original: {original}; the mirror's copy: {mirror}"),
            None => format!("the original: {original}"),
        },
        What::RecordingConflicts { with, .. } => format!("with {with}"),
        What::FixityChecked {
            from_day,
            to_day,
            copies,
            bytes,
            ..
        } => format!(
            "{}, {}, of {}",
            count(*copies, "copy read again", "copies read again"),
            bytes_human(*bytes),
            count((to_day - from_day + 1).unsigned_abs(), "day", "days")
        ),
        What::AccessRequested(asked) => format!(
            "{} of {}, by {}, request {}",
            asked.form,
            count(asked.recordings.len() as u64, "recording", "recordings"),
            asked.actor,
            asked.request
        ),
        What::AccessApproved {
            request, people, ..
        } => format!("request {request}, by {}", people.join(" and ")),
        What::AccessDenied {
            request, people, ..
        } => format!("request {request}, by {}", people.join(" and ")),
        What::AccessCancelled { request, actor } => format!("request {request}, by {actor}"),
        What::AccessSpent {
            request,
            number,
            actor,
            ..
        } => format!("use {number} of request {request}, by {actor}"),
        What::AccessServed {
            request,
            number,
            recording,
            sheet,
            from,
            to,
        } => {
            let what = if *sheet { "contact sheet" } else { "copy" };
            format!(
                "bytes {from} to {to} of the {what} of {recording}, use {number} of request {request}"
            )
        }
        What::AccessEnded {
            request, number, ..
        } => format!("use {number} of request {request}"),
        What::RecordingReappeared { .. } => "put aside".into(),
        What::SourceReleased { .. } | What::SourceRemoved { .. } => String::new(),
    };
    printable(&said).into_owned()
}
