//! `recvault tune`: how fast this machine makes copies, and what to set.

use std::path::{Path, PathBuf};

use clap::Args as Group;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use toml_edit::{DocumentMut, Item, value};

use super::{Ended, args::Args, output, progress::Bars, store};
use crate::{
    base::{ErrorKind, durable, text::bytes_human},
    config::Config,
    report::{Dot, scatter},
    service::{Answer, Command, Failure},
    tune::{Measured, is_on_frontier, propose},
};

/// How much less like the recordings copies may look than they do now, unless a floor is named.
const LESS_MAX: f64 = 0.002;

#[derive(Debug, Group)]
pub(super) struct Tune {
    /// Recordings to measure on, of as many kinds as there are
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    recordings: u32,
    /// Seconds of each
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,
    /// How much the copies must look like the recordings (SSIM); 0.002 less than now where none is named
    #[arg(long, value_name = "SSIM", value_parser = floor)]
    floor: Option<f64>,
    /// Where the drawing goes; beside the store's reports where nothing is named
    #[arg(long, value_name = "FILE.svg")]
    svg: Option<PathBuf>,
    /// Write what is proposed into recvault.toml
    #[arg(long)]
    apply: bool,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

fn floor(text: &str) -> Result<f64, String> {
    let floor = text.parse::<f64>().map_err(|e| e.to_string())?;
    let fits = (0.0..=1.0).contains(&floor);
    fits.then_some(floor)
        .ok_or_else(|| "it lies between 0 and 1".into())
}

pub(super) fn run(args: &Args, tune: &Tune) -> Result<Ended, Failure> {
    let bars = Bars::watcher();
    let command = Command::Tune {
        recordings: tune.recordings,
        seconds: tune.seconds,
    };
    let answer = store::ask(args, command, &*bars)?;
    drop(bars);
    let Answer::Tuned { profile, measured } = &answer else {
        return Err(store::other_answer());
    };
    let now = measured.iter().find(|m| m.present);
    let floor = tune.floor.or(now.map(|m| m.ssim - LESS_MAX));
    // Against nothing even the worst would be good enough.
    let proposed = floor.and_then(|floor| propose(measured, floor));
    let root = store::root(args)?;
    let beside = || root.join("reports/tune.svg");
    let path = tune.svg.clone().unwrap_or_else(beside);
    if tune.json {
        output::json(&Told {
            version: 1,
            profile,
            floor,
            proposed,
            measured,
        });
    } else {
        output::text(&table(measured, proposed));
    }
    let title = format!("Speed and likeness of {profile} on this machine");
    let dots: Vec<Dot> = measured
        .iter()
        .map(|m| dot(m, measured, proposed))
        .collect();
    let svg = scatter(&title, &dots);
    durable::replace(&path, 0o640, svg.as_bytes()).map_err(|e| unwritten(&path, &e))?;
    if !tune.json {
        output::text(&format!("drawing  {}", path.display()));
    }
    let (Some(proposed), Some(floor)) = (proposed, floor) else {
        output::note("it was stopped before the present setting was measured; nothing is proposed");
        return Ok(Ended::Attention);
    };
    if proposed.ssim < floor {
        output::note(&format!(
            "no setting looks as good as {floor:.4}; the best is proposed"
        ));
    }
    if tune.apply {
        apply(&root.join("recvault.toml"), proposed)?;
        output::note("recvault.toml says so from now on");
    } else if !proposed.present {
        output::note("recvault tune --apply writes what is proposed into recvault.toml");
    }
    Ok(Ended::Clean)
}

/// Every setting, the fastest first, with what is proposed and what nothing beats.
fn table(all: &[Measured], proposed: Option<&Measured>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "Preset",
        "Jobs",
        "Threads",
        "× real time",
        "Size",
        "SSIM",
        "",
    ]);
    let mut rows: Vec<&Measured> = all.iter().collect();
    rows.sort_by(|a, b| b.real_time.total_cmp(&a.real_time));
    for row in rows {
        let marks = [
            (row.present, "now"),
            (proposed == Some(row), "proposed"),
            (is_on_frontier(all, row), "nothing is faster and better"),
        ];
        let marks: Vec<&str> = marks
            .iter()
            .filter(|(is, _)| *is)
            .map(|(_, w)| *w)
            .collect();
        table.add_row([
            row.preset.clone().unwrap_or_else(|| "—".into()),
            row.jobs.to_string(),
            row.threads.to_string(),
            format!("{:.1}", row.real_time),
            bytes_human(row.bytes),
            format!("{:.4}", row.ssim),
            marks.join(", "),
        ]);
    }
    for column in table.column_iter_mut().take(6) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

