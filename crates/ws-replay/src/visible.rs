//! Text from elsewhere, made safe to show: nothing of it moves the cursor of a terminal or turns the direction of writing.

/// A text as a terminal shows it: tabs as four blanks, and a sign in place of what is not to be seen.
pub(crate) fn visible(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, character| {
        match character {
            '\t' => shown.push_str("    "),
            character if is_unseen(character) => shown.push('\u{fffd}'),
            character => shown.push(character),
        }
        shown
    })
}

fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}
