//! When messages are due: at fixed moments, whatever has become of the ones before. Pure.

use std::time::Duration;

use crate::clock::{Nanos, SECOND};
use crate::plan::Crowd;

/// Messages that are due closer together than this are due together: each waking of the generator costs as much as a message.
const GRAIN: Nanos = 250_000;

/// Due moments at a fixed rate for all threads together, of which each takes its own. What could not be sent stays due: that
/// costs a number, not memory.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    start: Nanos,
    end: Nanos,
    per_second: f64,
    burst: u64,
    /// The next one of this thread, as a number over all threads.
    next: u64,
    turns: Turns,
}

/// Which of the messages of all threads are those of one.
#[derive(Clone, Debug)]
pub(crate) struct Turns {
    index: usize,
    threads: usize,
    crowd: Crowd,
}

impl Turns {
    /// Of a thread that has its share of the crowd.
    pub(crate) fn of(index: usize, threads: usize, crowd: &Crowd) -> Self {
        Self { index, threads, crowd: crowd.clone() }
    }

    /// All are those of one thread.
    pub(crate) fn alone() -> Self {
        Self::of(0, 1, &Crowd::Fixed { connections: 1, ramp: Duration::ZERO })
    }

    /// Among how many threads the messages are divided so long after the start: who has no connection then sends none, and the
    /// others send all.
    fn among(&self, elapsed: Nanos) -> u64 {
        let threads = match &self.crowd {
            Crowd::Arrivals { .. } => self.threads,
            crowd => crowd.level(Duration::from_nanos(elapsed)).min(self.threads),
        };
        threads as u64
    }
}

impl Schedule {
    /// The first ones are due at `start`, and none at `end` or later.
    pub(crate) fn new(start: Nanos, end: Nanos, per_second: f64, turns: Turns) -> Self {
        let burst = (per_second * GRAIN as f64 / SECOND as f64).ceil().max(1.0) as u64;
        let mut schedule = Self { start, end, per_second, burst, next: 0, turns };
        schedule.find_own();
        schedule
    }

    /// When the next one is due, or was; `Nanos::MAX`: there is none.
    pub(crate) fn next_due(&self) -> Nanos {
        let due = self.burst_due();
        if due < self.end { due } else { Nanos::MAX }
    }

    /// It has been sent.
    pub(crate) fn advance(&mut self) {
        self.next += 1;
        self.find_own();
    }

    /// Forgets what was due before: nobody was there to send it, nor should have been.
    pub(crate) fn skip_to(&mut self, now: Nanos) {
        let passed = (now.saturating_sub(self.start) as f64 / SECOND as f64 * self.per_second) as u64;
        self.next = self.next.max(passed / self.burst * self.burst);
        while self.burst_due() < now.min(self.end) {
            self.next = self.burst_end();
        }
        self.find_own();
    }

    /// How many were due before `end` and have not been sent.
    pub(crate) fn overdue(mut self, end: Nanos) -> u64 {
        let mut count = 0;
        while self.next_due() < end {
            let among = self.turns.among(self.burst_due() - self.start);
            let own = |before: u64| (before + among - 1 - self.turns.index as u64) / among;
            count += own(self.burst_end()) - own(self.next);
            self.next = self.burst_end();
            self.find_own();
        }
        count
    }

    /// When the burst is due that the next one belongs to.
    fn burst_due(&self) -> Nanos {
        let whole_bursts = self.next / self.burst * self.burst;
        self.start + (whole_bursts as f64 / self.per_second * SECOND as f64) as Nanos
    }

    /// The first number behind that burst.
    fn burst_end(&self) -> u64 {
        (self.next / self.burst + 1) * self.burst
    }

