//! Deadlines by the clock on the wall, also where a test has stopped tokio's.

use std::pin::pin;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

/// Runs `work`, but not beyond `limit`; then there is no answer.
pub(crate) async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    let (_ends_the_thread, ended) = mpsc::channel::<()>();
    let (tell, told) = oneshot::channel();
    let alarm = move || {
        if ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
            let _ = tell.send(());
        }
    };
    // Without a thread nothing would end the wait.
    thread::Builder::new().name("deadline".into()).spawn(alarm).expect("a thread for a deadline");
    tokio::select! {
        biased;
        answer = work => Some(answer),
        _ = told => None,
    }
}

/// Runs `work` here and now. It may let others have their turn, but must not wait for them.
pub(crate) fn at_once<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    loop {
        if let Poll::Ready(answer) = work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return answer;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_is_real_also_where_tokios_clock_stands() {
        let began = Instant::now();
        assert_eq!(within(Duration::from_millis(50), pending::<()>()).await, None);
        assert!(began.elapsed() >= Duration::from_millis(50));
        assert_eq!(within(Duration::MAX, async { 7 }).await, Some(7));
    }

    #[test]
    fn work_that_only_yields_is_done_at_once() {
        let work = async {
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            7
        };
        assert_eq!(at_once(work), 7);
    }
}
