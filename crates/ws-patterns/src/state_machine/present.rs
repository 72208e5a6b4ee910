//! Where one session stands in a machine.

use std::sync::Arc;
use std::time::Duration;

/// Where one session stands in a [`StateMachine`](crate::StateMachine); made by its
/// [`start`](crate::StateMachine::start).
///
/// With another machine than the one that made it, it goes on in the state of the same name; where there is none,
/// nothing moves it.
#[derive(Debug, Clone)]
pub struct MachineState {
    current: Arc<str>,
    entered: Duration,
    /// How many of its timers, in the order of their deadlines, had their turn since it was entered.
    spent_timers: usize,
    /// How many states timers have entered since no timer was due.
    catch_up: u32,
    /// The latest time that was seen.
    now: Duration,
}

impl MachineState {
    pub(super) fn new(initial: &Arc<str>, now: Duration) -> Self {
        Self { current: initial.clone(), entered: now, spent_timers: 0, catch_up: 0, now }
    }

    /// The name of the present state.
    #[must_use]
    pub fn current(&self) -> &str {
        &self.current
    }

    /// When the present state was entered, which its timers run from.
    #[must_use]
    pub fn entered(&self) -> Duration {
        self.entered
    }

    /// The time that counts: `now`, unless a later one was seen before.
    pub(super) fn advance(&mut self, now: Duration) -> Duration {
        self.now = self.now.max(now);
        self.now
    }

    /// Enters a state, perhaps the same one again; its timers start anew.
    pub(super) fn enter(&mut self, state: &Arc<str>, at: Duration) {
        self.current = state.clone();
        self.entered = at;
        self.spent_timers = 0;
    }

    pub(super) fn spent_timers(&self) -> usize {
        self.spent_timers
    }

    pub(super) fn spend_timer(&mut self) {
        self.spent_timers += 1;
    }

    /// One more state is entered to catch up; how many that makes.
    pub(super) fn count_catch_up(&mut self) -> u32 {
        self.catch_up += 1;
        self.catch_up
    }

    pub(super) fn caught_up(&mut self) {
        self.catch_up = 0;
    }
}
