//! Handlers in JavaScript, as they are told of: where each answers, or what is wrong with them.
//!
//! To know that, they are loaded, as a server does it: their top level runs, in its sandbox. Nothing is served.

mod imports;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mockforge_ws::{
    ReplayOptions, ScriptError, ScriptErrorKind, ScriptErrors, ScriptFolder, ScriptHandler, ScriptLimits,
    ScriptOptions, ScriptsConfig, TemplateRenderer,
};

use self::imports::imported;

/// Checks the handlers of a configuration: what answers where, in a line.
pub(crate) fn check_configured(config: &ScriptsConfig) -> Result<String, HandlerMistakes> {
    let folder = load(config).map_err(|errors| HandlerMistakes::of_folder(&config.dir, &errors))?;
    Ok(summary(&folder))
}

/// Checks a folder that somebody says holds handlers: there must be some.
pub(crate) fn check_folder(dir: &Path) -> Result<String, HandlerMistakes> {
    let folder = load(&ScriptsConfig::new(dir)).map_err(|errors| HandlerMistakes::of_folder(dir, &errors))?;
    if folder.scripts().is_empty() {
        let problem = "holds no handlers: those are .js files whose names do not begin with `_`";
        return Err(HandlerMistakes { name: dir.to_owned(), lines: vec![format!("{}: {problem}", dir.display())] });
    }
    Ok(summary(&folder))
}

/// Checks one handler, with what it imports, among those of its folder.
pub(crate) fn check_file(path: &Path) -> Result<String, HandlerMistakes> {
    let shown = path.display();
    let mistake =
        |problem: String| HandlerMistakes { name: path.to_owned(), lines: vec![format!("{shown}: {problem}")] };
    path.metadata().map_err(|error| mistake(format!("cannot be read: {error}")))?;
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let folder = path.parent().unwrap_or(Path::new(""));
    // A name alone is in a folder that no system knows by that name.
    let dir = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let loaded = match load(&ScriptsConfig::new(dir)) {
        Ok(loaded) => loaded,
        Err(errors) => {
            let files = imported(dir, name);
            // Where files cannot be read, none of them was looked at.
            let concerns = |error: &&ScriptError| files.contains(&error.file) || error.kind == ScriptErrorKind::Read;
            let mistakes = HandlerMistakes::new(path, folder, errors.iter().filter(concerns));
            let is_right = mistakes.lines.is_empty();
            return if is_right {
                Ok(format!("{shown}: has no mistakes; others in its folder do"))
            } else {
                Err(mistakes)
            };
        }
    };
    let scripts = loaded.scripts();
    if let Some(script) = scripts.iter().find(|script| script.name() == name) {
        return Ok(format!("{shown}: answers on {}", paths(script)));
    }
    if !name.starts_with('_') {
        return Err(mistake("is not read: a handler has a name such as chat.js".to_owned()));
    }
    match scripts.iter().find(|script| imported(dir, script.name()).contains(name)) {
        Some(script) => Ok(format!("{shown}: is imported by {}", script.name())),
        None => Ok(format!("{shown}: is imported by no handler, and so is not checked")),
    }
}

/// Loads handlers as `serve` does.
fn load(config: &ScriptsConfig) -> Result<ScriptFolder, ScriptErrors> {
    let renderer = TemplateRenderer::new(&ReplayOptions::default());
    let options = ScriptOptions::default()
        .limits(ScriptLimits::from(config))
        .template(move |connection, text| renderer.render(connection, text));
    ScriptFolder::load(&config.dir, options)
}

/// What answers where.
fn summary(folder: &ScriptFolder) -> String {
    let scripts = folder.scripts();
    let answers: Vec<_> = scripts.iter().map(|script| format!("{} on {}", script.name(), paths(script))).collect();
    let noun = if scripts.len() == 1 { "script" } else { "scripts" };
    let answers = if answers.is_empty() { String::new() } else { format!(": {}", answers.join(", ")) };
    format!("{}: {} {noun}{answers}", folder.dir().display(), scripts.len())
}

fn paths(script: &Arc<ScriptHandler>) -> String {
    script.paths().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// All that is wrong with handlers; at least one mistake. It displays with one line for each.
#[derive(Debug)]
pub(crate) struct HandlerMistakes {
    /// The folder or file that was asked for.
    name: PathBuf,
    lines: Vec<String>,
}

impl HandlerMistakes {
    /// Those of a folder that cannot be loaded.
    pub(crate) fn of_folder(dir: &Path, errors: &ScriptErrors) -> Self {
        if !dir.is_file() {
            return Self::new(dir, dir, errors.iter());
        }
        let folder = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let problem = format!("is a file; name the folder that it stands in: {}", folder.display());
        Self { name: dir.to_owned(), lines: vec![format!("{}: {problem}", dir.display())] }
    }

    /// Those of files in `dir`, each once: several handlers may import the same.
    fn new<'e>(name: &Path, dir: &Path, errors: impl Iterator<Item = &'e ScriptError>) -> Self {
        let mut lines = Vec::new();
        for line in errors.map(|error| line(dir, error)) {
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        Self { name: name.to_owned(), lines }
    }
}

impl fmt::Display for HandlerMistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            writeln!(f, "{line}")?;
        }
        let count = self.lines.len();
        write!(f, "{}: {count} {}", self.name.display(), if count == 1 { "error" } else { "errors" })
    }
}

/// A mistake, with its file as it is found from here.
fn line(dir: &Path, error: &ScriptError) -> String {
    let mut error = error.clone();
    let file = dir.join(&error.file);
    if file.symlink_metadata().is_ok() {
        error.file = file.display().to_string();
    }
    error.to_string()
}
