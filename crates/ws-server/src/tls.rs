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

use serde::Deserialize;

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
/// In files: `cert_file` and `key_file`, or `self_signed: true` and, if need be, `ca_dir` and `names`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
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

/// How TLS is written in files.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Written {
    /// The certificate, and behind it those that lead to its root, as PEM.
    cert_file: Option<PathBuf>,
    /// The certificate's private key, as PEM, not encrypted.
    key_file: Option<PathBuf>,
    /// Instead of files: a certificate that is made at each start, signed by an authority of our own that is kept.
    #[serde(default)]
    self_signed: bool,
    /// The folder that the authority is kept in.
    ca_dir: Option<PathBuf>,
    /// More names and addresses that clients call the server by; for `self_signed`.
    #[serde(default)]
    names: Vec<String>,
}

impl TryFrom<Written> for TlsConfig {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, &'static str> {
        match written {
            Written { cert_file: None, key_file: None, self_signed: true, ca_dir, names } => {
                Ok(Self::SelfSigned { ca_dir, names })
            }
            Written {
                cert_file: Some(cert_file),
                key_file: Some(key_file),
                self_signed: false,
                ca_dir: None,
                names,
            } if names.is_empty() => Ok(Self::Files { cert_file, key_file }),
            Written { self_signed: true, .. } => Err("expected `cert_file` and `key_file`, or `self_signed`, not both"),
            Written { cert_file: Some(_), key_file: Some(_), .. } => {
                Err("`ca_dir` and `names` go with `self_signed` only")
            }
            Written { cert_file: Some(_), .. } => Err("`key_file` is missing: the private key of the certificate"),
            Written { key_file: Some(_), .. } => Err("`cert_file` is missing: the certificate of the private key"),
            Written { .. } => Err("expected `cert_file` and `key_file`, or `self_signed: true`"),
        }
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for TlsConfig {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TlsConfig".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Written::json_schema(generator)
    }
}
