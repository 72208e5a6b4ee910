//! The strings and numbers of a JSON text, with their places in it.

use std::borrow::Cow;
use std::ops::Range;

use serde::de::IgnoredAny;

/// A string or a number, or the name of a key.
#[derive(Debug)]
pub(super) struct Scalar<'t> {
    /// What stands in the JSON text: a string without its quotes, and with its escapes.
    raw: &'t str,
    /// Where that stands.
    at: usize,
    /// The string itself, or the number as it is written.
    pub(super) text: Cow<'t, str>,
    pub(super) kind: Kind,
    /// The name of the key at which it stands, perhaps inside arrays.
    pub(super) key: Option<Cow<'t, str>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    /// The name of a key.
    Key,
}

impl Scalar<'_> {
    /// Where it stands in the JSON text, with its quotes if it has some.
    pub(super) fn whole(&self) -> Range<usize> {
        let quotes = usize::from(self.kind != Kind::Number);
        self.at - quotes..self.at + self.raw.len() + quotes
    }

    /// Where parts of `text`, in their order, stand in the JSON text.
    pub(super) fn places(&self, parts: impl IntoIterator<Item = Range<usize>>) -> impl Iterator<Item = Range<usize>> {
        let has_escapes = self.raw.contains('\\');
        // A place in the string, and the same as it is written.
        let (mut read, mut written) = (0, 0);
        let mut place = move |at: usize| {
            if !has_escapes {
                return self.at + at;
            }
            while read < at && written < self.raw.len() {
                let (of_written, of_read) = character(&self.raw[written..]);
                written += of_written;
                read += of_read;
            }
            self.at + written
        };
        parts.into_iter().map(move |part| place(part.start)..place(part.end))
    }
}

/// The length of the first character as it is written, and of the character itself. The text is not empty.
fn character(raw: &str) -> (usize, usize) {
    let Some(escape) = raw.strip_prefix('\\') else {
        let length = raw.chars().next().map_or(1, char::len_utf8);
        return (length, length);
    };
    if !escape.starts_with('u') {
        return (2, 1);
    }
    let unit = |at: usize| raw.get(at + 2..at + 6).and_then(|digits| u16::from_str_radix(digits, 16).ok());
    let units = [unit(0), unit(6).filter(|_| raw.get(6..8) == Some("\\u"))];
    match char::decode_utf16(units.into_iter().flatten()).next() {
        Some(Ok(character)) if character.len_utf16() == 2 => (12, character.len_utf8()),
        Some(Ok(character)) => (6, character.len_utf8()),
        // JSON that was read has no lone surrogates.
        _ => (6, 3),
    }
}

/// The string that is written so; `None` if an escape stands for no character.
fn unescaped(raw: &str) -> Option<Cow<'_, str>> {
    if !raw.contains('\\') {
        return Some(Cow::Borrowed(raw));
    }
    serde_json::from_str(&format!("\"{raw}\"")).ok().map(Cow::Owned)
}

/// An object or array that is open.
struct Open<'t> {
    is_object: bool,
    /// Whether the next string is a key.
    expects_key: bool,
    /// The present key; in an array, that at which the array stands.
    key: Option<Cow<'t, str>>,
}

/// All strings, numbers and keys of an object or array, in their order; `None` for all other texts.
pub(super) fn scalars(text: &str) -> Option<Vec<Scalar<'_>>> {
    let is_container = text.trim_start().starts_with(['{', '[']);
    if !is_container || serde_json::from_str::<IgnoredAny>(text).is_err() {
        return None;
    }
    // What follows need not be careful: the text is JSON.
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' => {
                let key = open.last().and_then(|open| open.key.clone());
                let is_object = *byte == b'{';
                open.push(Open { is_object, expects_key: is_object, key });
            }
            b'}' | b']' => {
                open.pop();
            }
            b',' => {
                if let Some(open) = open.last_mut() {
                    open.expects_key = open.is_object;
                }
            }
            b'"' => {
                let start = at + 1;
                at = end_of_string(bytes, start);
                let raw = &text[start..at];
                let string = unescaped(raw)?;
                match open.last_mut() {
                    Some(open) if open.expects_key => {
                        open.expects_key = false;
                        open.key = Some(string.clone());
                        found.push(Scalar { raw, text: string, at: start, kind: Kind::Key, key: None });
                    }
                    open => {
                        let key = open.and_then(|open| open.key.clone());
                        found.push(Scalar { raw, text: string, at: start, kind: Kind::Text, key });
                    }
                }
            }
            b'-' | b'0'..=b'9' => {
                let length = bytes[at..].iter().take_while(|byte| is_of_number(**byte)).count();
                let raw = &text[at..at + length];
                let key = open.last().and_then(|open| open.key.clone());
                found.push(Scalar { raw, text: raw.into(), at, kind: Kind::Number, key });
                at += length;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    Some(found)
}

/// Where the string that starts here ends, before its quotes.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => break,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at.min(bytes.len())
}

fn is_of_number(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(Option<&str>, Kind, &str)]) {
        let scalars = scalars(text).unwrap();
        let found: Vec<_> = scalars.iter().map(|it| (it.key.as_deref(), it.kind, &*it.text)).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn scalars_know_their_keys() {
        use Kind::{Key, Number, Text};
        check(
            r#" {"a":1,"b":["x",-2.5e3,{"c":"y"},"z"],"d":null} "#,
            &[
                (None, Key, "a"),
                (Some("a"), Number, "1"),
                (None, Key, "b"),
                (Some("b"), Text, "x"),
                (Some("b"), Number, "-2.5e3"),
                (None, Key, "c"),
                (Some("c"), Text, "y"),
                (Some("b"), Text, "z"),
                (None, Key, "d"),
            ],
        );
        check(r#"["{\"}",{"\u0061":"\\"}]"#, &[(None, Text, r#"{"}"#), (None, Key, "a"), (Some("a"), Text, "\\")]);
        check("[]", &[]);
        for text in ["", "1", "\"a\"", "{", "{}{}", r#"{"a":"\ud800"}"#] {
            assert!(scalars(text).is_none(), "{text}");
        }
    }

    #[test]
    fn parts_of_a_string_are_found_where_they_are_written() {
        let text = r#"["a\n\u00e9\ud83d\ude00\/é\u0041b"]"#;
        let scalar = &scalars(text).unwrap()[0];
        assert_eq!(&*scalar.text, "a\né😀/éAb");
        for (part, written) in [
            ("a", "a"),
            ("\n", r"\n"),
            ("é", r"\u00e9"),
            ("😀", r"\ud83d\ude00"),
            ("/éAb", r"\/é\u0041b"),
            ("b", "b"),
            (&*scalar.text, &text[2..text.len() - 2]),
        ] {
            let start = scalar.text.find(part).unwrap();
            let mut places = scalar.places(std::iter::once(start..start + part.len()));
            assert_eq!(&text[places.next().unwrap()], written);
        }
    }
}
