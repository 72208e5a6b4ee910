//! A server put together from its parts, and the handle of one that runs.

mod accept;

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http::{Uri, header};
use tokio::net::TcpListener;
use ws_conditions::Conditions;
use ws_core::{HandlerRegistry, HandlerSet, Handshake, Middleware, Rooms, SessionObserver, WsHandler};
use ws_metrics::{MetricsRegistry, get_global_registry};
use ws_replay::SessionVerdict;
use ws_rooms::{RoomManager, RoomOptions};

use crate::assemble::{Assembly, OnVerdict};
use crate::router::{websocket_routes, with_hint};
use crate::scope::{ChooseScope, Scope, ScopeResolver};
use crate::shared::Shared;
use crate::tls::TlsAcceptor;
use crate::unmatched::{UnmatchedMessage, UnmatchedMessages};
use crate::{ServerError, WsConfig, assemble};

/// A server, ready to be served.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), ws_server::ServerError> {
/// use std::time::Duration;
/// use ws_server::{WsConfig, WsServer};
///
/// let server = WsServer::builder().config(WsConfig { port: 0, ..Default::default() }).build()?.serve().await?;
/// println!("{}", server.url());
/// server.shutdown(Duration::from_secs(5)).await;
/// # Ok(())
/// # }
/// ```
pub struct WsServer {
    shared: Arc<Shared>,
    registry: Arc<HandlerRegistry>,
    metrics: MetricsRegistry,
    metrics_route: bool,
    tls: Option<Arc<TlsAcceptor>>,
    unmatched: Arc<UnmatchedMessages>,
}

impl WsServer {
    /// Starts to put a server together.
    #[must_use]
    pub fn builder() -> WsServerBuilder {
        WsServerBuilder::default()
    }

    /// The server's routes, to be nested, layered and served by somebody else, who also does TLS.
    pub fn router(&self) -> Router {
        let router = websocket_routes(Arc::clone(&self.shared));
        if !self.metrics_route {
            return router;
        }
        let metrics = self.metrics.clone();
        router.route(
            "/metrics",
            get(move || async move { ([(header::CONTENT_TYPE, ws_metrics::CONTENT_TYPE)], metrics.render()) }),
        )
    }

    /// Listens on the configured address and serves in the background.
    ///
    /// # Errors
    /// [`ServerError::PortInUse`] or [`ServerError::Bind`].
    pub async fn serve(self) -> Result<ServerHandle, ServerError> {
        let address = SocketAddr::new(self.shared.config.host, self.shared.config.port);
        let listener = TcpListener::bind(address).await.map_err(|source| ServerError::binding(address, source))?;
        self.serve_on(listener)
    }

    /// Serves on `listener` in the background.
    ///
    /// # Errors
    /// [`ServerError::Bind`] if the listener has no address, [`ServerError::Config`] if the server would be its own upstream.
    pub fn serve_on(self, listener: TcpListener) -> Result<ServerHandle, ServerError> {
        let unknown = SocketAddr::new(self.shared.config.host, self.shared.config.port);
        let address = listener.local_addr().map_err(|source| ServerError::binding(unknown, source))?;
        if let Some(upstream) = self.shared.config.proxy_config.as_ref().map(|proxy| &proxy.upstream_url)
            && leads_to(upstream, address)
        {
            let problem = format!("the upstream {upstream} is this server itself");
            return Err(ServerError::Config { field: "proxy_config", problem });
        }
        let router = with_hint(self.router(), Arc::clone(&self.shared));
        self.shared.tasks.spawn(accept::accept(listener, self.tls.clone(), router, Arc::clone(&self.shared)));
        let Self { shared, registry, metrics, tls, unmatched, .. } = self;
        Ok(ServerHandle { address, shared, registry, metrics, tls, unmatched })
    }
}

/// Whether who connects to `url` comes to `address`, as far as the URL alone says so.
fn leads_to(url: &str, address: SocketAddr) -> bool {
    let Ok(url) = url.parse::<Uri>() else { return false };
    let Some(host) = url.host() else { return false };
    let ip = if host == "localhost" { Some(address.ip()) } else { host.trim_matches(['[', ']']).parse().ok() };
    let is_here = |ip: IpAddr| ip == address.ip() || (address.ip().is_unspecified() && ip.is_loopback());
    url.port_u16() == Some(address.port()) && ip.is_some_and(is_here)
}

