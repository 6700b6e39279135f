//! The compliance clock: a clock that whoever holds the machine cannot turn forward.
//!
//! It is a pure state machine over readings of the machine's own clocks; the state is kept with
//! every commit and in the ledger.
//!
//! - It never goes backwards.
//! - Within one boot it advances no faster than boot time, which nobody can set, and never past
//!   the wall clock: at the slower of the two.
//! - Across boots only the wall clock knows how much time passed, so that it is believed, within
//!   an allowance: advances add up until a witness or two people say what time it is.
//! - More than the allowance, or a wall clock that jumps by more than the configured gap, stops
//!   disposal until two people confirm the time. The clock does not take such an advance.
//! - Beside it stands the least that the time can be: it goes on with boot time even while the
//!   wall clock, put back, holds the compliance clock up. Were stamps held up as well, what came
//!   in meanwhile would look older than it is once the wall clock is right again.
//! - What is stamped takes the latest of the three, disposal is judged by the earlier of wall and
//!   compliance clock, the expiry of an approval by what is stamped: every doubt falls on the
//!   keeping side.
//!
//! Hence the one promise that retention rests on: at most [`ComplianceClock::unconfirmed_ms`],
//! never more than the allowance, is the compliance clock ahead of true time, provided that the
//! store was created at a true time and that witnesses and confirmations do not run ahead of it.
//!
//! A confirmation or witness time that contradicts the machine's clock is refused.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::ClockTerms;
use crate::base::{ErrorKind, Explain, Moment, text::duration_human};

const HOUR_MS: i64 = 3_600_000;

impl ClockTerms {
    /// How far the wall clock may jump, or the machine be off, in milliseconds.
    #[must_use]
    pub fn gap_ms(self) -> i64 {
        i64::from(self.gap_hours) * HOUR_MS
    }

    /// How much unconfirmed advance is believed, in milliseconds.
    #[must_use]
    pub fn allowance_ms(self) -> i64 {
        i64::from(self.unconfirmed_days) * 24 * HOUR_MS
    }
}

/// One boot of one machine: Linux's `boot_id`, a random UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BootId([u8; 16]);

/// The text is no boot id.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("'{0}' is not a boot id: 32 hexadecimal digits, with or without dashes")]
pub struct NotABootId(String);

impl Explain for NotABootId {}

impl BootId {
    /// Wraps the bytes of a UUID.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl FromStr for BootId {
    type Err = NotABootId;
    fn from_str(text: &str) -> Result<Self, NotABootId> {
        let digits: String = text.trim().chars().filter(|c| *c != '-').collect();
        let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(digits.as_bytes());
        let bytes = bytes.ok().and_then(|b| b.try_into().ok());
        bytes.map(Self).ok_or_else(|| NotABootId(text.into()))
    }
}

impl TryFrom<String> for BootId {
    type Error = NotABootId;
    fn try_from(text: String) -> Result<Self, NotABootId> {
        text.parse()
    }
}

impl From<BootId> for String {
    fn from(id: BootId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

/// The machine's clocks at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// The wall clock, which root can set.
    pub wall: Moment,
    /// Milliseconds since boot, sleep included (`CLOCK_BOOTTIME`), which nobody can set.
    pub boottime_ms: i64,
    /// Which boot that is.
    pub boot: BootId,
}

/// Why disposal stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "stop", deny_unknown_fields)]
pub enum Stop {
    /// The wall clock jumped, or the machine was off, for longer than the configured gap.
    Jumped {
        /// By how much; negative when it went back.
        by_ms: i64,
        /// What the wall clock said then.
        wall: Moment,
    },
    /// Advances across boots came to more than the allowance.
    Unconfirmed {
        /// How much they would have come to.
        advance_ms: i64,
        /// What the wall clock said then.
        wall: Moment,
    },
}

impl Stop {
    /// Why, as a sentence.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Jumped { by_ms, wall } => format!(
                "The machine's clock jumped by {} to {wall}; nothing is disposed of until two people confirm the time.",
                duration_human(by_ms)
            ),
            Self::Unconfirmed { advance_ms, wall } => format!(
                "{} have passed by the machine's clock alone, up to {wall}, since anybody vouched for the time; nothing is disposed of until two people confirm it.",
                duration_human(advance_ms)
            ),
        }
    }
}

