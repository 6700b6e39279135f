//! The house's own rules, as a test: who may import whom, who may use what, how long a file is.
//! Each exception stands here with its reason.

use std::{collections::BTreeMap, fs, path::Path};

/// Layers of the house: a module imports strictly lower numbers.
const LAYERS: &[(&str, u32)] = &[
    ("base", 0),
    ("recording", 1),
    ("registry", 1),
    ("custody", 2),
    ("event", 4),
    // Below event, which carries its decisions.
    ("retention", 3),
    // Below the vault, which copies and re-reads by it.
    ("hashing", 3),
    // Below the ledger, which signs what this verifies.
    ("proof", 3),
    ("media", 4),
    ("vault", 4),
    ("index", 4),
    ("ledger", 4),
    ("batch", 4),
    ("store", 5),
    ("intake", 6),
    ("disposal", 6),
    ("export", 6),
    ("report", 7),
    ("tune", 7),
    ("config", 7),
    ("service", 8),
    ("doctor", 8),
    ("cli", 9),
];

/// What only some rooms may use: the text, the rooms, and why.
const RESERVED: &[(&str, &[&str], &str)] = &[
    (
        "use gstreamer",
        &["media"],
        "GStreamer is loaded in a worker process and nowhere else",
    ),
    (
        "rocksdb::",
        &["index"],
        "the index is the one room that knows its database",
    ),
    (
        "toml::",
        &["config", "media"],
        "recvault.toml is config's, pipeline files are media's",
    ),
    ("println!", &["cli"], "the library never prints"),
    ("eprintln!", &["cli"], "the library never prints"),
    (
        "process::exit",
        &[],
        "a library that exits loses what others were doing",
    ),
    (
        "SystemTime::now",
        &[],
        "time is a parameter; base::clock alone reads it, through jiff",
    ),
    ("Timestamp::now", &["base"], "time is a parameter"),
    (
        "clap::",
        &["cli"],
        "only the command line knows how it is typed",
    ),
    ("comfy_table", &["cli", "report"], "tables are for people"),
    (
        "after_tombstone",
        &["vault", "store"],
        "only who committed the tombstone may remove",
    ),
    ("maud::", &["report", "export"], "pages are for people"),
];

/// A room is taken in at one sitting.
const LINES_MAX: usize = 599;

struct Source {
    path: String,
    room: String,
    text: String,
    /// Without the test module at its end.
    code: String,
}

fn sources() -> Vec<Source> {
    let mut out = Vec::new();
    for path in files(Path::new("src")) {
        let text = fs::read_to_string(&path).unwrap();
        let below = path.strip_prefix("src/").unwrap();
        let room = below.split(['/', '.']).next().unwrap().to_owned();
        let code = text
            .split("#[cfg(test)]\nmod ")
            .next()
            .unwrap()
            .split("#[cfg(test)]\npub(super) mod ")
            .next()
            .unwrap()
            .to_owned();
        // A folder's tests.rs is a test module of its own.
        let code = if below.ends_with("/tests.rs") {
            String::new()
        } else {
            code
        };
        out.push(Source {
            path,
            room,
            text,
            code,
        });
    }
    assert!(out.len() > 30, "run from the crate's root");
    out
}

fn files(dir: &Path) -> Vec<String> {
    let mut out = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            out.extend(files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path.to_str().unwrap().to_owned());
        }
    }
    out.sort();
    out
}

/// The rooms that a file names as `crate::room`, also in a grouped `use crate::{…}`.
fn rooms_named(code: &str) -> Vec<String> {
    let code: String = code
        .lines()
        .filter(|l| !l.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let mut out = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + 7..];
        if let Some(group) = rest.strip_prefix('{') {
            let (mut depth, mut word, mut first) = (1, String::new(), true);
            for c in group.chars() {
                if depth == 1 && first && (c.is_alphanumeric() || c == '_') {
                    word.push(c);
                    continue;
                }
                if !word.is_empty() {
                    out.push(std::mem::take(&mut word));
                    // What follows the first name of an item belongs to that item.
                    first = false;
                }
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 1 => first = true,
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
            }
        } else {
            out.push(
                rest.chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect(),
            );
        }
    }
    out
}

#[test]
fn a_module_imports_only_from_layers_below_it() {
    let layers: BTreeMap<&str, u32> = LAYERS.iter().copied().collect();
    let mut wrong = Vec::new();
    for source in sources() {
        let Some(own) = layers.get(source.room.as_str()) else {
            assert!(
                matches!(source.room.as_str(), "lib" | "main"),
                "{} is in no layer",
                source.path
            );
            continue;
        };
        for named in rooms_named(&source.code) {
            if let Some(other) = layers.get(named.as_str())
                && named != source.room
                && other >= own
            {
                wrong.push(format!(
                    "{} (layer {own}) imports {named} (layer {other})",
                    source.path
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_reader_of_imports_reads_groups_and_paths() {
    let code = "use crate::base::Moment;\nuse crate::{\n    event::{Event, What},\n    store::Store,\n};\nfn f() { crate::vault::x() }\n// crate::cli";
    assert_eq!(rooms_named(code), ["base", "event", "store", "vault"]);
}

#[test]
fn what_is_reserved_stays_in_its_rooms() {
    let mut wrong = Vec::new();
    for source in sources() {
        for line in source
            .code
            .lines()
            .filter(|l| !l.trim_start().starts_with("//"))
        {
            for (text, rooms, why) in RESERVED {
                if line.contains(text) && !rooms.contains(&source.room.as_str()) {
                    wrong.push(format!("{}: `{text}`: {why}", source.path));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_file_is_longer_than_a_sitting() {
    let mut all = sources();
    for dir in ["tests", "benches"] {
        for path in files(Path::new(dir)) {
            let text = fs::read_to_string(&path).unwrap();
            all.push(Source {
                path,
                room: String::new(),
                code: String::new(),
                text,
            });
        }
    }
    let long: Vec<_> = all
        .iter()
        .map(|s| (s.text.lines().count(), &s.path))
        .filter(|(n, _)| *n > LINES_MAX)
        .collect();
    assert!(long.is_empty(), "{long:?}");
}

#[test]
fn every_room_opens_with_its_promise() {
    let silent: Vec<_> = sources()
        .into_iter()
        .filter(|s| !s.text.starts_with("//!"))
        .map(|s| s.path)
        .collect();
    assert!(silent.is_empty(), "{silent:?}");
}

#[test]
fn every_test_file_is_run() {
    let main = fs::read_to_string("tests/main.rs").unwrap();
    for path in files(Path::new("tests")) {
        let name = Path::new(&path)
            .file_stem()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        let own = name == "main";
        assert!(
            own || main.contains(&format!("mod {name};")),
            "{path} is not named in tests/main.rs"
        );
    }
}

#[test]
fn the_repository_speaks_of_the_project_alone() {
    let listed = std::process::Command::new("git")
        .args(["ls-files"])
        .output();
    // A source archive has no git: then there is nothing to list.
    let Ok(listed) = listed else { return };
    for path in String::from_utf8_lossy(&listed.stdout).lines() {
        let Ok(text) = fs::read_to_string(path) else {
            continue;
        };
        if path == "tests/tidy.rs" || path == "Cargo.lock" {
            continue;
        }
        for word in ["/work/", "/root/", "crates-io-proxy"] {
            assert!(
                !text.contains(word),
                "{path} names {word}, which is of one machine only"
            );
        }
    }
}
