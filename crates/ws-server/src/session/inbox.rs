//! What came from the client and waits for its handlers: bounded, so that reading stops when they lag.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use ws_core::{Message, QueueLimits};

/// A message from the client, and the how manieth of its frames it was.
#[derive(Debug, Clone)]
pub(crate) struct Inbound {
    pub(crate) message: Message,
    pub(crate) number: u64,
}

/// What the handlers of a session are to look at next.
pub(crate) enum Next {
    Message(Inbound),
    /// What the connection is to play is something else than before.
    Play,
}

/// The queue between a session's socket and its handlers. Both are polled by one task, so nothing has to be woken.
pub(crate) struct Inbox<'a> {
    limits: &'a QueueLimits,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Inbound>,
    bytes: usize,
    closed: bool,
    play_changed: bool,
}

impl<'a> Inbox<'a> {
    pub(crate) fn new(limits: &'a QueueLimits) -> Self {
        Self { limits, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether another message may be read.
    pub(crate) fn has_room(&self) -> bool {
        let state = self.state();
        state.waiting.len() < self.limits.messages && state.bytes < self.limits.bytes
    }

    pub(crate) fn push(&self, next: Inbound) {
        let mut state = self.state();
        state.bytes += next.message.len();
        state.waiting.push_back(next);
    }

    /// What the connection is to play has changed: that goes in front of all messages.
    pub(crate) fn change_play(&self) {
        self.state().play_changed = true;
    }

    /// Whether nobody has looked yet at what the connection is to play.
    pub(crate) fn has_changed_play(&self) -> bool {
        self.state().play_changed
    }

    /// Gives out what waits, then nothing more.
    pub(crate) fn finish(&self) {
        self.state().closed = true;
    }

    /// Whether nothing more comes in.
    pub(crate) fn is_finished(&self) -> bool {
        self.state().closed
    }

    /// Gives out nothing more.
    pub(crate) fn close(&self) {
        *self.state() = State { closed: true, ..State::default() };
    }

    /// What is next; `None` once the inbox is closed.
    pub(crate) async fn next(&self) -> Option<Next> {
        poll_fn(|_| {
            let mut state = self.state();
            if std::mem::take(&mut state.play_changed) {
                return Poll::Ready(Some(Next::Play));
            }
            match state.waiting.pop_front() {
                Some(next) => {
                    state.bytes -= next.message.len();
                    Poll::Ready(Some(Next::Message(next)))
                }
                None if state.closed => Poll::Ready(None),
                None => {
                    // An idle connection holds no buffer.
                    state.waiting = VecDeque::new();
                    Poll::Pending
                }
            }
        })
        .await
    }
}
