//! Waiting for facts that can only be seen by looking again.

use std::fmt::Display;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long a fact may take to come true: generous, because it costs only where a test fails.
const CEILING: Duration = Duration::from_secs(10);
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// Looks until `is_so` says yes; fails the test when it does not within ten seconds.
#[track_caller]
pub(crate) fn eventually(what: impl Display, mut is_so: impl FnMut() -> bool) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let deadline = Instant::now() + CEILING;
        while !is_so() {
            assert!(Instant::now() < deadline, "{caller}: not within {CEILING:?}: {what}");
            sleep(PAUSE).await;
        }
    }
}
