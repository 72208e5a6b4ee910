//! The one trait that programs a connection.

use std::any::type_name;
use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;

use crate::{Connection, HandlerResult, Handshake, HandshakeDecision, Message, Origin, Verdict, WsContext, WsMessage};

/// Programs the connections of the paths that it handles.
///
/// All handlers that accept a path run, in the order in which they were registered; one may end the chain with
/// [`WsContext::stop`]. For one connection, calls never overlap. A panic in any of them ends that connection with code
/// 1011, and nothing else.
///
/// ```
/// use ws_core::{HandlerResult, WsContext, WsHandler, WsMessage};
///
/// struct Echo;
///
/// #[async_trait::async_trait]
/// impl WsHandler for Echo {
///     async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
///         if let WsMessage::Text(text) = msg {
///             ctx.send_text(&format!("echo: {text}")).await?;
///         }
///         Ok(())
///     }
/// }
/// ```
#[async_trait]
pub trait WsHandler: Send + Sync {
    /// Called when a client asks for a connection, before it is accepted. The first handler that does not pass decides.
    ///
    /// # Errors
    /// An error refuses the handshake with status 500.
    async fn on_handshake(&self, handshake: &Handshake) -> HandlerResult<HandshakeDecision> {
        let _ = handshake;
        Ok(HandshakeDecision::Pass)
    }

    /// Called once when a connection is established, before any message.
    ///
    /// # Errors
    /// An error closes the connection with code 1011.
    async fn on_connect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        let _ = ctx;
        Ok(())
    }

    /// Called for every text, binary, ping and pong message, in the order of arrival.
    ///
    /// # Errors
    /// An error is logged and counted; the connection lives on.
    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()>;

    /// Called exactly once when the connection has ended, whatever ended it, on all handlers of the path that are
    /// registered then, also on those behind one that stopped or failed in `on_connect`. Sending here is an error; the rooms are left afterwards.
    ///
    /// # Errors
    /// An error is logged and counted.
    async fn on_disconnect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        let _ = ctx;
        Ok(())
    }

    /// Called for every message but Close frames on its way to the client, whoever wrote it; handlers see it in the order in which they
    /// were registered, each what the one before made of it. It decides, it does not send; what it makes is not shown
    /// to it again. Of broadcasts that wait one behind the other, all are shown before the first is counted and observed.
    fn on_outbound(&self, connection: &Arc<Connection>, message: &Message, origin: Origin) -> Verdict {
        let _ = (connection, message, origin);
        Verdict::Pass
    }

    /// Whether this handler takes part in connections of `path` (e.g. `/ws/chat`). All paths by default.
    fn handles_path(&self, path: &str) -> bool {
        let _ = path;
        true
    }

    /// By what name metrics and lists of handlers call it; by default, that of its type.
    fn label(&self) -> Cow<'_, str> {
        let name = type_name::<Self>();
        let end = name.find('<').unwrap_or(name.len());
        Cow::Borrowed(name[..end].rsplit("::").next().unwrap_or(name))
    }
}

#[async_trait]
impl<H: WsHandler + ?Sized> WsHandler for Arc<H> {
    async fn on_handshake(&self, handshake: &Handshake) -> HandlerResult<HandshakeDecision> {
        (**self).on_handshake(handshake).await
    }

    async fn on_connect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        (**self).on_connect(ctx).await
    }

    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        (**self).on_message(ctx, msg).await
    }

    async fn on_disconnect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        (**self).on_disconnect(ctx).await
    }

    fn on_outbound(&self, connection: &Arc<Connection>, message: &Message, origin: Origin) -> Verdict {
        (**self).on_outbound(connection, message, origin)
    }

    fn handles_path(&self, path: &str) -> bool {
        (**self).handles_path(path)
    }

    fn label(&self) -> Cow<'_, str> {
        (**self).label()
    }
}

/// What the closure of [`handler_fn`] returns: `Box::pin(async move { ... })`.
pub type HandlerFuture<'a> = Pin<Box<dyn Future<Output = HandlerResult<()>> + Send + 'a>>;

/// Makes a handler of all paths from a closure that is called for each message.
///
/// ```
/// use ws_core::{HandlerRegistry, WsMessage, handler_fn};
///
/// let registry = HandlerRegistry::new();
/// registry.register(handler_fn(|ctx, msg| {
///     Box::pin(async move {
///         match msg {
///             WsMessage::Text(text) => ctx.send_text(&text.to_uppercase()).await,
///             _ => Ok(()),
///         }
///     })
/// }));
/// ```
pub fn handler_fn<F>(f: F) -> impl WsHandler + 'static
where
    F: for<'a> Fn(&'a mut WsContext, WsMessage) -> HandlerFuture<'a> + Send + Sync + 'static,
{
    FnHandler(f)
}

struct FnHandler<F>(F);

#[async_trait]
impl<F> WsHandler for FnHandler<F>
where
    F: for<'a> Fn(&'a mut WsContext, WsMessage) -> HandlerFuture<'a> + Send + Sync + 'static,
{
    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        (self.0)(ctx, msg).await
    }

    fn label(&self) -> Cow<'_, str> {
        Cow::Borrowed("handler_fn")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::NoRooms;

    #[tokio::test]
    async fn a_closure_with_captures_is_a_handler() {
        let seen = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&seen);
        let handler = handler_fn(move |ctx, _| {
            let counter = Arc::clone(&counter);
            Box::pin(async move {
                counter.fetch_add(1, Ordering::Relaxed);
                ctx.send_text("seen").await
            })
        });
        let (sender, mut queue) = crate::engine::outbound_queue(crate::QueueLimits::default());
        let mut ctx = WsContext::new("c", "/ws", NoRooms, sender);
        handler.on_message(&mut ctx, WsMessage::Text("x".into())).await.unwrap();
        let sent = std::future::poll_fn(|cx| queue.poll_next(cx)).await;
        assert_eq!(sent.message, Message::text("seen"));
        assert_eq!(seen.load(Ordering::Relaxed), 1);
    }
}
