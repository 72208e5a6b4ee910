//! Replay: every connection is told the same fixed messages, over and over, as fast as the server can.

use std::{net::SocketAddr, path::Path};

use anyhow::{Context, Result, ensure};

use super::{
    fleet::Fleet,
    payload::Payload,
    window::{Timing, Traffic, Window},
};
use crate::process::Probe;

/// How many messages the file has.
const MESSAGES: u64 = 100;
const BYTES: usize = 32;

pub(crate) struct Replay {
    /// All hear the whole file.
    pub(crate) connections: usize,
}

impl Replay {
    /// The file that is played. In JSON, an object in each line: its `text` is sent, and behind the last comes the first.
    pub(crate) fn file() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/peers/replay.jsonl"))
    }

    /// # Errors
    /// When a message is wrong, missing, doubled or out of order.
    pub(crate) fn run(&self, address: SocketAddr, probe: &Probe, timing: Timing) -> Result<Traffic> {
        let mut fleet = Fleet::open_talking(address, super::REPLAY, self.connections)?;
        let payload = Payload::new(BYTES);
        // The next number that each connection must hear; a server may begin where it likes.
        let mut expected = vec![None; self.connections];
        let mut window = Window::begin(probe, timing)?;
        while window.tick()? {
            fleet.turn(|arrival, _| {
                let expected = &mut expected[arrival.connection];
                let number = match *expected {
                    Some(number) => payload.check(arrival.payload, number).map(|()| number)?,
                    None => payload.number(arrival.payload)?,
                };
                *expected = Some((number + 1) % MESSAGES);
                window.count();
                Ok(())
            })?;
        }
        ensure!(!expected.contains(&None), "a connection has heard nothing");
        let traffic = window.close().context("the replay ended before it was measured")?;
        // Nothing was asked, so nothing was answered.
        Ok(Traffic { round_trip: None, ..traffic })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_the_messages_that_are_expected() {
        let file = std::fs::read_to_string(Replay::file()).unwrap();
        let payload = Payload::new(BYTES);
        let mut next = 0;
        for line in file.lines() {
            let entry: serde_json::Value = serde_json::from_str(line).unwrap();
            payload.check(entry["text"].as_str().unwrap().as_bytes(), next).unwrap();
            next += 1;
        }
        assert_eq!(next, MESSAGES);
    }
}
