//! Handlers in JavaScript, as they are told of: where each answers, or what is wrong with them.
//!
//! To know that, they are loaded, as a server does it: their top level runs, in its sandbox. Nothing is served.

mod imports;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mockforge_ws::{
    ReplayOptions, ScriptError, ScriptErrorKind, ScriptErrors, ScriptFolder, ScriptHandler, ScriptLimits,
    ScriptOptions, ScriptsConfig, TemplateRenderer,
};

use self::imports::imported;

/// Checks the handlers of a configuration: what answers where, in a line. There may be none yet.
pub(crate) fn check_configured(config: &ScriptsConfig) -> Result<String, HandlerMistakes> {
    let folder = load(config).map_err(|errors| HandlerMistakes::of_folder(&config.dir, &errors))?;
    let warning = none_in(&config.dir).map(|problem| format!("{}: warning: {problem}", config.dir.display()));
    Ok(warning.unwrap_or_else(|| summary(&folder)))
}

/// Says so if a folder holds no handlers; nothing, if it cannot be read.
pub(crate) fn none_in(dir: &Path) -> Option<String> {
    Contents::of(dir)?.lacks_handlers().map(|problem| format!("no handlers: {problem}"))
}

/// Whether there is something at the top of a folder that is loaded as a handler.
pub(crate) fn are_in(dir: &Path) -> bool {
    Contents::of(dir).is_some_and(|contents| contents.has_handlers)
}

/// Checks a folder that somebody says holds handlers: there must be some.
pub(crate) fn check_folder(dir: &Path) -> Result<String, HandlerMistakes> {
    let folder = load(&ScriptsConfig::new(dir)).map_err(|errors| HandlerMistakes::of_folder(dir, &errors))?;
    let lack = Contents::of(dir).and_then(|contents| contents.lacks_handlers());
    if let Some(problem) = lack.filter(|_| folder.scripts().is_empty()) {
        let below = dir.join("handlers");
        let hint = if are_in(&below) { format!("; did you mean {}?", below.display()) } else { String::new() };
        let line = format!("{}: holds no handlers: {problem}{hint}", dir.display());
        return Err(HandlerMistakes { name: dir.to_owned(), lines: vec![line] });
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

/// The folder of something that is a file and was taken for a folder.
pub(crate) fn folder_of_file(path: &Path) -> Option<&Path> {
    let folder = path.parent().filter(|_| path.is_file())?;
    Some(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })
}

/// Whether a name is that of a script for other engines, which does not run here.
pub(crate) fn is_of_another_kind(name: &str) -> bool {
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    matches!(extension, "ts" | "mts" | "cts" | "tsx" | "jsx" | "mjs" | "cjs") && !is_for_editors(name)
}

/// Whether a name is that of a file which tells editors of handlers, as `mockforge init` writes them.
pub(crate) fn is_for_editors(name: &str) -> bool {
    name == "jsconfig.json" || name.ends_with(".d.ts")
}

/// What stands at the top of a folder.
struct Contents {
    has_handlers: bool,
    /// Files that look like handlers and are none, sorted.
    others: Vec<String>,
}

impl Contents {
    /// `None`, if the folder cannot be read.
    fn of(dir: &Path) -> Option<Self> {
        let names = fs::read_dir(dir).ok()?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let names: Vec<_> = names.collect();
        let is_handler = |name: &String| name.ends_with(".js") && !name.starts_with(['_', '.']);
        let has_handlers = names.iter().any(is_handler);
        let mut others: Vec<_> = names.into_iter().filter(|name| is_of_another_kind(name)).collect();
        others.sort();
        Some(Self { has_handlers, others })
    }

    /// Why nothing in it is a handler, if that is so.
    fn lacks_handlers(&self) -> Option<String> {
        let others = match &*self.others {
            [] => String::new(),
            others => format!("; not read: {}", others.join(", ")),
        };
        let what = "those are .js files in the syntax of ES modules whose names do not begin with `_`";
        (!self.has_handlers).then(|| format!("{what}{others}"))
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
        let Some(folder) = folder_of_file(dir) else { return Self::new(dir, dir, errors.iter()) };
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
