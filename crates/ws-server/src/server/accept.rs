//! Our own accept loop: HTTP/1.1, over TLS if so configured, with time-outs for the handshake and the request's head and a
//! bound on open sockets.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::{self, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::response::IntoResponse;
use http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tower_service::Service;
use tracing::{debug, info, warn};

use super::serving::Serving;
use crate::router::is_websocket;
use crate::shared::Shared;
use crate::tls::{Accepted, TlsAcceptor};
use crate::transport::Transport;
use crate::upgrade::{Handover, answer_handshake};

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
    let mut shutdown = pin!(shared.shutdown.cancelled());
    loop {
        let Ok(permit) = Arc::clone(&sockets).acquire_owned().await else { return };
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, peer)) => {
                let (router, connection) = (router.clone(), Arc::clone(&shared));
                shared.tasks.spawn(match tls.clone() {
                    None => Serving::new(speak_http(socket, peer, Some(router), connection, permit)),
                    Some(tls) => Serving::new(speak_tls(tls, socket, peer, router, connection, permit)),
                });
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
async fn speak_tls(
    tls: Arc<TlsAcceptor>,
    socket: TcpStream,
    peer: SocketAddr,
    router: Router,
    shared: Arc<Shared>,
    permit: OwnedSemaphorePermit,
) -> Option<Serving> {
    let accepted = tokio::select! {
        () = shared.shutdown.cancelled() => return None,
        accepted = timeout(TLS_TIMEOUT, tls.accept(socket)) => accepted,
    };
    match accepted {
        Ok(Ok(Accepted::Tls(socket))) => speak_http(socket, peer, Some(router), shared, permit).await,
        Ok(Ok(Accepted::Plain(socket))) => {
            debug!(%peer, "a client speaks without TLS");
            speak_http(socket, peer, None, shared, permit).await
        }
        Ok(Err(error)) => {
            info!(%peer, "no TLS handshake: {error}");
            None
        }
        Err(_) => {
            debug!(%peer, "no TLS handshake within {} s", TLS_TIMEOUT.as_secs());
            None
        }
    }
}

/// Speaks HTTP on one socket until that is done with; gives back the session that goes on with it, if one does. Without a
/// router, the answer is that TLS is spoken here.
async fn speak_http(
    socket: impl Transport,
    peer: SocketAddr,
    router: Option<Router>,
    shared: Arc<Shared>,
    _permit: OwnedSemaphorePermit,
) -> Option<Serving> {
    let handover = Handover::default();
    let service = service_fn(|mut request: Request<Incoming>| {
        // Not as layers of the router: these would make all routes anew for each socket.
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(handover.clone());
        let (router, shared) = (&router, &shared);
        async move {
            match router {
                None => Ok(SPEAK_TLS.into_response()),
                // As the router would, but with fewer detours.
                Some(_) if is_websocket(request.uri().path()) => Ok(answer_handshake(shared, request).await),
                Some(router) => router.clone().call(request).await,
            }
        }
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(socket), service);
    let served = tokio::select! {
        biased;
        served = &mut connection => Some(served),
        () = shared.shutdown.cancelled() => {
            pin::Pin::new(&mut connection).graceful_shutdown();
            // A handler may still think about a handshake.
            shared.unless_abandoned(&mut connection).await
        }
    };
    match served? {
        Ok(()) => {
            let opening = handover.take()?;
            let parts = connection.into_parts();
            Some(Serving::Session(opening.serve_on(parts.io.into_inner(), parts.read_buf)))
        }
        Err(error) => {
            debug!(%peer, "an HTTP connection ended early: {error}");
            None
        }
    }
}
