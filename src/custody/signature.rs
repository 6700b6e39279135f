//! Signatures of people: SSHSIG as `ssh-keygen -Y sign` makes it (OpenSSH's PROTOCOL.sshsig),
//! verified against a roster.
//!
//! [`verify`] promises: a [`Signer`] comes out only when the signature is one over exactly this
//! text, under exactly this namespace, by a good key of the roster. It never accepts what
//! `ssh-keygen -Y verify` refuses. It refuses some things that `ssh-keygen` lets pass and that its
//! own `-Y sign` never makes:
//!
//! - a format version of 0 and a filled reserved field, which the signature does not cover and
//!   anybody could change;
//! - a security key's signature without a touch (`no-touch-required`): such a signature is the act
//!   of a program and not of a person;
//! - a signature that a browser made (WebAuthn), and numbers that are not in their shortest form.
//!
//! Signing is not done here: the private key stays with its owner and OpenSSH.

use data_encoding::BASE64;
use sha2::{Digest as _, Sha256};
use ssh_key::{Algorithm, EcdsaCurve, HashAlg, Signature, SshSig};
use thiserror::Error;

use super::{
    key::fingerprint_of,
    roster::{Role, Roster},
    statement::Statement,
};
use crate::base::{Digest, ErrorKind, Explain};

/// Bytes of an armored signature. RSA of 4,096 bits takes 1,600.
pub const ARMOR_BYTES_MAX: usize = 8 * 1024;

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "\n-----END SSH SIGNATURE-----";

/// The flag of a security key that says that somebody touched it (FIDO, "user present").
const USER_PRESENT: u8 = 0x01;

/// Flags and counter at the end of a security key's signature.
const SK_TRAILER_BYTES: usize = 5;

/// Who signed, and what. Only [`verify`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    person: String,
    role: Role,
    key: String,
    text: Digest,
    namespace: String,
}

impl Signer {
    /// The person's handle.
    #[must_use]
    pub fn person(&self) -> &str {
        &self.person
    }

    /// Their role in the roster that the signature was verified against.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Fingerprint of the key, `SHA256:…`.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Whether it is this statement that they signed, under the namespace of its kind.
    #[must_use]
    pub fn signed(&self, statement: &Statement) -> bool {
        self.text == statement.digest() && self.namespace == statement.kind().namespace()
    }

    #[cfg(test)]
    pub(super) fn for_test(
        person: &super::roster::Person,
        key: &super::key::Key,
        statement: &Statement,
    ) -> Self {
        Self {
            person: person.id.clone(),
            role: person.role,
            key: key.public.fingerprint(),
            text: statement.digest(),
            namespace: statement.kind().namespace().into(),
        }
    }
}

/// Why a signature does not count.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SignatureError {
    /// Not an armored signature.
    #[error("this is not an SSH signature: {0}")]
    Armor(&'static str),
    /// What the armor holds is no signature.
    #[error("the signature cannot be read: {0}")]
    Unreadable(&'static str),
    /// A format version that is not known.
    #[error("the signature has format version {0}; only 1 is known")]
    Version(u32),
    /// Something stands in a field that the signature does not cover.
    #[error("the signature's reserved field is not empty")]
    Reserved,
    /// Made for another purpose.
    #[error("the signature was made for '{found}', not for '{wanted}'")]
    Namespace {
        /// What it was made for.
        found: String,
        /// What is needed.
        wanted: String,
    },
    /// A key that nobody in the roster has.
    #[error("nobody in the roster has the key {0}")]
    UnknownKey(String),
    /// A key that was revoked.
    #[error("the key {key} of {person} was revoked (event {event})")]
    Revoked {
        /// Whose.
        person: String,
        /// Its fingerprint.
        key: String,
        /// The newest event that was seen when it was revoked.
        event: u64,
    },
    /// An algorithm that does not belong to the key or is too weak.
    #[error("a signature by {0} is not taken")]
    Algorithm(String),
    /// A security key signed without being touched.
    #[error("the security key of {0} signed without being touched")]
    Untouched(String),
    /// The signature is not one over this text.
    #[error("the signature is not one of {0} over this text")]
    Wrong(String),
}

impl Explain for SignatureError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Refused
    }
    fn hint(&self) -> Option<String> {
        match self {
            Self::Armor(_) | Self::Unreadable(_) => {
                Some("give the .sig file that `ssh-keygen -Y sign` wrote".into())
            }
            Self::Namespace { wanted, .. } => {
                Some(format!("sign with `ssh-keygen -Y sign -n {wanted}`"))
            }
            Self::UnknownKey(_) | Self::Revoked { .. } => {
                Some("`recvault roster show` lists the keys that count".into())
            }
            Self::Untouched(_) => Some("make the key without the option no-touch-required".into()),
            Self::Wrong(_) => Some("sign the file exactly as recvault printed it".into()),
            _ => None,
        }
    }
}

