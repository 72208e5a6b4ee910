//! The test kit, as tests use it: over real sockets.

mod expectations;
mod json;
mod promises;
mod refusals;

use ws_metrics::MetricsRegistry;
use ws_server::{WsConfig, WsServer};
use ws_testing::TestServer;

/// A server that returns what it gets.
async fn echo() -> TestServer {
    let config = WsConfig { raw_echo: true, ..WsConfig::default() };
    let server = WsServer::builder().config(config).metrics(MetricsRegistry::new()).build();
    TestServer::start(server.expect("a server")).await
}

/// Sends texts on a path, and waits until all of them have come back.
async fn exchange(server: &TestServer, path: &str, texts: &[&str]) {
    let mut client = server.connect(path).await.expect("a connection");
    for text in texts {
        client.send_text(text).await.expect("sent");
        assert_eq!(client.recv_text().await.expect("an answer"), *text);
    }
}
