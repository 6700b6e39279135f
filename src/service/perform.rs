//! One way for every command: own the store for as long as it takes, or ask the owner.

use std::{
    fs::File,
    os::fd::AsFd,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use super::{
    Answer, Command, Executor, Failure, Ownership, access,
    client::{self, Asked},
    owner::{Listening, unopened},
};
use crate::{base::ErrorKind, batch::Interrupt, intake::Watcher};

/// How long a client looks for an owner that holds the lock and does not answer: it is just
/// starting, or just ending.
const OWNER_WAIT: Duration = Duration::from_secs(5);

/// Who waits for the answer.
pub struct Caller<'a> {
    /// Sees how far the night is.
    pub watcher: &'a dyn Watcher,
    /// Where the person's wish to stop arrives.
    pub interrupt: &'a Interrupt,
}

/// Executes a command on the store at `root`, here or in the process that owns it.
///
/// # Errors
/// What the command itself refuses or fails on; `Busy` when the owner does not answer.
pub fn perform(root: &Path, command: Command, caller: &Caller<'_>) -> Result<Answer, Failure> {
    // Opened by whoever asks, with that person's rights.
    let folder = match &command {
        Command::Export { to, .. } => Some(access::open_folder(to)?),
        _ => None,
    };
    let mut patience = Instant::now() + OWNER_WAIT;
    loop {
        // Whoever listens is asked first: behind a socket that systemd holds, the owner has not
        // even started yet. A socket that a killed owner left behind refuses at once.
        let asked = Instant::now();
        let handed = folder.as_ref().map(AsFd::as_fd);
        let answer = client::ask(root, &command, handed, caller.watcher, caller.interrupt);
        if !matches!(answer, Asked::Said(_))
            && let Some(ownership) = Ownership::take(root).map_err(|e| unopened(root, &e))?
        {
            return own(root, ownership, command, folder, caller);
        }
        match answer {
            Asked::Said(said) => return said,
            Asked::Gone if Instant::now() < patience => {
                // An owner that went away after listening for a while earns the next one new patience.
                if asked.elapsed() > OWNER_WAIT {
                    patience = Instant::now() + OWNER_WAIT;
                }
                thread::sleep(Duration::from_millis(20));
            }
            Asked::Gone => {
                let text = format!(
                    "another process owns the store {} and does not answer",
                    root.display()
                );
                return Err(Failure::new(ErrorKind::Busy, text)
                    .hint("look for a recvault that hangs: fuser on the store's folder names it"));
            }
        }
    }
}

fn own(
    root: &Path,
    ownership: Ownership,
    command: Command,
    folder: Option<File>,
    caller: &Caller<'_>,
) -> Result<Answer, Failure> {
    // Whoever closes a view does not stop a night that came to run in this process meanwhile.
    let closing = match command {
        Command::View { .. } => Interrupt::default(),
        _ => caller.interrupt.clone(),
    };
    let executor = Arc::new(Executor::open(root, ownership, closing)?);
    let listening =
        Listening::start(root, Arc::clone(&executor)).map_err(|e| unopened(root, &e))?;
    let uid = rustix::process::getuid().as_raw();
    let said = executor.execute(command, folder, uid, caller.watcher, caller.interrupt);
    drop(listening);
    said
}
