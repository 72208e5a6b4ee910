//! Pings at an interval, and the judgement whether the client still answers.

use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

/// What is due at a tick.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Beat {
    /// Send a ping.
    Ping,
    /// Nothing came since the last ping.
    Lost,
}

/// The heartbeat of one connection.
pub(crate) struct Heartbeat {
    ticks: Interval,
    pinged: bool,
}

impl Heartbeat {
    /// Beats every `interval`; never, if it is zero.
    pub(crate) fn new(interval: Duration) -> Option<Self> {
        if interval.is_zero() {
            return None;
        }
        let mut ticks = interval_at(Instant::now() + interval, interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Some(Self { ticks, pinged: false })
    }

    /// Anything that came from the client shows that it lives.
    pub(crate) fn heard(&mut self) {
        self.pinged = false;
    }

    /// Ready at each tick. While we do not read because handlers lag, the client cannot be heard and is not judged.
    pub(crate) fn poll_beat(&mut self, cx: &mut Context<'_>, reading: bool) -> Poll<Beat> {
        self.ticks.poll_tick(cx).map(|_| {
            if self.pinged && reading {
                Beat::Lost
            } else {
                self.pinged = true;
                Beat::Ping
            }
        })
    }
}
