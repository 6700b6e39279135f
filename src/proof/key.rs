//! Keys that sign notes, and the keys that verify them. A verifier key is a text that a person can
//! hand to another: `name+id+base64(type ‖ key)` (c2sp.org/signed-note).

use std::{fmt, str::FromStr};

use data_encoding::{BASE64, HEXLOWER};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

use super::{NoteSignature, ProofError, Signed, note::is_key_name};
use crate::base::Moment;

/// What a signature is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Algorithm {
    /// Ed25519 over the note's text, as a log signs.
    Ed25519 = 0x01,
    /// Ed25519 over a date and the checkpoint, as a witness cosigns: `cosignature/v1`.
    Cosignature = 0x04,
}

impl Algorithm {
    const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0x01 => Some(Self::Ed25519),
            0x04 => Some(Self::Cosignature),
            _ => None,
        }
    }
}

/// A public key with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    algorithm: Algorithm,
    key: VerifyingKey,
}

impl Verifier {
    /// Its name; a log's is its origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it signs.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The first four bytes of SHA-256(name ‖ line feed ‖ type ‖ key).
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        let mut hash = Sha256::new();
        hash.update(&self.name);
        hash.update([b'\n', self.algorithm as u8]);
        hash.update(self.key.as_bytes());
        let hash: [u8; 32] = hash.finalize().into();
        [hash[0], hash[1], hash[2], hash[3]]
    }

    /// Whether the line claims to be by this key.
    pub(super) fn is_named_by(&self, signature: &NoteSignature) -> bool {
        signature.name == self.name && signature.id == self.id()
    }

    /// The signature, if it is of this text by this key.
    pub(super) fn check(&self, text: &str, signature: &NoteSignature) -> Option<Signed> {
        let (message, ed25519, at) = match self.algorithm {
            Algorithm::Ed25519 => (text.to_owned(), signature.bytes.as_slice(), None),
            Algorithm::Cosignature => {
                let (seconds, ed25519) = signature.bytes.split_first_chunk::<8>()?;
                // The specification ends time at 2^63 − 1 seconds.
                let seconds = i64::try_from(u64::from_be_bytes(*seconds)).ok()?;
                let at = Moment::from_s(seconds);
                (cosigned(text, seconds), ed25519, Some(at))
            }
        };
        let ed25519 = Signature::from_slice(ed25519).ok()?;
        self.key
            .verify_strict(message.as_bytes(), &ed25519)
            .ok()
            .map(|()| Signed {
                name: self.name.clone(),
                at,
            })
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.algorithm as u8], self.key.as_bytes().as_slice()].concat();
        let id = HEXLOWER.encode(&self.id());
        write!(f, "{}+{id}+{}", self.name, BASE64.encode(&key))
    }
}

impl FromStr for Verifier {
    type Err = ProofError;

    fn from_str(vkey: &str) -> Result<Self, ProofError> {
        let wrong = |why| ProofError::Vkey {
            vkey: vkey.to_owned(),
            why,
        };
        // The base64 may hold a plus sign itself.
        let mut parts = vkey.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong("it has three parts joined by plus signs"));
        };
        if !is_key_name(name) {
            return Err(wrong("its name is empty or holds a blank"));
        }
        let key = BASE64
            .decode(key.as_bytes())
            .map_err(|_| wrong("its last part is not base64"))?;
        let (algorithm, key) = key
            .split_first()
            .and_then(|(byte, key)| Some((Algorithm::from_byte(*byte)?, key)))
            .ok_or_else(|| wrong("its type is neither Ed25519 nor cosignature/v1"))?;
        let key = <&[u8; 32]>::try_from(key)
            .ok()
            .and_then(|key| VerifyingKey::from_bytes(key).ok())
            .filter(|key| !key.is_weak())
            .ok_or_else(|| wrong("its key is not one of Ed25519"))?;
        let verifier = Self {
            name: name.to_owned(),
            algorithm,
            key,
        };
        if id != HEXLOWER.encode(&verifier.id()) {
            return Err(wrong("its id is not that of its name and key"));
        }
        Ok(verifier)
    }
}

/// A key that signs, with its name. It has no `Debug` that would show it.
pub struct NoteKey {
    name: String,
    algorithm: Algorithm,
    key: SigningKey,
}

impl NoteKey {
    /// The key out of a seed, the 32 random bytes that RFC 8032 calls the private key.
    ///
    /// # Errors
    /// [`ProofError::Vkey`] when no key can be called so.
    pub fn from_seed(
        name: &str,
        algorithm: Algorithm,
        seed: &[u8; 32],
    ) -> Result<Self, ProofError> {
        if !is_key_name(name) {
            return Err(ProofError::Vkey {
                vkey: name.to_owned(),
                why: "its name is empty or holds a blank or a plus sign",
            });
        }
        Ok(Self {
            name: name.to_owned(),
            algorithm,
            key: SigningKey::from_bytes(seed),
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it signs.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(super) fn seed(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// The public half.
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        Verifier {
            name: self.name.clone(),
            algorithm: self.algorithm,
            key: self.key.verifying_key(),
        }
    }

    /// Signs a text. Only a cosignature carries `at`, in whole seconds; one from before 1970 is
    /// dated 1970.
    #[must_use]
    pub fn sign(&self, text: &str, at: Moment) -> NoteSignature {
        let bytes = match self.algorithm {
            Algorithm::Ed25519 => self.key.sign(text.as_bytes()).to_bytes().to_vec(),
            Algorithm::Cosignature => {
                let seconds = at.as_s().max(0);
                let signature = self.key.sign(cosigned(text, seconds).as_bytes());
                [seconds.to_be_bytes().as_slice(), &signature.to_bytes()].concat()
            }
        };
        NoteSignature {
            name: self.name.clone(),
            id: self.verifier().id(),
            bytes,
        }
    }
}

impl fmt::Debug for NoteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NoteKey({})", self.verifier())
    }
}

/// What a witness signs.
fn cosigned(text: &str, seconds: i64) -> String {
    format!("cosignature/v1\ntime {seconds}\n{text}")
}
