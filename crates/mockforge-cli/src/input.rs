//! Files that a command is given: what each is for, by what stands in it.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use mockforge_ws::{CheckReport, FileKind, ReplayErrors, ReplayScript, RuleSet};

use crate::config_file::{ConfigFile, ConfigMistakes};
use crate::handlers::{self, HandlerMistakes};

/// What the program does with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A configuration of `serve`.
    Config,
    /// Rules by which messages are answered.
    Rules,
    /// A script that is played.
    Script,
    /// A recording of another tool.
    Har,
    /// A handler in JavaScript, or a folder of them.
    Handlers,
    /// A script in a syntax that handlers do not have, such as TypeScript.
    ForeignScript,
    /// What tells editors of handlers.
    ForEditors,
}

impl Kind {
    /// What the name of a file tells, whatever stands in it.
    fn told_by_name(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        if is_script_of_handlers(path) {
            Some(Self::Handlers)
        } else if handlers::is_for_editors(name) {
            Some(Self::ForEditors)
        } else {
            handlers::is_of_another_kind(name).then_some(Self::ForeignScript)
        }
    }

    /// What the content of a file tells, if it tells anything.
    fn told_by(content: &[u8]) -> Option<Self> {
        match FileKind::of(content) {
            Some(FileKind::Rules) => Some(Self::Rules),
            Some(FileKind::Script) => Some(Self::Script),
            Some(FileKind::Har) => Some(Self::Har),
            _ => ConfigFile::is_like(&String::from_utf8_lossy(content)).then_some(Self::Config),
        }
    }
}

/// A file, or what is typed or piped in.
pub(crate) enum Input {
    File { path: PathBuf, kind: Kind },
    Piped { content: Vec<u8>, kind: Kind },
}

impl Input {
    /// Looks into a file; `-` is what is piped in. A folder without handlers stands for the configuration in it.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        if path == Path::new("-") {
            let content = beginning(io::stdin().lock())?;
            let kind = Kind::told_by(&content).unwrap_or(Kind::Script);
            return Ok(Self::Piped { content, kind });
        }
        if path.is_dir() {
            let config =
                Some(path.join(ConfigFile::DEFAULT)).filter(|config| config.is_file() && !handlers::are_in(path));
            let (path, kind) = config.map_or((path.to_owned(), Kind::Handlers), |config| (config, Kind::Config));
            return Ok(Self::File { path, kind });
        }
        if let Some(kind) = Kind::told_by_name(path).filter(|kind| *kind == Kind::Handlers || path.is_file()) {
            return Ok(Self::File { path: path.to_owned(), kind });
        }
        // Whoever reads it as what it is says why it cannot be read.
        let told = File::open(path).and_then(beginning).ok().and_then(|content| Kind::told_by(&content));
        Ok(Self::File { path: path.to_owned(), kind: told.unwrap_or_else(|| kind_by_name(path)) })
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::File { kind, .. } | Self::Piped { kind, .. } => *kind,
        }
    }

    /// How it is called in what is said about it.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::File { path, .. } => path.display().to_string(),
            Self::Piped { .. } => "stdin".to_owned(),
        }
    }

    pub(crate) fn config(&self) -> Result<ConfigFile, ConfigMistakes> {
        match self {
            Self::File { path, .. } => ConfigFile::load(path),
            Self::Piped { content, .. } => ConfigFile::of_text(Path::new("stdin"), &String::from_utf8_lossy(content)),
        }
    }

    pub(crate) fn script(&self) -> Result<ReplayScript, ReplayErrors> {
        match self {
            Self::File { path, .. } => ReplayScript::load(path),
            Self::Piped { content, .. } => ReplayScript::read(content.as_slice(), &self.name()),
        }
    }

    pub(crate) fn rules(&self) -> Result<RuleSet, ReplayErrors> {
        match self {
            Self::File { path, .. } => RuleSet::load(path),
            Self::Piped { content, .. } => RuleSet::read(content.as_slice(), &self.name()),
        }
    }

    /// If it holds handlers: where they answer, in a line, or what is wrong with them.
    pub(crate) fn handlers(&self) -> Option<Result<String, HandlerMistakes>> {
        let Self::File { path, kind: Kind::Handlers } = self else { return None };
        Some(if path.is_dir() { handlers::check_folder(path) } else { handlers::check_file(path) })
    }

    /// What is found in it, if it holds a script or rules.
    pub(crate) fn check(&self) -> Option<CheckReport> {
        match self.kind() {
            Kind::Script => Some(self.check_script()),
            Kind::Rules => Some(self.check_rules()),
            Kind::Config | Kind::Har | Kind::Handlers | Kind::ForeignScript | Kind::ForEditors => None,
        }
    }

    /// What is found in it as a script.
    fn check_script(&self) -> CheckReport {
        match self {
            Self::File { path, .. } => CheckReport::of_file(path),
            Self::Piped { content, .. } => CheckReport::of_reader(content.as_slice(), &self.name()),
        }
    }

    /// What is found in it as rules.
    fn check_rules(&self) -> CheckReport {
        match self {
            Self::File { path, .. } => CheckReport::of_rules_file(path),
            Self::Piped { content, .. } => CheckReport::of_rules_reader(content.as_slice(), &self.name()),
        }
    }
}

