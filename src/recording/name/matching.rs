//! Matching one part of a path against one part of a pattern.
//!
//! Backtracking with a memory of what failed: every pair (node, position) is tried once, and a
//! part of a path has at most 255 bytes, so the work is bounded by nodes × 255 × the longest
//! value, whatever the name. The first match in reading order wins: optional parts are first
//! tried as present, values first as long as they can be.

use std::ops::Range;

use super::pattern::{Node, Slot};
use super::times::{YEARS, date, epoch_year, number, time};

/// Bytes in one part of a path. A longer one is none that a file system here can hold, and is
/// matched by nothing.
pub(super) const PART_BYTES_MAX: usize = 255;

/// Characters in a device's or an officer's identifier. GB/T 28181 numbers have 20.
const IDENTIFIER_CHARS_MAX: usize = 32;

/// Digits in a sequence number: a recorder's counter has four to eight.
const SEQUENCE_DIGITS_MAX: usize = 10;

/// Letters in a mark.
const MARK_CHARS_MAX: usize = 8;

/// Letters and digits in a file-name extension.
const EXT_CHARS_MAX: usize = 5;

/// What the slots of a pattern hold: byte ranges of the part.
pub(super) type Captures = Vec<(Slot, Range<usize>)>;

/// Matches the whole of `part`; `None` when it does not fit.
pub(super) fn match_part(nodes: &[Node], part: &[u8]) -> Option<Captures> {
    if part.len() > PART_BYTES_MAX {
        return None;
    }
    let mut walk = Walk {
        nodes,
        part,
        failed: vec![false; (nodes.len() + 1) * (part.len() + 1)],
    };
    let mut captures = Vec::new();
    walk.fits(0, 0, &mut captures).then(|| {
        captures.reverse();
        captures
    })
}

struct Walk<'a> {
    nodes: &'a [Node],
    part: &'a [u8],
    failed: Vec<bool>,
}

impl Walk<'_> {
    /// Whether the nodes from `node` on fit the bytes from `at` on; captures come last first.
    /// Recursion is as deep as the pattern is long.
    fn fits(&mut self, node: usize, at: usize, captures: &mut Captures) -> bool {
        let Some(step) = self.nodes.get(node) else {
            return at == self.part.len();
        };
        let memo = node * (self.part.len() + 1) + at;
        if self.failed[memo] {
            return false;
        }
        let found = match step {
            Node::Literal(bytes) => {
                let end = at + bytes.len();
                self.part
                    .get(at..end)
                    .is_some_and(|p| p.eq_ignore_ascii_case(bytes))
                    && self.fits(node + 1, end, captures)
            }
            Node::Optional(length) => {
                let after = node + 1 + length;
                self.fits(node + 1, at, captures) || self.fits(after, at, captures)
            }
            Node::Slot(slot, width) => {
                let (slot, part) = (*slot, self.part);
                lengths(slot, *width, &part[at..])
                    .into_iter()
                    .rev()
                    .any(|length| {
                        let range = at..at + length;
                        let fits = accepts(slot, &part[range.clone()])
                            && self.fits(node + 1, range.end, captures);
                        if fits {
                            captures.push((slot, range));
                        }
                        fits
                    })
            }
        };
        if !found {
            self.failed[memo] = true;
        }
        found
    }
}

/// The lengths in bytes that a value at the head of `rest` can have, ascending.
fn lengths(slot: Slot, width: Option<usize>, rest: &[u8]) -> Vec<usize> {
    let run = |wanted: fn(&u8) -> bool, max: usize| -> usize {
        rest.iter().take(max).take_while(|b| wanted(b)).count()
    };
    let digits = |n: usize| -> Vec<usize> {
        if run(u8::is_ascii_digit, n) == n {
            vec![n]
        } else {
            Vec::new()
        }
    };
    let up_to = |n: usize| -> Vec<usize> {
        match width {
            Some(w) if w <= n => vec![w],
            Some(_) => Vec::new(),
            None => (1..=n).collect(),
        }
    };
    match slot {
        Slot::Device | Slot::Officer => {
            let max = width
                .unwrap_or(IDENTIFIER_CHARS_MAX)
                .min(IDENTIFIER_CHARS_MAX);
            let ends: Vec<usize> = identifier_ends(rest).take(max).collect();
            match width {
                Some(w) => ends.get(w - 1).copied().into_iter().collect(),
                None => ends,
            }
        }
        Slot::Date | Slot::EndDate => digits(8),
        Slot::Time | Slot::EndTime => digits(6),
        Slot::DateTime | Slot::EndDateTime => digits(14),
        Slot::DateTimeMs => digits(17),
        Slot::Year => digits(4),
        Slot::Month | Slot::Day | Slot::Hour | Slot::Minute | Slot::Second => digits(2),
        Slot::EpochS => digits(10),
        Slot::EpochMs => digits(13),
        Slot::Sequence => up_to(run(u8::is_ascii_digit, SEQUENCE_DIGITS_MAX)),
        Slot::Mark => up_to(run(u8::is_ascii_uppercase, MARK_CHARS_MAX)),
        Slot::Digits => up_to(run(u8::is_ascii_digit, PART_BYTES_MAX)),
        Slot::Any => up_to(rest.len()),
        Slot::Ext => up_to(run(u8::is_ascii_alphanumeric, EXT_CHARS_MAX)),
    }
}

/// Where each character of the identifier at the head of `rest` ends: ASCII letters, digits and
/// dashes, and Chinese characters.
fn identifier_ends(rest: &[u8]) -> impl Iterator<Item = usize> {
    let valid = rest.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    valid
        .char_indices()
        .take_while(|(_, c)| c.is_ascii_alphanumeric() || *c == '-' || is_han(*c))
        .map(|(i, c)| i + c.len_utf8())
}

const fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{323af}')
}

/// What a value must be beyond its letters, so that nonsense is not taken for a value.
fn accepts(slot: Slot, value: &[u8]) -> bool {
    let at = |range: Range<usize>| number(value.get(range).unwrap_or_default());
    let day = || date(at(0..4), at(4..6), at(6..8)).is_some();
    let clock = |from: usize| {
        time(
            at(from..from + 2),
            at(from + 2..from + 4),
            at(from + 4..from + 6),
        )
        .is_some()
    };
    match slot {
        // A word without a digit is a word: `holiday_beach_20260101_120000.mp4`.
        Slot::Device => value.iter().any(u8::is_ascii_digit) && no_dash_ends(value),
        Slot::Officer => {
            value.iter().any(|b| b.is_ascii_digit() || !b.is_ascii()) && no_dash_ends(value)
        }
        Slot::Date | Slot::EndDate => day(),
        Slot::Time | Slot::EndTime => clock(0),
        Slot::DateTime | Slot::EndDateTime | Slot::DateTimeMs => day() && clock(8),
        Slot::Year => YEARS.contains(&at(0..4)),
        Slot::Month => (1..=12).contains(&at(0..2)),
        Slot::Day => (1..=31).contains(&at(0..2)),
        Slot::Hour => at(0..2) < 24,
        Slot::Minute | Slot::Second => at(0..2) < 60,
        Slot::EpochS => epoch_year(at(0..10).checked_mul(1_000)),
        Slot::EpochMs => epoch_year(Some(at(0..13))),
        Slot::Sequence | Slot::Mark | Slot::Digits | Slot::Any | Slot::Ext => true,
    }
}

fn no_dash_ends(value: &[u8]) -> bool {
    value.first() != Some(&b'-') && value.last() != Some(&b'-')
}
