//! "Did you mean": the word that someone most likely wanted to write.

/// The candidate that differs from a word in the fewest letters, if that is few enough to be a slip.
#[must_use]
pub fn closest<'c>(word: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let plain = |text: &str| text.to_lowercase().replace(['_', '-', '.'], "");
    let word = plain(word);
    let most = (word.chars().count() / 3).clamp(1, 4);
    let distance = |candidate: &str| strsim::damerau_levenshtein(&word, &plain(candidate));
    candidates
        .map(|candidate| (distance(candidate), candidate))
        .filter(|(far, _)| *far <= most)
        .min()
        .map(|(_, name)| name)
}

/// The end of a sentence that suggests a word: `; did you mean 'daily'?`, or nothing.
#[must_use]
pub fn did_you_mean<'c>(word: &str, candidates: impl Iterator<Item = &'c str>) -> String {
    closest(word, candidates).map_or_else(String::new, |name| format!("; did you mean '{name}'?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_seen_through_and_another_word_is_not() {
        let words = || ["daily", "weekly", "within_daily"].into_iter();
        assert_eq!(did_you_mean("dialy", words()), "; did you mean 'daily'?");
        assert_eq!(closest("WithinDaily", words()), Some("within_daily"));
        assert_eq!(closest("nonsense", words()), None);
    }
}
