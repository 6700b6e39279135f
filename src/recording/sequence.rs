//! A recorder numbers its files one after another. A number that never came is a recording that nobody
//! handed in, or that somebody took away before the night (clauses 4.1, 4.8.1).
//!
//! Photos and logs may share the numbers of videos or have a row of their own, and both are one row here: a
//! number that any file of the recorder bears within half a day is not missed.
//!
//! Only what lies between two files that are there can be missed: whether a recorder begins each day with
//! 1 is learnt from it, and what it wrote behind its last file nobody can tell.

use std::collections::BTreeSet;

use crate::base::{Moment, RecordingId};

/// Numbers in a row beyond which a recorder rather counts anew, or was named anew.
const HOLE_MAX: u64 = 200;
/// Files that begin within so many milliseconds may be numbered the other way round: one was closed late.
const APART_MS: i64 = 10 * 60_000;
/// How far from a hole a file may begin that closes it out of another row of the same recorder.
const NEAR_MS: i64 = 12 * 3_600_000;

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

/// The holes in the row of one recorder, in order of time; numbers that are `waiting` to be taken in are
/// none. A row that goes back begins a new count; its beginning is held against 1 where another count of
/// this recorder began so.
#[must_use]
pub fn holes(mut row: Vec<Numbered>, waiting: &BTreeSet<u64>) -> Vec<Hole> {
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
    let mut last_of_count: Option<Numbered> = None;
    for count in &counts {
        if let (Some(after), Some(before), true) = (last_of_count, count.first(), from_one) {
            found.extend(between(0, after, *before, &row, waiting));
        }
        for (after, before) in count.iter().zip(count.iter().skip(1)) {
            found.extend(between(after.number, *after, *before, &row, waiting));
        }
        last_of_count = count.iter().max_by_key(|n| n.start).copied();
    }
    found
}

/// What is missed of the numbers behind `number` and before the next file's.
fn between(
    number: u64,
    after: Numbered,
    before: Numbered,
    row: &[Numbered],
    waiting: &BTreeSet<u64>,
) -> Vec<Hole> {
    let numbers = number.saturating_add(1)..before.number;
    if numbers.end.saturating_sub(numbers.start) > HOLE_MAX {
        return Vec::new();
    }
    // The end of another count, of the day before, is no neighbour.
    let neighbour = if number == after.number {
        after
    } else {
        before
    };
    let begin = neighbour.start.min(before.start);
    let end = neighbour.start.max(before.start);
    let near = begin.plus_ms(-NEAR_MS)..=end.plus_ms(NEAR_MS);
    let there: BTreeSet<u64> = row
        .iter()
        .filter(|n| near.contains(&n.start))
        .map(|n| n.number)
        .collect();
    let missed: Vec<u64> = numbers
        .filter(|n| !there.contains(n) && !waiting.contains(n))
        .collect();
    let runs = missed.chunk_by(|a, b| a.saturating_add(1) == *b);
    let hole = |run: &[u64]| {
        Some(Hole {
            first: *run.first()?,
            last: *run.last()?,
            after,
            before,
        })
    };
    runs.filter_map(hole).collect()
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
        holes(all, &BTreeSet::new())
            .iter()
            .map(|h| (h.first, h.last))
            .collect()
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
        assert_eq!(holes(row, &BTreeSet::new()), []);
    }

    #[test]
    fn what_waits_or_stands_in_another_row_is_not_missed() {
        let at = |h: i64, number: u64| Numbered {
            start: Moment::from_s(1_772_000_000 + h * 3_600),
            number,
            id: RecordingId::new([0; 10]),
        };
        let found = |row: &[Numbered], waiting: &[u64]| -> Vec<(u64, u64)> {
            let waiting = waiting.iter().copied().collect();
            let all = holes(row.to_vec(), &waiting);
            all.iter().map(|h| (h.first, h.last)).collect()
        };
        let row = [at(0, 1), at(1, 7)];
        assert_eq!(found(&row, &[]), [(2, 6)]);
        assert_eq!(found(&row, &[4]), [(2, 3), (5, 6)]);
        assert_eq!(found(&row, &[2, 3, 4, 5, 6]), []);
        // Videos 1 to 3, and photos with numbers of their own, 1 to 5.
        let (videos, photos) = (
            [(0, 1), (2, 2), (7, 3)],
            [(1, 1), (3, 2), (4, 3), (5, 4), (8, 5)],
        );
        let both = videos.iter().chain(&photos).map(|(h, n)| at(*h, *n));
        assert_eq!(found(&both.collect::<Vec<_>>(), &[]), []);
        // The numbers of the largest row that there can be.
        assert_eq!(
            found(&[at(0, u64::MAX - 2), at(1, u64::MAX)], &[]),
            [(u64::MAX - 1, u64::MAX - 1)]
        );
        assert_eq!(found(&[at(0, 0), at(1, u64::MAX)], &[]), []);
    }
}
