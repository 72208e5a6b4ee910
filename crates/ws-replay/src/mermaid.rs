//! Text in Mermaid's drawings, of which nothing may be read as a part of the drawing.

use std::fmt::Write;

/// The beginning of a text, short enough for a node or the label of an edge, on one line.
pub(crate) fn in_words(text: &str) -> String {
    const LONGEST: usize = 40;
    let mut shown: String = text.chars().take(LONGEST).collect();
    if shown.len() < text.len() {
        shown.push_str("...");
    }
    shown
}

/// Text that Mermaid shows as it is. Everything but letters, digits and a few harmless marks is written as an entity: quotes end
/// a text, and there are comments, directives and Markdown.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        // Line feeds and the like would leave the line also as entities.
        let character = if character.is_control() { ' ' } else { character };
        let is_harmless = match character {
            // Its parser takes `direction LR` for a command wherever it stands.
            ' ' => !ends_with_word(&escaped, "direction"),
            // A digit and a point begin a list.
            '.' => !escaped.ends_with(|before: char| before.is_ascii_digit()),
            character => character.is_alphanumeric() || matches!(character, '_' | ','),
        };
        if is_harmless {
            escaped.push(character);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "#{};", u32::from(character));
        }
    }
    // An empty text is no text.
    if escaped.trim().is_empty() { "#32;".to_owned() } else { escaped }
}

fn ends_with_word(text: &str, word: &str) -> bool {
    text.len().checked_sub(word.len()).and_then(|at| text.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_letters_digits_and_harmless_marks_stay_as_they_are() {
        for (text, expected) in [
            ("log in_2 b.c, d", "log in_2 b.c, d"),
            ("Größe", "Größe"),
            ("a\"b`c", "a#34;b#96;c"),
            ("%% {x}", "#37;#37; #123;x#125;"),
            ("a\nb\u{0}", "a b "),
            ("\u{2028}", "#8232;"),
            ("Direction LR, direction  TD", "Direction#32;LR, direction#32; TD"),
            ("1. a 1.5 b.c", "1#46; a 1#46;5 b.c"),
            (" ", "#32;"),
        ] {
            assert_eq!(escape(text), expected, "{text:?}");
        }
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(in_words(&"é".repeat(41)), format!("{}...", "é".repeat(40)));
        assert_eq!(in_words(&"é".repeat(40)), "é".repeat(40));
    }
}
