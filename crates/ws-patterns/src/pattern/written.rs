//! Patterns as files have them, in one line of text (`waitFor` and the like).

use std::str::FromStr;
use std::sync::Arc;

use serde_json::Value;
use ws_core::{HandlerError, HandlerResult};

use super::{MessagePattern, Rule};
use crate::JsonPath;
use crate::excerpt::shorten;

/// Longer texts are not repeated in advice.
const ADVISED: usize = 80;

impl FromStr for MessagePattern {
    type Err = HandlerError;

    /// # Errors
    /// [`HandlerError::PatternError`] if the query, its value or the regular expression is malformed or not supported;
    /// the text says what is wrong and, where that can be guessed, what to write instead.
    fn from_str(text: &str) -> HandlerResult<Self> {
        if !text.starts_with("$.") && !text.starts_with("$[") {
            return Self::regex(text).map_err(|error| advise_escaping(error, text));
        }
        let (path, rest) = JsonPath::parse_with_value(text)?;
        let rule = match rest.strip_prefix(':') {
            None => Rule::Selects(path),
            Some(json) => {
                let value = value(&path, json)?;
                Rule::SelectsValue(path, Arc::new(value))
            }
        };
        Ok(Self(rule))
    }
}

fn value(path: &JsonPath, json: &str) -> HandlerResult<Value> {
    let parsed = serde_json::from_str(json);
    parsed.or_else(|error| doubly_escaped(json).ok_or(error)).map_err(|error| {
        let word = json.trim();
        let problem = if word.is_empty() {
            format!("`{path}:` lacks the JSON value after its colon; to match any value, leave the colon out")
        } else if let Some(quoted) = word.strip_prefix('\'').and_then(|word| word.strip_suffix('\''))
            && word.len() <= ADVISED
        {
            format!("`{path}:{json}`: text is in double quotes: {path}:{}", Value::from(quoted))
        } else if word.starts_with(char::is_alphabetic) && word.len() <= ADVISED {
            format!("`{path}:{json}`: text after the colon is quoted: {path}:{}", Value::from(word))
        } else {
            let (reason, shown) = (without_place(&error), shorten(json));
            format!("`{path}:{shown}`: the colon must be followed by one JSON value: {reason}")
        };
        HandlerError::PatternError(problem)
    })
}

/// `\"close\"`, as files have it whose writer escaped the quotes once more than JSON needs.
fn doubly_escaped(json: &str) -> Option<Value> {
    if !json.contains("\\\"") {
        return None;
    }
    let once: String = serde_json::from_str(&format!("\"{}\"", json.trim())).ok()?;
    serde_json::from_str(&once).ok()
}

/// What is wrong, without the line and the column: they are of a part that has none of its own in a file.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rfind(" at line ").map_or(text.as_str(), |end| &text[..end]).to_owned()
}

/// JSON or an address that was meant literally is the likeliest text that is no regular expression. The advice stands in
/// quotes and is escaped once more, as it must be in JSON and may be in YAML.
fn advise_escaping(error: HandlerError, text: &str) -> HandlerError {
    // A group or an escape shows that a regular expression was meant; a token of a template, that braces were.
    let is_literal = !["(?", "\\", "{{"].iter().any(|sign| text.contains(sign));
    match error {
        HandlerError::PatternError(problem) if is_literal && text.len() <= ADVISED => {
            let escaped = Value::from(regex::escape(text));
            HandlerError::PatternError(format!("{problem}; to match this text literally, write {escaped}"))
        }
        error => error,
    }
}
