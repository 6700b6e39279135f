//! Puts the night's report on the disk: page, data and metrics.
//!
//! Invariants: each file is there whole or not at all, and a report once written is never
//! overwritten: a second night on the same date is `night-2`. Only the metrics, which speak of
//! the last night alone, are replaced.
//!
//! How it fails: with the path that could not be written. A night whose report fails has still
//! happened; its events stand in the ledger, and the caller says so.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{night_html, night_json, night_prometheus};
use crate::{
    base::{Explain, durable},
    intake::summary::NightSummary,
};

/// Reports that one date may have. A night takes minutes at least, so more than this on one date
/// is a loop somewhere.
const NIGHTS_A_DATE_MAX: u32 = 1_000;

/// Names of officers stand in page and data: readable for the store's group, not for everybody.
const REPORT_MODE: u32 = 0o640;
const REPORT_DIR_MODE: u32 = 0o750;

/// The metrics are counts, and the collector runs as somebody else.
const METRICS_MODE: u32 = 0o644;

/// Where the night's report lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// The page.
    pub html: PathBuf,
    /// The data.
    pub json: PathBuf,
    /// The metrics.
    pub prom: PathBuf,
}

/// The report could not be written.
#[derive(Debug, Error)]
pub enum ReportError {
    /// The date would not name a folder.
    #[error("'{0}' is not a date such as 2026-11-23, so the report has no folder")]
    Date(String),
    /// The date has as many reports as it may have.
    #[error("{path} holds {NIGHTS_A_DATE_MAX} reports already")]
    TooMany {
        /// The date's folder.
        path: PathBuf,
    },
    /// The disk said no.
    #[error("cannot write {path}: {source}")]
    Io {
        /// What was being written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Explain for ReportError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Date(_) => None,
            Self::TooMany { .. } => Some("look why so many nights ran on one date; then move old reports away".into()),
            Self::Io { .. } => Some("the recordings and the ledger are not touched by this; free the disk or mend the folder's permissions".into()),
        }
    }
}

/// Writes `<dir>/<date>/night.html`, `night.json` beside it (`night-2.*` and on for a later night
/// of that date) and `<dir>/recvault.prom`. `dir` is the store's `reports` folder.
///
/// # Errors
/// [`ReportError`], with the path. What was written before it stays.
pub fn write_night(dir: &Path, night: &NightSummary) -> Result<Written, ReportError> {
    // The date becomes a path, so it must be one: the shortest way to be sure is to read it.
    let date = night
        .date
        .parse::<jiff::civil::Date>()
        .ok()
        .map(|d| d.to_string())
        .filter(|d| *d == night.date)
        .ok_or_else(|| ReportError::Date(super::wording::printable(&night.date).into_owned()))?;
    let folder = dir.join(date);
    durable::create_dirs(&folder, REPORT_DIR_MODE).map_err(|source| ReportError::Io {
        path: folder.clone(),
        source,
    })?;
    let stem = (1..=NIGHTS_A_DATE_MAX)
        .map(|n| {
            if n == 1 {
                "night".to_owned()
            } else {
                format!("night-{n}")
            }
        })
        .find(|stem| {
            ["html", "json"]
                .iter()
                .all(|e| !is_there(&folder.join(format!("{stem}.{e}"))))
        })
        .ok_or_else(|| ReportError::TooMany {
            path: folder.clone(),
        })?;
    let json_name = format!("{stem}.json");
    let written = Written {
        html: folder.join(format!("{stem}.html")),
        json: folder.join(&json_name),
        prom: dir.join("recvault.prom"),
    };
    // Data first: the page can be drawn again from it. Metrics last: they say that a report is there.
    put(&written.json, REPORT_MODE, &night_json(night))?;
    put(&written.html, REPORT_MODE, &night_html(night, &json_name))?;
    put(&written.prom, METRICS_MODE, &night_prometheus(night))?;
    Ok(written)
}

/// Whether anything has that name, a dangling link included.
fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn put(path: &Path, mode: u32, text: &str) -> Result<(), ReportError> {
    durable::replace(path, mode, text.as_bytes()).map_err(|source| ReportError::Io {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;
    use crate::report::fixture;

    #[test]
    fn a_second_night_of_a_date_leaves_the_first_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let reports = dir.path().join("reports");
        let first = write_night(&reports, &fixture::clean()).unwrap();
        let before = fs::read(&first.html).unwrap();
        let second = write_night(&reports, &fixture::hostile()).unwrap();
        assert_eq!(fs::read(&first.html).unwrap(), before);
        assert_eq!(first.html, reports.join("2026-11-23/night.html"));
        assert_eq!(second.html, reports.join("2026-11-23/night-2.html"));
        assert_eq!(second.json, reports.join("2026-11-23/night-2.json"));
        assert!(
            fs::read_to_string(&second.html)
                .unwrap()
                .contains("night-2.json")
        );
        let prom = fs::read_to_string(&second.prom).unwrap();
        assert!(
            prom.contains("recvault_night_items_needing_attention 6"),
            "metrics are the last night's"
        );
        assert_eq!(
            fs::read_dir(reports.join("2026-11-23")).unwrap().count(),
            4,
            "no leftovers"
        );
        for (path, mode) in [(&second.json, 0o640), (&second.prom, 0o644)] {
            assert_eq!(
                fs::metadata(path).unwrap().permissions().mode() & 0o777,
                mode
            );
        }
    }

    #[test]
    fn half_a_report_of_a_killed_night_is_not_overwritten_either() {
        let dir = tempfile::tempdir().unwrap();
        let first = write_night(dir.path(), &fixture::clean()).unwrap();
        fs::remove_file(first.html).unwrap();
        let second = write_night(dir.path(), &fixture::clean()).unwrap();
        assert!(second.json.ends_with("night-2.json"));
    }

    #[test]
    fn what_is_not_a_date_never_becomes_a_path() {
        let dir = tempfile::tempdir().unwrap();
        for bad in [
            "",
            "..",
            "../../etc",
            "2026-13-01",
            "20261123",
            "2026-11-23/x",
            "/tmp",
        ] {
            let night = NightSummary {
                date: bad.into(),
                ..fixture::empty()
            };
            assert!(
                matches!(write_night(dir.path(), &night), Err(ReportError::Date(_))),
                "{bad}"
            );
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
