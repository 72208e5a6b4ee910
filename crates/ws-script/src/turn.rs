//! How long a turn may run, as the engine asks while it runs.
//!
//! It measures the CPU time of the script's thread, so a machine that is short of CPU kills no script. The clock starts
//! with the engine's first question in a turn: a turn that ends before costs nothing.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The clock of one script's turns.
#[derive(Clone)]
pub(crate) struct Turn(Rc<State>);

struct State {
    /// How many have begun.
    number: Cell<u64>,
    /// None between turns: what runs then is ours.
    limit: Cell<Option<Duration>>,
    started: Cell<Option<Duration>>,
    is_over: Cell<bool>,
    watch: Watch,
}

impl Turn {
    pub(crate) fn new(watch: Watch) -> Self {
        let (number, limit) = (Cell::new(0), Cell::new(None));
        Self(Rc::new(State { number, limit, started: Cell::new(None), is_over: Cell::new(false), watch }))
    }

    /// A turn begins, or gets a second allowance.
    pub(crate) fn begin(&self, limit: Duration) {
        self.0.number.update(|number| number + 1);
        self.0.limit.set(Some(limit));
        self.0.started.set(None);
        self.0.is_over.set(false);
        self.0.watch.begin(limit);
    }

    /// The number of the last one; no two turns on a thread have the same.
    pub(crate) fn number(&self) -> u64 {
        self.0.number.get()
    }

    pub(crate) fn end(&self) {
        self.0.limit.set(None);
        self.0.watch.end();
    }

    /// Whether the engine was told to stop.
    pub(crate) fn is_over(&self) -> bool {
        self.0.is_over.get()
    }

    /// The engine asks whether it must stop.
    pub(crate) fn must_stop(&self) -> bool {
        let Some(limit) = self.0.limit.get() else { return false };
        let now = cpu_time();
        let Some(started) = self.0.started.get() else {
            self.0.started.set(Some(now));
            return false;
        };
        let is_over = now.saturating_sub(started) > limit;
        if is_over {
            self.0.is_over.set(true);
        }
        is_over
    }
}

/// The CPU time that this thread has used.
#[cfg(unix)]
pub(crate) fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}

/// The time since the first question: there is no clock of threads here.
#[cfg(not(unix))]
pub(crate) fn cpu_time() -> Duration {
    since_start()
}

fn since_start() -> Duration {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

/// Lets other threads see that a turn does not end: the engine's own functions (a search in a huge string) ask nobody, so
/// no clock stops them.
#[derive(Clone, Default)]
pub(crate) struct Watch(Arc<AtomicU64>);

impl Watch {
    /// A throttled machine makes a turn long, but not that long.
    fn begin(&self, limit: Duration) {
        let stuck_at = (since_start() + Duration::from_secs(2)).saturating_add(limit.saturating_mul(10));
        self.0.store(u64::try_from(stuck_at.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn end(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Whether the present turn runs for so long that it will not end.
    pub(crate) fn is_stuck(&self) -> bool {
        let stuck_at = self.0.load(Ordering::Relaxed);
        stuck_at != 0 && since_start().as_millis() > u128::from(stuck_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_over_after_its_cpu_time() {
        let turn = Turn::new(Watch::default());
        assert!(!turn.must_stop(), "between turns nobody is stopped");
        turn.begin(Duration::from_millis(5));
        assert!(!turn.must_stop());
        while !turn.must_stop() {}
        assert!(turn.is_over());
        turn.begin(Duration::from_secs(1000));
        assert!(!turn.must_stop() && !turn.is_over());
        turn.end();
    }
}
