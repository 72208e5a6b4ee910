//! Names in a text: what is quoted, marked or written with a capital.

use super::mood::is_mood;
use super::words::Word;
use crate::world::{cast, is_vocabulary};

/// How many names of a kind are kept.
const MOST: usize = 24;
/// Longer ones are no names, in characters.
const LONGEST: usize = 40;

/// Words in capitals that are no tickers, and words with a capital that are no names.
const NO_TICKERS: &[&str] = &[
    "AI", "API", "ASAP", "CEO", "CTO", "DM", "EOD", "ETA", "EU", "FAQ", "FBI", "FYI", "GPS", "GPT", "HELP", "HTTP",
    "HVAC", "IOT", "IPO", "IT", "JSON", "LLM", "LOL", "MMO", "MOBA", "MQTT", "NASDAQ", "NFL", "NBA", "NYSE", "NOT",
    "OK", "OMG", "PC", "PM", "AM", "PVP", "RPG", "SLA", "SMS", "SQL", "TV", "UI", "UK", "UN", "URL", "US", "USA",
    "USD", "VIP", "VPN", "WS", "STOP", "SELL", "BUY", "NOW", "ALL", "THE", "AND", "FOR", "YES", "NO", "CRASH", "PANIC",
    "RALLY", "HI", "HELLO",
];
const NO_NAMES: &[&str] = &[
    "i",
    "i'm",
    "i'd",
    "i've",
    "i'll",
    "english",
    "german",
    "french",
    "spanish",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "websocket",
    "simulate",
    "generate",
    "iot",
    "internet",
];
const BEFORE_PLACES: &[&str] = &["in", "at", "near", "from", "across", "around", "to", "of"];

/// The names of a text, each once, in their order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    pub(crate) tickers: Vec<String>,
    pub(crate) people: Vec<String>,
    pub(crate) places: Vec<String>,
    pub(crate) quoted: Vec<String>,
    pub(crate) channels: Vec<String>,
}

impl Names {
    pub(crate) fn among(text: &str, words: &[Word]) -> Self {
        let mut names = Self::default();
        for quoted in quoted(text) {
            keep(&mut names.quoted, quoted);
        }
        // Who writes all in capitals means no names by them.
        let all_capitals = words.len() > 3 && !text.contains(char::is_lowercase);
        let is_ticker = |word: &Word| !all_capitals && is_ticker(word);
        let mut at = 0;
        while let Some(word) = words.get(at) {
            let start = at;
            at += 1;
            match word.mark {
                Some('@') => keep(&mut names.people, &word.text),
                Some(_) => keep(&mut names.channels, &word.text),
                None if is_ticker(word) => keep(&mut names.tickers, &word.text),
                None if has_capital(word) => {
                    while let Some(next) = words.get(at)
                        && !words[at - 1].parted
                        && next.mark.is_none()
                        && has_capital(next)
                        && !is_ticker(next)
                    {
                        at += 1;
                    }
                    let parts: Vec<&str> = words[start..at].iter().map(|word| word.text.as_str()).collect();
                    // `Busy Stock Market` is a title.
                    if words[start..at].iter().any(is_common) && !cast::is_city(&parts.join(" ")) {
                        continue;
                    }
                    let before = start.checked_sub(1).map(|before| words[before].lower.as_str());
                    names.sort_in(&parts, word.begins, before);
                }
                None => {}
            }
        }
        names
    }

    fn sort_in(&mut self, parts: &[&str], begins: bool, before: Option<&str>) {
        let name = parts.join(" ");
        if self.quoted.iter().any(|quoted| quoted.contains(&name)) {
            return;
        }
        let first = parts.first().copied().unwrap_or_default();
        if cast::is_city(&name) {
            keep(&mut self.places, &name);
        } else if cast::is_first_name(first) {
            keep(&mut self.people, &name);
        } else if begins {
            // Every sentence begins with a capital: only what is known to be a name is one there.
        } else if before.is_some_and(|before| BEFORE_PLACES.contains(&before)) {
            keep(&mut self.places, &name);
        } else {
            keep(&mut self.people, &name);
        }
    }
}

fn keep(names: &mut Vec<String>, name: &str) {
    let name: String = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let fits = !name.is_empty() && name.chars().count() <= LONGEST && !name.contains(char::is_control);
    if fits && names.len() < MOST && !names.contains(&name) {
        names.push(name);
    }
}

/// What stands between quotes. An apostrophe is none.
fn quoted(text: &str) -> Vec<&str> {
    const QUOTES: &[(char, char)] = &[('"', '"'), ('“', '”'), ('„', '“'), ('«', '»'), ('`', '`'), ('\'', '\'')];
    let mut found = Vec::new();
    let mut rest = text;
    let mut before = None;
    while let Some(first) = rest.chars().next() {
        let after = &rest[first.len_utf8()..];
        let close = QUOTES.iter().find(|(open, _)| *open == first).map(|(_, close)| *close);
        let opens = close.is_some() && !before.is_some_and(char::is_alphanumeric);
        // The length bounds the search: a text full of lone quotes is read once.
        let end = close
            .filter(|_| opens)
            .and_then(|close| after.char_indices().take(LONGEST + 1).find(|(_, c)| *c == close).map(|(end, _)| end));
        if let Some(end) = end {
            found.push(&after[..end]);
            let close = after[end..].chars().next().map_or(0, char::len_utf8);
            before = close.checked_sub(1).and(Some(' '));
            rest = &after[end + close..];
        } else {
            before = Some(first);
            rest = after;
        }
        if found.len() == MOST {
            break;
        }
    }
    found
}

fn is_ticker(word: &Word) -> bool {
    let letters = word.text.trim_end_matches("/USD");
    (2..=5).contains(&letters.len())
        && letters.bytes().all(|byte| byte.is_ascii_uppercase())
        && !NO_TICKERS.contains(&letters)
        && !is_common(word)
}

/// Whether it is a word of worlds or moods.
fn is_common(word: &Word) -> bool {
    is_vocabulary(&word.stem) || is_mood(&word.stem)
}

fn has_capital(word: &Word) -> bool {
    let first_is = word.text.chars().next().is_some_and(char::is_uppercase);
    first_is && !NO_NAMES.contains(&word.lower.as_str()) && !NO_TICKERS.contains(&word.text.as_str())
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;

    fn names(text: &str) -> Names {
        Names::among(text, &words(text))
    }

    #[test]
    fn names_are_sorted_by_what_they_are_of() {
        let found = names("Chat between Maria Lopez, @zed and 'Dr. No' in Berlin about the API and NVDA.");
        assert_eq!(found.people, ["Maria Lopez", "zed"]);
        assert_eq!(found.quoted, ["Dr. No"]);
        assert_eq!(found.places, ["Berlin"]);
        assert_eq!(found.tickers, ["NVDA"]);
    }

    #[test]
    fn what_is_no_name_is_none() {
        for title in [
            "Busy Stock Market With Angry Traders",
            "a Busy Stock Market",
            "BUSY STOCK MARKET WITH CHAT",
            "SELL IT ALL NOW",
        ] {
            let found = names(title);
            assert!(found.people.is_empty() && found.tickers.is_empty(), "{title}: {found:?}");
        }
        let found = names("Simulate it. Don't it's what I'm at on Monday! The JSON API isn't OK.");
        assert!(found.people.is_empty() && found.places.is_empty() && found.quoted.is_empty(), "{found:?}");
        assert!(found.tickers.is_empty(), "{found:?}");
    }
}
