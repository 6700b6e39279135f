//! Acts that people sign for: a statement goes out to be signed and comes back.

use jiff::{civil::DateTime, tz::TimeZone};

use super::{
    Answer, DraftAsk, Failure, access,
    command::WaitingStatement,
    execute::{recording, usage},
};
use crate::{
    base::{Clock, Moment},
    custody::{Kind, Roster, Statement, Target},
    retention::Policy,
    store::{Attached, Refusal, Store},
};

pub(super) fn draft(
    store: &Store,
    clock: &dyn Clock,
    zone: &TimeZone,
    ask: DraftAsk,
) -> Result<Answer, Failure> {
    let mut about = None;
    let statement = match &ask {
        DraftAsk::Waiting { statement } => {
            let statement = waiting(store, statement)?;
            if let (Kind::Approval | Kind::BreakGlass, Target::Digest(request)) =
                (statement.kind(), statement.target())
            {
                about = store.access(request)?.map(|access| access.request.text());
            }
            statement
        }
        DraftAsk::HoldRelease { id, hold, reason } => {
            let id = recording(store, id)?.id;
            let holds = store.keeping(id)?.holds;
            if holds.hold(u64::from(*hold)).is_none() {
                let numbers: Vec<_> = holds.standing().iter().map(ToString::to_string).collect();
                let failure = usage(format!("no hold {hold} stands on recording {id}"));
                return Err(failure.hint(match numbers.is_empty() {
                    true => "none stands on it".into(),
                    false => numbers.join("; "),
                }));
            }
            let hold = hold.to_string();
            let fields = [("hold", hold.as_str()), ("reason", reason)];
            store.draft(Kind::HoldRelease, Target::Recording(id), &fields)?
        }
        DraftAsk::ClassLower { id, to, reason } => {
            let id = recording(store, id)?.id;
            let fields = [("reason", reason.as_str()), ("to", to)];
            store.draft(Kind::ClassLower, Target::Recording(id), &fields)?
        }
        DraftAsk::Attribution {
            id,
            device,
            officer,
            reason,
        } => {
            let id = recording(store, id)?.id;
            let mut fields = vec![("reason", reason.as_str())];
            fields.extend(device.as_deref().map(|device| ("device", device)));
            fields.extend(officer.as_deref().map(|officer| ("officer", officer)));
            fields.sort_unstable();
            store.draft(Kind::Attribution, Target::Recording(id), &fields)?
        }
        DraftAsk::Time { id, start, reason } => {
            let id = recording(store, id)?.id;
            let start = instant(start, zone)?.to_string();
            let fields = [("reason", reason.as_str()), ("start", start.as_str())];
            store.draft(Kind::Time, Target::Recording(id), &fields)?
        }
        DraftAsk::Plan { root } => {
            let newest = store.newest_plan()?;
            let Some((planned, plan)) = newest else {
                return Err(
                    usage("no plan was ever made".into()).hint("recvault disposal plan makes one")
                );
            };
            let whole = planned.root.to_string();
            if !whole.starts_with(root.as_str()) {
                return Err(usage(format!("the newest plan is {whole}")).hint("approve that one"));
            }
            let days = i64::from(plan.grace_days());
            let not_before = store
                .times()?
                .later
                .plus_ms(days.saturating_mul(86_400_000));
            let (bytes, items) = (planned.bytes.to_string(), planned.items.to_string());
            let not_before = not_before.to_string();
            let fields = [
                ("bytes", bytes.as_str()),
                ("items", items.as_str()),
                ("not-before", not_before.as_str()),
            ];
            store.draft(Kind::Plan, Target::Digest(planned.root), &fields)?
        }
        DraftAsk::Policy { policy, reason } => {
            let target = Target::Digest(read_policy(policy)?.digest());
            store.draft(Kind::Policy, target, &[("reason", reason)])?
        }
        DraftAsk::Roster { roster, reason } => {
            let target = Target::Digest(read_roster(roster)?.digest());
            store.draft(Kind::Roster, target, &[("reason", reason)])?
        }
        DraftAsk::Approval { request } => {
            let access = access::one(store, request)?;
            about = Some(access.request.text());
            store.draft(Kind::Approval, Target::Digest(access.digest), &[])?
        }
        DraftAsk::BreakGlass { request, reason } => {
            let access = access::one(store, request)?;
            about = Some(access.request.text());
            let target = Target::Digest(access.digest);
            store.draft(Kind::BreakGlass, target, &[("reason", reason)])?
        }
        DraftAsk::Denial { request, reason } => {
            let target = Target::Digest(access::one(store, request)?.digest);
            store.draft(Kind::Denial, target, &[("reason", reason)])?
        }
        DraftAsk::Clock { confirm, reason } => {
            let at = confirm.clone().unwrap_or_else(|| clock.now().to_string());
            let fields = [("confirm", at.as_str()), ("reason", reason)];
            store.draft(Kind::Clock, Target::Clock, &fields)?
        }
    };
    Ok(Answer::Draft {
        text: statement.text(),
        namespace: statement.kind().namespace().to_owned(),
        about,
    })
}

