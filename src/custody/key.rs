//! A person's public key, in OpenSSH's own words (`ssh-ed25519 AAAA…`), and since when the roster
//! has it or no longer trusts it.
//!
//! Taken are the kinds that `ssh-keygen -Y sign` makes and that both OpenSSH and this program
//! verify alike: Ed25519, ECDSA over P-256, RSA of 2,048 to 4,096 bits, and the two of them that
//! live in a security key (`sk-ssh-ed25519`, `sk-ecdsa-sha2-nistp256`). A key is its bytes: the
//! comment is dropped, because it tends to name a person or a machine. Fails on anything else,
//! with the reason.

use std::{cmp::Ordering, fmt, str::FromStr};

use data_encoding::{BASE64, BASE64_NOPAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};
use ssh_key::{Algorithm, EcdsaCurve, public::KeyData};
use thiserror::Error;

use crate::base::{ErrorKind, Explain};

/// Bits of the smallest RSA modulus that is taken: NIST SP 800-131A retires anything below.
pub const RSA_BITS_MIN: usize = 2_048;

/// Bits of the largest RSA modulus that is taken: the verifying library reads no larger one, and
/// a key that could never be verified must not stand in a roster.
pub const RSA_BITS_MAX: usize = 4_096;

/// Bytes of a line that is read as a key. RSA of 4,096 bits takes 730, and a comment follows.
const LINE_BYTES_MAX: usize = 4_096;

/// Why a text is no key that a roster takes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Not a line of OpenSSH's public-key format.
    #[error("'{0}' is not an OpenSSH public key")]
    Unreadable(String),
    /// A key, but of a kind that is not taken.
    #[error("a key of kind {0} is not taken")]
    Algorithm(String),
    /// An RSA key of a size that is not taken.
    #[error("an RSA key of {0} bits is not taken: {RSA_BITS_MIN} to {RSA_BITS_MAX} are")]
    RsaBits(usize),
    /// An RSA key with an exponent or modulus that no sound generator makes.
    #[error(
        "this RSA key is malformed: its exponent or modulus is even, or its exponent is out of range"
    )]
    RsaForm,
}

impl Explain for KeyError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<String> {
        Some("make one with `ssh-keygen -t ed25519` or, on a security key, `ssh-keygen -t ed25519-sk`; the line is in the file that ends in .pub".into())
    }
}

/// A public key, shown as `algorithm base64`, compared by its bytes.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PublicKey {
    text: String,
    blob: Vec<u8>,
    data: KeyData,
}

/// The fingerprint of a key's bytes, `SHA256:…`, as `ssh-keygen -l` shows it.
pub(super) fn fingerprint_of(blob: &[u8]) -> String {
    format!("SHA256:{}", BASE64_NOPAD.encode(&Sha256::digest(blob)))
}

impl PublicKey {
    /// The first words of an authorized-keys line without options, and its comment (which may be
    /// empty).
    ///
    /// # Errors
    /// The line is no key, or a key of a kind or size that is not taken.
    pub fn read_line(line: &str) -> Result<(Self, String), KeyError> {
        let line = line.trim();
        let head = || {
            let first = line.lines().next().unwrap_or_default();
            first.chars().take(40).collect::<String>()
        };
        if line.len() > LINE_BYTES_MAX {
            return Err(KeyError::Unreadable(head()));
        }
        let read =
            ssh_key::PublicKey::from_openssh(line).map_err(|_| KeyError::Unreadable(head()))?;
        let comment = read.comment().to_owned();
        check_kind(read.key_data())?;
        // Written again, so that one key has one text and one row of bytes.
        let blob = read.to_bytes().map_err(|_| KeyError::Unreadable(head()))?;
        let data = read.key_data().clone();
        let text = format!("{} {}", data.algorithm(), BASE64.encode(&blob));
        Ok((Self { text, blob, data }, comment))
    }

    /// `SHA256:…`, as `ssh-keygen -l` shows it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        fingerprint_of(&self.blob)
    }

    /// The key's bytes, as a signature carries them.
    pub(super) fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// The key as the verifying library holds it.
    pub(super) const fn data(&self) -> &KeyData {
        &self.data
    }
}

fn check_kind(data: &KeyData) -> Result<(), KeyError> {
    match data.algorithm() {
        Algorithm::Ed25519
        | Algorithm::SkEd25519
        | Algorithm::SkEcdsaSha2NistP256
        | Algorithm::Ecdsa {
            curve: EcdsaCurve::NistP256,
        } => Ok(()),
        Algorithm::Rsa { .. } => check_rsa(data),
        other => Err(KeyError::Algorithm(other.to_string())),
    }
}

fn check_rsa(data: &KeyData) -> Result<(), KeyError> {
    let key = data.rsa().ok_or(KeyError::RsaForm)?;
    let modulus = key.n.as_positive_bytes().ok_or(KeyError::RsaForm)?;
    let exponent = key.e.as_positive_bytes().ok_or(KeyError::RsaForm)?;
    let bits = modulus.first().map_or(0, |first| {
        (modulus.len() * 8).saturating_sub(first.leading_zeros() as usize)
    });
    if !(RSA_BITS_MIN..=RSA_BITS_MAX).contains(&bits) {
        return Err(KeyError::RsaBits(bits));
    }
    let odd = |bytes: &[u8]| bytes.last().is_some_and(|b| b % 2 == 1);
    // One as an exponent makes every text its own signature.
    let sound = odd(modulus) && odd(exponent) && exponent != [1] && exponent.len() <= 4;
    if sound {
        Ok(())
    } else {
        Err(KeyError::RsaForm)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fingerprint())
    }
}