/// As much as scripts and rules may have; more of a recording is not needed to know it.
fn beginning(file: impl Read) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    file.take(ReplayScript::MAX_FILE_BYTES + 1).read_to_end(&mut content)?;
    Ok(content)
}

fn kind_by_name(path: &Path) -> Kind {
    if is_named(path, &["yaml", "yml"]) { Kind::Config } else { Kind::Script }
}

fn is_named(path: &Path, extensions: &[&str]) -> bool {
    path.extension().is_some_and(|extension| extensions.iter().any(|other| extension.eq_ignore_ascii_case(other)))
}

fn is_script_of_handlers(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "js")
}

/// What to do instead, if `path` was given as what it certainly is not; in two lines, as mistakes in a file are told.
pub(crate) fn misplaced(path: &Path, given_as: Kind) -> Option<String> {
    // What comes through a pipe has been read already.
    if !path.is_file() {
        return None;
    }
    let found = match Kind::told_by_name(path) {
        Some(kind) => kind,
        None => File::open(path).and_then(beginning).ok().and_then(|content| Kind::told_by(&content))?,
    };
    // Rules that are lines may be played: a script with nothing but rules in it.
    let is_fine = found == given_as || (found == Kind::Rules && given_as == Kind::Script && is_named(path, &["jsonl"]));
    (!is_fine).then(|| told_apart(found, &path.display().to_string()))
}

/// What a file of this kind is for.
pub(crate) fn told_apart(kind: Kind, name: &str) -> String {
    let instead = match kind {
        Kind::Config => "is a configuration: --config FILE reads it".to_owned(),
        Kind::Rules => "holds rules: name it with --rules FILE, or as `rules_file` in mockforge.yaml".to_owned(),
        Kind::Script => {
            "holds a script: name it with --ws-replay-file FILE, or as `replay_file` in mockforge.yaml".to_owned()
        }
        Kind::Handlers => {
            "holds a handler: name its folder with --handlers DIR, or as `scripts` in mockforge.yaml".to_owned()
        }
        Kind::ForeignScript => {
            "is no handler: those are .js files in the syntax of ES modules; TypeScript is not understood".to_owned()
        }
        Kind::ForEditors => "is for editors: no command reads it".to_owned(),
        Kind::Har => {
            let out = Path::new(name).with_extension("jsonl");
            format!("is a HAR file: import it first, by mockforge import har {name} --out {}", out.display())
        }
    };
    format!("{name}: {instead}\n{name}: 1 error")
}
