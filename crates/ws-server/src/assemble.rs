//! Makes the modes that a configuration asks for. The one place in this crate that knows the mode crates.

mod ai;

use std::cell::OnceCell;
use std::path::Path;
use std::sync::Arc;

use tracing::{info, warn};
use ws_conditions::{Conditions, ConditionsError, Plan};
use ws_core::{HandlerError, Message, PathPattern, SessionObserver, WsHandler};
use ws_metrics::MetricsRegistry;
use ws_patterns::MessagePattern;
use ws_proxy::{Fallback, WsProxyConfig, WsProxyHandler};
use ws_replay::{
    Problem, Recorder, ReplayHandler, ReplayOptions, ReplayScript, RoomMemory, RuleHandler, RuleSet, SessionVerdict,
};

use crate::interactive::Interactive;
use crate::rate_limited::RateGuard;
use crate::{HandshakeRules, PathConfig, PathMode, Scope, ServerError, WsConfig};

/// Who is told of the verdict on each session.
pub(crate) type OnVerdict = Arc<dyn Fn(SessionVerdict) + Send + Sync>;

/// For whom the modes of the whole server are; those of a path are for the connections there.
const EVERYONE: &str = "every connection";

/// What the modes of one server have in common.
pub(crate) struct Assembly<'c> {
    config: &'c WsConfig,
    metrics: MetricsRegistry,
    room_memory: RoomMemory,
    on_verdict: Option<OnVerdict>,
    /// The seed of events, where none is set.
    drawn_seed: OnceCell<u64>,
}

impl<'c> Assembly<'c> {
    pub(crate) fn new(config: &'c WsConfig, metrics: MetricsRegistry, on_verdict: Option<OnVerdict>) -> Self {
        Self { config, metrics, room_memory: RoomMemory::default(), on_verdict, drawn_seed: OnceCell::new() }
    }

    /// The modes of the whole server, in the order in which they run behind the registered handlers.
    pub(crate) fn modes(&self) -> Result<Vec<Arc<dyn WsHandler>>, ServerError> {
        let WsConfig { replay_file, rules_file, proxy_config, ai_config, .. } = self.config;
        let (script, rules) = (replay_file.as_deref(), rules_file.as_deref());
        let Some(upstream) = proxy_config else {
            return match (ai_config.as_ref().filter(|ai| ai.enabled), script) {
                (Some(ai), Some(script)) => self.enriched(script, ai, rules, EVERYONE),
                (Some(ai), None) => self.events(ai, rules, EVERYONE),
                (None, _) => self.answers(script, rules, EVERYONE),
            };
        };
        let script = self.answers(replay_file.as_deref(), None, "every connection whose upstream is down")?.pop();
        if let Some(file) = replay_file
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
        let mut modes = Vec::new();
        if let Some(file) = rules_file {
            modes.push(self.rules_before(file, EVERYONE)?);
        }
        modes.push(proxy(upstream, script.unwrap_or_else(|| fallback(self.config)))?);
        Ok(modes)
    }

    /// The scopes of those paths on which something is different from `server`.
    pub(crate) fn paths(&self, server: &Scope) -> Result<Vec<(PathPattern, Arc<Scope>)>, ServerError> {
        let paths = self.config.paths.iter();
        paths.map(|path| Ok((path.path.clone(), Arc::new(self.scope(path, server)?)))).collect()
    }

    fn scope(&self, path: &PathConfig, server: &Scope) -> Result<Scope, ServerError> {
        let bare = || Scope { modes: Vec::new(), ..server.clone() };
        let (rules, place) = (path.rules_file.as_deref(), path.path.as_str());
        let with = |modes: Vec<_>| modes.into_iter().fold(bare(), Scope::mode);
        let mut scope = match path.enabled_mode() {
            None if rules.is_none() => server.clone(),
            None => with(self.answers(None, rules, place)?),
            Some(PathMode::Echo) => bare().fallback(Arc::new(Interactive::Echo)),
            Some(PathMode::RawEcho) => bare().fallback(Arc::new(Interactive::RawEcho)),
            Some(PathMode::Replay(file)) => with(self.answers(Some(file), rules, place)?),
            Some(PathMode::AugmentedReplay(file, ai)) if ai.enabled => with(self.enriched(file, ai, rules, place)?),
            Some(PathMode::AugmentedReplay(file, _)) => with(self.answers(Some(file), rules, place)?),
            Some(PathMode::Ai(ai)) => with(self.events(ai, rules, place)?),
            Some(PathMode::Proxy(upstream)) => {
                let rules = rules.map(|file| self.rules_before(file, place)).transpose()?;
                let upstream = proxy(upstream, fallback(self.config))?;
                with(rules.into_iter().chain([upstream]).collect())
            }
        };
        if let Some(limit) = path.rate_limit {
            // That of the whole server goes on counting here, too.
            scope.guards.truncate(usize::from(self.config.server_rate_limit.is_some()));
            scope.guards.push(Arc::new(RateGuard::per_connection(limit)?));
        }
        if !path.handshake.is_empty() {
            scope.guards.insert(0, Arc::new(HandshakeRules::new(path.handshake.clone())?));
        }
        match path.conditions.clone() {
            Some(conditions) => Ok(scope.conditions(plan(conditions, self.config, place)?)),
            None => Ok(scope),
        }
    }

