//! The part of a recording that is wanted. Where the file can be sought in, only that part is read;
//! where it cannot, everything before it is decoded and thrown away. Either way what is handed on
//! begins at nothing and ends where the part ends.

use crate::media::{protocol::Part, source::Source};

const MS: u64 = 1_000_000;

/// How much before a part reading begins.
const EARLY_NS: u64 = 1_000 * MS;

/// The part on the time of what comes out of the reading half, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    from_ns: u64,
    to_ns: Option<u64>,
}

/// Where something stands to a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Before it.
    Before,
    /// In it, so long after its beginning.
    Within(u64),
    /// At its end or behind it.
    Behind,
}

impl Window {
    /// Takes the source to where the part begins, if it can be taken there. Whether it was: then
    /// nothing that was read before belongs to the part.
    pub fn open(source: &Source, part: Part) -> (Self, bool) {
        let (from, to) = (
            part.from_ms.saturating_mul(MS),
            part.to_ms.saturating_mul(MS),
        );
        // From a little earlier on: a decoder moves a picture that is on when the part begins into the
        // part, though it was taken before.
        let early = from.min(EARLY_NS);
        if from > 0 && !part.in_a_row && source.seek(from.saturating_sub(early), to) {
            let length = to.saturating_sub(from);
            return (Self::of(early, early.saturating_add(length)), true);
        }
        (Self::of(from, to), false)
    }

    const fn of(from_ns: u64, to_ns: u64) -> Self {
        Self {
            from_ns,
            to_ns: Some(to_ns),
        }
    }

    /// Where an instant stands.
    #[must_use]
    pub fn place(&self, ns: u64) -> Place {
        match ns.checked_sub(self.from_ns) {
            None => Place::Before,
            Some(_) if self.to_ns.is_some_and(|to| ns >= to) => Place::Behind,
            Some(since) => Place::Within(since),
        }
    }

    /// What of a stretch lies within: where it begins after the window's beginning, how much of it is
    /// left out before that, and how much is in. Nothing when none of it does.
    #[must_use]
    pub fn part_of(&self, begin_ns: i64, length_ns: u64) -> Option<(u64, u64, u64)> {
        let (begin, length) = (i128::from(begin_ns), i128::from(length_ns));
        let from = i128::from(self.from_ns);
        let end = self
            .to_ns
            .map_or(begin + length, |to| i128::from(to).min(begin + length));
        let first = begin.max(from);
        let ns = |value: i128| u64::try_from(value).ok();
        let part = (ns(first - from)?, ns(first - begin)?, ns(end - first)?);
        (part.2 > 0 || length == 0).then_some(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_in_a_window_is_placed_after_its_beginning() {
        let all = Window::default();
        assert_eq!(all.place(7), Place::Within(7));
        assert_eq!(all.part_of(7, 3), Some((7, 0, 3)));
        assert_eq!(all.part_of(-2, 3), Some((0, 2, 1)));
        let some = Window::of(100, 200);
        for (ns, place) in [
            (99, Place::Before),
            (100, Place::Within(0)),
            (199, Place::Within(99)),
            (200, Place::Behind),
        ] {
            assert_eq!(some.place(ns), place, "{ns}");
        }
        for (begin, length, part) in [
            (0, 100, None),
            (0, 101, Some((0, 100, 1))),
            (90, 200, Some((0, 10, 100))),
            (150, 10, Some((50, 0, 10))),
            (195, 10, Some((95, 0, 5))),
            (200, 10, None),
            (-50, 200, Some((0, 150, 50))),
        ] {
            assert_eq!(some.part_of(begin, length), part, "{begin} {length}");
        }
    }
}