impl PartialOrd for PublicKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PublicKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

/// Strict: exactly what [`fmt::Display`] writes, no comment.
impl FromStr for PublicKey {
    type Err = KeyError;
    fn from_str(s: &str) -> Result<Self, KeyError> {
        let (key, _) = Self::read_line(s)?;
        if key.text == s {
            Ok(key)
        } else {
            Err(KeyError::Unreadable(s.chars().take(40).collect()))
        }
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(de::Error::custom)
    }
}

/// A key in a roster. The two numbers tell people how much of the log its proposer had seen;
/// whether a signature counts is decided by the roster in force alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// The key.
    pub public: PublicKey,
    /// The newest event that was seen when the key was proposed; absent in the genesis roster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added_at: Option<u64>,
    /// The newest event that was seen when the key was revoked; absent while it is good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<u64>,
}

impl Key {
    /// A good key of the genesis roster.
    #[must_use]
    pub const fn genesis(public: PublicKey) -> Self {
        Self {
            public,
            added_at: None,
            revoked_at: None,
        }
    }

    /// Whether a signature by it counts.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        self.revoked_at.is_none()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The public half of ssh-key's own example, under Apache-2.0 OR MIT.
    const ED25519: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

    #[test]
    fn a_key_is_its_bytes_and_its_comment_is_dropped() {
        let (key, comment) = PublicKey::read_line(&format!(" {ED25519} wang@office pc\n")).unwrap();
        assert_eq!(comment, "wang@office pc");
        assert_eq!(key.to_string(), ED25519);
        assert_eq!(ED25519.parse::<PublicKey>().unwrap(), key);
        // `ssh-keygen -lf` says the same of it.
        assert_eq!(
            key.fingerprint(),
            "SHA256:UCUiLr7Pjs9wFFJMDByLgc3NrtdU344OgUM45wZPcIQ"
        );
        let json = serde_json::to_string(&key).unwrap();
        assert_eq!(serde_json::from_str::<PublicKey>(&json).unwrap(), key);
    }

    #[test]
    fn what_is_not_a_good_key_is_refused() {
        let unreadable = |s: &str| matches!(PublicKey::read_line(s), Err(KeyError::Unreadable(_)));
        for bad in [
            "",
            "ssh-ed25519",
            "ssh-ed25519 AAAA",
            "ecdsa-sha2-nistp256 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti",
            "command=\"sh\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti",
            "-----BEGIN OPENSSH PRIVATE KEY-----",
        ] {
            assert!(unreadable(bad), "{bad}");
        }
        assert!(unreadable(&format!(
            "{ED25519} {}",
            "x".repeat(LINE_BYTES_MAX)
        )));
        assert!(
            format!("{ED25519} c").parse::<PublicKey>().is_err(),
            "strict has no comment"
        );
    }

    /// An RSA key line of this modulus and exponent, in RFC 4253's form.
    fn rsa(modulus: &[u8], exponent: &[u8]) -> String {
        let mut blob = Vec::new();
        for part in [b"ssh-rsa".as_slice(), exponent, modulus] {
            let high = part != b"ssh-rsa" && part[0] >= 0x80;
            let length = u32::try_from(part.len()).unwrap() + u32::from(high);
            blob.extend(length.to_be_bytes());
            blob.extend(high.then_some(0));
            blob.extend(part);
        }
        format!("ssh-rsa {}", data_encoding::BASE64.encode(&blob))
    }

    #[test]
    fn rsa_is_taken_between_its_bounds_and_only_in_a_sound_form() {
        let e = [1, 0, 1];
        let n = |bytes: usize, first: u8| {
            let mut n = vec![first; bytes];
            n[bytes - 1] = 0xf1;
            n
        };
        let cases = [
            (rsa(&n(256, 0x80), &e), Ok(())),
            (rsa(&n(512, 0xff), &e), Ok(())),
            (rsa(&n(256, 0x80), &[3]), Ok(())),
            // One bit short of each bound, which whole bytes would hide.
            (rsa(&n(256, 0x7f), &e), Err(KeyError::RsaBits(2_047))),
            (rsa(&n(513, 0x01), &e), Err(KeyError::RsaBits(4_097))),
            (rsa(&n(128, 0x80), &e), Err(KeyError::RsaBits(1_024))),
            (rsa(&n(256, 0x80), &[1]), Err(KeyError::RsaForm)),
            (rsa(&n(256, 0x80), &[2]), Err(KeyError::RsaForm)),
            (rsa(&n(256, 0x80), &[1, 0, 0, 0, 1]), Err(KeyError::RsaForm)),
            (rsa(&vec![0x80; 256], &e), Err(KeyError::RsaForm)),
        ];
        for (line, expected) in cases {
            assert_eq!(PublicKey::read_line(&line).map(|_| ()), expected, "{line}");
        }
    }

    #[test]
    fn other_kinds_of_key_are_named_and_refused() {
        // ssh-key's own P-384 example, under Apache-2.0 OR MIT.
        let p384 = "ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBC5ugtxUB/EEoREXx8BbGZPDzrPbJfrmi6FpUCpP+TldmtNrVD6AFP8V1wjiHwn1hapt+tV1t5uUNBi4YZjZvNmwf/+TmbFdQ9NO+usuVrezPP+ICyQrPgtYr5bHWEHsQQ==";
        assert_eq!(
            PublicKey::read_line(p384),
            Err(KeyError::Algorithm("ecdsa-sha2-nistp384".into()))
        );
    }
}
