//! How much a script may use.

use std::time::Duration;

use crate::{ScriptError, ScriptErrorKind, ScriptErrors};

/// The engine alone takes a tenth of it.
const MIN_MEMORY: usize = 1024 * 1024;
const MAX_MEMORY: usize = 1024 * MIN_MEMORY;
const MIN_STACK: usize = 64 * 1024;
/// The engine takes more for "no limit".
const MAX_STACK: usize = 8 * 1024 * 1024;
const MIN_TIME: Duration = Duration::from_millis(1);
/// Whoever waits that long for a turn has given up.
const MAX_TIME: Duration = Duration::from_secs(60);

/// What each script may use. A script that goes beyond a limit ends its own turn, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptLimits {
    /// Memory of one script in bytes, 1 MiB to 1 GiB.
    pub memory: usize,
    /// Stack of one script in bytes, 64 KiB to 8 MiB.
    pub stack: usize,
    /// CPU time of one turn: a callback, a timer or what an await waited for, with all promise jobs it leads to.
    /// 1 ms to 60 s.
    pub time: Duration,
    /// CPU time of compiling a script and running its top level, 1 ms to 60 s.
    pub load_time: Duration,
    /// Timers of one connection, and of the script itself, that may wait at a time.
    pub timers: usize,
    /// What happens to a connection whose callback throws or whose promise is rejected.
    pub on_error: OnFault,
    /// What happens to a connection whose turn goes beyond time or memory.
    pub on_limit: OnFault,
}

impl Default for ScriptLimits {
    /// 64 MiB, a stack of 512 KiB, 100 ms a turn, 1 s to load, 1,000 timers; errors keep the connection, limits close it.
    fn default() -> Self {
        Self {
            memory: 64 * 1024 * 1024,
            stack: 512 * 1024,
            time: Duration::from_millis(100),
            load_time: Duration::from_secs(1),
            timers: 1000,
            on_error: OnFault::Keep,
            on_limit: OnFault::Close,
        }
    }
}

impl ScriptLimits {
    /// Says what is out of its bounds, by the names of the fields.
    pub(crate) fn check(&self) -> Result<(), ScriptErrors> {
        let mut errors = Vec::new();
        let mut problem = |field: &str, what: String| {
            errors.push(ScriptError::new(ScriptErrorKind::Read, "scripts", format!("{field}: {what}")));
        };
        if !(MIN_MEMORY..=MAX_MEMORY).contains(&self.memory) {
            let (given, least, most) = (size(self.memory), size(MIN_MEMORY), size(MAX_MEMORY));
            problem("memory", format!("{given} is not between {least} and {most}"));
        }
        if !(MIN_STACK..=MAX_STACK).contains(&self.stack) {
            let (given, least, most) = (size(self.stack), size(MIN_STACK), size(MAX_STACK));
            problem("stack", format!("{given} is not between {least} and {most}"));
        }
        for (field, given) in [("time", self.time), ("load_time", self.load_time)] {
            if !(MIN_TIME..=MAX_TIME).contains(&given) {
                problem(field, format!("{given:?} is not between {MIN_TIME:?} and {MAX_TIME:?}"));
            }
        }
        ScriptErrors::of(errors)
    }
}

/// A number of bytes as configurations write it.
pub(crate) fn size<N: TryInto<u64>>(bytes: N) -> String {
    let bytes = bytes.try_into().unwrap_or(u64::MAX);
    [(30, "GiB"), (20, "MiB"), (10, "KiB")]
        .into_iter()
        .find(|(bits, _)| bytes > 0 && bytes.trailing_zeros() >= *bits)
        .map_or_else(|| format!("{bytes} bytes"), |(bits, unit)| format!("{}{unit}", bytes >> bits))
}

/// What happens to the connection of a callback that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OnFault {
    /// It lives on, and the next message is tried again.
    Keep,
    /// It closes with code 1011.
    Close,
}
