//! Times on the server's clock, which is the same for all connections. It never reads a clock: times come in.

use std::time::Duration;

use crate::error::Problems;
use crate::plan::MAX_SCHEDULE_MS;

/// Times on the server's clock, in milliseconds: a moment or a window, once or again and again.
///
/// | given | it is |
/// |---|---|
/// | `at_ms` | from then on; for what happens to a connection as a whole: at this moment |
/// | `at_ms`, `for_ms` | a window |
/// | `at_ms`, `every_ms` | a moment, again and again |
/// | `at_ms`, `every_ms`, `for_ms` | a window, again and again |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Schedule {
    /// When it begins; 0 is when the server started. At most 100 years, like the others.
    pub at_ms: u64,
    /// After how long it begins again; at least 1.
    pub every_ms: Option<u64>,
    /// How long it lasts; at least 1 and at most `every_ms`.
    pub for_ms: Option<u64>,
}

impl Schedule {
    /// Reports what makes no sense, wherever it stands.
    pub(crate) fn check(&self, problems: &mut Problems<'_>) {
        problems.in_range("at_ms", self.at_ms, 0, MAX_SCHEDULE_MS);
        if let Some(every) = self.every_ms {
            problems.in_range("every_ms", every, 1, MAX_SCHEDULE_MS);
        }
        if let Some(length) = self.for_ms {
            problems.in_range("for_ms", length, 1, self.every_ms.unwrap_or(MAX_SCHEDULE_MS).max(1));
        }
    }

    /// The same in durations since the server's start.
    pub(crate) fn windows(&self) -> Windows {
        Windows {
            at: Duration::from_millis(self.at_ms),
            every: self.every_ms.filter(|every| *every > 0).map(Duration::from_millis),
            length: self.for_ms.map(Duration::from_millis),
        }
    }
}

/// A schedule in durations since the server's start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Windows {
    at: Duration,
    /// Never zero.
    every: Option<Duration>,
    length: Option<Duration>,
}

impl Windows {
    /// Whether a window is open at `time`. One without a length stays open.
    pub(crate) fn is_open(&self, time: Duration) -> bool {
        let Some(since) = time.checked_sub(self.at) else { return false };
        let since = match self.every {
            Some(every) => remainder(since, every),
            None => since,
        };
        self.length.is_none_or(|length| since < length)
    }

    /// The first moment that concerns who comes at `time`, and its number: the next beginning, or at once within a
    /// window.
    pub(crate) fn first_from(&self, time: Duration) -> Option<(u64, Duration)> {
        let nth = match (time.checked_sub(self.at), self.every) {
            (Some(since), Some(every)) => quotient(since, every),
            _ => 0,
        };
        let begins = self.begin_of(nth)?;
        if begins > time {
            Some((nth, begins))
        } else if time - begins < self.length.unwrap_or_default() {
            Some((nth, time))
        } else {
            self.after(nth)
        }
    }

    /// The moment after the `nth`, skipping those that are over at `now`.
    pub(crate) fn next_after(&self, nth: u64, now: Duration) -> Option<(u64, Duration)> {
        let every = self.every?;
        let passed = now.checked_sub(self.at).map_or(0, |since| quotient(since, every));
        self.after(nth.max(passed))
    }

    fn after(&self, nth: u64) -> Option<(u64, Duration)> {
        self.every?;
        let nth = nth.checked_add(1)?;
        Some((nth, self.begin_of(nth)?))
    }

    fn begin_of(&self, nth: u64) -> Option<Duration> {
        let nanos = self.every.unwrap_or_default().as_nanos().checked_mul(nth.into())?;
        self.at.checked_add(Duration::from_nanos(u64::try_from(nanos).ok()?))
    }
}

fn quotient(time: Duration, every: Duration) -> u64 {
    u64::try_from(time.as_nanos() / every.as_nanos()).unwrap_or(u64::MAX)
}

fn remainder(time: Duration, every: Duration) -> Duration {
    // Less than `every`, which the check keeps far below what fits.
    Duration::from_nanos((time.as_nanos() % every.as_nanos()) as u64)
}
