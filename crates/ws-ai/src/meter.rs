//! What calls of a provider cost, and whether there may be another: one meter for all clients of a generator.
//!
//! It counts, and makes callers wait. It never calls a provider, and nothing is locked while somebody waits.

mod budget;
mod gate;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use self::budget::{Budget, Reservation};
use self::gate::{Gate, Place};
use crate::{AiLimits, AiObserver, BudgetSpent, CallOutcome, RejectKind, Usage};

/// What a call may cost, in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Estimate {
    pub(crate) prompt: u64,
    pub(crate) completion: u64,
}

/// About how many tokens a text of so many bytes has: one in four, for English and JSON.
pub(crate) const fn tokens_in(bytes: u64) -> u64 {
    bytes.div_ceil(4)
}

/// The meter. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Meter {
    shared: Arc<Shared>,
}

struct Shared {
    gate: Gate,
    budget: Arc<Budget>,
    counted: Mutex<Counted>,
}

#[derive(Default)]
struct Counted {
    usage: Usage,
    observer: Option<Arc<dyn AiObserver>>,
}

impl Meter {
    pub(crate) fn new(limits: &AiLimits) -> Self {
        let gate = Gate::new(limits.concurrent_calls, limits.calls_per_minute);
        let budget = Arc::new(Budget::new(limits));
        Self { shared: Arc::new(Shared { gate, budget, counted: Mutex::default() }) }
    }

    /// Tells `observer`, instead of whom it told before.
    pub(crate) fn observed_by(&self, observer: Arc<dyn AiObserver>) {
        self.counted().observer = Some(observer);
    }

    /// Waits until a call may begin, and sets aside what it may cost. Whoever stops waiting has spent nothing.
    pub(crate) async fn admit(&self, estimate: Estimate) -> Result<Admission, BudgetSpent> {
        let place = self.shared.gate.place().await;
        let mut reservation = self.shared.budget.reserve(estimate.prompt.saturating_add(estimate.completion)).await?;
        self.shared.gate.turn().await;
        reservation.begin()?;
        Ok(Admission {
            meter: self.clone(),
            _place: place,
            reservation,
            prompt: estimate.prompt,
            written: 0,
            told: None,
            outcome: CallOutcome::Abandoned,
        })
    }

    /// Lets no call begin for this long, as the provider wished; at most a minute.
    pub(crate) fn hold_back(&self, wanted: Duration) {
        self.shared.gate.hold_back(wanted);
    }

    /// Counts a call that need not be made.
    pub(crate) fn cached(&self) {
        self.count(|usage| usage.cached_calls += 1, |observer| observer.on_call(CallOutcome::Cached));
    }

    /// Counts an event that was taken.
    pub(crate) fn took_event(&self) {
        self.count(|usage| usage.events += 1, |observer| observer.on_event());
    }

    /// Counts a draft that was not.
    pub(crate) fn rejected(&self, reason: RejectKind) {
        self.count(|usage| usage.rejected += 1, |observer| observer.on_reject(reason));
    }

    pub(crate) fn usage(&self) -> Usage {
        self.counted().usage
    }

