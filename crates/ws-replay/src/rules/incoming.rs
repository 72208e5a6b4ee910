//! A message of a client, as rules look at it.

use bytes::Bytes;
use ws_core::Message;
use ws_patterns::MessageText;

/// A message that came in. Close frames come to no rule.
#[derive(Debug)]
pub(super) enum Incoming {
    Text(MessageText<'static>),
    Binary(Bytes),
    Ping(Bytes),
    Pong(Bytes),
}

impl Incoming {
    /// A message; `None` for a Close frame.
    pub(super) fn new(message: &Message) -> Option<Self> {
        Some(match message {
            Message::Text(text) => Self::Text(MessageText::new(text.to_string())),
            Message::Binary(data) => Self::Binary(data.clone()),
            Message::Ping(data) => Self::Ping(data.clone()),
            Message::Pong(data) => Self::Pong(data.clone()),
            Message::Close(_) => return None,
        })
    }

    pub(super) fn text(&self) -> Option<&MessageText<'static>> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}
