//! What a client said: a line of text, or JSON.

use serde_json::Value;

use super::Narrative;

/// How many values of a JSON message are looked at, and how deep.
const MOST_FIELDS: usize = 64;
const DEEPEST: usize = 8;

/// What a client said.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    narrative: Narrative,
    fields: Vec<(String, Value)>,
    is_overheard: bool,
}

impl Said {
    pub(crate) fn read(message: &str) -> Self {
        match serde_json::from_str::<Value>(message) {
            Ok(value @ (Value::Object(_) | Value::Array(_))) => Self::of_value(&value),
            Ok(Value::String(text)) => Self::of_text(&text),
            _ => Self::of_text(message),
        }
    }

    /// What happened before a story began: nobody said it to this world, but it can be taken up.
    pub(crate) fn overheard(value: &Value) -> Self {
        Self { is_overheard: true, ..Self::of_value(value) }
    }

    fn of_text(text: &str) -> Self {
        Self { narrative: Narrative::read(text), fields: Vec::new(), is_overheard: false }
    }

    fn of_value(value: &Value) -> Self {
        let mut fields = Vec::new();
        collect("", value, DEEPEST, &mut fields);
        // Only its texts are said: the keys are the client's grammar.
        let texts: Vec<String> = fields.iter().map(|(_, value)| text(value)).collect();
        Self { narrative: Narrative::read(&texts.join(". ")), fields, is_overheard: false }
    }

    /// Whether it was not said to this world.
    pub(crate) fn is_overheard(&self) -> bool {
        self.is_overheard
    }

    /// Its words, names and so on; of JSON, those of all texts in it.
    pub(crate) fn narrative(&self) -> &Narrative {
        &self.narrative
    }

    /// The first value of JSON behind one of these keys, however they are written: `orderId` is `order_id` too.
    pub(crate) fn field(&self, keys: &[&str]) -> Option<String> {
        let found = keys.iter().find_map(|key| self.fields.iter().find(|(name, _)| folded(name) == folded(key)));
        found.map(|(_, value)| text(value)).filter(|value| !value.trim().is_empty())
    }

    /// All texts, numbers and truths of JSON, with their keys.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (String, Value)> {
        self.fields.iter().cloned()
    }

    /// The line that was said to people: the text of a chat message, or else all of it.
    pub(crate) fn line(&self) -> String {
        let text = self.field(&["text", "message", "body", "content", "msg", "question", "chat"]);
        text.as_deref().unwrap_or(self.narrative.text()).trim().to_owned()
    }

    /// The name that the client gave itself.
    pub(crate) fn speaker(&self) -> Option<String> {
        self.field(&["user", "username", "nick", "from", "sender", "author", "name", "player", "customer"])
            .filter(|name| name.chars().count() <= 40 && !name.contains(char::is_control))
    }
}

/// A key without its capitals and joints.
fn folded(key: &str) -> String {
    key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn collect(key: &str, value: &Value, depth: usize, fields: &mut Vec<(String, Value)>) {
    if fields.len() >= MOST_FIELDS || depth == 0 {
        return;
    }
    match value {
        Value::Object(entries) => entries.iter().for_each(|(key, value)| collect(key, value, depth - 1, fields)),
        Value::Array(items) => items.iter().for_each(|item| collect(key, item, depth - 1, fields)),
        Value::String(_) | Value::Number(_) | Value::Bool(_) => fields.push((key.to_owned(), value.clone())),
        Value::Null => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_read_by_its_values() {
        let said = Said::read(r#"{"action": "subscribe", "data": {"Symbol": "TSLA", "n": 5}, "x": null}"#);
        assert_eq!(said.field(&["symbol"]), Some("TSLA".to_owned()));
        assert_eq!(said.field(&["n"]), Some("5".to_owned()));
        assert_eq!(said.field(&["none"]), None);
        assert_eq!(said.narrative().tickers(), ["TSLA"]);
    }

    #[test]
    fn a_line_is_what_was_said_to_people() {
        assert_eq!(Said::read(" hi there ").line(), "hi there");
        assert_eq!(Said::read("\"hi there\"").line(), "hi there");
        assert_eq!(Said::read(r#"{"type": "message", "user": "zoe", "text": "hi"}"#).line(), "hi");
        assert_eq!(Said::read(r#"{"userName": "zoe"}"#).speaker().as_deref(), Some("zoe"));
        assert_eq!(Said::read("{broken").line(), "{broken");
        let deep = "[".repeat(100) + &"]".repeat(100);
        assert!(Said::read(&deep).fields.is_empty());
    }
}
