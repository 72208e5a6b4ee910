//! Echo: every connection keeps a number of messages in flight and checks each answer, in order.

use std::{collections::VecDeque, net::SocketAddr, time::Instant};

use anyhow::{Context, Result};

use super::{
    fleet::Fleet,
    payload::Payload,
    window::{Timing, Traffic, Window},
};
use crate::process::Probe;

pub(crate) struct Echo {
    pub(crate) connections: usize,
    /// Of each message, at least 16.
    pub(crate) bytes: usize,
    /// Messages that each connection has sent and not yet got back.
    pub(crate) in_flight: usize,
}

/// One connection's side of the conversation.
struct Talk {
    next: u64,
    expected: u64,
    sent_at: VecDeque<Instant>,
}

impl Talk {
    fn new(connection: usize) -> Self {
        // Numbers of one connection never meet those of another.
        let first = (connection as u64) << 40;
        Self { next: first, expected: first, sent_at: VecDeque::new() }
    }

    fn say(&mut self, payload: &Payload, now: Instant, out: &mut Vec<u8>) {
        payload.push(out, self.next);
        self.next += 1;
        self.sent_at.push_back(now);
    }

    /// Checks the answer and returns when its message was sent.
    fn hear(&mut self, payload: &Payload, answer: &[u8]) -> Result<Instant> {
        payload.check(answer, self.expected)?;
        self.expected += 1;
        self.sent_at.pop_front().context("an answer without a question")
    }
}

impl Echo {
    /// # Errors
    /// When an answer is wrong, out of order or missing.
    pub(crate) fn run(&self, address: SocketAddr, probe: &Probe, timing: Timing) -> Result<Traffic> {
        let payload = Payload::new(self.bytes);
        let mut fleet = Fleet::open(address, super::ECHO, self.connections)?;
        let mut talks: Vec<Talk> = (0..self.connections).map(Talk::new).collect();
        let mut window = Window::begin(probe, timing)?;

        for (connection, talk) in talks.iter_mut().enumerate() {
            fleet.send(connection, |out| {
                for _ in 0..self.in_flight {
                    talk.say(&payload, Instant::now(), out);
                }
            })?;
        }
        let mut in_flight = self.connections * self.in_flight;
        while in_flight > 0 {
            let more = window.tick()?;
            fleet.turn(|arrival, out| {
                let talk = &mut talks[arrival.connection];
                let sent_at = talk.hear(&payload, arrival.payload)?;
                window.count();
                window.round_trip(arrival.at - sent_at);
                if more {
                    talk.say(&payload, arrival.at, out);
                } else {
                    in_flight -= 1;
                }
                Ok(())
            })?;
        }
        window.close().context("the echo ended before it was measured")
    }
}
