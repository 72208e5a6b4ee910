//! Why an expression was not accepted, in words for the person who wrote it.

use ws_core::HandlerError;

use crate::jsonpath::{JsonPathError, shorten};

/// Where an expression goes wrong, how, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expression `{shown}`, character {position}: {problem}")]
pub struct ExpressionError {
    shown: String,
    offset: usize,
    /// Counted in characters, from 1.
    position: usize,
    problem: String,
}

impl ExpressionError {
    /// `offset` is counted in bytes of `text`.
    pub(super) fn new(text: &str, offset: usize, problem: impl Into<String>) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        Self { shown: shorten(text), offset, position: before.chars().count() + 1, problem: problem.into() }
    }

    /// Of a part of `text` that starts at byte `start` and was read as a JSONPath is.
    pub(super) fn inside(text: &str, start: usize, error: &JsonPathError) -> Self {
        Self::new(text, start + error.offset(), error.problem())
    }

    /// Where it goes wrong, in bytes from the beginning of what was parsed.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// What is wrong and what to write instead, without the place.
    #[must_use]
    pub fn problem(&self) -> &str {
        &self.problem
    }
}

impl From<ExpressionError> for HandlerError {
    fn from(error: ExpressionError) -> Self {
        Self::PatternError(error.to_string())
    }
}
