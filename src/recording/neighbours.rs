//! A recorder cuts a long recording into pieces of one length that follow one another without a gap. A piece of
//! that length was not ended by a person: if the next file begins later, what lies between is not there
//! (clauses 4.1, 4.8.1). And no recorder writes two files at once: one that begins before the last has ended
//! has a clock that was set back, or a name that is not its own.
//!
//! Which length a recorder cuts at is learnt from its own files: pieces that do touch have it.
//!
//! Recorders keep the picture of the moments before their button was pressed, mostly without sound. Where
//! they are known to, a recording that begins with sound and is no piece behind another lacks them.

use crate::base::{Moment, RecordingId};

/// Pieces that touch the next one before their length is believed to be the recorder's own.
const TOUCHING_MIN: usize = 2;
/// Pieces end at the key frame behind their length, so no two are quite as long.
const LENGTH_OFF_MS: i64 = 2_000;
/// Shorter ones are presses of the button.
const LENGTH_MIN_MS: i64 = 10_000;
/// A recorder that writes nothing for longer was switched off at a cut, which happens.
const PARTED_MAX_MS: i64 = 10 * 60_000;

/// One recording of a recorder, with what it says of its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Piece {
    /// When it began.
    pub start: Moment,
    /// How long it is.
    pub length_ms: i64,
    /// The recorder's number for it, if it has one.
    pub number: Option<u64>,
    /// When there is sound first, from its beginning on; none without a sound in it.
    pub sound_from_ms: Option<i64>,
    /// Which recording it is.
    pub id: RecordingId,
}

impl Piece {
    fn end(&self) -> Moment {
        self.start.plus_ms(self.length_ms)
    }

    fn is_as_long_as(&self, length_ms: i64) -> bool {
        self.length_ms.abs_diff(length_ms) <= LENGTH_OFF_MS.unsigned_abs()
    }
}

/// Two neighbours that do not meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parted {
    /// The one that came before.
    pub after: Piece,
    /// The one that comes next.
    pub before: Piece,
    /// Milliseconds from the end of the one to the beginning of the next; negative where they overlap.
    pub gap_ms: i64,
}

/// Neighbours of one recorder that ought to touch and do not, in order of time. Instants that differ by
/// up to `apart_ms` are the same: names tell whole seconds.
#[must_use]
pub fn parted(mut pieces: Vec<Piece>, apart_ms: i64) -> Vec<Parted> {
    pieces.sort_unstable();
    let pairs: Vec<Parted> = (pieces.iter().zip(pieces.iter().skip(1)))
        // A number between them that is not there is a hole, which is told as one.
        .filter(|(a, b)| follows(a.number, b.number))
        .map(|(after, before)| Parted {
            after: *after,
            before: *before,
            gap_ms: before.start.ms_since(after.end()),
        })
        .collect();
    let touches = |p: &&Parted| p.gap_ms.abs() <= apart_ms && p.after.length_ms >= LENGTH_MIN_MS;
    let cut_at: Vec<i64> = pairs
        .iter()
        .filter(touches)
        .map(|p| p.after.length_ms)
        .collect();
    let was_cut = |piece: &Piece| {
        let alike = cut_at.iter().filter(|length| piece.is_as_long_as(**length));
        alike.count() >= TOUCHING_MIN
    };
    let is_parted = |p: &Parted| match p.gap_ms {
        gap if gap < -apart_ms => true,
        gap => gap > apart_ms && gap <= PARTED_MAX_MS && was_cut(&p.after),
    };
    pairs.into_iter().filter(is_parted).collect()
}

/// Recordings whose beginning is not the `pre_record_ms` of picture without sound that this recorder
/// keeps, in order of time. Pieces that touch the one before them have none.
#[must_use]
pub fn without_pre_record(mut pieces: Vec<Piece>, apart_ms: i64, pre_record_ms: i64) -> Vec<Piece> {
    pieces.sort_unstable();
    let before = std::iter::once(None).chain(pieces.iter().map(Some));
    let lacks = |(before, piece): (Option<&Piece>, &Piece)| {
        let goes_on = before.is_some_and(|b| piece.start.ms_since(b.end()) <= apart_ms);
        let sound_in_it = |from: i64| from < pre_record_ms.saturating_sub(apart_ms);
        (!goes_on && piece.sound_from_ms.is_some_and(sound_in_it)).then_some(*piece)
    };
    before.zip(&pieces).filter_map(lacks).collect()
}

