//! "Did you mean …?"

/// The candidate that differs from a word in the fewest letters, if that is few enough to be a slip. Case and the signs
/// between words do not count.
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

/// `; did you mean '…'?` for the candidate that is closest, or nothing.
#[must_use]
pub fn did_you_mean<'c>(word: &str, candidates: impl Iterator<Item = &'c str>) -> String {
    closest(word, candidates).map_or_else(String::new, |name| format!("; did you mean '{name}'?"))
}
