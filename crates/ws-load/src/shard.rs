//! One thread with its share of the connections: its own runtime, its own counts, nothing shared with the others while
//! messages fly.

mod dial;
mod dispatch;
mod ears;
mod playing;
mod slot;
mod talk;
mod user;

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::{JoinError, JoinSet, LocalSet};

use crate::alarm::Alarm;
use crate::clock::{MILLISECOND, Nanos, SECOND};
use crate::plan::{Crowd, Pace};
use crate::schedule::{Schedule, Turns};
use crate::shared::{Phase, Shared};
use crate::tally::Tally;
use slot::Slot;

/// How often a thread looks after its connections.
const TICK: Nanos = 10 * MILLISECOND;
/// How many handshakes of a thread may be under way: more would overflow the queue of a server's listener.
const MOST_DIALS: usize = 64;
/// What one read of a socket can bring.
const SCRATCH: usize = 64 << 10;

/// What a thread says of itself, once a second and at its end.
pub(crate) struct Delivery {
    /// The second of the load to which it belongs; `None`: it has not begun.
    pub(crate) second: Option<u64>,
    pub(crate) tally: Box<Tally>,
    /// How many connections of this thread are open.
    pub(crate) open: usize,
    /// The most that were open since the delivery before.
    pub(crate) most_open: usize,
    pub(crate) shard: usize,
    /// Whether this is the last one.
    pub(crate) is_last: bool,
    /// When the last message was sent or came.
    pub(crate) busy_until: Nanos,
}

/// What the tasks of a thread share.
pub(crate) struct Shard {
    shared: Arc<Shared>,
    index: usize,
    phase: Cell<Phase>,
    tally: RefCell<Tally>,
    scratch: RefCell<Box<[u8]>>,
    /// The message that is being made.
    message: RefCell<Vec<u8>>,
    slots: RefCell<Vec<Rc<Slot>>>,
    /// Open connections.
    open: Cell<usize>,
    most_open: Cell<usize>,
    busy_until: Cell<Nanos>,
    /// When the first connection was open, and whether one could not be opened.
    first_opened: Cell<Option<Nanos>>,
    has_failed: Cell<bool>,
    dials: Semaphore,
    /// Told when the phase changes.
    turned: Notify,
}

/// Carries out the share of a thread, and returns when all its connections are closed.
///
/// # Errors
/// If the system gives us no runtime or no timer.
pub(crate) fn run(
    shared: Arc<Shared>,
    index: usize,
    phases: watch::Receiver<Phase>,
    deliveries: SyncSender<Delivery>,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tally = RefCell::new(Tally::new(shared.plan.checks.len()));
    let shard = Rc::new(Shard {
        index,
        phase: Cell::new(Phase::Opening),
        tally,
        scratch: RefCell::new(vec![0; SCRATCH].into()),
        message: RefCell::default(),
        slots: RefCell::default(),
        open: Cell::new(0),
        most_open: Cell::new(0),
        busy_until: Cell::new(0),
        first_opened: Cell::new(None),
        has_failed: Cell::new(false),
        dials: Semaphore::new(MOST_DIALS),
        turned: Notify::new(),
        shared,
    });
    let keeper = Keeper {
        shard,
        crew: Vec::new(),
        users: JoinSet::new(),
        pacers: JoinSet::new(),
        deliveries,
        told: 0,
        worked: 0,
        said_at: 0,
    };
    LocalSet::new().block_on(&runtime, keeper.keep(phases))
}

/// Who opens and ends the connections of a thread, and tells what was counted.
struct Keeper {
    shard: Rc<Shard>,
    /// The places of those that are there because of the crowd's level, the oldest first.
    crew: Vec<Rc<Slot>>,
    users: JoinSet<()>,
    /// What sends and what arrives at a fixed rate.
    pacers: JoinSet<io::Result<()>>,
    deliveries: SyncSender<Delivery>,
    /// The second that is told next.
    told: u64,
    worked: Nanos,
    said_at: Nanos,
}