/// Whether one file comes right behind another in their recorder's row, as far as their numbers tell.
fn follows(number: Option<u64>, next: Option<u64>) -> bool {
    match (number, next) {
        (Some(n), Some(next)) => n.checked_add(1) == Some(next),
        (None, None) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces that begin and end at these seconds, numbered in their order.
    fn pieces(spans: &[(i64, i64)]) -> Vec<Piece> {
        let piece = |(n, (begin, end)): (usize, &(i64, i64))| Piece {
            start: Moment::from_s(1_772_000_000 + begin),
            length_ms: (end - begin) * 1_000,
            number: Some(n as u64 + 1),
            sound_from_ms: None,
            id: RecordingId::new([u8::try_from(n).unwrap_or(0); 10]),
        };
        spans.iter().enumerate().map(piece).collect()
    }

    fn found(spans: &[(i64, i64)]) -> Vec<(u64, i64)> {
        let mut all = pieces(spans);
        all.reverse();
        let numbered = |p: &Parted| (p.before.number.unwrap_or(0), p.gap_ms / 1_000);
        parted(all, 2_000).iter().map(numbered).collect()
    }

    #[test]
    fn a_piece_as_long_as_those_that_touch_has_to_touch_the_next() {
        let row = [(0, 300), (300, 600), (601, 901), (942, 1_000)];
        assert_eq!(found(&row), [(4, 41)]);
        // Ended by a person: shorter than a piece, so nothing follows of itself.
        assert_eq!(found(&[(0, 300), (300, 600), (601, 880), (942, 1_000)]), []);
        // One pair that touches is no custom, and neither are presses of the button.
        assert_eq!(found(&[(0, 300), (300, 600), (641, 700)]), []);
        assert_eq!(found(&[(0, 5), (5, 10), (10, 15), (30, 35)]), []);
        // Switched off at a cut.
        assert_eq!(
            found(&[(0, 300), (300, 600), (600, 900), (9_000, 9_100)]),
            []
        );
        assert_eq!(found(&[]), []);
    }

    #[test]
    fn what_differs_by_less_than_names_tell_is_the_same_instant() {
        let row = [(0, 300), (302, 600), (598, 898), (900, 1_000)];
        assert_eq!(found(&row), []);
        assert_eq!(
            found(&[(0, 300), (300, 600), (600, 900), (903, 950)]),
            [(4, 3)]
        );
    }

    #[test]
    fn two_at_once_are_told_whatever_their_length() {
        assert_eq!(found(&[(0, 100), (60, 90)]), [(2, -40)]);
        assert_eq!(found(&[(0, 100), (98, 120)]), []);
    }

    #[test]
    fn sound_where_there_should_be_none_yet_is_a_missing_pre_record() {
        let lacking = |froms: &[Option<i64>]| -> Vec<u64> {
            let mut row = pieces(&[(0, 300), (300, 600), (900, 950), (2_000, 2_010)]);
            for (piece, from) in row.iter_mut().zip(froms) {
                piece.sound_from_ms = *from;
            }
            let all = without_pre_record(row, 2_000, 30_000);
            all.iter().filter_map(|p| p.number).collect()
        };
        // The second goes on where the first ended.
        assert_eq!(
            lacking(&[Some(30_000), Some(0), Some(29_000), None]),
            [0; 0]
        );
        assert_eq!(
            lacking(&[Some(0), Some(0), Some(27_900), Some(4_000)]),
            [1, 3, 4]
        );
    }

    #[test]
    fn what_has_other_numbers_between_is_no_neighbour() {
        let mut row = pieces(&[(0, 300), (300, 600), (600, 900), (941, 990)]);
        row[3].number = Some(9);
        assert_eq!(parted(row.clone(), 2_000), []);
        for piece in &mut row {
            piece.number = None;
        }
        assert_eq!(parted(row, 2_000).len(), 1);
    }
}
