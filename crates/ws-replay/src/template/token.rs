//! One token of a template: what it is, and what it puts into the text.

use std::fmt::Write;

use jiff::fmt::temporal::DateTimePrinter;
use jiff::{SignedDuration, Timestamp};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde_json::Value;
use ws_core::HandlerError;
use ws_patterns::JsonPath;

use super::faker::{self, Faker};
use crate::ProblemKind;
use crate::nearest::nearest;
use crate::problem::pattern_reason;
use crate::released::Released;

/// The largest number that `{{rand.int}}` draws.
const RAND_INT_LIMIT: i64 = 1_000_000;

/// A token, compiled.
#[derive(Debug)]
pub(super) enum Token {
    Uuid,
    /// The time, moved by so much.
    Now(SignedDuration),
    /// A whole number between two, both included; the first is not greater.
    RandInt(i64, i64),
    /// A number from 0 to 1, without 1.
    RandFloat,
    Faker(Faker),
    /// The whole message that released the wait.
    Message,
    /// What a query selects first in it.
    Path(JsonPath),
    /// What a group of the regex matched in it.
    Group(usize),
}

/// What is known, when a file is loaded, of the message that tokens will take something from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'a> {
    /// The names of the groups of the last wait's regex, the whole match first; empty if nothing was waited for yet.
    pub(crate) groups: &'a [Option<String>],
}

impl Scope<'_> {
    fn has_message(self) -> bool {
        !self.groups.is_empty()
    }
}

/// What a token may look at when a message is made.
pub(super) struct Moment<'a> {
    pub(super) now: Timestamp,
    pub(super) released: Option<&'a Released>,
}

impl Token {
    /// Compiles `token`, given with its braces.
    pub(super) fn parse(token: &str, scope: Scope<'_>) -> Result<Self, Doubt> {
        let body = token.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")).unwrap_or(token).trim();
        let words: Vec<&str> = body.split_whitespace().collect();
        let random = |low: &str, high: &str| {
            let (low, high) = (low.parse::<i64>().ok()?, high.parse::<i64>().ok()?);
            Some(Self::RandInt(low.min(high), low.max(high)))
        };
        let of_message = |parsed: Self| if scope.has_message() { Ok(parsed) } else { Err(Doubt::no_message(token)) };
        let parsed = match words.as_slice() {
            ["uuid"] => Some(Self::Uuid),
            ["randInt" | "rand.int", low, high] => random(low, high),
            ["rand.int"] => Some(Self::RandInt(0, RAND_INT_LIMIT)),
            ["rand.float"] => Some(Self::RandFloat),
            ["request.ws.message"] => return of_message(Self::Message),
            [first, ..] if first.starts_with("$.") || first.starts_with("$[") => {
                let path = JsonPath::compile(body).map_err(|error| Doubt::path(token, error))?;
                return of_message(Self::Path(path));
            }
            [number] if number.bytes().all(|byte| byte.is_ascii_digit()) => {
                let group = number.parse().ok().filter(|group| *group < scope.groups.len());
                return of_message(Self::Group(group.ok_or_else(|| Doubt::group(token, scope))?));
            }
            [word] => word.strip_prefix("faker.").and_then(Faker::named).map(Self::Faker),
            _ => None,
        };
        let named_group = || scope.groups.iter().position(|name| name.as_deref() == Some(body)).map(Self::Group);
        parsed.or_else(|| parse_now(body)).or_else(named_group).ok_or_else(|| Doubt::unknown(token, body, scope))
    }

    /// Puts its value behind `text`; `None`, and nothing is put, if there is no value.
    pub(super) fn fill(&self, moment: &Moment<'_>, random: &mut ChaCha8Rng, text: &mut String) -> Option<()> {
        match self {
            Self::Uuid => text.push_str(&faker::uuid(random)),
            Self::Now(offset) => push_time(moment.now, *offset, text),
            Self::RandInt(low, high) => push(random.random_range(*low..=*high), text),
            Self::RandFloat => push(random.random::<f64>(), text),
            Self::Faker(faker) => text.push_str(&faker.make(random)),
            Self::Message => text.push_str(&moment.released?.text()),
            Self::Path(path) => match path.first(moment.released?.json()?)? {
                Value::String(string) => text.push_str(string),
                value => push(value, text),
            },
            Self::Group(group) => text.push_str(moment.released?.group(*group)?),
        }
        Some(())
    }
}

fn push(value: impl std::fmt::Display, text: &mut String) {
    // Writing to a String cannot fail.
    let _ = write!(text, "{value}");
}

/// RFC 3339 in UTC, with milliseconds unless they are zero.
fn push_time(now: Timestamp, offset: SignedDuration, text: &mut String) {
    let end = if offset.is_negative() { Timestamp::MIN } else { Timestamp::MAX };
    let time = now.saturating_add(offset).unwrap_or(end);
    let digits = if time.subsec_millisecond() == 0 { 0 } else { 3 };
    let _ = DateTimePrinter::new().precision(Some(digits)).print_timestamp(&time, text);
}

/// `now`, also with one offset such as `+1h`. An offset beyond all time is cut to it when it is used.
fn parse_now(body: &str) -> Option<Token> {
    let compact: String = body.split_whitespace().collect();
    let offset = compact.strip_prefix("now")?;
    if offset.is_empty() {
        return Some(Token::Now(SignedDuration::ZERO));
    }
    let (sign, amount) = match offset.split_at_checked(1)? {
        ("+", amount) => (1, amount),
        ("-", amount) => (-1, amount),
        _ => return None,
    };
    let unit = amount.chars().next_back()?;
    let number = &amount[..amount.len() - unit.len_utf8()];
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return None,
    };
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // Digits that do not fit are a great many.
    let number: i64 = number.parse().unwrap_or(i64::MAX);
    Some(Token::Now(SignedDuration::from_secs(number.saturating_mul(seconds).saturating_mul(sign))))
}

