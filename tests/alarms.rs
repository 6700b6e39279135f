//! How often a finding on a real recording is a false alarm: every stretch that was found black, frozen or
//! silent, held against ffmpeg's own detectors with the same thresholds.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    case::{files_below, real_media},
    real::TABLE,
};

/// One of them in a recording, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Stretch {
    what: &'static str,
    begin_s: f64,
    end_s: f64,
}

impl Stretch {
    /// The same but for half a second at each end: both look at what they are given frame by frame, and
    /// sound comes in pieces.
    fn is(&self, other: &Self) -> bool {
        self.what == other.what
            && (self.begin_s - other.begin_s).abs() <= 0.5
            && (self.end_s - other.end_s).abs() <= 0.5
    }

    fn within(&self, other: &Self) -> bool {
        other.begin_s - 0.5 <= self.begin_s && self.end_s <= other.end_s + 0.5
    }
}

const KINDS: [(&str, &str); 3] = [
    ("video.black", "black"),
    ("video.frozen", "freeze"),
    ("audio.silent", "silence"),
];

/// What the table of real files says of one.
fn ours(line: &str) -> Vec<Stretch> {
    let found = line.rsplit(" | ").next().unwrap_or("").split(", ");
    let stretch = |f: &str| {
        let (code, span) = f.split_once(' ')?;
        let (begin, end) = span.split_once('-')?;
        let (_, what) = KINDS.iter().find(|(c, _)| *c == code)?;
        Some(Stretch {
            what,
            begin_s: begin.parse().ok()?,
            end_s: end.parse().ok()?,
        })
    };
    found.filter_map(stretch).collect()
}

/// What ffmpeg finds. Silence from a second on, because a track without any is told however short it is.
fn theirs(path: &Path, length_s: f64) -> Vec<Stretch> {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-hide_banner", "-i"])
        .arg(path)
        .args([
            "-vf",
            "blackdetect=d=2:pix_th=0.10:pic_th=0.98,freezedetect=n=-60dB:d=2",
        ])
        .args(["-af", "silencedetect=n=-60dB:d=1", "-f", "null", "-"])
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).replace(['\n', '\r', '|'], " ");
    let mut all = Vec::new();
    for (_, what) in KINDS {
        let after = |mark: String| {
            said.split(&mark)
                .skip(1)
                .filter_map(|rest| rest.split_whitespace().next()?.parse::<f64>().ok())
                .collect::<Vec<f64>>()
        };
        let colon = |end: &str| format!("{what}_{end}:");
        let (begins, ends) = (after(colon("start")), after(colon("end")));
        // One that lasts to the end is not closed.
        let ends = ends.into_iter().chain([length_s]);
        all.extend(
            begins
                .into_iter()
                .zip(ends)
                .map(|(begin_s, end_s)| Stretch {
                    what,
                    begin_s,
                    end_s,
                }),
        );
    }
    all
}

/// Goal: no stretch that nobody else finds, and none that is missed.
pub fn held_against_other_detectors() {
    let Some(media) = real_media() else { return };
    let (mut files, mut alarms, mut false_ones, mut missed) = (0, 0, Vec::new(), Vec::new());
    for path in files_below(&media) {
        let name = path.strip_prefix(&media).unwrap().to_str().unwrap();
        let line = TABLE.lines().find(|l| l.split(" | ").next() == Some(name));
        let Some(line) = line.filter(|l| l.contains(" pictures, ")) else {
            continue;
        };
        let length = line
            .split(" pictures, ")
            .nth(1)
            .and_then(|rest| rest.split(' ').next());
        let length_s: f64 = length.and_then(|l| l.parse().ok()).unwrap_or(0.0);
        let (ours, theirs) = (ours(line), theirs(&path, length_s));
        files += 1;
        alarms += ours.len();
        for found in &ours {
            if !theirs.iter().any(|t| t.is(found)) {
                false_ones.push(format!("{name}: {found:?}; they find {theirs:?}"));
            }
        }
        for found in &theirs {
            let long = found.what != "silence" || found.end_s - found.begin_s >= 5.0;
            // A black picture does not move either, and is told as black alone.
            let told = |o: &Stretch| {
                o.is(found) || o.what == "black" && found.what == "freeze" && found.within(o)
            };
            if long && !ours.iter().any(told) {
                missed.push(format!("{name}: {found:?}; we find {ours:?}"));
            }
        }
    }
    eprintln!(
        "{files} real files: {alarms} stretches found, {} of them by nobody else, {} missed",
        false_ones.len(),
        missed.len()
    );
    assert!(files > 0);
    assert_eq!(false_ones, [""; 0], "false alarms");
    assert_eq!(missed, [""; 0], "missed");
}
