//! Ways to an upstream: TCP, TLS, the opening handshake, and what to do when one does not work at once.

mod handshake;
mod stream;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
mod without_tls;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use http::{HeaderMap, HeaderValue};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tracing::debug;
use ws_wire::{Wire, WireOptions};

pub(crate) use self::stream::UpstreamStream;
#[cfg(feature = "tls")]
use self::tls::Tls;
#[cfg(not(feature = "tls"))]
use self::without_tls::Tls;
use crate::upstream::Upstream;
use crate::url::UpstreamUrl;
use crate::{ProxyError, UpstreamTls, WsProxyConfig};

/// How long to wait before the second attempt, without jitter; each further one waits twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause between two attempts, without jitter.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What is asked of an upstream.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) url: Arc<UpstreamUrl>,
    pub(crate) headers: HeaderMap,
    /// The header with which subprotocols are offered, if some are.
    pub(crate) subprotocols: Option<HeaderValue>,
}

/// What an upstream answered when it accepted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub(crate) subprotocol: Option<String>,
    /// Its end-to-end headers.
    pub(crate) headers: HeaderMap,
}

/// A new connection, and what the upstream said when it accepted.
pub(crate) struct Dialled {
    pub(crate) upstream: Upstream,
    pub(crate) answer: Answer,
}

/// Opens connections to upstreams.
pub(crate) struct Dialer {
    retry_attempts: u32,
    connect_timeout: Duration,
    max_message_size: usize,
    tls: Tls,
}

impl Dialer {
    /// # Errors
    /// If the CA file cannot be read.
    pub(crate) fn new(config: &WsProxyConfig) -> Result<Self, ProxyError> {
        Self::with(config.retry_attempts, config.connect_timeout, config.max_message_size, &config.tls)
    }

    /// # Errors
    /// If the CA file cannot be read.
    pub(crate) fn with(
        retry_attempts: u32,
        connect_timeout: Duration,
        max_message_size: usize,
        tls: &UpstreamTls,
    ) -> Result<Self, ProxyError> {
        Ok(Self { retry_attempts, connect_timeout, max_message_size, tls: Tls::new(tls)? })
    }

    /// Opens a connection, if need be in several attempts, within the time that all of them have together.
    pub(crate) async fn dial(&self, request: &Request) -> Result<Dialled, ProxyError> {
        let mut last = None;
        let attempts = async {
            let mut pauses = ExponentialBuilder::default()
                .with_min_delay(FIRST_PAUSE)
                .with_max_delay(LONGEST_PAUSE)
                .with_max_times(self.retry_attempts as usize)
                .with_jitter()
                .build();
            loop {
                let error = match self.dial_once(request).await {
                    Err(error) if error.may_pass() => error,
                    done => return done,
                };
                let Some(pause) = pauses.next() else { return Err(error) };
                debug!("{error}; trying again in {pause:?}");
                last = Some(error);
                sleep(pause).await;
            }
        };
        let attempted = timeout(self.connect_timeout, attempts).await;
        attempted.unwrap_or_else(|_| {
            Err(last
                .unwrap_or_else(|| ProxyError::TimedOut { url: request.url.to_string(), after: self.connect_timeout }))
        })
    }

    async fn dial_once(&self, request: &Request) -> Result<Dialled, ProxyError> {
        let url = &*request.url;
        let failed = |source: io::Error| ProxyError::Connect { url: url.to_string(), source };
        let socket = TcpStream::connect((&*url.host, url.port)).await.map_err(failed)?;
        // Small messages leave at once.
        socket.set_nodelay(true).map_err(failed)?;
        let stream = if url.tls { self.tls.connect(socket, url).await? } else { UpstreamStream::tcp(socket) };
        let opened = handshake::open(stream, request).await?;
        // Pings and pongs go through, or the owner of the connection answers.
        let options = WireOptions { max_message_size: self.max_message_size, auto_pong: false };
        let wire = Wire::client(opened.stream, opened.read, options);
        Ok(Dialled { upstream: Upstream::new(wire, Arc::clone(&request.url)), answer: opened.answer })
    }
}
