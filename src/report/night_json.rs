//! The night as data: the whole [`NightSummary`] as indented JSON with its version in front of
//! whoever reads it. Nothing is cut short here.

use crate::intake::summary::NightSummary;

use super::wording::is_harmful;

/// The night as JSON, ending in a line feed. Reads back as the same [`NightSummary`].
#[must_use]
pub fn night_json(night: &NightSummary) -> String {
    pretty(night)
}

/// Indented JSON in which every character that could act on a terminal is escaped: programs read
/// the same text, and a person may `cat` the file.
pub(super) fn pretty(value: &impl serde::Serialize) -> String {
    // Serialising plain data into memory has no way to fail; were a type to gain one, an empty
    // object would be noticed at once and a panic would lose the night's other files.
    let json = serde_json::to_string_pretty(value).unwrap_or_else(|_| "{}".into());
    let mut out = String::with_capacity(json.len() + 1);
    for c in json.chars() {
        // Outside strings JSON has no such characters but the line feeds of its indentation.
        if c != '\n' && is_harmful(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::report::fixture;

    #[test]
    fn the_night_reads_back_as_it_was_and_carries_its_version() {
        for night in [fixture::empty(), fixture::clean(), fixture::hostile()] {
            let json = night_json(&night);
            assert!(json.starts_with("{\n  \"version\": 1,\n"), "{json:.40}");
            assert_eq!(serde_json::from_str::<NightSummary>(&json).unwrap(), night);
        }
    }

    #[test]
    fn nothing_in_it_acts_on_a_terminal() {
        let json = night_json(&fixture::hostile());
        assert!(json.contains("\\u001b[31m") && json.contains("\\u202e"));
        assert!(json.chars().all(|c| c == '\n' || !is_harmful(c)));
        assert_eq!(pretty(&"\u{e0041}\u{9b}"), "\"\\udb40\\udc41\\u009b\"\n");
    }
}
