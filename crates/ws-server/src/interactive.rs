//! What answers where nobody has programmed an answer.

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use ws_core::{HandlerResult, Message, WsContext, WsHandler, WsMessage};

/// The handler of paths that no other handler takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interactive {
    /// Text comes back as `echo: <text>`, binary as it came.
    Echo,
    /// Everything comes back as it came.
    RawEcho,
}

impl Interactive {
    /// The one handler of the kind: it changes nothing that another version of a configuration has it, too.
    pub(crate) fn shared(self) -> Arc<dyn WsHandler> {
        static ECHO: LazyLock<Arc<dyn WsHandler>> = LazyLock::new(|| Arc::new(Interactive::Echo));
        static RAW_ECHO: LazyLock<Arc<dyn WsHandler>> = LazyLock::new(|| Arc::new(Interactive::RawEcho));
        Arc::clone(match self {
            Self::Echo => &ECHO,
            Self::RawEcho => &RAW_ECHO,
        })
    }
}

#[async_trait]
impl WsHandler for Interactive {
    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        match (self, msg) {
            (Self::Echo, WsMessage::Text(text)) => ctx.send(Message::text(format!("echo: {text}"))).await,
            (Self::RawEcho, WsMessage::Text(text)) => ctx.send(Message::text(text)).await,
            (_, WsMessage::Binary(data)) => ctx.send_binary(data).await,
            _ => Ok(()),
        }
    }
}
