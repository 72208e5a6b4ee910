//! The proxy as a handler: each client has an upstream connection of its own.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use http::{HeaderValue, StatusCode, header};
use tracing::{error, warn};
use ws_core::{
    Acceptance, CloseFrame, Connection, HandlerError, HandlerResult, Handshake, HandshakeDecision, Message, Origin,
    Refusal, Verdict, WsContext, WsHandler, WsMessage, close_code,
};
use ws_patterns::{MessagePattern, MessageText};

use crate::dial::{Answer, Dialled, Request};
use crate::headers::end_to_end;
use crate::pool::Pool;
use crate::relay::{Relay, bad_gateway};
use crate::uplink::Uplink;
use crate::upstream::Upstream;
use crate::url::{Climbs, UpstreamUrl};
use crate::{Fallback, ProxyDirection, ProxyError, ProxyMock, ProxyRule, TransformFn, UpstreamRefusal, WsProxyConfig};

/// What a client is told that wants more than what stands behind the upstream's path.
const CLIMBS: &str = "A path with the segment `.` or `..` is not taken to an upstream.";

/// Takes each client of its paths to the real server.
///
/// The handshake goes up before it is answered: path behind `/ws`, query, subprotocols, cookies, `Authorization`, `Origin` and
/// all other end-to-end headers. What the upstream says to it comes down: the subprotocol, its headers, or its refusal. From
/// then on all messages go both ways in order, pings and pongs too, and either side's end ends the other: a Close frame with
/// its code and reason, an upstream that is lost as code 1014. Reading stops where the other side is slow.
///
/// ```
/// use ws_proxy::{WsProxyConfig, WsProxyHandler};
///
/// let proxy = WsProxyHandler::new(WsProxyConfig {
///     upstream_url: "wss://api.example.com/ws".to_string(),
///     ..Default::default()
/// });
/// # drop(proxy);
/// ```
///
/// Clones share the pool of upstream connections; each may have a [fallback](Self::with_fallback) of its own.
#[derive(Clone)]
pub struct WsProxyHandler {
    config: WsProxyConfig,
    proxy: Arc<Result<Proxy, ProxyError>>,
    fallback: Option<Arc<dyn WsHandler>>,
}

/// What a configuration is made into.
struct Proxy {
    url: UpstreamUrl,
    /// Of each rule, in the same order.
    rule_urls: Vec<Option<UpstreamUrl>>,
    pool: Arc<Pool>,
    rules: Arc<Rules>,
}

/// What becomes of a client's messages.
struct Rules {
    mocks: Vec<(MessagePattern, Vec<Message>)>,
    transform: Option<TransformFn>,
}

/// An upstream that was dialled during the handshake, until its connection begins.
#[derive(Clone)]
struct Reserved(Arc<Mutex<Option<Upstream>>>);

/// A connection that goes to an upstream. It keeps the rules under which it began.
struct Proxied {
    uplink: Arc<Uplink>,
    rules: Arc<Rules>,
}

/// A connection whose upstream was down.
#[derive(Clone)]
struct FellBack;

impl WsProxyHandler {
    /// A proxy. A mistake in the configuration is logged here, once, and refuses every handshake with HTTP 502; where a caller
    /// can be told instead, use [`try_new`](Self::try_new).
    #[must_use]
    pub fn new(config: WsProxyConfig) -> Self {
        let proxy = Proxy::new(&config).inspect_err(|error| error!("the proxy refuses every connection: {error}"));
        Self { config, proxy: Arc::new(proxy), fallback: None }
    }

    /// As [`new`](Self::new), but returns what is wrong with the configuration.
    ///
    /// # Errors
    /// [`ProxyError`] names the URL, rule, mock or CA file that cannot be used.
    pub fn try_new(config: WsProxyConfig) -> Result<Self, ProxyError> {
        let proxy = Proxy::new(&config)?;
        Ok(Self { config, proxy: Arc::new(Ok(proxy)), fallback: None })
    }

    /// Sets who answers new connections while the upstream is down, under [`Fallback::Local`]. Without one, the other handlers of
    /// the path answer.
    #[must_use]
    pub fn with_fallback(mut self, fallback: Arc<dyn WsHandler>) -> Self {
        self.fallback = Some(fallback);
        self
    }

    /// Whether connections of `path` go to the upstream; see [`WsProxyConfig::should_proxy`](WsProxyConfig#method.should_proxy).
    #[must_use]
    pub fn should_proxy(&self, path: &str) -> bool {
        self.config.should_proxy(path)
    }

    async fn fall_back(&self, handshake: &Handshake, error: &ProxyError) -> HandlerResult<HandshakeDecision> {
        warn!(path = handshake.path(), "{error}");
        if self.config.fallback == Fallback::Refuse {
            return Ok(refused(StatusCode::BAD_GATEWAY, error).into());
        }
        handshake.extensions().insert(FellBack);
        match &self.fallback {
            Some(fallback) => fallback.on_handshake(handshake).await,
            None => Ok(HandshakeDecision::Pass),
        }
    }

