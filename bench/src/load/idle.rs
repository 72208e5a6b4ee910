//! Idle connections: what the server holds in memory for each one that has spoken once and then is silent.

use std::net::SocketAddr;

use anyhow::Result;

use super::{fleet::Fleet, payload::Payload};
use crate::process::Probe;

pub(crate) struct Idle {
    pub(crate) connections: usize,
}

impl Idle {
    /// Bytes of resident memory for each connection.
    ///
    /// Every connection gets one message echoed first: that ends whatever the server does late for a new connection,
    /// and a connection that has never spoken is not the usual one. Afterwards all have to answer again.
    ///
    /// # Errors
    /// When a connection is lost or does not answer.
    pub(crate) fn run(&self, address: SocketAddr, probe: &Probe) -> Result<f64> {
        // One connection before the first look, so that code and tables which all share are in memory.
        let mut first = Fleet::open(address, super::ECHO, 1)?;
        ask_all(&mut first)?;
        let before = probe.resident_bytes()?;

        let mut fleet = Fleet::open(address, super::ECHO, self.connections)?;
        ask_all(&mut fleet)?;
        let after = probe.resident_bytes()?;

        ask_all(&mut fleet)?;
        Ok((after as f64 - before as f64) / self.connections as f64)
    }
}

/// Sends one message on each connection and waits until all are answered.
fn ask_all(fleet: &mut Fleet) -> Result<()> {
    let payload = Payload::new(32);
    for connection in 0..fleet.len() {
        fleet.send(connection, |out| payload.push(out, connection as u64))?;
    }
    let mut silent = fleet.len();
    while silent > 0 {
        fleet.turn(|arrival, _| {
            payload.check(arrival.payload, arrival.connection as u64)?;
            silent -= 1;
            Ok(())
        })?;
    }
    Ok(())
}
