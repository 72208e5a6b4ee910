//! Makes the modes that a configuration asks for. The one place in this crate that knows the mode crates.
//!
//! In two steps. *Loading* reads files and checks everything: that can fail, and makes a [`Blueprint`], once for each
//! version. *Instantiating* makes of it what connections get: that reads nothing, cannot fail, says nothing, and is done for
//! the server and for each test that runs on it.

mod ai;
mod blueprint;
mod instances;
mod making;
mod plays;
mod uploads;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use tracing::info;
use ws_conditions::{Conditions, ConditionsError, Plan};
use ws_core::{HandlerError, HandlerSet, Message, SessionObserver, WsHandler};
use ws_metrics::MetricsRegistry;
use ws_patterns::MessagePattern;
use ws_proxy::{Fallback, WsProxyConfig, WsProxyHandler};
use ws_replay::{Problem, Recorder, ReplayOptions, ReplayScript, RuleSet, SessionVerdict};

pub(crate) use self::blueprint::Blueprint;
use self::blueprint::{Guard, Modes, Part, Place, Script};
pub(crate) use self::instances::{Given, RealmState};
pub(crate) use self::making::Made;
use self::making::{Making, Recipe};
pub(crate) use self::plays::PlayScript;
pub(crate) use self::uploads::Upload;
#[cfg(feature = "admin")]
pub(crate) use self::uploads::{RuleEdit, Uploads};
use crate::files::Digests;
use crate::interactive::Interactive;
use crate::rate_limited::RateGuard;
use crate::scope::Begins;
use crate::{HandshakeRules, PathConfig, PathMode, ServerError, WsConfig};

/// Who is told of the verdict on each session.
pub(crate) type OnVerdict = Arc<dyn Fn(SessionVerdict) + Send + Sync>;

/// For whom the modes of the whole server are; those of a path are for the connections there.
const EVERYONE: &str = "every connection";

/// What outlives reloads.
pub(crate) struct Lasting {
    metrics: MetricsRegistry,
    /// The seed of events, where none is set.
    drawn_seed: OnceLock<u64>,
}

impl Lasting {
    pub(crate) fn new(metrics: MetricsRegistry) -> Self {
        Self { metrics, drawn_seed: OnceLock::new() }
    }
}

