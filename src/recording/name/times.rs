//! From the digits of a name to instants.

use jiff::{civil, tz::TimeZone};

use super::{Held, pattern::Slot};
use crate::base::{Moment, civil::resolve};

/// Years that a recorder's name can mean. A clock that lost its battery shows 1980 or 2000, which
/// is a claim and later a finding; the year 3000 is no date.
pub(super) const YEARS: std::ops::RangeInclusive<i64> = 1980..=2099;

/// A time and whether the base name alone gave it.
pub(super) type Timed = Option<(Moment, bool)>;

/// Start, end and notes; `None` when the pieces make no date, so that the pattern does not fit.
pub(super) fn times(held: &[Held<'_>], zone: &TimeZone) -> Option<(Timed, Timed, Vec<String>)> {
    let (mut start_day, mut end_day) = (Pieces::default(), Pieces::default());
    let (mut epoch_ms, mut start_base, mut end_base) = (None, true, true);
    for h in held {
        let n = |range: std::ops::Range<usize>| Some(number(h.text.get(range).unwrap_or_default()));
        let pieces = match h.slot {
            Slot::EndDate | Slot::EndTime | Slot::EndDateTime => &mut end_day,
            _ => &mut start_day,
        };
        match h.slot {
            Slot::Date | Slot::EndDate => pieces.set_day(n(0..4), n(4..6), n(6..8)),
            Slot::Time | Slot::EndTime => pieces.set_clock(n(0..2), n(2..4), n(4..6)),
            Slot::DateTime | Slot::DateTimeMs | Slot::EndDateTime => {
                pieces.set_day(n(0..4), n(4..6), n(6..8));
                pieces.set_clock(n(8..10), n(10..12), n(12..14));
                pieces.ms = n(14..17).unwrap_or(0);
            }
            Slot::Year => pieces.year = n(0..4),
            Slot::Month => pieces.month = n(0..2),
            Slot::Day => pieces.day = n(0..2),
            Slot::Hour => pieces.hour = n(0..2),
            Slot::Minute => pieces.minute = n(0..2),
            Slot::Second => pieces.second = n(0..2),
            Slot::EpochS => epoch_ms = number(h.text).checked_mul(1_000),
            Slot::EpochMs => epoch_ms = Some(number(h.text)),
            _ => continue,
        }
        match h.slot {
            Slot::EndDate | Slot::EndTime | Slot::EndDateTime => end_base &= h.in_base,
            _ => start_base &= h.in_base,
        }
    }
    let mut notes = Vec::new();
    let mut moment = |day: civil::Date, clock: civil::Time, ms: i64| {
        let local = day.to_datetime(clock);
        let (moment, doubt) = resolve(local, zone)?;
        notes.extend(doubt.words(&format!("local time {local}")));
        Some(moment.plus_ms(ms))
    };
    let start_date = start_day.date()?;
    let start_clock = start_day.clock();
    let start = match (epoch_ms, start_date, start_clock) {
        (Some(ms), _, _) => Some(Moment::from_ms(ms)),
        (None, Some(day), Some(clock)) => Some(moment(day, clock, start_day.ms)?),
        // A day alone is no instant.
        _ => None,
    };
    let end = match (end_day.date()?, end_day.clock()) {
        (Some(day), Some(clock)) => Some(moment(day, clock, 0)?),
        (None, Some(clock)) => match start {
            Some(from) => {
                let local = zone.to_datetime(from.timestamp());
                let past_midnight = clock < local.time();
                let day = local.date();
                let day = if past_midnight {
                    day.tomorrow().ok()?
                } else {
                    day
                };
                Some(moment(day, clock, 0)?)
            }
            None => None,
        },
        _ => None,
    };
    if let (Some(from), Some(to)) = (start, end)
        && to < from
    {
        notes.push(format!(
            "the name says it ended at {to}, before its start at {from}"
        ));
        return Some((Some((from, start_base)), None, notes));
    }
    let end_base = end_base && (end_day.year.is_some() || start_base);
    Some((
        start.map(|m| (m, start_base)),
        end.map(|m| (m, end_base)),
        notes,
    ))
}

/// Pieces of a local time.
#[derive(Default)]
struct Pieces {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    hour: Option<i64>,
    minute: Option<i64>,
    second: Option<i64>,
    ms: i64,
}

impl Pieces {
    fn set_day(&mut self, year: Option<i64>, month: Option<i64>, day: Option<i64>) {
        (self.year, self.month, self.day) = (year, month, day);
    }
    fn set_clock(&mut self, hour: Option<i64>, minute: Option<i64>, second: Option<i64>) {
        (self.hour, self.minute, self.second) = (hour, minute, second);
    }
    /// The day, if all its pieces are there; `None` when they make no day of the calendar.
    #[allow(clippy::option_option)]
    fn date(&self) -> Option<Option<civil::Date>> {
        match (self.year, self.month, self.day) {
            (Some(y), Some(m), Some(d)) => date(y, m, d).map(Some),
            _ => Some(None),
        }
    }
    fn clock(&self) -> Option<civil::Time> {
        time(self.hour?, self.minute?, self.second.unwrap_or(0))
    }
}

/// A day of the calendar within [`YEARS`].
pub(super) fn date(year: i64, month: i64, day: i64) -> Option<civil::Date> {
    if !YEARS.contains(&year) {
        return None;
    }
    let (y, m, d) = (
        year.try_into().ok()?,
        month.try_into().ok()?,
        day.try_into().ok()?,
    );
    civil::Date::new(y, m, d).ok()
}

/// A time of day; second 60 is none that a recorder shows.
pub(super) fn time(hour: i64, minute: i64, second: i64) -> Option<civil::Time> {
    let (h, m, s) = (
        hour.try_into().ok()?,
        minute.try_into().ok()?,
        second.try_into().ok()?,
    );
    if second > 59 {
        None
    } else {
        civil::Time::new(h, m, s, 0).ok()
    }
}

/// The number that a few ASCII digits spell; 0 for none, saturating.
pub(super) fn number(digits: &[u8]) -> i64 {
    i64::try_from(number_of(digits)).unwrap_or(i64::MAX)
}

pub(super) fn number_of(digits: &[u8]) -> u64 {
    digits.iter().fold(0_u64, |n, b| {
        n.saturating_mul(10)
            .saturating_add(u64::from(b.wrapping_sub(b'0').min(9)))
    })
}

/// Whether an instant in milliseconds since 1970 lies in a year that a name can mean.
pub(super) fn epoch_year(ms: Option<i64>) -> bool {
    ms.is_some_and(|ms| {
        YEARS.contains(&i64::from(
            TimeZone::UTC
                .to_datetime(Moment::from_ms(ms).timestamp())
                .year(),
        ))
    })
}
