//! What a server is made of changes while it serves, and `ServerHandle::reload` takes it up.

mod at_once;
mod begun;
mod closing;
mod following;
mod kept;
mod mistakes;

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use ws_core::Message;
use ws_server::{ReloadReport, ServerError, WsConfig, WsServer, WsServerBuilder};
use ws_testing::{TestClient, TestServer};

use crate::serving::serve;

/// How long a client waits for anything; it costs only where a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Files that a test writes again and again, in a folder of their own.
pub(crate) struct Files(TempDir);

impl Files {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file, in a folder of its own if its name says so, and says where it is.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }
}

/// A server whose configuration its test exchanges.
pub(crate) struct Live {
    pub(crate) server: TestServer,
    config: Arc<Mutex<WsConfig>>,
}

impl Live {
    /// Serves a configuration, written as in files.
    pub(crate) async fn start(config: Value) -> Self {
        Self::start_with(WsServer::builder(), written(config)).await
    }

    /// Serves what was put together with a configuration.
    pub(crate) async fn start_with(builder: WsServerBuilder, config: WsConfig) -> Self {
        let current = Arc::new(Mutex::new(config.clone()));
        let source = Arc::clone(&current);
        let builder = builder.config(config).config_source([], move || Ok(source.lock().unwrap().clone()));
        Self { server: serve(builder).await, config: current }
    }

    /// The configuration is another one from now on, and nobody has been told yet.
    pub(crate) fn set(&self, config: WsConfig) {
        *self.config.lock().unwrap() = config;
    }

    /// Takes up what is there now.
    pub(crate) async fn reload(&self) -> Result<ReloadReport, ServerError> {
        self.server.handle().unwrap().reload().await
    }

    /// Takes up another configuration.
    pub(crate) async fn becomes(&self, config: Value) -> ReloadReport {
        self.set(written(config));
        self.reload().await.unwrap()
    }

    pub(crate) async fn connect(&self, path: &str) -> TestClient {
        connect(&self.server, path).await
    }

    /// How many reloads came out like this.
    pub(crate) fn reloads(&self, outcome: &str) -> f64 {
        let series = format!("mockforge_ws_reloads_total{{outcome=\"{outcome}\"}} ");
        // There is no series before there is such an outcome.
        let text = self.server.metrics().unwrap().render();
        text.lines().find_map(|line| line.strip_prefix(&series)).map_or(0.0, |count| count.parse().unwrap())
    }
}

/// A configuration as it is written in files.
pub(crate) fn written(config: Value) -> WsConfig {
    serde_json::from_value(config).unwrap()
}

/// A client that waits long.
pub(crate) async fn connect(server: &TestServer, path: &str) -> TestClient {
    TestClient::builder().patience(PATIENCE).connect(&server.url_of(path)).await.unwrap()
}

/// Waits until the server has handled what the client has said, by whoever answers its pings.
pub(crate) async fn ping(client: &mut TestClient) {
    client.send(Message::Ping(vec![7].into())).await.unwrap();
    assert_eq!(client.recv().await.unwrap(), Some(Message::Pong(vec![7].into())));
}
