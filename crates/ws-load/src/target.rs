//! Where to connect.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;

use http::Uri;

/// The address of a WebSocket server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    written: String,
    authority: String,
    host: String,
    port: u16,
    path: String,
    is_encrypted: bool,
}

impl Target {
    /// Whether it is `wss://`.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// As a `Host` header has it.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// The path with its query.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Looks its addresses up, once: a name server is not what is measured.
    pub(crate) fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        let addresses: Vec<_> = (self.host.as_str(), self.port).to_socket_addrs()?.collect();
        if addresses.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
        }
        Ok(addresses)
    }
}

impl FromStr for Target {
    type Err = String;

    /// `ws://HOST[:PORT][/PATH]` or `wss://...`.
    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("expected an address such as ws://127.0.0.1:3001/ws, not `{text}`");
        let uri: Uri = text.parse().map_err(|_| expected())?;
        let is_encrypted = match uri.scheme_str() {
            Some("ws") => false,
            Some("wss") => true,
            _ => return Err(expected()),
        };
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or_else(expected)?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(expected());
        }
        Ok(Self {
            written: text.to_owned(),
            authority: authority.as_str().to_owned(),
            host: host.to_owned(),
            port: authority.port_u16().unwrap_or(if is_encrypted { 443 } else { 80 }),
            path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
            is_encrypted,
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        for (text, host, port, path) in [
            ("ws://localhost", "localhost", 80, "/"),
            ("wss://example.test/ws?a=b", "example.test", 443, "/ws?a=b"),
            ("ws://[::1]:3001/ws", "::1", 3001, "/ws"),
        ] {
            let target: Target = text.parse().unwrap();
            assert_eq!((target.host(), target.port, target.path()), (host, port, path));
            assert_eq!(target.to_string(), text);
        }
        for wrong in ["", "localhost:1", "http://localhost", "ws://", "ws://u:p@localhost", "ws://a b"] {
            assert!(wrong.parse::<Target>().unwrap_err().starts_with("expected"), "{wrong}");
        }
    }
}
