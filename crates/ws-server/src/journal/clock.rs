//! The time of day of what sessions saw: they look at a clock that does not say it, once a turn.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// Tells the time of day of instants.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    instant: Instant,
    time: SystemTime,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { instant: Instant::now(), time: SystemTime::now() }
    }

    /// If the system's clock was set since the start, it is off by that.
    pub(super) fn time_of(&self, instant: Instant) -> SystemTime {
        match instant.checked_duration_since(self.instant) {
            Some(since) => self.time + since,
            None => self.time.checked_sub(self.instant.saturating_duration_since(instant)).unwrap_or(self.time),
        }
    }
}

/// Rounded as it is shown, so that what is asked for by a shown time is found.
pub(super) fn in_milliseconds(time: SystemTime) -> Duration {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Duration::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
