//! What came from the client and waits for its handlers: bounded, so that reading stops when they lag.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use ws_core::engine::Spare;
use ws_core::{Message, QueueLimits};

thread_local! {
    /// Of an inbox that was read to its end.
    static SPARE: Spare<Inbound> = const { Spare::new() };
}

/// A message from the client, and the how manieth of its frames it was.
#[derive(Debug, Clone)]
pub(crate) struct Inbound {
    pub(crate) message: Message,
    pub(crate) number: u64,
}

/// What the handlers of a session are to look at next.
pub(crate) enum Next {
    /// A message: [`Inbox::take`] it.
    Message,
    /// What the connection is to play is something else than before.
    Play,
}

/// The queue between a session's socket and its handlers. Both are polled by one task, so nothing has to be woken.
pub(crate) struct Inbox<'a> {
    limits: &'a QueueLimits,
    /// Whether no further message may be read, for who asks often.
    is_full: AtomicBool,
    /// Whether somebody waits, and there is nothing.
    is_idle: AtomicBool,
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
        Self { limits, is_full: AtomicBool::new(false), is_idle: AtomicBool::new(false), state: Mutex::default() }
    }

    /// Whether who takes the messages waits for the next one, and there is none, nor anything else to look at.
    pub(crate) fn is_idle(&self) -> bool {
        self.is_idle.load(Ordering::Relaxed)
    }

    /// The state, to put something there.
    fn roused(&self) -> MutexGuard<'_, State> {
        self.is_idle.store(false, Ordering::Relaxed);
        self.state()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether another message may be read.
    pub(crate) fn has_room(&self) -> bool {
        !self.is_full.load(Ordering::Relaxed)
    }

    fn note_room(&self, state: &State) {
        let is_full = state.waiting.len() >= self.limits.messages || state.bytes >= self.limits.bytes;
        self.is_full.store(is_full, Ordering::Relaxed);
    }

    pub(crate) fn push(&self, next: Inbound) {
        let mut state = self.roused();
        state.bytes += next.message.len();
        Spare::lend(&SPARE, &mut state.waiting);
        state.waiting.push_back(next);
        self.note_room(&state);
    }

    /// What the connection is to play has changed: that goes in front of all messages.
    pub(crate) fn change_play(&self) {
        self.roused().play_changed = true;
    }

    /// Whether nobody has looked yet at what the connection is to play.
    pub(crate) fn has_changed_play(&self) -> bool {
        self.state().play_changed
    }

    /// Gives out what waits, then nothing more.
    pub(crate) fn finish(&self) {
        self.roused().closed = true;
    }

    /// Whether nothing more comes in.
    pub(crate) fn is_finished(&self) -> bool {
        self.state().closed
    }

    /// Gives out nothing more.
    pub(crate) fn close(&self) {
        let mut state = self.roused();
        *state = State { closed: true, ..State::default() };
        self.note_room(&state);
    }

    /// Waits for what is next; `None` once the inbox is closed.
    ///
    /// It does not give out the message itself, which would have to be kept in every session.
    pub(crate) async fn next(&self) -> Option<Next> {
        poll_fn(|_| {
            let mut state = self.state();
            if std::mem::take(&mut state.play_changed) {
                return Poll::Ready(Some(Next::Play));
            }
            if !state.waiting.is_empty() {
                return Poll::Ready(Some(Next::Message));
            }
            if state.closed {
                return Poll::Ready(None);
            }
            // An idle connection holds no buffer.
            Spare::take_back(&SPARE, &mut state.waiting);
            self.is_idle.store(true, Ordering::Relaxed);
            Poll::Pending
        })
        .await
    }

    /// The next message, if there is one.
    pub(crate) fn take(&self) -> Option<Inbound> {
        let mut state = self.state();
        let next = state.waiting.pop_front()?;
        state.bytes -= next.message.len();
        self.note_room(&state);
        Some(next)
    }
}
