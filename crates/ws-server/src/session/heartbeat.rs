//! Pings at an interval, and the judgement whether the client still answers.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

/// What is due at a tick.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Beat {
    /// Send a ping.
    Ping,
    /// Nothing came since the last ping.
    Lost,
}

/// The heartbeat of one connection.
pub(crate) struct Heartbeat {
    timer: Pin<Box<Sleep>>,
    /// When the timer is due: a busy session does not look at that.
    due: Instant,
    /// Who the timer will wake.
    registered: Option<Waker>,
    pinged: bool,
}

impl Heartbeat {
    /// Beats every `interval`; never, if it is zero.
    pub(crate) fn new(interval: Duration) -> Option<Self> {
        (!interval.is_zero()).then(|| {
            let timer = Box::pin(sleep(interval));
            Self { due: timer.deadline(), timer, registered: None, pinged: false }
        })
    }

    /// Anything that came from the client shows that it lives.
    pub(crate) fn heard(&mut self) {
        self.pinged = false;
    }

    /// Ready at each tick; the next one is an `interval` later. While we do not read because handlers lag, the client cannot be heard and is not judged.
    ///
    /// Between ticks, a session that is busy pays a comparison.
    pub(crate) fn poll_beat(
        &mut self,
        cx: &mut Context<'_>,
        interval: Duration,
        now: Instant,
        reading: bool,
    ) -> Poll<Beat> {
        let is_registered = self.registered.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()));
        if is_registered && now < self.due {
            return Poll::Pending;
        }
        if self.timer.as_mut().poll(cx).is_pending() {
            self.registered = Some(cx.waker().clone());
            return Poll::Pending;
        }
        self.timer.as_mut().reset(now + interval);
        self.due = self.timer.deadline();
        self.registered = None;
        if self.pinged && reading {
            return Poll::Ready(Beat::Lost);
        }
        self.pinged = true;
        Poll::Ready(Beat::Ping)
    }
}
