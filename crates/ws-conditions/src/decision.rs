//! What is decided: values that a session carries out. They are never carried out here.

use std::time::Duration;

use ws_core::{CloseFrame, Message, RawFrame, Refusal};

/// What becomes of a handshake.
#[derive(Debug)]
pub struct HandshakeVerdict {
    /// How long the answer is held back.
    pub delay: Duration,
    /// What is answered then.
    pub answer: HandshakeAnswer,
}

/// How a handshake is answered.
#[derive(Debug)]
pub enum HandshakeAnswer {
    /// As it would be without conditions.
    Accept,
    /// With this response instead of the upgrade.
    Refuse(Refusal),
    /// Not at all: the TCP connection is closed.
    Drop,
}

/// What becomes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// How late it comes. Messages keep their order: what follows is not delivered before it.
    pub delay: Duration,
    /// What happens to it then.
    pub act: Act,
    /// The name, as in a file, of the fault that made it this act; `None` when it passes.
    pub fault: Option<&'static str>,
}

impl Decision {
    /// The message goes on at once, as it is.
    pub const PASS: Self = Self { delay: Duration::ZERO, act: Act::Pass, fault: None };
}

/// What happens to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// It goes on as it is.
    Pass,
    /// It is lost.
    Drop,
    /// It goes on so many times in all.
    Duplicate(u32),
    /// It goes on after the next message of its direction, or after [`MAX_HOLD`](crate::MAX_HOLD) when none comes.
    HoldForNext,
    /// This message goes on instead.
    Replace(Message),
    /// These frames go on instead, exactly as they are. Only messages to the client become frames.
    Frames(Vec<RawFrame>),
    /// It is lost, and the connection suffers this.
    End(ConnectionFault),
}

/// What happens to a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectionFault {
    /// A Close frame is sent. Its code is what somebody asked for, and need not be one that may be sent.
    Close(CloseFrame),
    /// The TCP connection is reset.
    Reset,
    /// The TCP connection is closed without a Close frame.
    Disconnect,
    /// Nothing is read, answered or sent any more, but the connection stays.
    HalfOpen,
    /// This frame, which announces more than it has, is sent, and nothing after it: it would be taken for the rest of the
    /// payload. What the client sends is read until it closes the connection.
    Unfinished(RawFrame),
}

impl ConnectionFault {
    /// The name of the fault in a file.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Close(_) => "close",
            Self::Reset => "reset",
            Self::Disconnect => "disconnect",
            Self::HalfOpen => "half_open",
            Self::Unfinished(_) => "oversized",
        }
    }
}
