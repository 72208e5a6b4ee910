//! The outbound queue of one connection: bounded in messages and bytes, drained by the connection's own task.
//!
//! A channel of tokio would hold a block of slots for each idle connection and knows no bytes; this one holds nothing
//! until something is sent, and its reader learns in one look what waits and whether the connection was cut.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;

use crate::{Message, Origin, TrySendError};

/// How much may wait for a client that reads slowly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueLimits {
    /// The most messages that wait.
    pub messages: usize,
    /// The most payload bytes that wait. One message of any size fits into an empty queue.
    pub bytes: usize,
}

impl Default for QueueLimits {
    /// 1,024 messages and 4 MiB.
    fn default() -> Self {
        Self { messages: 1024, bytes: 4 * 1024 * 1024 }
    }
}

/// A message on its way out, and who wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outbound {
    /// The message.
    pub message: Message,
    /// Who wrote it.
    pub origin: Origin,
}

/// What both ends share.
pub(crate) struct Shared {
    limits: QueueLimits,
    state: Mutex<State>,
    space: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Outbound>,
    bytes: usize,
    /// A Close frame was queued, or the reader is gone: nothing more is taken.
    closed: bool,
    cut: bool,
    skipped: u64,
    /// Senders that wait for space.
    blocked: usize,
    /// Set while the reader sleeps, so that a push from within the reader's own task wakes nobody.
    reader: Option<Waker>,
}

impl State {
    fn has_room_for(&self, message: &Message, limits: QueueLimits) -> bool {
        self.waiting.is_empty()
            || (self.waiting.len() < limits.messages && self.bytes.saturating_add(message.len()) <= limits.bytes)
    }
}

impl Shared {
    pub(crate) fn new(limits: QueueLimits) -> Self {
        Self { limits, state: Mutex::default(), space: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn try_push(&self, message: Message, origin: Origin) -> Result<(), TrySendError> {
        self.offer(message, origin).map_err(|(error, _)| error)
    }

    pub(crate) async fn push(&self, message: Message, origin: Origin) -> Result<(), TrySendError> {
        let mut message = match self.offer(message, origin) {
            Err((TrySendError::Full, message)) => message,
            done => return done.map_err(|(error, _)| error),
        };
        let _blocked = Blocked::new(self);
        loop {
            // Made before the queue is looked at, so that no space which comes free in between is missed.
            let space = self.space.notified();
            match self.offer(message, origin) {
                Err((TrySendError::Full, back)) => message = back,
                done => return done.map_err(|(error, _)| error),
            }
            space.await;
        }
    }

    fn offer(&self, message: Message, origin: Origin) -> Result<(), (TrySendError, Message)> {
        let mut state = self.state();
        if state.closed {
            return Err((TrySendError::Closed, message));
        }
        if !state.has_room_for(&message, self.limits) {
            return Err((TrySendError::Full, message));
        }
        state.bytes += message.len();
        state.closed = matches!(message, Message::Close(_));
        state.waiting.push_back(Outbound { message, origin });
        let reader = state.reader.take();
        let wake_blocked = state.closed && state.blocked > 0;
        drop(state);
        if wake_blocked {
            self.space.notify_waiters();
        }
        if let Some(reader) = reader {
            reader.wake();
        }
        Ok(())
    }

    pub(crate) fn cut(&self) {
        let mut state = self.state();
        if state.closed && state.waiting.is_empty() {
            return; // The Close frame is out already.
        }
        state.cut = true;
        self.shut(state);
    }

    pub(crate) fn skip(&self) {
        self.state().skipped += 1;
    }

    fn shut(&self, mut state: MutexGuard<'_, State>) {
        state.closed = true;
        state.bytes = 0;
        let dropped = std::mem::take(&mut state.waiting);
        let reader = state.reader.take();
        drop(state);
        drop(dropped);
        self.space.notify_waiters();
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

/// Counts a sender that waits for space, also when its future is dropped.
struct Blocked<'a>(&'a Shared);

impl<'a> Blocked<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.state().blocked += 1;
        Self(shared)
    }
}

impl Drop for Blocked<'_> {
    fn drop(&mut self) {
        self.0.state().blocked -= 1;
    }
}

/// The end of an outbound queue that a session drains. When it is dropped, senders get an error.
pub struct OutboundQueue {
    shared: Arc<Shared>,
}

impl OutboundQueue {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Says that the reader is awake: until the next [`poll_next`](Self::poll_next) that finds nothing, a push wakes nobody.
    pub fn disarm(&mut self) {
        self.shared.state().reader = None;
    }

