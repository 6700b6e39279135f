//! Words as they stand in a text that people sign: one line, and it must be what it looks like.
//!
//! A signer reads the text on a screen or on paper. So nothing may stand in it that a reader
//! cannot see or that changes the order in which the rest is read, and a value cannot break out
//! of its line. Fails with the reason, never by repairing: what is signed is what was written.

use thiserror::Error;

use crate::base::{ErrorKind, Explain};

/// Bytes of one value. Some 330 Chinese characters or 1,000 Latin ones: a reason in a few
/// sentences, and a statement that still prints on one page.
pub const VALUE_BYTES_MAX: usize = 1_000;

/// Bytes of a person's handle. It stands in every sentence about a signature.
pub const HANDLE_BYTES_MAX: usize = 32;

/// Why a value cannot stand in a text that is signed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LineError {
    /// Nothing is there.
    #[error("it is empty")]
    Empty,
    /// More than [`VALUE_BYTES_MAX`].
    #[error("it has {0} bytes; at most {VALUE_BYTES_MAX} are taken")]
    Long(usize),
    /// White space at an end, which no reader sees.
    #[error("it begins or ends with white space")]
    Untrimmed,
    /// A character that no reader sees, or that reorders what is read.
    #[error("it contains U+{:04X}, which a reader cannot see", u32::from(*.0))]
    Invisible(char),
    /// Not a handle.
    #[error(
        "it is not a handle: a–z, then at most {} of a–z, 0–9, '.', '_' and '-'",
        HANDLE_BYTES_MAX - 1
    )]
    Handle,
}

impl Explain for LineError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
}

/// Whether `value` may stand in a text that is signed.
///
/// # Errors
/// The first reason why not.
pub fn check_value(value: &str) -> Result<(), LineError> {
    if value.is_empty() {
        return Err(LineError::Empty);
    }
    if value.len() > VALUE_BYTES_MAX {
        return Err(LineError::Long(value.len()));
    }
    if let Some(c) = value.chars().find(|c| is_invisible(*c)) {
        return Err(LineError::Invisible(c));
    }
    if value.trim() != value {
        return Err(LineError::Untrimmed);
    }
    Ok(())
}

/// Whether `text` is a person's handle. The grammar keeps it a plain principal of OpenSSH's
/// `allowed_signers`, where blanks, commas, quotes, `*`, `?` and `!` have meanings of their own.
///
/// # Errors
/// [`LineError::Handle`] if it is not.
pub fn check_handle(text: &str) -> Result<(), LineError> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
    let begins = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
    if begins && text.len() <= HANDLE_BYTES_MAX && text.bytes().all(plain) {
        Ok(())
    } else {
        Err(LineError::Handle)
    }
}

/// A whole number as it is written once only: decimal, no sign, no leading zero.
#[must_use]
pub fn read_number(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// Control characters, separators of lines, marks of direction, and characters without a shape
/// (Unicode 15, categories Cc, Zl, Zp and the parts of Cf and Lo that draw nothing).
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_visible_line() {
        let cases = [
            ("经复核，案件 2026-117 已结案", Ok(())),
            ("a b", Ok(())),
            ("", Err(LineError::Empty)),
            (" a", Err(LineError::Untrimmed)),
            ("a\u{3000}", Err(LineError::Untrimmed)),
            ("a\nhold: 4", Err(LineError::Invisible('\n'))),
            ("a\rb", Err(LineError::Invisible('\r'))),
            ("a\tb", Err(LineError::Invisible('\t'))),
            ("a\0", Err(LineError::Invisible('\0'))),
            ("a\u{85}b", Err(LineError::Invisible('\u{85}'))),
            ("a\u{2028}b", Err(LineError::Invisible('\u{2028}'))),
            ("a\u{202e}b", Err(LineError::Invisible('\u{202e}'))),
            ("a\u{200b}b", Err(LineError::Invisible('\u{200b}'))),
            ("a\u{feff}", Err(LineError::Invisible('\u{feff}'))),
            ("a\u{e0041}", Err(LineError::Invisible('\u{e0041}'))),
        ];
        for (value, expected) in cases {
            assert_eq!(check_value(value), expected, "{value:?}");
        }
        assert_eq!(check_value(&"x".repeat(VALUE_BYTES_MAX)), Ok(()));
        assert_eq!(
            check_value(&"x".repeat(VALUE_BYTES_MAX + 1)),
            Err(LineError::Long(VALUE_BYTES_MAX + 1))
        );
    }

    #[test]
    fn a_handle_has_no_character_that_openssh_reads_otherwise() {
        for good in ["li", "li.wei-2", "a", "approver-1", "x_y"] {
            assert_eq!(check_handle(good), Ok(()), "{good}");
        }
        for bad in [
            "", "Li", "1a", "-a", "a b", "a,b", "a*", "!a", "a@b", "李", "a\n",
        ] {
            assert_eq!(check_handle(bad), Err(LineError::Handle), "{bad:?}");
        }
        assert!(check_handle(&"a".repeat(HANDLE_BYTES_MAX)).is_ok());
        assert!(check_handle(&"a".repeat(HANDLE_BYTES_MAX + 1)).is_err());
    }

    #[test]
    fn a_number_is_written_in_one_way() {
        for (text, expected) in [
            ("0", Some(0)),
            ("1234", Some(1_234)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("01", None),
            ("+1", None),
            ("-0", None),
            (" 1", None),
            ("", None),
            ("１", None),
        ] {
            assert_eq!(read_number(text), expected, "{text:?}");
        }
    }
}
