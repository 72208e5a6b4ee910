//! `mockforge.yaml`: the configuration of `serve` in a file.
//!
//! Three steps: the YAML becomes a tree in which every value knows its place ([`tree`]); the tree becomes a [`WsConfig`],
//! with every mistake in it collected ([`reading`]); files that it names are found from where it stands.

mod live;
mod mistake;
mod reading;
mod schema;
mod tree;

use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use mockforge_ws::{PathMode, TlsConfig, WebSocketAiConfig, WsConfig};
use serde::Deserialize;

pub(crate) use self::live::LiveFile;
use self::mistake::Mistake;
pub(crate) use self::schema::schema;
use self::tree::{Node, Place};
use crate::handlers;

/// The largest file that is read, in bytes: nobody writes more by hand.
const LARGEST: u64 = 4 * 1024 * 1024;

/// A configuration file that was read.
#[derive(Debug)]
pub(crate) struct ConfigFile {
    pub(crate) path: PathBuf,
    pub(crate) config: WsConfig,
    /// Whether nothing stands in it but blanks and comments.
    is_empty: bool,
    /// Where it names the folder of handlers.
    handlers_named_at: Option<Place>,
}

/// What the file may hold.
#[derive(Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "mockforge.yaml", description = "The configuration of `mockforge serve`.")]
struct Document {
    /// The WebSocket server.
    websocket: WsConfig,
}

impl ConfigFile {
    /// The file that is read if there is one and none is named.
    pub(crate) const DEFAULT: &str = "mockforge.yaml";

    /// Reads `path`. Files that it names are meant as seen from the folder that it stands in.
    pub(crate) fn load(path: &Path) -> Result<Self, ConfigMistakes> {
        match read(path) {
            Ok(text) => Self::of_text(path, &text),
            Err(problem) => Err(ConfigMistakes::of_file(path, problem)),
        }
    }

    /// Reads the text of the file at `path`.
    pub(crate) fn of_text(path: &Path, text: &str) -> Result<Self, ConfigMistakes> {
        let read = parse(text).map_err(|mistakes| ConfigMistakes { path: path.to_owned(), mistakes });
        let Parsed { mut config, handlers_named_at } = read?;
        let folder = path.parent().unwrap_or(Path::new(""));
        for file in files_of(&mut config) {
            *file = folder.join(&*file);
        }
        let is_empty = text.lines().map(str::trim).all(|line| line.is_empty() || line.starts_with('#'));
        Ok(Self { path: path.to_owned(), config, is_empty, handlers_named_at })
    }

    /// Whether the folder of handlers that it names is one.
    ///
    /// That is no part of reading it: a flag may name another folder.
    pub(crate) fn check_handlers_folder(&self) -> Result<(), ConfigMistakes> {
        let Some(scripts) = self.config.scripts.as_ref().filter(|scripts| !scripts.dir.is_dir()) else { return Ok(()) };
        let dir = scripts.dir.display();
        let problem = match handlers::folder_of_file(&scripts.dir) {
            Some(folder) => format!("{dir} is a file; name the folder that it stands in: {}", folder.display()),
            None => format!("no folder at {dir}"),
        };
        let mistake = Mistake { place: self.handlers_named_at, text: format!("`scripts.dir`: {problem}") };
        Err(ConfigMistakes { path: self.path.clone(), mistakes: vec![mistake] })
    }

    /// Whether the text is a configuration, perhaps one with mistakes.
    pub(crate) fn is_like(text: &str) -> bool {
        let key = |line: &str| line.trim_start_matches(['{', ' ', '"']).starts_with("websocket");
        text.lines().any(|line| !line.starts_with(' ') && key(line))
    }

