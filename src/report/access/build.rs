//! The requests, counted and sorted into the sections of the report.

use std::collections::BTreeMap;

use jiff::{civil::Date, tz::TimeZone};

use super::{
    AccessReport, Counts, Emergency, HandedOver, Head, OneRecording, Pending, Person, Row, RowUse,
    Scope, TurnAround, Unfinished, Unused, WrongUse, wrong,
};
use crate::{
    base::{Digest, Moment, RecordingId},
    custody::{
        access::{Access, AccessState, Decision, Use, UseOutcome},
        actor::Actor,
    },
};

/// The report on the requests that the scope names, judged at `now`.
#[must_use]
pub fn access_report(all: &[Access], now: Moment, zone: &TimeZone, scope: &Scope) -> AccessReport {
    let mut all: Vec<&Access> = all.iter().collect();
    all.sort_by_key(|access| access.event);
    let chosen: Vec<&Access> = all
        .iter()
        .copied()
        .filter(|access| is_in(access, zone, scope))
        .collect();
    let heads: Vec<Head> = chosen.iter().map(|access| head(access, now)).collect();
    let both = || chosen.iter().copied().zip(&heads);
    let plain = || chosen.iter().copied().filter(|access| !access.break_glass);
    let (people, recordings) = (people(&chosen), recordings(&chosen));
    AccessReport {
        version: 1,
        made_at: now,
        time_zone: zone.iana_name().unwrap_or("UTC").to_owned(),
        from: scope.from.map(|day| day.to_string()),
        to: scope.to.map(|day| day.to_string()),
        recording: scope.recording,
        person: scope.person.clone(),
        counts: counts(&chosen, now),
        wrong: all.iter().flat_map(|access| wrong_uses(access)).collect(),
        break_glass: both()
            .filter(|(access, _)| access.break_glass)
            .map(|(access, head)| emergency(access, head))
            .collect(),
        pending: both()
            .filter(|(access, _)| access.state(now) == AccessState::Pending)
            .map(|(access, head)| Pending {
                head: head.clone(),
                age_ms: now.ms_since(access.at),
            })
            .collect(),
        unused: both()
            .filter(|(access, _)| access.uses.is_empty() && !access.approvers().is_empty())
            .map(|(access, head)| Unused {
                head: head.clone(),
                left_ms: matches!(access.state(now), AccessState::Approved { .. })
                    .then(|| access.request.ask.expires.ms_since(now)),
            })
            .collect(),
        unfinished: chosen
            .iter()
            .flat_map(|access| {
                access
                    .uses
                    .iter()
                    .filter_map(|used| unfinished(access, used))
            })
            .collect(),
        outstanding: chosen
            .iter()
            .flat_map(|access| {
                access
                    .uses
                    .iter()
                    .filter_map(|used| handed_over(access, used))
            })
            .collect(),
        to_decision: turn_around(plain().filter_map(to_decision)),
        to_first_use: turn_around(plain().filter_map(to_first_use)),
        people,
        recordings,
        rows: both()
            .flat_map(|(access, head)| rows(access, head))
            .collect(),
    }
}

fn is_in(access: &Access, zone: &TimeZone, scope: &Scope) -> bool {
    if let Some(id) = scope.recording
        && !access.request.ask.recordings.iter().any(|w| w.id == id)
    {
        return false;
    }
    if let Some(who) = &scope.person
        && !everybody(access).contains(who)
    {
        return false;
    }
    if scope.from.is_none() && scope.to.is_none() {
        return true;
    }
    moments(access).into_iter().any(|at| {
        let day: Date = at.timestamp().to_zoned_datetime(zone.clone()).date();
        scope.from.is_none_or(|from| from <= day) && scope.to.is_none_or(|to| day <= to)
    })
}

/// Everything that happened to it, by its times.
fn moments(access: &Access) -> Vec<Moment> {
    let mut out = vec![access.at];
    out.extend(access.decisions.iter().map(Decision::at));
    for used in &access.uses {
        out.push(used.at);
        out.extend(&used.again_at);
        out.extend(used.ended_at);
    }
    out
}

/// Everybody who had to do with it.
fn everybody(access: &Access) -> Vec<String> {
    let mut out = vec![access.requester.to_string()];
    for decision in &access.decisions {
        match decision {
            Decision::Approved { people, .. } | Decision::Denied { people, .. } => {
                out.extend(people.iter().cloned());
            }
            Decision::Cancelled { actor, .. } => out.push(actor.to_string()),
        }
    }
    out.extend(access.uses.iter().map(|used| used.operator.to_string()));
    out.sort();
    out.dedup();
    out
}

