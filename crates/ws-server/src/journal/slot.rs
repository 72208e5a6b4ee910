//! Events as they are kept: small, and made into [`JournalEvent`]s only when somebody asks.

use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use tokio::time::Instant;
use ws_core::{CloseFrame, Direction, Message, ObservedFrame, Origin};

use super::clock::Clock;
use super::event::{EventKind, EventName, HandledAs, JournalEvent};
use super::facts::Facts;

/// Up to this size, what clients send is copied: in its read buffer it would keep that whole.
const COPIED_INBOUND: usize = 2 * 1024;
/// Up to this size, what is sent to them is copied. A larger payload is shared, as it may be that of a whole room.
const COPIED_OUTBOUND: usize = 256;

/// An event as it is kept.
#[derive(Clone)]
pub(super) struct Slot {
    pub(super) seq: u64,
    pub(super) at: Instant,
    /// Whose it is; none, if it is about the server.
    pub(super) facts: Option<Arc<Facts>>,
    pub(super) what: What,
    /// The memory that it takes, in bytes. What several share is counted for each.
    pub(super) cost: usize,
}

#[derive(Clone)]
pub(super) enum What {
    Message(Kept),
    /// What is rare needs no room beside messages.
    Other(Arc<EventKind>),
}

/// A message as it is kept.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) message: Message,
    pub(super) number: u64,
    /// Behind the place of the connection's message before this one; 0: there is none.
    pub(super) before: u64,
    pub(super) matched_by: Option<Arc<str>>,
    size: u32,
    handled_us: u32,
    pub(super) handled: Option<HandledAs>,
    pub(super) direction: Direction,
    pub(super) origin: Origin,
}

impl Slot {
    pub(super) fn of_frame(facts: Arc<Facts>, frame: &ObservedFrame<'_>, longest: usize) -> Self {
        let kept = Kept {
            message: kept(frame.message, frame.direction, longest),
            number: frame.number,
            before: 0,
            matched_by: None,
            size: u32::try_from(frame.message.len()).unwrap_or(u32::MAX),
            handled_us: 0,
            handled: None,
            direction: frame.direction,
            origin: frame.origin,
        };
        Self::new(frame.at, Some(facts), What::Message(kept))
    }

    pub(super) fn of_event(facts: Option<Arc<Facts>>, kind: EventKind) -> Self {
        Self::new(Instant::now(), facts, What::Other(Arc::new(kind)))
    }

    fn new(at: Instant, facts: Option<Arc<Facts>>, what: What) -> Self {
        let of_what = match &what {
            What::Message(kept) => kept.message.len(),
            What::Other(kind) => size_of::<EventKind>() + cost_of_kind(kind),
        };
        let cost = size_of::<Self>() + facts.as_ref().map_or(0, |facts| facts.cost()) + of_what;
        Self { seq: 0, at, facts, what, cost }
    }

    pub(super) fn name(&self) -> EventName {
        match &self.what {
            What::Message(_) => EventName::Message,
            What::Other(kind) => kind.name(),
        }
    }

    /// The message that it is or is about, with its direction and its origin.
    pub(super) fn message(&self) -> Option<(&Message, Direction, Origin)> {
        match &self.what {
            What::Message(kept) => Some((&kept.message, kept.direction, kept.origin)),
            What::Other(kind) => match &**kind {
                EventKind::Unmatched { message, .. } => Some((message, Direction::Inbound, Origin::Client)),
                _ => None,
            },
        }
    }

