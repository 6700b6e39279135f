//! `recvault generate`: recordings for trials.

use std::{
    io,
    num::NonZero,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use clap::{Args as Group, Subcommand};
use comfy_table::{Table, presets};
use jiff::{civil::Date, tz::TimeZone};

use super::{Ended, output};
use crate::{
    base::{ErrorKind, durable},
    media::generate::{
        CLIPS_MAX, Content, GenerateError, Maker, Piece, clips, fleet, register_csv,
    },
    service::Failure,
};

#[derive(Debug, Group)]
pub(super) struct Generate {
    #[command(subcommand)]
    pub command: GenerateCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum GenerateCommand {
    /// A small fleet's day: three recorders, six recordings with picture and sound, one cut off,
    /// one silent, one that is not a video, one photo
    Fleet {
        /// Where to
        dir: PathBuf,
        /// The day
        #[arg(long, default_value = "2026-03-02")]
        date: Date,
        /// The time zone of the recorders' clocks
        #[arg(long, default_value = "Asia/Shanghai", value_name = "IANA", value_parser = time_zone)]
        time_zone: TimeZone,
        /// Also write the fleet's register here
        #[arg(long, value_name = "FILE.csv")]
        register: Option<PathBuf>,
        /// Length of a recording in seconds
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=3_600))]
        seconds: u32,
    },
    /// Many small clips, no two alike
    Clips {
        /// Where to
        dir: PathBuf,
        /// The day
        #[arg(long, default_value = "2026-03-02")]
        date: Date,
        /// The time zone of the recorders' clocks
        #[arg(long, default_value = "Asia/Shanghai", value_name = "IANA", value_parser = time_zone)]
        time_zone: TimeZone,
        /// How many
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=i64::from(CLIPS_MAX)))]
        count: u32,
        /// Length of a clip in seconds
        #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=3_600))]
        seconds: u32,
        /// Also write the fleet's register here
        #[arg(long, value_name = "FILE.csv")]
        register: Option<PathBuf>,
    },
}

fn time_zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| format!("{name} is no time zone; they read like Europe/Berlin"))
}

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
