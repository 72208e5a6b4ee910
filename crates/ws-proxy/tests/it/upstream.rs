//! Upstreams that the proxy's authors did not write: tokio-tungstenite, and what each test does with it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{SinkExt, StreamExt};
use http::HeaderMap;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

use crate::eventually::eventually;

pub(crate) type Socket = WebSocketStream<TcpStream>;

/// A handshake as the upstream saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
}

impl Seen {
    /// All values of a header, in order.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
    }
}

/// An upstream on a free port, until it is dropped.
pub(crate) struct TestUpstream {
    address: SocketAddr,
    facts: Facts,
    _serving: JoinSet<()>,
}

/// What is known of an upstream's connections.
#[derive(Clone, Default)]
pub(crate) struct Facts {
    handshakes: Arc<Mutex<Vec<Seen>>>,
    open: Arc<AtomicUsize>,
}

/// How an upstream answers a handshake it has seen.
pub(crate) type Answer = fn(&Request, Response) -> Result<Response, ErrorResponse>;

impl TestUpstream {
    /// Accepts every handshake, and serves each connection with `serve`.
    pub(crate) async fn start<F>(serve: impl Fn(Socket) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::answering(|_, response| Ok(response), serve).await
    }

    /// Answers handshakes as `answer` says.
    pub(crate) async fn answering<F>(answer: Answer, serve: impl Fn(Socket) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::on(listen(0).await, answer, serve)
    }

    pub(crate) fn on<F>(
        listener: TcpListener,
        answer: Answer,
        serve: impl Fn(Socket) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let address = listener.local_addr().unwrap();
        let facts = Facts::default();
        let mut serving = JoinSet::new();
        let serve = Arc::new(serve);
        serving.spawn({
            let facts = facts.clone();
            async move {
                let mut connections = JoinSet::new();
                while let Ok((socket, _)) = listener.accept().await {
                    let (serve, facts) = (Arc::clone(&serve), facts.clone());
                    connections.spawn(async move {
                        socket.set_nodelay(true).unwrap();
                        let _open = facts.opened();
                        if let Ok(socket) = accept(socket, answer, &facts).await {
                            serve(socket).await;
                        }
                    });
                    while connections.try_join_next().is_some() {}
                }
            }
        });
        Self { address, facts, _serving: serving }
    }

    pub(crate) async fn echo() -> Self {
        Self::start(echo).await
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    pub(crate) fn handshakes(&self) -> Vec<Seen> {
        self.facts.handshakes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many connections are open now.
    pub(crate) fn open(&self) -> usize {
        self.facts.open.load(Ordering::SeqCst)
    }

    /// Waits until that many connections are open.
    #[track_caller]
    pub(crate) fn has_open(&self, count: usize) -> impl Future<Output = ()> {
        eventually(format!("{count} upstream connections are open"), move || self.open() == count)
    }
}

impl Facts {
    pub(crate) fn opened(&self) -> impl Drop + use<> {
        struct Open(Arc<AtomicUsize>);
        impl Drop for Open {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::SeqCst);
            }
        }
        self.open.fetch_add(1, Ordering::SeqCst);
        Open(Arc::clone(&self.open))
    }
}

/// Accepts one connection over any stream.
pub(crate) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    answer: Answer,
    facts: &Facts,
) -> tungstenite::Result<WebSocketStream<S>> {
    let handshakes = Arc::clone(&facts.handshakes);
    let callback = move |request: &Request, response: Response| {
        let seen = Seen { target: request.uri().to_string(), headers: request.headers().clone() };
        handshakes.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
        answer(request, response)
    };
    accept_hdr_async(stream, callback).await
}

/// A listener whose port may be used again at once.
pub(crate) async fn listen(port: u16) -> TcpListener {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, port).into()).unwrap();
    socket.listen(1024).unwrap()
}

/// A port on which nobody listens.
pub(crate) async fn closed_port() -> u16 {
    listen(0).await.local_addr().unwrap().port()
}

/// Sends every message back, until the peer closes.
pub(crate) async fn echo<S: AsyncRead + AsyncWrite + Unpin>(mut socket: WebSocketStream<S>) {
    while let Some(Ok(message)) = socket.next().await {
        if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
            return;
        }
    }
}

/// Closes with a code and a reason, and reads until the peer has answered.
pub(crate) async fn close(mut socket: Socket, code: u16, reason: &str) {
    let _ = socket.close(Some(CloseFrame { code: CloseCode::from(code), reason: reason.into() })).await;
    while let Some(Ok(_)) = socket.next().await {}
}

/// Sends text; says whether that worked.
pub(crate) async fn say(socket: &mut Socket, text: &str) -> bool {
    socket.send(Message::text(text)).await.is_ok()
}
