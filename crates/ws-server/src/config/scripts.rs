//! Handlers in JavaScript: where they are, and what each may use.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::written;

/// A folder of handlers in JavaScript, and what each of them may use. Needs the feature `js`.
///
/// ```
/// use ws_server::{ScriptsConfig, WsConfig};
///
/// let scripts = ScriptsConfig { memory: 16 << 20, ..ScriptsConfig::new("handlers") };
/// let config = WsConfig { scripts: Some(scripts), ..WsConfig::default() };
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ScriptsConfig {
    /// The folder. Every `.js` file at its top whose name does not begin with `_` is a handler; the others are for imports.
    pub dir: PathBuf,
    /// The memory of one script in bytes, 1 MiB or more; 64 MiB by default.
    #[serde(default = "memory", deserialize_with = "written::size")]
    #[cfg_attr(feature = "schema", schemars(with = "written::SizeSchema"))]
    pub memory: usize,
    /// The stack of one script in bytes, 64 KiB to 8 MiB; 512 KiB by default.
    #[serde(default = "stack", deserialize_with = "written::size")]
    #[cfg_attr(feature = "schema", schemars(with = "written::SizeSchema"))]
    pub stack: usize,
    /// The CPU time of one callback, with all that it leads to at once; 100 ms by default.
    #[serde(default = "time", deserialize_with = "written::duration")]
    #[cfg_attr(feature = "schema", schemars(with = "written::DurationSchema"))]
    pub time: Duration,
    /// How many timers of one connection may wait at a time; 1,000 by default.
    #[serde(default = "timers")]
    pub timers: usize,
    /// What happens to a connection whose callback throws; by default it is kept.
    #[serde(default = "keep")]
    pub on_error: OnScriptError,
    /// What happens to a connection whose callback goes beyond time or memory; by default it is closed.
    #[serde(default = "close")]
    pub on_limit: OnScriptError,
}

/// What happens to a connection whose script has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum OnScriptError {
    /// It lives on, and the next message is tried again.
    Keep,
    /// It is closed with code 1011.
    Close,
}

impl ScriptsConfig {
    /// The scripts of `dir`, within the default limits.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            memory: memory(),
            stack: stack(),
            time: time(),
            timers: timers(),
            on_error: keep(),
            on_limit: close(),
        }
    }
}

fn memory() -> usize {
    64 * 1024 * 1024
}

fn stack() -> usize {
    512 * 1024
}

fn time() -> Duration {
    Duration::from_millis(100)
}

fn timers() -> usize {
    1000
}

fn keep() -> OnScriptError {
    OnScriptError::Keep
}

fn close() -> OnScriptError {
    OnScriptError::Close
}
