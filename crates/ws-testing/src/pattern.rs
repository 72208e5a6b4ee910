//! What an expected message is like.

use serde_json::Value;
use ws_patterns::MessagePattern;

/// What says what a message is like: a text as `waitFor` has it (a regular expression, or JSONPath such as
/// `$.type:"order"`), a JSON value of which the message has all, or a pattern.
///
/// # Panics
/// A text that is neither fails the test.
pub trait IntoPattern {
    /// The pattern.
    fn into_pattern(self) -> MessagePattern;
}

impl IntoPattern for &str {
    fn into_pattern(self) -> MessagePattern {
        self.parse().unwrap_or_else(|error| panic!("{error}"))
    }
}

impl IntoPattern for Value {
    fn into_pattern(self) -> MessagePattern {
        MessagePattern::json_subset(self)
    }
}

impl IntoPattern for MessagePattern {
    fn into_pattern(self) -> MessagePattern {
        self
    }
}
