//! A server whose upstream is itself would open connections until it may have no more.

use std::net::{IpAddr, SocketAddr};

use http::Uri;

use crate::{PathMode, ServerError, WsConfig};

/// Refuses a configuration with which connections lead back to the server, which listens at `address`.
pub(crate) fn refuse(config: &WsConfig, address: SocketAddr) -> Result<(), ServerError> {
    let of_paths = config.paths.iter().filter_map(|path| match &path.mode {
        Some(PathMode::Proxy(upstream)) => Some(("paths", &upstream.upstream_url)),
        _ => None,
    });
    let everywhere = config.proxy_config.iter().map(|upstream| ("proxy_config", &upstream.upstream_url));
    match everywhere.chain(of_paths).find(|(_, url)| leads_to(url, address)) {
        Some((field, url)) => {
            let problem = format!("the upstream {url} is this server itself");
            Err(ServerError::Config { field, problem })
        }
        None => Ok(()),
    }
}

/// Whether who connects to `url` comes to `address`, as far as the URL alone says so.
fn leads_to(url: &str, address: SocketAddr) -> bool {
    let Ok(url) = url.parse::<Uri>() else { return false };
    let Some(host) = url.host() else { return false };
    let ip = if host == "localhost" { Some(address.ip()) } else { host.trim_matches(['[', ']']).parse().ok() };
    let is_here = |ip: IpAddr| ip == address.ip() || (address.ip().is_unspecified() && ip.is_loopback());
    url.port_u16() == Some(address.port()) && ip.is_some_and(is_here)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_knows_itself() {
        for (url, address, expected) in [
            ("ws://127.0.0.1:3001/ws", "127.0.0.1:3001", true),
            ("ws://localhost:3001", "127.0.0.1:3001", true),
            ("ws://[::1]:3001/ws", "[::1]:3001", true),
            ("ws://127.0.0.1:3001/ws", "0.0.0.0:3001", true),
            ("ws://127.0.0.1:4000/ws", "127.0.0.1:3001", false),
            ("ws://127.0.0.2:3001/ws", "127.0.0.1:3001", false),
            ("wss://example.com/ws", "127.0.0.1:3001", false),
        ] {
            assert_eq!(leads_to(url, address.parse().unwrap()), expected, "{url} {address}");
        }
    }
}
