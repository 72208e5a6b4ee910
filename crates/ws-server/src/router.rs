//! Plain axum routers: the smallest way to serve.
//!
//! They read the environment (see [`WsConfig::from_env`]), can be nested and layered, and count into the global metrics
//! registry. They mount `/ws` and `/ws/{*path}` and nothing else.

use std::sync::Arc;

use axum::Router;
use axum::routing::any;
use http::StatusCode;
use tracing::error;
use ws_core::HandlerRegistry;

use crate::shared::Shared;
use crate::upgrade::{no_such_path, upgrade};
use crate::{ServerError, WsConfig, WsServer};

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
    from_environment(handlers).unwrap_or_else(|mistake| {
        error!("the server refuses every handshake: {mistake}");
        let body = format!("{mistake}\n");
        routes(any(move || async move { (StatusCode::INTERNAL_SERVER_ERROR, body) }))
    })
}

fn from_environment(handlers: Arc<HandlerRegistry>) -> Result<Router, ServerError> {
    Ok(WsServer::builder().config(WsConfig::from_env()?).registry(handlers).build()?.router())
}

/// The WebSocket paths of a server.
pub(crate) fn websocket_routes(shared: Arc<Shared>) -> Router {
    routes(any(upgrade).with_state(shared))
}

/// The same for somebody who has the server to themselves: other paths get a line that says where WebSockets are.
pub(crate) fn with_hint(router: Router, shared: Arc<Shared>) -> Router {
    router.fallback_service(any(no_such_path).with_state(shared))
}

fn routes(answer: axum::routing::MethodRouter) -> Router {
    Router::new().route("/ws", answer.clone()).route("/ws/", answer.clone()).route("/ws/{*path}", answer)
}