/// A setting as the drawing has it.
fn dot(m: &Measured, all: &[Measured], proposed: Option<&Measured>) -> Dot {
    let preset = m.preset.as_deref().unwrap_or("—");
    Dot {
        speed: m.real_time,
        likeness: m.ssim,
        bytes: m.bytes,
        label: format!("{preset}, {} × {}", m.jobs, m.threads),
        words: format!(
            "preset {preset}, {} jobs × {} threads: {:.1} × real time, {}, SSIM {:.4}",
            m.jobs,
            m.threads,
            m.real_time,
            bytes_human(m.bytes),
            m.ssim
        ),
        unbeaten: is_on_frontier(all, m),
        proposed: proposed == Some(m),
    }
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Told<'a> {
    version: u32,
    profile: &'a str,
    floor: Option<f64>,
    proposed: Option<&'a Measured>,
    measured: &'a [Measured],
}

fn unwritten(path: &Path, e: &dyn std::fmt::Display) -> Failure {
    let text = format!("{} cannot be written: {e}", path.display());
    Failure::new(ErrorKind::Fault, text)
}

/// Writes a setting into a configuration, of which everything else stays as it is.
fn apply(path: &Path, setting: &Measured) -> Result<(), Failure> {
    let text = std::fs::read_to_string(path).map_err(|e| unwritten(path, &e))?;
    let edited = edited(&text, setting).map_err(|e| unwritten(path, &e))?;
    // What nobody could read afterwards is not written.
    Config::parse(&path.display().to_string(), &edited)?;
    durable::replace(path, 0o640, edited.as_bytes()).map_err(|e| unwritten(path, &e))
}

fn edited(text: &str, setting: &Measured) -> Result<String, toml_edit::TomlError> {
    let mut all: DocumentMut = text.parse()?;
    let number = |n: usize| value(i64::try_from(n).unwrap_or(i64::MAX));
    let params = all.get("archive").and_then(|a| a.get("params"));
    let sets_threads = params.is_some_and(|p| p.get("threads").is_some());
    let mut set = |sections: &[&str], key: &str, to: Item| {
        let mut at = all.as_table_mut();
        for section in sections {
            let entry = at.entry(section).or_insert_with(toml_edit::table);
            match entry.as_table_mut() {
                Some(table) => at = table,
                None => return,
            }
        }
        at.insert(key, to);
    };
    set(&["jobs"], "workers", number(setting.jobs));
    set(&["jobs"], "encoder_threads", number(setting.threads));
    // A profile's own number of threads would go before it.
    if sets_threads {
        set(&["archive", "params"], "threads", number(setting.threads));
    }
    if let Some(preset) = &setting.preset {
        let preset = preset
            .parse::<i64>()
            .map_or_else(|_| value(preset.as_str()), value);
        set(&["archive", "params"], "preset", preset);
    }
    Ok(all.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_setting_is_written_and_everything_else_stays() {
        let setting = |preset: &str| Measured {
            preset: Some(preset.into()),
            jobs: 3,
            threads: 2,
            real_time: 1.0,
            bytes: 1,
            ssim: 1.0,
            present: false,
        };
        let before = "# Ours.\n[jobs]\n# All of them.\nnice = 5\n\n[archive.params]\npreset = 8 # slow\ncrf = 30\n";
        let after = edited(before, &setting("12")).unwrap();
        for line in [
            "# Ours.",
            "# All of them.",
            "nice = 5",
            "workers = 3",
            "encoder_threads = 2",
            "preset = 12",
            "crf = 30",
        ] {
            assert!(after.contains(line), "{line} in {after}");
        }
        assert_eq!(edited(&after, &setting("12")).unwrap(), after);
        let own = edited("[archive.params]\nthreads = 7\n", &setting("12")).unwrap();
        assert!(own.contains("\nthreads = 2"), "{own}");
        let words = edited("", &setting("fast")).unwrap();
        assert!(words.contains("preset = \"fast\""), "{words}");
        // All that every setting stands in, commented out, as a new store has it.
        let fresh = edited(Config::default_text(), &setting("12")).unwrap();
        assert!(fresh.contains("\nworkers = 3"), "{fresh}");
    }
}
