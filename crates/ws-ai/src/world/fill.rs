//! Texts with places to fill.

use super::Dice;

/// Chooses one of `{this|that}` at each such place, which may hold others, and puts the values where their `{name}`
/// stands. Values are taken as they are. Templates are ours, so they are well formed; what is not stays as it stands.
pub(super) fn fill(template: &str, values: &[(&str, &str)], dice: &mut Dice) -> String {
    let mut filled = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some(start) = rest.find('{') {
        let Some(end) = closing(rest, start) else { break };
        filled.push_str(&rest[..start]);
        let inner = &rest[start + 1..end];
        let choices = alternatives(inner);
        if choices.len() > 1 {
            let choice = choices[dice.place(choices.len())];
            filled.push_str(&fill(choice, values, dice));
        } else if let Some((_, value)) = values.iter().find(|(name, _)| *name == inner) {
            filled.push_str(value);
        } else {
            filled.push_str(&rest[start..=end]);
        }
        rest = &rest[end + 1..];
    }
    filled.push_str(rest);
    filled
}

/// Where the brace that opens at `start` is closed.
fn closing(text: &str, start: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate().skip(start) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => return Some(at),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The parts between the bars that stand in no braces.
fn alternatives(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    text.split(|c| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == '|' && depth == 0
    })
    .collect()
}

/// With a capital at the start of each sentence.
pub(super) fn capital(text: &str) -> String {
    let mut begins = true;
    let mut ended = false;
    let mut written = String::with_capacity(text.len());
    for c in text.chars() {
        if begins && c.is_alphabetic() {
            written.extend(c.to_uppercase());
        } else {
            written.push(c);
        }
        begins = if c == ' ' { begins || ended } else { false };
        ended = matches!(c, '.' | '!' | '?') || (ended && matches!(c, '"' | ')'));
    }
    written
}

/// In lower case, with `-` for what is no letter or digit: fit for an id.
pub(super) fn slug(text: &str) -> String {
    let parts: Vec<String> =
        text.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()).map(str::to_lowercase).collect();
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StoryFacts;

    #[test]
    fn places_are_filled_and_what_is_unknown_stays() {
        let mut dice = Dice::of(&StoryFacts::new("", 0, 0));
        assert_eq!(fill("hi {name}, {x} {", &[("name", "Ana {x}")], &mut dice), "hi Ana {x}, {x} {");
        for _ in 0..20 {
            let text = fill("{a|b {x|{y}}}!", &[("y", "z")], &mut dice);
            assert!(["a!", "b x!", "b z!"].contains(&text.as_str()), "{text}");
        }
        assert_eq!(slug("New York: Server room 2"), "new-york-server-room-2");
        assert_eq!(capital("élan? yes. 0.5 l, version 5.2.1! so"), "Élan? Yes. 0.5 l, version 5.2.1! So");
    }
}
