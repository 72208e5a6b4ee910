//! How a server is set up.

mod admin;
mod ai;
mod journal;
mod path;
mod scripts;
mod written;

use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use http::header;
use serde::Deserialize;
use ws_ai::WebSocketAiConfig;
use ws_conditions::{Conditions, RateLimit};
use ws_core::{Handshake, QueueLimits, WhenFull};
use ws_proxy::WsProxyConfig;
use ws_replay::{RecordOptions, Redaction, Speed, TemplateClock};

pub use self::admin::AdminConfig;
pub use self::journal::JournalConfig;
pub use self::path::{PathConfig, PathMode};
pub use self::scripts::{OnScriptError, ScriptsConfig};
pub use self::written::{parse_duration, parse_rate, parse_size};
use crate::{ServerError, TlsConfig};

/// What happens to open connections when the handlers are exchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ReloadPolicy {
    /// They stay open: their next message goes to the new handlers.
    #[default]
    Keep,
    /// They are closed with code 1012.
    Close,
}

/// Which subprotocol a connection gets from those that its client offers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Subprotocols {
    /// The first that is offered: a mock lets clients in.
    #[default]
    FirstOffered,
    /// The first offered that is among these; none, if there is no such.
    Among(Vec<String>),
    /// The first offered that is among these; HTTP 400, if some are offered and none fits.
    Require(Vec<String>),
}

