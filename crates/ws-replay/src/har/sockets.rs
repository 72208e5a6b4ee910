//! One WebSocket connection of a HAR file.

use bytes::Bytes;
use bytestring::ByteString;
use jiff::Timestamp;
use ws_core::Direction;

/// A WebSocket connection in a HAR file.
#[derive(Debug)]
pub struct HarSocket {
    pub(super) url: String,
    pub(super) opened: Option<Timestamp>,
    pub(super) messages: Vec<Recorded>,
}

/// A message, as it was recorded.
#[derive(Debug)]
pub(super) struct Recorded {
    pub(super) direction: Direction,
    /// Milliseconds since 1970, or since some other beginning.
    pub(super) time: Option<f64>,
    pub(super) content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    Text(ByteString),
    Binary(Bytes),
    Ping(Bytes),
    Pong(Bytes),
    Close,
    /// Something that cannot be read, and why.
    Missing(String),
}

impl HarSocket {
    /// The URL, as the file has it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many messages were sent and received.
    #[must_use]
    pub fn messages(&self) -> usize {
        self.messages.len()
    }
}
