//! `recvault check` and `recvault rebuild`.

use super::{
    Ended,
    args::{Args, Rebuild},
    init, output, store,
};
use crate::{
    base::ErrorKind,
    report::wording::count,
    service::{self, Answer, Command, Failure},
};

pub(super) fn check(args: &Args, quick: bool, json: bool) -> Result<Ended, Failure> {
    let answer = store::ask(args, Command::Check { quick }, &())?;
    let Answer::Checked {
        events,
        recordings,
        objects,
        wrong,
        more,
    } = &answer
    else {
        return Err(store::other_answer());
    };
    if json {
        output::json(&answer);
    } else {
        for what in wrong {
            output::text(what);
        }
        if *more > 0 {
            output::text(&format!("and {}", count(*more, "more", "more")));
        }
    }
    let looked = format!(
        "{}, {}, {} read to their ends",
        count(*events, "event", "events"),
        count(*recordings, "recording", "recordings"),
        count(*objects, "object", "objects")
    );
    if wrong.is_empty() {
        if !json {
            output::text(&format!("Everything is what the ledger says: {looked}."));
        }
        return Ok(Ended::Clean);
    }
    let text = format!("{} wrong in {looked}", wrong.len() as u64 + more);
    Err(Failure::new(ErrorKind::Integrity, text)
        .hint("keep the store as it is, and compare with a copy from elsewhere"))
}

pub(super) fn rebuild(args: &Args, rebuild: &Rebuild) -> Result<Ended, Failure> {
    if rebuild.without_ledger {
        return regain(args, rebuild);
    }
    if !rebuild.approvers.approver_key.is_empty() {
        let text = "approvers are given only with --without-ledger: the ledger names them";
        return Err(Failure::new(ErrorKind::Usage, text));
    }
    let rebuilt = service::rebuild(&store::root(args)?)?;
    if rebuild.json {
        output::json(&serde_json::json!({ "events": rebuilt.events, "erased": rebuilt.erased }));
    } else {
        output::text(&format!(
            "The index was made anew from {}; {} erased.",
            count(rebuilt.events, "event", "events"),
            count(rebuilt.erased, "detail is", "details are")
        ));
    }
    Ok(Ended::Clean)
}

fn regain(args: &Args, rebuild: &Rebuild) -> Result<Ended, Failure> {
    let approvers = init::read(&rebuild.approvers)?;
    let (regained, roster) = service::regain(&store::root(args)?, &approvers)?;
    if rebuild.json {
        output::json(&serde_json::json!({
            "recordings": regained.recordings,
            "without_history": regained.without_history,
            "disposed": regained.disposed,
            "events": regained.events,
            "erased": regained.erased,
            "unreadable": regained.unreadable,
            "roster_hash": roster.to_string(),
        }));
        return Ok(Ended::Attention);
    }
    output::text(&format!(
        "{}, each on hold until two people lift it; of {} no sidecar told anything.\n\
         {} had been disposed of. {} written anew into a new log.\n\
         \n\
         Lost: the old log with its checkpoints and proofs, the register, rosters, policies, plans,\n\
         signed statements, lowered classes and lifted holds; {}.",
        count(
            regained.recordings,
            "recording is there",
            "recordings are there"
        ),
        regained.without_history,
        regained.disposed,
        count(regained.events, "event was", "events were"),
        count(regained.erased, "name or reason", "names and reasons")
    ));
    if approvers.keys.is_empty() {
        output::text(
            "No approvers were named: no hold can ever be released. With --approver-key and two\n\
             public keys, after the ledger is moved away again, there are some.",
        );
    }
    for what in &regained.unreadable {
        output::text(&format!("Unreadable: {what}."));
    }
    output::text(&format!(
        "\nroster hash  {roster}\n\nMarket Management keeps this hash. Import the register again, and run recvault check."
    ));
    Ok(Ended::Attention)
}