/// How a server is set up. Every field acts.
///
/// In files, fields are written as they are called here, durations as [`parse_duration`] and sizes as [`parse_size`] read
/// them; what is left out has its default.
///
/// ```
/// use std::time::Duration;
/// use ws_server::WsConfig;
///
/// let config = WsConfig { port: 0, heartbeat_interval: Duration::from_secs(5), ..Default::default() };
/// assert_eq!(config.max_connections, 10_000);
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(title = "websocket"))]
pub struct WsConfig {
    /// The address to listen on; the loopback address by default.
    #[serde(deserialize_with = "written::host")]
    #[cfg_attr(feature = "schema", schemars(with = "written::HostSchema"))]
    pub host: IpAddr,
    /// The port to listen on, 3001 by default; 0 takes a free one.
    pub port: u16,
    /// The most connections at once, 1 or more; one more is refused with HTTP 503.
    #[serde(deserialize_with = "written::at_least_one")]
    #[cfg_attr(feature = "schema", schemars(with = "written::AtLeastOneSchema"))]
    pub max_connections: usize,
    /// The largest message in bytes that is taken, 1 or more; a larger one closes the connection with code 1009.
    #[serde(deserialize_with = "written::size")]
    #[cfg_attr(feature = "schema", schemars(with = "written::SizeSchema"))]
    pub max_message_size: usize,
    /// How often clients are pinged. One that has sent nothing by the next ping is closed. Zero switches it off.
    #[serde(deserialize_with = "written::duration")]
    #[cfg_attr(feature = "schema", schemars(with = "written::DurationSchema"))]
    pub heartbeat_interval: Duration,
    /// The replay script that every connection plays.
    pub replay_file: Option<PathBuf>,
    /// The rules by which messages are answered. Beside a script of [`replay_file`](Self::replay_file) they answer what it
    /// does not wait for; the real server of [`proxy_config`](Self::proxy_config) gets what no rule takes.
    pub rules_file: Option<PathBuf>,
    /// Handlers in JavaScript. They run behind those that are registered, and before all that follows.
    pub scripts: Option<ScriptsConfig>,
    /// How fast replay scripts are played: 1 is as they are written.
    #[serde(deserialize_with = "written::speed")]
    #[cfg_attr(feature = "schema", schemars(with = "written::SpeedSchema"))]
    pub speed: Speed,
    /// The real server behind this one. A script of [`replay_file`](Self::replay_file) then plays while that is down, which
    /// needs `fallback: local`.
    pub proxy_config: Option<WsProxyConfig>,
    /// Events that follow a narrative, for every connection. Rules answer before them; a script of
    /// [`replay_file`](Self::replay_file) is enriched with them, at the points that they name.
    #[serde(deserialize_with = "written::ai")]
    pub ai_config: Option<WebSocketAiConfig>,
    /// Where all traffic is recorded.
    pub record: Option<RecordOptions>,
    /// What is kept of all traffic, to be asked for afterwards. It needs a restart to change.
    pub journal: JournalConfig,
    /// Whether templates in replay scripts are expanded.
    pub template_expand: bool,
    /// Makes all that is random repeat.
    pub seed: Option<u64>,
    /// The clock that templates read; see [`TemplateClock`]. By default, the real one, or a fixed start with a seed.
    #[serde(deserialize_with = "written::clock")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub clock: Option<TemplateClock>,
    /// Whether paths without a handler return each message unchanged instead of `echo: <text>`.
    pub raw_echo: bool,
    /// Which subprotocol a connection gets.
    pub subprotocols: Subprotocols,
    /// The origins that browsers may connect from, such as `http://localhost:5173`; with none, from anywhere. A client that
    /// sends no `Origin`, as those outside of browsers do, is let in.
    pub allowed_origins: Vec<String>,
    /// What the network does to connections. A path of [`paths`](Self::paths) may have its own.
    #[serde(deserialize_with = "written::conditions")]
    pub conditions: Option<Conditions>,
    /// How many messages a connection may send in a time.
    #[serde(deserialize_with = "written::rate_limit")]
    pub rate_limit: Option<RateLimit>,
    /// How many messages all connections together may send in a time.
    #[serde(deserialize_with = "written::rate_limit")]
    pub server_rate_limit: Option<RateLimit>,
    /// What happens to open connections when the handlers are exchanged.
    pub reload_policy: ReloadPolicy,
    /// How much may wait for a client that reads slowly.
    #[serde(deserialize_with = "written::outbound_queue")]
    #[cfg_attr(feature = "schema", schemars(with = "written::QueueLimitsSchema"))]
    pub outbound_queue: QueueLimits,
    /// What becomes of a client that reads too slowly when something is broadcast to it: it is cut (Close 1013), so that it
    /// knows that it missed something, or the message is skipped. It holds for the rooms that the server has by default.
    #[serde(deserialize_with = "written::when_full")]
    #[cfg_attr(feature = "schema", schemars(with = "written::SlowMemberSchema"))]
    pub slow_member: WhenFull,
    /// How much may wait for handlers that lag; when it is reached, reading stops.
    #[serde(deserialize_with = "written::inbound_queue")]
    #[cfg_attr(feature = "schema", schemars(with = "written::QueueLimitsSchema"))]
    pub inbound_queue: QueueLimits,
    /// How long the closing handshake may take.
    #[serde(deserialize_with = "written::duration")]
    #[cfg_attr(feature = "schema", schemars(with = "written::DurationSchema"))]
    pub close_timeout: Duration,
    /// TLS, and whose certificate is shown. By default there is none.
    pub tls: Option<TlsConfig>,
    /// How long a call of `on_connect` or `on_message` may take; a longer one closes the connection with code 1011.
    #[serde(deserialize_with = "written::time_limit")]
    #[cfg_attr(feature = "schema", schemars(with = "written::DurationSchema"))]
    pub handler_timeout: Option<Duration>,
    /// What is different on some paths. The first that fits a connection's path is its own.
    pub paths: Vec<PathConfig>,
    /// Who may ask the admin API, and for how long.
    pub admin: AdminConfig,
}

/// What waits for handlers by default.
const INBOUND_QUEUE: QueueLimits = QueueLimits { messages: 256, bytes: 1024 * 1024 };

impl Default for WsConfig {
    fn default() -> Self {
        Self {
            host: Ipv4Addr::LOCALHOST.into(),
            port: 3001,
            max_connections: 10_000,
            max_message_size: 16 * 1024 * 1024,
            heartbeat_interval: Duration::from_secs(30),
            replay_file: None,
            rules_file: None,
            scripts: None,
            speed: Speed::default(),
            proxy_config: None,
            ai_config: None,
            record: None,
            journal: JournalConfig::default(),
            template_expand: true,
            seed: None,
            clock: None,
            raw_echo: false,
            subprotocols: Subprotocols::FirstOffered,
            allowed_origins: Vec::new(),
            conditions: None,
            rate_limit: None,
            server_rate_limit: None,
            reload_policy: ReloadPolicy::Keep,
            outbound_queue: QueueLimits::default(),
            slow_member: WhenFull::Cut,
            inbound_queue: INBOUND_QUEUE,
            close_timeout: Duration::from_secs(5),
            tls: None,
            handler_timeout: None,
            paths: Vec::new(),
            admin: AdminConfig::default(),
        }
    }
}