    /// The handler that stands in on this connection.
    fn stand_in(&self, connection: &Connection) -> Option<&Arc<dyn WsHandler>> {
        // Asked of every message: where nobody can fall back, nothing is looked up.
        let fallback = self.fallback.as_ref().filter(|_| self.config.fallback == Fallback::Local)?;
        connection.extensions().get::<FellBack>().map(|_| fallback)
    }

    async fn fallback_connected(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        match &self.fallback {
            Some(fallback) => fallback.on_connect(ctx).await,
            None => Ok(()),
        }
    }

    /// Opens an upstream connection for a client that somebody else has accepted: its subprotocol is settled already.
    async fn dial_late(&self, ctx: &WsContext) -> Result<Upstream, CloseFrame> {
        // Pings that come in the meantime are for the upstream, too.
        ctx.leave_pings(true);
        let dialled = self.dial_for(ctx).await;
        ctx.leave_pings(dialled.is_ok());
        dialled
    }

    async fn dial_for(&self, ctx: &WsContext) -> Result<Upstream, CloseFrame> {
        let proxy = (*self.proxy).as_ref().map_err(bad_gateway)?;
        let offer = ctx.connection().subprotocol().and_then(|name| HeaderValue::from_str(name).ok());
        let request = proxy
            .request(&self.config, ctx.handshake(), offer)
            .map_err(|Climbs| CloseFrame { code: close_code::POLICY_VIOLATION, reason: CLIMBS.into() })?;
        match proxy.pool.connect(&request).await {
            Ok(dialled) => Ok(dialled.upstream),
            Err(error) => {
                warn!(path = ctx.path, "{error}");
                Err(bad_gateway(&error))
            }
        }
    }
}

impl Proxy {
    fn new(config: &WsProxyConfig) -> Result<Self, ProxyError> {
        let url = UpstreamUrl::parse(&config.upstream_url)?;
        config.rules.iter().try_for_each(ProxyRule::check)?;
        let rule_url = |rule: &ProxyRule| rule.upstream_url.as_deref().map(UpstreamUrl::parse).transpose();
        let rule_urls = config.rules.iter().map(rule_url).collect::<Result<_, _>>()?;
        let mocks = config.mocks.iter().map(mock).collect::<Result<_, _>>()?;
        let rules = Arc::new(Rules { mocks, transform: config.message_transform.clone() });
        Ok(Self { url, rule_urls, pool: Pool::new(config)?, rules })
    }

    /// What is asked of the upstream for a client.
    fn request(
        &self,
        config: &WsProxyConfig,
        handshake: &Handshake,
        subprotocols: Option<HeaderValue>,
    ) -> Result<Request, Climbs> {
        let fitting = config.rules.iter().position(|rule| rule.fits(handshake.path()));
        let url = fitting.and_then(|rule| self.rule_urls[rule].as_ref()).unwrap_or(&self.url);
        let headers = if config.stateless {
            // Whatever else a client sends may be about that client.
            let origin = handshake.headers().get(header::ORIGIN);
            origin.map(|origin| (header::ORIGIN, origin.clone())).into_iter().collect()
        } else {
            end_to_end(handshake.headers())
        };
        Ok(Request { url: Arc::new(url.behind(handshake.target())?), headers, subprotocols })
    }
}

fn mock(mock: &ProxyMock) -> Result<(MessagePattern, Vec<Message>), ProxyError> {
    let wrong = |error: HandlerError| ProxyError::Mock { when: mock.when.clone(), problem: error.to_string() };
    let pattern = mock.when.parse().map_err(wrong)?;
    Ok((pattern, mock.answer.iter().map(|answer| Message::text(answer.clone())).collect()))
}

impl Proxied {
    /// Sends a client's message to the upstream, or what becomes of it to where it goes.
    async fn forward(&self, ctx: &WsContext, message: Message) -> HandlerResult<()> {
        if let Some(answers) = self.rules.mocked(&message) {
            for answer in answers {
                ctx.send(answer.clone()).await?;
            }
            return Ok(());
        }
        let Some(transform) = &self.rules.transform else {
            self.uplink.push(message).await;
            return Ok(());
        };
        let (mut up, mut back) = (Vec::new(), Vec::new());
        let transformed = transform.apply(ProxyDirection::ToUpstream, &message);
        transformed.apply(message, |message| up.push(message), |message| back.push(message));
        for message in up {
            message.check_control()?;
            self.uplink.push(message).await;
        }
        for message in back {
            ctx.send(message).await?;
        }
        Ok(())
    }
}

impl Rules {
    fn mocked(&self, message: &Message) -> Option<&[Message]> {
        if self.mocks.is_empty() {
            return None;
        }
        let text = MessageText::new(message.as_text()?);
        let (_, answers) = self.mocks.iter().find(|(pattern, _)| pattern.matches_text(&text))?;
        Some(answers)
    }
}

