//! For who writes a session engine: the other side of contexts, senders and registries. Handlers have no use for it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::context::lock;
pub use crate::prefetch::prefetch;
pub use crate::queue::{Outbound, OutboundQueue, QueueNews, outbound_queue};
pub use crate::registry::HandlerWatch;
pub use crate::spare::Spare;
use crate::{
    CloseFrame, Connection, Handled, HandlerResult, Message, Rooms, SessionPart, SharedMessages, Unmatched, WsContext,
    WsSender,
};

/// Puts on the wire, by `put`, messages that many connections get, as `encode` makes them: it is called once for each message, whoever
/// is the first to need it, and so has to be the same for all. It says whether it has put the message behind the bytes; it is not
/// called for those behind one that it has not. Gives back whether `put` was called: not if one of the messages is not encoded,
/// nor where it is not worth while.
pub fn put_encoded(
    messages: SharedMessages<'_>,
    encode: impl Fn(&Message, &mut Vec<u8>) -> bool,
    put: impl FnOnce(&[u8]),
) -> bool {
    messages.put_encoded(encode, put)
}

/// Work that a handler spawned; the session polls it.
pub type SpawnedFuture = Pin<Box<dyn Future<Output = HandlerResult<()>> + Send>>;

/// What handlers put beside their calls.
#[derive(Default)]
pub struct Spawned {
    /// Work that ends by itself, or with the session.
    pub futures: Vec<SpawnedFuture>,
    /// What is told of the end.
    pub parts: Vec<Box<dyn SessionPart>>,
}

/// The way of spawned work from a context to the session that polls it.
///
/// Boxed: most of the time nothing is on the way.
#[derive(Clone, Default)]
pub struct SpawnQueue(Arc<OnTheWay>);

#[derive(Default)]
struct OnTheWay {
    /// For the session, which asks at each turn.
    is_something: AtomicBool,
    spawned: Mutex<Option<Box<Spawned>>>,
}

impl SpawnQueue {
    pub(crate) fn spawn(&self, work: SpawnedFuture) {
        self.put(|spawned| spawned.futures.push(work));
    }

    pub(crate) fn attach(&self, part: Box<dyn SessionPart>) {
        self.put(|spawned| spawned.parts.push(part));
    }

    fn put(&self, put: impl FnOnce(&mut Spawned)) {
        put(lock(&self.0.spawned).get_or_insert_default());
        self.0.is_something.store(true, Ordering::Release);
    }

    /// What was spawned and attached since the last call.
    #[must_use]
    pub fn take(&self) -> Spawned {
        if !self.0.is_something.load(Ordering::Acquire) {
            return Spawned::default();
        }
        let mut spawned = lock(&self.0.spawned);
        self.0.is_something.store(false, Ordering::Relaxed);
        spawned.take().map_or_else(Spawned::default, |spawned| *spawned)
    }
}

impl fmt::Debug for SpawnQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpawnQueue").finish_non_exhaustive()
    }
}

/// A context in the hands of the session that runs its handlers.
#[derive(Debug)]
pub struct SessionContext(WsContext);

impl SessionContext {
    /// The context of a connection that was accepted.
    #[must_use]
    pub fn new(connection: Arc<Connection>, rooms: Arc<dyn Rooms>, sender: WsSender) -> Self {
        Self(WsContext::assemble(connection, rooms, sender))
    }

    /// The handlers' view.
    pub fn view(&mut self) -> &mut WsContext {
        &mut self.0
    }

    /// Whether a handler stopped the chain since the last call.
    pub fn take_stopped(&mut self) -> bool {
        std::mem::take(self.0.stopped.get_mut())
    }

    /// What became of the message of the last call, which was the client's frame of this number; forgets who did what. `kept`:
    /// a handler stopped the chain, and so has taken what nobody says to have taken.
    pub fn take_handled(&mut self, number: u64, kept: bool) -> Handled {
        let unmatched = self.0.unmatched.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let matched_by = self.0.matched_by.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let was_matched = std::mem::take(self.0.matched.get_mut());
        let was_answered = std::mem::take(self.0.answered.get_mut());
        match unmatched {
            _ if was_matched => Handled::Matched(matched_by),
            _ if was_answered => Handled::Answered,
            Some(mut unmatched) if !kept => {
                unmatched.number = number;
                Handled::Unmatched(unmatched)
            }
            _ => Handled::Ignored,
        }
    }

    /// The same for who wants to know nothing else: the message, if handlers wanted to match it, none did and none answered.
    pub fn take_unmatched(&mut self) -> Option<Unmatched> {
        match self.take_handled(0, false) {
            Handled::Unmatched(unmatched) => Some(*unmatched),
            _ => None,
        }
    }

    /// Where what handlers spawn arrives.
    #[must_use]
    pub fn spawn_queue(&self) -> SpawnQueue {
        self.0.spawned.clone()
    }

    /// Sets what `close_frame()` says in `on_disconnect`.
    pub fn set_close_frame(&mut self, frame: Option<CloseFrame>) {
        self.0.close_frame = frame.map(Box::new);
    }
}
