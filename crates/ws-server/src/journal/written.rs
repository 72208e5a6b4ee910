//! How parts of events are written as JSON.

use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::ser::{Serialize, Serializer};
use ws_core::{Message, NearMiss};

/// RFC 3339 with milliseconds, in UTC.
pub(super) fn time<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    let time = Timestamp::try_from(*time).map_err(serde::ser::Error::custom)?;
    serializer.collect_str(&format_args!("{time:.3}"))
}

/// The payload of a message.
#[derive(serde::Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "admin", derive(schemars::JsonSchema))]
pub(super) enum Body {
    /// UTF-8 text.
    Text { text: String },
    /// Bytes.
    Binary { base64: String },
    /// A ping.
    Ping { base64: String },
    /// A pong.
    Pong { base64: String },
    /// A Close frame.
    Close { code: Option<u16>, reason: Option<String> },
}

pub(super) fn message<S: Serializer>(message: &Message, serializer: S) -> Result<S::Ok, S::Error> {
    let body = match message {
        Message::Text(text) => Body::Text { text: text.to_string() },
        Message::Binary(data) => Body::Binary { base64: STANDARD.encode(data) },
        Message::Ping(data) => Body::Ping { base64: STANDARD.encode(data) },
        Message::Pong(data) => Body::Pong { base64: STANDARD.encode(data) },
        Message::Close(frame) => Body::Close {
            code: frame.as_ref().map(|frame| frame.code),
            reason: frame.as_ref().map(|frame| frame.reason.to_string()),
        },
    };
    body.serialize(serializer)
}

/// Why a rule, wait or route did not take a message.
#[derive(serde::Serialize)]
#[cfg_attr(feature = "admin", derive(schemars::JsonSchema), schemars(rename = "NearMiss"))]
pub(super) struct Miss<'a> {
    /// Who would have taken it.
    expected_by: &'a str,
    /// The first thing that was different.
    difference: &'a str,
    /// How near it came, from 0 (not at all) to 1 (nearly the same).
    closeness: f64,
}

pub(super) fn near_misses<S: Serializer>(misses: &[NearMiss], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(misses.iter().map(|miss| Miss {
        expected_by: &miss.expected_by,
        difference: &miss.difference,
        closeness: rounded(miss.closeness),
    }))
}

/// More digits say nothing to anybody.
pub(super) fn rounded(closeness: f64) -> f64 {
    (closeness * 1000.0).round() / 1000.0
}

/// How a time looks in a description of the API.
#[cfg(feature = "admin")]
pub(super) struct TimeSchema;

#[cfg(feature = "admin")]
impl schemars::JsonSchema for TimeSchema {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Time".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "date-time", "examples": ["2024-01-01T00:00:00.000Z"] })
    }
}
