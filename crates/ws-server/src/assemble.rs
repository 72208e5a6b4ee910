//! Makes the modes that a configuration asks for. The one place in this crate that knows the mode crates.

mod ai;
mod making;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use tracing::info;
use ws_conditions::{Conditions, ConditionsError, Plan};
use ws_core::{HandlerError, HandlerSet, Message, PathPattern, SessionObserver, WsHandler};
use ws_metrics::MetricsRegistry;
use ws_patterns::MessagePattern;
use ws_proxy::{Fallback, WsProxyConfig, WsProxyHandler};
use ws_replay::{
    PathCounts, Problem, Recorder, ReplayHandler, ReplayOptions, ReplayScript, RoomMemory, RuleHandler, RuleSet,
    SessionVerdict,
};

pub(crate) use self::making::Made;
use self::making::{Making, Recipe};
use crate::files::Digests;
use crate::interactive::Interactive;
use crate::path_conditions::PathConditions;
use crate::rate_limited::RateGuard;
use crate::scope::{Begins, Bound};
use crate::version::Version;
use crate::{HandshakeRules, PathConfig, PathMode, Scope, ServerError, WsConfig};

/// Who is told of the verdict on each session.
pub(crate) type OnVerdict = Arc<dyn Fn(SessionVerdict) + Send + Sync>;

/// For whom the modes of the whole server are; those of a path are for the connections there.
const EVERYONE: &str = "every connection";

/// What outlives reloads.
pub(crate) struct Lasting {
    metrics: MetricsRegistry,
    room_memory: RoomMemory,
    /// The numbers of connections on their paths, by which a seed gives them values.
    connections: PathCounts,
    on_verdict: Option<OnVerdict>,
    /// The seed of events, where none is set.
    drawn_seed: OnceLock<u64>,
}

impl Lasting {
    pub(crate) fn new(metrics: MetricsRegistry, on_verdict: Option<OnVerdict>) -> Self {
        let (room_memory, connections) = (RoomMemory::default(), PathCounts::default());
        Self { metrics, room_memory, connections, on_verdict, drawn_seed: OnceLock::new() }
    }
}

/// What the modes of one server have in common.
pub(crate) struct Assembly<'c> {
    config: &'c WsConfig,
    lasting: &'c Lasting,
    making: Making<'c>,
}

impl<'c> Assembly<'c> {
    /// `old` is what was made before: what it would be made of again is taken over as it is.
    pub(crate) fn new(config: &'c WsConfig, lasting: &'c Lasting, old: &'c Made) -> Self {
        Self { config, lasting, making: Making::new(old) }
    }

    /// What connections get, without scripts. `server` is what they get from others than the configuration.
    pub(crate) fn draft(mut self, server: Scope) -> Result<(Draft, Made), ServerError> {
        let scope = self.server(server)?;
        let paths = self.config.paths.iter();
        let paths = paths.map(|path| Ok((path.path.clone(), self.path(path, &scope)?)));
        let draft = Draft { paths: paths.collect::<Result<_, ServerError>>()?, default: scope };
        Ok((draft, self.making.finish()))
    }

    fn server(&mut self, scope: Scope) -> Result<Scope, ServerError> {
        let config = self.config;
        let mut scope = scope.fallback(fallback(config));
        scope.guards = self.guards()?;
        let recipe = Recipe::of_server(config);
        let modes = self.made(recipe, |assembly| assembly.modes())?;
        scope.bound = bound(begins_everywhere(config), &modes);
        scope.modes.splice(0..0, modes);
        if let Some(conditions) = config.conditions.clone() {
            scope.conditions = Some(self.conditions(conditions, "everywhere")?);
        }
        Ok(scope)
    }

    /// The modes of the whole server, in the order in which they run behind the registered handlers.
    fn modes(&self) -> Result<HandlerSet, ServerError> {
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
        let mut modes = HandlerSet::new();
        if let Some(file) = rules_file {
            modes.push(self.rules_before(file, EVERYONE)?);
        }
        modes.push(proxy(upstream, script.unwrap_or_else(|| fallback(self.config)))?);
        Ok(modes)
    }