/// Who signed this text under this namespace, by the keys of this roster.
///
/// # Errors
/// The signature does not count; the reason.
pub fn verify(
    text: &str,
    armored: &str,
    namespace: &str,
    roster: &Roster,
) -> Result<Signer, SignatureError> {
    let blob = dearmor(armored)?;
    let parts = Parts::read(&blob)?;
    if !parts.reserved.is_empty() {
        return Err(SignatureError::Reserved);
    }
    if parts.namespace != namespace.as_bytes() {
        let found = parts.namespace.escape_ascii().to_string();
        return Err(SignatureError::Namespace {
            found: found.chars().take(64).collect(),
            wanted: namespace.to_owned(),
        });
    }
    // Bytes are compared: no parser stands between the key in the signature and the roster's.
    let holder = roster.keys().find(|(_, k)| k.public.blob() == parts.key);
    let Some((person, key)) = holder else {
        return Err(SignatureError::UnknownKey(fingerprint_of(parts.key)));
    };
    if let Some(event) = key.revoked_at {
        return Err(SignatureError::Revoked {
            person: person.id.clone(),
            key: key.public.fingerprint(),
            event,
        });
    }
    let signature = read_signature(parts.signature)?;
    let data = key.public.data();
    if !belongs(&data.algorithm(), &signature.algorithm()) {
        return Err(SignatureError::Algorithm(signature.algorithm().to_string()));
    }
    let touched = is_touched(&signature);
    let unreadable = |_| SignatureError::Unreadable("its parts do not fit together");
    let whole = SshSig::new(data.clone(), namespace, parts.hash, signature).map_err(unreadable)?;
    let wrong = |_| SignatureError::Wrong(person.id.clone());
    ssh_key::PublicKey::from(data.clone())
        .verify(namespace, text.as_bytes(), &whole)
        .map_err(wrong)?;
    // After the signature, which covers the flags.
    if !touched {
        return Err(SignatureError::Untouched(person.id.clone()));
    }
    Ok(Signer {
        person: person.id.clone(),
        role: person.role,
        key: key.public.fingerprint(),
        text: Digest::new(Sha256::digest(text).into()),
        namespace: namespace.to_owned(),
    })
}

/// Who signed this statement, under the namespace of its kind.
///
/// # Errors
/// The signature does not count; the reason.
pub fn verify_statement(
    statement: &Statement,
    armored: &str,
    roster: &Roster,
) -> Result<Signer, SignatureError> {
    let namespace = statement.kind().namespace();
    verify(&statement.text(), armored, namespace, roster)
}

/// The bytes within the armor, read as OpenSSH 9.2 reads them: the first line at the very
/// beginning and ended by a line feed (later ones take a carriage return as well), white space
/// anywhere in the base64, nothing looked at behind the last line.
fn dearmor(armored: &str) -> Result<Vec<u8>, SignatureError> {
    if armored.len() > ARMOR_BYTES_MAX {
        return Err(SignatureError::Armor("it is too long"));
    }
    let body = armored
        .strip_prefix(BEGIN)
        .ok_or(SignatureError::Armor("its first line is missing"))?;
    let begins = body.starts_with('\n');
    let end = body.find(END).filter(|_| begins);
    let end = end.ok_or(SignatureError::Armor("its last line is missing"))?;
    let base64: Vec<u8> = body[..end]
        .bytes()
        .filter(|b| !b.is_ascii_whitespace())
        .collect();
    BASE64
        .decode(&base64)
        .map_err(|_| SignatureError::Armor("what it holds is not base64"))
}