pub(super) fn submit(
    store: &Store,
    by: u32,
    text: &str,
    signatures: Vec<String>,
    attached: Option<String>,
) -> Result<Answer, Failure> {
    let statement: Statement = text.parse().map_err(Refusal::from)?;
    let attached = match (statement.kind(), attached) {
        (Kind::Roster, Some(text)) => Attached::Roster(Box::new(read_roster(&text)?)),
        (Kind::Policy, Some(text)) => Attached::Policy(Box::new(read_policy(&text)?)),
        _ => Attached::Nothing,
    };
    let agreed = store.submit(by, statement, signatures, attached)?;
    let mut said = vec![format!(
        "Statement {}, signed by {}.",
        agreed.statement,
        agreed.people.join(" and ")
    )];
    said.extend(agreed.done);
    let waits = agreed.waits;
    if waits {
        let digest = agreed.statement;
        said.push(format!(
            "It waits for who else agrees: recvault sign {digest} --key KEY"
        ));
    }
    Ok(Answer::Done { said, waits })
}

pub(super) fn statements(store: &Store, zone: &TimeZone) -> Result<Answer, Failure> {
    let waiting = store.waiting()?.into_iter().map(|waiting| {
        let statement = waiting.statement;
        WaitingStatement {
            digest: statement.digest(),
            act: statement.kind().shape().act.to_owned(),
            target: statement.target().to_string(),
            people: waiting.people,
            since: waiting.since,
            text: statement.text(),
        }
    });
    Ok(Answer::Statements {
        waiting: waiting.collect(),
        time_zone: zone.iana_name().unwrap_or("UTC").to_owned(),
    })
}

/// The one that waits under this digest, or under one that begins so.
fn waiting(store: &Store, digest: &str) -> Result<Statement, Failure> {
    let all = store.waiting()?.into_iter().map(|w| w.statement);
    let named = |s: &Statement| s.digest().to_string().starts_with(digest);
    let mut found = all.filter(|s| !digest.is_empty() && named(s));
    match (found.next(), found.next()) {
        (Some(statement), None) => Ok(statement),
        (None, _) => Err(
            usage(format!("no statement '{digest}' waits for signatures"))
                .hint("recvault statements lists those that do"),
        ),
        (Some(_), Some(_)) => {
            Err(usage(format!("several statements begin with '{digest}'")).hint("give more of it"))
        }
    }
}

pub(super) fn rules(store: &Store) -> Result<Answer, Failure> {
    let rules = store.rules()?;
    let times = rules.times(store.reading());
    let mut clock = vec![
        format!("compliance clock  {}", rules.clock.time()),
        format!("stamped now       {}", times.later),
        match times.disposal {
            Some(at) => format!("disposal judged   {at}"),
            None => "disposal judged   not at all: it is stopped".into(),
        },
        format!("vouched for       {}", rules.clock.vouched()),
    ];
    clock.extend(rules.clock.stopped().map(|stop| stop.words()));
    Ok(Answer::Rules {
        roster: rules.rosters.current().text(),
        roster_hash: rules.rosters.log().to_string(),
        policy: rules.policy().map(Policy::canonical).unwrap_or_default(),
        clock,
    })
}

/// An instant with an offset, or one of the office's clocks without.
fn instant(text: &str, zone: &TimeZone) -> Result<Moment, Failure> {
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Ok(Moment::from(instant));
    }
    let wrong = || {
        usage(format!(
            "'{text}' is no time such as 2026-03-02T06:00:00 or 2026-03-02T06:00:00+08:00"
        ))
    };
    let civil: DateTime = text.parse().map_err(|_| wrong())?;
    let resolved = crate::base::civil::resolve(civil, zone);
    resolved.map(|(at, _)| at).ok_or_else(wrong)
}

fn read_policy(text: &str) -> Result<Policy, Failure> {
    serde_json::from_str(text).map_err(|e| usage(format!("the policy cannot be read: {e}")))
}

fn read_roster(text: &str) -> Result<Roster, Failure> {
    Ok(text.parse::<Roster>()?)
}
