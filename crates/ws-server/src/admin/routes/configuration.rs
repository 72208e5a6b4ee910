//! What the server is set up as: what is set, and nothing that is secret.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;
use ws_proxy::WsProxyConfig;

use crate::admin::body::Json;
use crate::admin::operation::{Asked, Operation};
use crate::admin::problem::Problem;
use crate::{PathConfig, PathMode, WsConfig};

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/config", "configuration", "What the server is set up as.", configuration)
            .says("A digest: headers, keys, passwords and the admin token are not in it."),
    ]
}

/// What a server is set up as.
#[derive(Serialize, JsonSchema)]
struct Configuration {
    /// The version of the program.
    version: &'static str,
    /// Where WebSockets are, if the server listens by itself.
    url: Option<String>,
    tls: bool,
    max_connections: usize,
    /// In bytes.
    max_message_size: usize,
    /// 0: never.
    heartbeat_interval_ms: u128,
    /// What answers on all paths that are not named below.
    everywhere: Answers,
    /// What is different on some paths; the first that fits counts.
    paths: Vec<PathAnswers>,
    /// The folder of handlers in JavaScript.
    handlers: Option<String>,
    /// The file that all traffic is recorded to.
    record: Option<String>,
    seed: Option<u64>,
    /// The origins that browsers may connect from; none: all.
    allowed_origins: Vec<String>,
}

/// What answers beside registered handlers.
#[derive(Default, Serialize, JsonSchema)]
struct Answers {
    mode: Mode,
    /// The replay script.
    replay_file: Option<String>,
    rules_file: Option<String>,
    /// The real server, without credentials and query.
    upstream: Option<String>,
    /// Whether the network does anything to connections.
    conditions: bool,
    /// Whether messages are limited in number.
    rate_limit: bool,
}

/// What answers on the paths that fit a pattern.
#[derive(Serialize, JsonSchema)]
struct PathAnswers {
    /// The pattern.
    path: String,
    /// Null: as everywhere.
    mode: Option<Mode>,
    answers: Answers,
}

/// What kind of thing answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Mode {
    #[default]
    Echo,
    RawEcho,
    Replay,
    Rules,
    Proxy,
    Ai,
    AugmentedReplay,
}

async fn configuration(asked: Asked) -> Result<Json<Configuration>, Problem> {
    let shared = &asked.admin.shared;
    let config = &shared.version().config;
    Ok(Json(Configuration {
        version: env!("CARGO_PKG_VERSION"),
        url: shared.address.get().map(|address| format!("{}://{address}/ws", config.scheme())),
        tls: config.tls.is_some(),
        max_connections: config.max_connections,
        max_message_size: config.max_message_size,
        heartbeat_interval_ms: config.heartbeat_interval.as_millis(),
        everywhere: everywhere(config),
        paths: config.paths.iter().map(on_path).collect(),
        handlers: config.scripts.as_ref().map(|scripts| text(&scripts.dir)),
        record: config.record.as_ref().map(|record| text(&record.file)),
        seed: config.seed,
        allowed_origins: config.allowed_origins.clone(),
    }))
}

fn everywhere(config: &WsConfig) -> Answers {
    let has_events = config.ai_config.as_ref().is_some_and(|ai| ai.enabled);
    let mode = match (&config.proxy_config, &config.replay_file) {
        (Some(_), _) => Mode::Proxy,
        (None, Some(_)) if has_events => Mode::AugmentedReplay,
        (None, Some(_)) => Mode::Replay,
        (None, None) if has_events => Mode::Ai,
        (None, None) if config.rules_file.is_some() => Mode::Rules,
        (None, None) if config.raw_echo => Mode::RawEcho,
        (None, None) => Mode::Echo,
    };
    Answers {
        mode,
        replay_file: config.replay_file.as_deref().map(text),
        rules_file: config.rules_file.as_deref().map(text),
        upstream: config.proxy_config.as_ref().map(upstream),
        conditions: config.conditions.is_some(),
        rate_limit: config.rate_limit.is_some() || config.server_rate_limit.is_some(),
    }
}

fn on_path(path: &PathConfig) -> PathAnswers {
    let mode = path.mode.as_ref().map(|mode| match mode {
        PathMode::Echo => Mode::Echo,
        PathMode::RawEcho => Mode::RawEcho,
        PathMode::Replay(_) => Mode::Replay,
        PathMode::Proxy(_) => Mode::Proxy,
        PathMode::Ai(_) => Mode::Ai,
        PathMode::AugmentedReplay(..) => Mode::AugmentedReplay,
    });
    let mode = mode.or_else(|| path.rules_file.is_some().then_some(Mode::Rules));
    let replay_file = match &path.mode {
        Some(PathMode::Replay(file) | PathMode::AugmentedReplay(file, _)) => Some(text(file)),
        _ => None,
    };
    let upstream = match &path.mode {
        Some(PathMode::Proxy(proxy)) => Some(upstream(proxy)),
        _ => None,
    };
    let answers = Answers {
        mode: mode.unwrap_or_default(),
        replay_file,
        rules_file: path.rules_file.as_deref().map(text),
        upstream,
        conditions: path.conditions.is_some(),
        rate_limit: path.rate_limit.is_some(),
    };
    PathAnswers { path: path.path.to_string(), mode, answers }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// Where the real server is, without what may be secret in the address.
fn upstream(proxy: &WsProxyConfig) -> String {
    let url = proxy.upstream_url.split(['?', '#']).next().unwrap_or_default();
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = authority.rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}{path}")
        }
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_of_an_upstream_are_not_told() {
        for (url, expected) in [
            ("wss://user:pass@host:1/a/b?token=x", "wss://host:1/a/b"),
            ("ws://host", "ws://host"),
            ("ws://host?token=x", "ws://host"),
            ("ws://a@b@host/@c", "ws://host/@c"),
            ("secret", ""),
        ] {
            let proxy = WsProxyConfig { upstream_url: url.to_owned(), ..WsProxyConfig::default() };
            assert_eq!(upstream(&proxy), expected, "{url}");
        }
    }
}