    /// Who answers where there is no upstream: a script, rules, or a script beside which rules answer what it does not wait
    /// for.
    fn answers(
        &self,
        script: Option<&Path>,
        rules: Option<&Path>,
        audience: &str,
    ) -> Result<Vec<Arc<dyn WsHandler>>, ServerError> {
        let Some(file) = script else {
            let rules = rules.map(|file| rule_set(file, audience)).transpose()?;
            return Ok(rules
                .map(|rules| Arc::new(self.rule_handler(rules)) as Arc<dyn WsHandler>)
                .into_iter()
                .collect());
        };
        let (script, rules) = self.script(file, rules, audience)?;
        Ok(vec![Arc::new(self.player(rules)(Arc::new(script)))])
    }

    /// A script, and the rules beside it.
    fn script(
        &self,
        file: &Path,
        rules: Option<&Path>,
        audience: &str,
    ) -> Result<(ReplayScript, Option<Arc<RuleSet>>), ServerError> {
        let rules = rules.map(|file| Ok::<_, ServerError>((file, RuleSet::load(file)?))).transpose()?;
        let script = ReplayScript::load(file)?;
        if let Some((file, rules)) = &rules {
            log_doubts(rules.warnings_beside(&script).chain(script.warnings_beside(rules)));
            info!("answering {audience} by the rules of {}", file.display());
        } else {
            log_doubts(script.warnings());
        }
        info!("playing {} to {audience}", file.display());
        Ok((script, rules.map(|(_, rules)| Arc::new(rules))))
    }

    /// How scripts are played.
    fn player(&self, rules: Option<Arc<RuleSet>>) -> impl Fn(Arc<ReplayScript>) -> ReplayHandler + Send + Sync + use<> {
        let options = replay_options(self.config);
        let (room_memory, on_verdict) = (self.room_memory.clone(), self.on_verdict.clone());
        move |script| {
            let mut handler = ReplayHandler::new(script, options.clone()).with_room_memory(room_memory.clone());
            if let Some(rules) = rules.clone() {
                handler = handler.with_rules(rules);
            }
            if let Some(tell) = on_verdict.clone() {
                handler = handler.closing().on_verdict(move |verdict| tell(verdict));
            }
            handler
        }
    }

    /// Rules that keep what they take from a mode behind them.
    fn rules_before(&self, file: &Path, audience: &str) -> Result<Arc<dyn WsHandler>, ServerError> {
        Ok(Arc::new(self.rule_handler(rule_set(file, audience)?).stopping()))
    }

    fn rule_handler(&self, rules: Arc<RuleSet>) -> RuleHandler {
        let handler = RuleHandler::new(rules, replay_options(self.config)).with_room_memory(self.room_memory.clone());
        match self.on_verdict.clone() {
            Some(tell) => handler.on_verdict(move |verdict| tell(verdict)),
            None => handler,
        }
    }
}

fn rule_set(file: &Path, audience: &str) -> Result<Arc<RuleSet>, ServerError> {
    let rules = RuleSet::load(file)?;
    log_doubts(rules.warnings());
    info!("answering {audience} by the rules of {}", file.display());
    Ok(Arc::new(rules))
}

fn log_doubts<'p>(doubts: impl IntoIterator<Item = &'p Problem>) {
    for doubt in doubts {
        warn!("{doubt}");
    }
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

fn replay_options(config: &WsConfig) -> ReplayOptions {
    let options = config.seed.map_or_else(ReplayOptions::default, ReplayOptions::seeded);
    ReplayOptions {
        clock: config.clock.unwrap_or(options.clock),
        expand: config.template_expand,
        speed: config.speed,
        ..options
    }
}

/// What answers on paths that no handler takes.
pub(crate) fn fallback(config: &WsConfig) -> Arc<dyn WsHandler> {
    Arc::new(if config.raw_echo { Interactive::RawEcho } else { Interactive::Echo })
}