impl WsConfig {
    /// How the server's addresses begin.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "wss" } else { "ws" }
    }

    /// What is told by nobody, neither by recordings nor by the journal.
    pub(crate) fn redactions(&self) -> &[Redaction] {
        self.record.as_ref().map_or(&[], |record| &record.redact)
    }

    /// Whether a client may connect from where it does.
    pub(crate) fn allows_origin(&self, handshake: &Handshake) -> bool {
        let Some(origin) = handshake.headers().get(header::ORIGIN).filter(|_| !self.allowed_origins.is_empty()) else {
            return true;
        };
        self.allowed_origins.iter().any(|allowed| origin.as_bytes().eq_ignore_ascii_case(allowed.as_bytes()))
    }

    /// The defaults, with what the environment says: `MOCKFORGE_WS_PORT`, `MOCKFORGE_WS_MAX_CONNECTIONS`,
    /// `MOCKFORGE_WS_MAX_MESSAGE_SIZE`, `MOCKFORGE_WS_HEARTBEAT_INTERVAL`, `MOCKFORGE_WS_REPLAY_FILE`,
    /// `MOCKFORGE_WS_RULES`, `MOCKFORGE_WS_HANDLERS`, `MOCKFORGE_WS_SPEED`, `MOCKFORGE_WS_SEED`, `MOCKFORGE_WS_CLOCK`,
    /// `MOCKFORGE_WS_AI` with `MOCKFORGE_WS_EVENTS` and `MOCKFORGE_WS_RATE`, and `MOCKFORGE_RESPONSE_TEMPLATE_EXPAND`. An
    /// empty one counts as not set.
    ///
    /// # Errors
    /// [`ServerError::Variable`] names a variable whose value cannot be read.
    pub fn from_env() -> Result<Self, ServerError> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    fn from_variables(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ServerError> {
        let mut config = Self::default();
        let read = |name: &'static str| lookup(name).filter(|value| !value.is_empty()).map(|value| (name, value));
        if let Some((name, value)) = read("MOCKFORGE_WS_PORT") {
            config.port = parse(name, &value)?;
        }
        if let Some((name, value)) = read("MOCKFORGE_WS_MAX_CONNECTIONS") {
            config.max_connections = at_least_one(name, &value)?;
        }
        if let Some((name, value)) = read("MOCKFORGE_WS_MAX_MESSAGE_SIZE") {
            config.max_message_size = at_least_one(name, &value)?;
        }
        if let Some((name, value)) = read("MOCKFORGE_WS_HEARTBEAT_INTERVAL") {
            config.heartbeat_interval = parse_duration(&value).map_err(|error| wrong(name, &value, error))?;
        }
        config.replay_file = read("MOCKFORGE_WS_REPLAY_FILE").map(|(_, value)| value.into());
        config.rules_file = read("MOCKFORGE_WS_RULES").map(|(_, value)| value.into());
        config.scripts = read("MOCKFORGE_WS_HANDLERS").map(|(_, value)| ScriptsConfig::new(value));
        if let Some((name, value)) = read("MOCKFORGE_WS_SPEED") {
            config.speed = parse(name, &value)?;
        }
        if let Some((name, value)) = read("MOCKFORGE_WS_SEED") {
            config.seed = Some(parse(name, &value)?);
        }
        if let Some((name, value)) = read("MOCKFORGE_WS_CLOCK") {
            config.clock = Some(parse(name, &value)?);
        }
        let mut ai = WebSocketAiConfig::default();
        if let Some((name, value)) = read("MOCKFORGE_WS_EVENTS") {
            ai.event_count = parse(name, &value)?;
        }
        if let Some((name, value)) = read("MOCKFORGE_WS_RATE") {
            ai.events_per_second = parse_rate(&value).map_err(|error| wrong(name, &value, error))?;
        }
        config.ai_config = read("MOCKFORGE_WS_AI").map(|(_, narrative)| WebSocketAiConfig { narrative, ..ai });
        if let Some((name, value)) = read("MOCKFORGE_RESPONSE_TEMPLATE_EXPAND") {
            config.template_expand = match value.to_ascii_lowercase().as_str() {
                "1" | "true" | "t" | "yes" | "y" | "on" => true,
                "0" | "false" | "f" | "no" | "n" | "off" => false,
                _ => return Err(wrong(name, &value, "use true or false, yes or no, on or off, 1 or 0")),
            };
        }
        Ok(config)
    }

    /// Refuses values with which nothing can be served.
    pub(crate) fn validate(&self) -> Result<(), ServerError> {
        for (field, value) in [("max_connections", self.max_connections), ("max_message_size", self.max_message_size)] {
            if value == 0 {
                return Err(ServerError::Config { field, problem: NONE_AT_ALL.to_owned() });
            }
        }
        for (file, other) in [(&self.replay_file, "replay_file"), (&self.rules_file, "rules_file")] {
            if self.raw_echo && file.is_some() {
                let problem = format!("where a script or rules answer there is no echo: leave out this or `{other}`");
                return Err(ServerError::Config { field: "raw_echo", problem });
            }
        }
        ai::check(self).map_err(|problem| ServerError::Config { field: "ai_config", problem })?;
        for path in &self.paths {
            let wrong = |problem| ServerError::Config { field: "paths", problem: format!("{}: {problem}", path.path) };
            path.check().map_err(wrong)?;
        }
        self.admin.check().map_err(|problem| ServerError::Config { field: "admin", problem })?;
        #[cfg(not(feature = "admin"))]
        if self.admin != AdminConfig::default() {
            let problem = "this program was built without the admin API: leave it out".to_owned();
            return Err(ServerError::Config { field: "admin", problem });
        }
        Ok(())
    }
}

