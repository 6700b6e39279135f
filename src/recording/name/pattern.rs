//! One pattern of the file-name grammar, from its text to what the matcher walks over.
//!
//! A pattern that parses is small (see the limits below), names no field twice, and its time is
//! either complete or absent. Errors name the column, counted in characters from 1.

use super::GrammarReason as Reason;

/// Characters in one pattern. A file name has at most 255 bytes.
pub(super) const PATTERN_CHARS_MAX: usize = 255;

/// Literals, placeholders and optional parts in one pattern. The longest name in use has ten; the
/// bound keeps matching cheap (see `matching`).
pub(super) const NODES_MAX: usize = 48;

/// Optional parts within optional parts.
const DEPTH_MAX: usize = 4;

/// What a placeholder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Slot {
    Device,
    Officer,
    Date,
    Time,
    DateTime,
    DateTimeMs,
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    EpochS,
    EpochMs,
    EndDate,
    EndTime,
    EndDateTime,
    Sequence,
    Mark,
    Digits,
    Any,
    Ext,
}

impl Slot {
    pub(super) const ALL: [(&'static str, Self); 22] = [
        ("device", Self::Device),
        ("officer", Self::Officer),
        ("date", Self::Date),
        ("time", Self::Time),
        ("datetime", Self::DateTime),
        ("datetime_ms", Self::DateTimeMs),
        ("year", Self::Year),
        ("month", Self::Month),
        ("day", Self::Day),
        ("hour", Self::Hour),
        ("minute", Self::Minute),
        ("second", Self::Second),
        ("epoch_s", Self::EpochS),
        ("epoch_ms", Self::EpochMs),
        ("end_date", Self::EndDate),
        ("end_time", Self::EndTime),
        ("end_datetime", Self::EndDateTime),
        ("sequence", Self::Sequence),
        ("mark", Self::Mark),
        ("digits", Self::Digits),
        ("any", Self::Any),
        ("ext", Self::Ext),
    ];

    /// Whether a pattern may hold it more than once: what is not kept cannot contradict itself.
    const fn repeats(self) -> bool {
        matches!(self, Self::Any | Self::Digits)
    }

    /// Whether `{slot:N}` makes sense: the others have a width of their own.
    const fn takes_width(self) -> bool {
        matches!(
            self,
            Self::Device | Self::Officer | Self::Sequence | Self::Mark | Self::Digits | Self::Any
        )
    }

    /// Names for the same piece of the start; at most one of each group stands in a pattern.
    const fn pieces(self) -> u8 {
        const Y: u8 = 1;
        const MO: u8 = 2;
        const D: u8 = 4;
        const H: u8 = 8;
        const MI: u8 = 16;
        const S: u8 = 32;
        match self {
            Self::Date => Y | MO | D,
            Self::Time => H | MI | S,
            Self::DateTime | Self::DateTimeMs | Self::EpochS | Self::EpochMs => 63,
            Self::Year => Y,
            Self::Month => MO,
            Self::Day => D,
            Self::Hour => H,
            Self::Minute => MI,
            Self::Second => S,
            _ => 0,
        }
    }
}

/// One step of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// These bytes; ASCII letters in either case, because FAT changes it.
    Literal(Vec<u8>),
    /// A value; with a width, of exactly that many characters.
    Slot(Slot, Option<usize>),
    /// The following `usize` nodes may be absent.
    Optional(usize),
}

/// A pattern, one list of nodes for each part of the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    /// Folder parts and, last, the base name. One entry: the base name alone counts.
    pub(super) parts: Vec<Vec<Node>>,
    /// Whether it began with `**/`: any folders may stand before the first part.
    pub(super) anywhere: bool,
}

/// Where a pattern is wrong, and how.
type Wrong = (usize, Reason);

impl Pattern {
    /// Parses one pattern; on failure the column in characters from 1, and the reason.
    pub(super) fn parse(text: &str) -> Result<Self, Wrong> {
        let chars: Vec<char> = text.chars().collect();
        if chars.is_empty() {
            return Err((1, Reason::Empty));
        }
        if chars.len() > PATTERN_CHARS_MAX {
            return Err((PATTERN_CHARS_MAX + 1, Reason::TooLong));
        }
        let mut parser = Parser {
            chars,
            at: 0,
            nodes: 0,
            seen: Vec::new(),
        };
        let anywhere = parser.chars.starts_with(&['*', '*', '/']);
        if anywhere {
            parser.at = 3;
        }
        let mut parts = Vec::new();
        loop {
            let begin = parser.at;
            let part = parser.sequence(0)?;
            if part.is_empty() {
                return Err((begin + 1, Reason::EmptyPart));
            }
            parts.push(part);
            match parser.peek() {
                None => break,
                Some(_) => parser.at += 1,
            }
        }
        parser.check_times()?;
        Ok(Self { parts, anywhere })
    }

    /// Whether it is matched against the path and not against the base name alone.
    pub(super) fn has_folder(&self) -> bool {
        self.anywhere || self.parts.len() > 1
    }
}

