//! The client messages that no wait has taken yet, in the order in which they came.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use ws_patterns::MessageText;

use crate::released::Released;
use crate::script::{Expected, excerpt};

/// A message of the client, as far as waits look at it.
#[derive(Debug)]
pub(super) enum Arrived {
    Text(MessageText<'static>),
    Binary(Bytes),
}

impl Arrived {
    /// What a line of the log may show of it.
    pub(super) fn excerpt(&self) -> String {
        match self {
            Self::Text(text) => format!("{:?}", excerpt(text.as_str())),
            Self::Binary(data) => format!("a binary message of {} bytes", data.len()),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.as_str().len(),
            Self::Binary(data) => data.len(),
        }
    }

    /// What a wait makes of it, if this is what it expects.
    fn release(&self, expected: &Expected) -> Option<Released> {
        match (expected, self) {
            (Expected::Text(pattern), Self::Text(text)) => pattern.captures(text).map(Released::Text),
            (Expected::Binary(bytes), Self::Binary(data)) => {
                let is_it = bytes.as_ref().is_none_or(|bytes| bytes == data);
                is_it.then(|| Released::Binary(data.clone()))
            }
            _ => None,
        }
    }
}

/// Messages with the time at which they came. Bounded: when it is full, the oldest give way.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    waiting: VecDeque<(Duration, Arrived)>,
    bytes: usize,
    /// How many of those in front the present wait has refused already.
    refused: usize,
    /// How many gave way.
    dropped: u64,
}

impl Inbox {
    /// More than a client sends ahead of a script that waits for it.
    const MOST_MESSAGES: usize = 1024;
    /// A single message may have more, and is then the only one.
    const MOST_BYTES: usize = 1024 * 1024;

    pub(super) fn push(&mut self, at: Duration, message: Arrived) {
        self.bytes += message.len();
        self.waiting.push_back((at, message));
        while self.waiting.len() > Self::MOST_MESSAGES || (self.bytes > Self::MOST_BYTES && self.waiting.len() > 1) {
            if let Some((_, oldest)) = self.waiting.pop_front() {
                self.bytes -= oldest.len();
                self.refused = self.refused.saturating_sub(1);
                self.dropped += 1;
            }
        }
    }

    /// Takes the first message that is as `expected`, and when it came.
    pub(super) fn take(&mut self, expected: &Expected) -> Option<(Duration, Released)> {
        let unseen = self.waiting.iter().enumerate().skip(self.refused);
        let found = unseen
            .filter_map(|(number, (_, message))| message.release(expected).map(|released| (number, released)))
            .next();
        let Some((number, released)) = found else {
            self.refused = self.waiting.len();
            return None;
        };
        self.refused = 0;
        let (at, message) = self.waiting.remove(number)?;
        self.bytes -= message.len();
        Some((at, released))
    }

    /// How many messages no wait has taken, those that gave way included.
    pub(super) fn untaken(&self) -> u64 {
        self.dropped + self.waiting.len() as u64
    }

    /// The one that came last.
    pub(super) fn latest(&self) -> Option<&Arrived> {
        self.waiting.back().map(|(_, message)| message)
    }

    /// Counts a message without keeping it.
    pub(super) fn pass_by(&mut self) {
        self.dropped += 1;
    }

    /// Lets go of what it keeps.
    pub(super) fn clear(&mut self) {
        self.dropped += self.waiting.len() as u64;
        self.waiting = VecDeque::new();
        self.bytes = 0;
        self.refused = 0;
    }
}
