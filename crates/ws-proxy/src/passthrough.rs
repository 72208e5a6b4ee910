//! Passthrough: chosen messages go to the real server, the rest stays with other handlers.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use http::HeaderValue;
use tracing::error;
use ws_core::{HandlerResult, Message, Origin, WsContext, WsHandler, WsMessage};
use ws_patterns::MessagePattern;

use crate::dial::{Dialer, Request};
use crate::headers::end_to_end;
use crate::relay::{Relay, bad_gateway};
use crate::uplink::Uplink;
use crate::url::UpstreamUrl;
use crate::{ProxyError, UpstreamTls, WsProxyConfig};

/// Which messages go to which upstream.
///
/// ```
/// use ws_proxy::PassthroughConfig;
///
/// let config = PassthroughConfig::regex(r"^PROXY:", "wss://api.example.com/ws".to_string())?;
/// # drop(config);
/// # Ok::<(), ws_core::HandlerError>(())
/// ```
#[derive(Debug, Clone)]
pub struct PassthroughConfig {
    /// What a message looks like that goes up.
    pub pattern: MessagePattern,
    /// The real server, `ws://` or `wss://`.
    pub upstream_url: String,
    /// Whether all binary messages go up. If not, one goes up if it is UTF-8 text that the pattern matches.
    pub binary: bool,
    /// How often a connection is tried again, within [`connect_timeout`](Self::connect_timeout); 3 by default.
    pub retry_attempts: u32,
    /// How long it may take until a connection is there, all attempts together; 5 seconds by default.
    pub connect_timeout: Duration,
    /// Whom to trust at `wss://`.
    pub tls: UpstreamTls,
    /// The largest message in bytes that is taken from the upstream; 16 MiB by default.
    pub max_message_size: usize,
}

impl PassthroughConfig {
    /// Sends messages that `pattern` matches to `upstream_url`.
    #[must_use]
    pub fn new(pattern: MessagePattern, upstream_url: impl Into<String>) -> Self {
        let proxy = WsProxyConfig::default();
        Self {
            pattern,
            upstream_url: upstream_url.into(),
            binary: false,
            retry_attempts: proxy.retry_attempts,
            connect_timeout: proxy.connect_timeout,
            tls: proxy.tls,
            max_message_size: proxy.max_message_size,
        }
    }

    /// Sends messages in which the regular expression matches anywhere to `upstream_url`.
    ///
    /// # Errors
    /// [`HandlerError::PatternError`](ws_core::HandlerError::PatternError) if it is malformed.
    pub fn regex(pattern: &str, upstream_url: impl Into<String>) -> HandlerResult<Self> {
        Ok(Self::new(MessagePattern::regex(pattern)?, upstream_url))
    }

    /// Sets whether all binary messages go up.
    #[must_use]
    pub fn with_binary(mut self, binary: bool) -> Self {
        self.binary = binary;
        self
    }

    /// Sets how often a connection is tried again.
    #[must_use]
    pub fn with_retry_attempts(mut self, attempts: u32) -> Self {
        self.retry_attempts = attempts;
        self
    }

    /// Sets how long it may take until a connection is there.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets whom to trust at `wss://`.
    #[must_use]
    pub fn with_tls(mut self, tls: UpstreamTls) -> Self {
        self.tls = tls;
        self
    }
}

/// Sends a client's messages to the real server if they match a pattern, and leaves all others to the other handlers.
///
/// Each client has an upstream connection of its own. It is opened for the first message that matches, with the client's own
/// cookies and other end-to-end headers and its subprotocol; what the upstream says goes to that client. A message that went
/// up is not given to the handlers behind this one.
///
/// When the upstream ends with code 1000 or 1001, or without a code or a Close frame, the next message that matches opens a new
/// connection; any other code closes the client's connection with that code. An upstream that cannot be reached, or fails,
/// closes it with code 1014.
pub struct PassthroughHandler {
    config: PassthroughConfig,
    upstream: Result<(Arc<UpstreamUrl>, Arc<Dialer>), ProxyError>,
}

/// The ways up from one connection, by what leads there: after a reload the new handler finds the old one's.
#[derive(Clone, Default)]
struct Ways(Arc<Mutex<Vec<Way>>>);

struct Way {
    /// Upstream and pattern.
    name: String,
    uplink: Arc<Uplink>,
}

impl PassthroughHandler {
    /// A passthrough. A mistake in the configuration is logged here, once, and closes a connection at its first message
    /// that matches, with code 1014; where a caller can be told instead, use [`try_new`](Self::try_new).
    #[must_use]
    pub fn new(config: PassthroughConfig) -> Self {
        let upstream = prepare(&config).inspect_err(|error| error!("nothing can be passed through: {error}"));
        Self { config, upstream }
    }

