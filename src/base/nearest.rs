//! The known word that a mistyped one was probably meant to be.

/// The word of `known` that is nearest to `word`, if one is near enough that proposing it helps:
/// at most a third of its letters differ, or one begins with the other. The first of equals.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let mut best: Option<(usize, &str)> = None;
    for candidate in known {
        let distance = distance(&word, &candidate.to_lowercase());
        let length = word.chars().count().max(candidate.chars().count());
        let begins =
            word.len() >= 3 && (candidate.starts_with(&word) || word.starts_with(candidate));
        if (begins || distance.saturating_mul(3) <= length)
            && best.is_none_or(|(d, _)| distance < d)
        {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Levenshtein distance over characters. Words longer than a key can be are simply far away.
fn distance(a: &str, b: &str) -> usize {
    const LETTERS_MAX: usize = 64;
    let (a, b): (Vec<char>, Vec<char>) = (
        a.chars().take(LETTERS_MAX + 1).collect(),
        b.chars().collect(),
    );
    if a.len() > LETTERS_MAX {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.iter().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(ca != cb);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_its_word_and_nonsense_finds_none() {
        let known = [
            "settle_s",
            "done_marker",
            "release",
            "released_keep_days",
            "ignore",
        ];
        let cases = [
            ("settle", Some("settle_s")),
            ("setle_s", Some("settle_s")),
            ("Release", Some("release")),
            ("released", Some("release")),
            ("released_keep_day", Some("released_keep_days")),
            ("ignored", Some("ignore")),
            ("bitrate", None),
            ("", None),
        ];
        for (word, expected) in cases {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
        assert_eq!(nearest(&"x".repeat(100_000), known), None);
    }
}
