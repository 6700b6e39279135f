//! Layer 7. `recvault.toml` into checked settings. Nothing else knows TOML.
//!
//! A configuration that parses is complete and within its bounds: every setting has a value, the
//! time zone exists, the name patterns are compiled. One that does not parse returns every problem
//! at once, each with file, line and key, and where a key is misspelt with the one that was
//! probably meant. There are no settings that are silently ignored.

mod reader;
mod settings;

use std::path::{Path, PathBuf};

pub use reader::{ConfigError, Problem};
pub use settings::*;

use crate::recording::Grammar;
use reader::Reader;

/// The bytes of a configuration; a longer one is another file.
const CONFIG_BYTES_MAX: usize = 1024 * 1024;

impl Config {
    /// The text of a new `recvault.toml`: every setting with its meaning, unit, bounds and default,
    /// all commented out.
    #[must_use]
    pub const fn default_text() -> &'static str {
        include_str!("default.toml")
    }

    /// Reads and parses a configuration file.
    ///
    /// # Errors
    /// When it cannot be read, with the reason in place of a line, or as [`Config::parse`].
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let file = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&file, &text),
            Err(e) => {
                let text = format!("it cannot be read: {e}");
                Err(ConfigError {
                    file,
                    problems: vec![Problem {
                        line: 0,
                        key: String::new(),
                        text,
                    }],
                })
            }
        }
    }

    /// The text of a new store's `recvault.toml`: the default text with the office's own name and
    /// zone set.
    #[must_use]
    pub fn text_for(office: &str, time_zone: &str) -> String {
        let set = |text: String, key: &str, value: &str| {
            let quoted = toml::Value::String(value.to_owned());
            let lines = text.lines().map(|line| {
                match line.strip_prefix('#').and_then(|l| l.strip_prefix(key)) {
                    Some(rest) if rest.starts_with(" = ") => format!("{key} = {quoted}\n"),
                    _ => format!("{line}\n"),
                }
            });
            lines.collect()
        };
        let named = set(Self::default_text().to_owned(), "name", office);
        set(named, "time_zone", time_zone)
    }

    /// Parses the text of a configuration; `file` is its name for messages.
    pub fn parse(file: &str, text: &str) -> Result<Self, ConfigError> {
        if text.len() > CONFIG_BYTES_MAX {
            return Err(ConfigError::too_long(file, CONFIG_BYTES_MAX));
        }
        let mut reader = Reader::open(file, text)?;
        let config = Self::read(&mut reader);
        reader.finish()?;
        Ok(config)
    }

    fn read(reader: &mut Reader<'_>) -> Self {
        let mut config = Self::default();
        let c = &mut config;

        reader.section("office", |s| {
            s.text("name", 0..=100, &mut c.office.name);
            s.zone("time_zone", &mut c.office);
        });
        reader.section("store", |s| {
            let mut mirror = c.store.mirror.display().to_string();
            s.text("mirror", 0..=4_096, &mut mirror);
            c.store.mirror = mirror.into();
        });
        reader.section("inbox", |s| {
            s.whole("settle_s", 0..=86_400, &mut c.inbox.settle_s);
            s.text("done_marker", 0..=32, &mut c.inbox.done_marker);
            if c.inbox.done_marker.contains('/') {
                s.wrong_value("done_marker", "a file name holds no `/`");
            }
            s.choice(
                "release",
                &[("move", Release::Move), ("leave", Release::Leave)],
                &mut c.inbox.release,
            );
            s.whole(
                "released_keep_days",
                0..=3_650,
                &mut c.inbox.released_keep_days,
            );
            s.texts("ignore", 0..=64, 1..=64, &mut c.inbox.ignore);
        });
        reader.section("names", |s| {
            s.texts("patterns", 0..=64, 1..=255, &mut c.names.patterns);
            s.texts("folders", 0..=64, 1..=255, &mut c.names.folders);
            c.names.compile(s);
        });
        reader.section("sidecar", |s| s.switch("enabled", &mut c.sidecar.enabled));
        reader.section("jobs", |s| {
            s.whole("workers", 0..=256, &mut c.jobs.workers);
            s.whole("encoder_threads", 0..=256, &mut c.jobs.encoder_threads);
            s.whole("hashers", 0..=256, &mut c.jobs.hashers);
            s.whole("nice", 0..=19, &mut c.jobs.nice);
        });
        reader.section("checks", |s| {
            s.whole("black_luma_max", 0..=255, &mut c.checks.black_luma_max);
            s.real("black_min_s", 0.1..=3_600.0, &mut c.checks.black_min_s);
            s.real("frozen_min_s", 0.1..=3_600.0, &mut c.checks.frozen_min_s);
            s.real("silent_dbfs", -120.0..=0.0, &mut c.checks.silent_dbfs);
            s.real("silent_min_s", 0.1..=3_600.0, &mut c.checks.silent_min_s);
            s.real("clipped_min_s", 0.1..=3_600.0, &mut c.checks.clipped_min_s);
            s.real("jump_s", 0.01..=3_600.0, &mut c.checks.jump_s);
            let apart = &mut c.checks.neighbours_apart_s;
            s.real("neighbours_apart_s", 0.1..=600.0, apart);
            s.real("pre_record_s", 0.0..=600.0, &mut c.checks.pre_record_s);
        });
        reader.section("band", |s| {
            s.choice(
                "mode",
                &[("above", BandMode::Above), ("overlay", BandMode::Overlay)],
                &mut c.band.mode,
            );
            s.texts("lines", 1..=4, 0..=200, &mut c.band.lines);
            let mut fonts: Vec<String> = c
                .band
                .fonts
                .iter()
                .map(|p| p.display().to_string())
                .collect();
            s.texts("fonts", 0..=16, 1..=4_096, &mut fonts);
            c.band.fonts = fonts.into_iter().map(PathBuf::from).collect();
        });
        reader.section("archive", |s| {
            s.choice(
                "when",
                &[
                    ("night", ArchiveWhen::Night),
                    ("long-term", ArchiveWhen::LongTerm),
                ],
                &mut c.archive.when,
            );
            s.text("profile", 1..=64, &mut c.archive.profile);
            if !is_profile_name(&c.archive.profile) {
                s.wrong_value(
                    "profile",
                    "a profile's name has small letters, digits and dashes",
                );
            }
            s.choice(
                "verify",
                &[("keyframes", Verify::Keyframes), ("full", Verify::Full)],
                &mut c.archive.verify,
            );
            s.params("params", &mut c.archive.params);
        });
        reader.section("worker", |s| {
            s.whole("stall_s", 1..=3_600, &mut c.worker.stall_s)
        });
        reader.section("disk", |s| {
            s.whole("min_free_gb", 0..=100_000, &mut c.disk.min_free_gb)
        });
        reader.section("night", |s| {
            s.whole("memo_sample", 0..=100_000, &mut c.night.memo_sample);
            s.whole("fixity_days", 1..=30, &mut c.night.fixity_days);
        });
        config
    }
}

