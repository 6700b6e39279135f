//! Whose turn it is tonight. Every original is re-read once in a cycle of days; which day is its
//! own follows from its digest alone, so that nothing has to be remembered, and what is admitted
//! or disposed of in between moves nobody else.
//!
//! Digests are as good as evenly drawn. So the slices are even too: of n originals in a cycle of
//! c days, a slice has n/c, give or take √(n/c), which is one per cent at ten thousand a day.

use crate::base::Digest;

/// Days in the longest cycle: each original is re-read at least three times in the three months
/// that it must be kept at the least.
pub const CYCLE_DAYS_MAX: u32 = 30;

/// Those of `all` whose turn is on `day`, counted in days from any fixed date. In any
/// `cycle_days` days on end every digest has exactly one turn. `cycle_days` is taken as 1 to
/// [`CYCLE_DAYS_MAX`].
///
/// A night that makes up for days on which none ran takes the slice of each of them. The digests
/// of one slice follow each other: given in order, they are one stretch of `all`, and lie in
/// neighbouring drawers.
pub fn slice_of(
    day: i64,
    cycle_days: u32,
    all: impl Iterator<Item = Digest>,
) -> impl Iterator<Item = Digest> {
    let cycle = cycle_days.clamp(1, CYCLE_DAYS_MAX);
    let turn = day.rem_euclid(i64::from(cycle));
    all.filter(move |digest| i64::from(turn_of(digest, cycle)) == turn)
}

/// The stretch of heads (the first 32 bits of a digest) whose turn is on `day`: from the first up
/// to the one that is no longer of it, if there is one. The same as [`slice_of`], for who has the
/// digests in order.
#[must_use]
pub fn stretch_of(day: i64, cycle_days: u32) -> (u32, Option<u32>) {
    let cycle = u64::from(cycle_days.clamp(1, CYCLE_DAYS_MAX));
    let turn = day.rem_euclid(cycle as i64) as u64;
    // The least head for which head * cycle / 2^32 is at least the turn.
    let first_of = |turn: u64| u32::try_from((turn << 32).div_ceil(cycle));
    (first_of(turn).unwrap_or(u32::MAX), first_of(turn + 1).ok())
}

/// The day of a cycle, from 0, on which a digest has its turn: its head as a fraction of all
/// that a head can be, in `cycle` equal parts.
fn turn_of(digest: &Digest, cycle: u32) -> u32 {
    let b = digest.as_bytes();
    let head = u32::from_be_bytes([b[0], b[1], b[2], b[3]]);
    // head / 2^32 * cycle, which is less than cycle.
    ((u64::from(head) * u64::from(cycle)) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::hashing::sha256;

    fn drawn(count: u32) -> Vec<Digest> {
        (0..count).map(|n| sha256(&n.to_be_bytes())).collect()
    }

    fn slice(day: i64, cycle: u32, all: &[Digest]) -> Vec<Digest> {
        slice_of(day, cycle, all.iter().copied()).collect()
    }

    proptest! {
        /// Whatever the digests (also such as nobody draws), the cycle and the day on which one
        /// begins to look: each has one turn in a cycle, and the next one a cycle later.
        #[test]
        fn everybody_has_exactly_one_turn_in_any_cycle(
            all in vec(any::<[u8; 32]>().prop_map(Digest::new), 0..200),
            edge in any::<[u8; 28]>(),
            cycle in 1..=CYCLE_DAYS_MAX,
            from in i64::MIN..i64::MAX - 100,
        ) {
            let mut all = all;
            for head in [[0; 4], [255; 4]] {
                let mut bytes = [0; 32];
                bytes[..4].copy_from_slice(&head);
                bytes[4..].copy_from_slice(&edge);
                all.push(Digest::new(bytes));
            }
            all.sort_unstable();
            all.dedup();
            let span = i64::from(cycle);
            let mut turns: Vec<Digest> =
                (from..from + span).flat_map(|day| slice(day, cycle, &all)).collect();
            turns.sort_unstable();
            prop_assert_eq!(&turns, &all);
            prop_assert_eq!(slice(from, cycle, &all), slice(from + span, cycle, &all));
        }

        /// The stretch of a day holds its digests and no others, edges included.
        #[test]
        fn a_stretch_is_the_slice(
            day in any::<i64>(), cycle in 1..=CYCLE_DAYS_MAX, drawn in any::<u32>(),
        ) {
            let (from, to) = stretch_of(day, cycle);
            let edges = [from, from.wrapping_sub(1), to.unwrap_or(0), to.unwrap_or(0).wrapping_sub(1)];
            for head in edges.into_iter().chain([drawn, 0, u32::MAX]) {
                let mut bytes = [0; 32];
                bytes[..4].copy_from_slice(&head.to_be_bytes());
                let digest = Digest::new(bytes);
                let within = head >= from && to.is_none_or(|to| head < to);
                prop_assert_eq!(slice(day, cycle, &[digest]) == [digest], within, "{}", head);
            }
        }

        /// Who comes or goes moves nobody else: a turn is a matter of one digest.
        #[test]
        fn a_turn_does_not_depend_on_the_others(
            all in vec(any::<[u8; 32]>().prop_map(Digest::new), 1..100),
            cycle in 1..=CYCLE_DAYS_MAX,
            day in any::<i64>(),
        ) {
            let one_by_one: Vec<Digest> =
                all.iter().flat_map(|d| slice(day, cycle, &[*d])).collect();
            prop_assert_eq!(slice(day, cycle, &all), one_by_one);
        }
    }

    /// Even within four standard deviations, which is four per cent of 10,000 a day, for every
    /// length of a cycle; and a few originals never pile up on one day.
    #[test]
    fn the_slices_are_even() {
        let all = drawn(300_000);
        for cycle in 1..=CYCLE_DAYS_MAX {
            let mut counts = vec![0_i64; cycle as usize];
            for digest in &all {
                counts[turn_of(digest, cycle) as usize] += 1;
            }
            let mean = all.len() as f64 / f64::from(cycle);
            for (day, count) in counts.iter().enumerate() {
                let off = (*count as f64 - mean).abs();
                assert!(off <= 4.0 * mean.sqrt(), "{cycle}, {day}: {count}");
            }
        }
        let few = drawn(200);
        let largest = (0..30).map(|day| slice(day, 30, &few).len()).max();
        assert!(largest <= Some(16), "{largest:?}");
    }

    /// In order, a slice is one stretch: nothing before its first or after its last is of it.
    #[test]
    fn a_slice_is_one_stretch_of_the_ordered_digests() {
        let mut all = drawn(2_000);
        all.sort_unstable();
        let in_turn: Vec<Digest> = (0..30).flat_map(|day| slice(day, 30, &all)).collect();
        assert_eq!(in_turn, all);
    }

    /// A cycle that nobody should ask for still leaves nobody out.
    #[test]
    fn a_cycle_is_one_to_thirty_days() {
        let all = drawn(1_000);
        assert_eq!(slice(-7, 0, &all), all);
        assert_eq!(slice(5, 31, &all), slice(5, 30, &all));
        assert_eq!(slice(5, u32::MAX, &all), slice(5, 30, &all));
    }
}