fn ids(access: &Access) -> Vec<RecordingId> {
    let wanted = access.request.ask.recordings.iter();
    wanted.map(|wanted| wanted.id).collect()
}

fn head(access: &Access, now: Moment) -> Head {
    let ask = &access.request.ask;
    Head {
        request: access.digest,
        state: access.state(now).word(),
        break_glass: access.break_glass,
        form: ask.form,
        requester: access.requester.to_string(),
        asked_at: access.at,
        approvers: access.approvers().to_vec(),
        decided_at: decided(access).map(Decision::at),
        expires: ask.expires,
        uses_max: ask.uses,
        purpose: ask.purpose.clone(),
        recipient: ask.recipient.clone(),
        recordings: ids(access),
        bytes: ask.recordings.iter().map(|wanted| wanted.bytes).sum(),
    }
}

/// The first decision by somebody else than who asked.
fn decided(access: &Access) -> Option<&Decision> {
    let by_another = |d: &&Decision| !matches!(d, Decision::Cancelled { .. });
    access.decisions.iter().find(by_another)
}

fn counts(chosen: &[&Access], now: Moment) -> Counts {
    let mut out = Counts::default();
    for access in chosen {
        out.requests += 1;
        out.break_glass += u64::from(access.break_glass);
        *match access.state(now) {
            AccessState::Pending => &mut out.pending,
            AccessState::Approved { .. } => &mut out.approved,
            AccessState::Denied => &mut out.denied,
            AccessState::Cancelled => &mut out.cancelled,
            AccessState::Expired => &mut out.expired,
            AccessState::UsedUp => &mut out.used_up,
        } += 1;
        for used in &access.uses {
            out.uses += 1;
            if let Some(bytes) = packaged(used) {
                out.packages += 1;
                out.package_bytes = out.package_bytes.saturating_add(bytes);
            }
        }
    }
    out
}

/// Bytes of the package, if one came of it.
const fn packaged(used: &Use) -> Option<u64> {
    match &used.outcome {
        Some(UseOutcome::Packaged { bytes, .. }) => Some(*bytes),
        _ => None,
    }
}

fn wrong_uses(access: &Access) -> impl Iterator<Item = WrongUse> + '_ {
    access.uses.iter().filter_map(|used| {
        let wrong = wrong(access, used);
        (!wrong.is_empty()).then(|| WrongUse {
            request: access.digest,
            number: used.number,
            id: used.id,
            operator: used.operator.to_string(),
            at: used.at,
            recordings: ids(access),
            wrong,
        })
    })
}

fn emergency(access: &Access, head: &Head) -> Emergency {
    let used = access.uses.iter();
    Emergency {
        head: head.clone(),
        used: used.map(|u| (u.at, u.operator.to_string())).collect(),
    }
}

fn unfinished(access: &Access, used: &Use) -> Option<Unfinished> {
    let why = match &used.outcome {
        None => None,
        Some(UseOutcome::Failed { why }) => Some(why.clone()),
        Some(UseOutcome::Packaged { .. } | UseOutcome::Viewed { .. }) => return None,
    };
    Some(Unfinished {
        request: access.digest,
        number: used.number,
        id: used.id,
        operator: used.operator.to_string(),
        at: used.at,
        why,
    })
}

fn handed_over(access: &Access, used: &Use) -> Option<HandedOver> {
    let Some(UseOutcome::Packaged {
        tag_manifest,
        copies,
        bytes,
    }) = &used.outcome
    else {
        return None;
    };
    Some(HandedOver {
        request: access.digest,
        id: used.id,
        break_glass: access.break_glass,
        recipient: access.request.ask.recipient.clone(),
        at: used.ended_at.unwrap_or(used.at),
        operator: used.operator.to_string(),
        form: access.request.ask.form,
        recordings: ids(access),
        bytes: *bytes,
        tag_manifest: *tag_manifest,
        copies: copies.len() as u64,
    })
}

fn to_decision(access: &Access) -> Option<(i64, Digest)> {
    let decided = decided(access)?;
    Some((decided.at().ms_since(access.at), access.digest))
}

