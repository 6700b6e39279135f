//! Asking the process that owns the store.

use std::{
    io,
    os::{fd::BorrowedFd, unix::net::UnixStream},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use super::{
    Answer, Command, Failure,
    wire::{self, Lines, PROTOCOL, ToClient, ToOwner},
};
use crate::{
    batch::{Interrupt, Stop},
    intake::Watcher,
};

/// What became of asking.
pub(super) enum Asked {
    /// The owner answered.
    Said(Result<Answer, Failure>),
    /// There is no owner to be reached (any more).
    Gone,
}

/// Sends one command to the owner and waits for its answer.
pub(super) fn ask(
    root: &Path,
    command: &Command,
    folder: Option<BorrowedFd<'_>>,
    watcher: &dyn Watcher,
    interrupt: &Interrupt,
) -> Asked {
    let stream = wire::connect(root);
    match stream.and_then(|s| converse(&s, command, folder, watcher, interrupt)) {
        Ok(Some(said)) => Asked::Said(said),
        Ok(None) | Err(_) => Asked::Gone,
    }
}

fn converse(
    stream: &UnixStream,
    command: &Command,
    folder: Option<BorrowedFd<'_>>,
    watcher: &dyn Watcher,
    interrupt: &Interrupt,
) -> io::Result<Option<Result<Answer, Failure>>> {
    let ask = ToOwner::Do(PROTOCOL, Box::new(command.clone()));
    wire::send_with(stream, &ask, folder)?;
    let mut lines = Lines::new(stream.try_clone()?);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| forward(stream, interrupt, &over));
        let said = loop {
            match lines.next::<ToClient>() {
                Ok(Some(ToClient::Progress(progress))) => watcher.note(&progress),
                Ok(Some(ToClient::Link(link))) => watcher.link(&link),
                Ok(Some(ToClient::Answer(answer))) => break Ok(Some(Ok(*answer))),
                Ok(Some(ToClient::Failure(failure))) => break Ok(Some(Err(failure))),
                Ok(None) => break Ok(None),
                Err(e) => break Err(e),
            }
        };
        over.store(true, Ordering::SeqCst);
        said
    })
}

/// Hands a person's Ctrl-C on to the owner, one step at a time.
fn forward(stream: &UnixStream, interrupt: &Interrupt, over: &AtomicBool) {
    let mut sent = Stop::No;
    while !over.load(Ordering::SeqCst) {
        let asked = interrupt.asked();
        while sent < asked {
            sent = if sent == Stop::No {
                Stop::Drain
            } else {
                Stop::Abandon
            };
            if wire::send(&mut &*stream, &ToOwner::Interrupt).is_err() {
                return;
            }
        }
        thread::sleep(Duration::from_millis(20));
    }
}
