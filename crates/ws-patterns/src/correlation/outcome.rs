//! What comes of a correlation.

use std::fmt;

use serde_json::Value;

use super::Key;

/// What came of a correlation, for one event of a session; displayed as its reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    kind: OutcomeKind,
    key: Option<Value>,
    reason: String,
}

/// How a correlation came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutcomeKind {
    /// What it describes has happened.
    Fulfilled,
    /// What it describes can no longer happen.
    Violated,
    /// Nobody will know: too much was open, and this was the oldest.
    Forgotten,
}

impl Outcome {
    pub(super) fn new(kind: OutcomeKind, key: Option<Key>, reason: String) -> Self {
        Self { kind, key: key.map(Key::into_value), reason }
    }

    /// How it came out.
    #[must_use]
    pub fn kind(&self) -> OutcomeKind {
        self.kind
    }

    /// Whether what the correlation describes has happened.
    #[must_use]
    pub fn is_fulfilled(&self) -> bool {
        self.kind == OutcomeKind::Fulfilled
    }

    /// The key of the event, if its kind has keys.
    #[must_use]
    pub fn key(&self) -> Option<&Value> {
        self.key.as_ref()
    }

    /// What happened, in a few words: "no answer to request 7 within 2 s".
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}
