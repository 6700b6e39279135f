//! An event as one line: JSON with sorted keys, whole numbers only, bytes as base64.
//!
//! `{"at":…,"body":{…},"by":{"uid":0},"kind":"recording.admitted","n":12,"prev":"…","v":1}`
//!
//! `prev` is the SHA-256 of the line before (zeros for the first), so that the lines are a chain
//! by themselves. A line is written once and read as it stands for ever.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::What;
use crate::base::{Digest, ErrorKind, Explain, Moment, limits};

/// Version of the shape that this recvault writes.
pub const VERSION: u32 = 1;

/// Who made an event happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writer {
    /// The user id that the kernel vouches for.
    pub uid: u32,
}

/// One event with its place in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When it was written.
    pub at: Moment,
    /// By whom.
    pub by: Writer,
    /// Its place: 0 for the first.
    pub n: u64,
    /// SHA-256 of the line before; zeros for the first.
    pub prev: Digest,
    /// Version of the shape.
    pub v: u32,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// A line is not an event, or an event does not fit a line.
#[derive(Debug, Error)]
pub enum LineError {
    /// Longer than [`limits::EVENT_BYTES_MAX`].
    #[error(
        "event {n} would be {bytes} bytes; a ledger line holds {}",
        limits::EVENT_BYTES_MAX
    )]
    TooLong {
        /// Its place.
        n: u64,
        /// Its size.
        bytes: usize,
    },
    /// A number with a fraction, which other readers may round differently.
    #[error("event {n} holds {number}, which is not a whole number")]
    NotWhole {
        /// Its place.
        n: u64,
        /// The number.
        number: String,
    },
    /// Not what this version can read.
    #[error("ledger line {n} cannot be read: {reason}")]
    Unreadable {
        /// Its place.
        n: u64,
        /// Why.
        reason: String,
    },
    /// Written by a newer recvault.
    #[error("ledger line {n} has version {version}; this recvault reads up to {VERSION}")]
    Newer {
        /// Its place.
        n: u64,
        /// Its version.
        version: u64,
    },
}

impl Explain for LineError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::TooLong { .. } | Self::NotWhole { .. } => ErrorKind::Defect,
            Self::Unreadable { .. } => ErrorKind::Integrity,
            Self::Newer { .. } => ErrorKind::Usage,
        }
    }
    fn hint(&self) -> Option<String> {
        matches!(self, Self::Newer { .. }).then(|| "use the newer recvault on this store".into())
    }
}

impl Event {
    /// The line, without a line break.
    ///
    /// # Errors
    /// When it would be too long or holds a fraction; both are defects of the caller.
    pub fn to_line(&self) -> Result<Vec<u8>, LineError> {
        let unreadable = |e: serde_json::Error| LineError::Unreadable {
            n: self.n,
            reason: e.to_string(),
        };
        // serde_json's map sorts its keys; a test below fails if a dependency ever switches that off.
        let value = serde_json::to_value(self).map_err(unreadable)?;
        whole_numbers(self.n, &value)?;
        let line = serde_json::to_vec(&value).map_err(unreadable)?;
        if line.len() > limits::EVENT_BYTES_MAX {
            return Err(LineError::TooLong {
                n: self.n,
                bytes: line.len(),
            });
        }
        Ok(line)
    }

    /// Reads a line at place `n`.
    ///
    /// # Errors
    /// When it is not an event, has another place, or is from a newer recvault.
    pub fn from_line(n: u64, line: &[u8]) -> Result<Self, LineError> {
        let value: Value = serde_json::from_slice(line).map_err(|e| LineError::Unreadable {
            n,
            reason: e.to_string(),
        })?;
        match value.get("v").and_then(Value::as_u64) {
            Some(v) if v > u64::from(VERSION) => return Err(LineError::Newer { n, version: v }),
            _ => {}
        }
        let event: Self = serde_json::from_value(value).map_err(|e| LineError::Unreadable {
            n,
            reason: e.to_string(),
        })?;
        if event.n != n {
            let reason = format!("it says that it is event {}", event.n);
            return Err(LineError::Unreadable { n, reason });
        }
        Ok(event)
    }
}

/// SHA-256 of a line as it stands: what the next line's `prev` holds.
#[must_use]
pub fn line_digest(line: &[u8]) -> Digest {
    Digest::new(Sha256::digest(line).into())
}

fn whole_numbers(n: u64, value: &Value) -> Result<(), LineError> {
    match value {
        Value::Number(x) if !(x.is_i64() || x.is_u64()) => Err(LineError::NotWhole {
            n,
            number: x.to_string(),
        }),
        Value::Array(items) => items.iter().try_for_each(|v| whole_numbers(n, v)),
        Value::Object(map) => map.values().try_for_each(|v| whole_numbers(n, v)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn event() -> Event {
        Event {
            at: Moment::from_ms(1_700_000_000_123),
            by: Writer { uid: 7 },
            n: 3,
            prev: Digest::new([0xab; 32]),
            v: VERSION,
            what: What::DeviceRegistered {
                device: "BWC-0001".into(),
                model: "示范 model \"X\"\n".into(),
                unit: "North".into(),
                price_fen: None,
            },
        }
    }

    #[test]
    fn a_line_has_sorted_keys_no_line_break_and_reads_back() {
        let line = event().to_line().unwrap();
        let prev = "ab".repeat(32);
        assert_eq!(
            String::from_utf8(line.clone()).unwrap(),
            format!(
                r#"{{"at":1700000000123,"body":{{"device":"BWC-0001","model":"示范 model \"X\"\n","unit":"North"}},"by":{{"uid":7}},"kind":"device.registered","n":3,"prev":"{prev}","v":1}}"#
            )
        );
        assert!(!line.contains(&b'\n'));
        assert_eq!(Event::from_line(3, &line).unwrap(), event());
    }

    #[test]
    fn another_place_a_newer_version_and_nonsense_are_told_apart() {
        let line = event().to_line().unwrap();
        assert!(matches!(
            Event::from_line(4, &line),
            Err(LineError::Unreadable { n: 4, .. })
        ));
        let newer = String::from_utf8(line)
            .unwrap()
            .replace("\"v\":1", "\"v\":2");
        assert!(matches!(
            Event::from_line(3, newer.as_bytes()),
            Err(LineError::Newer { version: 2, .. })
        ));
        assert!(matches!(
            Event::from_line(3, b"{"),
            Err(LineError::Unreadable { .. })
        ));
    }

    #[test]
    fn an_overlong_event_is_refused_before_it_reaches_the_ledger() {
        let mut long = event();
        long.what = What::DeviceRegistered {
            device: "x".repeat(limits::EVENT_BYTES_MAX),
            model: String::new(),
            unit: String::new(),
            price_fen: None,
        };
        assert!(matches!(
            long.to_line(),
            Err(LineError::TooLong { n: 3, .. })
        ));
    }
}