/// A time that somebody vouched for is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ClockError {
    /// It and the machine's clock are further apart than the configured gap.
    #[error("the time vouched for is {at}, the machine's clock says {wall}: {} apart", duration_human(at.ms_since(*wall)))]
    Contradicts {
        /// What was vouched for.
        at: Moment,
        /// What the wall clock said last.
        wall: Moment,
    },
}

impl Explain for ClockError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Refused
    }
    fn hint(&self) -> Option<String> {
        Some("set the machine's clock right, then confirm the time it shows".into())
    }
}

/// The times that a decision uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Times {
    /// What is stamped, and what the expiry of an approval is judged by: the latest of wall clock,
    /// compliance clock and the least that the time can be.
    pub later: Moment,
    /// What disposal is judged by: the earlier of wall and compliance clock. Nothing while
    /// disposal is stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disposal: Option<Moment>,
}

/// The state of the compliance clock after a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComplianceClock {
    /// What it says.
    time: Moment,
    /// The reading after which it says so.
    latest: Reading,
    /// What it said at the instant that boot time is counted from.
    anchor_time: Moment,
    /// Boot time of that instant.
    anchor_boottime_ms: i64,
    /// How much of it rests on the wall clock across boots alone.
    unconfirmed_ms: i64,
    /// The newest time that was vouched for.
    vouched: Moment,
    /// The least that the time can be: the compliance clock, and boot time since. Never behind it.
    #[serde(default)]
    least: Moment,
    /// Why disposal stopped, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stop: Option<Stop>,
}

impl ComplianceClock {
    /// The clock of a new store. Those who create it vouch for the time.
    #[must_use]
    pub const fn start(reading: Reading) -> Self {
        Self {
            time: reading.wall,
            latest: reading,
            anchor_time: reading.wall,
            anchor_boottime_ms: reading.boottime_ms,
            unconfirmed_ms: 0,
            vouched: reading.wall,
            least: reading.wall,
            stop: None,
        }
    }

    /// What the compliance clock says.
    #[must_use]
    pub const fn time(&self) -> Moment {
        self.time
    }

    /// How much of it rests on the wall clock across boots alone, in milliseconds.
    #[must_use]
    pub const fn unconfirmed_ms(&self) -> i64 {
        self.unconfirmed_ms
    }

    /// The newest time that a witness or two people vouched for.
    #[must_use]
    pub const fn vouched(&self) -> Moment {
        self.vouched
    }

    /// Why disposal stopped, if it did.
    #[must_use]
    pub const fn stopped(&self) -> Option<Stop> {
        self.stop
    }

    /// By how much a time that is about to be vouched for is past the least that the time could
    /// be: as far behind the truth what was stamped before may be. A machine that was off longer
    /// than its wall clock admits cannot know it by itself.
    #[must_use]
    pub fn behind_ms(&self, at: Moment) -> i64 {
        at.ms_since(self.least).max(0)
    }

    /// The times that a decision uses, as of the latest reading.
    #[must_use]
    pub fn times(&self) -> Times {
        let wall = self.latest.wall;
        Times {
            later: wall.max(self.time).max(self.least),
            disposal: self.stop.is_none().then(|| wall.min(self.time)),
        }
    }

    /// Takes a reading, and gives back the times that now hold.
    pub fn apply_reading(&mut self, reading: Reading, terms: ClockTerms) -> Times {
        let last = std::mem::replace(&mut self.latest, reading);
        // Boot time that went back is another boot, whatever its id says: a machine that was put
        // back to an earlier state.
        if reading.boot == last.boot && reading.boottime_ms >= last.boottime_ms {
            self.within_boot(last, terms);
        } else {
            self.across_boots(last, terms);
        }
        self.least = self.least.max(self.time);
        self.times()
    }

