//! A server put together from its parts, and the handle of one that runs.

mod accept;
mod serving;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http::header;
use tokio::net::TcpListener;
use ws_conditions::Conditions;
use ws_core::{HandlerRegistry, HandlerSet, Handshake, Middleware, Rooms, SessionObserver, WsHandler};
use ws_metrics::{MetricsRegistry, get_global_registry};
use ws_replay::SessionVerdict;
use ws_rooms::RoomOptions;

#[cfg(feature = "admin")]
use crate::admin;
use crate::assemble::{Given, Lasting, OnVerdict};
use crate::journal::{Journal, Journals};
use crate::observers::Observers;
use crate::realm::{Realms, RoomSource, Watchers};
use crate::reload::{ReloadReport, Reloader, Source};
use crate::router::{websocket_routes, with_hint};
use crate::scope::{ChooseScope, Scope};
use crate::shared::Shared;
use crate::tls::TlsAcceptor;
use crate::unmatched::{UnmatchedMessage, UnmatchedMessages};
use crate::{ServerError, TestError, TestRealm, WsConfig, assemble, upstream_loop};

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
    /// There, if the admin API is.
    #[cfg(feature = "admin")]
    recordings: Option<Arc<admin::Recordings>>,
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
        self.shared.start_watching();
        let router = websocket_routes(Arc::clone(&self.shared));
        #[cfg(feature = "admin")]
        let router = match self.recordings.clone() {
            Some(recordings) => admin::routes(router, Arc::clone(&self.shared), recordings),
            None => router,
        };
        if !self.metrics_route {
            return router;
        }
        let metrics = self.metrics.clone();
        router.route(
            "/metrics",
            get(move || async move { ([(header::CONTENT_TYPE, ws_metrics::CONTENT_TYPE)], metrics.render()) }),
        )
    }

    /// What the server has seen, unless [`WsConfig::journal`] says that it is not kept.
    #[must_use]
    pub fn journal(&self) -> Option<&Journal> {
        self.shared.realms.server().observers.journal()
    }

    /// Whether the router has the admin API.
    fn has_admin(&self) -> bool {
        #[cfg(feature = "admin")]
        let has_admin = self.recordings.is_some();
        #[cfg(not(feature = "admin"))]
        let has_admin = false;
        has_admin
    }

    /// Listens on the configured address and serves in the background.
    ///
    /// # Errors
    /// [`ServerError::PortInUse`] or [`ServerError::Bind`].
    pub async fn serve(self) -> Result<ServerHandle, ServerError> {
        let config = &self.shared.version().config;
        let address = SocketAddr::new(config.host, config.port);
        let listener = TcpListener::bind(address).await.map_err(|source| ServerError::binding(address, source))?;
        self.serve_on(listener)
    }

    /// Serves on `listener` in the background.
    ///
    /// # Errors
    /// [`ServerError::Bind`] if the listener has no address, [`ServerError::Config`] if the server would be its own upstream.
    pub fn serve_on(self, listener: TcpListener) -> Result<ServerHandle, ServerError> {
        let config = Arc::clone(&self.shared.version().config);
        let unknown = SocketAddr::new(config.host, config.port);
        let address = listener.local_addr().map_err(|source| ServerError::binding(unknown, source))?;
        upstream_loop::refuse(&config, address)?;
        // A server serves on one address: the first, if somebody gives it more.
        let _ = self.shared.address.set(address);
        #[cfg(feature = "admin")]
        if self.recordings.is_some() {
            admin::warn_if_refused(address, &config.admin);
        }
        let router = with_hint(self.router(), Arc::clone(&self.shared), self.has_admin());
        self.shared.tasks.spawn(accept::accept(listener, self.tls.clone(), router, Arc::clone(&self.shared)));
        let Self { shared, registry, metrics, tls, unmatched, .. } = self;
        Ok(ServerHandle { address, shared, registry, metrics, tls, unmatched })
    }
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
    #[cfg(feature = "admin")]
    admin_routes: bool,
    choose_scope: Option<ChooseScope>,
    on_verdict: Option<OnVerdict>,
    source: Option<Source>,
    watches: Option<bool>,
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

    /// Sets the rooms, which tests share under names of their own; by default, the server, and each test, has a [`RoomManager`](ws_rooms::RoomManager) of its own.
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

    /// Serves the admin API at `/__admin`. Without a [token](crate::AdminConfig::token) it answers only this machine, and
    /// only where the server [listens](WsServer::serve) on a loopback address by itself.
    #[cfg(feature = "admin")]
    #[must_use]
    pub fn admin_routes(mut self) -> Self {
        self.admin_routes = true;
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

    /// Says where the configuration comes from again at a reload: `read` gives it, or says in as many lines as need be what is
    /// wrong with it; `files` are those that it reads. Without it, the configuration stays, and the files that it names are
    /// read again.
    #[must_use]
    pub fn config_source(
        mut self,
        files: impl IntoIterator<Item = PathBuf>,
        read: impl Fn() -> Result<WsConfig, String> + Send + Sync + 'static,
    ) -> Self {
        self.source = Some(Source { files: files.into_iter().collect(), read: Box::new(read) });
        self
    }

    /// Whether all files that the server reads are watched, and taken up again when they change. By default they are if the
    /// registry [says so](HandlerRegistry::is_hot_reload_enabled).
    #[must_use]
    pub fn watch(mut self, watches: bool) -> Self {
        self.watches = Some(watches);
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
        let options = RoomOptions { slow_member: self.config.slow_member, ..RoomOptions::default() };
        let rooms = self.rooms.map_or(RoomSource::Own(options), RoomSource::Given);
        let metrics = self.metrics.unwrap_or_else(|| get_global_registry().clone());
        let tls = self.config.tls.as_ref().map(|tls| TlsAcceptor::new(tls, self.config.host)).transpose()?;
        let mut observers: Vec<Arc<dyn SessionObserver>> = vec![Arc::new(metrics.clone())];
        observers.extend(assemble::recorder(&self.config)?);
        #[cfg(feature = "admin")]
        let recordings = self.admin_routes.then(Arc::<admin::Recordings>::default);
        #[cfg(feature = "admin")]
        observers.extend(recordings.clone().map(|recordings| recordings as Arc<dyn SessionObserver>));
        let unmatched = Arc::new(UnmatchedMessages::default());
        observers.push(Arc::clone(&unmatched) as Arc<dyn SessionObserver>);
        observers.extend(self.observers);
        let journal = self.config.journal.enabled.then(|| journals(&self.config).journal());
        let observers = Observers::new(observers).with_journal(journal);
        let (lasting, watchers) = (Lasting::new(metrics.clone()), Watchers::default());
        let reloader = Reloader::new(self.source, lasting, watchers.clone(), metrics.clone());
        let blueprint = reloader.begin(self.config)?;
        let given = Given { handlers: Arc::clone(&registry), modes: self.modes, on_verdict: self.on_verdict };
        let realms = Realms::new(blueprint, given, rooms, observers);
        let watches = self.watches.unwrap_or_else(|| registry.is_hot_reload_enabled());
        let shared = Shared::new(realms, reloader, self.choose_scope, self.middleware, watches, metrics.clone());
        let shared = Arc::new(shared);
        watchers.are_of(&shared);
        let tls = tls.map(Arc::new);
        Ok(WsServer {
            shared,
            registry,
            metrics,
            metrics_route: self.metrics_route,
            #[cfg(feature = "admin")]
            recordings,
            tls,
            unmatched,
        })
    }
}

