//! The file-name grammar: what a recorder's file names say, by patterns out of the configuration.
//!
//! Names are bytes. A pattern either fits a name as a whole or says nothing; of several patterns
//! the first that fits speaks. A pattern without `/` is matched against the base name and is a
//! claim of the file name; one with `/` against the whole path below the inbox, and what it takes
//! from a folder is a claim of the folder. Both may speak about one file. What is not a date, a
//! clock time or an identifier is not taken for one, and an identifier of zeros only is what a
//! recorder writes when nobody set it: it claims nothing. Matching never fails and is bounded
//! (see `matching`); only [`Grammar::parse`] fails, and it names pattern and column.
//!
//! # Syntax
//!
//! | text | stands for |
//! |---|---|
//! | `{device}`, `{officer}` | 1–32 ASCII letters, digits, dashes and Chinese characters; a device has a digit, an officer a digit or a Chinese character |
//! | `{date}` `{time}` | `YYYYMMDD`, `HHMMSS`, local to the configured zone; real dates of 1980–2099 |
//! | `{datetime}` `{datetime_ms}` | `YYYYMMDDHHMMSS`, with three more digits for milliseconds |
//! | `{year}` `{month}` `{day}` `{hour}` `{minute}` `{second}` | the same in pieces, two digits each (the year four) |
//! | `{epoch_s}` `{epoch_ms}` | 10 or 13 digits since 1970, UTC |
//! | `{end_date}` `{end_time}` `{end_datetime}` | when it ended; without a date, within a day after the start |
//! | `{sequence}` | the recorder's file number, 1–10 digits |
//! | `{mark}` | the recorder's own "important" mark, 1–8 capital letters |
//! | `{digits}` `{any}` | digits or bytes that are not kept |
//! | `{ext}` | 1–5 letters and digits |
//! | `{x:4}` | exactly four characters of `device`, `officer`, `sequence`, `mark`, `digits`, `any` |
//! | `[...]`, `{x?}` | a part, or one value, that may be absent |
//! | `**/` at the beginning | any folders |
//! | `\{ \} \[ \] \* \\` | the character itself; any other text is itself, ASCII letters in either case |

mod defaults;
mod matching;
mod pattern;
mod times;

use jiff::tz::TimeZone;

use super::{Claim, Field, Source};
use crate::base::{ErrorKind, Explain, limits};
pub use defaults::{DEFAULT_FOLDERS, DEFAULT_PATTERNS};
use pattern::{Pattern, Slot};
use times::{number_of, times};

/// Patterns in one grammar: more than any mixed fleet has, few enough to try on every file.
pub const PATTERNS_MAX: usize = 64;

/// Why a pattern is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrammarReason {
    /// Nothing in it.
    #[error("the pattern is empty")]
    Empty,
    /// More characters than a name can have.
    #[error("the pattern is longer than {} characters", pattern::PATTERN_CHARS_MAX)]
    TooLong,
    /// More pieces than matching is bounded for.
    #[error("the pattern has more than {} pieces", pattern::NODES_MAX)]
    TooManyParts,
    /// More patterns than are tried on every file.
    #[error("there are more than {PATTERNS_MAX} patterns")]
    TooManyPatterns,
    /// `//`, or `/` at an end.
    #[error("a folder or file name in the pattern is empty")]
    EmptyPart,
    /// `[]`.
    #[error("the optional part is empty")]
    EmptyOptional,
    /// `[a/b]`.
    #[error("an optional part cannot hold `/`")]
    FolderInOptional,
    /// Optional parts within each other.
    #[error("optional parts stand too deep within each other")]
    TooDeep,
    /// A bracket that nothing opened.
    #[error("`{0}` closes nothing; write `\\{0}` for the character itself")]
    Unopened(char),
    /// A bracket that nothing closes.
    #[error("`{0}` is not closed; write `\\{0}` for the character itself")]
    Unclosed(char),
    /// A backslash before an ordinary character.
    #[error("`\\` stands only before {{ }} [ ] * and itself")]
    Escape,
    /// A star elsewhere than in `**/` at the beginning.
    #[error("`*` stands only in `**/` at the beginning; write {{any}} or `\\*`")]
    Star,
    /// A byte that no file name has.
    #[error("no file name holds a zero byte")]
    Zero,
    /// No such placeholder.
    #[error("unknown placeholder {{{name}}}{}", near.map(|n| format!(", did you mean {{{n}}}?")).unwrap_or_default())]
    Unknown {
        /// What was written.
        name: String,
        /// The placeholder that was probably meant.
        near: Option<&'static str>,
    },
    /// A width where there is none, or out of range.
    #[error(
        "a width is a number from 1 to 64, for device, officer, sequence, mark, digits and any"
    )]
    Width,
    /// A field, or a piece of the time, stands twice.
    #[error("{{{0}}} says again what the pattern already holds")]
    Twice(String),
    /// A year without month and day, or the like.
    #[error("a date needs year, month and day")]
    HalfDate,
    /// A clock time without a date, or hours without minutes.
    #[error("a time needs a date, hours and minutes")]
    HalfTime,
    /// A folder pattern without a folder, or the other way round.
    #[error("a folder pattern holds `/`, and a name pattern does not")]
    Folder,
}

/// A pattern that is refused: which, where and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("pattern {pattern}, column {column}: {reason}")]
pub struct GrammarError {
    /// Its number in the list, from 1.
    pub pattern: usize,
    /// The character at which it goes wrong, from 1.
    pub column: usize,
    /// What is wrong.
    pub reason: GrammarReason,
}

