//! An event in the words of a model, as one of ours.

use serde_json::{Map, Value};

use super::Reject;
use crate::{Draft, RejectKind};

/// The kind of events to which a model gives none.
const KIND: &str = "event";
/// A longer kind is none.
const LONGEST_KIND: usize = 128;

/// Reads an event. `alone`: it is no element of an array `events`.
pub(super) fn parse(json: &str, alone: bool) -> Result<Draft, Reject> {
    let malformed = |reason: String| Reject::new(RejectKind::Malformed, reason);
    let members: Map<String, Value> =
        serde_json::from_str(json).map_err(|error| malformed(format!("an event is not JSON: {error}")))?;
    if members.is_empty() {
        return Err(malformed("an event has nothing in it".to_owned()));
    }
    let (mut kind, mut data, mut others) = (None, None, Map::new());
    // Not by `remove`, which changes the order of the others.
    for (name, member) in members {
        match &*name {
            "type" => kind = Some(member),
            "data" => data = Some(member),
            _ => {
                others.insert(name, member);
            }
        }
    }
    if alone && kind.is_none() && data.is_none() && others.contains_key("events") {
        return Err(malformed("`events` is not an array".to_owned()));
    }
    let kind = match kind {
        Some(Value::String(kind)) if kind.chars().count() > LONGEST_KIND => {
            return Err(malformed(format!("the `type` of an event is longer than {LONGEST_KIND} characters")));
        }
        Some(Value::String(kind)) if !kind.trim().is_empty() => kind,
        Some(Value::String(_)) | None => KIND.to_owned(),
        Some(other) => return Err(malformed(format!("the `type` of an event is not a text, but {}", noun(&other)))),
    };
    // Nothing else is asked for beside `data`; without it, a model has forgotten the braces around the rest.
    Ok(Draft { kind, data: data.unwrap_or(Value::Object(others)) })
}

fn noun(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
