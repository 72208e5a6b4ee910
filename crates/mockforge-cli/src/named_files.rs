//! The scripts, rules and events that a configuration asks for, for all paths and for some.

use std::path::Path;

use mockforge_ws::{PathMode, WebSocketAiConfig, WsConfig};

pub(crate) fn scripts(config: &WsConfig) -> impl Iterator<Item = &Path> {
    let of_paths = config.paths.iter().filter_map(|path| match &path.mode {
        Some(PathMode::Replay(file) | PathMode::AugmentedReplay(file, _)) => Some(file),
        _ => None,
    });
    config.replay_file.iter().chain(of_paths).map(|file| file.as_path())
}

pub(crate) fn rules(config: &WsConfig) -> impl Iterator<Item = &Path> {
    let of_paths = config.paths.iter().filter_map(|path| path.rules_file.as_ref());
    config.rules_file.iter().chain(of_paths).map(|file| file.as_path())
}

/// The events that are switched on.
pub(crate) fn events(config: &WsConfig) -> impl Iterator<Item = &WebSocketAiConfig> {
    let of_paths = config.paths.iter().filter_map(|path| match &path.mode {
        Some(PathMode::Ai(events) | PathMode::AugmentedReplay(_, events)) => Some(&**events),
        _ => None,
    });
    config.ai_config.iter().chain(of_paths).filter(|events| events.enabled)
}

/// The same, to be changed.
pub(crate) fn events_mut(config: &mut WsConfig) -> impl Iterator<Item = &mut WebSocketAiConfig> {
    let of_paths = config.paths.iter_mut().filter_map(|path| match &mut path.mode {
        Some(PathMode::Ai(events) | PathMode::AugmentedReplay(_, events)) => Some(&mut **events),
        _ => None,
    });
    config.ai_config.iter_mut().chain(of_paths).filter(|events| events.enabled)
}
