//! TLS of the server: whose certificate it shows, and the handshake.
//!
//! The configuration always compiles; what it needs to run is behind the feature `tls`. Nothing here knows WebSockets.

#[cfg(feature = "tls")]
mod acceptor;
#[cfg(feature = "tls")]
mod authority;
mod error;
#[cfg(feature = "tls")]
mod files;
#[cfg(feature = "tls")]
mod socket;
#[cfg(not(feature = "tls"))]
mod without;

use std::path::PathBuf;

#[cfg(feature = "tls")]
pub(crate) use self::acceptor::{Accepted, TlsAcceptor};
pub use self::error::TlsError;
#[cfg(feature = "tls")]
pub(crate) use self::socket::TlsSocket;
#[cfg(not(feature = "tls"))]
pub(crate) use self::without::{Accepted, TlsAcceptor};

/// Whose certificate a server shows. A server that has one speaks `wss://` only.
///
/// ```
/// use ws_server::{TlsConfig, WsConfig};
///
/// let config = WsConfig { tls: Some(TlsConfig::self_signed()), ..WsConfig::default() };
/// # drop(config);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsConfig {
    /// A certificate that somebody else made.
    Files {
        /// The certificate, and behind it those that lead to its root, as PEM.
        cert_file: PathBuf,
        /// The certificate's private key, as PEM, not encrypted.
        key_file: PathBuf,
    },
    /// A certificate for `localhost`, `127.0.0.1`, `::1` and [`WsConfig::host`](crate::WsConfig::host), made at each start
    /// and signed by an authority of our own.
    ///
    /// The authority is made once and kept, so that it has to be trusted only once: `ca.pem` is for the clients,
    /// `ca-key.pem` can be read by its owner only.
    SelfSigned {
        /// The folder that the authority is kept in. By default `MOCKFORGE_WS_TLS_DIR`, or `mockforge` in the user's data
        /// directory: `$XDG_DATA_HOME`, or `~/.local/share`.
        ca_dir: Option<PathBuf>,
        /// More names and addresses that clients call the server by.
        names: Vec<String>,
    },
}

impl TlsConfig {
    /// A certificate from files.
    #[must_use]
    pub fn files(cert_file: impl Into<PathBuf>, key_file: impl Into<PathBuf>) -> Self {
        Self::Files { cert_file: cert_file.into(), key_file: key_file.into() }
    }

    /// A certificate of our own authority, which is kept in the default folder.
    #[must_use]
    pub fn self_signed() -> Self {
        Self::SelfSigned { ca_dir: None, names: Vec::new() }
    }
}
