//! The facts of one connection, settled at its handshake, and the typed state that is kept with them.

use tokio::time::Instant;

use crate::{Extensions, Handshake};

/// One connection as hooks, middleware and observers see it: the facts of its handshake, and typed state.
#[derive(Debug)]
pub struct Connection {
    id: String,
    handshake: Handshake,
    subprotocol: Option<String>,
    opened_at: Instant,
    extensions: Extensions,
}

impl Connection {
    /// A connection that opens now, with a new unique id.
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
        Self { id, handshake, subprotocol, opened_at: Instant::now(), extensions }
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
        &self.extensions
    }

    /// When the handshake was accepted. The clock of scripts starts here.
    #[must_use]
    pub fn opened_at(&self) -> Instant {
        self.opened_at
    }
}
