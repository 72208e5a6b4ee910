//! When a call may begin: how many run at once, how many begin in a minute, and when the provider wants to be left alone.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

const MINUTE: Duration = Duration::from_secs(60);

/// How long a provider is left alone at most, whatever it wishes: a header must not stop a server for a day.
const LONGEST_HOLD: Duration = MINUTE;

/// The gate that calls go through, in the order in which they came.
pub(super) struct Gate {
    places: Arc<Semaphore>,
    calls_per_minute: u32,
    turns: Mutex<Turns>,
}

#[derive(Default)]
struct Turns {
    /// When the calls of the last minute began, if they are limited.
    begun: VecDeque<Instant>,
    not_before: Option<Instant>,
}

/// The place of a call that runs.
pub(super) struct Place {
    /// `None` cannot be: it would mean that the semaphore is closed.
    _permit: Option<OwnedSemaphorePermit>,
}

impl Gate {
    pub(super) fn new(concurrent_calls: usize, calls_per_minute: u32) -> Self {
        let places = Arc::new(Semaphore::new(concurrent_calls.min(Semaphore::MAX_PERMITS)));
        Self { places, calls_per_minute, turns: Mutex::default() }
    }

    /// Waits for a place among those that run.
    pub(super) async fn place(&self) -> Place {
        Place { _permit: Arc::clone(&self.places).acquire_owned().await.ok() }
    }

    /// Waits until a call may begin, and counts it.
    pub(super) async fn turn(&self) {
        while let Some(later) = self.begin_or_wait_until() {
            sleep_until(later).await;
        }
    }

    /// Lets no call begin for so long. Those that wait already wait on.
    pub(super) fn hold_back(&self, wanted: Duration) {
        let until = Instant::now() + wanted.min(LONGEST_HOLD);
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.not_before = turns.not_before.max(Some(until));
    }

    fn begin_or_wait_until(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(not_before) = turns.not_before.filter(|&not_before| not_before > now) {
            return Some(not_before);
        }
        if self.calls_per_minute == 0 {
            return None;
        }
        while turns.begun.front().is_some_and(|&begun| now - begun >= MINUTE) {
            turns.begun.pop_front();
        }
        if turns.begun.len() >= self.calls_per_minute as usize {
            return turns.begun.front().map(|&oldest| oldest + MINUTE);
        }
        turns.begun.push_back(now);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_minute_has_more_calls_than_it_may() {
        let gate = Gate::new(100, 3);
        let started = Instant::now();
        let mut begun = Vec::new();
        for _ in 0..7 {
            gate.turn().await;
            begun.push(started.elapsed().as_secs());
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(begun, [0, 1, 2, 60, 61, 62, 120]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wish_to_be_left_alone_holds_for_all_but_not_for_ever() {
        let gate = Gate::new(100, 0);
        let started = Instant::now();
        gate.hold_back(Duration::from_secs(10));
        gate.hold_back(Duration::from_secs(2));
        tokio::join!(gate.turn(), gate.turn());
        assert_eq!(started.elapsed(), Duration::from_secs(10));
        gate.hold_back(Duration::MAX);
        gate.turn().await;
        assert_eq!(started.elapsed(), Duration::from_secs(70));
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_is_free_again_when_its_call_has_ended() {
        let gate = Gate::new(2, 0);
        let first = gate.place().await;
        let _second = gate.place().await;
        let third = tokio::time::timeout(Duration::from_secs(1), gate.place()).await;
        assert!(third.is_err());
        drop(first);
        gate.place().await;
    }
}
