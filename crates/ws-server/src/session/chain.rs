//! The handlers of one connection as they are now: guards first, then the registered ones, then the modes, or the default
//! of neither.

use std::sync::{Arc, Mutex, PoisonError};

use ws_core::engine::HandlerWatch;
use ws_core::{HandlerSet, WsHandler};

use crate::Scope;

/// The handlers of one path, kept up with the registry.
pub(crate) struct Chain {
    scope: Arc<Scope>,
    path: String,
    /// Whether nobody took the path at the handshake. A connection that had handlers does not fall back to the default
    /// in the middle of a reload.
    is_default: bool,
    state: Mutex<State>,
}

struct State {
    watch: HandlerWatch,
    handlers: Arc<[Arc<dyn WsHandler>]>,
}

impl Chain {
    pub(crate) fn new(scope: Arc<Scope>, path: &str) -> Self {
        let mut watch = scope.handlers.watch();
        let mut handlers = answering(&scope, watch.handlers_for(path), path);
        let is_default = handlers.is_empty();
        if is_default {
            handlers.push(Arc::clone(&scope.fallback));
        }
        let handlers = guarded(&scope, handlers);
        Self { scope, path: path.to_owned(), is_default, state: Mutex::new(State { watch, handlers }) }
    }

    /// The handlers that get the next message.
    pub(crate) fn current(&self) -> Arc<[Arc<dyn WsHandler>]> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.watch.has_changed() {
            let registered = state.watch.handlers_for(&self.path);
            let mut handlers = answering(&self.scope, registered, &self.path);
            if handlers.is_empty() && self.is_default {
                handlers.push(Arc::clone(&self.scope.fallback));
            }
            state.handlers = guarded(&self.scope, handlers);
        }
        Arc::clone(&state.handlers)
    }

    /// Follows the registry on its own.
    pub(crate) fn watch(&self) -> HandlerWatch {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).watch.clone()
    }

    pub(crate) fn scope(&self) -> &Scope {
        &self.scope
    }
}

fn answering(scope: &Scope, mut handlers: HandlerSet, path: &str) -> HandlerSet {
    handlers.extend(scope.modes.iter().filter(|mode| mode.handles_path(path)).cloned());
    handlers
}

fn guarded(scope: &Scope, handlers: HandlerSet) -> Arc<[Arc<dyn WsHandler>]> {
    scope.guards.iter().cloned().chain(handlers).collect()
}
