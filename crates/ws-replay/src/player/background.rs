//! What is sent again and again beside what the script does.

use std::sync::Arc;
use std::time::Duration;

use crate::released::Released;
use crate::template::Values;

/// The steps that repeat in the background, each with a time and with values of its own: what they draw, and when, does not
/// depend on how long clients take.
#[derive(Debug, Default)]
pub(super) struct Background(Vec<Ticking>);

/// One of them.
#[derive(Debug)]
struct Ticking {
    step: usize,
    every: Duration,
    /// The time of the session at which it sends next.
    next: Duration,
    /// What the script's clock would show then.
    shown: Duration,
    repetition: u64,
    released: Option<Arc<Released>>,
    values: Values,
}

/// What is to be sent once.
pub(super) struct Tick<'b> {
    pub(super) step: usize,
    pub(super) shown: Duration,
    pub(super) repetition: u64,
    pub(super) released: Option<&'b Released>,
    pub(super) values: &'b mut Values,
}

impl Background {
    /// More is a flood.
    const SHORTEST: Duration = Duration::from_millis(1);

    pub(super) fn is_running(&self, step: usize) -> bool {
        self.0.iter().any(|ticking| ticking.step == step)
    }

    /// From now on, the step sends in the background. It has sent for the first time at `now`, when the script's clock had
    /// shown `shown`.
    pub(super) fn start(
        &mut self,
        step: usize,
        every: Duration,
        now: Duration,
        shown: Duration,
        released: Option<Arc<Released>>,
        values: Values,
    ) {
        let every = every.max(Self::SHORTEST);
        let (next, shown) = (now.saturating_add(every), shown.saturating_add(every));
        self.0.push(Ticking { step, every, next, shown, repetition: 2, released, values });
    }

    pub(super) fn stop(&mut self, step: usize) {
        self.0.retain(|ticking| ticking.step != step);
    }

    pub(super) fn stop_all(&mut self) {
        self.0.clear();
    }

    /// When something is to be sent next.
    pub(super) fn next(&self) -> Option<Duration> {
        self.0.iter().map(|ticking| ticking.next).min()
    }

    /// Hands out what is due first, to be sent at `now`. What was due several times meanwhile is sent once.
    pub(super) fn tick(&mut self, now: Duration, send: impl FnOnce(Tick<'_>)) {
        let Some(first) = self.0.iter_mut().min_by_key(|ticking| (ticking.next, ticking.step)) else { return };
        let late = now.saturating_sub(first.next);
        let times = u32::try_from(late.as_nanos() / first.every.as_nanos()).unwrap_or(u32::MAX);
        let missed = first.every.saturating_mul(times);
        send(Tick {
            step: first.step,
            shown: first.shown.saturating_add(missed),
            repetition: first.repetition,
            released: first.released.as_deref(),
            values: &mut first.values,
        });
        let passed = missed.saturating_add(first.every);
        first.next = first.next.saturating_add(passed);
        first.shown = first.shown.saturating_add(passed);
        first.repetition += 1;
    }
}
