//! What depends on a connection's path: its handlers, its modes and its rooms.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use ws_conditions::Plan;
use ws_core::{HandlerRegistry, HandlerSet, Handshake, Rooms, WsHandler};

use crate::interactive::Interactive;
use crate::path_conditions::PathConditions;

/// What a connection gets at its handshake and keeps: handlers, modes and rooms.
///
/// A server has one; [`WsServerBuilder::scope_for`](crate::WsServerBuilder::scope_for) gives paths, or single tests,
/// their own.
#[derive(Clone)]
pub struct Scope {
    pub(crate) handlers: Arc<HandlerRegistry>,
    pub(crate) guards: HandlerSet,
    pub(crate) modes: HandlerSet,
    /// What of the modes begins with a connection and cannot be exchanged on it.
    pub(crate) bound: Option<Bound>,
    pub(crate) fallback: Arc<dyn WsHandler>,
    pub(crate) rooms: Arc<dyn Rooms>,
    pub(crate) conditions: Option<Arc<PathConditions>>,
}

impl Scope {
    /// A scope with these handlers and rooms. Where no handler takes a path, text is answered with `echo: <text>` and
    /// binary as it came.
    #[must_use]
    pub fn new(handlers: Arc<HandlerRegistry>, rooms: Arc<dyn Rooms>) -> Self {
        Self {
            handlers,
            guards: HandlerSet::new(),
            modes: HandlerSet::new(),
            bound: None,
            fallback: Interactive::Echo.shared(),
            rooms,
            conditions: None,
        }
    }

    /// Adds a guard: a handler that runs before the registered ones, is not touched by their reload, and answers for no
    /// path: where there is nobody else, the fallback does.
    #[must_use]
    pub fn guard(mut self, guard: Arc<dyn WsHandler>) -> Self {
        self.guards.push(guard);
        self
    }

    /// Adds a mode: a handler that runs behind the registered ones and is not touched by their reload.
    #[must_use]
    pub fn mode(mut self, mode: Arc<dyn WsHandler>) -> Self {
        self.modes.push(mode);
        self
    }

    /// Sets what the network does to the connections, which are counted here.
    #[must_use]
    pub fn conditions(mut self, plan: Plan) -> Self {
        self.conditions = Some(Arc::new(PathConditions::new(plan)));
        self
    }

    /// Sets the handler of paths that no other handler takes.
    #[must_use]
    pub fn fallback(mut self, fallback: Arc<dyn WsHandler>) -> Self {
        self.fallback = fallback;
        self
    }

    /// What begins with a connection on `path`.
    pub(crate) fn begins(&self, path: &str) -> Option<&Begins> {
        let bound = self.bound.as_ref().filter(|bound| bound.mode.handles_path(path));
        bound.map(|bound| &bound.begins)
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

/// A mode with which something begins that cannot be exchanged on a connection.
#[derive(Clone)]
pub(crate) struct Bound {
    pub(crate) begins: Begins,
    /// It may not be there for all paths of its scope.
    pub(crate) mode: Arc<dyn WsHandler>,
}

/// What begins with a connection, and goes on for as long as that does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Begins {
    /// The playing of this script.
    Replay(PathBuf),
    /// The playing of the script that was uploaded under this number.
    Uploaded(u64),
    /// The way to a real server.
    Proxy,
    /// A story of events.
    Ai,
}

/// Chooses the scope of a handshake; `None`: the configuration does.
pub(crate) type ChooseScope = Box<dyn Fn(&Handshake) -> Option<Arc<Scope>> + Send + Sync>;
