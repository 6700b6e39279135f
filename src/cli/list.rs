//! `recvault list`: recordings by time.

use super::{
    Ended,
    args::{Args, List},
    output, store,
};
use crate::{
    report::{self, terminal, wording::zone},
    service::{Answer, Command, Failure, ListRequest},
};

pub(super) fn run(args: &Args, list: &List) -> Result<Ended, Failure> {
    let request = ListRequest {
        device: list.device.clone(),
        officer: list.officer.clone(),
        day: list.day.clone(),
        to_day: list.to.clone(),
        state: list.state.clone(),
        finding: list.finding.clone(),
        kind: list.kind.clone(),
        after: list.after.clone(),
        limit: list.limit,
    };
    let answer = store::ask(args, Command::List(request), &())?;
    let Answer::List {
        records,
        next,
        time_zone,
    } = answer
    else {
        return Err(store::other_answer());
    };
    if list.json {
        output::text(&report::list_json(&records, next.as_deref()));
    } else if list.ids {
        let ids: Vec<String> = records.iter().map(|r| r.id.to_string()).collect();
        if !ids.is_empty() {
            output::text(&ids.join("\n"));
        }
    } else {
        output::text(&terminal::list(
            &records,
            &zone(&time_zone),
            output::style(),
        ));
        if let Some(next) = next {
            output::note(&format!("there is more: add --after {next}"));
        }
    }
    Ok(Ended::Clean)
}
