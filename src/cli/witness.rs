//! `recvault ledger witness`: a witness, on a machine that IT does not run. Nothing here needs a
//! store.

use std::path::PathBuf;

use clap::Subcommand;

use super::{Ended, ledger::read, output};
use crate::{
    base::{Clock, SystemClock},
    proof::{CosignRequest, Witness},
    service::Failure,
};

#[derive(Debug, Subcommand)]
pub(super) enum WitnessCommand {
    /// Make a witness in a folder of its own
    Init {
        /// The folder
        dir: PathBuf,
        /// Its name, such as market-management.example
        #[arg(long)]
        name: String,
    },
    /// Know a log by its public key
    Trust {
        /// The witness's folder
        dir: PathBuf,
        /// The log's public key
        log: String,
    },
    /// Cosign a checkpoint that extends the one cosigned last, or refuse
    Cosign {
        /// The witness's folder
        dir: PathBuf,
        /// What `ledger consistency` printed, or - for standard input
        request: PathBuf,
    },
    /// The last checkpoint that was cosigned of a log
    Last {
        /// The witness's folder
        dir: PathBuf,
        /// The log's name: the first line of its checkpoints
        origin: String,
    },
}

pub(super) fn run(command: &WitnessCommand) -> Result<Ended, Failure> {
    match command {
        WitnessCommand::Init { dir, name } => {
            let key = Witness::create(dir, name)?.verifier();
            output::text(&format!(
                "A witness lies in {}.\n\
                 key  {key}\n\
                 Next: recvault ledger witness trust {} VKEY, with the log's public key.",
                dir.display(),
                dir.display()
            ));
        }
        WitnessCommand::Trust { dir, log } => {
            let log = log.parse()?;
            Witness::open(dir)?.trust(&log)?;
            output::text(&format!("The log {} is known.", log.name()));
        }
        WitnessCommand::Cosign { dir, request } => {
            let request = CosignRequest::parse(&read(request)?)?;
            let witness = Witness::open(dir)?;
            let line =
                witness.cosign(&request.checkpoint, &request.consistency, SystemClock.now())?;
            output::text(&line.to_string());
        }
        WitnessCommand::Last { dir, origin } => match Witness::open(dir)?.last(origin)? {
            Some(note) => output::text(&note.to_string()),
            None => output::text("Nothing of this log was cosigned yet."),
        },
    }
    Ok(Ended::Clean)
}
