//! `recvault batch`: the night.

use super::{
    Ended,
    args::{Args, Json},
    output,
    progress::Bars,
    store, upkeep,
};
use crate::{
    report::terminal,
    service::{Answer, Command, Failure},
};

pub(super) fn run(args: &Args, json: &Json) -> Result<Ended, Failure> {
    let bars = Bars::watcher();
    let answer = store::ask(args, Command::Batch, &*bars)?;
    drop(bars);
    let Answer::Night { summary, written } = answer else {
        return Err(store::other_answer());
    };
    if json.json {
        output::json(&serde_json::json!({ "summary": summary, "reports": written }));
    } else {
        output::text(&terminal::night(&summary, Some(&written), output::style()));
    }
    upkeep::check_undamaged(&summary.upkeep)?;
    Ok(if summary.needs_attention() {
        Ended::Attention
    } else {
        Ended::Clean
    })
}