#[async_trait]
impl WsHandler for WsProxyHandler {
    async fn on_handshake(&self, handshake: &Handshake) -> HandlerResult<HandshakeDecision> {
        if !self.should_proxy(handshake.path()) {
            return Ok(HandshakeDecision::Pass);
        }
        let proxy = match &*self.proxy {
            Ok(proxy) => proxy,
            Err(error) => return Ok(refused(StatusCode::BAD_GATEWAY, error).into()),
        };
        let offers: Vec<_> = handshake.offered_subprotocols().collect();
        // What was read from headers is a header's value again.
        let offer = (!offers.is_empty()).then(|| HeaderValue::from_str(&offers.join(", ")).ok()).flatten();
        let Ok(request) = proxy.request(&self.config, handshake, offer) else {
            return Ok(refused(StatusCode::BAD_REQUEST, CLIMBS).into());
        };
        match proxy.pool.connect(&request).await {
            Ok(Dialled { upstream, answer }) => {
                handshake.extensions().insert(Reserved::new(upstream));
                Ok(acceptance(answer).into())
            }
            // The upstream is there: its word is what the client gets.
            Err(ProxyError::Refused { url, refusal, .. }) => {
                warn!(path = handshake.path(), "the upstream {url} refuses with HTTP {}", refusal.status.as_u16());
                Ok(passed_on(*refusal).into())
            }
            Err(error) => self.fall_back(handshake, &error).await,
        }
    }

    async fn on_connect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        if ctx.extensions().get::<Arc<Proxied>>().is_some() {
            return Ok(());
        }
        if ctx.extensions().get::<FellBack>().is_some() {
            return self.fallback_connected(ctx).await;
        }
        let reserved = ctx.extensions().remove::<Reserved>().and_then(|reserved| reserved.take());
        let upstream = match reserved {
            Some(upstream) => upstream,
            None => match self.dial_late(ctx).await {
                Ok(upstream) => upstream,
                Err(frame) if self.config.fallback == Fallback::Refuse => {
                    let client = ctx.sender().with_origin(Origin::Proxy);
                    return client.send(Message::Close(Some(frame))).await;
                }
                Err(_) => {
                    ctx.extensions().insert(FellBack);
                    return self.fallback_connected(ctx).await;
                }
            },
        };
        let Ok(proxy) = &*self.proxy else { return Ok(()) };
        let proxied = Arc::new(Proxied { uplink: Arc::default(), rules: Arc::clone(&proxy.rules) });
        let transform = proxy.rules.transform.clone();
        ctx.attach(Relay::proxy(upstream, Arc::clone(&proxied.uplink), ctx.sender(), transform));
        ctx.extensions().insert(proxied);
        Ok(())
    }

    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        if let Some(proxied) = ctx.extensions().get::<Arc<Proxied>>() {
            ctx.stop();
            return proxied.forward(ctx, msg.into()).await;
        }
        match self.stand_in(ctx.connection()).cloned() {
            Some(stand_in) => stand_in.on_message(ctx, msg).await,
            None => Ok(()),
        }
    }

    async fn on_disconnect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        match self.stand_in(ctx.connection()).cloned() {
            Some(stand_in) => stand_in.on_disconnect(ctx).await,
            None => Ok(()),
        }
    }

    fn on_outbound(&self, connection: &Arc<Connection>, message: &Message, origin: Origin) -> Verdict {
        match self.stand_in(connection) {
            Some(stand_in) => stand_in.on_outbound(connection, message, origin),
            None => Verdict::Pass,
        }
    }

    fn handles_path(&self, path: &str) -> bool {
        self.should_proxy(path)
    }
}

impl Reserved {
    fn new(upstream: Upstream) -> Self {
        Self(Arc::new(Mutex::new(Some(upstream))))
    }

    fn take(&self) -> Option<Upstream> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Accepts a client as the upstream has accepted us.
fn acceptance(answer: Answer) -> Acceptance {
    let acceptance = match answer.subprotocol {
        Some(subprotocol) => Acceptance::new().subprotocol(subprotocol),
        None => Acceptance::new().no_subprotocol(),
    };
    let headers = answer.headers.iter().map(|(name, value)| (name.clone(), value.clone()));
    headers.fold(acceptance.leave_pings(), |acceptance, (name, value)| acceptance.header(name, value))
}

fn passed_on(refusal: UpstreamRefusal) -> Refusal {
    let headers = refusal.headers.iter().map(|(name, value)| (name.clone(), value.clone()));
    headers.fold(Refusal::new(refusal.status).body(refusal.body), |refusal, (name, value)| refusal.header(name, value))
}

fn refused(status: StatusCode, problem: impl fmt::Display) -> Refusal {
    Refusal::new(status).body(format!("{problem}\n"))
}

impl fmt::Debug for WsProxyHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WsProxyHandler")
            .field("upstream", &(*self.proxy).as_ref().map(|proxy| proxy.url.to_string()).ok())
            .finish_non_exhaustive()
    }
}
