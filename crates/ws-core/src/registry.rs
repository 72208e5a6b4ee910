//! The handlers of a server, which can be exchanged while it serves.

use std::sync::Arc;

use tokio::sync::watch;

use crate::WsHandler;

/// The variable that switches hot reload on.
const HOT_RELOAD_VARIABLE: &str = "MOCKFORGE_WS_HOTRELOAD";

/// A whole set of handlers, in the order of their registration.
pub type HandlerSet = Vec<Arc<dyn WsHandler>>;

/// The handlers of a server, in the order in which they were registered.
///
/// It changes through `&self`, so a registry inside an `Arc` that serves can be reloaded: the next message of every open
/// connection goes to the new handlers. A connection sees the whole set as it was at one moment.
///
/// ```
/// use ws_core::{HandlerRegistry, handler_fn};
///
/// let registry = HandlerRegistry::new();
/// registry.register(handler_fn(|ctx, _| Box::pin(async move { ctx.send_text("hi").await })));
/// assert!(registry.has_handler_for("/ws"));
/// ```
pub struct HandlerRegistry {
    set: watch::Sender<Arc<HandlerSet>>,
    hot_reload: bool,
}

impl HandlerRegistry {
    /// An empty registry. Hot reload is on if the variable `MOCKFORGE_WS_HOTRELOAD` is `1`, `true`, `yes` or `on`.
    #[must_use]
    pub fn new() -> Self {
        let value = std::env::var(HOT_RELOAD_VARIABLE).unwrap_or_default().to_ascii_lowercase();
        Self::with_reload(matches!(value.as_str(), "1" | "true" | "t" | "yes" | "y" | "on"))
    }

    /// An empty registry with hot reload on.
    #[must_use]
    pub fn with_hot_reload() -> Self {
        Self::with_reload(true)
    }

    fn with_reload(hot_reload: bool) -> Self {
        Self { set: watch::Sender::new(Arc::default()), hot_reload }
    }

    /// Adds a handler behind those that are there.
    pub fn register(&self, handler: impl WsHandler + 'static) {
        self.register_shared(Arc::new(handler));
    }

    /// Adds a handler that others hold too, behind those that are there.
    pub fn register_shared(&self, handler: Arc<dyn WsHandler>) {
        self.set.send_modify(|set| Arc::make_mut(set).push(handler));
    }

    /// Puts `handlers` in the place of all that are there, at once: no connection sees a half-changed set.
    pub fn replace(&self, handlers: HandlerSet) {
        self.set.send_replace(Arc::new(handlers));
    }

    /// Removes all handlers.
    pub fn clear(&self) {
        self.replace(HandlerSet::new());
    }

    /// The handlers that accept `path`.
    #[must_use]
    pub fn get_handlers(&self, path: &str) -> HandlerSet {
        let set = Arc::clone(&self.set.borrow());
        set.iter().filter(|handler| handler.handles_path(path)).cloned().collect()
    }

    /// Whether any handler accepts `path`.
    #[must_use]
    pub fn has_handler_for(&self, path: &str) -> bool {
        let set = Arc::clone(&self.set.borrow());
        set.iter().any(|handler| handler.handles_path(path))
    }

    /// How many handlers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.set.borrow().len()
    }

    /// Whether there are no handlers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether hot reload was asked for.
    #[must_use]
    pub fn is_hot_reload_enabled(&self) -> bool {
        self.hot_reload
    }

    /// Follows the changes of the set.
    #[must_use]
    pub fn watch(&self) -> HandlerWatch {
        HandlerWatch { set: self.set.subscribe() }
    }
}

impl Default for HandlerRegistry {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for HandlerRegistry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HandlerRegistry")
            .field("len", &self.len())
            .field("hot_reload", &self.hot_reload)
            .finish_non_exhaustive()
    }
}

/// Tells a session that its handlers were exchanged.
#[derive(Clone)]
pub struct HandlerWatch {
    set: watch::Receiver<Arc<HandlerSet>>,
}

impl HandlerWatch {
    /// Whether the set has changed since it was last looked at.
    #[must_use]
    pub fn has_changed(&self) -> bool {
        // An error says that the registry is gone: then nothing changes any more.
        self.set.has_changed().unwrap_or(false)
    }

    /// Waits for the next change; for ever once the registry is gone.
    pub async fn changed(&mut self) {
        if self.set.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// The handlers that accept `path` now; the set counts as looked at.
    pub fn handlers_for(&mut self, path: &str) -> HandlerSet {
        let set = Arc::clone(&self.set.borrow_and_update());
        set.iter().filter(|handler| handler.handles_path(path)).cloned().collect()
    }
}

impl std::fmt::Debug for HandlerWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HandlerWatch").field("has_changed", &self.has_changed()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{HandlerResult, WsContext, WsMessage};

    struct On(&'static str);

    #[async_trait::async_trait]
    impl WsHandler for On {
        async fn on_message(&self, _: &mut WsContext, _: WsMessage) -> HandlerResult<()> {
            Ok(())
        }

        fn handles_path(&self, path: &str) -> bool {
            path.starts_with(self.0)
        }
    }

    #[test]
    fn handlers_are_found_by_path_in_order_of_registration() {
        let registry = HandlerRegistry::new();
        assert!(registry.is_empty());
        registry.register(On("/ws"));
        registry.register(On("/ws/chat"));
        assert_eq!(registry.len(), 2);
        assert_eq!(registry.get_handlers("/ws/chat").len(), 2);
        assert_eq!(registry.get_handlers("/ws").len(), 1);
        assert!(!registry.has_handler_for("/other"));
        registry.clear();
        assert!(registry.is_empty());
    }

    #[tokio::test]
    async fn a_watch_sees_each_change_of_the_set() {
        let registry = HandlerRegistry::with_hot_reload();
        assert!(registry.is_hot_reload_enabled());
        let mut watch = registry.watch();
        assert!(!watch.has_changed());
        registry.replace(vec![Arc::new(On("/ws"))]);
        watch.changed().await;
        assert_eq!(watch.handlers_for("/ws").len(), 1);
        assert!(!watch.has_changed());
    }
}
