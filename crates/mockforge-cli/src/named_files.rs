//! The scripts and rules that a configuration names, for all paths and for some.

use std::path::Path;

use mockforge_ws::{PathMode, WsConfig};

pub(crate) fn scripts(config: &WsConfig) -> impl Iterator<Item = &Path> {
    let of_paths = config.paths.iter().filter_map(|path| match &path.mode {
        Some(PathMode::Replay(file)) => Some(file),
        _ => None,
    });
    config.replay_file.iter().chain(of_paths).map(|file| file.as_path())
}

pub(crate) fn rules(config: &WsConfig) -> impl Iterator<Item = &Path> {
    let of_paths = config.paths.iter().filter_map(|path| path.rules_file.as_ref());
    config.rules_file.iter().chain(of_paths).map(|file| file.as_path())
}
