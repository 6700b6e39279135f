//! `recvault check` and `recvault rebuild`.

use super::{
    Ended,
    args::{Args, Json},
    output, store,
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

pub(super) fn rebuild(args: &Args, json: &Json) -> Result<Ended, Failure> {
    let rebuilt = service::rebuild(&store::root(args)?)?;
    if json.json {
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
