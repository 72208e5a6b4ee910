//! Many rooms: one connection publishes in one room after the other, and exactly the ten members of each have to hear it.
//!
//! However many rooms there are, they are of ten members each, and there are a thousand connections. So what is measured is what
//! the number of rooms costs, and nothing else.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};

use super::{
    fleet::{Arrival, Fleet},
    payload::Payload,
    window::{Timing, Traffic, Window},
};
use crate::process::Probe;

const CONNECTIONS: usize = 1_000;
const MEMBERS: usize = 10;
/// So many rooms have no member in common; room `n` has the members of room `n % GROUPS`.
const GROUPS: usize = CONNECTIONS / MEMBERS;
/// The one behind the members.
const PUBLISHER: usize = CONNECTIONS;
const BYTES: usize = 32;

pub(crate) struct ManyRooms {
    pub(crate) rooms: usize,
}

impl ManyRooms {
    /// # Errors
    /// When a member misses a message, or hears a wrong one.
    pub(crate) fn run(&self, address: SocketAddr, probe: &Probe, timing: Timing) -> Result<Traffic> {
        // A server puts connection `index` into the rooms `index / 10`, that + 100, that + 200 and so on.
        let mut fleet = Fleet::open_each(address, CONNECTIONS + 1, |index| match index {
            PUBLISHER => format!("{}/{}", super::ROOMS, self.rooms),
            _ => format!("{}/{}/{index}", super::ROOMS, self.rooms),
        })?;
        let payload = Payload::new(BYTES);
        gather(&mut fleet, &payload)?;

        let next = (0..CONNECTIONS).map(|member| first_for(member, self.rooms)).collect();
        let mut hearing = Hearing { rooms: self.rooms, payload: &payload, next };
        let mut window = Window::begin(probe, timing)?;
        // One message at a time: with more of them, those to the same room would leave in one write, and those to different
        // rooms would not.
        for number in 0_u64.. {
            if !window.tick()? {
                break;
            }
            fleet.send(PUBLISHER, |out| payload.push(out, number))?;
            let mut missing = MEMBERS;
            while missing > 0 {
                fleet.turn(|arrival, _| {
                    hearing.hear(&arrival, number)?;
                    window.count();
                    missing -= 1;
                    Ok(())
                })?;
            }
        }
        let traffic = window.close().context("the broadcasts ended before they were measured")?;
        Ok(Traffic { round_trip: None, ..traffic })
    }
}

/// Waits until all are in their rooms: a server returns what a member says, and joins before it listens.
fn gather(fleet: &mut Fleet, payload: &Payload) -> Result<()> {
    for member in 0..CONNECTIONS {
        fleet.send(member, |out| payload.push(out, member as u64))?;
    }
    let mut missing = CONNECTIONS;
    while missing > 0 {
        fleet.turn(|arrival, _| {
            payload.check(arrival.payload, arrival.connection as u64)?;
            missing -= 1;
            Ok(())
        })?;
    }
    Ok(())
}

/// Who has heard what.
struct Hearing<'a> {
    rooms: usize,
    payload: &'a Payload,
    /// The number of the message that each member must hear next.
    next: Vec<u64>,
}

impl Hearing<'_> {
    fn hear(&mut self, arrival: &Arrival<'_>, number: u64) -> Result<()> {
        let member = arrival.connection;
        ensure!(member != PUBLISHER, "who publishes is in no room, and hears something");
        ensure!(self.next[member] == number, "member {member} is not in that room, or has heard it before");
        self.payload.check(arrival.payload, number)?;
        self.next[member] = next_for(member, number, self.rooms);
        Ok(())
    }
}

/// The first message that a member must hear; one that is in no room never hears any. Message `n` goes to room `n % rooms`.
fn first_for(member: usize, rooms: usize) -> u64 {
    let room = member / MEMBERS;
    if room < rooms { room as u64 } else { u64::MAX }
}

/// The one behind `number`, which it has heard.
fn next_for(member: usize, number: u64, rooms: usize) -> u64 {
    let next_turn = (number / rooms as u64 + 1) * rooms as u64;
    let next_room = number + GROUPS as u64;
    if next_room < next_turn { next_room } else { next_turn + first_for(member, rooms) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_is_for_the_ten_members_of_its_room() {
        for rooms in [1, 10, 250] {
            let mut next: Vec<u64> = (0..CONNECTIONS).map(|member| first_for(member, rooms)).collect();
            for number in 0..3 * rooms as u64 {
                let hearing: Vec<usize> = (0..CONNECTIONS).filter(|&member| next[member] == number).collect();
                let group = number as usize % rooms % GROUPS;
                assert_eq!(
                    hearing,
                    Vec::from_iter(group * MEMBERS..(group + 1) * MEMBERS),
                    "{number} of {rooms} rooms"
                );
                hearing.into_iter().for_each(|member| next[member] = next_for(member, number, rooms));
            }
        }
    }
}