/// Whether a profile of this name can be a file in `pipelines/` and nowhere else.
fn is_profile_name(name: &str) -> bool {
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !name.is_empty() && name.bytes().all(letter)
}

impl Names {
    /// Compiles both lists into one grammar; a wrong pattern is a problem at its own line.
    fn compile(&mut self, section: &mut reader::Section<'_, '_>) {
        for (key, list, folders) in [
            ("patterns", &self.patterns, false),
            ("folders", &self.folders, true),
        ] {
            match Grammar::parse(list) {
                Err(e) => section.wrong_item(key, e.pattern, &e.to_string()),
                Ok(grammar) => {
                    let with_folder = grammar.folder_patterns();
                    if let Some(n) = (1..=list.len()).find(|n| with_folder.contains(n) != folders) {
                        let reason = crate::recording::name::GrammarReason::Folder;
                        section.wrong_item(key, n, &format!("pattern {n}: {reason}"));
                    }
                }
            }
        }
        let both: Vec<String> = self.patterns.iter().chain(&self.folders).cloned().collect();
        match Grammar::parse(&both) {
            Ok(grammar) => self.grammar = grammar,
            // Each list alone was short enough.
            Err(e) if e.pattern > crate::recording::name::PATTERNS_MAX => {
                section.wrong_value(
                    "folders",
                    "`patterns` and `folders` are more than 64 together",
                );
            }
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;