    /// What it configures, in a line.
    pub(crate) fn summary(&self) -> String {
        let WsConfig { host, port, tls, paths, .. } = &self.config;
        let scheme = if tls.is_some() { "wss" } else { "ws" };
        let paths = match paths.len() {
            0 => String::new(),
            1 => ", 1 path of its own kind".to_owned(),
            n => format!(", {n} paths of their own kind"),
        };
        let emptiness = if self.is_empty { "is empty; as a configuration it " } else { "" };
        format!("{}: {emptiness}configures {scheme}://{}{paths}", self.path.display(), SocketAddr::new(*host, *port))
    }
}

fn read(path: &Path) -> Result<String, String> {
    let metadata = fs::metadata(path).map_err(|error| format!("cannot be read: {error}"))?;
    if metadata.is_dir() {
        return Err("is a folder; expected a YAML file".to_owned());
    }
    if metadata.len() > LARGEST {
        return Err(format!("is larger than {} MiB", LARGEST / 1024 / 1024));
    }
    let bytes = fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())
}

/// What stands in a file.
struct Parsed {
    config: WsConfig,
    handlers_named_at: Option<Place>,
}

fn parse(text: &str) -> Result<Parsed, Vec<Mistake>> {
    let tree = Node::parse(text).map_err(|mistake| vec![mistake])?;
    let handlers_named_at = tree.below(&["websocket", "scripts", "dir"]).map(|node| node.place);
    let document = reading::read::<Document>(tree)?;
    Ok(Parsed { config: document.websocket, handlers_named_at })
}

/// The files and folders that a configuration names.
fn files_of(config: &mut WsConfig) -> Vec<&mut PathBuf> {
    let mut files: Vec<&mut PathBuf> = config.replay_file.iter_mut().chain(&mut config.rules_file).collect();
    files.extend(config.scripts.as_mut().map(|scripts| &mut scripts.dir));
    files.extend(config.record.as_mut().map(|record| &mut record.file));
    files.extend(config.proxy_config.as_mut().and_then(|upstream| upstream.tls.ca_file.as_mut()));
    files.extend(config.ai_config.iter_mut().flat_map(files_of_events));
    match &mut config.tls {
        Some(TlsConfig::Files { cert_file, key_file }) => files.extend([cert_file, key_file]),
        Some(TlsConfig::SelfSigned { ca_dir, .. }) => files.extend(ca_dir),
        _ => {}
    }
    for path in &mut config.paths {
        files.extend(&mut path.rules_file);
        match &mut path.mode {
            Some(PathMode::Replay(file)) => files.push(file),
            Some(PathMode::Proxy(upstream)) => files.extend(&mut upstream.tls.ca_file),
            Some(PathMode::Ai(ai)) => files.extend(files_of_events(ai)),
            Some(PathMode::AugmentedReplay(file, ai)) => {
                files.push(file);
                files.extend(files_of_events(ai));
            }
            _ => {}
        }
    }
    files
}

fn files_of_events(config: &mut WebSocketAiConfig) -> impl Iterator<Item = &mut PathBuf> {
    let WebSocketAiConfig { event_schema, event_example, cache_dir, .. } = config;
    [event_schema, event_example, cache_dir].into_iter().flatten()
}

/// All that is wrong with a configuration file; at least one mistake. It displays with one line for each.
#[derive(Debug)]
pub(crate) struct ConfigMistakes {
    path: PathBuf,
    mistakes: Vec<Mistake>,
}

impl ConfigMistakes {
    fn of_file(path: &Path, problem: impl Into<String>) -> Self {
        Self { path: path.to_owned(), mistakes: vec![Mistake::of_file(problem.into())] }
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for ConfigMistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        for mistake in &self.mistakes {
            match mistake.place {
                Some(place) => writeln!(f, "{path}:{}:{}: {}", place.line, place.column, mistake.text)?,
                None => writeln!(f, "{path}: {}", mistake.text)?,
            }
        }
        let count = self.mistakes.len();
        write!(f, "{path}: {count} {}", if count == 1 { "error" } else { "errors" })
    }
}

#[cfg(test)]
mod tests;
