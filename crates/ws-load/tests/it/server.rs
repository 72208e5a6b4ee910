//! Servers on tokio-tungstenite, each on a thread of its own: one that is stopped for a while stops for all.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use ws_load::{Crowd, Plan, Report, Stop};

/// What a server has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) connections: AtomicUsize,
    pub(crate) messages: AtomicU64,
    /// That began with a Close frame of the client.
    pub(crate) closed: AtomicUsize,
}

/// A server; dropping it ends it.
pub(crate) struct Server {
    address: SocketAddr,
    pub(crate) seen: Arc<Seen>,
    runtime: Option<Runtime>,
}

impl Server {
    /// `answer` gets the number of a message, from 1 over all connections, and the message.
    pub(crate) fn start(answer: impl Fn(u64, Message) -> Vec<Message> + Send + Sync + 'static) -> Self {
        let answer = Arc::new(answer);
        Self::serving(move |stream, seen| {
            let answer = Arc::clone(&answer);
            async move {
                let Ok(mut socket) = accept_async(stream).await else { return };
                seen.connections.fetch_add(1, Ordering::SeqCst);
                while let Some(Ok(message)) = socket.next().await {
                    if message.is_close() {
                        seen.closed.fetch_add(1, Ordering::SeqCst);
                    }
                    if !message.is_text() && !message.is_binary() {
                        continue;
                    }
                    let number = seen.messages.fetch_add(1, Ordering::SeqCst) + 1;
                    for answer in answer(number, message) {
                        if socket.send(answer).await.is_err() {
                            return;
                        }
                    }
                }
            }
        })
    }

    pub(crate) fn echo() -> Self {
        Self::start(|_, message| vec![message])
    }

    /// `talk` is one connection.
    pub(crate) fn serving<F: Future<Output = ()> + Send + 'static>(
        talk: impl Fn(TcpStream, Arc<Seen>) -> F + Send + 'static,
    ) -> Self {
        // One thread besides this one: a handler that blocks, blocks all.
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let shared = Arc::clone(&seen);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, Arc::clone(&shared)));
            }
        });
        Self { address, seen, runtime: Some(runtime) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// A plan for so many connections.
    pub(crate) fn plan(&self, connections: usize) -> Plan {
        let mut plan = Plan::new(format!("ws://{}/ws", self.address).parse().unwrap());
        plan.crowd = Crowd::Fixed { connections, ramp: Duration::ZERO };
        plan.threads = 2;
        plan
    }

    pub(crate) fn messages(&self) -> u64 {
        self.seen.messages.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Answers a handshake, with `behind` in the same packet.
pub(crate) async fn shake_hands(stream: &mut TcpStream, behind: &[u8]) {
    let mut request = vec![0; 4096];
    let Ok(length) = stream.read(&mut request).await else { return };
    let request = String::from_utf8_lossy(&request[..length]);
    let key = request.split("Sec-WebSocket-Key: ").nth(1).and_then(|rest| rest.split('\r').next()).unwrap();
    let answer = format!(
        "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n",
        derive_accept_key(key.as_bytes())
    );
    let _ = stream.write_all(&[answer.as_bytes(), behind].concat()).await;
}

/// Accepts a handshake on any stream and echoes.
pub(crate) async fn echo_on(stream: impl AsyncRead + AsyncWrite + Unpin) {
    let Ok(mut socket) = accept_async(stream).await else { return };
    while let Some(Ok(message)) = socket.next().await {
        if message.is_text() && socket.send(message).await.is_err() {
            return;
        }
    }
}

pub(crate) fn run(plan: Plan) -> Report {
    within_a_minute(|| ws_load::run(plan, &Stop::default(), |_| {})).unwrap()
}

/// Does what must come to an end by itself.
pub(crate) fn within_a_minute<T: Send + 'static>(what: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, outcome) = channel();
    std::thread::spawn(move || sender.send(what()));
    outcome.recv_timeout(Duration::from_secs(60)).expect("an end within a minute")
}