    /// The text that a pattern is asked of.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.what {
            What::Message(kept) => kept.message.as_text(),
            What::Other(kind) => match &**kind {
                EventKind::Unmatched { message, .. } => message.as_text(),
                EventKind::Error { text } => Some(text),
                _ => None,
            },
        }
    }

    /// Whether only the beginning of the message is here.
    pub(super) fn is_cut(&self) -> bool {
        match &self.what {
            What::Message(kept) => kept.is_cut(),
            What::Other(kind) => matches!(**kind, EventKind::Unmatched { cut: true, .. }),
        }
    }

    pub(super) fn told(&self, clock: &Clock) -> JournalEvent {
        let facts = self.facts.as_deref();
        let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
        JournalEvent {
            seq: self.seq,
            at: clock.time_of(self.at),
            connection: facts.and_then(|facts| text(&facts.connection)),
            path: facts.map(|facts| facts.path.to_string()),
            test: facts.and_then(|facts| text(&facts.test)),
            trace_id: facts.and_then(|facts| text(&facts.trace_id)),
            kind: match &self.what {
                What::Message(kept) => kept.told(),
                What::Other(kind) => EventKind::clone(kind),
            },
        }
    }
}

impl Kept {
    fn is_cut(&self) -> bool {
        (self.size as usize) > self.message.len()
    }

    /// Takes note of what became of it. Where middleware made several messages of one, the most counts.
    pub(super) fn settle(&mut self, handled: HandledAs, matched_by: Option<&Arc<str>>, arrived: Instant) {
        if self.handled.is_none_or(|before| before < handled) {
            self.handled = Some(handled);
            self.matched_by = matched_by.map(Arc::clone);
        }
        self.handled_us = u32::try_from(arrived.elapsed().as_micros()).unwrap_or(u32::MAX);
    }

    fn told(&self) -> EventKind {
        EventKind::Message {
            direction: self.direction,
            origin: self.origin,
            number: self.number,
            message: self.message.clone(),
            size: self.size as usize,
            cut: self.is_cut(),
            handled: self.handled,
            matched_by: self.matched_by.as_deref().map(str::to_owned),
            handled_us: self.handled.map(|_| self.handled_us.into()),
        }
    }
}

/// The message, or the beginning of it, so that it keeps no more memory than it needs.
pub(super) fn kept(message: &Message, direction: Direction, longest: usize) -> Message {
    let copied = match direction {
        Direction::Inbound => COPIED_INBOUND,
        Direction::Outbound => COPIED_OUTBOUND,
    };
    let bytes = |data: &Bytes| {
        if data.len() <= copied || data.len() > longest {
            Bytes::copy_from_slice(&data[..data.len().min(longest)])
        } else {
            data.clone()
        }
    };
    let text = |text: &ByteString| {
        if text.len() <= copied || text.len() > longest {
            ByteString::from(&text[..text.floor_char_boundary(longest)])
        } else {
            text.clone()
        }
    };
    match message {
        Message::Text(data) => Message::Text(text(data)),
        Message::Binary(data) => Message::Binary(bytes(data)),
        Message::Ping(data) => Message::Ping(bytes(data)),
        Message::Pong(data) => Message::Pong(bytes(data)),
        Message::Close(frame) => {
            Message::Close(frame.as_ref().map(|frame| CloseFrame { code: frame.code, reason: text(&frame.reason) }))
        }
    }
}

fn cost_of_kind(kind: &EventKind) -> usize {
    match kind {
        EventKind::Open { subprotocol, query, headers, .. } => {
            let of_text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
            // A node of the tree has room for eleven.
            let headers = headers.iter().map(|(name, value)| name.len() + value.len() + 2 * size_of::<String>());
            of_text(subprotocol) + of_text(query) + headers.sum::<usize>()
        }
        EventKind::Unmatched { message, near_misses, .. } => {
            let misses = near_misses.iter();
            let misses = misses.map(|miss| size_of_val(miss) + miss.expected_by.len() + miss.difference.len());
            message.len() + misses.sum::<usize>()
        }
        EventKind::Fault { name: text } | EventKind::Error { text } => text.len(),
        EventKind::End { reason, .. } => reason.as_ref().map_or(0, String::len),
        EventKind::Reload { changed, needs_restart, errors, .. } => {
            let texts = changed.iter().chain(needs_restart).chain(errors);
            texts.map(|text| text.len() + size_of::<String>()).sum()
        }
        EventKind::Message { message, .. } => message.len(),
        EventKind::Refused { .. } | EventKind::Play { .. } | EventKind::Skipped { .. } => 0,
    }
}