/// Puts a [`WsServer`] together.
#[derive(Default)]
pub struct WsServerBuilder {
    config: WsConfig,
    registry: Option<Arc<HandlerRegistry>>,
    handlers: HandlerSet,
    modes: HandlerSet,
    rooms: Option<Arc<dyn Rooms>>,
    middleware: Vec<Arc<dyn Middleware>>,
    observers: Vec<Arc<dyn SessionObserver>>,
    metrics: Option<MetricsRegistry>,
    metrics_route: bool,
    choose_scope: Option<ChooseScope>,
    on_verdict: Option<OnVerdict>,
}

impl WsServerBuilder {
    /// Sets how the server is set up.
    #[must_use]
    pub fn config(mut self, config: WsConfig) -> Self {
        self.config = config;
        self
    }

    /// Adds a handler.
    #[must_use]
    pub fn handler(mut self, handler: impl WsHandler + 'static) -> Self {
        self.handlers.push(Arc::new(handler));
        self
    }

    /// Adds a mode: a handler that runs behind the registered ones and is not touched by their reload.
    #[must_use]
    pub fn mode(mut self, mode: impl WsHandler + 'static) -> Self {
        self.modes.push(Arc::new(mode));
        self
    }

    /// Sets what the network does to connections; the same as [`WsConfig::conditions`].
    #[must_use]
    pub fn conditions(mut self, conditions: impl Into<Conditions>) -> Self {
        self.config.conditions = Some(conditions.into());
        self
    }

    /// Sets the registry that the handlers are in; what [`handler`](Self::handler) adds is registered there.
    #[must_use]
    pub fn registry(mut self, registry: Arc<HandlerRegistry>) -> Self {
        self.registry = Some(registry);
        self
    }

    /// Sets the rooms; by default, the server has a [`RoomManager`] of its own.
    #[must_use]
    pub fn rooms(mut self, rooms: impl Rooms + 'static) -> Self {
        self.rooms = Some(Arc::new(rooms));
        self
    }

    /// Adds pre- and post-processing of messages, behind what was added before.
    #[must_use]
    pub fn middleware(mut self, middleware: impl Middleware + 'static) -> Self {
        self.middleware.push(Arc::new(middleware));
        self
    }

    /// Adds somebody who watches all sessions.
    #[must_use]
    pub fn observer(mut self, observer: impl SessionObserver + 'static) -> Self {
        self.observers.push(Arc::new(observer));
        self
    }

    /// Sets the registry that the server counts into; by default, it is the global one.
    #[must_use]
    pub fn metrics(mut self, metrics: MetricsRegistry) -> Self {
        self.metrics = Some(metrics);
        self
    }

    /// Serves the metrics at `/metrics`.
    #[must_use]
    pub fn metrics_route(mut self) -> Self {
        self.metrics_route = true;
        self
    }

    /// Gives connections scopes of their own by their handshake; `None` is the server's own.
    #[must_use]
    pub fn scope_for(mut self, choose: impl Fn(&Handshake) -> Option<Arc<Scope>> + Send + Sync + 'static) -> Self {
        self.choose_scope = Some(Box::new(choose));
        self
    }

    /// Has `tell` called with the verdict on each session that plays a script of the configuration or follows its rules, once,
    /// when its connection has ended; a connection whose script was played to its end is then closed with code 1000. It is
    /// called from the connection's own task: it must not block.
    #[must_use]
    pub fn on_verdict(mut self, tell: impl Fn(SessionVerdict) + Send + Sync + 'static) -> Self {
        self.on_verdict = Some(Arc::new(tell));
        self
    }

