//! Who gets the cores at the end of a night, when fewer recordings are left than there are workers.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What may still want a worker, what is in hand included.
#[derive(Debug)]
pub(super) struct Ahead {
    files: AtomicU64,
    bytes: AtomicU64,
    /// One that outweighs all others is in hand, with the cores of those that no longer come.
    heavy: AtomicBool,
}

/// What a recording that begins now is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    /// What every one gets while there are enough of them.
    Even,
    /// The cores of those that no longer come as well.
    Wide,
    /// The same from long before the end: it will be the last to end, whenever it begins.
    Heavy,
}

impl Ahead {
    pub(super) fn of(files: u64, bytes: u64) -> Self {
        Self {
            files: AtomicU64::new(files),
            bytes: AtomicU64::new(bytes),
            heavy: AtomicBool::new(false),
        }
    }

    /// A recording of so many bytes begins.
    pub(super) fn begins(&self, bytes: u64, workers: usize) -> Share {
        let few = self.files.load(Ordering::Relaxed) <= workers as u64;
        let all = self.bytes.load(Ordering::Relaxed);
        let share = share(bytes, all, few, self.heavy.load(Ordering::Relaxed));
        if share == Share::Heavy {
            self.heavy.store(true, Ordering::Relaxed);
        }
        share
    }

    /// A file that took so many bytes is done with; `share` is none where it was no recording.
    pub(super) fn ended(&self, bytes: u64, share: Option<Share>) {
        if share == Some(Share::Heavy) {
            self.heavy.store(false, Ordering::Relaxed);
        }
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.files.fetch_sub(1, Ordering::Relaxed);
    }
}

fn share(bytes: u64, all: u64, few: bool, heavy: bool) -> Share {
    if bytes.saturating_mul(2) > all {
        Share::Heavy
    } else if few && !heavy {
        Share::Wide
    } else {
        // Beside a heavy one no core is idle: more threads would take turns on the same ones.
        Share::Even
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_get_the_cores_unless_a_heavy_one_has_them() {
        // Five of one size on two workers: even ones, and two wide ones at the end.
        let night = Ahead::of(5, 500);
        let mut shares = Vec::new();
        for _ in 0..5 {
            let share = night.begins(100, 2);
            shares.push(share);
            night.ended(100, Some(share));
        }
        let (even, wide, heavy) = (Share::Even, Share::Wide, Share::Heavy);
        assert_eq!(shares, [even, even, even, wide, heavy]);

        // One that outweighs the three others, which come while it lasts, and one of them behind it.
        let night = Ahead::of(4, 1_000);
        assert_eq!(night.begins(700, 2), heavy);
        for _ in 0..2 {
            assert_eq!(night.begins(100, 2), even);
            night.ended(100, Some(even));
        }
        night.ended(700, Some(heavy));
        assert_eq!(night.begins(100, 2), heavy);
    }

    #[test]
    fn beside_a_heavy_one_the_last_are_not_wide() {
        assert_eq!(share(100, 1_000, true, true), Share::Even);
        assert_eq!(share(100, 1_000, true, false), Share::Wide);
        assert_eq!(share(501, 1_000, false, false), Share::Heavy);
        assert_eq!(share(500, 1_000, false, false), Share::Even);
    }
}
