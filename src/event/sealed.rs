//! Personal data stands outside the log. An event holds a commitment, SHA-256 over a label, a
//! salt and the text; salt and text lie in a detail that can be erased without touching the log.
//! Erased, the event still proves that something stood there, and tells nobody what.

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::base::Digest;

const LABEL: &[u8] = b"recvault-detail@v1\n";

/// The commitment that an event holds in place of personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(pub Digest);

/// Salt and text behind a [`Sealed`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    salt: [u8; 16],
    text: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    salt: std::borrow::Cow<'a, str>,
    text: std::borrow::Cow<'a, str>,
}

impl Detail {
    /// Seals `text` with a fresh salt.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn seal(text: &[u8]) -> Result<Self, getrandom::Error> {
        let mut salt = [0; 16];
        getrandom::fill(&mut salt)?;
        Ok(Self {
            salt,
            text: text.to_vec(),
        })
    }

    /// The commitment: SHA-256(label ‖ salt ‖ text).
    #[must_use]
    pub fn sealed(&self) -> Sealed {
        let mut hash = Sha256::new();
        hash.update(LABEL);
        hash.update(self.salt);
        hash.update(&self.text);
        Sealed(Digest::new(hash.finalize().into()))
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// One line of JSON without a line break.
    #[must_use]
    pub fn to_line(&self) -> String {
        let stored = Stored {
            salt: BASE64.encode(&self.salt).into(),
            text: BASE64.encode(&self.text).into(),
        };
        serde_json::json!(stored).to_string()
    }

    /// Reads a line that [`Detail::to_line`] wrote; nothing when it is not one.
    #[must_use]
    pub fn from_line(line: &[u8]) -> Option<Self> {
        let stored: Stored<'_> = serde_json::from_slice(line).ok()?;
        let salt = BASE64
            .decode(stored.salt.as_bytes())
            .ok()?
            .try_into()
            .ok()?;
        let text = BASE64.decode(stored.text.as_bytes()).ok()?;
        Some(Self { salt, text })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_commitment_binds_the_text_and_hides_equal_texts() {
        let one = Detail::seal("王伟".as_bytes()).unwrap();
        let two = Detail::seal("王伟".as_bytes()).unwrap();
        assert_ne!(one.sealed(), two.sealed(), "two salts");
        let back = Detail::from_line(one.to_line().as_bytes()).unwrap();
        assert_eq!(
            (back.sealed(), back.text()),
            (one.sealed(), "王伟".as_bytes())
        );
        let mut forged = one.clone();
        forged.text = b"somebody else".to_vec();
        assert_ne!(forged.sealed(), one.sealed());
    }
}
