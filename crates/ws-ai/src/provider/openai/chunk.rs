//! A piece of a streamed answer, as servers really send it: what is missing, null or of another type is not there.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A piece of an answer, or all of it from servers that do not stream. Every JSON text makes one.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Chunk {
    pub(super) text: String,
    /// Why the model does not answer, by its own words.
    pub(super) refusal: String,
    pub(super) is_last: bool,
    /// Tokens of the request and of the answer.
    pub(super) usage: Option<(u64, u64)>,
    pub(super) error: Option<ServerError>,
}

/// An error in place of a piece.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ServerError {
    pub(super) message: String,
    /// The HTTP status that it would have had.
    pub(super) status: Option<u16>,
}

impl Chunk {
    fn of(value: &Value) -> Self {
        let text_at = |value: &Value, path: &str| value.pointer(path).and_then(Value::as_str).unwrap_or("").to_owned();
        let mut chunk = Self { error: ServerError::of(value), ..Self::default() };
        // The last piece with the usage has no choices; others than the first were not asked for.
        if let Some(choice) = value.pointer("/choices/0").filter(|choice| choice["index"].as_u64().unwrap_or(0) == 0) {
            chunk.text = text_at(choice, "/delta/content") + &text_at(choice, "/message/content");
            chunk.refusal = text_at(choice, "/delta/refusal") + &text_at(choice, "/message/refusal");
            chunk.is_last = choice["finish_reason"].is_string();
        }
        let usage = &value["usage"];
        if usage.is_object() {
            let tokens = |name: &str| usage[name].as_u64().unwrap_or(0);
            chunk.usage = Some((tokens("prompt_tokens"), tokens("completion_tokens")));
        }
        chunk
    }
}

impl<'de> Deserialize<'de> for Chunk {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| Self::of(&value))
    }
}

impl ServerError {
    /// The error that `value` tells, in one of the shapes that servers have for it.
    pub(super) fn of(value: &Value) -> Option<Self> {
        let error = match &value["error"] {
            Value::Null if value["object"] == "error" => value,
            Value::Null | Value::Bool(false) => return None,
            error => error,
        };
        let message = error.as_str().or_else(|| error["message"].as_str()).unwrap_or("no reason is told");
        let code = &error["code"];
        let code = code.as_u64().or_else(|| code.as_str().and_then(|code| code.parse().ok()));
        let status = code.and_then(|code| u16::try_from(code).ok()).filter(|code| (400..600).contains(code));
        Some(Self { message: message.to_owned(), status })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(json: &str) -> Chunk {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn what_servers_send_is_read_as_it_is_meant() {
        let first = r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":null},"finish_reason":null}]}"#;
        assert_eq!(chunk(first), Chunk::default());
        let thought =
            r#"{"choices":[{"delta":{"reasoning_content":"hm","reasoning":"hm","content":""}}],"usage":null}"#;
        assert_eq!(chunk(thought), Chunk::default());
        assert_eq!(chunk(r#"{"choices":[{"delta":{"content":"{\"e"}}]}"#).text, "{\"e");
        assert_eq!(chunk(r#"{"choices":[{"index":1,"delta":{"content":"other"}}]}"#).text, "");
        assert!(chunk(r#"{"choices":[{"delta":{},"finish_reason":"length"}]}"#).is_last);
        let usage = r#"{"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":18446744073709551615,"x":{}}}"#;
        assert_eq!(chunk(usage).usage, Some((12, u64::MAX)));
        assert_eq!(chunk(r#"{"usage":{"prompt_tokens":-1,"completion_tokens":"7"}}"#).usage, Some((0, 0)));
        assert_eq!(chunk(r#"{"choices":[{"delta":{"refusal":"I cannot"}}]}"#).refusal, "I cannot");
        let whole = chunk(r#"{"choices":[{"message":{"content":"all"},"finish_reason":"stop"}]}"#);
        assert_eq!((&*whole.text, whole.is_last), ("all", true));
    }

    #[test]
    fn odd_json_is_an_empty_piece() {
        for odd in
            ["null", "7", "[]", "{}", r#"{"choices":"none"}"#, r#"{"choices":[7]}"#, r#"{"error":null,"usage":3}"#]
        {
            assert_eq!(chunk(odd), Chunk::default(), "{odd}");
        }
    }

    #[test]
    fn errors_come_in_several_shapes() {
        let cases = [
            (r#"{"error":{"message":"overloaded","code":503}}"#, "overloaded", Some(503)),
            (r#"{"error":{"message":"slow","type":"x","code":"429"}}"#, "slow", Some(429)),
            (r#"{"error":{"message":"quota","code":"insufficient_quota"}}"#, "quota", None),
            (r#"{"error":"model not found"}"#, "model not found", None),
            (r#"{"object":"error","message":"no","code":400}"#, "no", Some(400)),
            (r#"{"error":{"code":99999}}"#, "no reason is told", None),
        ];
        for (json, message, status) in cases {
            assert_eq!(chunk(json).error, Some(ServerError { message: message.to_owned(), status }), "{json}");
        }
    }
}
