//! How a proxy is set up.

mod written;

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::{ProxyRule, TransformFn};

/// How a proxy is set up.
///
/// ```
/// use ws_proxy::{ProxyRule, WsProxyConfig};
///
/// let config = WsProxyConfig {
///     upstream_url: "wss://api.example.com/ws".to_string(),
///     rules: vec![ProxyRule::local("/ws/mocked/**")],
///     ..Default::default()
/// };
/// assert!(config.should_proxy("/ws/users/7"));
/// assert!(!config.should_proxy("/ws/mocked/chat"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WsProxyConfig {
    /// The real server, `ws://` or `wss://`. What stands behind `/ws` in a client's path is appended to its path, the client's
    /// query to its query. `user:password@` becomes a header `Authorization`, unless the client sends its own.
    pub upstream_url: String,
    /// Whether paths that no rule fits go to the upstream.
    pub should_proxy: bool,
    /// What becomes of messages on their way; not in files.
    #[serde(skip)]
    pub message_transform: Option<TransformFn>,
    /// How many connections are kept ready for each upstream and kind of handshake; 0 by default.
    ///
    /// A connection that is ready was opened with the headers of an earlier client, and is given only to one whose headers
    /// are all the same. An upstream that greets has greeted it when it was opened.
    pub connection_pool_size: usize,
    /// How often a connection is tried again, within [`connect_timeout`](Self::connect_timeout); 3 by default.
    pub retry_attempts: u32,
    /// Rules for single paths; the first that fits decides.
    pub rules: Vec<ProxyRule>,
    /// Messages of clients that are answered here.
    pub mocks: Vec<ProxyMock>,
    /// What happens to clients while the upstream is down.
    pub fallback: Fallback,
    /// Whether the upstream remembers nothing of a connection, so that one client's can be given to the next.
    ///
    /// Then of the clients' headers only `Origin` goes up, and a client's Close frame does not.
    pub stateless: bool,
    /// How long it may take until a connection is there, all attempts together; 5 seconds by default.
    #[serde(deserialize_with = "written::duration")]
    #[cfg_attr(feature = "schema", schemars(with = "written::DurationSchema"))]
    pub connect_timeout: Duration,
    /// How long an unused connection is kept ready; 60 seconds by default.
    #[serde(deserialize_with = "written::duration")]
    #[cfg_attr(feature = "schema", schemars(with = "written::DurationSchema"))]
    pub idle_timeout: Duration,
    /// Whom to trust at `wss://`.
    pub tls: UpstreamTls,
    /// The largest message in bytes that is taken from the upstream; 16 MiB by default.
    #[serde(deserialize_with = "written::size")]
    #[cfg_attr(feature = "schema", schemars(with = "written::SizeSchema"))]
    pub max_message_size: usize,
}

impl Default for WsProxyConfig {
    fn default() -> Self {
        Self {
            upstream_url: String::new(),
            should_proxy: true,
            message_transform: None,
            connection_pool_size: 0,
            retry_attempts: 3,
            rules: Vec::new(),
            mocks: Vec::new(),
            fallback: Fallback::Refuse,
            stateless: false,
            connect_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(60),
            tls: UpstreamTls::default(),
            max_message_size: 16 * 1024 * 1024,
        }
    }
}

impl WsProxyConfig {
    /// Whether connections of `path`, e.g. `/ws/users/7`, go to the upstream: the first rule that fits decides, otherwise the
    /// field of the same name.
    #[must_use]
    pub fn should_proxy(&self, path: &str) -> bool {
        self.rules.iter().find(|rule| rule.fits(path)).map_or(self.should_proxy, |rule| rule.proxy)
    }
}

/// A message of a client that is answered here and does not go up.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProxyMock {
    /// What the text looks like, as `waitFor` in replay files: JSONPath if it begins with `$.` or `$[`, otherwise a regular
    /// expression.
    pub when: String,
    /// The texts that the client gets instead; none drops the message.
    #[serde(default)]
    pub answer: Vec<String>,
}

/// What happens to clients while the upstream is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Fallback {
    /// A handshake is refused with HTTP 502. A connection whose upstream is lost is closed with code 1014.
    #[default]
    Refuse,
    /// Local handlers answer new connections. One whose upstream is lost is closed with code 1014 all the same: nobody
    /// can go on in its place.
    Local,
}

/// Whom to trust at `wss://`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UpstreamTls {
    /// A PEM file of authorities to trust beside those of the system.
    pub ca_file: Option<PathBuf>,
    /// Trusts everybody. Only for tests: whoever sits between reads and changes everything.
    pub insecure: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Y07.
    #[test]
    fn the_first_rule_that_fits_decides_otherwise_the_field() {
        let rules =
            vec![ProxyRule::local("/ws/users/me"), ProxyRule::proxy("/ws/users/*"), ProxyRule::local("/ws/old/**")];
        for should_proxy in [true, false] {
            let config = WsProxyConfig { should_proxy, rules: rules.clone(), ..Default::default() };
            assert!(config.should_proxy("/ws/users/7"));
            assert!(!config.should_proxy("/ws/users/me"));
            assert!(!config.should_proxy("/ws/old"));
            assert!(!config.should_proxy("/ws/old/a/b"));
            assert_eq!(config.should_proxy("/ws/users/7/x"), should_proxy);
            assert_eq!(config.should_proxy("/ws"), should_proxy);
        }
    }

    #[test]
    fn a_file_sets_all_fields() {
        let json = serde_json::json!({
            "upstream_url": "ws://h", "should_proxy": false, "connection_pool_size": 2, "retry_attempts": 5,
            "rules": [{"path": "/ws/a/*"}, {"path": "/ws/b", "proxy": false, "upstream_url": "ws://b"}],
            "mocks": [{"when": "$.type:\"ping\"", "answer": ["{}"]}],
            "fallback": "local", "stateless": true, "connect_timeout": "1500ms", "idle_timeout": 0,
            "tls": {"ca_file": "ca.pem", "insecure": true}, "max_message_size": "64KiB",
        });
        let config: WsProxyConfig = serde_json::from_value(json).unwrap();
        let expected = WsProxyConfig {
            upstream_url: "ws://h".into(),
            should_proxy: false,
            message_transform: None,
            connection_pool_size: 2,
            retry_attempts: 5,
            rules: vec![ProxyRule::proxy("/ws/a/*"), ProxyRule::local("/ws/b").upstream("ws://b")],
            mocks: vec![ProxyMock { when: "$.type:\"ping\"".into(), answer: vec!["{}".into()] }],
            fallback: Fallback::Local,
            stateless: true,
            connect_timeout: Duration::from_millis(1500),
            idle_timeout: Duration::ZERO,
            tls: UpstreamTls { ca_file: Some("ca.pem".into()), insecure: true },
            max_message_size: 64 * 1024,
        };
        assert_eq!(config, expected);
    }

    #[test]
    fn mistakes_in_a_file_are_errors() {
        for wrong in [
            r#"{"upstream": "ws://h"}"#,
            r#"{"connect_timeout": "soon"}"#,
            r#"{"connect_timeout": 5}"#,
            r#"{"max_message_size": "many"}"#,
            r#"{"rules": [{"path": "/ws", "prox": true}]}"#,
            r#"{"mocks": [{"answer": []}]}"#,
            r#"{"fallback": "replay"}"#,
            r#"{"message_transform": null}"#,
        ] {
            assert!(serde_json::from_str::<WsProxyConfig>(wrong).is_err(), "{wrong}");
        }
    }
}
