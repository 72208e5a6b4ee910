//! What the simulated network does to what the pump moves.

use std::task::{Context, Poll};

use tracing::debug;
use ws_conditions::{ConnectionFault, ConnectionPlan};
use ws_core::engine::Outbound;
use ws_core::{CloseFrame, Direction, Message, Origin, RawFrame};

use super::Pump;
use crate::path_conditions::is_same_network;
use crate::session::ending::Ending;
use crate::session::link::{Link, Parcel};
use crate::session::message_span::MessageSpan;
use crate::transport::Transport;

impl<S: Transport> Pump<'_, S> {
    /// Whether the simulated network ends the connection with what was read last: what stands behind it, a ping too, is
    /// not read.
    pub(super) fn is_cut_off(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.inbound.ends(self.now))
    }

    /// Has the network do what `plan` says from now on; none: nothing.
    pub(in crate::session) fn set_plan(&mut self, plan: Option<Box<ConnectionPlan>>) {
        let pace = |direction| plan.as_ref().and_then(|plan| plan.pace(direction));
        let (reads, writes) = (pace(Direction::Inbound), pace(Direction::Outbound));
        self.wire.transport_mut().set_paces(reads, writes);
        match (&mut self.link, plan) {
            (Some(link), plan) => link.exchange(plan, self.now),
            (None, Some(plan)) => {
                self.link = Some(Box::new(Link::new(plan, self.connection.path(), self.config.outbound_queue)));
            }
            (None, None) => {}
        }
    }

    /// Takes up the newest conditions, if they are others than so far.
    pub(super) fn take_up_conditions(&mut self) {
        let newest = self.chain.newest_conditions();
        if !is_same_network(&self.conditions, &newest) {
            debug!(connection = self.connection.id(), "the conditions are others from here on");
            self.set_plan(newest.as_ref().map(|conditions| Box::new(conditions.take_over(self.now))));
            self.conditions = newest;
        }
    }

    /// Lets the simulated network do what is due.
    pub(super) fn poll_link(&mut self) {
        if self.link.as_ref().is_some_and(|link| link.is_over()) {
            self.link = None;
        }
        let Some(link) = self.link.as_mut().filter(|_| self.ending.is_none()) else { return };
        if let Some(fault) = link.due(self.now) {
            self.tell_fault(Some(fault.name()));
            let ending = self.suffer(fault);
            return self.end(ending);
        }
        self.deliver_due();
    }

    /// Delivers what has come through the simulated network. What came behind an end is lost with the connection.
    pub(super) fn deliver_due(&mut self) {
        while self.ending.is_none()
            && let Some(parcel) = self.link.as_mut().and_then(|link| link.inbound.take(self.now))
        {
            match parcel {
                Parcel::Message(message) | Parcel::Frames(_, message) => self.deliver(message),
                Parcel::Fault(fault) => {
                    let ending = self.suffer(fault);
                    self.end(ending);
                }
            }
        }
    }

    pub(super) fn tell_fault(&self, name: Option<&str>) {
        if let Some(name) = name {
            debug!(connection = self.connection.id(), "fault injected: {name}");
            self.observers.tell(|observer| observer.on_fault(&self.connection, name));
        }
    }

    /// Carries out a fault of the whole connection, as far as it is done on the wire; returns how the connection ends.
    pub(super) fn suffer(&mut self, fault: ConnectionFault) -> Ending {
        match fault {
            ConnectionFault::Close(frame) => self.close_as_asked(frame),
            ConnectionFault::Unfinished(frame) => {
                self.wire.feed_raw(&frame);
                Ending::Broken(ConnectionFault::Unfinished(frame))
            }
            fault => Ending::Broken(fault),
        }
    }

    /// Sends a Close frame whose code may be one that nobody may send.
    fn close_as_asked(&mut self, frame: CloseFrame) -> Ending {
        let message = Message::Close(Some(frame.clone()));
        if message.check_control().is_ok() {
            let fed = self.feed(Outbound::new(message, Origin::Session));
            return fed.err().unwrap_or(Ending::ClosedByUs(Some(frame), Origin::Session));
        }
        let mut payload = frame.code.to_be_bytes().to_vec();
        payload.extend_from_slice(frame.reason.as_bytes());
        self.wire.feed_raw(&RawFrame::new(RawFrame::CLOSE, payload));
        Ending::Broken(ConnectionFault::Disconnect)
    }

    /// Sends what there is through the simulated network, and feeds what comes out of it.
    pub(super) fn poll_feed_through_link(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Ending>> {
        let is_ours = |next: &Outbound| next.origin == Origin::Session;
        while self.fed_later.front().is_some_and(is_ours)
            || self.link.as_ref().is_some_and(|link| link.outbound.has_room())
        {
            let Poll::Ready(next) = self.poll_outbound(cx) else { break };
            let Some(next) = next else { continue };
            // Our own housekeeping is no traffic.
            if is_ours(&next) {
                return Poll::Ready(self.feed(next));
            }
            if let Some(link) = &mut self.link {
                let fault = link.send(next, self.now);
                self.tell_fault(fault);
            }
        }
        let Some(parcel) = self.link.as_mut().and_then(|link| link.outbound.take(self.now)) else {
            return Poll::Pending;
        };
        Poll::Ready(match parcel {
            Parcel::Message(message) => self.feed(message),
            Parcel::Frames(frames, message) => {
                self.feed_frames(&frames, &message);
                Ok(())
            }
            Parcel::Fault(fault) => Err(self.suffer(fault)),
        })
    }

    /// Puts frames on their way that stand for a message. It is observed where they still are that message.
    fn feed_frames(&mut self, frames: &[RawFrame], message: &Outbound) {
        let is_whole = frames.iter().all(|frame| frame.rsv == 0 && frame.opcode <= RawFrame::BINARY)
            && frames.iter().map(|frame| &*frame.payload).collect::<Vec<_>>().concat() == payload(&message.message);
        if is_whole {
            let span = MessageSpan::of(Direction::Outbound, &message.message);
            self.observe(Direction::Outbound, message.origin, &message.message);
            span.succeed();
        }
        frames.iter().for_each(|frame| self.wire.feed_raw(frame));
    }
}

/// The bytes of a text or binary message.
fn payload(message: &Message) -> &[u8] {
    match message {
        Message::Text(text) => text.as_bytes(),
        Message::Binary(data) => data,
        _ => &[],
    }
}
