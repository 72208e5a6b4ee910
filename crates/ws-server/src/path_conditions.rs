//! The conditions of one path, and how many handshakes there were.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;
use ws_conditions::{ConnectionPlan, HandshakeVerdict, Plan};

/// A plan, and the numbers of the connections that it judges.
#[derive(Debug)]
pub(crate) struct PathConditions {
    plan: Plan,
    /// What schedules count from.
    start: Instant,
    handshakes: AtomicU64,
}

/// A connection that may come to be.
pub(crate) struct Numbered {
    plan: Plan,
    start: Instant,
    number: u64,
}

impl PathConditions {
    pub(crate) fn new(plan: Plan) -> Self {
        Self { plan, start: Instant::now(), handshakes: AtomicU64::new(0) }
    }

    /// Judges the next handshake, which came at `now`. All are counted, also those that are refused.
    pub(crate) fn next(&self, now: Instant) -> (HandshakeVerdict, Numbered) {
        let number = self.handshakes.fetch_add(1, Ordering::Relaxed) + 1;
        let numbered = Numbered { plan: self.plan.clone(), start: self.start, number };
        (self.plan.handshake(number, self.start, now), numbered)
    }
}

impl Numbered {
    /// The decisions on the connection, which was accepted at `now`.
    pub(crate) fn open(self, now: Instant) -> ConnectionPlan {
        self.plan.connection(self.number, self.start, now)
    }
}
