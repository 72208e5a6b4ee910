//! A frame as bytes on the wire, right or wrong: what broken peers send.

use bytes::Bytes;

/// One frame of [RFC 6455, section 5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2), written exactly as it stands
/// here, whether the protocol allows it or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawFrame {
    /// Whether this is the last fragment of its message.
    pub fin: bool,
    /// The three reserved bits, RSV1 being the highest: 0 to 7.
    pub rsv: u8,
    /// What kind of frame it is: 0 to 15.
    pub opcode: u8,
    /// What follows the header.
    pub payload: Bytes,
    /// The length that the header announces, where that is not the payload's.
    pub announced: Option<u64>,
}

impl RawFrame {
    /// The opcode of a fragment that is not the first.
    pub const CONTINUATION: u8 = 0x0;
    /// The opcode of a text message.
    pub const TEXT: u8 = 0x1;
    /// The opcode of a binary message.
    pub const BINARY: u8 = 0x2;
    /// The opcode of a Close frame.
    pub const CLOSE: u8 = 0x8;
    /// The opcode of a ping.
    pub const PING: u8 = 0x9;
    /// The opcode of a pong.
    pub const PONG: u8 = 0xA;

    /// A whole, well-formed frame.
    #[must_use]
    pub fn new(opcode: u8, payload: impl Into<Bytes>) -> Self {
        Self { fin: true, rsv: 0, opcode, payload: payload.into(), announced: None }
    }
}
