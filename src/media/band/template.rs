//! What the band says: a text with placeholders, filled for one second of one recording.

use std::{fmt, str::FromStr};

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{BandError, Payload};
use crate::base::{Moment, RecordingId};

/// What may stand in braces.
pub(super) const PLACEHOLDERS: [&str; 5] = ["device", "officer", "officer_name", "id", "time"];

/// Lines that a band can have room for.
const LINES_MAX: usize = 4;

/// Two spaces and more part what may stand on lines of its own in a narrow band.
pub(super) const GAP: &str = "  ";

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Device,
    Officer,
    OfficerName,
    Id,
    Time,
}

/// A checked text with placeholders `{device}`, `{officer}`, `{officer_name}`, `{id}`, `{time}`;
/// `{{` and `}}` are the braces themselves. One to four lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    source: String,
    lines: Vec<Vec<Part>>,
}

/// Whose recording it is and when it began.
#[derive(Clone, Debug)]
pub struct Mark {
    /// The recorder's number, where known.
    pub device: Option<String>,
    /// The officer's number, where known.
    pub officer: Option<String>,
    /// The officer's name, where known.
    pub officer_name: Option<String>,
    /// The recording.
    pub id: RecordingId,
    /// Wall-clock time of the first presented instant (PTS 0); none when unknown or suspect.
    pub start: Option<Moment>,
    /// The zone that wall-clock time is shown in.
    pub zone: TimeZone,
}

impl Mark {
    /// What the codes say at `pts_ms`; what lies before the start counts as the start. A start outside 1970 to 2106 does not fit the code and
    /// cannot be a recorder's, so it counts as unproven, as no start does.
    #[must_use]
    pub fn payload(&self, pts_ms: i64) -> Payload {
        // Decided by the start alone, so that one recording never changes from one to the other.
        let proven = self
            .start
            .filter(|start| u32::try_from(start.as_s()).is_ok());
        let start = proven.unwrap_or(Moment::from_ms(0));
        let since = start.plus_ms(pts_ms).as_s() - start.as_s();
        Payload {
            id: self.id,
            start: start.as_s().clamp(0, i64::from(u32::MAX)) as u32,
            elapsed: proven.is_none(),
            since: since.clamp(0, i64::from(u32::MAX)) as u32,
        }
    }

    fn time(&self, payload: Payload) -> String {
        let s = payload.second();
        if payload.elapsed {
            let (h, m, s) = (s / 3_600, s / 60 % 60, s % 60);
            format!("clock unverified{GAP}{h:02}:{m:02}:{s:02}")
        } else {
            Moment::from_s(i64::from(s)).in_zone(&self.zone)
        }
    }
}

impl Template {
    /// Its lines for one second of a recording. Characters that cannot be seen or that turn the
    /// direction of writing are left out, so that no name can rearrange the line.
    #[must_use]
    pub(super) fn fill(&self, mark: &Mark, payload: Payload) -> Vec<String> {
        let known = |value: &Option<String>, otherwise: &str| {
            let seen = value.as_deref().map(visible).unwrap_or_default();
            if seen.is_empty() {
                otherwise.to_owned()
            } else {
                seen
            }
        };
        let fill = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Device => known(&mark.device, "device unknown"),
            Part::Officer => known(&mark.officer, "officer unknown"),
            Part::OfficerName => known(&mark.officer_name, ""),
            Part::Id => mark.id.to_string(),
            Part::Time => mark.time(payload),
        };
        let line = |parts: &Vec<Part>| parts.iter().map(fill).collect::<String>().trim().to_owned();
        self.lines.iter().map(line).collect()
    }
}

/// The characters of a value that can be seen, on one line.
fn visible(value: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c,
                '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
    };
    // A tab or a line break in a name parts words, so it becomes a space rather than nothing.
    let spaced: String = value
        .chars()
        .filter_map(|c| match c {
            c if c.is_whitespace() => Some(' '),
            c if hidden(c) => None,
            c => Some(c),
        })
        .collect();
    spaced
        .split(' ')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

impl Default for Template {
    /// Device and officer above, recording and time below.
    fn default() -> Self {
        let text = |s: &str| Part::Text(s.to_owned());
        Self {
            source: "{device}  {officer} {officer_name}\n{id}  {time}".to_owned(),
            lines: vec![
                vec![
                    Part::Device,
                    text(GAP),
                    Part::Officer,
                    text(" "),
                    Part::OfficerName,
                ],
                vec![Part::Id, text(GAP), Part::Time],
            ],
        }
    }
}

impl FromStr for Template {
    type Err = BandError;

    fn from_str(source: &str) -> Result<Self, BandError> {
        let lines: Vec<_> = source.trim_end_matches('\n').split('\n').collect();
        if lines.len() > LINES_MAX || source.trim().is_empty() {
            let n = if source.trim().is_empty() {
                0
            } else {
                lines.len()
            };
            return Err(BandError::LineCount(n));
        }
        let mut at = 0;
        let mut parsed = Vec::with_capacity(lines.len());
        for line in lines {
            parsed.push(parse_line(line, at)?);
            at += line.chars().count() + 1;
        }
        Ok(Self {
            source: source.to_owned(),
            lines: parsed,
        })
    }
}

