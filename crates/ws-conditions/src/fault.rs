//! What can go wrong, as people write it. What it does to a message is the plan's business.

use std::collections::BTreeMap;

/// Something that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The handshake is refused with an HTTP response.
    Refuse {
        /// 400 to 599; 503 by default.
        status: u16,
        /// Headers of the response.
        headers: BTreeMap<String, String>,
        /// The body of the response.
        body: String,
    },
    /// The handshake is answered late.
    DelayHandshake {
        /// How late in milliseconds: at most 86,400,000, a day.
        delay_ms: u64,
    },
    /// The TCP connection is closed without an answer to the handshake.
    DropHandshake,

    /// The TCP connection is reset: the client sees 1006, or "connection reset".
    Reset,
    /// The TCP connection is closed without a Close frame: the client sees 1006.
    Disconnect,
    /// Nothing is read, answered or sent any more, but the connection stays.
    HalfOpen,
    /// A Close frame.
    Close {
        /// The code. Any: also those that may not stand in a Close frame, such as 1006.
        code: u16,
        /// A text of at most 123 bytes.
        reason: String,
    },

    /// The message is lost.
    Drop,
    /// The message comes more than once.
    Duplicate {
        /// How often it comes in all: 2 to 1,000; 2 by default.
        times: u32,
    },
    /// The message and the next one change places. It is held for the next one for at most
    /// [`MAX_HOLD`](crate::MAX_HOLD).
    Reorder,
    /// The message, and with it all that follow, comes late.
    Delay {
        /// How late in milliseconds: at most 86,400,000, a day. It is added to the latency.
        delay_ms: u64,
    },
    /// The message is cut, at the end of a character. The frame is valid.
    Truncate {
        /// How many bytes are left at most. What is not longer passes.
        bytes: u64,
    },
    /// About one byte in each KiB of the message is another one. Text stays valid UTF-8 of the same length.
    Corrupt,
    /// The message comes in several frames.
    Fragment {
        /// How many: 2 to 4,096; 2 by default.
        parts: u32,
    },
    /// A byte of the text is none of UTF-8. Binary messages pass.
    BadUtf8,
    /// The frame announces a longer payload than it has. It is the last thing that is sent: what came after it would be
    /// taken for the rest of the payload.
    Oversized {
        /// The length that is announced; at least one byte more than the message has.
        bytes: u64,
    },
    /// The frame has a reserved bit (RSV2) set.
    BadRsv,
    /// The frame has a reserved opcode (3).
    BadOpcode,
}

impl Fault {
    /// Its name in a file: `half_open`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Refuse { .. } => "refuse",
            Self::DelayHandshake { .. } => "delay_handshake",
            Self::DropHandshake => "drop_handshake",
            Self::Reset => "reset",
            Self::Disconnect => "disconnect",
            Self::HalfOpen => "half_open",
            Self::Close { .. } => "close",
            Self::Drop => "drop",
            Self::Duplicate { .. } => "duplicate",
            Self::Reorder => "reorder",
            Self::Delay { .. } => "delay",
            Self::Truncate { .. } => "truncate",
            Self::Corrupt => "corrupt",
            Self::Fragment { .. } => "fragment",
            Self::BadUtf8 => "bad_utf8",
            Self::Oversized { .. } => "oversized",
            Self::BadRsv => "bad_rsv",
            Self::BadOpcode => "bad_opcode",
        }
    }

    /// What it happens to.
    pub(crate) fn subject(&self) -> Subject {
        match self {
            Self::Refuse { .. } | Self::DelayHandshake { .. } | Self::DropHandshake => Subject::Handshake,
            Self::Reset | Self::Disconnect | Self::HalfOpen | Self::Close { .. } => Subject::Connection,
            Self::Fragment { .. } | Self::BadUtf8 | Self::Oversized { .. } | Self::BadRsv | Self::BadOpcode => {
                Subject::Frame
            }
            Self::Drop
            | Self::Duplicate { .. }
            | Self::Reorder
            | Self::Delay { .. }
            | Self::Truncate { .. }
            | Self::Corrupt => Subject::Message,
        }
    }
}

/// What a fault happens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    Handshake,
    Connection,
    Message,
    /// How a message to the client looks on the wire.
    Frame,
}
