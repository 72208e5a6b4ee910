//! The files that a configuration reads, and what stands in them at a moment: to know whether anything has changed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use ws_ai::WebSocketAiConfig;
use ws_proxy::WsProxyConfig;

use crate::{PathConfig, PathMode, WsConfig};

/// The largest file that is looked at, in bytes; nothing that is read here may be larger.
const LARGEST: u64 = 256 * 1024 * 1024;

/// What stands in files; of one that cannot be read, nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Digests(BTreeMap<PathBuf, Option<u64>>);

impl Digests {
    /// Reads `files` as they are now.
    pub(crate) fn of<'f>(files: impl IntoIterator<Item = &'f Path>) -> Self {
        let mut digests = Self::default();
        digests.add(files);
        digests
    }

    /// Reads those of `files` that were not read before.
    pub(crate) fn add<'f>(&mut self, files: impl IntoIterator<Item = &'f Path>) {
        for file in files {
            if !self.0.contains_key(file) {
                self.0.insert(file.to_owned(), digest(file).ok());
            }
        }
    }

    /// The same files as they are now.
    pub(crate) fn now(&self) -> Self {
        Self::of(self.files())
    }

    /// Those of `files` that were read, as they were then.
    pub(crate) fn among<'f>(&self, files: impl IntoIterator<Item = &'f Path>) -> Self {
        Self(
            files
                .into_iter()
                .filter_map(|file| self.0.get_key_value(file))
                .map(|(file, digest)| (file.clone(), *digest))
                .collect(),
        )
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        self.0.keys().map(PathBuf::as_path)
    }

    /// The files in which something else stands than in `before`, where they are known there.
    pub(crate) fn changed_since<'d>(&'d self, before: &'d Self) -> impl Iterator<Item = &'d Path> {
        let is_changed =
            |(file, digest): &(&PathBuf, &Option<u64>)| before.0.get(*file).is_some_and(|was| was != *digest);
        self.0.iter().filter(is_changed).map(|(file, _)| file.as_path())
    }
}

/// What stands in a file. Pipes and devices are not opened: they could hold up who reads them.
fn digest(file: &Path) -> io::Result<u64> {
    let metadata = fs::metadata(file)?;
    if !metadata.is_file() || metadata.len() > LARGEST {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut hasher = DefaultHasher::new();
    let mut reader = File::open(file)?.take(LARGEST);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            length => buffer[..length].hash(&mut hasher),
        }
    }
}

/// The files that the modes of the whole server read.
pub(crate) fn of_server(config: &WsConfig) -> impl Iterator<Item = &Path> {
    let WsConfig { replay_file, rules_file, proxy_config, ai_config, .. } = config;
    let own = replay_file.iter().chain(rules_file).map(PathBuf::as_path);
    own.chain(proxy_config.iter().flat_map(of_upstream)).chain(ai_config.iter().flat_map(of_events))
}

/// The files that the modes of a path read.
pub(crate) fn of_path(path: &PathConfig) -> impl Iterator<Item = &Path> {
    let (script, upstream, events) = match &path.mode {
        Some(PathMode::Replay(file)) => (Some(file), None, None),
        Some(PathMode::Proxy(upstream)) => (None, Some(upstream), None),
        Some(PathMode::Ai(events)) => (None, None, Some(events)),
        Some(PathMode::AugmentedReplay(file, events)) => (Some(file), None, Some(events)),
        Some(PathMode::Echo | PathMode::RawEcho) | None => (None, None, None),
    };
    let own = path.rules_file.iter().chain(script).map(PathBuf::as_path);
    own.chain(upstream.into_iter().flat_map(|upstream| of_upstream(upstream)))
        .chain(events.into_iter().flat_map(|events| of_events(events)))
}

/// All of them.
pub(crate) fn of_config(config: &WsConfig) -> impl Iterator<Item = &Path> {
    of_server(config).chain(config.paths.iter().flat_map(of_path))
}

fn of_upstream(config: &WsProxyConfig) -> impl Iterator<Item = &Path> {
    config.tls.ca_file.iter().map(PathBuf::as_path)
}

fn of_events(config: &WebSocketAiConfig) -> impl Iterator<Item = &Path> {
    config.event_schema.iter().chain(&config.event_example).map(PathBuf::as_path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_files_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&a, "1").unwrap();
        let before = Digests::of([a.as_path(), b.as_path(), folder.path()]);
        assert_eq!(before, before.now());
        fs::write(&a, "2").unwrap();
        fs::write(&b, "1").unwrap();
        let after = before.now();
        assert_eq!(after.changed_since(&before).collect::<Vec<_>>(), [a.as_path(), b.as_path()]);
        fs::remove_file(&a).unwrap();
        assert_eq!(after.now().changed_since(&after).collect::<Vec<_>>(), [a.as_path()]);
    }
}
