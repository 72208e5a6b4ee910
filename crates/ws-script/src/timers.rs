//! The timers of one runtime. It knows no clock: times come in.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;

use rquickjs::{Function, Persistent};
use tokio::time::Instant;

use crate::seat::Key;

/// As in browsers: what is longer fires at once there; here it waits so long.
const MAX_DELAY: Duration = Duration::from_millis(i32::MAX as u64);
const MIN_DELAY: Duration = Duration::from_millis(1);

/// Timers by the time when they are due.
#[derive(Default)]
pub(crate) struct Timers {
    due: BinaryHeap<Reverse<(Instant, u64)>>,
    timers: HashMap<u64, Timer>,
    owned: HashMap<Option<Key>, usize>,
    last_id: u64,
}

struct Timer {
    owner: Option<Key>,
    callback: Persistent<Function<'static>>,
    period: Option<Duration>,
}

/// A timer that is due.
pub(crate) struct Due {
    pub(crate) owner: Option<Key>,
    pub(crate) callback: Persistent<Function<'static>>,
}

impl Timers {
    /// Starts a timer; None if its owner has `most` already. A delay that is no number is the shortest.
    pub(crate) fn start(
        &mut self,
        owner: Option<Key>,
        callback: Persistent<Function<'static>>,
        delay_ms: f64,
        repeats: bool,
        now: Instant,
        most: usize,
    ) -> Option<u64> {
        let owned = self.owned.entry(owner).or_default();
        if *owned >= most {
            return None;
        }
        *owned += 1;
        let delay = Duration::try_from_secs_f64(delay_ms / 1000.0).unwrap_or(if delay_ms > 0.0 {
            MAX_DELAY
        } else {
            MIN_DELAY
        });
        let delay = delay.clamp(MIN_DELAY, MAX_DELAY);
        self.last_id += 1;
        self.timers.insert(self.last_id, Timer { owner, callback, period: repeats.then_some(delay) });
        self.due.push(Reverse((now + delay, self.last_id)));
        Some(self.last_id)
    }

    pub(crate) fn clear(&mut self, id: u64) {
        self.remove(id);
        self.compact();
    }

    /// Ends all timers of a connection.
    pub(crate) fn end(&mut self, owner: Key) {
        if self.owned.contains_key(&Some(owner)) {
            self.timers.retain(|_, timer| timer.owner != Some(owner));
            self.owned.remove(&Some(owner));
            self.compact();
        }
    }

    /// Ends the timers of no connection.
    pub(crate) fn end_own(&mut self) {
        if self.owned.remove(&None).is_some() {
            self.timers.retain(|_, timer| timer.owner.is_some());
            self.compact();
        }
    }

    /// When the next is due.
    pub(crate) fn next_due(&mut self) -> Option<Instant> {
        while let Some(Reverse((at, id))) = self.due.peek() {
            if self.timers.contains_key(id) {
                return Some(*at);
            }
            self.due.pop();
        }
        None
    }

    /// Takes the next that is due at `now`.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<Due> {
        let at = self.next_due().filter(|at| *at <= now)?;
        let Reverse((_, id)) = self.due.pop()?;
        let timer = self.timers.get(&id)?;
        let due = Due { owner: timer.owner, callback: timer.callback.clone() };
        match timer.period {
            // What could not run in time is not made up for.
            Some(period) => self.due.push(Reverse((if at + period > now { at + period } else { now + period }, id))),
            None => self.remove(id),
        }
        Some(due)
    }

    pub(crate) fn len(&self) -> usize {
        self.timers.len()
    }

    fn remove(&mut self, id: u64) {
        let Some(timer) = self.timers.remove(&id) else { return };
        if let Some(owned) = self.owned.get_mut(&timer.owner) {
            *owned -= 1;
            if *owned == 0 {
                self.owned.remove(&timer.owner);
            }
        }
    }

    /// Cleared timers must not pile up.
    fn compact(&mut self) {
        if self.due.len() > 2 * self.timers.len() + 64 {
            self.due.retain(|Reverse((_, id))| self.timers.contains_key(id));
        }
    }
}

#[cfg(test)]
mod tests {
    use rquickjs::{Context, Runtime};

    use super::*;

    #[test]
    fn cleared_timers_leave_nothing_behind() {
        let runtime = Runtime::new().unwrap();
        let context = Context::full(&runtime).unwrap();
        context.with(|ctx| {
            let callback = Persistent::save(&ctx, ctx.eval::<Function<'_>, _>("() => {}").unwrap());
            let (mut timers, now) = (Timers::default(), Instant::now());
            for n in 0..10_000 {
                let owner = Some(n % 2);
                let id = timers.start(owner, callback.clone(), 1e9, n % 3 == 0, now, 10).unwrap();
                timers.clear(id);
            }
            assert!(timers.len() == 0 && timers.owned.is_empty() && timers.due.len() <= 64);
            for _ in 0..10 {
                timers.start(Some(1), callback.clone(), f64::NAN, true, now, 10).unwrap();
            }
            assert!(timers.start(Some(1), callback.clone(), 1.0, false, now, 10).is_none());
            assert!(timers.pop_due(now).is_none());
            let later = now + Duration::from_millis(5);
            assert_eq!(std::iter::from_fn(|| timers.pop_due(later)).count(), 10, "each once, and no catching up");
            timers.end(1);
            assert!(timers.len() == 0 && timers.next_due().is_none());
        });
    }
}
