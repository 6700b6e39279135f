//! Commands of a store: find it, perform the command, watch for Ctrl-C.

use std::{path::PathBuf, thread};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

use super::{args::Args, output};
use crate::{
    base::ErrorKind,
    batch::{Interrupt, Stop},
    intake::Watcher,
    service::{Answer, Caller, Command, Failure, perform},
};

/// Where the store is.
pub(super) fn root(args: &Args) -> Result<PathBuf, Failure> {
    args.store.clone().ok_or_else(|| {
        Failure::new(ErrorKind::Usage, "no store is named").hint(
            "name one by --store DIR or RECVAULT_STORE, or lay one out by 'recvault init DIR'",
        )
    })
}

/// Performs a command on the named store.
pub(super) fn ask(args: &Args, command: Command, watcher: &dyn Watcher) -> Result<Answer, Failure> {
    let root = root(args)?;
    let interrupt = Interrupt::default();
    listen(&interrupt, true)?;
    perform(
        &root,
        command,
        &Caller {
            watcher,
            interrupt: &interrupt,
        },
    )
}

/// Turns signals into wishes to stop. The first drains, the second abandons, the third ends the
/// process as it stands: nothing is lost by that either.
pub(super) fn listen(interrupt: &Interrupt, say: bool) -> Result<(), Failure> {
    let signals = Signals::new([SIGINT, SIGTERM, SIGHUP]);
    let mut signals = signals
        .map_err(|e| Failure::new(ErrorKind::Fault, format!("signals cannot be caught: {e}")))?;
    let interrupt = interrupt.clone();
    thread::spawn(move || {
        for signal in signals.forever() {
            if interrupt.asked() == Stop::Abandon {
                let _ = signal_hook::low_level::emulate_default_handler(signal);
            }
            match interrupt.ask_more() {
                Stop::Drain if say => {
                    output::note("recvault: finishing what is running; once more to abandon it")
                }
                Stop::Abandon if say => {
                    output::note("recvault: abandoning what is running; the next night finishes it")
                }
                _ => {}
            }
        }
    });
    Ok(())
}

/// The failure of an owner that answered something else than was asked.
pub(super) fn other_answer() -> Failure {
    Failure::new(
        ErrorKind::Defect,
        "the owner of the store answered another command than was asked",
    )
}
