//! What is different on a path.

use std::path::PathBuf;

use serde::Deserialize;
use ws_ai::WebSocketAiConfig;
use ws_conditions::{Conditions, RateLimit};
use ws_core::PathPattern;
use ws_proxy::WsProxyConfig;

use super::{ai, written};
use crate::{HandshakeRule, HandshakeRules};

/// What is different on the paths that fit a pattern.
///
/// In files, what a mode needs stands beside it: `{ path: /ws/chat, mode: replay, replay_file: chat.jsonl }`.
///
/// ```
/// use ws_server::{PathConfig, PathMode, WsConfig};
///
/// let chat = PathConfig::new("/ws/chat".parse()?).mode(PathMode::Replay("chat.jsonl".into()));
/// let raw = PathConfig::new("/ws/raw/**".parse()?).mode(PathMode::RawEcho);
/// let config = WsConfig { paths: vec![chat, raw], ..WsConfig::default() };
/// # Ok::<(), ws_core::PathPatternError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Written")]
#[non_exhaustive]
pub struct PathConfig {
    /// The paths. Those outside of `/ws` are served, too, where the server is not nested in another one.
    pub path: PathPattern,
    /// What answers there; by default, what answers everywhere.
    pub mode: Option<PathMode>,
    /// The rules by which messages are answered there. Beside a script they answer what it does not wait for; a real server
    /// gets what no rule takes; without a mode, they alone answer. By default, those that hold everywhere hold, unless there is
    /// a mode.
    pub rules_file: Option<PathBuf>,
    /// Who is let in; asked before all handlers.
    pub handshake: Vec<HandshakeRule>,
    /// What the network does there; by default, what it does everywhere.
    pub conditions: Option<Conditions>,
    /// How many messages a connection may send in a time; by default, as many as everywhere.
    pub rate_limit: Option<RateLimit>,
}

/// What answers on a path, behind the handlers.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum PathMode {
    /// Text is answered with `echo: <text>` and binary as it came.
    Echo,
    /// Each message is returned unchanged.
    RawEcho,
    /// This script plays to every connection.
    Replay(PathBuf),
    /// A real server. With [`Fallback::Local`](ws_proxy::Fallback::Local), echo answers while it is down.
    Proxy(Box<WsProxyConfig>),
    /// Events that follow a narrative; what answers everywhere, if they are not [`enabled`](WebSocketAiConfig::enabled).
    Ai(Box<WebSocketAiConfig>),
    /// This script plays, enriched with events at the points that its configuration names; as it is, if they are not
    /// [`enabled`](WebSocketAiConfig::enabled).
    AugmentedReplay(PathBuf, Box<WebSocketAiConfig>),
}

impl PathConfig {
    /// Paths on which nothing is different yet.
    #[must_use]
    pub fn new(path: PathPattern) -> Self {
        Self { path, mode: None, rules_file: None, handshake: Vec::new(), conditions: None, rate_limit: None }
    }

    /// Sets what answers there.
    #[must_use]
    pub fn mode(mut self, mode: PathMode) -> Self {
        self.mode = Some(mode);
        self
    }

