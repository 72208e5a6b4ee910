//! Telling those who watch a connection, for whoever knows neither its session nor its realm.

use std::sync::{Arc, OnceLock, Weak};

use crate::shared::Shared;

/// Finds those who watch a connection. Clones share the server that they are told of.
#[derive(Clone, Default)]
pub(crate) struct Watchers(Arc<OnceLock<Weak<Shared>>>);

impl Watchers {
    /// From now on, connections are those of `server`.
    pub(crate) fn are_of(&self, server: &Arc<Shared>) {
        // The first counts: whoever makes a server makes these for it.
        let _ = self.0.set(Arc::downgrade(server));
    }

    /// Tells every observer of the realm that `connection` is in; one that panics does not keep the others from hearing it.
    #[cfg(feature = "js")]
    pub(crate) fn tell(&self, connection: &ws_core::Connection, news: impl Fn(&dyn ws_core::SessionObserver)) {
        let Some(shared) = self.0.get().and_then(Weak::upgrade) else { return };
        let id = connection.test_id().and_then(|id| id.parse().ok());
        // What is left of a test that has ended is told to those who watch everything.
        let realm = shared.realms.get(id.as_ref());
        realm.as_ref().unwrap_or(shared.realms.server()).observers.tell(news);
    }
}
