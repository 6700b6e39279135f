//! The JSON sidecar: what a recorder or a collection station wrote about one file, beside it.
//!
//! The record has the fields that collection stations keep (see the table), each under a name of
//! ours. Fields that are not in the table are counted and otherwise ignored; a field that is has
//! its type and its bounds, and a sidecar that breaks one is refused as a whole, with field, line
//! and column, because half a record may name the wrong officer. Empty strings and `null` mean
//! absent. Nothing here recurses with the input, and nothing is read past
//! [`limits::SIDECAR_BYTES_MAX`].
//!
//! | field | type | meaning |
//! |---|---|---|
//! | `device_id` | text | the recorder's identifier in the office; it is the claim |
//! | `device_serial` | text | its maker's serial number; the claim where `device_id` is absent |
//! | `officer_id` | text | who wore it: a number or code |
//! | `officer_name` | text | their name: personal data, kept apart from the claims |
//! | `started_at`, `ended_at` | RFC 3339 | with an offset |
//! | `started_local`, `ended_local` | `2026-01-05 09:30:00` | as the recorder's clock showed it; used where the above are absent |
//! | `utc_offset_min` | integer | minutes east of UTC of the collecting station; it resolves the local times, else the zone of the office does |
//! | `collected_at` | RFC 3339 | when the station drew the file |
//! | `path` | text | where the station kept it |
//! | `length` | integer | the file's length in bytes |
//! | `unique_id` | text | the maker's own identifier of the file |
//! | `sequence` | integer | the recorder's file number |
//! | `drawn_by_card` | text | card of whoever drew the recorder |
//! | `case_code`, `remark` | text | as entered |
//! | `flags` | list of text, ≤ 64 | `important`, `imp`, `key`, `sos` or `locked` among them is the mark |
//! | `md5` | 32 hex digits | as the station computed it |
//! | `integrity_id` | text | the maker's integrity check |
//! | `encryption_key_ids` | list of text, ≤ 8 | which keys the file is sealed with |
//! | `attachments` | list of text, ≤ 5 | names of files that belong to it |

use std::fmt;

use jiff::{
    Timestamp,
    tz::{Offset, TimeZone},
};
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::{Claim, Field, Source};
use crate::base::{
    Explain, Moment,
    civil::{read_local, resolve},
    limits,
};

/// Characters in an identifier or another short text.
const TEXT_CHARS_MAX: usize = 256;
/// Characters in a remark.
const REMARK_CHARS_MAX: usize = 4_000;
/// Flags of one file, as collection stations limit them.
const FLAGS_MAX: usize = 64;
/// Keys that one file may be sealed with.
const KEYS_MAX: usize = 8;
/// Attachments of one file, as collection stations limit them.
const ATTACHMENTS_MAX: usize = 5;

/// Flags that mean the wearer marked the file as important, in lower case.
const IMPORTANT: [&str; 5] = ["important", "imp", "key", "sos", "locked"];

/// Why a sidecar is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SidecarError {
    /// More bytes than a recorder's own record has.
    #[error(
        "the sidecar has {bytes} bytes, more than {}",
        limits::SIDECAR_BYTES_MAX
    )]
    TooLong {
        /// Its length.
        bytes: u64,
    },
    /// Not JSON, or a field of the wrong type or out of its bounds.
    #[error("line {line}, column {column}{}: {reason}", field.as_ref().map(|f| format!(", field `{f}`")).unwrap_or_default())]
    Content {
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1.
        column: usize,
        /// The field that was being read.
        field: Option<String>,
        /// What is wrong with it.
        reason: String,
    },
}

impl Explain for SidecarError {
    fn hint(&self) -> Option<String> {
        Some("the file itself is kept and attributed by its other sources".into())
    }
}

