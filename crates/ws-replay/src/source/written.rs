//! Where a part of a text stands in what was written for it: between quotes, with escapes.

use std::ops::Range;

/// The part of `written` that stands for a part of `text`, both in bytes. `None` if it cannot be told.
pub(super) fn part_of(written: &str, text: &str, part: Range<usize>) -> Option<Range<usize>> {
    let inner = |quote: char| written.strip_prefix(quote)?.strip_suffix(quote);
    if written == text {
        return Some(part);
    }
    let mapped = match (inner('"'), inner('\'')) {
        (Some(inner), _) => walk(inner, text, &part, escaped),
        (_, Some(inner)) => walk(inner, text, &part, doubled),
        _ => None,
    };
    mapped.map(|inside| inside.start + 1..inside.end + 1).or_else(|| found_once(written, text.get(part)?))
}

/// Goes along both, the written characters one by one.
fn walk(
    written: &str,
    text: &str,
    part: &Range<usize>,
    one: fn(&str) -> Option<(char, usize)>,
) -> Option<Range<usize>> {
    let (mut at, mut start) = (0, None);
    for (reached, expected) in text.char_indices() {
        if reached >= part.start {
            start.get_or_insert(at);
        }
        if reached >= part.end {
            break;
        }
        let (found, length) = one(&written[at..])?;
        // Folded lines and whatever else is not understood here.
        if found != expected {
            return None;
        }
        at += length;
    }
    Some(start.unwrap_or(at)..at)
}

/// The first character of what stands between double quotes, and how many bytes it takes there.
fn escaped(written: &str) -> Option<(char, usize)> {
    let first = written.chars().next()?;
    if first != '\\' {
        return Some((first, first.len_utf8()));
    }
    let code = |from: usize, digits: usize| u32::from_str_radix(written.get(from..from + digits)?, 16).ok();
    let (character, length) = match written[1..].chars().next()? {
        'u' => match (code(2, 4)?, code(8, 4)) {
            (high @ 0xd800..0xdc00, Some(low @ 0xdc00..0xe000)) => {
                (char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))?, 12)
            }
            (code, _) => (char::from_u32(code)?, 6),
        },
        'x' => (char::from_u32(code(2, 2)?)?, 4),
        'U' => (char::from_u32(code(2, 8)?)?, 10),
        'n' => ('\n', 2),
        't' => ('\t', 2),
        'r' => ('\r', 2),
        'b' => ('\u{8}', 2),
        'f' => ('\u{c}', 2),
        'e' => ('\u{1b}', 2),
        '0' => ('\0', 2),
        same @ ('"' | '\\' | '/' | ' ') => (same, 2),
        _ => return None,
    };
    Some((character, length))
}

/// As [`escaped`], between single quotes.
fn doubled(written: &str) -> Option<(char, usize)> {
    let first = written.chars().next()?;
    let is_doubled = first == '\'' && written[1..].starts_with('\'');
    Some((first, if is_doubled { 2 } else { first.len_utf8() }))
}

/// What stands in a block of several lines is found if it is there only once.
fn found_once(written: &str, part: &str) -> Option<Range<usize>> {
    let mut places = written.match_indices(part).filter(|_| !part.is_empty());
    let (at, found) = places.next()?;
    places.next().is_none().then_some(at..at + found.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_behind_quotes_and_escapes() {
        for (written, text, part, expected) in [
            ("plain text", "plain text", "text", Some("text")),
            (r#""plain""#, "plain", "ain", Some("ain")),
            (r#""a\"b\n\u00e9\ud83d\ude00{{x}}""#, "a\"b\n\u{e9}\u{1f600}{{x}}", "{{x}}", Some("{{x}}")),
            (r#""a\"b""#, "a\"b", "\"", Some("\\\"")),
            ("'it''s {{x}}'", "it's {{x}}", "{{x}}", Some("{{x}}")),
            (r#""\x41\e\0\U0001f600z""#, "A\u{1b}\0\u{1f600}z", "z", Some("z")),
            ("|\n  one\n  two {{x}}\n", "one\ntwo {{x}}\n", "{{x}}", Some("{{x}}")),
            ("|\n  a\n  a\n", "a\na\n", "a", None),
            ("\"one\n  two\"", "one two", "two", Some("two")),
        ] {
            let at = text.find(part).unwrap();
            let found = part_of(written, text, at..at + part.len());
            assert_eq!(found.map(|range| &written[range]), expected, "{written}");
        }
        // The end of the text has a place too.
        assert_eq!(part_of(r#""ab""#, "ab", 2..2), Some(3..3));
    }
}
