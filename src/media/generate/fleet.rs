//! A small fleet's day, planned: which recorder wrote which file, when, and what is wrong with it.
//! Planning is pure; [`Piece::write`] makes the files.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use jiff::{
    SignedDuration,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use serde_json::json;

use super::{Container, GenerateError, Maker, Sound, Spec, Video};
use crate::base::{Moment, civil::resolve, durable};

/// Clips in one folder: more than any trial needs, few enough for four digits.
pub const CLIPS_MAX: u32 = 9_999;

/// Recorders, their model, their officer and the officer's name.
const FLEET: [(&str, &str, &str, &str); 3] = [
    ("BWC-0001", "DSJ-A8", "1003", "王伟"),
    ("BWC-0002", "DSJ-A8", "1007", "李娜"),
    ("BWC-0003", "DSJ-V9", "1012", "Anna Schmidt"),
];
/// The office that they belong to.
const UNIT: &str = "North Gate";

/// What is in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A recording or a photo, which a [`Maker`] makes.
    Recording(Spec),
    /// These bytes.
    Bytes(Vec<u8>),
}

/// What the collection station noted beside a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The recorder.
    pub device: String,
    /// The officer's number.
    pub officer: String,
    /// The officer's name.
    pub officer_name: String,
    /// When it began, with the office's offset.
    pub started_at: String,
    /// When it ended.
    pub ended_at: String,
    /// The recorder's file number.
    pub sequence: u32,
}

/// One file of the day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its name below the folder that it was planned for, recorder's folder and all.
    pub name: String,
    /// Where.
    pub path: PathBuf,
    /// What is in it.
    pub content: Content,
    /// When it began.
    pub began: Moment,
    /// When it ended: the file's own time.
    pub ended: Moment,
    /// What is special about it, for people; empty where nothing is.
    pub special: &'static str,
    /// What stands in a sidecar beside it.
    pub note: Option<Note>,
}

impl Piece {
    /// Makes the file, its folder and its sidecar, and sets the file's time to its end.
    ///
    /// # Errors
    /// [`GenerateError`]; nothing is overwritten.
    pub fn write(&self, maker: &mut Maker) -> Result<(), GenerateError> {
        let disk = |e| GenerateError::disk(&self.path)(e);
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).map_err(GenerateError::disk(folder))?;
        }
        match &self.content {
            Content::Recording(spec) => maker.make(spec)?,
            Content::Bytes(bytes) => durable::create_new(&self.path, 0o644, bytes).map_err(disk)?,
        }
        self.set_time(&self.path)?;
        let Some(note) = &self.note else {
            return Ok(());
        };
        let bytes = fs::metadata(&self.path).map_err(disk)?.len();
        let beside = self.path.with_extension("json");
        durable::create_new(&beside, 0o644, note.json(bytes).as_bytes())
            .map_err(GenerateError::disk(&beside))?;
        self.set_time(&beside)
    }

    fn set_time(&self, path: &Path) -> Result<(), GenerateError> {
        let ms = u64::try_from(self.ended.as_ms()).unwrap_or(0);
        let file = fs::File::options().append(true).open(path);
        file.and_then(|f| f.set_modified(UNIX_EPOCH + Duration::from_millis(ms)))
            .map_err(GenerateError::disk(path))
    }
}

impl Note {
    /// The sidecar of a file of so many bytes.
    #[must_use]
    pub fn json(&self, bytes: u64) -> String {
        let note = json!({
            "device_id": self.device,
            "officer_id": self.officer,
            "officer_name": self.officer_name,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "length": bytes,
            "sequence": self.sequence,
            "case_code": "2026-0117",
            "remark": "Street trading, talk with the stall's owner",
            "flags": [],
        });
        format!("{note:#}\n")
    }
}

/// A day being planned.
struct Day<'a> {
    dir: &'a Path,
    zone: &'a TimeZone,
    seconds: u32,
}

