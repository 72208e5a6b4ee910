//! What whoever embeds scripts gives them.

use std::fmt;
use std::sync::Arc;

use ws_core::Connection;

use crate::{ScriptError, ScriptLimits};

pub(crate) type Template = dyn Fn(Option<&Arc<Connection>>, &str) -> Result<String, String> + Send + Sync;
pub(crate) type ErrorHook = dyn Fn(Option<&Arc<Connection>>, &ScriptError) + Send + Sync;

/// How scripts are run.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct ScriptOptions {
    /// What each script may use.
    pub limits: ScriptLimits,
    /// Makes `Math.random`, `crypto.randomUUID` and `crypto.getRandomValues` repeat.
    pub seed: Option<u64>,
    pub(crate) template: Option<Arc<Template>>,
    pub(crate) on_error: Option<Arc<ErrorHook>>,
}

impl ScriptOptions {
    /// Sets what each script may use.
    #[must_use]
    pub fn limits(mut self, limits: ScriptLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Makes all randomness of scripts repeat.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Gives scripts `template(text)` and `faker`: `expand` is called on the script's thread and must be quick. The
    /// connection is the one whose turn it is.
    #[must_use]
    pub fn template(
        mut self,
        expand: impl Fn(Option<&Arc<Connection>>, &str) -> Result<String, String> + Send + Sync + 'static,
    ) -> Self {
        self.template = Some(Arc::new(expand));
        self
    }

    /// Is told of errors that no call of a handler returns: in timers, and rejected promises that nobody awaits. They are
    /// logged, too.
    #[must_use]
    pub fn on_error(mut self, hook: impl Fn(Option<&Arc<Connection>>, &ScriptError) + Send + Sync + 'static) -> Self {
        self.on_error = Some(Arc::new(hook));
        self
    }
}

impl fmt::Debug for ScriptOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptOptions").field("limits", &self.limits).field("seed", &self.seed).finish_non_exhaustive()
    }
}