    fn count(&self, add: impl FnOnce(&mut Usage), tell: impl FnOnce(&dyn AiObserver)) {
        let observer = {
            let mut counted = self.counted();
            add(&mut counted.usage);
            counted.observer.clone()
        };
        // Others' code is not run under our lock.
        if let Some(observer) = observer {
            tell(&*observer);
        }
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.shared.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that runs. When it ends, however it does, what it cost is counted, and its place is free.
pub(crate) struct Admission {
    meter: Meter,
    _place: Place,
    reservation: Reservation,
    prompt: u64,
    written: u64,
    told: Option<Estimate>,
    outcome: CallOutcome,
}

impl Admission {
    /// The provider has written this.
    pub(crate) fn wrote(&mut self, text: &str) {
        self.written += text.len() as u64;
    }

    /// The provider told what the call cost.
    pub(crate) fn told(&mut self, prompt: u64, completion: u64) {
        self.told = Some(Estimate { prompt, completion });
    }

    /// The answer has come to its end.
    pub(crate) fn answered(mut self) {
        self.outcome = CallOutcome::Answered;
    }

    /// The provider failed.
    pub(crate) fn failed(mut self) {
        self.outcome = CallOutcome::Failed;
    }

    /// What was told; else what is known. A call that failed before its answer began is free, as providers have it.
    fn cost(&self) -> (Estimate, bool) {
        match self.told {
            // Some servers tell zeros.
            Some(told) if told.prompt > 0 || told.completion > 0 || self.written == 0 => (told, false),
            _ if self.outcome == CallOutcome::Failed && self.written == 0 => {
                (Estimate { prompt: 0, completion: 0 }, false)
            }
            _ => (Estimate { prompt: self.prompt, completion: tokens_in(self.written) }, true),
        }
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let (cost, is_estimated) = self.cost();
        self.reservation.settle(cost.prompt.saturating_add(cost.completion));
        let outcome = self.outcome;
        let add = |usage: &mut Usage| {
            match outcome {
                CallOutcome::Answered => usage.calls += 1,
                CallOutcome::Failed => usage.failed_calls += 1,
                CallOutcome::Abandoned => usage.abandoned_calls += 1,
                CallOutcome::Cached => usage.cached_calls += 1,
            }
            usage.prompt_tokens = usage.prompt_tokens.saturating_add(cost.prompt);
            usage.completion_tokens = usage.completion_tokens.saturating_add(cost.completion);
            usage.is_estimated |= is_estimated;
        };
        self.meter.count(add, |observer| {
            observer.on_call(outcome);
            observer.on_tokens(cost.prompt, cost.completion);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    const SMALL: Estimate = Estimate { prompt: 10, completion: 30 };

    fn meter(limits: AiLimits) -> Meter {
        Meter::new(&limits)
    }

    #[derive(Default)]
    struct Tally {
        calls: Mutex<Vec<CallOutcome>>,
        tokens: AtomicU64,
    }

    impl AiObserver for Tally {
        fn on_call(&self, outcome: CallOutcome) {
            self.calls.lock().unwrap().push(outcome);
        }

        fn on_tokens(&self, prompt: u64, completion: u64) {
            self.tokens.fetch_add(prompt + completion, Ordering::Relaxed);
        }
    }

    #[tokio::test]
    async fn every_end_of_a_call_is_counted_once_and_told() {
        let meter = meter(AiLimits::default());
        let tally = Arc::new(Tally::default());
        meter.observed_by(Arc::clone(&tally) as Arc<dyn AiObserver>);

        let mut answered = meter.admit(SMALL).await.unwrap();
        answered.wrote("12345678");
        answered.told(100, 7);
        answered.answered();
        assert_eq!((meter.usage().prompt_tokens, meter.usage().completion_tokens), (100, 7));
        assert!(!meter.usage().is_estimated);

        meter.admit(SMALL).await.unwrap().failed();
        assert_eq!(meter.usage().prompt_tokens, 100, "refused calls cost nothing");

        let mut left = meter.admit(SMALL).await.unwrap();
        left.wrote("12345678");
        drop(left);
        meter.cached();
        meter.took_event();
        meter.rejected(RejectKind::Schema);
        let usage = meter.usage();
        assert_eq!((usage.calls, usage.failed_calls, usage.abandoned_calls, usage.cached_calls), (1, 1, 1, 1));
        assert_eq!((usage.events, usage.rejected), (1, 1));
        assert_eq!((usage.prompt_tokens, usage.completion_tokens), (110, 9));
        assert!(usage.is_estimated);
        let outcomes = [CallOutcome::Answered, CallOutcome::Failed, CallOutcome::Abandoned, CallOutcome::Cached];
        assert_eq!(*tally.calls.lock().unwrap(), outcomes);
        assert_eq!(tally.tokens.load(Ordering::Relaxed), 119);
    }

    #[tokio::test]
    async fn zeros_are_not_believed_of_a_call_that_wrote() {
        let meter = meter(AiLimits::default());
        let mut call = meter.admit(SMALL).await.unwrap();
        call.wrote("1234");
        call.told(0, 0);
        call.answered();
        let usage = meter.usage();
        assert_eq!((usage.prompt_tokens, usage.completion_tokens, usage.is_estimated), (10, 1, true));
    }

    /// What one call frees, another that waits for a place gets: nothing is lost by those that stop waiting.
    #[tokio::test(start_paused = true)]
    async fn whoever_stops_waiting_has_spent_nothing() {
        let meter = meter(AiLimits { concurrent_calls: 1, max_calls: 2, max_tokens: 100, ..AiLimits::default() });
        let first = meter.admit(SMALL).await.unwrap();
        let waiting = tokio::time::timeout(Duration::from_secs(1), meter.admit(SMALL)).await;
        assert!(waiting.is_err(), "there is one place");
        first.answered();
        meter.hold_back(Duration::from_secs(30));
        let waiting = tokio::time::timeout(Duration::from_secs(1), meter.admit(SMALL)).await;
        assert!(waiting.is_err(), "the provider wants to be left alone");
        meter.admit(SMALL).await.unwrap().failed();
        let spent = meter.admit(SMALL).await.err().unwrap();
        assert_eq!(spent, BudgetSpent { limit: "max_calls", value: "2".to_owned() });
    }
}
