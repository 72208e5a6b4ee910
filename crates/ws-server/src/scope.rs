//! What depends on a connection's path: its handlers, its modes and its rooms.

use std::fmt;
use std::sync::Arc;

use ws_conditions::Plan;
use ws_core::{HandlerRegistry, Handshake, PathPattern, Rooms, WsHandler};

use crate::interactive::Interactive;
use crate::path_conditions::PathConditions;

/// What a connection gets at its handshake and keeps: handlers, modes and rooms.
///
/// A server has one; [`WsServerBuilder::scope_for`](crate::WsServerBuilder::scope_for) gives paths, or single tests,
/// their own.
#[derive(Clone)]
pub struct Scope {
    pub(crate) handlers: Arc<HandlerRegistry>,
    pub(crate) guards: Vec<Arc<dyn WsHandler>>,
    pub(crate) modes: Vec<Arc<dyn WsHandler>>,
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
            guards: Vec::new(),
            modes: Vec::new(),
            fallback: Arc::new(Interactive::Echo),
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
    /// Those of the configuration's paths; the first that fits is taken.
    pub(crate) paths: Vec<(PathPattern, Arc<Scope>)>,
    pub(crate) choose: Option<ChooseScope>,
}

impl ScopeResolver {
    pub(crate) fn resolve(&self, handshake: &Handshake) -> Arc<Scope> {
        let chosen = self.choose.as_ref().and_then(|choose| choose(handshake));
        chosen.unwrap_or_else(|| Arc::clone(self.of_path(handshake.path()).unwrap_or(&self.default)))
    }

    /// The scope of a path that the configuration names.
    pub(crate) fn of_path(&self, path: &str) -> Option<&Arc<Scope>> {
        self.paths.iter().find(|(pattern, _)| pattern.matches(path)).map(|(_, scope)| scope)
    }
}
