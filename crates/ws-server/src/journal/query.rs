//! What is asked of a journal, checked and compiled: whether an event is meant.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::SystemTime;

use ws_core::{Direction, Message, Origin, PathPattern};
use ws_patterns::{MessagePattern, MessageText};

use super::clock::{Clock, in_milliseconds};
use super::event::{EventName, HandledAs, MessageType};
use super::facts::Facts;
use super::slot::{Slot, What};

/// Which events are meant, and in what order they are told.
///
/// It is made of an [`EventFilter`](crate::EventFilter), or by calls; without any, it means all messages but pings and pongs.
#[derive(Debug, Clone)]
pub struct JournalQuery {
    pub(super) connection: Option<String>,
    pub(super) path: Option<PathPattern>,
    pub(super) members: Option<Arc<HashSet<String>>>,
    pub(super) direction: Option<Direction>,
    pub(super) origin: Option<Origin>,
    pub(super) kinds: Vec<EventName>,
    /// Whether pings and pongs are messages, too, where no type is wanted.
    pub(super) with_pings: bool,
    pub(super) message_type: Option<MessageType>,
    pub(super) pattern: Option<MessagePattern>,
    pub(super) handled: Option<HandledAs>,
    pub(super) matched_by: Option<String>,
    pub(super) since: u64,
    pub(super) up_to: u64,
    pub(super) from: Option<SystemTime>,
    pub(super) until: Option<SystemTime>,
    pub(super) limit: usize,
    pub(super) newest_first: bool,
}

impl Default for JournalQuery {
    fn default() -> Self {
        Self {
            connection: None,
            path: None,
            members: None,
            direction: None,
            origin: None,
            kinds: vec![EventName::Message],
            with_pings: false,
            message_type: None,
            pattern: None,
            handled: None,
            matched_by: None,
            since: 0,
            up_to: u64::MAX,
            from: None,
            until: None,
            limit: Self::DEFAULT_LIMIT,
            newest_first: false,
        }
    }
}

/// Whether an event is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meant {
    Yes,
    No,
    /// Yes, but for the pattern.
    ButForPattern,
    /// Its handlers are not done with it.
    NotYet,
    /// It is cut, so that the pattern cannot be asked.
    Undecided,
}

impl JournalQuery {
    /// How many events are told, if nobody says.
    pub const DEFAULT_LIMIT: usize = 100;

    /// All messages but pings and pongs, which only those mean who ask for them by kind or type.
    #[must_use]
    pub fn messages() -> Self {
        Self::default()
    }

    /// Text messages like this.
    #[must_use]
    pub fn pattern(self, pattern: MessagePattern) -> Self {
        Self { pattern: Some(pattern), ..self }
    }

    /// Messages that went this way.
    #[must_use]
    pub fn direction(self, direction: Direction) -> Self {
        Self { direction: Some(direction), ..self }
    }

    /// Events of connections with such a path.
    #[must_use]
    pub fn path(self, path: PathPattern) -> Self {
        Self { path: Some(path), ..self }
    }

    /// Events of this connection.
    #[must_use]
    pub fn connection(self, id: impl Into<String>) -> Self {
        Self { connection: Some(id.into()), ..self }
    }

    /// Events of these kinds; pings and pongs are messages here.
    #[must_use]
    pub fn kinds(self, kinds: impl IntoIterator<Item = EventName>) -> Self {
        Self { kinds: kinds.into_iter().collect(), with_pings: true, ..self }
    }

    /// Messages of which this became.
    #[must_use]
    pub fn handled(self, handled: HandledAs) -> Self {
        Self { handled: Some(handled), ..self }
    }

    /// Events with a greater number than this.
    #[must_use]
    pub fn since(self, seq: u64) -> Self {
        Self { since: seq, ..self }
    }

    /// Events with this number at most: what comes meanwhile is left to the next question.
    #[must_use]
    pub fn up_to(self, seq: u64) -> Self {
        Self { up_to: seq, ..self }
    }

