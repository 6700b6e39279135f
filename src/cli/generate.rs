//! `recvault generate`: recordings for trials.

use std::{
    io,
    num::NonZero,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use comfy_table::{Table, presets};

use super::{
    Ended,
    args::{Generate, GenerateCommand},
    output,
};
use crate::{
    base::{ErrorKind, durable},
    media::generate::{Content, GenerateError, Maker, Piece, clips, fleet, register_csv},
    service::Failure,
};

/// Processes at once; more only wait for each other's disk.
const MAKERS_MAX: usize = 8;

pub(super) fn run(generate: &Generate) -> Result<Ended, Failure> {
    match &generate.command {
        GenerateCommand::Fleet {
            dir,
            date,
            time_zone,
            register,
            seconds,
        } => {
            let pieces = fleet(dir, *date, *seconds, time_zone);
            write_register(register.as_deref(), &register_csv(*date))?;
            make(&pieces)?;
            output::text(&table(&pieces));
        }
        GenerateCommand::Clips {
            dir,
            date,
            time_zone,
            count,
            seconds,
            register,
        } => {
            write_register(register.as_deref(), &register_csv(*date))?;
            make(&clips(dir, *date, *count, *seconds, time_zone))?;
            output::text(&format!(
                "{count} clips of {seconds} s lie in {}",
                dir.display()
            ));
        }
    }
    Ok(Ended::Clean)
}

fn make(pieces: &[Piece]) -> Result<(), Failure> {
    let exe = std::env::current_exe().map_err(|e| {
        Failure::new(
            ErrorKind::Fault,
            format!("recvault's own program cannot be found: {e}"),
        )
    })?;
    // An encoder keeps a core busy, the drawing another one part of the time.
    let makers = thread::available_parallelism().map_or(1, NonZero::get);
    let next = AtomicUsize::new(0);
    let work = || -> Result<(), GenerateError> {
        let mut maker = Maker::start(&exe)?;
        while let Some(piece) = pieces.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(e) = piece.write(&mut maker) {
                // The others finish what they are at and begin nothing new.
                next.store(pieces.len(), Ordering::Relaxed);
                return Err(e);
            }
        }
        Ok(())
    };
    let done: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..makers.min(MAKERS_MAX).min(pieces.len()))
            .map(|_| scope.spawn(work))
            .collect();
        threads.into_iter().map(|t| t.join()).collect()
    });
    for ended in done {
        ended.map_err(|_| Failure::new(ErrorKind::Defect, "a generating thread gave up"))??;
    }
    Ok(())
}

fn write_register(file: Option<&Path>, csv: &str) -> Result<(), Failure> {
    let Some(file) = file else { return Ok(()) };
    match durable::create_new(file, 0o644, csv.as_bytes()) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(Failure::new(
            ErrorKind::Usage,
            format!("{} is there already", file.display()),
        )
        .hint("nothing is overwritten; name another file")),
        Err(e) => Err(Failure::new(
            ErrorKind::Fault,
            format!("{} cannot be written: {e}", file.display()),
        )),
    }
}

fn table(pieces: &[Piece]) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(["name", "container", "tracks", "special"]);
    for piece in pieces {
        let (container, tracks) = match &piece.content {
            Content::Recording(spec) => spec.words(),
            Content::Bytes(_) => ("text", String::new()),
        };
        table.add_row([piece.name.as_str(), container, &tracks, piece.special]);
    }
    table.to_string()
}
