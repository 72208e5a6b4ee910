//! When the next event leaves: a schedule without drift and without bursts.
//!
//! It waits; it neither makes events nor sends them.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The most of a delay that is made up for: what timers are late by.
const MOST_MADE_UP: Duration = Duration::from_millis(2);

/// Spaces events: the first leaves when it is there, each other an interval after the one before.
///
/// Small delays do not add up. A large one moves all that follows, so there is no burst behind it.
#[derive(Debug)]
pub(crate) struct Pace {
    interval: Duration,
    slot: Option<Instant>,
}

impl Pace {
    /// So many events a second. The rate was checked.
    pub(crate) fn new(rate: f64) -> Self {
        Self { interval: interval(rate), slot: None }
    }

    /// Waits until the next event is due.
    pub(crate) async fn due(&self) {
        if let Some(slot) = self.slot {
            sleep_until(slot).await;
        }
    }

    /// An event has left.
    pub(crate) fn left(&mut self) {
        let now = Instant::now();
        let earliest = now.checked_sub(MOST_MADE_UP).unwrap_or(now);
        let base = self.slot.map_or(now, |slot| slot.max(earliest));
        // Beyond what the clock can tell, no event is due in a lifetime; the clock's own far future is 30 years.
        self.slot = base.checked_add(self.interval).or_else(|| now.checked_add(Duration::from_secs(30 * 365 * 86_400)));
    }
}

/// The time between two events at a rate.
pub(crate) fn interval(rate: f64) -> Duration {
    Duration::try_from_secs_f64(1.0 / rate).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    async fn departures(rate: f64, delays: &[u64]) -> Vec<u64> {
        let start = Instant::now();
        let mut pace = Pace::new(rate);
        let mut left = Vec::new();
        for delay in delays {
            pace.due().await;
            sleep(Duration::from_millis(*delay)).await;
            pace.left();
            left.push(u64::try_from(start.elapsed().as_millis()).unwrap());
        }
        left
    }

    /// G04.
    #[tokio::test(start_paused = true)]
    async fn events_leave_at_the_rate_and_small_delays_do_not_add_up() {
        assert_eq!(departures(2.0, &[0; 5]).await, [0, 500, 1000, 1500, 2000]);
        assert_eq!(departures(2.0, &[300, 0, 0]).await, [300, 800, 1300]);
        assert_eq!(departures(2.0, &[0, 2, 2, 2, 2]).await, [0, 502, 1002, 1502, 2002]);
    }

    /// G04.
    #[tokio::test(start_paused = true)]
    async fn a_gap_is_followed_by_no_burst() {
        assert_eq!(departures(2.0, &[0, 3000, 0, 0]).await, [0, 3500, 3998, 4498]);
        assert_eq!(departures(100.0, &[0, 500, 0, 0, 0]).await, [0, 510, 518, 528, 538]);
    }

    /// G04.
    #[tokio::test(start_paused = true)]
    async fn the_highest_rate_is_kept_with_timers_of_milliseconds() {
        for rate in [crate::MAX_RATE, 700.0, 300.0] {
            let start = Instant::now();
            let mut pace = Pace::new(rate);
            for _ in 0..=1000 {
                pace.due().await;
                pace.left();
            }
            let took = start.elapsed().as_secs_f64();
            assert!((1000.0 / rate - took).abs() < 0.005, "{rate}: {took}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_near_zero_is_no_overflow() {
        let mut pace = Pace::new(f64::MIN_POSITIVE);
        pace.left();
        pace.left();
        assert!(pace.slot.unwrap() > Instant::now() + Duration::from_secs(86_400));
    }
}
