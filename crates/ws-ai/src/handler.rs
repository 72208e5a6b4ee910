//! Streaming events on every connection of some paths.

use std::fmt;
use std::str;

use async_trait::async_trait;
use tracing::warn;
use ws_core::{HandlerResult, Origin, WsContext, WsHandler, WsMessage};

use crate::telling::tell_connection;
use crate::{AiEventGenerator, Listener};

/// Streams a story of its own to every connection of its paths, beside whatever other handlers do there.
///
/// What it sends has the origin [`Origin::Ai`], and waits when the client reads too slowly. After the last event the connection
/// is closed with code 1000; after a failure, with code 1011, and an event of the type `error` before. What clients say turns
/// their stories ([`Listener`]), if these evolve; such messages are marked as matched.
///
/// A connection has one story: where two of these handlers accept a path, the first one streams. When the handler is exchanged
/// during a reload, connections that are open go on with the story that they began, and are still heard; new connections
/// get the new one. A handler whose configuration is not enabled accepts no path.
///
/// ```
/// use ws_ai::{AiEventGenerator, AiHandler, WebSocketAiConfig};
/// use ws_core::HandlerRegistry;
///
/// let config = WebSocketAiConfig { narrative: "IoT sensors in a greenhouse".to_owned(), ..Default::default() };
/// let registry = HandlerRegistry::new();
/// registry.register(AiHandler::new(AiEventGenerator::new(config)?).on_paths(|path| path == "/ws/sensors"));
/// assert!(registry.has_handler_for("/ws/sensors"));
/// # Ok::<(), ws_ai::AiError>(())
/// ```
pub struct AiHandler {
    generator: AiEventGenerator,
    paths: Box<dyn Fn(&str) -> bool + Send + Sync>,
}

impl AiHandler {
    /// Streams on all paths.
    #[must_use]
    pub fn new(generator: AiEventGenerator) -> Self {
        Self { generator, paths: Box::new(|_| true) }
    }

    /// Streams only on the paths that `accepts` accepts, e.g. `/ws/market`.
    #[must_use]
    pub fn on_paths(self, accepts: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self { paths: Box::new(accepts), ..self }
    }
}

#[async_trait]
impl WsHandler for AiHandler {
    async fn on_connect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        if ctx.extensions().get::<Listener>().is_some() {
            warn!(path = ctx.path, "two handlers stream events on this path: the first one does");
            return Ok(());
        }
        let story = self.generator.story_of(&ctx.path);
        ctx.extensions().insert(story.listener());
        let rate = self.generator.config().events_per_second;
        ctx.spawn(tell_connection(story, rate, ctx.sender().with_origin(Origin::Ai)));
        Ok(())
    }

    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        let text = match &msg {
            WsMessage::Text(text) => Some(text.as_str()),
            WsMessage::Binary(data) => str::from_utf8(data).ok(),
            WsMessage::Ping(_) | WsMessage::Pong(_) | WsMessage::Close => None,
        };
        let listener = ctx.extensions().get::<Listener>().filter(Listener::is_attentive);
        if let (Some(text), Some(listener)) = (text, listener) {
            listener.hear(text);
            ctx.mark_matched();
        }
        Ok(())
    }

    fn handles_path(&self, path: &str) -> bool {
        self.generator.config().enabled && (self.paths)(path)
    }
}

impl fmt::Debug for AiHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AiHandler").field("generator", &self.generator).finish_non_exhaustive()
    }
}