fn to_first_use(access: &Access) -> Option<(i64, Digest)> {
    let first = access.uses.first()?;
    let mut decisions = access.decisions.iter();
    let approved = decisions.find(|d| matches!(d, Decision::Approved { .. }))?;
    if first.event < approved.event() {
        return None;
    }
    Some((first.at.ms_since(approved.at()), access.digest))
}

fn turn_around(all: impl Iterator<Item = (i64, Digest)>) -> TurnAround {
    let mut all: Vec<(i64, Digest)> = all.collect();
    all.sort();
    let middle = all.len() / 2;
    let at = |n: usize| all.get(n).map(|(ms, _)| *ms);
    let median_ms = match (
        all.len() % 2,
        middle.checked_sub(1).and_then(at),
        at(middle),
    ) {
        (0, Some(a), Some(b)) => Some(a.midpoint(b)),
        (_, _, b) => b,
    };
    TurnAround {
        count: all.len() as u64,
        median_ms,
        worst_ms: all.last().map(|(ms, _)| *ms),
        worst: all.last().map(|(_, request)| *request),
    }
}

fn people(chosen: &[&Access]) -> Vec<Person> {
    let mut all: BTreeMap<String, Person> = BTreeMap::new();
    let mut of = |who: String, change: &dyn Fn(&mut Person)| change(all.entry(who).or_default());
    let name = |actor: &Actor| actor.to_string();
    for access in chosen {
        of(name(&access.requester), &|p| p.asked += 1);
        for decision in &access.decisions {
            match decision {
                Decision::Approved { people, .. } => {
                    for who in people {
                        of(who.clone(), &|p| p.approved += 1);
                    }
                }
                Decision::Denied { people, .. } => {
                    for who in people {
                        of(who.clone(), &|p| p.denied += 1);
                    }
                }
                Decision::Cancelled { actor, .. } => of(name(actor), &|p| p.cancelled += 1),
            }
        }
        for used in &access.uses {
            let bytes = packaged(used);
            of(name(&used.operator), &|p| {
                p.uses += 1;
                p.packages += u64::from(bytes.is_some());
                p.package_bytes = p.package_bytes.saturating_add(bytes.unwrap_or(0));
            });
        }
        if access.break_glass {
            for who in everybody(access) {
                of(who, &|p| p.break_glass += 1);
            }
        }
    }
    let named = all
        .into_iter()
        .map(|(who, person)| Person { who, ..person });
    named.collect()
}

fn recordings(chosen: &[&Access]) -> Vec<OneRecording> {
    let mut all: BTreeMap<RecordingId, OneRecording> = BTreeMap::new();
    for access in chosen {
        let packages = access.uses.iter().filter(|u| packaged(u).is_some()).count() as u64;
        for id in ids(access) {
            let one = all.entry(id).or_insert_with(|| OneRecording {
                id,
                requests: 0,
                approved: 0,
                uses: 0,
                packages: 0,
                break_glass: 0,
                last_use: None,
                recipients: Vec::new(),
            });
            one.requests += 1;
            one.approved += u64::from(!access.approvers().is_empty());
            one.uses += access.uses.len() as u64;
            one.packages += packages;
            one.break_glass += u64::from(access.break_glass);
            one.last_use = one.last_use.max(access.uses.iter().map(|u| u.at).max());
            let recipient = &access.request.ask.recipient;
            if packages > 0 && !one.recipients.contains(recipient) {
                one.recipients.push(recipient.clone());
            }
        }
    }
    all.into_values().collect()
}

fn rows(access: &Access, head: &Head) -> Vec<Row> {
    let row = |used| Row {
        head: head.clone(),
        used,
    };
    if access.uses.is_empty() {
        return vec![row(None)];
    }
    let uses = access.uses.iter();
    uses.map(|used| row(Some(row_use(access, used)))).collect()
}

fn row_use(access: &Access, used: &Use) -> RowUse {
    let (outcome, bytes, tag_manifest) = match &used.outcome {
        None => ("open", None, None),
        Some(UseOutcome::Failed { .. }) => ("failed", None, None),
        Some(UseOutcome::Viewed { bytes }) => ("viewed", Some(*bytes), None),
        Some(UseOutcome::Packaged {
            tag_manifest,
            bytes,
            ..
        }) => ("packaged", Some(*bytes), Some(*tag_manifest)),
    };
    RowUse {
        number: used.number,
        id: used.id,
        operator: used.operator.to_string(),
        at: used.at,
        ended_at: used.ended_at,
        outcome,
        bytes,
        tag_manifest,
        wrong: wrong(access, used),
    }
}