    /// How many events are told at most; [`DEFAULT_LIMIT`](Self::DEFAULT_LIMIT) if this is not called.
    #[must_use]
    pub fn limit(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// The newest events come first, and count where not all are told; otherwise it is the oldest.
    #[must_use]
    pub fn newest_first(self) -> Self {
        Self { newest_first: true, ..self }
    }

    /// Whether what was received, and whether what was sent can be meant.
    pub(super) fn rings(&self) -> (bool, bool) {
        let messages = self.kinds.contains(&EventName::Message);
        (self.direction != Some(Direction::Outbound), messages && self.direction != Some(Direction::Inbound))
    }

    /// The same question without its pattern.
    pub(super) fn without_pattern(&self) -> Self {
        Self { pattern: None, ..self.clone() }
    }

    /// Whether this event is meant. What costs most is asked last.
    pub(super) fn means(&self, slot: &Slot, clock: &Clock) -> Meant {
        if slot.seq <= self.since
            || slot.seq > self.up_to
            || !self.kinds.contains(&slot.name())
            || !self.means_message(slot)
        {
            return Meant::No;
        }
        let handled = self.means_handled(slot);
        if handled == Meant::No || !self.means_facts(slot.facts.as_deref()) || !self.means_time(slot, clock) {
            return Meant::No;
        }
        let Some(pattern) = &self.pattern else { return handled };
        match slot.text() {
            None => Meant::No,
            Some(_) if slot.is_cut() => Meant::Undecided,
            Some(text) if pattern.matches_text(&MessageText::new(text)) => handled,
            Some(_) => Meant::ButForPattern,
        }
    }

    fn means_message(&self, slot: &Slot) -> bool {
        let is_any = self.direction.is_none() && self.origin.is_none() && self.message_type.is_none();
        if is_any && self.with_pings {
            return true;
        }
        let Some((message, direction, origin)) = slot.message() else { return is_any };
        let is_ping = matches!(message, Message::Ping(_) | Message::Pong(_));
        (!is_ping || self.with_pings || self.message_type.is_some())
            && self.direction.is_none_or(|wanted| wanted == direction)
            && self.origin.is_none_or(|wanted| wanted == origin)
            && self.message_type.is_none_or(|wanted| wanted == MessageType::from(message))
    }

    /// What is wanted of its handling alone.
    pub(super) fn means_handled(&self, slot: &Slot) -> Meant {
        if self.handled.is_none() && self.matched_by.is_none() {
            return Meant::Yes;
        }
        let What::Message(kept) = &slot.what else { return Meant::No };
        if kept.direction == Direction::Outbound {
            return Meant::No;
        }
        let Some(handled) = kept.handled else { return Meant::NotYet };
        let is_wanted = self.handled.is_none_or(|wanted| wanted == handled)
            && self
                .matched_by
                .as_deref()
                .is_none_or(|part| kept.matched_by.as_deref().is_some_and(|name| name.contains(part)));
        if is_wanted { Meant::Yes } else { Meant::No }
    }

    fn means_facts(&self, facts: Option<&Facts>) -> bool {
        if self.connection.is_none() && self.members.is_none() && self.path.is_none() {
            return true;
        }
        let Some(facts) = facts else { return false };
        let id = facts.connection.as_deref();
        self.connection.as_deref().is_none_or(|wanted| id == Some(wanted))
            && self.members.as_ref().is_none_or(|members| id.is_some_and(|id| members.contains(id)))
            && self.path.as_ref().is_none_or(|path| path.matches(&facts.path))
    }

    fn means_time(&self, slot: &Slot, clock: &Clock) -> bool {
        if self.from.is_none() && self.until.is_none() {
            return true;
        }
        let time = in_milliseconds(clock.time_of(slot.at));
        self.from.is_none_or(|from| time >= in_milliseconds(from))
            && self.until.is_none_or(|until| time <= in_milliseconds(until))
    }
}
