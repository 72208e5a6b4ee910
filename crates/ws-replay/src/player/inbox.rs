//! The client messages that no wait has taken yet, in the order in which they came.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use ws_core::Message;
use ws_patterns::MessageText;

use crate::script::excerpt;

/// A message of the client, as far as waits look at it.
#[derive(Debug)]
pub(super) enum Arrived {
    Text(MessageText<'static>),
    Binary(Bytes),
}

impl Arrived {
    /// `None` for what is no message: control frames.
    pub(super) fn of(message: &Message) -> Option<Self> {
        match message {
            Message::Text(text) => Some(Self::Text(MessageText::new(String::from(&**text)))),
            Message::Binary(data) => Some(Self::Binary(data.clone())),
            _ => None,
        }
    }

    /// What a line of the log may show of it.
    pub(super) fn excerpt(&self) -> String {
        match self {
            Self::Text(text) => format!("{:?}", excerpt(text.as_str())),
            Self::Binary(data) => format!("a binary message of {} bytes", data.len()),
        }
    }

    pub(super) fn as_text(&self) -> Option<&MessageText<'static>> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.as_str().len(),
            Self::Binary(data) => data.len(),
        }
    }
}

/// A message that is kept.
#[derive(Debug)]
struct Kept {
    came: Duration,
    /// Whether nothing was released by a message behind it.
    is_fresh: bool,
    message: Arrived,
}

/// Messages with the time at which they came. Bounded: when it is full, the oldest give way.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    waiting: VecDeque<Kept>,
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

    pub(super) fn push(&mut self, came: Duration, message: Arrived) {
        self.bytes += message.len();
        self.waiting.push_back(Kept { came, is_fresh: true, message });
        while self.waiting.len() > Self::MOST_MESSAGES || (self.bytes > Self::MOST_BYTES && self.waiting.len() > 1) {
            if let Some(oldest) = self.waiting.pop_front() {
                self.bytes -= oldest.message.len();
                self.refused = self.refused.saturating_sub(1);
                self.dropped += 1;
            }
        }
    }

    /// The present wait has refused all that there is.
    pub(super) fn refuse_all(&mut self) {
        self.refused = self.waiting.len();
    }

    /// Whether the present wait has refused all that there is.
    pub(super) fn is_refused(&self) -> bool {
        self.refused == self.waiting.len()
    }

    /// A wait begins: it has refused nothing yet.
    pub(super) fn begin_wait(&mut self) {
        self.refused = 0;
    }

    /// Takes the first message that `preferred` prefers or else the first that `accept` accepts, and when it came. Nothing that
    /// came behind `until` is looked at. Each message is shown with whether nothing was released by one behind it.
    pub(super) fn take<T>(
        &mut self,
        until: Option<Duration>,
        preferred: impl Fn(&Arrived) -> bool,
        mut accept: impl FnMut(&Arrived, bool) -> Option<T>,
    ) -> Option<(Duration, T)> {
        let in_time = |kept: &&Kept| until.is_none_or(|until| kept.came <= until);
        let unseen = || self.waiting.iter().skip(self.refused).take_while(in_time).enumerate();
        let first = unseen().find(|(_, kept)| preferred(&kept.message));
        let mut of = |(number, kept): (usize, &Kept)| Some((number, accept(&kept.message, kept.is_fresh)?));
        let found = first.and_then(&mut of).or_else(|| unseen().find_map(&mut of));
        let Some((number, accepted)) = found else {
            let refused = unseen().count();
            self.refused += refused;
            return None;
        };
        let kept = self.waiting.remove(self.refused + number)?;
        self.bytes -= kept.message.len();
        let behind = self.refused + number;
        self.released_by(behind);
        Some((kept.came, accepted))
    }

    /// A message released something; so many that are kept came before it.
    fn released_by(&mut self, before: usize) {
        self.refused = 0;
        self.waiting.iter_mut().take(before).for_each(|kept| kept.is_fresh = false);
    }

    /// A message released something that came behind all that are kept.
    pub(super) fn released_by_latest(&mut self) {
        self.released_by(self.waiting.len());
    }

    /// How many messages no wait has taken, those that gave way included.
    pub(super) fn untaken(&self) -> u64 {
        self.dropped + self.waiting.len() as u64
    }

    /// The one that came last.
    pub(super) fn latest(&self) -> Option<&Arrived> {
        self.waiting.back().map(|kept| &kept.message)
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
