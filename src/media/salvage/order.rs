//! In which order pictures are shown that a recorder wrote in the order of decoding (ITU-T H.264, 8.2.1;
//! ITU-T H.265, 8.3.1).

use super::units::Slice;

/// Behind so many pictures one is shown at the latest: a decoder holds no more (A.3.1).
const BEHIND_MAX: usize = 16;

/// The rank of each picture among those that are shown.
pub(super) fn ranks(pictures: impl Iterator<Item = Slice>) -> Vec<u32> {
    let mut places: Vec<(usize, i64)> = Vec::new();
    let (mut run, mut high, mut before) = (0_usize, 0_i64, (0_i64, 0_i64));
    for (n, slice) in pictures.enumerate() {
        if slice.fresh && n > 0 {
            run += 1;
            (high, before) = (0, (0, 0));
        }
        let place = match slice.place {
            Some((low, count)) => {
                let (low, count) = (i64::from(low), i64::from(count));
                let (last_high, last_low) = before;
                if n > 0 && !slice.fresh {
                    high = match low - last_low {
                        d if d < 0 && -d >= count / 2 => last_high + count,
                        d if d > count / 2 => last_high - count,
                        _ => last_high,
                    };
                }
                if slice.reference {
                    before = (high, low);
                }
                high + low
            }
            // Shown as they are decoded.
            None => n as i64,
        };
        places.push((run, place));
    }
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by_key(|n| places.get(*n).copied());
    let mut ranks = vec![0; places.len()];
    for (rank, n) in order.into_iter().enumerate() {
        if let Some(of) = ranks.get_mut(n) {
            *of = u32::try_from(rank).unwrap_or(u32::MAX);
        }
    }
    let far = |(n, rank): (usize, &u32)| n.abs_diff(*rank as usize) > BEHIND_MAX;
    if ranks.iter().enumerate().any(far) {
        // Whatever these bits are, they are no order of showing.
        return (0..ranks.len() as u32).collect();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(fresh: bool, reference: bool, place: u32) -> Slice {
        Slice {
            first: true,
            fresh,
            reference,
            place: Some((place, 16)),
            ..Slice::default()
        }
    }

    #[test]
    fn pictures_are_shown_by_their_place_and_places_count_on_beyond_their_bits() {
        let all = [
            slice(true, true, 0),
            slice(false, true, 6),
            slice(false, false, 2),
            slice(false, false, 4),
            slice(false, true, 12),
            slice(false, false, 8),
            slice(false, false, 10),
            // 18, by four bits.
            slice(false, true, 2),
            slice(false, false, 14),
            slice(false, false, 0),
            slice(true, true, 0),
            slice(false, true, 4),
            slice(false, false, 2),
        ];
        let shown = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8, 10, 12, 11];
        assert_eq!(ranks(all.into_iter()), shown);
    }

    #[test]
    fn what_tells_no_place_or_none_that_a_decoder_could_hold_is_shown_as_it_comes() {
        let plain = |n: u32| Slice {
            fresh: n == 0,
            ..Slice::default()
        };
        assert_eq!(ranks((0..4).map(plain)), [0, 1, 2, 3]);
        let mad = (0..40).map(|n| Slice {
            place: Some((4_000 - n, 1 << 16)),
            ..plain(n)
        });
        assert_eq!(ranks(mad), (0..40).collect::<Vec<_>>());
    }
}
