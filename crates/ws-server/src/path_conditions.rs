//! The conditions of one path, and how many handshakes there were.

use std::sync::Arc;
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
    /// Connections that were open before.
    taken_over: AtomicU64,
}

/// A connection that may come to be.
pub(crate) struct Numbered {
    plan: Plan,
    start: Instant,
    number: u64,
}

impl PathConditions {
    pub(crate) fn new(plan: Plan) -> Self {
        Self { plan, start: Instant::now(), handshakes: AtomicU64::new(0), taken_over: AtomicU64::new(0) }
    }

    /// Judges the next handshake, which came at `now`. All are counted, also those that are refused.
    pub(crate) fn next(&self, now: Instant) -> (HandshakeVerdict, Numbered) {
        let number = self.handshakes.fetch_add(1, Ordering::Relaxed) + 1;
        let numbered = Numbered { plan: self.plan.clone(), start: self.start, number };
        (self.plan.handshake(number, self.start, now), numbered)
    }

    /// The decisions on a connection that was open before them, for which they begin at `now`.
    pub(crate) fn take_over(&self, now: Instant) -> ConnectionPlan {
        let nth = self.taken_over.fetch_add(1, Ordering::Relaxed) + 1;
        self.plan.open_connection(nth, self.start, now)
    }
}

impl Numbered {
    /// The decisions on the connection, which was accepted at `now`.
    pub(crate) fn open(self, now: Instant) -> ConnectionPlan {
        self.plan.connection(self.number, self.start, now)
    }
}

/// Whether connections have the same conditions, and are counted together.
pub(crate) fn is_same_network(one: &Option<Arc<PathConditions>>, other: &Option<Arc<PathConditions>>) -> bool {
    one.as_ref().map(Arc::as_ptr) == other.as_ref().map(Arc::as_ptr)
}
