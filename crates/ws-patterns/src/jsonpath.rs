//! JSONPath queries that are compiled once and answered as RFC 9535 says, or refused.

mod comparison;
mod cursor;
mod error;
mod filter;
mod filter_parser;
mod parser;
mod path;
mod walk;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde_json::Value;
use ws_core::{HandlerError, HandlerResult};

pub(crate) use crate::excerpt::shorten;
pub(crate) use comparison::{equal, order};
pub(crate) use cursor::{Cursor, is_blank};
pub(crate) use error::JsonPathError;
pub(crate) use path::Key;
use path::Path;

/// The longest query, in bytes.
const MAX_LENGTH: usize = 1024;
/// How deep filters and parentheses may be nested.
const MAX_NESTING: usize = 16;
/// How many `..` a query may have: each one more multiplies the work by the depth of the document, which is the client's
/// choice.
const MAX_DESCENTS: usize = 1;
/// How many ways the unions of a query may offer together: each way is walked.
const MAX_ALTERNATIVES: usize = 256;

/// A compiled JSONPath query.
///
/// It takes the grammar of [RFC 9535](https://www.rfc-editor.org/rfc/rfc9535) and answers it as the RFC says: names,
/// indexes (also from the end), wildcards, slices, unions, `..`, and filters with comparisons, `&&`, `||`, `!` and
/// tests for existence. Refused, each by name, are functions, slices with a negative step, searches from `$` inside a
/// filter, and what only other dialects know, such as `=~`, scripts or names with `-` but without quotes.
///
/// So that no query can exhaust the program, one has at most 1,024 bytes, 16 levels of filters and parentheses, one
/// `..`, and unions of 256 combinations.
///
/// ```
/// use serde_json::json;
/// use ws_patterns::JsonPath;
///
/// let path = JsonPath::compile("$.items[?@.price < 10].name")?;
/// let message = json!({"items": [{"name": "pen", "price": 2}, {"name": "desk", "price": 90}]});
/// assert_eq!(path.first(&message), Some(&json!("pen")));
///
/// let error = JsonPath::compile("$.items[::-1]").unwrap_err();
/// assert!(error.to_string().contains("a negative step"));
/// # Ok::<(), ws_core::HandlerError>(())
/// ```
#[derive(Clone)]
pub struct JsonPath {
    query: Arc<str>,
    path: Arc<Path>,
}

impl JsonPath {
    /// Compiles a query.
    ///
    /// # Errors
    /// [`HandlerError::PatternError`] if it is malformed or not supported; the text says where, why, and what to write
    /// instead.
    pub fn compile(query: &str) -> HandlerResult<Self> {
        Self::parse(query).map_err(HandlerError::from)
    }

    /// The first of the values that [`select`](Self::select) gives; the search ends there.
    #[must_use]
    pub fn first<'v>(&self, document: &'v Value) -> Option<&'v Value> {
        self.path.first(document, document)
    }

    /// All values that it selects, in the order that RFC 9535 gives. A union may select one several times.
    #[must_use]
    pub fn select<'v>(&self, document: &'v Value) -> Vec<&'v Value> {
        self.path.select(document, document, usize::MAX)
    }

    /// Whether it selects anything; a `null` is something.
    #[must_use]
    pub fn exists(&self, document: &Value) -> bool {
        self.first(document).is_some()
    }

    /// The query as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.query
    }

    pub(crate) fn parse(query: &str) -> Result<Self, JsonPathError> {
        match Self::parse_prefix(query)? {
            (path, "") => Ok(path),
            (path, _) => Err(parser::unexpected(query, path.query.len())),
        }
    }

    /// Compiles the query that `text` starts with; the remainder is empty or starts with a colon.
    pub(crate) fn parse_with_value(text: &str) -> Result<(Self, &str), JsonPathError> {
        match Self::parse_prefix(text)? {
            (path, rest) if rest.is_empty() || rest.starts_with(':') => Ok((path, rest)),
            (path, _) => Err(parser::unexpected(text, path.query.len())),
        }
    }

    /// Compiles the query that `text` starts with, and gives what follows it.
    pub(crate) fn parse_prefix(text: &str) -> Result<(Self, &str), JsonPathError> {
        let (path, len) = parser::parse(text)?;
        let (query, rest) = text.split_at(len);
        Ok((Self { query: query.into(), path: Arc::new(path) }, rest))
    }

    /// The names and indexes that it starts with: whatever it selects is there or below.
    pub(crate) fn lead(&self) -> &[Key] {
        self.path.lead()
    }

    /// Whether it selects what is at its [`lead`](Self::lead), and nothing else.
    pub(crate) fn leads_to_end(&self) -> bool {
        self.path.leads_to_end()
    }

    /// The first values that it selects.
    pub(crate) fn select_up_to<'v>(&self, document: &'v Value, most: usize) -> Vec<&'v Value> {
        self.path.select(document, document, most)
    }

    /// Whether any value that it selects equals `value`.
    pub(crate) fn selects(&self, document: &Value, value: &Value) -> bool {
        self.path.find(document, document, |selected| equal(selected, value)).is_some()
    }
}

impl FromStr for JsonPath {
    type Err = HandlerError;

    fn from_str(query: &str) -> HandlerResult<Self> {
        Self::compile(query)
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.query)
    }
}

impl fmt::Debug for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JsonPath").field(&self.query).finish()
    }
}
