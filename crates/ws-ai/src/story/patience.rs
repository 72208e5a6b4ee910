//! How often a provider is asked again, and when.

use std::time::Duration;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use crate::{AiError, ProviderError, StoryFacts};

/// The first wait after a failed call; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// The longest wait that is ours.
const LONGEST_WAIT: Duration = Duration::from_secs(8);
/// The longest wait that a provider may ask for; who wants a longer one has failed.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);

/// Counts failures in a row: calls that failed, and answers without anything valid.
#[derive(Debug)]
pub(super) struct Patience {
    retries: u32,
    failures: u32,
    /// Spreads the clients of a provider that has failed them all at once.
    spread: ChaCha8Rng,
}

impl Patience {
    pub(super) fn new(retries: u32, facts: &StoryFacts) -> Self {
        let spread = ChaCha8Rng::seed_from_u64(facts.seed ^ facts.number);
        Self { retries, failures: 0, spread }
    }

    /// There was a valid event: all failures are forgiven.
    pub(super) fn restore(&mut self) {
        self.failures = 0;
    }

    /// There was nothing valid in an answer. It is asked again at once.
    pub(super) fn vain_answer(&mut self, reason: &str) -> Result<(), AiError> {
        self.failures += 1;
        if self.failures > self.retries {
            return Err(AiError::Invalid { attempts: self.failures, reason: reason.to_owned() });
        }
        Ok(())
    }

    /// A call has failed. Says how long to wait before the next.
    pub(super) fn failed_call(&mut self, error: ProviderError) -> Result<Duration, AiError> {
        self.failures += 1;
        let asked_for = error.retry_after;
        if !error.is_transient() || self.failures > self.retries || asked_for > Some(LONGEST_RETRY_AFTER) {
            return Err(error.into());
        }
        if let Some(asked_for) = asked_for {
            return Ok(asked_for + FIRST_WAIT.mul_f64(self.spread.random_range(0.0..1.0)));
        }
        let doubled = 2_u32.saturating_pow(self.failures - 1);
        let wait = FIRST_WAIT.saturating_mul(doubled).min(LONGEST_WAIT);
        Ok(wait.mul_f64(self.spread.random_range(1.0..1.25)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ProviderErrorKind;

    fn patience(retries: u32) -> Patience {
        Patience::new(retries, &StoryFacts::new("/ws", 0, 7))
    }

    fn failure() -> ProviderError {
        ProviderError::new(ProviderErrorKind::Status(500), "it is down")
    }

    #[test]
    fn waits_double_up_to_a_bound_and_then_there_are_no_more() {
        let mut patience = patience(8);
        for expected in [250, 500, 1000, 2000, 4000, 8000, 8000, 8000] {
            let expected = Duration::from_millis(expected);
            let wait = patience.failed_call(failure()).unwrap();
            assert!((expected..expected.mul_f64(1.25)).contains(&wait), "{wait:?}");
        }
        assert!(matches!(patience.failed_call(failure()), Err(AiError::Provider(_))));
        patience.restore();
        assert!(patience.failed_call(failure()).unwrap() < Duration::from_millis(313));
    }

    #[test]
    fn a_provider_says_itself_when_it_wants_to_be_asked_but_nobody_waits_for_hours() {
        let after = |seconds| ProviderError { retry_after: Some(Duration::from_secs(seconds)), ..failure() };
        for seconds in [0, 3, 60] {
            let wait = patience(1).failed_call(after(seconds)).unwrap();
            let asked_for = Duration::from_secs(seconds);
            assert!((asked_for..asked_for + FIRST_WAIT).contains(&wait), "{wait:?}");
        }
        assert!(patience(8).failed_call(after(61)).is_err());
    }

    #[test]
    fn what_will_not_go_better_is_not_tried_again() {
        let refused = ProviderError::new(ProviderErrorKind::Status(401), "the key is wrong");
        assert!(patience(8).failed_call(refused).is_err());
        let mut patience = patience(1);
        patience.vain_answer("a").unwrap();
        let error = patience.vain_answer("b").unwrap_err();
        assert!(matches!(&error, AiError::Invalid { attempts: 2, reason } if reason == "b"), "{error}");
    }
}
