//! Why a JSONPath query was not accepted, in words for the person who wrote it.

use ws_core::HandlerError;

use crate::excerpt::shorten;

/// Where a query goes wrong, how, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("JSONPath `{query}`, character {position}: {problem}")]
pub(crate) struct JsonPathError {
    query: String,
    /// In bytes.
    offset: usize,
    /// Counted in characters, from 1.
    position: usize,
    problem: String,
}

impl JsonPathError {
    /// `at` is a byte offset into `query`.
    pub(super) fn new(query: &str, at: usize, problem: impl Into<String>) -> Self {
        let before = query.get(..at).unwrap_or(query);
        Self { query: shorten(query), offset: at, position: before.chars().count() + 1, problem: problem.into() }
    }

    /// Where it goes wrong, in bytes of the whole query.
    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    pub(crate) fn problem(&self) -> &str {
        &self.problem
    }
}

impl From<JsonPathError> for HandlerError {
    fn from(error: JsonPathError) -> Self {
        Self::PatternError(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_and_long_queries_are_cut() {
        let error = JsonPathError::new("$.\u{e9}\u{e9}!", 6, "no");
        assert_eq!(error.to_string(), "JSONPath `$.\u{e9}\u{e9}!`, character 5: no");
        let long = JsonPathError::new(&"\u{e9}".repeat(81), 0, "no");
        assert_eq!(long.query, format!("{}...", "\u{e9}".repeat(80)));
    }
}