/// The parts of a signature blob. They are taken apart here and not by the library, whose reader
/// does not hold a part to its declared length and would take what OpenSSH refuses.
struct Parts<'a> {
    key: &'a [u8],
    namespace: &'a [u8],
    reserved: &'a [u8],
    hash: HashAlg,
    signature: &'a [u8],
}

impl<'a> Parts<'a> {
    fn read(blob: &'a [u8]) -> Result<Self, SignatureError> {
        let cut = || SignatureError::Unreadable("it is cut short");
        let rest = blob.strip_prefix(b"SSHSIG");
        let rest = rest.ok_or(SignatureError::Unreadable("it does not begin with SSHSIG"))?;
        let (version, mut rest) = rest.split_first_chunk().ok_or_else(cut)?;
        let version = u32::from_be_bytes(*version);
        if version != SshSig::VERSION {
            return Err(SignatureError::Version(version));
        }
        let mut part = || take(&mut rest).ok_or_else(cut);
        let (key, namespace, reserved) = (part()?, part()?, part()?);
        let (hash, signature) = (part()?, part()?);
        if !rest.is_empty() {
            return Err(SignatureError::Unreadable("bytes follow it"));
        }
        let hash = match hash {
            b"sha256" => HashAlg::Sha256,
            b"sha512" => HashAlg::Sha512,
            _ => {
                return Err(SignatureError::Unreadable(
                    "its hash is not SHA-256 or SHA-512",
                ));
            }
        };
        Ok(Self {
            key,
            namespace,
            reserved,
            hash,
            signature,
        })
    }
}

/// The next part: four bytes of length, then so many (RFC 4251, `string`).
fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (part, after) = after.split_at_checked(length)?;
    *rest = after;
    Some(part)
}

fn read_signature(part: &[u8]) -> Result<Signature, SignatureError> {
    let unreadable = SignatureError::Unreadable("its innermost part is malformed");
    let Ok(signature) = Signature::try_from(part) else {
        return Err(unreadable);
    };
    // Two lengths of four bytes, the algorithm's name, the value. The library does not look
    // behind the end of what it reads.
    let name = signature.algorithm().as_str().len();
    if part.len() == 8 + name + signature.as_bytes().len() {
        Ok(signature)
    } else {
        Err(unreadable)
    }
}

/// Whether a key of one algorithm makes signatures of the other, and they are strong enough: RSA
/// signs with SHA-2 only (RFC 8332).
fn belongs(key: &Algorithm, signature: &Algorithm) -> bool {
    match (key, signature) {
        (Algorithm::Ed25519, Algorithm::Ed25519)
        | (Algorithm::SkEd25519, Algorithm::SkEd25519)
        | (Algorithm::SkEcdsaSha2NistP256, Algorithm::SkEcdsaSha2NistP256)
        | (
            Algorithm::Ecdsa {
                curve: EcdsaCurve::NistP256,
            },
            Algorithm::Ecdsa {
                curve: EcdsaCurve::NistP256,
            },
        ) => true,
        (Algorithm::Rsa { .. }, Algorithm::Rsa { hash }) => hash.is_some(),
        _ => false,
    }
}

/// Whether somebody touched the security key; of another key, nobody could say.
fn is_touched(signature: &Signature) -> bool {
    let bytes = signature.as_bytes();
    match signature.algorithm() {
        Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256 => {
            let flags = bytes.len().checked_sub(SK_TRAILER_BYTES);
            flags
                .and_then(|at| bytes.get(at))
                .is_some_and(|f| f & USER_PRESENT != 0)
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests;