fn parse<T: FromStr<Err: Display>>(name: &'static str, value: &str) -> Result<T, ServerError> {
    value.parse().map_err(|error: T::Err| wrong(name, value, error))
}

const NONE_AT_ALL: &str = "expected 1 or more, found 0";

fn at_least_one(name: &'static str, value: &str) -> Result<usize, ServerError> {
    match parse(name, value)? {
        0 => Err(wrong(name, value, NONE_AT_ALL)),
        number => Ok(number),
    }
}

fn wrong(name: &'static str, value: &str, problem: impl Display) -> ServerError {
    ServerError::Variable { name, value: value.to_owned(), problem: problem.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&str, &str)]) -> Result<WsConfig, ServerError> {
        WsConfig::from_variables(|name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn variables_set_fields() {
        let config = with(&[
            ("MOCKFORGE_WS_PORT", "9"),
            ("MOCKFORGE_WS_MAX_CONNECTIONS", "2"),
            ("MOCKFORGE_WS_MAX_MESSAGE_SIZE", "64"),
            ("MOCKFORGE_WS_HEARTBEAT_INTERVAL", "200ms"),
            ("MOCKFORGE_WS_REPLAY_FILE", "x.jsonl"),
            ("MOCKFORGE_WS_RULES", "x.yaml"),
            ("MOCKFORGE_WS_HANDLERS", "x"),
            ("MOCKFORGE_WS_SPEED", "2.5"),
            ("MOCKFORGE_WS_SEED", "7"),
            ("MOCKFORGE_WS_AI", "a busy stock market"),
            ("MOCKFORGE_WS_EVENTS", "0"),
            ("MOCKFORGE_WS_RATE", "2.5"),
            ("MOCKFORGE_RESPONSE_TEMPLATE_EXPAND", "False"),
        ]);
        let expected = WsConfig {
            port: 9,
            max_connections: 2,
            max_message_size: 64,
            heartbeat_interval: Duration::from_millis(200),
            replay_file: Some("x.jsonl".into()),
            rules_file: Some("x.yaml".into()),
            scripts: Some(ScriptsConfig::new("x")),
            speed: Speed::times(2.5).unwrap(),
            seed: Some(7),
            ai_config: Some(WebSocketAiConfig {
                narrative: "a busy stock market".to_owned(),
                event_count: 0,
                events_per_second: 2.5,
                ..WebSocketAiConfig::default()
            }),
            template_expand: false,
            ..WsConfig::default()
        };
        assert_eq!(config.unwrap(), expected);
        // How many and how fast is said of nothing.
        assert_eq!(with(&[("MOCKFORGE_WS_EVENTS", "5"), ("MOCKFORGE_WS_RATE", "5")]).unwrap(), WsConfig::default());
        assert_eq!(with(&[]).unwrap(), WsConfig::default());
    }

    #[test]
    fn an_empty_variable_is_not_set() {
        let names = [
            "PORT",
            "MAX_CONNECTIONS",
            "HEARTBEAT_INTERVAL",
            "REPLAY_FILE",
            "RULES",
            "HANDLERS",
            "SPEED",
            "SEED",
            "CLOCK",
            "AI",
            "EVENTS",
            "RATE",
        ];
        let names: Vec<_> = names.iter().map(|name| format!("MOCKFORGE_WS_{name}")).collect();
        let mut pairs: Vec<_> = names.iter().map(|name| (name.as_str(), "")).collect();
        pairs.push(("MOCKFORGE_RESPONSE_TEMPLATE_EXPAND", ""));
        assert_eq!(with(&pairs).unwrap(), WsConfig::default());
    }

    #[test]
    fn yes_and_no_have_many_words() {
        for (words, expected) in [(["1", "true", "Yes", "ON"], true), (["0", "FALSE", "no", "off"], false)] {
            for word in words {
                let config = with(&[("MOCKFORGE_RESPONSE_TEMPLATE_EXPAND", word)]).unwrap();
                assert_eq!(config.template_expand, expected, "{word}");
            }
        }
    }

    #[test]
    fn a_server_without_room_for_anything_is_refused() {
        for config in [
            WsConfig { max_connections: 0, ..WsConfig::default() },
            WsConfig { max_message_size: 0, ..WsConfig::default() },
        ] {
            let error = config.validate().unwrap_err().to_string();
            assert!(error.starts_with("max_") && error.ends_with(": expected 1 or more, found 0"), "{error}");
        }
    }

    #[test]
    fn an_echo_beside_a_script_or_rules_is_refused() {
        let with_echo = WsConfig { raw_echo: true, ..WsConfig::default() };
        for (field, config) in [
            ("replay_file", WsConfig { replay_file: Some("a.jsonl".into()), ..with_echo.clone() }),
            ("rules_file", WsConfig { rules_file: Some("a.yaml".into()), ..with_echo }),
        ] {
            let error = config.validate().unwrap_err().to_string();
            assert!(error.starts_with("raw_echo: ") && error.contains(field), "{error}");
        }
    }

    #[test]
    fn a_bad_value_names_its_variable() {
        for (name, value) in [
            ("MOCKFORGE_WS_PORT", "70000"),
            ("MOCKFORGE_WS_HEARTBEAT_INTERVAL", "-3s"),
            ("MOCKFORGE_WS_HEARTBEAT_INTERVAL", "soon"),
            ("MOCKFORGE_WS_MAX_CONNECTIONS", "0"),
            ("MOCKFORGE_WS_MAX_MESSAGE_SIZE", "0"),
            ("MOCKFORGE_WS_SPEED", "0"),
            ("MOCKFORGE_WS_EVENTS", "-1"),
            ("MOCKFORGE_WS_RATE", "0"),
            ("MOCKFORGE_WS_RATE", "NaN"),
            ("MOCKFORGE_RESPONSE_TEMPLATE_EXPAND", "maybe"),
        ] {
            let text = with(&[(name, value)]).unwrap_err().to_string();
            assert!(text.contains(name) && text.contains(value), "{text}");
        }
    }
}
