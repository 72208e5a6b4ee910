//! The server's side of a TLS handshake.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use tokio::net::TcpStream;

use super::{TlsConfig, TlsError, TlsSocket, authority, files};

/// The first byte of a TLS connection: a record of a handshake (RFC 8446, section 5.1). No method of HTTP begins with it.
const HANDSHAKE_RECORD: u8 = 22;

/// Does the server's side of TLS handshakes.
#[derive(Clone)]
pub(crate) struct TlsAcceptor {
    acceptor: tokio_rustls::TlsAcceptor,
    ca_file: Option<PathBuf>,
}

/// What a client turned out to speak.
#[expect(clippy::large_enum_variant, reason = "it is taken apart where it comes from")]
pub(crate) enum Accepted {
    /// TLS; its handshake is done.
    Tls(TlsSocket),
    /// Something else, of which nothing has been read.
    Plain(TcpStream),
}

impl TlsAcceptor {
    /// Reads or makes the certificate; `host` is where the server will listen. This blocks while it reads.
    pub(crate) fn new(config: &TlsConfig, host: IpAddr) -> Result<Self, TlsError> {
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has cipher suites for the default versions")
            .with_no_client_auth();
        let (mut tls, ca_file) = match config {
            TlsConfig::Files { cert_file, key_file } => {
                let (chain, key) = files::load(cert_file, key_file)?;
                let tls = builder.with_single_cert(chain, key);
                (tls.map_err(|error| files::refused(error, cert_file, key_file))?, None)
            }
            TlsConfig::SelfSigned { ca_dir, names } => {
                let authority = authority::Authority::open(ca_dir.as_deref())?;
                let (chain, key) = authority.issue(host, names)?;
                let tls = builder.with_single_cert(chain, key);
                let tls = tls.map_err(|error| TlsError::content(authority.ca_file(), error.to_string()))?;
                (tls, Some(authority.ca_file().to_owned()))
            }
        };
        // The upgrade to WebSocket is one of HTTP/1.1.
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { acceptor: Arc::new(tls).into(), ca_file })
    }

    /// The certificate that clients have to trust, if it is of our own making.
    pub(crate) fn ca_file(&self) -> Option<&Path> {
        self.ca_file.as_deref()
    }

    /// Does the handshake. It takes as long as the client wants: the caller bounds it.
    pub(crate) async fn accept(&self, socket: TcpStream) -> io::Result<Accepted> {
        let mut first = [0];
        if socket.peek(&mut first).await? == 1 && first[0] != HANDSHAKE_RECORD {
            return Ok(Accepted::Plain(socket));
        }
        let stream = self.acceptor.accept(socket).await?;
        Ok(Accepted::Tls(TlsSocket::new(stream)))
    }
}
