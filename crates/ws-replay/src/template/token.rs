//! One token of a template: what it is.

use jiff::SignedDuration;
use ws_patterns::{Expression, JsonPath, Name};

use super::doubt::Doubt;
use super::faker::Faker;
use super::now;
use crate::moment::UnknownName;

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
    /// The same, where it is not known which regex that will be.
    Named(String),
    Expression(Expression),
}

/// What is known, when a file is loaded, of the message that tokens will take something from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'a> {
    /// The key of the text, for problems.
    pub(crate) key: &'static str,
    /// The names of the groups of the last wait's regex, the whole match first; empty if nothing was waited for yet.
    pub(crate) groups: &'a [Option<String>],
    /// Whether it is not known which wait will have been the last: then there may be a message, `groups` has the names of
    /// all that it could be, and numbers may be any.
    pub(crate) open: bool,
}

impl Scope<'_> {
    /// Whether there may be a message.
    pub(super) fn has_message(self) -> bool {
        self.open || !self.groups.is_empty()
    }

    fn has_group(self, group: &str) -> bool {
        match group.parse::<usize>() {
            Ok(number) => self.open || number < self.groups.len(),
            Err(_) => self.names().any(|name| name == group),
        }
    }

    /// A group of this name.
    fn named(self, name: &str) -> Option<Token> {
        let number = self.groups.iter().position(|known| known.as_deref() == Some(name))?;
        Some(if self.open { Token::Named(name.to_owned()) } else { Token::Group(number) })
    }
}

impl<'a> Scope<'a> {
    /// The names of groups.
    pub(super) fn names(self) -> impl Iterator<Item = &'a str> + Clone {
        self.groups.iter().flatten().map(String::as_str)
    }
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
        let of_message =
            |parsed: Self| if scope.has_message() { Ok(parsed) } else { Err(Doubt::no_message(token, scope)) };
        let parsed = match words.as_slice() {
            ["uuid"] => Some(Self::Uuid),
            ["randInt" | "rand.int", low, high] => random(low, high),
            ["rand.int"] => Some(Self::RandInt(0, RAND_INT_LIMIT)),
            ["rand.float"] => Some(Self::RandFloat),
            ["request.ws.message"] => return of_message(Self::Message),
            [first, ..] if first.starts_with("$.") || first.starts_with("$[") => {
                return match (JsonPath::compile(body), Expression::parse(body)) {
                    (Ok(path), _) => of_message(Self::Path(path)),
                    (_, Ok(expression)) => Self::expression(token, expression, scope),
                    (Err(error), Err(_)) => Err(Doubt::path(token, error, scope)),
                };
            }
            [number] if number.bytes().all(|byte| byte.is_ascii_digit()) => {
                let group = number.parse().ok().filter(|_| scope.has_group(number));
                return of_message(Self::Group(group.ok_or_else(|| Doubt::group(token, scope))?));
            }
            [word] => word.strip_prefix("faker.").and_then(Faker::named).map(Self::Faker),
            _ => None,
        };
        if let Some(parsed) = parsed.or_else(|| now::parse(body).map(Self::Now)).or_else(|| scope.named(body)) {
            return Ok(parsed);
        }
        match Expression::parse(body) {
            Ok(expression) if is_meant(&expression) => Self::expression(token, expression, scope),
            Ok(_) => Err(Doubt::unknown(token, body, scope)),
            Err(error) => Err(Doubt::unparsed(token, body, &error, scope)),
        }
    }

    fn expression(token: &str, expression: Expression, scope: Scope<'_>) -> Result<Self, Doubt> {
        if let Err(unknown) = UnknownName::check_all(&expression, scope.names()) {
            return Err(Doubt::unknown_name(token, &expression, unknown, scope));
        }
        for name in expression.names() {
            match (name.root(), name.rest()) {
                ("match", [group, ..]) if !scope.has_group(group) => return Err(Doubt::group(token, scope)),
                ("request", [ws, ..]) if ws == "ws" && !scope.has_message() => {
                    return Err(Doubt::no_message(token, scope));
                }
                _ => {}
            }
        }
        if expression.reads_message() && !scope.has_message() {
            return Err(Doubt::no_message(token, scope));
        }
        Ok(Self::Expression(expression))
    }

    /// Whether it is a name of what is kept, which is empty as long as nobody has set it.
    pub(super) fn is_kept(&self) -> bool {
        match self {
            Self::Expression(expression) => {
                expression.as_name().is_some_and(|name| matches!(name.root(), "state" | "room"))
            }
            _ => false,
        }
    }

    /// The names in it, if it is an expression.
    pub(super) fn names(&self) -> impl Iterator<Item = &Name> {
        let expression = match self {
            Self::Expression(expression) => Some(expression),
            _ => None,
        };
        expression.into_iter().flat_map(Expression::names)
    }
}

