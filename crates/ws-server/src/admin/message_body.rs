//! A message as clients of the API write it.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use ws_core::Message;

use super::problem::Problem;

/// A message: text, bytes as base64, or a value that is sent as JSON text.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub(super) enum MessageBody {
    /// A text message.
    Text(String),
    /// A binary message, in base64 with padding.
    Base64(#[schemars(regex(pattern = r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"))] String),
    /// A text message: this value as compact JSON.
    Json(Value),
}

impl MessageBody {
    pub(super) fn message(self) -> Result<Message, Problem> {
        match self {
            Self::Text(text) => Ok(Message::text(text)),
            Self::Json(value) => Ok(Message::text(value.to_string())),
            Self::Base64(text) => match STANDARD.decode(text) {
                Ok(bytes) => Ok(Message::binary(bytes)),
                Err(error) => Err(Problem::senseless(format!("`base64` is no base64: {error}"))),
            },
        }
    }
}

// By hand, as what serde says of a choice that was not made helps nobody.
impl<'de> Deserialize<'de> for MessageBody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OneField)
    }
}

struct OneField;

const ONE_OF: &str = "give exactly one of `text`, `json`, `base64`";

impl<'de> Visitor<'de> for OneField {
    type Value = MessageBody;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with one of `text`, `json`, `base64`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<MessageBody, A::Error> {
        let mut said = None;
        while let Some(name) = map.next_key::<String>()? {
            let body = match name.as_str() {
                "text" => MessageBody::Text(map.next_value()?),
                "base64" => MessageBody::Base64(map.next_value()?),
                "json" => MessageBody::Json(map.next_value()?),
                _ => return Err(de::Error::custom(format_args!("`{name}` is not known here: {ONE_OF}"))),
            };
            if said.replace(body).is_some() {
                return Err(de::Error::custom(ONE_OF));
            }
        }
        said.ok_or_else(|| de::Error::custom(ONE_OF))
    }
}