    /// As [`new`](Self::new), but returns what is wrong with the configuration.
    ///
    /// # Errors
    /// [`ProxyError`] names the URL or CA file that cannot be used.
    pub fn try_new(config: PassthroughConfig) -> Result<Self, ProxyError> {
        let upstream = prepare(&config)?;
        Ok(Self { config, upstream: Ok(upstream) })
    }

    /// Whether a text goes to the upstream.
    #[must_use]
    pub fn should_passthrough(&self, text: &str) -> bool {
        self.config.pattern.matches(text)
    }

    /// The URL of the upstream, as it was given.
    #[must_use]
    pub fn upstream_url(&self) -> &str {
        &self.config.upstream_url
    }

    fn takes(&self, message: &Message) -> bool {
        match message {
            Message::Text(text) => self.should_passthrough(text),
            Message::Binary(data) => {
                self.config.binary || std::str::from_utf8(data).is_ok_and(|text| self.should_passthrough(text))
            }
            _ => false,
        }
    }

    /// The way up from this connection; made when it is first needed.
    fn uplink(&self, ctx: &WsContext) -> Result<Arc<Uplink>, &ProxyError> {
        let (url, dialer) = self.upstream.as_ref()?;
        let ways = ctx.extensions().get::<Ways>().unwrap_or_else(|| {
            let ways = Ways::default();
            ctx.extensions().insert(ways.clone());
            ways
        });
        let name = format!("{} {}", self.config.upstream_url, self.config.pattern);
        let mut ways = ways.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(way) = ways.iter().find(|way| way.name == name) {
            return Ok(Arc::clone(&way.uplink));
        }
        let uplink = Arc::<Uplink>::default();
        let request = Request {
            url: Arc::clone(url),
            headers: end_to_end(ctx.handshake().headers()),
            subprotocols: ctx.connection().subprotocol().and_then(|name| HeaderValue::from_str(name).ok()),
        };
        let dialer = Arc::clone(dialer);
        let dial = move || {
            let (dialer, request) = (Arc::clone(&dialer), request.clone());
            Box::pin(async move { dialer.dial(&request).await.map(|dialled| dialled.upstream) }) as _
        };
        ctx.attach(Relay::passthrough(Box::new(dial), Arc::clone(&uplink), ctx.sender()));
        ways.push(Way { name, uplink: Arc::clone(&uplink) });
        Ok(uplink)
    }
}

fn prepare(config: &PassthroughConfig) -> Result<(Arc<UpstreamUrl>, Arc<Dialer>), ProxyError> {
    let url = UpstreamUrl::parse(&config.upstream_url)?;
    let PassthroughConfig { retry_attempts, connect_timeout, max_message_size, ref tls, .. } = *config;
    Ok((Arc::new(url), Arc::new(Dialer::with(retry_attempts, connect_timeout, max_message_size, tls)?)))
}

#[async_trait]
impl WsHandler for PassthroughHandler {
    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        let message = Message::from(msg);
        if !self.takes(&message) {
            return Ok(());
        }
        ctx.stop();
        match self.uplink(ctx) {
            Ok(uplink) => {
                uplink.push(message).await;
                Ok(())
            }
            Err(error) => {
                let sender = ctx.sender().with_origin(Origin::Proxy);
                sender.send(Message::Close(Some(bad_gateway(error)))).await
            }
        }
    }
}

impl fmt::Debug for PassthroughHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PassthroughHandler").field("config", &self.config).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T01.
    #[test]
    fn a_passthrough_knows_its_pattern_and_its_upstream() {
        let config = PassthroughConfig::regex(r"^PROXY:", "wss://api.example.com/ws".to_string()).unwrap();
        let handler = PassthroughHandler::new(config);
        assert!(handler.should_passthrough("PROXY:hello"));
        assert!(!handler.should_passthrough("hello PROXY:"));
        assert_eq!(handler.upstream_url(), "wss://api.example.com/ws");

        let orders = PassthroughConfig::new(MessagePattern::jsonpath("$.order"), "ws://h");
        assert!(PassthroughHandler::new(orders).should_passthrough(r#"{"order":1}"#));

        assert!(PassthroughConfig::regex("(", "ws://h").is_err());
        assert!(PassthroughHandler::try_new(PassthroughConfig::new(MessagePattern::any(), "h")).is_err());
    }

    /// T07.
    #[test]
    fn binary_follows_the_pattern_unless_all_of_it_goes_up() {
        let config = PassthroughConfig::regex("^PROXY:", "ws://h").unwrap();
        let handler = PassthroughHandler::new(config.clone());
        assert!(handler.takes(&Message::binary("PROXY:1")));
        assert!(!handler.takes(&Message::binary("local")));
        assert!(!handler.takes(&Message::binary(vec![0xff])));
        assert!(!handler.takes(&Message::Ping("PROXY:".into())));
        let handler = PassthroughHandler::new(config.with_binary(true));
        assert!(handler.takes(&Message::binary(vec![0xff])));
        assert!(!handler.takes(&Message::text("local")));
    }
}
