//! Handlers in JavaScript: where they are, and what each may use.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{self, Deserializer, Unexpected};

use super::written;

/// The bounds of scripts, where their limits are read from a file: who writes one wants to hear of a mistake at its place.
const MEMORY: RangeInclusive<usize> = 1 << 20..=1 << 30;
const STACK: RangeInclusive<usize> = 64 << 10..=8 << 20;
const TIME: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(60);

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
    /// The memory of one script in bytes, 1 MiB to 1 GiB; 64 MiB by default.
    #[serde(default = "memory", deserialize_with = "memory_within_bounds")]
    #[cfg_attr(feature = "schema", schemars(with = "written::SizeSchema"))]
    pub memory: usize,
    /// The stack of one script in bytes, 64 KiB to 8 MiB; 512 KiB by default.
    #[serde(default = "stack", deserialize_with = "stack_within_bounds")]
    #[cfg_attr(feature = "schema", schemars(with = "written::SizeSchema"))]
    pub stack: usize,
    /// The CPU time of one callback, with all that it leads to at once, 1 ms to 60 s; 100 ms by default.
    #[serde(default = "time", deserialize_with = "time_within_bounds")]
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

fn memory_within_bounds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    size_within(&MEMORY, "1MiB to 1GiB", deserializer)
}

fn stack_within_bounds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    size_within(&STACK, "64KiB to 8MiB", deserializer)
}

fn size_within<'de, D: Deserializer<'de>>(
    bounds: &RangeInclusive<usize>,
    expected: &str,
    deserializer: D,
) -> Result<usize, D::Error> {
    let size = written::size(deserializer)?;
    let found = || de::Error::invalid_value(Unexpected::Other(&format!("{size} bytes")), &expected);
    bounds.contains(&size).then_some(size).ok_or_else(found)
}

fn time_within_bounds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let time = written::duration(deserializer)?;
    let shown = if time.is_zero() { "0".to_owned() } else { format!("{time:?}") };
    let found = || de::Error::invalid_value(Unexpected::Other(&shown), &"1ms to 60s");
    TIME.contains(&time).then_some(time).ok_or_else(found)
}

#[cfg(all(test, feature = "js"))]
mod tests {
    use ws_script::{ScriptFolder, ScriptLimits, ScriptOptions};

    use super::*;

    /// Neither refuses what the other takes.
    #[test]
    fn the_bounds_of_files_are_those_of_scripts() {
        const TICK: Duration = Duration::from_nanos(1);
        let dir = tempfile::tempdir().unwrap();
        let is_fine = |memory, stack, time| {
            let limits = ScriptLimits { memory, stack, time, ..ScriptLimits::default() };
            ScriptFolder::load(dir.path(), ScriptOptions::default().limits(limits)).is_ok()
        };
        for (memory, stack, time) in
            [(MEMORY.start(), STACK.start(), TIME.start()), (MEMORY.end(), STACK.end(), TIME.end())]
        {
            assert!(is_fine(*memory, *stack, *time), "{memory} {stack} {time:?}");
        }
        for (memory, stack, time) in [
            (MEMORY.start() - 1, *STACK.start(), *TIME.start()),
            (MEMORY.end() + 1, *STACK.start(), *TIME.start()),
            (*MEMORY.start(), STACK.start() - 1, *TIME.start()),
            (*MEMORY.start(), STACK.end() + 1, *TIME.start()),
            (*MEMORY.start(), *STACK.start(), *TIME.start() - TICK),
            (*MEMORY.start(), *STACK.start(), *TIME.end() + TICK),
        ] {
            assert!(!is_fine(memory, stack, time), "{memory} {stack} {time:?}");
        }
    }
}
