//! A text message while it is being looked at: its JSON is parsed when somebody first asks, and once.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

/// A text message that any number of patterns look at, while its JSON is parsed at most once.
///
/// ```
/// use ws_patterns::{MessagePattern, MessageText};
///
/// let text = MessageText::new(r#"{"type": "order", "id": 7}"#);
/// let orders = MessagePattern::jsonpath("$.id");
/// let pings = MessagePattern::exact("ping");
/// assert!(orders.matches_text(&text) && !pings.matches_text(&text));
/// assert_eq!(text.json().unwrap()["id"], 7);
/// ```
#[derive(Debug, Clone)]
pub struct MessageText<'t> {
    text: Cow<'t, str>,
    /// Shared, so that clones do not parse again.
    json: OnceLock<Result<Arc<Value>, Arc<serde_json::Error>>>,
}

impl<'t> MessageText<'t> {
    /// Looks at `text`; nothing is parsed yet.
    pub fn new(text: impl Into<Cow<'t, str>>) -> Self {
        Self { text: text.into(), json: OnceLock::new() }
    }

    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text as JSON, or `None` if it is not JSON or is nested deeper than 127 levels.
    #[must_use]
    pub fn json(&self) -> Option<&Value> {
        self.parsed().ok()
    }

    /// The text as JSON, or why it is none.
    pub(crate) fn parsed(&self) -> Result<&Value, &serde_json::Error> {
        let parsed = self.json.get_or_init(|| serde_json::from_str(&self.text).map(Arc::new).map_err(Arc::new));
        parsed.as_deref().map_err(AsRef::as_ref)
    }

    /// The same message, kept for longer: the text is copied, and JSON that was parsed already is shared.
    #[must_use]
    pub fn to_owned_text(&self) -> MessageText<'static> {
        MessageText { text: Cow::Owned(self.text.clone().into_owned()), json: self.json.clone() }
    }
}

#[cfg(test)]
impl<'t> MessageText<'t> {
    /// A message that was parsed already, as something that its text does not say.
    pub(crate) fn parsed_as(text: &'t str, json: Value) -> Self {
        Self { text: text.into(), json: OnceLock::from(Ok(Arc::new(json))) }
    }
}

impl<'t> From<&'t str> for MessageText<'t> {
    fn from(text: &'t str) -> Self {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_parsed_when_asked_for_and_once() {
        let text = MessageText::new("[1]");
        assert!(text.json.get().is_none());
        let first: *const Value = text.json().unwrap();
        assert!(std::ptr::eq(first, text.json().unwrap()));
        assert!(std::ptr::eq(first, text.to_owned_text().json().unwrap()));
    }

    #[test]
    fn what_is_not_json_has_none() {
        for text in
            ["", "ping", "{", "{} {}", "NaN", &"[".repeat(200), &format!("{}{}", "[".repeat(128), "]".repeat(128))]
        {
            assert_eq!(MessageText::new(text).json(), None, "{text}");
        }
        let deepest = format!("{}{}", "[".repeat(127), "]".repeat(127));
        assert!(MessageText::new(&deepest).json().is_some());
    }
}
