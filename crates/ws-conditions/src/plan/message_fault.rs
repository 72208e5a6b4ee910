//! Faults of messages, ready to happen.

use std::time::Duration;

use rand::rngs::ChaCha8Rng;
use ws_core::Message;

use super::payload;
use super::when::When;
use crate::{Act, ConnectionFault};

/// A fault and when it happens.
pub(super) struct MessageRule {
    pub(super) when: When,
    pub(super) fault: MessageFault,
    /// The name of the fault in a file.
    pub(super) name: &'static str,
}

pub(super) enum MessageFault {
    Delay(Duration),
    End(ConnectionFault),
    Drop,
    Duplicate(u32),
    Reorder,
    Truncate(usize),
    Corrupt,
    Fragment(usize),
    BadUtf8,
    Oversized(u64),
    BadRsv,
    BadOpcode,
}

impl MessageFault {
    /// What it does to a text or binary message; `Pass` when there is nothing that it can do to this one.
    pub(super) fn act_on(&self, message: &Message, rng: impl FnOnce() -> ChaCha8Rng) -> Act {
        match self {
            Self::Delay(_) => Act::Pass,
            Self::End(fault) => Act::End(fault.clone()),
            Self::Drop => Act::Drop,
            Self::Duplicate(times) => Act::Duplicate(*times),
            Self::Reorder => Act::HoldForNext,
            Self::Truncate(bytes) => payload::truncate(message, *bytes),
            Self::Corrupt => payload::corrupt(message, &mut rng()),
            Self::Fragment(parts) => payload::fragment(message, *parts),
            Self::BadUtf8 => payload::bad_utf8(message, &mut rng()),
            Self::Oversized(bytes) => payload::oversized(message, *bytes),
            Self::BadRsv => payload::bad_rsv(message),
            Self::BadOpcode => payload::bad_opcode(message),
        }
    }
}
