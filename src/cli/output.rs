//! Printing, and nothing else. A reader that closes its end early (`| head`) is not an error.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;
use tracing_subscriber::{EnvFilter, fmt};

use crate::{report::terminal::Style, service::Failure};

/// Prints text as it is, with a line break at the end.
pub(super) fn text(text: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{}", text.trim_end_matches('\n'));
    let _ = out.flush();
}

/// Prints a value as JSON that a person can read, too.
pub(super) fn json(value: &impl Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(json) => text(&json),
        Err(e) => note(&format!(
            "recvault: the answer cannot be printed as JSON: {e}"
        )),
    }
}

/// Prints to standard error.
pub(super) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Prints why a command came to nothing: the facts, then the advice.
pub(super) fn failure(failure: &Failure) {
    note(&format!("recvault: {}", failure.text));
    if let Some(hint) = &failure.hint {
        note(&format!("hint: {hint}"));
    }
}

/// How wide and how colourful standard output is.
pub(super) fn style() -> Style {
    let terminal = io::stdout().is_terminal();
    let columns = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
    let width = columns.or_else(|| {
        rustix::termios::tcgetwinsize(io::stdout())
            .ok()
            .map(|size| size.ws_col)
    });
    Style {
        color: terminal && std::env::var_os("NO_COLOR").is_none(),
        width: width
            .filter(|w| *w >= 40)
            .unwrap_or(if terminal { 80 } else { 120 }),
    }
}

/// Logs go to standard error: `RECVAULT_LOG=debug` for more, JSON where nobody watches and
/// somebody asked for logs.
pub(super) fn start_log() {
    let filter = EnvFilter::try_from_env("RECVAULT_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    let log = fmt().with_env_filter(filter).with_writer(io::stderr);
    let started = if io::stderr().is_terminal() {
        log.with_target(false).try_init()
    } else {
        log.json().try_init()
    };
    // Only a second run within one process (a test) finds a log already started.
    let _ = started;
}
