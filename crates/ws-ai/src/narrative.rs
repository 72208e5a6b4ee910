//! What a narrative says: its words, names, counts, moods and durations. It is found by plain rules, not understood.
//!
//! What a client says is read in the same way. Nothing here decides what happens: worlds do.

mod counts;
mod mood;
mod names;
mod said;
mod words;

use std::time::Duration;

use counts::Counts;
pub(crate) use mood::Mood;
use names::Names;
pub(crate) use said::Said;
pub(crate) use words::stem;
use words::{Word, words};

/// How much of a narrative is read, in bytes; what comes after it changes nothing.
const READ: usize = 16 * 1024;

/// What a narrative says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Narrative {
    text: String,
    words: Vec<Word>,
    names: Names,
    counts: Counts,
    moods: Vec<Mood>,
    step: Duration,
}

impl Narrative {
    pub(crate) fn read(text: &str) -> Self {
        let text = &text[..text.floor_char_boundary(READ)];
        let words = words(text);
        Self {
            names: Names::among(text, &words),
            counts: Counts::among(&words),
            moods: mood::among(&words),
            words,
            text: text.to_owned(),
            step: Duration::from_secs(1),
        }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The stems of its words, in order.
    pub(crate) fn stems(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(|word| word.stem.as_str())
    }

    /// Its words in lower case, in order.
    pub(crate) fn lower_words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(|word| word.lower.as_str())
    }

    /// Whether one of these words is in it, in whatever form.
    pub(crate) fn says(&self, words: &[&str]) -> bool {
        words.iter().any(|word| {
            let stem = stem(word);
            self.stems().any(|other| other == stem)
        })
    }

    pub(crate) fn has(&self, mood: Mood) -> bool {
        self.moods.contains(&mood)
    }

    pub(crate) fn moods(&self) -> &[Mood] {
        &self.moods
    }

    /// The number that stands before one of these words: 3 of `three old sensors`.
    pub(crate) fn count_of(&self, words: &[&str]) -> Option<usize> {
        self.counts.of(words)
    }

    /// The same, with an event at each step.
    pub(crate) fn paced(self, step: Duration) -> Self {
        if step.is_zero() { self } else { Self { step, ..self } }
    }

    /// How many events it lasts.
    pub(crate) fn events(&self) -> Option<u64> {
        let steps = u128::from(self.counts.seconds()?) * 1_000_000_000 / self.step.as_nanos().max(1);
        u64::try_from(steps).ok()
    }

    /// Words in capitals, such as `AAPL`.
    pub(crate) fn tickers(&self) -> &[String] {
        &self.names.tickers
    }

    /// Names that are probably people's.
    pub(crate) fn people(&self) -> &[String] {
        &self.names.people
    }

    /// Names of places, rooms and the like.
    pub(crate) fn places(&self) -> &[String] {
        &self.names.places
    }

    /// What stands in quotes.
    pub(crate) fn quoted(&self) -> &[String] {
        &self.names.quoted
    }

    /// What stands behind a `#`.
    pub(crate) fn channels(&self) -> &[String] {
        &self.names.channels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_read_without_harm() {
        let long = "стол 市場 \u{0}\u{7} \"".repeat(10_000);
        for text in ["", " ", "\u{0}", "\"", "''", "@", "#", "5", "9999999999999999999999 minutes", "a\"b", &long] {
            let narrative = Narrative::read(text);
            assert!(narrative.text().len() <= READ);
        }
    }

    #[test]
    fn a_narrative_is_taken_apart() {
        let narrative = Narrative::read(
            "Simulate 5 minutes of a busy market: three traders, Alice, Bob and \"Big Whale\", trade AAPL and BTC in New York #floor.",
        );
        assert_eq!(narrative.events(), Some(300));
        assert_eq!(narrative.count_of(&["trader"]), Some(3));
        assert_eq!(narrative.tickers(), ["AAPL", "BTC"]);
        assert_eq!(narrative.people(), ["Alice", "Bob"]);
        assert_eq!(narrative.quoted(), ["Big Whale"]);
        assert_eq!(narrative.places(), ["New York"]);
        assert_eq!(narrative.channels(), ["floor"]);
        assert!(narrative.has(Mood::Busy) && !narrative.has(Mood::Quiet));
        assert!(narrative.says(&["trading"]) && !narrative.says(&["chat"]));
    }
}