    fn within_boot(&mut self, last: Reading, terms: ClockTerms) {
        let Reading {
            wall, boottime_ms, ..
        } = self.latest;
        let passed = boottime_ms.saturating_sub(last.boottime_ms);
        let by_ms = wall.ms_since(last.wall).saturating_sub(passed);
        if by_ms.saturating_abs() > terms.gap_ms() {
            self.stop_for(Stop::Jumped { by_ms, wall });
        }
        self.least = self.least.plus_ms(passed);
        // Counted from the anchor and not from the last reading: a clock that is read often
        // would lose a fraction of a millisecond each time.
        let passed = boottime_ms.saturating_sub(self.anchor_boottime_ms);
        let at_most = self.anchor_time.plus_ms(passed);
        self.time = self.time.max(wall.min(at_most));
    }

    fn across_boots(&mut self, last: Reading, terms: ClockTerms) {
        let wall = self.latest.wall;
        let back_ms = wall.ms_since(last.wall);
        let advance_ms = wall.ms_since(self.time).max(0);
        let total_ms = self.unconfirmed_ms.saturating_add(advance_ms);
        if back_ms < -terms.gap_ms() {
            let by_ms = back_ms;
            self.stop_for(Stop::Jumped { by_ms, wall });
        } else if advance_ms > terms.gap_ms() {
            let by_ms = advance_ms;
            self.stop_for(Stop::Jumped { by_ms, wall });
        } else if total_ms > terms.allowance_ms() {
            let advance_ms = total_ms;
            self.stop_for(Stop::Unconfirmed { advance_ms, wall });
        } else if self.stop.is_none() {
            // While nobody knows what the time is, the wall clock moves nothing.
            self.time = self.time.plus_ms(advance_ms);
            self.unconfirmed_ms = total_ms;
        }
        self.anchor();
    }

    /// A witness, outside the custodian's control, saw the log at `at`; `now` is a reading taken
    /// after that, and applied first. The witness time advances the clock and takes back as much
    /// of the unconfirmed advance as it covers; an old one, shown again, covers no more than it
    /// did. It does not lift a stop: that takes two people.
    ///
    /// # Errors
    /// When it is further ahead of the machine's clock than the configured gap. The reading
    /// counts all the same.
    pub fn apply_witnessed(
        &mut self,
        at: Moment,
        now: Reading,
        terms: ClockTerms,
    ) -> Result<(), ClockError> {
        self.apply_reading(now, terms);
        let wall = now.wall;
        if at.ms_since(wall) > terms.gap_ms() {
            return Err(ClockError::Contradicts { at, wall });
        }
        self.vouch(at);
        Ok(())
    }

    /// Two people confirmed, by signed statements, that it was `at` when they signed; `now` is a
    /// reading taken after that, and applied first. Lifts a stop.
    ///
    /// # Errors
    /// When it and the machine's clock are further apart than the configured gap: a clock that is
    /// confirmed while it is wrong would only stop again. The reading counts all the same.
    pub fn apply_confirmed(
        &mut self,
        at: Moment,
        now: Reading,
        terms: ClockTerms,
    ) -> Result<(), ClockError> {
        self.apply_reading(now, terms);
        let wall = now.wall;
        if at.ms_since(wall).saturating_abs() > terms.gap_ms() {
            return Err(ClockError::Contradicts { at, wall });
        }
        self.vouch(at);
        self.stop = None;
        Ok(())
    }

    /// The latest reading was taken after `at`, so that boot time may be counted on from there.
    /// Counted from an earlier reading, the time in between would count twice.
    fn vouch(&mut self, at: Moment) {
        self.vouched = self.vouched.max(at);
        // What was vouched for is true; only what the clock says beyond it is not covered.
        let beyond_ms = self.time.ms_since(at).max(0);
        self.unconfirmed_ms = self.unconfirmed_ms.min(beyond_ms);
        self.time = self.time.max(at);
        self.least = self.least.max(at);
        self.anchor();
    }

    fn anchor(&mut self) {
        self.anchor_time = self.time;
        self.anchor_boottime_ms = self.latest.boottime_ms;
    }

    /// The first reason to stop is the one that people have to look at.
    fn stop_for(&mut self, stop: Stop) {
        self.stop.get_or_insert(stop);
    }
}

#[cfg(test)]
mod tests;
