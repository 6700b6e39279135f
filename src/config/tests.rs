//! Sample configurations, and the template held against the code.
#![allow(clippy::unwrap_used)]

use std::{fs, path::Path};

use super::*;
use crate::base::{ErrorKind, Explain};

fn samples(folder: &str) -> Vec<(String, String)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/configs")
        .join(folder);
    let mut out: Vec<_> = fs::read_dir(&dir)
        .unwrap_or_else(|e| panic!("{}: {e}", dir.display()))
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            (
                path.display().to_string(),
                fs::read_to_string(&path).unwrap(),
            )
        })
        .collect();
    out.sort();
    assert!(!out.is_empty(), "no sample in {}", dir.display());
    out
}

/// The template with every setting in force: a `#` before anything but a blank is one.
fn template_in_force() -> String {
    let setting = |line: &&str| line.starts_with('#') && !line.starts_with("# ") && *line != "#";
    let lines = Config::default_text().lines();
    lines
        .map(|l| if setting(&l) { &l[1..] } else { l })
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn every_valid_sample_parses() {
    for (name, text) in samples("valid") {
        Config::parse("recvault.toml", &text).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}

#[test]
fn every_invalid_sample_is_refused_with_the_text_in_its_first_line() {
    for (name, text) in samples("invalid") {
        let first = text
            .lines()
            .next()
            .unwrap()
            .trim_start_matches("# ")
            .replace("\\n", "\n");
        let error = Config::parse("recvault.toml", &text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert_eq!(error.to_string(), first, "{name}");
    }
}

#[test]
fn the_template_sets_nothing_and_names_the_defaults_of_the_code() {
    assert_eq!(
        Config::parse("t", Config::default_text()),
        Ok(Config::default())
    );
    let in_force = template_in_force();
    assert_eq!(
        Config::parse("t", &in_force).unwrap_or_else(|e| panic!("{e}\n{in_force}")),
        Config::default()
    );
}

#[test]
fn the_template_has_every_setting() {
    let in_force = template_in_force();
    let mut reader = Reader::open("t", &in_force).unwrap();
    let _ = Config::read(&mut reader);
    let asked = reader.finish().unwrap();
    assert!(!asked.is_empty());
    let table: toml::Table = in_force.parse().unwrap();
    for path in asked {
        let (section, key) = path.split_once('.').unwrap();
        assert!(
            table[section].get(key).is_some(),
            "default.toml lacks {path}"
        );
    }
}

#[test]
fn bounds_in_the_template_are_those_of_the_code() {
    // For each `0 to 86400` in a comment, the numbers beyond both ends are refused.
    let (mut section, mut bounds, mut checked) = ("", None, 0);
    for line in Config::default_text().lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        } else if let Some(comment) = line.strip_prefix("# ") {
            let words: Vec<&str> = comment.split(' ').collect();
            let number = |w: &str| w.trim_matches([';', '.', ',']).parse::<f64>().ok();
            bounds = words
                .windows(3)
                .filter(|w| w[1] == "to")
                .find_map(|w| Some((number(w[0])?, number(w[2])?)))
                .or(bounds);
        } else if let Some((key, value)) = line.strip_prefix('#').and_then(|l| l.split_once(" = "))
        {
            // What a comment says is of the next setting alone.
            let said = bounds.take();
            if value.parse::<f64>().is_err() {
                continue;
            }
            let Some((low, high)) = said else {
                panic!("the template names no bounds of {section}.{key}");
            };
            let whole = !value.contains('.');
            for (wrong, within) in [(low - 1.0, low), (high + 1.0, high)] {
                let show = |n: f64| {
                    if whole {
                        format!("{n}")
                    } else {
                        format!("{n:.3}")
                    }
                };
                let text = |n: f64| format!("[{section}]\n{key} = {}", show(n));
                assert!(Config::parse("t", &text(wrong)).is_err(), "{}", text(wrong));
                assert!(
                    Config::parse("t", &text(within)).is_ok(),
                    "{}",
                    text(within)
                );
            }
            checked += 1;
        }
    }
    assert!(checked > 0);
}

#[test]
fn settings_arrive_where_they_belong() {
    let text = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/configs/valid/office.toml"),
    );
    let config = Config::parse("recvault.toml", &text.unwrap()).unwrap();
    assert_eq!(config.office.name, "第二市场监督管理所");
    assert_eq!(
        config.office.zone,
        jiff::tz::TimeZone::get("Asia/Shanghai").unwrap()
    );
    assert_eq!(
        (config.inbox.release, config.inbox.settle_s),
        (Release::Leave, 0)
    );
    assert_eq!(
        (config.archive.when, config.archive.verify),
        (ArchiveWhen::LongTerm, Verify::Full)
    );
    let params: Vec<_> = config.archive.params.into_iter().collect();
    let expected = [
        ("crf", Param::Real(30.5)),
        ("film-grain", Param::Switch(true)),
        ("preset", Param::Whole(8)),
        ("tune", Param::Text("ssim".into())),
    ];
    assert_eq!(params, expected.map(|(k, v)| (k.to_owned(), v)));
    assert_eq!(
        config.checks,
        Checks {
            black_min_s: 3.0,
            silent_dbfs: -50.5,
            ..Checks::default()
        }
    );
    let claims = config
        .names
        .grammar
        .claims(b"A1/A1-7_20260105093000.mp4", &config.office.zone);
    assert_eq!(claims.len(), 4, "{claims:?}");
}

#[test]
fn a_default_configuration_is_in_order() {
    let config = Config::default();
    assert_eq!(config.office.zone.iana_name(), Some("Asia/Shanghai"));
    assert!(is_profile_name(&config.archive.profile) && !is_profile_name("a/b"));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(\\[(office|inbox|names|archive.params)\\]\n|[a-z_]{1,4}|settle_s|patterns| = |[0-9.\"'\\[\\]{}\n=-]){0,40}") {
        let _ = Config::parse("t", &text);
    }
}
