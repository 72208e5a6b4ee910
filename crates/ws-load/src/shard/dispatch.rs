//! What happens at a fixed rate, whatever the server does: messages are given to connections in turn, and users arrive.

use std::io;
use std::rc::Rc;

use tokio::task::JoinSet;

use crate::alarm::Alarm;
use crate::clock::{MILLISECOND, Nanos};
use crate::plan::Crowd;
use crate::schedule::Schedule;
use crate::shared::Phase;

use super::slot::Slot;
use super::{Shard, user};

/// How soon it is tried again when nobody could take a message.
const AGAIN: Nanos = MILLISECOND;

/// Gives each message, when it is due, to the next connection that can take it.
///
/// # Errors
/// If the system gives us no timer.
pub(super) fn messages(shard: Rc<Shard>, mut schedule: Schedule) -> io::Result<impl Future<Output = io::Result<()>>> {
    let clock = shard.shared.clock;
    let mut alarm = Alarm::new(clock)?;
    Ok(async move {
        let mut turn = 0;
        let mut has_begun = false;
        while !shard.is_ending() {
            let now = clock.now();
            if let Some(opened) = shard.first_opened.get().filter(|_| !has_begun) {
                has_begun = true;
                // The first handshake is no round trip. But who could not connect has kept the messages waiting.
                if !shard.has_failed.get() {
                    schedule.skip_to(opened);
                }
            }
            let mut is_stuck = false;
            while schedule.next_due() <= now {
                if !give(&shard, &mut turn, schedule.next_due()) {
                    is_stuck = true;
                    break;
                }
                schedule.advance();
            }
            wait(&shard, &mut alarm, if is_stuck { now + AGAIN } else { schedule.next_due() }).await?;
        }
        count_overdue(&shard, schedule);
        Ok(())
    })
}

/// Counts what was due before the end and was not taken.
fn count_overdue(shard: &Shard, schedule: Schedule) {
    if let Phase::Ending { at, .. } = shard.phase.get() {
        shard.tally.borrow_mut().unsent += schedule.overdue(at);
    }
}

/// Whether somebody took it.
fn give(shard: &Shard, turn: &mut usize, due: Nanos) -> bool {
    let slots = shard.slots.borrow();
    // Of a broadcast the first user is who publishes.
    let count = if shard.shared.plan.broadcast { slots.len().min(1) } else { slots.len() };
    for _ in 0..count {
        *turn = (*turn + 1) % count;
        if slots[*turn].assign(due) {
            return true;
        }
    }
    false
}

/// Waits until then, or until the phase changes.
async fn wait(shard: &Shard, alarm: &mut Alarm, moment: Nanos) -> io::Result<()> {
    tokio::select! {
        woken = alarm.until(moment) => woken,
        () = shard.turned.notified() => Ok(()),
    }
}

/// Lets users come, each when it is due.
///
/// # Errors
/// If the system gives us no timer.
pub(super) fn arrivals(shard: Rc<Shard>, mut schedule: Schedule) -> io::Result<impl Future<Output = io::Result<()>>> {
    let clock = shard.shared.clock;
    let mut alarm = Alarm::new(clock)?;
    let shards = shard.shared.shards;
    let at_most = match shard.shared.plan.crowd {
        Crowd::Arrivals { at_most, .. } => super::share(at_most, shard.index, shards),
        _ => 0,
    };
    Ok(async move {
        let mut users = JoinSet::new();
        let mut number = shard.index + 1;
        while !shard.is_ending() {
            let now = clock.now();
            super::reap(&mut users);
            let mut is_stuck = false;
            while schedule.next_due() <= now {
                if users.len() >= at_most {
                    is_stuck = true;
                    break;
                }
                let slot = Rc::new(Slot::default());
                shard.slots.borrow_mut().push(Rc::clone(&slot));
                users.spawn_local(user::live(Rc::clone(&shard), slot, number as u32, Some(schedule.next_due())));
                number += shards;
                schedule.advance();
            }
            wait(&shard, &mut alarm, if is_stuck { now + AGAIN } else { schedule.next_due() }).await?;
        }
        count_overdue(&shard, schedule);
        while let Some(ended) = users.join_next().await {
            super::unwind(ended);
        }
        Ok(())
    })
}
