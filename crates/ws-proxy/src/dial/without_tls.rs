//! What stands in for TLS where it was left out: it says so.

use tokio::net::TcpStream;

use super::UpstreamStream;
use crate::url::UpstreamUrl;
use crate::{ProxyError, UpstreamTls};

/// No TLS.
pub(super) struct Tls;

impl Tls {
    pub(super) fn new(_: &UpstreamTls) -> Result<Self, ProxyError> {
        Ok(Self)
    }

    pub(super) async fn connect(&self, _: TcpStream, url: &UpstreamUrl) -> Result<UpstreamStream, ProxyError> {
        let problem = "this program was built without the feature `tls` of ws-proxy".to_owned();
        Err(ProxyError::NoTls { url: url.to_string(), problem })
    }
}
