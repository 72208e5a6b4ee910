//! Numbers in a text, and what they count.

use super::words::{Word, stem};

const NUMBERS: &[(&str, u64)] = &[
    ("one", 1),
    ("two", 2),
    ("three", 3),
    ("four", 4),
    ("five", 5),
    ("six", 6),
    ("seven", 7),
    ("eight", 8),
    ("nine", 9),
    ("ten", 10),
    ("eleven", 11),
    ("twelve", 12),
    ("fifteen", 15),
    ("twenty", 20),
    ("thirty", 30),
    ("fifty", 50),
    ("hundred", 100),
    ("dozen", 12),
    ("a", 1),
    ("an", 1),
    ("couple", 2),
    ("pair", 2),
];

const UNITS: &[(&[&str], u64)] = &[
    (&["s", "sec", "secs", "second", "seconds"], 1),
    (&["m", "min", "mins", "minute", "minutes"], 60),
    (&["h", "hr", "hrs", "hour", "hours"], 60 * 60),
    (&["d", "day", "days"], 24 * 60 * 60),
];

/// How many words may stand between a number and what it counts: `3 old kitchen sensors`.
const BETWEEN: usize = 2;

/// The numbers of a text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    /// A number, and the stems of the words after it.
    counted: Vec<(u64, Vec<String>)>,
    seconds: Option<u64>,
}

impl Counts {
    pub(crate) fn among(words: &[Word]) -> Self {
        let mut counts = Self::default();
        for (at, word) in words.iter().enumerate() {
            let Some((number, unit)) = number(&word.lower) else { continue };
            let after: Vec<&Word> = words[at + 1..].iter().take(1 + BETWEEN).collect();
            let unit = if unit.is_empty() { after.first().map_or("", |next| next.lower.as_str()) } else { unit };
            if let Some(seconds) = seconds(number, unit) {
                // The article in "twice a second" is no duration, but the one in "an hour of" is.
                let is_rate = at > 0 && matches!(word.lower.as_str(), "a" | "an") && unit.starts_with("sec");
                if !is_rate {
                    counts.seconds.get_or_insert(seconds);
                }
                continue;
            }
            // An article counts nothing: `a sensor` may be one of many.
            if matches!(word.lower.as_str(), "a" | "an") {
                continue;
            }
            counts.counted.push((number, after.iter().map(|word| word.stem.clone()).collect()));
        }
        counts
    }

    pub(crate) fn of(&self, words: &[&str]) -> Option<usize> {
        let stems: Vec<String> = words.iter().map(|word| stem(word)).collect();
        let counts = |after: &[String]| after.iter().any(|word| stems.contains(word));
        let (number, _) = self.counted.iter().find(|(_, after)| counts(after))?;
        usize::try_from(*number).ok()
    }

    pub(crate) fn seconds(&self) -> Option<u64> {
        self.seconds
    }
}

/// A number, and the unit if it is written without a space between.
fn number(word: &str) -> Option<(u64, &str)> {
    if let Some((_, number)) = NUMBERS.iter().find(|(name, _)| *name == word) {
        return Some((*number, ""));
    }
    let digits = word.len() - word.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let number = word[..digits].parse().ok()?;
    let unit = word[digits..].trim_start_matches('-');
    (unit.is_empty() || seconds(1, unit).is_some()).then_some((number, unit))
}

fn seconds(number: u64, unit: &str) -> Option<u64> {
    let (_, seconds) = UNITS.iter().find(|(names, _)| names.contains(&unit))?;
    number.checked_mul(*seconds)
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;

    #[test]
    fn durations_are_found_in_words_and_digits() {
        for (text, expected) in [
            ("5 minutes of trading", Some(300)),
            ("a 30s burst", Some(30)),
            ("two hours", Some(7_200)),
            ("an hour of chat", Some(3_600)),
            ("5-minute rally", Some(300)),
            ("three sensors", None),
            ("99999999999999999999 days", None),
            ("18446744073709551615 days", None),
            ("", None),
        ] {
            assert_eq!(Counts::among(&words(text)).seconds(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_counted_may_have_words_before_it() {
        let counts = Counts::among(&words(
            "five traders, 12 old kitchen sensors and a sensor in 3 rooms with one door and a user",
        ));
        assert_eq!(counts.of(&["trader"]), Some(5));
        assert_eq!(counts.of(&["device", "sensors"]), Some(12));
        assert_eq!(counts.of(&["room"]), Some(3));
        assert_eq!(counts.of(&["door"]), Some(1));
        assert_eq!(counts.of(&["user"]), None);
    }
}
