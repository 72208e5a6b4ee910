//! The handler's view of a message: owned, and in five variants.

use bytes::Bytes;

use crate::Message;

/// A message as a handler gets it.
///
/// It owns its payload. A Close frame's code and reason are not part of it: a handler closes with
/// [`WsContext::close`](crate::WsContext::close) and reads what the peer said with
/// [`WsContext::close_frame`](crate::WsContext::close_frame).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WsMessage {
    /// UTF-8 text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
    /// A ping; the server has answered it already.
    Ping(Vec<u8>),
    /// A pong.
    Pong(Vec<u8>),
    /// A Close frame.
    Close,
}

impl From<Message> for WsMessage {
    fn from(message: Message) -> Self {
        match message {
            Message::Text(text) => Self::Text(text.into()),
            Message::Binary(data) => Self::Binary(data.into()),
            Message::Ping(data) => Self::Ping(data.into()),
            Message::Pong(data) => Self::Pong(data.into()),
            Message::Close(_) => Self::Close,
        }
    }
}

impl From<WsMessage> for Message {
    fn from(message: WsMessage) -> Self {
        match message {
            WsMessage::Text(text) => Self::Text(text.into()),
            WsMessage::Binary(data) => Self::Binary(Bytes::from(data)),
            WsMessage::Ping(data) => Self::Ping(Bytes::from(data)),
            WsMessage::Pong(data) => Self::Pong(Bytes::from(data)),
            WsMessage::Close => Self::Close(None),
        }
    }
}

#[cfg(feature = "axum")]
mod axum_messages {
    //! Conversions with axum's message, whose text is checked UTF-8 as ours is.

    use axum::extract::ws;
    use bytestring::ByteString;

    use super::WsMessage;
    use crate::{CloseFrame, Message};

    impl From<ws::Message> for Message {
        fn from(message: ws::Message) -> Self {
            match message {
                ws::Message::Text(text) => Self::Text(ByteString::from(text.as_str())),
                ws::Message::Binary(data) => Self::Binary(data),
                ws::Message::Ping(data) => Self::Ping(data),
                ws::Message::Pong(data) => Self::Pong(data),
                ws::Message::Close(frame) => Self::Close(
                    frame.map(|frame| CloseFrame { code: frame.code, reason: ByteString::from(frame.reason.as_str()) }),
                ),
            }
        }
    }

    impl From<Message> for ws::Message {
        fn from(message: Message) -> Self {
            match message {
                Message::Text(text) => Self::Text((&*text).into()),
                Message::Binary(data) => Self::Binary(data),
                Message::Ping(data) => Self::Ping(data),
                Message::Pong(data) => Self::Pong(data),
                Message::Close(frame) => {
                    Self::Close(frame.map(|frame| ws::CloseFrame { code: frame.code, reason: (&*frame.reason).into() }))
                }
            }
        }
    }

    impl From<ws::Message> for WsMessage {
        fn from(message: ws::Message) -> Self {
            Message::from(message).into()
        }
    }

    impl From<WsMessage> for ws::Message {
        fn from(message: WsMessage) -> Self {
            Message::from(message).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> [WsMessage; 5] {
        [
            WsMessage::Text("h\u{e9}\0\u{1f600}".into()),
            WsMessage::Binary((0..=255).collect()),
            WsMessage::Ping(vec![1]),
            WsMessage::Pong(vec![]),
            WsMessage::Close,
        ]
    }

    #[test]
    fn every_variant_survives_the_way_through_message() {
        for message in all() {
            assert_eq!(WsMessage::from(Message::from(message.clone())), message);
        }
    }

    /// H15.
    #[cfg(feature = "axum")]
    #[test]
    fn every_variant_survives_the_way_through_axum() {
        for message in all() {
            assert_eq!(WsMessage::from(axum::extract::ws::Message::from(message.clone())), message);
        }
    }
}
