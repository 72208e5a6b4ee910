//! Whose an event is: what every event of a connection says of it.
//!
//! It is made once for each connection and outlives it. It holds nothing of the handshake's headers, which may be long.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use ws_core::{Connection, Handshake};

/// Whose an event is.
pub(super) struct Facts {
    pub(super) connection: Option<Box<str>>,
    pub(super) path: Box<str>,
    pub(super) test: Option<Box<str>>,
    pub(super) trace_id: Option<Box<str>>,
    /// Behind the place of the connection's latest message in the ring of what was received; 0: there is none. It is read and
    /// written under the journal's lock.
    pub(super) latest: AtomicU64,
}

impl Facts {
    /// Those of a connection that opens; they are found again by [`of`](Self::of).
    pub(super) fn keep(connection: &Connection) -> Arc<Self> {
        let facts = Arc::new(Self::new(Some(connection.id()), connection.handshake()));
        connection.set_note(Arc::clone(&facts) as Arc<dyn Any + Send + Sync>);
        facts
    }

    /// Those that [`keep`](Self::keep) has kept.
    pub(super) fn kept(connection: &Connection) -> Option<&Self> {
        connection.note().and_then(|note| note.downcast_ref())
    }

    pub(super) fn of(connection: &Connection) -> Arc<Self> {
        let kept = connection.note().and_then(|note| Arc::clone(note).downcast().ok());
        // Another observer was there before, or the connection opened without us.
        kept.unwrap_or_else(|| Arc::new(Self::new(Some(connection.id()), connection.handshake())))
    }

    /// Those of a handshake of which no connection came.
    pub(super) fn of_handshake(handshake: &Handshake) -> Arc<Self> {
        Arc::new(Self::new(None, handshake))
    }

    fn new(connection: Option<&str>, handshake: &Handshake) -> Self {
        Self {
            connection: connection.map(Box::from),
            path: handshake.path().into(),
            test: handshake.test_id().map(Box::from),
            trace_id: ws_metrics::trace_id(handshake).map(Box::from),
            latest: AtomicU64::new(0),
        }
    }

    /// The memory that they take.
    pub(super) fn cost(&self) -> usize {
        let text = |text: &Option<Box<str>>| text.as_ref().map_or(0, |text| text.len());
        size_of::<Self>() + text(&self.connection) + self.path.len() + text(&self.test) + text(&self.trace_id)
    }
}
