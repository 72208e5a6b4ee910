//! Says hello, then says everything back.

use async_trait::async_trait;
use mockforge_ws::{HandlerResult, WsContext, WsHandler, WsMessage};

/// Answers on `/ws` and nowhere else.
pub(crate) struct EchoHandler;

#[async_trait]
impl WsHandler for EchoHandler {
    async fn on_connect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        ctx.send_text("Welcome!").await
    }

    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        match msg {
            WsMessage::Text(text) => ctx.send_text(&format!("echo: {text}")).await,
            WsMessage::Binary(data) => ctx.send_binary(data).await,
            // The server itself has answered pings.
            WsMessage::Ping(_) | WsMessage::Pong(_) | WsMessage::Close => Ok(()),
        }
    }

    // All handlers that accept a path run: without this, chat would be echoed too.
    fn handles_path(&self, path: &str) -> bool {
        path == "/ws"
    }
}
