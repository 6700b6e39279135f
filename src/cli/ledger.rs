//! `recvault ledger`: the log of everything that happened, and its proofs.

use std::{
    fs,
    io::{self, IsTerminal, Read},
    path::{Path, PathBuf},
};

use clap::{Args as Group, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    Ended,
    args::{Args, Json},
    output, store,
    witness::{self, WitnessCommand},
};
use crate::{
    base::{Digest, ErrorKind},
    custody,
    event::Event,
    ledger,
    proof::Verifier,
    report::{terminal, wording::zone},
    service::{Answer, Command, Failure, LedgerAsk},
};

#[derive(Debug, Group)]
pub(super) struct Ledger {
    #[command(subcommand)]
    pub command: LedgerCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum LedgerCommand {
    /// List events
    Show {
        /// Only the life of this recording
        #[arg(long, value_name = "ID")]
        recording: Option<String>,
        /// From this event on, counted from 0
        #[arg(long, default_value_t = 0, value_name = "N")]
        from: u64,
        /// At most so many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
        /// Print each event as it stands in the log, a line of JSON each
        #[arg(long)]
        json: bool,
    },
    /// Prove to a stranger that an event is in the log
    Prove {
        /// The event's number, or a recording's id: then its admission is meant
        what: String,
        /// Write NAME.proof and NAME.event instead of printing the proof
        #[arg(long, value_name = "NAME")]
        out: Option<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Recompute everything from the log's files: events, tiles, checkpoint
    Verify {
        /// A copy of a ledger folder; without one, the store's
        dir: Option<PathBuf>,
        /// The log's public key, as `ledger checkpoint` prints it; for a copy
        #[arg(long, requires = "dir", value_name = "VKEY")]
        key: Option<String>,
        /// The roster digest that was printed when the store was made
        #[arg(long, value_name = "DIGEST")]
        roster_hash: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Sign and print a checkpoint over everything so far
    Checkpoint(Json),
    /// What a witness needs that has seen OLD events; give it to `ledger witness cosign`
    Consistency {
        /// Events that the witness has seen; 0 for a new one
        old: u64,
    },
    /// Keep a witness's cosignature, a file or - for standard input
    Cosigned {
        /// The line that `ledger witness cosign` printed
        file: PathBuf,
        /// The witness's public key
        #[arg(long, value_name = "VKEY")]
        witness: String,
    },
    /// Be a witness, on a machine that IT does not run
    Witness {
        #[command(subcommand)]
        command: WitnessCommand,
    },
}

pub(super) fn run(args: &Args, command: &Ledger) -> Result<Ended, Failure> {
    match &command.command {
        LedgerCommand::Show {
            recording,
            from,
            limit,
            json,
        } => {
            let ask = LedgerAsk::Show {
                recording: recording.clone(),
                from: *from,
                limit: *limit,
            };
            show(ask_ledger(args, ask)?, *json)
        }
        LedgerCommand::Prove { what, out, json } => {
            let ask = LedgerAsk::Prove { what: what.clone() };
            prove(ask_ledger(args, ask)?, out.as_deref(), *json)
        }
        LedgerCommand::Verify {
            dir,
            key,
            roster_hash,
            json,
        } => verify(
            args,
            dir.as_deref(),
            key.as_deref(),
            roster_hash.as_deref(),
            *json,
        ),
        LedgerCommand::Checkpoint(json) => {
            checkpoint(ask_ledger(args, LedgerAsk::Checkpoint)?, json.json)
        }
        LedgerCommand::Consistency { old } => {
            let answer = ask_ledger(args, LedgerAsk::Consistency { old: *old })?;
            let Answer::CosignRequest { request, .. } = answer else {
                return Err(store::other_answer());
            };
            output::text(&request);
            Ok(Ended::Clean)
        }
        LedgerCommand::Cosigned { file, witness } => {
            let ask = LedgerAsk::Cosigned {
                witness: witness.clone(),
                line: String::from_utf8_lossy(&read(file)?).into_owned(),
            };
            let Answer::Cosigned { note, said } = ask_ledger(args, ask)? else {
                return Err(store::other_answer());
            };
            output::text(&note);
            for sentence in said {
                output::note(&sentence);
            }
            Ok(Ended::Clean)
        }
        LedgerCommand::Witness { command } => witness::run(command),
    }
}

fn ask_ledger(args: &Args, ask: LedgerAsk) -> Result<Answer, Failure> {
    store::ask(args, Command::Ledger(ask), &())
}

/// Prints events.
pub(super) fn show(answer: Answer, json: bool) -> Result<Ended, Failure> {
    let Answer::Events {
        lines,
        len,
        time_zone,
    } = answer
    else {
        return Err(store::other_answer());
    };
    if json {
        for (_, line) in &lines {
            output::text(line);
        }
        return Ok(Ended::Clean);
    }
    let zone = zone(&time_zone);
    let events = lines
        .iter()
        .map(|(n, line)| Event::from_line(*n, line.as_bytes()))
        .collect::<Result<Vec<_>, _>>()?;
    output::text(&terminal::events(&events, len, &zone, output::style()));
    Ok(Ended::Clean)
}

fn prove(answer: Answer, out: Option<&Path>, json: bool) -> Result<Ended, Failure> {
    let Answer::Proof {
        event,
        line,
        proof,
        vkey,
    } = &answer
    else {
        return Err(store::other_answer());
    };
    if json {
        output::json(&answer);
    } else if let Some(name) = out {
        let (proof_path, event_path) = (beside(name, "proof"), beside(name, "event"));
        write(&proof_path, proof.as_bytes())?;
        write(&event_path, line.as_bytes())?;
        output::text(&format!(
            "Event {event} is in the log.\n\
             event  {}\n\
             proof  {}\n\
             key    {vkey}\n\
             A stranger checks it by: python3 verify.py inclusion {} {} '{vkey}'",
            event_path.display(),
            proof_path.display(),
            proof_path.display(),
            event_path.display()
        ));
    } else {
        output::text(proof);
    }
    Ok(Ended::Clean)
}

fn beside(name: &Path, ending: &str) -> PathBuf {
    let mut path = name.as_os_str().to_os_string();
    path.push(".");
    path.push(ending);
    path.into()
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fs::write(path, bytes).map_err(|e| {
        Failure::new(
            ErrorKind::Fault,
            format!("{} cannot be written: {e}", path.display()),
        )
    })
}

/// A file's bytes, or those of standard input for `-`.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(path)
    };
    bytes.map_err(|e| {
        Failure::new(
            ErrorKind::Usage,
            format!("{} cannot be read: {e}", path.display()),
        )
    })
}

fn checkpoint(answer: Answer, json: bool) -> Result<Ended, Failure> {
    let Answer::Checkpoint { note, vkey } = &answer else {
        return Err(store::other_answer());
    };
    if json {
        output::json(&answer);
    } else {
        output::text(note);
        output::note(&format!("key: {vkey}"));
    }
    Ok(Ended::Clean)
}

/// Reads the files and asks nobody: what the owner says is just what is in question.
fn verify(
    args: &Args,
    dir: Option<&Path>,
    key: Option<&str>,
    roster_hash: Option<&str>,
    json: bool,
) -> Result<Ended, Failure> {
    let (dir, key): (PathBuf, Verifier) = match (dir, key) {
        (Some(dir), Some(key)) => (dir.to_owned(), key.parse()?),
        (Some(_), None) => {
            return Err(Failure::new(
                ErrorKind::Usage,
                "a copy of a ledger can only be verified by the log's public key",
            )
            .hint(
                "name it by --key; recvault ledger checkpoint prints it on the store's machine",
            ));
        }
        (None, _) => {
            let root = store::root(args)?;
            let key = ledger::LogKey::load(&root.join("keys/log.key"))?.verifier();
            (root.join("ledger"), key)
        }
    };
    if let Some(text) = roster_hash {
        let digest: Digest = text
            .parse()
            .map_err(|e: crate::base::digest::DigestError| {
                Failure::new(ErrorKind::Usage, e.to_string())
            })?;
        if custody::log_name(&digest) != key.name() {
            let text = format!(
                "this is the log {}, which does not begin with the roster {digest}",
                key.name()
            );
            return Err(Failure::new(ErrorKind::Integrity, text));
        }
    }
    let bar = if io::stderr().is_terminal() {
        let style = ProgressStyle::with_template("{spinner} {pos} events");
        ProgressBar::new_spinner()
            .with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
    } else {
        ProgressBar::hidden()
    };
    let verified = ledger::verify(&dir, &key, &|events| bar.set_position(events));
    bar.finish_and_clear();
    let verified = verified?;
    let signed = verified.checkpoint.as_ref().map_or(0, |c| c.size);
    let root = verified.checkpoint.as_ref().map(|c| c.root_text());
    if json {
        output::json(&serde_json::json!({
            "events": verified.events,
            "log": key.name(),
            "root": root,
            "under_checkpoint": signed,
        }));
    } else {
        output::text(&format!(
            "The ledger is in order.\n\
             log         {}\n\
             events      {}, {signed} of them under the checkpoint\n\
             root        {}",
            key.name(),
            verified.events,
            root.unwrap_or_else(|| "none yet".into())
        ));
    }
    Ok(Ended::Clean)
}
