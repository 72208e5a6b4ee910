//! What answers where nobody has programmed an answer.

use async_trait::async_trait;
use ws_core::{HandlerResult, WsContext, WsHandler, WsMessage};

/// The handler of paths that no other handler takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interactive {
    /// Text comes back as `echo: <text>`, binary as it came.
    Echo,
    /// Everything comes back as it came.
    RawEcho,
}

#[async_trait]
impl WsHandler for Interactive {
    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        match (self, msg) {
            (Self::Echo, WsMessage::Text(text)) => ctx.sender().send_text(format!("echo: {text}")).await,
            (Self::RawEcho, WsMessage::Text(text)) => ctx.sender().send_text(text).await,
            (_, WsMessage::Binary(data)) => ctx.send_binary(data).await,
            _ => Ok(()),
        }
    }
}
