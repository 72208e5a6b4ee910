//! A folder of scripts that runs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ws_core::{HandlerError, HandlerSet};
use ws_replay::{ReplayOptions, TemplateRenderer};
use ws_script::{OnFault, ScriptFolder, ScriptHandler, ScriptLimits, ScriptOptions};

use crate::realm::Watchers;
use crate::{OnScriptError, ScriptsConfig, ServerError};

/// The scripts of a server.
pub(crate) struct Scripts {
    config: ScriptsConfig,
    templates: ReplayOptions,
    folder: ScriptFolder,
}

/// What a reload of scripts did: names of files, and what is to be said of it.
#[derive(Default)]
pub(crate) struct ScriptsReload {
    pub(crate) changed: Vec<String>,
    pub(crate) news: Vec<String>,
    pub(crate) warnings: Vec<String>,
}

impl Scripts {
    /// Loads the folder; `templates` say how scripts expand texts, and what they take at random.
    pub(crate) fn load(
        config: &ScriptsConfig,
        templates: ReplayOptions,
        watchers: &Watchers,
    ) -> Result<Self, ServerError> {
        let renderer = TemplateRenderer::new(&templates);
        let watchers = watchers.clone();
        let options = ScriptOptions::default()
            .limits(config.into())
            .template(move |connection, text| renderer.render(connection, text))
            .on_error(move |connection, error| {
                if let Some(connection) = connection {
                    let error = HandlerError::Generic(error.to_string());
                    watchers.tell(connection, |observer| observer.on_handler_error(connection, &error));
                }
            });
        let options = match templates.seed {
            Some(seed) => options.seed(seed),
            None => options,
        };
        let folder = ScriptFolder::load(&config.dir, options).map_err(|errors| mistakes(config, errors))?;
        Ok(Self { config: config.clone(), templates, folder })
    }

    /// Whether what is now configured would make the same of the same files.
    pub(crate) fn is_made_of(&self, config: &ScriptsConfig, templates: &ReplayOptions) -> bool {
        self.config == *config && self.templates == *templates
    }

    /// Takes up what stands in the folder now. Nobody gets it before [`handlers`](Self::handlers) take the place of the old.
    pub(crate) fn reload(&self) -> Result<ScriptsReload, ServerError> {
        let report = self.folder.reload().map_err(|errors| mistakes(&self.config, errors))?;
        let dir = self.config.dir.display();
        let scripts = self.folder.scripts();
        let added = scripts.iter().filter(|script| report.added.iter().any(|name| name == script.name()));
        let gone = report.removed.iter().map(|name| format!("{dir}/{name} is gone"));
        let news = added.map(|script| self.line(script)).chain(gone).collect();
        let changed = [report.added, report.changed, report.removed].into_iter().flatten();
        let changed = changed.map(|name| format!("{dir}/{name}")).collect();
        Ok(ScriptsReload { changed, news, warnings: report.warnings })
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.config.dir
    }

    pub(crate) fn handlers(&self) -> HandlerSet {
        self.folder.handlers()
    }

    /// What answers where, in a line for each script.
    pub(crate) fn news(&self) -> Vec<String> {
        self.folder.scripts().iter().map(|script| self.line(script)).collect()
    }

    fn line(&self, script: &ScriptHandler) -> String {
        let paths: Vec<_> = script.paths().iter().map(ToString::to_string).collect();
        format!("{}/{} answers on {}", self.config.dir.display(), script.name(), paths.join(", "))
    }
}

/// What stands in the folder, in a number.
pub(crate) fn digest(dir: &Path) -> u64 {
    ScriptFolder::fingerprint(dir)
}

/// The folders in which a change may change what stands in the folder.
pub(crate) fn folders(dir: &Path) -> BTreeSet<PathBuf> {
    ScriptFolder::folders(dir)
}

fn mistakes(config: &ScriptsConfig, errors: ws_script::ScriptErrors) -> ServerError {
    ServerError::Scripts { dir: config.dir.clone(), errors }
}

impl From<&ScriptsConfig> for ScriptLimits {
    /// What scripts may use by a configuration.
    fn from(config: &ScriptsConfig) -> Self {
        let ScriptsConfig { memory, stack, time, timers, on_error, on_limit, .. } = *config;
        let (on_error, on_limit) = (policy(on_error), policy(on_limit));
        Self { memory, stack, time, timers, on_error, on_limit, ..Self::default() }
    }
}

fn policy(policy: OnScriptError) -> OnFault {
    match policy {
        OnScriptError::Keep => OnFault::Keep,
        OnScriptError::Close => OnFault::Close,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_of_files_are_those_of_scripts() {
        assert_eq!(ScriptLimits::from(&ScriptsConfig::new("handlers")), ScriptLimits::default());
    }
}