    /// Goes on to the first one that is this thread's.
    fn find_own(&mut self) {
        let index = self.turns.index as u64;
        loop {
            let due = self.burst_due();
            if due >= self.end {
                return;
            }
            let among = self.turns.among(due - self.start);
            if index < among {
                let own = self.next + (index + among - self.next % among) % among;
                if own < self.burst_end() {
                    self.next = own;
                    return;
                }
            }
            self.next = self.burst_end();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Stage;

    fn due(schedule: &mut Schedule, until: Nanos) -> Vec<Nanos> {
        let mut all = Vec::new();
        while schedule.next_due() < until {
            all.push(schedule.next_due());
            schedule.advance();
        }
        all
    }

    fn alone(start: Nanos, end: Nanos, per_second: f64) -> Schedule {
        Schedule::new(start, end, per_second, Turns::alone())
    }

    #[test]
    fn few_messages_are_due_one_by_one() {
        let mut schedule = alone(SECOND, Nanos::MAX, 4.0);
        let quarter = SECOND / 4;
        assert_eq!(due(&mut schedule, 2 * SECOND), [4, 5, 6, 7].map(|n| n * quarter));
    }

    #[test]
    fn many_are_due_in_bursts_and_none_is_forgotten() {
        for rate in [4_000.0, 10_000.0, 123_456.0, 1_000_000.0] {
            let mut schedule = alone(0, Nanos::MAX, rate);
            let all = due(&mut schedule, 10 * SECOND);
            assert!((all.len() as f64 - rate * 10.0).abs() <= schedule.burst as f64, "{rate}: {}", all.len());
            let steps = all.windows(2).map(|pair| pair[1] - pair[0]).filter(|step| *step > 0);
            assert!(steps.min().unwrap() >= GRAIN - 1, "{rate}");
        }
    }

    #[test]
    fn what_is_overdue_is_counted_and_can_be_forgotten() {
        let mut schedule = alone(0, 20 * SECOND, 10_000.0);
        due(&mut schedule, SECOND);
        assert_eq!(schedule.clone().overdue(SECOND), 0);
        assert_eq!(schedule.clone().overdue(2 * SECOND), 10_000 - 10_000 % schedule.burst);
        schedule.skip_to(5 * SECOND);
        let next = schedule.next_due();
        assert!((5 * SECOND..5 * SECOND + 2 * GRAIN).contains(&next), "moments stay where they were: {next}");
        schedule.skip_to(20 * SECOND);
        assert_eq!((schedule.next_due(), schedule.overdue(Nanos::MAX)), (Nanos::MAX, 0));
    }

    /// What all threads send is what one alone would send, at the same moments; and nobody sends who has no connection.
    #[test]
    fn threads_divide_everything_among_those_that_have_connections() {
        let stage = |seconds, to| Stage { over: Duration::from_secs(seconds), to };
        for crowd in [
            Crowd::Fixed { connections: 100, ramp: Duration::ZERO },
            Crowd::Fixed { connections: 4, ramp: Duration::from_secs(8) },
            Crowd::Stages(vec![stage(3, 7), stage(3, 2), stage(4, 2)]),
            Crowd::Arrivals { per_second: 1.0, at_most: 10 },
        ] {
            for rate in [7.0, 990.0, 20_001.0] {
                let threads = (0..4).map(|index| Schedule::new(SECOND, 11 * SECOND, rate, Turns::of(index, 4, &crowd)));
                let threads: Vec<_> = threads.collect();
                let overdue: u64 = threads.iter().map(|thread| thread.clone().overdue(Nanos::MAX)).sum();
                let mut all = Vec::new();
                for (index, mut thread) in threads.into_iter().enumerate() {
                    let own = due(&mut thread, Nanos::MAX);
                    let is_there = |due: &Nanos| crowd.level(Duration::from_nanos(due - SECOND)) > index;
                    assert!(matches!(crowd, Crowd::Arrivals { .. }) || own.iter().all(is_there), "{crowd:?} {index}");
                    all.extend(own);
                }
                all.sort_unstable();
                assert_eq!(all, due(&mut alone(SECOND, 11 * SECOND, rate), Nanos::MAX), "{crowd:?} {rate}");
                assert_eq!(overdue, all.len() as u64, "{crowd:?} {rate}");
            }
        }
    }

    #[test]
    fn nothing_is_due_while_nobody_shall_be_there() {
        let stage = |seconds, to| Stage { over: Duration::from_secs(seconds), to };
        let crowd = Crowd::Stages(vec![stage(0, 5), stage(2, 5), stage(0, 0), stage(5, 0), stage(0, 5), stage(3, 5)]);
        let mut schedule = Schedule::new(0, 10 * SECOND, 100.0, Turns::of(0, 1, &crowd));
        let all = due(&mut schedule, Nanos::MAX);
        let between = |from: u64, to: u64| all.iter().filter(|due| (from * SECOND..to * SECOND).contains(due)).count();
        assert_eq!((between(0, 2), between(2, 7), between(7, 10)), (200, 0, 300));
    }
}