impl Keeper {
    async fn keep(mut self, mut phases: watch::Receiver<Phase>) -> io::Result<()> {
        let clock = self.shard.shared.clock;
        let mut alarm = Alarm::new(clock)?;
        self.worked = worked();
        self.said_at = clock.now();
        let mut next = clock.now();
        // It may have begun before this thread did.
        let phase = *phases.borrow_and_update();
        self.enter(phase)?;
        loop {
            let alarmed = tokio::select! {
                // Who is gone wants nothing more.
                changed = phases.changed() => {
                    let phase = *phases.borrow_and_update();
                    if self.shard.phase.get() == Phase::Opening {
                        // What it took to open connections says nothing about the load.
                        self.tell(clock.now(), None, false);
                    }
                    self.enter(if changed.is_ok() { phase } else { Phase::Ending { at: 0, patience: 0 } })?;
                    None
                }
                alarmed = alarm.until(next) => Some(alarmed?),
            };
            while let Some(ended) = self.pacers.try_join_next() {
                unwind(ended).transpose()?;
            }
            let now = clock.now();
            if alarmed.is_some() {
                if self.shard.phase.get() != Phase::Opening {
                    // Each tick that was missed was late, too: otherwise a generator that stands still would be late once.
                    self.shard.tally.borrow_mut().lateness.record_each(now - next, TICK);
                }
                next = now + TICK;
            }
            self.populate(now);
            let is_over = self.is_over();
            self.wake_who_is_due(now);
            self.say(now, is_over);
            if is_over {
                return Ok(());
            }
        }
    }

    fn enter(&mut self, phase: Phase) -> io::Result<()> {
        let shard = &self.shard;
        shard.phase.set(phase);
        match phase {
            Phase::Opening | Phase::Ending { .. } => {}
            Phase::Running { since, until } => {
                let plan = &shard.shared.plan;
                let turns = Turns::of(shard.index, shard.shared.shards, &plan.crowd);
                let share = |per_second| Schedule::new(since, until, per_second, turns.clone());
                match plan.pace {
                    // Who publishes is a user of the first thread.
                    Pace::Open { per_second } if plan.broadcast && shard.index == 0 => {
                        let schedule = Schedule::new(since, until, per_second, Turns::alone());
                        self.pacers.spawn_local(dispatch::messages(Rc::clone(shard), schedule)?);
                    }
                    Pace::Open { per_second } if !plan.broadcast => {
                        self.pacers.spawn_local(dispatch::messages(Rc::clone(shard), share(per_second))?);
                    }
                    _ => {}
                }
                if let Crowd::Arrivals { per_second, .. } = plan.crowd {
                    self.pacers.spawn_local(dispatch::arrivals(Rc::clone(shard), share(per_second))?);
                }
            }
        }
        for slot in shard.slots.borrow().iter() {
            slot.wake();
        }
        shard.turned.notify_waiters();
        Ok(())
    }

    /// Opens and retires connections until there are as many as there should be.
    fn populate(&mut self, now: Nanos) {
        let shard = &self.shard;
        let crowd = &shard.shared.plan.crowd;
        let elapsed = match shard.phase.get() {
            Phase::Opening if crowd.is_there_from_the_start() => Duration::ZERO,
            Phase::Running { since, .. } => Duration::from_nanos(now.saturating_sub(since)),
            Phase::Opening | Phase::Ending { .. } => return,
        };
        if matches!(crowd, Crowd::Arrivals { .. }) {
            shard.slots.borrow_mut().retain(|slot| !slot.is_finished());
            return;
        }
        let wanted = share(crowd.level(elapsed), shard.index, shard.shared.shards);
        reap(&mut self.users);
        while self.crew.len() < wanted {
            let number = (self.crew.len() * shard.shared.shards + shard.index + 1) as u32;
            let slot = Rc::new(Slot::default());
            self.users.spawn_local(user::live(Rc::clone(shard), Rc::clone(&slot), number, None));
            shard.slots.borrow_mut().push(Rc::clone(&slot));
            self.crew.push(slot);
        }
        while self.crew.len() > wanted
            && let Some(slot) = self.crew.pop()
        {
            slot.retire();
        }
        shard.slots.borrow_mut().retain(|slot| !slot.is_finished() || !slot.is_retired());
    }

