//! `recvault show`: everything about one recording but its picture.

use super::{
    Ended,
    args::{Args, Show},
    output, store,
};
use crate::{
    report::{self, terminal, wording::zone},
    service::{Answer, Command, Failure},
};

pub(super) fn run(args: &Args, show: &Show) -> Result<Ended, Failure> {
    let answer = store::ask(
        args,
        Command::Show {
            id: show.id.clone(),
        },
        &(),
    )?;
    let Answer::Show {
        record,
        verdict,
        time_zone,
    } = answer
    else {
        return Err(store::other_answer());
    };
    let verdict = verdict.as_deref();
    if show.json {
        output::text(&report::show_json(&record, verdict));
    } else {
        let zone = zone(&time_zone);
        output::text(&terminal::show(&record, verdict, &zone, output::style()));
    }
    Ok(Ended::Clean)
}