impl Explain for GrammarError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<String> {
        let names: Vec<String> = Slot::ALL.iter().map(|(n, _)| format!("{{{n}}}")).collect();
        matches!(self.reason, GrammarReason::Unknown { .. })
            .then(|| format!("the placeholders are {}", names.join(" ")))
    }
}

/// Several patterns, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grammar {
    patterns: Vec<Pattern>,
}

/// What a path says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The claims, each with its source.
    pub claims: Vec<Claim>,
    /// Sentences about times that the change of the clocks made doubtful, and the like.
    pub notes: Vec<String>,
}

impl Default for Grammar {
    /// [`DEFAULT_PATTERNS`], then [`DEFAULT_FOLDERS`].
    fn default() -> Self {
        let all = DEFAULT_PATTERNS.iter().chain(DEFAULT_FOLDERS);
        Self {
            patterns: all
                .filter_map(|(text, _)| Pattern::parse(text).ok())
                .collect(),
        }
    }
}

impl Grammar {
    /// Parses the patterns of a configuration; the first that is wrong is the error.
    pub fn parse(patterns: &[String]) -> Result<Self, GrammarError> {
        if patterns.len() > PATTERNS_MAX {
            let reason = GrammarReason::TooManyPatterns;
            return Err(GrammarError {
                pattern: PATTERNS_MAX + 1,
                column: 1,
                reason,
            });
        }
        let parsed: Result<Vec<_>, _> = patterns
            .iter()
            .enumerate()
            .map(|(i, text)| {
                Pattern::parse(text).map_err(|(column, reason)| GrammarError {
                    pattern: i + 1,
                    column,
                    reason,
                })
            })
            .collect();
        Ok(Self { patterns: parsed? })
    }

    /// Which of the patterns, by their numbers from 1, are matched against folders.
    #[must_use]
    pub fn folder_patterns(&self) -> Vec<usize> {
        let folders = self
            .patterns
            .iter()
            .enumerate()
            .filter(|(_, p)| p.has_folder());
        folders.map(|(i, _)| i + 1).collect()
    }

    /// What the path below the inbox says; times are local to `zone`.
    #[must_use]
    pub fn claims(&self, path: &[u8], zone: &TimeZone) -> Vec<Claim> {
        self.read(path, zone).claims
    }

    /// The same, with notes about doubtful times.
    #[must_use]
    pub fn read(&self, path: &[u8], zone: &TimeZone) -> Reading {
        let mut out = Reading::default();
        if path.len() > limits::NAME_BYTES_MAX {
            return out;
        }
        let parts: Vec<&[u8]> = path
            .split(|b| *b == b'/')
            .filter(|p| !p.is_empty())
            .collect();
        for folder in [false, true] {
            let numbered = self
                .patterns
                .iter()
                .zip(1_u32..)
                .filter(|(p, _)| p.has_folder() == folder);
            for (pattern, number) in numbered {
                if let Some(reading) = read_one(pattern, number, &parts, zone) {
                    out.claims.extend(reading.claims);
                    out.notes.extend(reading.notes);
                    break;
                }
            }
        }
        out
    }
}

/// A captured value: its text and whether it stood in the base name.
struct Held<'a> {
    slot: Slot,
    text: &'a [u8],
    in_base: bool,
}

/// One pattern's word on a path, or `None` when it does not fit.
fn read_one(pattern: &Pattern, number: u32, parts: &[&[u8]], zone: &TimeZone) -> Option<Reading> {
    let wanted = pattern.parts.len();
    let skipped = parts.len().checked_sub(wanted)?;
    if skipped > 0 && pattern.has_folder() && !pattern.anywhere {
        return None;
    }
    let mut held = Vec::new();
    for (i, (nodes, part)) in pattern.parts.iter().zip(&parts[skipped..]).enumerate() {
        for (slot, range) in matching::match_part(nodes, part)? {
            held.push(Held {
                slot,
                text: &part[range],
                in_base: i + 1 == wanted,
            });
        }
    }
    let (start, end, notes) = times(&held, zone)?;
    let mut out = Reading {
        claims: Vec::new(),
        notes,
    };
    let mut claim = |field: Field, in_base: bool| {
        let source = if in_base {
            Source::FileName(number)
        } else {
            Source::Folder
        };
        out.claims.push(Claim { field, source });
    };
    let get = |slot: Slot| held.iter().find(|h| h.slot == slot);
    let text = |h: &Held<'_>| String::from_utf8_lossy(h.text).into_owned();
    if let Some(h) = get(Slot::Device).filter(|h| is_set(h.text)) {
        claim(Field::Device(text(h)), h.in_base);
    }
    if let Some(h) = get(Slot::Officer).filter(|h| is_set(h.text)) {
        claim(Field::Officer(text(h)), h.in_base);
    }
    if let Some((moment, in_base)) = start {
        claim(Field::StartedAt(moment), in_base);
    }
    if let Some((moment, in_base)) = end {
        claim(Field::EndedAt(moment), in_base);
    }
    if let Some(h) = get(Slot::Sequence) {
        claim(Field::Sequence(number_of(h.text)), h.in_base);
    }
    if let Some(h) = get(Slot::Mark) {
        claim(Field::Mark(text(h)), h.in_base);
    }
    Some(out)
}

/// Whether an identifier is more than the zeros that an unset recorder writes.
fn is_set(text: &[u8]) -> bool {
    text.iter().any(|b| !matches!(b, b'0' | b'-'))
}

#[cfg(test)]
mod tests;
