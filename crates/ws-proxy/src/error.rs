//! What can go wrong between us and an upstream.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use ws_wire::WireError;

/// Why an upstream, or the way to it, does not work. Its text names the upstream without credentials and query.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// A text is no URL of an upstream.
    #[error("`{url}` is no upstream: {problem}; write ws://HOST:PORT/PATH or wss://HOST/PATH")]
    Url {
        /// The text, without what looks like credentials or a query.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The path of a rule cannot be matched.
    #[error("the rule for `{path}` cannot be used: {problem}")]
    Rule {
        /// The path as it is written.
        path: String,
        /// What is wrong with it.
        problem: ws_core::PathPatternError,
    },
    /// The pattern of a mocked message cannot be used.
    #[error("the mock for `{when}` cannot be used: {problem}")]
    Mock {
        /// The pattern as it is written.
        when: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A file of certificate authorities cannot be used.
    #[error("the CA file {} cannot be used: {problem}; it must hold certificates as PEM", file.display())]
    CaFile {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// TLS cannot be spoken at all.
    #[error("{url} needs TLS: {problem}")]
    NoTls {
        /// The upstream.
        url: String,
        /// Why not.
        problem: String,
    },
    /// The upstream cannot be reached.
    #[error("cannot connect to the upstream {url}: {source}; is it running?")]
    Connect {
        /// The upstream.
        url: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// The upstream did not answer in time.
    #[error("no connection to the upstream {url} within {after:?}; is it running, and does it speak WebSocket there?")]
    TimedOut {
        /// The upstream.
        url: String,
        /// How long it was tried.
        after: Duration,
    },
    /// The TLS handshake failed.
    #[error("no TLS with the upstream {url}: {problem}; if its certificate is its own, name its CA file (tls.ca_file)")]
    Tls {
        /// The upstream.
        url: String,
        /// What is wrong.
        problem: String,
    },
    /// The upstream refused the handshake with an HTTP response.
    #[error("the upstream {url} refused the handshake with HTTP {}", refusal.status)]
    Refused {
        /// The upstream.
        url: String,
        /// Its response.
        refusal: Box<UpstreamRefusal>,
    },
    /// What the upstream answered is no WebSocket handshake.
    #[error("the upstream {url} did not answer as a WebSocket server: {problem}")]
    Handshake {
        /// The upstream.
        url: String,
        /// What is wrong with its answer.
        problem: String,
    },
    /// An open connection failed.
    #[error("the upstream {url} failed: {source}")]
    Failed {
        /// The upstream.
        url: String,
        /// What happened on the wire.
        source: WireError,
    },
    /// The upstream was gone without a Close frame.
    #[error("the upstream {url} was gone without a Close frame")]
    Lost {
        /// The upstream.
        url: String,
    },
    /// The upstream does not read.
    #[error("the upstream {url} took nothing for {after:?}")]
    Stalled {
        /// The upstream.
        url: String,
        /// How long it took nothing.
        after: Duration,
    },
    /// A control frame may not be sent as it is.
    #[error("{problem}")]
    Frame {
        /// What is wrong with it.
        problem: String,
    },
    /// The connection has ended or is closing.
    #[error("the connection to the upstream {url} has ended")]
    Ended {
        /// The upstream.
        url: String,
    },
}

impl ProxyError {
    /// Whether the same may work a moment later.
    pub(crate) fn may_pass(&self) -> bool {
        // Lost: behind an open port nobody speaks yet, as when a server starts behind a balancer.
        matches!(self, Self::Connect { .. } | Self::Lost { .. })
    }
}

/// The HTTP response with which an upstream refused a handshake.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct UpstreamRefusal {
    /// Its status.
    pub status: StatusCode,
    /// Its headers, but for those of the connection itself.
    pub headers: HeaderMap,
    /// Its body, of 64 KiB at most.
    pub body: Bytes,
}
