//! A recorder writes all its recordings alike: the same container, the same codecs, the same sound. One that is
//! unlike all the others of its recorder may have been written anew by another program (clause 4.8.2). It is a
//! hint: a recorder may also have been set, or mended, differently.

use std::collections::BTreeMap;

use crate::base::RecordingId;

/// Recordings that are alike before it is believed that their recorder makes them so.
const ALIKE_MIN: usize = 10;
/// Of so many alike, one other is told. A recorder that was set differently makes more of them soon.
const ALIKE_PER_OTHER: usize = 10;

/// How one recording was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Which recording it is.
    pub id: RecordingId,
    /// Container, codecs and sound, in words: what settings of size and quality leave as it is.
    pub how: String,
}

/// Those of one recorder that are not made as nearly all of them are, and how nearly all of them are made.
#[must_use]
pub fn unlike(all: &[Made]) -> Option<(Vec<&Made>, &str, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for made in all {
        *counts.entry(&made.how).or_default() += 1;
    }
    let (usual, alike) = counts.into_iter().max_by_key(|(_, n)| *n)?;
    let others: Vec<&Made> = all.iter().filter(|m| m.how != usual).collect();
    let few = others.len().saturating_mul(ALIKE_PER_OTHER) <= alike;
    (alike >= ALIKE_MIN && few && !others.is_empty()).then_some((others, usual, alike))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(row: &str) -> Option<(usize, String, usize)> {
        let all: Vec<Made> = row
            .chars()
            .map(|c| Made {
                id: RecordingId::new([0; 10]),
                how: c.to_string(),
            })
            .collect();
        unlike(&all).map(|(others, usual, alike)| (others.len(), usual.to_owned(), alike))
    }

    #[test]
    fn one_among_many_is_told_and_a_change_of_settings_is_not() {
        for (row, expected) in [
            ("", None),
            ("aaaaaaaaaa", None),
            ("aaaaaaaaab", None),
            ("aaaaaaaaaab", Some((1, "a".to_owned(), 10))),
            ("baaaaaaaaaaaaaaaaaaaac", Some((2, "a".to_owned(), 20))),
            ("aaaaaaaaaabb", None),
            ("aaaaaaaaaabbbbbbbbbb", None),
        ] {
            assert_eq!(found(row), expected, "{row}");
        }
    }
}
