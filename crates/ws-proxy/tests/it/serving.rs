//! Servers for tests.

use ws_core::WsHandler;
use ws_metrics::MetricsRegistry;
use ws_proxy::{WsProxyConfig, WsProxyHandler};
use ws_server::{WsServer, WsServerBuilder};
use ws_testing::TestServer;

/// Serves what was put together, with metrics of its own.
pub(crate) async fn serve(builder: WsServerBuilder) -> TestServer {
    TestServer::start(builder.metrics(MetricsRegistry::new()).build().unwrap()).await
}

/// Serves one handler.
pub(crate) async fn serve_handler(handler: impl WsHandler + 'static) -> TestServer {
    serve(WsServer::builder().handler(handler)).await
}

/// Serves a proxy before `upstream_url`.
pub(crate) async fn proxy_to(upstream_url: impl Into<String>) -> TestServer {
    serve_handler(WsProxyHandler::new(config(upstream_url))).await
}

/// A proxy before `upstream_url`, otherwise as it comes.
pub(crate) fn config(upstream_url: impl Into<String>) -> WsProxyConfig {
    WsProxyConfig { upstream_url: upstream_url.into(), ..Default::default() }
}
