//! How the roster that an approval was judged by came out of the genesis roster: every change of it
//! up to then, with its proofs, so that whoever knows the genesis roster's digest can follow.
//!
//! What cannot be seen here is a change that the package leaves out at the end. The request, which
//! the approvers have signed, names the roster in force when it was made.

use super::ExportError;
use crate::{
    custody::{
        Amendment, Context, Kind, Matter, Roster, RosterChange, RosterHistory, Standing, Statement,
        judge, verify_statement,
    },
    event::{Event, What},
    store::{Store, StoreError},
};

/// Name of the files of the change at this place, counted from 0.
pub(super) fn name(at: usize) -> String {
    format!("roster-{}", at + 1)
}

/// Numbers of the events before `until` that changed the roster, or agreed on it.
pub(super) fn changes(store: &Store, until: u64) -> Result<Vec<u64>, ExportError> {
    let mut found = Vec::new();
    // Most stores have the roster that they began with.
    if store.rules()?.rosters.is_as_begun() {
        return Ok(found);
    }
    let ledger = crate::ledger::Ledger::open(&store.root().join("ledger"));
    let ledger = ledger.map_err(StoreError::from)?;
    for read in ledger.read(0, until).map_err(StoreError::from)? {
        let (n, line) = read.map_err(StoreError::from)?;
        // Reading each whole would take its time in a log of millions.
        if !contains(&line, br#""roster.changed""#) && !contains(&line, br#""statement.accepted""#)
        {
            continue;
        }
        let event = Event::from_line(n, &line).map_err(StoreError::from)?;
        match event.what {
            What::RosterChanged { .. } => found.push(n),
            What::StatementAccepted { statement, .. } if statement.kind() == Kind::Roster => {
                found.push(n);
            }
            _ => {}
        }
    }
    Ok(found)
}

fn contains(line: &[u8], what: &[u8]) -> bool {
    line.windows(what.len()).any(|window| window == what)
}

/// Follows the changes; every event of them was proven by the caller. Gives back the roster by
/// which event number `approved` is judged.
///
/// # Errors
/// As a sentence: a change was not agreed on by the rules of the roster before it.
pub(super) fn follow(genesis: Roster, events: &[Event], approved: u64) -> Result<Roster, String> {
    let mut history = RosterHistory::new(genesis);
    let mut agreed: Option<(&Event, &Statement, &[String])> = None;
    for event in events {
        let n = event.n;
        match &event.what {
            What::StatementAccepted {
                statement,
                signatures,
                ..
            } => agreed = Some((event, statement, signatures)),
            What::RosterChanged { change } => {
                check(&history, change, agreed.take(), event)
                    .map_err(|why| format!("the change of the roster at event {n}: {why}"))?;
                history.apply(change, n);
            }
            _ => return Err(format!("event {n} is no change of the roster")),
        }
    }
    Ok(history.at(approved).clone())
}

/// Whether a change is what the statement before it agreed on, or what had waited long enough.
fn check(
    history: &RosterHistory,
    change: &RosterChange,
    agreed: Option<(&Event, &Statement, &[String])>,
    event: &Event,
) -> Result<(), String> {
    let proposed = match change {
        RosterChange::Proposed { roster, .. } | RosterChange::Revoked { roster, .. } => {
            roster.clone()
        }
        RosterChange::Withdrawn { .. } => history.current().clone(),
        RosterChange::TookForce { roster } => {
            let waited = history.pending().filter(|p| p.roster.digest() == *roster);
            return match waited {
                Some(pending) if pending.due <= event.at => Ok(()),
                _ => Err("it took force before its time".into()),
            };
        }
    };
    let (accepted, statement, signatures) = agreed.ok_or("nobody agreed on it")?;
    let amendment: Amendment = history
        .amendment(statement, &proposed)
        .map_err(|e| e.to_string())?;
    let roster = history.current();
    let signers = signatures.iter();
    let signers: Vec<_> = signers
        .filter_map(|signature| verify_statement(statement, signature, roster).ok())
        .collect();
    let context = Context {
        log: history.log(),
        events: accepted.n,
        // How old it was then, its own store has judged; who signed it can be judged here.
        seen_at: Some(accepted.at),
        now: accepted.at,
        roster,
        matter: Matter::Roster(&amendment),
    };
    let Standing::Enough(quorum) = judge(statement, &signers, &context) else {
        return Err("those who signed it are not enough".into());
    };
    let planned = history
        .plan_change(statement, &proposed, &quorum, accepted.at)
        .map_err(|e| e.to_string())?;
    let same = match (&planned, change) {
        (
            RosterChange::Proposed { due: earliest, .. },
            RosterChange::Proposed { due, statement, .. },
        ) => due >= earliest && planned.statement() == Some(*statement),
        (planned, change) => planned == change,
    };
    match same {
        true => Ok(()),
        false => Err("it is another than the one that was agreed on".into()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        base::{Digest, Moment},
        event::Writer,
    };

    const KEYS: [&str; 2] = [
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIlizSIN3DQV78VPNjVvvwjgf+P5HqbPYCYu3BOMdjAE li",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIyUyVEilKpgf2Y/zb9lUIK4FhdlHmeY2sQ6VNNnKcDz wang",
    ];

    fn event(n: u64, at: Moment, change: &RosterChange) -> Event {
        Event {
            at,
            by: Writer { uid: 0 },
            n,
            prev: Digest::new([0; 32]),
            v: 1,
            what: What::RosterChanged {
                change: Box::new(change.clone()),
            },
        }
    }

    /// Goal: who writes the log cannot let a roster take force before those who agreed on it had said,
    /// nor one that nobody agreed on.
    #[test]
    fn a_roster_takes_force_at_its_time_and_only_what_was_agreed_on() {
        let genesis = Roster::genesis(&KEYS).unwrap();
        let other = Roster::genesis_of(&[(KEYS[0], Some(7)), (KEYS[1], Some(8))]).unwrap();
        let due = Moment::from_s(1_800_000_000);
        let mut history = RosterHistory::new(genesis.clone());
        let force = |roster: &Roster| RosterChange::TookForce {
            roster: roster.digest(),
        };
        let judge = |history: &RosterHistory, roster: &Roster, at: Moment| {
            let change = force(roster);
            check(history, &change, None, &event(9, at, &change))
        };
        assert!(judge(&history, &other, due).is_err(), "nothing waits");
        let proposed = RosterChange::Proposed {
            roster: other.clone(),
            statement: Digest::new([1; 32]),
            due,
        };
        let alone = check(&history, &proposed, None, &event(5, due, &proposed));
        assert_eq!(alone.unwrap_err(), "nobody agreed on it");
        history.apply(&proposed, 5);
        let early = judge(&history, &other, due.plus_ms(-1)).unwrap_err();
        assert_eq!(early, "it took force before its time");
        assert!(judge(&history, &genesis, due).is_err(), "another waits");
        judge(&history, &other, due).unwrap();
    }
}
