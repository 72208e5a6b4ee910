//! A server for one test.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use ws_metrics::MetricsRegistry;
use ws_server::{ServerHandle, WsServer};

use crate::{ClientError, TestClient};

/// A server on a free loopback port, until it is dropped.
///
/// ```
/// # #[tokio::main]
/// # async fn main() {
/// use ws_server::router;
/// use ws_testing::TestServer;
///
/// let server = TestServer::new(router()).await;
/// let mut client = server.connect("/ws").await.unwrap();
/// client.send_text("hello").await.unwrap();
/// assert_eq!(client.recv_text().await.unwrap(), "echo: hello");
/// # }
/// ```
pub struct TestServer {
    address: SocketAddr,
    running: Option<Running>,
}

enum Running {
    Router(JoinHandle<()>),
    Server(ServerHandle),
}

impl TestServer {
    /// Serves a router.
    ///
    /// # Panics
    /// If no loopback port can be listened on.
    pub async fn new(router: Router) -> Self {
        let (listener, address) = listen().await;
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let serving = tokio::spawn(async move {
            // It ends with the test.
            let _ = axum::serve(listener, service).await;
        });
        Self { address, running: Some(Running::Router(serving)) }
    }

    /// Serves a server, with its own accept loop.
    ///
    /// # Panics
    /// If no loopback port can be listened on.
    pub async fn start(server: WsServer) -> Self {
        let (listener, address) = listen().await;
        let handle = server.serve_on(listener).expect("a listener has an address");
        Self { address, running: Some(Running::Server(handle)) }
    }

    /// Where to connect: `ws://127.0.0.1:PORT/ws`.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of("/ws")
    }

    /// Where to connect for `path`, which begins with a slash.
    #[must_use]
    pub fn url_of(&self, path: &str) -> String {
        format!("ws://{}{path}", self.address)
    }

    /// The address that the server listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connects a client to `path`, which begins with a slash.
    ///
    /// # Errors
    /// As [`TestClient::connect`].
    pub async fn connect(&self, path: &str) -> Result<TestClient, ClientError> {
        TestClient::connect(&self.url_of(path)).await
    }

    /// What the server has counted, if it was [started](Self::start) from a [`WsServer`].
    #[must_use]
    pub fn metrics(&self) -> Option<&MetricsRegistry> {
        self.handle().map(ServerHandle::metrics)
    }

    /// The handle of the server, if it was [started](Self::start) from a [`WsServer`].
    #[must_use]
    pub fn handle(&self) -> Option<&ServerHandle> {
        match &self.running {
            Some(Running::Server(handle)) => Some(handle),
            _ => None,
        }
    }

    /// Shuts the server down: a [`WsServer`] closes its connections with code 1001 and waits for them for `grace`; a
    /// router just ends.
    pub async fn shutdown(mut self, grace: Duration) {
        match self.running.take() {
            Some(Running::Server(handle)) => handle.shutdown(grace).await,
            Some(Running::Router(serving)) => serving.abort(),
            None => {}
        }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if let Some(Running::Router(serving)) = &self.running {
            serving.abort();
        }
    }
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free loopback port");
    let address = listener.local_addr().expect("a listener has an address");
    (listener, address)
}