/// What a sidecar says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sidecar {
    /// Recorder, officer, times, number, mark, case and remark, by [`Source::Sidecar`].
    pub claims: Vec<Claim>,
    /// The officer's name. Personal data: it belongs into `details/`, never into an event.
    pub officer_name: Option<String>,
    /// The maker's serial number of the recorder.
    pub device_serial: Option<String>,
    /// When the station drew the file from the recorder.
    pub collected_at: Option<Moment>,
    /// Where the station kept it.
    pub path: Option<String>,
    /// Length that the file should have, in bytes.
    pub length: Option<u64>,
    /// The maker's own identifier of the file.
    pub unique_id: Option<String>,
    /// Card of whoever drew the recorder.
    pub drawn_by_card: Option<String>,
    /// All flags as they stand.
    pub flags: Vec<String>,
    /// MD5 that the station computed, in lower case. Recorded, not relied upon.
    pub md5: Option<String>,
    /// The maker's integrity check.
    pub integrity_id: Option<String>,
    /// Which keys the file is sealed with.
    pub encryption_key_ids: Vec<String>,
    /// Names of files that belong to it.
    pub attachments: Vec<String>,
    /// Fields that recvault does not know.
    pub unknown_fields: usize,
    /// Sentences about doubtful or contradicting times.
    pub notes: Vec<String>,
}

/// The two names that the sidecar of `name` can have: `a.mp4.json` before `a.json`.
#[must_use]
pub fn sidecar_names(name: &[u8]) -> Vec<Vec<u8>> {
    let base = name.iter().rposition(|b| *b == b'/').map_or(0, |i| i + 1);
    let mut out = vec![[name, b".json"].concat()];
    if let Some(dot) = name[base..]
        .iter()
        .rposition(|b| *b == b'.')
        .filter(|dot| *dot > 0)
    {
        let stem = [&name[..base + dot], b".json"].concat();
        if stem != name {
            out.push(stem);
        }
    }
    out
}

impl Sidecar {
    /// Reads a sidecar; local times without `utc_offset_min` are those of `zone`.
    pub fn parse(bytes: &[u8], zone: &TimeZone) -> Result<Self, SidecarError> {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if length > limits::SIDECAR_BYTES_MAX {
            return Err(SidecarError::TooLong { bytes: length });
        }
        // Windows programs put a byte order mark in front, which JSON forbids.
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut raw = Raw::default();
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let read = json.deserialize_map(RawVisitor(&mut raw)).and_then(|()| {
            raw.current = None;
            json.end()
        });
        match read {
            Ok(()) => Ok(raw.finish(zone)),
            Err(e) => Err(SidecarError::Content {
                line: e.line(),
                column: e.column(),
                field: raw.current.map(str::to_owned),
                reason: without_position(&e.to_string()),
            }),
        }
    }

    /// Says in a sentence that the file has not the length that the sidecar states.
    #[must_use]
    pub fn verify_length(&self, bytes: u64) -> Option<String> {
        let stated = self.length.filter(|n| *n != bytes)?;
        Some(format!(
            "the sidecar says {stated} bytes, the file has {bytes}"
        ))
    }
}

/// The position stands in the error's own fields.
fn without_position(text: &str) -> String {
    text.rsplit_once(" at line ")
        .map_or(text, |(head, _)| head)
        .to_owned()
}

/// The fields as they stand, checked one by one.
#[derive(Default)]
struct Raw {
    /// Known fields seen so far.
    seen: Vec<&'static str>,
    /// The field being read, for the error.
    current: Option<&'static str>,
    device_id: Option<String>,
    officer_id: Option<String>,
    started_at: Option<Moment>,
    ended_at: Option<Moment>,
    started_local: Option<jiff::civil::DateTime>,
    ended_local: Option<jiff::civil::DateTime>,
    utc_offset_min: Option<i32>,
    sequence: Option<u64>,
    case_code: Option<String>,
    remark: Option<String>,
    rest: Sidecar,
}

const FIELDS: [&str; 22] = [
    "device_id",
    "device_serial",
    "officer_id",
    "officer_name",
    "started_at",
    "ended_at",
    "started_local",
    "ended_local",
    "utc_offset_min",
    "collected_at",
    "path",
    "length",
    "unique_id",
    "sequence",
    "drawn_by_card",
    "case_code",
    "remark",
    "flags",
    "md5",
    "integrity_id",
    "encryption_key_ids",
    "attachments",
];

