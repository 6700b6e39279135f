//! Layer 9. One file per subcommand; here alone is anything printed and are exit codes made.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done, and nothing needs attention |
//! | 1 | some recordings need attention, or a disk, codec or database failed |
//! | 2 | the command or the configuration is wrong |
//! | 3 | policy refused |
//! | 4 | stored evidence is not what the ledger says |
//! | 70 | a defect of recvault |
//! | 75 | somebody else is using the store |

mod access;
mod args;
mod batch;
mod check;
mod doctor;
mod generate;
mod init;
mod keep;
mod ledger;
mod list;
mod output;
mod progress;
mod registry;
mod report;
mod serve;
mod show;
mod sign;
mod store;
mod trace;
mod tune;
mod upkeep;
mod view;
mod witness;

use std::{
    ffi::OsString,
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
};

use clap::Parser;

use crate::{
    base::ErrorKind,
    media,
    service::{DraftAsk, Failure},
};
use args::{Args, Command};

/// How a command ended when it did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// Nothing needs attention.
    Clean,
    /// Something does.
    Attention,
}

/// Runs one command line, the program's name first, and gives back its exit code.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = match Args::try_parse_from(args) {
        Ok(args) => args,
        Err(e) => {
            let _ = e.print();
            // clap's own 2 is our usage error; help and version are no errors.
            return ExitCode::from(u8::try_from(e.exit_code()).unwrap_or(2));
        }
    };
    // A worker speaks on its standard streams to its parent and to nobody else.
    match args.command {
        Command::Worker => {
            let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
            return ExitCode::from(media::worker::serve(&mut input, &mut output));
        }
        Command::GenerateWorker => {
            let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
            return ExitCode::from(media::generate::serve(&mut input, &mut output));
        }
        _ => {}
    }
    output::start_log();
    let done = catch_unwind(AssertUnwindSafe(|| dispatch(&args))).unwrap_or_else(|_| {
        Err(Failure::new(
            ErrorKind::Defect,
            "recvault has a defect; what it said stands above",
        )
        .hint("please report it with the command and the lines above"))
    });
    match done {
        Ok(Ended::Clean) => ExitCode::SUCCESS,
        Ok(Ended::Attention) => ExitCode::from(1),
        Err(failure) => {
            output::failure(&failure);
            ExitCode::from(exit_code(failure.kind))
        }
    }
}

/// The one table from kinds of error to exit codes.
const fn exit_code(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Fault => 1,
        ErrorKind::Usage => 2,
        ErrorKind::Refused => 3,
        ErrorKind::Integrity => 4,
        ErrorKind::Defect => 70,
        ErrorKind::Busy => 75,
    }
}

fn dispatch(args: &Args) -> Result<Ended, Failure> {
    match &args.command {
        Command::Init(init) => init::run(init),
        Command::Registry(registry) => registry::run(args, registry),
        Command::Batch(batch) => batch::run(args, batch),
        Command::Serve => serve::run(args),
        Command::List(list) => list::run(args, list),
        Command::Show(show) => show::run(args, show),
        Command::Why(why) => keep::why(args, why),
        Command::Classify { id, clause, note } => keep::classify(args, id, clause, note),
        Command::Lower {
            id,
            to,
            reason,
            signing,
        } => {
            let ask = DraftAsk::ClassLower {
                id: id.clone(),
                to: to.clone(),
                reason: reason.clone(),
            };
            sign::act(args, signing, ask, None)
        }
        Command::Attribute {
            id,
            device,
            officer,
            reason,
            signing,
        } => {
            let ask = DraftAsk::Attribution {
                id: id.clone(),
                device: device.clone(),
                officer: officer.clone(),
                reason: reason.clone(),
            };
            sign::act(args, signing, ask, None)
        }
        Command::Retime {
            id,
            start,
            reason,
            signing,
        } => {
            let ask = DraftAsk::Time {
                id: id.clone(),
                start: start.clone(),
                reason: reason.clone(),
            };
            sign::act(args, signing, ask, None)
        }
        Command::Hold(hold) => keep::hold(args, hold),
        Command::Disposal(disposal) => keep::disposal(args, disposal),
        Command::Rule(rule) => keep::rule(args, rule),
        Command::Request(wish) => access::request(args, wish),
        Command::Requests(requests) => access::requests(args, requests),
        Command::Approve(decide) => access::approve(args, decide),
        Command::BreakGlass(wish) => access::break_glass(args, wish),
        Command::Deny(deny) => access::deny(args, deny),
        Command::Cancel { request } => access::cancel(args, request),
        Command::Export(export) => access::export(args, export),
        Command::View(wanted) => view::run(args, wanted),
        Command::Verify(verify) => access::verify(verify),
        Command::Trace { file, json } => trace::run(args, file, *json),
        Command::Trail { id, json } => access::trail(args, id, *json),
        Command::Report(report) => report::run(args, report),
        Command::Statements(json) => sign::statements(args, json.json),
        Command::Sign { statement, signing } => {
            let statement = statement.clone();
            sign::act(args, signing, DraftAsk::Waiting { statement }, None)
        }
        Command::Submit(submit) => keep::submit(args, submit),
        Command::Check { quick, json } => check::check(args, *quick, *json),
        Command::Mirror(mirror) => upkeep::mirror(args, mirror),
        Command::Fixity(json) => upkeep::fixity(args, json),
        Command::SafeToWipe(json) => upkeep::safe_to_wipe(args, json),
        Command::Tune(tune) => tune::run(args, tune),
        Command::Rebuild(rebuild) => check::rebuild(args, rebuild),
        Command::Ledger(ledger) => ledger::run(args, ledger),
        Command::Doctor(doctor) => doctor::run(args, doctor),
        Command::Generate(generate) => generate::run(generate),
        Command::Worker | Command::GenerateWorker => Ok(Ended::Clean),
    }
}
