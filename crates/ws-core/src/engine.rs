//! The other side of a [`WsContext`]: what a session engine needs and handlers must not touch.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::Extensions;

use crate::context::lock;
use crate::{CloseFrame, Connection, Rooms, WsContext, WsSender};

/// Work that a handler spawned; the session polls it.
pub type SpawnedFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A context in the hands of the session that runs its handlers.
#[derive(Debug)]
pub struct SessionContext(WsContext);

impl SessionContext {
    /// The context of a connection that was accepted.
    #[must_use]
    pub fn new(connection: Arc<Connection>, rooms: Arc<dyn Rooms>, sender: WsSender, extensions: Extensions) -> Self {
        Self(WsContext::assemble(connection, rooms, sender, extensions))
    }

    /// The handlers' view.
    pub fn handlers_view(&mut self) -> &mut WsContext {
        &mut self.0
    }

    /// Whether a handler stopped the chain since the last call.
    pub fn take_stopped(&mut self) -> bool {
        std::mem::take(self.0.stopped.get_mut())
    }

    /// The work that was spawned since the last call.
    pub fn take_spawned(&self) -> Vec<SpawnedFuture> {
        std::mem::take(&mut *lock(&self.0.spawned))
    }

    /// Sets what `close_frame()` says in `on_disconnect`.
    pub fn set_close_frame(&mut self, frame: Option<CloseFrame>) {
        self.0.close_frame = frame;
    }
}
