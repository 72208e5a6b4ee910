//! The outbound queue of one connection: bounded in messages and bytes, drained by the connection's own task.
//!
//! A channel of tokio would hold a block of slots for each idle connection and knows no bytes; this one holds nothing
//! until something is sent, and its reader learns in one look what waits and whether the connection was cut.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use tokio::sync::Notify;

use crate::fanout::{Part, Published, SharedMessages};
use crate::prefetch::prefetch;
use crate::sender::Closed;
use crate::spare::Spare;
use crate::{Message, Offered, Origin, WhenFull, WsSender};

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

thread_local! {
    /// Of a queue that was read to its end.
    static SPARE: Spare<Waiting> = const { Spare::new() };
}

/// What waits in a queue: one message, or some that others wait for, too.
enum Waiting {
    One(Outbound),
    Part(Part, Origin),
}

/// What both ends share.
pub(crate) struct Shared {
    limits: QueueLimits,
    state: Mutex<State>,
    space: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    messages: usize,
    bytes: usize,
    /// The last of what waits follows its run: messages come behind it that are not counted yet.
    follows: bool,
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
    /// Which turn of the reader it is; it wraps around.
    turn: u32,
    /// Set while the reader sleeps, so that a push from within the reader's own task wakes nobody.
    reader: Option<Waker>,
    /// Always set once there is a reader: a cut wakes it, whatever it is doing.
    watcher: Option<Waker>,
}

impl State {
    /// Counts what has come to who follows a run, and follows it no longer. Needed before anything comes behind, before it is
    /// taken, and before anybody asks how much waits.
    #[inline]
    fn settle(&mut self) {
        if std::mem::take(&mut self.follows)
            && let Some(Waiting::Part(part, _)) = self.waiting.back_mut()
        {
            let (messages, bytes) = part.settle();
            self.messages += messages;
            self.bytes += bytes;
        }
    }

    fn has_room_for(&self, message: &Message, limits: QueueLimits) -> bool {
        // There is one Close frame at most, and it must not wait for a client that one wants to be rid of.
        matches!(message, Message::Close(_)) || self.has_room(message.len(), limits)
    }

    #[inline]
    fn has_room(&self, bytes: usize, limits: QueueLimits) -> bool {
        let has_room = self.messages < limits.messages && self.bytes.saturating_add(bytes) <= limits.bytes;
        has_room || self.waiting.is_empty()
    }

    /// Takes `most` messages into `batch`, or fewer if they are large; one at least.
    fn take(&mut self, most: usize, batch: &mut VecDeque<Waiting>) {
        let (mut messages, mut bytes) = (0, 0);
        while messages < most && bytes < BATCH.bytes {
            let (next, count, size) = match self.waiting.pop_front() {
                None => break,
                Some(Waiting::One(next)) => {
                    let size = next.message.len();
                    (Waiting::One(next), 1, size)
                }
                Some(Waiting::Part(mut part, origin)) => {
                    let count = part.len().min(most - messages);
                    let size = part.bytes(count);
                    let first = if count < part.len() {
                        let first = part.split(count);
                        self.waiting.push_front(Waiting::Part(part, origin));
                        first
                    } else {
                        part
                    };
                    (Waiting::Part(first, origin), count, size)
                }
            };
            batch.push_back(next);
            messages += count;
            bytes += size;
        }
        self.messages -= messages;
        self.bytes -= bytes;
    }
}

