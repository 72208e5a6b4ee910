//! Patterns: what a text message must look like.

mod difference;
mod literals;
mod regular;
mod requirement;
mod schema;
mod shown;
mod subset;
mod written;

use std::sync::Arc;

use serde_json::Value;
use ws_core::{HandlerError, HandlerResult};

use crate::excerpt::shorten;
use crate::{Captures, JsonPath, MessageText};

pub use difference::Difference;
pub(crate) use literals::Literals;
pub(crate) use requirement::{Pin, Requirement, Scalar, Wants};

use regular::Regular;
use schema::Schema;

/// What a text message must look like. It is compiled when it is made, never per message; clones are cheap and share it.
///
/// Patterns of files, such as `waitFor`, are read with [`FromStr`](std::str::FromStr): text that starts with `$.` or
/// `$[` is JSONPath, and may go on with a colon and a JSON value that must be among what is selected; all else,
/// also a single `$`, is a regular expression that may match anywhere.
///
/// ```
/// use ws_patterns::MessagePattern;
///
/// let join = MessagePattern::regex(r"^/join (.+)$")?;
/// assert!(join.matches("/join lobby"));
///
/// let typed = MessagePattern::jsonpath("$.type");
/// assert!(typed.matches(r#"{"type":"message","content":"hello"}"#));
///
/// let close: MessagePattern = r#"$.action:"close""#.parse()?;
/// assert!(close.matches(r#"{"action":"close"}"#));
/// assert!(!close.matches(r#"{"action":"open"}"#));
/// # Ok::<(), ws_core::HandlerError>(())
/// ```
#[derive(Clone)]
pub struct MessagePattern(Rule);

#[derive(Clone)]
enum Rule {
    Any,
    Exact(Arc<str>),
    Regex(Arc<Regular>),
    Selects(JsonPath),
    SelectsValue(JsonPath, Arc<Value>),
    Subset(Arc<Value>),
    Schema(Arc<Schema>),
    /// A query that was refused; it matches nothing.
    Refused {
        query: Arc<str>,
        error: Arc<HandlerError>,
    },
}

impl MessagePattern {
    /// Matches text in which the regular expression, of the `regex` crate's syntax, matches anywhere.
    ///
    /// # Errors
    /// [`HandlerError::PatternError`] if it is malformed, or too large when compiled.
    pub fn regex(pattern: &str) -> HandlerResult<Self> {
        match Regular::new(pattern) {
            Ok(regular) => Ok(Self(Rule::Regex(Arc::new(regular)))),
            Err(error) => {
                let problem = format!("regular expression `{}`: {}", shorten(pattern), reason(&error));
                Err(HandlerError::PatternError(problem))
            }
        }
    }

    /// Matches JSON text from which the [`JsonPath`] query selects something, be it `null`.
    ///
    /// A query that is malformed or not supported makes a pattern that matches nothing; that is logged once, here,
    /// as an error, and [`error`](Self::error) tells it. Where a caller can be told instead, use
    /// [`try_jsonpath`](Self::try_jsonpath).
    #[must_use]
    pub fn jsonpath(query: &str) -> Self {
        Self::try_jsonpath(query).unwrap_or_else(|error| {
            tracing::error!(%error, "a message pattern matches nothing");
            Self(Rule::Refused { query: query.into(), error: Arc::new(error) })
        })
    }

    /// As [`jsonpath`](Self::jsonpath), but returns what is wrong with the query.
    ///
    /// # Errors
    /// As [`JsonPath::compile`].
    pub fn try_jsonpath(query: &str) -> HandlerResult<Self> {
        JsonPath::compile(query).map(|path| Self(Rule::Selects(path)))
    }

    /// Matches JSON text from which the query selects this value, perhaps among others. Numbers compare by value: `1`
    /// equals `1.0`.
    ///
    /// ```
    /// use ws_patterns::MessagePattern;
    ///
    /// let close = MessagePattern::jsonpath_equals("$.action", "close")?;
    /// assert!(close.matches(r#"{"action":"close"}"#));
    /// assert_eq!(close.to_string(), r#"$.action:"close""#);
    /// # Ok::<(), ws_core::HandlerError>(())
    /// ```
    ///
    /// # Errors
    /// As [`JsonPath::compile`].
    pub fn jsonpath_equals(query: &str, value: impl Into<Value>) -> HandlerResult<Self> {
        JsonPath::compile(query).map(|path| Self(Rule::SelectsValue(path, Arc::new(value.into()))))
    }

    /// Matches JSON text that has all of `value`: objects may have more members, arrays have as many elements and each of
    /// them has all of its counterpart, and the rest is equal, numbers by value.
    ///
    /// ```
    /// use serde_json::json;
    /// use ws_patterns::MessagePattern;
    ///
    /// let order = MessagePattern::json_subset(json!({"type": "order", "user": {"id": 7}}));
    /// assert!(order.matches(r#"{"type":"order","user":{"id":7.0,"name":"Ada"},"items":[]}"#));
    /// assert!(!order.matches(r#"{"type":"order","user":{}}"#));
    /// ```
    #[must_use]
    pub fn json_subset(value: Value) -> Self {
        Self(Rule::Subset(Arc::new(value)))
    }

    /// Matches JSON text that a JSON Schema accepts. The draft is that of its `$schema`, else 2020-12. References into the
    /// schema itself are followed, nothing is fetched; `pattern` takes the `regex` crate's syntax, which never
    /// backtracks.
    ///
    /// # Errors
    /// [`HandlerError::PatternError`] if the schema is invalid, refers to another document, or has more than 10,000
    /// values or 64 levels; and always without the feature `json-schema`.
    pub fn json_schema(schema: &Value) -> HandlerResult<Self> {
        Schema::compile(schema).map(|schema| Self(Rule::Schema(Arc::new(schema))))
    }

