//! The facts of one connection: what was settled at its handshake and does not change afterwards.

use tokio::time::Instant;

use crate::Handshake;

/// The unchanging facts of one connection, as hooks, middleware and observers see them.
#[derive(Debug)]
pub struct Connection {
    id: String,
    handshake: Handshake,
    subprotocol: Option<String>,
    opened_at: Instant,
}

impl Connection {
    /// A connection that opens now, with a new unique id.
    #[must_use]
    pub fn open(handshake: Handshake, subprotocol: Option<String>) -> Self {
        Self::with_id(uuid::Uuid::new_v4().to_string(), handshake, subprotocol)
    }

    pub(crate) fn with_id(id: String, handshake: Handshake, subprotocol: Option<String>) -> Self {
        Self { id, handshake, subprotocol, opened_at: Instant::now() }
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

    /// When the handshake was accepted. The clock of scripts starts here.
    #[must_use]
    pub fn opened_at(&self) -> Instant {
        self.opened_at
    }
}
