//! Guessing which known word a slip was meant to be.

/// The known word that `word` was probably meant to be, if any is near enough. Capitals do not matter.
pub(crate) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
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
        (slips <= allowed || likeness > 0.84).then_some((slips, known))
    });
    candidates.min_by_key(|(slips, _)| *slips).map(|(_, known)| known)
}
