//! What one session has open in a correlation: events that wait for others, or count.

use std::collections::VecDeque;
use std::time::Duration;

use super::Key;

/// How many events may be open; the client decides how many it sends.
pub(super) const MAX_OPEN: usize = 1024;

/// What one session has open in a [`Correlation`](super::Correlation); made by its
/// [`start`](super::Correlation::start), and of use with that correlation only.
#[derive(Debug, Clone)]
pub struct CorrelationState {
    /// The oldest first; at most [`MAX_OPEN`].
    open: VecDeque<Open>,
    /// The latest time that was seen.
    now: Duration,
}

#[derive(Debug, Clone)]
pub(super) struct Open {
    pub(super) key: Option<Key>,
    pub(super) since: Duration,
}

impl CorrelationState {
    pub(super) fn new(now: Duration) -> Self {
        Self { open: VecDeque::new(), now }
    }

    /// How many events are open: wait for others, or count. At most 1,024.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.len()
    }

    pub(super) fn now(&self) -> Duration {
        self.now
    }

    /// The time that counts: `now`, unless a later one was seen before.
    pub(super) fn advance(&mut self, now: Duration) -> Duration {
        self.now = self.now.max(now);
        self.now
    }

    /// Opens an event now. If there were too many, returns the oldest, which had to give way.
    pub(super) fn push(&mut self, key: Option<Key>) -> Option<Open> {
        let oldest = if self.open.len() >= MAX_OPEN { self.open.pop_front() } else { None };
        self.open.push_back(Open { key, since: self.now });
        oldest
    }

    pub(super) fn first(&self) -> Option<&Open> {
        self.open.front()
    }

    pub(super) fn take_first(&mut self) -> Option<Open> {
        self.open.pop_front()
    }

    /// Closes the oldest event that an event with this key concerns.
    pub(super) fn take_oldest(&mut self, key: Option<&Key>) -> Option<Open> {
        let position = self.open.iter().position(|open| concerns(key, open))?;
        self.open.remove(position)
    }

    /// Closes all events that an event with this key concerns, the oldest first.
    pub(super) fn take_all(&mut self, key: Option<&Key>) -> VecDeque<Open> {
        let (taken, kept) = std::mem::take(&mut self.open).into_iter().partition(|open| concerns(key, open));
        self.open = kept;
        taken
    }

    pub(super) fn count(&self, key: Option<&Key>) -> usize {
        self.open.iter().filter(|open| concerns(key, open)).count()
    }
}

/// An event without a key concerns all.
fn concerns(key: Option<&Key>, open: &Open) -> bool {
    key.is_none_or(|key| open.key.as_ref() == Some(key))
}
