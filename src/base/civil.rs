//! Times as a clock on the wall shows them. People and recorders write local time without an
//! offset; this is the one place that turns it into a [`Moment`], so that every reader of such a
//! time resolves a doubtful hour alike.
//!
//! A local time that a change of the clocks skipped or repeated is resolved in the "compatible"
//! way of RFC 5545 (a skipped one is moved forward by the gap, of a repeated one the first is
//! taken), and the caller is told so. Fails only on text that is not a time.

use jiff::{
    Timestamp,
    civil::{self, DateTime},
    tz::{AmbiguousOffset, TimeZone},
};

use super::Moment;

/// Whether a local time named exactly one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// It did.
    None,
    /// The clocks were put back over it: it happened twice, and the first was taken.
    Repeated,
    /// The clocks were put forward over it: it never happened, and it was moved forward.
    Skipped,
}

impl Doubt {
    /// The doubt as a sentence about `what`, or nothing where there is none.
    #[must_use]
    pub fn words(self, what: &str) -> Option<String> {
        match self {
            Self::None => None,
            Self::Repeated => Some(format!(
                "{what} happened twice when the clocks were put back; the first was taken"
            )),
            Self::Skipped => Some(format!(
                "{what} was skipped when the clocks were put forward; it was moved past the gap"
            )),
        }
    }
}

/// The instant at which clocks in `zone` show `at`; `None` beyond the ends of the calendar.
#[must_use]
pub fn resolve(at: DateTime, zone: &TimeZone) -> Option<(Moment, Doubt)> {
    let ambiguous = zone.to_ambiguous_timestamp(at);
    let doubt = match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { .. } => Doubt::None,
        AmbiguousOffset::Gap { .. } => Doubt::Skipped,
        AmbiguousOffset::Fold { .. } => Doubt::Repeated,
    };
    ambiguous.compatible().ok().map(|t| (t.into(), doubt))
}

/// Reads a time as people write it in a table: RFC 3339 with an offset, or local time in `zone`
/// as `2026-11-23 14:05` with or without seconds. `T` for the blank and, because spreadsheets
/// rewrite dates so, `2026/11/3 9:05` are taken too. `None` when the text is no such time.
#[must_use]
pub fn read_time(text: &str, zone: &TimeZone) -> Option<(Moment, Doubt)> {
    let text = text.trim();
    if let Ok(t) = text.parse::<Timestamp>() {
        return Some((t.into(), Doubt::None));
    }
    resolve(read_local(text)?, zone)
}

/// Reads a local time, in the forms of [`read_time`], without resolving it.
#[must_use]
pub fn read_local(text: &str) -> Option<DateTime> {
    let (date, time) = text.trim().split_once([' ', 'T'])?;
    let separator = if date.contains('/') { '/' } else { '-' };
    let [year, month, day] = numbers(date, separator, [4..=4, 1..=2, 1..=2])?;
    let time = time.trim_start();
    let [hour, minute, second] = match time.matches(':').count() {
        1 => {
            let [h, m] = numbers(time, ':', [1..=2, 2..=2])?;
            [h, m, 0]
        }
        _ => numbers(time, ':', [1..=2, 2..=2, 2..=2])?,
    };
    let small = |n: i16| i8::try_from(n).ok();
    let date = civil::Date::new(year, small(month)?, small(day)?).ok()?;
    let time = civil::Time::new(small(hour)?, small(minute)?, small(second)?, 0).ok()?;
    // Jiff reads second 60 as 59; a recorder or a person who writes it means something else.
    (second < 60).then(|| date.to_datetime(time))
}

/// Exactly `N` unsigned decimal numbers, each with a number of digits out of its range.
fn numbers<const N: usize>(
    text: &str,
    separator: char,
    digits: [std::ops::RangeInclusive<usize>; N],
) -> Option<[i16; N]> {
    let mut out = [0; N];
    let mut parts = text.split(separator);
    for (slot, range) in out.iter_mut().zip(digits) {
        let part = parts.next()?;
        if !range.contains(&part.len()) || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        *slot = part.parse().ok()?;
    }
    parts.next().is_none().then_some(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn times_are_read_as_people_and_spreadsheets_write_them() {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let cases = [
            ("2026-11-23T14:05:06+08:00", Some("2026-11-23T06:05:06Z")),
            ("2026-11-23T06:05:06Z", Some("2026-11-23T06:05:06Z")),
            ("2026-11-23 14:05:06", Some("2026-11-23T06:05:06Z")),
            (" 2026-11-23 14:05 ", Some("2026-11-23T06:05:00Z")),
            ("2026-11-23T14:05", Some("2026-11-23T06:05:00Z")),
            ("2026/11/3 9:05", Some("2026-11-03T01:05:00Z")),
            ("2024-02-29 00:00", Some("2024-02-28T16:00:00Z")),
            ("2026-02-29 00:00", None),
            ("2026-11-23", None),
            ("2026-11-23 24:00", None),
            ("2026-11-23 14:05:60", None),
            ("2026-11/23 14:05", None),
            ("26-11-23 14:05", None),
            ("2026-11-23 14", None),
            ("2026-11-23 14:05:06:07", None),
            ("2026-11-23 -1:05", None),
            ("２０２６-11-23 14:05", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let read = read_time(text, &zone).map(|(m, _)| m.to_string());
            assert_eq!(read.as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_doubtful_hour_is_resolved_and_said() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let cases = [
            ("2026-03-29 02:30", "2026-03-29T01:30:00Z", Doubt::Skipped),
            ("2026-10-25 02:30", "2026-10-25T00:30:00Z", Doubt::Repeated),
            ("2026-10-25 03:30", "2026-10-25T02:30:00Z", Doubt::None),
            // An offset leaves no doubt.
            (
                "2026-10-25T02:30:00+01:00",
                "2026-10-25T01:30:00Z",
                Doubt::None,
            ),
        ];
        for (text, instant, doubt) in cases {
            let (moment, found) = read_time(text, &berlin).unwrap();
            assert_eq!(
                (moment.to_string().as_str(), found),
                (instant, doubt),
                "{text}"
            );
        }
        assert_eq!(Doubt::None.words("2026"), None);
    }
}
