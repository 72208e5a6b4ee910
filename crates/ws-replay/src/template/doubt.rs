//! What is doubtful or wrong about something in braces, and what was probably meant.

use ws_core::HandlerError;
use ws_patterns::{Expression, ExpressionError};

use super::faker::Faker;
use super::token::Scope;
use crate::ProblemKind;
use crate::moment::UnknownName;
use crate::problem::pattern_reason;
use ws_patterns::nearest;

/// Why something in braces is no token, or cannot be one here.
pub(crate) struct Doubt(pub(crate) ProblemKind);

impl Doubt {
    /// The words that tokens start with, and each with what may follow.
    pub(super) const HEADS: [(&str, &str); 6] = [
        ("uuid", "uuid"),
        ("now", "now+1h"),
        ("randInt", "randInt 1 100"),
        ("rand.int", "rand.int 1 100"),
        ("rand.float", "rand.float"),
        ("request.ws.message", "request.ws.message"),
    ];

    /// `text` starts with braces that do not close.
    pub(super) fn unclosed(text: &str, scope: Scope<'_>) -> Self {
        Self(ProblemKind::UnclosedToken { key: scope.key, text: excerpt(text) })
    }

    pub(super) fn no_message(token: &str, scope: Scope<'_>) -> Self {
        Self(ProblemKind::NoMessage { key: scope.key, token: excerpt(token) })
    }

    pub(super) fn group(token: &str, scope: Scope<'_>) -> Self {
        if scope.has_message() {
            Self(ProblemKind::NoGroup { key: scope.key, token: excerpt(token) })
        } else {
            Self::no_message(token, scope)
        }
    }

    /// A token that starts as JSONPath does and is neither that nor an expression.
    pub(super) fn path(token: &str, error: HandlerError, scope: Scope<'_>) -> Self {
        Self(ProblemKind::TokenPath { key: scope.key, token: excerpt(token), reason: pattern_reason(error) })
    }

    /// No token, and no expression either.
    pub(super) fn unparsed(token: &str, body: &str, error: &ExpressionError, scope: Scope<'_>) -> Self {
        if UnknownName::is_root(body.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default()) {
            let reason = error.problem().to_owned();
            return Self(ProblemKind::TokenExpression { key: scope.key, token: excerpt(token), reason });
        }
        // Few tokens have braces or quotes inside: the closing braces belong to something else.
        if body.contains(['{', '}', '"']) {
            return Self::unclosed(token, scope);
        }
        Self::unknown(token, body, scope)
    }

    /// No token.
    pub(super) fn unknown(token: &str, body: &str, scope: Scope<'_>) -> Self {
        Self::unknown_but(token, meant(body, scope), scope)
    }

    /// An expression with a name that nothing is known by.
    pub(super) fn unknown_name(token: &str, expression: &Expression, unknown: UnknownName, scope: Scope<'_>) -> Self {
        let body = expression.as_str();
        let with_known =
            unknown.nearest.as_ref().map(|nearest| format!("{{{{{}}}}}", body.replacen(&unknown.name, nearest, 1)));
        // A name alone may be a slip of any token; in a computation it is one of a name.
        let nearest = if body == unknown.name {
            meant(body, scope).or(with_known)
        } else {
            with_known.or_else(|| meant(body, scope))
        };
        Self::unknown_but(token, nearest, scope)
    }

    fn unknown_but(token: &str, nearest: Option<String>, scope: Scope<'_>) -> Self {
        Self(ProblemKind::UnknownToken { key: scope.key, token: excerpt(token), nearest })
    }
}

/// The token that was probably meant, with its braces.
fn meant(body: &str, scope: Scope<'_>) -> Option<String> {
    let head_end = body.find(|c: char| c.is_whitespace() || matches!(c, '+' | '-')).unwrap_or(body.len());
    let (head, rest) = body.split_at(head_end);
    let fakers: Vec<String> = Faker::all().map(|faker| format!("faker.{}", faker.name())).collect();
    let known = Doubt::HEADS.iter().map(|(head, _)| *head);
    let head = nearest(head, known.chain(fakers.iter().map(String::as_str)).chain(scope.names()))?;
    let with_more = Doubt::HEADS.iter().find(|(known, _)| *known == head).map_or(head, |(_, with_more)| with_more);
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

    #[test]
    fn slips_lead_to_what_was_meant() {
        let groups = [None, Some("customer".to_owned())];
        let scope = Scope { key: "text", groups: &groups, open: false };
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
}