    /// Sets the rules by which messages are answered there.
    #[must_use]
    pub fn rules_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.rules_file = Some(file.into());
        self
    }

    /// Adds a rule for handshakes, behind those that were added before.
    #[must_use]
    pub fn handshake(mut self, rule: HandshakeRule) -> Self {
        self.handshake.push(rule);
        self
    }

    /// Sets what the network does there.
    #[must_use]
    pub fn conditions(mut self, conditions: impl Into<Conditions>) -> Self {
        self.conditions = Some(conditions.into());
        self
    }

    /// Sets how many messages a connection may send in a time.
    #[must_use]
    pub fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.rate_limit = Some(limit);
        self
    }

    /// What answers there, but for events that are switched off.
    pub(crate) fn enabled_mode(&self) -> Option<&PathMode> {
        self.mode.as_ref().filter(|mode| !matches!(mode, PathMode::Ai(config) if !config.enabled))
    }

    /// Whether its parts go together; if not, why.
    pub(super) fn check(&self) -> Result<(), String> {
        let about_ai = |problem| format!("ai_config: {problem}");
        match &self.mode {
            Some(PathMode::Ai(config)) => ai::check_alone(config).map_err(about_ai),
            Some(PathMode::AugmentedReplay(_, config)) => ai::check_beside_script(config).map_err(about_ai),
            Some(PathMode::Echo | PathMode::RawEcho) if self.rules_file.is_some() => {
                Err("rules_file: beside an echo, which answers everything, there is nothing for rules to do".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// How it is written in files.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Written {
    /// The paths: `*` is one segment, `**` at the end is all the rest.
    path: String,
    /// What answers there. If it is left out: what `replay_file` or `proxy` say, or what answers everywhere.
    mode: Option<WrittenMode>,
    /// The script that plays to every connection; for `mode: replay`.
    replay_file: Option<PathBuf>,
    /// The rules by which messages are answered. Beside a script they answer what it does not wait for; a real server gets what
    /// no rule takes.
    rules_file: Option<PathBuf>,
    /// The real server; for `mode: proxy`.
    proxy: Option<Box<WsProxyConfig>>,
    /// Events that follow a narrative; for `mode: ai`. Beside a `replay_file`, which they enrich, for `mode: replay`.
    #[serde(default, deserialize_with = "written::boxed_ai")]
    ai_config: Option<Box<WebSocketAiConfig>>,
    /// Who is let in; the first rule that fits a handshake decides.
    #[serde(default)]
    handshake: Vec<HandshakeRule>,
    /// What the network does there, instead of what it does everywhere.
    #[serde(default, deserialize_with = "written::conditions")]
    conditions: Option<Conditions>,
    /// How many messages a connection may send in a time.
    #[serde(default, deserialize_with = "written::rate_limit")]
    rate_limit: Option<RateLimit>,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
enum WrittenMode {
    /// Text is answered with `echo: <text>` and binary as it came.
    Echo,
    /// Each message is returned unchanged.
    RawEcho,
    /// The script `replay_file` plays to every connection.
    Replay,
    /// The real server of `proxy`.
    Proxy,
    /// The events of `ai_config`.
    Ai,
}

impl TryFrom<Written> for PathConfig {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let path = written.path.parse().map_err(|problem| format!("path: {problem}"))?;
        let mode = mode(written.mode, written.replay_file, written.proxy, written.ai_config)?;
        for (n, rule) in written.handshake.iter().enumerate() {
            HandshakeRules::new(vec![rule.clone()]).map_err(|problem| {
                let problem = problem.to_string();
                let what = problem.split_once("handshake rule 1: ").map_or(problem.as_str(), |(_, what)| what);
                format!("handshake[{n}]: {what}")
            })?;
        }
        let Written { rules_file, handshake, conditions, rate_limit, .. } = written;
        let config = Self { path, mode, rules_file, handshake, conditions, rate_limit };
        config.check().map(|()| config)
    }
}

/// The mode that its word and what stands beside it make.
fn mode(
    word: Option<WrittenMode>,
    script: Option<PathBuf>,
    proxy: Option<Box<WsProxyConfig>>,
    ai: Option<Box<WebSocketAiConfig>>,
) -> Result<Option<PathMode>, String> {
    use WrittenMode::{Ai, Echo, Proxy, RawEcho, Replay};

    let problem = match (word, script, proxy, ai) {
        (None, None, None, None) => return Ok(None),
        (Some(Echo), None, None, None) => return Ok(Some(PathMode::Echo)),
        (Some(RawEcho), None, None, None) => return Ok(Some(PathMode::RawEcho)),
        (Some(Replay) | None, Some(file), None, None) => return Ok(Some(PathMode::Replay(file))),
        (Some(Proxy) | None, None, Some(proxy), None) => return Ok(Some(PathMode::Proxy(proxy))),
        (Some(Ai) | None, None, None, Some(ai)) => return Ok(Some(PathMode::Ai(ai))),
        (Some(Replay) | None, Some(file), None, Some(ai)) => return Ok(Some(PathMode::AugmentedReplay(file, ai))),
        (Some(Replay), None, ..) => "`mode: replay` needs a `replay_file`",
        (Some(Proxy), _, None, _) => "`mode: proxy` needs a `proxy`",
        (Some(Ai), .., None) => "`mode: ai` needs an `ai_config`",
        (_, Some(_), Some(_), _) => {
            "expected `replay_file` or `proxy`; a script that plays while the upstream is down is for the whole server"
        }
        (_, _, Some(_), Some(_)) => "expected `proxy` or `ai_config`; a real server writes its own events",
        (Some(Ai), Some(_), ..) => "replay_file: a script that `ai_config` enriches goes with `mode: replay`",
        (_, Some(_), ..) => "replay_file: goes with `mode: replay` only",
        (_, _, Some(_), _) => "proxy: goes with `mode: proxy` only",
        (.., Some(_)) => "ai_config: goes with `mode: ai`, or with `mode: replay` and its script",
    };
    Err(problem.to_owned())
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for PathConfig {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PathConfig".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Written::json_schema(generator)
    }
}
