//! `recvault report`: what the people read who answer for the office.

use std::{
    fs::OpenOptions,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use clap::{Args as Group, Subcommand};
use jiff::civil::Date;

use super::{Ended, args::Args, output, store};
use crate::{
    base::{ErrorKind, RecordingId},
    custody::access::Access,
    report::{
        self,
        access::{AccessReport, Scope},
        terminal,
        wording::zone,
    },
    service::{AccessAsk, Answer, Command, Failure},
};

#[derive(Debug, Group)]
pub(super) struct Report {
    #[command(subcommand)]
    command: ReportCommand,
}

#[derive(Debug, Subcommand)]
enum ReportCommand {
    /// Who asked to look, who decided, what was used, what is outstanding
    Access(AccessArgs),
}

#[derive(Debug, Group)]
struct AccessArgs {
    /// Only requests to which something happened on this day or later
    #[arg(long, value_name = "DATE")]
    from: Option<Date>,
    /// Only requests to which something happened on this day or earlier
    #[arg(long, value_name = "DATE")]
    to: Option<Date>,
    /// Only requests for this recording, by its id or enough of its beginning
    #[arg(long, value_name = "ID")]
    recording: Option<String>,
    /// Only what this person asked for, decided or used: a handle, or 'uid 1000'
    #[arg(long, value_name = "WHO")]
    person: Option<String>,
    /// Print JSON
    #[arg(long, group = "form")]
    json: bool,
    /// Write a row for each use to this file, for spreadsheets; - prints it
    #[arg(long, value_name = "FILE", group = "form")]
    csv: Option<PathBuf>,
    /// Write a page to this file
    #[arg(long, value_name = "FILE", group = "form")]
    html: Option<PathBuf>,
}

pub(super) fn run(args: &Args, wanted: &Report) -> Result<Ended, Failure> {
    match &wanted.command {
        ReportCommand::Access(wanted) => access(args, wanted),
    }
}

fn access(args: &Args, wanted: &AccessArgs) -> Result<Ended, Failure> {
    if let (Some(from), Some(to)) = (wanted.from, wanted.to)
        && to < from
    {
        let text = format!("the period ends on {to}, before it begins on {from}");
        return Err(Failure::new(ErrorKind::Usage, text));
    }
    let ask = Command::Access(AccessAsk::List { all: true });
    let Answer::Accesses {
        accesses,
        now,
        time_zone,
    } = store::ask(args, ask, &())?
    else {
        return Err(store::other_answer());
    };
    let recording = wanted.recording.as_deref();
    let scope = Scope {
        from: wanted.from,
        to: wanted.to,
        recording: recording.map(|id| one(&accesses, id)).transpose()?,
        person: wanted.person.clone(),
    };
    let report = report::access_report(&accesses, now, &zone(&time_zone), &scope);
    show(wanted, &report)?;
    covered(&report)
}

/// The one recording that somebody asked for and whose id begins so.
fn one(accesses: &[Access], id: &str) -> Result<RecordingId, Failure> {
    let usage = |text: String| Failure::new(ErrorKind::Usage, text);
    let asked = accesses.iter().flat_map(|a| &a.request.ask.recordings);
    let named = |wanted: &RecordingId| !id.is_empty() && wanted.to_string().starts_with(id);
    let mut found: Vec<RecordingId> = asked.map(|w| w.id).filter(named).collect();
    found.sort();
    found.dedup();
    match found.as_slice() {
        [only] => Ok(*only),
        // A whole id that nobody asked for: the report says that there is nothing.
        [] => id.parse().map_err(|_| {
            usage(format!("nobody asked for a recording '{id}'"))
                .hint("recvault requests --all lists what was asked for")
        }),
        _ => Err(usage(format!("several recordings begin with '{id}'")).hint("give more of it")),
    }
}

fn show(wanted: &AccessArgs, made: &AccessReport) -> Result<(), Failure> {
    let csv = || {
        let failed = |e| Failure::new(ErrorKind::Fault, format!("the rows cannot be written: {e}"));
        report::access_csv(made).map_err(failed)
    };
    match (&wanted.csv, &wanted.html) {
        (Some(path), _) if path.as_os_str() == "-" => output::text(&csv()?),
        // Spreadsheets take a file for UTF-8 by the mark at its beginning.
        (Some(path), _) => write(path, &format!("\u{feff}{}", csv()?))?,
        (_, Some(path)) => write(path, &report::access_html(made))?,
        _ if wanted.json => output::text(&report::access_json(made)),
        _ => output::text(&terminal::access_report(made, output::style())),
    }
    Ok(())
}

/// Writes a report for the eyes of whoever asked for it: it names people.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let written = options
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|e| {
        let text = format!("{} cannot be written: {e}", path.display());
        Failure::new(ErrorKind::Fault, text)
    })?;
    output::text(&format!(
        "{} holds the report; it names people.",
        path.display()
    ));
    Ok(())
}

/// Whether every use had its approval.
fn covered(report: &AccessReport) -> Result<Ended, Failure> {
    let Some(first) = report.wrong.first() else {
        return Ok(Ended::Clean);
    };
    let words: Vec<&str> = first.wrong.iter().map(|wrong| wrong.words()).collect();
    let more = match report.wrong.len() - 1 {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let text = format!(
        "use {} of the access request {} had no valid approval: {}{more}",
        first.number,
        first.request,
        words.join(", ")
    );
    Err(Failure::new(ErrorKind::Integrity, text)
        .hint("find out who ran it and how: recvault requests names the request's history, recvault check the log's"))
}
