//! The facts of one connection, settled at its handshake, and the typed state that is kept with them.

use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::time::Instant;

use crate::prefetch::prefetch;
use crate::{Direction, Extensions, Handshake};

/// One connection as hooks, middleware and observers see it: the facts of its handshake, and typed state.
// What each message looks at stands in front, side by side: of thousands of connections, none is in the processor's cache when
// its turn comes.
#[derive(Debug)]
#[repr(C)]
pub struct Connection {
    received: Counters,
    sent: Counters,
    leaves_pings: AtomicBool,
    note: OnceLock<Note>,
    id: String,
    handshake: Handshake,
    subprotocol: Option<Box<str>>,
    opened_at: Instant,
}

/// What one observer keeps with a connection.
type Note = Arc<dyn Any + Send + Sync>;

impl Connection {
    /// A connection that opens now, with a new unique id. Its state is what the handshake has and `extensions`.
    #[must_use]
    pub fn new(handshake: Handshake, subprotocol: Option<String>, extensions: Extensions) -> Self {
        Self::with_id(uuid::Uuid::new_v4().to_string(), handshake, subprotocol, extensions)
    }

    pub(crate) fn with_id(
        id: String,
        handshake: Handshake,
        subprotocol: Option<String>,
        extensions: Extensions,
    ) -> Self {
        handshake.extensions().extend(extensions);
        Self {
            id,
            handshake,
            subprotocol: subprotocol.map(String::into_boxed_str),
            opened_at: Instant::now(),
            leaves_pings: AtomicBool::new(false),
            received: Counters::default(),
            sent: Counters::default(),
            note: OnceLock::new(),
        }
    }

    /// The connection's id: unique, and the same for its whole life.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The path that was asked for, percent-decoded once, e.g. `/ws/chat`.
    #[must_use]
    pub fn path(&self) -> &str {
        self.handshake.path()
    }

    /// What the client said at the handshake.
    #[must_use]
    pub fn handshake(&self) -> &Handshake {
        &self.handshake
    }

    /// The subprotocol that was chosen, if any.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }

    /// Typed state of the connection.
    #[must_use]
    pub fn extensions(&self) -> &Extensions {
        self.handshake.extensions()
    }

    /// Whether pings are left to the handlers; if not, the session answers them.
    #[must_use]
    #[inline]
    pub fn leaves_pings(&self) -> bool {
        self.leaves_pings.load(Ordering::Relaxed)
    }

    /// See [`WsContext::leave_pings`](crate::WsContext::leave_pings).
    pub fn set_leaves_pings(&self, leave: bool) {
        self.leaves_pings.store(leave, Ordering::Relaxed);
    }

    /// The test that the connection belongs to; see [`Handshake::test_id`].
    #[must_use]
    pub fn test_id(&self) -> Option<&str> {
        self.handshake.test_id()
    }

    /// What has passed in one direction so far.
    #[must_use]
    pub fn traffic(&self, direction: Direction) -> Traffic {
        let counters = self.counters(direction);
        Traffic { frames: counters.frames.load(Ordering::Relaxed), bytes: counters.bytes.load(Ordering::Relaxed) }
    }

    /// Counts a frame with a payload of so many bytes; gives back the how manieth it is in its direction. The session of
    /// the connection does this, and nobody else.
    #[inline]
    pub fn count(&self, direction: Direction, bytes: usize) -> u64 {
        self.count_all(direction, 1, bytes)
    }

    /// The same for several messages, which have so many bytes in all; gives back the number of the last.
    #[inline]
    pub fn count_all(&self, direction: Direction, messages: usize, bytes: usize) -> u64 {
        let counters = self.counters(direction);
        // One task writes: no addition is lost without the price of an atomic one.
        let frames = counters.frames.load(Ordering::Relaxed) + messages as u64;
        counters.frames.store(frames, Ordering::Relaxed);
        counters.bytes.store(counters.bytes.load(Ordering::Relaxed) + bytes as u64, Ordering::Relaxed);
        frames
    }

    /// Has the processor fetch what each message looks at; see [`engine::prefetch`](crate::engine::prefetch()).
    #[inline]
    pub fn prefetch(&self) {
        prefetch(&self.received);
        prefetch(&self.leaves_pings);
    }

    #[inline]
    fn counters(&self, direction: Direction) -> &Counters {
        match direction {
            Direction::Inbound => &self.received,
            Direction::Outbound => &self.sent,
        }
    }

    /// Keeps `note` for an observer that asks for it at every frame, and for as long as anybody keeps the connection. There is
    /// one place: gives back whether it was free. All others have [`extensions`](Self::extensions).
    pub fn set_note(&self, note: Arc<dyn Any + Send + Sync>) -> bool {
        self.note.set(note).is_ok()
    }

    /// What [`set_note`](Self::set_note) kept, for the price of a load.
    #[must_use]
    pub fn note(&self) -> Option<&Arc<dyn Any + Send + Sync>> {
        self.note.get()
    }

    /// Drops the typed state, once the connection has ended: who keeps the connection does not keep that.
    pub fn clear_extensions(&self) {
        self.extensions().clear();
    }

    /// When the handshake was accepted. The clock of scripts starts here.
    #[must_use]
    pub fn opened_at(&self) -> Instant {
        self.opened_at
    }
}

/// What has passed on a connection in one direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Frames of all kinds, a message as one.
    pub frames: u64,
    /// Bytes of their payloads.
    pub bytes: u64,
}

#[derive(Debug, Default)]
struct Counters {
    frames: AtomicU64,
    bytes: AtomicU64,
}