    /// Whether nobody is left, and nobody will come.
    fn is_over(&self) -> bool {
        let shard = &self.shard;
        let all_are_done = shard.slots.borrow().iter().all(|slot| slot.is_finished());
        let nobody_comes = match (&shard.shared.plan.crowd, shard.phase.get()) {
            // What could not be sent is counted when the pacers end.
            (_, Phase::Ending { .. }) => self.pacers.is_empty(),
            (_, Phase::Opening) => false,
            (Crowd::Fixed { connections, .. }, _) => {
                self.crew.len() == share(*connections, shard.index, shard.shared.shards)
            }
            _ => false,
        };
        all_are_done && nobody_comes
    }

    fn wake_who_is_due(&self, now: Nanos) {
        for slot in self.shard.slots.borrow().iter() {
            if slot.wants_attention_at() <= now {
                slot.wake();
            }
        }
    }

    /// Tells what was counted when a second is over, and at the end.
    fn say(&mut self, now: Nanos, is_last: bool) {
        let second = match self.shard.phase.get() {
            Phase::Opening => None,
            Phase::Running { since, .. } | Phase::Ending { at: since, .. } if since > now => None,
            Phase::Running { since, .. } => Some((now - since) / SECOND),
            // Told in the second in which it ended: what comes after that is waiting for answers.
            Phase::Ending { .. } => Some(self.told),
        };
        let is_full = now - self.said_at >= SECOND;
        let is_next = second.is_some_and(|second| second > self.told);
        if !is_last && !is_next && !is_full {
            return;
        }
        let told = second.map(|_| self.told);
        self.told = second.unwrap_or(self.told);
        self.tell(now, told, is_last);
    }

    /// Tells what was counted since this was called last, in a second of the load or before it.
    fn tell(&mut self, now: Nanos, second: Option<u64>, is_last: bool) {
        let fresh = Tally::new(self.shard.shared.plan.checks.len());
        let mut tally = self.shard.tally.replace(fresh);
        let worked = worked();
        tally.worked = worked - self.worked;
        let elapsed = (now - self.said_at).max(1);
        // Shorter spans say nothing.
        if second.is_some() && elapsed > SECOND / 4 {
            tally.busiest = tally.worked as f64 / elapsed as f64;
        }
        (self.worked, self.said_at) = (worked, now);
        let delivery = Delivery {
            second,
            tally: Box::new(tally),
            open: self.shard.open.get(),
            most_open: self.shard.most_open.replace(self.shard.open.get()),
            busy_until: self.shard.busy_until.get(),
            shard: self.shard.index,
            is_last,
        };
        // Who is gone needs no report.
        let _ = self.deliveries.send(delivery);
    }
}

/// What a task of this thread has come to; a panic goes on. `None`: it was ended with others.
fn unwind<T>(ended: Result<T, JoinError>) -> Option<T> {
    match ended.map_err(JoinError::try_into_panic) {
        Ok(outcome) => Some(outcome),
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        Err(Err(_)) => None,
    }
}

/// Forgets users that are gone.
fn reap(users: &mut JoinSet<()>) {
    while let Some(ended) = users.try_join_next() {
        unwind(ended);
    }
}

/// How many of `all` are those of one thread.
fn share(all: usize, index: usize, shards: usize) -> usize {
    (all + shards - 1 - index) / shards
}

/// How long this thread has worked.
fn worked() -> Nanos {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as Nanos * SECOND + time.tv_nsec as Nanos
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up() {
        for (all, shards) in [(1, 1), (10, 3), (2, 4), (1000, 7)] {
            assert_eq!((0..shards).map(|index| share(all, index, shards)).sum::<usize>(), all);
        }
    }
}
