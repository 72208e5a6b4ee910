//! What a message of a script says as an event: its type and its data, if it is JSON.

use serde_json::{Map, Value};

use crate::Draft;

/// The kind of events that have none.
const KIND: &str = "event";

/// The `type` of a JSON text. Where a template fills something in, anything may stand.
pub(super) fn kind(text: &str) -> Option<String> {
    let read = |text: &str| serde_json::from_str::<Map<String, Value>>(text).ok();
    let members = read(text).or_else(|| text.contains("{{").then(|| read(&without_tokens(text))).flatten())?;
    members.get("type")?.as_str().map(str::to_owned)
}

/// The event that a JSON text is, without what a template fills in: that is not known, and its tokens are no example.
pub(super) fn draft(text: &str) -> Option<Draft> {
    let mut members: Map<String, Value> = serde_json::from_str(text).ok()?;
    members.retain(|_, member| !is_filled_in(member));
    let kind = match members.get("type") {
        Some(Value::String(kind)) => kind.clone(),
        _ => KIND.to_owned(),
    };
    let data = match members.get("data") {
        Some(data) => data.clone(),
        None => Value::Object(members.into_iter().filter(|(name, _)| name != "type").collect()),
    };
    Some(Draft { kind, data })
}

/// Whether a template fills in a value or something in it.
fn is_filled_in(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("{{"),
        Value::Array(items) => items.iter().any(is_filled_in),
        Value::Object(members) => members.values().any(is_filled_in),
        _ => false,
    }
}

/// A text with a number in place of each token.
fn without_tokens(text: &str) -> String {
    let (mut filled, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, token)) = rest.split_once("{{") {
        let Some((_, behind)) = token.split_once("}}") else { break };
        filled.push_str(before);
        filled.push('0');
        rest = behind;
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_type_is_read_wherever_a_template_fills_in() {
        for (text, expected) in [
            (r#"{"type":"tick","price":1}"#, Some("tick")),
            (r#"{"price":{{randInt 1 100}},"at":"{{now}}","type":"tick"}"#, Some("tick")),
            (r#"{"type":7}"#, None),
            (r#"{"kind":"tick"}"#, None),
            (r#"["type"]"#, None),
            ("tick {{uuid}}", None),
            ("{{", None),
            ("", None),
        ] {
            assert_eq!(kind(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn events_are_read_with_and_without_an_envelope() {
        let read = |text: &str| draft(text).map(|Draft { kind, data }| (kind, data));
        let expected = ("tick".to_owned(), json!({"price": 1}));
        assert_eq!(read(r#"{"type":"tick","sequence":4,"data":{"price":1}}"#), Some(expected.clone()));
        assert_eq!(read(r#"{"price":1,"type":"tick"}"#), Some(expected));
        assert_eq!(
            read(r#"{"id":"{{uuid}}","n":1,"by":{"name":"{{1}}"}}"#),
            Some(("event".to_owned(), json!({"n": 1})))
        );
        assert_eq!(read("hello"), None);
        assert_eq!(read("[1]"), None);
    }
}
