//! What a session runs on: a byte stream, and what only a socket can do.

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::TcpStream;

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;

/// A transport that a session can run on.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// The socket at the bottom, if it is within reach.
    fn tcp(&self) -> Option<&TcpStream> {
        None
    }

    /// From now on dropping the transport resets the connection (RST). Says whether it can: where it cannot, the peer
    /// sees the end of the stream instead.
    fn reset_on_drop(&self) -> bool {
        self.tcp().is_some_and(|socket| socket.set_zero_linger().is_ok())
    }
}

impl Transport for TcpStream {
    fn tcp(&self) -> Option<&TcpStream> {
        Some(self)
    }
}

#[cfg(feature = "tls")]
impl Transport for crate::tls::TlsSocket {
    fn tcp(&self) -> Option<&TcpStream> {
        Some(self.socket())
    }
}

/// A stream of somebody else's server, whose socket is out of reach.
impl Transport for TokioIo<Upgraded> {}

/// An in-memory stream.
impl Transport for DuplexStream {}
