//! The rules of one connection that look at what the others answer.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use ws_core::{Message, WsContext};

use super::session::RuleSession;

/// All rules of one connection: those of files beside each other, and of handlers. Kept in the connection's extensions;
/// clones share it.
#[derive(Clone, Default)]
pub(super) struct Listeners(Arc<Mutex<Vec<Weak<RuleSession>>>>);

impl Listeners {
    pub(super) fn of(ctx: &WsContext) -> Self {
        if let Some(listeners) = ctx.extensions().get::<Self>() {
            return listeners;
        }
        let listeners = Self::default();
        ctx.extensions().insert(listeners.clone());
        listeners
    }

    pub(super) fn add(&self, session: &Arc<RuleSession>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(session));
    }

    /// Shows all of them an answer that is sent to the client.
    pub(super) fn tell(&self, message: &Message) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for session in all.iter().filter_map(Weak::upgrade) {
            session.on_outbound(session.now(), message);
        }
    }
}
