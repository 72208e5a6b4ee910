//! Plain axum routers: the smallest way to serve.
//!
//! They read the environment (see [`WsConfig::from_env`]), can be nested and layered, and count into the global metrics
//! registry. They mount `/ws` and `/ws/{*path}` and nothing else.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::routing::any;
use http::StatusCode;
use tracing::{error, info, warn};
use ws_conditions::{FaultConfig, LatencyInjector, LatencyProfile};
use ws_core::HandlerRegistry;
use ws_proxy::WsProxyHandler;

use crate::shared::Shared;
use crate::upgrade::{no_such_path, upgrade};
use crate::{JournalConfig, ServerError, WsConfig, WsServer};

/// A router without handlers: text is answered with `echo: <text>`, unless `MOCKFORGE_WS_REPLAY_FILE` names a script.
///
/// It cannot fail: with a mistake in the environment or in the script it logs the mistake once and answers every
/// handshake with HTTP 500. [`try_router`] returns it instead.
///
/// ```no_run
/// # async fn serve() -> std::io::Result<()> {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:3001").await?;
/// axum::serve(listener, ws_server::router()).await
/// # }
/// ```
pub fn router() -> Router {
    router_with_handlers(Arc::new(HandlerRegistry::new()))
}

/// The router of [`router`].
///
/// # Errors
/// [`ServerError`] says what is wrong with the environment or with the script.
pub fn try_router() -> Result<Router, ServerError> {
    from_environment(Arc::new(HandlerRegistry::new()))
}

/// A router that runs `handlers`. They may be exchanged while it serves.
///
/// A script named by `MOCKFORGE_WS_REPLAY_FILE` plays on the same connections. As [`router`], it cannot fail.
pub fn router_with_handlers(handlers: Arc<HandlerRegistry>) -> Router {
    or_refuse_all(from_environment(handlers))
}

/// The router, or one that refuses every handshake and says why.
fn or_refuse_all(router: Result<Router, ServerError>) -> Router {
    router.unwrap_or_else(|mistake| {
        error!("the server refuses every handshake: {mistake}");
        let body = format!("{mistake}\n");
        routes(any(move || async move { (StatusCode::INTERNAL_SERVER_ERROR, body) }))
    })
}

/// A router that delays messages to clients and lets handshakes fail.
///
/// Everything else is as in [`router`].
///
/// ```
/// use ws_conditions::{LatencyInjector, LatencyProfile};
/// use ws_server::router_with_latency;
///
/// let app = router_with_latency(LatencyInjector::new(LatencyProfile::normal(), Default::default()));
/// ```
pub fn router_with_latency(latency: LatencyInjector) -> Router {
    or_refuse_all(
        environment().and_then(|config| Ok(WsServer::builder().config(config).conditions(latency).build()?.router())),
    )
}

/// A router that takes its clients to a real server.
///
/// Everything else is as in [`router`].
///
/// ```
/// use ws_proxy::{WsProxyConfig, WsProxyHandler};
/// use ws_server::router_with_proxy;
///
/// let upstream_url = "wss://api.example.com/ws".to_owned();
/// let app = router_with_proxy(WsProxyHandler::new(WsProxyConfig { upstream_url, ..Default::default() }));
/// ```
pub fn router_with_proxy(proxy: WsProxyHandler) -> Router {
    let build = |config| Ok(WsServer::builder().config(config).mode(proxy).build()?.router());
    or_refuse_all(environment().and_then(build))
}

/// Serves on all addresses of the machine, with the latency of `profile`, until Ctrl-C is pressed.
///
/// # Errors
/// [`ServerError::PortInUse`] names the port if it is taken; others are those of [`try_router`].
pub async fn start_with_latency(port: u16, profile: Option<LatencyProfile>) -> Result<(), ServerError> {
    let config = WsConfig { host: Ipv4Addr::UNSPECIFIED.into(), port, ..environment()? };
    let conditions = profile.map(|profile| LatencyInjector::new(profile, FaultConfig::default()).into());
    let server = WsServer::builder().config(WsConfig { conditions, ..config }).build()?.serve().await?;
    info!("listening on {}", server.url());
    if let Err(error) = tokio::signal::ctrl_c().await {
        warn!("Ctrl-C cannot be heard: {error}");
        std::future::pending::<()>().await;
    }
    server.shutdown(GRACE).await;
    Ok(())
}

/// How long [`start_with_latency`] waits for connections to close.
const GRACE: Duration = Duration::from_secs(5);

/// What the environment says, without a journal: nobody could ask it.
fn environment() -> Result<WsConfig, ServerError> {
    let journal = JournalConfig { enabled: false, ..JournalConfig::default() };
    Ok(WsConfig { journal, ..WsConfig::from_env()? })
}

fn from_environment(handlers: Arc<HandlerRegistry>) -> Result<Router, ServerError> {
    Ok(WsServer::builder().config(environment()?).registry(handlers).build()?.router())
}

/// The WebSocket paths of a server.
pub(crate) fn websocket_routes(shared: Arc<Shared>) -> Router {
    routes(any(upgrade).with_state(shared))
}

/// The same for somebody who has the server to themselves: other paths get a line that says where WebSockets are, and one for
/// the admin API, if that is there.
pub(crate) fn with_hint(router: Router, shared: Arc<Shared>, has_admin: bool) -> Router {
    router.fallback(move |request: Request| no_such_path(shared, has_admin, request))
}

fn routes(answer: axum::routing::MethodRouter) -> Router {
    Router::new().route("/ws", answer.clone()).route("/ws/", answer.clone()).route("/ws/{*path}", answer)
}

/// Whether a path is one of [`routes`].
pub(crate) fn is_websocket(path: &str) -> bool {
    path.strip_prefix("/ws").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use tower_service::Service;

    use super::*;

    #[tokio::test]
    async fn the_accept_loop_knows_the_paths_of_the_routes() {
        let mut router = routes(any(async || "here"));
        for path in [
            "/ws", "/ws/", "/ws//", "/ws/a", "/ws/a/b/", "/ws/%2F", "/", "/w", "/wsa", "/ws%2Fa", "/WS", "/a/ws",
            "//ws",
        ] {
            let request = http::Request::builder().uri(path).body(axum::body::Body::empty()).unwrap();
            let is_found = router.call(request).await.unwrap().status().is_success();
            assert_eq!(is_websocket(path), is_found, "{path}");
        }
    }
}