/// The parts of a line that begins at character `at` of the template.
fn parse_line(line: &str, at: usize) -> Result<Vec<Part>, BandError> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut chars = line.chars().enumerate().peekable();
    while let Some((i, c)) = chars.next() {
        let doubled = matches!(c, '{' | '}') && chars.peek().is_some_and(|(_, next)| *next == c);
        match c {
            '{' | '}' if doubled => {
                chars.next();
                text.push(c);
            }
            '{' => {
                let mut name = String::new();
                loop {
                    match chars.next() {
                        Some((_, '}')) => break,
                        Some((_, c)) if c != '{' => name.push(c),
                        _ => return Err(BandError::BraceUnmatched(at + i + 1)),
                    }
                }
                if !text.is_empty() {
                    parts.push(Part::Text(visible_text(&text)));
                    text.clear();
                }
                parts.push(match name.as_str() {
                    "device" => Part::Device,
                    "officer" => Part::Officer,
                    "officer_name" => Part::OfficerName,
                    "id" => Part::Id,
                    "time" => Part::Time,
                    _ => return Err(BandError::PlaceholderUnknown(name)),
                });
            }
            '}' => return Err(BandError::BraceUnmatched(at + i + 1)),
            c => text.push(c),
        }
    }
    if !text.is_empty() {
        parts.push(Part::Text(visible_text(&text)));
    }
    Ok(parts)
}

/// Like [`visible`], but the template's own spaces stay as they were written.
fn visible_text(text: &str) -> String {
    text.split(' ').map(visible).collect::<Vec<_>>().join(" ")
}

impl TryFrom<String> for Template {
    type Error = BandError;
    fn try_from(source: String) -> Result<Self, BandError> {
        source.parse()
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.source
    }
}

/// The template as it was written.
impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn mark() -> Mark {
        Mark {
            device: Some("DSJ-2041".into()),
            officer: Some("0457".into()),
            officer_name: Some("李明".into()),
            id: RecordingId::new([0xa5; 10]),
            start: Some(
                "2026-11-23T06:05:06.700Z"
                    .parse::<jiff::Timestamp>()
                    .unwrap()
                    .into(),
            ),
            zone: TimeZone::get("Asia/Shanghai").unwrap(),
        }
    }

    fn filled(template: &Template, mark: &Mark, pts_ms: i64) -> Vec<String> {
        template.fill(mark, mark.payload(pts_ms))
    }

    #[test]
    fn the_default_says_who_which_and_when() {
        let m = mark();
        let id = m.id.to_string();
        assert_eq!(
            Template::default(),
            Template::default().to_string().parse().unwrap()
        );
        // 06.7 s and 0.3 s later begins the next second.
        for (pts, time) in [
            (0, "14:05:06"),
            (299, "14:05:06"),
            (300, "14:05:07"),
            (-701, "14:05:06"), // nothing is shown before the first instant
        ] {
            assert_eq!(
                filled(&Template::default(), &m, pts),
                [
                    "DSJ-2041  0457 李明".to_owned(),
                    format!("{id}  2026-11-23 {time} +08:00")
                ],
            );
        }
    }

    #[test]
    fn an_unproven_clock_is_never_written_as_time_of_day() {
        let template: Template = "{time}".parse().unwrap();
        let far = Some(Moment::from_s(i64::from(u32::MAX) + 5));
        let before_1970 = Some(Moment::from_s(-5));
        for start in [None, far, before_1970] {
            let m = Mark { start, ..mark() };
            assert_eq!(
                filled(&template, &m, 754_999),
                ["clock unverified  00:12:34"]
            );
            assert_eq!(
                m.payload(754_999),
                Payload {
                    id: m.id,
                    start: 0,
                    elapsed: true,
                    since: 754,
                }
            );
            assert_eq!(m.payload(-1).second(), 0);
        }
    }

    #[test]
    fn what_is_not_known_is_said() {
        let m = Mark {
            device: None,
            officer: Some(" \u{200b}".into()),
            officer_name: None,
            ..mark()
        };
        assert_eq!(
            filled(&Template::default(), &m, 0)[0],
            "device unknown  officer unknown"
        );
    }

    #[test]
    fn a_value_cannot_rearrange_the_line() {
        let template: Template = "{device}|{officer_name}".parse().unwrap();
        let m = Mark {
            device: Some("\u{202e}4\n5\u{1b}[31m\t6\0".into()),
            officer_name: Some("{time}\u{2066}".into()),
            ..mark()
        };
        assert_eq!(filled(&template, &m, 0), ["4 5[31m 6|{time}"]);
    }

    #[test]
    fn a_wrong_template_is_refused_by_name_and_place() {
        let parse = |s: &str| s.parse::<Template>().map(|_| ());
        assert_eq!(
            parse("{who}"),
            Err(BandError::PlaceholderUnknown("who".into()))
        );
        assert_eq!(
            parse("{}"),
            Err(BandError::PlaceholderUnknown(String::new()))
        );
        assert_eq!(parse("{id}\nab{id"), Err(BandError::BraceUnmatched(8)));
        assert_eq!(parse("a}b"), Err(BandError::BraceUnmatched(2)));
        assert_eq!(parse("a\nb\nc\nd\ne"), Err(BandError::LineCount(5)));
        assert_eq!(parse(" \n "), Err(BandError::LineCount(0)));
        let braces: Template = "{{{id}}}".parse().unwrap();
        assert_eq!(filled(&braces, &mark(), 0), [format!("{{{}}}", mark().id)]);
    }

    #[test]
    fn a_template_is_checked_when_configuration_is_read() {
        let read = |s: &str| serde_json::from_str::<Template>(s);
        assert_eq!(read(r#""{id}""#).unwrap(), "{id}".parse().unwrap());
        assert!(
            read(r#""{nope}""#)
                .unwrap_err()
                .to_string()
                .contains("'{nope}'")
        );
    }
}