    /// What connections get on a path on which something is different from `server`.
    fn path(&mut self, path: &PathConfig, server: &Scope) -> Result<Scope, ServerError> {
        let mut scope = server.clone();
        if path.enabled_mode().is_some() || path.rules_file.is_some() {
            let recipe = Recipe::of_path(self.config, path);
            scope.modes = self.made(recipe, |assembly| assembly.modes_of(path))?;
            scope.bound = bound(begins_on(path), &scope.modes);
        }
        match path.enabled_mode() {
            Some(PathMode::Echo) => scope.fallback = Interactive::Echo.shared(),
            Some(PathMode::RawEcho) => scope.fallback = Interactive::RawEcho.shared(),
            _ => {}
        }
        if let Some(limit) = path.rate_limit {
            // That of the whole server goes on counting here, too.
            scope.guards.truncate(usize::from(self.config.server_rate_limit.is_some()));
            scope.guards.push(Arc::new(RateGuard::per_connection(limit)?));
        }
        if !path.handshake.is_empty() {
            scope.guards.insert(0, self.handshake(path)?);
        }
        if let Some(conditions) = path.conditions.clone() {
            scope.conditions = Some(self.conditions(conditions, path.path.as_str())?);
        }
        Ok(scope)
    }

    fn modes_of(&self, path: &PathConfig) -> Result<HandlerSet, ServerError> {
        let (rules, place) = (path.rules_file.as_deref(), path.path.as_str());
        match path.enabled_mode() {
            None => self.answers(None, rules, place),
            Some(PathMode::Echo | PathMode::RawEcho) => Ok(HandlerSet::new()),
            Some(PathMode::Replay(file)) => self.answers(Some(file), rules, place),
            Some(PathMode::AugmentedReplay(file, ai)) if ai.enabled => self.enriched(file, ai, rules, place),
            Some(PathMode::AugmentedReplay(file, _)) => self.answers(Some(file), rules, place),
            Some(PathMode::Ai(ai)) => self.events(ai, rules, place),
            Some(PathMode::Proxy(upstream)) => {
                let rules = rules.map(|file| self.rules_before(file, place)).transpose()?;
                Ok(rules.into_iter().chain([proxy(upstream, fallback(self.config))?]).collect())
            }
        }
    }

    /// What is made by a recipe: as it was made before, if nothing in it has changed.
    fn made(
        &mut self,
        recipe: Recipe,
        make: impl FnOnce(&Self) -> Result<HandlerSet, ServerError>,
    ) -> Result<HandlerSet, ServerError> {
        if let Some(modes) = self.making.modes_again(&recipe) {
            return Ok(modes);
        }
        let digests = Digests::of(recipe.files());
        let modes = make(self)?;
        self.making.keep_modes(recipe, digests, modes.clone());
        Ok(modes)
    }

    /// Who decides about the handshakes of a path.
    fn handshake(&mut self, path: &PathConfig) -> Result<Arc<dyn WsHandler>, ServerError> {
        let (rules, place) = (&path.handshake, path.path.as_str());
        let guard = match self.making.handshake_again(rules, place) {
            Some(known) => known,
            None => Arc::new(HandshakeRules::new(rules.clone())?),
        };
        self.making.keep_handshake(rules.clone(), place, Arc::clone(&guard));
        Ok(guard)
    }

    fn conditions(&mut self, conditions: Conditions, place: &str) -> Result<Arc<PathConditions>, ServerError> {
        let conditions = Conditions { seed: conditions.seed.or(self.config.seed), ..conditions };
        if let Some(known) = self.making.conditions_again(&conditions, place) {
            return Ok(known);
        }
        let made = Arc::new(PathConditions::new(plan(conditions.clone(), self.config, place)?));
        self.making.keep_conditions(conditions, place, Arc::clone(&made));
        Ok(made)
    }

    /// What stands before all handlers.
    fn guards(&mut self) -> Result<HandlerSet, ServerError> {
        let mut guards = HandlerSet::new();
        if let Some(limit) = self.config.server_rate_limit {
            let guard = match self.making.shared_limit_again(limit) {
                Some(known) => known,
                None => Arc::new(RateGuard::shared(limit)?),
            };
            self.making.keep_shared_limit(limit, Arc::clone(&guard));
            guards.push(guard);
        }
        if let Some(limit) = self.config.rate_limit {
            guards.push(Arc::new(RateGuard::per_connection(limit)?));
        }
        Ok(guards)
    }

