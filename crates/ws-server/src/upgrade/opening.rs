//! From an accepted handshake to the session on the stream that it came by: who serves that stream goes on with the session.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tracing::debug;
use ws_wire::{Wire, WireOptions};

use crate::session::{Paced, Session};
#[cfg(feature = "tls")]
use crate::tls::TlsSocket;
use crate::transport::Transport;

/// A session that begins once its client has the 101.
pub(crate) struct Opening {
    session: Box<Session>,
    options: WireOptions,
}

/// Where our own accept loop finds the session that goes on with a socket. A request without one is of somebody else's server.
#[derive(Clone, Default)]
pub(crate) struct Handover(Arc<Mutex<Option<Opening>>>);

impl Handover {
    pub(super) fn give(&self, opening: Opening) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(opening);
    }

    pub(crate) fn take(&self) -> Option<Opening> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Opening {
    pub(super) fn new(session: Box<Session>, options: WireOptions) -> Self {
        Self { session, options }
    }

    /// Serves the session on a stream that so much was `read` of already.
    pub(crate) fn serve_on<S: Transport>(self, transport: S, read: Bytes) -> BoxFuture<'static, ()> {
        let Self { session, options } = self;
        let socket = transport.tcp();
        session.log_established(|| socket?.peer_addr().ok());
        if let Some(socket) = socket {
            // Small messages leave at once.
            let _ = socket.set_nodelay(true);
        }
        session.serve(Wire::server(Paced::new(transport), read, options))
    }

    /// Serves the session on a stream of somebody else's server, as soon as that lets go of it.
    pub(super) async fn serve_upgraded(self, on_upgrade: OnUpgrade) {
        let upgraded = match on_upgrade.await {
            Ok(upgraded) => upgraded,
            Err(error) => return debug!("the client was gone before its connection was upgraded: {error}"),
        };
        self.serve_unwrapped(upgraded).await;
    }

    /// Serves the session on the stream itself where it can be had; it is cheaper than what hyper wraps around it.
    fn serve_unwrapped(self, upgraded: Upgraded) -> BoxFuture<'static, ()> {
        match unwrap::<TcpStream>(upgraded) {
            Ok((socket, read)) => self.serve_on(socket, read),
            #[cfg(feature = "tls")]
            Err(upgraded) => match unwrap::<TlsSocket>(upgraded) {
                Ok((socket, read)) => self.serve_on(socket, read),
                Err(upgraded) => self.serve_on(TokioIo::new(upgraded), Bytes::new()),
            },
            #[cfg(not(feature = "tls"))]
            Err(upgraded) => self.serve_on(TokioIo::new(upgraded), Bytes::new()),
        }
    }
}

/// Takes away what hyper has wrapped around a stream; gives back what was read from it already, too.
fn unwrap<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(upgraded: Upgraded) -> Result<(S, Bytes), Upgraded> {
    // Under `axum::serve` the stream is wrapped once more than under hyper alone.
    match auto::upgrade::downcast::<TokioIo<S>>(upgraded) {
        Ok(parts) => Ok((parts.io.into_inner(), parts.read_buf)),
        Err(upgraded) => {
            let parts = upgraded.downcast::<TokioIo<S>>()?;
            Ok((parts.io.into_inner(), parts.read_buf))
        }
    }
}
