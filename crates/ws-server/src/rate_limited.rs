//! Limits on how many messages handlers take in a time, and what happens to more.

use std::borrow::Cow;
use std::sync::Arc;

use async_trait::async_trait;
use dashmap::DashMap;
use tokio::time::{Instant, sleep_until};
use ws_conditions::{ConditionsError, OverLimit, RateLimit, RateLimiter};
use ws_core::{
    Connection, HandlerResult, Handshake, HandshakeDecision, Message, Origin, Verdict, WsContext, WsHandler, WsMessage,
    close_code,
};

/// A handler that gets no more text and binary messages in a time than it may. Other handlers get all of them.
///
/// ```
/// use std::time::Duration;
/// use ws_core::{HandlerRegistry, handler_fn};
/// use ws_conditions::{OverLimit, RateLimit};
/// use ws_server::RateLimited;
///
/// let echo = handler_fn(|ctx, msg| Box::pin(async move { ctx.send(msg).await }));
/// let five_a_second = RateLimit::new(5, Duration::from_secs(1)).over(OverLimit::Error);
/// HandlerRegistry::new().register(RateLimited::per_connection(echo, five_a_second)?);
/// # Ok::<(), ws_conditions::ConditionsError>(())
/// ```
pub struct RateLimited<H> {
    handler: H,
    counting: Counting,
}

impl<H: WsHandler> RateLimited<H> {
    /// Each connection has the limit to itself.
    ///
    /// # Errors
    /// [`ConditionsError`] if the limit is 0 messages or 0 time.
    pub fn per_connection(handler: H, limit: RateLimit) -> Result<Self, ConditionsError> {
        Ok(Self { handler, counting: Counting::per_connection(limit)? })
    }

    /// All connections share the limit.
    ///
    /// # Errors
    /// As [`per_connection`](Self::per_connection).
    pub fn shared(handler: H, limit: RateLimit) -> Result<Self, ConditionsError> {
        Ok(Self { handler, counting: Counting::shared(limit)? })
    }
}

#[async_trait]
impl<H: WsHandler> WsHandler for RateLimited<H> {
    async fn on_handshake(&self, handshake: &Handshake) -> HandlerResult<HandshakeDecision> {
        self.handler.on_handshake(handshake).await
    }

    async fn on_connect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        self.handler.on_connect(ctx).await
    }

    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        if self.counting.admits(ctx, &msg).await? { self.handler.on_message(ctx, msg).await } else { Ok(()) }
    }

    async fn on_disconnect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        self.counting.forget(ctx);
        self.handler.on_disconnect(ctx).await
    }

    fn on_outbound(&self, connection: &Arc<Connection>, message: &Message, origin: Origin) -> Verdict {
        self.handler.on_outbound(connection, message, origin)
    }

    fn handles_path(&self, path: &str) -> bool {
        self.handler.handles_path(path)
    }

    fn label(&self) -> Cow<'_, str> {
        self.handler.label()
    }
}

/// Stands before all handlers: what is above the limit reaches none.
pub(crate) struct RateGuard(Counting);

impl RateGuard {
    pub(crate) fn per_connection(limit: RateLimit) -> Result<Self, ConditionsError> {
        Counting::per_connection(limit).map(Self)
    }

    pub(crate) fn shared(limit: RateLimit) -> Result<Self, ConditionsError> {
        Counting::shared(limit).map(Self)
    }
}

#[async_trait]
impl WsHandler for RateGuard {
    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        if !self.0.admits(ctx, &msg).await? {
            ctx.stop();
        }
        Ok(())
    }

    async fn on_disconnect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        self.0.forget(ctx);
        Ok(())
    }
}

/// Counts messages against a limit, and does what is to be done above it.
struct Counting {
    limit: RateLimit,
    counters: Counters,
}

enum Counters {
    Shared(RateLimiter),
    /// By the connection's id.
    PerConnection(DashMap<String, Arc<RateLimiter>>),
}

impl Counting {
    fn per_connection(limit: RateLimit) -> Result<Self, ConditionsError> {
        limit.limiter()?;
        Ok(Self { limit, counters: Counters::PerConnection(DashMap::new()) })
    }

    fn shared(limit: RateLimit) -> Result<Self, ConditionsError> {
        Ok(Self { limit, counters: Counters::Shared(limit.limiter()?) })
    }

    /// Whether `message` may be handled. It waits, answers or closes as the limit wants it.
    async fn admits(&self, ctx: &WsContext, message: &WsMessage) -> HandlerResult<bool> {
        if !matches!(message, WsMessage::Text(_) | WsMessage::Binary(_)) {
            return Ok(true);
        }
        while let Err(next_window) = self.try_acquire(ctx, Instant::now()) {
            match self.limit.over {
                OverLimit::Delay => sleep_until(next_window).await,
                OverLimit::Error => {
                    let RateLimit { messages, per, .. } = self.limit;
                    let error = serde_json::json!({
                        "error": "rate limit exceeded",
                        "limit": messages,
                        "per_ms": per.as_millis() as u64,
                    });
                    return ctx.send_json(&error).await.map(|()| false);
                }
                OverLimit::Close => {
                    // Closed already by an earlier message: nothing more to say.
                    let _ = ctx.close(close_code::POLICY_VIOLATION, "rate limit exceeded").await;
                    return Ok(false);
                }
                _ => return Ok(false),
            }
        }
        Ok(true)
    }

    fn try_acquire(&self, ctx: &WsContext, now: Instant) -> Result<(), Instant> {
        match &self.counters {
            Counters::Shared(limiter) => limiter.try_acquire(now),
            Counters::PerConnection(limiters) => {
                let new = || Arc::new(RateLimiter::new(self.limit.messages, self.limit.per));
                let limiter = Arc::clone(&limiters.entry(ctx.connection_id.clone()).or_insert_with(new));
                limiter.try_acquire(now)
            }
        }
    }

    fn forget(&self, ctx: &WsContext) {
        if let Counters::PerConnection(limiters) = &self.counters {
            limiters.remove(&ctx.connection_id);
        }
    }
}
