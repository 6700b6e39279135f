//! A recording is its bytes: its [`Digest`] is the SHA-256 of them and its [`RecordingId`] the
//! first 80 bits of that. The id is for people; code compares whole digests.

use std::{fmt, str::FromStr};

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// A SHA-256 digest (FIPS 180-4), shown as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// The text is not a digest or an id.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DigestError {
    /// Not 64 lower-case hexadecimal digits.
    #[error("'{0}' is not a SHA-256 digest: 64 lower-case hexadecimal digits")]
    Digest(String),
    /// Not 16 base32 characters.
    #[error("'{0}' is not a recording id: 16 characters out of a–z and 2–7")]
    Id(String),
}

impl Digest {
    /// Wraps 32 bytes that are already a digest.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The id of the recording with this digest.
    #[must_use]
    pub fn id(&self) -> RecordingId {
        let mut head = [0; 10];
        head.copy_from_slice(&self.0[..10]);
        RecordingId(head)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = DigestError;
    fn from_str(s: &str) -> Result<Self, DigestError> {
        HEXLOWER
            .decode(s.as_bytes())
            .ok()
            .and_then(|b| b.try_into().ok())
            .map(Self)
            .ok_or_else(|| DigestError::Digest(s.to_owned()))
    }
}

/// The first 80 bits of a recording's digest: 16 lower-case base32 characters (RFC 4648).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordingId([u8; 10]);

impl RecordingId {
    /// Wraps the ten bytes that an index key or a mark in a picture holds.
    #[must_use]
    pub const fn new(bytes: [u8; 10]) -> Self {
        Self(bytes)
    }

    /// The bytes, as index keys and the block code carry them.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 10] {
        &self.0
    }
}

impl fmt::Display for RecordingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&BASE32_NOPAD.encode(&self.0).to_ascii_lowercase())
    }
}

impl fmt::Debug for RecordingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for RecordingId {
    type Err = DigestError;
    fn from_str(s: &str) -> Result<Self, DigestError> {
        BASE32_NOPAD
            .decode(s.trim().to_ascii_uppercase().as_bytes())
            .ok()
            .and_then(|b| b.try_into().ok())
            .map(Self)
            .ok_or_else(|| DigestError::Id(s.to_owned()))
    }
}

macro_rules! as_text {
    ($($t:ty),*) => {$(
        impl Serialize for $t {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $t {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                String::deserialize(d)?.parse().map_err(de::Error::custom)
            }
        }
    )*};
}
as_text!(Digest, RecordingId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_head_of_its_digest_and_both_survive_text() {
        let digest = Digest::new(std::array::from_fn(|i| i as u8));
        let id = digest.id();
        assert_eq!(id.to_string(), "aaaqeayeaudaocaj");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("AAAQEAYEAUDAOCAJ".parse(), Ok(id), "people type capitals");
        assert_eq!(digest.to_string().parse(), Ok(digest));
    }

    #[test]
    fn what_is_not_an_id_is_refused() {
        for bad in [
            "",
            "aaaqeayeaudaoca",
            "aaaqeayeaudaocaj2",
            "aaaqeayeaudaoca1",
            "../../etc/passwd",
        ] {
            assert!(bad.parse::<RecordingId>().is_err(), "{bad}");
        }
        assert!(
            "AB".repeat(32).parse::<Digest>().is_err(),
            "digests are lower case"
        );
    }
}
