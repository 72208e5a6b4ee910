//! Echo: each message has to come back as it was sent.

use std::net::SocketAddr;

use anyhow::Result;

use super::{
    dialog::{Dialog, Place},
    payload::Payload,
    window::{Timing, Traffic},
};
use crate::process::Probe;

pub(crate) struct Echo {
    pub(crate) connections: usize,
    /// Of each message, at least 16.
    pub(crate) bytes: usize,
    /// Messages that each connection has sent and not yet got back.
    pub(crate) in_flight: usize,
}

impl Echo {
    /// # Errors
    /// When an answer is wrong, out of order or missing.
    pub(crate) fn run(&self, address: SocketAddr, probe: &Probe, timing: Timing) -> Result<Traffic> {
        let place = Place { address, path: super::ECHO, connections: self.connections, in_flight: self.in_flight };
        place.hold(&Payload::new(self.bytes), probe, timing)
    }
}

impl Dialog for Payload {
    fn ask(&self, out: &mut Vec<u8>, number: u64) {
        self.push(out, number);
    }

    fn check(&self, answer: &[u8], number: u64) -> Result<()> {
        self.check(answer, number)
    }
}