    /// Who answers where there is no upstream: a script, rules, or a script beside which rules answer what it does not wait
    /// for.
    fn answers(&self, script: Option<&Path>, rules: Option<&Path>, audience: &str) -> Result<HandlerSet, ServerError> {
        let Some(file) = script else {
            let rules = rules.map(|file| self.rule_set(file, audience)).transpose()?;
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
        self.making.has_read(script.files());
        if let Some((file, rules)) = &rules {
            self.making.has_read(rules.files());
            self.doubt(rules.warnings_beside(&script).chain(script.warnings_beside(rules)));
            self.making.say(format!("answering {audience} by the rules of {}", file.display()));
        } else {
            self.doubt(script.warnings());
        }
        self.making.say(format!("playing {} to {audience}", file.display()));
        Ok((script, rules.map(|(_, rules)| Arc::new(rules))))
    }

    /// How scripts are played.
    fn player(&self, rules: Option<Arc<RuleSet>>) -> impl Fn(Arc<ReplayScript>) -> ReplayHandler + Send + Sync + use<> {
        let options = replay_options(self.config);
        let Lasting { room_memory, connections, on_verdict, .. } = self.lasting;
        let (room_memory, connections, on_verdict) = (room_memory.clone(), connections.clone(), on_verdict.clone());
        move |script| {
            let mut handler = ReplayHandler::new(script, options.clone())
                .with_room_memory(room_memory.clone())
                .with_path_counts(connections.clone());
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
        Ok(Arc::new(self.rule_handler(self.rule_set(file, audience)?).stopping()))
    }

    fn rule_handler(&self, rules: Arc<RuleSet>) -> RuleHandler {
        let handler = RuleHandler::new(rules, replay_options(self.config))
            .with_room_memory(self.lasting.room_memory.clone())
            .with_path_counts(self.lasting.connections.clone());
        match self.lasting.on_verdict.clone() {
            Some(tell) => handler.on_verdict(move |verdict| tell(verdict)),
            None => handler,
        }
    }

    fn rule_set(&self, file: &Path, audience: &str) -> Result<Arc<RuleSet>, ServerError> {
        let rules = RuleSet::load(file)?;
        self.making.has_read(rules.files());
        self.doubt(rules.warnings());
        self.making.say(format!("answering {audience} by the rules of {}", file.display()));
        Ok(Arc::new(rules))
    }

    fn doubt<'p>(&self, doubts: impl IntoIterator<Item = &'p Problem>) {
        for doubt in doubts {
            self.making.doubt(doubt.to_string());
        }
    }
}

/// What connections get on each path, but for scripts.
pub(crate) struct Draft {
    default: Scope,
    paths: Vec<(PathPattern, Scope)>,
}

impl Draft {
    /// The whole, with `scripts` on every path that they answer on.
    pub(crate) fn version(self, config: WsConfig, scripts: HandlerSet) -> Version {
        let paths = self.paths.into_iter().map(|(pattern, scope)| (pattern, Arc::new(scope))).collect();
        Version { config: Arc::new(config), default: Arc::new(self.default), paths, scripts }
    }
}

/// What begins with a connection does so with the last of the modes: before it, there are rules.
fn bound(begins: Option<Begins>, modes: &HandlerSet) -> Option<Bound> {
    begins.zip(modes.last().cloned()).map(|(begins, mode)| Bound { begins, mode })
}

/// What begins with each connection.
fn begins_everywhere(config: &WsConfig) -> Option<Begins> {
    let events = config.ai_config.as_ref().is_some_and(|ai| ai.enabled);
    match (&config.proxy_config, &config.replay_file) {
        (Some(_), _) => Some(Begins::Proxy),
        (None, Some(script)) => Some(Begins::Replay(script.clone())),
        (None, None) => events.then_some(Begins::Ai),
    }
}

/// What begins with each connection on a path that has modes of its own.
fn begins_on(path: &PathConfig) -> Option<Begins> {
    match path.enabled_mode()? {
        PathMode::Echo | PathMode::RawEcho => None,
        PathMode::Replay(file) | PathMode::AugmentedReplay(file, _) => Some(Begins::Replay(file.clone())),
        PathMode::Proxy(_) => Some(Begins::Proxy),
        PathMode::Ai(_) => Some(Begins::Ai),
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

pub(crate) fn replay_options(config: &WsConfig) -> ReplayOptions {
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
    if config.raw_echo { Interactive::RawEcho } else { Interactive::Echo }.shared()
}
