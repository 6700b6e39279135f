//! A recorder numbers its files one after another. A number that never came is a recording that nobody
//! handed in, or that somebody took away before the night (clauses 4.1, 4.8.1).
//!
//! Only what lies between two files that are there can be missed: whether a recorder begins each day with
//! 1 is learnt from it, and what it wrote behind its last file nobody can tell.

use crate::base::{Moment, RecordingId};

/// Numbers in a row beyond which a recorder rather counts anew, or was named anew.
const HOLE_MAX: u64 = 200;
/// Files that begin within so many milliseconds may be numbered the other way round: one was closed late.
const APART_MS: i64 = 10 * 60_000;

/// One file of a recorder, in its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Numbered {
    /// When it began.
    pub start: Moment,
    /// The recorder's number for it. A photo or a log may share a video's.
    pub number: u64,
    /// Which recording it is.
    pub id: RecordingId,
}

/// Numbers that are not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hole {
    /// The first of them.
    pub first: u64,
    /// The last of them.
    pub last: u64,
    /// The file that came before.
    pub after: Numbered,
    /// The file that comes next.
    pub before: Numbered,
}

/// The holes in the row of one recorder, in order of time. A row that goes back begins a new count; its
/// beginning is held against 1 where another count of this recorder began so.
#[must_use]
pub fn holes(mut row: Vec<Numbered>) -> Vec<Hole> {
    row.sort_unstable();
    let begins_anew =
        |a: &Numbered, b: &Numbered| b.number < a.number && b.start.ms_since(a.start) > APART_MS;
    let mut counts: Vec<Vec<Numbered>> = row
        .chunk_by(|a, b| !begins_anew(a, b))
        .map(<[_]>::to_vec)
        .collect();
    for count in &mut counts {
        count.sort_by_key(|n| n.number);
    }
    let begins_with = |count: &[Numbered]| count.first().map_or(0, |n| n.number);
    let from_one = counts.iter().skip(1).any(|c| begins_with(c) <= 1);
    let mut found = Vec::new();
    let mut before_it: Option<Numbered> = None;
    for count in &counts {
        if let (Some(after), Some(before)) = (before_it, count.first())
            && from_one
        {
            found.extend(between(0, after, *before));
        }
        for pair in count.windows(2) {
            if let [after, before] = pair {
                found.extend(between(after.number, *after, *before));
            }
        }
        before_it = count.iter().max_by_key(|n| n.start).copied();
    }
    found
}

/// The numbers behind `number` and before the next file's.
fn between(number: u64, after: Numbered, before: Numbered) -> Option<Hole> {
    let first = number.checked_add(1)?;
    let last = before.number.checked_sub(1)?;
    let missed = last.checked_sub(first)?;
    (missed < HOLE_MAX).then_some(Hole {
        first,
        last,
        after,
        before,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The holes of a row of numbers, one an hour from a morning on; `/` is another day.
    fn found(row: &str) -> Vec<(u64, u64)> {
        let mut all = Vec::new();
        for (day, numbers) in row.split('/').enumerate() {
            for (hour, number) in numbers.split_whitespace().enumerate() {
                let s = i64::try_from(day * 24 + hour).unwrap_or(0) * 3_600;
                all.push(Numbered {
                    start: Moment::from_s(1_772_000_000 + s),
                    number: number.parse().unwrap_or(0),
                    id: RecordingId::new([u8::try_from(all.len()).unwrap_or(0); 10]),
                });
            }
        }
        all.reverse();
        holes(all).iter().map(|h| (h.first, h.last)).collect()
    }

    #[test]
    fn what_lies_between_two_numbers_that_are_there_is_missed() {
        for (row, expected) in [
            ("1 2 3 4", vec![]),
            ("1 2 4", vec![(3, 3)]),
            ("7 11 12 14", vec![(8, 10), (13, 13)]),
            // Photos and logs share the number of a video.
            ("1 1 2 2 4 4", vec![(3, 3)]),
            // A count that goes on over the days, and one that begins anew.
            ("1 2 / 3 4 / 6", vec![(5, 5)]),
            ("1 2 3 / 1 2 / 1 3", vec![(2, 2)]),
            ("1 2 3 / 1 2 / 3 4", vec![]),
            ("1 2 3 4 / 1 2 3 / 2 3", vec![(1, 1)]),
            // Nobody knows where this one begins, and this one is named anew.
            ("8 9 / 3 4", vec![]),
            ("1 2 / 5000 5001", vec![]),
            ("", vec![]),
            ("5", vec![]),
        ] {
            assert_eq!(found(row), expected, "{row}");
        }
    }

    #[test]
    fn files_that_begin_together_may_be_numbered_either_way() {
        let at = |s: i64, number: u64| Numbered {
            start: Moment::from_s(1_772_000_000 + s),
            number,
            id: RecordingId::new([0; 10]),
        };
        let row = vec![at(0, 1), at(60, 3), at(90, 2), at(600, 4)];
        assert_eq!(holes(row), []);
    }
}
