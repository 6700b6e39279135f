//! What keeps recordings and what lets them go: `hold`, `classify`, `lower`, `why`, `disposal`,
//! `policy`, `roster`, `clock`, `submit`.

use super::{
    Ended,
    args::{Args, Disposal, DisposalCommand, Hold, HoldCommand, Rule, RuleCommand, Submit, Why},
    output, sign, store,
};
use crate::service::{Answer, Command, DisposalAsk, DraftAsk, Failure};

pub(super) fn hold(args: &Args, hold: &Hold) -> Result<Ended, Failure> {
    match &hold.command {
        HoldCommand::Add {
            id,
            case,
            reason,
            requester,
        } => {
            let command = Command::HoldAdd {
                id: id.clone(),
                case: case.clone(),
                reason: reason.clone(),
                requester: requester.clone(),
            };
            sign::done(&store::ask(args, command, &())?)
        }
        HoldCommand::Release {
            id,
            hold,
            reason,
            signing,
        } => {
            let ask = DraftAsk::HoldRelease {
                id: id.clone(),
                hold: *hold,
                reason: reason.clone(),
            };
            sign::act(args, signing, ask, None)
        }
    }
}

pub(super) fn classify(args: &Args, id: &str, clause: &str, note: &str) -> Result<Ended, Failure> {
    let command = Command::Classify {
        id: id.to_owned(),
        clause: clause.to_owned(),
        note: note.to_owned(),
    };
    sign::done(&store::ask(args, command, &())?)
}

pub(super) fn why(args: &Args, why: &Why) -> Result<Ended, Failure> {
    let command = Command::Why {
        id: why.id.clone(),
        as_of: why.as_of.map(|day| day.to_string()),
    };
    let answer = store::ask(args, command, &())?;
    let Answer::Why { text, .. } = &answer else {
        return Err(store::other_answer());
    };
    if why.json {
        output::json(&answer);
    } else {
        output::text(text);
    }
    Ok(Ended::Clean)
}

pub(super) fn disposal(args: &Args, disposal: &Disposal) -> Result<Ended, Failure> {
    let (ask, json) = match &disposal.command {
        DisposalCommand::Approve { root, signing } => {
            let ask = DraftAsk::Plan { root: root.clone() };
            return sign::act(args, signing, ask, None);
        }
        DisposalCommand::Plan { dry_run, json } => (DisposalAsk::Plan { dry_run: *dry_run }, *json),
        DisposalCommand::Show(json) => (DisposalAsk::Show, json.json),
        DisposalCommand::Apply(json) => (DisposalAsk::Apply, json.json),
    };
    let answer = store::ask(args, Command::Disposal(ask), &())?;
    match &answer {
        _ if json => output::json(&answer),
        Answer::Plan { text, state, .. } => {
            output::text(text);
            output::text(&format!("State: {state}."));
        }
        Answer::Applied(applied) => {
            output::text(&format!(
                "{} recordings disposed of, {} kept after all, {} begun earlier finished; {} certificates written.",
                applied.gone.len(),
                applied.kept.len(),
                applied.finished,
                applied.certificates
            ));
            for kept in &applied.kept {
                output::text(&format!("{}  {}", kept.id, kept.why));
            }
        }
        _ => return Err(store::other_answer()),
    }
    Ok(Ended::Clean)
}

/// Roster, policy and clock: each is shown, or changed by signatures.
pub(super) fn rule(args: &Args, rule: &Rule) -> Result<Ended, Failure> {
    match &rule.command {
        RuleCommand::Show(json) => {
            let answer = store::ask(args, Command::Rules, &())?;
            let Answer::Rules {
                roster,
                roster_hash,
                policy,
                clock,
            } = &answer
            else {
                return Err(store::other_answer());
            };
            if json.json {
                output::json(&answer);
            } else {
                output::text(&format!("roster hash  {roster_hash}\n"));
                output::text(roster);
                output::text(&format!("\npolicy  {policy}\n"));
                output::text(&clock.join("\n"));
            }
            Ok(Ended::Clean)
        }
        RuleCommand::Roster {
            file,
            reason,
            signing,
        } => {
            let roster = sign::text_of(file)?;
            let ask = DraftAsk::Roster {
                roster: roster.clone(),
                reason: reason.clone(),
            };
            sign::act(args, signing, ask, Some(roster))
        }
        RuleCommand::Policy {
            file,
            reason,
            signing,
        } => {
            let policy = sign::text_of(file)?;
            let ask = DraftAsk::Policy {
                policy: policy.clone(),
                reason: reason.clone(),
            };
            sign::act(args, signing, ask, Some(policy))
        }
        RuleCommand::Clock {
            confirm,
            reason,
            signing,
        } => {
            let ask = DraftAsk::Clock {
                confirm: confirm.clone(),
                reason: reason.clone(),
            };
            sign::act(args, signing, ask, None)
        }
    }
}

pub(super) fn submit(args: &Args, submit: &Submit) -> Result<Ended, Failure> {
    let statement = sign::text_of(&submit.file)?;
    let signatures = submit.signatures.iter().map(sign::text_of);
    let signatures = signatures.collect::<Result<Vec<_>, _>>()?;
    let attached = submit.with.as_ref().map(sign::text_of).transpose()?;
    sign::submit(args, statement, signatures, attached)
}
