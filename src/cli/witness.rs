//! `recvault ledger witness`: a witness, on a machine that IT does not run. Nothing here needs a
//! store.

use super::{Ended, args::WitnessCommand, ledger::read, output};
use crate::{
    base::{Clock, SystemClock},
    proof::{CosignRequest, Witness},
    service::Failure,
};

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
