//! Counting messages against a limit.

use std::time::Duration;

use tokio::time::{Instant, advance};
use ws_conditions::{OverLimit, RateLimit, RateLimiter};

/// F06.
#[tokio::test(start_paused = true)]
async fn a_thousand_pass_then_none_until_the_window_is_over() {
    let rate_limiter = RateLimiter::new(1000, Duration::from_secs(60));
    for nth in 1..=1_000 {
        assert!(rate_limiter.check_limit().await, "{nth}");
    }
    assert!(!rate_limiter.check_limit().await);
    advance(Duration::from_millis(59_999)).await;
    assert!(!rate_limiter.check_limit().await);
    advance(Duration::from_millis(1)).await;
    for nth in 1..=1_000 {
        assert!(rate_limiter.check_limit().await, "{nth}");
    }
    assert!(!rate_limiter.check_limit().await);
}

#[test]
fn a_window_begins_with_its_first_message() {
    let limiter = RateLimiter::new(2, Duration::from_secs(1));
    let start = Instant::now();
    let at = |ms| start + Duration::from_millis(ms);
    assert_eq!(limiter.try_acquire(at(700)), Ok(()));
    assert_eq!(limiter.try_acquire(at(1_600)), Ok(()));
    assert_eq!(limiter.try_acquire(at(1_699)), Err(at(1_700)));
    assert_eq!(limiter.try_acquire(at(5_000)), Ok(()));
    assert_eq!(limiter.try_acquire(at(5_999)), Ok(()));
    assert_eq!(limiter.try_acquire(at(5_999)), Err(at(6_000)));
}

#[test]
fn who_asks_again_when_told_to_gets_through() {
    let limiter = RateLimiter::new(5, Duration::from_secs(1));
    let start = Instant::now();
    let mut now = start;
    for _ in 0..20 {
        while let Err(later) = limiter.try_acquire(now) {
            assert!(later > now);
            now = later;
        }
    }
    assert_eq!(now - start, Duration::from_secs(3));
}

#[test]
fn no_figure_makes_it_panic_or_spin() {
    let now = Instant::now();
    let none = RateLimiter::new(0, Duration::ZERO);
    assert!(none.try_acquire(now).unwrap_err() > now);
    let forever = RateLimiter::new(1, Duration::MAX);
    assert_eq!(forever.try_acquire(now), Ok(()));
    assert!(forever.try_acquire(now + Duration::from_secs(1_000_000)).is_err());
    let free = RateLimiter::new(1, Duration::ZERO);
    assert!((1..100).all(|ms| free.try_acquire(now + Duration::from_millis(ms)).is_ok()));
}

#[test]
fn threads_share_the_limit() {
    let limiter = RateLimiter::new(1_000, Duration::from_secs(60));
    let now = Instant::now();
    let count = || (0..500).filter(|_| limiter.try_acquire(now).is_ok()).count();
    let passed: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(count)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(passed, 1_000);
}

#[test]
fn a_limit_has_a_flat_shape() {
    let limit: RateLimit = serde_json::from_str(r#"{ "messages": 5, "per_ms": 1000, "over": "close" }"#).unwrap();
    assert_eq!(limit, RateLimit::new(5, Duration::from_secs(1)).over(OverLimit::Close));
    assert_eq!(serde_json::to_string(&limit).unwrap(), r#"{"messages":5,"per_ms":1000,"over":"close"}"#);
    let short: RateLimit = serde_json::from_str(r#"{ "messages": 5, "per_ms": 1000 }"#).unwrap();
    assert_eq!(short.over, OverLimit::Drop);
    for wrong in [r#"{ "messages": 5 }"#, r#"{ "messages": 5, "per_ms": 1, "burst": 1 }"#] {
        assert!(serde_json::from_str::<RateLimit>(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_limit_that_is_none_is_an_error() {
    let error = |messages, per| RateLimit::new(messages, per).limiter().unwrap_err().to_string();
    assert_eq!(error(0, Duration::from_secs(1)), "messages: expected at least 1, got 0");
    assert_eq!(error(1, Duration::from_micros(999)), "per_ms: expected at least 1, got 0");
    let limiter = RateLimit::new(1, Duration::from_secs(1)).limiter().unwrap();
    let now = Instant::now();
    assert!(limiter.try_acquire(now).is_ok() && limiter.try_acquire(now).is_err());
}
