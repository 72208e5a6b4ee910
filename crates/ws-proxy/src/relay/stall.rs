//! How long an upstream may take nothing while something waits for it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

/// How long an upstream may take nothing while something waits for it.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

/// Watches an upstream that is blocked.
#[derive(Default)]
pub(super) struct Stall(Option<Watch>);

struct Watch {
    timer: Pin<Box<Sleep>>,
    /// What the upstream had taken when the timer was set.
    written: u64,
}

impl Stall {
    /// Called while something waits and the upstream does not take it; ready when that has gone on for too long.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, written: u64) -> Poll<()> {
        let watch = self.0.get_or_insert_with(|| Watch { timer: Box::pin(sleep(LIMIT)), written });
        if watch.written != written {
            watch.written = written;
            watch.timer.as_mut().reset(Instant::now() + LIMIT);
        }
        ready!(watch.timer.as_mut().poll(cx));
        self.0 = None;
        Poll::Ready(())
    }

    /// The upstream has taken all there was.
    pub(super) fn clear(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whoever_takes_something_has_all_the_time_again() {
        let mut stall = Stall::default();
        let begun = Instant::now();
        let mut stalled = async |written| poll_fn(|cx| stall.poll(cx, written)).await;
        assert!(tokio::time::timeout(LIMIT - Duration::from_secs(1), stalled(1)).await.is_err());
        stalled(2).await;
        assert_eq!(begun.elapsed(), LIMIT - Duration::from_secs(1) + LIMIT);
    }
}