struct RawVisitor<'a>(&'a mut Raw);

impl<'de> Visitor<'de> for RawVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one object with the fields of a recording")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let raw = self.0;
        while let Some(key) = map.next_key::<String>()? {
            let Some(field) = FIELDS.into_iter().find(|f| *f == key) else {
                map.next_value::<IgnoredAny>()?;
                raw.rest.unknown_fields += 1;
                continue;
            };
            raw.current = Some(field);
            if raw.seen.contains(&field) {
                return Err(de::Error::custom("the field stands twice"));
            }
            raw.seen.push(field);
            raw.read(field, &mut map)?;
            raw.current = None;
        }
        Ok(())
    }
}

impl Raw {
    /// Reads the value of one known field.
    fn read<'de, A: MapAccess<'de>>(&mut self, field: &str, map: &mut A) -> Result<(), A::Error> {
        match field {
            "device_id" => self.device_id = text(map, TEXT_CHARS_MAX)?,
            "device_serial" => self.rest.device_serial = text(map, TEXT_CHARS_MAX)?,
            "officer_id" => self.officer_id = text(map, TEXT_CHARS_MAX)?,
            "officer_name" => self.rest.officer_name = text(map, TEXT_CHARS_MAX)?,
            "started_at" => self.started_at = instant(map)?,
            "ended_at" => self.ended_at = instant(map)?,
            "started_local" => self.started_local = local(map)?,
            "ended_local" => self.ended_local = local(map)?,
            "utc_offset_min" => {
                self.utc_offset_min = map.next_value()?;
                // The zones of the world lie between -12:00 and +14:00.
                if self
                    .utc_offset_min
                    .is_some_and(|m| !(-720..=840).contains(&m))
                {
                    return Err(de::Error::custom("an offset is from -720 to 840 minutes"));
                }
            }
            "collected_at" => self.rest.collected_at = instant(map)?,
            "path" => self.rest.path = text(map, REMARK_CHARS_MAX)?,
            "length" => self.rest.length = map.next_value()?,
            "unique_id" => self.rest.unique_id = text(map, TEXT_CHARS_MAX)?,
            "sequence" => self.sequence = map.next_value()?,
            "drawn_by_card" => self.rest.drawn_by_card = text(map, TEXT_CHARS_MAX)?,
            "case_code" => self.case_code = text(map, TEXT_CHARS_MAX)?,
            "remark" => self.remark = text(map, REMARK_CHARS_MAX)?,
            "flags" => self.rest.flags = texts(map, FLAGS_MAX)?,
            "md5" => {
                self.rest.md5 = text(map, TEXT_CHARS_MAX)?.map(|t| t.to_ascii_lowercase());
                let hex = |t: &String| t.len() == 32 && t.bytes().all(|b| b.is_ascii_hexdigit());
                if !self.rest.md5.as_ref().is_none_or(hex) {
                    return Err(de::Error::custom("an MD5 has 32 hexadecimal digits"));
                }
            }
            "integrity_id" => self.rest.integrity_id = text(map, TEXT_CHARS_MAX)?,
            "encryption_key_ids" => self.rest.encryption_key_ids = texts(map, KEYS_MAX)?,
            "attachments" => self.rest.attachments = texts(map, ATTACHMENTS_MAX)?,
            _ => {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn finish(self, zone: &TimeZone) -> Sidecar {
        let mut out = self.rest;
        let minutes = self.utc_offset_min.and_then(|m| m.checked_mul(60));
        let fixed = minutes
            .and_then(|s| Offset::from_seconds(s).ok())
            .map(TimeZone::fixed);
        let zone = fixed.as_ref().unwrap_or(zone);
        let mut time = |at: Option<Moment>, shown: Option<jiff::civil::DateTime>, what: &str| {
            let resolved = shown.and_then(|t| resolve(t, zone).map(|(m, doubt)| (t, m, doubt)));
            match (at, resolved) {
                (Some(at), Some((_, by_clock, _)))
                    if at.ms_since(by_clock).abs() > super::attribution::START_TOLERANCE_MS =>
                {
                    out.notes.push(format!(
                        "the sidecar's {what} is {at}, and {by_clock} by its local time; the first stands"
                    ));
                    Some(at)
                }
                (Some(at), _) => Some(at),
                (None, Some((local, moment, doubt))) => {
                    out.notes
                        .extend(doubt.words(&format!("local time {local}")));
                    Some(moment)
                }
                (None, None) => None,
            }
        };
        let start = time(self.started_at, self.started_local, "start");
        let mut end = time(self.ended_at, self.ended_local, "end");
        if let (Some(from), Some(to)) = (start, end)
            && to < from
        {
            out.notes.push(format!(
                "the sidecar says it ended at {to}, before its start at {from}"
            ));
            end = None;
        }
        // Zeros only is what a recorder writes when nobody set the number.
        let set = |id: &String| !id.chars().all(|c| matches!(c, '0' | '-'));
        let device = self
            .device_id
            .filter(set)
            .or_else(|| out.device_serial.clone().filter(set));
        let important = |f: &&String| IMPORTANT.contains(&f.to_lowercase().as_str());
        let fields = [
            device.map(Field::Device),
            self.officer_id.filter(set).map(Field::Officer),
            start.map(Field::StartedAt),
            end.map(Field::EndedAt),
            self.sequence.map(Field::Sequence),
            out.flags
                .iter()
                .find(important)
                .map(|_| Field::Mark("important".into())),
            self.case_code.map(Field::CaseCode),
            self.remark.map(Field::Remark),
        ];
        let claim = |field| Claim {
            field,
            source: Source::Sidecar,
        };
        out.claims = fields.into_iter().flatten().map(claim).collect();
        out
    }
}

/// Text of at most `chars_max` characters, trimmed; `None` when it is `null` or blank.
fn text<'de, A: MapAccess<'de>>(map: &mut A, chars_max: usize) -> Result<Option<String>, A::Error> {
    match map.next_value::<Option<String>>()? {
        Some(value) => checked(&value, chars_max).map_err(de::Error::custom),
        None => Ok(None),
    }
}

/// At most `count_max` short texts; blank ones are left out.
fn texts<'de, A: MapAccess<'de>>(map: &mut A, count_max: usize) -> Result<Vec<String>, A::Error> {
    let values = map.next_value::<Option<Vec<String>>>()?.unwrap_or_default();
    if values.len() > count_max {
        let n = values.len();
        return Err(de::Error::custom(format!(
            "{n} entries, more than {count_max}"
        )));
    }
    let checked = values.iter().map(|v| checked(v, TEXT_CHARS_MAX));
    checked
        .filter_map(Result::transpose)
        .collect::<Result<_, _>>()
        .map_err(de::Error::custom)
}

fn checked(value: &str, chars_max: usize) -> Result<Option<String>, String> {
    let value = value.trim();
    if value.chars().count() > chars_max {
        return Err(format!("more than {chars_max} characters"));
    }
    // A remark may have several lines; nothing else that steers a terminal belongs into one.
    if value
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    {
        return Err("a control character".into());
    }
    Ok((!value.is_empty()).then(|| value.to_owned()))
}

fn instant<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<Moment>, A::Error> {
    let Some(value) = text(map, TEXT_CHARS_MAX)? else {
        return Ok(None);
    };
    let parsed = value.parse::<Timestamp>().map(|t| Some(t.into()));
    parsed.map_err(|_| {
        de::Error::custom("not a time with an offset, such as 2026-01-05T09:30:00+08:00")
    })
}

fn local<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<jiff::civil::DateTime>, A::Error> {
    let Some(value) = text(map, TEXT_CHARS_MAX)? else {
        return Ok(None);
    };
    read_local(&value)
        .map(Some)
        .ok_or_else(|| de::Error::custom("not a local time, such as 2026-01-05 09:30:00"))
}

#[cfg(test)]
mod tests;