    /// Puts the server together.
    ///
    /// # Errors
    /// [`ServerError::Replay`] names every mistake in the replay script, [`ServerError::Config`] a field that makes no
    /// server, [`ServerError::Ai`] why no events can be written.
    pub fn build(self) -> Result<WsServer, ServerError> {
        self.config.validate()?;
        let registry = self.registry.unwrap_or_default();
        for handler in self.handlers {
            registry.register_shared(handler);
        }
        let rooms = self.rooms.unwrap_or_else(|| {
            let options = RoomOptions { slow_member: self.config.slow_member, ..RoomOptions::default() };
            Arc::new(RoomManager::with_options(options))
        });
        let scope = Scope::new(Arc::clone(&registry), rooms).fallback(assemble::fallback(&self.config));
        let scope = assemble::guards(&self.config)?.into_iter().fold(scope, Scope::guard);
        let metrics = self.metrics.unwrap_or_else(|| get_global_registry().clone());
        let assembly = Assembly::new(&self.config, metrics.clone(), self.on_verdict);
        let scope = assembly.modes()?.into_iter().chain(self.modes).fold(scope, Scope::mode);
        let scope = match self.config.conditions.clone() {
            Some(conditions) => scope.conditions(assemble::plan(conditions, &self.config, "everywhere")?),
            None => scope,
        };
        let paths = assembly.paths(&scope)?;
        let scopes = ScopeResolver { default: Arc::new(scope), paths, choose: self.choose_scope };
        let tls = self.config.tls.as_ref().map(|tls| TlsAcceptor::new(tls, self.config.host)).transpose()?;
        let mut observers: Vec<Arc<dyn SessionObserver>> = vec![Arc::new(metrics.clone())];
        observers.extend(assemble::recorder(&self.config)?);
        let unmatched = Arc::new(UnmatchedMessages::default());
        observers.push(Arc::clone(&unmatched) as Arc<dyn SessionObserver>);
        observers.extend(self.observers);
        let shared = Arc::new(Shared::new(self.config, scopes, self.middleware, observers));
        let tls = tls.map(Arc::new);
        Ok(WsServer { shared, registry, metrics, metrics_route: self.metrics_route, tls, unmatched })
    }
}

/// A server that runs. When it is dropped, the server stops accepting and closes its connections.
pub struct ServerHandle {
    address: SocketAddr,
    shared: Arc<Shared>,
    registry: Arc<HandlerRegistry>,
    metrics: MetricsRegistry,
    tls: Option<Arc<TlsAcceptor>>,
    unmatched: Arc<UnmatchedMessages>,
}

impl ServerHandle {
    /// The address that the server listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where to connect: `ws://HOST:PORT/ws`, or `wss://` with TLS.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}/ws", self.shared.config.scheme(), self.address)
    }

    /// The certificate (PEM) that clients have to trust, if it is of our own making.
    #[must_use]
    pub fn ca_file(&self) -> Option<&Path> {
        self.tls.as_ref().and_then(|tls| tls.ca_file())
    }

    /// The handlers, to be exchanged while the server runs.
    #[must_use]
    pub fn registry(&self) -> &Arc<HandlerRegistry> {
        &self.registry
    }

    /// What the server has counted.
    #[must_use]
    pub fn metrics(&self) -> &MetricsRegistry {
        &self.metrics
    }

    /// The latest messages that rules, waits or routes wanted to match and none of them did, the oldest first: up to 256
    /// messages and 4 MiB.
    #[must_use]
    pub fn unmatched(&self) -> Vec<UnmatchedMessage> {
        self.unmatched.all()
    }

    /// Stops accepting, closes all connections with code 1001, and waits for them: politely for `grace`, then without
    /// waiting for clients and handlers.
    pub async fn shutdown(self, grace: Duration) {
        self.shared.shut_down(grace).await;
    }
}

impl Drop for ServerHandle {
    fn drop(&mut self) {
        self.shared.start_shutdown();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_knows_itself() {
        for (url, address, expected) in [
            ("ws://127.0.0.1:3001/ws", "127.0.0.1:3001", true),
            ("ws://localhost:3001", "127.0.0.1:3001", true),
            ("ws://[::1]:3001/ws", "[::1]:3001", true),
            ("ws://127.0.0.1:3001/ws", "0.0.0.0:3001", true),
            ("ws://127.0.0.1:4000/ws", "127.0.0.1:3001", false),
            ("ws://127.0.0.2:3001/ws", "127.0.0.1:3001", false),
            ("wss://example.com/ws", "127.0.0.1:3001", false),
        ] {
            assert_eq!(leads_to(url, address.parse().unwrap()), expected, "{url} {address}");
        }
    }
}