fn journals(config: &WsConfig) -> Journals {
    Journals::new(config.journal.clone(), config.redactions().to_vec())
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
        format!("{}://{}/ws", self.shared.version().config.scheme(), self.address)
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

    /// What the server has seen, unless [`WsConfig::journal`] says that it is not kept.
    #[must_use]
    pub fn journal(&self) -> Option<&Journal> {
        self.shared.realms.server().observers.journal()
    }

    /// The test `id` among those that run on the server.
    ///
    /// # Errors
    /// [`TestError::Id`] says what an id is.
    pub fn test(&self, id: &str) -> Result<TestRealm, TestError> {
        TestRealm::new(Arc::clone(&self.shared), id)
    }

    /// Reads all files again that the server is made of, and the configuration, if it has a
    /// [source](WsServerBuilder::config_source). New connections get what has changed, and open ones get it with their next
    /// message; what begins with a connection (a replay script, an upstream, a story of events) goes on as it was.
    ///
    /// # Errors
    /// [`ServerError`] names every mistake; then nothing has changed.
    pub async fn reload(&self) -> Result<ReloadReport, ServerError> {
        let shared = Arc::clone(&self.shared);
        let reload = tokio::task::spawn_blocking(move || shared.reload());
        reload.await.unwrap_or_else(|error| Err(ServerError::Source(error.to_string())))
    }

    /// How the last reload went, whoever asked for it: its report, or its mistakes. None, if there was none.
    #[must_use]
    pub fn last_reload(&self) -> Option<Result<ReloadReport, String>> {
        self.shared.reloader.last()
    }

    /// Stops accepting, closes all connections with code 1001, and waits for them: politely for `grace`, then without
    /// waiting for clients and handlers.
    pub async fn shutdown(self, grace: Duration) {
        self.shared.shut_down(grace).await;
    }

    /// Does what [`shutdown`](Self::shutdown) does, but closes with code 1012: for a program that was built anew and starts
    /// again, so that clients know that they may come back at once.
    pub async fn shutdown_for_restart(self, grace: Duration) {
        self.shared.announce_restart();
        self.shared.shut_down(grace).await;
    }
}

impl Drop for ServerHandle {
    fn drop(&mut self) {
        self.shared.start_shutdown();
    }
}
