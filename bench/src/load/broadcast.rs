//! Broadcast: one member of a room publishes, every member, the publisher too, has to hear each message, in order.

use std::{collections::VecDeque, net::SocketAddr, time::Instant};

use anyhow::{Context, Result, ensure};

use super::{
    PATIENCE,
    fleet::{Arrival, Fleet},
    payload::Payload,
    window::{Timing, Traffic, Window},
};
use crate::process::Probe;

/// The member that publishes.
const PUBLISHER: usize = 0;

pub(crate) struct Broadcast {
    pub(crate) members: usize,
    /// Of each message, at least 16.
    pub(crate) bytes: usize,
    /// Messages published and not yet heard by all.
    pub(crate) outstanding: usize,
}

/// A message on its way to all members.
struct Outstanding {
    sent_at: Instant,
    missing: usize,
}

/// Who has heard what.
struct Room {
    payload: Payload,
    /// The next number each member must hear; none before it has heard any.
    expected: Vec<Option<u64>>,
    /// The next number to publish.
    next: u64,
}

impl Room {
    fn hear(&mut self, arrival: &Arrival<'_>) -> Result<u64> {
        let expected = &mut self.expected[arrival.connection];
        let number = match *expected {
            Some(number) => self.payload.check(arrival.payload, number).map(|()| number)?,
            None => self.payload.number(arrival.payload)?,
        };
        *expected = Some(number + 1);
        Ok(number)
    }

    fn publish(&mut self, fleet: &mut Fleet, count: usize) -> Result<()> {
        fleet.send(PUBLISHER, |out| {
            for _ in 0..count {
                self.payload.push(out, self.next);
                self.next += 1;
            }
        })
    }

    /// Publishes until every member hears it: a handshake that is answered does not yet mean that the room was joined.
    fn gather(&mut self, fleet: &mut Fleet) -> Result<()> {
        let began = Instant::now();
        while self.expected.contains(&None) {
            ensure!(began.elapsed() < PATIENCE, "members are in the room and hear nothing");
            self.publish(fleet, 1)?;
            while self.expected[PUBLISHER] != Some(self.next) {
                fleet.turn(|arrival, _| self.hear(&arrival).map(drop))?;
            }
        }
        Ok(())
    }
}

impl Broadcast {
    /// # Errors
    /// When a member misses a message or hears a wrong one.
    pub(crate) fn run(&self, address: SocketAddr, probe: &Probe, timing: Timing) -> Result<Traffic> {
        let mut fleet = Fleet::open(address, super::ROOM, self.members)?;
        let mut room = Room { payload: Payload::new(self.bytes), expected: vec![None; self.members], next: 0 };
        room.gather(&mut fleet)?;

        let mut window = Window::begin(probe, timing)?;
        let mut outstanding = VecDeque::new();
        // The oldest number that not all have heard; what is older was published to gather them.
        let mut oldest = room.next;
        loop {
            let more = window.tick()?;
            if more && outstanding.len() < self.outstanding {
                let count = self.outstanding - outstanding.len();
                let sent_at = Instant::now();
                outstanding.extend((0..count).map(|_| Outstanding { sent_at, missing: self.members }));
                room.publish(&mut fleet, count)?;
            }
            if outstanding.is_empty() {
                break;
            }
            fleet.turn(|arrival, _| {
                let number = room.hear(&arrival)?;
                window.count();
                let Some(position) = number.checked_sub(oldest) else { return Ok(()) };
                outstanding.get_mut(position as usize).context("a message nobody sent")?.missing -= 1;
                // Each member hears in order, so the oldest is always the first that all have heard.
                if let Some(done) = outstanding.pop_front_if(|oldest| oldest.missing == 0) {
                    window.round_trip(arrival.at - done.sent_at);
                    oldest += 1;
                }
                Ok(())
            })?;
        }
        window.close().context("the broadcast ended before it was measured")
    }
}
