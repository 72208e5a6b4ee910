//! What looks as if a client had made it up: ids, times and long numbers.
//!
//! A looser rule would take choices of the client, such as a room or a page, for its inventions, and a mock would then
//! answer whatever is asked.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::MAX_VALUE_BYTES;

/// What a value looks like by itself, wherever it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Uuid,
    /// A date with a time of day, as RFC 3339 and ISO 8601 have it.
    Time,
    /// At least ten digits: a time in seconds or less, or an id.
    Number,
}

const UUID: &str = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}";
const TIME: &str =
    "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?";
const NUMBER: &str = r"[0-9]{10,20}(?:\.[0-9]{1,9})?";

#[expect(clippy::unwrap_used, reason = "the expressions stand above and are compiled in a test")]
static ANYWHERE: LazyLock<Regex> = LazyLock::new(|| Regex::new(&format!("{UUID}|{TIME}|{NUMBER}")).unwrap());
#[expect(clippy::unwrap_used, reason = "the expressions stand above and are compiled in a test")]
static AT_START: LazyLock<[Regex; 3]> =
    LazyLock::new(|| [UUID, TIME, NUMBER].map(|look| Regex::new(&format!("^(?:{look})")).unwrap()));

impl Look {
    /// How much of the beginning of `text` looks like this.
    pub(super) fn length_at_start(self, text: &str) -> Option<usize> {
        let regex = match self {
            Self::Uuid => &AT_START[0],
            Self::Time => &AT_START[1],
            Self::Number => &AT_START[2],
        };
        regex.find(text).map(|found| found.end())
    }

    /// Whether the whole text looks like this.
    pub(super) fn is_of(self, text: &str) -> bool {
        self.length_at_start(text) == Some(text.len())
    }
}

/// All that looks like something in a text, in its order.
pub(super) fn looks(text: &str) -> impl Iterator<Item = (Range<usize>, Look)> {
    let found = may_have_looks(text).then(|| ANYWHERE.find_iter(text)).into_iter().flatten();
    found.filter_map(|found| {
        let look = match found.as_str().find('-') {
            Some(8) => Look::Uuid,
            Some(_) => Look::Time,
            None => Look::Number,
        };
        let stands_alone = stands_alone(text, &found.range(), look) && !is_constant(found.as_str());
        stands_alone.then(|| (found.range(), look))
    })
}

/// Whether it is worth the search: recordings are large, and most of their texts have nothing to find.
fn may_have_looks(text: &str) -> bool {
    let count = |of: fn(&u8) -> bool| text.bytes().filter(of).count();
    text.len() >= 10 && (count(u8::is_ascii_digit) >= 10 || count(|byte| *byte == b'-') >= 4)
}

/// Whether nothing around it makes it a part of something larger.
fn stands_alone(text: &str, place: &Range<usize>, look: Look) -> bool {
    let before = text[..place.start].chars().next_back();
    let after = text[place.end..].chars().next();
    let is_word = |neighbour: Option<char>| neighbour.is_some_and(|it| it.is_alphanumeric() || it == '_');
    let is_fraction = look == Look::Number && before == Some('.');
    !is_word(before) && !is_word(after) && !is_fraction
}

/// Whether all of its digits are the same: nobody makes that up.
fn is_constant(text: &str) -> bool {
    let mut digits = text.bytes().filter(u8::is_ascii_alphanumeric);
    let first = digits.next();
    digits.all(|digit| Some(digit) == first)
}

/// The shortest value that is long, in bytes.
const SHORTEST: usize = 8;

/// Whether a value is so long, and so little a word, that it means the same wherever it stands.
pub(super) fn is_long(text: &str) -> bool {
    let has = |of: fn(&u8) -> bool| text.as_bytes().iter().any(of);
    if text.len() < SHORTEST || text.len() > MAX_VALUE_BYTES || !has(u8::is_ascii_digit) {
        return false;
    }
    let is_token = has(u8::is_ascii_alphabetic) && !has(u8::is_ascii_whitespace);
    is_token || looks(text).any(|(place, _)| place.len() == text.len())
}

/// The places in a text that may be a long value: words of letters, digits, `-` and `_`, and whatever looks like
/// something. They may overlap.
pub(super) fn words(text: &str) -> impl Iterator<Item = Range<usize>> {
    let is_of_word = |character: char| character.is_alphanumeric() || matches!(character, '-' | '_');
    let start_of = move |word: &str| word.as_ptr() as usize - text.as_ptr() as usize;
    let words = text.split(move |character| !is_of_word(character)).filter(|word| word.len() >= SHORTEST);
    words.map(move |word| start_of(word)..start_of(word) + word.len()).chain(looks(text).map(|(place, _)| place))
}

