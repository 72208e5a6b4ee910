//! Where an upstream is, and what of a client's URL goes there.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Uri};
use percent_encoding::percent_decode_str;

use crate::ProxyError;

/// The URL of an upstream, read once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UpstreamUrl {
    pub(crate) tls: bool,
    /// Without the brackets of an IPv6 address.
    pub(crate) host: String,
    pub(crate) port: u16,
    authority: String,
    path: String,
    query: Option<String>,
    /// What `user:password@` stands for in a request.
    pub(crate) credentials: Option<HeaderValue>,
}

/// A client's path would climb out of the upstream's.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Climbs;

impl UpstreamUrl {
    pub(crate) fn parse(text: &str) -> Result<Self, ProxyError> {
        let wrong = |problem: &str| ProxyError::Url { url: without_secrets(text), problem: problem.to_owned() };
        let uri: Uri = text.parse().map_err(|error: http::uri::InvalidUri| wrong(&error.to_string()))?;
        let tls = match uri.scheme_str() {
            Some("ws") => false,
            Some("wss") => true,
            _ => return Err(wrong("it begins neither with ws:// nor with wss://")),
        };
        let (Some(authority), Some(host)) = (uri.authority(), uri.host().filter(|host| !host.is_empty())) else {
            return Err(wrong("it names no host"));
        };
        let default_port = if tls { 443 } else { 80 };
        let port = uri.port_u16().unwrap_or(default_port);
        let (credentials, authority) = match authority.as_str().rsplit_once('@') {
            Some((credentials, authority)) => (Some(basic(credentials)), authority),
            None => (None, authority.as_str()),
        };
        let authority = authority.strip_suffix(':').unwrap_or(authority);
        Ok(Self {
            tls,
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            authority: authority.to_owned(),
            path: uri.path().to_owned(),
            query: uri.query().map(str::to_owned),
            credentials: credentials.flatten(),
        })
    }

    /// The value of the header `Host`.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// Path and query for the request line.
    pub(crate) fn target(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }

    /// Where a client that asked us for `target` is taken: what stands behind `/ws` is appended to our path, its query to
    /// our query.
    pub(crate) fn behind(&self, target: &str) -> Result<Self, Climbs> {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        let rest = match path.strip_prefix("/ws") {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => rest,
            _ => path,
        };
        if rest.split('/').any(is_dots) {
            return Err(Climbs);
        }
        let mut joined = self.clone();
        if !rest.is_empty() {
            joined.path = format!("{}{rest}", self.path.trim_end_matches('/'));
        }
        joined.query = match (&self.query, query) {
            (Some(ours), Some(theirs)) => Some(format!("{ours}&{theirs}")),
            (ours, theirs) => theirs.map(str::to_owned).or_else(|| ours.clone()),
        };
        Ok(joined)
    }
}

/// Whether a segment, however it is written, is `.` or `..`.
fn is_dots(segment: &str) -> bool {
    let decoded = percent_decode_str(segment).decode_utf8_lossy();
    // A server may take an encoded slash or a backslash for a separator.
    decoded.split(['/', '\\']).any(|part| part == "." || part == "..")
}

fn basic(credentials: &str) -> Option<HeaderValue> {
    let decoded: Vec<u8> = percent_decode_str(credentials).collect();
    let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(decoded))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// What may be shown of a text that is no URL.
fn without_secrets(text: &str) -> String {
    let text = text.split(['?', '#']).next().unwrap_or_default();
    match (text.split_once("://"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://{rest}"),
        (None, Some((_, rest))) => rest.to_owned(),
        _ => text.to_owned(),
    }
}

/// Without credentials and query: they are secrets.
impl fmt::Display for UpstreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", if self.tls { "wss" } else { "ws" }, self.authority, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behind(url: &str, target: &str) -> Result<String, Climbs> {
        UpstreamUrl::parse(url).unwrap().behind(target).map(|url| format!("{url}>{}", url.target()))
    }

    #[test]
    fn a_client_is_taken_behind_the_path_of_the_upstream() {
        for (url, target, expected) in [
            ("ws://h", "/ws", "ws://h/>/"),
            ("ws://h/feed", "/ws", "ws://h/feed>/feed"),
            ("ws://h/feed/", "/ws", "ws://h/feed/>/feed/"),
            ("ws://h/feed", "/ws/", "ws://h/feed/>/feed/"),
            ("ws://h/feed/", "/ws/a%20b/c", "ws://h/feed/a%20b/c>/feed/a%20b/c"),
            ("ws://h", "/ws/a?x=%2F", "ws://h/a>/a?x=%2F"),
            ("ws://h?key=1", "/ws?x=2", "ws://h/>/?key=1&x=2"),
            ("ws://h?key=1", "/ws", "ws://h/>/?key=1"),
            ("ws://h/feed", "/wsx", "ws://h/feed/wsx>/feed/wsx"),
            ("ws://h/feed", "/other", "ws://h/feed/other>/feed/other"),
        ] {
            assert_eq!(behind(url, target).as_deref(), Ok(expected), "{url} {target}");
        }
    }

    #[test]
    fn nobody_climbs_out_of_the_path_of_the_upstream() {
        for target in ["/ws/..", "/ws/../x", "/ws/%2e%2E/x", "/ws/a/.", "/ws/..%2fx", "/ws/..%5cx", "/ws/.%2e?x"] {
            assert_eq!(behind("ws://h/feed", target), Err(Climbs), "{target}");
        }
        assert!(behind("ws://h", "/ws/a..b/...?x=../").is_ok());
    }

    #[test]
    fn hosts_ports_and_credentials_are_found() {
        let url = UpstreamUrl::parse("wss://ann:s%3Acret@[::1]:8443/a?token=SECRET").unwrap();
        assert_eq!((url.tls, &*url.host, url.port, url.authority()), (true, "::1", 8443, "[::1]:8443"));
        assert_eq!(url.credentials.clone().unwrap(), "Basic YW5uOnM6Y3JldA==");
        assert_eq!(url.to_string(), "wss://[::1]:8443/a");
        assert_eq!(UpstreamUrl::parse("ws://h").unwrap().port, 80);
        assert_eq!(UpstreamUrl::parse("wss://h").unwrap().port, 443);
        assert!(!format!("{url:?}").contains("YW5u"), "{url:?}");
    }

    #[test]
    fn what_is_no_upstream_is_named_without_its_secrets() {
        for text in
            ["", "h:9", "http://ann:SECRET@h/x?token=SECRET", "ws://", "ws:///x", "ws://a b?SECRET", "ann:SECRET@h"]
        {
            let error = UpstreamUrl::parse(text).unwrap_err().to_string();
            assert!(error.contains("ws://HOST:PORT/PATH") && !error.contains("SECRET"), "{error}");
        }
    }
}
