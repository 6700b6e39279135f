//! The office's calendar: so many months or days on, to the last instant of that local day.
//!
//! - A calendar month ends on the day of the same number. A day that does not exist rolls on to
//!   the next that does, and never back: 30 November and three months is 1 March. Likewise a day
//!   that a time zone skipped as a whole (Apia had no 30 December 2011).
//! - A day lasts as long as the office's clocks show it, whether that is 23, 24 or 25 hours, and
//!   whether or not they ever show midnight. Where they show a day, leave it and come back to it,
//!   the last time counts.
//! - Every doubt is resolved towards the later instant: what is kept a day too long can still be
//!   removed, what was removed a day too early cannot be kept.
//!
//! Beyond the calendar's years (−9999 to 9999) there is no answer, and callers keep.

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};

use crate::base::Moment;

/// Days that a zone may skip in a row and still have an answer. One was skipped when a place
/// crossed the date line; a zone that skips more is a broken table, and then we keep.
const SKIPPED_DAYS_MAX: u32 = 3;

/// How far from a day's naive UTC boundaries its local ones can lie: zones are at most 26 hours
/// from UTC, and two of those may meet in one change.
const OFFSET_S_MAX: i64 = 2 * 26 * 3_600;

const DAY_S: i64 = 86_400;

/// The last day of something kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastDay {
    /// The local day.
    pub day: Date,
    /// Its last millisecond: kept at this instant, free one millisecond later.
    pub ends: Moment,
    /// Whether the day of the same number did not exist, so that this is the next that does.
    pub rolled: bool,
}

/// The day `months` calendar months after the local day of `from`.
#[must_use]
pub fn months_on(from: Moment, months: u16, zone: &TimeZone) -> Option<LastDay> {
    let (day, rolled) = plus_months(local_day(from, zone)?, months)?;
    last_instant(day, rolled, zone)
}

/// The day `days` days after the local day of `from`.
#[must_use]
pub fn days_on(from: Moment, days: u16, zone: &TimeZone) -> Option<LastDay> {
    let mut day = local_day(from, zone)?;
    for _ in 0..days {
        day = day.tomorrow().ok()?;
    }
    last_instant(day, false, zone)
}

/// The day that calendars in `zone` show at an instant.
fn local_day(at: Moment, zone: &TimeZone) -> Option<Date> {
    // Not `Moment::timestamp`, which clamps: a date at the end of time is no date.
    let at = Timestamp::from_millisecond(at.as_ms()).ok()?;
    Some(zone.to_datetime(at).date())
}

/// The day of the same number so many months on, or the 1st of the month after, and whether it
/// is the latter. jiff would clamp to the last day of the month, which is earlier.
fn plus_months(day: Date, months: u16) -> Option<(Date, bool)> {
    let month = i32::from(day.year()) * 12 + i32::from(day.month()) - 1 + i32::from(months);
    let date = |month: i32, day| {
        let year = i16::try_from(month.div_euclid(12)).ok()?;
        Date::new(year, i8::try_from(month.rem_euclid(12) + 1).ok()?, day).ok()
    };
    match date(month, day.day()) {
        Some(day) => Some((day, false)),
        None => Some((date(month + 1, 1)?, true)),
    }
}

fn last_instant(mut day: Date, mut rolled: bool, zone: &TimeZone) -> Option<LastDay> {
    for _ in 0..=SKIPPED_DAYS_MAX {
        let (ends, exists) = end_of(day, zone)?;
        if exists {
            return Some(LastDay { day, ends, rolled });
        }
        (day, rolled) = (day.tomorrow().ok()?, true);
    }
    None
}

/// The last millisecond at which calendars in `zone` show `day` or one before, and whether they
/// ever show `day`.
///
/// Resolving "midnight of the day after" would not do: it may be skipped (São Paulo), lie inside
/// a gap (Toronto 1919), come twice as the end of this day (St John's) or twice as the beginning
/// of the next (Havana). So every stretch of one offset around the day is asked by itself.
fn end_of(day: Date, zone: &TimeZone) -> Option<(Moment, bool)> {
    let seconds = |at: DateTime| Some(TimeZone::UTC.to_timestamp(at).ok()?.as_second());
    let begin = seconds(day.to_datetime(jiff::civil::Time::midnight()))?;
    let end = begin + DAY_S;
    let from = Timestamp::from_second(begin - OFFSET_S_MAX).ok()?;
    let to = end + OFFSET_S_MAX;
    let changes = zone
        .following(from)
        .map(|change| (change.timestamp().as_second(), change.offset()))
        .take_while(|(at, _)| *at < to);
    let (mut last, mut exists) = (from.as_second(), false);
    let mut stretch = (from.as_second(), zone.to_offset(from));
    // The end of the window closes the last stretch; its own offset is never looked at.
    for next in changes.chain([(to, stretch.1)]) {
        let (since, offset) = (stretch.0, i64::from(stretch.1.seconds()));
        let until = next.0.min(end - offset);
        if until > since {
            last = last.max(until);
            exists |= until > since.max(begin - offset);
        }
        stretch = next;
    }
    Some((Moment::from_s(last).plus_ms(-1), exists))
}

#[cfg(test)]
mod tests;
