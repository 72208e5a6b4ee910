//! Guessing which known word a slip was meant to be.

/// The known word that `word` was probably meant to be, if any is near enough: for messages that say "did you mean". Capitals
/// do not matter.
///
/// ```
/// use ws_patterns::nearest;
///
/// let keys = ["text", "next_step"];
/// assert_eq!(nearest("txt", keys), Some("text"));
/// assert_eq!(nearest("next", keys), Some("next_step"));
/// assert_eq!(nearest("payload", keys), None);
/// ```
#[must_use]
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    // Nobody misspells at such length, and comparing takes the product of both lengths.
    const LONGEST: usize = 40;
    if word.len() > LONGEST {
        return None;
    }
    let word = word.to_lowercase();
    let allowed = (word.len() / 4).max(1);
    let candidates = known.into_iter().filter_map(|known| {
        let folded = known.to_lowercase();
        let slips = strsim::osa_distance(&word, &folded);
        // Beginnings of words and longer forms are far in letters, yet alike.
        let likeness = strsim::jaro_winkler(&word, &folded);
        // Whoever writes one word of several meant that one, rather than another that looks like it.
        let is_cut_short = word.len() > 2 && folded.strip_prefix(&word).is_some_and(|rest| rest.starts_with('_'));
        (slips <= allowed || likeness > 0.84).then_some((!is_cut_short, slips, known))
    });
    candidates.min_by_key(|(is_whole, slips, _)| (*is_whole, *slips)).map(|(.., known)| known)
}
