//! The simulated network between a session and its socket: it carries out what the conditions decide.
//!
//! Each direction is a line in which messages keep their order. What it holds is bounded; when a line is full, nothing more
//! is taken from the queue or read from the socket.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::Context;

use tokio::time::{Instant, Sleep, sleep_until};
use ws_conditions::{Act, ConnectionFault, ConnectionPlan, Decision, MAX_HOLD};
use ws_core::engine::Outbound;
use ws_core::{Direction, Message, QueueLimits, RawFrame};

use super::inbox::Inbound;

/// What comes out of a line.
pub(super) enum Parcel<T> {
    /// A message as it goes on.
    Message(T),
    /// Frames that stand for a message.
    Frames(Vec<RawFrame>, T),
    /// A fault of the whole connection.
    Fault(ConnectionFault),
}

/// The network of one connection.
pub(super) struct Link {
    /// None: what comes from now on passes, behind what is on its way.
    plan: Option<Box<ConnectionPlan>>,
    path: String,
    pub(super) outbound: Line<Outbound>,
    pub(super) inbound: Line<Inbound>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Link {
    pub(super) fn new(plan: Box<ConnectionPlan>, path: &str, limits: QueueLimits) -> Self {
        let (outbound, inbound) = (Line::new(limits), Line::new(limits));
        Self { plan: Some(plan), path: path.to_owned(), outbound, inbound, timer: None }
    }

    /// From `now` on this plan decides. What is on its way comes when it was due.
    pub(super) fn exchange(&mut self, plan: Option<Box<ConnectionPlan>>, now: Instant) {
        // Whoever held a message for the next one is gone.
        self.outbound.release_held(now);
        self.inbound.release_held(now);
        self.plan = plan;
    }

    /// Whether it does nothing any more, and nothing is on its way.
    pub(super) fn is_over(&self) -> bool {
        self.plan.is_none() && self.outbound.is_empty() && self.inbound.is_empty()
    }

    fn decide(&mut self, direction: Direction, message: &Message, now: Instant) -> Decision {
        let Some(plan) = &mut self.plan else { return Decision::PASS };
        plan.on_message(direction, message, &[&self.path], now)
    }

    /// Sends a message of ours on its way; says which fault it suffers, if it does.
    pub(super) fn send(&mut self, outbound: Outbound, now: Instant) -> Option<&'static str> {
        let decision = self.decide(Direction::Outbound, &outbound.message, now);
        if matches!(outbound.message, Message::Close(_)) {
            // Nothing overtakes it, and what waits for a successor has none.
            self.outbound.release_held(now);
            self.outbound.push(Parcel::Message(outbound), now + decision.delay);
            return None;
        }
        let with = |message, outbound: &Outbound| Outbound::new(message, outbound.origin);
        self.outbound.carry_out(decision.act, outbound, with, now + decision.delay, now);
        decision.fault
    }

    /// Takes a message of the client's on its way; says which fault it suffers, if it does.
    pub(super) fn receive(&mut self, next: Inbound, now: Instant) -> Option<&'static str> {
        let decision = self.decide(Direction::Inbound, &next.message, now);
        let with = |message, next: &Inbound| Inbound { message, number: next.number };
        self.inbound.carry_out(decision.act, next, with, now + decision.delay, now);
        decision.fault
    }

    /// What happens to the whole connection now, if anything.
    pub(super) fn due(&mut self, now: Instant) -> Option<ConnectionFault> {
        self.outbound.release_held_if_due(now);
        self.inbound.release_held_if_due(now);
        self.plan.as_mut()?.due(now)
    }

    /// Has the task woken when something more is due than at `now`.
    pub(super) fn arm(&mut self, cx: &mut Context<'_>, now: Instant) {
        let planned = self.plan.as_ref().and_then(|plan| plan.next_due());
        let due = [planned, self.outbound.next_due(now), self.inbound.next_due(now)];
        let Some(due) = due.into_iter().flatten().min() else {
            self.timer = None;
            return;
        };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if timer.deadline() != due {
            timer.as_mut().reset(due);
        }
        if timer.as_mut().poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
    }
}

/// Messages on their way in one direction.
pub(super) struct Line<T> {
    limits: QueueLimits,
    waiting: VecDeque<(Instant, Parcel<T>)>,
    bytes: usize,
    /// A message that waits for the next one to overtake it, and when it would have been due.
    held: Option<(Instant, Parcel<T>)>,
    /// The connection ends: everything is due.
    hurried: bool,
}

