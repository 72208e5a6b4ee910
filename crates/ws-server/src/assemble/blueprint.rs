//! What a configuration is loaded into, once for each version: checked, compiled, and not yet at work. Nothing in it counts
//! or remembers anything, but what all connections of a server have in common.

use std::sync::Arc;

use ws_ai::AugmentedScript;
use ws_conditions::Plan;
use ws_core::{HandlerSet, PathPattern, WsHandler};
use ws_proxy::WsProxyHandler;
use ws_replay::{ReplayOptions, ReplayScript, RuleSet};

use crate::scope::Begins;
use crate::{HandshakeRules, WsConfig};

/// A configuration, loaded.
pub(crate) struct Blueprint {
    pub(crate) config: Arc<WsConfig>,
    /// What connections get on paths that are not named.
    pub(super) default: Place,
    /// Those of the configuration's paths; the first that fits is taken.
    pub(super) paths: Vec<(PathPattern, Place)>,
    /// Handlers in JavaScript.
    pub(super) scripts: HandlerSet,
    /// How uploads are played.
    pub(super) options: ReplayOptions,
}

impl Blueprint {
    /// The same with `scripts`, each of which answers on its own paths.
    pub(crate) fn with_scripts(self, scripts: HandlerSet) -> Self {
        Self { scripts, ..self }
    }
}

/// What connections get on a path.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) guards: Vec<Guard>,
    pub(super) modes: Arc<Modes>,
    /// What begins with a connection does so with the last of the modes: before it, there are rules.
    pub(super) begins: Option<Begins>,
    /// Whether the modes that the embedder has added run behind them.
    pub(super) has_given_modes: bool,
    pub(super) fallback: Arc<dyn WsHandler>,
    pub(super) conditions: Option<Arc<Plan>>,
}

/// What stands before all handlers.
#[derive(Clone)]
pub(super) enum Guard {
    Shared(Arc<dyn WsHandler>),
    /// Each realm counts its handshakes by itself.
    Handshake(Arc<HandshakeRules>),
}

/// The modes of a place, in the order in which they run.
pub(super) struct Modes {
    pub(super) parts: Vec<Part>,
    pub(super) options: ReplayOptions,
}

/// What a mode is made of.
pub(super) enum Part {
    /// A mode that all realms have in common: there is one upstream with one pool, and one budget for a model.
    Shared(Arc<dyn WsHandler>),
    /// Rules that are alone.
    Rules(Arc<RuleSet>),
    /// Rules that keep what they take from the mode behind them.
    RulesBefore(Arc<RuleSet>),
    Replay(Script),
    /// A shared way to an upstream; the script plays while that is down.
    Proxy(WsProxyHandler, Script),
    /// A script with events that are written once, for all realms; rules answer beside it.
    Enriched(Arc<AugmentedScript>, Option<Arc<RuleSet>>),
}

/// A script, and the rules that answer beside it.
pub(super) struct Script {
    pub(super) script: Arc<ReplayScript>,
    pub(super) rules: Option<Arc<RuleSet>>,
}