impl Day<'_> {
    /// One file of recorder `recorder`, which began at `at`. Without `ext` changes it is a clean
    /// MP4 of the recorder's own seed.
    fn piece(&self, recorder: usize, at: DateTime, sequence: u32, mark: &str, ext: &str) -> Piece {
        let (device, _, officer, officer_name) = FLEET[recorder];
        let stamp = at.strftime("%Y%m%d_%H%M%S");
        let name = format!("{device}/{device}_{officer}_{stamp}_{sequence:04}{mark}.{ext}");
        let began = resolve(at, self.zone).map_or(Moment::default(), |(m, _)| m);
        let ended = began.plus_ms(i64::from(self.seconds) * 1_000);
        let path = self.dir.join(&name);
        // A scene for every recorder and every minute of the calendar.
        let seed = u64::try_from(began.as_s()).unwrap_or(0) * 8 + recorder as u64;
        let local = |m: Moment| {
            let zoned = m.timestamp().to_zoned_datetime(self.zone.clone());
            zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
        };
        Piece {
            content: Content::Recording(Spec::new(path.clone(), began, self.seconds, seed)),
            note: Some(Note {
                device: device.into(),
                officer: officer.into(),
                officer_name: officer_name.into(),
                started_at: local(began),
                ended_at: local(ended),
                sequence,
            }),
            name,
            path,
            began,
            ended,
            special: "",
        }
    }
}

/// The day of three recorders: six clean recordings, one of which the officer marked and one of
/// which has a sidecar; one cut off, one silent, one that is no video, one photo. All below `dir`,
/// each of the recordings `seconds` long, by the clocks of `zone`. Changes nothing.
#[must_use]
pub fn fleet(dir: &Path, date: Date, seconds: u32, zone: &TimeZone) -> Vec<Piece> {
    use Container::{Avi, Jpeg, Mkv, Mov, Mp4, Ts};
    let day = Day { dir, zone, seconds };
    let shape = |spec: &mut Spec, container, video, (width, height)| {
        (spec.container, spec.video) = (container, video);
        (spec.width, spec.height) = (width, height);
    };
    let clean = |_: &mut Spec| {};
    type Change<'a> = &'a dyn Fn(&mut Spec);
    let (h264, mjpeg) = (Video::H264, Video::Mjpeg);
    #[expect(
        clippy::type_complexity,
        reason = "a table of cases reads best as a table"
    )]
    let rows: [(usize, (i8, i8), u32, &str, &str, &'static str, Change); 9] = [
        (0, (8, 15), 1, "", "mp4", "", &clean),
        (0, (13, 30), 3, "_IMP", "mp4", "marked important", &clean),
        (1, (9, 5), 1, "", "mov", "with a sidecar", &|s| {
            shape(s, Mov, h264, (854, 480));
        }),
        (1, (14, 20), 2, "", "avi", "", &|s| {
            shape(s, Avi, mjpeg, (640, 480))
        }),
        (2, (10, 10), 1, "", "ts", "", &|s| {
            shape(s, Ts, h264, (640, 360))
        }),
        (2, (16, 45), 2, "", "mkv", "", &|s| {
            shape(s, Mkv, h264, (1280, 720))
        }),
        (0, (15, 50), 4, "", "mp4", "cut off at 60 %", &|s| {
            s.cut_to_percent = Some(60);
        }),
        (1, (17, 10), 3, "", "mp4", "silent", &|s| {
            s.sound = Sound::Silent
        }),
        (0, (11, 40), 2, "", "jpg", "a photo", &|s| {
            shape(s, Jpeg, mjpeg, (1280, 720));
            s.sound = Sound::None;
        }),
    ];
    let mut out = Vec::new();
    for (recorder, (hour, minute), sequence, mark, ext, special, change) in rows {
        let at = date.at(hour, minute, 0, 0);
        let mut piece = day.piece(recorder, at, sequence, mark, ext);
        piece.special = special;
        if let Content::Recording(spec) = &mut piece.content {
            change(spec);
            debug_assert!(spec.container != Mp4 || ext == "mp4");
        }
        if ext != "mov" {
            piece.note = None;
        }
        if ext == "jpg" {
            piece.ended = piece.began;
        }
        out.push(piece);
    }
    let mut text = day.piece(2, date.at(18, 5, 0, 0), 3, "", "mp4");
    let words = "The station wrote a line of text where a video should be.\n";
    text.content = Content::Bytes(format!("{date} {words}").repeat(40).into_bytes());
    (text.special, text.note) = ("not a video", None);
    out.push(text);
    out
}

/// So many small clips, no two alike, one after the other from six in the morning on, in turn
/// from each of the three recorders; for trials that need many files rather than long ones.
/// Changes nothing.
#[must_use]
pub fn clips(dir: &Path, date: Date, count: u32, seconds: u32, zone: &TimeZone) -> Vec<Piece> {
    let day = Day { dir, zone, seconds };
    let clip = |n: u32| {
        let (recorder, turn) = ((n % 3) as usize, n / 3);
        let wait = i64::from(turn).saturating_mul(i64::from(seconds) + 4);
        let at = date
            .at(6, 0, 0, 0)
            .saturating_add(SignedDuration::from_secs(wait));
        let mut piece = day.piece(recorder, at, turn + 1, "", "mp4");
        if let Content::Recording(spec) = &mut piece.content {
            (spec.width, spec.height) = (320, 240);
        }
        piece.note = None;
        piece
    };
    (0..count.min(CLIPS_MAX)).map(clip).collect()
}