/// What a line counts of a thing.
pub(super) trait Payload {
    fn size(&self) -> usize;

    /// Whether faults are about it; control frames are late like all others, and that is all.
    fn is_data(&self) -> bool;
}

impl Payload for Inbound {
    fn size(&self) -> usize {
        self.message.len()
    }

    fn is_data(&self) -> bool {
        self.message.is_data()
    }
}

impl Payload for Outbound {
    fn size(&self) -> usize {
        self.message.len()
    }

    fn is_data(&self) -> bool {
        self.message.is_data()
    }
}

impl<T: Payload + Clone> Line<T> {
    fn new(limits: QueueLimits) -> Self {
        Self { limits, waiting: VecDeque::new(), bytes: 0, held: None, hurried: false }
    }

    /// Whether another message may be taken on. One of any size always fits into an empty line.
    pub(super) fn has_room(&self) -> bool {
        let has_room = self.waiting.len() < self.limits.messages && self.bytes < self.limits.bytes;
        has_room || self.waiting.is_empty()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.held.is_none()
    }

    /// Whether all that waits is due, and ends with the end of the connection.
    pub(super) fn ends(&self, now: Instant) -> bool {
        matches!(self.waiting.back(), Some((due, Parcel::Fault(_))) if *due <= now)
    }

    /// The next that is due.
    pub(super) fn take(&mut self, now: Instant) -> Option<Parcel<T>> {
        if !self.hurried && self.waiting.front()?.0 > now {
            return None;
        }
        let (_, parcel) = self.waiting.pop_front()?;
        self.bytes -= parcel.size();
        if self.waiting.is_empty() {
            self.waiting.shrink_to(8);
        }
        Some(parcel)
    }

    /// Lets out all that is on its way, at once.
    pub(super) fn hurry(&mut self, now: Instant) {
        self.release_held(now);
        self.hurried = true;
    }

    fn carry_out(&mut self, act: Act, message: T, with: impl Fn(Message, &T) -> T, due: Instant, now: Instant) {
        let overtakes = message.is_data();
        match act {
            // What is lost overtakes nothing.
            Act::Drop => return,
            Act::Duplicate(times) => {
                for _ in 0..times {
                    self.push(Parcel::Message(message.clone()), due);
                }
            }
            Act::HoldForNext => {
                // One at a time: what was held has been overtaken by this one's turn.
                self.release_held(now);
                self.held = Some((due, Parcel::Message(message)));
                return;
            }
            Act::Replace(other) => {
                let changed = with(other, &message);
                self.push(Parcel::Message(changed), due);
            }
            Act::Frames(frames) => self.push(Parcel::Frames(frames, message), due),
            // What waits to come behind it is lost with the connection.
            Act::End(fault) => return self.push(Parcel::Fault(fault), due),
            _ => self.push(Parcel::Message(message), due),
        }
        if overtakes {
            self.release_held(now);
        }
    }

    /// Puts something behind all that waits.
    fn push(&mut self, parcel: Parcel<T>, due: Instant) {
        let due = self.waiting.back().map_or(due, |(last, _)| due.max(*last));
        self.bytes += parcel.size();
        self.waiting.push_back((due, parcel));
    }

    fn release_held(&mut self, now: Instant) {
        if let Some((due, parcel)) = self.held.take() {
            self.push(parcel, due.max(now));
        }
    }

    fn release_held_if_due(&mut self, now: Instant) {
        if self.held.as_ref().is_some_and(|(due, _)| *due + MAX_HOLD <= now) {
            self.release_held(now);
        }
    }

    /// When there is something to do next. What is due already waits for the socket, which wakes the task itself.
    fn next_due(&self, now: Instant) -> Option<Instant> {
        let waiting = self.waiting.front().map(|(due, _)| *due).filter(|due| *due > now);
        let held = self.held.as_ref().map(|(due, _)| *due + MAX_HOLD);
        waiting.into_iter().chain(held).min()
    }
}

impl<T: Payload> Parcel<T> {
    fn size(&self) -> usize {
        match self {
            Self::Message(message) | Self::Frames(_, message) => message.size(),
            Self::Fault(_) => 0,
        }
    }
}
