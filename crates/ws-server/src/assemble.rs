//! Makes the modes that a configuration asks for. The one place in this crate that knows the mode crates.

use std::path::Path;
use std::sync::Arc;

use tracing::{info, warn};
use ws_conditions::{Conditions, ConditionsError, Plan};
use ws_core::{HandlerError, Message, PathPattern, SessionObserver, WsHandler};
use ws_patterns::MessagePattern;
use ws_proxy::{Fallback, WsProxyConfig, WsProxyHandler};
use ws_replay::{Recorder, ReplayHandler, ReplayOptions, ReplayScript};

use crate::interactive::Interactive;
use crate::rate_limited::RateGuard;
use crate::{HandshakeRules, PathConfig, PathMode, Scope, ServerError, WsConfig};

/// The modes of `config`, in the order in which they run behind the registered handlers.
pub(crate) fn modes(config: &WsConfig) -> Result<Vec<Arc<dyn WsHandler>>, ServerError> {
    let script = config.replay_file.as_ref().map(|file| (file, replay(file, config, "every connection")));
    let script = match script {
        Some((file, script)) => Some((file, script?)),
        None => None,
    };
    let Some(upstream) = &config.proxy_config else {
        return Ok(script.into_iter().map(|(_, script)| script).collect());
    };
    if let Some((file, _)) = &script
        && upstream.fallback != Fallback::Local
    {
        return Err(ServerError::Config {
            field: "replay_file",
            problem: format!(
                "{} plays while the upstream is down only: that needs `fallback: local` in `proxy_config`",
                file.display()
            ),
        });
    }
    let local = script.map_or_else(|| fallback(config), |(_, script)| script);
    Ok(vec![proxy(upstream, local)?])
}

/// The way to an upstream; `local` answers while that is down, if it is to.
pub(crate) fn proxy(config: &WsProxyConfig, local: Arc<dyn WsHandler>) -> Result<Arc<dyn WsHandler>, ServerError> {
    Ok(Arc::new(WsProxyHandler::try_new(config.clone())?.with_fallback(local)))
}

/// Who writes down what happens.
pub(crate) fn recorder(config: &WsConfig) -> Result<Option<Arc<dyn SessionObserver>>, ServerError> {
    let Some(options) = config.record.clone() else { return Ok(None) };
    let file = options.file.clone();
    let recorder = Recorder::create(options)?;
    info!("recording to {}", file.display());
    Ok(Some(Arc::new(recorder)))
}

/// The scopes of those paths on which something is different from `server`.
pub(crate) fn paths(config: &WsConfig, server: &Scope) -> Result<Vec<(PathPattern, Arc<Scope>)>, ServerError> {
    let scope = |path: &PathConfig| -> Result<Scope, ServerError> {
        let bare = || Scope { modes: Vec::new(), ..server.clone() };
        let mut scope = match &path.mode {
            None => server.clone(),
            Some(PathMode::Echo) => bare().fallback(Arc::new(Interactive::Echo)),
            Some(PathMode::RawEcho) => bare().fallback(Arc::new(Interactive::RawEcho)),
            Some(PathMode::Replay(file)) => bare().mode(replay(file, config, path.path.as_str())?),
            Some(PathMode::Proxy(upstream)) => bare().mode(proxy(upstream, fallback(config))?),
        };
        if let Some(limit) = path.rate_limit {
            // That of the whole server goes on counting here, too.
            scope.guards.truncate(usize::from(config.server_rate_limit.is_some()));
            scope.guards.push(Arc::new(RateGuard::per_connection(limit)?));
        }
        if !path.handshake.is_empty() {
            scope.guards.insert(0, Arc::new(HandshakeRules::new(path.handshake.clone())?));
        }
        match path.conditions.clone() {
            Some(conditions) => Ok(scope.conditions(plan(conditions, config, path.path.as_str())?)),
            None => Ok(scope),
        }
    };
    config.paths.iter().map(|path| Ok((path.path.clone(), Arc::new(scope(path)?)))).collect()
}

/// What the network does, with patterns as replay scripts have them.
pub(crate) fn plan(conditions: Conditions, config: &WsConfig, place: &str) -> Result<Plan, ConditionsError> {
    let plan = compile(Conditions { seed: conditions.seed.or(config.seed), ..conditions })?;
    info!(place, seed = plan.seed(), "conditions are on; this seed repeats what is random in them");
    Ok(plan)
}

pub(crate) fn compile(conditions: Conditions) -> Result<Plan, ConditionsError> {
    conditions.compile(|pattern| {
        let pattern: MessagePattern = pattern.parse().map_err(|problem| match problem {
            HandlerError::PatternError(reason) => reason,
            other => other.to_string(),
        })?;
        Ok(Arc::new(move |message: &Message| match message {
            Message::Text(text) => pattern.matches(text),
            Message::Binary(data) => std::str::from_utf8(data).is_ok_and(|text| pattern.matches(text)),
            _ => false,
        }))
    })
}

/// What stands before all handlers.
pub(crate) fn guards(config: &WsConfig) -> Result<Vec<Arc<dyn WsHandler>>, ConditionsError> {
    let mut guards: Vec<Arc<dyn WsHandler>> = Vec::new();
    if let Some(limit) = config.server_rate_limit {
        guards.push(Arc::new(RateGuard::shared(limit)?));
    }
    if let Some(limit) = config.rate_limit {
        guards.push(Arc::new(RateGuard::per_connection(limit)?));
    }
    Ok(guards)
}

fn replay(file: &Path, config: &WsConfig, audience: &str) -> Result<Arc<dyn WsHandler>, ServerError> {
    let script = ReplayScript::load(file)?;
    for doubt in script.warnings() {
        warn!("{doubt}");
    }
    info!("playing {} to {audience}", file.display());
    Ok(Arc::new(ReplayHandler::new(Arc::new(script), replay_options(config))))
}

fn replay_options(config: &WsConfig) -> ReplayOptions {
    let options = config.seed.map_or_else(ReplayOptions::default, ReplayOptions::seeded);
    ReplayOptions { clock: config.clock.unwrap_or(options.clock), expand: config.template_expand, ..options }
}

/// What answers on paths that no handler takes.
pub(crate) fn fallback(config: &WsConfig) -> Arc<dyn WsHandler> {
    Arc::new(if config.raw_echo { Interactive::RawEcho } else { Interactive::Echo })
}