/// The fleet's register for that day, as `recvault registry import` takes it. Each recorder is
/// held from midnight to midnight, so that the registers of several days go together.
#[must_use]
pub fn register_csv(date: Date) -> String {
    let mut out = String::from("record,device,model,officer,name,unit,price,from,to\n");
    let (from, to) = (date, date.tomorrow().unwrap_or(date));
    for (device, model, officer, name) in FLEET {
        out += &format!("device,{device},{model},,,{UNIT},2800,,\n");
        out += &format!("officer,,,{officer},{name},{UNIT},,,\n");
        out += &format!("assignment,{device},,{officer},,,,{from} 00:00,{to} 00:00\n");
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        recording::{
            Sidecar,
            name::{DEFAULT_PATTERNS, Grammar},
        },
        registry::{Register, apply, plan_import},
    };

    fn zone() -> TimeZone {
        TimeZone::get("Asia/Shanghai").unwrap()
    }

    #[test]
    fn every_name_says_recorder_officer_and_time_to_the_default_patterns() {
        let patterns: Vec<String> = DEFAULT_PATTERNS.iter().map(|p| p.0.into()).collect();
        let grammar = Grammar::parse(&patterns).unwrap();
        let date = jiff::civil::date(2026, 3, 2);
        let mut pieces = fleet(Path::new("/in"), date, 20, &zone());
        pieces.extend(clips(Path::new("/in"), date, 40, 2, &zone()));
        for piece in &pieces {
            let claims = format!("{:?}", grammar.claims(piece.name.as_bytes(), &zone()));
            let (device, _) = piece.name.split_once('/').unwrap();
            let began = format!("{:?}", piece.began);
            for part in [device, "Officer", &began] {
                assert!(
                    claims.contains(part),
                    "{}: no {part} in {claims}",
                    piece.name
                );
            }
        }
        let mut names: Vec<_> = pieces.iter().map(|p| &p.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 50);
        let seeds: std::collections::BTreeSet<u64> = pieces
            .iter()
            .filter_map(|p| match &p.content {
                Content::Recording(spec) => Some(spec.seed),
                Content::Bytes(_) => None,
            })
            .collect();
        assert_eq!(seeds.len(), 49, "no two scenes are alike");
    }

    #[test]
    fn every_recording_of_the_day_can_be_made() {
        let date = jiff::civil::date(2026, 3, 2);
        for piece in fleet(Path::new("/in"), date, 20, &zone()) {
            if let Content::Recording(spec) = &piece.content {
                assert_eq!(spec.path, piece.path);
                spec.check().unwrap();
            }
        }
    }

    #[test]
    fn the_register_names_the_holder_of_every_file_and_days_go_together() {
        let mut register = Register::default();
        for day in [2, 3] {
            let date = jiff::civil::date(2026, 3, day);
            let csv = register_csv(date);
            let plan = plan_import(&register, csv.as_bytes(), &zone()).unwrap();
            assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);
            for change in &plan.changes {
                apply(&mut register, change);
            }
            for piece in fleet(Path::new("/in"), date, 3_600, &zone()) {
                let (device, name) = piece.name.split_once('/').unwrap();
                let holder = register.holder(device, piece.began).unwrap();
                assert!(name.contains(&format!("_{}_", holder.officer)), "{name}");
            }
        }
    }

    #[test]
    fn the_sidecar_is_understood_to_the_last_field() {
        let date = jiff::civil::date(2026, 3, 2);
        let pieces = fleet(Path::new("/in"), date, 20, &zone());
        let notes: Vec<&Note> = pieces.iter().filter_map(|p| p.note.as_ref()).collect();
        assert_eq!(notes.len(), 1);
        let read = Sidecar::parse(notes[0].json(77).as_bytes(), &zone()).unwrap();
        assert_eq!((read.unknown_fields, read.length), (0, Some(77)));
        assert_eq!(read.officer_name.as_deref(), Some("李娜"));
        assert!(read.notes.is_empty(), "{:?}", read.notes);
    }
}
