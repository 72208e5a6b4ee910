//! Texts as words, and words without their endings.

/// How many words of a text are looked at.
const MOST_WORDS: usize = 2_000;
/// Longer ones are no words.
const LONGEST: usize = 40;

/// A word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    /// As it is written, without what stands around it.
    pub(crate) text: String,
    pub(crate) lower: String,
    pub(crate) stem: String,
    /// `@` or `#`, if it stands before it.
    pub(crate) mark: Option<char>,
    /// Whether a sentence begins with it.
    pub(crate) begins: bool,
    /// Whether it stands alone before the next one: there is a comma or the like between them.
    pub(crate) parted: bool,
}

/// The words of a text: letters and digits, with `-`, `'`, `_`, `.` and `/` between them.
pub(crate) fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut begins = true;
    let mut rest = text;
    while words.len() < MOST_WORDS {
        let Some(start) = rest.find(char::is_alphanumeric) else { break };
        let between = &rest[..start];
        let mark = between.chars().next_back().filter(|last| matches!(last, '@' | '#'));
        if let Some(last) = words.last_mut() {
            last.parted = between.contains(|c: char| !c.is_whitespace());
            begins = between.contains(['.', '!', '?', ':', ';', '\n']);
        }
        rest = &rest[start..];
        let end = end_of_word(rest);
        let (word, after) = rest.split_at(end);
        rest = after;
        if word.chars().count() <= LONGEST {
            let lower = word.to_lowercase();
            words.push(Word { text: word.to_owned(), stem: stem(&lower), lower, mark, begins, parted: false });
        }
    }
    words
}

fn end_of_word(text: &str) -> usize {
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let joins = matches!(c, '-' | '\'' | '’' | '_' | '.' | '/');
        let goes_on = joins && chars.peek().is_some_and(|(_, next)| next.is_alphanumeric());
        if !c.is_alphanumeric() && !goes_on {
            return at;
        }
    }
    text.len()
}

/// A word without its endings: the same for `trade`, `trades`, `traded`, `trader` and `trading`. It is no word of any
/// language, and some words that have nothing to do with each other share one.
pub(crate) fn stem(word: &str) -> String {
    let lower = word.to_lowercase();
    let mut stem = lower.trim_end_matches("'s").trim_end_matches("’s");
    // News are not new.
    if !stem.is_ascii() || stem == "news" {
        return stem.to_owned();
    }
    if stem.len() > 4 && stem.ends_with("ies") {
        return format!("{}y", &stem[..stem.len() - 3]);
    }
    if stem.len() > 3 && stem.ends_with('s') && !["ss", "us", "is"].iter().any(|end| stem.ends_with(end)) {
        stem = &stem[..stem.len() - 1];
    }
    loop {
        let shorter = ["ing", "ed", "er", "ly"].iter().find_map(|end| stem.strip_suffix(end));
        match shorter {
            Some(shorter) if shorter.len() >= 3 && shorter.contains(['a', 'e', 'i', 'o', 'u', 'y']) => stem = shorter,
            _ => break,
        }
    }
    if stem.len() > 3 {
        stem = stem.strip_suffix('e').unwrap_or(stem);
    }
    let bytes = stem.as_bytes();
    if let [.., before, last] = bytes
        && before == last
        && bytes.len() > 3
    {
        stem = &stem[..stem.len() - 1];
    }
    stem.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_word_share_a_stem() {
        for forms in [
            &["trade", "trades", "traded", "trading", "trader", "traders", "Trade's"][..],
            &["sell", "sells", "selling", "seller"],
            &["ship", "ships", "shipped", "shipping"],
            &["crash", "crashed", "crashing"],
            &["delivery", "deliveries"],
            &["game", "games", "gamer", "gaming"],
            &["overheat", "overheats", "overheating", "overheated"],
        ] {
            for form in forms {
                assert_eq!(stem(form), stem(forms[0]), "{form}");
            }
        }
        for (one, other) in [("news", "new"), ("stock", "stop"), ("bus", "busy"), ("sing", "sensor")] {
            assert_ne!(stem(one), stem(other), "{one} {other}");
        }
    }

    #[test]
    fn words_know_what_stands_around_them() {
        let found = words("Hello, @anna-lena! It's 21.5 in #room_1. Bye");
        let texts: Vec<&str> = found.iter().map(|word| word.text.as_str()).collect();
        assert_eq!(texts, ["Hello", "anna-lena", "It's", "21.5", "in", "room_1", "Bye"]);
        let begins: Vec<bool> = found.iter().map(|word| word.begins).collect();
        assert_eq!(begins, [true, false, true, false, false, false, true]);
        assert_eq!(found[1].mark, Some('@'));
        assert_eq!(found[5].mark, Some('#'));
        assert!(found[0].parted && !found[3].parted);
    }
}