/// Whether it is more than numbers and words, which somebody may have put into braces for another reason.
fn is_meant(expression: &Expression) -> bool {
    expression.names().next().is_some() || expression.reads_message() || expression.as_str().contains(['\'', '"'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment::known_names;

    /// What docs/templates.md lists: the first column of its tables, without the braces.
    fn listed() -> impl Iterator<Item = &'static str> {
        let documentation = include_str!("../../../../docs/templates.md");
        documentation.lines().filter_map(|line| Some(line.strip_prefix("| `{{")?.split_once("}}`")?.0))
    }

    /// X06: every token that the documentation lists is one, and every faker and every name is listed.
    #[test]
    fn the_documentation_is_complete() {
        let groups = [None, Some("name".to_owned())];
        let scope = Scope { key: "text", groups: &groups, open: false };
        for token in listed() {
            assert!(Token::parse(&format!("{{{{{token}}}}}"), scope).is_ok(), "{token}");
        }
        for faker in Faker::all() {
            let name = format!("faker.{}", faker.name());
            assert!(listed().any(|token| token == name), "{name}");
        }
        for (head, with_more) in Doubt::HEADS {
            assert!(listed().any(|token| token.starts_with(head)), "{head}");
            assert!(Token::parse(&format!("{{{{{with_more}}}}}"), scope).is_ok(), "{with_more}");
        }
        for name in known_names() {
            let is_it = |token: &str| {
                let steps: Vec<_> = token.split('.').collect();
                let known: Vec<_> = name.split('.').collect();
                steps.len() >= known.len()
                    && known.iter().zip(steps).all(|(known, step)| *known == "*" || *known == step)
            };
            assert!(listed().any(is_it), "{name}");
        }
    }

    /// What the tokens of a text without any message are.
    fn parse(body: &str, groups: &[&str]) -> Result<Token, Doubt> {
        let groups: Vec<_> = groups.iter().map(|name| Some((*name).to_owned())).collect();
        Token::parse(&format!("{{{{{body}}}}}"), Scope { key: "text", groups: &groups, open: false })
    }

    /// Whatever was a token before there were expressions still is that one.
    #[test]
    fn older_tokens_go_before_expressions() {
        assert!(matches!(parse("1", &["", "a"]), Ok(Token::Group(1))));
        assert!(matches!(parse("state", &["", "state"]), Ok(Token::Group(1))));
        assert!(matches!(parse("true", &["", "true"]), Ok(Token::Group(1))));
        assert!(matches!(parse("uuid", &["", "uuid"]), Ok(Token::Uuid)));
        assert!(matches!(parse("now - 5m", &[""]), Ok(Token::Now(_))));
        assert!(matches!(parse("$.a", &[""]), Ok(Token::Path(_))));
        assert!(matches!(parse("request.ws.message", &[""]), Ok(Token::Message)));
        assert!(matches!(parse("$.a + 1", &[""]), Ok(Token::Expression(_))));
        assert!(matches!(parse("'1'", &[]), Ok(Token::Expression(_))));
        for body in ["1", "9", "-1", "true", "null", "1 + 1", "(2)"] {
            assert!(parse(body, &[]).is_err(), "{body}");
        }
    }
}
