//! The facts of one connection, settled at its handshake, and the typed state that is kept with them.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::time::Instant;

use crate::{Extensions, Handshake};

/// One connection as hooks, middleware and observers see it: the facts of its handshake, and typed state.
#[derive(Debug)]
pub struct Connection {
    id: String,
    handshake: Handshake,
    subprotocol: Option<String>,
    opened_at: Instant,
    leaves_pings: AtomicBool,
}

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
        Self { id, handshake, subprotocol, opened_at: Instant::now(), leaves_pings: AtomicBool::new(false) }
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
    pub fn leaves_pings(&self) -> bool {
        self.leaves_pings.load(Ordering::Relaxed)
    }

    /// See [`WsContext::leave_pings`](crate::WsContext::leave_pings).
    pub fn set_leaves_pings(&self, leave: bool) {
        self.leaves_pings.store(leave, Ordering::Relaxed);
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
