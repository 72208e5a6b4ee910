//! Counting messages against a limit. It never waits: it says when to come back.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Lets a number of messages pass in a time.
///
/// The time is counted in windows: one begins with the first message after the last window was over, lets `limit`
/// messages pass, and lasts for `per`. (Across the border of two windows, twice the limit can pass within `per`.) Shared
/// by reference, it counts what all its users do together.
///
/// ```
/// use std::time::Duration;
/// use ws_conditions::RateLimiter;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let rate_limiter = RateLimiter::new(2, Duration::from_secs(60));
/// assert!(rate_limiter.check_limit().await);
/// assert!(rate_limiter.check_limit().await);
/// assert!(!rate_limiter.check_limit().await);
/// # }
/// ```
#[derive(Debug)]
pub struct RateLimiter {
    limit: u32,
    per: Duration,
    window: Mutex<Window>,
}

#[derive(Debug, Default)]
struct Window {
    /// When it is over; `None` before the first message.
    ends: Option<Instant>,
    passed: u32,
}

impl RateLimiter {
    /// `limit` messages per `per`. With a limit of 0, none passes; with no time at all, every one, but for that.
    #[must_use]
    pub fn new(limit: u32, per: Duration) -> Self {
        Self { limit, per, window: Mutex::default() }
    }

    /// Counts one message now, if it is within the limit, and says whether it is.
    ///
    /// It does not wait; it is `async` because callers expect it to be.
    pub async fn check_limit(&self) -> bool {
        self.try_acquire(Instant::now()).is_ok()
    }

    /// Counts one message at `now`, if it is within the limit.
    ///
    /// # Errors
    /// When it is over the limit: the time at which the next window may begin. That time is later than `now`.
    pub fn try_acquire(&self, now: Instant) -> Result<(), Instant> {
        // Counting cannot panic half way: what another thread left behind is whole.
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let ends = match window.ends {
            Some(ends) if now < ends => ends,
            _ => {
                let ends = now + self.per.clamp(Duration::from_nanos(1), FOREVER);
                *window = Window { ends: Some(ends), passed: 0 };
                ends
            }
        };
        if window.passed >= self.limit {
            return Err(ends);
        }
        window.passed += 1;
        Ok(())
    }
}

/// Longer than any server runs, and short enough to be added to a time.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
