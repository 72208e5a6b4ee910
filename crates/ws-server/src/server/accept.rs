//! Our own accept loop: HTTP/1.1, over TLS if so configured, with time-outs for the handshake and the request's head and a
//! bound on open sockets.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tower_service::Service;
use tracing::{debug, info, warn};

use crate::shared::Shared;
use crate::tls::{Accepted, TlsAcceptor};

/// How long a client may take for the TLS handshake.
const TLS_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// The sockets that speak HTTP at once, before they are upgraded or done. More wait in the system's backlog.
const HTTP_SOCKETS: usize = 4096;
/// The pause after an error that hits every accept, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// What a client gets that speaks HTTP where TLS is spoken.
const SPEAK_TLS: (StatusCode, &str) =
    (StatusCode::BAD_REQUEST, "This port speaks TLS: use wss:// instead of ws://, https:// instead of http://.\n");

/// Accepts connections until the server shuts down.
pub(super) async fn accept(listener: TcpListener, tls: Option<Arc<TlsAcceptor>>, router: Router, shared: Arc<Shared>) {
    let sockets = Arc::new(Semaphore::new(HTTP_SOCKETS));
    #[cfg(feature = "admin")]
    let router = match listener.local_addr() {
        Ok(address) => router.layer(axum::Extension(crate::admin::Listening(address))),
        Err(_) => router,
    };
    loop {
        let Ok(permit) = Arc::clone(&sockets).acquire_owned().await else { return };
        let accepted = tokio::select! {
            biased;
            () = shared.shutdown.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, peer)) => {
                let (router, connection) = (router.clone(), Arc::clone(&shared));
                match tls.clone() {
                    None => shared.tasks.spawn(serve(socket, peer, router, connection, permit)),
                    Some(tls) => shared.tasks.spawn(serve_tls(tls, socket, peer, router, connection, permit)),
                };
            }
            Err(error) if is_of_one_client(&error) => debug!("a client was gone before it was accepted: {error}"),
            Err(error) => {
                warn!("cannot accept connections: {error}");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn is_of_one_client(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused)
}

/// Does the TLS handshake, then speaks HTTP.
async fn serve_tls(
    tls: Arc<TlsAcceptor>,
    socket: TcpStream,
    peer: SocketAddr,
    router: Router,
    shared: Arc<Shared>,
    permit: OwnedSemaphorePermit,
) {
    let accepted = tokio::select! {
        () = shared.shutdown.cancelled() => return,
        accepted = timeout(TLS_TIMEOUT, tls.accept(socket)) => accepted,
    };
    match accepted {
        Ok(Ok(Accepted::Tls(socket))) => serve(socket, peer, router, shared, permit).await,
        Ok(Ok(Accepted::Plain(socket))) => {
            debug!(%peer, "a client speaks without TLS");
            serve(socket, peer, Router::new().fallback(async || SPEAK_TLS), shared, permit).await;
        }
        Ok(Err(error)) => info!(%peer, "no TLS handshake: {error}"),
        Err(_) => debug!(%peer, "no TLS handshake within {} s", TLS_TIMEOUT.as_secs()),
    }
}

/// Speaks HTTP on one socket; a WebSocket session goes on in a task of its own.
async fn serve(
    socket: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    router: Router,
    shared: Arc<Shared>,
    _permit: OwnedSemaphorePermit,
) {
    // Not as a layer of the router: that would make all routes anew for each socket.
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => Some(served),
        () = shared.shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            // A handler may still think about a handshake.
            shared.unless_abandoned(connection).await
        }
    };
    if let Some(Err(error)) = served {
        debug!(%peer, "an HTTP connection ended early: {error}");
    }
}