    /// Matches this text and no other.
    #[must_use]
    pub fn exact(text: impl Into<String>) -> Self {
        Self(Rule::Exact(text.into().into()))
    }

    /// Matches every text.
    #[must_use]
    pub fn any() -> Self {
        Self(Rule::Any)
    }

    /// Whether the pattern matches a text. If several patterns look at one text, give each the same [`MessageText`] by
    /// [`matches_text`](Self::matches_text).
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.matches_text(&MessageText::new(text))
    }

    /// Whether the pattern matches a text whose JSON is shared with other patterns.
    #[must_use]
    pub fn matches_text(&self, message: &MessageText<'_>) -> bool {
        match &self.0 {
            Rule::Any => true,
            Rule::Exact(text) => **text == *message.as_str(),
            Rule::Regex(regular) => regular.regex.is_match(message.as_str()),
            Rule::Selects(path) => message.json().is_some_and(|json| path.exists(json)),
            Rule::SelectsValue(path, value) => message.json().is_some_and(|json| path.selects(json, value)),
            Rule::Subset(value) => message.json().is_some_and(|json| subset::is_subset(value, json)),
            Rule::Schema(schema) => message.json().is_some_and(|json| schema.accepts(json)),
            Rule::Refused { .. } => false,
        }
    }

    /// Whether the pattern matches all of the text, not only a part: for regular expressions, whether some match is the
    /// whole text; all other patterns look at the whole text anyway.
    ///
    /// ```
    /// use ws_patterns::MessagePattern;
    ///
    /// let join = MessagePattern::regex("join|join all")?;
    /// assert!(join.matches_whole(&"join all".into()));
    /// assert!(!join.matches_whole(&"please join all".into()));
    /// # Ok::<(), ws_core::HandlerError>(())
    /// ```
    #[must_use]
    pub fn matches_whole(&self, message: &MessageText<'_>) -> bool {
        match &self.0 {
            Rule::Regex(regular) => regular.matches_whole(message.as_str()),
            _ => self.matches_text(message),
        }
    }

    /// Whether only JSON text can match: true of JSONPath, of subsets and of schemas.
    #[must_use]
    pub fn needs_json(&self) -> bool {
        match &self.0 {
            Rule::Any | Rule::Exact(_) | Rule::Regex(_) => false,
            Rule::Selects(_) | Rule::SelectsValue(..) | Rule::Subset(_) | Rule::Schema(_) | Rule::Refused { .. } => {
                true
            }
        }
    }

    /// The first thing in which a message differs from what the pattern wants, or `None` if it matches.
    ///
    /// ```
    /// use ws_patterns::MessagePattern;
    ///
    /// let order: MessagePattern = r#"$.type:"order""#.parse()?;
    /// let difference = order.difference(&r#"{"type":"ordr"}"#.into()).unwrap();
    /// assert_eq!(difference.to_string(), r#"`$.type`: expected "order", found "ordr""#);
    /// assert!(difference.closeness() > 0.8);
    /// # Ok::<(), ws_core::HandlerError>(())
    /// ```
    #[must_use]
    pub fn difference(&self, message: &MessageText<'_>) -> Option<Difference> {
        if self.matches_text(message) { None } else { Some(difference::of(&self.0, message)) }
    }

    /// What the pattern takes from a message, if it matches: for templates, and to be kept.
    #[must_use]
    pub fn captures(&self, message: &MessageText<'_>) -> Option<Captures> {
        match &self.0 {
            Rule::Regex(regular) => Captures::of_regex(&regular.regex, message),
            _ => self.matches_text(message).then(|| Captures::whole(message)),
        }
    }

    /// The names of the groups that its captures have, by number; the first is the whole match. Only regular expressions
    /// have more than that one.
    ///
    /// ```
    /// use ws_patterns::MessagePattern;
    ///
    /// assert_eq!(MessagePattern::regex("(a)(?<b>b)")?.groups(), [None, None, Some("b")]);
    /// assert_eq!(MessagePattern::jsonpath("$.a").groups(), [None]);
    /// # Ok::<(), ws_core::HandlerError>(())
    /// ```
    #[must_use]
    pub fn groups(&self) -> Vec<Option<&str>> {
        match &self.0 {
            Rule::Regex(regular) => regular.regex.capture_names().collect(),
            _ => vec![None],
        }
    }

    /// The first value that `query` selects from `text`, if the pattern matches and the text is JSON.
    ///
    /// This compiles the query each time, and logs an error if it is refused. To ask the same of many messages, keep a
    /// [`JsonPath`] and use [`captures`](Self::captures).
    ///
    /// ```
    /// use ws_patterns::MessagePattern;
    ///
    /// let orders = MessagePattern::jsonpath("$.order");
    /// assert_eq!(orders.extract(r#"{"order":{"id":7}}"#, "$.order.id"), Some(7.into()));
    /// ```
    #[must_use]
    pub fn extract(&self, text: &str, query: &str) -> Option<Value> {
        let message = MessageText::new(text);
        if !self.matches_text(&message) {
            return None;
        }
        match JsonPath::compile(query) {
            Ok(path) => path.first(message.json()?).cloned(),
            Err(error) => {
                tracing::error!(%error, "nothing can be extracted from a message");
                None
            }
        }
    }

    /// Why [`jsonpath`](Self::jsonpath) made a pattern that matches nothing, if it did.
    #[must_use]
    pub fn error(&self) -> Option<&HandlerError> {
        match &self.0 {
            Rule::Refused { error, .. } => Some(error),
            _ => None,
        }
    }
}

/// The reason alone, in one line; the error itself draws the expression over several.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().next_back().unwrap_or_default().trim();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}