struct Parser {
    chars: Vec<char>,
    at: usize,
    nodes: usize,
    /// Every placeholder that is kept, with the column it stands at.
    seen: Vec<(Slot, usize)>,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn count_node(&mut self, column: usize) -> Result<(), Wrong> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            Err((column, Reason::TooManyParts))
        } else {
            Ok(())
        }
    }

    /// Everything up to `/`, `]` or the end.
    fn sequence(&mut self, depth: usize) -> Result<Vec<Node>, Wrong> {
        let mut out: Vec<Node> = Vec::new();
        // Whether the last node is a literal of this very list, and not the end of an optional
        // part, whose node count a longer literal would falsify.
        let mut grows = false;
        while let Some(c) = self.peek() {
            let column = self.at + 1;
            match c {
                '/' if depth > 0 => return Err((column, Reason::FolderInOptional)),
                '/' => break,
                ']' if depth > 0 => break,
                ']' | '}' => return Err((column, Reason::Unopened(c))),
                '[' => {
                    if depth == DEPTH_MAX {
                        return Err((column, Reason::TooDeep));
                    }
                    self.count_node(column)?;
                    self.at += 1;
                    let inner = self.sequence(depth + 1)?;
                    if self.peek() != Some(']') {
                        return Err((column, Reason::Unclosed('[')));
                    }
                    if inner.is_empty() {
                        return Err((column, Reason::EmptyOptional));
                    }
                    self.at += 1;
                    out.push(Node::Optional(inner.len()));
                    out.extend(inner);
                }
                '{' => {
                    self.count_node(column)?;
                    let (slot, width, optional) = self.placeholder()?;
                    if optional {
                        self.count_node(column)?;
                        out.push(Node::Optional(1));
                    }
                    out.push(Node::Slot(slot, width));
                }
                _ => {
                    let literal = match c {
                        '\\' => {
                            self.at += 1;
                            match self.peek() {
                                Some(c @ ('{' | '}' | '[' | ']' | '\\' | '*')) => c,
                                _ => return Err((column, Reason::Escape)),
                            }
                        }
                        '*' => return Err((column, Reason::Star)),
                        '\0' => return Err((column, Reason::Zero)),
                        c => c,
                    };
                    self.at += 1;
                    let mut utf8 = [0; 4];
                    let bytes = literal.encode_utf8(&mut utf8).as_bytes();
                    match out.last_mut() {
                        Some(Node::Literal(held)) if grows => held.extend(bytes),
                        _ => {
                            self.count_node(column)?;
                            out.push(Node::Literal(bytes.to_vec()));
                        }
                    }
                    grows = true;
                    continue;
                }
            }
            grows = false;
        }
        Ok(out)
    }

    /// `{name}`, `{name?}` or `{name:N}`.
    fn placeholder(&mut self) -> Result<(Slot, Option<usize>, bool), Wrong> {
        let column = self.at + 1;
        let rest = &self.chars[self.at + 1..];
        let Some(length) = rest
            .iter()
            .position(|c| matches!(c, '{' | '}' | '[' | ']' | '/'))
        else {
            return Err((column, Reason::Unclosed('{')));
        };
        if rest[length] != '}' {
            return Err((column, Reason::Unclosed('{')));
        }
        let text: String = rest[..length].iter().collect();
        self.at += length + 2;
        let (text, optional) = match text.strip_suffix('?') {
            Some(t) => (t, true),
            None => (text.as_str(), false),
        };
        let (name, width) = match text.split_once(':') {
            Some((name, width)) => (name, Some(width)),
            None => (text, None),
        };
        let Some((_, slot)) = Slot::ALL.into_iter().find(|(n, _)| *n == name) else {
            let near = crate::base::nearest::nearest(name, Slot::ALL.iter().map(|(n, _)| *n));
            return Err((
                column,
                Reason::Unknown {
                    name: name.to_owned(),
                    near,
                },
            ));
        };
        let width = match width.map(str::parse::<usize>) {
            None => None,
            Some(Ok(n)) if slot.takes_width() && (1..=64).contains(&n) => Some(n),
            Some(_) => return Err((column, Reason::Width)),
        };
        if !slot.repeats() {
            let clash = self
                .seen
                .iter()
                .find(|(s, _)| *s == slot || s.pieces() & slot.pieces() != 0);
            if clash.is_some() {
                return Err((column, Reason::Twice(name.to_owned())));
            }
            self.seen.push((slot, column));
        }
        Ok((slot, width, optional))
    }

    /// A clock time without its day, or half a clock time, would be dropped in silence later.
    fn check_times(&self) -> Result<(), Wrong> {
        let pieces = self.seen.iter().fold(0, |all, (s, _)| all | s.pieces());
        let column = |wanted: u8| {
            self.seen
                .iter()
                .find(|(s, _)| s.pieces() & wanted != 0)
                .map_or(1, |(_, c)| *c)
        };
        let (day, clock) = (pieces & 7, pieces & 56);
        if day != 0 && day != 7 {
            return Err((column(7), Reason::HalfDate));
        }
        if clock != 0 && (day != 7 || clock & 24 != 24) {
            return Err((column(56), Reason::HalfTime));
        }
        let has = |slot: Slot| self.seen.iter().find(|(s, _)| *s == slot).map(|(_, c)| *c);
        if let Some(c) = has(Slot::EndDateTime)
            && (has(Slot::EndDate).is_some() || has(Slot::EndTime).is_some())
        {
            return Err((c, Reason::Twice("end_datetime".into())));
        }
        if let Some(c) = has(Slot::EndDate)
            && has(Slot::EndTime).is_none()
        {
            return Err((c, Reason::HalfTime));
        }
        if let Some(c) = has(Slot::EndTime)
            && has(Slot::EndDate).is_none()
            && clock == 0
        {
            return Err((c, Reason::HalfTime));
        }
        Ok(())
    }
}
