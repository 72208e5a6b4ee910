//! What travels: a WebSocket message whose payload is shared, not copied.

use bytes::Bytes;
use bytestring::ByteString;

use crate::close_code::{self, MAX_REASON_BYTES};
use crate::{HandlerError, HandlerResult};

/// The longest payload of a ping or pong.
const MAX_CONTROL_BYTES: usize = 125;

/// A whole WebSocket message, as queues, observers, middleware and proxies use it.
///
/// A clone shares the payload: a broadcast to a thousand members holds it once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// UTF-8 text.
    Text(ByteString),
    /// Bytes.
    Binary(Bytes),
    /// A ping with up to 125 bytes.
    Ping(Bytes),
    /// A pong with up to 125 bytes.
    Pong(Bytes),
    /// The start or the answer of the closing handshake. `None` is a Close frame without a code.
    Close(Option<CloseFrame>),
}

impl Message {
    /// A text message.
    pub fn text(text: impl Into<ByteString>) -> Self {
        Self::Text(text.into())
    }

    /// A binary message.
    pub fn binary(data: impl Into<Bytes>) -> Self {
        Self::Binary(data.into())
    }

    /// The size of the payload in bytes; for a Close frame that of code and reason.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(data) | Self::Ping(data) | Self::Pong(data) => data.len(),
            Self::Close(frame) => frame.as_ref().map_or(0, |frame| 2 + frame.reason.len()),
        }
    }

    /// Whether the payload is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether this is text or binary, and so counted as a message; the rest are control frames.
    #[must_use]
    #[inline]
    pub fn is_data(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Binary(_))
    }

    /// Checks what RFC 6455, section 5.5, demands of control frames: at most 125 bytes, and a close code that may be sent.
    ///
    /// # Errors
    /// [`HandlerError::ConnectionError`] says what is wrong.
    pub fn check_control(&self) -> HandlerResult<()> {
        match self {
            Self::Ping(data) | Self::Pong(data) if data.len() > MAX_CONTROL_BYTES => {
                Err(HandlerError::ConnectionError(format!(
                    "the control frame has {} bytes: it holds {MAX_CONTROL_BYTES}",
                    data.len()
                )))
            }
            Self::Close(Some(frame)) => CloseFrame::new(frame.code, frame.reason.clone()).map(drop),
            _ => Ok(()),
        }
    }

    /// The text, if this is a text message.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// The code and the reason of a Close frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseFrame {
    /// Why the connection closes; see [`close_code`].
    pub code: u16,
    /// A text for people, of at most 123 bytes.
    pub reason: ByteString,
}

impl CloseFrame {
    /// A Close frame that may be sent.
    ///
    /// # Errors
    /// [`HandlerError::ConnectionError`] if `code` may not stand in a Close frame ([`close_code::is_sendable`]) or
    /// `reason` is longer than 123 bytes.
    pub fn new(code: u16, reason: impl Into<ByteString>) -> HandlerResult<Self> {
        let reason = reason.into();
        if !close_code::is_sendable(code) {
            return Err(HandlerError::ConnectionError(format!(
                "close code {code} may not be sent: use 1000-1003, 1007-1014 or 3000-4999"
            )));
        }
        if reason.len() > MAX_REASON_BYTES {
            return Err(HandlerError::ConnectionError(format!(
                "the close reason has {} bytes: a Close frame holds {MAX_REASON_BYTES}",
                reason.len()
            )));
        }
        Ok(Self { code, reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_frames_that_may_not_be_sent_are_refused() {
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, u16::MAX] {
            assert!(CloseFrame::new(code, "").is_err(), "{code}");
        }
        for code in [1000, 1003, 1007, 1014, 3000, 4999] {
            assert!(CloseFrame::new(code, "").is_ok(), "{code}");
        }
        assert!(CloseFrame::new(1000, "x".repeat(123)).is_ok());
        assert!(CloseFrame::new(1000, "x".repeat(124)).is_err());
    }
}
