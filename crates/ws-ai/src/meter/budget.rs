//! What may be spent in all: calls, tokens, time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::{AiLimits, BudgetSpent};

/// What may be spent, and what is.
pub(super) struct Budget {
    max_calls: u64,
    max_tokens: u64,
    max_time: Option<Duration>,
    spent: Mutex<Spent>,
    /// Calls have ended: what they did not need is free again.
    freed: Notify,
}

#[derive(Default)]
struct Spent {
    calls: u64,
    tokens: u64,
    /// What the calls that run may still cost.
    reserved: u64,
    since: Option<Instant>,
}

impl Budget {
    pub(super) fn new(limits: &AiLimits) -> Self {
        let AiLimits { max_calls, max_tokens, max_time, .. } = *limits;
        Self { max_calls, max_tokens, max_time, spent: Mutex::default(), freed: Notify::new() }
    }

    /// Sets tokens aside. As long as the calls that run may need what is left, but perhaps will not, it waits.
    pub(super) async fn reserve(self: &Arc<Self>, tokens: u64) -> Result<Reservation, BudgetSpent> {
        loop {
            let mut freed = std::pin::pin!(self.freed.notified());
            freed.as_mut().enable();
            {
                let mut spent = self.spent();
                self.check(&spent)?;
                let with_this = spent.tokens.saturating_add(tokens);
                if with_this > self.max_tokens {
                    return Err(self.no_tokens());
                }
                if with_this.saturating_add(spent.reserved) <= self.max_tokens {
                    spent.reserved += tokens;
                    return Ok(Reservation { budget: Arc::clone(self), tokens });
                }
            }
            freed.await;
        }
    }

    fn check(&self, spent: &Spent) -> Result<(), BudgetSpent> {
        if spent.calls >= self.max_calls {
            return Err(BudgetSpent { limit: "max_calls", value: self.max_calls.to_string() });
        }
        match (self.max_time, spent.since) {
            (Some(most), Some(since)) if since.elapsed() >= most => {
                let most = SignedDuration::try_from(most).unwrap_or(SignedDuration::MAX);
                Err(BudgetSpent { limit: "max_time", value: format!("{most:#}") })
            }
            _ => Ok(()),
        }
    }

    fn no_tokens(&self) -> BudgetSpent {
        BudgetSpent { limit: "max_tokens", value: self.max_tokens.to_string() }
    }

    fn spent(&self) -> MutexGuard<'_, Spent> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tokens that are set aside for a call; when it is dropped, they are free again.
pub(super) struct Reservation {
    budget: Arc<Budget>,
    tokens: u64,
}

impl Reservation {
    /// The call begins: other limits may have been reached while it waited.
    pub(super) fn begin(&mut self) -> Result<(), BudgetSpent> {
        let mut spent = self.budget.spent();
        self.budget.check(&spent)?;
        spent.calls += 1;
        spent.since.get_or_insert_with(Instant::now);
        Ok(())
    }

    /// The call has cost this, which may be more than was set aside.
    pub(super) fn settle(&mut self, tokens: u64) {
        let mut spent = self.budget.spent();
        spent.tokens = spent.tokens.saturating_add(tokens);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut spent = self.budget.spent();
        spent.reserved -= self.tokens;
        drop(spent);
        self.budget.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(limits: AiLimits) -> Arc<Budget> {
        Arc::new(Budget::new(&limits))
    }

    #[tokio::test]
    async fn tokens_are_never_knowingly_overspent() {
        let budget = budget(AiLimits { max_tokens: 100, ..AiLimits::default() });
        let no_tokens = BudgetSpent { limit: "max_tokens", value: "100".to_owned() };
        assert_eq!(budget.reserve(101).await.err(), Some(no_tokens.clone()));
        let mut call = budget.reserve(60).await.unwrap();
        call.begin().unwrap();
        // It cost more than was thought.
        call.settle(70);
        drop(call);
        assert_eq!(budget.reserve(31).await.err(), Some(no_tokens));
        assert!(budget.reserve(30).await.is_ok());
        assert!(budget.reserve(30).await.is_ok(), "it came back unused");
    }

    #[tokio::test(start_paused = true)]
    async fn what_running_calls_may_not_need_is_waited_for() {
        let budget = budget(AiLimits { max_tokens: 100, ..AiLimits::default() });
        let mut running = budget.reserve(80).await.unwrap();
        running.begin().unwrap();
        let ends = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            running.settle(10);
            drop(running);
        };
        let started = Instant::now();
        let (second, ()) = tokio::join!(budget.reserve(80), ends);
        assert!(second.is_ok());
        assert_eq!(started.elapsed(), Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn time_counts_from_the_first_call() {
        let budget = budget(AiLimits { max_time: Some(Duration::from_secs(90)), ..AiLimits::default() });
        tokio::time::sleep(Duration::from_secs(1_000)).await;
        budget.reserve(1).await.unwrap().begin().unwrap();
        tokio::time::sleep(Duration::from_secs(89)).await;
        let mut waited = budget.reserve(1).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let spent = BudgetSpent { limit: "max_time", value: "1m 30s".to_owned() };
        assert_eq!(waited.begin(), Err(spent.clone()));
        assert_eq!(budget.reserve(1).await.err(), Some(spent));
    }
}
