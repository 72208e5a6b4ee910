//! A virtual user: it connects, talks, and connects again if that is planned or if the connection was lost.

use std::future::poll_fn;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use crate::clock::{Nanos, nanos};
use crate::payload::Part;
use crate::plan::{Crowd, Lifetime};
use crate::shared::{Door, Phase, Shared};
use crate::tally::Failure;

use super::Shard;
use super::dial::{Dialled, dial};
use super::slot::Slot;
use super::talk::{Ending, Talk};

/// How long a user waits after a failure.
const PAUSE: Duration = Duration::from_secs(1);
/// How often in a row a user gets no word out until it gives up, where nothing else would end it.
const MOST_FAILURES: u32 = 5;

/// What a user remembers over its connections.
#[derive(Debug)]
pub(super) struct User {
    pub(super) number: u32,
    /// How many messages it has sent.
    pub(super) sent: u32,
    /// How many connections it has had.
    pub(super) connections: u32,
    pub(super) random: fastrand::Rng,
}

impl User {
    /// What it plays on its next connection: all together go through the sessions one after the other.
    pub(super) fn part<'s>(&self, shared: &'s Shared) -> &'s Part {
        let parts = &shared.parts;
        let turn = u64::from(self.number - 1) + u64::from(self.connections) * shared.plan.crowd.most() as u64;
        &parts[(turn % parts.len() as u64) as usize]
    }
}

/// From its first connection to its last. `due`: when it arrived, if it was due at a moment.
pub(super) async fn live(shard: Rc<Shard>, slot: Rc<Slot>, number: u32, due: Option<Nanos>) {
    let mut user = User { number, sent: 0, connections: 0, random: fastrand::Rng::new() };
    let mut is_settled = false;
    let mut failures = 0;
    let plan = &shard.shared.plan;
    let stays = !matches!(plan.crowd, Crowd::Arrivals { .. });
    while !shard.is_ending() && !slot.is_retired() {
        let sent = user.sent;
        let went_well = connect_and_talk(&shard, &slot, &mut user, due, &mut is_settled).await;
        // Who is let in and sent away before it could say anything has not come further than who is refused.
        failures = if went_well || user.sent > sent { 0 } else { failures + 1 };
        let has_said_all = plan.messages.is_some_and(|messages| user.sent >= messages);
        let gives_up = failures >= MOST_FAILURES && plan.lasts().is_none();
        // Without a time that says how often, a session is played once.
        let has_played = plan.plays() && plan.lasts().is_none();
        if !stays || has_said_all || gives_up || plan.broadcast || has_played {
            break;
        }
        if !went_well {
            tokio::select! {
                () = until_it_is_over(&shard, &slot) => {}
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }
    slot.finish();
}

/// Tells whether it went as planned.
async fn connect_and_talk(
    shard: &Shard,
    slot: &Slot,
    user: &mut User,
    due: Option<Nanos>,
    is_settled: &mut bool,
) -> bool {
    let shared = &shard.shared;
    let door = &shared.doors[(user.number as usize - 1) % shared.doors.len()];
    let permit = tokio::select! {
        permit = shard.dials.acquire() => permit,
        () = until_it_is_over(shard, slot) => return false,
    };
    let dialled = tokio::select! {
        dialled = dial_measured(shard, door, user.random.u128(..), due) => dialled,
        // The server has seen it already, so it is brought to its end like messages that wait for their answers.
        () = until_patience_ends(shard, slot) => return false,
    };
    drop(permit);
    if !std::mem::replace(is_settled, true) {
        shared.opened.fetch_add(usize::from(dialled.is_ok()), Ordering::Relaxed);
        shared.settled.fetch_add(1, Ordering::Release);
    }
    let dialled = match dialled {
        Ok(dialled) => dialled,
        Err((failure, example)) => {
            shard.has_failed.set(true);
            shard.tally.borrow_mut().fail(failure, &example);
            return false;
        }
    };
    let opened_at = shared.clock.now();
    shard.opened(opened_at);
    slot.open();
    let mut talk = Talk::new(shard, slot, user, dialled, opened_at);
    let ending = poll_fn(|cx| talk.poll(cx)).await;
    talk.finish(&ending);
    user.connections += 1;
    slot.close();
    shard.closed();
    let mut tally = shard.tally.borrow_mut();
    tally.unsent += slot.drop_assigned();
    tally.sessions.record(shared.clock.now() - opened_at);
    *tally.close_codes.entry(ending.close_code()).or_default() += 1;
    match ending {
        Ending::Done(_) => true,
        Ending::NotByServer { recorded, .. } => {
            tally.fail(Failure::NotClosed, &format!("with {recorded}"));
            false
        }
        Ending::ByServer(code, reason) => {
            tally.fail(Failure::Closed(code), &reason);
            false
        }
        Ending::Failed(failure, example) => {
            tally.fail(failure, &example);
            false
        }
    }
}

/// Connects. `due`: when it should have been.
async fn dial_measured(
    shard: &Shard,
    door: &Door,
    nonce: u128,
    due: Option<Nanos>,
) -> Result<Dialled, (Failure, String)> {
    let clock = shard.shared.clock;
    let since = due.unwrap_or_else(|| clock.now());
    let dialled = dial(door, nonce, shard.shared.plan.timeout).await?;
    shard.tally.borrow_mut().connecting.record(clock.now() - since);
    Ok(dialled)
}

/// Until the load ends, or this user shall.
async fn until_it_is_over(shard: &Shard, slot: &Slot) {
    poll_fn(|cx| {
        slot.attend(cx.waker());
        if shard.is_ending() || slot.is_retired() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// Until nothing is waited for any more after that.
async fn until_patience_ends(shard: &Shard, slot: &Slot) {
    until_it_is_over(shard, slot).await;
    tokio::time::sleep(Duration::from_nanos(shard.patience())).await;
}

impl Shard {
    /// How long what is under way is waited for when nothing new begins.
    pub(super) fn patience(&self) -> Nanos {
        match self.phase.get() {
            Phase::Ending { patience, .. } => patience,
            _ => nanos(self.shared.plan.timeout),
        }
    }

    pub(super) fn is_ending(&self) -> bool {
        matches!(self.phase.get(), Phase::Ending { .. })
    }

    fn opened(&self, at: Nanos) {
        self.open.set(self.open.get() + 1);
        self.most_open.set(self.most_open.get().max(self.open.get()));
        self.first_opened.set(self.first_opened.get().or(Some(at)));
        self.tally.borrow_mut().opened += 1;
    }

    fn closed(&self) {
        self.open.set(self.open.get() - 1);
        self.tally.borrow_mut().closed += 1;
    }

    /// Whether a connection that has sent so many messages and was opened then has lived long enough.
    pub(super) fn has_lived(&self, sent: u32, opened_at: Nanos, now: Nanos) -> bool {
        match self.shared.plan.lifetime {
            None => false,
            Some(Lifetime::Messages(messages)) => sent >= messages,
            Some(Lifetime::Time(time)) => now - opened_at >= nanos(time),
        }
    }
}
