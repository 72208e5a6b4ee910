//! A message as clients of the API write it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use ws_core::Message;

use super::problem::Problem;

/// A message: text, bytes as base64, or a value that is sent as JSON text.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
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
