//! The script's clock, and the time of the session at which it shows what it shows.

use std::time::Duration;

use crate::{ReplayDirection, Speed};

/// It has run from `since` on, unless a wait holds it. Deadlines follow from each other and not from when something was
/// really sent, so delays do not add up.
#[derive(Debug)]
pub(super) struct Clock {
    /// What it showed at `since`.
    shown: Duration,
    /// The time of the session.
    since: Duration,
    /// The time of steps that were skipped: the next one still takes it.
    carried: Duration,
    speed: Speed,
}

impl Clock {
    pub(super) fn starting_at(shown: Duration, speed: Speed) -> Self {
        Self { shown, since: Duration::ZERO, carried: Duration::ZERO, speed }
    }

    pub(super) fn shown(&self) -> Duration {
        self.shown
    }

    pub(super) fn since(&self) -> Duration {
        self.since
    }

    /// When it will show so much more.
    pub(super) fn due(&self, lead: Duration) -> Duration {
        self.since.saturating_add(self.speed.of(self.carried.saturating_add(lead)))
    }

    /// Now it shows so much more, as that time has come.
    pub(super) fn reach(&mut self, lead: Duration) {
        self.since = self.due(lead);
        self.put_forward(lead);
    }

    /// Shows so much more at once: what was waited for is there.
    pub(super) fn put_forward(&mut self, lead: Duration) {
        self.shown = self.shown.saturating_add(self.carried).saturating_add(lead);
        self.carried = Duration::ZERO;
    }

    /// A step is skipped. The time of an outgoing one still passes; that of an incoming one was the client's.
    pub(super) fn skip(&mut self, lead: Duration, direction: ReplayDirection) {
        match direction {
            ReplayDirection::Out => self.carried = self.carried.saturating_add(lead),
            ReplayDirection::In => self.shown = self.shown.saturating_add(lead),
        }
    }

    /// Goes on at this time of the session, if that is later.
    pub(super) fn go_on_at(&mut self, time: Duration) {
        self.since = self.since.max(time);
    }
}
