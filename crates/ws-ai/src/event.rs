//! Events, as a provider drafts them and as clients get them.

use std::fmt::Write;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a provider wrote of an event. When it happens, and as which one, is not for the provider to say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// What kind of event it is, e.g. `trade`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What happened.
    pub data: Value,
}

/// An event of a stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AiEvent {
    /// What kind of event it is, e.g. `trade`; `error` is one of ours: the stream has failed, and ends.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it happened: RFC 3339 with milliseconds, UTC.
    pub timestamp: String,
    /// The how-manieth of its stream it is, from 1.
    pub sequence: u64,
    /// What happened.
    pub data: Value,
}

impl AiEvent {
    /// The event as compact JSON, its keys in the order of the documents.
    #[must_use]
    pub fn to_json(&self) -> String {
        let Self { kind, timestamp, sequence, data } = self;
        let mut json = String::new();
        // Writing into a string cannot fail.
        let _ = write!(
            json,
            r#"{{"type":{},"timestamp":{},"sequence":{sequence},"data":{data}}}"#,
            Value::from(kind.as_str()),
            Value::from(timestamp.as_str()),
        );
        json
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// G07.
    #[test]
    fn an_event_is_written_as_the_documents_have_it() {
        let event = AiEvent {
            kind: "a \"b\"".to_owned(),
            timestamp: "2024-01-01T00:00:00.000Z".to_owned(),
            sequence: 7,
            data: json!({"z": 1, "a": [null]}),
        };
        let json =
            r#"{"type":"a \"b\"","timestamp":"2024-01-01T00:00:00.000Z","sequence":7,"data":{"z":1,"a":[null]}}"#;
        assert_eq!(event.to_json(), json);
        assert_eq!(serde_json::from_str::<AiEvent>(json).unwrap(), event);
    }
}
