//! What depends on a connection's path: its handlers, its modes and its rooms.

use std::fmt;
use std::sync::Arc;

use ws_core::{HandlerRegistry, Handshake, Rooms, WsHandler};

use crate::interactive::Interactive;

/// What a connection gets at its handshake and keeps: handlers, modes and rooms.
///
/// A server has one; [`WsServerBuilder::scope_for`](crate::WsServerBuilder::scope_for) gives paths, or single tests,
/// their own.
#[derive(Clone)]
pub struct Scope {
    pub(crate) handlers: Arc<HandlerRegistry>,
    pub(crate) modes: Vec<Arc<dyn WsHandler>>,
    pub(crate) fallback: Arc<dyn WsHandler>,
    pub(crate) rooms: Arc<dyn Rooms>,
}

impl Scope {
    /// A scope with these handlers and rooms. Where no handler takes a path, text is answered with `echo: <text>` and
    /// binary as it came.
    #[must_use]
    pub fn new(handlers: Arc<HandlerRegistry>, rooms: Arc<dyn Rooms>) -> Self {
        Self { handlers, modes: Vec::new(), fallback: Arc::new(Interactive::Echo), rooms }
    }

    /// Adds a mode: a handler that runs behind the registered ones and is not touched by their reload.
    #[must_use]
    pub fn mode(mut self, mode: Arc<dyn WsHandler>) -> Self {
        self.modes.push(mode);
        self
    }

    /// Sets the handler of paths that no other handler takes.
    #[must_use]
    pub fn fallback(mut self, fallback: Arc<dyn WsHandler>) -> Self {
        self.fallback = fallback;
        self
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope")
            .field("handlers", &self.handlers)
            .field("modes", &self.modes.len())
            .finish_non_exhaustive()
    }
}

/// Chooses the scope of a handshake; `None` is the server's own.
pub(crate) type ChooseScope = Box<dyn Fn(&Handshake) -> Option<Arc<Scope>> + Send + Sync>;

/// Finds the scope of a handshake.
pub(crate) struct ScopeResolver {
    pub(crate) default: Arc<Scope>,
    pub(crate) choose: Option<ChooseScope>,
}

impl ScopeResolver {
    pub(crate) fn resolve(&self, handshake: &Handshake) -> Arc<Scope> {
        let chosen = self.choose.as_ref().and_then(|choose| choose(handshake));
        chosen.unwrap_or_else(|| Arc::clone(&self.default))
    }
}
