//! `recvault serve`: own the store and answer until stopped.

use super::{Ended, args::Args, output, store};
use crate::{
    batch::Interrupt,
    service::{self, Failure},
};

pub(super) fn run(args: &Args) -> Result<Ended, Failure> {
    let root = store::root(args)?;
    let interrupt = Interrupt::default();
    store::listen(&interrupt, false)?;
    service::serve(&root, &interrupt, || {
        output::note(&format!("recvault: serving {}", root.display()));
    })?;
    Ok(Ended::Clean)
}