/// Why something in braces is no token, or cannot be one here.
pub(crate) struct Doubt(pub(crate) ProblemKind);

/// The words that tokens start with, and each with what may follow.
const HEADS: [(&str, &str); 6] = [
    ("uuid", "uuid"),
    ("now", "now+1h"),
    ("randInt", "randInt 1 100"),
    ("rand.int", "rand.int 1 100"),
    ("rand.float", "rand.float"),
    ("request.ws.message", "request.ws.message"),
];

impl Doubt {
    /// `text` starts with braces that do not close.
    pub(super) fn unclosed(text: &str) -> Self {
        Self(ProblemKind::UnclosedToken(excerpt(text)))
    }

    fn no_message(token: &str) -> Self {
        Self(ProblemKind::NoMessage(excerpt(token)))
    }

    fn group(token: &str, scope: Scope<'_>) -> Self {
        if scope.has_message() { Self(ProblemKind::NoGroup(excerpt(token))) } else { Self::no_message(token) }
    }

    fn path(token: &str, error: HandlerError) -> Self {
        Self(ProblemKind::TokenPath { token: excerpt(token), reason: pattern_reason(error) })
    }

    fn unknown(token: &str, body: &str, scope: Scope<'_>) -> Self {
        // No token has braces or quotes inside: the closing braces belong to something else.
        if body.contains(['{', '}', '"']) {
            return Self::unclosed(token);
        }
        Self(ProblemKind::UnknownToken { token: excerpt(token), nearest: meant(body, scope) })
    }
}

/// The token that was probably meant, with its braces.
fn meant(body: &str, scope: Scope<'_>) -> Option<String> {
    let head_end = body.find(|c: char| c.is_whitespace() || matches!(c, '+' | '-')).unwrap_or(body.len());
    let (head, rest) = body.split_at(head_end);
    let fakers: Vec<String> = Faker::all().map(|faker| format!("faker.{}", faker.name())).collect();
    let names = fakers.iter().chain(scope.groups.iter().flatten()).map(String::as_str);
    let known = HEADS.iter().map(|(head, _)| *head).chain(names);
    let head = nearest(head, known)?;
    let with_more = HEADS.iter().find(|(known, _)| *known == head).map_or(head, |(_, with_more)| with_more);
    let needs_more = head == "randInt" || !rest.is_empty();
    Some(format!("{{{{{}}}}}", if needs_more { with_more } else { head }))
}

/// The beginning of a text that may be long.
fn excerpt(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What docs/templates.md lists: the first column of its tables, without the braces.
    fn listed() -> impl Iterator<Item = &'static str> {
        let documentation = include_str!("../../../../docs/templates.md");
        documentation.lines().filter_map(|line| Some(line.strip_prefix("| `{{")?.split_once("}}`")?.0))
    }

    /// X06: every token that the documentation lists is one, and every faker is listed.
    #[test]
    fn the_documentation_is_complete() {
        let groups = [None, Some("name".to_owned())];
        let scope = Scope { groups: &groups };
        for token in listed() {
            assert!(Token::parse(&format!("{{{{{token}}}}}"), scope).is_ok(), "{token}");
        }
        for faker in Faker::all() {
            let name = format!("faker.{}", faker.name());
            assert!(listed().any(|token| token == name), "{name}");
        }
        for (head, with_more) in HEADS {
            assert!(listed().any(|token| token.starts_with(head)), "{head}");
            assert!(Token::parse(&format!("{{{{{with_more}}}}}"), scope).is_ok(), "{with_more}");
        }
    }

    #[test]
    fn slips_lead_to_what_was_meant() {
        let groups = [None, Some("customer".to_owned())];
        let scope = Scope { groups: &groups };
        for (slip, token) in [
            ("uid", "{{uuid}}"),
            ("UUID", "{{uuid}}"),
            ("Now", "{{now}}"),
            ("nwo+5m", "{{now+1h}}"),
            ("randint 1 5", "{{randInt 1 100}}"),
            ("randInt 1", "{{randInt 1 100}}"),
            ("rand.integer 1 2", "{{rand.int 1 100}}"),
            ("random.float", "{{rand.float}}"),
            ("faker.emial", "{{faker.email}}"),
            ("request.message", "{{request.ws.message}}"),
            ("costumer", "{{customer}}"),
        ] {
            assert_eq!(meant(slip, scope).as_deref(), Some(token), "{slip}");
        }
        for word in ["", "user.name", "x", "greeting", "name", "-"] {
            assert_eq!(meant(word, scope), None, "{word}");
        }
    }

    #[test]
    fn times_have_milliseconds_unless_they_are_zero() {
        let written = |now: &str, offset: i64| {
            let mut text = String::new();
            push_time(now.parse().unwrap(), SignedDuration::from_secs(offset), &mut text);
            text
        };
        assert_eq!(written("2024-01-15T10:30:00Z", 0), "2024-01-15T10:30:00Z");
        assert_eq!(written("2024-01-15T10:30:00.0009Z", 3600), "2024-01-15T11:30:00Z");
        assert_eq!(written("2024-01-15T10:30:00.05Z", -1), "2024-01-15T10:29:59.050Z");
    }
}
