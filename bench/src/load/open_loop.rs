//! Open loop: messages leave when they are due, whatever has become of those before them.
//!
//! A closed loop waits for answers, so a server that stalls is asked less just then, and the stall hides. Here the time of each
//! message is fixed before the run, and its round trip counts from that time, not from when it was sent.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use super::{
    PATIENCE,
    dialog::Talk,
    fleet::Fleet,
    payload::Payload,
    window::{Timing, Traffic, Window},
};
use crate::process::Probe;

pub(crate) struct OpenLoop {
    /// They take turns.
    pub(crate) connections: usize,
    /// Of each message, at least 16.
    pub(crate) bytes: usize,
    /// Messages a second, of all connections together, evenly spread.
    pub(crate) rate: u32,
}

impl OpenLoop {
    /// # Errors
    /// When an answer is wrong, out of order or missing.
    pub(crate) fn run(&self, address: SocketAddr, probe: &Probe, timing: Timing) -> Result<Traffic> {
        let mut fleet = Fleet::open(address, super::ECHO, self.connections)?;
        let mut talks: Vec<Talk> = (0..self.connections).map(Talk::new).collect();
        let payload = Payload::new(self.bytes);
        let mut window = Window::begin(probe, timing)?;

        let began = Instant::now();
        let due = |number: u64| began + Duration::from_secs_f64(number as f64 / f64::from(self.rate));
        let (mut asked, mut answered) = (0_u64, 0_u64);
        let mut last_heard = began;
        loop {
            let now = Instant::now();
            let more = window.tick()?;
            while more && due(asked) <= now {
                let connection = asked as usize % self.connections;
                fleet.send(connection, |out| talks[connection].ask(&payload, due(asked), out))?;
                asked += 1;
            }
            if !more && answered == asked {
                break;
            }
            // The load has its core for itself, and a sleep would be coarser than the time between two messages.
            let came = fleet.look(Duration::ZERO, |arrival, _| {
                let due = talks[arrival.connection].hear(&payload, arrival.payload)?;
                answered += 1;
                window.count();
                window.due_round_trip(due, arrival.at - due);
                Ok(())
            })?;
            if came || answered == asked {
                last_heard = now;
            }
            ensure!(now - last_heard < PATIENCE, "the server sent nothing for {} s", PATIENCE.as_secs());
        }
        window.close().context("the open loop ended before it was measured")
    }
}