    /// Takes the next message; when there is none, the task is woken by the next push or by a cut.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Outbound> {
        let mut state = self.shared.state();
        let Some(next) = state.waiting.pop_front() else {
            if !state.reader.as_ref().is_some_and(|reader| reader.will_wake(cx.waker())) {
                state.reader = Some(cx.waker().clone());
            }
            return Poll::Pending;
        };
        state.bytes -= next.message.len();
        let wake_blocked = state.blocked > 0;
        drop(state);
        if wake_blocked {
            self.shared.space.notify_waiters();
        }
        Poll::Ready(next)
    }

    /// Whether somebody cut the connection because its client reads too slowly.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.shared.state().cut
    }

    /// How many messages were skipped since the last call because the client reads too slowly.
    pub fn take_skipped(&mut self) -> u64 {
        std::mem::take(&mut self.shared.state().skipped)
    }

    /// Drops what waits and takes nothing more.
    pub fn close(&mut self) {
        self.shared.shut(self.shared.state());
    }
}

impl Drop for OutboundQueue {
    fn drop(&mut self) {
        self.close();
    }
}

impl std::fmt::Debug for OutboundQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutboundQueue").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;
    use crate::WsSender;

    async fn next(queue: &mut OutboundQueue) -> Outbound {
        poll_fn(|cx| queue.poll_next(cx)).await
    }

    fn limits(messages: usize, bytes: usize) -> QueueLimits {
        QueueLimits { messages, bytes }
    }

    #[tokio::test]
    async fn a_full_queue_makes_senders_wait_in_order() {
        let (sender, mut queue) = WsSender::queue(limits(2, 1000));
        let sending = async {
            for n in 0..100 {
                sender.send_text(n.to_string()).await.unwrap();
            }
        };
        let reading = async {
            for n in 0..100 {
                assert_eq!(next(&mut queue).await.message, Message::text(n.to_string()));
            }
        };
        tokio::join!(sending, reading);
    }

    #[test]
    fn bytes_are_bounded_but_one_message_of_any_size_fits() {
        let (sender, _queue) = WsSender::queue(limits(100, 10));
        sender.try_send(Message::binary(vec![0; 11])).unwrap();
        assert_eq!(sender.try_send(Message::binary(vec![])), Err(TrySendError::Full));
    }

    #[tokio::test]
    async fn nothing_follows_a_close_frame() {
        let (sender, mut queue) = WsSender::queue(limits(10, 1000));
        sender.send_text("last").await.unwrap();
        sender.close(4000, "done").await.unwrap();
        assert_eq!(sender.try_send(Message::text("late")), Err(TrySendError::Closed));
        assert_eq!(next(&mut queue).await.message, Message::text("last"));
        assert!(matches!(next(&mut queue).await.message, Message::Close(Some(frame)) if frame.code == 4000));
    }

    #[tokio::test]
    async fn a_waiting_sender_learns_that_the_reader_is_gone() {
        let (sender, queue) = WsSender::queue(limits(1, 1000));
        sender.send_text("1").await.unwrap();
        let waiting = sender.send_text("2");
        let (sent, ()) = tokio::join!(waiting, async { drop(queue) });
        assert!(sent.is_err());
    }

    #[tokio::test]
    async fn a_cut_wakes_the_reader_and_drops_what_waits() {
        let (sender, mut queue) = WsSender::queue(limits(10, 1000));
        sender.try_send(Message::text("x")).unwrap();
        sender.cut();
        assert!(queue.is_cut());
        assert!(poll_fn(|cx| Poll::Ready(queue.poll_next(cx))).await.is_pending());
        assert_eq!(sender.try_send(Message::text("y")), Err(TrySendError::Closed));
    }

    #[tokio::test]
    async fn a_sender_given_up_while_it_waited_leaves_nothing_behind() {
        let (sender, mut queue) = WsSender::queue(limits(1, 1000));
        sender.send_text("1").await.unwrap();
        {
            let mut waiting = Box::pin(sender.send_text("2"));
            assert!(poll_fn(|cx| Poll::Ready(waiting.as_mut().poll(cx))).await.is_pending());
        }
        assert_eq!(queue.shared.state().blocked, 0);
        assert_eq!(next(&mut queue).await.message, Message::text("1"));
        assert!(poll_fn(|cx| Poll::Ready(queue.poll_next(cx))).await.is_pending());
    }
}
