//! A handler whose every call a test can program.

use std::sync::Arc;

use async_trait::async_trait;
use ws_core::{
    Connection, HandlerFuture, HandlerResult, Handshake, HandshakeDecision, Message, Origin, Verdict, WsContext,
    WsHandler, WsMessage,
};

type OnHandshake = dyn Fn(&Handshake) -> HandlerResult<HandshakeDecision> + Send + Sync;
type OnCall = dyn for<'a> Fn(&'a mut WsContext) -> HandlerFuture<'a> + Send + Sync;
type OnMessage = dyn for<'a> Fn(&'a mut WsContext, WsMessage) -> HandlerFuture<'a> + Send + Sync;
type OnOutbound = dyn Fn(&Arc<Connection>, &Message, Origin) -> Verdict + Send + Sync;

/// Does nothing but what it is told.
#[derive(Default)]
pub(crate) struct Programmed {
    handshake: Option<Box<OnHandshake>>,
    connect: Option<Box<OnCall>>,
    message: Option<Box<OnMessage>>,
    disconnect: Option<Box<OnCall>>,
    outbound: Option<Box<OnOutbound>>,
    path: Option<&'static str>,
}

impl Programmed {
    /// A handler of all paths.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A handler of this path alone.
    pub(crate) fn at(path: &'static str) -> Self {
        Self { path: Some(path), ..Self::default() }
    }

    pub(crate) fn on_handshake(
        mut self,
        f: impl Fn(&Handshake) -> HandlerResult<HandshakeDecision> + Send + Sync + 'static,
    ) -> Self {
        self.handshake = Some(Box::new(f));
        self
    }

    pub(crate) fn on_connect(
        mut self,
        f: impl for<'a> Fn(&'a mut WsContext) -> HandlerFuture<'a> + Send + Sync + 'static,
    ) -> Self {
        self.connect = Some(Box::new(f));
        self
    }

    pub(crate) fn on_message(
        mut self,
        f: impl for<'a> Fn(&'a mut WsContext, WsMessage) -> HandlerFuture<'a> + Send + Sync + 'static,
    ) -> Self {
        self.message = Some(Box::new(f));
        self
    }

    pub(crate) fn on_disconnect(
        mut self,
        f: impl for<'a> Fn(&'a mut WsContext) -> HandlerFuture<'a> + Send + Sync + 'static,
    ) -> Self {
        self.disconnect = Some(Box::new(f));
        self
    }

    pub(crate) fn on_outbound(
        mut self,
        f: impl Fn(&Arc<Connection>, &Message, Origin) -> Verdict + Send + Sync + 'static,
    ) -> Self {
        self.outbound = Some(Box::new(f));
        self
    }

    /// Sends `text` when a connection is established.
    pub(crate) fn welcoming(self, text: &'static str) -> Self {
        self.on_connect(move |ctx| Box::pin(async move { ctx.send_text(text).await }))
    }

    /// Answers every text with `tag` and the text.
    pub(crate) fn answering(self, tag: &'static str) -> Self {
        self.on_message(move |ctx, msg| {
            Box::pin(async move {
                match msg {
                    WsMessage::Text(text) => ctx.send_text(&format!("{tag}{text}")).await,
                    _ => Ok(()),
                }
            })
        })
    }
}

#[async_trait]
impl WsHandler for Programmed {
    async fn on_handshake(&self, handshake: &Handshake) -> HandlerResult<HandshakeDecision> {
        self.handshake.as_ref().map_or(Ok(HandshakeDecision::Pass), |f| f(handshake))
    }

    async fn on_connect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        match &self.connect {
            Some(f) => f(ctx).await,
            None => Ok(()),
        }
    }

    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        match &self.message {
            Some(f) => f(ctx, msg).await,
            None => Ok(()),
        }
    }

    async fn on_disconnect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        match &self.disconnect {
            Some(f) => f(ctx).await,
            None => Ok(()),
        }
    }

    fn on_outbound(&self, connection: &Arc<Connection>, message: &Message, origin: Origin) -> Verdict {
        self.outbound.as_ref().map_or(Verdict::Pass, |f| f(connection, message, origin))
    }

    fn handles_path(&self, path: &str) -> bool {
        self.path.is_none_or(|own| own == path)
    }
}
