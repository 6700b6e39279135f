//! A signed note (c2sp.org/signed-note): a text, an empty line, and one line per signature.

use std::fmt;

use data_encoding::BASE64;

use super::{ProofError, Verifier};
use crate::base::Moment;

/// Bytes of a note that is read. Sixteen post-quantum signatures of 5 kB, which the specification
/// makes us accept, take 110 kB.
const NOTE_BYTES_MAX: usize = 256 * 1024;

/// Signature lines of a note that is read; the specification asks for sixteen.
const SIGNATURES_MAX: usize = 100;

/// What a signature line begins with: em dash and blank.
const DASH: &str = "\u{2014} ";

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    /// Name of the key.
    pub name: String,
    /// The key's id: with the name, it says which key and which algorithm.
    pub id: [u8; 4],
    /// What the algorithm made.
    pub bytes: Vec<u8>,
}

/// A text and its signatures. It is nothing until a known key has been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// A signature that was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Name of the key.
    pub name: String,
    /// What a cosignature is dated; a plain signature has no date.
    pub at: Option<Moment>,
}

impl NoteSignature {
    /// Reads one line, without its line end.
    ///
    /// # Errors
    /// [`ProofError::Form`] with line 1.
    pub fn parse(line: &str) -> Result<Self, ProofError> {
        Self::parse_at(line, 1)
    }

    fn parse_at(line: &str, number: usize) -> Result<Self, ProofError> {
        let wrong = |why| ProofError::form("note", number, why);
        let rest = line
            .strip_prefix(DASH)
            .ok_or_else(|| wrong("a signature begins with an em dash and a blank"))?;
        let (name, base64) = rest
            .split_once(' ')
            .ok_or_else(|| wrong("a signature has a name and a value"))?;
        if !is_key_name(name) {
            return Err(wrong(
                "a key's name has characters and neither blanks nor plus signs",
            ));
        }
        let bytes = BASE64
            .decode(base64.as_bytes())
            .map_err(|_| wrong("the signature is not base64"))?;
        match bytes.split_first_chunk::<4>() {
            Some((id, bytes)) if !bytes.is_empty() => Ok(Self {
                name: name.to_owned(),
                id: *id,
                bytes: bytes.to_vec(),
            }),
            _ => Err(wrong("the signature is too short to be one")),
        }
    }
}

/// The line, without its line end.
impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = [self.id.as_slice(), &self.bytes].concat();
        write!(f, "{DASH}{} {}", self.name, BASE64.encode(&value))
    }
}

impl Note {
    /// A note with this text, which ends with a line end, and these signatures.
    ///
    /// # Errors
    /// [`ProofError::Form`] for a text that no note can have.
    pub fn new(text: &str, signatures: Vec<NoteSignature>) -> Result<Self, ProofError> {
        let note = Self {
            text: text.to_owned(),
            signatures,
        };
        // One way to be written, one reader that says what may be written.
        match Self::parse(note.to_string().as_bytes())? {
            same if same == note => Ok(note),
            _ => Err(ProofError::form(
                "note",
                1,
                "its text is not of whole lines",
            )),
        }
    }

    /// Reads a note whole.
    ///
    /// # Errors
    /// [`ProofError::Form`] with the line, or [`ProofError::Long`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ProofError> {
        if bytes.len() > NOTE_BYTES_MAX {
            return Err(ProofError::Long {
                text: "note",
                bytes: bytes.len(),
                most: NOTE_BYTES_MAX,
            });
        }
        let line_of = |at: usize| 1 + bytes[..at].iter().filter(|b| **b == b'\n').count();
        let wrong = |at, why| ProofError::form("note", line_of(at), why);
        let all = str::from_utf8(bytes).map_err(|e| wrong(e.valid_up_to(), "it is not UTF-8"))?;
        if let Some(at) = bytes.iter().position(|b| *b < b' ' && *b != b'\n') {
            return Err(wrong(at, "it holds a control character"));
        }
        let end = bytes.len();
        let Some(lines) = all.strip_suffix('\n') else {
            return Err(wrong(end, "it does not end with a line end"));
        };
        // The signatures are what comes after the last empty line.
        let Some(gap) = lines.rfind("\n\n") else {
            return Err(wrong(end, "there is no signature"));
        };
        let (text, lines) = (&all[..=gap], &lines[gap + 2..]);
        let first = line_of(gap + 2);
        let mut signatures = Vec::new();
        for (n, line) in lines.split('\n').enumerate() {
            if n == SIGNATURES_MAX {
                return Err(wrong(end, "there are too many signatures"));
            }
            signatures.push(NoteSignature::parse_at(line, first + n)?);
        }
        Ok(Self {
            text: text.to_owned(),
            signatures,
        })
    }

    /// The signed text, with its last line end.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// All signatures, also those of unknown keys.
    #[must_use]
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Adds a signature, unless it is there.
    ///
    /// # Errors
    /// [`ProofError::Form`] when there are too many.
    pub fn with(mut self, signature: NoteSignature) -> Result<Self, ProofError> {
        if !self.signatures.contains(&signature) {
            self.signatures.push(signature);
        }
        Self::new(&self.text, self.signatures)
    }

    /// Who of `known` has signed.
    ///
    /// # Errors
    /// [`ProofError::Signature`] when a known key's signature does not verify,
    /// [`ProofError::Unsigned`] when there is none.
    pub fn verify(&self, known: &[&Verifier]) -> Result<Vec<Signed>, ProofError> {
        let signed = self.signed(known)?;
        if signed.is_empty() {
            return Err(ProofError::Unsigned);
        }
        Ok(signed)
    }

    /// As [`Note::verify`], but it may be nobody.
    pub(super) fn signed(&self, known: &[&Verifier]) -> Result<Vec<Signed>, ProofError> {
        let mut signed: Vec<Signed> = Vec::new();
        for signature in &self.signatures {
            let mut keys = known.iter().filter(|k| k.is_named_by(signature)).peekable();
            if keys.peek().is_none() {
                continue;
            }
            let name = &signature.name;
            let one = keys
                .find_map(|key| key.check(&self.text, signature))
                .ok_or_else(|| ProofError::Signature { name: name.clone() })?;
            if !signed.contains(&one) {
                signed.push(one);
            }
        }
        Ok(signed)
    }
}

/// The note as it is stored.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for signature in &self.signatures {
            writeln!(f, "{signature}")?;
        }
        Ok(())
    }
}

/// Whether a key may be called so.
pub(super) fn is_key_name(name: &str) -> bool {
    !name.is_empty()
        && !name
            .chars()
            .any(|c| c.is_whitespace() || c < ' ' || c == '+')
}
