//! Handlers of one subprotocol each.

use std::borrow::Cow;
use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    Acceptance, Connection, HandlerResult, Handshake, HandshakeDecision, Message, Origin, Verdict, WsContext,
    WsHandler, WsMessage,
};

/// Makes `handler` speak for one subprotocol: where a client offers it, the handshake is accepted with it, and the handler
/// takes part in those connections only.
///
/// Where a client offers several, the first one registered is chosen. What else is offered is the server's affair
/// (`WsConfig::subprotocols` of ws-server).
///
/// ```
/// use ws_core::{HandlerRegistry, for_subprotocol, handler_fn};
///
/// let registry = HandlerRegistry::new();
/// registry.register(for_subprotocol(
///     "graphql-transport-ws",
///     handler_fn(|ctx, _| Box::pin(async move { ctx.send_text(r#"{"type":"connection_ack"}"#).await })),
/// ));
/// ```
pub fn for_subprotocol(name: impl Into<String>, handler: impl WsHandler + 'static) -> impl WsHandler + 'static {
    ForSubprotocol { name: name.into(), handler }
}

struct ForSubprotocol<H> {
    name: String,
    handler: H,
}

impl<H> ForSubprotocol<H> {
    fn is_spoken_on(&self, connection: &Connection) -> bool {
        connection.subprotocol() == Some(&self.name)
    }
}

#[async_trait]
impl<H: WsHandler> WsHandler for ForSubprotocol<H> {
    async fn on_handshake(&self, handshake: &Handshake) -> HandlerResult<HandshakeDecision> {
        if !handshake.offered_subprotocols().any(|offered| offered == self.name) {
            return Ok(HandshakeDecision::Pass);
        }
        Ok(match self.handler.on_handshake(handshake).await? {
            HandshakeDecision::Pass => Acceptance::new().subprotocol(&self.name).into(),
            HandshakeDecision::Accept(acceptance) => acceptance.subprotocol(&self.name).into(),
            refusal => refusal,
        })
    }

    async fn on_connect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        if self.is_spoken_on(ctx.connection()) { self.handler.on_connect(ctx).await } else { Ok(()) }
    }

    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        if self.is_spoken_on(ctx.connection()) { self.handler.on_message(ctx, msg).await } else { Ok(()) }
    }

    async fn on_disconnect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        if self.is_spoken_on(ctx.connection()) { self.handler.on_disconnect(ctx).await } else { Ok(()) }
    }

    fn on_outbound(&self, connection: &Arc<Connection>, message: &Message, origin: Origin) -> Verdict {
        if self.is_spoken_on(connection) {
            self.handler.on_outbound(connection, message, origin)
        } else {
            Verdict::Pass
        }
    }

    fn handles_path(&self, path: &str) -> bool {
        self.handler.handles_path(path)
    }

    fn label(&self) -> Cow<'_, str> {
        self.handler.label()
    }
}
