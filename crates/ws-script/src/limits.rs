//! How much a script may use.

use std::time::Duration;

use crate::{ScriptError, ScriptErrorKind};

/// The engine takes more for "no limit".
const MAX_STACK: usize = 8 * 1024 * 1024;
/// The engine alone takes a tenth of it.
const MIN_MEMORY: usize = 1024 * 1024;
const MIN_STACK: usize = 64 * 1024;

/// What each script may use. A script that goes beyond a limit ends its own turn, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptLimits {
    /// Memory of one script in bytes, at least 1 MiB.
    pub memory: usize,
    /// Stack of one script in bytes, 64 KiB to 8 MiB.
    pub stack: usize,
    /// CPU time of one turn: a callback, a timer or what an await waited for, with all promise jobs it leads to. More than 0.
    pub time: Duration,
    /// CPU time of compiling a script and running its top level. More than 0.
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
    /// Says what is out of its bounds.
    pub(crate) fn check(&self) -> Result<(), ScriptError> {
        let problem = if self.memory < MIN_MEMORY {
            format!("memory of {} bytes: a script needs {MIN_MEMORY}", self.memory)
        } else if !(MIN_STACK..=MAX_STACK).contains(&self.stack) {
            format!("a stack of {} bytes: it has {MIN_STACK} to {MAX_STACK}", self.stack)
        } else if self.time.is_zero() || self.load_time.is_zero() {
            "a time limit of 0: a script needs some time".to_owned()
        } else {
            return Ok(());
        };
        Err(ScriptError::new(ScriptErrorKind::Read, "limits", problem))
    }
}

/// What happens to the connection of a callback that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OnFault {
    /// It lives on, and the next message is tried again.
    Keep,
    /// It closes with code 1011.
    Close,
}