/// Whether a value, which was not found by its look, is one that clients make up, by the name of its key.
pub(super) fn is_made_at(key: &str, value: &str, is_number: bool) -> bool {
    if value.is_empty() || value.len() > MAX_VALUE_BYTES {
        return false;
    }
    let words = words_of_key(key);
    let Some((last, first)) = words.split_last() else { return false };
    match last.as_str() {
        "ts" | "timestamp" => is_number || value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'),
        "nonce" | "uuid" | "guid" => true,
        "cid" | "rid" | "ref" | "seq" | "msgid" | "reqid" | "requestid" | "messageid" => first.is_empty(),
        "key" => first == ["idempotency"],
        // What it identifies is an exchange or the client itself, or unsaid. Everything else has its id from a server.
        "id" => first.last().is_none_or(|of| MADE_BY_CLIENTS.contains(&of.as_str())) || is_long(value),
        _ => false,
    }
}

/// Whose ids come from clients.
const MADE_BY_CLIENTS: [&str; 30] = [
    "call",
    "client",
    "cmd",
    "command",
    "connection",
    "correlation",
    "event",
    "idempotency",
    "instance",
    "invocation",
    "local",
    "message",
    "msg",
    "mutation",
    "op",
    "operation",
    "packet",
    "query",
    "req",
    "request",
    "rpc",
    "session",
    "span",
    "sub",
    "subscription",
    "temp",
    "tmp",
    "trace",
    "transaction",
    "tx",
];

/// `requestId`, `request_id`, `request-id` and `RequestID` are the words `request` and `id`.
fn words_of_key(key: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = '_';
    for character in key.chars() {
        if !character.is_alphanumeric() {
            before = '_';
            continue;
        }
        let begins = before == '_' || (character.is_uppercase() && !before.is_uppercase());
        match words.last_mut().filter(|_| !begins) {
            Some(word) => word.extend(character.to_lowercase()),
            None => words.push(character.to_lowercase().collect()),
        }
        before = character;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_made_is_found_in_text() {
        for (text, expected) in [
            ("", &[][..]),
            ("join 550e8400-e29b-41d4-a716-446655440000 now", &["550e8400-e29b-41d4-a716-446655440000"]),
            ("at=2024-01-15T10:30:00.250Z;", &["2024-01-15T10:30:00.250Z"]),
            ("2024-01-15 10:30 and 2024-01-15", &["2024-01-15 10:30"]),
            ("t=1700000000123,1700000000.5", &["1700000000123", "1700000000.5"]),
            ("x1700000000123 1700000000123x 0.1700000000123 123456789", &[]),
            ("0000000000 00000000-0000-0000-0000-000000000000 123456789012345678901", &[]),
        ] {
            let found: Vec<_> = looks(text).map(|(place, _)| &text[place]).collect();
            assert_eq!(found, expected, "{text}");
        }
        assert!(Look::Number.is_of("1700000000") && !Look::Number.is_of("1700000000 "));
    }

    #[test]
    fn keys_say_what_is_made() {
        for (key, value) in [
            ("id", "1"),
            ("requestId", "a"),
            ("request_id", "7"),
            ("RequestID", "7"),
            ("nonce", "x"),
            ("clientNonce", "x"),
            ("roomId", "k3j9x2ab"),
            ("ts", "12"),
        ] {
            assert!(is_made_at(key, value, false), "{key}");
        }
        for (key, value) in [
            ("roomId", "lobby"),
            ("userId", "42"),
            ("ids", "1"),
            ("idle", "1"),
            ("paid", "1"),
            ("timeout", "1"),
            ("timezone", "Europe/Berlin"),
            ("id", ""),
            ("", "1"),
        ] {
            assert!(!is_made_at(key, value, false), "{key}");
        }
    }

    #[test]
    fn long_values_are_no_words_of_a_language() {
        for text in ["k3j9x2ab", "550e8400-e29b-41d4-a716-446655440000", "1700000000", "2024-01-15 10:30:00"] {
            assert!(is_long(text), "{text}");
        }
        for text in ["", "1", "lobby2", "subscribe", "12345678", "a sentence with 3 words"] {
            assert!(!is_long(text), "{text}");
        }
    }
}
