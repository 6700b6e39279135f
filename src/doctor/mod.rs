//! Layer 8. What this machine has, and what a night would lack: asked before somebody has to
//! find out at half past one in the morning.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::{
    base::text::bytes_human,
    config::Config,
    hashing,
    media::{
        profile::{Requirement, Shelf},
        reading_needs,
        worker::{Containment, Files, Launch, Worker},
    },
};

/// How one thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// There, and good.
    Good,
    /// Missing, and recvault works without it, less well.
    Less,
    /// Missing, and a night would be refused.
    Missing,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What.
    pub what: String,
    /// How it stands.
    pub standing: Standing,
    /// What was seen.
    pub seen: String,
    /// What to do about it.
    pub advice: Option<String>,
}

fn check(what: impl Into<String>, standing: Standing, seen: impl Into<String>) -> Check {
    Check {
        what: what.into(),
        standing,
        seen: seen.into(),
        advice: None,
    }
}

impl Check {
    fn advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }
}

/// Looks at this machine, and at the store at `root` where one is named.
#[must_use]
pub fn examine(root: Option<&Path>, config: &Config, launch: &Launch) -> Vec<Check> {
    let mut checks = vec![processor()];
    checks.extend(profiles(root, config, launch));
    checks.push(font(config));
    checks.extend(root.map(disk));
    checks
}

fn processor() -> Check {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if hashing::sha_ni() {
        check(
            "processor",
            Standing::Good,
            format!("{cores} cores, SHA-256 in hardware (SHA-NI)"),
        )
    } else {
        check(
            "processor",
            Standing::Less,
            format!("{cores} cores, SHA-256 in software"),
        )
        .advice("hashing takes about five times as long; nothing else changes")
    }
}

/// What holds a worker on this machine, as one found it that put it in force.
fn containment(found: &Containment) -> Check {
    let seen = found.to_string();
    if found.missing.is_empty() {
        return check("containment", Standing::Good, seen);
    }
    check("containment", Standing::Less, seen).advice(format!(
        "a hostile recording would meet fewer walls ({})",
        found.missing.join("; ")
    ))
}

fn profiles(root: Option<&Path>, config: &Config, launch: &Launch) -> Vec<Check> {
    let folder = root.map(|r| r.join("pipelines"));
    let shelf = match Shelf::open(folder.as_deref()) {
        Ok(shelf) => shelf,
        Err(e) => return vec![check("pipelines", Standing::Missing, e.to_string())],
    };
    let mut all: Vec<Requirement> = reading_needs();
    all.extend(shelf.iter().flat_map(|p| p.requires.iter().cloned()));
    let asked =
        Worker::spawn(launch, &Files::default()).and_then(|worker| worker.capabilities(all));
    let has = match asked {
        Ok(has) => has,
        Err(e) => {
            return vec![check(
                "GStreamer",
                Standing::Missing,
                format!("no worker can be started: {e}"),
            )];
        }
    };
    let mut libraries = has.libraries.clone();
    libraries.insert(0, format!("GStreamer {}", has.gstreamer));
    let mut checks = vec![check(
        "media libraries",
        Standing::Good,
        libraries.join(", "),
    )];
    checks.push(containment(&has.containment));
    for profile in shelf.iter() {
        let missing: Vec<&Requirement> = profile
            .requires
            .iter()
            .filter(|e| has.missing.contains(e))
            .collect();
        let what = format!("profile {}", profile.name);
        if missing.is_empty() {
            checks.push(check(what, Standing::Good, profile.title.clone()));
            continue;
        }
        let configured = profile.name == config.archive.profile;
        let standing = if configured {
            Standing::Missing
        } else {
            Standing::Less
        };
        let names: Vec<&str> = missing.iter().map(|r| r.element.as_str()).collect();
        let mut packages: Vec<&str> = missing.iter().map(|r| r.package.as_str()).collect();
        packages.sort_unstable();
        packages.dedup();
        let seen = format!("lacks {}", names.join(", "));
        checks.push(
            check(what, standing, seen).advice(format!("apt-get install {}", packages.join(" "))),
        );
    }
    checks
}

fn font(config: &Config) -> Check {
    let found: Option<&PathBuf> = config.band.fonts.iter().find(|f| f.is_file());
    match found {
        Some(font) => check(
            "font of the band",
            Standing::Good,
            font.display().to_string(),
        ),
        None => check(
            "font of the band",
            Standing::Missing,
            "none of the configured ones is there",
        )
        .advice("apt-get install fonts-wqy-microhei"),
    }
}

fn disk(root: &Path) -> Check {
    match rustix::fs::statvfs(root) {
        Ok(s) => {
            let (free, total) = (
                s.f_bavail.saturating_mul(s.f_frsize),
                s.f_blocks.saturating_mul(s.f_frsize),
            );
            let seen = format!("{} free of {}", bytes_human(free), bytes_human(total));
            check("disk of the store", Standing::Good, seen)
        }
        Err(e) => check(
            "disk of the store",
            Standing::Missing,
            format!("{}: {e}", root.display()),
        ),
    }
}
