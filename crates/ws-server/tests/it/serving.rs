//! Servers for tests.

use ws_core::WsHandler;
use ws_metrics::MetricsRegistry;
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
