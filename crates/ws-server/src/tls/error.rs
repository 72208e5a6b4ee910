//! Why a server has no certificate to show.

use std::io;
use std::path::PathBuf;

/// Why TLS could not be set up. Each names the file and says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// TLS was asked for and is not built in.
    #[error("this program was built without TLS: build it with the feature `tls`")]
    NotBuilt,
    /// A file or folder cannot be read or written.
    #[error("{}: {problem}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was not possible, and where to look.
        problem: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// A file holds something else than it should.
    #[error("{}: {problem}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// The private key belongs to another certificate.
    #[error(
        "{}: is not the private key of the certificate in {}; give the two that were made together",
        key_file.display(), cert_file.display()
    )]
    Mismatch {
        /// The certificate's file.
        cert_file: PathBuf,
        /// The key's file.
        key_file: PathBuf,
    },
    /// A name that a certificate cannot be made for.
    #[error("`{0}` is neither a host name nor an address: no certificate can be made for it")]
    Name(String),
    /// There is no home directory to keep the authority in.
    #[error("no folder to keep the certificate authority in: HOME is not set; name one in MOCKFORGE_WS_TLS_DIR")]
    NoFolder,
}

#[cfg(feature = "tls")]
impl TlsError {
    pub(super) fn reading(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Io { path: path.into(), problem: "cannot be read", source }
    }

    pub(super) fn content(path: impl Into<PathBuf>, problem: impl Into<String>) -> Self {
        Self::Content { path: path.into(), problem: problem.into() }
    }
}
