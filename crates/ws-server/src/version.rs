//! What a configuration makes: its values, and what connections get on each path. A reload makes a new one.

use std::sync::Arc;

use ws_core::{PathPattern, WsHandler};

use crate::{Scope, WsConfig};

/// A configuration, and what it makes, as of one load. It never changes.
pub(crate) struct Version {
    pub(crate) config: Arc<WsConfig>,
    /// What connections get on paths that are not named.
    pub(crate) default: Arc<Scope>,
    /// Those of the configuration's paths; the first that fits is taken.
    pub(crate) paths: Vec<(PathPattern, Arc<Scope>)>,
    /// Handlers in JavaScript: each answers on its own paths.
    pub(crate) scripts: Arc<[Arc<dyn WsHandler>]>,
}

impl Version {
    /// What a connection on `path` gets.
    pub(crate) fn scope(&self, path: &str) -> &Arc<Scope> {
        let named = self.paths.iter().find(|(pattern, _)| pattern.matches(path));
        named.map_or(&self.default, |(_, scope)| scope)
    }

    /// Whether the configuration or a script names a path.
    pub(crate) fn names(&self, path: &str) -> bool {
        let is_configured = self.paths.iter().any(|(pattern, _)| pattern.matches(path));
        is_configured || self.scripts.iter().any(|script| script.handles_path(path))
    }
}