/// The loading of a configuration.
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

    /// Loads everything but scripts.
    pub(crate) fn load(mut self) -> Result<(Blueprint, Made), ServerError> {
        let default = self.server()?;
        let paths = self.config.paths.iter();
        let paths = paths.map(|path| Ok((path.path.clone(), self.path(path, &default)?)));
        let paths = paths.collect::<Result<_, ServerError>>()?;
        let blueprint = Blueprint {
            config: Arc::new(self.config.clone()),
            default,
            paths,
            scripts: HandlerSet::new(),
            options: replay_options(self.config),
        };
        Ok((blueprint, self.making.finish()))
    }

    fn server(&mut self) -> Result<Place, ServerError> {
        let config = self.config;
        let guards = self.guards()?;
        let modes = self.made(Recipe::of_server(config), |assembly| assembly.modes())?;
        let conditions = match config.conditions.clone() {
            Some(conditions) => Some(self.conditions(conditions, "everywhere")?),
            None => None,
        };
        let (begins, fallback) = (begins_everywhere(config), fallback(config));
        Ok(Place { guards, modes, begins, has_given_modes: true, fallback, conditions })
    }

    /// The modes of the whole server, in the order in which they run behind the registered handlers.
    fn modes(&self) -> Result<Vec<Part>, ServerError> {
        let WsConfig { replay_file, rules_file, proxy_config, ai_config, .. } = self.config;
        let (script, rules) = (replay_file.as_deref(), rules_file.as_deref());
        let Some(upstream) = proxy_config else {
            return match (ai_config.as_ref().filter(|ai| ai.enabled), script) {
                (Some(ai), Some(script)) => self.enriched(script, ai, rules, EVERYONE),
                (Some(ai), None) => self.events(ai, rules, EVERYONE),
                (None, _) => self.answers(script, rules, EVERYONE),
            };
        };
        let stand_in = match script {
            Some(file) => Some(self.script(file, None, "every connection whose upstream is down")?),
            None => None,
        };
        if let Some(file) = script
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
        let rules = rules.map(|file| self.rules_before(file, EVERYONE)).transpose()?;
        let proxy = match stand_in {
            Some(script) => Part::Proxy(proxy(upstream)?, script),
            None => self.proxy(upstream)?,
        };
        Ok(rules.into_iter().chain([proxy]).collect())
    }

    /// What connections get on a path on which something is different from `server`.
    fn path(&mut self, path: &PathConfig, server: &Place) -> Result<Place, ServerError> {
        let mut place = server.clone();
        if path.enabled_mode().is_some() || path.rules_file.is_some() {
            let recipe = Recipe::of_path(self.config, path);
            place.modes = self.made(recipe, |assembly| assembly.modes_of(path))?;
            place.begins = begins_on(path);
            place.has_given_modes = false;
        }
        match path.enabled_mode() {
            Some(PathMode::Echo) => place.fallback = Interactive::Echo.shared(),
            Some(PathMode::RawEcho) => place.fallback = Interactive::RawEcho.shared(),
            _ => {}
        }
        if let Some(limit) = path.rate_limit {
            // That of the whole server goes on counting here, too.
            place.guards.truncate(usize::from(self.config.server_rate_limit.is_some()));
            place.guards.push(Guard::Shared(Arc::new(RateGuard::per_connection(limit)?)));
        }
        if !path.handshake.is_empty() {
            place.guards.insert(0, Guard::Handshake(self.handshake(path)?));
        }
        if let Some(conditions) = path.conditions.clone() {
            place.conditions = Some(self.conditions(conditions, path.path.as_str())?);
        }
        Ok(place)
    }

    fn modes_of(&self, path: &PathConfig) -> Result<Vec<Part>, ServerError> {
        let (rules, place) = (path.rules_file.as_deref(), path.path.as_str());
        match path.enabled_mode() {
            None => self.answers(None, rules, place),
            Some(PathMode::Echo | PathMode::RawEcho) => Ok(Vec::new()),
            Some(PathMode::Replay(file)) => self.answers(Some(file), rules, place),
            Some(PathMode::AugmentedReplay(file, ai)) if ai.enabled => self.enriched(file, ai, rules, place),
            Some(PathMode::AugmentedReplay(file, _)) => self.answers(Some(file), rules, place),
            Some(PathMode::Ai(ai)) => self.events(ai, rules, place),
            Some(PathMode::Proxy(upstream)) => {
                let rules = rules.map(|file| self.rules_before(file, place)).transpose()?;
                Ok(rules.into_iter().chain([self.proxy(upstream)?]).collect())
            }
        }
    }

    /// What is made by a recipe: as it was made before, if nothing in it has changed.
    fn made(
        &mut self,
        recipe: Recipe,
        make: impl FnOnce(&Self) -> Result<Vec<Part>, ServerError>,
    ) -> Result<Arc<Modes>, ServerError> {
        if let Some(modes) = self.making.modes_again(&recipe) {
            return Ok(modes);
        }
        let digests = Digests::of(recipe.files());
        let modes = Arc::new(Modes { parts: make(self)?, options: replay_options(self.config) });
        self.making.keep_modes(recipe, digests, Arc::clone(&modes));
        Ok(modes)
    }

    /// Who decides about the handshakes of a path.
    fn handshake(&mut self, path: &PathConfig) -> Result<Arc<HandshakeRules>, ServerError> {
        let (rules, place) = (&path.handshake, path.path.as_str());
        let guard = match self.making.handshake_again(rules, place) {
            Some(known) => known,
            None => Arc::new(HandshakeRules::new(rules.clone())?),
        };
        self.making.keep_handshake(rules.clone(), place, Arc::clone(&guard));
        Ok(guard)
    }

    fn conditions(&mut self, conditions: Conditions, place: &str) -> Result<Arc<Plan>, ServerError> {
        let conditions = Conditions { seed: conditions.seed.or(self.config.seed), ..conditions };
        if let Some(known) = self.making.conditions_again(&conditions, place) {
            return Ok(known);
        }
        let made = Arc::new(plan(conditions.clone(), self.config, place)?);
        self.making.keep_conditions(conditions, place, Arc::clone(&made));
        Ok(made)
    }

    /// What stands before all handlers.
    fn guards(&mut self) -> Result<Vec<Guard>, ServerError> {
        let mut guards = Vec::new();
        if let Some(limit) = self.config.server_rate_limit {
            let guard = match self.making.shared_limit_again(limit) {
                Some(known) => known,
                None => Arc::new(RateGuard::shared(limit)?),
            };
            self.making.keep_shared_limit(limit, Arc::clone(&guard));
            guards.push(Guard::Shared(guard));
        }
        if let Some(limit) = self.config.rate_limit {
            guards.push(Guard::Shared(Arc::new(RateGuard::per_connection(limit)?)));
        }
        Ok(guards)
    }

    /// Who answers where there is no upstream: a script, rules, or a script beside which rules answer what it does not wait
    /// for.
    fn answers(&self, script: Option<&Path>, rules: Option<&Path>, audience: &str) -> Result<Vec<Part>, ServerError> {
        let Some(file) = script else {
            let rules = rules.map(|file| self.rule_set(file, audience)).transpose()?;
            return Ok(rules.map(Part::Rules).into_iter().collect());
        };
        Ok(vec![Part::Replay(self.script(file, rules, audience)?)])
    }

    /// A script, and the rules beside it.
    fn script(&self, file: &Path, rules: Option<&Path>, audience: &str) -> Result<Script, ServerError> {
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
        Ok(Script { script: Arc::new(script), rules: rules.map(|(_, rules)| Arc::new(rules)) })
    }

    /// The way to an upstream, for which the fallback stands in while it is down.
    fn proxy(&self, upstream: &WsProxyConfig) -> Result<Part, ServerError> {
        Ok(Part::Shared(Arc::new(proxy(upstream)?.with_fallback(fallback(self.config)))))
    }

    /// Rules that keep what they take from a mode behind them.
    fn rules_before(&self, file: &Path, audience: &str) -> Result<Part, ServerError> {
        Ok(Part::RulesBefore(self.rule_set(file, audience)?))
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

fn proxy(config: &WsProxyConfig) -> Result<WsProxyHandler, ServerError> {
    Ok(WsProxyHandler::try_new(config.clone())?)
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
