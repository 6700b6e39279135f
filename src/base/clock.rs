//! Time is a parameter. A [`Moment`] is a whole number of milliseconds since 1970-01-01T00:00:00Z;
//! it is what events and rows store. Nothing below the command line reads a clock but through
//! [`Clock`], so that a test can hold time still.

use std::{fmt, sync::OnceLock};

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// An instant in milliseconds since the Unix epoch, serialised as an integer.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Moment(i64);

impl Moment {
    /// The instant `ms` milliseconds after the epoch.
    #[must_use]
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// The instant `s` seconds after the epoch; saturates at the ends of the range.
    #[must_use]
    pub const fn from_s(s: i64) -> Self {
        Self(s.saturating_mul(1_000))
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn as_ms(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded towards the past.
    #[must_use]
    pub const fn as_s(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// This instant moved by `ms` milliseconds (which may be negative); saturates.
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to `self`; negative when `earlier` is later.
    #[must_use]
    pub const fn ms_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// As a `jiff` timestamp. A moment outside jiff's years (−9999 to 9999) is clamped to its ends.
    #[must_use]
    pub fn timestamp(self) -> Timestamp {
        Timestamp::from_millisecond(self.0).unwrap_or(if self.0 < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        })
    }

    /// `2026-11-23 14:05:06 +08:00` in `zone`.
    #[must_use]
    pub fn in_zone(self, zone: &TimeZone) -> String {
        self.timestamp()
            .to_zoned_datetime(zone.clone())
            .strftime("%Y-%m-%d %H:%M:%S %:z")
            .to_string()
    }

    /// The civil date in `zone`, as `2026-11-23`.
    #[must_use]
    pub fn day_in_zone(self, zone: &TimeZone) -> String {
        self.timestamp()
            .to_zoned_datetime(zone.clone())
            .strftime("%Y-%m-%d")
            .to_string()
    }
}

impl From<Timestamp> for Moment {
    fn from(t: Timestamp) -> Self {
        Self(t.as_millisecond())
    }
}

/// RFC 3339 in UTC.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.timestamp())
    }
}

/// How long a machine has been up. Unlike the wall clock nobody can set it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SinceBoot {
    /// Which boot of the machine.
    pub boot: [u8; 16],
    /// Milliseconds since then, sleep included.
    pub ms: i64,
}

/// Where the present comes from.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Moment;
    /// How long the machine has been up.
    fn since_boot(&self) -> SinceBoot;
}

/// The machine's wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        Timestamp::now().into()
    }
    fn since_boot(&self) -> SinceBoot {
        use rustix::time::{ClockId, clock_gettime};
        let at = clock_gettime(ClockId::Boottime);
        let ms = at.tv_sec.saturating_mul(1_000);
        SinceBoot {
            boot: boot_id(),
            ms: ms.saturating_add(at.tv_nsec / 1_000_000),
        }
    }
}

/// The kernel's random id of this boot, read once: no process outlives its boot. Where it cannot be
/// read every boot looks alike; the compliance clock then tells them apart by boot time going back.
fn boot_id() -> [u8; 16] {
    static READ: OnceLock<[u8; 16]> = OnceLock::new();
    *READ.get_or_init(read_boot_id)
}

fn read_boot_id() -> [u8; 16] {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(digits.as_bytes());
    bytes
        .ok()
        .and_then(|b| b.try_into().ok())
        .unwrap_or_default()
}

/// A clock that stands still, for tests.
#[derive(Clone, Copy, Debug)]
pub struct FixedClock(pub Moment);

impl Clock for FixedClock {
    fn now(&self) -> Moment {
        self.0
    }
    fn since_boot(&self) -> SinceBoot {
        SinceBoot::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_round_towards_the_past_also_before_1970() {
        for (ms, s) in [
            (0, 0),
            (999, 0),
            (1_000, 1),
            (-1, -1),
            (-1_000, -1),
            (-1_001, -2),
        ] {
            assert_eq!(Moment::from_ms(ms).as_s(), s, "{ms} ms");
        }
    }

    #[test]
    fn a_moment_beyond_the_calendar_is_clamped_not_a_panic() {
        assert!(Moment::from_ms(i64::MAX).to_string().starts_with("9999-"));
        assert!(Moment::from_ms(i64::MIN).to_string().starts_with("-"));
    }
}
