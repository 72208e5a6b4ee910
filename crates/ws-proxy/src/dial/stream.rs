//! The byte stream to an upstream.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(feature = "tls")]
use tokio_rustls::client::TlsStream;

/// The byte stream to an upstream. It counts what the upstream takes.
pub(crate) struct UpstreamStream {
    transport: Transport,
    written: u64,
}

enum Transport {
    Tcp(TcpStream),
    #[cfg(feature = "tls")]
    Tls(Box<TlsStream<TcpStream>>),
    #[cfg(test)]
    Memory(tokio::io::DuplexStream),
}

impl UpstreamStream {
    pub(crate) fn tcp(socket: TcpStream) -> Self {
        Self { transport: Transport::Tcp(socket), written: 0 }
    }

    #[cfg(feature = "tls")]
    pub(crate) fn tls(stream: TlsStream<TcpStream>) -> Self {
        Self { transport: Transport::Tls(Box::new(stream)), written: 0 }
    }

    #[cfg(test)]
    pub(crate) fn memory(stream: tokio::io::DuplexStream) -> Self {
        Self { transport: Transport::Memory(stream), written: 0 }
    }

    /// How many bytes the upstream's side has taken so far.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }
}

/// Calls the same on whatever transport there is.
macro_rules! on_transport {
    ($stream:expr, $transport:ident => $call:expr) => {
        match &mut $stream.transport {
            Transport::Tcp(socket) => {
                let $transport = Pin::new(socket);
                $call
            }
            #[cfg(feature = "tls")]
            Transport::Tls(stream) => {
                let $transport = Pin::new(&mut **stream);
                $call
            }
            #[cfg(test)]
            Transport::Memory(stream) => {
                let $transport = Pin::new(stream);
                $call
            }
        }
    };
}

impl AsyncRead for UpstreamStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        on_transport!(self, transport => transport.poll_read(cx, buf))
    }
}

impl AsyncWrite for UpstreamStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let written = on_transport!(self, transport => transport.poll_write(cx, data));
        if let Poll::Ready(Ok(written)) = written {
            self.written += written as u64;
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_transport!(self, transport => transport.poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_transport!(self, transport => transport.poll_shutdown(cx))
    }
}
