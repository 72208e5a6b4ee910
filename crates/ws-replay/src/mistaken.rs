//! Texts that were probably meant as something else where they stand: a template where there is none, a pattern that is compared to
//! the letter, an expression without braces. Only doubts come of it: whoever means it so may write it so.

use std::ops::Range;

use ws_patterns::Expression;

use crate::ProblemKind;
use crate::located::{Node, Tree};
use crate::source::{Findings, Span};
use crate::template::token_in;

/// Looks at a text that is sent as it stands, such as the reason of a Close frame.
pub(crate) fn look_at_plain(key: &'static str, text: &str, span: Span, findings: &mut Findings<'_, '_>) {
    let Some(start) = text.find("{{") else { return };
    if let Some(length) = text[start..].find("}}") {
        not_expanded(key, text, start..start + length + 2, span, findings);
    }
}

/// Looks at a pattern as `waitFor` has it, or at a regular expression.
pub(crate) fn look_at_pattern(key: &'static str, text: &str, span: Span, findings: &mut Findings<'_, '_>) {
    look_for_token(key, text, span, findings);
    // Behind `regex`, also what would be JSONPath elsewhere is a regex.
    if key != "regex" && is_jsonpath(text) {
        return;
    }
    if let Some(path) = meant_as_path(text) {
        let meant = if key == "regex" { format!("jsonpath: {path}") } else { path };
        findings.at_span(span, ProblemKind::NothingBehindEnd { key, meant });
    }
    if let Some(meant) = meant_between_slashes(text) {
        findings.at_span(span, ProblemKind::SlashesInPattern { key, meant });
    }
}

/// Looks at a text that a message must be, letter by letter. `patterns` are the keys to write a regex and a JSONPath behind.
pub(crate) fn look_at_exact(
    key: &'static str,
    patterns: [&'static str; 2],
    text: &str,
    span: Span,
    findings: &mut Findings<'_, '_>,
) {
    look_for_token(key, text, span, findings);
    let [regex, jsonpath] = patterns;
    let is_regex = text.len() > 2 && text.starts_with('^') && text.ends_with('$');
    let is_path = text.strip_prefix("$.").is_some_and(|rest| rest.starts_with(|c: char| c.is_alphabetic() || c == '_'))
        || ["$['", "$[\"", "$[*"].iter().any(|start| text.starts_with(start));
    if is_regex || is_path {
        let pattern = if is_regex { regex } else { jsonpath };
        findings.at_span(span, ProblemKind::ComparedToTheLetter { key, pattern });
    }
}

/// Looks at what a message must have, in all texts of it.
pub(crate) fn look_for_tokens(key: &'static str, node: &Node, findings: &mut Findings<'_, '_>) {
    match &node.value {
        Tree::Text(text) => look_for_token(key, text, node.span, findings),
        Tree::List(items) => items.iter().for_each(|item| look_for_tokens(key, item, findings)),
        Tree::Map(entries) => entries.iter().for_each(|(_, value)| look_for_tokens(key, value, findings)),
        Tree::Null | Tree::Bool(_) | Tree::Number(_) => {}
    }
}

/// Looks at a value that should be JSON itself, and not a text in which it is written.
pub(crate) fn look_for_json_in_text(key: &'static str, node: &Node, findings: &mut Findings<'_, '_>) {
    let Tree::Text(text) = &node.value else { return };
    let text = text.trim();
    // With templates in it, it need not be JSON yet.
    let looks_like_object = text.starts_with("{\"") && text.ends_with('}');
    let is_written =
        || matches!(serde_json::from_str(text), Ok(serde_json::Value::Object(_) | serde_json::Value::Array(_)));
    if looks_like_object || (text.starts_with(['{', '[']) && is_written()) {
        findings.at_span(node.span, ProblemKind::JsonInText { key });
    }
}

/// Looks at a text that `set` or `set_room` gives to a name.
pub(crate) fn look_at_value(key: &'static str, text: &str, span: Span, findings: &mut Findings<'_, '_>) {
    const ROOTS: [&str; 3] = ["state", "match", "room"];
    if let Ok(expression) = Expression::parse(text) {
        let is_known = |name: &ws_patterns::Name| ROOTS.contains(&name.root()) && !name.rest().is_empty();
        if expression.reads_message() || expression.names().any(is_known) {
            let meant = format!("{{{{{expression}}}}}");
            findings.at_span(span, ProblemKind::WithoutBraces { key, meant });
        }
    }
}

fn look_for_token(key: &'static str, text: &str, span: Span, findings: &mut Findings<'_, '_>) {
    if let Some(token) = token_in(text) {
        not_expanded(key, text, token, span, findings);
    }
}

fn not_expanded(key: &'static str, text: &str, token: Range<usize>, span: Span, findings: &mut Findings<'_, '_>) {
    let kind = ProblemKind::NotExpanded { key, token: text[token.clone()].to_owned() };
    findings.at_within(span, text, token, kind);
}

fn is_jsonpath(text: &str) -> bool {
    text.starts_with("$.") || text.starts_with("$[")
}

/// The JSONPath for which a regex stands that begins with the end of the text, and so can never match.
fn meant_as_path(regex: &str) -> Option<String> {
    let rest = regex.strip_prefix('$')?;
    let may_be_empty = |c: char| !(c.is_alphanumeric() || "._-[]:\"' ".contains(c));
    let is_name = rest.starts_with(|c: char| c.is_alphabetic() || "_.[".contains(c));
    (is_name && !rest.contains(may_be_empty)).then(|| match rest.starts_with(['.', '[']) {
        true => regex.to_owned(),
        false => format!("$.{rest}"),
    })
}

/// The regex that stands between slashes with flags behind them, as other languages write it.
fn meant_between_slashes(regex: &str) -> Option<String> {
    let (inner, flags) = regex.strip_prefix('/')?.rsplit_once('/')?;
    let is_flags = !flags.is_empty() && flags.chars().all(|flag| "gimsuy".contains(flag));
    let inner = inner.replace("\\/", "\u{0}");
    // With another slash in it, it is a path.
    if !is_flags || inner.is_empty() || inner.contains('/') {
        return None;
    }
    let inner = inner.replace('\u{0}', "/");
    let kept: String = flags.chars().filter(|flag| "ims".contains(*flag)).collect();
    Some(if kept.is_empty() { inner } else { format!("(?{kept}){inner}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_without_their_dot_are_recognised() {
        for (regex, path) in
            [("$type", "$.type"), ("$.type", "$.type"), ("$a.b:\"x\"", "$.a.b:\"x\""), ("$[0]", "$[0]")]
        {
            assert_eq!(meant_as_path(regex).as_deref(), Some(path), "{regex}");
        }
        for regex in ["$", "^a$", "$|x", "$x?", "$ x", "$5", r"\$type", "$a|b", "$x*"] {
            assert_eq!(meant_as_path(regex), None, "{regex}");
        }
    }

    #[test]
    fn slashes_around_a_regex_are_recognised_and_paths_are_not() {
        for (regex, meant) in [("/hello/i", "(?i)hello"), ("/a b/g", "a b"), (r"/a\/b/gim", "(?im)a/b")] {
            assert_eq!(meant_between_slashes(regex).as_deref(), Some(meant), "{regex}");
        }
        for regex in ["/help", "/hello/", "/a/b/i", "//i", "/api/users", "a/b/i"] {
            assert_eq!(meant_between_slashes(regex), None, "{regex}");
        }
    }
}