impl Shared {
    #[inline]
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
        state.settle();
        if !state.has_room_for(&message, self.limits) {
            return self.refuse(state, when_full);
        }
        self.enqueue(state, message, origin);
        Offered::Sent
    }

    /// The same for a message that others get, too; the connection is the receiver of that number.
    pub(crate) fn offer_published(
        &self,
        published: &Published,
        number: u32,
        origin: Origin,
        when_full: WhenFull,
    ) -> Offered {
        let mut state = self.state();
        if state.closed {
            published.ask_again(number);
            return Offered::Closed;
        }
        state.settle();
        if !state.has_room(published.size(), self.limits) {
            published.ask_again(number);
            return self.refuse(state, when_full);
        }
        // What comes behind it is not asked whether there is room.
        let follows = published.rest().is_some_and(|(messages, bytes)| {
            state.messages + messages < self.limits.messages
                && state.bytes.saturating_add(published.size() + bytes) <= self.limits.bytes
        });
        state.follows = follows;
        let mut follower = follows.then(|| published.follower(number));
        let goes_on = match state.waiting.back_mut() {
            Some(Waiting::Part(part, writer)) => *writer == origin && part.extend(published, &mut follower),
            _ => false,
        };
        if !goes_on {
            Spare::lend(&SPARE, &mut state.waiting);
            state.waiting.push_back(Waiting::Part(Part::new(published, follower), origin));
        }
        if !follows {
            published.ask_again(number);
        }
        self.queued(state, published.size());
        Offered::Sent
    }

    /// A message came that has no room: the queue is cut, or the message skipped.
    #[cold]
    fn refuse(&self, mut state: MutexGuard<'_, State>, when_full: WhenFull) -> Offered {
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

    /// Waits until at most half of the queue is taken, or it is closed. Gives back which turn of the reader it is.
    pub(crate) async fn relaxed(&self) -> u32 {
        let relaxed = || {
            let mut state = self.state();
            state.settle();
            let has_room = state.messages <= self.limits.messages / 2 && state.bytes <= self.limits.bytes / 2;
            (state.closed || has_room).then_some(state.turn)
        };
        if let Some(turn) = relaxed() {
            return turn;
        }
        let _blocked = Blocked::new(self);
        loop {
            let space = self.space.notified();
            if let Some(turn) = relaxed() {
                return turn;
            }
            space.await;
        }
    }

    /// Gives the message back while the queue is full.
    pub(crate) fn try_push(&self, message: Message, origin: Origin) -> Result<Option<Message>, Closed> {
        let mut state = self.state();
        if state.closed {
            return Err(Closed);
        }
        state.settle();
        if !state.has_room_for(&message, self.limits) {
            return Ok(Some(message));
        }
        self.enqueue(state, message, origin);
        Ok(None)
    }

    fn enqueue(&self, mut state: MutexGuard<'_, State>, message: Message, origin: Origin) {
        let bytes = message.len();
        state.closed = matches!(message, Message::Close(_));
        Spare::lend(&SPARE, &mut state.waiting);
        state.waiting.push_back(Waiting::One(Outbound::new(message, origin)));
        self.queued(state, bytes);
    }

    /// Counts a message that was queued, and wakes who has to know of it.
    #[inline]
    fn queued(&self, mut state: MutexGuard<'_, State>, bytes: usize) {
        state.messages += 1;
        state.bytes += bytes;
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
        state.settle();
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
        // Before anybody is told that more has come to it.
        state.settle();
        state.closed = true;
        (state.messages, state.bytes) = (0, 0);
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
    batch: VecDeque<Waiting>,
    disconnected: bool,
}

impl OutboundQueue {
    /// Has the processor fetch what is shared with senders; see [`prefetch`](crate::engine::prefetch()).
    #[inline]
    pub fn prefetch(&self) {
        prefetch(&*self.shared);
    }

    /// Says that the reader is awake, and what it must know: until the next [`poll_next`](Self::poll_next) that finds
    /// nothing, a push wakes nobody. A cut wakes the task always.
    pub fn awake(&mut self, cx: &Context<'_>) -> QueueNews {
        let mut state = self.shared.state();
        state.reader = None;
        state.turn = state.turn.wrapping_add(1);
        remember(&mut state.watcher, cx);
        QueueNews {
            cut: state.cut,
            skipped: std::mem::take(&mut state.skipped),
            interrupted: std::mem::take(&mut state.interrupted),
        }
    }

    /// Takes the next message; when there is none, the task is woken by the next push or by a cut.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Outbound> {
        loop {
            ready!(self.poll_ready(cx));
            if let Some(next) = self.pop() {
                return Poll::Ready(next);
            }
        }
    }

    /// Whether there is a [`front`](Self::front); when there is none, the task is woken by the next push or by a cut.
    #[inline]
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.batch.is_empty() { self.poll_batch(cx) } else { Poll::Ready(()) }
    }

    /// The next message where it lies, and who wrote it, once [`poll_ready`](Self::poll_ready) has said that there is one.
    #[must_use]
    #[inline]
    pub fn front(&self) -> Option<(&Message, Origin)> {
        self.batch.front().map(|next| match next {
            Waiting::One(next) => (&next.message, next.origin),
            Waiting::Part(part, origin) => (part.front(), *origin),
        })
    }

    /// The next messages where they lie, as many as others get, too, and have the same writer; none, if the next one is for this
    /// connection alone.
    #[must_use]
    #[inline]
    pub fn front_shared(&self) -> Option<(SharedMessages<'_>, Origin)> {
        match self.batch.front() {
            Some(Waiting::Part(part, origin)) => Some((part.messages(), *origin)),
            _ => None,
        }
    }

    /// Takes the [`front`](Self::front); of one that others get, too, a clone.
    #[inline]
    pub fn pop(&mut self) -> Option<Outbound> {
        if let Some(Waiting::Part(part, origin)) = self.batch.front() {
            let next = Outbound::new(part.front().clone(), *origin);
            self.skip(1);
            return Some(next);
        }
        match self.batch.pop_front() {
            Some(Waiting::One(next)) => Some(next),
            _ => None,
        }
    }

    /// Leaves out the next `count` messages: those of [`front_shared`](Self::front_shared), or the [`front`](Self::front).
    #[inline]
    pub fn skip(&mut self, count: usize) {
        match self.batch.front_mut() {
            Some(Waiting::Part(part, _)) if part.len() > count => part.advance(count),
            _ if count > 0 => drop(self.batch.pop_front()),
            _ => {}
        }
    }

    /// Takes the next batch of what waits.
    fn poll_batch(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.shared.state();
        if state.waiting.is_empty() {
            // A queue without messages has no memory for them: most connections are idle most of the time.
            Spare::take_back(&SPARE, &mut state.waiting);
            Spare::take_back(&SPARE, &mut self.batch);
            self.disconnected = state.disconnects;
            remember(&mut state.reader, cx);
            return Poll::Pending;
        }
        state.settle();
        // A short queue is given out in smaller batches, or what is on the way would be more than what may wait.
        let most = BATCH.messages.min(self.shared.limits.messages / 4).max(1);
        if state.messages <= most && state.bytes <= BATCH.bytes {
            std::mem::swap(&mut state.waiting, &mut self.batch);
            (state.messages, state.bytes) = (0, 0);
        } else {
            state.take(most, &mut self.batch);
        }
        let wake_blocked = state.blocked > 0;
        drop(state);
        if wake_blocked {
            self.shared.space.notify_waiters();
        }
        Poll::Ready(())
    }

    /// Whether the last [`poll_next`](Self::poll_next) found nothing because the connection is to end without a Close frame.
    #[must_use]
    #[inline]
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
