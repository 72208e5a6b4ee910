//! Waking at a moment, as exactly as the system can: the timers of the runtime know milliseconds only, and a generator that is a
//! millisecond late would measure itself.

use std::io;

use crate::clock::{Clock, Nanos};

#[cfg(target_os = "linux")]
pub(crate) struct Alarm {
    clock: Clock,
    timer: tokio::io::unix::AsyncFd<std::os::fd::OwnedFd>,
}

#[cfg(target_os = "linux")]
impl Alarm {
    /// # Errors
    /// If the system has no timer left.
    #[expect(deprecated, reason = "its successor is unsafe for descriptors that may change: an `OwnedFd` does not")]
    pub(crate) fn new(clock: Clock) -> io::Result<Self> {
        use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        Ok(Self { clock, timer: tokio::io::unix::AsyncFd::new(timer)? })
    }

    /// Waits until then, and lets other tasks run in any case.
    pub(crate) async fn until(&mut self, moment: Nanos) -> io::Result<()> {
        use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};
        tokio::task::yield_now().await;
        loop {
            let left = moment.saturating_sub(self.clock.now());
            if left == 0 {
                return Ok(());
            }
            let left = Timespec { tv_sec: (left / 1_000_000_000) as i64, tv_nsec: (left % 1_000_000_000) as _ };
            let never = Timespec { tv_sec: 0, tv_nsec: 0 };
            // Setting it takes back what has not been read of the time before.
            timerfd_settime(
                self.timer.get_ref(),
                TimerfdTimerFlags::empty(),
                &Itimerspec { it_interval: never, it_value: left },
            )?;
            self.timer.readable().await?.clear_ready();
        }
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) struct Alarm(Clock);

#[cfg(not(target_os = "linux"))]
impl Alarm {
    /// # Errors
    /// None: elsewhere a system may have no timer left.
    pub(crate) fn new(clock: Clock) -> io::Result<Self> {
        Ok(Self(clock))
    }

    /// Waits until then, and lets other tasks run in any case.
    pub(crate) async fn until(&mut self, moment: Nanos) -> io::Result<()> {
        tokio::task::yield_now().await;
        let left = moment.saturating_sub(self.0.now());
        tokio::time::sleep(std::time::Duration::from_nanos(left)).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_is_never_early_and_may_be_set_again() {
        let clock = Clock::start();
        let mut alarm = Alarm::new(clock).unwrap();
        for step in [0, 100_000, 3_000_000, 50_000] {
            let moment = clock.now() + step;
            alarm.until(moment).await.unwrap();
            assert!(clock.now() >= moment);
        }
    }
}
