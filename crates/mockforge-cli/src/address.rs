//! Addresses as people type them.

use std::net::{IpAddr, ToSocketAddrs};

use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// An address to listen on: its digits, or a name such as `localhost`, of which IPv4 is preferred.
pub(crate) fn host(text: &str) -> Result<IpAddr, String> {
    if let Ok(address) = text.trim_start_matches('[').trim_end_matches(']').parse() {
        return Ok(address);
    }
    let unknown = |reason: String| format!("expected an IP address or a name that this machine knows{reason}");
    let found = (text, 0).to_socket_addrs().map_err(|error| unknown(format!(": {error}")))?;
    found.map(|address| address.ip()).min_by_key(IpAddr::is_ipv6).ok_or_else(|| unknown(String::new()))
}

/// A port to listen on.
pub(crate) fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| "expected a port, 0 to 65535".to_owned())
}

/// Where to connect. `3001` and `:3001` are ports of this machine; without a scheme it is `ws://`.
pub(crate) fn server(text: &str) -> Result<String, String> {
    let expected = || "expected an address such as ws://127.0.0.1:3001/ws, or a port such as 3001".to_owned();
    let url = match text.strip_prefix(':').unwrap_or(text).parse::<u16>() {
        Ok(port) => format!("ws://127.0.0.1:{port}/ws"),
        Err(_) if text.starts_with(':') => return Err(expected()),
        Err(_) if text.contains("://") => text.to_owned(),
        Err(_) => format!("ws://{text}"),
    };
    if !url.starts_with("ws://") && !url.starts_with("wss://") {
        let meant = url.strip_prefix("http").filter(|rest| rest.starts_with("://") || rest.starts_with("s://"));
        let tip = meant.map(|rest| format!(", such as ws{rest}")).unwrap_or_default();
        return Err(format!("addresses begin with ws:// or wss://{tip}"));
    }
    url.as_str().into_client_request().map_err(|_| expected())?;
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_of_this_machine() {
        for (text, expected) in [
            ("3002", "ws://127.0.0.1:3002/ws"),
            (":3001", "ws://127.0.0.1:3001/ws"),
            ("localhost:3001/ws/chat", "ws://localhost:3001/ws/chat"),
            ("ws://[::1]:3001/ws", "ws://[::1]:3001/ws"),
            ("wss://localhost:3001/ws", "wss://localhost:3001/ws"),
        ] {
            assert_eq!(server(text).as_deref(), Ok(expected));
        }
        for (text, meant) in [("http://a:1/ws", "such as ws://a:1/ws"), ("https://a/", "such as wss://a/")] {
            let error = server(text).unwrap_err();
            assert!(error.ends_with(meant), "{error}");
        }
        for text in ["httpx://127.0.0.1/", ":99999", "", "ws://", "ws://a b/"] {
            assert!(server(text).is_err(), "{text}: {:?}", server(text));
        }
    }

    #[test]
    fn hosts_have_digits_or_names() {
        for (text, expected) in [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("[::]", "::"), ("localhost", "127.0.0.1")]
        {
            assert_eq!(host(text).map(|ip| ip.to_string()).as_deref(), Ok(expected), "{text}");
        }
        let error = host("no such name").unwrap_err();
        assert!(error.starts_with("expected an IP address or a name"), "{error}");
    }
}
