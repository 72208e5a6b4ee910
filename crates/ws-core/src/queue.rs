//! The outbound queue of one connection: bounded in messages and bytes, drained by the connection's own task.
//!
//! A channel of tokio would hold a block of slots for each idle connection and knows no bytes; this one holds nothing
//! until something is sent, and its reader learns in one look what waits and whether the connection was cut.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;

use crate::sender::Closed;
use crate::{Message, Offered, Origin, WhenFull, WsSender};

/// What an idle queue may keep of its capacity, in messages.
const IDLE_CAPACITY: usize = 64;

/// How many messages a reader takes at a time at most, and of how many bytes before it takes no further one. They are
/// as good as on the wire: they count against the limits no longer.
const BATCH: QueueLimits = QueueLimits { messages: 32, bytes: 16 * 1024 };

/// How much may wait for a client that reads slowly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueLimits {
    /// The most messages that wait.
    pub messages: usize,
    /// The most payload bytes that wait. One message of any size fits into an empty queue.
    pub bytes: usize,
}

impl Default for QueueLimits {
    /// 8,192 messages and 4 MiB: room for a burst of small messages while the client's task waits for its turn.
    fn default() -> Self {
        Self { messages: 8192, bytes: 4 * 1024 * 1024 }
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

impl Outbound {
    /// A message that `origin` wrote.
    #[must_use]
    pub fn new(message: Message, origin: Origin) -> Self {
        Self { message, origin }
    }
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
    /// What waits is the last; then the connection ends without a Close frame.
    disconnects: bool,
    skipped: u64,
    /// Somebody has work for the session beside the queue.
    interrupted: bool,
    /// Senders that wait for space.
    blocked: usize,
    /// Set while the reader sleeps, so that a push from within the reader's own task wakes nobody.
    reader: Option<Waker>,
    /// Always set once there is a reader: a cut wakes it, whatever it is doing.
    watcher: Option<Waker>,
}

impl State {
    fn has_room_for(&self, message: &Message, limits: QueueLimits) -> bool {
        // There is one Close frame at most, and it must not wait for a client that one wants to be rid of.
        matches!(message, Message::Close(_))
            || self.waiting.is_empty()
            || (self.waiting.len() < limits.messages && self.bytes.saturating_add(message.len()) <= limits.bytes)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a message without waiting; a full queue is cut, or the message skipped.
    pub(crate) fn offer(&self, message: Message, origin: Origin, when_full: WhenFull) -> Offered {
        let mut state = self.state();
        if state.closed {
            return Offered::Closed;
        }
        if state.has_room_for(&message, self.limits) {
            self.enqueue(state, message, origin);
            return Offered::Sent;
        }
        match when_full {
            WhenFull::Skip => {
                state.skipped += 1;
                Offered::Skipped
            }
            WhenFull::Cut => {
                state.cut = true;
                self.shut(state);
                Offered::Cut
            }
        }
    }

    /// Queues a message, and waits while the queue is full.
    pub(crate) async fn push(&self, message: Message, origin: Origin) -> Result<(), Closed> {
        let mut message = match self.try_push(message, origin)? {
            None => return Ok(()),
            Some(message) => message,
        };
        let _blocked = Blocked::new(self);
        loop {
            // Made before the queue is looked at, so that no space which comes free in between is missed.
            let space = self.space.notified();
            match self.try_push(message, origin)? {
                None => return Ok(()),
                Some(back) => message = back,
            }
            space.await;
        }
    }

    /// Waits until at most half of the queue is taken, or it is closed.
    pub(crate) async fn relaxed(&self) {
        let is_relaxed = || {
            let state = self.state();
            state.closed || (state.waiting.len() <= self.limits.messages / 2 && state.bytes <= self.limits.bytes / 2)
        };
        if is_relaxed() {
            return;
        }
        let _blocked = Blocked::new(self);
        loop {
            let space = self.space.notified();
            if is_relaxed() {
                return;
            }
            space.await;
        }
    }

    /// Gives the message back while the queue is full.
    pub(crate) fn try_push(&self, message: Message, origin: Origin) -> Result<Option<Message>, Closed> {
        let state = self.state();
        if state.closed {
            return Err(Closed);
        }
        if !state.has_room_for(&message, self.limits) {
            return Ok(Some(message));
        }
        self.enqueue(state, message, origin);
        Ok(None)
    }

    fn enqueue(&self, mut state: MutexGuard<'_, State>, message: Message, origin: Origin) {
        state.bytes += message.len();
        state.closed = matches!(message, Message::Close(_));
        state.waiting.push_back(Outbound::new(message, origin));
        let reader = state.reader.take();
        let wake_blocked = state.closed && state.blocked > 0;
        drop(state);
        if wake_blocked {
            self.space.notify_waiters();
        }
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// Takes nothing more; when what waits is on the wire, the connection ends without a Close frame.
    pub(crate) fn disconnect(&self) -> Result<(), Closed> {
        let mut state = self.state();
        if state.closed {
            return Err(Closed);
        }
        state.closed = true;
        state.disconnects = true;
        let reader = state.reader.take();
        drop(state);
        self.space.notify_waiters();
        if let Some(reader) = reader {
            reader.wake();
        }
        Ok(())
    }

    /// Wakes the reader, whatever it is doing: it has something else to look at.
    pub(crate) fn interrupt(&self) {
        let mut state = self.state();
        state.interrupted = true;
        let reader = state.watcher.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state().closed
    }

    fn shut(&self, mut state: MutexGuard<'_, State>) {
        state.closed = true;
        state.bytes = 0;
        let dropped = std::mem::take(&mut state.waiting);
        let reader = state.watcher.take();
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

/// What happened to a queue beside messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueNews {
    /// Somebody cut the connection because its client reads too slowly.
    pub cut: bool,
    /// How many messages were skipped since the last call because the client reads too slowly.
    pub skipped: u64,
    /// Somebody [interrupted](WsSender::interrupt) the session since the last call.
    pub interrupted: bool,
}

fn remember(slot: &mut Option<Waker>, cx: &Context<'_>) {
    if !slot.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
        *slot = Some(cx.waker().clone());
    }
}

/// A bounded outbound queue: the handle that fills it, and the end that a session drains.
#[must_use]
pub fn outbound_queue(limits: QueueLimits) -> (WsSender, OutboundQueue) {
    let state = Mutex::new(State::default());
    let shared = Arc::new(Shared { limits, state, space: Notify::new() });
    (WsSender::from_queue(Arc::clone(&shared)), OutboundQueue { shared, batch: VecDeque::new(), disconnected: false })
}

/// The end of an outbound queue that a session drains. When it is dropped, senders get an error.
pub struct OutboundQueue {
    shared: Arc<Shared>,
    /// Taken under one lock, given out one by one.
    batch: VecDeque<Outbound>,
    disconnected: bool,
}

impl OutboundQueue {
    /// Says that the reader is awake, and what it must know: until the next [`poll_next`](Self::poll_next) that finds
    /// nothing, a push wakes nobody. A cut wakes the task always.
    pub fn awake(&mut self, cx: &Context<'_>) -> QueueNews {
        let mut state = self.shared.state();
        state.reader = None;
        remember(&mut state.watcher, cx);
        QueueNews {
            cut: state.cut,
            skipped: std::mem::take(&mut state.skipped),
            interrupted: std::mem::take(&mut state.interrupted),
        }
    }

    /// Takes the next message; when there is none, the task is woken by the next push or by a cut.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Outbound> {
        match self.batch.pop_front() {
            Some(next) => Poll::Ready(next),
            None => self.poll_batch(cx),
        }
    }

    /// Takes the next message, and what else of the next batch waits behind it.
    fn poll_batch(&mut self, cx: &mut Context<'_>) -> Poll<Outbound> {
        let mut state = self.shared.state();
        let Some(next) = state.waiting.pop_front() else {
            if state.waiting.capacity() > IDLE_CAPACITY {
                state.waiting = VecDeque::new();
            }
            self.disconnected = state.disconnects;
            remember(&mut state.reader, cx);
            return Poll::Pending;
        };
        let mut bytes = next.message.len();
        // A short queue is given out in smaller batches, or what is on the way would be more than what may wait.
        let most = BATCH.messages.min(self.shared.limits.messages / 4);
        while bytes < BATCH.bytes && self.batch.len() + 1 < most {
            let Some(another) = state.waiting.pop_front() else { break };
            bytes += another.message.len();
            self.batch.push_back(another);
        }
        state.bytes -= bytes;
        let wake_blocked = state.blocked > 0;
        drop(state);
        if wake_blocked {
            self.shared.space.notify_waiters();
        }
        Poll::Ready(next)
    }

    /// Whether the last [`poll_next`](Self::poll_next) found nothing because the connection is to end without a Close frame.
    #[must_use]
    pub fn is_disconnected(&self) -> bool {
        self.disconnected
    }

    /// Drops what waits and takes nothing more.
    pub fn close(&mut self) {
        self.batch = VecDeque::new();
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

    async fn next(queue: &mut OutboundQueue) -> Outbound {
        poll_fn(|cx| queue.poll_next(cx)).await
    }

    fn limits(messages: usize, bytes: usize) -> QueueLimits {
        QueueLimits { messages, bytes }
    }

    #[tokio::test]
    async fn a_full_queue_makes_senders_wait_in_order() {
        let (sender, mut queue) = outbound_queue(limits(2, 1000));
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
        let (sender, _queue) = outbound_queue(limits(100, 10));
        assert_eq!(sender.offer(Message::binary(vec![0; 11]), WhenFull::Skip), Offered::Sent);
        assert_eq!(sender.offer(Message::binary(vec![]), WhenFull::Skip), Offered::Skipped);
    }

    #[tokio::test]
    async fn nothing_follows_a_close_frame() {
        let (sender, mut queue) = outbound_queue(limits(10, 1000));
        sender.send_text("last").await.unwrap();
        sender.close(4000, "done").await.unwrap();
        assert_eq!(sender.offer(Message::text("late"), WhenFull::Skip), Offered::Closed);
        assert_eq!(next(&mut queue).await.message, Message::text("last"));
        assert!(matches!(next(&mut queue).await.message, Message::Close(Some(frame)) if frame.code == 4000));
    }

    #[tokio::test]
    async fn a_disconnection_comes_behind_what_waits() {
        let (sender, mut queue) = outbound_queue(limits(10, 1000));
        sender.send_text("last").await.unwrap();
        sender.disconnect().unwrap();
        assert_eq!(sender.offer(Message::text("late"), WhenFull::Skip), Offered::Closed);
        sender.disconnect().unwrap_err();
        assert_eq!(next(&mut queue).await.message, Message::text("last"));
        assert!(!queue.is_disconnected());
        assert!(poll_fn(|cx| Poll::Ready(queue.poll_next(cx))).await.is_pending());
        assert!(queue.is_disconnected());
    }

    #[tokio::test]
    async fn a_waiting_sender_learns_that_the_reader_is_gone() {
        let (sender, queue) = outbound_queue(limits(1, 1000));
        sender.send_text("1").await.unwrap();
        let waiting = sender.send_text("2");
        let (sent, ()) = tokio::join!(waiting, async { drop(queue) });
        assert!(sent.is_err());
    }

    #[tokio::test]
    async fn a_close_frame_does_not_wait_for_space() {
        let (sender, mut queue) = outbound_queue(limits(1, 1000));
        sender.send_text("1").await.unwrap();
        sender.close(4000, "").await.unwrap();
        assert_eq!(next(&mut queue).await.message, Message::text("1"));
        assert!(matches!(next(&mut queue).await.message, Message::Close(_)));
    }

    #[tokio::test]
    async fn a_cut_wakes_the_reader_whatever_it_does_and_drops_what_waits() {
        let (sender, mut queue) = outbound_queue(limits(1, 1000));
        sender.send_text("1").await.unwrap();
        let woken = poll_fn(|cx| {
            if queue.awake(cx).cut {
                return Poll::Ready(true);
            }
            // The reader is awake and its socket blocked: it has not asked for a message.
            assert_eq!(sender.offer(Message::text("2"), WhenFull::Cut), Offered::Cut);
            Poll::Pending
        });
        assert!(woken.await);
        assert!(poll_fn(|cx| Poll::Ready(queue.poll_next(cx))).await.is_pending());
        assert_eq!(sender.offer(Message::text("3"), WhenFull::Cut), Offered::Closed);
    }

    #[tokio::test]
    async fn a_sender_relaxes_when_half_of_its_queue_is_free() {
        let (sender, mut queue) = outbound_queue(limits(4, 1000));
        for n in 0..4 {
            sender.send_text(n.to_string()).await.unwrap();
        }
        let mut relaxed = Box::pin(sender.relaxed());
        for left in [3, 2] {
            assert!(poll_fn(|cx| Poll::Ready(relaxed.as_mut().poll(cx))).await.is_pending(), "{left}");
            next(&mut queue).await;
        }
        relaxed.await;
    }

    #[tokio::test]
    async fn a_sender_given_up_while_it_waited_leaves_nothing_behind() {
        let (sender, mut queue) = outbound_queue(limits(1, 1000));
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
