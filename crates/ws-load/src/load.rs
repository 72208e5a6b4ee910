//! A load from its start to its report: starts the threads, leads them through the phases, gathers what they tell.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::{MILLISECOND, Nanos, SECOND, nanos};
use crate::error::LoadError;
use crate::plan::{Crowd, Pace, Plan};
use crate::progress::Progress;
use crate::record::Record;
use crate::report::Report;
use crate::shard::{self, Delivery};
use crate::shared::{Phase, Shared};

/// How often it is looked whether a phase is over.
const GLANCE: Duration = Duration::from_millis(5);
/// How long before its beginning the threads hear of a schedule.
const AHEAD: Nanos = 2 * MILLISECOND;
/// How long answers are waited for when somebody ends the load early.
const HURRY: Nanos = SECOND;

/// Ends a load early: what has been measured until then is reported.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Ends it. Answers are waited for a second more.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_asked_for(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Carries out a plan in threads of its own and waits for its end; `watch` hears once a second how it stands.
///
/// # Errors
/// If the plan is none, or not one connection could be opened.
pub fn run(plan: Plan, stop: &Stop, watch: impl FnMut(&Progress)) -> Result<Report, LoadError> {
    plan.check()?;
    let shared = Arc::new(Shared::new(plan)?);
    let (phase, phases) = watch::channel(Phase::Opening);
    let (sender, deliveries) = sync_channel(64);
    let mut threads = Vec::new();
    for index in 0..shared.shards {
        let (shared, phases, sender) = (Arc::clone(&shared), phases.clone(), sender.clone());
        let thread = std::thread::Builder::new().name(format!("load-{index}"));
        let started = thread.spawn(move || shard::run(shared, index, phases, sender)).map_err(LoadError::Start);
        threads.push(started?);
    }
    drop(sender);
    let record = Record::new(shared.shards, shared.plan.checks.len());
    Leader { shared, phase, deliveries, threads, record, told_at: 0, has_lost_one: false, watch }.lead(stop)
}

struct Leader<W> {
    shared: Arc<Shared>,
    phase: watch::Sender<Phase>,
    deliveries: Receiver<Delivery>,
    threads: Vec<JoinHandle<std::io::Result<()>>>,
    record: Record,
    told_at: Nanos,
    /// Whether a thread has ended without its last word.
    has_lost_one: bool,
    watch: W,
}

impl<W: FnMut(&Progress)> Leader<W> {
    fn lead(mut self, stop: &Stop) -> Result<Report, LoadError> {
        let clock = self.shared.clock;
        let shared = Arc::clone(&self.shared);
        let mut is_hopeless = false;
        if shared.plan.crowd.is_there_from_the_start() {
            let all = shared.plan.crowd.most();
            self.gather_until(|| stop.is_asked_for() || shared.settled.load(Ordering::Acquire) >= all);
            is_hopeless = shared.opened.load(Ordering::Relaxed) == 0;
        }
        // What has a schedule begins when all threads have heard of it; what has none begins with the first message.
        let has_schedule =
            matches!(shared.plan.pace, Pace::Open { .. }) || matches!(shared.plan.crowd, Crowd::Arrivals { .. });
        let ahead = if has_schedule { AHEAD } else { 0 };
        let since = clock.now() + ahead;
        let lasts = shared.plan.lasts().map(nanos);
        let mut ended_at = None;
        if is_hopeless {
            // Nobody is there to whom anything could be sent.
            ended_at = Some(since);
        } else {
            let until = lasts.map_or(Nanos::MAX, |lasts| since.saturating_add(lasts));
            self.turn(Phase::Running { since, until });
            self.gather_until(|| stop.is_asked_for() || clock.now() >= until);
            if !self.record.is_complete() {
                ended_at = Some(clock.now().min(until));
            }
        }
        if let Some(at) = ended_at {
            let patience = if stop.is_asked_for() { HURRY } else { nanos(shared.plan.timeout) };
            self.turn(Phase::Ending { at, patience });
        }
        self.gather_until(|| false);
        // Threads that still run, because another one has failed, end when nobody leads or hears them.
        drop((self.phase, self.deliveries));
        for thread in self.threads {
            match thread.join() {
                Ok(ended) => ended.map_err(LoadError::Start)?,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        let ended_at = ended_at.unwrap_or(self.record.busy_until()).max(since + 1);
        self.record.report(&shared.plan, ended_at - since, stop.is_asked_for())
    }

    fn turn(&self, phase: Phase) {
        // The threads that are done do not hear it.
        let _ = self.phase.send(phase);
    }

    /// Takes deliveries until it is over, or all threads are done.
    fn gather_until(&mut self, is_over: impl Fn() -> bool) {
        while !self.record.is_complete() && !self.has_lost_one && !is_over() {
            let ended = self.threads.iter().filter(|thread| thread.is_finished()).count();
            match self.deliveries.recv_timeout(GLANCE) {
                Ok(delivery) => self.record.take(delivery),
                // All that those had said who had ended before is heard.
                Err(_) => self.has_lost_one = ended > self.record.ended(),
            }
            let now = self.shared.clock.now();
            if now - self.told_at >= SECOND {
                let phase = *self.phase.borrow();
                let progress = self.record.progress(phase, now, now - self.told_at, self.shared.plan.lasts());
                self.told_at = now;
                (self.watch)(&progress);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::mpsc::SyncSender;

    use super::*;

    fn lead(thread: impl FnOnce(SyncSender<Delivery>) -> io::Result<()> + Send + 'static) -> Result<Report, LoadError> {
        let mut plan = Plan::new("ws://127.0.0.1:1/".parse().unwrap());
        plan.duration = Some(Duration::from_secs(600));
        let shared = Arc::new(Shared::new(plan).unwrap());
        let (phase, _phases) = watch::channel(Phase::Opening);
        let (sender, deliveries) = sync_channel(1);
        let threads = vec![std::thread::spawn(move || thread(sender))];
        let (record, watch) = (Record::new(1, 0), |_: &Progress| {});
        Leader { shared, phase, deliveries, threads, record, told_at: 0, has_lost_one: false, watch }
            .lead(&Stop::default())
    }

    #[test]
    fn a_thread_that_fails_ends_the_load() {
        let error = lead(|_| Err(io::Error::other("no timer left"))).unwrap_err();
        assert!(matches!(&error, LoadError::Start(why) if why.to_string() == "no timer left"), "{error}");
    }

    #[test]
    #[should_panic(expected = "a mistake of ours")]
    fn a_thread_that_panics_is_heard() {
        let _ = lead(|_| panic!("a mistake of ours"));
    }
}
