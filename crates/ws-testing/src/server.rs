//! A server for one test.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use ws_core::Direction;
use ws_metrics::MetricsRegistry;
use ws_server::{Journal, JournalEvent, JournalQuery, ServerHandle, WsServer};

use crate::promises::Promises;
use crate::real_time::at_once;
use crate::{ClientError, Expectation, Expecting, IntoPattern, TestClient, Unverified};

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
///
/// A server that was [started](Self::start) is asked what it has seen:
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use serde_json::json;
/// use ws_server::WsServer;
/// use ws_testing::TestServer;
///
/// let server = TestServer::start(WsServer::builder().build()?).await;
/// server.expecting(json!({"type": "order"})).on("/ws/shop").times(1);
/// server.expecting("password").never();
///
/// // Here the application runs that is tested.
/// let mut client = server.connect("/ws/shop").await?;
/// client.send_json(&json!({"type": "order", "id": 7})).await?;
/// let orders = server.expect(r#"$.type:"order""#).from_client().await?;
/// assert_eq!(orders[0].text(), Some(r#"{"type":"order","id":7}"#));
///
/// server.verify().await?;
/// # Ok(())
/// # }
/// ```
pub struct TestServer {
    address: SocketAddr,
    running: Option<Running>,
    promises: Promises,
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
        Self { address, running: Some(Running::Router(serving)), promises: Promises::default() }
    }

    /// Serves a server, with its own accept loop.
    ///
    /// # Panics
    /// If no loopback port can be listened on.
    pub async fn start(server: WsServer) -> Self {
        let (listener, address) = listen().await;
        let handle = server.serve_on(listener).expect("a listener has an address");
        Self { address, running: Some(Running::Server(handle)), promises: Promises::default() }
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

    /// Expects messages: awaited, this says whether they came. See [`Expectation`].
    ///
    /// # Panics
    /// If the server was not [started](Self::start) from a [`WsServer`] or keeps no journal, or if a text is no pattern.
    pub fn expect(&self, pattern: impl IntoPattern) -> Expectation<'_> {
        Expectation::new(self.asked(), pattern.into_pattern())
    }

    /// Expects messages until the server is [verified](Self::verify). See [`Expecting`].
    ///
    /// # Panics
    /// As [`expect`](Self::expect).
    pub fn expecting(&self, pattern: impl IntoPattern) -> Expecting<'_> {
        Expecting::new(self.asked(), &self.promises, pattern.into_pattern())
    }

    /// Waits until it is known whether everything came that was [expected](Self::expecting) since the last time.
    ///
    /// Without this, the server looks when it is dropped, and fails the test there; it cannot wait then for what is still on its
    /// way.
    ///
    /// # Errors
    /// [`Unverified`] names everything that did not come.
    pub async fn verify(&self) -> Result<(), Unverified> {
        match self.journal() {
            Some(journal) => self.promises.verify(journal).await,
            // Nothing could be expected.
            None => Ok(()),
        }
    }

    /// The messages from clients that the server has read until now and still knows.
    ///
    /// # Panics
    /// As [`expect`](Self::expect).
    #[must_use]
    pub fn received(&self) -> Vec<JournalEvent> {
        self.seen(Direction::Inbound)
    }

    /// The messages to clients that the server has sent until now and still knows.
    ///
    /// # Panics
    /// As [`expect`](Self::expect).
    #[must_use]
    pub fn sent(&self) -> Vec<JournalEvent> {
        self.seen(Direction::Outbound)
    }

    fn seen(&self, direction: Direction) -> Vec<JournalEvent> {
        at_once(self.asked().find(&JournalQuery::messages().direction(direction).limit(usize::MAX))).events
    }

    /// What the server has seen, if it was [started](Self::start) from a [`WsServer`] that keeps a journal.
    #[must_use]
    pub fn journal(&self) -> Option<&Journal> {
        self.handle().and_then(ServerHandle::journal)
    }

    fn asked(&self) -> &Journal {
        self.journal()
            .expect("use `TestServer::start` with a server that keeps a journal: others do not tell what they see")
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
    /// Fails the test if something was expected that did not come and nobody has verified.
    fn drop(&mut self) {
        let unverified = match self.journal() {
            Some(journal) if !std::thread::panicking() => self.promises.unmet_now(journal),
            _ => Ok(()),
        };
        if let Some(Running::Router(serving)) = &self.running {
            serving.abort();
        }
        if let Err(unverified) = unverified {
            panic!(
                "{unverified}\n(looked at when the server was dropped: `verify().await` waits for what is on its way)"
            );
        }
    }
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free loopback port");
    let address = listener.local_addr().expect("a listener has an address");
    (listener, address)
}
