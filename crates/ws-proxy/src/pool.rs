//! Connections to upstreams that are there before they are needed.
//!
//! A connection is given to one client only, and only to one whose handshake is the same in every header. Where the
//! configuration says that an upstream is stateless, one that a client has left goes to the next.

mod connection;
mod shelf;

use std::sync::Arc;

pub use self::connection::UpstreamConnection;
pub(crate) use self::shelf::{Lease, Pool};
use crate::dial::Request;
use crate::url::UpstreamUrl;
use crate::{ProxyError, WsProxyConfig};

/// Connections to upstreams, for who speaks to them without a client.
///
/// Up to `connection_pool_size` connections are kept ready for each URL that was asked for; one that has been unused for
/// `idle_timeout`, or that the upstream closed, is dropped. Pings of the upstream are answered meanwhile. When the pool is dropped,
/// what it keeps is, too.
///
/// ```no_run
/// # async fn example() -> Result<(), ws_proxy::ProxyError> {
/// use ws_core::Message;
/// use ws_proxy::{UpstreamPool, WsProxyConfig};
///
/// let pool = UpstreamPool::new(&WsProxyConfig { connection_pool_size: 2, ..Default::default() })?;
/// let connection = pool.get_connection("ws://127.0.0.1:9000/feed").await?;
/// connection.forward_message(Message::text("hello")).await?;
/// let answer = connection.next().await?;
/// # drop(answer);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct UpstreamPool {
    pool: Arc<Pool>,
}

impl UpstreamPool {
    /// A pool. Of `config` it uses what is said of connections: `connection_pool_size`, `stateless`, `retry_attempts`,
    /// `connect_timeout`, `idle_timeout`, `tls` and `max_message_size`.
    ///
    /// # Errors
    /// [`ProxyError::CaFile`] if there is one and it cannot be used.
    pub fn new(config: &WsProxyConfig) -> Result<Self, ProxyError> {
        Ok(Self { pool: Pool::new(config)? })
    }

    /// A connection to `upstream_url`: one that is ready, or a new one.
    ///
    /// # Errors
    /// [`ProxyError`] says why there is none.
    pub async fn get_connection(&self, upstream_url: impl AsRef<str>) -> Result<UpstreamConnection, ProxyError> {
        let url = Arc::new(UpstreamUrl::parse(upstream_url.as_ref())?);
        let request = Request { url, headers: Default::default(), subprotocols: None };
        let dialled = self.pool.connect(&request).await?;
        Ok(UpstreamConnection::new(dialled.upstream, dialled.answer.subprotocol))
    }
}
