//! What ends a connection on the wire.

use std::io;

use ws_core::close_code;

/// Why no more can be read from, or written to, a connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The peer was gone without a Close frame.
    #[error("the peer was gone without a Close frame")]
    Lost,
    /// The peer broke the protocol.
    #[error("{0}")]
    Protocol(String),
    /// A message or a frame is larger than it may be.
    #[error("{0}")]
    TooBig(String),
    /// Text is not valid UTF-8.
    #[error("{0}")]
    Utf8(String),
    /// The transport failed.
    #[error(transparent)]
    Io(io::Error),
}

impl WireError {
    /// What the peer is told: RFC 6455, section 7.4.1.
    #[must_use]
    pub fn close_code(&self) -> u16 {
        match self {
            Self::TooBig(_) => close_code::MESSAGE_TOO_BIG,
            Self::Utf8(_) => close_code::INVALID_PAYLOAD,
            _ => close_code::PROTOCOL_ERROR,
        }
    }
}

impl From<io::Error> for WireError {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, TimedOut, UnexpectedEof};
        match error.kind() {
            BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | TimedOut | UnexpectedEof => Self::Lost,
            _ => Self::Io(error),
        }
    }
}
